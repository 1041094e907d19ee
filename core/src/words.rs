//! One macro that writes an enum of bare words together with its count, its list and its names.

/// Writes a `Copy` enum whose variants carry nothing, with `COUNT`, `ALL`, `index` and `name`.
///
/// The count comes from the enum itself, so that a table of `COUNT` rows stops compiling when a variant is added.
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use words;
