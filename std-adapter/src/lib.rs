//! Bots in Microsoft Teams calls: the callflow core over the Graph HTTP transport.
//!
//! The modules stand in the order in which data passes:
//!
//! | module | what it does |
//! | --- | --- |
//! | [`wire`] | JSON of Graph to the vocabularies of core and back; nothing else knows JSON |
//! | [`session`] | a call with its JSON, still without I/O: what another language would embed |
//! | [`trace`] | what a session was told, in a file, and fed to it again |
//! | [`transport`] | one trait under everything that speaks HTTP |
//! | [`client`] | tokens, limits of time, what is repeated and when a host is let alone |
//! | [`webhook`] | notifications come in, after their token was checked |
//! | [`store`] | what outlives a process |
//! | [`runtime`] | drives calls, one task each |
//! | [`bot`] | what bots are written against |
//! | [`piece`] | prompts, menus, digits, transfers: ready parts of calls |
//! | [`conversation`] | the async style: a call as a script |
//! | [`outbound`] | calls that are to be made: pacing, attempts, a retry plan that outlives a restart |
//! | [`operations`] | a bot that runs is looked at and drained |
//! | [`metrics`] | what is counted, for Prometheus |
//! | `otel` | spans to an OpenTelemetry collector (feature `otel`) |
//! | [`recording`] | recordings are fetched |
//! | [`prompt`] | prompts are converted, spoken and served |
//! | [`configuration`] | a bot set up by a file, the environment and flags |
//! | [`ivr`] | menus that a file describes |
//! | [`check`] | what can be told of a bot before its first call |
//! | [`simulator`] | a Graph calling service on loopback |
//! | [`scenario`] | who does what in a call, and what a bot has to make of it |
//!
//! [`guide`] leads from nothing to a bot in a tenant.
//!
//! Features, all on by default: `net` (everything from `transport` to `bot`), `prompts`, `configuration`, `simulator`, `cli` (the program
//! `callflow`). `otel` is not.
//! Without any, `wire`, `session` and `trace` build without tokio, an HTTP library or a database.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "net")]
pub mod bot;
#[cfg(feature = "configuration")]
pub mod check;
#[cfg(feature = "net")]
pub mod client;
#[cfg(feature = "net")]
pub mod clock;
#[cfg(feature = "configuration")]
pub mod configuration;
#[cfg(feature = "net")]
pub mod conversation;
#[cfg(feature = "cli")]
pub mod guide;
#[cfg(feature = "configuration")]
pub mod ivr;
#[cfg(feature = "net")]
pub mod metrics;
#[cfg(feature = "net")]
pub mod operations;
#[cfg(feature = "otel")]
pub mod otel;
#[cfg(feature = "net")]
pub mod outbound;
#[cfg(feature = "net")]
pub mod piece;
#[cfg(feature = "prompts")]
pub mod prompt;
#[cfg(feature = "net")]
pub mod recording;
#[cfg(feature = "net")]
pub mod runtime;
#[cfg(feature = "simulator")]
pub mod scenario;
pub mod session;
#[cfg(feature = "simulator")]
pub mod simulator;
#[cfg(feature = "net")]
pub mod store;
pub mod trace;
#[cfg(feature = "net")]
pub mod transport;
#[cfg(any(feature = "prompts", feature = "simulator"))]
mod wav;
#[cfg(feature = "net")]
pub mod webhook;
pub mod wire;

/// The README's example is compiled with the tests.
#[cfg(all(doctest, feature = "net"))]
#[doc = include_str!("../../README.md")]
struct Readme;
