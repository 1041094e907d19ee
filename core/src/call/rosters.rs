//! How a roster changes a call.
//!
//! Source: Graph docs, participant, call: list participants.

use super::reports::Source;
use super::{Call, Output, Verdict, folded};
use crate::classification::HostingCause;
use crate::event::Event;
use crate::report::{CallNews, RosterNews};
use crate::roster::{self, Trust};
use crate::time::Timestamp;

impl<const R: usize, const O: usize> Call<R, O> {
    pub(super) fn roster_news(
        &mut self,
        now: Timestamp,
        news: &RosterNews<'_>,
        source: Source,
        output: &mut Output<'_>,
    ) -> Verdict {
        if self.facts.state.is_ended() {
            return self.news_after_the_end(now, None, &CallNews::NONE, source, output);
        }
        let _ = self.learn_of_creation(now, output);
        self.hang_up_if_wanted(output);
        let is_answer = source == Source::Answer;
        if is_answer && news.participants.is_empty() {
            // Source: field reports: an empty list says nothing, not that nobody is there.
            return Verdict::Repeat;
        }
        let trust = if is_answer { Trust::Snapshots } else { self.facts.trust };
        if self.roster.is_beyond(news.extent) {
            self.ask_participants(now, output);
        }
        let Some(change) = self.roster.told(news.participants, news.extent, trust) else {
            return Verdict::Stale;
        };
        if !is_answer {
            self.pending.roster_doubt.overtake();
        }
        let learnt = self.facts.classification.saw_roster(change.in_call);
        if learnt.kind {
            output.event(Event::KindChanged(self.facts.classification.reason()));
        }
        if learnt.hosting {
            output.event(Event::HostingChanged(HostingCause::Roster));
        }
        self.tell_of_roster(&change, output);
        if change.ask {
            self.ask_participants(now, output);
        }
        if output.events().is_empty() { Verdict::Repeat } else { Verdict::Applied }
    }

    pub(super) fn tell_of_roster(&mut self, change: &roster::Change, output: &mut Output<'_>) {
        if !change.joined.is_empty() || !change.left.is_empty() {
            output.event(Event::RosterChanged { joined: change.joined, left: change.left });
        }
        if !change.other.is_empty() {
            output.event(Event::RosterUpdated { changed: change.other });
        }
        if let Some(unnamed) = change.unnamed {
            output.event(Event::RosterFull { unnamed });
        }
        let mut members = (0u8..).zip(self.roster.members());
        let on_hold = self.facts.on_hold;
        if on_hold.is_some()
            && members.any(|(place, member)| change.left.has(place) && folded(member.id()) == on_hold)
        {
            self.facts.on_hold = None;
        }
    }
}
