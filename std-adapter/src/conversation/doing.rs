//! What is awaited after more was said of it: `call.collect(4).terminator('#').await`.

use std::future::IntoFuture;
use std::pin::Pin;
use std::time::Duration;

use super::Conversation;
use crate::piece::{Collect, Confirm, Failure, Menu, Piece};
use crate::session::Address;

/// A piece that begins when it is awaited.
#[derive(Clone, Debug)]
#[must_use = "it begins when it is awaited"]
pub struct Doing<'a, P> {
    call: &'a Conversation,
    piece: P,
}

impl<'a, P> Doing<'a, P> {
    pub(super) fn new(call: &'a Conversation, piece: P) -> Self {
        Self { call, piece }
    }

    fn map(self, change: impl FnOnce(P) -> P) -> Self {
        Self { call: self.call, piece: change(self.piece) }
    }
}

impl<'a, P> IntoFuture for Doing<'a, P>
where
    P: Piece + Send + 'static,
    P::Output: Send + 'static,
{
    type Output = Result<P::Output, Failure>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.call.run(self.piece))
    }
}

macro_rules! forward {
    ($piece:ident { $($(#[$doc:meta])* $name:ident($($argument:ident: $of:ty),*);)* }) => {
        impl Doing<'_, $piece> {
            $(
                $(#[$doc])*
                pub fn $name(self, $($argument: $of),*) -> Self {
                    self.map(|piece| piece.$name($($argument),*))
                }
            )*
        }
    };
}

forward!(Collect {
    /// See [`Collect::terminator`].
    terminator(key: char);
    /// See [`Collect::prompt`].
    prompt(uri: impl Into<Address>);
    /// See [`Collect::timeout`].
    timeout(wait: Duration);
    /// See [`Collect::between_keys`].
    between_keys(wait: Duration);
    /// See [`Collect::attempts`].
    attempts(attempts: u8);
    /// See [`Collect::no_input_prompt`].
    no_input_prompt(uri: impl Into<Address>);
    /// See [`Collect::invalid_prompt`].
    invalid_prompt(uri: impl Into<Address>);
    /// See [`Collect::uninterruptible`].
    uninterruptible();
});

forward!(Menu {
    /// See [`Menu::timeout`].
    timeout(wait: Duration);
    /// See [`Menu::attempts`].
    attempts(attempts: u8);
    /// See [`Menu::no_input_prompt`].
    no_input_prompt(uri: impl Into<Address>);
    /// See [`Menu::invalid_prompt`].
    invalid_prompt(uri: impl Into<Address>);
});

forward!(Confirm {
    /// See [`Confirm::timeout`].
    timeout(wait: Duration);
    /// See [`Confirm::attempts`].
    attempts(attempts: u8);
});
