//! `callflow explain`: result and error codes, in words, with the way out.

use std::io::Write;
use std::process::ExitCode;

use callflow_core::result::{By, Class, Explanation, ResultInfo, explained, explanation};

use super::{BAD_INPUT, Failure, complain, standing};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A code, as 408, a pair, as 408/8537, or a number alone that Graph gave, as 7504
    #[arg(value_parser = parse)]
    code: (u32, Option<u32>),
    /// The subcode, where CODE is no pair
    #[arg(value_parser = number)]
    subcode: Option<u32>,
}

fn number(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is no whole number up to {}", u32::MAX))
}

fn parse(text: &str) -> Result<(u32, Option<u32>), String> {
    match text.split_once('/') {
        Some((code, subcode)) => Ok((number(code)?, Some(number(subcode)?))),
        None => Ok((number(text)?, None)),
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (code, in_pair) = args.code;
    if let (Some(first), Some(second)) = (in_pair, args.subcode) {
        complain(&format!("two subcodes, {first} and {second}; give one pair"));
        return Ok(ExitCode::from(BAD_INPUT));
    }
    let mut out = std::io::stdout().lock();
    if let Some(subcode) = in_pair.or(args.subcode) {
        let pair = ResultInfo { code, subcode };
        let known = explanation(pair);
        writeln!(out, "{}", line(pair, known.map_or("no source explains this pair", |known| known.words)))?;
        writeln!(out, "{:>12}  {}", "class", pair.class().words())?;
        if let Some(known) = known {
            details(&mut out, known)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let found: Vec<_> =
        explained().filter(|known| [known.pair.code, known.pair.subcode].contains(&code)).collect();
    for known in &found {
        writeln!(out, "{}", line(known.pair, known.words))?;
    }
    match (found.as_slice(), (ResultInfo { code, subcode: 0 }).class()) {
        ([], Class::Unknown) => writeln!(out, "{code:>12}  no source explains this number")?,
        ([], class) => {
            writeln!(out, "{code:>12}  no source explains this number; as a code it is {}", class.words())?;
        }
        ([known], _) => details(&mut out, known)?,
        (_, _) => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn line(pair: ResultInfo, words: &str) -> String {
    format!("{:>12}  {words}", format!("{}/{}", pair.code, pair.subcode))
}

/// Who ended the call and what to do, where there is anything to say, and where that stands.
fn details(out: &mut impl Write, known: &Explanation) -> std::io::Result<()> {
    let by = match known.by {
        By::Bot => Some("the bot"),
        By::OtherParticipant => Some("another participant"),
        By::Service => Some("the service"),
        By::Unknown => None,
    };
    if let Some(by) = by {
        writeln!(out, "{:>12}  {by}", "ended by")?;
    }
    if let Some(way_out) = known.way_out {
        writeln!(out, "{:>12}  {way_out}", "what to do")?;
    }
    writeln!(out, "{:>12}  {}", "source", standing(known.certainty, known.source))
}
