//! What came of an attempt.

use callflow_core::identity::Answerer;
use callflow_core::lifecycle::end::{End, How};
use callflow_core::result::{By, Class, ResultInfo, ended_by};
use serde::{Deserialize, Serialize};

use crate::session::Session;

/// What came of an attempt to reach somebody.
///
/// How the codes of an end are read is partly assumed: the service documents few for calls that nobody took. If a reading is
/// wrong, the attempt gets the waiting time of another disposition.
///
/// Source: Graph docs, call: delete (call end codes); Azure Communication Services docs, call end codes, for 486, 487, 600
/// and 603.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Disposition {
    /// Somebody took the call, as far as the service tells a person.
    Answered,
    /// Somebody took it, and [`OutboundHandler::disposition`](super::OutboundHandler::disposition) says that the call did
    /// not do what it was for.
    Incomplete,
    /// Voice mail took it, as far as the service tells. It does not always.
    VoiceMail,
    /// He is in another call.
    Busy,
    /// He declined.
    Declined,
    /// Nobody took it while it rang, as far as the bot was there to hear of it.
    NoAnswer,
    /// He is on no device.
    Unreachable,
    /// The service, or the way to it, failed, and said so.
    Failed,
    /// The service or the rules refuse such a call.
    Refused,
    /// The service took nothing, or was never asked: too many requests (429), or no way to it. It is no attempt.
    NotPlaced,
    /// Whether it rang is not known: the answer to the request was lost, and nothing was heard since; or what is kept of the
    /// call is lost.
    Unknown,
}

impl Disposition {
    /// Whether it counts as one of the plan's attempts.
    pub const fn is_attempt(self) -> bool {
        !matches!(self, Self::NotPlaced)
    }

    /// Of a call that has ended.
    pub(super) fn of(session: &Session) -> Option<Self> {
        let call = session.call();
        let placed = session.placed();
        Some(Self::of_end(&call.end()?, call.answered_by(), placed.refused, placed.rang_out))
    }

    /// `refused` is the status by which the creation was refused, 0 where it was never sent; `rang_out` is whether the ring
    /// timer ran out.
    fn of_end(end: &End, by: Option<Answerer>, refused: Option<u16>, rang_out: bool) -> Self {
        if end.ever_established {
            return if by == Some(Answerer::VoiceMail) { Self::VoiceMail } else { Self::Answered };
        }
        match end.how {
            How::NotCreated => match refused {
                Some(0 | 429) => Self::NotPlaced,
                Some(_) | None => Self::Refused,
            },
            How::Inferred if rang_out => Self::NoAnswer,
            How::Inferred => Self::Unknown,
            How::Told => match end.result.map_or(Self::NoAnswer, Self::of_result) {
                Self::Answered => Self::Answered,
                // The bot's own hang-up may be told as anything else.
                _ if rang_out => Self::NoAnswer,
                came => came,
            },
        }
    }

    /// Of the result of a call that was never told to be established.
    fn of_result(result: ResultInfo) -> Self {
        match (result.code, result.subcode) {
            (480, 10199) | (403, _) => Self::Refused,
            (486 | 600, _) => Self::Busy,
            (603, _) | (487, 10024) => Self::Declined,
            (404 | 480, _) | (408, 8544 | 10057) => Self::Unreachable,
            (410, _) => Self::Failed,
            _ => match (result.class(), ended_by(result)) {
                (Class::Failed, _) => Self::Failed,
                // Only who has taken a call ends it so: the bot was not there to hear of it.
                (Class::Normal, By::OtherParticipant) => Self::Answered,
                (Class::Normal | Class::Refused | Class::Unknown, _) => Self::NoAnswer,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(how: How, ever_established: bool, result: Option<(u32, u32)>) -> End {
        let result = result.map(|(code, subcode)| ResultInfo { code, subcode });
        End { how, ever_established, by: By::Unknown, reason: None, result }
    }

    #[test]
    fn the_result_of_a_call_that_was_never_told_to_be_established_says_why() {
        use Disposition::{Answered, Busy, Declined, Failed, NoAnswer, Refused, Unreachable};
        for (code, subcode, expected) in [
            (200, 5002, NoAnswer),
            (200, 7000, NoAnswer),
            (200, 4521, Answered),
            (200, 540_000, Answered),
            (487, 10004, NoAnswer),
            (408, 13025, NoAnswer),
            (486, 560_486, Busy),
            (600, 0, Busy),
            (603, 0, Declined),
            (487, 10024, Declined),
            (480, 10037, Unreachable),
            (480, 10076, Unreachable),
            (480, 10134, Unreachable),
            (408, 8544, Unreachable),
            (408, 10057, Unreachable),
            (404, 0, Unreachable),
            (480, 10199, Refused),
            (403, 7504, Refused),
            (410, 301_005, Failed),
            (500, 3003, Failed),
            (700, 1, NoAnswer),
        ] {
            let told = end(How::Told, false, Some((code, subcode)));
            assert_eq!(Disposition::of_end(&told, None, None, false), expected, "{code}/{subcode}");
        }
    }

    #[test]
    fn who_took_it_how_it_ended_and_whether_it_was_placed_at_all() {
        use Disposition::{Answered, NoAnswer, NotPlaced, Refused, Unknown, VoiceMail};
        let user = Some(Answerer::User);
        for (end, by, refused, rang_out, expected) in [
            (end(How::Told, true, Some((200, 7000))), user, None, false, Answered),
            (end(How::Told, true, Some((480, 10037))), None, None, false, Answered),
            (end(How::Told, true, None), Some(Answerer::VoiceMail), None, false, VoiceMail),
            (end(How::Inferred, true, None), None, None, false, Answered),
            (end(How::Inferred, false, None), None, None, false, Unknown),
            (end(How::Inferred, false, None), None, None, true, NoAnswer),
            (end(How::Told, false, None), None, None, false, NoAnswer),
            (end(How::Told, false, Some((500, 3003))), None, None, true, NoAnswer),
            (end(How::Told, false, Some((200, 4521))), None, None, true, Answered),
            (end(How::NotCreated, false, None), None, Some(429), false, NotPlaced),
            (end(How::NotCreated, false, None), None, Some(0), false, NotPlaced),
            (end(How::NotCreated, false, None), None, Some(403), false, Refused),
            (end(How::NotCreated, false, None), None, None, false, Refused),
        ] {
            assert_eq!(Disposition::of_end(&end, by, refused, rang_out), expected, "{end:?}");
        }
    }
}
