//! A borrowed list: a slice in memory, or checked bytes that are read as they are asked for.
//!
//! A roster larger than any table can so still be reported, and a report that came as bytes needs no memory for its
//! lists. Over postcard a list is one byte string that holds its items one after another.

#[cfg(feature = "serde")]
use core::marker::PhantomData;

/// A list of `T` that someone else owns.
#[derive(Clone, Copy)]
pub struct List<'a, T>(Inner<'a, T>);

#[derive(Clone, Copy)]
enum Inner<'a, T> {
    Slice(&'a [T]),
    /// Postcard of `len` items; every one of them was decoded once, when the list was made.
    #[cfg(feature = "serde")]
    Bytes {
        bytes: &'a [u8],
        len: usize,
        of: PhantomData<T>,
    },
}

/// What a list can hold.
///
/// With the feature `serde` its items must be serialisable; that is what this trait says in either case.
#[cfg(feature = "serde")]
pub trait Item<'a>: Copy + serde::Serialize + serde::Deserialize<'a> {}
#[cfg(feature = "serde")]
impl<'a, T: Copy + serde::Serialize + serde::Deserialize<'a>> Item<'a> for T {}
/// What a list can hold.
#[cfg(not(feature = "serde"))]
pub trait Item<'a>: Copy {}
#[cfg(not(feature = "serde"))]
impl<T: Copy> Item<'_> for T {}

impl<'a, T> List<'a, T> {
    /// The list of the items of `slice`.
    pub const fn new(slice: &'a [T]) -> Self {
        Self(Inner::Slice(slice))
    }

    /// How many items there are.
    pub const fn len(&self) -> usize {
        match self.0 {
            Inner::Slice(slice) => slice.len(),
            #[cfg(feature = "serde")]
            Inner::Bytes { len, .. } => len,
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a, T: Item<'a>> List<'a, T> {
    /// The items, in order.
    pub const fn iter(&self) -> Iter<'a, T> {
        Iter(self.0)
    }
}

impl<'a, T: Item<'a>> IntoIterator for &List<'a, T> {
    type IntoIter = Iter<'a, T>;
    type Item = T;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The items of a [`List`].
#[derive(Clone, Debug)]
pub struct Iter<'a, T>(Inner<'a, T>);

impl<'a, T: Item<'a>> Iterator for Iter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            Inner::Slice(slice) => {
                let (first, rest) = slice.split_first()?;
                *slice = rest;
                Some(*first)
            }
            #[cfg(feature = "serde")]
            Inner::Bytes { bytes, len, .. } => {
                let (item, rest) = postcard::take_from_bytes(bytes).ok()?;
                *bytes = rest;
                *len = len.saturating_sub(1);
                Some(item)
            }
        }
    }
}

impl<T: core::fmt::Debug> core::fmt::Debug for Inner<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Slice(slice) => slice.fmt(f),
            #[cfg(feature = "serde")]
            Self::Bytes { len, .. } => write!(f, "[{len} items]"),
        }
    }
}

impl<'a, T: Item<'a> + core::fmt::Debug> core::fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Item<'a> + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<'a, T: Item<'a> + Eq> Eq for List<'a, T> {}

#[cfg(feature = "defmt")]
impl<'a, T: Item<'a>> defmt::Format for List<'a, T> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "[{=usize} items]", self.len());
    }
}

/// Over postcard only: the length counts bytes, and the items follow one after another.
#[cfg(feature = "serde")]
impl<'a, T: Item<'a>> serde::Serialize for List<'a, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeSeq};
        let mut bytes = 0usize;
        for item in self {
            let size = postcard::experimental::serialized_size(&item);
            bytes = bytes.saturating_add(size.map_err(|_| S::Error::custom("list item cannot be written"))?);
        }
        let mut items = serializer.serialize_seq(Some(bytes))?;
        for item in self {
            items.serialize_element(&item)?;
        }
        items.end()
    }
}

#[cfg(feature = "serde")]
impl<'de: 'a, 'a, T: Item<'a>> serde::Deserialize<'de> for List<'a, T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let bytes: &'a [u8] = serde::Deserialize::deserialize(deserializer)?;
        let mut rest = bytes;
        let mut len = 0usize;
        while !rest.is_empty() {
            let (_, after) = postcard::take_from_bytes::<T>(rest)
                .map_err(|_| D::Error::custom("list item cannot be read"))?;
            if after.len() == rest.len() {
                return Err(D::Error::custom("list item of no bytes"));
            }
            rest = after;
            len = len.saturating_add(1);
        }
        Ok(Self(Inner::Bytes { bytes, len, of: PhantomData }))
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_read_from_bytes_equals_the_slice(items in proptest::collection::vec(any::<(u32, Option<u8>)>(), 0..40)) {
            let mut buffer = [0u8; 1024];
            let list = List::new(&items);
            let bytes = postcard::to_slice(&list, &mut buffer).unwrap();
            let read: List<'_, (u32, Option<u8>)> = postcard::from_bytes(bytes).unwrap();
            prop_assert_eq!(read.len(), items.len());
            prop_assert_eq!(read, list);
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), items);
        }
    }

    #[test]
    fn bytes_that_are_no_items_are_refused() {
        assert!(postcard::from_bytes::<List<'_, &str>>(&[2, 9, 65]).is_err());
    }
}
