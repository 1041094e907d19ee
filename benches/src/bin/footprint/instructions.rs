//! The instructions of the cases, and the figures that follow from them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::cases::{CASES, Class};
use crate::failure::Failure;
use crate::figures::{Figure, Unit, or_dash};
use crate::record::Record;

/// The instructions of a case.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Counted {
    pub(crate) name: String,
    /// On a Cortex-M0.
    pub(crate) m0: u64,
    /// On this machine.
    pub(crate) host: u64,
    #[serde(skip, default = "Counted::class")]
    class: Class,
}

impl Counted {
    /// What a case has that was only recorded.
    const fn class() -> Class {
        Class::Other
    }
}

/// Puts together what was counted on the microcontroller, by name, and on this machine, in order.
pub(crate) fn merge(m0: &[(String, u64)], host: &[u64]) -> Result<Vec<Counted>, Failure> {
    let cases = CASES.iter().zip(host);
    cases
        .map(|(case, host)| {
            let m0 = m0.iter().find(|(name, _)| name == case.name).map(|(_, count)| *count);
            let m0 = m0.ok_or_else(|| missing(case.name))?;
            Ok(Counted { name: case.name.to_owned(), m0, host: *host, class: case.class })
        })
        .collect()
}

/// The figures that have a budget.
pub(crate) fn figures(counted: &[Counted]) -> Result<Vec<Figure>, Failure> {
    let constant = |class| matches!(class, Class::Command | Class::State | Class::Other);
    let longer = counted.iter().filter_map(|case| match case.class {
        Class::Longer { than, by } => Some(growth(counted, case, than, by)),
        Class::Command | Class::State | Class::Other | Class::Roster => None,
    });
    let longer = longer.collect::<Result<Vec<_>, _>>()?;
    let of = |is_wanted: &dyn Fn(Class) -> bool| {
        let wanted = counted.iter().filter(|case| is_wanted(case.class));
        worst(wanted.map(|case| (case.m0, case.name.as_str())))
    };
    let figure = |name: &str, (value, which): (u64, &str), budget| {
        Figure::new(format!("instructions: {name}"), value, budget, Unit::Instructions).noting(which)
    };
    Ok(vec![
        figure("command or report of constant size", of(&constant), 1000),
        figure("each list entry or operation ended", worst(longer.into_iter()), 200),
        figure("roster of 16 into 16 places", of(&|class| class == Class::Roster), 12_500),
        Figure::new(
            "instructions on the host: command or state report, median",
            median(counted),
            400,
            Unit::Instructions,
        ),
    ])
}

/// The instructions of each entry that a case has more than a shorter one.
fn growth<'c>(
    counted: &[Counted],
    case: &'c Counted,
    than: &str,
    by: u32,
) -> Result<(u64, &'c str), Failure> {
    let shorter = counted.iter().find(|case| case.name == than).ok_or_else(|| missing(than))?;
    Ok((case.m0.saturating_sub(shorter.m0).div_ceil(u64::from(by).max(1)), case.name.as_str()))
}

fn worst<'c>(counts: impl Iterator<Item = (u64, &'c str)>) -> (u64, &'c str) {
    counts.max_by_key(|(count, _)| *count).unwrap_or_default()
}

/// Of an even number the upper one.
fn median(counted: &[Counted]) -> u64 {
    let wanted = counted.iter().filter(|case| matches!(case.class, Class::Command | Class::State));
    let mut counts: Vec<u64> = wanted.map(|case| case.host).collect();
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied().unwrap_or_default()
}

fn missing(name: &str) -> Failure {
    Failure::Case { said: format!("the case `{name}` was not counted") }
}

/// The instructions of each case for people, beside the recorded ones.
pub(crate) fn table(counted: &[Counted], recorded: Option<&Record>) -> String {
    let mut text =
        format!("\n{:>8}  {:>8}  {:>8}  {:>8}  instructions of\n", "M0", "recorded", "host", "recorded");
    for Counted { name, m0, host, .. } in counted {
        let before = recorded.and_then(|record| record.case(name));
        let (old_m0, old_host) = (or_dash(before.map(|case| case.m0)), or_dash(before.map(|case| case.host)));
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{m0:>8}  {old_m0:>8}  {host:>8}  {old_host:>8}  {name}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(name: &str, m0: u64, host: u64, class: Class) -> Counted {
        Counted { name: name.to_owned(), m0, host, class }
    }

    #[test]
    fn each_figure_is_of_its_own_class() {
        let all = [
            counted("hang up", 900, 300, Class::Command),
            counted("told established", 800, 200, Class::State),
            counted("answer taken", 950, 100, Class::Other),
            counted("roster", 9_000, 4_000, Class::Roster),
            counted("end", 1_701, 700, Class::Longer { than: "told established", by: 8 }),
        ];
        let values: Vec<u64> = figures(&all).unwrap().iter().map(|figure| figure.value).collect();
        assert_eq!(values, [950, 113, 9_000, 300]);
    }

    #[test]
    fn a_case_that_is_compared_with_none_is_an_error() {
        let lonely = counted("end", 1, 1, Class::Longer { than: "nothing", by: 8 });
        assert!(matches!(figures(&[lonely]), Err(Failure::Case { .. })));
    }
}
