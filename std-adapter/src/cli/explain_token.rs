//! `callflow explain-token`: why a notification's token is taken or refused, check by check.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{BAD_INPUT, Failure, complain};
use callflow_graph::client::{Cloud, Endpoints};
use callflow_graph::clock::Clock;
use callflow_graph::transport::Https;
use callflow_graph::webhook::authentication::{Authenticator, Expected, Fault, Finding};

/// The most that is read: a token has a few KiB.
const MAX_TOKEN: u64 = 64 * 1024;
/// How long the published keys may take to come.
const FETCH_WITHIN: Duration = Duration::from_secs(10);

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The app that the token has to be for; the token itself is read from standard input
    #[arg(long, value_name = "ID")]
    app_id: String,
    /// The tenant that it has to be of; any by default
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Whose service it comes from, for who may have issued it and where the keys are
    #[arg(long, value_name = "NAME", default_value_t = Cloud::Global)]
    cloud: Cloud,
    /// Who may have issued it, several times if need be; the cloud's service by default
    #[arg(long, value_name = "URL")]
    issuer: Vec<String>,
    /// Where the OpenID document is that leads to the keys; the cloud's by default
    #[arg(long, value_name = "URL", conflicts_with = "keys")]
    openid: Option<String>,
    /// A file with the key set, so that nothing is fetched
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Print one JSON object a check
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let token = match read_token() {
        Ok(token) => token,
        Err(words) => return Ok(bad_input(&words)),
    };
    let authenticator = match authenticator(args) {
        Ok(authenticator) => authenticator,
        Err(words) => return Ok(bad_input(&words)),
    };
    let findings = authenticator.examine(&token).await;
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{}", if args.json { as_json(finding) } else { in_words(finding) })?;
    }
    out.flush()?;
    let is_good = findings.iter().all(|finding| finding.outcome.is_ok());
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn bad_input(words: &str) -> ExitCode {
    complain(words);
    ExitCode::from(BAD_INPUT)
}

/// The token: alone, or as an `Authorization` header has it.
fn read_token() -> Result<String, String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        complain("reading the token from standard input; end with Ctrl-D");
    }
    let mut text = String::new();
    stdin
        .lock()
        .take(MAX_TOKEN)
        .read_to_string(&mut text)
        .map_err(|e| format!("the token cannot be read: {e}; give it on standard input"))?;
    let text = text.trim();
    let header = "authorization:";
    let value = match text.get(..header.len()) {
        Some(start) if start.eq_ignore_ascii_case(header) => {
            text.get(header.len()..).unwrap_or_default().trim()
        }
        Some(_) | None => text,
    };
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        Some(_) | None => value,
    };
    if token.is_empty() {
        Err("there is no token; give it on standard input".to_owned())
    } else {
        Ok(token.to_owned())
    }
}

fn authenticator(args: &Args) -> Result<Authenticator, String> {
    let mut expected = Expected::for_app(&args.app_id).in_cloud(args.cloud);
    if let Some(tenant) = &args.tenant {
        expected = expected.of_tenants([tenant.clone()]);
    }
    if !args.issuer.is_empty() {
        expected = expected.issued_by(args.issuer.iter().cloned());
    }
    let clock = Clock::system();
    if let Some(path) = &args.keys {
        let name = path.display();
        let set = std::fs::read(path)
            .map_err(|e| format!("{name} cannot be read: {e}; give the file of a key set"))?;
        return Authenticator::with_keys(expected, &set, clock)
            .map_err(|reason| format!("{name} is no key set: {reason}; give what `jwks_uri` leads to"));
    }
    let openid = args.openid.clone().unwrap_or_else(|| Endpoints::of(args.cloud).openid);
    let https = Https::try_new(FETCH_WITHIN, FETCH_WITHIN).map_err(|e| e.to_string())?;
    Ok(Authenticator::new(expected, openid, Arc::new(https), clock))
}

fn in_words(finding: &Finding) -> String {
    let Finding { check, found, outcome } = finding;
    match outcome {
        Ok(()) => format!("{:>10}  ok    {found}", check.name()),
        Err(fault) => format!("{:>10}  FAILS {found}: {fault}", check.name()),
    }
}

fn as_json(finding: &Finding) -> String {
    let fault = finding.outcome.as_ref().err();
    json!({
        "check": finding.check.name(),
        "holds": fault.is_none(),
        "found": finding.found,
        "fault": fault.map(Fault::code),
        "why": fault.map(ToString::to_string),
    })
    .to_string()
}
