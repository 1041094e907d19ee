//! The keys of a configuration, as a table: from it come what is read, what is refused, the example and the documentation.

use std::fmt::Write as _;

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number, within these bounds.
    Count {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A time: seconds as a number, or a text with units, as `"1m 30s"`.
    Span {
        /// The least, in milliseconds.
        least: u64,
        /// The most, in milliseconds.
        most: u64,
    },
    /// An https address, or http on loopback.
    Address,
    /// An IP address and a port: `"127.0.0.1:3978"`.
    Socket,
    /// A file or folder. A relative one begins at the folder of the file of the configuration.
    Path,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of texts; in the environment they stand apart by commas.
    List,
    /// A secret: from the environment alone, or from the file that the key with `_file` behind it names.
    Secret,
}

impl Kind {
    /// In words, for messages and the documentation.
    pub(super) fn words(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Count { .. } => "a whole number".to_owned(),
            Self::Span { .. } => "a time, as 15 (seconds) or \"1m 30s\"".to_owned(),
            Self::Address => "an https address".to_owned(),
            Self::Socket => "an IP address and a port, as \"127.0.0.1:3978\"".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::List => "a list of texts".to_owned(),
            Self::Secret => "a secret, by its variable".to_owned(),
        }
    }
}

/// A key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Key {
    /// Its table and name: `webhook.callback`.
    pub path: &'static str,
    /// What its value has to be.
    pub kind: Kind,
    /// What stands in the example, as TOML: the default, where there is one.
    pub shown: &'static str,
    /// Whether there is no bot without it.
    pub is_required: bool,
    /// What it does.
    pub words: &'static str,
    /// A variable that other tools use for the same.
    pub alias: Option<&'static str>,
}

impl Key {
    /// The variable that gives it: `CALLFLOW_WEBHOOK_CALLBACK`.
    pub fn variable(&self) -> String {
        variable_of(self.path)
    }

    /// The variables that give it, the first before the others.
    pub(super) fn variables(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.variable()).chain(self.alias.map(str::to_owned))
    }

    const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    const fn alias(mut self, variable: &'static str) -> Self {
        self.alias = Some(variable);
        self
    }
}

/// What each variable of callflow's begins with.
pub(super) const PREFIX: &str = "CALLFLOW_";

fn variable_of(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "_").to_ascii_uppercase())
}

const fn key(path: &'static str, kind: Kind, shown: &'static str, words: &'static str) -> Key {
    Key { path, kind, shown, is_required: false, words, alias: None }
}

const fn seconds(least: u64, most: u64) -> Kind {
    Kind::Span { least: least.saturating_mul(1000), most: most.saturating_mul(1000) }
}

/// A timer of core, which knows its bounds.
const fn timer(path: &'static str, shown: &'static str, words: &'static str) -> Key {
    key(path, Kind::Span { least: 0, most: 24 * 3600 * 1000 }, shown, words)
}

const COUNT: Kind = Kind::Count { least: 1, most: u64::MAX };
const DAY: u64 = 24 * 3600;

/// Every key, by tables.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("app.tenant_id", Kind::Text, "\"932899f8-2ea1-4604-8413-27bd2892079f\"", "The tenant that the app is of.").required().alias("AZURE_TENANT_ID"),
    key("app.id", Kind::Text, "\"8a34a46b-3d17-4adc-8dce-dc4e7d572698\"", "The application (client) id of the bot.").required().alias("AZURE_CLIENT_ID"),
    key("app.secret", Kind::Secret, "", "The client secret.").alias("AZURE_CLIENT_SECRET"),
    key("app.secret_file", Kind::Path, "\"/run/secrets/client-secret\"", "A file that holds the client secret."),
    key("app.certificate_file", Kind::Path, "\"bot.pem\"", "A certificate with its key (PEM), instead of a secret.").alias("AZURE_CLIENT_CERTIFICATE_PATH"),
    key("app.federated_token_file", Kind::Path, "\"/var/run/secrets/azure/tokens/azure-identity-token\"", "A file with the assertion of an issuer that the app trusts, instead of a secret.").alias("AZURE_FEDERATED_TOKEN_FILE"),
    key("app.managed_identity", Kind::Choice(&["app_service", "virtual_machine"]), "\"app_service\"", "The user-assigned managed identity with the app's id, instead of a secret."),
    key("app.permissions", Kind::List, "[\"Calls.Initiate.All\", \"Calls.AccessMedia.All\"]", "What was granted to the app. Without it, its tokens say it."),
    key("app.permission_policy", Kind::Choice(&["advise", "enforce", "off"]), "\"advise\"", "What becomes of a command whose permission is missing: it goes with a warning, it is refused, or it goes."),
    key("cloud.name", Kind::Text, "\"global\"", "The cloud: global, usGovL4 (gccHigh), usGovL5 (dod); or its login host.").alias("AZURE_AUTHORITY_HOST"),
    key("cloud.authority", Kind::Address, "\"https://login.microsoftonline.com\"", "Where tokens come from, where it is not the cloud's: a simulator, a proxy."),
    key("cloud.graph", Kind::Address, "\"https://graph.microsoft.com/v1.0\"", "Graph, with its version."),
    key("cloud.openid", Kind::Address, "\"https://api.aps.skype.com/v1/.well-known/OpenIdConfiguration\"", "The OpenID document of the service that posts notifications."),
    key("cloud.scope", Kind::Text, "\"https://graph.microsoft.com/.default\"", "The scope of tokens for Graph."),
    key("cloud.ca_file", Kind::Path, "\"ca.pem\"", "Certificates (PEM) of authorities that are trusted besides this machine's: for a test double as `callflow sim`, never for a real tenant."),
    key("cloud.issuers", Kind::List, "[\"https://graph.microsoft.com\", \"https://api.botframework.com\"]", "Whom the tokens of notifications may name as their issuer."),
    key("webhook.callback", Kind::Address, "\"https://bot.example/calls\"", "Where the service reaches the bot. The path is served.").required(),
    key("webhook.listen", Kind::Socket, "\"127.0.0.1:3978\"", "Where the bot listens, by plain http."),
    key("webhook.behind_tls_proxy", Kind::Boolean, "false", "Whether a proxy ends TLS before it, and nobody else reaches it: only then may it listen beyond loopback."),
    key("webhook.tenants", Kind::List, "[\"932899f8-2ea1-4604-8413-27bd2892079f\"]", "The tenants whose calls are taken. Without it, every one's."),
    key("webhook.max_body", COUNT, "1048576", "The most bytes of a notification."),
    key("webhook.body_within", seconds(1, 600), "10", "How long its body may take."),
    key("webhook.max_requests", COUNT, "10000", "How many requests are taken at a time."),
    key("webhook.max_buffered", COUNT, "67108864", "How many bytes of bodies are held at a time."),
    key("webhook.max_waiting_of_call", COUNT, "1000", "How many notifications of one call may wait."),
    key("webhook.max_waiting", COUNT, "100000", "How many of all calls."),
    key("webhook.connection", Kind::Choice(&["kept", "closed"]), "\"kept\"", "What becomes of the connection after an answer. Closed ones let a balancer spread."),
    key("store.file", Kind::Path, "\"calls.redb\"", "The file in which calls are kept."),
    key("store.in_memory", Kind::Boolean, "false", "Whether calls are kept in memory alone: a restart loses them."),
    key("store.key", Kind::Secret, "", "A key of 32 bytes in base64: what is kept is encrypted with it."),
    key("store.key_file", Kind::Path, "\"/run/secrets/store-key\"", "A file that holds the key."),
    key("store.key_id", Kind::Text, "\"1\"", "The id of the key, which stands beside each value."),
    key("store.old_key", Kind::Secret, "", "The key before, with which older values can still be read."),
    key("store.old_key_file", Kind::Path, "\"/run/secrets/store-key-old\"", "A file that holds it."),
    key("store.old_key_id", Kind::Text, "\"0\"", "The id of the key before."),
    key("store.outage", Kind::Choice(&["go_on", "wait"]), "\"go_on\"", "What becomes of calls while the store cannot be written."),
    key("calls.keep_ended", seconds(0, 30 * DAY), "\"10m\"", "How long a call is kept after its end, for late news."),
    key("calls.keep_unknown", seconds(0, DAY), "\"1m\"", "How long a notification of an unknown call is kept."),
    key("calls.unknown", Kind::Choice(&["ignore", "hang_up", "adopt"]), "\"ignore\"", "What becomes of an unknown call then."),
    key("calls.asked_at_a_time", Kind::Count { least: 1, most: 10_000 }, "16", "How many calls ask the service at a time how they stand, after a restart."),
    key("calls.beta", Kind::Boolean, "false", "Whether requests that only Graph's beta has may be made."),
    key("calls.trust_rosters", Kind::Boolean, "false", "Whether a full roster that lacks somebody says that he left."),
    key("calls.overrides", Kind::List, "[\"meetingMode\"]", "Restrictions that are switched off, by name: `callflow tables` has them."),
    key("calls.handler_within", Kind::Span { least: 100, most: 600_000 }, "10", "How long a handler may take for one event, before it is let go."),
    key("calls.joining_within", Kind::Span { least: 100, most: 5000 }, "3", "How long the bot may take to answer a joining participant (policy-based recording)."),
    key("quota.concurrent", COUNT, "100", "How many calls the app may have at the same time."),
    key("quota.monthly", COUNT, "10000", "How many in a month."),
    key("quota.enforce", Kind::Choice(&["warn", "refuse"]), "\"warn\"", "What becomes of a call beyond."),
    key("limits.exchange", seconds(1, 300), "10", "How long one exchange with the service may take."),
    key("limits.request", seconds(1, 600), "30", "How long a request may take with all its tries."),
    key("limits.renew_before", seconds(0, 3600), "\"5m\"", "How long before its end a token is replaced."),
    timer("timers.answer", "15", "How long an incoming call waits to be answered."),
    timer("timers.answer_policy_recording", "5", "The same for policy-based recording."),
    timer("timers.ring", "115", "How long somebody may ring."),
    timer("timers.keep_alive", "\"15m\"", "How often a call is kept alive."),
    timer("timers.keep_alive_retry", "\"2m\"", "How soon it is tried again."),
    timer("timers.media", "10", "How long audio is waited for."),
    timer("timers.news", "15", "How long news of what was asked is waited for."),
    timer("timers.creation", "\"3m\"", "How long a call may stay without news, where the answer to its creation was lost."),
    timer("timers.operation", "60", "How long the end of an operation is waited for."),
    timer("timers.question", "10", "The least time between two questions."),
    timer("timers.question_lost", "60", "How long an answer to a question is waited for."),
    key("prompts.address", Kind::Address, "\"https://bot.example/prompts\"", "Where the service fetches prompts; by default beside the callback, at /prompts."),
    key("prompts.folder", Kind::Path, "\"prompts\"", "The folder of the prompts: WAV, MP3, Ogg Vorbis, FLAC."),
    key("prompts.load", Kind::Choice(&["at_start", "on_first_use"]), "\"at_start\"", "When they are converted."),
    key("prompts.valid_for", seconds(60, 30 * DAY), "\"24h\"", "How long a signed address is good."),
    key("prompts.cache_folder", Kind::Path, "\"prompt-cache\"", "Where converted and spoken prompts are kept over a restart."),
    key("prompts.key", Kind::Secret, "", "What addresses are signed with, 16 bytes at least; by default the client secret, or a key beside the store."),
    key("prompts.key_file", Kind::Path, "\"/run/secrets/prompts-key\"", "A file that holds it."),
    key("prompts.speech", Kind::Choice(&["none", "azure", "program", "tones"]), "\"none\"", "Who speaks texts: nobody, Azure's speech service, a program on this machine, or tones, a stand-in to try menus with."),
    key("prompts.speech_region", Kind::Text, "\"westeurope\"", "The region of Azure's speech resource."),
    key("prompts.speech_endpoint", Kind::Address, "\"https://usgovvirginia.tts.speech.azure.us\"", "Its endpoint, instead of a region."),
    key("prompts.speech_key", Kind::Secret, "", "The key of the speech resource."),
    key("prompts.speech_key_file", Kind::Path, "\"/run/secrets/speech-key\"", "A file that holds it."),
    key("prompts.speech_voice", Kind::Text, "\"en-US-AvaMultilingualNeural\"", "The voice of Azure's service."),
    key("prompts.speech_program", Kind::Text, "\"espeak-ng\"", "The program that speaks: espeak-ng, or one with the same options."),
    key("operations.listen", Kind::Socket, "\"127.0.0.1:3979\"", "Where the bot can be looked at and drained, by plain http on a listener of its own."),
    key("operations.key", Kind::Secret, "", "The key for that, 16 bytes at least. Without it nobody listens there."),
    key("operations.key_file", Kind::Path, "\"/run/secrets/operations-key\"", "A file that holds it."),
    key("trace.file", Kind::Path, "\"calls.trace\"", "Where every input of every call is written, with stand-ins for what may be secret: `callflow replay` reads it. Nowhere by default."),
    key("trace.show_keys", Kind::Boolean, "false", "Whether it shows which keys were pressed: some may be those of a PIN."),
    key("drain.within", seconds(0, DAY), "\"5m\"", "How long calls may go on while the bot is drained."),
    key("drain.incoming", Kind::Choice(&["busy", "unavailable"]), "\"busy\"", "What new calls are told meanwhile: busy, or to come again for another instance."),
    key("drain.at_limit", Kind::Choice(&["hang_up", "leave"]), "\"hang_up\"", "What becomes of calls that are up then: the next start takes up those that are left."),
    key("drain.hang_up_within", seconds(1, 600), "60", "How long their ends are waited for."),
];

/// The key of this path.
pub(super) fn of_path(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The table of [`KEYS`], in Markdown.
pub fn markdown() -> String {
    let mut text =
        String::from("| key | value | example or default | what it does |\n| --- | --- | --- | --- |\n");
    for key in KEYS {
        let shown = match key.kind {
            Kind::Secret => format!("`{}`", key.variable()),
            _ => format!("`{}`", key.shown),
        };
        let required = if key.is_required { " Required." } else { "" };
        // Writing to a text does not fail.
        let _ =
            writeln!(text, "| `{}` | {} | {shown} | {}{required} |", key.path, key.kind.words(), key.words);
    }
    text
}

/// A file with every key, commented: those without which there is no bot are set, the others show their defaults.
pub fn example() -> String {
    let mut text = String::from(
        "# A bot's configuration. Each key can be overridden by a variable: webhook.listen by CALLFLOW_WEBHOOK_LISTEN;\n\
         # and each by a flag: --set webhook.listen=127.0.0.1:8080. Secrets are given by their variables alone, or as files.\n",
    );
    let mut table = "";
    for key in KEYS {
        let (of, name) = key.path.split_once('.').unwrap_or(("", key.path));
        if of != table {
            table = of;
            let _ = write!(text, "\n[{table}]\n");
        }
        let _ = writeln!(text, "# {}", key.words);
        let _ = match key.kind {
            Kind::Secret => {
                writeln!(text, "# Set the variable {}.", key.variables().collect::<Vec<_>>().join(" or "))
            }
            _ if key.is_required => writeln!(text, "{name} = {}", key.shown),
            _ => writeln!(text, "#{name} = {}", key.shown),
        };
    }
    text
}
