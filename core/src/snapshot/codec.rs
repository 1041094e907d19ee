//! How numbers, ids and words become bytes, and back.

use core::num::NonZeroU32;

use super::{Part, SnapshotError};
use crate::id::Ticket;
use crate::lifecycle::doubt::Doubt;
use crate::lifecycle::pending::{Settlement, Settling};
use crate::operation::{Outcome, Phase};
use crate::permission::Policy;

/// Writes as long as there is room, and remembers that there was none.
pub(super) struct Writer<'b> {
    pub(super) rest: &'b mut [u8],
    pub(super) is_full: bool,
}

impl Writer<'_> {
    #[inline(never)]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let rest = core::mem::take(&mut self.rest);
        let Some((to, rest)) = rest.split_at_mut_checked(bytes.len()) else {
            self.is_full = true;
            return;
        };
        for (to, byte) in to.iter_mut().zip(bytes) {
            *to = *byte;
        }
        self.rest = rest;
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)] // the low seven bits
    pub(super) fn long(&mut self, mut number: u64) {
        while number > 0x7F {
            self.bytes(&[number as u8 | 0x80]);
            number = number.wrapping_shr(7);
        }
        self.bytes(&[number as u8]);
    }

    #[inline(never)]
    pub(super) fn number(&mut self, number: u32) {
        self.long(number.into());
    }
}

/// Reads as long as there is something to read. What it cannot read is in the part that it has come to.
pub(super) struct Reader<'b> {
    pub(super) rest: &'b [u8],
    pub(super) part: Part,
    /// How many rows the part has, and how many places there are, where those are too few.
    pub(super) too_large: Option<(u8, u8)>,
}

impl Reader<'_> {
    pub(super) fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    #[inline(never)]
    pub(super) fn id(&mut self) -> Option<[u8; 16]> {
        self.bytes()
    }

    /// What [`Writer::long`] wrote; more bits than there are in it are refused.
    #[inline(never)]
    pub(super) fn long(&mut self) -> Option<u64> {
        let mut number = 0u64;
        let mut shift = 0u32;
        loop {
            let [byte] = self.bytes()?;
            let bits = u64::from(byte & 0x7F);
            if shift > 63 || (shift == 63 && bits > 1) {
                return None;
            }
            number |= bits.wrapping_shl(shift);
            if byte < 0x80 {
                return Some(number);
            }
            shift = shift.wrapping_add(7);
        }
    }

    #[inline(never)]
    pub(super) fn number(&mut self) -> Option<u32> {
        self.long()?.try_into().ok()
    }

    pub(super) fn half(&mut self) -> Option<u16> {
        self.number()?.try_into().ok()
    }

    pub(super) fn count(&mut self) -> Option<u8> {
        self.number()?.try_into().ok()
    }

    pub(super) fn ticket(&mut self) -> Option<Ticket> {
        Ticket::try_new(self.number()?)
    }

    /// A ticket that was given before `next`: one that is given again would name two requests.
    #[inline(never)]
    pub(super) fn spent_ticket(&mut self, next: Ticket) -> Option<Ticket> {
        let ticket = self.ticket()?;
        // The numbers wrap around.
        let age = next.number().wrapping_sub(ticket.number());
        (1..1 << 31).contains(&age).then_some(ticket)
    }

    pub(super) fn folded(&mut self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.number()?)
    }

    #[inline(never)]
    pub(super) fn doubt(&mut self) -> Option<Doubt> {
        Some(Doubt::from_parts(self.number()?, self.bytes()?))
    }

    /// Gives up: there are fewer places than rows.
    pub(super) fn too_large(&mut self, needed: u8, places: usize) -> Option<()> {
        self.too_large = Some((needed, byte(places)));
        None
    }

    pub(super) const fn error(&self) -> SnapshotError {
        match self.too_large {
            Some((needed, places)) => SnapshotError::TooLarge { part: self.part, needed, places },
            None => SnapshotError::Malformed { part: self.part },
        }
    }
}

/// A mask of what is there, the first in the lowest bit.
pub(super) fn mask(are_there: impl Iterator<Item = bool>) -> u32 {
    let mut mask = 0u32;
    let mut bit = 1u32;
    for is_there in are_there {
        if is_there {
            mask |= bit;
        }
        bit = bit.wrapping_shl(1);
    }
    mask
}

pub(super) fn byte(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}

pub(super) fn some(index: Option<usize>) -> u8 {
    index.map_or(0, |index| byte(index).saturating_add(1))
}

/// The word that [`some`] wrote, which may be none; `None` for what it never writes.
#[allow(clippy::option_option)] // a value that may be absent, and bytes that may be no value
pub(super) fn maybe<T>(byte: u8, word: impl Fn(usize) -> Option<T>) -> Option<Option<T>> {
    match byte.checked_sub(1) {
        None => Some(None),
        Some(index) => word(index.into()).map(Some),
    }
}

pub(super) const fn truth(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

pub(super) fn byte_of(phase: Phase) -> u8 {
    match phase {
        Phase::Held => 0,
        Phase::Asked => 1,
        Phase::Running => 2,
        Phase::Unknown => 3,
        Phase::Ended(outcome) => byte(outcome.index()).saturating_add(4),
    }
}

pub(super) fn phase_of(byte: u8) -> Option<Phase> {
    Some(match byte {
        0 => Phase::Held,
        1 => Phase::Asked,
        2 => Phase::Running,
        3 => Phase::Unknown,
        ended => Phase::Ended(Outcome::from_index(ended.checked_sub(4)?.into())?),
    })
}

pub(super) fn byte_of_settlement(settlement: Settlement) -> u8 {
    let and = |settling: Settling, base: u8| byte(settling.index()).saturating_add(base);
    match settlement {
        Settlement::Open => 0,
        Settlement::Expired => 1,
        Settlement::NotNeeded => 2,
        Settlement::Asked(settling) => and(settling, 3),
        Settlement::Unknown(settling) => and(settling, 6),
        Settlement::Taken(settling) => and(settling, 9),
    }
}

pub(super) fn settlement_of(byte: u8) -> Option<Settlement> {
    let settling = |base: u8| Settling::from_index(byte.checked_sub(base)?.into());
    Some(match byte {
        0 => Settlement::Open,
        1 => Settlement::Expired,
        2 => Settlement::NotNeeded,
        3..=5 => Settlement::Asked(settling(3)?),
        6..=8 => Settlement::Unknown(settling(6)?),
        _ => Settlement::Taken(settling(9)?),
    })
}

pub(super) const fn byte_of_policy(policy: Policy) -> u8 {
    match policy {
        Policy::Enforce => 0,
        Policy::Advise => 1,
        Policy::Off => 2,
    }
}

pub(super) const fn policy_of(byte: u8) -> Option<Policy> {
    match byte {
        0 => Some(Policy::Enforce),
        1 => Some(Policy::Advise),
        2 => Some(Policy::Off),
        _ => None,
    }
}
