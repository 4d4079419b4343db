//! The seam between the service and the engines that keep the ledger: commands in, answers out. The rules are the
//! rulebook's (`ledger/rules/*.lua`); prices, plans and calendars are the service's; where records live is the engine's.

mod answer;
pub mod audit;
mod command;
pub mod embedded;
mod entry;
mod kept;
pub mod lines;
pub mod record;
mod rules;
pub mod wire;

use std::{future::Future, pin::Pin};

use crate::id::{AccountId, BudgetName, ReservationId};

pub use self::{answer::*, command::*, entry::*, kept::*};
pub use crate::terms::{Cap, Labels, OnExpiry, Once, PoolKind, Price, Rollover, Round, Window};

/// Most commands in one unit of work.
pub const UNIT_COMMANDS_MAX: usize = 512;

/// An engine that keeps accounts under the rulebook.
pub trait Ledger: Send + Sync + 'static {
    /// Applies one command atomically. The future may be dropped: a command that has been taken is applied all the same.
    fn apply(&self, command: Command) -> Pending<Reply>;

    /// Lists ids of accounts after `after`, in order, at most `limit`.
    fn accounts(&self, after: Option<AccountId>, limit: usize) -> Pending<Vec<AccountId>>;

    /// Lists ids of reservations of an account after `after`, in order, at most `limit`.
    fn reservations(
        &self,
        account: AccountId,
        after: Option<ReservationId>,
        limit: usize,
    ) -> Pending<Vec<ReservationId>>;

    /// Lists names of budgets of an account after `after`, in order, at most `limit`.
    fn budgets(&self, account: AccountId, after: Option<BudgetName>, limit: usize) -> Pending<Vec<BudgetName>>;

    /// Lists what happened to an account before `before` (a sequence), newest first, at most `limit`.
    fn activity(&self, account: AccountId, before: Option<u64>, limit: usize) -> Pending<Vec<Entry>>;

    /// Keeps a text under a name, such as a catalog version that accounts may stay on.
    fn put_document(&self, name: String, text: Vec<u8>) -> Pending<()>;

    /// Reads every document whose name begins with `prefix`, in order.
    fn documents(&self, prefix: String) -> Pending<Vec<(String, Vec<u8>)>>;

    /// Begins to read everything that is kept, without holding up commands.
    fn snapshot(&self) -> Pending<Box<dyn Snapshot>>;

    /// Keeps pieces as another ledger handed them out. For a ledger that held nothing before: what is there under the
    /// same names is replaced.
    fn restore(&self, pieces: Vec<Kept>) -> Pending<()>;
}

/// An answer that is on its way.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Why an engine could not answer. Not a refusal: the command may be repeated with the same ids.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the store is unavailable: {reason}")]
    Unavailable { reason: String },
    /// The queue of commands is full.
    #[error("too many commands wait")]
    Overloaded,
    #[error("the ledger is shutting down")]
    ShuttingDown,
    /// What was read is not what was written.
    #[error("record {record} is damaged: {reason}")]
    Damaged { record: String, reason: String },
    /// A defect of the rulebook; nothing was changed.
    #[error("the rulebook failed: {reason}")]
    Rulebook { reason: String },
}
