//! The lifecycle, drawn.

use core::fmt::{self, Display, Formatter};

use super::{Format, Joined, arrow, rule};
use crate::action::Action;
use crate::lifecycle::{Effect, Leave, News, State, WHEN_OFFERED, WHEN_PLACED, effect, leave};

/// Displays the lifecycle.
///
/// A diagram has an arrow for the news that lead from one state to another, with `(asked)` where the call is asked for
/// too (always, or unless the bot asked for that), and says of each state which actions may leave in it. News that change
/// no state are left out. A table has every pair: what each piece of news does in each state, and whether each action may
/// leave. There `late` is news older than what is known, and `asked` news that nothing explains, so that the call is asked
/// for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lifecycle {
    /// How it is written.
    pub format: Format,
}

impl Display for Lifecycle {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.format {
            Format::Mermaid => {
                writeln!(f, "stateDiagram-v2")?;
                arrow(f, self.format, "[*]", WHEN_OFFERED, "the bot is called")?;
                arrow(f, self.format, "[*]", WHEN_PLACED, "the bot calls")?;
                arrows(f, self.format)?;
                writeln!(f, "    {} --> [*]", State::Terminated)?;
                State::ALL.iter().try_for_each(|state| note(f, *state))
            }
            Format::Dot => {
                writeln!(f, "digraph lifecycle {{\n    node [shape=box, style=rounded];")?;
                writeln!(f, "    start [shape=point];")?;
                State::ALL.iter().try_for_each(|state| node(f, *state))?;
                arrow(f, self.format, "start", WHEN_OFFERED, "the bot is called")?;
                arrow(f, self.format, "start", WHEN_PLACED, "the bot calls")?;
                arrows(f, self.format)?;
                writeln!(f, "}}")
            }
            Format::Table => {
                head(f, "told")?;
                for news in News::ALL {
                    row(f, news, |state| Does(effect(state, *news)))?;
                }
                writeln!(f)?;
                head(f, "action")?;
                Action::ALL.iter().try_for_each(|action| row(f, action, |state| May(leave(state, *action))))
            }
        }
    }
}

/// One arrow for each pair of states, however many pieces of news lead from the one to the other.
fn arrows(f: &mut Formatter<'_>, format: Format) -> fmt::Result {
    for from in State::ALL {
        for to in State::ALL.iter().filter(|to| *to != from) {
            let leading = News::ALL.iter().filter_map(|news| {
                let effect = effect(*from, *news);
                (effect.to() == Some(*to)).then_some(Leading { news: *news, effect })
            });
            if leading.clone().next().is_some() {
                arrow(f, format, from, to, Joined(leading, ", "))?;
            }
        }
    }
    Ok(())
}

/// News on an arrow.
struct Leading {
    news: News,
    effect: Effect,
}

impl Display for Leading {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.effect {
            Effect::AsAsked(_) | Effect::Adopt(_) => write!(f, "{} (asked)", self.news),
            Effect::To(_) | Effect::Same | Effect::Stale | Effect::Unexplained => self.news.fmt(f),
        }
    }
}

/// How many actions stand on a line: no renderer breaks the lines of a note.
const ON_A_LINE: usize = 6;

/// The actions that may leave in a state.
fn note(f: &mut Formatter<'_>, state: State) -> fmt::Result {
    if groups(state).next().is_none() {
        return Ok(());
    }
    writeln!(f, "    note right of {state}")?;
    for (words, actions) in groups(state) {
        writeln!(f, "        {words}:")?;
        let mut rest = actions.peekable();
        while rest.peek().is_some() {
            f.write_str("        ")?;
            line(f, &mut rest)?;
            writeln!(f)?;
        }
    }
    writeln!(f, "    end note")
}

/// A state, and below it the actions that may leave in it.
fn node(f: &mut Formatter<'_>, state: State) -> fmt::Result {
    write!(f, "    {state} [label=\"{state}")?;
    for (words, actions) in groups(state) {
        write!(f, "\\n{words}:\\l")?;
        let mut rest = actions.peekable();
        while rest.peek().is_some() {
            line(f, &mut rest)?;
            f.write_str("\\l")?;
        }
    }
    writeln!(f, "\"];")
}

fn line(f: &mut Formatter<'_>, actions: &mut impl Iterator<Item = Action>) -> fmt::Result {
    let mut between = "";
    for action in actions.take(ON_A_LINE) {
        write!(f, "{between}{action}")?;
        between = ", ";
    }
    Ok(())
}

/// The ways in which actions may leave in a state, and which leave so; none that no action has.
fn groups(state: State) -> impl Iterator<Item = (&'static str, impl Iterator<Item = Action>)> {
    [May::YES, May::ADVISED, May::IF_ANSWERED, May::IF_INFERRED]
        .into_iter()
        .map(move |way| {
            let is_so = move |action: &Action| May(leave(state, *action)).word() == way;
            (way, Action::ALL.iter().copied().filter(is_so))
        })
        .filter(|(_, actions)| actions.clone().next().is_some())
}

fn head(f: &mut Formatter<'_>, corner: &str) -> fmt::Result {
    writeln!(f, "| {corner} | {} |", Joined(State::ALL.iter(), " | "))?;
    rule(f, State::COUNT.saturating_add(1))
}

fn row<C: Display>(f: &mut Formatter<'_>, name: impl Display, cell: impl Fn(State) -> C) -> fmt::Result {
    write!(f, "| {name} |")?;
    for state in State::ALL {
        write!(f, " {} |", cell(*state))?;
    }
    writeln!(f)
}

/// What news does, in a cell.
struct Does(Effect);

impl Display for Does {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Effect::To(state) => write!(f, "→ {state}"),
            Effect::AsAsked(state) | Effect::Adopt(state) => write!(f, "→ {state} (asked)"),
            Effect::Same => f.write_str("same"),
            Effect::Stale => f.write_str("late"),
            Effect::Unexplained => f.write_str("asked"),
        }
    }
}

/// Whether an action may leave, in a cell.
struct May(Leave);

impl May {
    const YES: &'static str = "may leave";
    const ADVISED: &'static str = "with advice";
    const IF_ANSWERED: &'static str = "once answered";
    const IF_INFERRED: &'static str = "if the end was inferred";

    const fn word(&self) -> &'static str {
        match self.0 {
            Leave::Allow => Self::YES,
            Leave::Advise => Self::ADVISED,
            Leave::IfAnswered(_) => Self::IF_ANSWERED,
            Leave::IfInferred(_) => Self::IF_INFERRED,
            Leave::Refuse(_) => "no",
        }
    }
}

impl Display for May {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
