//! Proves conservation (rule 22) over everything that a ledger keeps: granted = remaining + (consumed - overage) + lapsed
//! and held = the sum of the open holds, for every pool, and names what differs. It reads records, not balances, and
//! shares nothing with the rules that wrote them.

mod account;

use std::fmt;

use self::account::AccountAudit;
use super::{Error, Kept, Ledger, Snapshot, record, wire};
use crate::id::AccountId;

/// Differences that are kept with their text; more are only counted.
pub const DIFFERENCES_MAX: usize = 1_000;

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub account: AccountId,
    /// Such as `pool ai_credits` or `reservation call-7`.
    pub place: String,
    pub text: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.account, self.place, self.text)
    }
}

/// What was read, and what of it does not add up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub documents: u64,
    pub accounts: u64,
    pub pools: u64,
    pub budgets: u64,
    pub reservations: u64,
    pub open_holds: u64,
    pub entries: u64,
    /// All of them; `found` holds the first `DIFFERENCES_MAX`.
    pub differences: u64,
    pub found: Vec<Difference>,
}

impl Report {
    pub const fn is_clean(&self) -> bool {
        self.differences == 0
    }

    fn add(&mut self, account: &AccountId, place: String, text: String) {
        self.differences += 1;
        if self.found.len() < DIFFERENCES_MAX {
            self.found.push(Difference { account: account.clone(), place, text });
        }
    }
}

/// Takes the pieces of a snapshot in their order. Holds one account at a time: its pools, budgets and open holds.
#[derive(Default)]
pub struct Auditor {
    current: Option<AccountAudit>,
    report: Report,
}

impl Auditor {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &Kept) {
        let account = match piece {
            Kept::Document { .. } => {
                self.report.documents += 1;
                return;
            }
            Kept::Record { account, .. } | Kept::Hold { account, .. } | Kept::Entry { account, .. } => account,
        };
        if self.current.as_ref().is_none_or(|current| current.id != *account) {
            self.end_account();
        }
        let report = &mut self.report;
        let current = self.current.get_or_insert_with(|| {
            report.accounts += 1;
            AccountAudit::new(account.clone())
        });
        match piece {
            Kept::Document { .. } => {}
            Kept::Record { record, .. } => match record::decode(&record.field, &record.bytes) {
                Ok(decoded) => current.take(&record.field, decoded, report),
                Err(error) => report.add(account, format!("record {}", record.field.escape_debug()), error.to_string()),
            },
            Kept::Hold { id, expires, .. } => current.take_hold(id.as_str(), expires.get(), report),
            Kept::Entry { sequence, bytes, .. } => {
                report.entries += 1;
                if let Err(error) = wire::decode_entry(bytes, *sequence) {
                    report.add(account, format!("activity {sequence}"), error.to_string());
                }
            }
        }
    }

    /// What has been read so far.
    pub const fn progress(&self) -> &Report {
        &self.report
    }

    /// What came of it all.
    pub fn finish(mut self) -> Report {
        self.end_account();
        self.report
    }

    fn end_account(&mut self) {
        if let Some(account) = self.current.take() {
            account.finish(&mut self.report);
        }
    }
}

/// Pieces that one step of an audit takes.
const STEP: usize = 1_000;

/// An audit of a whole ledger, step by step, while that goes on serving.
pub struct Audit {
    snapshot: Box<dyn Snapshot>,
    auditor: Auditor,
}

impl Audit {
    pub async fn begin(ledger: &dyn Ledger) -> Result<Self, Error> {
        Ok(Self { snapshot: ledger.snapshot().await?, auditor: Auditor::default() })
    }

    /// Takes some pieces; false once there are no more.
    pub async fn step(&mut self) -> Result<bool, Error> {
        let pieces = self.snapshot.next(STEP).await?;
        for piece in &pieces {
            self.auditor.take(piece);
        }
        Ok(!pieces.is_empty())
    }

    /// What has been read so far; the account that is being read is not judged yet.
    pub const fn progress(&self) -> &Report {
        self.auditor.progress()
    }

    pub fn finish(self) -> Report {
        self.auditor.finish()
    }
}

#[cfg(test)]
mod tests;
