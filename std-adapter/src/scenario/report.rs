//! What came of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::check::Failure;
use super::ladder;
use crate::simulator::Observed;

/// What came of a run. As text it is the reason why it failed, with the ladder up to what is wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The scenario's name.
    pub name: String,
    /// The seed of its faults; none where there were none.
    pub seed: Option<u64>,
    /// Why it failed; none where it did not.
    pub failure: Option<Failure>,
    /// Everything that happened, in its order.
    pub entries: Vec<Observed>,
    /// When it began, in milliseconds since the Unix epoch.
    pub begun: u64,
    /// How long it took, by the clock of the simulator.
    pub took: Duration,
    /// Which line of the file an entry met, by its number.
    pub(super) met: BTreeMap<u64, usize>,
}

impl Report {
    /// Whether all was as the scenario says.
    pub fn is_passed(&self) -> bool {
        self.failure.is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under = match self.seed {
            Some(seed) => format!(", with the faults of seed {seed}"),
            None => String::new(),
        };
        let Some(failure) = &self.failure else { return writeln!(f, "passed: {}{under}", self.name) };
        writeln!(f, "FAILED: {}{under}", self.name)?;
        let line = failure.line.map(|line| format!("  (line {line} of the file)")).unwrap_or_default();
        writeln!(f, "  expected  {}{line}", failure.expected)?;
        writeln!(f, "  seen      {}\n", failure.seen)?;
        ladder::draw(self, f)
    }
}
