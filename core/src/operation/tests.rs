use super::*;

const NOW: Timestamp = Timestamp::from_millis(1024 * 1000);
const BEAT: u64 = 1024;
const WAIT: Span = Span::from_millis(60 * BEAT);
const USABLE: Asking = Asking { media_is_usable: true, interrupts: false, endless: false };

fn ticket(number: u32) -> Ticket {
    Ticket::try_new(number).unwrap()
}

fn news(id: Option<&str>, status: Status) -> News {
    News { id: id.map(OperationId::parse), status, result: None, completion: None }
}

fn told<const O: usize>(table: &mut Operations<O>, number: Option<u32>, news: News) -> Effect {
    table.told(NOW, WAIT, number.map(ticket), news)
}

#[test]
fn the_second_prompt_leaves_when_the_first_has_its_answer() {
    let mut table = Operations::<2>::new();
    assert_eq!(table.ask(ticket(1), Action::PlayPrompt, USABLE), Some(true));
    assert_eq!(table.ask(ticket(2), Action::Record, USABLE), Some(false));
    assert!(!table.has_room());
    assert_eq!(table.ask(ticket(3), Action::PlayPrompt, USABLE), None);
    assert_eq!(table.release(), None);
    assert!(matches!(told(&mut table, Some(1), news(Some("a"), Status::Running)), Effect::Taken(_)));
    assert_eq!(table.release(), Some(ticket(2)));
}

#[test]
fn what_needs_no_audio_leaves_at_once() {
    let mut table = Operations::<3>::new();
    assert_eq!(table.ask(ticket(1), Action::PlayPrompt, Asking::default()), Some(false));
    assert_eq!(table.ask(ticket(2), Action::Mute, Asking::default()), Some(true));
    assert_eq!(table.ask(ticket(3), Action::Invite, Asking::default()), Some(true));
}

#[test]
fn i5_a_completion_before_the_answer_ends_it_once() {
    let mut table = Operations::<2>::new();
    table.ask(ticket(1), Action::PlayPrompt, USABLE);
    assert!(matches!(told(&mut table, Some(1), news(Some("a"), Status::Completed)), Effect::Ended(..)));
    assert_eq!(told(&mut table, None, news(Some("a"), Status::Completed)), Effect::Same);
    assert_eq!(told(&mut table, Some(1), news(Some("a"), Status::Running)), Effect::Same);
    assert_eq!(table.close(ticket(1), Outcome::Refused), None);
    table.sweep();
    assert_eq!(told(&mut table, Some(1), news(Some("a"), Status::Running)), Effect::NotOurs);
}

#[test]
fn a_deleted_operation_has_ended_whatever_it_says() {
    let failed = Some(ResultInfo { code: 400, subcode: 8508 });
    for (status, is_deleted, result, expected) in [
        (Status::Running, false, None, Status::Running),
        (Status::Running, true, None, Status::Completed),
        (Status::Unrecognised, true, failed, Status::Failed),
        (Status::Completed, true, failed, Status::Completed),
    ] {
        assert_eq!(status.told_by(is_deleted, result), expected, "{status}");
    }
}

#[test]
fn a_cancelled_operation_is_told_in_two_ways() {
    let failed = News { result: Some(ResultInfo { code: 400, subcode: 8508 }), ..news(None, Status::Failed) };
    let completed =
        News { completion: Some(Completion::MediaOperationCanceled), ..news(None, Status::Completed) };
    for (page, news, expected) in [
        ("call: cancelMediaProcessing", failed, Outcome::Cancelled),
        ("sendDtmfTonesOperation", completed, Outcome::Cancelled),
        ("commsOperation", news(None, Status::Completed), Outcome::Completed),
        ("commsOperation", news(None, Status::Failed), Outcome::Failed),
    ] {
        let mut table = Operations::<1>::new();
        table.ask(ticket(1), Action::SendDtmf, USABLE);
        assert!(
            matches!(told(&mut table, Some(1), news), Effect::Ended(_, outcome) if outcome == expected),
            "{page}"
        );
    }
}

#[test]
fn a_lost_answer_is_settled_by_its_context() {
    let mut table = Operations::<2>::new();
    table.ask(ticket(1), Action::PlayPrompt, USABLE);
    assert!(matches!(table.lost(NOW, WAIT, ticket(1)), Lost::Unknown(_)));
    assert_eq!(table.lost(NOW, WAIT, ticket(1)), Lost::NotAsked);
    assert!(matches!(told(&mut table, Some(1), news(None, Status::Failed)), Effect::Ended(..)));
}

#[test]
fn a_lost_answer_that_nothing_else_would_settle_ends_as_unknown() {
    for action in [Action::Mute, Action::UpdateRecordingStatus, Action::SubscribeToTone] {
        let mut table = Operations::<1>::new();
        table.ask(ticket(1), action, USABLE);
        assert!(matches!(table.lost(NOW, WAIT, ticket(1)), Lost::Ended(_)), "{action}");
    }
}

#[test]
fn an_operation_that_never_completes_is_asked_for_and_one_without_an_id_is_unknown() {
    let mut table = Operations::<2>::new();
    table.ask(ticket(1), Action::Invite, USABLE);
    table.ask(ticket(2), Action::StartHoldMusic, USABLE);
    let _ = told(&mut table, Some(1), news(Some("a"), Status::Running));
    let _ = told(&mut table, Some(2), news(None, Status::Running));
    let later = |beats: u64| NOW.plus(Span::from_millis(beats * BEAT));
    assert_eq!(table.take_due(NOW, WAIT), (None, Some(later(60))));
    let (due, next) = table.take_due(later(60), WAIT);
    assert!(matches!(due, Some(Due::Ask(row, _)) if row.ticket() == ticket(1)));
    // The other is due as well, and comes next.
    assert_eq!(next, Some(later(61)));
    let (due, next) = table.take_due(later(61), WAIT);
    assert!(matches!(due, Some(Due::Unknown(row)) if row.ticket() == ticket(2)));
    assert_eq!(next, Some(later(120)));
    assert!(table.not_found(ticket(1)).is_some());
    assert_eq!(table.not_found(ticket(1)), None);
    assert_eq!(table.take_due(later(120), WAIT), (None, None));
}

#[test]
fn prompts_that_are_repeated_for_ever_are_not_waited_for() {
    let mut table = Operations::<1>::new();
    table.ask(ticket(1), Action::PlayPrompt, Asking { endless: true, ..USABLE });
    let _ = told(&mut table, Some(1), news(Some("a"), Status::Running));
    assert_eq!(table.take_due(NOW, WAIT), (None, None));
}

#[test]
fn cancelling_ends_what_waits_and_leaves_the_rest_to_the_service() {
    let mut table = Operations::<4>::new();
    table.ask(ticket(1), Action::PlayPrompt, USABLE);
    table.ask(ticket(2), Action::PlayPrompt, USABLE);
    table.ask(ticket(3), Action::SubscribeToTone, USABLE);
    let places = table.cancel_held();
    assert!(!places.has(0) && places.has(1) && !places.has(2));
}

#[test]
fn a_recording_that_interrupts_leaves_before_what_waits() {
    let mut table = Operations::<2>::new();
    table.ask(ticket(1), Action::PlayPrompt, USABLE);
    assert_eq!(table.ask(ticket(2), Action::Record, Asking { interrupts: true, ..USABLE }), Some(true));
}

#[cfg(feature = "snapshot")]
#[test]
fn regression_a_recording_that_interrupts_is_out_beside_another_request() {
    let interrupting = Asking { interrupts: true, ..USABLE };
    let mut table = Operations::<3>::new();
    assert_eq!(table.ask(ticket(1), Action::PlayPrompt, USABLE), Some(true));
    assert_eq!(table.ask(ticket(2), Action::Record, interrupting), Some(true));
    assert_eq!(table.ask(ticket(3), Action::Record, interrupting), Some(true));
    assert!(table.is_sound());
}
