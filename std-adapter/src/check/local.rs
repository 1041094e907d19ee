//! What the bot has on its own machine: store and prompts.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;

use super::app::WITHIN;
use super::{Finding, Outcome};
use crate::clock::Clock;
use crate::configuration::{Configuration, Speech};
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

/// What the file describes for the built-in IVR, where it describes something.
pub(super) fn menus(configuration: &Configuration) -> Vec<Finding> {
    const CHECK: &str = "menus";
    let has_any = configuration
        .document()
        .and_then(|document| document.parse().ok())
        .is_some_and(|table| ["menu", "outgoing"].iter().any(|name| table.get_ref().contains_key(*name)));
    if !has_any {
        return Vec::new();
    }
    let menus = match Menus::read(configuration) {
        Ok(menus) => menus,
        Err(error) => {
            let way_out = "mend what is named: `callflow run` refuses it";
            return error
                .problems
                .iter()
                .map(|fault| Finding::failed(CHECK, fault.to_string(), way_out))
                .collect();
        }
    };
    let found =
        format!("{} menus, and {} calls that the bot can place", menus.by_name.len(), menus.outgoing.len());
    let way_out = "look whether it is meant so";
    let warnings = menus.warnings.iter().map(|warning| Finding::warning(CHECK, warning, way_out));
    std::iter::once(Finding::ok(CHECK, found)).chain(warnings).collect()
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
            return vec![Finding::failed(CHECK, error.to_string(), way_out)];
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
    findings
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
