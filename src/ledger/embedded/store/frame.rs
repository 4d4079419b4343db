//! How the log lies on disk: a header per segment, then frames. Pure; files are the log's business.
//!
//! Every frame says up to which sequence the log was known to be on disk when the frame was written (`durable`). That
//! tells damage from a torn tail: a bad frame that a later one calls durable was damaged; any other is where a crash
//! stopped the disk, though later frames may have reached it.
//!
//! A salt per segment goes into every checksum, so that neither a value that looks like a frame nor the remains of
//! another file pass for one.

/// Bytes of a segment's header.
pub const SEGMENT_HEADER_BYTES: usize = 32;
/// Bytes before a frame's body.
pub const FRAME_HEADER_BYTES: usize = 36;

const SEGMENT_MAGIC: [u8; 8] = *b"stiplog1";
const FRAME_MAGIC: [u8; 4] = [0xf5, b'S', b'B', 0x01];

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    pub salt: u32,
    /// Sequence of the first batch that belongs here. Frames of the segment before with this sequence or a later one do not count.
    pub first: u64,
    /// As in a frame.
    pub durable: u64,
}

impl SegmentHeader {
    pub fn encode(self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut out = [0; SEGMENT_HEADER_BYTES];
        out[..8].copy_from_slice(&SEGMENT_MAGIC);
        out[8..12].copy_from_slice(&self.salt.to_le_bytes());
        out[12..20].copy_from_slice(&self.first.to_le_bytes());
        out[20..28].copy_from_slice(&self.durable.to_le_bytes());
        let crc = crc32fast::hash(&out[..28]);
        out[28..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..SEGMENT_HEADER_BYTES)?;
        let whole = bytes[..8] == SEGMENT_MAGIC && crc32fast::hash(&bytes[..28]) == u32_at(bytes, 28);
        whole.then(|| Self { salt: u32_at(bytes, 8), first: u64_at(bytes, 12), durable: u64_at(bytes, 20) })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A batch; its sequence is one more than that of the batch before.
    Batch,
    /// The last frame of its segment: another segment follows. Carries the sequence of the last batch.
    Seal,
    /// The store was closed properly. Carries the sequence of the last batch.
    Close,
}

impl Kind {
    const fn code(self) -> u32 {
        match self {
            Self::Batch => 1,
            Self::Seal => 2,
            Self::Close => 3,
        }
    }

    const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Batch),
            2 => Some(Self::Seal),
            3 => Some(Self::Close),
            _ => None,
        }
    }
}

/// A frame whose checksums hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub kind: Kind,
    pub sequence: u64,
    pub durable: u64,
    pub body: &'a [u8],
}

impl Frame<'_> {
    pub fn len(&self) -> usize {
        FRAME_HEADER_BYTES + self.body.len()
    }
}

/// Begins a frame: the body is appended to what this returns, then `seal` completes it.
pub fn begin() -> Vec<u8> {
    vec![0; FRAME_HEADER_BYTES]
}

/// Writes the header over the first bytes of `frame`.
pub fn seal(frame: &mut [u8], kind: Kind, salt: u32, sequence: u64, durable: u64) {
    let (header, body) = frame.split_at_mut(FRAME_HEADER_BYTES);
    header[..4].copy_from_slice(&FRAME_MAGIC);
    header[4..8].copy_from_slice(&kind.code().to_le_bytes());
    header[8..12].copy_from_slice(&u32::try_from(body.len()).expect("batches are bounded").to_le_bytes());
    header[12..20].copy_from_slice(&sequence.to_le_bytes());
    header[20..28].copy_from_slice(&durable.to_le_bytes());
    header[28..32].copy_from_slice(&salted(salt, body).to_le_bytes());
    let crc = salted(salt, &header[..32]);
    header[32..36].copy_from_slice(&crc.to_le_bytes());
}

/// Reads the frame that begins `bytes`; `None` where there is no whole one.
pub fn decode(bytes: &[u8], salt: u32) -> Option<Frame<'_>> {
    let header = bytes.get(..FRAME_HEADER_BYTES)?;
    if header[..4] != FRAME_MAGIC || salted(salt, &header[..32]) != u32_at(header, 32) {
        return None;
    }
    let body_len = usize::try_from(u32_at(header, 8)).ok()?;
    let body = bytes.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES.checked_add(body_len)?)?;
    if salted(salt, body) != u32_at(header, 28) {
        return None;
    }
    let kind = Kind::from_code(u32_at(header, 4))?;
    Some(Frame { kind, sequence: u64_at(header, 12), durable: u64_at(header, 20), body })
}

/// Finds the whole frames in `bytes`, wherever they begin.
pub fn search(bytes: &[u8], salt: u32) -> impl Iterator<Item = Frame<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = bytes.get(at..)?.windows(FRAME_MAGIC.len()).position(|window| window == FRAME_MAGIC) {
            at += found;
            match decode(&bytes[at..], salt) {
                Some(frame) => {
                    at += frame.len();
                    return Some(frame);
                }
                None => at += 1,
            }
        }
        None
    })
}

fn salted(salt: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(salt: u32, body: &[u8]) -> Vec<u8> {
        let mut frame = begin();
        frame.extend_from_slice(body);
        seal(&mut frame, Kind::Batch, salt, 7, 5);
        frame
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_noticed() {
        let frame = sample(9, b"some body");
        assert_eq!(decode(&frame, 9), Some(Frame { kind: Kind::Batch, sequence: 7, durable: 5, body: b"some body" }));
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped, 9), None, "bit {bit}");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_segment_header_is_noticed() {
        let header = SegmentHeader { salt: 3, first: 11, durable: 10 };
        assert_eq!(SegmentHeader::decode(&header.encode()), Some(header));
        for bit in 0..SEGMENT_HEADER_BYTES * 8 {
            let mut flipped = header.encode();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(&flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn a_frame_of_another_segment_does_not_pass() {
        assert_eq!(decode(&sample(1, b"body"), 2), None);
    }

    #[test]
    fn frames_are_found_behind_garbage() {
        let mut bytes = vec![0; 100];
        bytes.extend_from_slice(&FRAME_MAGIC);
        bytes.extend_from_slice(&sample(9, b"one"));
        bytes.extend_from_slice(&[0xf5, 1, 2]);
        bytes.extend_from_slice(&sample(9, b"two"));
        assert_eq!(search(&bytes, 9).map(|frame| frame.body).collect::<Vec<_>>(), [b"one", b"two"]);
    }
}
