//! The scenarios that come with this crate, one for each sequence that the documentation shows, or that was seen in the field.
//!
//! There is none of what people at the simulator cannot do yet: inviting the bot into a group call that is there already,
//! letting it wait in a lobby, joining a call that is recorded by a policy for several; and none of a call whose end is never
//! told or of notifications without a payload, since nothing that the bot does is to be seen of it.

/// Their names and their text: `scenarios/{name}.toml`.
pub const SHIPPED: [(&str, &str); 24] = [
    ("incoming_answered", include_str!("../../scenarios/incoming_answered.toml")),
    ("incoming_menu", include_str!("../../scenarios/incoming_menu.toml")),
    ("incoming_rejected", include_str!("../../scenarios/incoming_rejected.toml")),
    ("incoming_redirected", include_str!("../../scenarios/incoming_redirected.toml")),
    ("incoming_redirected_unanswered", include_str!("../../scenarios/incoming_redirected_unanswered.toml")),
    ("incoming_given_up", include_str!("../../scenarios/incoming_given_up.toml")),
    ("outgoing_answered", include_str!("../../scenarios/outgoing_answered.toml")),
    ("outgoing_declined", include_str!("../../scenarios/outgoing_declined.toml")),
    ("outgoing_unanswered", include_str!("../../scenarios/outgoing_unanswered.toml")),
    ("outgoing_in_turn", include_str!("../../scenarios/outgoing_in_turn.toml")),
    ("outgoing_recorded", include_str!("../../scenarios/outgoing_recorded.toml")),
    ("meeting_joined", include_str!("../../scenarios/meeting_joined.toml")),
    ("group_placed", include_str!("../../scenarios/group_placed.toml")),
    ("transferred", include_str!("../../scenarios/transferred.toml")),
    ("transfer_failed", include_str!("../../scenarios/transfer_failed.toml")),
    ("transferred_consultatively", include_str!("../../scenarios/transferred_consultatively.toml")),
    ("invited", include_str!("../../scenarios/invited.toml")),
    ("invited_declined", include_str!("../../scenarios/invited_declined.toml")),
    ("merged", include_str!("../../scenarios/merged.toml")),
    ("added_by_others", include_str!("../../scenarios/added_by_others.toml")),
    ("added_without_permission", include_str!("../../scenarios/added_without_permission.toml")),
    ("kept_alive", include_str!("../../scenarios/kept_alive.toml")),
    ("policy_recording", include_str!("../../scenarios/policy_recording.toml")),
    ("news_lost", include_str!("../../scenarios/news_lost.toml")),
];
