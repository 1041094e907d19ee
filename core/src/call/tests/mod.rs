//! Stories of whole calls.

mod incoming;
mod scenario;

use super::*;
use crate::lifecycle;
use crate::lifecycle::pending::{Settling, Unsettled};
