//! What a ledger keeps as lines of text (`docs/export-format.md`): a header, one JSON object per piece, and an end that
//! counts and sums what was before it. The same for every engine.

mod read;
mod write;

pub use self::{
    read::{Lines, Problem},
    write::{Export, LineWriter},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{Kept, KeptRecord};
use crate::{
    clock::Millis,
    id::{AccountId, ReservationId},
};

/// The format that this release reads and writes.
pub const FORMAT: u32 = 1;
/// Longest line, in bytes: a value of the store as base64, and its names.
pub const LINE_MAX: usize = 24 * 1024 * 1024;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The format's number.
    pub stipend_export: u32,
    /// The release that wrote it.
    pub release: String,
    /// When it was written, in RFC 3339.
    pub time: String,
}

/// How many pieces there are of each kind, and what tells them from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub documents: u64,
    pub accounts: u64,
    pub records: u64,
    pub holds: u64,
    pub entries: u64,
    /// The sum, modulo 2^128, of the XXH3-128 of each line, so that it does not depend on their order.
    pub digest: u128,
}

impl Totals {
    /// Counts a piece and the line that says it, without its end.
    fn add(&mut self, piece: &Kept, line: &[u8]) {
        match piece {
            Kept::Document { .. } => self.documents += 1,
            Kept::Record { record, .. } => {
                self.records += 1;
                self.accounts += u64::from(record.field == "a");
            }
            Kept::Hold { .. } => self.holds += 1,
            Kept::Entry { .. } => self.entries += 1,
        }
        self.digest = self.digest.wrapping_add(xxh3_128(line));
    }

    /// Pieces of any kind.
    pub const fn pieces(&self) -> u64 {
        self.documents + self.records + self.holds + self.entries
    }
}

/// Every line but the first; which keys are there tells what it is.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<End>,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    documents: u64,
    accounts: u64,
    records: u64,
    holds: u64,
    entries: u64,
    digest: String,
}

impl From<&Totals> for End {
    fn from(totals: &Totals) -> Self {
        let Totals { documents, accounts, records, holds, entries, digest } = *totals;
        Self { documents, accounts, records, holds, entries, digest: format!("{digest:032x}") }
    }
}

/// The line of a piece, without its end. `Err`: the name of a document that is no text.
fn line_of(piece: &Kept) -> Result<Vec<u8>, String> {
    let line = match piece {
        Kept::Document { name, text } => {
            let text = String::from_utf8(text.clone()).map_err(|_| name.clone())?;
            Line { document: Some(name.clone()), text: Some(text), ..Line::default() }
        }
        Kept::Record { account, record } => Line {
            account: Some(account.to_string()),
            record: Some(record.field.clone()),
            drop_at: record.drop_at.map(Millis::get),
            data: Some(STANDARD.encode(&record.bytes)),
            ..Line::default()
        },
        Kept::Hold { account, expires, id } => Line {
            account: Some(account.to_string()),
            hold: Some(id.to_string()),
            expires: Some(expires.get()),
            ..Line::default()
        },
        Kept::Entry { account, sequence, bytes } => Line {
            account: Some(account.to_string()),
            entry: Some(*sequence),
            data: Some(STANDARD.encode(bytes)),
            ..Line::default()
        },
    };
    Ok(serde_json::to_vec(&line).expect("strings and numbers are JSON"))
}

/// The piece that a line says.
fn piece_of(line: Line) -> Result<Kept, String> {
    if let (Some(name), Some(text), None) = (&line.document, &line.text, &line.account) {
        return Ok(Kept::Document { name: name.clone(), text: text.clone().into_bytes() });
    }
    let account = line.account.as_deref().ok_or("account: is missing")?;
    let account = AccountId::parse(account).map_err(|problem| format!("account: {problem}"))?;
    let data = |data: Option<String>| {
        let bytes = STANDARD.decode(data.ok_or("data: is missing")?).map_err(|problem| format!("data: {problem}"))?;
        Ok::<_, String>(Bytes::from(bytes))
    };
    let moment = |field: &str, ms: u64| Millis::new(ms).ok_or(format!("{field}: is past the year 9999"));
    match (line.record, line.hold, line.entry) {
        (Some(field), None, None) => {
            let drop_at = line.drop_at.map(|ms| moment("drop_at", ms)).transpose()?;
            let bytes = data(line.data)?;
            super::record::decode(&field, &bytes)
                .map_err(|problem| format!("record {}: {problem}", field.escape_debug()))?;
            Ok(Kept::Record { account, record: KeptRecord { field, drop_at, bytes } })
        }
        (None, Some(id), None) => {
            let id = ReservationId::parse(&id).map_err(|problem| format!("hold: {problem}"))?;
            let expires = moment("expires", line.expires.ok_or("expires: is missing")?)?;
            Ok(Kept::Hold { account, expires, id })
        }
        (None, None, Some(sequence)) => {
            let bytes = data(line.data)?;
            super::wire::decode_entry(&bytes, sequence).map_err(|problem| format!("entry {sequence}: {problem}"))?;
            Ok(Kept::Entry { account, sequence, bytes })
        }
        _ => Err("must have one of document, record, hold, entry and end".to_owned()),
    }
}
