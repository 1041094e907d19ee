//! What is drawn, compared with files that were reviewed, and with what the tables say.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::action::Action;
use crate::lifecycle::{News, State};
use crate::permission::Permission;

/// Compares a drawing with its file; with `UPDATE_DIAGRAMS=1`, writes the file first.
fn is_as_reviewed(name: &str, drawn: &str) {
    let path = format!("{}/src/diagram/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_DIAGRAMS").is_some() {
        std::fs::write(&path, drawn).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(drawn, reviewed, "review the change, then run with UPDATE_DIAGRAMS=1");
}

fn all(format: Format) -> [String; 3] {
    [
        Lifecycle { format }.to_string(),
        Classification { format }.to_string(),
        Permissions { format }.to_string(),
    ]
}

#[test]
fn the_diagrams_of_the_documentation_are_those_drawn() {
    is_as_reviewed("lifecycle.mmd", &Lifecycle { format: Format::Mermaid }.to_string());
    is_as_reviewed("classification.mmd", &Classification { format: Format::Mermaid }.to_string());
}

#[test]
fn the_diagram_of_the_readme_is_the_one_drawn() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let blocks: Vec<&str> = readme
        .split("```mermaid\n")
        .skip(1)
        .map(|rest| rest.split_once("```").map_or(rest, |(block, _)| block))
        .collect();
    assert_eq!(blocks, [Classification { format: Format::Mermaid }.to_string()]);
}

#[test]
fn mermaid_has_the_transitions_of_the_pages() {
    // Graph docs, call: answer, call: transfer, call: delete, call (callState).
    let drawn = Lifecycle { format: Format::Mermaid }.to_string();
    for arrow in [
        "[*] --> incoming: the bot is called",
        "[*] --> establishing: the bot calls",
        "incoming --> established: established",
        "establishing --> ringing: ringing",
        "established --> hold: hold (asked)",
        "established --> transferring: transferring (asked)",
        "transferring --> transferAccepted: transferAccepted",
        "transferAccepted --> terminated: terminated, gone",
        "establishing --> terminated: terminated, gone, not created",
        "terminated --> [*]",
    ] {
        assert!(drawn.lines().any(|line| line.trim() == arrow), "{arrow}\n{drawn}");
    }
    assert!(!drawn.contains("terminated --> incoming"), "{drawn}");
    // Graph docs, Calls overview, participant: invite.
    let drawn = Classification { format: Format::Mermaid }.to_string();
    for arrow in [
        "[*] --> p2p_direct: the bot is called without meeting coordinates",
        "[*] --> group: the bot gives meeting coordinates",
        "p2p_direct --> p2p_conversation: an invitation was taken",
        "p2p_direct --> group: a roster of three or more",
        "group --> group: a roster of fewer than three",
    ] {
        assert!(drawn.lines().any(|line| line.trim() == arrow), "{arrow}\n{drawn}");
    }
    assert!(!drawn.contains("group --> p2p"), "{drawn}");
    // Graph docs, call: record, call: transfer.
    let drawn = Permissions { format: Format::Mermaid }.to_string();
    for line in [
        "transfer -->|p2p and group| permission0".to_string(),
        format!("recordResponse -->|p2p and group| permission{}", Permission::AccessMediaAll.index()),
        format!("answer -->|group, one of| permission{}", Permission::JoinGroupCallAll.index()),
        format!("answer -->|p2p and group, if app-hosted| permission{}", Permission::AccessMediaAll.index()),
        format!("place -->|p2p, if app-hosted| permission{}", Permission::AccessMediaAll.index()),
    ] {
        assert!(drawn.lines().any(|drawn| drawn.trim() == line), "{line}\n{drawn}");
    }
}

#[test]
fn a_table_has_a_row_for_everything_and_as_many_cells_in_each() {
    let [lifecycle, classification, permissions] = all(Format::Table);
    for name in News::ALL.iter().map(|news| news.name()).chain(Action::ALL.iter().map(|one| one.name())) {
        let of_name = format!("| {name} |");
        assert!(lifecycle.lines().any(|line| line.starts_with(&of_name)), "{name}\n{lifecycle}");
    }
    assert!(lifecycle.contains("| established | → established | → established | → established | same |"));
    for table in lifecycle.split("\n\n").chain(classification.split("\n\n")).chain([permissions.as_str()]) {
        let cells: Vec<_> = table.lines().map(|line| line.matches('|').count()).collect();
        assert!(cells.iter().all(|count| Some(count) == cells.first()), "{table}");
    }
    assert_eq!(permissions.lines().count(), Action::COUNT + 2);
}

#[test]
fn dot_is_balanced_and_names_every_state() {
    for drawn in all(Format::Dot) {
        assert!(drawn.starts_with("digraph ") && drawn.ends_with("}\n"), "{drawn}");
        assert_eq!(drawn.matches('"').count() % 2, 0, "{drawn}");
        let is_statement = |line: &str| line.ends_with([';', '{', '}']);
        assert!(drawn.lines().all(is_statement), "{drawn}");
    }
    let [lifecycle, ..] = all(Format::Dot);
    assert!(
        State::ALL.iter().all(|state| lifecycle.contains(&format!("    {state} [label="))),
        "{lifecycle}"
    );
}
