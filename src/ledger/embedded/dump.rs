//! Reads everything that the store keeps out of one view of it: documents, then one account after the other.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use super::{
    keys,
    store::{self, View},
};
use crate::{
    clock::Millis,
    id::{AccountId, ReservationId},
    ledger::{Error, Kept, KeptRecord, Next, Snapshot},
};

/// Rows read at a time from one part of the store.
const PAGE: usize = 512;

/// The kinds of keys that belong to accounts, in the order in which an account's pieces are handed out.
const KINDS: [u8; 4] = [b'A', b'R', b'H', b'Y'];

/// A walk through a view. Its reading blocks, so each step of it goes to a thread for that.
pub struct Dump {
    state: Option<State>,
}

struct State {
    view: Arc<View>,
    documents: Rows,
    /// One for each of `KINDS`.
    parts: [Rows; 4],
}

impl Dump {
    pub fn new(view: View) -> Self {
        let rows = |kind| Rows::new(keys::range(vec![kind]));
        Self { state: Some(State { view: Arc::new(view), documents: rows(b'C'), parts: KINDS.map(rows) }) }
    }
}

impl Snapshot for Dump {
    fn next(&mut self, limit: usize) -> Next<'_> {
        Box::pin(async move {
            let Some(mut state) = self.state.take() else { return Err(Error::ShuttingDown) };
            let read = move || {
                let pieces = state.pieces(limit);
                (state, pieces)
            };
            let (state, pieces) = tokio::task::spawn_blocking(read).await.map_err(|_| Error::ShuttingDown)?;
            self.state = Some(state);
            pieces
        })
    }
}

impl State {
    fn pieces(&mut self, limit: usize) -> Result<Vec<Kept>, Error> {
        let mut pieces = Vec::with_capacity(limit);
        while pieces.len() < limit {
            let Some(piece) = self.piece()? else { break };
            pieces.push(piece);
        }
        Ok(pieces)
    }

    /// The accounts lie in the same order in every part, so the least one of the parts is next.
    fn piece(&mut self) -> Result<Option<Kept>, Error> {
        if let Some((key, text)) = self.documents.pop(&self.view)? {
            let name = text_of(&key, &key[1..])?.to_owned();
            return Ok(Some(Kept::Document { name, text: text.to_vec() }));
        }
        let mut least: Option<(Vec<u8>, usize)> = None;
        for (index, part) in self.parts.iter_mut().enumerate() {
            if let Some((key, _)) = part.peek(&self.view)? {
                let account = account_of(key);
                if least.as_ref().is_none_or(|(first, _)| account < first.as_slice()) {
                    least = Some((account.to_vec(), index));
                }
            }
        }
        let Some((_, index)) = least else { return Ok(None) };
        let row = self.parts[index].pop(&self.view)?;
        row.map(|(key, value)| piece_of(&key, &value)).transpose()
    }
}

/// The account id in a key of `KINDS`.
fn account_of(key: &[u8]) -> &[u8] {
    let rest = &key[1..];
    rest.iter().position(|byte| *byte == 0).map_or(rest, |end| &rest[..end])
}

fn damaged(key: &[u8], reason: &str) -> Error {
    Error::Damaged { record: key.escape_ascii().to_string(), reason: reason.to_owned() }
}

fn text_of<'a>(key: &[u8], part: &'a [u8]) -> Result<&'a str, Error> {
    std::str::from_utf8(part).map_err(|_| damaged(key, "its key is no text"))
}

fn piece_of(key: &[u8], value: &Bytes) -> Result<Kept, Error> {
    let name = account_of(key);
    let account = AccountId::parse(text_of(key, name)?).map_err(|_| damaged(key, "its key holds no account"))?;
    let rest = key.get(name.len() + 2..).unwrap_or_default();
    let number = || rest.first_chunk::<8>().map(|chunk| u64::from_be_bytes(*chunk));
    match key[0] {
        b'A' | b'R' => {
            let (moment, _) = value.split_first_chunk::<8>().ok_or_else(|| damaged(key, "it is cut short"))?;
            let drop_at =
                Millis::new(u64::from_le_bytes(*moment)).ok_or_else(|| damaged(key, "its time is no time"))?;
            let field = if key[0] == b'A' { "a" } else { text_of(key, rest)? };
            let record = KeptRecord {
                field: field.to_owned(),
                drop_at: Some(drop_at).filter(|moment| moment.get() > 0),
                bytes: value.slice(8..),
            };
            Ok(Kept::Record { account, record })
        }
        b'H' => {
            let expires = number().and_then(Millis::new).ok_or_else(|| damaged(key, "its time is no time"))?;
            let id = ReservationId::parse(text_of(key, &rest[8..])?);
            Ok(Kept::Hold { account, expires, id: id.map_err(|_| damaged(key, "its key holds no reservation"))? })
        }
        _ => {
            let sequence = number().ok_or_else(|| damaged(key, "its key is cut short"))?;
            Ok(Kept::Entry { account, sequence, bytes: value.clone() })
        }
    }
}

/// The rows of a range, read page by page.
struct Rows {
    from: Vec<u8>,
    to: Vec<u8>,
    page: VecDeque<(Vec<u8>, Bytes)>,
    ended: bool,
}

impl Rows {
    fn new((from, to): (Vec<u8>, Vec<u8>)) -> Self {
        Self { from, to, page: VecDeque::new(), ended: false }
    }

    fn fill(&mut self, view: &View) -> Result<(), store::Error> {
        if self.page.is_empty() && !self.ended {
            let rows = view.scan(&self.from, &self.to, PAGE)?;
            self.ended = rows.len() < PAGE;
            if let Some((last, _)) = rows.last() {
                self.from = [last.as_slice(), b"\0"].concat();
            }
            self.page = rows.into();
        }
        Ok(())
    }

    fn peek(&mut self, view: &View) -> Result<Option<&(Vec<u8>, Bytes)>, Error> {
        self.fill(view)?;
        Ok(self.page.front())
    }

    fn pop(&mut self, view: &View) -> Result<Option<(Vec<u8>, Bytes)>, Error> {
        self.fill(view)?;
        Ok(self.page.pop_front())
    }
}
