//! The program, as a person or a script runs it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests, beside the tests themselves

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn callflow(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callflow"));
    command.args(args).env_remove("RUST_LOG").env_remove("NO_COLOR");
    // What is killed leaves its temporary files behind.
    command.env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn run(args: &[&str]) -> Output {
    callflow(args).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn decode(input: &str, more: &[&str]) -> Output {
    let mut args = vec!["decode", "-"];
    args.extend(more);
    let mut child =
        callflow(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that refuses its arguments may be gone before it is written to; what it said then is tested.
    let written = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(written.is_ok() || !output.status.success(), "{written:?}");
    output
}

#[test]
fn the_demo_is_a_ladder_and_goes_as_scripted() {
    let output = run(&[]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{text}{}", errors(&output));
    for words in [
        "calls the bot",
        "created call incoming",
        "/answer",
        "/playPrompt",
        "presses 1",
        "tone #",
        "200/7000: the bot ended the call",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours without a terminal");
}

#[test]
fn the_demo_as_json_ends_with_its_summary() {
    let output = run(&["demo", "--json"]);
    assert!(output.status.success(), "{}", errors(&output));
    let all = lines(&output);
    let summary = &all.last().unwrap()["summary"];
    assert_eq!(summary["kind"], "p2p");
    assert_eq!(summary["final_state"], "terminated");
    assert_eq!(summary["ever_established"], true);
    assert_eq!((&summary["ended"]["code"], &summary["ended"]["subcode"]), (&200.into(), &7000.into()));
    assert_eq!(summary["requests"], 5);
    assert_eq!(summary["events"]["Tone"], 1);
    assert!(summary["why"].as_str().unwrap().contains("called directly"));
    assert!(all.iter().any(|line| line["from"] == "person"));
}

#[test]
fn the_demo_calls_out_and_without_the_permission_says_so() {
    let output = run(&["demo", "--outgoing", "--json"]);
    assert!(output.status.success(), "{}", errors(&output));
    assert!(lines(&output).last().unwrap()["summary"]["why"].as_str().unwrap().contains("one target"));
    let output = run(&["demo", "--outgoing", "--json", "--revoke", "Calls.Initiate.All"]);
    assert_eq!(output.status.code(), Some(1));
    let summary = lines(&output).pop().unwrap();
    let ended = &summary["summary"]["ended"];
    assert_eq!(ended["subcode"], 7504);
    assert!(ended["text"].as_str().unwrap().contains("needs Calls.Initiate.All"), "{ended}");
    let output = run(&["demo", "--json", "--revoke", "Calls.AccessMedia.All"]);
    assert_eq!(output.status.code(), Some(1));
    let refused = &lines(&output).pop().unwrap()["summary"]["refused"]["text"];
    assert!(refused.as_str().unwrap().contains("needs Calls.AccessMedia.All"), "{refused}");
}

#[test]
fn an_occupied_port_says_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for args in [["demo", "--bot-port", &port], ["demo", "--sim-port", &port], ["sim", "--port", &port]] {
        let output = run(&args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(errors(&output).contains("give another port"), "{}", errors(&output));
    }
}

#[test]
fn a_store_that_cannot_be_written_or_read_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no such folder").join("calls.redb");
    let damaged = folder.path().join("damaged.redb");
    std::fs::write(&damaged, "this is no store at all, whatever its name is".repeat(200)).unwrap();
    for (path, words) in [(missing, "check that the folder is there"), (damaged, "restore it from a copy")] {
        let output = run(&["demo", "--store", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains(words), "{}", errors(&output));
    }
}

#[test]
fn decode_says_what_is_understood() {
    let body = r##"{"value": [
        {"changeType": "updated", "resourceUrl": "/communications/calls/57DA", "resourceData": {
            "@odata.type": "#microsoft.graph.call", "state": "Established", "callChainId": "x",
            "mediaState": {"audio": "active"}, "toneInfo": {"sequenceId": 6, "tone": "tone1"},
            "meetingInfo": {"token": "a secret token"}}},
        {"changeType": "deleted", "resourceUrl": "/communications/calls/57DA/operations/0FE0", "resourceData": {
            "@odata.type": "#microsoft.graph.playPromptOperation", "status": "completed",
            "resultInfo": {"code": "200", "subcode": "0"}}},
        {"changeType": "updated", "resourceUrl": "/communications/calls/57DA/participants", "resourceData": [{"id": "1"}]}
    ]}"##;
    let output = decode(body, &[]);
    assert!(output.status.success(), "{}", errors(&output));
    let all = lines(&output);
    assert_eq!(all[0]["file"], "-");
    assert_eq!(
        (&all[0]["resource"], &all[0]["call"], &all[0]["change"]),
        (&"call".into(), &"57DA".into(), &"updated".into())
    );
    assert_eq!((&all[0]["state"], &all[0]["media"]), (&"established".into(), &"active".into()));
    assert_eq!((&all[0]["tone"]["sequence"], &all[0]["tone"]["tone"]), (&6.into(), &"tone1".into()));
    assert_eq!(
        (&all[0]["coordinates"], &all[0]["ignored"]),
        (&true.into(), &serde_json::json!(["callChainId"]))
    );
    assert_eq!(
        (&all[1]["operation"]["id"], &all[1]["operation"]["type"]),
        (&"0FE0".into(), &"playPromptOperation".into())
    );
    assert_eq!(all[1]["result"], serde_json::json!({"code": 200, "subcode": 0}));
    assert_eq!(all[2]["participants"], 1);
    assert!(!String::from_utf8(output.stdout).unwrap().contains("secret"));
}

#[test]
fn decode_reads_responses_and_requests_too() {
    let call = r##"{"@odata.type": "#microsoft.graph.call", "id": "57DA", "state": "establishing"}"##;
    assert_eq!(lines(&decode(call, &["--as", "response"]))[0]["call"], "57DA");
    let play = r#"{"clientContext": "c", "prompts": [{"mediaInfo": {"uri": "https://bot.example/a.wav?sig=s3cret"}}]}"#;
    let output = decode(play, &["--as", "request"]);
    assert_eq!(lines(&output)[0]["operation"]["type"], "playPromptOperation");
    assert!(!String::from_utf8(output.stdout).unwrap().contains("s3cret"));
}

#[test]
fn decode_reads_a_request_of_which_the_first_line_is_known() {
    let line = |line: &str, body: &str| decode(body, &["--as", "request", "--line", line]);
    let url = "POST https://graph.microsoft.com/v1.0/communications/calls/57DA/participants/invite HTTP/1.1";
    let invite = r#"{"participants": [{"identity": {"phone": {"id": "+12345678901"}}}], "mood": 1, "clientContext": "c"}"#;
    let output = line(url, invite);
    assert!(output.status.success(), "{}", errors(&output));
    let told = &lines(&output)[0];
    assert_eq!((&told["action"], &told["call"]), (&"invite".into(), &"57DA".into()));
    assert_eq!((&told["ignored"][0], &told["participants"]), (&"mood".into(), &1.into()));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("+123"));
    assert_eq!(lines(&line("get /communications/calls/57DA/operations/0F", ""))[0]["operation"]["id"], "0F");
    assert_eq!(lines(&line("GET /me", ""))[0]["action"], "unknown");
    let output = line("POST /communications/calls/57DA/reject", "{\n\"reason\": \"bored\"}");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        errors(&output).contains("line 2, member reason: `bored` is none of none, busy"),
        "{}",
        errors(&output)
    );
    assert!(errors(&line("BREW /pot", "")).contains("none of GET, POST"));
    assert!(errors(&decode("{}", &["--line", "GET /me"])).contains("--as"));
}

#[test]
fn what_cannot_be_read_is_named_by_line_member_and_reason() {
    for (input, words) in [
        ("{\n  \"value\": [\n", &["line 3", "EOF"][..]),
        ("{\"value\": [\n{\"changeType\": \"sung\"}]}", &["line 2", "value[0].changeType", "sung"]),
        (
            "{\"value\": [{\"changeType\": \"updated\", \"resourceUrl\": \"/communications/calls/1\",\n\"resourceData\": {\"resultInfo\":\n{\"code\": []}}}]}",
            &["line 3", "value[0].resourceData.resultInfo.code", "whole number"],
        ),
    ] {
        let output = decode(input, &[]);
        assert_eq!(output.status.code(), Some(2), "{input}");
        for word in words {
            assert!(errors(&output).contains(word), "{word}: {}", errors(&output));
        }
    }
    let output = run(&["decode", "/no/such/file.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("/no/such/file.json"), "{}", errors(&output));
}

#[test]
fn explain_says_what_codes_mean() {
    for (args, words) in [
        (&["explain", "408", "8537"][..], "no keep-alive came in time"),
        (&["explain", "200/5002"], "all others left"),
        (&["explain", "7504"], "403/7504"),
        (&["explain", "403", "7504"], "have an administrator grant the permission"),
        (&["explain", "500"], "500/7000"),
        (&["explain", "480", "1"], "refused"),
    ] {
        let output = run(args);
        assert!(output.status.success(), "{args:?} {}", errors(&output));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(words), "{args:?}: {text}");
    }
    assert_eq!(run(&["explain", "many"]).status.code(), Some(2));
}

#[test]
fn help_is_there_on_every_level_and_a_wrong_command_line_is_2() {
    for args in [
        &["--help"][..],
        &["demo", "--help"],
        &["decode", "--help"],
        &["sim", "--help"],
        &["explain", "--help"],
        &["explain-token", "--help"],
        &["--version"],
    ] {
        assert!(run(args).status.success(), "{args:?}");
    }
    assert_eq!(run(&["dance"]).status.code(), Some(2));
    assert_eq!(run(&["decode"]).status.code(), Some(2));
}

/// Gives `input` to a command on its standard input.
fn told(args: &[&str], input: &str) -> Output {
    let piped = callflow(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = piped.unwrap();
    // One that stops at its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn a_token_is_explained_check_by_check_and_never_printed() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
    let mut jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
    jwk.common.key_id = Some("one".to_owned());
    let set = folder.path().join("keys.json");
    std::fs::write(&set, serde_json::json!({"keys": [jwk]}).to_string()).unwrap();
    let set = set.to_str().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let sign = |app: &str, begin: u64| {
        let claims = serde_json::json!({
            "iss": "https://api.botframework.com", "aud": app, "tid": "tenant-1", "nbf": begin, "exp": begin + 3900,
        });
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    let args = ["explain-token", "--app-id", "app-1", "--keys", set, "--json"];
    let good = sign("app-1", now);
    let forms = [good.clone(), format!("Bearer {good}\n"), format!("Authorization: Bearer {good}\n")];
    for input in forms {
        let output = told(&args, &input);
        assert!(output.status.success(), "{}", errors(&output));
        let checks: Vec<_> =
            lines(&output).iter().map(|line| line["check"].as_str().unwrap().to_owned()).collect();
        let all = ["shape", "algorithm", "key", "signature", "lifetime", "issuer", "audience", "tenant"];
        assert_eq!(checks, all);
    }
    let of_government = told(&[&args[..], &["--cloud", "usGovL4"]].concat(), &good);
    assert!(of_government.status.success(), "a government's tenant may be told of by the public issuer");
    let (head, _) = good.rsplit_once('.').unwrap();
    let late = sign("app-2", now - 7500);
    let (_, another) = late.rsplit_once('.').unwrap();
    for (token, more, faults) in [
        (late.clone(), &[][..], &["tokenExpired", "tokenAudience"][..]),
        (format!("{head}.{another}"), &[], &["tokenSignature"]),
        (good.clone(), &["--tenant", "tenant-2"], &["tenantNotServed"]),
        (good.clone(), &["--issuer", "https://issuer.example"], &["tokenIssuer"]),
        (good.clone(), &["--cloud", "china"], &["tokenIssuer"]),
        ("garbage".to_owned(), &[], &["tokenMalformed"]),
    ] {
        let output = told(&[&args[..], more].concat(), &token);
        assert_eq!(output.status.code(), Some(1), "{faults:?}");
        let found: Vec<_> =
            lines(&output).iter().filter_map(|line| line["fault"].as_str().map(str::to_owned)).collect();
        assert_eq!(found, faults);
        let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), errors(&output));
        let secrets = token.split('.').filter(|part| part.len() > 20);
        assert!(secrets.into_iter().all(|part| !printed.contains(part)), "{printed}");
    }
    let output = told(&args[..5], &late);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("expired 1 h"), "{text}");
    assert!(text.contains("check the app id"), "{text}");
    for (args, input, way) in [
        (&args[..], "", "give it on standard input"),
        (&["explain-token", "--app-id", "a", "--keys", "/no such file"], &good, "give the file of a key set"),
        (&["explain-token"], &good, "--app-id"),
        (&["explain-token", "--app-id", "a", "--cloud", "mars"], &good, "mars"),
    ] {
        let output = told(args, input);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(errors(&output).contains(way), "{}", errors(&output));
    }
}

#[test]
fn a_wrong_word_says_what_would_be_right() {
    for (args, way) in [
        (&["demo", "--revoke", "bogus"][..], "Calls.Initiate.All"),
        (&["explain", "99999999999999"], "4294967295"),
        (&["explain", "404", "x"], "`x` is no whole number"),
        (&["explain", "408/8537", "8522"], "give one pair"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(words.contains(way), "{args:?}: {words}");
    }
}

#[test]
fn who_reads_only_the_beginning_is_no_failure() {
    for args in [&["explain", "0"][..], &["demo", "--json"], &["tables"]] {
        let mut child = callflow(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_simulator_says_what_it_listens_on() {
    let mut child = callflow(&["sim"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    // The pipe stays open until the end: a simulator that can't print its next line stops.
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    let address = first.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let reached = std::net::TcpStream::connect(&address);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reached.is_ok(), "{first}");
}

/// A simulator that runs until it is dropped, and what it printed so far.
struct Sim {
    child: std::process::Child,
    out: BufReader<std::process::ChildStdout>,
    said: String,
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sim {
    /// Started, and listened to until it has said `word`.
    fn until(args: &[&str], word: &str) -> Self {
        let mut child = callflow(&["sim"]).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains(word) {
            assert_ne!(out.read_line(&mut said).unwrap(), 0, "no {word}: {said}");
        }
        Self { child, out, said }
    }

    /// What stands behind `name` in the table.
    fn line(&self, name: &str) -> &str {
        let line = self.said.lines().find(|line| line.trim_start().starts_with(&format!("{name}  ")));
        line.unwrap_or_else(|| panic!("no {name}: {}", self.said))
            .trim_start()
            .strip_prefix(name)
            .unwrap()
            .trim()
    }

    /// Stopped as by a person at a terminal.
    #[cfg(unix)]
    fn interrupt(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        std::io::Read::read_to_string(&mut self.out, &mut self.said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", self.said);
        std::mem::take(&mut self.said)
    }
}

/// The status of a GET, by a client that trusts `authority` where one is given; none where there is no connection.
fn status_of(url: &str, headers: &[(&str, &str)], authority: Option<&str>) -> Option<u16> {
    use callflow_graph::transport::{Https, Transport};

    let within = std::time::Duration::from_secs(20);
    let https = match authority {
        Some(file) => Https::try_new_trusting(within, within, &std::fs::read(file).unwrap()).unwrap(),
        None => Https::try_new(within, within).unwrap(),
    };
    let mut request = http::Request::get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(https.send(request.body(bytes::Bytes::new()).unwrap()));
    answer.ok().map(|response| response.status().as_u16())
}

const LAST_WORD: &str = "# macOS";

#[cfg(unix)]
#[test]
fn the_simulator_is_there_by_https_for_who_trusts_it() {
    let folder = tempfile::tempdir().unwrap();
    let variables = folder.path().join("sim.env");
    let sim = Sim::until(&["--env", variables.to_str().unwrap()], LAST_WORD);
    let keys = format!("{}/v1/.well-known/keys", sim.line("by https").strip_suffix("/v1.0").unwrap());
    let authority = sim.line("CA").split(" (").next().unwrap().to_owned();
    assert_eq!(status_of(&keys, &[], Some(&authority)), Some(200));
    assert_eq!(status_of(&keys, &[], None), None, "a stranger");
    assert_eq!(status_of(&keys, &[("host", "evil.test")], Some(&authority)), Some(421));
    let variables = std::fs::read_to_string(variables).unwrap();
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CALLFLOW_CLOUD_CA_FILE"] {
        assert!(sim.said.contains(&format!("export {name}={authority}")), "{name}: {}", sim.said);
        assert!(variables.contains(&format!("{name}={authority}\n")), "{name}: {variables}");
    }
    sim.interrupt();
    assert!(!std::path::Path::new(&authority).exists(), "nothing is left behind: {authority}");
}

#[test]
fn the_simulator_keeps_its_authority_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--ca-dir", folder.path().to_str().unwrap()];
    let first = Sim::until(&args, LAST_WORD);
    assert!(first.line("CA").ends_with("(kept for the next start: trust it once)"), "{}", first.said);
    drop(first);
    let authority = folder.path().join("ca.pem");
    let pem = std::fs::read_to_string(&authority).unwrap();
    let second = Sim::until(&args, LAST_WORD);
    assert!(second.line("CA").ends_with("(as at an earlier start)"), "{}", second.said);
    assert_eq!(std::fs::read_to_string(&authority).unwrap(), pem);
    drop(second);
    let third = Sim::until(&[&args[..], &["--host", "sim.test"]].concat(), LAST_WORD);
    assert!(third.line("CA").contains("trust this one"), "{}", third.said);
    assert_ne!(std::fs::read_to_string(&authority).unwrap(), pem);
    assert!(Sim::until(&["--no-tls"], "person").said.lines().all(|line| !line.contains("https://l")));
}

#[test]
fn others_reach_the_simulator_only_where_that_was_said_and_with_a_key() {
    let folder = tempfile::tempdir().unwrap();
    for (args, says) in [
        (&["sim", "--bind", "0.0.0.0"][..], "add --allow-remote"),
        (&["sim", "--bind", "0.0.0.0", "--allow-remote"], "say by --host"),
        (&["sim", "--no-tls", "--bind", "0.0.0.0", "--allow-remote"], "cannot be used with"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(errors(&output).contains(says), "{}", errors(&output));
    }
    let variables = folder.path().join("sim.env");
    let args =
        ["--bind", "0.0.0.0", "--allow-remote", "--host", "localhost", "--env", variables.to_str().unwrap()];
    let sim = Sim::until(&args, LAST_WORD);
    let (graph, secret) = (sim.line("Graph"), sim.line("secret"));
    assert!(graph.starts_with("https://localhost:"), "{graph}");
    assert!(secret.len() == 32 && secret != "only-for-the-simulator", "{secret}");
    let key = sim.line("key").split(" (").next().unwrap();
    let variables = std::fs::read_to_string(variables).unwrap();
    assert!(variables.contains(&format!("CALLFLOW_SIM_KEY={key}\n")), "{variables}");
    let authority = sim.line("CA").split(" (").next().unwrap();
    let link = sim.line("open once");
    assert!(!link.contains(key));
    for status in [303, 403] {
        assert_eq!(status_of(link, &[], Some(authority)), Some(status), "{link}");
    }
}

#[test]
fn the_simulator_takes_no_secret_of_a_real_tenant() {
    let secret = "abc8Q~0123456789012345678901234567890123";
    let as_variable = callflow(&["sim"]).env("CALLFLOW_CLIENT_SECRET", secret).output().unwrap();
    for output in [run(&["sim", "--client-secret", secret]), as_variable] {
        assert_eq!(output.status.code(), Some(1));
        let said = format!("{}{}", errors(&output), String::from_utf8_lossy(&output.stdout));
        assert!(said.contains("looks like one of a real tenant") && !said.contains("Q~"), "{said}");
    }
}

#[test]
fn the_demo_stays_with_its_page_where_it_is_asked_to() {
    use std::io::Read;
    // No browser is found there; the page can be opened by hand.
    let mut child = callflow(&["demo", "--open"]).env("PATH", "").stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    let address = first.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let mut page = String::new();
    let mut reached = std::net::TcpStream::connect(&address).unwrap();
    write!(reached, "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    reached.read_to_string(&mut page).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<title>callflow simulator</title>"), "{page}");
}

/// A file with a call of Ada's, one of Bob's, and one that is sealed where `seal` says so.
fn store_file(folder: &std::path::Path, seal: bool) -> String {
    use callflow_graph::store::encrypted::{Encrypted, Key, Keys};
    use callflow_graph::store::{About, CallName, Commit, Store, embedded::Embedded};
    use std::sync::Arc;

    let path = folder.join("calls.redb");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn Store> = Arc::new(Embedded::open(&path).unwrap());
        for (name, author, at) in [
            ("c-ada", r#"{"caller": "+49301234567", "sig": "https://blob.example/x?sig=s3cret"}"#, 1),
            ("o-bob", r#"{"caller": "+49309999999"}"#, u64::MAX),
        ] {
            let about = About { at, ..About::default() };
            let commit = Commit { author: author.into(), about, ..Commit::default() };
            store.commit(&CallName::try_new(name).unwrap(), commit).await.unwrap();
        }
        if seal {
            let keys = Keys::new(Key::try_new("k1", [1; 32]).unwrap());
            let sealed = Encrypted::new(store, Arc::new(keys));
            sealed.commit(&CallName::try_new("c-sealed").unwrap(), Commit::default()).await.unwrap();
        }
    });
    path.to_str().unwrap().to_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_store_is_listed_exported_without_secrets_and_made_smaller() {
    let folder = tempfile::tempdir().unwrap();
    let path = store_file(folder.path(), true);
    let listed = run(&["store", "inspect", &path, "--json"]);
    let listed = lines(&listed);
    assert_eq!((&listed[0]["format"], &listed[0]["calls"]), (&2.into(), &3.into()));
    let states: Vec<_> =
        listed[1..].iter().map(|line| (&line["name"], &line["state"], &line["key"])).collect();
    let unreadable = (&"c-ada".into(), &"unreadable".into(), &Value::Null);
    assert_eq!(states[0], unreadable);
    assert_eq!(states[1], (&"c-sealed".into(), &"encrypted".into(), &"k1".into()));
    assert!(said(&run(&["store", "inspect", &path])).starts_with("format 2, 3 calls, "));

    let exported = said(&run(&["store", "export", &path]));
    assert_eq!(exported.lines().count(), 3);
    for secret in ["4930", "s3cret", "blob.example", "o-bob"] {
        assert!(!exported.contains(secret), "{secret}: {exported}");
    }
    assert!(exported.contains("<number 1>") && exported.contains("<number 2>"), "{exported}");
    assert_eq!(exported, said(&run(&["store", "export", &path])), "stand-ins are stable");
    assert!(said(&run(&["store", "compact", &path])).contains(" after"));
}

#[test]
fn a_person_is_deleted_from_a_store_that_no_bot_has_open() {
    use callflow_graph::store::embedded::Embedded;

    let folder = tempfile::tempdir().unwrap();
    let path = store_file(folder.path(), false);
    let purge = |more: &[&str]| run(&[&["store", "purge", path.as_str()], more].concat());
    let open = Embedded::open(&path).unwrap();
    for command in ["inspect", "export", "compact"] {
        let refused = run(&["store", command, &path]);
        assert_eq!(refused.status.code(), Some(2), "{command}");
        assert!(errors(&refused).contains("in use by another process"), "{}", errors(&refused));
    }
    assert!(errors(&purge(&["--person", "+49301234567"])).contains("in use"));
    drop(open);
    assert_eq!(purge(&[]).status.code(), Some(2), "whom or how old has to be said");
    assert_eq!(purge(&["--person", "1"]).status.code(), Some(2));
    assert!(said(&purge(&["--person", "+49301111111"])).starts_with("0 of 2 calls deleted"));
    assert!(said(&purge(&["--person", "+49301234567", "--older-than", "30d"])).starts_with("1 of 2"));
    assert!(!std::fs::read(&path).unwrap().windows(8).any(|window| window == b"30123456"));
    assert!(said(&purge(&["--older-than", "30d"])).starts_with("0 of 1"));
    let none = run(&["store", "inspect", "/no such file"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(errors(&none).contains("give the file of a bot's store"), "{}", errors(&none));
}

#[test]
fn where_calls_are_encrypted_nothing_is_deleted_by_person() {
    let folder = tempfile::tempdir().unwrap();
    let path = store_file(folder.path(), true);
    let refused = run(&["store", "purge", &path, "--person", "+49301234567"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("1 calls are encrypted"), "{}", errors(&refused));
    assert_eq!(lines(&run(&["store", "inspect", &path, "--json"]))[0]["calls"], 3);
}

#[test]
fn a_configuration_is_shown_with_where_each_key_was_given_and_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bot.toml");
    let example = String::from_utf8(run(&["config", "--example"]).stdout).unwrap();
    std::fs::write(&file, &example).unwrap();
    let path = file.to_str().unwrap();
    let mut command = callflow(&["config", "--config", path, "--set", "webhook.listen=127.0.0.1:1"]);
    let output = command.env("AZURE_CLIENT_SECRET", "s3cret of the app").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", errors(&output));
    assert!(text.contains("webhook.listen = \"127.0.0.1:1\"  # a flag"), "{text}");
    assert!(text.contains("app.secret = ***  # the variable AZURE_CLIENT_SECRET"), "{text}");
    std::fs::write(&file, example.replace("callback =", "calback =")).unwrap();
    let output = callflow(&["config", "--config", path]).env_remove("AZURE_CLIENT_SECRET").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    for words in
        ["webhook.calback: there is no such key; did you mean `webhook.callback`?", "CALLFLOW_APP_SECRET"]
    {
        assert!(errors(&output).contains(words), "{words}: {}", errors(&output));
    }
}

#[test]
fn what_is_wrong_with_a_bot_is_found_before_its_first_call() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let variables = folder.path().join("sim.env");
    let callback = format!("http://{free}/calls");
    let args = ["sim", "--callback", &callback, "--env", variables.to_str().unwrap()];
    let mut simulator = callflow(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(simulator.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    let store = format!("store.file={}", folder.path().join("calls.redb").display());
    let mut command = callflow(&["check", "--set", &store]);
    let variables = std::fs::read_to_string(&variables).unwrap();
    command.envs(variables.lines().map(|line| line.split_once('=').unwrap()));
    let text = said(&command.output().unwrap());
    let output = command.arg("--json").output().unwrap();
    simulator.kill().unwrap();
    simulator.wait().unwrap();
    assert_eq!(output.status.code(), Some(1), "nobody listens at the callback: {text}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |check: &str| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["check"] == check).unwrap()["outcome"].clone()
    };
    for (check, outcome) in [
        ("token", "ok"),
        ("clock", "ok"),
        ("permissions", "ok"),
        ("graph", "ok"),
        ("keys", "ok"),
        ("store", "ok"),
        ("callback", "failed"),
    ] {
        assert_eq!(of(check), outcome, "{check}: {report:#}");
    }
    assert!(text.contains("failed  callback: cannot reach") && text.contains("403 with 7503"), "{text}");
}

#[test]
fn what_an_administrator_needs_is_written_once_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("setup");
    let set = |app: &str| {
        let mut command = callflow(&["setup", "--out", out.to_str().unwrap(), "--does", "answer,transfer"]);
        command.args(["--set", "app.tenant_id=contoso.example", "--set", &format!("app.id={app}")]);
        command.args(["--set", "webhook.callback=https://bot.example/calls"]);
        command.env("CALLFLOW_APP_SECRET", "s3cret of the app");
        command
    };
    let output =
        set("8a34a46b-3d17-4adc-8dce-dc4e7d572698").env_remove("CALLFLOW_APP_SECRET").output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    let written = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let manifest: Value = serde_json::from_str(&written("manifest.json")).unwrap();
    assert_eq!(manifest["bots"][0]["supportsCalling"], true);
    assert!(written("SETUP.md").contains("Calls.Initiate.All"));
    let again = set("8a34a46b-3d17-4adc-8dce-dc4e7d572698").output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(errors(&again).contains("is there already"), "{}", errors(&again));
    assert!(errors(&set("app-1").output().unwrap()).contains("`app.id` is no application id"));
    std::fs::remove_dir_all(&out).unwrap();
    assert!(set("8a34a46b-3d17-4adc-8dce-dc4e7d572698").output().unwrap().status.success());
    assert!(!written("SETUP.md").contains("s3cret") && !written("manifest.json").contains("s3cret"));
}

fn run_replay(trace: &std::path::Path) -> Output {
    self::run(&["replay", trace.to_str().unwrap(), "--assert"])
}

/// A port that nobody has just now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until a program says this, and gives what it said up to then.
fn heard(out: &mut impl BufRead, words: &str) -> String {
    let mut all = String::new();
    while !all.contains(words) {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "it ended before it said {words:?}: {all}");
        all += &line;
    }
    all
}

#[cfg(unix)]
#[test]
fn a_bot_of_a_file_takes_a_call_is_looked_at_and_drained() {
    let folder = tempfile::tempdir().unwrap();
    let [bot, graph, operations] = [free_port(), free_port(), free_port()];
    std::fs::create_dir(folder.path().join("prompts")).unwrap();
    let tone = include_bytes!("../src/prompt/fixtures/tone.mp3");
    std::fs::write(folder.path().join("prompts/welcome.mp3"), tone).unwrap();
    let file = folder.path().join("bot.toml");
    let text = format!(
        "[app]\ntenant_id = \"932899f8-2ea1-4604-8413-27bd2892079f\"\nid = \"8a34a46b-3d17-4adc-8dce-dc4e7d572698\"\n\
         [cloud]\nauthority = \"http://127.0.0.1:{graph}\"\ngraph = \"http://127.0.0.1:{graph}/v1.0\"\n\
         openid = \"http://127.0.0.1:{graph}/v1/.well-known/OpenIdConfiguration\"\n\
         [webhook]\ncallback = \"http://127.0.0.1:{bot}/calls\"\nlisten = \"127.0.0.1:{bot}\"\n\
         [operations]\nlisten = \"127.0.0.1:{operations}\"\n[store]\nfile = \"calls.redb\"\n[prompts]\nfolder = \"prompts\"\n\
         [trace]\nfile = \"calls.trace\"\n[drain]\nwithin = 0\nhang_up_within = 10\n\
         [menu.main]\nprompt = \"welcome\"\n[menu.main.keys]\n1 = \"repeat\"\n\
         [outgoing.ada]\nto = \"user:112f7296-5fa4-42ca-bae8-6a692b15d4b8\"\nmenu = \"main\"\n"
    );
    std::fs::write(&file, &text).unwrap();
    let config = file.to_str().unwrap();
    let run = || {
        let mut command = callflow(&["run", "--config", config]);
        command
            .env("CALLFLOW_APP_SECRET", "only-for-the-simulator")
            .env("CALLFLOW_OPERATIONS_KEY", "a key of operations");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut running = run().spawn().unwrap();
    let mut says = BufReader::new(running.stdout.take().unwrap());
    heard(&mut says, "listening on");
    let (port, callback) = (graph.to_string(), format!("http://127.0.0.1:{bot}/calls"));
    let mut simulator = callflow(&["sim", "--port", &port, "--callback", &callback, "--call"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut graph_says = BufReader::new(simulator.stdout.take().unwrap());
    // The key is pressed after the first prompt, which then is played again.
    heard(&mut graph_says, "Ada presses 1");
    let url = format!("http://127.0.0.1:{operations}");
    let operate = |args: &[&str], key: &str| {
        let output = callflow(args)
            .args(["--url", &url, "--json"])
            .env("CALLFLOW_OPERATIONS_KEY", key)
            .output()
            .unwrap();
        (
            output.status.code(),
            serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default(),
            errors(&output),
        )
    };
    let (code, list, told) = operate(&["calls", "list"], "a key of operations");
    assert_eq!((code, &list["calls"][0]["state"]), (Some(0), &"established".into()), "{list} {told}");
    let name = list["calls"][0]["name"].as_str().unwrap();
    assert_eq!(operate(&["calls", "show", name], "a key of operations").1["kind"], "p2p");
    assert_eq!(operate(&["health"], "a key of operations").1["ready"], true);
    let key = "a key of operations";
    assert_eq!(operate(&["calls", "place"], key).1["outgoing"], serde_json::json!(["ada"]));
    let (code, _, told) = operate(&["calls", "place", "nobody"], key);
    assert!(
        code == Some(1) && told.contains("there is no outgoing call \"nobody\"; there are ada"),
        "{told}"
    );
    let (code, _, told) = operate(&["drain"], "another key, as long");
    assert!(code == Some(1) && told.contains("this is not the key of operations"), "{told}");
    assert_eq!(run().output().unwrap().status.code(), Some(1), "two at one address");
    let pid = running.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let output = running.wait_with_output().unwrap();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut says, &mut rest).unwrap();
    simulator.kill().unwrap();
    simulator.wait().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    assert!(rest.contains("drained: 1 calls were hung up, 0 are left"), "{rest} {}", errors(&output));
    let replayed = run_replay(&folder.path().join("calls.trace"));
    assert!(replayed.status.success(), "{}", errors(&replayed));
    std::fs::write(&file, text.replace("1 = \"repeat\"", "1 = \"repaet\"")).unwrap();
    let output = run().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("menu.main.keys.1: `repaet` is none of these"), "{}", errors(&output));
}

#[cfg(unix)]
#[test]
fn a_second_signal_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let [bot, graph] = [free_port(), free_port()];
    let example = String::from_utf8(run(&["run", "--example"]).stdout).unwrap();
    let file = folder.path().join("bot.toml");
    // Whatever is said is a tone here: nobody has to speak.
    let text = example.replace("\nsay =", "\nprompt = \"tone\" #").replace("_say =", "_prompt = \"tone\" #");
    std::fs::write(
        &file,
        text.replace("{ say = \"Monday to Friday, nine to five.\" }", "{ play = \"tone\" }"),
    )
    .unwrap();
    std::fs::create_dir(folder.path().join("prompts")).unwrap();
    std::fs::write(folder.path().join("prompts/tone.mp3"), include_bytes!("../src/prompt/fixtures/tone.mp3"))
        .unwrap();
    let (port, callback) = (graph.to_string(), format!("http://127.0.0.1:{bot}/calls"));
    let settings = [
        format!("cloud.authority=http://127.0.0.1:{graph}"),
        format!("cloud.graph=http://127.0.0.1:{graph}/v1.0"),
        format!("cloud.openid=http://127.0.0.1:{graph}/v1/.well-known/OpenIdConfiguration"),
        format!("webhook.callback={callback}"),
        format!("webhook.listen=127.0.0.1:{bot}"),
        format!("prompts.folder={}", folder.path().join("prompts").display()),
        "store.in_memory=true".to_owned(),
        "app.tenant_id=932899f8-2ea1-4604-8413-27bd2892079f".to_owned(),
        "app.id=8a34a46b-3d17-4adc-8dce-dc4e7d572698".to_owned(),
    ];
    let mut command = callflow(&["run", "--config", file.to_str().unwrap()]);
    for setting in &settings {
        command.args(["--set", setting]);
    }
    command
        .env("CALLFLOW_APP_SECRET", "only-for-the-simulator")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    heard(&mut BufReader::new(running.stdout.take().unwrap()), "listening on");
    let mut simulator = callflow(&["sim", "--port", &port, "--callback", &callback, "--call"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut graph_says = BufReader::new(simulator.stdout.take().unwrap());
    heard(&mut graph_says, "Ada presses 1");
    // Nobody is left who could end the call.
    simulator.kill().unwrap();
    simulator.wait().unwrap();
    let pid = running.id().to_string();
    let signal = || assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    signal();
    heard(&mut BufReader::new(running.stderr.take().unwrap()), "a second signal stops at once");
    signal();
    let status = running.wait().unwrap();
    assert_eq!(status.code(), Some(130), "it did not wait for the call");
}

/// A bot of a file in `folder` that plays a tone, at these ports.
#[cfg(unix)]
fn bot_of_a_tone(folder: &std::path::Path, [bot, graph]: [u16; 2]) -> Command {
    std::fs::create_dir_all(folder.join("prompts")).unwrap();
    let tone = include_bytes!("../src/prompt/fixtures/tone.mp3");
    std::fs::write(folder.join("prompts/tone.mp3"), tone).unwrap();
    let text = format!(
        "[app]\ntenant_id = \"932899f8-2ea1-4604-8413-27bd2892079f\"\nid = \"8a34a46b-3d17-4adc-8dce-dc4e7d572698\"\n\
         [cloud]\nauthority = \"http://127.0.0.1:{graph}\"\ngraph = \"http://127.0.0.1:{graph}/v1.0\"\n\
         openid = \"http://127.0.0.1:{graph}/v1/.well-known/OpenIdConfiguration\"\n\
         [webhook]\ncallback = \"http://127.0.0.1:{bot}/calls\"\nlisten = \"127.0.0.1:{bot}\"\n\
         [store]\nfile = \"calls.redb\"\n[prompts]\nfolder = \"prompts\"\n\
         [menu.main]\nprompt = \"tone\"\n[menu.main.keys]\n1 = \"repeat\"\n"
    );
    std::fs::write(folder.join("bot.toml"), text).unwrap();
    let mut command = callflow(&["run", "--config", folder.join("bot.toml").to_str().unwrap()]);
    command.env("CALLFLOW_APP_SECRET", "only-for-the-simulator");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[cfg(unix)]
fn signal(name: &str, process: &std::process::Child) {
    let pid = process.id().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_signal_while_a_bot_starts_ends_it_in_order() {
    for name in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        // Whoever is asked for a token takes the request, and does not answer.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ports = [free_port(), silent.local_addr().unwrap().port()];
        let running = bot_of_a_tone(folder.path(), ports).spawn().unwrap();
        let asked = silent.accept().unwrap();
        signal(name, &running);
        let output = running.wait_with_output().unwrap();
        drop(asked);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", errors(&output));
        assert!(errors(&output).contains("stopped before it listened"), "{}", errors(&output));
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_of_another_kind_says_what_is_left_and_the_store_has_it() {
    for (first, second) in [("-INT", "-TERM"), ("-TERM", "-INT")] {
        let folder = tempfile::tempdir().unwrap();
        let [bot, graph] = [free_port(), free_port()];
        let mut running = bot_of_a_tone(folder.path(), [bot, graph]).spawn().unwrap();
        heard(&mut BufReader::new(running.stdout.take().unwrap()), "listening on");
        let (port, callback) = (graph.to_string(), format!("http://127.0.0.1:{bot}/calls"));
        let mut simulator = callflow(&["sim", "--port", &port, "--callback", &callback, "--call"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        heard(&mut BufReader::new(simulator.stdout.take().unwrap()), "Ada presses 1");
        // Nobody is left who could end the call.
        simulator.kill().unwrap();
        simulator.wait().unwrap();
        signal(first, &running);
        let mut says = BufReader::new(running.stderr.take().unwrap());
        heard(&mut says, "a second signal stops at once");
        signal(second, &running);
        heard(&mut says, "stopped at once; 1 calls are left, which the next start takes up");
        assert_eq!(running.wait().unwrap().code(), Some(130));
        let store = folder.path().join("calls.redb");
        let kept = run(&["store", "inspect", store.to_str().unwrap(), "--json"]);
        assert_eq!(lines(&kept)[0]["calls"], 1, "{}", errors(&kept));
    }
}

#[test]
fn a_simulators_variables_replace_only_those_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bot.toml");
    let sim = |more: &[&str]| callflow(&[&["sim", "--env", file.to_str().unwrap()], more].concat());
    std::fs::write(&file, "[app]\nid = \"a\"\n").unwrap();
    // One that is not refused says where it listens, and goes on.
    let refused = |more: &[&str]| {
        let mut refused = sim(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(refused.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let _ = refused.kill();
        let output = refused.wait_with_output().unwrap();
        assert!(line.is_empty(), "{more:?} is not refused: {line}");
        errors(&output)
    };
    let told = refused(&[]);
    assert!(told.contains("is there already, and is none of a simulator's"), "{told}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "[app]\nid = \"a\"\n");
    std::fs::remove_file(&file).unwrap();
    for value in ["a tenant", "te*ant", "te\"nant"] {
        let told = refused(&["--tenant-id", value]);
        assert!(told.contains("the value of CALLFLOW_APP_TENANT_ID has blanks") && !file.exists(), "{told}");
    }
    std::fs::write(&file, "CALLFLOW_APP_ID=old\n").unwrap();
    let mut simulator =
        sim(&["--client-secret", "s3cret of another"]).stdout(Stdio::piped()).spawn().unwrap();
    heard(&mut BufReader::new(simulator.stdout.take().unwrap()), "Graph");
    simulator.kill().unwrap();
    simulator.wait().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("CALLFLOW_APP_ID=8a34a46b") && !text.contains("old") && !text.contains("s3cret"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn variables_that_are_empty_or_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let config = || {
        let mut command = callflow(&["config"]);
        command
            .env("CALLFLOW_CONFIG", "")
            .env("CALLFLOW_APP_TENANT_ID", "t-1")
            .env("CALLFLOW_APP_ID", "a-1")
            .env("CALLFLOW_APP_SECRET", "a secret of the app")
            .env("CALLFLOW_WEBHOOK_CALLBACK", "https://bot.example/calls");
        command
    };
    let output = config().output().unwrap();
    assert!(output.status.success(), "an empty variable is not set: {}", errors(&output));
    let output =
        config().env("CALLFLOW_STORE_FILE", std::ffi::OsStr::from_bytes(b"calls\xFF.redb")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let expected = "the variable CALLFLOW_STORE_FILE: store.file: what is no UTF-8 stands here; give a path";
    assert!(errors(&output).contains(expected), "{}", errors(&output));
}

fn traced_demo(folder: &std::path::Path) -> (String, String) {
    let path = folder.join("demo.trace").to_str().unwrap().to_owned();
    let output = run(&["demo", "--json", "--trace", &path]);
    assert!(output.status.success(), "{}", errors(&output));
    (std::fs::read_to_string(&path).unwrap(), path)
}

#[test]
fn a_traced_demo_replays_and_a_planted_change_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (text, path) = traced_demo(folder.path());
    for secret in ["only-for-the-demo", "Ada", "112f7296", "menu.wav"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let output = run(&["replay", &path, "--assert"]);
    let told = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{told}{}", errors(&output));
    assert!(
        told.contains("entries: as recorded") && told.contains("offered: created call incoming"),
        "{told}"
    );
    assert_eq!(run(&["replay", &path, "--assert"]).stdout, output.stdout, "the same each time");

    let changed = folder.path().join("changed.trace");
    std::fs::write(&changed, text.replacen("\"Established\"", "\"Offered\"", 1)).unwrap();
    let output = run(&["replay", changed.to_str().unwrap(), "--assert"]);
    assert_eq!(output.status.code(), Some(1));
    let line = text.lines().position(|line| line.contains("\"Established\"")).unwrap() + 1;
    let expected = format!("line {line}: output.events[1]: recorded \"Offered\", replayed \"Established\"");
    assert!(errors(&output).contains(&expected), "{}", errors(&output));
    let output = run(&["replay", changed.to_str().unwrap()]);
    assert!(output.status.success(), "without --assert it goes on");
    assert!(String::from_utf8_lossy(&output.stdout).contains("differs: output.events[1]"));
}

#[test]
fn a_replay_stops_where_it_is_told_and_prints_the_whole_state() {
    let folder = tempfile::tempdir().unwrap();
    let (text, path) = traced_demo(folder.path());
    for (until, entries) in [("3", 2), ("0s", 1), ("999s", text.lines().count() - 1)] {
        let output = run(&["replay", &path, "--until", until]);
        let told = String::from_utf8(output.stdout).unwrap();
        let count = told.lines().filter(|line| line.contains(" c-")).count();
        // Several may have come in the first millisecond.
        assert!(if until == "0s" { count >= entries } else { count == entries }, "{until}: {told}");
        assert!(told.contains("\nCall {"), "{told}");
    }
    let output = run(&["replay", &path, "--call", "c-none"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("no call c-none"), "{}", errors(&output));
    let entry: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let output = run(&["replay", &path, "--call", entry["call"].as_str().unwrap(), "--assert"]);
    assert!(output.status.success(), "{}", errors(&output));
}

#[test]
fn traces_that_cannot_be_read_say_where_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (text, path) = traced_demo(folder.path());
    let of = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (cut, _) = text.split_at(text.len() - 30);
    let cut = run(&["replay", &of("cut", cut), "--assert"]);
    assert!(cut.status.success(), "{}", errors(&cut));
    assert!(String::from_utf8_lossy(&cut.stdout).contains("was cut off"));
    let head = of("head", text.split_inclusive('\n').next().unwrap());
    assert!(run(&["replay", &head]).status.success());
    let nothing = run(&["replay", &head, "--assert"]);
    assert_eq!(nothing.status.code(), Some(2), "what compared nothing asserts nothing");
    let later = text.replacen("\"callflow_trace\":1", "\"callflow_trace\":7", 1);
    let begun: Vec<_> =
        text.lines().enumerate().filter(|(place, _)| *place != 1).map(|(_, line)| line).collect();
    for (name, text, words) in [
        ("later", later, "version 7, and this release reads up to 1"),
        ("no trace", "{\"value\": []}\n".to_owned(), "line 1: no trace"),
        (
            "damaged",
            text.replacen("\"input\":{\"ordered\"", "\"input\":{\"odered\"", 1),
            "line 3: unknown variant",
        ),
        ("without its beginning", begun.join("\n"), "line 2: the trace does not have the beginning"),
    ] {
        let output = run(&["replay", &of(name, &text)]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(errors(&output).contains(words), "{name}: {}", errors(&output));
    }
    let output = run(&["replay", "/no/such/file"]);
    assert!(errors(&output).contains("give a file that was written with --trace"), "{}", errors(&output));
    // A second process writes behind the first.
    assert!(run(&["demo", "--json", "--trace", &path]).status.success());
    let twice = run(&["replay", &path, "--assert"]);
    assert!(twice.status.success(), "{}", errors(&twice));
}

#[test]
fn a_trace_is_drawn_as_a_ladder_and_as_a_diagram() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = traced_demo(folder.path());
    for width in [60, 100] {
        let output = run(&["ladder", &path, "--width", &width.to_string()]);
        assert!(output.status.success(), "{}", errors(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("created call incoming") && text.contains("/playPrompt"), "{text}");
        let bars: std::collections::BTreeSet<Vec<usize>> = text
            .lines()
            .skip(2)
            .filter(|line| line.chars().count() < width)
            .map(|line| line.chars().enumerate().filter(|(_, c)| *c == '│').map(|(at, _)| at).collect())
            .collect();
        assert!(bars.contains(&vec![11, width - 18]), "{bars:?}\n{text}");
    }
    let output = run(&["ladder", &path, "--format", "mermaid"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("sequenceDiagram\n") && text.contains("G->>B: 0.000 s  created call incoming"),
        "{text}"
    );
    let output = run(&["ladder", &path, "--call", "c-none"]);
    assert_eq!(output.status.code(), Some(2));
}
