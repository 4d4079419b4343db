//! Writes an export: the header first, then pieces, then the end.

use super::{End, FORMAT, Header, Line, Totals, line_of};
use crate::{
    clock::Millis,
    ledger::{Error, Kept, Ledger, Snapshot},
};

/// Pieces that one step of an export takes.
const STEP: usize = 256;

/// Turns pieces into lines, and counts and sums them.
#[derive(Default)]
pub struct LineWriter {
    totals: Totals,
}

impl LineWriter {
    /// The first line.
    pub fn header(now: Millis) -> Vec<u8> {
        let time = i64::try_from(now.get()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let header = Header {
            stipend_export: FORMAT,
            release: env!("CARGO_PKG_VERSION").to_owned(),
            time: time.map(|time| time.to_string()).unwrap_or_default(),
        };
        ended(serde_json::to_vec(&header).expect("strings and numbers are JSON"))
    }

    /// Adds the line of a piece to `out`. `Err`: the name of a document that is no text.
    pub fn write(&mut self, piece: &Kept, out: &mut Vec<u8>) -> Result<(), String> {
        let line = line_of(piece)?;
        self.totals.add(piece, &line);
        out.extend(ended(line));
        Ok(())
    }

    /// What has been written so far.
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The last line.
    pub fn end(&self) -> Vec<u8> {
        let line = Line { end: Some(End::from(&self.totals)), ..Line::default() };
        ended(serde_json::to_vec(&line).expect("strings and numbers are JSON"))
    }
}

/// An export of a whole ledger, step by step, while that goes on serving.
pub struct Export {
    snapshot: Box<dyn Snapshot>,
    writer: LineWriter,
    header: Option<Vec<u8>>,
    ended: bool,
}

impl Export {
    pub async fn begin(ledger: &dyn Ledger, now: Millis) -> Result<Self, Error> {
        let snapshot = ledger.snapshot().await?;
        Ok(Self { snapshot, writer: LineWriter::default(), header: Some(LineWriter::header(now)), ended: false })
    }

    /// The next lines; `None` after the last one.
    pub async fn step(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let mut lines = self.header.take().unwrap_or_default();
        let pieces = self.snapshot.next(STEP).await?;
        for piece in &pieces {
            self.writer.write(piece, &mut lines).map_err(|document| Error::Damaged {
                record: format!("document {document}"),
                reason: "it is no text".to_owned(),
            })?;
        }
        if pieces.is_empty() {
            self.ended = true;
            lines.extend(self.writer.end());
        }
        Ok(Some(lines))
    }

    /// What has been written so far.
    pub const fn totals(&self) -> &Totals {
        self.writer.totals()
    }
}

fn ended(mut line: Vec<u8>) -> Vec<u8> {
    line.push(b'\n');
    line
}
