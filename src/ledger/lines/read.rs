//! Reads an export line by line, and refuses one that is cut short or changed.

use std::io::{self, BufRead, Read as _};

use super::{End, FORMAT, Header, LINE_MAX, Line, Totals, piece_of};
use crate::ledger::Kept;

/// What is wrong with an export, and where.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Problem {
    pub line: u64,
    pub reason: String,
}

/// The pieces of an export.
pub struct Lines<R> {
    input: R,
    line: u64,
    totals: Totals,
    header: Header,
    ended: bool,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads the header.
    pub fn open(input: R) -> Result<Self, Problem> {
        let header = Header { stipend_export: 0, release: String::new(), time: String::new() };
        let mut lines = Self { input, line: 0, totals: Totals::default(), header, ended: false, buffer: Vec::new() };
        if !lines.read_line()? {
            return Err(lines.problem("the file is empty"));
        }
        let header: Result<Header, _> = serde_json::from_slice(&lines.buffer);
        lines.header = header.map_err(|_| lines.problem("is not the first line of an export of Stipend"))?;
        match lines.header.stipend_export {
            FORMAT => Ok(lines),
            other => Err(lines.problem(&format!(
                "the export has format {other}, written by release {}; this release reads {FORMAT}",
                lines.header.release
            ))),
        }
    }

    /// The next piece; `None` once the end has been read and what was read agrees with it.
    pub fn piece(&mut self) -> Result<Option<Kept>, Problem> {
        if !self.read_line()? {
            return if self.ended { Ok(None) } else { Err(self.problem("the export is cut short: it has no end")) };
        }
        if self.ended {
            return Err(self.problem("comes after the end"));
        }
        let mut line: Line = serde_json::from_slice(&self.buffer).map_err(|error| self.problem(&error.to_string()))?;
        if let Some(end) = line.end.take() {
            self.check(&end)?;
            self.ended = true;
            return self.piece();
        }
        let piece = piece_of(line).map_err(|reason| self.problem(&reason))?;
        self.totals.add(&piece, &self.buffer);
        Ok(Some(piece))
    }

    /// What has been read so far.
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    pub const fn header(&self) -> &Header {
        &self.header
    }

    fn check(&self, end: &End) -> Result<(), Problem> {
        let read = End::from(&self.totals);
        if read == *end {
            return Ok(());
        }
        let text = |end: &End| serde_json::to_string(end).expect("strings and numbers are JSON");
        Err(self.problem(&format!("the end says {}, the lines before it are {}", text(end), text(&read))))
    }

    /// Reads a line without its end; false where there is none.
    fn read_line(&mut self) -> Result<bool, Problem> {
        self.line += 1;
        self.buffer.clear();
        let most = LINE_MAX as u64 + 1;
        let read = self.input.by_ref().take(most).read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|error: io::Error| self.problem(&error.to_string()))?;
        if read == 0 {
            return Ok(false);
        }
        if self.buffer.pop_if(|last| *last == b'\n').is_none() {
            let reason =
                if read > LINE_MAX { format!("is longer than {LINE_MAX} bytes") } else { "is cut short".into() };
            return Err(self.problem(&reason));
        }
        Ok(true)
    }

    fn problem(&self, reason: &str) -> Problem {
        Problem { line: self.line, reason: reason.to_owned() }
    }
}
