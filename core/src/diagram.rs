//! The lifecycle as a diagram, drawn from the table itself.
//!
//! ```
//! use callflow_core::diagram::Diagram;
//! assert!(Diagram.to_string().contains("incoming --> established: told established"));
//! ```

use core::fmt;

use crate::lifecycle::{Effect, State, Trigger, effect};

/// Displays as a Mermaid state diagram: a solid arrow for each piece of news that leads to another state, with `(asked)`
/// where the call is asked for too. Repeats, stale news and commands are left out: they change no state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Diagram;

impl fmt::Display for Diagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "stateDiagram-v2")?;
        for state in State::ALL {
            for trigger in Trigger::ALL {
                match effect(*state, *trigger) {
                    Effect::To(to) => writeln!(f, "    {state} --> {to}: {trigger}")?,
                    Effect::Adopt(to) => writeln!(f, "    {state} --> {to}: {trigger} (asked)")?,
                    Effect::Allow
                    | Effect::AllowIfAnswered(_)
                    | Effect::AllowIfInferred(_)
                    | Effect::Refuse(_)
                    | Effect::Same
                    | Effect::Stale
                    | Effect::Unexplained => {}
                }
            }
        }
        Ok(())
    }
}
