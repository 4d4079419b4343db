//! What the parser takes, what it refuses and how it says so.

use super::*;

mod bad;
mod good;
mod schema;
mod versions;
