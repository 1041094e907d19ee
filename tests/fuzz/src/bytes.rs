//! Values out of bytes, one after another; all zero once the bytes are used up.

/// Bytes that are used up from the front.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether they are used up.
    pub fn are_used_up(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    /// The next bytes as a number.
    pub fn number<const N: usize>(&mut self) -> u64 {
        (0..N).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// Whether the next byte is even.
    pub fn coin(&mut self) -> bool {
        self.byte() & 1 == 0
    }

    /// One of these.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// The first few of these, or none.
    pub fn some<T>(&mut self, of: &'static [T]) -> &'static [T] {
        &of[..usize::from(self.byte()) % (of.len() + 1)]
    }

    /// What `value` makes, or nothing.
    pub fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.coin() { None } else { Some(value(self)) }
    }
}
