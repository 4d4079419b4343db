//! Records that are in the log and not yet in the checkpoint.

use std::{collections::BTreeMap, ops::Bound};

use bytes::Bytes;

use super::batch::Batch;

/// What a record costs in memory beside its key and value: the map's share, two allocations, reference counts.
const RECORD_OVERHEAD_BYTES: usize = 128;

/// An ordered map of records; a record without a value hides what the checkpoint has under its key.
#[derive(Debug, Default)]
pub struct Memory {
    records: BTreeMap<Box<[u8]>, Option<Bytes>>,
    bytes: usize,
}

/// What is known here of a key.
#[derive(Debug)]
pub enum Known<'a> {
    Value(&'a Bytes),
    Deleted,
    Nothing,
}

impl Memory {
    pub fn apply(&mut self, batch: &Batch) {
        for entry in batch.entries() {
            let value_len = entry.value.as_ref().map_or(0, Bytes::len);
            if let Some(slot) = self.records.get_mut(&entry.key) {
                self.bytes = self.bytes + value_len - slot.as_ref().map_or(0, Bytes::len);
                slot.clone_from(&entry.value);
            } else {
                self.bytes += entry.key.len() + value_len + RECORD_OVERHEAD_BYTES;
                self.records.insert(entry.key.clone(), entry.value.clone());
            }
        }
    }

    pub fn get(&self, key: &[u8]) -> Known<'_> {
        match self.records.get(key) {
            Some(Some(value)) => Known::Value(value),
            Some(None) => Known::Deleted,
            None => Known::Nothing,
        }
    }

    /// Records with `from` ≤ key < `to`, in order. `from` must not be above `to`.
    pub fn range(&self, from: &[u8], to: &[u8]) -> impl DoubleEndedIterator<Item = (&[u8], Option<&Bytes>)> {
        self.records
            .range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)))
            .map(|(key, value)| (&**key, value.as_ref()))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&Bytes>)> {
        self.records.iter().map(|(key, value)| (&**key, value.as_ref()))
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
