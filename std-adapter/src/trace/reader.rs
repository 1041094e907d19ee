//! Reads a trace, line by line.

use std::io::BufRead;

use serde::Deserialize;
use serde_json::Value;

use super::{Line, TraceError, VERSION};

/// A line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The file was opened: what follows was written by one process.
    Opened {
        /// The release of callflow.
        written_by: String,
    },
    /// An input.
    Entry(Box<Line>),
    /// Entries could not be written.
    Lost(u64),
    /// The line was cut off: whoever wrote it was killed, or the disk was full. It is the last one, or the last before a
    /// header.
    Truncated {
        /// Its number in the file.
        line: usize,
    },
}

/// Reads a trace; the iterator ends after the first error.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    /// The number of the line that was read last.
    line: usize,
    /// A line that was read ahead, with its end.
    ahead: Option<String>,
    has_header: bool,
    is_over: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads from `from`.
    pub const fn new(from: R) -> Self {
        Self { from, line: 0, ahead: None, has_header: false, is_over: false }
    }

    /// The number of the line that was read last.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The next line that is not blank, with its end; none after the last.
    fn next_text(&mut self) -> Result<Option<String>, TraceError> {
        loop {
            let text = match self.ahead.take() {
                Some(ahead) => ahead,
                None => self.read_text(1)?,
            };
            if text.is_empty() {
                return Ok(None);
            }
            self.line = self.line.saturating_add(1);
            if !text.trim().is_empty() {
                return Ok(Some(text));
            }
        }
    }

    fn read_text(&mut self, further: usize) -> Result<String, TraceError> {
        let mut bytes = Vec::new();
        let line = self.line.saturating_add(further);
        self.from.read_until(b'\n', &mut bytes).map_err(|error| TraceError::Io { line, error })?;
        // What is cut off in a character is no JSON either.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn read(&mut self) -> Result<Option<Record>, TraceError> {
        let Some(text) = self.next_text()? else { return Ok(None) };
        let line = self.line;
        let bad = |reason: String| TraceError::Line { line, reason };
        let value: Value = match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(_) if !self.has_header => return Err(TraceError::NoHeader { line }),
            Err(error) => {
                if self.is_last_of_a_process(&text)? {
                    return Ok(Some(Record::Truncated { line }));
                }
                return Err(bad(format!("no JSON ({error})")));
            }
        };
        if let Some(version) = value.get("callflow_trace") {
            self.has_header = true;
            return read_header(&value, version, line).map(Some);
        }
        if !self.has_header {
            return Err(TraceError::NoHeader { line });
        }
        if let Some(lost) = value.get("lost") {
            let lost = lost.as_u64().ok_or_else(|| bad("`lost` is no number".to_owned()))?;
            return Ok(Some(Record::Lost(lost)));
        }
        match Line::deserialize(value) {
            Ok(entry) => Ok(Some(Record::Entry(Box::new(Line { number: line, ..entry })))),
            Err(error) => Err(bad(error.to_string())),
        }
    }

    /// Whether nothing follows `text`, or a header does.
    fn is_last_of_a_process(&mut self, text: &str) -> Result<bool, TraceError> {
        if !text.ends_with('\n') {
            return Ok(true);
        }
        let next = self.read_text(1)?;
        let is_header =
            serde_json::from_str::<Value>(&next).is_ok_and(|value| value.get("callflow_trace").is_some());
        self.ahead = Some(next);
        Ok(is_header)
    }
}

fn read_header(value: &Value, version: &Value, line: usize) -> Result<Record, TraceError> {
    let written_by = value.get("written_by").and_then(Value::as_str).unwrap_or("(not named)").to_owned();
    match version.as_u64() {
        Some(version) if version > VERSION.into() => Err(TraceError::Later { line, version, written_by }),
        Some(version) if version > 0 => Ok(Record::Opened { written_by }),
        Some(_) | None => Err(TraceError::NoHeader { line }),
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Record, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let read = self.read().transpose();
        self.is_over = !matches!(read, Some(Ok(_)));
        // An empty file is no trace.
        match read {
            None if !self.has_header => Some(Err(TraceError::NoHeader { line: 1 })),
            read => read,
        }
    }
}
