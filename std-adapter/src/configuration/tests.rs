use std::collections::BTreeSet;

use callflow_core::deadline::Timer;
use callflow_core::permission::Grants;
use secrecy::ExposeSecret;

use super::*;
use crate::client::{Cloud, Proof};

const SECRET: &str = "a secret of the app, 1234";
const FILE: &str =
    "[app]\ntenant_id = \"t-1\"\nid = \"a-1\"\n[webhook]\ncallback = \"https://bot.example/calls\"\n";

fn sources(more: &str) -> Sources {
    Sources::new().text("conf/bot.toml", format!("{FILE}{more}")).variables([("CALLFLOW_APP_SECRET", SECRET)])
}

fn problems(sources: Sources) -> Vec<String> {
    sources.load().unwrap_err().problems.iter().map(ToString::to_string).collect()
}

/// The example, with every key set.
fn uncommented() -> String {
    let bare = |line: &str| {
        let is_key = line.starts_with('#') && !line.starts_with("# ");
        format!("{}\n", if is_key { line.trim_start_matches('#') } else { line })
    };
    example().lines().fold(String::new(), |text, line| text + &bare(line))
}

#[test]
fn the_example_can_be_read_as_it_is_and_with_every_key_set() {
    let secret = [("CALLFLOW_APP_SECRET", SECRET)];
    Sources::new().text("bot.toml", example()).variables(secret).load().unwrap();
    let all = uncommented();
    let document = Document { path: "bot.toml".into(), text: all };
    let mut values = Values::default();
    values.read_file(&document).unwrap();
    let given: BTreeSet<_> = values.given().map(|(path, ..)| path).collect();
    let named: BTreeSet<_> = KEYS.iter().filter(|key| key.kind != Kind::Secret).map(|key| key.path).collect();
    assert_eq!(given, named);
    assert_eq!(values.into_problems(), []);
}

#[test]
fn what_the_example_shows_as_default_is_the_default() {
    let usual = sources("").load().unwrap();
    let shown: String = KEYS
        .iter()
        .filter(|key| !key.is_required && !key.path.starts_with("app.") && key.kind != Kind::Secret)
        .filter(|key| !matches!(key.kind, Kind::Path | Kind::List))
        .filter(|key| !matches!(key.path, "prompts.speech_region" | "prompts.speech_endpoint"))
        .fold(String::new(), |text, key| format!("{text}{} = {}\n", key.path, key.shown));
    let text = format!(
        "app.tenant_id = \"t-1\"\napp.id = \"a-1\"\nwebhook.callback = \"https://bot.example/calls\"\n{shown}"
    );
    let set = Sources::new().text("conf/bot.toml", text).variables([("CALLFLOW_APP_SECRET", SECRET)]);
    let set = set.load().unwrap();
    let words = |configuration: &Configuration| {
        let Configuration { bot, listen, store, prompts, drain, .. } = configuration;
        format!("{bot:?} {listen:?} {store:?} {:?} {:?} {drain:?}", prompts.library.valid_for, prompts.speech)
    };
    assert_eq!(words(&set), words(&usual));
}

#[test]
fn the_documented_table_is_the_table_in_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/configuration/keys.md");
    if std::env::var_os("CALLFLOW_BLESS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), markdown(), "set CALLFLOW_BLESS to write it anew");
}

#[test]
fn every_key_is_read_by_the_code_and_every_timer_has_one() {
    let mut all = Values::default();
    let text = uncommented();
    all.read_file(&Document { path: "bot.toml".into(), text }).unwrap();
    let asked = apply::asked(&all);
    let named: BTreeSet<_> = KEYS.iter().map(|key| key.path).collect();
    assert_eq!(asked, named);
    let timers = KEYS.iter().filter(|key| key.path.starts_with("timers.")).count();
    assert_eq!(timers, Timer::ALL.len());
}

#[test]
fn a_flag_overrides_the_environment_and_that_the_file() {
    let listen = |sources: Sources| sources.load().unwrap().listen.port();
    let in_file = || sources("listen = \"127.0.0.1:1001\"\n");
    let variable = [("CALLFLOW_WEBHOOK_LISTEN", "127.0.0.1:1002")];
    assert_eq!(listen(sources("")), 3978);
    assert_eq!(listen(in_file()), 1001);
    assert_eq!(listen(in_file().variables(variable)), 1002);
    assert_eq!(
        listen(in_file().variables([("CALLFLOW_WEBHOOK_LISTEN", " ")])),
        1001,
        "an empty one is not set"
    );
    let flagged = in_file().set("webhook.listen", "127.0.0.1:1003").variables(variable);
    let loaded = flagged.load().unwrap();
    assert_eq!(loaded.listen.port(), 1003);
    let shown = loaded.in_words();
    assert!(shown.contains("webhook.listen = \"127.0.0.1:1003\"  # a flag"), "{shown}");
    assert!(shown.contains("app.id = \"a-1\"  # conf/bot.toml:3:6"), "{shown}");
    assert!(shown.contains("app.secret = ***  # the variable CALLFLOW_APP_SECRET"), "{shown}");
}

#[test]
fn azures_variables_count_and_callflows_own_come_first() {
    let azure = [
        ("AZURE_TENANT_ID", "t-2"),
        ("AZURE_CLIENT_ID", "a-2"),
        ("AZURE_CLIENT_SECRET", "azure's"),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"),
        ("CALLFLOW_WEBHOOK_CALLBACK", "https://bot.example/calls"),
    ];
    let loaded = Sources::new().variables(azure).load().unwrap();
    assert_eq!(
        (loaded.bot.credentials.tenant_id.as_str(), loaded.bot.endpoints.cloud),
        ("t-2", Cloud::UsGovL4)
    );
    let own = Sources::new().variables(azure).variables([("CALLFLOW_APP_ID", "a-3")]).load().unwrap();
    assert_eq!(own.bot.credentials.app_id, "a-3");
}

#[test]
fn each_fault_names_its_key_its_place_and_the_way_out() {
    for (more, words) in [
        (
            "lisen = \"127.0.0.1:1\"\n",
            "conf/bot.toml:6:1: webhook.lisen: there is no such key; did you mean `webhook.listen`?",
        ),
        (
            "[timers]\nanswr = 3\n",
            "conf/bot.toml:7:1: timers.answr: there is no such key; did you mean `timers.answer`?",
        ),
        ("[quotas]\nmonthly = 3\n", "conf/bot.toml:6:2: quotas: there is no such key; did you mean `quota`?"),
        (
            "[store]\nmonthly = 3\n",
            "conf/bot.toml:7:1: store.monthly: there is no such key; did you mean `quota.monthly`?",
        ),
        (
            "[zebra]\n",
            "conf/bot.toml:6:2: zebra: there is no such key; `callflow config --example` lists all",
        ),
        (
            "listen = 3978\n",
            "conf/bot.toml:6:10: webhook.listen: a number stands here; give an IP address and a port",
        ),
        ("behind_tls_proxy = \"yes\"\n", "a text stands here; give true or false"),
        ("tenants = [1]\n", "a list of other things than texts stands here; give a list of texts"),
        ("[quota]\nconcurrent = 0\n", "conf/bot.toml:7:14: quota.concurrent: 0 is out of range; give 1 to"),
        (
            "[quota]\nenforce = \"refuze\"\n",
            "`refuze` is none of these: warn, refuse; did you mean `refuse`?",
        ),
        ("[limits]\nexchange = \"soon\"\n", "what is no time stands here; give a time, as 15 (seconds)"),
        ("[limits]\nexchange = \"10m\"\n", "limits.exchange: 600s is out of range; give 1s to 300s"),
        ("[limits]\nexchange = -1\n", "what is no time stands here"),
        (
            "[timers]\nkeep_alive = \"50m\"\n",
            "timers.keep_alive: 3000000 ms is no span for the keepAlive timer; give 1000…2400000 ms",
        ),
        (
            "[prompts]\naddress = \"http://bot.example/prompts\"\n",
            "prompts.address: this is no https address (plain http is for loopback only)",
        ),
        ("[cloud]\nname = \"gcchig\"\n", "`gcchig` is none of these: global, usGovL4"),
        ("[cloud]\nname = \"china\"\n", "there is no calling API in this cloud"),
        (
            "[store]\nfile = \"a\"\nin_memory = true\n",
            "store.in_memory: calls are kept in a file or in memory alone",
        ),
        ("listen = \"0.0.0.0:80\"\n", "webhook.listen: plain http is for loopback only"),
        ("[operations]\nlisten = \"0.0.0.0:80\"\n", "operations.listen: plain http is for loopback only"),
        (
            "[prompts]\nspeech = \"azure\"\n",
            "prompts.speech: Azure's speech service needs `prompts.speech_region`",
        ),
        (
            "[prompts]\nspeech = \"azure\"\nspeech_region = \"westeurope\"\n",
            "set the variable CALLFLOW_PROMPTS_SPEECH_KEY, or give a file",
        ),
        (
            "[prompts]\nspeech = \"azure\"\nspeech_region = \"evil.example/#\"\n",
            "conf/bot.toml:8:17: prompts.speech_region: \"evil.example/#\" is no region; give one as westeurope",
        ),
        (
            "[calls]\noverrides = [\"meetingmode\", \"nothing\"]\n",
            "calls.overrides: `nothing` is none of these: conversationOnly",
        ),
        ("x = [\n", "conf/bot.toml:"),
    ] {
        let told = problems(sources(more));
        assert!(told.iter().any(|problem| problem.contains(words)), "{more}: {told:#?}");
    }
    let bad = FILE.replace("https://bot", "http://bot");
    let told = problems(Sources::new().text("bot.toml", bad).variables([("CALLFLOW_APP_SECRET", SECRET)]));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("bot.toml:5:12: webhook.callback: this is no https address"), "{told:?}");
}

/// What `text` is told by a file that has nothing else but what is required.
fn told_of(text: &str) -> Vec<String> {
    problems(Sources::new().text("bot.toml", text).variables([
        ("CALLFLOW_APP_SECRET", SECRET),
        ("CALLFLOW_APP_TENANT_ID", "t-1"),
        ("CALLFLOW_APP_ID", "a-1"),
        ("CALLFLOW_WEBHOOK_CALLBACK", "https://bot.example/calls"),
    ]))
}

#[test]
fn a_slip_in_any_key_or_table_names_the_one_that_is_meant() {
    for key in KEYS {
        let (table, name) = key.path.split_once('.').unwrap();
        let mut letters: Vec<char> = name.chars().collect();
        letters.swap(0, 1);
        let slip: String = letters.iter().collect();
        let told = told_of(&format!("[{table}]\n{slip} = 1\n"));
        let place =
            format!("bot.toml:2:1: {table}.{slip}: there is no such key; did you mean `{}`?", key.path);
        assert!(told.iter().any(|problem| problem.starts_with(&place)), "{place} {told:?}");
        let told = told_of(&format!("[{table}e]\n{name} = 1\n"));
        let place = format!("bot.toml:1:2: {table}e: there is no such key; did you mean `{table}`?");
        assert!(told.iter().any(|problem| problem.starts_with(&place)), "{place} {told:?}");
    }
    let told = told_of("[menus.main]\nprompt = \"x\"\n");
    assert!(told[0].contains("did you mean `menu`?"), "{told:?}");
}

#[test]
fn what_is_no_value_of_its_key_is_told_with_its_place() {
    for key in KEYS {
        for (value, found) in [
            ("1979-05-27", "a date"),
            ("{ a = 1 }", "a table"),
            ("[1]", "a list of other things than texts"),
            ("\" \"", "an empty text"),
            ("0x10", "a number in another base than ten"),
        ] {
            let told = told_of(&format!("{} = {value}\n", key.path));
            let place = format!("bot.toml:1:{}: {}: ", key.path.len() + 4, key.path);
            let of_key: Vec<_> = told.iter().filter(|problem| problem.starts_with(&place)).collect();
            // A secret is told that it does not belong here; of a text some kinds say what it is not.
            let own = [
                "a secret does not belong in the file",
                "`` is none of these",
                "is no time",
                "is no https address",
            ];
            let own = if key.kind == Kind::Secret || value.starts_with('"') { own.as_slice() } else { &[] };
            let has_words =
                |problem: &String| problem.contains(found) || own.iter().any(|words| problem.contains(words));
            assert!(of_key.iter().any(|problem| has_words(problem)), "{value}: {told:?}");
        }
    }
}

#[test]
fn each_number_and_time_is_taken_at_its_limits_and_not_beyond() {
    let all = |path: &str, value: String| {
        told_of(&format!("[x]\n[{}", format!("{path} = {value}\n").replacen('.', "]\n", 1)))
    };
    for key in KEYS {
        let (least, most, unit) = match key.kind {
            Kind::Count { least, most } => (least, most, ""),
            // Core has the bounds of these.
            Kind::Span { .. } if key.path.starts_with("timers.") => continue,
            Kind::Span { least, most } => (least, most, "ms"),
            _ => continue,
        };
        let of = |number: i128| {
            let value = if unit.is_empty() { number.to_string() } else { format!("\"{number}{unit}\"") };
            all(key.path, value).iter().any(|problem| problem.contains(key.path))
        };
        let (least, most) = (i128::from(least), i128::from(most));
        let tried = [least - 1, least, most, most + 1].map(of);
        // No number of TOML is larger than that of a signed integer.
        let is_open = most == i128::from(u64::MAX);
        assert_eq!(tried, [true, false, is_open && tried[2], true], "{}", key.path);
    }
    for (value, words) in [
        ("1.5", "what is no whole number stands here; give a whole number"),
        ("-1", "-1 is out of range; give 1 to"),
        ("\"5\"", "a text stands here; give a whole number"),
    ] {
        let told = all("quota.monthly", value.to_owned());
        assert!(told.iter().any(|problem| problem.contains(words)), "{value}: {told:?}");
    }
    for value in ["\"10 parsecs\"", "\"NaN\"", "inf", "1e400", "true", "\"\""] {
        let told = all("drain.within", value.to_owned());
        assert!(told.iter().any(|problem| problem.contains("drain.within: ")), "{value}: {told:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let told = problems(Sources::new().text("bot.toml", "[app]\nid = 3\n[limits]\nrequest = true\n"));
    for words in [
        "app.tenant_id: it is missing",
        "app.id: a number",
        "CALLFLOW_APP_SECRET",
        "webhook.callback: it is missing",
        "limits.request: true or false stands here",
    ] {
        assert!(told.iter().any(|problem| problem.contains(words)), "{words}: {told:#?}");
    }
}

#[test]
fn a_secret_is_taken_from_its_variable_or_file_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let of_file = Sources::new().text("bot.toml", FILE).set("app.secret_file", file.to_str().unwrap());
    let loaded = of_file.load().unwrap();
    let Proof::Secret(secret) = &loaded.bot.credentials.proof else { panic!("no secret") };
    assert_eq!(secret.expose_secret(), SECRET);
    let key = ("CALLFLOW_OPERATIONS_KEY", "a key of operations");
    let loaded = sources("").variables([key]).load().unwrap();
    let shown = format!("{loaded:?} {}", loaded.in_words());
    assert!(!shown.contains(SECRET) && !shown.contains(key.1), "{shown}");
    for (told, words) in [
        (problems(sources("[operations]\nkey = \"a key of operations\"\n")), "CALLFLOW_OPERATIONS_KEY"),
        (problems(sources("").set("app.secret", "a key of operations")), "app.secret_file"),
    ] {
        let told = told.concat();
        assert!(
            told.contains("a secret does not belong in the file, nor in a flag") && told.contains(words),
            "{told}"
        );
        assert!(!told.contains("a key of operations"), "{told}");
    }
    for (content, words) in [(Some(" \n"), "is empty"), (None, "cannot be read")] {
        match content {
            Some(content) => std::fs::write(&file, content).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let of_file = Sources::new().text("bot.toml", FILE).set("app.secret_file", file.to_str().unwrap());
        let told = problems(of_file);
        assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    }
}

#[test]
fn a_proof_nearer_to_the_command_wins() {
    let file = format!("{FILE}[app.x]\n").replace("[app.x]\n", "");
    let base = || {
        Sources::new()
            .text("bot.toml", file.replace("id = \"a-1\"", "id = \"a-1\"\nfederated_token_file = \"token\""))
    };
    let proof = |sources: Sources| sources.load().unwrap().bot.credentials.proof;
    assert!(matches!(proof(base()), Proof::Federation(_)));
    let by_secret = base().variables([("AZURE_CLIENT_SECRET", SECRET)]);
    assert!(matches!(proof(by_secret), Proof::Secret(_)));
    let identity =
        base().variables([("AZURE_CLIENT_SECRET", SECRET)]).set("app.managed_identity", "virtual_machine");
    assert!(matches!(proof(identity), Proof::ManagedIdentity(_)));
    let told = problems(Sources::new().text("bot.toml", FILE).set("app.managed_identity", "app_service"));
    assert!(told.len() == 1 && told[0].contains("IDENTITY_ENDPOINT"), "{told:?}");
    let told = problems(Sources::new().text("bot.toml", FILE).set("app.certificate_file", "/nowhere/a.pem"));
    assert!(told.len() == 1 && told[0].contains("/nowhere/a.pem"), "{told:?}");
}

#[test]
fn values_arrive_where_they_belong() {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let more = "tenants = [\"T-9\"]\nconnection = \"closed\"\n[store]\nfile = \"calls.redb\"\n[timers]\nring = \"20s\"\n[drain]\nwithin = 90\nat_limit = \"leave\"\n[calls]\nbeta = true\nhandler_within = \"250ms\"\nunknown = \"adopt\"\n";
    let loaded = sources(more)
        .set("app.permissions", "Calls.Initiate.All, Calls.AccessMedia.All")
        .variables([("CALLFLOW_STORE_KEY", key)])
        .load()
        .unwrap();
    let Configuration { bot, store, prompts, operations, drain, .. } = &loaded;
    assert_eq!(store.file.as_deref(), Some(Path::new("conf/calls.redb")), "beside the file that names it");
    assert!(store.keys.is_some());
    assert_eq!(prompts.library.address, "https://bot.example/prompts");
    assert!(operations.is_none());
    assert_eq!(bot.timers.of(Timer::Ring).as_millis(), 20_000);
    assert_eq!(drain.within.as_secs(), 90);
    assert_eq!(drain.at_limit, crate::bot::AtLimit::Leave);
    assert!(matches!(bot.grants, Grants::Known(_)));
    assert_eq!(bot.handler_within.as_millis(), 250);
    assert_eq!(bot.unknown_calls, crate::bot::UnknownCalls::Adopt);
    assert_eq!(
        bot.expected,
        crate::webhook::authentication::Expected::for_app("a-1").of_tenants(["t-9".to_owned()])
    );
    let told = problems(sources("").variables([("CALLFLOW_STORE_KEY", "short")]));
    assert!(told[0].contains("openssl rand -base64 32") && !told[0].contains("short;"), "{told:?}");
}

#[tokio::test]
async fn who_speaks_is_who_was_asked_to() {
    let net = || Arc::new(crate::transport::InProcess::new());
    let tones = sources("[prompts]\nspeech = \"tones\"\n").load().unwrap();
    let prompts = tones.prompts.open(net(), Clock::system()).await.unwrap();
    // One tone a word.
    let length = async |text: &str| {
        let address = prompts.say(text).await.unwrap();
        let request = http::Request::get(address.uri().reveal()).body(axum::body::Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(prompts.router(), request).await.unwrap();
        axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap().len()
    };
    assert!(length("one two three").await > length("one").await);
    let nobody = sources("").load().unwrap().prompts.open(net(), Clock::system()).await.unwrap();
    let error = nobody.say("one").await.unwrap_err().to_string();
    assert!(error.contains("no text-to-speech is set up"), "{error}");
}

#[test]
fn a_mistyped_variable_is_warned_of() {
    let loaded = sources("").variables([("CALLFLOW_WEBHOOK_LISTN", "x"), ("CALLFLOW_CONFIG", "bot.toml")]);
    let warnings = loaded.load().unwrap().warnings;
    assert_eq!(
        warnings,
        ["the variable CALLFLOW_WEBHOOK_LISTN names no key; did you mean CALLFLOW_WEBHOOK_LISTEN?"]
    );
}

#[test]
fn a_file_that_is_not_there_says_so_first() {
    let told = problems(Sources::new().file("/nowhere/bot.toml"));
    assert!(told[0].starts_with("/nowhere/bot.toml:1:1: it cannot be read"), "{told:?}");
}

#[test]
fn of_a_file_that_cannot_be_read_nothing_is_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bot.toml");
    std::fs::write(&file, b"\xFF\xFE[\x00a\x00").unwrap();
    for (sources, words) in [
        (Sources::new().file("/nowhere/bot.toml"), "it cannot be read (No such file"),
        (Sources::new().file(folder.path()), "it cannot be read (Is a directory"),
        (Sources::new().file(&file), "it cannot be read (stream did not contain valid UTF-8)"),
        (
            Sources::new().text("bot.toml", format!("{FILE}[app]\n")),
            "bot.toml:6:2: this is no TOML: duplicate",
        ),
        (Sources::new().text("bot.toml", format!("{FILE}listen =\n")), "bot.toml:6:"),
    ] {
        let told = problems(sources.set("quota.monthly", "many"));
        assert!(told.len() == 2 && told[0].contains(words), "{told:?}");
        assert!(told[1].starts_with("a flag: quota.monthly: what is no whole number"), "{told:?}");
    }
}

#[test]
fn a_key_that_could_be_guessed_is_told_of_where_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "short").unwrap();
    for (key, path) in [("operations.key", "OPERATIONS_KEY"), ("prompts.key", "PROMPTS_KEY")] {
        let by_file = problems(sources("").set(format!("{key}_file"), file.to_str().unwrap()));
        assert!(
            by_file.len() == 1 && by_file[0].starts_with(&format!("a flag: {key}_file: ")),
            "{by_file:?}"
        );
        let variable = format!("CALLFLOW_{path}");
        let by_variable = problems(sources("").variables([(variable.as_str(), "short")]));
        let place = format!("the variable {variable}: {key}: ");
        assert!(by_variable.len() == 1 && by_variable[0].starts_with(&place), "{by_variable:?}");
        assert!(!by_file[0].contains("short;") && by_file[0].contains("16 bytes"), "{by_file:?}");
    }
}

#[test]
fn an_authority_is_trusted_for_a_test_double_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (good, empty) = (file("ca.pem", &certificate.pem()), file("empty.pem", ""));
    let missing = folder.path().join("no such file").display().to_string();
    let double = ["https://localhost:1/", "https://localhost:1/v1.0", "https://localhost:1/openid"];
    let only = "for a test double alone";
    for (ca_file, [authority, graph, openid], says) in [
        (&good, double, None),
        (&empty, double, Some("BEGIN CERTIFICATE")),
        (&missing, double, Some("no such file")),
        (&good, ["", double[1], double[2]], Some(only)),
        (&good, [double[0], "", double[2]], Some(only)),
        (&good, [double[0], double[1], ""], Some(only)),
        (&good, ["https://login.microsoftonline.com/", double[1], double[2]], Some(only)),
        (&good, [double[0], "https://GRAPH.microsoft.us/v1.0", double[2]], Some(only)),
    ] {
        let given = [("authority", authority), ("graph", graph), ("openid", openid)];
        let set = given.into_iter().filter(|(_, address)| !address.is_empty());
        let sources =
            set.fold(sources(""), |sources, (name, address)| sources.set(format!("cloud.{name}"), address));
        let loaded = sources.set("cloud.ca_file", ca_file.as_str()).load();
        match (loaded, says) {
            (Ok(configuration), None) => {
                assert!(configuration.transport(Duration::ZERO, Duration::ZERO).is_ok());
            }
            (Err(error), Some(says)) => assert!(error.to_string().contains(says), "{error}"),
            (loaded, says) => panic!("{ca_file} {authority} {graph} {openid}: {loaded:?}, not {says:?}"),
        }
    }
}
