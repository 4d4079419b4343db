//! Messages to valid values and back. Every limit of the API is held here, each refusal naming the field and the limit;
//! what the values mean is the service's.

pub mod account;
pub mod catalog;
mod denial;
pub mod field;
pub mod page;
pub mod quota;
pub mod usage;

use prost_types::Timestamp;

use crate::clock::Millis;

/// Most items of one request.
pub const ITEMS_MAX: usize = 32;
/// Most budgets of one request.
pub const BUDGETS_MAX: usize = 16;
/// Most entries of `dimensions` and `metadata`.
pub const ENTRIES_MAX: usize = 16;
/// Most labels of an account.
pub const LABELS_MAX: usize = 32;
/// Most e-mail addresses of an account.
pub const NOTIFY_MAX: usize = 16;
/// Most pools named in one request, and most overrides of an account.
pub const POOLS_MAX: usize = 64;
/// Most groupings of a usage query.
pub const GROUPINGS_MAX: usize = 8;
/// Longest key of a map, in bytes.
pub const KEY_MAX: usize = 64;
/// Longest value of a map and longest free text, in bytes.
pub const TEXT_MAX: usize = 256;

/// The moment as protos carry it.
pub fn timestamp(moment: Millis) -> Timestamp {
    let (ms, nanos) = (moment.get(), (moment.get() % 1000) * 1_000_000);
    Timestamp {
        seconds: (ms / 1000).cast_signed(),
        nanos: i32::try_from(nanos).expect("a part of a second is below 10^9 ns"),
    }
}
