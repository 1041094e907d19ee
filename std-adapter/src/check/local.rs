//! What the bot has on its own machine: store and prompts.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;

use super::app::WITHIN;
use super::{Finding, Outcome};
use crate::clock::Clock;
use crate::configuration::{Configuration, Problem, Speech};
use crate::ivr::Menus;
use crate::prompt::format::inspect;
use crate::prompt::{Load, Prompts};
use crate::store::{CallName, StoreError};
use crate::transport::Transport;

pub(super) async fn store(configuration: &Configuration) -> Finding {
    const CHECK: &str = "store";
    let Some(file) = &configuration.store.file else {
        let way_out = "give `store.file`: after a restart the bot knows nothing of the calls that are up";
        return Finding::warning(CHECK, "calls are kept in memory alone", way_out);
    };
    let was_there = file.exists();
    let written = written(configuration).await;
    if !was_there {
        // It was made to find out whether it can be.
        let _ = std::fs::remove_file(file);
    }
    match written {
        Ok(()) if configuration.store.keys.is_some() => {
            Finding::ok(CHECK, format!("{} can be written, encrypted", file.display()))
        }
        Ok(()) => Finding::ok(CHECK, format!("{} can be written", file.display())),
        Err(error @ StoreError::InUse { .. }) => Finding::warning(
            CHECK,
            error.to_string(),
            "nothing has to be done where that process is this bot",
        ),
        Err(error) => Finding::failed(CHECK, format!("{} cannot be used", file.display()), error.to_string()),
    }
}

/// Writes as a notification does, and takes it back.
async fn written(configuration: &Configuration) -> Result<(), StoreError> {
    let store = configuration.store.open()?;
    let name = CallName::random();
    let seq = store.append(&name, b"callflow check".to_vec()).await?;
    store.read(&name).await?;
    store.forget(&name, seq).await?;
    Ok(())
}

pub(super) async fn prompts(
    configuration: &Configuration,
    transport: &Arc<dyn Transport>,
    clock: Clock,
    is_served: bool,
) -> Vec<Finding> {
    const CHECK: &str = "prompts";
    let mut settings = configuration.prompts.clone();
    // Whatever is fetched later has to be good now.
    settings.load = Load::AtStart;
    // A key that is kept is made by the bot, not here.
    settings.kept_key = settings.kept_key.filter(|path| path.exists());
    let prompts = match settings.open(Arc::clone(transport), clock).await {
        Ok(prompts) => prompts,
        Err(error) => {
            let way_out = "mend what is named, or take it out of the folder";
            let failed = Finding::failed(CHECK, error.to_string(), way_out);
            return std::iter::once(failed).chain(menus(configuration, None).await).collect();
        }
    };
    let names = prompts.names();
    let mut findings = vec![match names.first() {
        None => Finding::ok(CHECK, "there are none"),
        Some(first) => {
            let fetched = fetched(&prompts, first, &**transport).await;
            of_fetched(&fetched, names.len(), is_served)
        }
    }];
    if !matches!(configuration.prompts.speech, Speech::Nobody) {
        findings.push(match prompts.say("callflow").await {
            Ok(_) => Finding::ok("speech", "a word was spoken"),
            Err(error) => Finding::failed("speech", "no word can be spoken", error.to_string()),
        });
    }
    findings.extend(menus(configuration, Some(&prompts)).await);
    findings
}

/// The menus and calls that `callflow run` would read, with whatever they play; nothing where the file describes none.
async fn menus(configuration: &Configuration, prompts: Option<&Prompts>) -> Vec<Finding> {
    const CHECK: &str = "menus";
    if !Menus::are_in(configuration) {
        return Vec::new();
    }
    let menus = match Menus::read(configuration) {
        Ok(menus) => menus,
        Err(error) => {
            let way_out = "mend what is named: `callflow run` refuses it";
            let failed = |fault: &Problem| Finding::failed(CHECK, fault.to_string(), way_out);
            return error.problems.iter().map(failed).collect();
        }
    };
    if let Some(prompts) = prompts
        && let Err(error) = menus.prepare(prompts).await
    {
        return vec![Finding::failed(CHECK, "not everything can be played", error.to_string())];
    }
    let played = if prompts.is_some() { ", and whatever they play can be had" } else { "" };
    let (menus_read, calls) = (menus.by_name.len(), menus.outgoing.len());
    let found =
        Finding::ok(CHECK, format!("{menus_read} menus and {calls} outgoing calls can be read{played}"));
    let way_out = "look whether it is meant so";
    let warnings = menus.warnings.iter().map(|warning| Finding::warning(CHECK, warning, way_out));
    std::iter::once(found).chain(warnings).collect()
}

/// Fetches a prompt as the service would.
async fn fetched(prompts: &Prompts, name: &str, transport: &dyn Transport) -> Result<(), String> {
    let address = prompts.url(name).map_err(|error| error.to_string())?;
    let request =
        Request::get(address.uri().reveal()).body(Bytes::new()).map_err(|error| error.to_string())?;
    let answer = tokio::time::timeout(WITHIN, transport.send(request))
        .await
        .map_err(|_| format!("nothing came within {WITHIN:?}"))?
        .map_err(|error| error.to_string())?;
    match answer.status().as_u16() {
        200 => inspect(answer.body()).map(|_| ()).map_err(|error| error.to_string()),
        403 => {
            Err("its address is refused (403): the running bot has another key for prompts, or another clock"
                .to_owned())
        }
        status => Err(format!("status {status}")),
    }
}

fn of_fetched(fetched: &Result<(), String>, count: usize, is_served: bool) -> Finding {
    const CHECK: &str = "prompts";
    match fetched {
        Ok(()) => {
            Finding::ok(CHECK, format!("{count} can be played, and one was fetched as the service would"))
        }
        Err(reason) => {
            let outcome = if is_served { Outcome::Failed } else { Outcome::Warning };
            let found = format!("{count} can be played, but one was not to be fetched: {reason}");
            let way_out = if is_served {
                "let the proxy pass the path of `prompts.address` on to the bot, too"
            } else {
                "see to the callback first: prompts are served beside it"
            };
            Finding { check: CHECK, outcome, found, way_out: Some(way_out.to_owned()) }
        }
    }
}
