//! `callflow check`: what can be told of a bot before its first call.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use callflow_graph::check::{Finding, Outcome, REFUSALS, Report, check};
use callflow_graph::clock::Clock;
use serde_json::json;

use super::configuration::Given;
use super::{Failure, print};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    given: Given,
    /// Print one JSON object, with findings, abilities and causes
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let configuration = match args.given.load() {
        Ok(configuration) => configuration,
        Err(code) => return Ok(code),
    };
    let transport = Arc::new(configuration.transport(Duration::from_secs(5), Duration::from_secs(15))?);
    let report = check(&configuration, transport, Clock::system()).await;
    if args.json {
        print(&format!("{}\n", as_json(&report)))?
    } else {
        print(&in_words(&report))?
    };
    Ok(if report.outcome() == Outcome::Failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn in_words(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a text does not fail.
    for Finding { check, outcome, found, way_out, .. } in &report.findings {
        let _ = writeln!(text, "{outcome:>9}  {check}: {found}");
        if let Some(way_out) = way_out {
            let _ = writeln!(text, "{:>9}  {way_out}", "→");
        }
    }
    let _ = writeln!(text, "\nWhat the bot can do, as far as its permissions are known:\n");
    let _ = writeln!(text, "{:>28}  {:<45}  in a group or meeting", "", "peer-to-peer");
    for row in &report.abilities {
        let _ = writeln!(text, "{:>28}  {:<45}  {}", row.action.name(), row.p2p.to_string(), row.group);
    }
    let _ = writeln!(text, "\nWhat the service refuses an app for, and what may be the cause:");
    for refusal in REFUSALS {
        let _ = writeln!(text, "\n403 with {}: {}", refusal.code, refusal.says);
        for cause in refusal.causes {
            let _ = writeln!(text, "  [ ] {cause}");
        }
    }
    text
}

fn as_json(report: &Report) -> serde_json::Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|f| json!({"check": f.check, "outcome": f.outcome.name(), "found": f.found, "way_out": f.way_out}))
        .collect();
    let abilities: Vec<_> = report
        .abilities
        .iter()
        .map(|row| json!({"action": row.action.name(), "p2p": row.p2p.to_string(), "group": row.group.to_string()}))
        .collect();
    let refusals: Vec<_> =
        REFUSALS.iter().map(|r| json!({"code": r.code, "says": r.says, "causes": r.causes})).collect();
    json!({
        "outcome": report.outcome().name(),
        "findings": findings,
        "abilities": abilities,
        "refusals": refusals,
    })
}
