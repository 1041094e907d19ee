//! Stories: a call, and what happens to it, whether anything of it makes sense or not.

use std::vec::Vec;

use super::{Act, Broken, Observer, Opening};
use crate::call::{Call, Input, Output, Refused};
use crate::time::{Span, Timestamp};

/// A call, and what happens to it. `Debug` prints an act a line.
#[derive(Clone, PartialEq, Eq)]
pub struct Story {
    /// How it begins.
    pub opening: Opening,
    /// Acts, and how many milliseconds pass before each.
    pub acts: Vec<(u64, Act)>,
}
impl core::fmt::Debug for Story {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        writeln!(f, "{:?}", self.opening)?;
        for (pause, act) in &self.acts {
            writeln!(f, "{pause:>9} ms later: {act:?}")?;
        }
        Ok(())
    }
}

impl Story {
    /// Plays the story under the eyes of an [`Observer`], with a tick at each deadline, and shows `see` the call and what
    /// each act gave. A call that is refused has no story.
    ///
    /// # Errors
    /// The invariant that broke.
    pub fn play<const R: usize, const O: usize>(
        &self,
        mut see: impl FnMut(&Call<R, O>, &Result<Output<'_>, Refused>),
    ) -> Result<Option<Call<R, O>>, Broken> {
        let mut now = Timestamp::from_millis(1_000_000);
        let Ok((mut call, output)) = self.opening.open::<R, O>(now) else { return Ok(None) };
        let mut observer = Observer::open(&self.opening, &call, now)?;
        see(&call, &Ok(output));
        for (pause, act) in &self.acts {
            now = now.plus(Span::from_millis(*pause));
            while let Some(due) = call.next_deadline().filter(|due| due.at <= now) {
                let result = observer.observe(&mut call, due.at, Input::Tick)?;
                see(&call, &result);
            }
            let before = call.clone();
            act.with(&before, |input| {
                let result = observer.observe(&mut call, now, input)?;
                see(&call, &result);
                Ok(())
            })?;
        }
        Ok(Some(call))
    }
}
