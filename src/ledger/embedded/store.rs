//! What keeps bytes under keys, durably: the embedded engine's store. It knows nothing of what the bytes mean.
//!
//! A batch goes into a checksummed log first and is durable there. Its records stay in memory until there are enough
//! of them; then they are written into an ordered checkpoint on disk in one go, and the log's old segments are removed.
//! Why it is built so: `docs/decisions/001-embedded-store.md`.
//!
//! One thread writes and reads: `Store` is moved into it. To overlap the sync of one batch with the work for the next:
//! `append` a batch, hand its position to another thread that calls `Syncer::sync` and only then answers the callers.

mod batch;
mod checkpoint;
mod checkpointer;
mod frame;
mod log;
mod memory;
mod scan;
mod syncing;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

pub use self::{
    batch::{BATCH_BYTES_MAX, Batch, KEY_BYTES_MAX, VALUE_BYTES_MAX},
    checkpoint::View,
    log::Recovered,
    syncing::Syncer,
};
use self::{
    checkpoint::{Checkpoint, CheckpointOptions},
    checkpointer::{Checkpointer, Frozen, Viewer},
    log::{Log, LogOptions, sync_dir, unavailable},
    memory::{Known, Memory},
    syncing::IntervalSync,
};

const FORMAT_FILE: &str = "FORMAT";
const FORMAT_NAME: &str = "stipend-store";
const FORMAT_VERSION: u32 = 1;
/// How long a batch waits for the checkpoint when memory is full.
const ROOM_PATIENCE: Duration = Duration::from_secs(10);

/// When a committed batch is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Before `commit` returns: it survives the loss of power.
    #[default]
    Fsync,
    /// Within this time: a crash of the process loses nothing, of the machine what is younger.
    Interval(Duration),
    /// When the operating system pleases.
    None,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub durability: Durability,
    /// Records in memory that begin a checkpoint. As many again may come in while it is written.
    pub dirty_bytes_max: usize,
    /// Memory for what was read from the checkpoint.
    pub cache_bytes: u64,
    pub segment_bytes_max: u64,
    /// Log since the last checkpoint that begins another: what a start has to replay, at most twice.
    pub log_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Fsync,
            dirty_bytes_max: 64 * MIB,
            cache_bytes: 64 * MIB as u64,
            segment_bytes_max: 64 * MIB as u64,
            log_bytes_max: 256 * MIB as u64,
        }
    }
}

impl Options {
    /// Begins a checkpoint after that many bytes, with a log to match.
    #[must_use]
    pub fn with_checkpoint_bytes(self, bytes: usize) -> Self {
        let (defaults, log_bytes) = (Self::default(), bytes as u64);
        Self {
            dirty_bytes_max: bytes,
            log_bytes_max: defaults.log_bytes_max.min(log_bytes.saturating_mul(4)),
            segment_bytes_max: defaults.segment_bytes_max.min(log_bytes),
            ..self
        }
    }
}

const MIB: usize = 1024 * 1024;

/// Why the store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The disk is full or failed. Nothing was changed; the same may work later.
    #[error("{reason}")]
    Unavailable { reason: String },
    /// It has to finish something first; the same works in a moment.
    #[error("{reason}")]
    Busy { reason: String },
    /// What lies on disk is not what was written. It is never served.
    #[error("{record} is damaged: {reason}")]
    Damaged { record: String, reason: String },
    /// Another process, or another store of this one, has the directory.
    #[error("{reason}")]
    Locked { reason: String },
    /// The directory holds something else, or was written by a newer release.
    #[error("{reason}")]
    Format { reason: String },
    /// The batch is beyond what the store takes.
    #[error("{reason}")]
    Invalid { reason: String },
}

impl Error {
    /// Names the record that was being read.
    fn about(self, key: &[u8]) -> Self {
        match self {
            Self::Damaged { record, reason } => {
                Self::Damaged { record: escaped(key), reason: format!("{record}: {reason}") }
            }
            other @ (Self::Unavailable { .. }
            | Self::Busy { .. }
            | Self::Locked { .. }
            | Self::Format { .. }
            | Self::Invalid { .. }) => other,
        }
    }
}

/// A key as people read it.
fn escaped(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}

/// A batch's place in the log, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

/// What the store has done and holds, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    pub batches: u64,
    /// Bytes written to the log.
    pub log_bytes_written: u64,
    pub syncs: u64,
    pub failed_syncs: u64,
    pub checkpoints: u64,
    pub failed_checkpoints: u64,
    /// Memory that holds records which the checkpoint lacks.
    pub dirty_bytes: u64,
    /// Bytes of the log on disk.
    pub log_bytes: u64,
}

/// The running totals behind `Stats`.
#[derive(Debug, Default)]
struct Counts {
    batches: AtomicU64,
    log_bytes_written: AtomicU64,
    syncs: AtomicU64,
    failed_syncs: AtomicU64,
    checkpoints: AtomicU64,
    failed_checkpoints: AtomicU64,
}

impl Counts {
    fn log_written(&self, bytes: u64) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.log_bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    fn synced(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    fn sync_failed(&self) {
        self.failed_syncs.fetch_add(1, Ordering::Relaxed);
    }

    fn checkpointed(&self) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
    }

    fn checkpoint_failed(&self) {
        self.failed_checkpoints.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ordered records in one directory. Closing syncs; dropping does too, but cannot say how it went.
pub struct Store {
    // Fields are dropped in this order: the threads first, the lock last.
    interval: Option<IntervalSync>,
    checkpointer: Checkpointer,
    log: Log,
    checkpoint: Arc<Checkpoint>,
    /// Records since the last freeze.
    active: Memory,
    /// Records that the checkpointer is writing.
    frozen: Option<Arc<Frozen>>,
    /// Log since the last freeze.
    unfrozen_log_bytes: u64,
    counts: Arc<Counts>,
    recovered: Recovered,
    options: Options,
    closed: bool,
    _lock: DirectoryLock,
}

impl Store {
    /// Opens the store in `dir`, creating both if they are not there.
    ///
    /// What a crash left of a last batch is cut off. Damage, a directory in use and a newer format are refused.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(|error| unavailable("create the store's directory", &error))?;
        let lock = take_lock(dir)?;
        check_format(dir)?;
        let checkpoint_options = CheckpointOptions { cache_bytes: options.cache_bytes };
        let checkpoint = Arc::new(Checkpoint::open(&dir.join("checkpoint"), checkpoint_options)?);
        let held = checkpoint.sequence()?;

        let log_dir = dir.join("log");
        fs::create_dir_all(&log_dir)
            .and_then(|()| sync_dir(dir))
            .map_err(|error| unavailable("create the log's directory", &error))?;
        let counts = Arc::<Counts>::default();
        let log_options = LogOptions {
            segment_bytes_max: options.segment_bytes_max,
            keep_pending: options.durability != Durability::None,
        };
        let mut active = Memory::default();
        tracing::debug!(checkpointed = held, "the replay of the log begins");
        let (log, recovered) = Log::open(&log_dir, log_options, Arc::clone(&counts), held, |sequence, batch| {
            active.apply(batch);
            if active.bytes() >= options.dirty_bytes_max {
                tracing::debug!(sequence, "a checkpoint begins within the replay");
                checkpoint.write(&active, sequence)?;
                active = Memory::default();
            }
            Ok(())
        })?;
        tracing::debug!(batches = recovered.batches, "the log is replayed");
        if recovered.cut_bytes > 0 {
            tracing::warn!(bytes = recovered.cut_bytes, "the log's end was incomplete and has been cut off");
        }
        let checkpointer = Checkpointer::start(Arc::clone(&checkpoint), log.clone(), Arc::clone(&counts))?;
        let interval = match options.durability {
            Durability::Interval(every) => Some(IntervalSync::start(log.clone(), every)?),
            Durability::Fsync | Durability::None => None,
        };
        Ok(Self {
            interval,
            checkpointer,
            log,
            checkpoint,
            active,
            frozen: None,
            unfrozen_log_bytes: 0,
            counts,
            recovered,
            options,
            closed: false,
            _lock: lock,
        })
    }

    /// Whether there is a store in `dir`.
    pub fn exists(dir: &Path) -> bool {
        dir.join(FORMAT_FILE).is_file()
    }

    /// Applies a batch; when it returns, the batch is as durable as the options say. After an error nothing has changed.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let sequence = self.write(batch)?;
        if self.options.durability == Durability::Fsync
            && let Err(error) = self.log.sync(sequence)
            && self.log.retract(sequence)
        {
            return Err(error);
        }
        self.active.apply(batch);
        Ok(())
    }

    /// Applies a batch without waiting for the disk. Reads see it at once; it is durable when `Syncer::sync` of the
    /// position says so. If that fails, the batch stays applied and is made durable as soon as the disk works again:
    /// its outcome is unknown only to whoever must be answered now.
    pub fn append(&mut self, batch: &Batch) -> Result<Position, Error> {
        if batch.is_empty() {
            return Ok(Position(self.log.last()));
        }
        let sequence = self.write(batch)?;
        self.active.apply(batch);
        Ok(Position(sequence))
    }

    /// What waits for the disk, on whatever thread.
    pub fn syncer(&self) -> Syncer {
        Syncer::new(self.log.clone(), self.options.durability)
    }

    /// The value under `key`, from the last committed batch that changed it.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        for memory in [Some(&self.active), self.frozen.as_ref().map(|frozen| &frozen.records)].into_iter().flatten() {
            match memory.get(key) {
                Known::Value(value) => return Ok(Some(value.clone())),
                Known::Deleted => return Ok(None),
                Known::Nothing => {}
            }
        }
        if key.first().is_none_or(|first| *first == 0) {
            return Ok(None);
        }
        self.checkpoint.get(key)
    }

    /// The first `limit` records with `from` ≤ key < `to`, in order; with `reverse` the last ones, from the end.
    pub fn scan(&self, from: &[u8], to: &[u8], limit: usize, reverse: bool) -> Result<Vec<(Vec<u8>, Bytes)>, Error> {
        let memories = [Some(&self.active), self.frozen.as_ref().map(|frozen| &frozen.records)];
        scan::merged(memories.into_iter().flatten(), &self.checkpoint, from, to, limit, reverse)
    }

    /// Writes everything into the checkpoint and waits for it, at most `patience`.
    pub fn checkpoint(&mut self, patience: Duration) -> Result<(), Error> {
        if let Some(frozen) = &self.frozen {
            self.checkpointer.wait(frozen.sequence, patience)?;
        }
        self.release_frozen();
        if !self.active.is_empty() {
            self.freeze();
        }
        if let Some(frozen) = &self.frozen {
            self.checkpointer.wait(frozen.sequence, patience)?;
        }
        self.release_frozen();
        Ok(())
    }

    /// Has the records shown as they are now to `viewer`, on another thread, once the checkpoint holds them. A view
    /// that cannot be had while an earlier checkpoint is being written is refused; the same works later.
    pub fn view(&mut self, viewer: Viewer) {
        if self.frozen.as_ref().is_some_and(|frozen| self.checkpointer.has_written(frozen.sequence)) {
            self.release_frozen();
        }
        if self.frozen.is_some() {
            viewer(Err(Error::Busy { reason: "a checkpoint is being written".into() }));
            return;
        }
        if !self.active.is_empty() {
            self.freeze();
        }
        self.checkpointer.view(viewer);
    }

    /// What opening it had to do.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    pub fn stats(&self) -> Stats {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let dirty = self.active.bytes() + self.frozen.as_ref().map_or(0, |frozen| frozen.records.bytes());
        Stats {
            batches: count(&self.counts.batches),
            log_bytes_written: count(&self.counts.log_bytes_written),
            syncs: count(&self.counts.syncs),
            failed_syncs: count(&self.counts.failed_syncs),
            checkpoints: count(&self.counts.checkpoints),
            failed_checkpoints: count(&self.counts.failed_checkpoints),
            dirty_bytes: dirty as u64,
            log_bytes: self.log.bytes(),
        }
    }

    /// Syncs and closes.
    pub fn close(mut self) -> Result<(), Error> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        self.interval = None;
        self.log.close()
    }

    fn write(&mut self, batch: &Batch) -> Result<u64, Error> {
        batch.check()?;
        self.make_room()?;
        let before = self.counts.log_bytes_written.load(Ordering::Relaxed);
        let sequence = self.log.append(batch)?;
        self.unfrozen_log_bytes += self.counts.log_bytes_written.load(Ordering::Relaxed) - before;
        Ok(sequence)
    }

    /// Begins a checkpoint when it is time, and waits for the one before if that must be.
    fn make_room(&mut self) -> Result<(), Error> {
        if self.frozen.as_ref().is_some_and(|frozen| self.checkpointer.has_written(frozen.sequence)) {
            self.release_frozen();
        }
        let full = self.active.bytes() >= self.options.dirty_bytes_max;
        if !full && self.unfrozen_log_bytes < self.options.log_bytes_max {
            return Ok(());
        }
        if let Some(frozen) = &self.frozen {
            self.checkpointer.wait(frozen.sequence, ROOM_PATIENCE)?;
            self.release_frozen();
        }
        self.freeze();
        Ok(())
    }

    fn freeze(&mut self) {
        let records = std::mem::take(&mut self.active);
        let frozen = Arc::new(Frozen { records, sequence: self.log.last() });
        self.unfrozen_log_bytes = 0;
        self.checkpointer.write(Arc::clone(&frozen));
        self.frozen = Some(frozen);
    }

    fn release_frozen(&mut self) {
        if let Some(frozen) = self.frozen.take() {
            self.checkpointer.drop_later(frozen);
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::error!(%error, "the store could not be closed cleanly");
        }
    }
}

/// The directory is ours while it lives.
struct DirectoryLock(File);

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is just being started has a copy of it.
        let _ = self.0.unlock();
    }
}

fn take_lock(dir: &Path) -> Result<DirectoryLock, Error> {
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("LOCK"))
        .map_err(|error| unavailable("open the lock", &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(DirectoryLock(lock)),
        Err(TryLockError::WouldBlock) => {
            Err(Error::Locked { reason: format!("{} is in use by another process", dir.display()) })
        }
        Err(TryLockError::Error(error)) => Err(unavailable("lock the store", &error)),
    }
}

/// Reads the format of the directory, or writes it into a new one.
fn check_format(dir: &Path) -> Result<(), Error> {
    let text = match fs::read_to_string(dir.join(FORMAT_FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return write_format(dir),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
        Err(error) => return Err(unavailable("read the store's format", &error)),
    };
    let version = text.strip_suffix('\n').and_then(|line| line.strip_prefix(FORMAT_NAME)?.strip_prefix(' '));
    match version.and_then(|version| version.parse::<u32>().ok()) {
        Some(FORMAT_VERSION) => Ok(()),
        Some(version) if version > FORMAT_VERSION => Err(Error::Format {
            reason: format!(
                "{} was written by a newer release: its format is {version}, this release knows {FORMAT_VERSION}",
                dir.display()
            ),
        }),
        Some(_) | None => Err(Error::Format { reason: format!("{} is damaged", dir.join(FORMAT_FILE).display()) }),
    }
}

fn write_format(dir: &Path) -> Result<(), Error> {
    for part in ["checkpoint", "log"] {
        if dir.join(part).exists() {
            return Err(Error::Format { reason: format!("{} has a {part} but no {FORMAT_FILE} file", dir.display()) });
        }
    }
    let temporary = dir.join("FORMAT.new");
    let write = || {
        fs::write(&temporary, format!("{FORMAT_NAME} {FORMAT_VERSION}\n"))?;
        File::open(&temporary)?.sync_all()?;
        fs::rename(&temporary, dir.join(FORMAT_FILE))?;
        sync_dir(dir)
    };
    write().map_err(|error| unavailable("write the store's format", &error))
}

#[cfg(test)]
pub mod tests;
