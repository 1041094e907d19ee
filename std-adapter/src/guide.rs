//! From nothing to a bot in a tenant, and what there is to know on the way.
//!
//! | page | for whom |
//! | --- | --- |
//! | [`first_call`] | who begins: from the simulator on a desk to a call in Teams |
//! | [`simulator`] | who tests: a Graph on a desk for a bot in any language, and its faults |
//! | [`page`] | who tries: phones in a browser, and the calls as the service sees them |
//! | [`concepts`] | who designs: the two kinds of calls, hosting, operations, and what can be lost |
//! | [`recipes`] | who writes: short answers, each a piece of code that compiles |
//! | [`limits`] | who decides: what callflow does not do, and what does it |

#[doc = include_str!("guide/first_call.md")]
pub mod first_call {}
#[doc = include_str!("guide/simulator.md")]
pub mod simulator {}
#[doc = include_str!("guide/page.md")]
pub mod page {}
#[doc = include_str!("guide/concepts.md")]
pub mod concepts {}
#[doc = include_str!("guide/recipes.md")]
pub mod recipes {}
#[doc = include_str!("guide/limits.md")]
pub mod limits {}
