//! Limits: how many and how long, as the pages say, each written once.
//!
//! ```
//! use callflow_core::limit::Limit;
//! assert!(Limit::RedirectTargets.check(25).is_ok());
//! assert_eq!(
//!     Limit::RedirectTargets.check(26).map_err(|breach| breach.to_string()),
//!     Err("26 is not within 1…25 targets of a redirect; redirect to fewer".to_owned())
//! );
//! ```

use crate::certainty::Certainty;
use crate::words::words;

words! {
    /// What is limited, in the unit that its name says.
    ///
    /// Source: [`Limit::source`].
    pub enum Limit {
        /// How many are called at once, in a new group call.
        PlaceTargets = "targets of a new call; call fewer and invite the others later",
        /// To how many a call is redirected at once.
        RedirectTargets = "targets of a redirect; redirect to fewer",
        /// How long a redirected call may ring.
        RedirectTimeoutSeconds = "seconds a redirect may ring; leave it out for the default of 55 or 60",
        /// How many prompts one request plays.
        Prompts = "prompts at once; play the others afterwards",
        /// How long a recording waits for somebody to speak.
        InitialSilenceSeconds = "seconds of silence before speech; leave it out for the default of 5",
        /// How long a silence ends a recording.
        MaxSilenceSeconds = "seconds of silence within speech; leave it out for the default of 5",
        /// How long a recording is.
        RecordSeconds = "seconds of recording; leave it out for the default of 5",
        /// How many tones are sent at once.
        Tones = "tones to send",
        /// How many are invited at once.
        Invitees = "participants to invite at once; invite the others afterwards",
        /// How many hear the source of an audio routing group of one to one.
        OneToOneReceivers = "receivers of a one-to-one group; use multicast for more",
        /// How many hear the source of a multicast audio routing group.
        MulticastReceivers = "receivers of a multicast group",
    }
}

impl Limit {
    /// The least and the most.
    pub const fn range(self) -> (u16, u16) {
        match self {
            Self::PlaceTargets | Self::Invitees => (1, 5),
            Self::RedirectTargets => (1, 25),
            Self::RedirectTimeoutSeconds => (15, 90),
            Self::Prompts => (1, 20),
            Self::InitialSilenceSeconds | Self::MaxSilenceSeconds | Self::RecordSeconds => (1, 120),
            Self::OneToOneReceivers => (1, 1),
            // No page gives a most.
            Self::Tones | Self::MulticastReceivers => (1, u16::MAX),
        }
    }

    /// How sure it is.
    pub const fn certainty(self) -> Certainty {
        match self {
            Self::Tones | Self::MulticastReceivers => Certainty::Assumed,
            Self::PlaceTargets
            | Self::RedirectTargets
            | Self::RedirectTimeoutSeconds
            | Self::Prompts
            | Self::InitialSilenceSeconds
            | Self::MaxSilenceSeconds
            | Self::RecordSeconds
            | Self::Invitees
            | Self::OneToOneReceivers => Certainty::Documented,
        }
    }

    /// Where it stands.
    pub const fn source(self) -> &'static str {
        match self {
            Self::PlaceTargets => "Graph docs, application: post calls (a new group call)",
            Self::RedirectTargets | Self::RedirectTimeoutSeconds => "Graph docs, call: redirect",
            Self::Prompts => "Graph docs, call: playPrompt",
            Self::InitialSilenceSeconds | Self::MaxSilenceSeconds | Self::RecordSeconds => {
                "Graph docs, call: record"
            }
            Self::Tones => {
                "assumed (call: sendDtmfTones has no number, and none does nothing); if it is wrong, a request is refused \
                 that would have done nothing"
            }
            Self::Invitees => "Graph docs, participant: invite",
            Self::OneToOneReceivers => "Graph docs, audioRoutingGroup (`oneToOne`)",
            Self::MulticastReceivers => {
                "assumed (audioRoutingGroup has no number for `multicast`, and none hear nothing); if it is wrong, a group \
                 is refused that would have been silent"
            }
        }
    }

    /// Whether `found` is within the limit.
    ///
    /// # Errors
    /// [`Breach`], which says what is allowed.
    pub fn check(self, found: usize) -> Result<(), Breach> {
        let (least, most) = self.range();
        let found = u16::try_from(found).unwrap_or(u16::MAX);
        if found < least || found > most { Err(Breach { limit: self, found }) } else { Ok(()) }
    }

    /// As [`check`](Self::check), for what may be left out.
    pub(crate) fn check_some(self, found: Option<u8>) -> Result<(), Breach> {
        found.map_or(Ok(()), |found| self.check(usize::from(found)))
    }
}

/// A limit that was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Breach {
    /// Which limit.
    pub limit: Limit,
    /// What was found; more than 65 535 are told as that.
    pub found: u16,
}

impl core::fmt::Display for Breach {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (least, most) = self.limit.range();
        write!(f, "{} is not within {least}…{most} {}", self.found, self.limit)
    }
}

impl core::error::Error for Breach {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_below_at_and_above() {
        // The page, the limit, the last below, the least, the most, the first above.
        for (page, limit, least, most) in [
            ("application: post calls", Limit::PlaceTargets, 1, 5),
            ("call: redirect", Limit::RedirectTargets, 1, 25),
            ("call: redirect", Limit::RedirectTimeoutSeconds, 15, 90),
            ("call: playPrompt", Limit::Prompts, 1, 20),
            ("call: record", Limit::InitialSilenceSeconds, 1, 120),
            ("call: record", Limit::MaxSilenceSeconds, 1, 120),
            ("call: record", Limit::RecordSeconds, 1, 120),
            ("participant: invite", Limit::Invitees, 1, 5),
            ("audioRoutingGroup", Limit::OneToOneReceivers, 1, 1),
        ] {
            for (found, expected) in [(least - 1, false), (least, true), (most, true), (most + 1, false)] {
                assert_eq!(limit.check(found).is_ok(), expected, "{page}: {found} {limit}");
            }
        }
    }
}
