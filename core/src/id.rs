//! Ids: opaque words of Graph, kept in sixteen bytes.
//!
//! Graph writes the same id with and without dashes and in either case, so an id that is shaped like a GUID is kept as
//! its 128 bits and compares equal in all its spellings. Any other text is kept as a hash of itself in the same 16
//! bytes, marked as such by a version nibble that no GUID is kept with. The text itself stays with the embedder, who
//! needs it for paths. Ids of different kinds do not compare.
//!
//! ```
//! use callflow_core::id::CallId;
//! assert_eq!(CallId::parse("57DAB8B1894C409AB240BD8BEAE78896"), CallId::parse("57dab8b1-894c-409a-b240-bd8beae78896"));
//! assert_ne!(CallId::parse("19:meeting@thread.v2"), CallId::parse("19:Meeting@thread.v2"));
//! ```

use core::hash::{Hash, Hasher};

/// 128 bits as words: compared without a call of `memcmp`, which costs a Cortex-M0 four times as much.
#[derive(Clone, Copy, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Bits([u32; 4]);

/// The nibble that holds a GUID's version, counted in bits from the right.
const VERSION_SHIFT: u32 = 76;
/// The version that marks a hash.
const HASHED: u128 = 0xF << VERSION_SHIFT;

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        // Ids of one call often differ in their last bytes only.
        let ([a, b, c, d], other) = (self.0, other.0);
        let [other_a, other_b, other_c, other_d] = other;
        d == other_d && c == other_c && b == other_b && a == other_a
    }
}

impl Hash for Bits {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Bits {
    const fn from_u128(bits: u128) -> Self {
        let b = bits.to_be_bytes();
        let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15] = b;
        Self([
            u32::from_be_bytes([b0, b1, b2, b3]),
            u32::from_be_bytes([b4, b5, b6, b7]),
            u32::from_be_bytes([b8, b9, b10, b11]),
            u32::from_be_bytes([b12, b13, b14, b15]),
        ])
    }

    const fn to_u128(self) -> u128 {
        let [a, b, c, d] = self.0;
        ((a as u128) << 96) | ((b as u128) << 64) | ((c as u128) << 32) | (d as u128)
    }

    fn parse(text: &str) -> Self {
        match guid(text) {
            Some(bits) if bits & HASHED != HASHED && bits != 0 => Self::from_u128(bits),
            Some(bits) => Self::from_u128(hash(&bits.to_be_bytes()) | HASHED),
            None => Self::from_u128(hash(text.as_bytes()) | HASHED),
        }
    }

    const fn is_guid(self) -> bool {
        self.to_u128() & HASHED != HASHED
    }
}

/// The 128 bits of a GUID, written with all its dashes or with none.
fn guid(text: &str) -> Option<u128> {
    let dashed = match text.len() {
        32 => false,
        36 => true,
        _ => return None,
    };
    let mut bits: u128 = 0;
    for (place, byte) in text.bytes().enumerate() {
        if dashed && matches!(place, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = match byte {
            b'0'..=b'9' => byte.wrapping_sub(b'0'),
            b'a'..=b'f' => byte.wrapping_sub(b'a').wrapping_add(10),
            b'A'..=b'F' => byte.wrapping_sub(b'A').wrapping_add(10),
            _ => return None,
        };
        bits = (bits << 4) | u128::from(digit);
    }
    Some(bits)
}

/// FNV-1a of 128 bits.
fn hash(bytes: &[u8]) -> u128 {
    let mut bits: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in bytes {
        bits = (bits ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    bits
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name(Bits);

        impl $name {
            /// No id: no text is read as this one.
            #[allow(dead_code)] // not every kind of id may be missing
            pub(crate) const NIL: Self = Self(Bits([0; 4]));

            /// The id, if this is one.
            #[allow(dead_code)] // as above
            pub(crate) const fn known(self) -> Option<Self> {
                let Bits([a, b, c, d]) = self.0;
                if a | b | c | d == 0 { None } else { Some(self) }
            }

            /// The id in 32 bits, none of them 0: enough to tell a few ids apart.
            #[allow(dead_code)] // not every kind of id is told apart
            pub(crate) const fn fold(self) -> u32 {
                let Bits([a, b, c, d]) = self.0;
                // By odd numbers of bits: bytes that repeat must not cancel each other out.
                let bits = a ^ b.rotate_left(7) ^ c.rotate_left(13) ^ d.rotate_left(19);
                if bits == 0 { 1 } else { bits }
            }

            /// Reads an id from its text. Every text is an id: Graph calls them opaque.
            pub fn parse(text: &str) -> Self {
                Self(Bits::parse(text))
            }

            /// The sixteen bytes that are kept.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_u128().to_be_bytes()
            }

            /// The id that was kept as these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Bits::from_u128(u128::from_be_bytes(bytes)))
            }

            /// Whether the text was shaped like a GUID, so that the bytes are the id itself and not a hash of it.
            pub const fn is_guid(self) -> bool {
                self.0.is_guid()
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({:032x})"), self.0.to_u128())
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.to_bytes().serialize(serializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <[u8; 16]>::deserialize(deserializer).map(Self::from_bytes)
            }
        }
    };
}

id! {
    /// The id of a call in Graph.
    CallId
}
id! {
    /// The id of an operation on a call.
    OperationId
}
id! {
    /// The id of a participant of a call: of one endpoint, not of a person.
    ParticipantId
}

id! {
    /// The id of a content sharing session of a call.
    SessionId
}

/// The embedder's own name of a call, chosen at random: it exists before Graph has given an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CallKey {
    // Two words: what holds a key then needs no alignment of eight.
    high: u32,
    low: u32,
}

impl CallKey {
    /// A key of these bits. Two calls of one embedder must not share a key.
    #[allow(clippy::cast_possible_truncation)] // the two halves
    pub const fn new(bits: u64) -> Self {
        Self { high: bits.wrapping_shr(32) as u32, low: bits as u32 }
    }

    /// The bits of this key.
    pub const fn bits(self) -> u64 {
        (self.high as u64).wrapping_shl(32) | self.low as u64
    }
}

/// The number of a request within its call; what became of the request is reported with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ticket(core::num::NonZeroU32);

impl Ticket {
    /// The first ticket of every call.
    pub const FIRST: Self = Self(core::num::NonZeroU32::MIN);

    /// The ticket of this number, which is not 0.
    pub const fn try_new(number: u32) -> Option<Self> {
        match core::num::NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number of this ticket.
    pub const fn number(self) -> u32 {
        self.0.get()
    }

    /// The ticket after this one; after the last number comes the first again.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.0.checked_add(1) {
            Some(number) => Self(number),
            None => Self::FIRST,
        }
    }
}

/// A number by which Graph orders what it tells: `toneInfo.sequenceId`, `deltaParticipants.sequenceNumber`. 64 bits, in
/// two words, so that what holds it stays small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sequence {
    high: u32,
    low: u32,
}

impl Sequence {
    /// The sequence of this number.
    #[allow(clippy::cast_possible_truncation)] // the two halves
    pub const fn new(number: u64) -> Self {
        Self { high: number.wrapping_shr(32) as u32, low: number as u32 }
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        (self.high as u64).wrapping_shl(32) | self.low as u64
    }
}

/// What core puts into `clientContext` of an operation: it names the call and the request.
///
/// Its text is 16 hexadecimal digits, a dash and the ticket's number, at most 27 of the 256 characters that Graph
/// allows; an author's own text may travel behind it.
///
/// Source: Graph docs, commsOperation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClientContext {
    /// The call.
    pub key: CallKey,
    /// The request.
    pub ticket: Ticket,
}

impl ClientContext {
    /// Reads a context from the text that Graph echoes; `None` where the text is not one of core's.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, rest) = text.split_once('-')?;
        if key.len() != 16 || !key.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let number = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        let ticket = Ticket::try_new(number.parse().ok()?)?;
        Some(Self { key: CallKey::new(u64::from_str_radix(key, 16).ok()?), ticket })
    }
}

impl core::fmt::Display for ClientContext {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:016x}-{}", self.key.bits(), self.ticket.number())
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_guid_is_one_id_in_all_its_spellings() {
        let dashed = CallId::parse("0fe0623f-d628-42ed-b4bd-8ac290072cc5");
        assert_eq!(dashed, CallId::parse("0FE0623FD62842EDB4BD8AC290072CC5"));
        assert!(dashed.is_guid());
        for other in [
            "0fe0623fd-62842ed-b4bd-8ac290072cc5",
            "{0fe0623f-d628-42ed-b4bd-8ac290072cc5}",
            "participants",
            "",
        ] {
            assert!(!CallId::parse(other).is_guid(), "{other}");
        }
    }

    #[test]
    fn a_guid_of_the_marking_version_is_kept_as_a_hash_in_all_spellings() {
        let id = CallId::parse("0fe0623f-d628-f2ed-b4bd-8ac290072cc5");
        assert!(!id.is_guid());
        assert_eq!(id, CallId::parse("0FE0623FD628F2EDB4BD8AC290072CC5"));
    }

    #[test]
    fn regression_ids_of_repeated_bytes_are_told_apart_when_folded() {
        let folded: std::collections::BTreeSet<_> =
            (1..128).map(|byte| ParticipantId::from_bytes([byte; 16]).fold()).collect();
        assert_eq!(folded.len(), 127);
    }

    #[test]
    fn client_context_reads_what_it_wrote() {
        let context = ClientContext { key: CallKey::new(0xAB), ticket: Ticket::try_new(7).unwrap() };
        assert_eq!(context.to_string(), "00000000000000ab-7");
        assert_eq!(ClientContext::parse("00000000000000ab-7"), Some(context));
        assert_eq!(ClientContext::parse("00000000000000ab-7 menu"), Some(context));
        for foreign in
            ["d45324c1-fcb5-430a-902c-f20af696537c", "", "-1", "00000000000000ab-", "00000000000000ab-0"]
        {
            assert_eq!(ClientContext::parse(foreign), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_id_that_survives_its_bytes(text in ".{0,60}") {
            let id = CallId::parse(&text);
            prop_assert_eq!(id, CallId::from_bytes(id.to_bytes()));
        }
    }
}
