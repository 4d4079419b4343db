//! What the parser takes, what it refuses and how it says so.

mod bad;
mod examples;
mod good;
mod schema;
mod versions;
