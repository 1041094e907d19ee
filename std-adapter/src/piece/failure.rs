//! Why a piece did not do what it was to do, and what to do then.

use callflow_core::action::Action;
use callflow_core::lifecycle::end::End;
use callflow_core::permission::{self, Requirement};
use callflow_core::result::ResultInfo;

use crate::bot::Call;
use crate::session::OrderError;

/// Why a piece did not do what it was to do. The call goes on, unless it says that it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The call's rules forbid a command; nothing was sent.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The service refused a command; nothing was done.
    #[error("{} was refused: {}{}", .action, .result.words(), way_out(*.result, *.requirement))]
    Refused {
        /// Which command.
        action: Action,
        /// The HTTP status and the service's own number.
        result: ResultInfo,
        /// What the command needs in such a call.
        requirement: Requirement,
    },
    /// The service took a command, and failed at it.
    #[error("{} failed: {}; do without it, or try again", .action, in_words(*.result))]
    Failed {
        /// Which command.
        action: Action,
        /// The service's result, where it gave one.
        result: Option<ResultInfo>,
    },
    /// A command was cancelled, at the service or before it left.
    #[error("{action} was cancelled, by `cancel_media` or by a key; begin it again if it is wanted still")]
    Cancelled {
        /// Which command.
        action: Action,
    },
    /// A command never arrived; nothing was done.
    #[error("{action} did not reach the service; try again")]
    NotSent {
        /// Which command.
        action: Action,
    },
    /// The answer was lost: the command may have been carried out or not.
    #[error("whether {action} was carried out is not known; look at the call before it is asked again")]
    Unknown {
        /// Which command.
        action: Action,
    },
    /// Nobody pressed a key, or said anything, in time and as often as he was asked.
    #[error("no input came in time; ask again, or offer another way")]
    NoInput,
    /// What was pressed was nothing that was asked for, as often as it was asked.
    #[error("the input was not what was asked for; ask again, or offer another way")]
    InvalidInput,
    /// It took longer than it was given.
    #[error("it took longer than it was given; the call goes on")]
    TimedOut,
    /// The call ended.
    #[error("the call is over: {}", ended(.0))]
    Ended(End),
    /// The call is not known any more, or its bot stopped.
    #[error("the call is not with this bot any more; place a new one")]
    Gone,
}

impl Failure {
    /// A command that came to nothing, as the event tells.
    pub(crate) fn of_command(call: &Call<'_>, action: Action, status: u16, code: u32) -> Self {
        if status == 0 {
            return Self::NotSent { action };
        }
        Self::refused(call, action, ResultInfo { code: u32::from(status), subcode: code })
    }

    pub(super) fn refused(call: &Call<'_>, action: Action, result: ResultInfo) -> Self {
        let classification = call.classification();
        let requirement = permission::required(
            action,
            classification.kind(),
            classification.hosting(),
            call.machine().media_host(),
        );
        Self::Refused { action, result, requirement }
    }
}

fn way_out(result: ResultInfo, requirement: Requirement) -> String {
    match requirement {
        Requirement::Needs(needs) if result.subcode == permission::CODE => {
            format!("; it needs {needs}: have an administrator grant it to the app and consent again")
        }
        Requirement::Needs(_) | Requirement::Nothing | Requirement::NotSupported => String::new(),
    }
}

fn in_words(result: Option<ResultInfo>) -> &'static str {
    result.map_or("the service did not say why", ResultInfo::words)
}

fn ended(end: &End) -> &'static str {
    end.result.map_or("nothing was said of why", ResultInfo::words)
}

#[cfg(test)]
mod tests {
    use callflow_core::classification::{Hosting, Kind};
    use callflow_core::media::MediaHost;

    use super::*;

    #[test]
    fn each_says_what_to_do() {
        let result = |code, subcode| ResultInfo { code, subcode };
        let requirement = permission::required(
            Action::SubscribeToTone,
            Kind::PeerToPeer,
            Hosting::Direct,
            MediaHost::Service,
        );
        let action = Action::SubscribeToTone;
        for (failure, way_out) in [
            (
                Failure::Refused { action, result: result(403, permission::CODE), requirement },
                "Calls.AccessMedia.All: have an administrator grant it",
            ),
            (Failure::Failed { action, result: None }, "try again"),
            (Failure::Cancelled { action }, "begin it again"),
            (Failure::NotSent { action }, "try again"),
            (Failure::Unknown { action }, "look at the call before it is asked again"),
            (Failure::NoInput, "ask again"),
            (Failure::InvalidInput, "ask again"),
            (Failure::Gone, "place a new one"),
        ] {
            assert!(failure.to_string().contains(way_out), "{failure}");
        }
        // Another refusal is no matter of permissions.
        let refused = Failure::Refused { action, result: result(400, 7002), requirement };
        assert!(!refused.to_string().contains("grant"), "{refused}");
    }
}
