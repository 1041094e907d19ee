//! Stories of whole calls.
//!
//! A story ([`story`]) is told by what the bot wants and what the service says, in virtual time, and told again in disturbed
//! ways ([`telling`]): the facts at its end must be the same, or the call has to have asked.

mod ends;
mod escalation;
mod incoming;
mod limits;
mod lost_answers;
mod media;
mod outgoing;
mod permissions;
mod recording_policy;
mod roster;
mod run;
mod service;
mod shape;
#[cfg(feature = "snapshot")]
mod snapshots;
mod story;
mod telling;
mod time;
mod transfer;
mod words;

use run::Run;
use service::Service;
use story::{
    Beginning, Carried, Said, Step, Story, called, incoming, joined, offered, outgoing, placed, talking,
};
use telling::{Fact, Telling};
use words::{
    CALL, CALLBACK, MEETING, PROMPTS, Small, USERS, answer, at, ended, ended_together, failed, gone, here,
    in_lobby, moved, never_established, offer, over, participant, plainly, play, record, reject, result,
    roster_changed, roster_updated, setup, to_users, transfer, unknown, without_a_word,
};

use super::*;
use crate::certainty::Certainty;
use crate::classification::{Hosting, HostingCause, Kind, Reason};
use crate::command::{
    Answer, AudioRoutingGroup, BargeIn, Invitee, JoiningAnswer, MediaConfig, Record, Redirect, RejectReason,
    Repeat, RoutingMode, Transfer, Transferee,
};
use crate::id::{OperationId, Sequence, SessionId};
use crate::identity::{Identity, Source};
use crate::lifecycle;
use crate::lifecycle::end::TerminationReason;
use crate::lifecycle::pending::{Settling, Unsettled};
use crate::limit::{Breach, Limit};
use crate::list::List;
use crate::media::{Arrival, Mute, ScreenSharingRole, Sharing, Tone};
use crate::meeting::{ByOrganizer, Meeting};
use crate::operation::{Completion, Operation, Outcome, Phase, Status};
use crate::permission::{self, Missing, Permission, Permissions};
use crate::report::{
    Body, CallNews, Change, OperationNews, Report, Response, RosterNews, Told, ToneInfo, Topic,
};
use crate::request::{Dispatch, Request};
use crate::restriction::{Overrides, Restriction};
use crate::roster::{Extent, Hold, Member, Participant};
use crate::text::{Secret, Uri};
use crate::time::Span;
