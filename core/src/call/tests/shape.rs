//! What the types promise to whoever embeds them.

use core::mem::size_of;

use super::*;
use crate::limit::Breach;
use crate::request::Request;

#[test]
fn values_can_be_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Small>();
    check::<Command<'_>>();
    check::<Report<'_>>();
    check::<Request<'_>>();
    check::<Event>();
    check::<Output<'_>>();
    check::<Refused>();
    check::<Setup>();
}

#[test]
fn a_refusal_and_an_event_are_small() {
    assert!(size_of::<Refused>() <= 8, "{}", size_of::<Refused>());
    assert!(size_of::<Breach>() <= 4, "{}", size_of::<Breach>());
    assert!(size_of::<Event>() <= 20, "{}", size_of::<Event>());
}
