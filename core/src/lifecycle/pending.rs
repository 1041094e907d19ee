//! What is asked and not yet settled: the small field beside Graph's `callState`.
//!
//! A request's answer comes before the state changes ("202" means taken, not done), may be lost, and may come after the
//! notification that the request caused. So a call keeps whether it was created, what became of answering or
//! rejecting it, whether the bot wants it hung up, and which tickets are out.

use crate::id::Ticket;
use crate::words::words;

words! {
    /// Whether the service has the call.
    pub enum Creation {
        /// The request to create it is out.
        Asked = "asked",
        /// The answer to that request was lost: a notification may still tell of the call.
        Unknown = "unknown",
        /// The service told of the call.
        Done = "done",
    }
}

words! {
    /// The three ways to settle an incoming call.
    pub enum Settling {
        /// Answer it.
        Answer = "answer",
        /// Reject it.
        Reject = "reject",
        /// Redirect it.
        Redirect = "redirect",
    }
}

/// What became of answering, rejecting or redirecting: of the three, at most one was taken or may have been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Settlement {
    /// Nothing was asked, or what was asked is known not to have been taken.
    Open,
    /// This was asked; the answer is still to come.
    Asked(Settling),
    /// This may have been taken: the answer was lost.
    Unknown(Settling),
    /// This was taken.
    Taken(Settling),
    /// The limit passed: nothing may be tried any more.
    Expired,
    /// The call is not incoming.
    NotNeeded,
}

words! {
    /// Why a settlement refuses another.
    pub enum Unsettled {
        /// The call was answered, or may have been.
        Answered = "the call was answered, or may have been; wait for news of it, or hang up",
        /// The call was rejected, or may have been.
        Rejected = "the call was rejected, or may have been; wait for its end",
        /// The call was redirected, or may have been.
        Redirected = "the call was redirected, or may have been; wait for its end",
        /// The limit for answering passed.
        TooLate = "the limit for answering, rejecting or redirecting passed; answer sooner",
        /// The call is not incoming.
        NotIncoming = "only an incoming call can be answered, rejected or redirected",
    }
}

impl Settlement {
    /// Whether another way to settle the call may be tried, and else why not.
    ///
    /// Source: Graph docs, call: answer, call: reject, call: redirect; that a definite 4xx leaves the call open, and that
    /// a redirected one cannot be answered, is assumed: if the first is wrong, the next try gets the same answer.
    pub const fn may_try(self) -> Result<(), Unsettled> {
        match self {
            Self::Open => Ok(()),
            Self::Asked(Settling::Answer)
            | Self::Unknown(Settling::Answer)
            | Self::Taken(Settling::Answer) => Err(Unsettled::Answered),
            Self::Asked(Settling::Reject)
            | Self::Unknown(Settling::Reject)
            | Self::Taken(Settling::Reject) => Err(Unsettled::Rejected),
            Self::Asked(Settling::Redirect)
            | Self::Unknown(Settling::Redirect)
            | Self::Taken(Settling::Redirect) => Err(Unsettled::Redirected),
            Self::Expired => Err(Unsettled::TooLate),
            Self::NotNeeded => Err(Unsettled::NotIncoming),
        }
    }

    /// The way that was asked, whatever became of it; none where nothing was, or is known not to have been taken.
    pub const fn settling(self) -> Option<Settling> {
        match self {
            Self::Asked(settling) | Self::Unknown(settling) | Self::Taken(settling) => Some(settling),
            Self::Open | Self::Expired | Self::NotNeeded => None,
        }
    }

    /// Whether the call was answered, may have been, or needs no answer: what waits for it to be established may wait.
    pub const fn is_answered(self) -> bool {
        matches!(
            self,
            Self::NotNeeded
                | Self::Asked(Settling::Answer)
                | Self::Unknown(Settling::Answer)
                | Self::Taken(Settling::Answer)
        )
    }
}

words! {
    /// What an HTTP status says of a request that must not be repeated lightly.
    pub enum Reading {
        /// The service took it.
        Taken = "taken",
        /// The service refused it and did nothing.
        Refused = "refused",
        /// It may have been taken or not.
        Unclear = "unclear",
    }
}

impl Reading {
    /// Reads a status.
    ///
    /// Source: Graph docs, Microsoft Graph error responses; that a 408 or a 5xx leaves it open is assumed: a gateway may
    /// have given up after the service took the request.
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Taken,
            400..=407 | 409..=499 => Self::Refused,
            _ => Self::Unclear,
        }
    }

    /// Reads the status of a question. A 429, or a 401, says nothing of what was asked: it is worth asking again.
    ///
    /// Source: Graph docs, Microsoft Graph throttling guidance.
    pub const fn of_question(status: u16) -> Self {
        match status {
            401 | 429 => Self::Unclear,
            _ => Self::of(status),
        }
    }
}

words! {
    /// Whether the bot wants the call to end.
    pub enum HangingUp {
        /// It does not.
        No = "no",
        /// It does, and the request waits until the call's creation (or its answer) is settled.
        Wanted = "wanted",
        /// The request left.
        Sent = "sent",
    }
}

words! {
    /// How far the bot's own limit for ringing has come.
    pub enum RingLimit {
        /// It is still ahead.
        Ahead = "ahead",
        /// The call was asked for shortly before: its being established may have been missed.
        Asked = "asked",
        /// It passed: the call is hung up.
        Passed = "passed",
    }
}

words! {
    /// What became of the bot's transfer.
    pub enum Transferring {
        /// There is none.
        No = "no",
        /// The request is out.
        Asked = "asked",
        /// It was taken: news will tell.
        Taken = "taken",
        /// It may have been taken: the answer was lost.
        Unknown = "unknown",
    }
}

words! {
    /// The requests of which one of a kind may be outstanding; operations keep their own tickets.
    pub enum Exchange {
        /// Create the call.
        Create = "create",
        /// Answer, reject or redirect it.
        Settle = "answer, reject or redirect",
        /// Transfer it.
        Transfer = "transfer",
        /// Hang it up.
        HangUp = "hang up",
        /// Keep it alive.
        KeepAlive = "keep alive",
        /// Ask for the call.
        GetCall = "get call",
        /// Ask for an operation.
        GetOperation = "get operation",
        /// Ask for the participants.
        ListParticipants = "list participants",
    }
}

/// The tickets that are out, one a kind of request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Outstanding([Option<Ticket>; Exchange::COUNT]);

impl Outstanding {
    /// None is out.
    pub(crate) const NONE: Self = Self([None; Exchange::COUNT]);

    /// The ticket that is out for this kind of request.
    pub fn of(&self, exchange: Exchange) -> Option<Ticket> {
        self.0.get(exchange.index()).copied().flatten()
    }

    /// Takes `ticket` out of the list, and says for what it was; `None` for a ticket that is not out.
    pub fn settle(&mut self, ticket: Ticket) -> Option<Exchange> {
        Exchange::ALL.iter().copied().zip(&mut self.0).find(|(_, out)| **out == Some(ticket)).map(
            |(exchange, out)| {
                *out = None;
                exchange
            },
        )
    }

    /// Notes that `ticket` is out; a request that may be repeated takes the place of an earlier one.
    pub(crate) fn put(&mut self, exchange: Exchange, ticket: Ticket) {
        if let Some(out) = self.0.get_mut(exchange.index()) {
            *out = Some(ticket);
        }
    }

    /// Forgets them all: their answers change nothing any more.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_was_only_throttled_is_not_refused() {
        // Graph docs, Microsoft Graph throttling guidance.
        for status in [401, 429] {
            assert_eq!(
                (Reading::of(status), Reading::of_question(status)),
                (Reading::Refused, Reading::Unclear)
            );
        }
        for status in [200, 302, 403, 404, 408, 503] {
            assert_eq!(Reading::of_question(status), Reading::of(status));
        }
    }

    #[test]
    fn i3_what_may_have_been_taken_shuts_the_other_out() {
        for (settlement, expected) in [
            (Settlement::Open, Ok(())),
            (Settlement::Asked(Settling::Answer), Err(Unsettled::Answered)),
            (Settlement::Unknown(Settling::Answer), Err(Unsettled::Answered)),
            (Settlement::Taken(Settling::Reject), Err(Unsettled::Rejected)),
            (Settlement::Unknown(Settling::Redirect), Err(Unsettled::Redirected)),
            (Settlement::Expired, Err(Unsettled::TooLate)),
            (Settlement::NotNeeded, Err(Unsettled::NotIncoming)),
        ] {
            assert_eq!(settlement.may_try(), expected, "{settlement:?}");
        }
    }

    #[test]
    fn only_a_definite_refusal_says_that_nothing_was_done() {
        for (status, expected) in [
            (0, Reading::Unclear),
            (200, Reading::Taken),
            (204, Reading::Taken),
            (302, Reading::Unclear),
            (400, Reading::Refused),
            (404, Reading::Refused),
            (408, Reading::Unclear),
            (429, Reading::Refused),
            (500, Reading::Unclear),
            (503, Reading::Unclear),
        ] {
            assert_eq!(Reading::of(status), expected, "{status}");
        }
    }

    #[test]
    fn a_ticket_is_settled_once() {
        let mut out = Outstanding::default();
        out.put(Exchange::GetCall, Ticket::FIRST);
        assert_eq!(out.settle(Ticket::FIRST), Some(Exchange::GetCall));
        assert_eq!(out.settle(Ticket::FIRST), None);
    }
}
