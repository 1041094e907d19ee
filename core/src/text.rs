//! Borrowed texts that must not be printed as they are.

/// Writes a text; one function for all of them, which a device has once.
#[cfg(feature = "serde")]
#[inline(never)]
#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
pub(crate) fn write<S: serde::Serializer>(text: &&str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// A text that is secret or personal: a join token, a passcode, a phone number. `Debug` prints `<redacted>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Secret<'a>(#[cfg_attr(feature = "serde", serde(serialize_with = "write"))] &'a str);

impl<'a> Secret<'a> {
    /// Marks `text` as secret.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text itself, to be sent and not to be printed.
    pub const fn reveal(self) -> &'a str {
        self.0
    }
}

impl core::fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Secret<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "<redacted>");
    }
}

/// An address. `Debug` prints it without its query, which may carry a signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Uri<'a>(#[cfg_attr(feature = "serde", serde(serialize_with = "write"))] &'a str);

impl<'a> Uri<'a> {
    /// The address `text`, which is not checked here.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The whole address, to be sent and not to be printed.
    pub const fn reveal(self) -> &'a str {
        self.0
    }

    /// The address without its query and fragment.
    pub fn without_query(self) -> &'a str {
        self.0.split(['?', '#']).next().unwrap_or("")
    }
}

impl core::fmt::Debug for Uri<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let shown = self.without_query();
        f.write_str(shown)?;
        if shown.len() < self.0.len() { f.write_str("?<redacted>") } else { Ok(()) }
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Uri<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        let shown = self.without_query();
        let redacted = if shown.len() < self.0.len() { "?<redacted>" } else { "" };
        defmt::write!(f, "{=str}{=str}", shown, redacted);
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", Secret::new("+4912345")), "<redacted>");
        assert_eq!(
            format!("{:?}", Uri::new("https://cdn.example/a.wav?sig=abc")),
            "https://cdn.example/a.wav?<redacted>"
        );
        assert_eq!(format!("{:?}", Uri::new("https://cdn.example/a.wav")), "https://cdn.example/a.wav");
    }
}
