//! The tables of the lifecycle, as the pages read.

use std::fmt::Write;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::certainty::Certainty;
use Effect::{AsAsked, Stale, To, Unexplained};

#[test]
fn every_pair_answers_as_the_reviewed_matrix_says() {
    let mut matrix = String::new();
    for action in Action::ALL {
        writeln!(matrix, "action {action}").unwrap();
        for state in State::ALL {
            writeln!(matrix, "  {state:16} {:?}", leave(*state, *action)).unwrap();
        }
    }
    for news in News::ALL {
        writeln!(matrix, "told {news}").unwrap();
        for state in State::ALL {
            writeln!(matrix, "  {state:16} {:?}", effect(*state, *news)).unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lifecycle/matrix.txt");
    if std::env::var_os("UPDATE_MATRIX").is_some() {
        std::fs::write(path, &matrix).unwrap();
    }
    assert_eq!(matrix, include_str!("matrix.txt"), "review the change, then run with UPDATE_MATRIX=1");
}

#[test]
fn documented_rows_read_as_the_pages_do() {
    for (page, from, news, expected) in [
        ("answer: established first", State::Incoming, News::Established, To(State::Established)),
        ("answer: establishing late", State::Established, News::Establishing, Stale),
        ("create: ringing", State::Establishing, News::Ringing, To(State::Ringing)),
        ("reject: deleted", State::Incoming, News::Terminated, To(State::Terminated)),
        ("delete: no answer", State::Establishing, News::Terminated, To(State::Terminated)),
        ("delete: terminating", State::Established, News::Terminating, To(State::Terminating)),
        ("keepAlive: 404", State::Established, News::Gone, To(State::Terminated)),
        ("transfer: late start", State::TransferAccepted, News::Transferring, Stale),
        ("transfer: start", State::Established, News::Transferring, AsAsked(State::Transferring)),
        ("redirect", State::Incoming, News::Redirecting, AsAsked(State::Redirecting)),
    ] {
        assert_eq!(effect(from, news), expected, "{page}");
    }
    for (page, state, action, expected) in [
        ("answer: only incoming", State::Established, Action::Answer, Leave::Refuse(Why::NotIncoming)),
        ("redirect: only incoming", State::Establishing, Action::Redirect, Leave::Refuse(Why::NotIncoming)),
        ("transfer: active", State::Established, Action::Transfer, Leave::Allow),
        ("transfer: not before", State::Ringing, Action::Transfer, Leave::Refuse(Why::NotEstablished)),
        ("keepAlive: any live call", State::Ringing, Action::KeepAlive, Leave::Allow),
    ] {
        assert_eq!(leave(state, action), expected, "{page}");
    }
}

/// The state of a call after this news.
fn after(state: State, news: News) -> State {
    effect(state, news).to().unwrap_or(state)
}

/// Which part of the code decides a documented transition.
enum Decided {
    /// The table of news: from each of these states, this news leads there.
    ByNews(&'static [State], News, State),
    /// The table of actions: in these states it is for the call; and then the news.
    ByActionAndNews(&'static [State], Action, &'static [News], State),
    /// By what a call is when it is made.
    AtCreation(State, State),
    /// By another rule book; that test covers it.
    Elsewhere(&'static str),
}

use Decided::{AtCreation, ByActionAndNews, ByNews, Elsewhere};
use State::{
    Established, Establishing, Hold, Incoming, Redirecting, Ringing, Terminated, Terminating,
    TransferAccepted, Transferring,
};

const LIVE: &[State] = &[
    Incoming,
    Establishing,
    Ringing,
    Established,
    Hold,
    Transferring,
    TransferAccepted,
    Redirecting,
    Terminating,
];
const IN_TRANSFER: &[State] = &[Transferring, TransferAccepted];
const ENDING: &[News] = &[News::Terminating, News::Terminated];
const END: &[News] = &[News::Terminated];

/// The documented transitions: number, page and what happens there, what decides it.
#[rustfmt::skip] // One line a transition.
const TRANSITIONS: [(usize, &str, Decided); 29] = [
    (1, "call: answer: created/incoming", AtCreation(WHEN_OFFERED, Incoming)),
    (2, "application: post calls: 201", AtCreation(WHEN_PLACED, Establishing)),
    (3, "call: answer: 202 changes nothing yet", Elsewhere("call: the example of the module")),
    (4, "call: answer: establishing", ByNews(&[Incoming], News::Establishing, Establishing)),
    (5, "call: answer: established first", ByNews(&[Incoming], News::Established, Established)),
    (6, "call: answer: establishing late", ByNews(&[Established], News::Establishing, Established)),
    (7, "application: post calls: establishing again", ByNews(&[Establishing], News::Establishing, Establishing)),
    (8, "call (callState): ringing", ByNews(&[Establishing], News::Ringing, Ringing)),
    (9, "application: post calls: established", ByNews(&[Establishing, Ringing], News::Established, Established)),
    (10, "call: subscribeToTone: established again", ByNews(&[Established], News::Established, Established)),
    (11, "call: reject: deleted, without a state", ByActionAndNews(&[Incoming], Action::Reject, END, Terminated)),
    (12, "call: redirect: deleted/terminated", ByActionAndNews(&[Incoming], Action::Redirect, END, Terminated)),
    (13, "call (callState): redirecting", ByActionAndNews(&[Incoming], Action::Redirect, &[News::Redirecting], Redirecting)),
    (14, "call: answer: the limit passes", Elsewhere("call: the limit for answering, below, at and above")),
    (15, "call: delete: the caller gave up", ByNews(&[Incoming], News::Terminated, Terminated)),
    (16, "call: delete: nobody picked up", ByActionAndNews(&[Establishing], Action::HangUp, ENDING, Terminated)),
    (17, "call: delete: the bot hangs up", ByActionAndNews(&[Established], Action::HangUp, ENDING, Terminated)),
    (18, "call: delete: the other side hangs up", ByNews(&[Established], News::Terminated, Terminated)),
    (19, "call: transfer: transferring", ByActionAndNews(&[Established], Action::Transfer, &[News::Transferring], Transferring)),
    (20, "call: transfer: accepted", ByNews(&[Transferring], News::TransferAccepted, TransferAccepted)),
    (21, "call: transfer: completed", ByNews(IN_TRANSFER, News::Terminated, Terminated)),
    (22, "call: transfer: failed", ByNews(IN_TRANSFER, News::Established, Established)),
    (23, "call: transfer: somebody hangs up", ByNews(&[Transferring], News::Terminated, Terminated)),
    (24, "call (callState): hold", ByNews(&[Established], News::Hold, Hold)),
    (25, "call (callState): back from hold", ByNews(&[Hold], News::Established, Established)),
    (26, "call: delete: deleted, whatever it carries", ByNews(LIVE, News::Terminated, Terminated)),
    (27, "call: keepAlive: 404", ByNews(LIVE, News::Gone, Terminated)),
    (28, "call: delete: news after the end", Elsewhere("nothing_told_after_the_end_changes_it")),
    (29, "participant: invite: a group from then on", Elsewhere("classification: truth table, 13 and 14")),
];

#[test]
fn each_documented_transition_is_in_the_tables() {
    for (place, (row, page, decided)) in TRANSITIONS.iter().enumerate() {
        assert_eq!(place + 1, *row, "each once");
        match decided {
            AtCreation(found, expected) => assert_eq!(found, expected, "{row}: {page}"),
            ByNews(from, news, expected) => {
                for from in *from {
                    assert_eq!(after(*from, *news), *expected, "{row}: {page}, from {from}");
                    assert_ne!(effect(*from, *news), Unexplained, "{row}: {page}, from {from}");
                }
            }
            ByActionAndNews(from, action, news, expected) => {
                for from in *from {
                    assert_eq!(leave(*from, *action), Leave::Allow, "{row}: {page}, from {from}");
                    let last = news.iter().fold(*from, |state, news| after(state, *news));
                    assert_eq!(last, *expected, "{row}: {page}, from {from}");
                }
            }
            Elsewhere(test) => assert!(!test.is_empty(), "{row}: {page}"),
        }
    }
}

#[test]
fn nothing_told_after_the_end_changes_it() {
    // Graph docs, call: delete; field reports (news an hour late).
    for news in News::ALL {
        assert_eq!(after(State::Terminated, *news), State::Terminated, "{news}");
        assert_ne!(effect(State::Terminated, *news), Unexplained, "{news}");
    }
}

#[test]
fn the_end_may_come_straight_or_by_terminating() {
    // Graph docs, call: delete (terminating first), call: reject, call: redirect, call: transfer (straight).
    for state in State::ALL.iter().filter(|state| !state.is_ended()) {
        assert_eq!(after(*state, News::Terminated), State::Terminated, "{state}");
        assert_eq!(after(*state, News::Terminating), State::Terminating, "{state}");
    }
}

#[test]
fn the_dense_tables_say_what_the_rows_say() {
    for row in action_rows() {
        for state in row.states.iter() {
            for action in row.actions.iter() {
                assert_eq!(leave(state, action), row.leave, "{action}, {state}");
            }
        }
    }
    for row in news_rows() {
        for state in row.states.iter() {
            assert_eq!(effect(state, row.news), row.effect, "{}, {state}", row.news);
        }
    }
    let pairs: usize = action_rows().map(|row| row.states.iter().count() * row.actions.iter().count()).sum();
    assert_eq!(pairs, State::COUNT * Action::COUNT);
    let pairs: usize = news_rows().map(|row| row.states.iter().count()).sum();
    assert_eq!(pairs, State::COUNT * News::COUNT);
}

#[test]
fn what_refuses_without_a_page_is_known_by_name() {
    // A wrong refusal here is worse than one by the service: whoever adds one has to write it down here too.
    let refusing = |row: &ActionRow| !matches!(row.leave, Leave::Allow | Leave::Advise);
    let assumed: Vec<_> = action_rows()
        .filter(|row| refusing(row) && row.certainty != Certainty::Documented)
        .map(|row| (row.actions.iter().next().unwrap(), row.states.iter().next().unwrap(), row.leave))
        .collect();
    assert_eq!(assumed, [(Action::Transfer, State::Transferring, Leave::Refuse(Why::InTransfer))]);
}
