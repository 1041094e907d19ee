//! A call between Ada and the bot becomes a group call when the bot invites Ben, and stays one when both have left.
//!
//! What is for group calls only is refused before it costs a request, and allowed afterwards. A participant whom a roster
//! lacks has not left: only one that is named as left has. No network:
//! `cargo run -p callflow-core --example escalating_conference`.

mod ladder;

use callflow_core::action::Action;
use callflow_core::classification::{Kind, Reason};
use callflow_core::command::{Command, Invitee, Placement};
use callflow_core::event::Event;
use callflow_core::id::{CallKey, ParticipantId};
use callflow_core::identity::Identity;
use callflow_core::list::List;
use callflow_core::operation::Outcome;
use callflow_core::report::{CallNews, Change, Report, RosterNews};
use callflow_core::result::{By, ResultInfo};
use callflow_core::roster::{Extent, Participant, Presence};
use callflow_core::text::Uri;

use ladder::{Asked, Scenes, Stage, audible, over};

const CALL: CallKey = CallKey::new(1);
const ADA_HERSELF: [Identity<'static>; 1] = [Identity::User("550fae72-d251-43ec-868c-373732c2704f")];
const BEN_HIMSELF: [Invitee<'static>; 1] =
    [Invitee::new(Identity::User("112f7296-5fa4-42ca-bae8-6a692b15d4b8"))];

const BOT: ParticipantId = ParticipantId::from_bytes([1; 16]);
const ADA: ParticipantId = ParticipantId::from_bytes([2; 16]);
const BEN: ParticipantId = ParticipantId::from_bytes([3; 16]);

const fn is(presence: Presence, who: ParticipantId) -> Participant {
    Participant::new(Some(who), presence)
}

const ALL_THREE: [Participant; 3] =
    [is(Presence::Present, BOT), is(Presence::Present, ADA), is(Presence::Present, BEN)];
const WITHOUT_ADA: [Participant; 2] = [is(Presence::Present, BOT), is(Presence::Present, BEN)];
const BOTH_LEFT: [Participant; 2] = [is(Presence::Left, ADA), is(Presence::Left, BEN)];

const fn roster(extent: Extent, participants: &'static [Participant]) -> Report<'static> {
    Report::Roster(RosterNews { extent, participants: List::new(participants) })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stage = Stage::new(&[(CALL, "room")], graph);
    let callback = Uri::new("https://bot.example/calls/1");
    stage.place(CALL, &Placement::to_targets(callback, List::new(&ADA_HERSELF)))?;

    let (mut was_refused, mut kinds) = (false, Vec::new());
    while let Some((_, event)) = stage.next_event() {
        match event {
            Event::Established => {
                kinds.extend(stage.call(CALL).map(ladder::Call::kind));
                was_refused = stage.command(CALL, &Command::Mute).is_err();
                stage.command(CALL, &Command::Invite(List::new(&BEN_HIMSELF)))?;
            }
            Event::OperationEnded { action: Action::Invite, outcome: Outcome::Completed, .. } => {
                kinds.extend(stage.call(CALL).map(ladder::Call::kind));
                stage.command(CALL, &Command::Mute)?;
            }
            Event::RosterChanged { .. } if stage.call(CALL).is_some_and(ladder::Call::is_alone) => {
                stage.command(CALL, &Command::HangUp)?;
            }
            _ => {}
        }
    }

    assert!(was_refused, "muting is for group calls");
    assert_eq!(kinds, [Kind::PeerToPeer, Kind::Group]);
    let call = stage.call(CALL).ok_or("the call is kept until it is forgotten")?;
    assert_eq!((call.kind(), call.classification().reason()), (Kind::Group, Reason::InviteCompleted));
    assert!(call.end().is_some_and(|end| end.by == By::Bot), "{:?}", call.end());
    Ok(())
}

/// What Graph tells because of what the bot asked.
fn graph(asked: Asked) -> Scenes {
    match asked.action {
        Action::Place => {
            let Report::Call { news, .. } = audible() else { return Vec::new() };
            let news = CallNews { own_participant: Some(BOT), ..news };
            vec![(2_000, CALL, Report::Call { change: Change::Updated, news })]
        }
        Action::Invite => vec![
            (4_000, CALL, asked.done()),
            (4_100, CALL, roster(Extent::Full, &ALL_THREE)),
            // Ada is missing for a moment, and has not left.
            (9_000, CALL, roster(Extent::Full, &WITHOUT_ADA)),
            (9_500, CALL, roster(Extent::Full, &ALL_THREE)),
            (20_000, CALL, roster(Extent::Part, &BOTH_LEFT)),
        ],
        Action::HangUp => {
            let result = Some(ResultInfo { code: 200, subcode: 7000 });
            vec![(150, CALL, over(CallNews { result, ..CallNews::NONE }))]
        }
        _ => Vec::new(),
    }
}
