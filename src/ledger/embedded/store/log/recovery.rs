//! Opens a log: replays what the checkpoint does not have, cuts a torn tail, refuses damage.
//!
//! What counts: the batches of each segment whose sequences follow one another without a gap and lie below the next
//! segment's first. Segments that hold nothing after the checkpoint are not even looked at.

use std::{collections::VecDeque, fs, io, path::Path, path::PathBuf, sync::Arc, sync::Mutex};

use super::super::{
    Counts, Error,
    batch::Batch,
    frame::{self, Kind, SEGMENT_HEADER_BYTES, SegmentHeader},
};
use super::{
    Log, LogOptions, Segment, Shared, State, create,
    file::{Faults, LogFile},
    sync_dir, unavailable,
};

/// What opening the log did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Batches that the checkpoint did not have.
    pub batches: u64,
    /// Bytes of a torn tail that were cut off.
    pub cut_bytes: u64,
}

/// A segment file as found.
struct Found {
    number: u64,
    path: PathBuf,
    bytes: u64,
    /// `None`: it is not whole.
    header: Option<SegmentHeader>,
}

/// Where reading a segment ended.
struct End {
    /// Behind the last frame that counts.
    offset: usize,
    /// The sequence that comes next.
    next: u64,
    sealed: bool,
    /// Something lies there that is no frame of this log.
    bad: bool,
}

impl Log {
    /// Opens the log in `dir`, handing every batch after `checkpointed` to `replay` in order.
    pub fn open(
        dir: &Path,
        options: LogOptions,
        counts: Arc<Counts>,
        checkpointed: u64,
        mut replay: impl FnMut(u64, &Batch) -> Result<(), Error>,
    ) -> Result<(Self, Recovered), Error> {
        let faults = Faults::default();
        let mut recovered = Recovered::default();
        let mut found = list(dir).map_err(|error| unavailable("list the log", &error))?;
        // The crash of a store that was about to begin a segment: its header never became whole.
        if let Some(last) = found.last()
            && last.header.is_none()
            && last.bytes <= SEGMENT_HEADER_BYTES as u64
        {
            remove(&found.pop().expect("there is a last one").path)?;
        }
        if found.is_empty() && checkpointed == 0 {
            let state = begin(dir, 1, 1, 0, &faults)?;
            return Ok((Self::with(dir, options, counts, faults, state), recovered));
        }
        let start = start(&found, checkpointed)?;
        for segment in found.drain(..start) {
            remove(&segment.path)?;
        }

        let mut earlier = VecDeque::new();
        let mut next = header(&found[0])?.first;
        for at in 0..found.len() {
            let segment = &found[at];
            let limit = found.get(at + 1).map(header).transpose()?.map(|header| header.first);
            let bytes = fs::read(&segment.path).map_err(|error| unavailable("read the log", &error))?;
            let salt = header(segment)?.salt;
            let end = read(segment, &bytes, salt, next, limit, |sequence, batch| {
                if sequence <= checkpointed {
                    return Ok(());
                }
                recovered.batches += 1;
                replay(sequence, batch)
            })?;
            next = end.next;
            match limit {
                // Whatever lies behind is void: the next segment took over here.
                Some(first) if first == next => {
                    earlier.push_back(found[at].sealed_at(next - 1));
                    continue;
                }
                None if !end.bad && !end.sealed => {}
                None if end.sealed => {
                    return Err(damaged(segment, end.offset, "the segment that follows it is missing"));
                }
                Some(_) | None => {
                    if promised(&bytes[end.offset..], salt, &found[at + 1..], next)? {
                        return Err(damaged(segment, end.offset, &format!("batch {next} cannot be read")));
                    }
                }
            }
            // The end of the log: what follows was never on disk as a whole.
            recovered.cut_bytes = segment.bytes - end.offset as u64;
            for void in &found[at + 1..] {
                recovered.cut_bytes += void.bytes;
            }
            for void in found.drain(at + 1..) {
                remove(&void.path)?;
            }
            let segment = &found[at];
            let state = if next <= checkpointed {
                let state = begin(dir, segment.number + 1, checkpointed + 1, checkpointed, &faults)?;
                remove(&segment.path)?;
                state
            } else {
                resume(segment, salt, end.offset as u64, next, earlier, &faults)?
            };
            return Ok((Self::with(dir, options, counts, faults, state), recovered));
        }
        unreachable!("the last segment has no limit and ends the log")
    }

    fn with(dir: &Path, options: LogOptions, counts: Arc<Counts>, faults: Faults, state: State) -> Self {
        let shared =
            Shared { dir: dir.into(), options, counts, faults, turn: Mutex::new(()), state: Mutex::new(state) };
        Self { shared: Arc::new(shared) }
    }
}

impl Found {
    fn sealed_at(&self, last: u64) -> Segment {
        Segment { number: self.number, path: self.path.clone(), last, bytes: self.bytes }
    }
}

/// Lists the segments, oldest first.
fn list(dir: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".log")?.parse::<u64>().ok());
        let Some(number) = number else { continue };
        let mut bytes = Vec::new();
        let file = fs::File::open(&path)?;
        io::Read::read_to_end(&mut io::Read::take(&file, SEGMENT_HEADER_BYTES as u64), &mut bytes)?;
        found.push(Found { number, bytes: file.metadata()?.len(), header: SegmentHeader::decode(&bytes), path });
    }
    found.sort_by_key(|segment| segment.number);
    Ok(found)
}

/// The index of the segment to begin with: the last one that begins at or before what the checkpoint lacks.
fn start(found: &[Found], checkpointed: u64) -> Result<usize, Error> {
    let begins_early = |segment: &Found| segment.header.is_some_and(|header| header.first <= checkpointed + 1);
    if let Some(start) = found.iter().rposition(begins_early) {
        return Ok(start);
    }
    if let Some(broken) = found.iter().find(|segment| segment.header.is_none()) {
        header(broken)?;
    }
    Err(Error::Damaged {
        record: "log".into(),
        reason: format!("the segment with batch {} is missing", checkpointed + 1),
    })
}

fn header(segment: &Found) -> Result<SegmentHeader, Error> {
    segment.header.ok_or_else(|| damaged(segment, 0, "the header of the segment is damaged"))
}

/// Reads the batches that count, from sequence `next` to below `limit`.
fn read(
    segment: &Found,
    bytes: &[u8],
    salt: u32,
    mut next: u64,
    limit: Option<u64>,
    mut batch: impl FnMut(u64, &Batch) -> Result<(), Error>,
) -> Result<End, Error> {
    let mut offset = SEGMENT_HEADER_BYTES;
    let end = |offset, next, sealed, bad| Ok(End { offset, next, sealed, bad });
    loop {
        let Some(frame) = frame::decode(&bytes[offset..], salt) else {
            return end(offset, next, false, offset < bytes.len());
        };
        match frame.kind {
            Kind::Batch if limit.is_some_and(|limit| frame.sequence >= limit) => {
                return end(offset, next, false, false);
            }
            Kind::Batch if frame.sequence == next => {
                let decoded = Batch::decode(frame.body)
                    .ok_or_else(|| damaged(segment, offset, "the batch does not say what it should"))?;
                batch(next, &decoded)?;
                next += 1;
            }
            Kind::Seal if frame.sequence + 1 == next => return end(offset, next, true, false),
            Kind::Close if frame.sequence + 1 == next => {}
            Kind::Batch | Kind::Seal | Kind::Close => return end(offset, next, false, true),
        }
        offset += frame.len();
    }
}

/// Whether anything that was written later says that batch `sequence` was on disk.
fn promised(rest: &[u8], salt: u32, later: &[Found], sequence: u64) -> Result<bool, Error> {
    if frame::search(rest, salt).any(|frame| frame.durable >= sequence) {
        return Ok(true);
    }
    for segment in later {
        let header = header(segment)?;
        let bytes = fs::read(&segment.path).map_err(|error| unavailable("read the log", &error))?;
        if header.durable >= sequence || frame::search(&bytes, header.salt).any(|frame| frame.durable >= sequence) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Begins a log that has no segment to go on with.
fn begin(dir: &Path, number: u64, first: u64, durable: u64, faults: &Faults) -> Result<State, Error> {
    let fresh = create(dir, number, first, durable, faults).map_err(|error| unavailable("begin the log", &error))?;
    Ok(state(fresh.segment, fresh.file, fresh.salt, SEGMENT_HEADER_BYTES as u64, first, VecDeque::new()))
}

/// Goes on in the segment where the log ends, once all of it is certainly on disk.
fn resume(
    segment: &Found,
    salt: u32,
    offset: u64,
    next: u64,
    earlier: VecDeque<Segment>,
    faults: &Faults,
) -> Result<State, Error> {
    let file = LogFile::open(&segment.path, faults)
        .and_then(|file| {
            if offset < segment.bytes {
                file.set_len(offset)?;
            }
            file.sync_data()?;
            Ok(file)
        })
        .map_err(|error| unavailable("go on with the log", &error))?;
    let current = Segment { bytes: offset, ..segment.sealed_at(0) };
    Ok(state(current, file, salt, offset, next, earlier))
}

fn state(current: Segment, file: LogFile, salt: u32, offset: u64, next: u64, earlier: VecDeque<Segment>) -> State {
    State {
        earlier,
        current,
        file: Arc::new(file),
        salt,
        offset,
        next,
        durable: next - 1,
        pending: VecDeque::new(),
        pending_bytes: 0,
        broken: None,
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    fs::remove_file(path)
        .and_then(|()| path.parent().map_or(Ok(()), sync_dir))
        .map_err(|error| unavailable("remove a log segment", &error))
}

fn damaged(segment: &Found, offset: usize, reason: &str) -> Error {
    let name = segment.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Error::Damaged { record: format!("log segment {name} at offset {offset}"), reason: reason.into() }
}
