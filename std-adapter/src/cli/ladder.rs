//! A call as a ladder: person, Graph, bot, and what passes between them.

use std::io::Write;

use anstyle::{AnsiColor, Style};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    PersonToGraph,
    GraphToPerson,
    GraphToBot,
    BotToGraph,
}

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Milliseconds since the beginning.
    pub(super) at: u64,
    pub(super) direction: Direction,
    pub(super) words: String,
    /// The state of the machine afterwards.
    pub(super) state: Option<String>,
    /// Whether it is a refusal, or a failure.
    pub(super) is_bad: bool,
}

/// How wide the two gaps between the three lines are.
const LEFT: usize = 24;
const RIGHT: usize = 66;

/// Draws as it is told.
pub(super) struct Ladder<W: Write> {
    out: W,
    has_colours: bool,
    person: String,
}

impl<W: Write> Ladder<W> {
    pub(super) fn new(out: W, has_colours: bool, person: &str) -> Self {
        Self { out, has_colours, person: person.to_owned() }
    }

    pub(super) fn head(&mut self) -> std::io::Result<()> {
        let (left, right) = (LEFT + 3, RIGHT + 1);
        let line = format!("{:>8}  {:<left$}{:<right$}bot  state", "seconds", self.person, "Graph");
        self.styled(Style::new().bold(), &line)
    }

    pub(super) fn draw(&mut self, message: &Message) -> std::io::Result<()> {
        let Message { at, direction, words, state, is_bad } = message;
        #[allow(clippy::cast_precision_loss)] // a call is not that long
        let seconds = *at as f64 / 1000.0;
        let (left, right) = match direction {
            Direction::PersonToGraph => (arrow(words, LEFT, true), " ".repeat(RIGHT)),
            Direction::GraphToPerson => (arrow(words, LEFT, false), " ".repeat(RIGHT)),
            Direction::GraphToBot => (" ".repeat(LEFT), arrow(words, RIGHT, true)),
            Direction::BotToGraph => (" ".repeat(LEFT), arrow(words, RIGHT, false)),
        };
        let line = format!("{seconds:>8.3}   │{left}│{right}│   {}", state.as_deref().unwrap_or_default());
        let style = match (is_bad, direction) {
            (true, _) => AnsiColor::Red.on_default(),
            (false, Direction::PersonToGraph | Direction::GraphToPerson) => AnsiColor::Yellow.on_default(),
            (false, Direction::GraphToBot) => AnsiColor::Cyan.on_default(),
            (false, Direction::BotToGraph) => AnsiColor::Green.on_default(),
        };
        self.styled(style, line.trim_end())
    }

    pub(super) fn line(&mut self, name: &str, value: &str) -> std::io::Result<()> {
        let text = format!("{name:>14}  {value}");
        self.styled(Style::new(), &text)
    }

    pub(super) fn rule(&mut self) -> std::io::Result<()> {
        writeln!(self.out)
    }

    fn styled(&mut self, style: Style, text: &str) -> std::io::Result<()> {
        if self.has_colours {
            writeln!(self.out, "{style}{text}{style:#}")?;
        } else {
            writeln!(self.out, "{text}")?;
        }
        self.out.flush()
    }
}

/// An arrow as wide as `width`, with `words` on it; words that do not fit make it wider.
fn arrow(words: &str, width: usize, to_the_right: bool) -> String {
    let dashes = width.saturating_sub(words.chars().count().saturating_add(5));
    let tail = "─".repeat(dashes.max(1));
    if to_the_right { format!("── {words} {tail}▶") } else { format!("◀─ {words} {tail}─") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_have_no_colours_without_a_terminal() {
        let mut out = Vec::new();
        let mut ladder = Ladder::new(&mut out, false, "Ada");
        ladder.head().unwrap();
        for (direction, words) in [
            (Direction::PersonToGraph, "calls the bot"),
            (Direction::GraphToBot, "created call incoming"),
            (Direction::BotToGraph, "POST …/answer"),
        ] {
            let state = Some("incoming".to_owned());
            let words = words.to_owned();
            ladder.draw(&Message { at: 1234, direction, words, state, is_bad: false }).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains('\u{1b}'));
        let bars: Vec<Vec<usize>> = text
            .lines()
            .skip(1)
            .map(|line| line.chars().enumerate().filter(|(_, c)| *c == '│').map(|(at, _)| at).collect())
            .collect();
        assert!(bars.iter().all(|bars| bars.len() == 3 && *bars == [11, 36, 103]), "{bars:?}\n{text}");
        let states: Vec<_> = text.lines().skip(1).map(|line| line.chars().count()).collect();
        assert!(states.iter().all(|end| *end == states[0]), "{text}");
    }
}
