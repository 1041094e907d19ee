//! The callback, as somebody without a token finds it.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response, Uri};
use serde::Deserialize;

use super::Finding;
use super::app::WITHIN;
use crate::configuration::Configuration;
use crate::transport::{Transport, TransportError, is_loopback};

const CHECK: &str = "callback";
/// A header that the webhook repeats, and what it is repeated as.
const MESSAGE_ID: &str = "x-microsoft-skype-message-id";
const REPEATED: &str = "client-request-id";

/// What cannot be told from here.
const UNTOLD: &str = "whether the service reaches it from outside of this network cannot be told from here";

pub(super) async fn check(configuration: &Configuration, transport: &dyn Transport) -> Finding {
    let callback = &configuration.bot.callback;
    let Ok(uri) = callback.parse::<Uri>() else {
        return Finding::failed(CHECK, "it is no address", "give one as https://bot.example/calls");
    };
    let mark = uuid::Uuid::new_v4().to_string();
    let request = Request::post(&uri)
        .header(CONTENT_TYPE, "application/json")
        .header(MESSAGE_ID, &mark)
        .body(Bytes::from_static(b"{}"));
    let Ok(request) = request else {
        return Finding::failed(CHECK, "it is no address", "give one as https://bot.example/calls");
    };
    match tokio::time::timeout(WITHIN, transport.send(request)).await {
        Ok(Ok(answer)) => answered(&uri, &answer, &mark),
        Ok(Err(error)) => unreachable(configuration, &error),
        Err(_) => Finding::failed(
            CHECK,
            format!("nothing came within {WITHIN:?}"),
            "look whether the bot runs, and whether what stands before it (proxy, tunnel) reaches it",
        ),
    }
}

fn unreachable(configuration: &Configuration, error: &TransportError) -> Finding {
    let listen = configuration.listen;
    Finding::failed(
        CHECK,
        error.to_string(),
        format!(
            "start the bot first (it listens on {listen}), and let the callback lead there: a name in the DNS, a proxy or tunnel \
             with a certificate that is trusted publicly"
        ),
    )
}

#[derive(Deserialize)]
struct Refused {
    error: RefusedError,
}

#[derive(Deserialize)]
struct RefusedError {
    code: String,
}

/// A webhook of callflow refuses who has no token, and repeats the message's id.
fn answered(uri: &Uri, answer: &Response<Bytes>, mark: &str) -> Finding {
    let status = answer.status().as_u16();
    let repeated = answer.headers().get(REPEATED).and_then(|value| value.to_str().ok()) == Some(mark);
    let code = serde_json::from_slice::<Refused>(answer.body()).ok().map(|refused| refused.error.code);
    let is_webhook = repeated && code.as_deref() == Some("tokenMissing");
    let found = |what: &str| format!("a POST without a token is answered {status}: {what}");
    match status {
        401 if is_webhook => webhook(uri),
        401 | 403 => Finding::failed(
            CHECK,
            found("something before the bot asks for a login, which the service does not have"),
            "let what stands before the bot (proxy, gateway, App Service's authentication) pass requests to this path through: \
             the bot checks their token itself",
        ),
        200..=299 => Finding::failed(
            CHECK,
            found("whatever is there takes anybody's word, so it is not this bot's webhook"),
            "look where the name and the path lead to",
        ),
        300..=399 => Finding::failed(
            CHECK,
            found("it is led elsewhere, and a token is not carried along"),
            "give the address that it is led to as the callback",
        ),
        404 | 405 => Finding::failed(
            CHECK,
            found("nobody takes notifications at this path"),
            "compare the path of `webhook.callback` with what the proxy passes on: the bot serves the whole path",
        ),
        502..=504 => Finding::failed(
            CHECK,
            found("what stands before the bot does not reach it, or the bot has no room"),
            "start the bot, and let the proxy or tunnel lead to where it listens",
        ),
        _ => Finding::failed(
            CHECK,
            found("this is no webhook of callflow"),
            "look where the name and the path lead to",
        ),
    }
}

fn webhook(uri: &Uri) -> Finding {
    if is_loopback(uri) {
        return Finding::warning(
            CHECK,
            "a webhook of callflow answers on loopback",
            "that is for a simulator on this machine: for the service give a public https address",
        );
    }
    let is_private =
        uri.host().and_then(|host| host.parse::<std::net::Ipv4Addr>().ok()).is_some_and(|ip| ip.is_private());
    if is_private {
        let found = "a webhook of callflow answers at an address that is private to this network";
        return Finding::warning(
            CHECK,
            found,
            "give a public name: the service does not reach private addresses",
        );
    }
    Finding::ok(
        CHECK,
        format!("a webhook of callflow answers by https and refuses who has no token; {UNTOLD}"),
    )
}
