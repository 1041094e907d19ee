//! Stories of whole calls.

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
mod scenario;
#[cfg(feature = "snapshot")]
mod snapshots;
mod time;
mod transfer;

use super::*;
use crate::lifecycle;
use crate::lifecycle::pending::{Settling, Unsettled};
use crate::operation::{Operation, Outcome, Phase, Status};
use crate::report::{Body, Report, Response, Topic};
