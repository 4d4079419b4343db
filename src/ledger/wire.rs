//! How commands and answers are packed between Rust and the rulebook: little-endian, fixed order, the same for every
//! engine. The readers and writers on the other side are `rules/command.lua`, `rules/reply.lua` and `rules/activity.lua`.

mod answer;
mod command;

pub use answer::{decode_entry, decode_reply};
pub use command::encode_command;

use std::collections::BTreeMap;

use super::{Error, Labels};

/// Packs small texts by key; the rulebook carries them as they are.
fn encode_labels(labels: &Labels) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in labels {
        for text in [key, value] {
            put_bytes(&mut bytes, text.as_bytes());
        }
    }
    bytes
}

fn decode_labels(bytes: &[u8]) -> Result<Labels, Error> {
    let mut reader = Reader::new(bytes);
    let mut labels = BTreeMap::new();
    while !reader.is_empty() {
        labels.insert(reader.text()?, reader.text()?);
    }
    Ok(labels)
}

/// A text with its length in two bytes; the edge bounds every text far below 64 KiB.
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).expect("texts are bounded at the edge");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Reads packed bytes from front to back.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

fn short() -> Error {
    Error::Rulebook { reason: "an answer is cut short".to_owned() }
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been read yet; nothing is left then.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (head, tail) = self.rest.split_at_checked(len).ok_or_else(short)?;
        self.rest = tail;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or_else(short)?;
        self.rest = tail;
        Ok(*head)
    }

    pub fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn flag(&mut self) -> Result<bool, Error> {
        Ok(self.u8()? != 0)
    }

    pub fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A list length of at most `u16::MAX`.
    pub fn count(&mut self) -> Result<usize, Error> {
        Ok(usize::from(self.u16()?))
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let len = usize::from(self.u16()?);
        self.take(len)
    }

    pub fn long_bytes(&mut self) -> Result<&'a [u8], Error> {
        let len = u32::from_le_bytes(self.array()?) as usize;
        self.take(len)
    }

    pub fn str(&mut self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Error::Rulebook { reason: "a text is not UTF-8".to_owned() })
    }

    pub fn text(&mut self) -> Result<String, Error> {
        Ok(self.str()?.to_owned())
    }
}
