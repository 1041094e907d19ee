//! Results as JUnit XML: a suite for each scenario, a case for each run.

use std::fs::File;
use std::path::Path;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::Tested;

/// Why the file is not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum JunitError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Xml(#[from] SerializeError),
}

pub(super) fn write(path: &Path, all: &[Tested]) -> Result<(), JunitError> {
    Ok(report(all).serialize(File::create(path)?)?)
}

fn report(all: &[Tested]) -> Report {
    let mut report = Report::new("callflow test");
    for tested in all {
        let mut suite = TestSuite::new(format!("{}: {}", tested.file, tested.name));
        for (run, took) in &tested.reports {
            let status = match &run.failure {
                None => TestCaseStatus::success(),
                Some(failure) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(format!("expected {}, seen {}", failure.expected, failure.seen));
                    status.set_description(run.to_string());
                    status
                }
            };
            let name = match run.seed {
                None => "without faults".to_owned(),
                Some(seed) => format!("with the faults of seed {seed}"),
            };
            let mut case = TestCase::new(name, status);
            case.set_classname(tested.file.clone()).set_time(*took);
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report
}
