//! `callflow diagram`: the rules, drawn from the tables that decide.

use std::fmt::Display;
use std::process::ExitCode;

use callflow_core::diagram::{Classification, Format, Lifecycle, Permissions};
use clap::ValueEnum;

use super::{Failure, one_of, print};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// What to draw
    #[arg(value_enum, default_value_t = Drawing::Lifecycle)]
    drawing: Drawing,
    /// For which reader: Mermaid, Graphviz, or anybody, as Markdown tables
    #[arg(long, value_parser = one_of(Format::ALL, Format::name), ignore_case = true, default_value_t = Format::Mermaid)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Drawing {
    /// The states of a call, what leads from one to another, and which actions may leave in each
    Lifecycle,
    /// When a call is peer-to-peer and when a group, and how it is hosted
    Classification,
    /// Which permissions each action needs
    Permissions,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let format = args.format;
    let drawing: &dyn Display = match args.drawing {
        Drawing::Lifecycle => &Lifecycle { format },
        Drawing::Classification => &Classification { format },
        Drawing::Permissions => &Permissions { format },
    };
    print(drawing)
}
