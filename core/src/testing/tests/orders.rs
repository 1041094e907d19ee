//! I6 by hand: pairs of reports of which a page says, or a report from the field shows, that either may come first.

use super::*;
use crate::command::{Answer, Command, Invitee, Transfer};
use crate::id::{CallId, OperationId};
use crate::identity::Identity;
use crate::lifecycle::State;
use crate::list::List;
use crate::media::Audio;
use crate::operation::Status;
use crate::report::{CallNews, Change, OperationNews};
use crate::roster::{Extent, Participant, Presence};
use crate::text::Uri;

const GUESTS: [Invitee<'static>; 1] = [Invitee::new(Identity::User("a"))];

fn told(state: State) -> Act {
    Act::Call(Change::Updated, CallNews::of(state))
}

fn with_audio(audio: Audio) -> Act {
    Act::Call(Change::Updated, CallNews { audio: Some(audio), ..CallNews::of(State::Established) })
}

fn roster(extent: Extent, numbers: &[u8]) -> Act {
    let present = |number: &u8| Participant::new(Some(participant_id(*number)), Presence::Present);
    Act::Roster(extent, numbers.iter().map(present).collect())
}

fn operation(status: Status) -> OperationNews {
    OperationNews { id: Some(OperationId::parse("i")), ..OperationNews::of(status) }
}

#[test]
fn either_may_come_first() {
    let answer = Act::Command(Command::Answer(Answer::new(Uri::new("https://bot.example/1"))));
    let taken = Act::Response(Which::Newest(0), 202, 0, Carried::None);
    let established = [answer.clone(), taken.clone(), told(State::Established)];
    let invite = Act::Command(Command::Invite(List::new(&GUESTS)));
    let invited = [&established[..], &[invite]].concat();
    let transfer = Act::Command(Command::Transfer(Transfer::to(Identity::User("a"))));
    let transferring = [&established[..], &[transfer], &[told(State::Transferring)]].concat();
    let ended = Act::Call(Change::Deleted, CallNews::of(State::Terminated));
    let running = Act::Response(Which::Newest(0), 200, 0, Carried::Operation(operation(Status::Running)));
    let completed = Act::Operation(Change::Deleted, Some(Which::Newest(0)), operation(Status::Completed));
    for (page, before, one, other) in [
        (
            "call: answer",
            &[answer.clone(), taken.clone()][..],
            told(State::Establishing),
            told(State::Established),
        ),
        ("call: answer, its 202 late", core::slice::from_ref(&answer), taken, told(State::Established)),
        (
            "call: answer, audio",
            core::slice::from_ref(&answer),
            told(State::Established),
            with_audio(Audio::Active),
        ),
        ("call: transfer", &transferring, told(State::TransferAccepted), with_audio(Audio::Inactive)),
        ("call: transfer, its end", &transferring, told(State::TransferAccepted), ended.clone()),
        ("call: delete", &established, told(State::Terminating), ended),
        ("participant: invite, its 200 late", &invited, running.clone(), completed.clone()),
        ("participant: invite, its roster", &invited, completed, roster(Extent::Full, &[1, 2, 3])),
        ("participant: invite, a roster first", &invited, running, roster(Extent::Full, &[1, 2])),
        (
            "deltaParticipants",
            &established,
            roster(Extent::Delta(crate::id::Sequence::new(1)), &[1, 2]),
            roster(Extent::Delta(crate::id::Sequence::new(2)), &[3]),
        ),
    ] {
        let opening =
            Opening::Offered(crate::call::Setup::new(KEY), crate::call::Offer::new(CallId::parse("a")));
        let ends = |last: [&Act; 2]| {
            let acts = before.iter().chain(last).map(|act| (100, act.clone())).collect();
            Story { opening, acts }.play::<4, 3>(|_, _| {}).unwrap().unwrap()
        };
        let (forth, back) = (ends([&one, &other]), ends([&other, &one]));
        assert_eq!(invariant::i06_same_facts_or_asked(&forth, &back), Ok(()), "{page}");
    }
}
