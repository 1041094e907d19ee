//! Time is an argument: core reads no clock.
//!
//! A [`Timestamp`] counts milliseconds from an origin that the embedder chooses (a server: the Unix epoch, so that a
//! snapshot means the same to the next process; a device: its boot). It may stand still, jump back or leap: deadlines
//! only fire late or early by as much.

/// A moment, in milliseconds since the embedder's origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `millis` milliseconds after the origin.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the origin.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `span` later; the last there is, where that would pass it.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.as_millis()))
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub const fn since(self, earlier: Self) -> Span {
        Span::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A length of time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Span(u64);

impl Span {
    /// `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// `secs` seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// `minutes` minutes.
    pub const fn from_minutes(minutes: u64) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }

    /// Milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This span without `other`; none where that is longer.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// The low half of a moment: tells moments apart that are less than 24 days away from each other, in half the room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Near(u32);

impl Near {
    #[allow(clippy::cast_possible_truncation)] // the low half
    pub(crate) const fn of(moment: Timestamp) -> Self {
        Self(moment.0 as u32)
    }

    /// How long after `now` this is, or how long before it.
    #[allow(clippy::cast_possible_wrap)] // the distance wraps around, and its sign says which of the two came first
    pub(crate) const fn ahead_of(self, now: Timestamp) -> i32 {
        self.0.wrapping_sub(Self::of(now).0) as i32
    }

    /// The same moment on another clock.
    pub(crate) const fn rebase(self, old_now: Timestamp, new_now: Timestamp) -> Self {
        Self(self.0.wrapping_sub(Self::of(old_now).0).wrapping_add(Self::of(new_now).0))
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    #[cfg(feature = "snapshot")]
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}
