//! The recorded figures, with the compiler that gave them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::figures::Figure;
use crate::instructions::Counted;

/// What `benches/footprint.json` holds.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    /// What `rustc -V` said.
    rustc: String,
    figures: Vec<Recorded>,
    instructions: Vec<Counted>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Recorded {
    name: String,
    value: u64,
}

impl Record {
    pub(crate) fn of(rustc: &str, figures: &[Figure], counted: &[Counted]) -> Self {
        let recorded = |figure: &Figure| Recorded { name: figure.name.clone(), value: figure.value };
        Self {
            rustc: rustc.to_owned(),
            figures: figures.iter().map(recorded).collect(),
            instructions: counted.to_vec(),
        }
    }

    /// Reads it; none where nothing was recorded yet.
    pub(crate) fn read() -> Result<Option<Self>, Failure> {
        let path = path();
        match fs::read_to_string(&path) {
            Ok(text) => {
                serde_json::from_str(&text).map(Some).map_err(|source| Failure::Json { path, source })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Failure::File { path, source }),
        }
    }

    pub(crate) fn write(&self) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(Failure::NotJson)?;
        fs::write(path(), text + "\n").map_err(Failure::file(path()))
    }

    pub(crate) fn figure(&self, name: &str) -> Option<u64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    pub(crate) fn case(&self, name: &str) -> Option<&Counted> {
        self.instructions.iter().find(|case| case.name == name)
    }
}

/// Which compilers the figures are of.
pub(crate) fn compilers(recorded: Option<&Record>, rustc: &str) -> String {
    match recorded {
        Some(record) if record.rustc == rustc => format!("\nfigures and recorded ones of {rustc}\n"),
        Some(record) => format!("\nfigures of {rustc}, recorded ones of {}\n", record.rustc),
        None => format!("\nfigures of {rustc}; none are recorded, --record does\n"),
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("footprint.json")
}
