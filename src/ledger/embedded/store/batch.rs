//! What one unit of work writes: puts and deletions, applied all or not at all, and how they are laid out in the log.

use bytes::Bytes;

use super::Error;

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 4096;
/// Longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of keys and values in one batch.
pub const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Stands for a deletion where the length of a value is written.
const DELETED: u32 = u32::MAX;
/// Before each entry: length of the key (u16), length of the value (u32).
const ENTRY_HEADER_BYTES: usize = 6;

/// Changes that become visible and durable together. A later change of a key in the same batch wins.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    entries: Vec<Entry>,
    bytes: usize,
}

/// One change; without a value it is a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: Box<[u8]>,
    pub value: Option<Bytes>,
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `value` under `key`. Keys have 1 to 4,096 bytes, and the first is not zero.
    pub fn put(&mut self, key: impl Into<Box<[u8]>>, value: impl Into<Bytes>) {
        self.push(Entry { key: key.into(), value: Some(value.into()) });
    }

    /// Removes `key`, whether or not it is there.
    pub fn delete(&mut self, key: impl Into<Box<[u8]>>) {
        self.push(Entry { key: key.into(), value: None });
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets everything and keeps the memory for the next unit of work.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += ENTRY_HEADER_BYTES + entry.key.len() + entry.value.as_ref().map_or(0, Bytes::len);
        self.entries.push(entry);
    }

    /// Refuses what could not be read back.
    pub(super) fn check(&self) -> Result<(), Error> {
        for entry in &self.entries {
            if entry.key.is_empty() || entry.key.len() > KEY_BYTES_MAX || entry.key[0] == 0 {
                return Err(Error::Invalid {
                    reason: format!("a key has 1 to {KEY_BYTES_MAX} bytes and does not begin with a zero byte"),
                });
            }
            if entry.value.as_ref().is_some_and(|value| value.len() > VALUE_BYTES_MAX) {
                return Err(Error::Invalid { reason: format!("a value has at most {VALUE_BYTES_MAX} bytes") });
            }
        }
        if self.bytes > BATCH_BYTES_MAX {
            return Err(Error::Invalid { reason: format!("a batch has at most {BATCH_BYTES_MAX} bytes") });
        }
        Ok(())
    }

    /// Appends the entries to `out`.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.bytes);
        for entry in &self.entries {
            let key_len = u16::try_from(entry.key.len()).expect("checked against KEY_BYTES_MAX");
            let value_len = entry
                .value
                .as_ref()
                .map_or(DELETED, |value| u32::try_from(value.len()).expect("checked against VALUE_BYTES_MAX"));
            out.extend_from_slice(&key_len.to_le_bytes());
            out.extend_from_slice(&value_len.to_le_bytes());
            out.extend_from_slice(&entry.key);
            out.extend_from_slice(entry.value.as_deref().unwrap_or_default());
        }
    }

    /// Reads back what `encode` wrote; `None` where it did not.
    pub(super) fn decode(mut body: &[u8]) -> Option<Self> {
        let mut batch = Self::new();
        while !body.is_empty() {
            let (header, rest) = body.split_at_checked(ENTRY_HEADER_BYTES)?;
            let key_len = usize::from(u16::from_le_bytes(header[..2].try_into().ok()?));
            let value_len = u32::from_le_bytes(header[2..].try_into().ok()?);
            let (key, rest) = rest.split_at_checked(key_len)?;
            let (value, rest) = if value_len == DELETED {
                (None, rest)
            } else {
                let (value, rest) = rest.split_at_checked(usize::try_from(value_len).ok()?)?;
                (Some(Bytes::copy_from_slice(value)), rest)
            };
            batch.push(Entry { key: key.into(), value });
            body = rest;
        }
        batch.check().ok()?;
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_survives_encoding() {
        let mut batch = Batch::new();
        batch.put(*b"k1", "value");
        batch.put(*b"k2", "");
        batch.delete(*b"k3");
        let mut body = Vec::new();
        batch.encode(&mut body);
        assert_eq!(Batch::decode(&body).unwrap().entries(), batch.entries());
        for cut in 1..body.len() {
            assert!(Batch::decode(&body[..cut]).is_none_or(|part| part.len() < batch.len()));
        }
    }

    #[test]
    fn keys_that_could_not_be_read_back_are_refused() {
        for key in [vec![], vec![0, 1], vec![1; KEY_BYTES_MAX + 1]] {
            let mut batch = Batch::new();
            batch.put(key, "value");
            assert!(matches!(batch.check(), Err(Error::Invalid { .. })));
        }
    }
}
