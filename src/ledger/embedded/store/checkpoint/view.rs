//! The checkpoint as it was at one moment, for readers that take their time.
//!
//! A view keeps fjall's database open, and with it the lock of its directory. So the checkpoint can end every view
//! before it opens the database anew; whoever still reads is told.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use fjall::{Keyspace, Readable as _, Snapshot};

use super::{FIRST_KEY, guarded, verified};
use crate::ledger::embedded::store::Error;

/// Records as they were when the view was made, whatever has been written since.
#[derive(Clone)]
pub struct View {
    held: Arc<Held>,
}

/// `None` once the view has been ended.
type Held = Mutex<Option<(Snapshot, Keyspace)>>;

/// The views that may still be read.
#[derive(Default)]
pub struct Views {
    open: Mutex<Vec<Weak<Held>>>,
}

impl Views {
    pub fn add(&self, snapshot: Snapshot, records: Keyspace) -> View {
        let held = Arc::new(Mutex::new(Some((snapshot, records))));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|view| view.strong_count() > 0);
        open.push(Arc::downgrade(&held));
        View { held }
    }

    /// Ends every view, so that nobody holds the database any more.
    pub fn end(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for held in open.iter().filter_map(Weak::upgrade) {
            held.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

impl View {
    /// The first `limit` records with `from` ≤ key < `to`, in order.
    pub fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Bytes)>, Error> {
        let from = from.max(&FIRST_KEY);
        if from >= to {
            return Ok(Vec::new());
        }
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (snapshot, records) = held.as_ref().ok_or_else(ended)?;
        let page = guarded(|| {
            let items = snapshot.range(records, from..to).take(limit);
            items.map(fjall::Guard::into_inner).collect::<Result<Vec<_>, _>>()
        });
        let page = page.map_err(|error| error.about(from))?;
        page.into_iter()
            .map(|(key, value)| Ok((key.to_vec(), Bytes::copy_from_slice(verified(&key, &value)?))))
            .collect()
    }
}

fn ended() -> Error {
    Error::Unavailable { reason: "the store was closed or had to be opened anew while it was read".into() }
}
