//! One macro that writes an enum of bare words together with its count, its list and its names.

/// Writes a `Copy` enum whose variants carry nothing, with `COUNT`, `ALL`, `index` and `name`.
///
/// The count comes from the enum itself, so that a table of `COUNT` rows stops compiling when a variant is added.
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        $vis enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// How many values there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The place of this value in [`Self::ALL`].
            pub const fn index(self) -> usize {
                self as usize
            }

            /// The value at this place of [`Self::ALL`].
            pub const fn from_index(index: usize) -> Option<Self> {
                match Self::ALL.split_at_checked(index) {
                    Some((_, [value, ..])) => Some(*value),
                    Some((_, [])) | None => None,
                }
            }

            /// The word for this value; Graph's own where Graph has one.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::words::serialize(self.index(), self.name(), serializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::words::deserialize(deserializer, Self::from_index, |name| {
                    Self::ALL.iter().copied().find(|value| value.name() == name)
                })
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use words;

/// Writes a word: its place as one byte, which is what postcard makes of a variant, or its name for people.
#[cfg(feature = "serde")]
pub(crate) fn serialize<S: serde::Serializer>(
    index: usize,
    name: &str,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        return serializer.serialize_str(name);
    }
    serializer.serialize_u8(u8::try_from(index).unwrap_or(u8::MAX))
}

/// Reads what [`serialize`] wrote.
#[cfg(feature = "serde")]
pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>, T>(
    deserializer: D,
    at: impl FnOnce(usize) -> Option<T>,
    named: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    use serde::de::Error;
    if deserializer.is_human_readable() {
        struct Named<F>(F);
        impl<T, F: FnOnce(&str) -> Option<T>> serde::de::Visitor<'_> for Named<F> {
            type Value = T;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("one of the words")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
                (self.0)(name).ok_or_else(|| E::custom("no such word"))
            }
        }
        return deserializer.deserialize_str(Named(named));
    }
    let index: u8 = serde::Deserialize::deserialize(deserializer)?;
    at(index.into()).ok_or_else(|| D::Error::custom("no such word"))
}
