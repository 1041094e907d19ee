//! Whether core is small enough: every figure that has a budget, in one command.
//!
//! ```sh
//! cargo run --release -p callflow-benches --bin footprint              # the figures; fails over a budget
//! cargo run --release -p callflow-benches --bin footprint -- --json    # them alone, on one line
//! cargo run --release -p callflow-benches --bin footprint -- --record  # and writes them to benches/footprint.json
//! ```
//!
//! Flash, RAM, stack and panic paths are those of the images in `tests/firmware`, for a Cortex-M0 at opt-level s.
//! Instructions are counted there under QEMU, and on this machine under Valgrind; they are instructions, not cycles. What
//! it needs and does not find it installs: a target and llvm-tools with rustup, QEMU, Valgrind and Python with apt-get.
//!
//! Exit status: 0 within all budgets, 1 over one, 2 where something cannot be measured.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program that prints figures

/// The inputs that are counted: the same here as on the microcontroller, where they are a library's.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../../tests/firmware/src/cases.rs"]
mod cases;
mod failure;
mod figures;
mod firmware;
mod host;
mod instructions;
mod record;
mod tools;

use std::process::ExitCode;

use failure::Failure;
use figures::Figure;
use firmware::Firmware;
use instructions::Counted;
use record::Record;
use tools::Tools;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("footprint: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == [host::COUNT] {
        host::run_cases()?;
        return Ok(ExitCode::SUCCESS);
    }
    let wish = Wish::read(&arguments)?;
    if cfg!(debug_assertions) {
        return Err(Failure::NotOptimised);
    }
    let tools = Tools::ready()?;
    let (figures, counted) = measure(&tools)?;
    let recorded = Record::read()?;
    match wish.output {
        Format::Json => println!("{}", figures::json(&figures)?),
        Format::Text => {
            print!("{}", figures::table(&figures, recorded.as_ref()));
            print!("{}", instructions::table(&counted, recorded.as_ref()));
            print!("{}", record::compilers(recorded.as_ref(), &tools.rustc));
        }
    }
    if wish.record {
        Record::of(&tools.rustc, &figures, &counted).write()?;
    }
    let is_over = figures.iter().any(Figure::is_over);
    Ok(if is_over { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What was asked for.
struct Wish {
    output: Format,
    record: bool,
}

enum Format {
    Text,
    Json,
}

impl Wish {
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut wish = Self { output: Format::Text, record: false };
        for argument in arguments {
            match argument.as_str() {
                "--json" => wish.output = Format::Json,
                "--record" => wish.record = true,
                other => return Err(Failure::Argument { argument: other.to_owned() }),
            }
        }
        Ok(wish)
    }
}

fn measure(tools: &Tools) -> Result<(Vec<Figure>, Vec<Counted>), Failure> {
    let firmware = Firmware::new(tools)?;
    let mut figures = firmware.flash()?;
    figures.extend(firmware.ram()?);
    figures.extend(host::snapshots()?);
    figures.extend(firmware.stack()?);
    let counted = instructions::merge(&firmware.counts()?, &host::counts()?)?;
    figures.extend(instructions::figures(&counted)?);
    figures.extend(firmware.panic_paths()?);
    Ok((figures, counted))
}
