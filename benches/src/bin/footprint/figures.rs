//! Figures and their budgets.

use std::fmt::Write as _;

use serde::Serialize;

use crate::failure::Failure;
use crate::record::Record;

/// What a figure counts.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Unit {
    /// Bytes.
    #[serde(rename = "B")]
    Bytes,
    /// Instructions.
    #[serde(rename = "instructions")]
    Instructions,
    /// Calls that lead to a panic.
    #[serde(rename = "panic paths")]
    PanicPaths,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "B",
            Self::Instructions => "instructions",
            Self::PanicPaths => "panic paths",
        }
    }
}

/// A figure, and the most that it may be.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: u64,
    budget: u64,
    unit: Unit,
    /// How it came about, for people.
    #[serde(skip)]
    note: String,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: u64, budget: u64, unit: Unit) -> Self {
        Self { name: name.into(), value, budget, unit, note: String::new() }
    }

    pub(crate) fn noting(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.value > self.budget
    }
}

/// The figures on one line.
pub(crate) fn json(figures: &[Figure]) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Budgets<'a> {
        budgets: &'a [Figure],
    }
    serde_json::to_string(&Budgets { budgets: figures }).map_err(Failure::NotJson)
}

/// The figures for people, each beside the recorded one.
pub(crate) fn table(figures: &[Figure], recorded: Option<&Record>) -> String {
    let mut text = format!("{:>8}  {:>8}  {:>8}\n", "figure", "budget", "recorded");
    for Figure { name, value, budget, unit, note } in figures {
        let before = or_dash(recorded.and_then(|record| record.figure(name)));
        let verdict = if value > budget { "  OVER" } else { "" };
        let note = if note.is_empty() { String::new() } else { format!("  ({note})") };
        let unit = unit.name();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{value:>8}  {budget:>8}  {before:>8}  {unit:<12}  {name}{note}{verdict}");
    }
    text
}

/// A figure, or what stands for none.
pub(crate) fn or_dash(value: Option<u64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_line_of_budgets() {
        let figure = Figure::new("flash: everything", 7, 8, Unit::Bytes).noting("for people");
        assert_eq!(
            json(&[figure]).unwrap(),
            r#"{"budgets":[{"name":"flash: everything","value":7,"budget":8,"unit":"B"}]}"#
        );
    }

    #[test]
    fn a_figure_is_over_only_above_its_budget() {
        for (value, is_over) in [(7, false), (8, false), (9, true)] {
            assert_eq!(Figure::new("flash", value, 8, Unit::Bytes).is_over(), is_over, "{value}");
        }
    }
}
