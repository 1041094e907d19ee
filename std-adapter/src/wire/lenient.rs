//! Scalars as Graph writes them, which is not always as its schema says.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A whole number that is not negative, written as a number or as a string; or what stands in its place. One member that
/// cannot be read loses nothing of what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// The number.
    Is(u64),
    /// What is none.
    Unread(String),
}

impl Number {
    /// The number, if it is one.
    pub(crate) fn read(self) -> Option<u64> {
        match self {
            Self::Is(number) => Some(number),
            Self::Unread(_) => None,
        }
    }

    /// The number; what is none goes to `unrecognised`, under the name of its member.
    pub(crate) fn or_tell(self, member: &str, unrecognised: &mut Vec<String>) -> Option<u64> {
        match self {
            Self::Is(number) => Some(number),
            Self::Unread(written) => {
                unrecognised.push(format!("{member} {written}"));
                None
            }
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or one in a string")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number::Is(number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(u64::try_from(number).map_or_else(|_| Number::Unread(number.to_string()), Number::Is))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number::Unread(number.to_string()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                Ok(text.trim().parse().map_or_else(|_| Number::Unread(format!("`{text}`")), Number::Is))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A truth, written as such or as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Truth(pub(crate) bool);

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Truth;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Truth, E> {
                Ok(Truth(truth))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Truth, E> {
                match text {
                    _ if text.eq_ignore_ascii_case("true") => Ok(Truth(true)),
                    _ if text.eq_ignore_ascii_case("false") => Ok(Truth(false)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Anything at all: only that it is there, and not null, matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct There;

impl<'de> Deserialize<'de> for There {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `IgnoredAny`: that would count as a member that nothing reads.
        serde_json::Value::deserialize(deserializer).map(|_| Self)
    }
}

/// A word of an enum, in any case.
pub(crate) fn word<'de, T: Copy, D: Deserializer<'de>>(
    d: D,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, D::Error> {
    let written = String::deserialize(d)?;
    // Graph has no such word: it is core's for what it does not know.
    let all: Vec<T> = all.iter().copied().filter(|value| name(*value) != "unrecognised").collect();
    let names = || all.iter().map(|value| name(*value)).collect::<Vec<_>>().join(", ");
    super::resource::word(&all, name, &written)
        .ok_or_else(|| de::Error::custom(format_args!("`{written}` is none of {}", names())))
}

/// One item, or an array of them.
pub(crate) fn one_or_many<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    struct Reader<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object, or an array of objects")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
            T::deserialize(de::value::MapAccessDeserializer::new(map)).map(|one| vec![one])
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut all = Vec::new();
            while let Some(one) = seq.next_element()? {
                all.push(one);
            }
            Ok(all)
        }
    }
    d.deserialize_any(Reader(std::marker::PhantomData))
}
