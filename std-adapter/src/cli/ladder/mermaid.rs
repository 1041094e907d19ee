//! A ladder as a sequence diagram for Mermaid.

use std::fmt;

use super::{Direction, Message};

/// A call as Mermaid draws it.
pub(super) struct Mermaid<'a> {
    pub(super) call: &'a str,
    pub(super) messages: &'a [Message],
}

impl fmt::Display for Mermaid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "sequenceDiagram\n    %% {}\n    participant G as Graph\n    participant B as bot",
            self.call
        )?;
        let mut known = None;
        for message in self.messages {
            let Message { at, direction, words, state, is_bad } = message;
            let (from, to) = match direction {
                Direction::PersonToGraph => ("P", "G"),
                Direction::GraphToPerson => ("G", "P"),
                Direction::GraphToBot => ("G", "B"),
                Direction::BotToGraph => ("B", "G"),
            };
            let arrow = if *is_bad { "--x" } else { "->>" };
            let (seconds, millis) = (at / 1000, at % 1000);
            writeln!(f, "    {from}{arrow}{to}: {seconds}.{millis:03} s  {}", plain(words))?;
            if let Some(state) = state.as_ref().filter(|state| known != Some(*state)) {
                writeln!(f, "    Note right of B: {}", plain(state))?;
                known = Some(state);
            }
        }
        Ok(())
    }
}

/// Words without what Mermaid reads as its own.
fn plain(words: &str) -> String {
    words.replace('#', "#35;").replace(';', ",").replace("#35,", "#35;").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagram_has_arrows_and_each_new_state_once() {
        let message = |direction, words: &str, state: &str, is_bad| Message {
            at: 1234,
            direction,
            words: words.to_owned(),
            state: Some(state.to_owned()),
            is_bad,
        };
        let messages = [
            message(Direction::GraphToBot, "created call incoming", "incoming", false),
            message(Direction::BotToGraph, "POST …/answer", "incoming", false),
            message(Direction::GraphToBot, "tone1 #6; 403", "established", true),
        ];
        assert_eq!(
            Mermaid { call: "c-1", messages: &messages }.to_string(),
            "sequenceDiagram\n    %% c-1\n    participant G as Graph\n    participant B as bot\n    \
             G->>B: 1.234 s  created call incoming\n    Note right of B: incoming\n    \
             B->>G: 1.234 s  POST …/answer\n    G--xB: 1.234 s  tone1 #35;6, 403\n    \
             Note right of B: established\n"
        );
    }
}
