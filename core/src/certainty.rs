//! How sure a rule is: read on a page, seen on the wire, or assumed.

use crate::words::words;

words! {
    /// How sure a rule is.
    ///
    /// A command is refused locally where a rule is documented; where it is less sure the command leaves with advice,
    /// because a wrong refusal here is worse than one by the service. What is assumed and refuses all the same is little,
    /// and says in its row what happens if it is wrong: a second transfer while one is under way, a redirected call that is
    /// answered after all, and lists that would be empty.
    pub enum Certainty {
        /// A page of the Graph docs says so.
        Documented = "documented",
        /// Field captures or reports show it; no page says so.
        Captured = "captured",
        /// It is inferred. Being wrong is survived: the row says how.
        Assumed = "assumed",
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use super::*;
    use crate::deadline::Timer;
    use crate::limit::Limit;
    use crate::restriction::Restriction;
    use crate::{classification, lifecycle, permission, restriction, result};

    /// Every rule of every table: a name for it, how sure it is, and where it stands.
    fn rules() -> Vec<(String, Certainty, &'static str)> {
        let mut rules = Vec::new();
        rules.extend(lifecycle::action_rows().map(|row| (format!("{row:?}"), row.certainty, row.source)));
        rules.extend(lifecycle::news_rows().map(|row| (format!("{row:?}"), row.certainty, row.source)));
        rules.extend(
            classification::creation_rows().map(|row| (format!("{row:?}"), row.certainty, row.source)),
        );
        rules
            .extend(classification::change_rows().map(|row| (format!("{row:?}"), row.certainty, row.source)));
        rules.extend(permission::rows().map(|row| (format!("{row:?}"), row.certainty, row.source)));
        rules.extend(result::explained().map(|row| (format!("{row:?}"), row.certainty, row.source)));
        rules.extend(Restriction::ALL.iter().map(|one| (format!("{one:?}"), one.certainty(), one.source())));
        rules.extend(Limit::ALL.iter().map(|one| (format!("{one:?}"), one.certainty(), one.source())));
        rules.extend(Timer::ALL.iter().map(|one| (format!("{one:?}"), one.certainty(), one.source())));
        rules
    }

    #[test]
    fn every_rule_says_where_it_stands_as_sure_as_it_is() {
        for (name, certainty, source) in rules() {
            let beginning = match certainty {
                Certainty::Documented => "Graph docs, ",
                Certainty::Captured => "field ",
                Certainty::Assumed => "assumed",
            };
            assert!(source.starts_with(beginning), "{name}: {certainty}, {source}");
            assert!(!source.ends_with(['.', ';', ' ']), "{name}: {source}");
        }
        for row in restriction::rows() {
            let is_known = row.source.starts_with("Graph docs, ") || row.source.starts_with("assumed");
            assert!(is_known, "{}: {}", row.action, row.source);
        }
    }

    #[test]
    fn what_is_assumed_says_what_happens_if_it_is_wrong() {
        let restrictions = restriction::rows().map(|row| (format!("{}", row.action), row.source));
        for (name, source) in rules().into_iter().map(|(name, _, source)| (name, source)).chain(restrictions)
        {
            let way = source.split_once("if it is wrong, ").map(|(_, way)| way);
            assert!(
                !source.contains("assumed") || way.is_some_and(|way| !way.is_empty()),
                "{name}: {source}"
            );
        }
    }
}
