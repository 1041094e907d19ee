//! The program's commands on the rules: what they draw, list and tell.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests, beside the tests themselves

use std::process::{Command, Output};

use serde_json::Value;

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callflow"));
    command.args(args).env_remove("RUST_LOG").env_remove("NO_COLOR").output().unwrap()
}

fn text(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", errors(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn diagram_draws_each_in_each_format() {
    for (args, words) in [
        (&["diagram"][..], "incoming --> established: established"),
        (&["diagram", "lifecycle", "--format", "mermaid"], "stateDiagram-v2"),
        (&["diagram", "lifecycle", "--format", "dot"], "digraph lifecycle {"),
        (&["diagram", "lifecycle", "--format", "TABLE"], "| answer | may leave | no |"),
        (&["diagram", "classification"], "p2p_direct --> group: an invitation was completed"),
        (&["diagram", "classification", "--format", "dot"], "digraph classification {"),
        (&["diagram", "classification", "--format", "table"], "| p2p, direct | a roster of three or more |"),
        (&["diagram", "permissions"], "flowchart LR"),
        (&["diagram", "permissions", "--format", "dot"], "transfer -> \"Calls.Initiate.All\""),
        (&["diagram", "permissions", "--format", "table"], "| recordResponse | Calls.AccessMedia.All |"),
    ] {
        let text = text(args);
        assert!(text.contains(words), "{args:?}: {text}");
    }
}

#[test]
fn permissions_say_what_is_needed_and_what_is_missing() {
    // Graph docs, call: answer, call: record, call: transfer, participant: invite.
    for (args, words) in [
        (&["permissions", "answer"][..], "p2p  needs nothing"),
        (&["permissions", "transfer"], "Graph docs, call: transfer (documented)"),
        (
            &["permissions", "RecordResponse", "--granted", "Calls.Initiate.All"],
            "missing Calls.AccessMedia.All",
        ),
        (&["permissions", "recordResponse", "--granted", "none"], "have an administrator grant"),
        (
            &["permissions", "invite", "--granted", "Calls.InitiateGroupCalls.All,Calls.Initiate.All"],
            "needs Calls.InitiateGroupCall.All: granted",
        ),
        (
            &["permissions", "place", "--kind", "p2p", "--media", "app"],
            "needs Calls.Initiate.All, and Calls.AccessMedia.All",
        ),
        (&["permissions", "mute", "--kind", "p2p"], "not supported"),
        (
            &["permissions", "mute", "--kind", "p2p", "--hosting", "conversation"],
            "p2p, hosted  needs nothing",
        ),
    ] {
        let text = text(args);
        assert!(text.contains(words), "{args:?}: {text}");
    }
    let group = text(&["permissions", "transfer", "--kind", "group"]);
    assert!(group.contains("group  needs") && !group.contains("p2p"), "{group}");
    let all = text(&["permissions"]);
    assert!(all.starts_with("place\n") && all.contains("\ngetOperation\n"), "{all}");
}

#[test]
fn permissions_name_what_is_like_an_unknown_word() {
    for (args, words) in [
        (&["permissions", "mut"][..], "'mute'"),
        (&["permissions", "tranfer"], "'transfer'"),
        (&["permissions", "dance"], "possible values: place"),
        (&["permissions", "place", "--granted", "Calls.Dance.All"], "these are: Calls.Initiate.All"),
        (&["permissions", "place", "--kind", "party"], "p2p, group"),
        (&["permissions", "mute", "--kind", "group", "--hosting", "direct"], "leave out --hosting"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(errors(&output).contains(words), "{args:?}: {}", errors(&output));
    }
}

#[test]
fn tables_list_every_rule_with_its_source_and_its_certainty() {
    let all = text(&["tables", "--json"]);
    let tables: Vec<Vec<Value>> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = tables.iter().map(|rows| rows[0]["table"].as_str().unwrap()).collect();
    let expected =
        ["lifecycle", "classification", "restrictions", "permissions", "limits", "timers", "results"];
    assert_eq!(names, expected);
    for row in tables.iter().flatten() {
        let source = row["source"].as_str().unwrap();
        let beginning = match row["certainty"].as_str().unwrap() {
            "documented" => "Graph docs, ",
            "captured" => "field ",
            "assumed" => "assumed",
            other => panic!("{other}: {row}"),
        };
        assert!(source.starts_with(beginning), "{row}");
    }
}

#[test]
fn tables_in_json_say_what_the_pages_say() {
    let rows = |table| -> Vec<Value> { serde_json::from_str(&text(&["tables", table, "--json"])).unwrap() };
    // Graph docs, call: redirect.
    let limits = rows("limits");
    let redirect = limits.iter().find(|row| row["limit"] == "RedirectTargets").unwrap();
    assert_eq!((&redirect["least"], &redirect["most"]), (&1.into(), &25.into()));
    // No page has a most.
    assert_eq!(limits.iter().find(|row| row["limit"] == "Tones").unwrap()["most"], Value::Null);
    // Graph docs, call: keepAlive.
    let timers = rows("timers");
    let keep_alive = timers.iter().find(|row| row["timer"] == "keepAlive").unwrap();
    assert_eq!(keep_alive["default_ms"], 900_000);
    // Graph docs, call: transfer.
    let lifecycle = rows("lifecycle");
    let transfer = |state| {
        let is_it = |row: &&Value| {
            row["actions"] == serde_json::json!(["transfer"])
                && row["states"].as_array().unwrap().contains(&Value::from(state))
        };
        lifecycle.iter().find(is_it).unwrap()["leave"].clone()
    };
    assert_eq!((transfer("established"), transfer("ringing")), ("allow".into(), "refuse".into()));
    // Graph docs, participant: invite; Calls overview.
    let completed = |row: &&Value| row["seen"] == "an invitation was completed";
    assert_eq!(rows("classification").iter().find(completed).unwrap()["to"]["kind"], "group");
}

#[test]
fn tables_are_text_for_people() {
    for (args, words) in [
        (&["tables", "lifecycle"][..], "told establishing in incoming: to establishing"),
        (&["tables", "restrictions"], "conversationOnly (mute, unmute"),
        (&["tables", "permissions"], "transfer: p2p: Calls.Initiate.All; group: Calls.Initiate.All"),
        (&["tables", "limits"], "1…25 targets of a redirect"),
        (&["tables", "timers"], "answer: 15 s (0.1…15 s can be set)"),
        (&["tables", "results"], "408/8537: no keep-alive came in time"),
        (&["tables"], "classification\n"),
    ] {
        let text = text(args);
        assert!(text.contains(words), "{args:?}: {text}");
    }
}

#[test]
fn explain_tells_all_of_a_number_that_stands_once() {
    for (args, words) in [
        (&["explain", "8523"][..], "what to do"),
        (&["explain", "200/7000"], "Graph docs, call: delete (documented)"),
        (&["explain", "999"], "no source explains this number\n"),
    ] {
        let text = text(args);
        assert!(text.contains(words), "{args:?}: {text}");
    }
}

#[test]
fn help_is_there_and_a_wrong_word_is_2() {
    for command in ["diagram", "permissions", "tables"] {
        assert!(run(&[command, "--help"]).status.success(), "{command}");
    }
    for args in [&["diagram", "dance"][..], &["diagram", "--format", "svg"], &["tables", "dances"]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(errors(&output).contains("possible values"), "{}", errors(&output));
    }
}
