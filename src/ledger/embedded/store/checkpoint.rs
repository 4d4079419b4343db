//! The ordered store on disk below the log: a `fjall` keyspace that is only ever written by bulk ingestion.
//!
//! An ingestion writes sorted tables, syncs them, and registers them in one atomic step; fjall's own journal stays
//! empty. The sequence up to which the tables hold the log goes into the same ingestion, so the two cannot disagree.
//!
//! fjall checks every block that it reads; what it takes on trust is checked by `checkpoint/inspection.rs` before it
//! opens. It panics on some damage, and its compaction stops for good after an I/O error: panics are caught, and the
//! database is opened anew when the caller says so.

mod inspection;
mod view;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, config::CompressionPolicy};

pub use self::view::View;
use self::view::Views;
use super::{Error, escaped, memory::Memory};

/// Under it lies the sequence that the checkpoint holds. Records' keys do not begin with a zero byte.
const SEQUENCE_KEY: [u8; 1] = [0];
/// Below every record's key.
const FIRST_KEY: [u8; 1] = [1];
/// Before each value: CRC-32 of key and value.
const CRC_BYTES: usize = 4;
/// Open files; tables are about 64 MiB each.
const OPEN_FILES: usize = 256;
/// Tables that wait for compaction before the next checkpoint has to wait too. Reads look into each of them.
const WAITING_TABLES_MAX: usize = 16;
/// Compaction that has not caught up within this has failed.
const COMPACTION_STALL_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub struct CheckpointOptions {
    /// Memory for blocks that were read.
    pub cache_bytes: u64,
}

pub struct Checkpoint {
    dir: PathBuf,
    options: CheckpointOptions,
    /// `None`: it could not be opened again after a failure.
    open: RwLock<Option<Open>>,
    views: Views,
}

struct Open {
    // Dropped before the database, which waits for nobody to use it.
    records: Keyspace,
    database: Database,
}

impl Checkpoint {
    /// Opens the checkpoint in `dir`, or creates it.
    pub fn open(dir: &Path, options: CheckpointOptions) -> Result<Self, Error> {
        let open = open(dir, &options)?;
        Ok(Self { dir: dir.into(), options, open: RwLock::new(Some(open)), views: Views::default() })
    }

    /// The last batch of the log that is in the checkpoint, 0 when it is empty.
    pub fn sequence(&self) -> Result<u64, Error> {
        let Some(value) = self.read(|open| open.records.get(SEQUENCE_KEY))? else { return Ok(0) };
        let value = verified(&SEQUENCE_KEY, &value)?;
        let bytes = value.try_into().map_err(|_| damaged("checkpoint", "its sequence is not a number"))?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let value = self.read(|open| open.records.get(key)).map_err(|error| error.about(key))?;
        value.map(|value| verified(key, &value).map(Bytes::copy_from_slice)).transpose()
    }

    /// Walks the records with `from` ≤ key < `to` while `visit` says so.
    pub fn walk(
        &self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        mut visit: impl FnMut(&[u8], Bytes) -> bool,
    ) -> Result<(), Error> {
        let from = from.max(&FIRST_KEY);
        if from >= to {
            return Ok(());
        }
        let mut last = from.to_vec();
        let mut refused = None;
        let read = self.read(|open| {
            let mut items = open.records.range(from..to);
            while let Some(item) = if reverse { items.next_back() } else { items.next() } {
                let (key, value) = item.into_inner()?;
                last.clear();
                last.extend_from_slice(&key);
                match verified(&key, &value) {
                    Ok(value) if visit(&key, Bytes::copy_from_slice(value)) => {}
                    Ok(_) => break,
                    Err(error) => {
                        refused = Some(error);
                        break;
                    }
                }
            }
            Ok(())
        });
        match refused {
            Some(error) => Err(error),
            None => read.map_err(|error| error.about(&last)),
        }
    }

    /// Writes `records`, which bring the checkpoint up to `sequence`: all of them and durably, or nothing.
    pub fn write(&self, records: &Memory, sequence: u64) -> Result<(), Error> {
        self.read(|open| {
            let mut ingestion = open.records.start_ingestion()?;
            let mut stored = Vec::new();
            store_into(&mut stored, &SEQUENCE_KEY, &sequence.to_le_bytes());
            ingestion.write(&SEQUENCE_KEY[..], &stored[..])?;
            for (key, value) in records.iter() {
                if let Some(value) = value {
                    store_into(&mut stored, key, value);
                    ingestion.write(key, &stored[..])?;
                } else {
                    ingestion.write_tombstone(key)?;
                }
            }
            ingestion.finish()
        })
    }

    /// Waits until compaction has caught up so far that another checkpoint may be written. False: it has stopped.
    pub fn wait_for_compaction(&self, stopping: impl Fn() -> bool) -> bool {
        let since = Instant::now();
        loop {
            match self.read(|open| {
                open.database.persist(PersistMode::Buffer)?;
                Ok(open.records.l0_table_count())
            }) {
                Ok(waiting) if waiting < WAITING_TABLES_MAX => return true,
                Ok(_) if stopping() => return true,
                Ok(_) if since.elapsed() < COMPACTION_STALL_MAX => std::thread::sleep(Duration::from_millis(5)),
                Ok(_) | Err(_) => return false,
            }
        }
    }

    /// Opens the database anew, which removes what a failed ingestion left and starts compaction again.
    pub fn reopen(&self) -> Result<(), Error> {
        let mut slot = self.open.write().unwrap_or_else(PoisonError::into_inner);
        // Its lock must be free before it can be opened again.
        self.views.end();
        *slot = None;
        *slot = Some(open(&self.dir, &self.options)?);
        Ok(())
    }

    /// The records as they are now. The view lasts until the database is closed or must be opened anew.
    pub fn view(&self) -> Result<View, Error> {
        self.read(|open| Ok(self.views.add(open.database.snapshot(), open.records.clone())))
    }

    fn read<T>(&self, work: impl FnOnce(&Open) -> fjall::Result<T>) -> Result<T, Error> {
        let slot = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let open = slot.as_ref().ok_or_else(|| Error::Unavailable { reason: "the checkpoint is closed".into() })?;
        guarded(|| work(open))
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        self.views.end();
    }
}

fn open(dir: &Path, options: &CheckpointOptions) -> Result<Open, Error> {
    inspection::inspect(dir)?;
    guarded(|| {
        let database = Database::builder(dir)
            .cache_size(options.cache_bytes)
            .max_cached_files(Some(OPEN_FILES))
            .manual_journal_persist(true)
            .worker_threads(1)
            .open()?;
        let records = database.keyspace("records", || {
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                // A wrong length of compressed data would be believed: it is not under the block's checksum.
                .data_block_compression_policy(CompressionPolicy::disabled())
        })?;
        Ok(Open { records, database })
    })
}

fn store_into(stored: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    stored.clear();
    stored.extend_from_slice(&crc(key, value).to_le_bytes());
    stored.extend_from_slice(value);
}

/// The value, once its checksum has been found right.
fn verified<'a>(key: &[u8], stored: &'a [u8]) -> Result<&'a [u8], Error> {
    match stored.split_at_checked(CRC_BYTES) {
        Some((expected, value)) if crc(key, value).to_le_bytes() == expected => Ok(value),
        _ => Err(damaged(&escaped(key), "its checksum is wrong")),
    }
}

fn crc(key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

/// Runs `work`; a panic of fjall becomes an error.
fn guarded<T>(work: impl FnOnce() -> fjall::Result<T>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(translate(&error)),
        Err(_) => Err(damaged("checkpoint", "reading it failed")),
    }
}

fn translate(error: &fjall::Error) -> Error {
    use fjall::{Error as Fjall, LsmError};
    match error {
        Fjall::Io(error) | Fjall::Storage(LsmError::Io(error)) => translate_io(error),
        Fjall::Poisoned => Error::Unavailable { reason: "the checkpoint stopped after an error".into() },
        Fjall::Locked => Error::Locked { reason: "the checkpoint is in use".into() },
        other => damaged("checkpoint", &other.to_string()),
    }
}

fn translate_io(error: &io::Error) -> Error {
    match error.kind() {
        // A file that ends too early, is not there, or sends the reader nowhere is damage and not a passing failure.
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::NotFound
        | io::ErrorKind::InvalidData
        | io::ErrorKind::InvalidInput => damaged("checkpoint", &error.to_string()),
        _ => Error::Unavailable { reason: format!("the checkpoint: {error}") },
    }
}

fn damaged(record: &str, reason: &str) -> Error {
    Error::Damaged { record: record.into(), reason: reason.into() }
}
