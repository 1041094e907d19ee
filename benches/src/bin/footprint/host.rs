//! What is measured on this machine: snapshots, and instructions under Valgrind.

use std::path::Path;
use std::process::Command;
use std::{env, fs, hint};

use callflow_core::call::Output;

use crate::cases::{self, CASES, Call, Gives, OPERATIONS};
use crate::failure::Failure;
use crate::figures::{Figure, Unit};
use crate::tools::{found, line, stdout};

/// The argument with which this program runs the cases and nothing else, for Valgrind to count.
pub(crate) const COUNT: &str = "run-cases";

/// The function that is counted, as patterns of Valgrind. It must be two: Valgrind keeps one option a pattern.
const COUNTED: [&str; 2] = ["*cases*hand_in*", "*hand_in*"];

/// The bytes of a snapshot, and how many each pending operation adds.
pub(crate) fn snapshots() -> Result<Vec<Figure>, Failure> {
    let quiet = snapshot_len(&cases::quiet())?;
    let mut most = 0;
    let mut before = quiet;
    for operations in 1..=OPERATIONS {
        let len = snapshot_len(&cases::playing(operations))?;
        most = most.max(len.saturating_sub(before));
        before = len;
    }
    Ok(vec![
        Figure::new("snapshot: established peer-to-peer call, nothing pending", quiet, 96, Unit::Bytes),
        Figure::new("snapshot: each pending operation", most, 24, Unit::Bytes),
    ])
}

fn snapshot_len(call: &Call) -> Result<u64, Failure> {
    let mut buffer = [0; Call::SNAPSHOT_LEN];
    Ok(call.encode(&mut buffer).map_err(Failure::Snapshot)?.len() as u64)
}

/// Hands in every case, once.
pub(crate) fn run_cases() -> Result<(), Failure> {
    for case in hint::black_box(CASES) {
        let mut call = (case.before)();
        let (mut output, input) = (Output::new(), hint::black_box(case.input));
        let result = cases::hand_in(hint::black_box(&mut call), case.at, input, &mut output);
        let gives = Gives::of(result, hint::black_box(&output));
        if gives != case.gives {
            let said = format!("the case `{}` gives {gives:?}, not {:?}", case.name, case.gives);
            return Err(Failure::Case { said });
        }
    }
    Ok(())
}

/// The instructions of each case, in order.
pub(crate) fn counts() -> Result<Vec<u64>, Failure> {
    eprintln!("footprint: counting on this machine");
    let program = env::current_exe().map_err(Failure::file("this program"))?;
    let folder = program.with_file_name("footprint-counts");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Failure::file(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
    let dump = folder.join("case");
    let command = &mut Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", "--collect-atstart=no"]);
    // The counter runs in the counted function only, and each time that it returns goes into a file of its own.
    let [collected, dumped] = COUNTED;
    command.arg(format!("--toggle-collect={collected}")).arg(format!("--dump-after={dumped}"));
    command.arg(format!("--callgrind-out-file={}", dump.display())).arg(program).arg(COUNT);
    stdout(command)?;
    (1..=CASES.len()).map(|number| total(&dump.with_extension(number.to_string()), command)).collect()
}

fn total(file: &Path, command: &Command) -> Result<u64, Failure> {
    let said = fs::read_to_string(file).map_err(Failure::file(file))?;
    let total = said.lines().find_map(|line| line.strip_prefix("totals: "));
    found(total.and_then(|total| total.trim().parse().ok()), "the total", &line(command), &said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_does_what_it_says() {
        assert!(matches!(run_cases(), Ok(())));
    }

    #[test]
    fn an_operation_that_is_pending_has_its_place_in_the_snapshot() {
        let [quiet, each] = snapshots().unwrap().try_into().unwrap();
        assert!(quiet.value > 0);
        // Its id alone has 16 bytes.
        assert!(each.value > 16);
    }
}
