//! Result codes: how a call or an operation ended, in numbers and in words.
//!
//! Code and subcode count as a pair: `200/7000` is a normal end, `500/7000` a failed transfer.
//!
//! ```
//! use callflow_core::result::{Class, ResultInfo};
//! let result = ResultInfo { code: 408, subcode: 8537 };
//! assert_eq!(result.class(), Class::Refused);
//! assert_eq!(result.meaning(), Some("no keep-alive came in time: the call was cleaned up"));
//! ```

/// The numbers of Graph's `resultInfo`.
///
/// Source: Graph docs, resultInfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ResultInfo {
    /// `code`, which follows HTTP: 2xx (and 0) success, 4xx client, 5xx server.
    pub code: u32,
    /// `subcode`, the service's own number.
    pub subcode: u32,
}

/// What a code says at its coarsest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Class {
    /// 0 or 2xx: success, or a normal end.
    Normal,
    /// 4xx: the far side, the caller or a limit said no.
    Refused,
    /// 5xx: the service failed.
    Failed,
    /// Any other number.
    Unknown,
}

impl Class {
    /// The class in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Normal => "success, or a normal end",
            Self::Refused => "refused: by the far side, by the caller's mistake, or by a limit",
            Self::Failed => "the service failed",
            Self::Unknown => "no class of codes that is known",
        }
    }
}

impl ResultInfo {
    /// What the code says at its coarsest.
    ///
    /// Source: Graph docs, resultInfo.
    pub const fn class(self) -> Class {
        match self.code {
            0 | 200..=299 => Class::Normal,
            400..=499 => Class::Refused,
            500..=599 => Class::Failed,
            _ => Class::Unknown,
        }
    }

    /// Whether this is the result of a transfer that failed: the call goes on.
    ///
    /// Source: Graph docs, call: transfer.
    pub const fn is_failed_transfer(self) -> bool {
        matches!((self.code, self.subcode), (500, 7000 | 7700))
    }

    /// What the pair means, in words; `None` for a pair that no source explains.
    ///
    /// Source: Graph docs, call: delete and call: transfer.
    pub fn meaning(self) -> Option<&'static str> {
        MEANINGS
            .iter()
            .find(|(code, subcodes, _)| *code == self.code && subcodes.contains(&self.subcode))
            .map(|(_, _, words)| *words)
    }
}

/// Every pair that a source explains, and what it means.
///
/// Source: Graph docs, call: delete and call: transfer; field reports for answers to requests.
pub fn explained() -> impl Iterator<Item = (ResultInfo, &'static str)> {
    MEANINGS.iter().flat_map(|(code, subcodes, words)| {
        subcodes.iter().map(|subcode| (ResultInfo { code: *code, subcode: *subcode }, *words))
    })
}

/// Code, subcodes, words. Source: Graph docs, call: delete, unless a row says more.
const MEANINGS: &[(u32, &[u32], &str)] = &[
    (200, &[4097], "the other participant ended the call"),
    (200, &[4521], "the other participant ended the peer-to-peer call"),
    (200, &[5000, 5300], "another participant removed the bot"),
    (200, &[5001, 5003], "the conversation ended"),
    // Field captures show the pair for a peer-to-peer hang-up and for a call that nobody picked up alike.
    (200, &[5002], "all others left"),
    (200, &[5007], "the initiator of the group call left"),
    (200, &[5010], "only one participant remained"),
    (200, &[5012], "the incoming roster had no participants"),
    (200, &[5013], "nobody else joined the group call"),
    (200, &[5014], "no potential host was found"),
    (200, &[5020], "the incoming roster had only hidden participants"),
    (200, &[5030], "the breakout room's time was over"),
    (200, &[5855], "the lobby's inactivity limit passed"),
    (200, &[7000, 10550], "the bot ended the call"),
    (200, &[7015], "the transfer completed"),
    // Source: Graph docs, call: transfer.
    (0, &[7015], "the transfer completed"),
    (200, &[18503], "the other participant of the peer-to-peer call left"),
    (200, &[540_000, 560_000], "the phone user ended the call"),
    (408, &[8537], "no keep-alive came in time: the call was cleaned up"),
    (408, &[1106], "the acceptance was not acknowledged in time"),
    (408, &[10057], "no endpoint of the callee answered the signaling"),
    (408, &[8544], "the callee could not be reached"),
    (410, &[301_005], "media could not be connected"),
    (480, &[10037], "no endpoint of the callee was found"),
    (480, &[10076], "the callee could not be reached"),
    (480, &[10134], "the call could not be routed"),
    (480, &[10199], "private calling is disabled for the callee"),
    (500, &[1005], "the service could not connect to the bot's media"),
    // Source: Graph docs, call: transfer.
    (500, &[7000, 7700], "the transfer failed; the call goes on"),
    // Operations. Source: Graph docs, call: cancelMediaProcessing and call: record.
    (200, &[0], "done"),
    (200, &[8515], "the maximum recording duration was reached"),
    (400, &[8508], "the operation was cancelled"),
    // Answers to requests. Source: field reports; the words follow the service's own.
    (403, &[7504], "the app lacks a permission for this (or an administrator's consent to it)"),
    (403, &[7505], "the token's tenant is not the call's"),
    (404, &[8522], "the call does not exist, or no longer"),
    (400, &[8523], "the call does not support this"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pair_decides_not_the_subcode() {
        assert_eq!(ResultInfo { code: 200, subcode: 7000 }.meaning(), Some("the bot ended the call"));
        assert!(ResultInfo { code: 500, subcode: 7000 }.is_failed_transfer());
        assert!(!ResultInfo { code: 200, subcode: 7000 }.is_failed_transfer());
        assert_eq!(ResultInfo { code: 200, subcode: 1 }.meaning(), None);
    }

    #[test]
    fn every_explained_pair_has_its_meaning_and_no_other_has() {
        assert_eq!(
            explained().count(),
            MEANINGS.iter().map(|(_, subcodes, _)| subcodes.len()).sum::<usize>()
        );
        for (pair, words) in explained() {
            assert_eq!(pair.meaning(), Some(words), "{pair:?}");
        }
        assert_eq!(ResultInfo { code: 418, subcode: 8537 }.meaning(), None);
    }

    #[test]
    fn no_pair_is_explained_twice() {
        for (place, (code, subcodes, _)) in MEANINGS.iter().enumerate() {
            for (other_code, other_subcodes, _) in &MEANINGS[place + 1..] {
                for subcode in *subcodes {
                    assert!(code != other_code || !other_subcodes.contains(subcode), "{code}/{subcode}");
                }
            }
        }
    }
}
