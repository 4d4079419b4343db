//! What a ledger keeps, piece by piece, as an engine hands it out to be checked or moved: packed as it lies there. What
//! the packed bytes mean is `record`'s.

use std::{future::Future, pin::Pin};

use bytes::Bytes;

use super::Error;
use crate::{
    clock::Millis,
    id::{AccountId, ReservationId},
};

/// One piece of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// A text under a name.
    Document { name: String, text: Vec<u8> },
    /// A record of an account.
    Record { account: AccountId, record: KeptRecord },
    /// A hold that is open, in the index by which holds are found when they expire.
    Hold { account: AccountId, expires: Millis, id: ReservationId },
    /// An entry of the activity log.
    Entry { account: AccountId, sequence: u64, bytes: Bytes },
}

/// A record: `rules/records.lua` says what fields there are, and packs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRecord {
    pub field: String,
    /// From when on it may be dropped; `None`: never.
    pub drop_at: Option<Millis>,
    pub bytes: Bytes,
}

/// Everything that a ledger keeps, each account as at one moment.
pub trait Snapshot: Send {
    /// The next pieces, about `limit`; none at the end. Documents come first, then one account after the other: its
    /// records in the order of their fields, its open holds by expiry, its activity.
    fn next(&mut self, limit: usize) -> Next<'_>;
}

/// Pieces that are on their way.
pub type Next<'a> = Pin<Box<dyn Future<Output = Result<Vec<Kept>, Error>> + Send + 'a>>;
