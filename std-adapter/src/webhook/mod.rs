//! The webhook: what Graph posts comes in here.

pub mod authentication;
