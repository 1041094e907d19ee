//! `callflow explain`: result and error codes, in words, with the way out.

use std::io::Write;
use std::process::ExitCode;

use callflow_core::result::{ResultInfo, explained};

use super::Failure;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A code, as 408, a pair, as 408/8537, or a number alone that Graph gave, as 7504
    #[arg(value_parser = parse)]
    code: (u32, Option<u32>),
    /// The subcode
    subcode: Option<u32>,
}

fn parse(text: &str) -> Result<(u32, Option<u32>), String> {
    let number = |text: &str| text.trim().parse().map_err(|_| format!("`{text}` is no whole number"));
    match text.split_once('/') {
        Some((code, subcode)) => Ok((number(code)?, Some(number(subcode)?))),
        None => Ok((number(text)?, None)),
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    let (code, in_pair) = args.code;
    if let Some(subcode) = in_pair.or(args.subcode) {
        let pair = ResultInfo { code, subcode };
        let known = pair.meaning();
        let words = known.unwrap_or("no source explains this pair");
        writeln!(out, "{}", line(pair, words))?;
        writeln!(out, "{:>12}  {}", "class", pair.class().words())?;
        if let Some(way_out) = way_out(pair) {
            writeln!(out, "{:>12}  {way_out}", "what to do")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut found = explained().filter(|(pair, _)| pair.code == code || pair.subcode == code).peekable();
    if found.peek().is_none() {
        let class = ResultInfo { code, subcode: 0 }.class().words();
        writeln!(out, "{code:>12}  no source explains this number; as a code it is {class}")?;
    }
    for (pair, words) in found {
        writeln!(out, "{}", line(pair, words))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn line(pair: ResultInfo, words: &str) -> String {
    format!("{:>12}  {words}", format!("{}/{}", pair.code, pair.subcode))
}

/// What can be done about an end or an error, where anything can.
///
/// Source: Graph docs, Calls overview, call: answer, call: keepAlive, call: delete; field reports for 7504, 7505, 8522.
fn way_out(pair: ResultInfo) -> Option<&'static str> {
    Some(match (pair.code, pair.subcode) {
        (403, 7504) => "have an administrator grant the permission to the app, and consent again",
        (403, 7505) => "use a token of the call's tenant",
        (404, 8522) => "answer an incoming call within 15 seconds; treat any other call as over",
        (400, 8523) => "check the call's state, and whether it is peer-to-peer or a conversation",
        (408, 8537) => "send a keepAlive at least every 45 minutes, better every 15",
        (410, 301_005) | (500, 1005) => "check that the network lets media through",
        (480, 10037 | 10076) | (408, 8544 | 10057) => "try again later: the callee is on no device",
        (480, 10199) => "have private calling enabled for the callee",
        _ => return None,
    })
}
