//! The words of the stories: what a call is begun with, commands, participants and events, each in a short form.

use super::*;

/// The call of the stories: four participants, three operations.
pub(super) type Small = Call<4, 3>;

pub(super) const CALLBACK: Uri<'static> = Uri::new("https://bot.example/calls/9");
pub(super) const CALL: &str = "57DAB8B1894C409AB240BD8BEAE78896";
pub(super) const USERS: [Identity<'static>; 26] =
    [Identity::User("550fae72-d251-43ec-868c-373732c2704f"); 26];
pub(super) const PROMPTS: [Uri<'static>; 21] = [Uri::new("https://bot.example/menu.wav"); 21];

pub(super) const MEETING: Meeting<'static> = Meeting::Organizer(ByOrganizer {
    thread_id: "19:meeting_1@thread.v2",
    message_id: "0",
    reply_chain_message_id: None,
    organizer_id: "5810cede-f3cc-42eb-b2c1-e9bd5d53ec96",
    tenant_id: "aa67bd4c-8475-432d-bd41-39f255720e0a",
});

pub(super) fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(secs * 1000)
}

pub(super) fn setup() -> Setup {
    Setup::new(CallKey::new(9))
}

pub(super) fn offer() -> Offer {
    Offer::new(CallId::parse(CALL))
}

pub(super) fn to_users(count: usize) -> Placement<'static> {
    Placement::to_targets(CALLBACK, List::new(USERS.split_at(count).0))
}

pub(super) fn answer() -> Command<'static> {
    Command::Answer(Answer::new(CALLBACK))
}

pub(super) fn reject() -> Command<'static> {
    Command::Reject(RejectReason::Busy)
}

pub(super) fn play() -> Command<'static> {
    Command::PlayPrompt { prompts: List::new(&PROMPTS[..1]), repeat: Repeat::Once }
}

pub(super) fn record() -> Command<'static> {
    Command::Record(Record::after(None))
}

pub(super) fn transfer() -> Command<'static> {
    Command::Transfer(Transfer::to(USERS[0]))
}

pub(super) fn participant(name: &str) -> ParticipantId {
    ParticipantId::parse(name)
}

pub(super) fn here(name: &str) -> Participant {
    Participant::new(Some(participant(name)), Presence::Present)
}

pub(super) fn in_lobby(name: &str) -> Participant {
    Participant::new(Some(participant(name)), Presence::Lobby)
}

pub(super) fn gone(name: &str) -> Participant {
    Participant::new(Some(participant(name)), Presence::Left)
}

#[allow(clippy::unnecessary_wraps)] // news and events carry one where there is one
pub(super) const fn result(code: u32, subcode: u32) -> Option<ResultInfo> {
    Some(ResultInfo { code, subcode })
}

/// These places in the roster are new, and these left.
pub(super) fn roster_changed(joined: &[usize], left: &[usize]) -> Event {
    Event::RosterChanged { joined: places(joined), left: places(left) }
}

pub(super) fn roster_updated(changed: &[usize]) -> Event {
    Event::RosterUpdated { changed: places(changed) }
}

fn places(of: &[usize]) -> crate::roster::Places {
    let mut places = crate::roster::Places::default();
    for place in of {
        places.add(*place);
    }
    places
}

/// The operations at these places ended together.
pub(super) fn ended_together(of: &[usize]) -> Event {
    let mut places = crate::operation::Places::default();
    for place in of {
        places.add(*place);
    }
    Event::OperationsEnded { places }
}

pub(super) fn moved(from: State, to: State) -> Event {
    Event::StateChanged { from, to }
}

/// An operation ended so; its ticket and the service's words about it are left out.
pub(super) fn ended(action: Action, outcome: Outcome) -> Event {
    Event::OperationEnded { ticket: Ticket::FIRST, action, outcome, completion: None, result: None }
}

pub(super) fn unknown(action: Action) -> Event {
    Event::OutcomeUnknown { ticket: Ticket::FIRST, action }
}

pub(super) fn failed(action: Action, status: u16, code: u32) -> Event {
    Event::CommandFailed { ticket: Ticket::FIRST, action, status, code }
}

/// The call ended as Graph told, after it was established.
pub(super) fn over(by: By, result: Option<ResultInfo>) -> Event {
    Event::Ended(End { how: How::Told, ever_established: true, by, reason: None, result })
}

/// The end of a call that was never established, as Graph told.
pub(super) const fn never_established(by: By, result: Option<ResultInfo>) -> End {
    End { how: How::Told, ever_established: false, by, reason: None, result }
}

/// The end of a call that was never established, of which no word came.
pub(super) const fn without_a_word(by: By) -> End {
    End { how: How::Inferred, ..never_established(by, None) }
}

/// An event without what depends on the number of requests before it.
pub(super) fn plainly(mut event: Event) -> Event {
    match &mut event {
        Event::OperationEnded { ticket, completion, result, .. } => {
            (*ticket, *completion, *result) = (Ticket::FIRST, None, None);
        }
        Event::OutcomeUnknown { ticket, .. } | Event::CommandFailed { ticket, .. } => *ticket = Ticket::FIRST,
        _ => {}
    }
    event
}
