//! A call as a ladder: person, Graph, bot, and what passes between them; and `callflow ladder`, which draws those of a trace.

mod mermaid;
mod of_trace;

use std::io::Write;

use anstyle::{AnsiColor, Style};

pub(super) use of_trace::{Args, run};

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
/// How wide the gap between Graph and the bot is at least, and what stands beside it: the time, lines, the state.
const RIGHT_AT_LEAST: usize = 30;
const BESIDE: usize = 30;

/// Who stands in a ladder.
#[derive(Clone, Debug)]
pub(super) enum Lanes {
    /// This person, Graph, and the bot.
    WithPerson(String),
    /// Graph and the bot, in as many columns.
    GraphAndBot { width: usize },
}

/// Draws as it is told.
pub(super) struct Ladder<W: Write> {
    out: W,
    has_colours: bool,
    lanes: Lanes,
}

impl<W: Write> Ladder<W> {
    pub(super) const fn new(out: W, has_colours: bool, lanes: Lanes) -> Self {
        Self { out, has_colours, lanes }
    }

    pub(super) fn head(&mut self) -> std::io::Result<()> {
        let right = self.right() + 1;
        let person = match &self.lanes {
            Lanes::WithPerson(person) => format!("{person:<left$}", left = LEFT + 3),
            Lanes::GraphAndBot { .. } => "  ".to_owned(),
        };
        let line = format!("{:>8}  {person}{:<right$}bot  state", "seconds", "Graph");
        self.styled(Style::new().bold(), &line)
    }

    const fn right(&self) -> usize {
        match &self.lanes {
            Lanes::WithPerson(_) => RIGHT,
            Lanes::GraphAndBot { width } => {
                let rest = width.saturating_sub(BESIDE);
                if rest < RIGHT_AT_LEAST { RIGHT_AT_LEAST } else { rest }
            }
        }
    }

    pub(super) fn draw(&mut self, message: &Message) -> std::io::Result<()> {
        let Message { at, direction, words, state, is_bad } = message;
        #[allow(clippy::cast_precision_loss)] // a call is not that long
        let seconds = *at as f64 / 1000.0;
        let width = self.right();
        let (left, right) = match direction {
            Direction::PersonToGraph => (arrow(words, LEFT, true), " ".repeat(width)),
            Direction::GraphToPerson => (arrow(words, LEFT, false), " ".repeat(width)),
            Direction::GraphToBot => (" ".repeat(LEFT), arrow(words, width, true)),
            Direction::BotToGraph => (" ".repeat(LEFT), arrow(words, width, false)),
        };
        let left = match &self.lanes {
            Lanes::WithPerson(_) => format!("│{left}"),
            Lanes::GraphAndBot { .. } => String::new(),
        };
        let line = format!("{seconds:>8.3}   {left}│{right}│   {}", state.as_deref().unwrap_or_default());
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

/// `POST /communications/calls/57DA…/answer` with the id cut short.
pub(super) fn short(line: &str) -> String {
    let segments = line.split('/').map(|segment| {
        if segment.len() >= 32 {
            segment.chars().take(8).chain(['…']).collect()
        } else {
            segment.to_owned()
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The last word of a path that is no id: `answer`.
pub(super) fn last(line: &str) -> String {
    let method = line.split(' ').next().unwrap_or_default();
    match line.rsplit('/').next() {
        Some(segment) if segment.len() < 32 => segment.to_owned(),
        Some(_) | None => method.to_owned(),
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
        let mut ladder = Ladder::new(&mut out, false, Lanes::WithPerson("Ada".to_owned()));
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
