//! Audio, prompts, recordings, tones, and what else a call is told of its media.

use super::*;

const TONES: [Tone; 2] = [Tone::Tone1, Tone::Pound];

fn send_tones() -> Command<'static> {
    Command::SendDtmf { tones: List::new(&TONES), delay: Some(1000) }
}

fn in_a_loop() -> Command<'static> {
    Command::PlayPrompt { prompts: List::new(&PROMPTS[..1]), repeat: Repeat::Forever }
}

fn tone(sequence: u64, tone: Tone, arrival: Arrival) -> Event {
    Event::Tone { sequence: Sequence::new(sequence), tone, arrival }
}

#[test]
fn a_prompt_waits_until_audio_is_active() {
    // Field captures: `established` comes without media first.
    incoming()
        .at(1)
        .bot(answer())
        .bot(play())
        .response(Action::Answer, 202)
        .asks(&[Action::Answer])
        .at(2)
        .told(State::Established)
        .at(4)
        .audio(Audio::Active)
        .gives(&[
            Event::Offered,
            moved(State::Incoming, State::Established),
            Event::Established,
            Event::MediaChanged { audio: Audio::Active },
        ])
        .operation(Action::PlayPrompt, "p", Status::Running)
        .nothing()
        .at(9)
        .finished("p", Status::Completed, result(200, 0))
        .gives(&[ended(Action::PlayPrompt, Outcome::Completed)])
        .finished("p", Status::Completed, result(200, 0))
        .nothing()
        .tell();
    let (before, after) = (held_until(4), held_until(5));
    assert_eq!((before, after), (Phase::Held, Phase::Asked));
}

/// Where the prompt of a call stands at this second, which has audio from the fourth on.
fn held_until(second: u64) -> Phase {
    let story = incoming().at(1).bot(answer()).bot(play()).at(2).told(State::Established);
    let call = if second > 4 { story.at(4).audio(Audio::Active) } else { story }.tell();
    call.operations().rows().next().unwrap().phase()
}

#[test]
fn a_prompt_is_played_whatever_becomes_of_the_news() {
    incoming()
        .at(1)
        .bot(answer())
        .bot(play())
        .response(Action::Answer, 202)
        .at(2)
        .told(State::Establishing)
        .told(State::Established)
        .at(3)
        .audio(Audio::Active)
        .operation(Action::PlayPrompt, "p", Status::Running)
        .at(9)
        .finished("p", Status::Completed, result(200, 0))
        .in_every_way();
}

#[test]
fn held_prompts_leave_after_ten_seconds_without_a_word_of_audio() {
    incoming()
        .at(1)
        .bot(answer())
        .bot(play())
        .at(2)
        .told(State::Established)
        .asks(&[Action::Answer])
        .at(11)
        .check(|call| {
            assert_eq!(call.next_deadline(), Some(Deadline { at: at(12), kind: deadline::Kind::Media }));
        })
        .at(12)
        .asks(&[])
        .operation(Action::PlayPrompt, "p", Status::Running)
        .finished("p", Status::Completed, result(200, 0))
        .in_every_way();
}

#[test]
fn nothing_is_played_while_audio_is_inactive() {
    talking()
        .at(4)
        .audio(Audio::Inactive)
        .gives(&[Event::MediaChanged { audio: Audio::Inactive }])
        .asks(&[Action::Refresh]) // audio that goes and comes has no documented order
        .at(20)
        .bot(play())
        .at(40)
        .asks(&[])
        .audio(Audio::Active)
        .gives(&[Event::MediaChanged { audio: Audio::Active }])
        .operation(Action::PlayPrompt, "p", Status::Running)
        .at(44)
        .finished("p", Status::Completed, result(200, 0))
        .gives(&[ended(Action::PlayPrompt, Outcome::Completed)])
        // Were `active` lost, the prompt would wait until the next word of the audio.
        .in_order();
    // Nothing tells which of two words of the audio is the newer.
    let told = talking().at(4).audio(Audio::Inactive).at(40).audio(Audio::Active);
    told.in_every_way_but(&[Fact::Audio]);
}

#[test]
fn what_is_held_does_not_leave_once_the_bot_hung_up() {
    incoming()
        .at(1)
        .bot(answer())
        .bot(play())
        .at(2)
        .told(State::Established)
        .at(3)
        .bot(Command::HangUp)
        .at(4)
        .audio(Audio::Active)
        .refused(play(), Why::HangingUp)
        .at(30)
        .asks(&[Action::Answer, Action::HangUp])
        .in_order();
}

#[test]
fn a_prompt_leaves_when_the_one_before_has_its_answer() {
    talking()
        .at(4)
        .bot(play())
        .bot(send_tones())
        .bot(record())
        .asks(&[Action::PlayPrompt])
        .operation(Action::PlayPrompt, "p", Status::Running)
        .check(|call| {
            let phases: std::vec::Vec<_> = call.operations().rows().map(Operation::phase).collect();
            assert_eq!(phases, [Phase::Running, Phase::Asked, Phase::Held]);
        })
        .operation(Action::SendDtmf, "d", Status::Running)
        .operation(Action::Record, "r", Status::Running)
        .at(9)
        .finished("p", Status::Completed, result(200, 0))
        .finished("d", Status::Completed, None)
        .at(20)
        .finished("r", Status::Completed, result(200, 8515))
        .gives(&[
            ended(Action::PlayPrompt, Outcome::Completed),
            ended(Action::SendDtmf, Outcome::Completed),
            ended(Action::Record, Outcome::Completed),
        ])
        .in_every_way();
}

#[test]
fn twenty_prompts_are_one_operation() {
    let twenty = Command::PlayPrompt { prompts: List::new(&PROMPTS[..20]), repeat: Repeat::Once };
    talking()
        .at(4)
        .bot(twenty)
        .asks(&[Action::PlayPrompt])
        .operation(Action::PlayPrompt, "p", Status::Running)
        .at(30)
        .finished("p", Status::Completed, result(200, 0))
        .gives(&[ended(Action::PlayPrompt, Outcome::Completed)])
        .in_every_way();
}

#[test]
fn prompts_in_a_loop_are_not_waited_for_and_end_when_they_are_cancelled() {
    talking()
        .at(4)
        .bot(in_a_loop())
        .operation(Action::PlayPrompt, "p", Status::Running)
        .at(600)
        .asks(&[Action::PlayPrompt])
        .bot(Command::CancelMediaProcessing)
        .operation(Action::CancelMediaProcessing, "c", Status::Completed)
        .gives(&[ended(Action::CancelMediaProcessing, Outcome::Completed)])
        .at(601)
        .completed_because("p", Status::Completed, Completion::MediaOperationCanceled)
        .gives(&[ended(Action::PlayPrompt, Outcome::Cancelled)])
        .but_lost(&[Fact::Outcomes]) // a loop whose end is lost is not asked for
        .in_every_way();
}

#[test]
fn cancelling_ends_each_operation_in_its_own_words() {
    // Graph docs, call: record (failed, 400/8508), sendDtmfTonesOperation (completed, mediaOperationCanceled).
    talking()
        .at(4)
        .bot(record())
        .operation(Action::Record, "r", Status::Running)
        .bot(send_tones())
        .operation(Action::SendDtmf, "d", Status::Running)
        .at(6)
        .bot(Command::CancelMediaProcessing)
        .operation(Action::CancelMediaProcessing, "c", Status::Completed)
        .gives(&[ended(Action::CancelMediaProcessing, Outcome::Completed)])
        .finished("r", Status::Failed, result(400, 8508))
        .completed_because("d", Status::Completed, Completion::MediaOperationCanceled)
        .gives(&[ended(Action::Record, Outcome::Cancelled), ended(Action::SendDtmf, Outcome::Cancelled)])
        .asks(&[Action::Record, Action::SendDtmf, Action::CancelMediaProcessing])
        .in_every_way();
}

#[test]
fn cancelling_ends_what_waits_before_it_left() {
    talking()
        .at(4)
        .bot(play())
        .bot(play())
        .bot(Command::CancelMediaProcessing)
        .gives(&[ended_together(&[1])])
        .asks(&[Action::PlayPrompt, Action::CancelMediaProcessing])
        .in_every_way();
    // Before the call is established nothing is at the service that could be cancelled.
    incoming()
        .at(1)
        .bot(answer())
        .bot(play())
        .bot(Command::CancelMediaProcessing)
        .gives(&[
            Event::Offered,
            ended_together(&[0]),
            ended(Action::CancelMediaProcessing, Outcome::Completed),
        ])
        .asks(&[Action::Answer])
        .in_every_way();
}

#[test]
fn a_recording_that_barges_in_goes_before_what_waits() {
    let interrupts = Command::Record(Record { barge_in: BargeIn::Interrupts, ..Record::after(None) });
    talking()
        .at(4)
        .bot(play())
        .operation(Action::PlayPrompt, "p", Status::Running)
        .bot(play())
        .bot(play())
        .asks(&[Action::PlayPrompt, Action::PlayPrompt])
        .refused(record(), Why::OperationsFull { places: 3 })
        .operation(Action::PlayPrompt, "q", Status::Failed)
        .gives(&[ended(Action::PlayPrompt, Outcome::Failed)])
        .tell();
    talking()
        .at(4)
        .bot(play())
        .bot(play())
        .bot(interrupts)
        .gives(&[ended_together(&[1])])
        .asks(&[Action::PlayPrompt, Action::Record])
        .operation(Action::PlayPrompt, "p", Status::Running)
        .operation(Action::Record, "r", Status::Running)
        .at(5)
        .finished("p", Status::Failed, result(400, 8508))
        .gives(&[ended(Action::PlayPrompt, Outcome::Cancelled)])
        .at(9)
        .finished("r", Status::Completed, result(200, 8515))
        .gives(&[ended(Action::Record, Outcome::Completed)])
        // Without a word of audio the first prompt would not have left either.
        .in_order();
}

#[test]
#[cfg(feature = "snapshot")]
fn regression_a_call_with_a_prompt_and_a_recording_that_barges_in_has_a_snapshot() {
    let interrupts = Command::Record(Record { barge_in: BargeIn::Interrupts, ..Record::after(None) });
    let call = talking().at(4).bot(play()).bot(interrupts).tell();
    let phases: std::vec::Vec<_> = call.operations().rows().map(Operation::phase).collect();
    assert_eq!(phases, [Phase::Asked, Phase::Asked]);
    assert!(call.operations().is_sound());
}

#[test]
fn a_completion_comes_in_the_answer() {
    talking()
        .at(4)
        .bot(Command::SubscribeToTone)
        .operation(Action::SubscribeToTone, "s", Status::Completed)
        .gives(&[ended(Action::SubscribeToTone, Outcome::Completed)])
        .bot(play())
        .operation(Action::PlayPrompt, "p", Status::Completed)
        .gives(&[ended(Action::PlayPrompt, Outcome::Completed)])
        .in_every_way();
    // What the pages complete in the answer is done, also where the answer has no operation.
    talking()
        .at(4)
        .bot(Command::SubscribeToTone)
        .response(Action::SubscribeToTone, 200)
        .gives(&[ended(Action::SubscribeToTone, Outcome::Completed)])
        .in_every_way();
}

#[test]
fn a_completion_comes_before_the_answer() {
    talking()
        .at(4)
        .bot(play())
        .finished_by_context(Action::PlayPrompt, Status::Completed)
        .gives(&[ended(Action::PlayPrompt, Outcome::Completed)])
        .operation(Action::PlayPrompt, "p", Status::Running)
        .nothing()
        .but_lost(&[Fact::Outcomes]) // lost, it is told by nothing but the end of the call
        .in_every_way();
}

#[test]
fn a_completion_without_an_id_is_told_by_its_context() {
    // An example of Graph docs, participant: invite, has `id: null`.
    talking()
        .at(4)
        .bot(play())
        .response(Action::PlayPrompt, 200)
        .nothing()
        .at(7)
        .finished_by_context(Action::PlayPrompt, Status::Completed)
        .gives(&[ended(Action::PlayPrompt, Outcome::Completed)])
        .but_lost(&[Fact::Outcomes]) // as above
        .in_every_way();
}

#[test]
fn a_completion_that_never_comes_is_asked_for_where_the_id_is_known() {
    let story = talking().at(4).bot(play()).operation(Action::PlayPrompt, "p", Status::Running);
    story
        .clone()
        .at(62)
        .asks(&[Action::PlayPrompt])
        .at(65)
        .asks(&[Action::GetOperation])
        .nothing() // it plays on
        .at(100)
        .finished("p", Status::Completed, result(200, 0))
        .gives(&[ended(Action::PlayPrompt, Outcome::Completed)])
        .in_every_way();
    let call = story.at(300).nothing().tell();
    let phases: std::vec::Vec<_> = call.operations().rows().map(Operation::phase).collect();
    assert_eq!(phases, [Phase::Running]);
}

#[test]
fn a_completion_that_never_comes_leaves_the_outcome_unknown_where_no_id_is_known() {
    let story = talking().at(4).bot(play()).response(Action::PlayPrompt, 200);
    story
        .at(66)
        .gives(&[unknown(Action::PlayPrompt)])
        .asks(&[Action::PlayPrompt])
        .at(90)
        .finished_by_context(Action::PlayPrompt, Status::Failed)
        .gives(&[ended(Action::PlayPrompt, Outcome::Failed)])
        .in_order();
}

#[test]
fn an_operation_that_cannot_be_asked_for_is_unknown_once() {
    let mut call = talking().at(4).bot(play()).operation(Action::PlayPrompt, "p", Status::Running).tell();
    let refresh = Command::Refresh;
    let output = call.handle(at(5), Input::Command(&refresh)).unwrap();
    let asked = output.requests().last().unwrap();
    assert_eq!(asked.action(), Some(Action::GetOperation));
    let report =
        Report::Response(Response { ticket: asked.ticket(), status: 404, code: 0, body: Body::None });
    let output = call.handle(at(6), Input::Report(&report)).unwrap();
    let ticket = call.operations().rows().next().unwrap().ticket();
    assert_eq!(output.events(), [Event::OutcomeUnknown { ticket, action: Action::PlayPrompt }]);
    assert_eq!(output.requests().count(), 0, "a 404 of an operation says nothing of the call");
    // The deadline finds nothing that can be asked for, and is not set again.
    let due = call.deadlines.of(deadline::Kind::Operation).unwrap();
    assert_eq!(call.handle(due, Input::Tick).unwrap().requests().count(), 0);
    assert_eq!(call.deadlines.of(deadline::Kind::Operation), None);
}

#[test]
fn a_deleted_operation_has_ended_whatever_its_status() {
    for (result, outcome) in [(result(200, 0), Outcome::Completed), (result(500, 1), Outcome::Failed)] {
        talking()
            .at(4)
            .bot(play())
            .operation(Action::PlayPrompt, "p", Status::Running)
            .finished("p", Status::Running, result)
            .gives(&[ended(Action::PlayPrompt, outcome)])
            .in_every_way();
    }
}

#[test]
fn an_operation_of_somebody_else_is_named() {
    let call = talking().at(4).bot(play()).operation(Action::PlayPrompt, "p", Status::Running);
    call.finished("P", Status::Completed, None).gives(&[Event::NotUsed(Topic::ForeignOperation)]).tell();
    // A GUID is one in all its spellings.
    talking()
        .at(4)
        .bot(play())
        .operation(Action::PlayPrompt, "0fe0623f-d628-42ed-b4bd-8ac290072cc5", Status::Running)
        .finished("0FE0623FD62842EDB4BD8AC290072CC5", Status::Completed, None)
        .gives(&[ended(Action::PlayPrompt, Outcome::Completed)])
        .in_every_way();
}

#[test]
fn a_refused_prompt_ends_with_status_and_code() {
    let mut call = talking().at(4).bot(play()).tell();
    let ticket = call.operations().rows().next().unwrap().ticket();
    let refusal = Report::Response(Response { ticket, status: 403, code: 7504, body: Body::None });
    let output = call.handle(at(5), Input::Report(&refusal)).unwrap();
    let expected = Event::OperationEnded {
        ticket,
        action: Action::PlayPrompt,
        outcome: Outcome::Refused,
        completion: None,
        result: result(403, 7504),
    };
    assert_eq!(output.events(), [expected]);
}

#[test]
fn the_services_words_about_a_completion_are_passed_on() {
    let mut call = talking().at(4).bot(record()).operation(Action::Record, "r", Status::Running).tell();
    let news = OperationNews {
        id: Some(OperationId::parse("r")),
        result: result(200, 8515),
        completion: Some(Completion::MaxRecordDurationReached),
        ..OperationNews::of(Status::Completed)
    };
    let report = Report::Operation { change: Change::Deleted, news };
    let output = call.handle(at(9), Input::Report(&report)).unwrap();
    let [Event::OperationEnded { outcome, completion, result: found, .. }] = output.events() else {
        panic!("{output:?}")
    };
    assert_eq!(*outcome, Outcome::Completed);
    assert_eq!(*completion, Some(Completion::MaxRecordDurationReached));
    assert_eq!(*found, result(200, 8515));
}

#[test]
fn a_prompt_that_was_never_sent_may_be_played_again() {
    talking()
        .at(4)
        .bot(play())
        .says(Said::NotSent(Action::PlayPrompt))
        .gives(&[ended(Action::PlayPrompt, Outcome::NotSent)])
        .bot(play())
        .asks(&[Action::PlayPrompt, Action::PlayPrompt])
        .tell();
}

#[test]
fn a_completion_says_that_the_call_was_established() {
    // What only an established call can do was done: the news of that was missed.
    let call = placed(to_users(2))
        .created(State::Establishing)
        .told(State::Establishing)
        .bot(Command::Mute)
        .at(1)
        .found(State::Established)
        .operation(Action::Mute, "m", Status::Completed)
        .gives(&[
            Event::Created,
            Event::Restricted { action: Action::Mute, restriction: Restriction::Established },
            moved(State::Establishing, State::Established),
            Event::Established,
            ended(Action::Mute, Outcome::Completed),
        ])
        .in_every_way();
    assert!(call.was_ever_established());
}

#[test]
fn tones_are_heard_once_and_in_order() {
    // Field captures: the first sequence is 6; Graph docs, toneInfo.
    talking()
        .at(4)
        .bot(Command::SubscribeToTone)
        .operation(Action::SubscribeToTone, "s", Status::Completed)
        .gives(&[ended(Action::SubscribeToTone, Outcome::Completed)])
        .at(6)
        .tone(6, Tone::Tone1)
        .gives(&[tone(6, Tone::Tone1, Arrival::InOrder)])
        .at(7)
        .tone(8, Tone::Tone3)
        .tone(7, Tone::Tone2)
        .gives(&[tone(8, Tone::Tone3, Arrival::InOrder), tone(7, Tone::Tone2, Arrival::Late)])
        .tone(6, Tone::Tone1)
        .nothing()
        .at(8)
        .tone(9, Tone::Pound)
        .gives(&[tone(9, Tone::Pound, Arrival::InOrder)])
        .in_every_way();
}

#[test]
fn a_tone_says_that_the_call_is_established() {
    let pressed =
        CallNews { tone: Some(ToneInfo { sequence: Sequence::new(1), tone: Tone::Star }), ..CallNews::NONE };
    incoming()
        .at(1)
        .bot(answer())
        .response(Action::Answer, 202)
        .at(5)
        .found(State::Established)
        .news(pressed)
        .gives(&[
            Event::Offered,
            moved(State::Incoming, State::Established),
            Event::Established,
            tone(1, Tone::Star, Arrival::InOrder),
        ])
        .asks(&[Action::Answer, Action::Refresh])
        .in_every_way();
}

#[test]
fn content_sharing_is_told_of_where_it_was_asked_for() {
    talking()
        .at(4)
        .says(Said::Sharing(Change::Created, Some("s1")))
        .gives(&[Event::ContentSharing(Sharing::Started)])
        .at(5)
        .says(Said::Sharing(Change::Updated, Some("s1")))
        .nothing()
        .at(9)
        .says(Said::Sharing(Change::Deleted, Some("s1")))
        .gives(&[Event::ContentSharing(Sharing::Ended)])
        .at(12)
        .says(Said::Sharing(Change::Created, Some("s2")))
        .gives(&[Event::ContentSharing(Sharing::Started)])
        .at(20)
        .says(Said::Sharing(Change::Deleted, None))
        .gives(&[Event::ContentSharing(Sharing::Ended)])
        .in_order();
    let begun = talking().at(4).says(Said::Sharing(Change::Created, Some("s1")));
    begun.at(9).says(Said::Sharing(Change::Deleted, Some("s1"))).in_every_way();
}

#[test]
fn transcription_is_told_of_and_asked_for() {
    let transcribed = |state| CallNews { transcription: Some(state), ..CallNews::NONE };
    let call = joined()
        .at(4)
        .news(transcribed(Transcription::NotStarted))
        .gives(&[Event::TranscriptionChanged(Transcription::NotStarted)])
        .at(9)
        .news(transcribed(Transcription::Active))
        .gives(&[Event::TranscriptionChanged(Transcription::Active)])
        .in_every_way();
    assert_eq!(call.transcription(), Some(Transcription::Active));
}

#[test]
fn regression_a_word_of_the_transcription_that_may_be_old_is_asked_about() {
    let transcribed = |state| CallNews { transcription: Some(state), ..CallNews::NONE };
    joined()
        .at(4)
        .news(transcribed(Transcription::Active))
        .asks(&[])
        .at(9)
        .says_late(Said::Call(Change::Updated, transcribed(Transcription::NotStarted)))
        .asks(&[Action::Refresh])
        .gives(&[
            Event::TranscriptionChanged(Transcription::Active),
            Event::TranscriptionChanged(Transcription::NotStarted),
            Event::TranscriptionChanged(Transcription::Active),
        ])
        .tell();
}

#[test]
fn media_that_the_bot_hosts_plays_nothing_for_it() {
    let hosted = Command::Answer(Answer {
        media: MediaConfig::AppHosted(Secret::new("blob")),
        ..Answer::new(CALLBACK)
    });
    incoming()
        .at(1)
        .bot(hosted)
        .at(2)
        .audio(Audio::Active)
        .refused(play(), Why::Restricted(Restriction::ServiceHostedMedia))
        .refused(record(), Why::Restricted(Restriction::ServiceHostedMedia))
        .refused(Command::CancelMediaProcessing, Why::Restricted(Restriction::ServiceHostedMedia))
        .bot(send_tones()) // no page restricts it
        .in_every_way();
}
