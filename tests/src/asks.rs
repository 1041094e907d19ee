//! Whatever can be asked of Graph, drawn at random and written.

use callflow_core::command::{
    AudioGroup, BargeIn, Beep, CallOptions, Mask, Modalities, RejectReason, Repeat, RoutingMode, Visibility,
};
use callflow_core::id::{CallKey, OperationId, ParticipantId, Ticket};
use callflow_core::media::{RecordingStatus, ScreenSharingRole, Tone};
use callflow_core::request::{Dispatch, Request};
use callflow_core::text::Uri;
use callflow_graph::wire::order::{
    Answer, AudioRoutingGroup, Invitee, Order, Record, Redirect, Transfer, Transferee,
};
use callflow_graph::wire::placement::{
    Caller, Destination, Media, Meeting, Placement, RoutingPolicy, Target,
};
use callflow_graph::wire::request::{HttpRequest, IdTexts, Origin, write};
use callflow_graph::wire::text::Address;
use proptest::prelude::*;

/// Where news of the call goes.
pub const CALLBACK: &str = "https://bot.test/calls/1?key=k%2F1";
/// The call's id: one that needs escaping in a path.
pub const CALL: &str = "57da/b8 b1";
/// The tenant in which calls are placed.
pub const TENANT: &str = "932899f8-2ea1-4604-8413-27bd2892079f";
/// How many participants have texts.
const PARTICIPANTS: u8 = 8;

/// The texts of ids: every participant that is drawn has one.
#[derive(Clone, Debug)]
pub struct Texts(Vec<String>);

impl Default for Texts {
    fn default() -> Self {
        Self((0..PARTICIPANTS).map(participant_text).collect())
    }
}

impl IdTexts for Texts {
    fn call(&self) -> Option<&str> {
        Some(CALL)
    }

    fn operation(&self, _: OperationId) -> Option<&str> {
        None
    }

    fn participant(&self, id: ParticipantId) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|text| ParticipantId::parse(text) == id)
    }
}

/// Half of them are no GUIDs.
fn participant_text(number: u8) -> String {
    if number.is_multiple_of(2) {
        format!("part/{number}?")
    } else {
        format!("0000000{number}-0000-0000-0000-00000000000a")
    }
}

/// The order, as it is sent; `None` for the answer to a joining participant, which is no request.
pub fn written(order: &Order) -> Option<HttpRequest> {
    let mut http = order.with(CALLBACK, |command| {
        let request = Request::Perform { ticket: Ticket::FIRST, command: *command, dispatch: Dispatch::Now };
        write(&request, &origin(), &Texts::default())
    })?;
    if let Order::Answer(answer) = order {
        answer.complete(&mut http);
    }
    Some(http)
}

/// The placement, as it is sent.
pub fn placed(placement: &Placement) -> Option<HttpRequest> {
    let mut http = placement.with(CALLBACK, |placement| {
        let request = Request::Create { ticket: Ticket::FIRST, placement: *placement };
        write(&request, &origin(), &Texts::default())
    })?;
    placement.complete(&mut http);
    Some(http)
}

fn origin() -> Origin<'static> {
    Origin { key: CallKey::new(0xAB), callback: Uri::new(CALLBACK), tenant_id: Some(TENANT) }
}

/// A text with whatever an id may hold, and what a path or JSON has to escape.
fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-zA-Z0-9/%. :@\"\\\\\\-+#?ä]{1,24}").unwrap_or_else(|error| {
        unreachable!("{error}") // the pattern is right above
    })
}

fn address() -> impl Strategy<Value = Address> {
    text().prop_map(|text| Address::from(format!("https://bot.test/{text}")))
}

fn flag<T: Clone + std::fmt::Debug + 'static>(off: T, on: T) -> impl Strategy<Value = T> {
    any::<bool>().prop_map(move |is_on| if is_on { on.clone() } else { off.clone() })
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        text().prop_map(Target::User),
        text().prop_map(|number| Target::Phone(number.into())),
        text().prop_map(Target::Application),
        text().prop_map(Target::ApplicationInstance),
        text().prop_map(Target::Guest),
    ]
}

fn participant() -> impl Strategy<Value = ParticipantId> {
    (0..PARTICIPANTS).prop_map(|number| ParticipantId::parse(&participant_text(number)))
}

/// Who hosts the media, and what the service is to fetch beforehand where it does.
fn media() -> impl Strategy<Value = (Media, Vec<Address>)> {
    let prompts = proptest::collection::vec(text().prop_map(Address::from), 0..3);
    prop_oneof![
        prompts.prop_map(|prompts| (Media::Service, prompts)),
        text().prop_map(|blob| (Media::App(blob.into()), Vec::new())),
    ]
}

fn routing_policies() -> impl Strategy<Value = Vec<RoutingPolicy>> {
    const ALL: [RoutingPolicy; 4] = [
        RoutingPolicy::NoMissedCall,
        RoutingPolicy::DisableForwardingExceptPhone,
        RoutingPolicy::DisableForwarding,
        RoutingPolicy::PreferSkypeForBusiness,
    ];
    proptest::sample::subsequence(ALL.to_vec(), 0..=ALL.len())
}

fn modalities() -> impl Strategy<Value = Modalities> {
    const ALL: [Modalities; 4] =
        [Modalities::AUDIO, Modalities::VIDEO, Modalities::SCREEN_SHARING, Modalities::DATA];
    proptest::sample::subsequence(ALL.to_vec(), 0..=ALL.len())
        .prop_map(|some| some.into_iter().fold(Modalities::NONE, Modalities::and))
}

fn options() -> impl Strategy<Value = CallOptions> {
    const ALL: [CallOptions; 4] = [
        CallOptions::HIDE_BOT_AFTER_ESCALATION,
        CallOptions::CONTENT_SHARING_NOTIFICATION,
        CallOptions::DELTA_ROSTER,
        CallOptions::INTERACTIVE_ROSTER,
    ];
    proptest::sample::subsequence(ALL.to_vec(), 0..=ALL.len())
        .prop_map(|some| some.into_iter().fold(CallOptions::NONE, CallOptions::and))
}

fn meeting() -> impl Strategy<Value = Meeting> {
    let by_organizer = (text(), text(), proptest::option::of(text()), text(), text());
    prop_oneof![
        by_organizer.prop_map(|(thread_id, message_id, reply_chain_message_id, organizer_id, tenant_id)| {
            Meeting::Organizer { thread_id, message_id, reply_chain_message_id, organizer_id, tenant_id }
        }),
        text().prop_map(|token| Meeting::Token(token.into())),
        (text(), proptest::option::of(text()))
            .prop_map(|(id, passcode)| Meeting::JoinId { id, passcode: passcode.map(Into::into) }),
    ]
}

fn caller() -> impl Strategy<Value = Caller> {
    prop_oneof![
        Just(Caller::Bot),
        text().prop_map(Caller::Application),
        text().prop_map(Caller::ApplicationInstance),
        (text(), text()).prop_map(|(id, display_name)| Caller::Guest { id, display_name }),
    ]
}

/// A call to be made, or a meeting to be joined.
pub fn placements() -> impl Strategy<Value = Placement> {
    let to = prop_oneof![
        proptest::collection::vec(target(), 1..6).prop_map(Destination::Targets),
        meeting().prop_map(Destination::Meeting),
    ];
    let more = (
        (proptest::option::of(text()), proptest::option::of(text()), proptest::option::of(1u8..=115)),
        routing_policies(),
    );
    (to, caller(), media(), modalities(), options(), more).prop_map(
        |(to, source, (media, pre_fetch), modalities, options, (texts, routing_policies))| {
            let (subject, call_chain_id, ringing_timeout) = texts;
            Placement {
                to,
                source,
                media,
                modalities,
                options,
                subject,
                call_chain_id,
                ringing_timeout,
                routing_policies,
                pre_fetch,
            }
        },
    )
}

fn answers() -> impl Strategy<Value = Order> {
    (media(), modalities(), proptest::option::of(any::<u16>()), options()).prop_map(
        |((media, pre_fetch), modalities, participant_capacity, options)| {
            Order::Answer(Answer { media, modalities, participant_capacity, options, pre_fetch })
        },
    )
}

fn redirects() -> impl Strategy<Value = Order> {
    let mask = (flag(Mask::NONE, Mask::CALLEE), flag(Mask::NONE, Mask::CALLER))
        .prop_map(|(callee, caller)| callee.and(caller));
    (proptest::collection::vec(target(), 1..26), proptest::option::of(any::<u8>()), mask)
        .prop_map(|(targets, timeout, mask)| Order::Redirect(Redirect { targets, timeout, mask }))
}

fn transfers() -> impl Strategy<Value = Order> {
    let transferee =
        (target(), participant()).prop_map(|(identity, participant)| Transferee { identity, participant });
    (target(), proptest::option::of(text()), proptest::option::of(transferee)).prop_map(
        |(target, replaces_call_id, transferee)| {
            Order::Transfer(Transfer { target, replaces_call_id, transferee })
        },
    )
}

fn records() -> impl Strategy<Value = Order> {
    let keys: Vec<Tone> = Tone::ALL.iter().copied().filter(|tone| tone.key().is_some()).collect();
    let seconds = || proptest::option::of(any::<u8>());
    let all = (
        proptest::option::of(address()),
        flag(BargeIn::Waits, BargeIn::Interrupts),
        flag(Beep::Played, Beep::Silent),
        (seconds(), seconds(), seconds()),
        proptest::collection::vec(proptest::sample::select(keys), 0..5),
    );
    all.prop_map(|(prompt, barge_in, beep, (initial_silence, max_silence, max_duration), stop_tones)| {
        Order::Record(Record {
            prompt,
            barge_in,
            beep,
            initial_silence,
            max_silence,
            max_duration,
            stop_tones,
        })
    })
}

fn invitations() -> impl Strategy<Value = Order> {
    let invitee = (
        target(),
        proptest::option::of(text()),
        proptest::option::of(text()),
        flag(Visibility::Shown, Visibility::Hidden),
        flag(AudioGroup::Default, AudioGroup::Apart),
    );
    let invitee =
        invitee.prop_map(|(identity, replaces_call_id, participant_id, visibility, audio_group)| Invitee {
            identity,
            replaces_call_id,
            participant_id,
            visibility,
            audio_group,
        });
    proptest::collection::vec(invitee, 1..6).prop_map(Order::Invite)
}

fn routing_groups() -> impl Strategy<Value = AudioRoutingGroup> {
    (one_of(RoutingMode::ALL), participant(), proptest::collection::vec(participant(), 1..5))
        .prop_map(|(mode, source, receivers)| AudioRoutingGroup { mode, source, receivers })
}

/// Anything that can be commanded of a call by a request.
pub fn orders() -> impl Strategy<Value = Order> {
    const BARE: [Order; 9] = [
        Order::HangUp,
        Order::KeepAlive,
        Order::Refresh,
        Order::Mute,
        Order::Unmute,
        Order::CancelMediaProcessing,
        Order::SubscribeToTone,
        Order::AddLargeGalleryView,
        Order::Reject(RejectReason::None),
    ];
    const STATUSES: [RecordingStatus; 3] =
        [RecordingStatus::NotRecording, RecordingStatus::Recording, RecordingStatus::Failed];
    let tones: Vec<Tone> = Tone::ALL.iter().copied().filter(|tone| *tone != Tone::Unrecognised).collect();
    let of_media = prop_oneof![
        (proptest::collection::vec(address(), 1..21), flag(Repeat::Once, Repeat::Forever))
            .prop_map(|(prompts, repeat)| Order::PlayPrompt { prompts, repeat }),
        records(),
        (
            proptest::collection::vec(proptest::sample::select(tones), 1..9),
            proptest::option::of(any::<u16>())
        )
            .prop_map(|(tones, delay)| Order::SendDtmf { tones, delay }),
        one_of(&STATUSES).prop_map(Order::UpdateRecordingStatus),
        one_of(ScreenSharingRole::ALL).prop_map(Order::ChangeScreenSharingRole),
    ];
    let of_participants = prop_oneof![
        invitations(),
        participant().prop_map(Order::RemoveParticipant),
        participant().prop_map(Order::MuteParticipant),
        (participant(), proptest::option::of(address()))
            .prop_map(|(participant, prompt)| Order::StartHoldMusic { participant, prompt }),
        participant().prop_map(Order::StopHoldMusic),
        routing_groups().prop_map(Order::CreateAudioRoutingGroup),
        (text(), routing_groups()).prop_map(|(id, group)| Order::UpdateAudioRoutingGroup { id, group }),
        text().prop_map(|id| Order::DeleteAudioRoutingGroup { id }),
    ];
    prop_oneof![
        2 => proptest::sample::select(BARE.to_vec()),
        1 => one_of(RejectReason::ALL).prop_map(Order::Reject),
        2 => answers(),
        2 => redirects(),
        2 => transfers(),
        6 => of_media,
        8 => of_participants,
    ]
}
