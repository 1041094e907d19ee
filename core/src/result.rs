//! Result codes: how a call or an operation ended, in numbers and in words.
//!
//! Code and subcode count as a pair: `200/7000` is a normal end, `500/7000` a failed transfer. What is known of each pair
//! stands in one table; a pair that is not in it is read by its class.
//!
//! ```
//! use callflow_core::result::{By, Class, ResultInfo, ended_by};
//! let result = ResultInfo { code: 408, subcode: 8537 };
//! assert_eq!(result.class(), Class::Refused);
//! assert_eq!(result.meaning(), Some("no keep-alive came in time: the call was cleaned up"));
//! assert_eq!(ended_by(result), By::Service);
//! ```
//!
//! Source: Graph docs, resultInfo, and the page that each row names.

use crate::certainty::Certainty;
use crate::words::words;

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

words! {
    /// Who ended a call, as far as the pair tells.
    pub enum By {
        /// The bot.
        Bot = "bot",
        /// Another participant.
        OtherParticipant = "otherParticipant",
        /// The service: by a rule or a limit of its own, or because something failed.
        Service = "service",
        /// The pair does not tell, or nothing ended.
        Unknown = "unknown",
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

    /// What the pair means, in words; `None` for a pair that no source explains.
    pub fn meaning(self) -> Option<&'static str> {
        explanation(self).map(|explanation| explanation.words)
    }

    /// What the pair means, or at least its class, in words.
    pub fn words(self) -> &'static str {
        self.meaning().unwrap_or_else(|| self.class().words())
    }

    const fn is(self, other: Self) -> bool {
        self.code == other.code && self.subcode == other.subcode
    }
}

/// What is known of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Explanation {
    /// The pair.
    pub pair: ResultInfo,
    /// What it means.
    pub words: &'static str,
    /// Who ended the call.
    pub by: By,
    /// What can be done about it, where anything can.
    pub way_out: Option<&'static str>,
    /// How sure it is.
    pub certainty: Certainty,
    /// Where it stands.
    pub source: &'static str,
}

/// What is known of a pair; `None` for one that no source explains.
pub fn explanation(pair: ResultInfo) -> Option<&'static Explanation> {
    ROWS.iter().find(|row| row.pair == pair)
}

/// Every pair that a source explains.
pub fn explained() -> impl Iterator<Item = &'static Explanation> {
    ROWS.iter()
}

/// Who ended a call with this pair; assumed rows say nothing here.
///
/// Source: Graph docs, call: delete and call: transfer, and field reports: the rows.
pub fn ended_by(pair: ResultInfo) -> By {
    let found = ENDED.iter().find(|entry| **entry & PAIR_BITS == packed(pair));
    match found.map(|entry| entry & BY_BITS) {
        Some(BOT) => By::Bot,
        Some(OTHER) => By::OtherParticipant,
        Some(SERVICE) => By::Service,
        _ => By::Unknown,
    }
}

/// An end of a call, of the page on deleting calls.
const fn end(code: u32, subcode: u32, by: By, words: &'static str) -> Explanation {
    row(code, subcode, by, words, Certainty::Documented, "Graph docs, call: delete")
}

/// The same, with what can be done about it.
const fn remedy(code: u32, subcode: u32, words: &'static str, way_out: &'static str) -> Explanation {
    Explanation { way_out: Some(way_out), ..end(code, subcode, By::Service, words) }
}

/// How a transfer or an operation turned out, of its page.
const fn outcome(code: u32, subcode: u32, by: By, words: &'static str, source: &'static str) -> Explanation {
    row(code, subcode, by, words, Certainty::Documented, source)
}

/// An end that field reports show.
const fn reported(code: u32, subcode: u32, by: By, words: &'static str) -> Explanation {
    row(code, subcode, by, words, Certainty::Captured, "field reports")
}

/// An answer to a request; the words follow the service's own.
const fn answer(code: u32, subcode: u32, words: &'static str, way_out: &'static str) -> Explanation {
    Explanation { way_out: Some(way_out), ..reported(code, subcode, By::Unknown, words) }
}

/// A pair that only the sister product explains.
const fn sister(code: u32, subcode: u32, by: By, words: &'static str) -> Explanation {
    let source = "assumed (Azure Communication Services docs, call end codes: the same calling infrastructure); if it is \
                  wrong, the words are, and nothing reads them";
    row(code, subcode, by, words, Certainty::Assumed, source)
}

const fn row(
    code: u32,
    subcode: u32,
    by: By,
    words: &'static str,
    certainty: Certainty,
    source: &'static str,
) -> Explanation {
    Explanation { pair: ResultInfo { code, subcode }, words, by, way_out: None, certainty, source }
}

const TRANSFER: &str = "Graph docs, call: transfer";

/// Code, subcode, who ended the call, words, and the way out where there is one.
///
/// Source: Graph docs, call: delete, unless a row says more.
#[rustfmt::skip] // One line a rule, where it fits.
const ROWS: &[Explanation] = &[
    end(200, 4097, By::OtherParticipant, "the other participant ended the call"),
    end(200, 4521, By::OtherParticipant, "the other participant ended the peer-to-peer call"),
    end(200, 5000, By::OtherParticipant, "another participant removed the bot"),
    end(200, 5300, By::OtherParticipant, "another participant removed the bot"),
    end(200, 5001, By::Unknown, "the conversation ended"),
    end(200, 5003, By::Unknown, "the conversation ended"),
    // Field captures show the pair for a peer-to-peer hang-up and for a call that nobody picked up alike.
    end(200, 5002, By::Unknown, "all others left"),
    end(200, 5007, By::OtherParticipant, "the initiator of the group call left"),
    end(200, 5010, By::Service, "only one participant remained"),
    end(200, 5012, By::Service, "the incoming roster had no participants"),
    end(200, 5013, By::Service, "nobody else joined the group call"),
    end(200, 5014, By::Service, "no potential host was found"),
    end(200, 5020, By::Service, "the incoming roster had only hidden participants"),
    end(200, 5030, By::Service, "the breakout room's time was over"),
    remedy(200, 5855, "the lobby's inactivity limit passed", "have somebody admit the bot sooner, or let it bypass the lobby"),
    end(200, 7000, By::Bot, "the bot ended the call"),
    end(200, 10550, By::Bot, "the bot ended the call"),
    end(200, 7015, By::Bot, "the transfer completed"),
    outcome(0, 7015, By::Bot, "the transfer completed", TRANSFER),
    end(200, 18503, By::OtherParticipant, "the other participant of the peer-to-peer call left"),
    end(200, 540_000, By::OtherParticipant, "the phone user ended the call"),
    end(200, 560_000, By::OtherParticipant, "the phone user ended the call"),
    // The limit and the advice. Source: Graph docs, call: keepAlive.
    remedy(408, 8537, "no keep-alive came in time: the call was cleaned up", "send a keepAlive at least every 45 minutes, better every 15"),
    end(408, 1106, By::Service, "the acceptance was not acknowledged in time"),
    remedy(408, 10057, "no endpoint of the callee answered the signaling", LATER),
    remedy(410, 301_005, "media could not be connected", NETWORK),
    remedy(480, 10037, "no endpoint of the callee was found", LATER),
    remedy(480, 10076, "the callee could not be reached", LATER),
    end(480, 10134, By::Service, "the call could not be routed"),
    remedy(480, 10199, "private calling is disabled for the callee", "have private calling enabled for the callee"),
    remedy(500, 1005, "the service could not connect to the bot's media", NETWORK),
    // On a call that lives.
    outcome(500, 7000, By::Unknown, TRANSFER_FAILED, TRANSFER),
    outcome(500, 7700, By::Unknown, TRANSFER_FAILED, TRANSFER),
    // Operations.
    outcome(200, 0, By::Unknown, "done", "Graph docs, call: playPrompt"),
    outcome(200, 8515, By::Unknown, "the maximum recording duration was reached", "Graph docs, call: record"),
    outcome(400, 8508, By::Unknown, "the operation was cancelled", "Graph docs, call: record"),
    // Ends that no page has.
    Explanation { way_out: Some(LATER), ..reported(408, 8544, By::Service, "the callee could not be reached") },
    reported(408, 13025, By::Unknown, "a time limit passed; no source says which"),
    reported(500, 3003, By::Service, "the service failed; no source says how"),
    reported(500, 7106, By::Service, "the service ended the call after a failure (3003); no source says which"),
    // Answers to requests. The time limit. Source: Graph docs, call: answer.
    answer(403, 7504, "the app lacks a permission for this (or an administrator's consent to it)", "have an administrator grant the permission to the app, and consent again"),
    answer(403, 7505, "the token's tenant is not the call's", "use a token of the call's tenant"),
    answer(404, 8522, "the call does not exist, or no longer", "answer an incoming call within 15 seconds; treat any other call as over"),
    answer(400, 8523, "the call does not support this", "check the call's state, and whether it is peer-to-peer or a conversation"),
    answer(500, 9999, "the service failed, and does not say how", "try again later, and keep the request's id for a support request"),
    // To make numbers readable. Source: assumed; the rows say what happens if it is wrong.
    sister(0, 0, By::Unknown, "a normal end"),
    sister(487, 0, By::OtherParticipant, "the caller gave up"),
    sister(603, 0, By::OtherParticipant, "the callee declined"),
    sister(487, 10003, By::OtherParticipant, "the call was accepted on another endpoint"),
    sister(487, 10004, By::Service, "nobody accepted the call in time"),
    sister(487, 10024, By::OtherParticipant, "all endpoints of the callee declined"),
    sister(486, 560_486, By::OtherParticipant, "the phone number is busy"),
];

const LATER: &str = "try again later: the callee is on no device";
const NETWORK: &str = "check that the network lets media through";
const TRANSFER_FAILED: &str = "the transfer failed; the call goes on";

/// An entry has 10 bits of code, 20 of subcode and 2 of who ended the call.
const PAIR_BITS: u32 = !BY_BITS;
const BY_BITS: u32 = 0b11;
const BOT: u32 = By::Bot as u32;
const OTHER: u32 = By::OtherParticipant as u32;
const SERVICE: u32 = By::Service as u32;

const ENDS: usize = count_ends();
static ENDED: [u32; ENDS] = ended();

const _: () = assert!(is_whole(), "each pair stands in the table exactly once, and fits an entry");

/// The pair's bits of an entry; a pair too big for one is none that is known.
const fn packed(pair: ResultInfo) -> u32 {
    if fits(pair) { pair.code.wrapping_shl(22) | pair.subcode.wrapping_shl(2) } else { PAIR_BITS }
}

const fn fits(pair: ResultInfo) -> bool {
    pair.code < 1 << 10 && pair.subcode < 1 << 20
}

const fn tells_who(row: &Explanation) -> bool {
    !matches!((row.by, row.certainty), (By::Unknown, _) | (_, Certainty::Assumed))
}

const fn count_ends() -> usize {
    let mut count = 0usize;
    let mut rest = ROWS;
    while let [row, others @ ..] = rest {
        if tells_who(row) {
            count = count.wrapping_add(1);
        }
        rest = others;
    }
    count
}

const fn ended() -> [u32; ENDS] {
    let mut table = [0; ENDS];
    let (mut slots, mut rest): (&mut [u32], _) = (&mut table, ROWS);
    while let [row, others @ ..] = rest {
        rest = others;
        if tells_who(row) {
            let Some((slot, other_slots)) = slots.split_first_mut() else { break };
            *slot = packed(row.pair) | row.by as u32;
            slots = other_slots;
        }
    }
    table
}

const fn is_whole() -> bool {
    let mut rows = ROWS;
    while let [row, others @ ..] = rows {
        let mut rest = others;
        while let [other, more @ ..] = rest {
            if row.pair.is(other.pair) {
                return false;
            }
            rest = more;
        }
        if !fits(row.pair) || packed(row.pair) == PAIR_BITS {
            return false;
        }
        rows = others;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn pair(code: u32, subcode: u32) -> ResultInfo {
        ResultInfo { code, subcode }
    }

    #[test]
    fn the_pair_decides_not_the_subcode() {
        assert_eq!(pair(200, 7000).meaning(), Some("the bot ended the call"));
        assert_eq!(pair(500, 7000).class(), Class::Failed);
        assert_eq!(pair(200, 7000).class(), Class::Normal);
        assert_eq!(pair(200, 1).meaning(), None);
        assert_eq!((ended_by(pair(200, 7000)), ended_by(pair(500, 7000))), (By::Bot, By::Unknown));
    }

    #[test]
    fn each_documented_end_tells_what_its_page_says() {
        // Graph docs, call: delete (call end codes).
        for (code, subcode, by, words) in [
            (200, 4097, By::OtherParticipant, "the other participant ended"),
            (200, 4521, By::OtherParticipant, "peer-to-peer"),
            (200, 5000, By::OtherParticipant, "removed"),
            (200, 5300, By::OtherParticipant, "removed"),
            (200, 5001, By::Unknown, "conversation ended"),
            (200, 5003, By::Unknown, "conversation ended"),
            (200, 5002, By::Unknown, "all others left"),
            (200, 5007, By::OtherParticipant, "initiator"),
            (200, 5010, By::Service, "only one"),
            (200, 5012, By::Service, "no participants"),
            (200, 5013, By::Service, "nobody else joined"),
            (200, 5014, By::Service, "host"),
            (200, 5020, By::Service, "hidden"),
            (200, 5030, By::Service, "breakout"),
            (200, 5855, By::Service, "lobby"),
            (200, 7000, By::Bot, "the bot ended"),
            (200, 10550, By::Bot, "the bot ended"),
            (200, 7015, By::Bot, "transfer completed"),
            (200, 18503, By::OtherParticipant, "left"),
            (200, 540_000, By::OtherParticipant, "phone"),
            (200, 560_000, By::OtherParticipant, "phone"),
            (408, 8537, By::Service, "keep-alive"),
            (408, 1106, By::Service, "acknowledged"),
            (408, 10057, By::Service, "signaling"),
            (410, 301_005, By::Service, "media"),
            (480, 10037, By::Service, "no endpoint"),
            (480, 10076, By::Service, "reached"),
            (480, 10134, By::Service, "routed"),
            (480, 10199, By::Service, "private calling"),
            (500, 1005, By::Service, "media"),
        ] {
            let found = explanation(pair(code, subcode)).unwrap();
            assert!(found.words.contains(words), "{code}/{subcode}: {}", found.words);
            assert_eq!((found.by, ended_by(found.pair)), (by, by), "{code}/{subcode}");
            assert_eq!(found.certainty, Certainty::Documented, "{code}/{subcode}");
        }
    }

    #[test]
    fn the_compact_table_says_what_the_rows_say() {
        for row in explained() {
            let by = if row.certainty == Certainty::Assumed { By::Unknown } else { row.by };
            assert_eq!(ended_by(row.pair), by, "{:?}", row.pair);
            assert_eq!(explanation(row.pair), Some(row));
            assert_eq!(row.pair.meaning(), Some(row.words));
            let assumes = row.source.starts_with("assumed");
            assert_eq!(row.certainty == Certainty::Assumed, assumes, "{:?}", row.pair);
        }
    }

    #[test]
    fn an_unknown_pair_is_read_by_its_class_and_told_of_nobody() {
        for (code, words) in [
            (200, "success, or a normal end"),
            (418, "refused: by the far side, by the caller's mistake, or by a limit"),
            (599, "the service failed"),
            (700, "no class of codes that is known"),
        ] {
            assert_eq!(pair(code, 1).words(), words, "{code}");
            assert_eq!(ended_by(pair(code, 1)), By::Unknown, "{code}");
        }
        // Numbers whose bits beyond an entry's would make another pair's.
        for odd in [pair(200 + (1 << 10), 7000), pair(200, 7000 + (1 << 20)), pair(u32::MAX, u32::MAX)] {
            assert_eq!(ended_by(odd), By::Unknown, "{odd:?}");
        }
    }

    #[test]
    fn what_can_be_undone_has_a_way_out() {
        for (code, subcode, words) in [
            (403, 7504, "consent"),
            (403, 7505, "tenant"),
            (404, 8522, "15 seconds"),
            (400, 8523, "state"),
            (408, 8537, "keepAlive"),
            (410, 301_005, "network"),
            (500, 1005, "network"),
            (480, 10037, "later"),
            (480, 10076, "later"),
            (408, 8544, "later"),
            (408, 10057, "later"),
            (480, 10199, "private calling"),
        ] {
            let way_out = explanation(pair(code, subcode)).and_then(|found| found.way_out).unwrap();
            assert!(way_out.contains(words), "{code}/{subcode}: {way_out}");
        }
    }
}
