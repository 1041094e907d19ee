//! A configuration is made of the values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callflow_core::deadline::{Timer, Timers};
use callflow_core::permission::{Grants, Permission, Permissions, Policy};
use callflow_core::restriction::{Overrides, Restriction};
use callflow_core::roster::Trust;
use callflow_core::time::Span;
use secrecy::{ExposeSecret, SecretString};

use super::error::{ConfigurationError, Fault, Origin, Problem, nearest};
use super::key::KEYS;
use super::value::{Document, Values};
use super::{
    Configuration, OperationsSettings, PromptSettings, Setting, Speech, StoreSettings, TraceSettings,
};
use crate::bot::{AtLimit, Config, Drain, Enforce, Incoming, Joining, Quota, StoreOutage, UnknownCalls};
use crate::client::{Certificate, Cloud, Credentials, Endpoints, Federation, Limits, ManagedIdentity, Proof};
use crate::prompt::tts::AzureSpeech;
use crate::prompt::{self, Load};
use crate::session::Beta;
use crate::store::encrypted::{Key, Keys};
use crate::trace::KeyPresses;
use crate::transport::Https;
use crate::webhook::authentication::Expected;
use crate::webhook::{Connection, Settings};

/// The timers, and the keys that set them.
const TIMERS: [(&str, Timer); 11] = [
    ("timers.answer", Timer::Answer),
    ("timers.answer_policy_recording", Timer::AnswerPolicyRecording),
    ("timers.ring", Timer::Ring),
    ("timers.keep_alive", Timer::KeepAlive),
    ("timers.keep_alive_retry", Timer::KeepAliveRetry),
    ("timers.media", Timer::Media),
    ("timers.news", Timer::News),
    ("timers.creation", Timer::Creation),
    ("timers.operation", Timer::Operation),
    ("timers.question", Timer::Question),
    ("timers.question_lost", Timer::QuestionLost),
];

/// The shortest key for operations, in bytes.
const MIN_OPERATIONS_KEY: usize = 16;
const DEFAULT_LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 3978);
const DEFAULT_OPERATIONS: ([u8; 4], u16) = ([127, 0, 0, 1], 3979);

pub(super) fn apply(
    values: Values,
    document: Option<Document>,
    variables: &BTreeMap<String, String>,
) -> Result<Configuration, ConfigurationError> {
    let Parts { bot, listen, store, prompts, operations, trace, drain, authorities } =
        parts(&values, variables);
    let mut settings = Vec::new();
    for key in KEYS {
        let given = values.given().find(|(path, ..)| *path == key.path);
        settings.extend(given.map(|(path, value, origin)| Setting {
            key: path,
            value: value.shown(),
            origin: origin.clone(),
        }));
    }
    let warnings = values.warnings.clone();
    // A key without which there is nothing refused itself by now.
    match (values.into_problems(), prompts) {
        (problems, Some(prompts)) if problems.is_empty() => Ok(Configuration {
            bot,
            listen,
            store,
            prompts,
            operations,
            trace,
            drain,
            warnings,
            authorities,
            document,
            settings,
        }),
        (problems, _) => Err(ConfigurationError { problems }),
    }
}

struct Parts {
    bot: Config,
    listen: std::net::SocketAddr,
    store: StoreSettings,
    prompts: Option<PromptSettings>,
    operations: Option<OperationsSettings>,
    trace: Option<TraceSettings>,
    drain: Drain,
    authorities: Option<Vec<u8>>,
}

fn parts(values: &Values, variables: &BTreeMap<String, String>) -> Parts {
    let secret = values.secret("app.secret", "app.secret_file");
    let bot = bot(values, credentials(values, secret.clone(), variables));
    let store = store(values);
    let prompts = prompts(values, &bot.callback, secret.as_ref(), store.file.as_deref());
    Parts {
        listen: listen(values),
        operations: operations(values),
        trace: trace(values),
        drain: drain(values),
        authorities: authorities(values),
        bot,
        store,
        prompts,
    }
}

fn trace(values: &Values) -> Option<TraceSettings> {
    let keys = if values.boolean("trace.show_keys") { KeyPresses::Shown } else { KeyPresses::Hidden };
    Some(TraceSettings { file: values.path("trace.file")?.to_owned(), keys })
}

/// The keys that are read.
#[cfg(test)]
pub(super) fn asked(values: &Values) -> std::collections::BTreeSet<&'static str> {
    let _ = parts(values, &BTreeMap::new());
    values.asked()
}

fn required(values: &Values, path: &'static str) -> String {
    if let Some(text) = values.text(path) {
        return text.to_owned();
    }
    let variable = KEYS.iter().find(|key| key.path == path).map_or_else(String::new, super::Key::variable);
    values.refuse(path, Fault::Missing(variable));
    String::new()
}

fn credentials(
    values: &Values,
    secret: Option<SecretString>,
    variables: &BTreeMap<String, String>,
) -> Credentials {
    let (tenant_id, app_id) = (required(values, "app.tenant_id"), required(values, "app.id"));
    let proof = proof(values, secret, &app_id, variables);
    if proof.is_none() && !proof_is_at_fault(values) {
        let problem = Problem {
            key: "app.secret".to_owned(),
            origin: Origin::Nowhere,
            fault: Fault::MissingSecret {
                variable: "CALLFLOW_APP_SECRET".to_owned(),
                file_key: "app.secret_file`, or a proof without a secret as `app.certificate_file`, \
                           `app.federated_token_file` or `app.managed_identity"
                    .to_owned(),
            },
        };
        values.problem(problem);
    }
    // Without a proof there is no configuration, and nothing uses this.
    Credentials::new(tenant_id, app_id, proof.unwrap_or_else(|| SecretString::from("").into()))
}

/// Whether a proof was given that cannot be used, which is told of already.
fn proof_is_at_fault(values: &Values) -> bool {
    ["app.secret_file", "app.certificate_file", "app.managed_identity"]
        .iter()
        .any(|path| values.origin(path) != Origin::Nowhere)
}

/// The proof that was given nearest to the command; among those of one file the first in the order of the keys.
fn proof(
    values: &Values,
    secret: Option<SecretString>,
    app_id: &str,
    variables: &BTreeMap<String, String>,
) -> Option<Proof> {
    let certificate = values.path("app.certificate_file");
    let federated = values.path("app.federated_token_file");
    let identity = values.text("app.managed_identity");
    let of_secret = values.origin("app.secret").rank().max(values.origin("app.secret_file").rank());
    let mut ranks = vec![(if secret.is_some() { of_secret } else { 0 }, 0)];
    let others = ["app.certificate_file", "app.federated_token_file", "app.managed_identity"];
    ranks.extend(others.iter().zip(1..).map(|(path, place)| (values.origin(path).rank(), place)));
    let (rank, place) = ranks.into_iter().rev().max_by_key(|(rank, _)| *rank)?;
    match (rank, place) {
        (0, _) => None,
        (_, 0) => secret.map(Proof::Secret),
        (_, 1) => match Certificate::from_file(certificate?) {
            Ok(certificate) => Some(certificate.into()),
            Err(error) => {
                values.refuse("app.certificate_file", Fault::Refused(error.to_string()));
                None
            }
        },
        (_, 2) => Some(Federation::File(PathBuf::from(federated?)).into()),
        (_, _) => managed(values, identity?, app_id, variables).map(Proof::from),
    }
}

fn managed(
    values: &Values,
    host: &str,
    app_id: &str,
    variables: &BTreeMap<String, String>,
) -> Option<ManagedIdentity> {
    if host == "virtual_machine" {
        return Some(ManagedIdentity::of_virtual_machine().user_assigned(app_id));
    }
    if let (Some(endpoint), Some(header)) =
        (variables.get("IDENTITY_ENDPOINT"), variables.get("IDENTITY_HEADER"))
    {
        return Some(ManagedIdentity::of_app_service(endpoint, header.clone()).user_assigned(app_id));
    }
    let fault = "App Service and Container Apps set the variables IDENTITY_ENDPOINT and IDENTITY_HEADER where the app has \
                 an identity; they are not set here";
    values.refuse("app.managed_identity", Fault::Together(fault.to_owned()));
    None
}

fn bot(values: &Values, credentials: Credentials) -> Config {
    let app_id = credentials.app_id.clone();
    let cloud = cloud(values);
    let mut config = Config::new(credentials, required(values, "webhook.callback")).in_cloud(cloud);
    endpoints(values, &mut config.endpoints);
    let mut expected = Expected::for_app(app_id).in_cloud(cloud);
    if let Some(issuers) = values.list("cloud.issuers") {
        expected = expected.issued_by(issuers.to_vec());
    }
    if let Some(tenants) = values.list("webhook.tenants") {
        expected = expected.of_tenants(tenants.to_vec());
    }
    config.expected = expected;
    config.grants = grants(values);
    config.policy = match values.text("app.permission_policy") {
        Some("enforce") => Policy::Enforce,
        Some("off") => Policy::Off,
        _ => Policy::Advise,
    };
    config.limits = limits(values);
    config.beta = if values.boolean("calls.beta") { Beta::On } else { Beta::Off };
    config.overrides = overrides(values);
    config.trust = if values.boolean("calls.trust_rosters") { Trust::Snapshots } else { Trust::Confirm };
    config.timers = timers(values);
    config.quota = quota(values);
    config.keep_ended = values.span("calls.keep_ended").unwrap_or(config.keep_ended);
    config.keep_unknown = values.span("calls.keep_unknown").unwrap_or(config.keep_unknown);
    config.unknown_calls = match values.text("calls.unknown") {
        Some("hang_up") => UnknownCalls::HangUp,
        Some("adopt") => UnknownCalls::Adopt,
        _ => UnknownCalls::Ignore,
    };
    config.asked_at_a_time = size(values, "calls.asked_at_a_time").unwrap_or(config.asked_at_a_time);
    config.handler_within = values.span("calls.handler_within").unwrap_or(config.handler_within);
    let within = values.span("calls.joining_within").unwrap_or(config.joining.within);
    config.joining = Joining { within, ..Joining::default() };
    config.store_outage = match values.text("store.outage") {
        Some("wait") => StoreOutage::Wait,
        _ => StoreOutage::GO_ON,
    };
    config.webhook = webhook(values);
    config
}

fn cloud(values: &Values) -> Cloud {
    let Some(name) = values.text("cloud.name") else { return Cloud::Global };
    let Some(cloud) = Cloud::of_login(name).or_else(|| name.parse().ok()) else {
        unknown_name(values, "cloud.name", name, Cloud::ALL.iter().map(|cloud| cloud.name()));
        return Cloud::Global;
    };
    if !cloud.has_calling() {
        let fault = "there is no calling API in this cloud: run the bot in another cloud, for the tenants of that one";
        values.refuse("cloud.name", Fault::Refused(fault.to_owned()));
    }
    cloud
}

fn endpoints(values: &Values, endpoints: &mut Endpoints) {
    let set = |path: &'static str, to: &mut String| {
        if let Some(text) = values.text(path) {
            text.clone_into(to);
        }
    };
    set("cloud.authority", &mut endpoints.authority);
    set("cloud.graph", &mut endpoints.graph);
    set("cloud.openid", &mut endpoints.openid);
    set("cloud.scope", &mut endpoints.scope);
}

/// What is trusted besides this machine's authorities. Whoever has the key of one of them can be any host to the bot: so
/// none is trusted by a bot of a real cloud.
fn authorities(values: &Values) -> Option<Vec<u8>> {
    let file = values.path("cloud.ca_file");
    let others = ["cloud.authority", "cloud.graph", "cloud.openid"].map(|path| values.text(path));
    let file = file?;
    let is_real = |address: &str| {
        let of = |cloud: &Cloud| [Some(cloud.login()), Some(cloud.graph_root()), cloud.openid()];
        Cloud::ALL.iter().flat_map(of).flatten().any(|known| host_of(known) == host_of(address))
    };
    if others.iter().any(|address| address.is_none_or(is_real)) {
        let fault = "it is for a test double alone: give that one's addresses as `cloud.authority`, `cloud.graph` and \
                     `cloud.openid`, or remove `cloud.ca_file`";
        values.refuse("cloud.ca_file", Fault::Together(fault.to_owned()));
        return None;
    }
    let read = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display())).and_then(|pem| {
        let within = Duration::from_secs(1);
        Https::try_new_trusting(within, within, &pem).map(|_| pem).map_err(|error| error.to_string())
    });
    read.map_err(|reason| values.refuse("cloud.ca_file", Fault::Refused(reason))).ok()
}

/// The host of an address, in lower case.
fn host_of(address: &str) -> String {
    let uri = address.parse::<http::Uri>().ok();
    uri.and_then(|uri| uri.host().map(str::to_ascii_lowercase)).unwrap_or_default()
}

fn grants(values: &Values) -> Grants {
    let Some(names) = values.list("app.permissions") else { return Grants::Unknown };
    let mut granted = Permissions::NONE;
    for name in names {
        match Permission::parse(name) {
            Some(permission) => granted = granted.with(permission),
            None => {
                unknown_name(values, "app.permissions", name, Permission::ALL.iter().map(|one| one.name()));
            }
        }
    }
    Grants::Known(granted)
}

fn overrides(values: &Values) -> Overrides {
    let mut overrides = Overrides::NONE;
    for name in values.list("calls.overrides").unwrap_or_default() {
        match Restriction::parse(name) {
            Some(restriction) => overrides = overrides.with(restriction),
            None => {
                unknown_name(values, "calls.overrides", name, Restriction::ALL.iter().map(|one| one.name()));
            }
        }
    }
    overrides
}

fn unknown_name(values: &Values, path: &'static str, name: &str, known: impl Iterator<Item = &'static str>) {
    let among: Vec<_> = known.map(str::to_owned).collect();
    let meant = nearest(name, among.iter().map(String::as_str));
    values.refuse(path, Fault::Choice { found: name.chars().take(40).collect(), among, meant });
}

fn limits(values: &Values) -> Limits {
    let usual = Limits::default();
    Limits {
        exchange: values.span("limits.exchange").unwrap_or(usual.exchange),
        request: values.span("limits.request").unwrap_or(usual.request),
        renew_before: values.span("limits.renew_before").unwrap_or(usual.renew_before),
        ..usual
    }
}

fn timers(values: &Values) -> Timers {
    let mut timers = Timers::DEFAULT;
    for (path, timer) in TIMERS {
        let Some(span) = values.span(path) else { continue };
        let millis = u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
        match timers.with(timer, Span::from_millis(millis.into())) {
            Ok(changed) => timers = changed,
            Err(error) => values.refuse(path, Fault::Refused(error.to_string())),
        }
    }
    timers
}

fn quota(values: &Values) -> Quota {
    let usual = Quota::default();
    Quota {
        concurrent: values.count("quota.concurrent").unwrap_or(usual.concurrent),
        monthly: values.count("quota.monthly").unwrap_or(usual.monthly),
        enforce: match values.text("quota.enforce") {
            Some("refuse") => Enforce::Refuse,
            _ => Enforce::Warn,
        },
    }
}

fn size(values: &Values, path: &'static str) -> Option<usize> {
    values.count(path).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
}

fn webhook(values: &Values) -> Settings {
    let usual = Settings::default();
    Settings {
        max_body: size(values, "webhook.max_body").unwrap_or(usual.max_body),
        body_within: values.span("webhook.body_within").unwrap_or(usual.body_within),
        max_requests: size(values, "webhook.max_requests").unwrap_or(usual.max_requests),
        max_buffered: size(values, "webhook.max_buffered").unwrap_or(usual.max_buffered),
        max_waiting_of_call: size(values, "webhook.max_waiting_of_call").unwrap_or(usual.max_waiting_of_call),
        max_waiting: size(values, "webhook.max_waiting").unwrap_or(usual.max_waiting),
        connection: match values.text("webhook.connection") {
            Some("closed") => Connection::Closed,
            _ => Connection::Kept,
        },
        elsewhere: None,
    }
}

/// Plain http beyond loopback is for a proxy that ends TLS, and has to be said.
fn listen(values: &Values) -> std::net::SocketAddr {
    let address = values.socket("webhook.listen").unwrap_or_else(|| DEFAULT_LISTEN.into());
    let is_behind = values.boolean("webhook.behind_tls_proxy");
    if !address.ip().is_loopback() && !is_behind {
        let fault = "plain http is for loopback only: listen on 127.0.0.1, or, where a proxy ends TLS and nobody else \
                     reaches this address, set `webhook.behind_tls_proxy = true`";
        values.refuse("webhook.listen", Fault::Together(fault.to_owned()));
    }
    address
}

fn store(values: &Values) -> StoreSettings {
    let in_memory = values.boolean("store.in_memory");
    let file = values.path("store.file").map(Path::to_owned);
    if in_memory && file.is_some() {
        let fault = "calls are kept in a file or in memory alone: remove `store.file` or `store.in_memory`";
        values.refuse("store.in_memory", Fault::Together(fault.to_owned()));
    }
    let file = (!in_memory).then(|| file.unwrap_or_else(|| PathBuf::from("calls.redb")));
    let current = store_key(values, ["store.key", "store.key_file", "store.key_id"], "1");
    let old = store_key(values, ["store.old_key", "store.old_key_file", "store.old_key_id"], "0");
    let keys = match (current, old) {
        (Some(current), Some(old)) => Some(Keys::new(current).with_old(old)),
        (Some(current), None) => Some(Keys::new(current)),
        (None, Some(_)) => {
            let fault = "the key before is of no use without one now: give `store.key_file` too";
            values.refuse("store.old_key_file", Fault::Together(fault.to_owned()));
            None
        }
        (None, None) => None,
    };
    StoreSettings { file, keys }
}

fn store_key(values: &Values, [key, file, id]: [&'static str; 3], usual: &str) -> Option<Key> {
    let id_text = values.text(id).unwrap_or(usual).to_owned();
    let secret = values.secret(key, file)?;
    let decoded = STANDARD.decode(secret.expose_secret().trim()).ok();
    let bytes: Option<[u8; 32]> = decoded.and_then(|bytes| bytes.try_into().ok());
    let Some(bytes) = bytes else {
        let fault = "this is no key of 32 bytes in base64; make one by `openssl rand -base64 32`";
        values.refuse(values.nearer(key, file), Fault::Refused(fault.to_owned()));
        return None;
    };
    match Key::try_new(id_text, bytes) {
        Ok(key) => Some(key),
        Err(error) => {
            values.refuse(id, Fault::Refused(error.to_string()));
            None
        }
    }
}

fn prompts(
    values: &Values,
    callback: &str,
    app_secret: Option<&SecretString>,
    store: Option<&Path>,
) -> Option<PromptSettings> {
    let address = values.text("prompts.address").map_or_else(|| beside(callback), str::to_owned);
    let own = values.secret("prompts.key", "prompts.key_file");
    let of_app = app_secret.filter(|secret| secret.expose_secret().len() >= prompt::MIN_KEY_BYTES);
    let (key, kept_key) = match own.as_ref().or(of_app) {
        Some(secret) => (prompt::Key::new(secret.expose_secret()), None),
        // Made where it is opened: who only looks at a configuration must not leave files behind.
        None => (prompt::Key::random(), store.map(|file| file.with_extension("prompts-key"))),
    };
    let speech = speech(values);
    let load = match values.text("prompts.load") {
        Some("on_first_use") => Load::OnFirstUse,
        _ => Load::AtStart,
    };
    let folder = values.path("prompts.folder").map(Path::to_owned);
    let (valid_for, cache) = (values.span("prompts.valid_for"), values.path("prompts.cache_folder"));
    let by = values.nearer("prompts.key", "prompts.key_file");
    let key = key.map_err(|error| values.refuse(by, Fault::Refused(error.to_string()))).ok()?;
    let mut library = prompt::Settings::new(address, key);
    library.valid_for = valid_for.unwrap_or(library.valid_for);
    library.cache_folder = cache.map(Path::to_owned);
    Some(PromptSettings { library, folder, load, speech, kept_key })
}

/// `/prompts` where the callback is.
fn beside(callback: &str) -> String {
    let root = callback
        .parse::<http::Uri>()
        .ok()
        .and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
    format!("{}/prompts", root.unwrap_or_default())
}

fn speech(values: &Values) -> Speech {
    let region = values.text("prompts.speech_region");
    let endpoint = values.text("prompts.speech_endpoint");
    let key = values.secret("prompts.speech_key", "prompts.speech_key_file");
    let voice = values.text("prompts.speech_voice").unwrap_or("en-US-AvaMultilingualNeural").to_owned();
    let program = values.text("prompts.speech_program").unwrap_or("espeak-ng");
    match values.text("prompts.speech") {
        Some("program") => Speech::Program(PathBuf::from(program)),
        Some("tones") => Speech::Tones,
        Some("azure") => {
            let endpoint = match (endpoint, region) {
                (Some(endpoint), _) => Some(endpoint.to_owned()),
                (None, Some(region)) => AzureSpeech::endpoint_of(region)
                    .map_err(|error| {
                        values.refuse("prompts.speech_region", Fault::Refused(error.to_string()));
                    })
                    .ok(),
                (None, None) => {
                    let fault =
                        "Azure's speech service needs `prompts.speech_region`, or `prompts.speech_endpoint`";
                    values.refuse("prompts.speech", Fault::Together(fault.to_owned()));
                    None
                }
            };
            if key.is_none() && values.origin("prompts.speech_key_file") == Origin::Nowhere {
                let (variable, file_key) =
                    ("CALLFLOW_PROMPTS_SPEECH_KEY".to_owned(), "prompts.speech_key_file".to_owned());
                values.refuse("prompts.speech_key", Fault::MissingSecret { variable, file_key });
            }
            match (endpoint, key) {
                (Some(endpoint), Some(key)) => Speech::Azure { endpoint, key, voice },
                _ => Speech::Nobody,
            }
        }
        _ => Speech::Nobody,
    }
}

fn operations(values: &Values) -> Option<OperationsSettings> {
    let listen = values.socket("operations.listen").unwrap_or_else(|| DEFAULT_OPERATIONS.into());
    let key = values.secret("operations.key", "operations.key_file");
    if !listen.ip().is_loopback() {
        let fault = "plain http is for loopback only: listen on 127.0.0.1, and come there through a tunnel or a proxy on \
                     this machine";
        values.refuse("operations.listen", Fault::Together(fault.to_owned()));
    }
    let key = key?;
    if key.expose_secret().len() < MIN_OPERATIONS_KEY {
        let fault = format!("it could be guessed: give {MIN_OPERATIONS_KEY} bytes at least");
        values.refuse(values.nearer("operations.key", "operations.key_file"), Fault::Refused(fault));
    }
    Some(OperationsSettings { listen, key })
}

fn drain(values: &Values) -> Drain {
    let hang_up_within = values.span("drain.hang_up_within").unwrap_or(Duration::from_secs(60));
    Drain {
        within: values.span("drain.within").unwrap_or(Duration::from_secs(300)),
        incoming: match values.text("drain.incoming") {
            Some("unavailable") => Incoming::Unavailable,
            _ => Incoming::Busy,
        },
        at_limit: match values.text("drain.at_limit") {
            Some("leave") => AtLimit::Leave,
            _ => AtLimit::HangUp { within: hang_up_within },
        },
    }
}
