//! The invariants over histories, with bots that do a little of everything.

use proptest::prelude::*;

use super::*;
use crate::command::{Command, JoiningAnswer};
use crate::event::Event;

/// A bot that has a list of commands, and gives the next at each event that asks for none itself.
#[derive(Clone)]
pub(super) struct Busy {
    commands: std::vec::IntoIter<Command<'static>>,
}

impl core::fmt::Debug for Busy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.commands.as_slice().iter().try_for_each(|command| write!(f, "\n  {command:?}"))
    }
}

impl<const R: usize, const O: usize> Bot<R, O> for Busy {
    fn on_event(&mut self, _: &Call<R, O>, event: &Event) -> Vec<Command<'static>> {
        match event {
            Event::Ended(_) => Vec::new(),
            Event::Joining if self.commands.len().is_multiple_of(2) => {
                Vec::from([Command::AnswerJoining(JoiningAnswer::Accept)])
            }
            _ => self.commands.next().into_iter().collect(),
        }
    }
}

pub(super) fn busy() -> impl Strategy<Value = Busy> {
    let answer = Command::Answer(crate::command::Answer::new(crate::text::Uri::new("https://bot.example/1")));
    let commands = proptest::collection::vec(command(), 0..20);
    (proptest::bool::weighted(0.8), commands).prop_map(move |(answers, commands)| {
        let first = answers.then_some(answer);
        Busy { commands: first.into_iter().chain(commands).collect::<Vec<_>>().into_iter() }
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn i1_to_i14_hold_in_any_history(history in history(12), mut bot in busy()) {
        run::<10, 6>(&mut bot, &history)?;
    }

    #[test]
    fn i6_what_comes_late_or_twice_leads_to_the_facts_or_to_a_question(
        history in late_history(12), mut bot in busy(),
    ) {
        run_as_told::<10, 6>(&mut bot, &history)?;
    }
}
