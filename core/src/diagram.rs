//! The rules as diagrams and tables, drawn from the tables that decide.
//!
//! Three drawings, [`Lifecycle`], [`Classification`] and [`Permissions`], each in three formats: Mermaid, which
//! documentation renders, DOT for Graphviz, and Markdown tables, which say each pair. They are displays: nothing is
//! allocated, and nothing of them is linked where nothing is drawn.
//!
//! ```
//! use callflow_core::diagram::{Format, Lifecycle, Permissions};
//!
//! let lifecycle = Lifecycle { format: Format::Mermaid }.to_string();
//! assert!(lifecycle.contains("incoming --> established: established"));
//! let permissions = Permissions { format: Format::Table }.to_string();
//! assert!(permissions.contains("| transfer | Calls.Initiate.All | Calls.Initiate.All |"));
//! ```

mod classification;
mod lifecycle;
mod permissions;

pub use classification::Classification;
pub use lifecycle::Lifecycle;
pub use permissions::Permissions;

use core::fmt::{self, Display, Formatter};

use crate::words::words;

words! {
    /// How a diagram is written.
    pub enum Format {
        /// For Mermaid, as Markdown renders it.
        Mermaid = "mermaid",
        /// For Graphviz.
        Dot = "dot",
        /// As Markdown tables.
        Table = "table",
    }
}

/// Writes an arrow of a diagram of states.
fn arrow(
    f: &mut Formatter<'_>,
    format: Format,
    from: impl Display,
    to: impl Display,
    label: impl Display,
) -> fmt::Result {
    match format {
        Format::Mermaid => writeln!(f, "    {from} --> {to}: {label}"),
        Format::Dot => writeln!(f, "    {from} -> {to} [label=\"{label}\"];"),
        // A table has cells in place of arrows.
        Format::Table => Ok(()),
    }
}

/// Writes the line below the head of a Markdown table.
fn rule(f: &mut Formatter<'_>, columns: usize) -> fmt::Result {
    writeln!(f, "| {} |", Joined(core::iter::repeat_n("---", columns), " | "))
}

/// Displays its items with a word between them.
struct Joined<I>(I, &'static str);

impl<I: Iterator<Item: Display> + Clone> Display for Joined<I> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for item in self.0.clone() {
            write!(f, "{between}{item}")?;
            between = self.1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
