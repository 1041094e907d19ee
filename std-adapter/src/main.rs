//! The program `callflow`: a call to watch, notifications to read, a Graph to call.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::run(&cli::Args::parse())
}
