//! Walks a range through memory and checkpoint at once; what is newer hides what is older.

use std::iter::Peekable;

use bytes::Bytes;

use super::{Error, checkpoint::Checkpoint, memory::Memory};

/// The first (or with `reverse` the last) `limit` records with `from` ≤ key < `to`. `memories` come newest first.
pub fn merged<'a>(
    memories: impl Iterator<Item = &'a Memory>,
    checkpoint: &Checkpoint,
    from: &'a [u8],
    to: &'a [u8],
    limit: usize,
    reverse: bool,
) -> Result<Vec<(Vec<u8>, Bytes)>, Error> {
    if from >= to || limit == 0 {
        return Ok(Vec::new());
    }
    let mut newer = Newer::new(memories, from, to, reverse);
    let mut found = Vec::new();
    checkpoint.walk(from, to, reverse, |key, value| {
        // What memory has up to this key comes first; if it has this very key, the checkpoint's value is old.
        let mut hidden = false;
        while found.len() < limit
            && let Some((known, record)) = newer.next_up_to(key)
        {
            hidden |= known == key;
            if let Some(record) = record {
                found.push((known.to_vec(), record));
            }
        }
        if !hidden && found.len() < limit {
            found.push((key.to_vec(), value));
        }
        found.len() < limit
    })?;
    while found.len() < limit
        && let Some((known, record)) = newer.next()
    {
        if let Some(record) = record {
            found.push((known.to_vec(), record));
        }
    }
    Ok(found)
}

type Records<'a> = Peekable<Box<dyn Iterator<Item = (&'a [u8], Option<&'a Bytes>)> + 'a>>;

/// The records of several memories in order, of each key the newest.
struct Newer<'a> {
    memories: Vec<Records<'a>>,
    reverse: bool,
}

impl<'a> Newer<'a> {
    fn new(memories: impl Iterator<Item = &'a Memory>, from: &'a [u8], to: &'a [u8], reverse: bool) -> Self {
        let records = |memory: &'a Memory| -> Records<'a> {
            let range = memory.range(from, to);
            let range: Box<dyn Iterator<Item = _>> = if reverse { Box::new(range.rev()) } else { Box::new(range) };
            range.peekable()
        };
        Self { memories: memories.map(records).collect(), reverse }
    }

    /// The next record that does not lie behind `key`; without a value it is a deletion.
    fn next_up_to(&mut self, key: &[u8]) -> Option<(&'a [u8], Option<Bytes>)> {
        let next = self.peek()?;
        let behind = if self.reverse { next < key } else { next > key };
        if behind { None } else { self.next() }
    }

    fn next(&mut self) -> Option<(&'a [u8], Option<Bytes>)> {
        let key = self.peek()?;
        let mut newest = None;
        for memory in &mut self.memories {
            if let Some((_, record)) = memory.next_if(|(known, _)| *known == key) {
                newest.get_or_insert(record);
            }
        }
        newest.map(|record| (key, record.cloned()))
    }

    fn peek(&mut self) -> Option<&'a [u8]> {
        let keys = self.memories.iter_mut().filter_map(|memory| memory.peek().map(|(key, _)| *key));
        if self.reverse { keys.max() } else { keys.min() }
    }
}
