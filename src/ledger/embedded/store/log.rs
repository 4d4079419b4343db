//! The write-ahead log: batches appended to segment files and made durable together. Replay is `log/recovery.rs`.
//!
//! A failed write is cut off again. A failed sync says nothing about what reached the disk, and a second one that
//! succeeds says nothing either: so frames are kept in memory until a sync covers them, and after a failure they are
//! written to a fresh segment, whose header makes the doubtful frames before it void.

mod file;
mod recovery;

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use self::file::Faults;
use self::file::LogFile;
pub use self::recovery::Recovered;
use super::{
    Counts, Error,
    batch::Batch,
    frame::{self, Kind, SEGMENT_HEADER_BYTES, SegmentHeader},
};

/// Most bytes that wait in memory for a sync; beyond it an append syncs by itself.
const PENDING_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Debug, Clone)]
pub struct LogOptions {
    pub segment_bytes_max: u64,
    /// Frames are kept in memory until they are durable. Without it a failed sync loses what it loses.
    pub keep_pending: bool,
}

/// The log. Clones are handles to the same one; only one of them appends.
#[derive(Debug, Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    options: LogOptions,
    counts: Arc<Counts>,
    faults: Faults,
    /// Held by whoever syncs or changes the segment; taken before `state`.
    turn: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Segments before the current one, oldest first.
    earlier: VecDeque<Segment>,
    current: Segment,
    file: Arc<LogFile>,
    salt: u32,
    /// Where the next frame goes.
    offset: u64,
    /// The sequence of the next batch.
    next: u64,
    /// The last sequence that is certainly on disk.
    durable: u64,
    /// Frames after `durable`, oldest first.
    pending: VecDeque<Pending>,
    pending_bytes: usize,
    /// Why nothing can be appended before what is pending has moved to a fresh segment.
    broken: Option<String>,
}

#[derive(Debug)]
struct Pending {
    sequence: u64,
    frame: Vec<u8>,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    path: PathBuf,
    /// The last sequence in it, once another segment follows.
    last: u64,
    bytes: u64,
}

impl Log {
    /// Writes a batch behind the others and answers its sequence. It is durable when `sync` of that sequence says so.
    pub fn append(&self, batch: &Batch) -> Result<u64, Error> {
        let mut frame = frame::begin();
        batch.encode(&mut frame);
        let frame_bytes = frame.len() as u64;
        if self.needs_turn(frame_bytes) {
            let _turn = lock(&self.shared.turn);
            let mut state = lock(&self.shared.state);
            if state.broken.is_some() || (self.shared.options.keep_pending && state.pending_bytes > PENDING_BYTES_MAX) {
                self.shared.settle(&mut state)?;
            }
            if state.is_full(frame_bytes, &self.shared.options) {
                self.shared.rotate(&mut state)?;
            }
        }
        let mut state = lock(&self.shared.state);
        if let Some(reason) = &state.broken {
            return Err(Error::Unavailable { reason: reason.clone() });
        }
        let sequence = state.next;
        frame::seal(&mut frame, Kind::Batch, state.salt, sequence, state.durable);
        let offset = state.offset;
        if let Err(error) = state.file.write_all_at(&frame, offset) {
            if let Err(cut) = state.file.set_len(offset) {
                state.broken = Some(format!("the log could not be cut back after a failed write: {cut}"));
            }
            return Err(unavailable("write the log", &error));
        }
        state.offset += frame_bytes;
        state.current.bytes = state.offset;
        state.next += 1;
        if self.shared.options.keep_pending {
            state.pending_bytes += frame.len();
            state.pending.push_back(Pending { sequence, frame });
        }
        self.shared.counts.log_written(frame_bytes);
        Ok(sequence)
    }

    /// Returns once every batch up to `sequence` is on disk.
    pub fn sync(&self, sequence: u64) -> Result<(), Error> {
        if lock(&self.shared.state).durable >= sequence {
            return Ok(());
        }
        let _turn = lock(&self.shared.turn);
        let (file, target) = {
            let mut state = lock(&self.shared.state);
            // Whoever had the turn before may have synced this one too.
            if state.durable >= sequence {
                return Ok(());
            }
            if state.broken.is_some() {
                return self.shared.settle(&mut state);
            }
            (Arc::clone(&state.file), state.next - 1)
        };
        let synced = file.sync_data();
        self.shared.counts.synced();
        let mut state = lock(&self.shared.state);
        match synced {
            Ok(()) => {
                state.made_durable(target);
                Ok(())
            }
            Err(error) => {
                self.shared.sync_failed(&mut state, &error);
                self.shared.settle(&mut state)
            }
        }
    }

    /// Makes everything durable that has been appended.
    pub fn sync_all(&self) -> Result<(), Error> {
        let last = lock(&self.shared.state).next - 1;
        self.sync(last)
    }

    /// Takes back the last batch, whose sync failed. False: somebody else's sync has made it durable since.
    pub fn retract(&self, sequence: u64) -> bool {
        let _turn = lock(&self.shared.turn);
        let mut state = lock(&self.shared.state);
        if state.durable >= sequence {
            return false;
        }
        debug_assert_eq!(state.next, sequence + 1, "only the last batch can be taken back");
        state.next = sequence;
        if state.pending.back().is_some_and(|pending| pending.sequence == sequence) {
            let pending = state.pending.pop_back().expect("there is a last one");
            state.pending_bytes -= pending.frame.len();
        }
        if state.broken.is_none() {
            state.broken = Some("a batch was taken back".into());
        }
        true
    }

    /// Removes segments that hold nothing after `sequence`.
    pub fn forget(&self, sequence: u64) {
        let mut state = lock(&self.shared.state);
        while state.earlier.front().is_some_and(|segment| segment.last <= sequence) {
            let segment = state.earlier.pop_front().expect("there is a first one");
            if let Err(error) = std::fs::remove_file(&segment.path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(segment = %segment.path.display(), %error, "a log segment could not be removed");
                state.earlier.push_front(segment);
                return;
            }
        }
    }

    /// Says that everything is durable, so that damage to it is recognised when the log is next opened.
    pub fn close(&self) -> Result<(), Error> {
        self.sync_all()?;
        let _turn = lock(&self.shared.turn);
        let state = lock(&self.shared.state);
        let mut frame = frame::begin();
        frame::seal(&mut frame, Kind::Close, state.salt, state.next - 1, state.durable);
        state.file.write_all_at(&frame, state.offset).and_then(|()| state.file.sync_data()).map_err(|error| {
            // What was synced before is whole; only the mark is missing.
            let _ = state.file.set_len(state.offset);
            unavailable("close the log", &error)
        })
    }

    /// The sequence of the last batch.
    pub fn last(&self) -> u64 {
        lock(&self.shared.state).next - 1
    }

    /// Bytes in all segments.
    pub fn bytes(&self) -> u64 {
        let state = lock(&self.shared.state);
        state.earlier.iter().map(|segment| segment.bytes).sum::<u64>() + state.current.bytes
    }

    #[cfg(test)]
    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    fn needs_turn(&self, frame_bytes: u64) -> bool {
        let state = lock(&self.shared.state);
        state.broken.is_some()
            || state.pending_bytes > PENDING_BYTES_MAX
            || state.is_full(frame_bytes, &self.shared.options)
    }
}

impl State {
    fn is_full(&self, frame_bytes: u64, options: &LogOptions) -> bool {
        self.offset > SEGMENT_HEADER_BYTES as u64 && self.offset + frame_bytes > options.segment_bytes_max
    }

    fn enter(&mut self, fresh: Fresh, offset: u64) {
        let Fresh { segment, file, salt } = fresh;
        self.earlier.push_back(std::mem::replace(&mut self.current, Segment { bytes: offset, ..segment }));
        self.file = Arc::new(file);
        self.salt = salt;
        self.offset = offset;
    }

    fn made_durable(&mut self, sequence: u64) {
        self.durable = self.durable.max(sequence);
        while self.pending.front().is_some_and(|pending| pending.sequence <= sequence) {
            let pending = self.pending.pop_front().expect("there is a first one");
            self.pending_bytes -= pending.frame.len();
        }
    }
}

impl Shared {
    /// Makes everything durable that has been appended: by a sync, or in a fresh segment. Needs the turn.
    fn settle(&self, state: &mut State) -> Result<(), Error> {
        if state.broken.is_none() {
            self.counts.synced();
            match state.file.sync_data() {
                Ok(()) => {
                    state.made_durable(state.next - 1);
                    return Ok(());
                }
                Err(error) => self.sync_failed(state, &error),
            }
        }
        self.move_on(state).map_err(|error| {
            let reason = error.to_string();
            state.broken = Some(reason.clone());
            Error::Unavailable { reason }
        })
    }

    fn sync_failed(&self, state: &mut State, error: &io::Error) {
        self.counts.sync_failed();
        tracing::error!(segment = %state.current.path.display(), %error, "the log could not be synced");
        state.broken = Some(format!("sync the log: {error}"));
    }

    /// Goes on in a fresh segment, beginning with what is not certainly on disk.
    fn move_on(&self, state: &mut State) -> io::Result<()> {
        let first = if self.options.keep_pending { state.durable + 1 } else { state.next };
        let fresh = self.create_segment(state, first)?;
        let mut offset = SEGMENT_HEADER_BYTES as u64;
        let durable = state.durable;
        for pending in &mut state.pending {
            frame::seal(&mut pending.frame, Kind::Batch, fresh.salt, pending.sequence, durable);
            if let Err(error) = fresh.file.write_all_at(&pending.frame, offset) {
                fresh.discard();
                return Err(error);
            }
            offset += pending.frame.len() as u64;
        }
        self.counts.synced();
        if let Err(error) = fresh.file.sync_data() {
            fresh.discard();
            return Err(error);
        }
        tracing::warn!(segment = %fresh.segment.path.display(), frames = state.pending.len(), "the log goes on in a fresh segment");
        state.current.last = first - 1;
        state.enter(fresh, offset);
        state.made_durable(state.next - 1);
        state.broken = None;
        Ok(())
    }

    /// Begins the next segment because the current one is full. Needs the turn.
    fn rotate(&self, state: &mut State) -> Result<(), Error> {
        self.settle(state)?;
        if state.offset <= SEGMENT_HEADER_BYTES as u64 {
            return Ok(());
        }
        let fresh = self
            .create_segment(state, state.next)
            .map_err(|error| unavailable("begin a segment of the log", &error))?;
        // The seal says that a segment follows, so that its loss is noticed. Without it only that is lost.
        let mut seal = frame::begin();
        frame::seal(&mut seal, Kind::Seal, state.salt, state.next - 1, state.durable);
        if state.file.write_all_at(&seal, state.offset).and_then(|()| state.file.sync_data()).is_err() {
            let _ = state.file.set_len(state.offset);
        }
        state.current.last = state.next - 1;
        state.enter(fresh, SEGMENT_HEADER_BYTES as u64);
        Ok(())
    }

    /// Creates a segment whose header and name are on disk when this returns.
    fn create_segment(&self, state: &State, first: u64) -> io::Result<Fresh> {
        let number = state.current.number + 1;
        create(&self.dir, number, first, state.durable, &self.faults)
    }
}

/// A segment that is not part of the log yet.
struct Fresh {
    segment: Segment,
    file: LogFile,
    salt: u32,
}

impl Fresh {
    fn discard(self) {
        let _ = std::fs::remove_file(&self.segment.path);
    }
}

fn create(dir: &Path, number: u64, first: u64, durable: u64, faults: &Faults) -> io::Result<Fresh> {
    let path = dir.join(segment_name(number));
    let salt = u32::try_from(RandomState::new().hash_one(number) >> 32).expect("32 bits");
    let file = LogFile::create(&path, faults)?;
    let written = file
        .write_all_at(&SegmentHeader { salt, first, durable }.encode(), 0)
        .and_then(|()| file.sync_data())
        .and_then(|()| sync_dir(dir));
    match written {
        Ok(()) => {
            let segment = Segment { number, path, last: 0, bytes: SEGMENT_HEADER_BYTES as u64 };
            Ok(Fresh { segment, file, salt })
        }
        Err(error) => {
            let _ = std::fs::remove_file(&path);
            Err(error)
        }
    }
}

fn segment_name(number: u64) -> String {
    format!("{number:010}.log")
}

pub fn sync_dir(dir: &Path) -> io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

pub fn unavailable(doing: &str, error: &io::Error) -> Error {
    Error::Unavailable { reason: format!("{doing}: {error}") }
}

/// A panic elsewhere leaves nothing half done here: every change under these locks is complete before the next can fail.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
