//! How sure a rule is: read on a page, seen on the wire, or assumed.

use crate::words::words;

words! {
    /// How sure a rule is.
    ///
    /// A command is refused locally only where a rule is documented; where it is less sure the command leaves with advice,
    /// because a wrong refusal here is worse than one by the service.
    pub enum Certainty {
        /// A page of the Graph docs says so.
        Documented = "documented",
        /// Field captures or reports show it; no page says so.
        Captured = "captured",
        /// It is inferred. Being wrong is survived: the row says how.
        Assumed = "assumed",
    }
}
