//! The embedded engine: the rulebook in this process, over a store in one directory. One writer thread takes commands as
//! they come, applies them in units of work, and answers once a unit is as durable as asked.

mod dump;
mod host;
mod keys;
mod pack;
mod retention;
mod rulebook;
mod stats;
pub mod store;
mod writer;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc, thread, time::Duration};

use tokio::sync::{mpsc, oneshot};

use self::{
    dump::Dump,
    stats::Counters,
    store::Durability,
    writer::{Job, Read, Request, Writer},
};
pub use self::{rulebook::sources, stats::Stats};
use super::{Command, Entry, Error, Kept, Ledger, Pending, Reply, Snapshot, wire};
use crate::{
    clock::Clock,
    id::{AccountId, BudgetName, ReservationId},
};

/// A view can be had only between checkpoints: how often it is asked for, and how long after each time.
const VIEW_ATTEMPTS_MAX: usize = 1_200;
const VIEW_RETRY_DELAY: Duration = Duration::from_millis(50);

/// How the engine is to run.
#[derive(Debug, Clone)]
pub struct Options {
    pub durability: Durability,
    /// Bytes of changes that begin a checkpoint; a start has to replay at most about twice as many.
    pub checkpoint_bytes: usize,
    /// Commands that may wait; one more is answered `Overloaded`.
    pub queue_max: usize,
    /// Records that stay loaded between units; about 1 KiB each, and at most twice as many are.
    pub loaded_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Fsync,
            checkpoint_bytes: store::Options::default().dirty_bytes_max,
            queue_max: 8_192,
            loaded_max: 100_000,
        }
    }
}

/// The engine's handle; clones share one writer.
#[derive(Clone)]
pub struct Engine {
    requests: mpsc::Sender<Request>,
    thread: Arc<std::sync::Mutex<Option<thread::JoinHandle<()>>>>,
    counters: Arc<Counters>,
}

impl Engine {
    /// Opens the database in a directory, making it where there is none. Blocks: the log is read through.
    pub fn open(dir: &Path, options: Options, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let (requests, queue) = mpsc::channel(options.queue_max);
        let (opened, result) = std::sync::mpsc::channel();
        let dir = dir.to_path_buf();
        let counters = Arc::new(Counters::default());
        let counted = Arc::clone(&counters);
        // Lua stays on the thread that made it, so the store is opened there too.
        let thread = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || match Writer::open(&dir, &options, clock, counted) {
                Ok(writer) => {
                    let _ = opened.send(Ok(()));
                    writer.run(queue);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            })
            .map_err(|error| Error::Unavailable { reason: format!("cannot start the writer: {error}") })?;
        result.recv().unwrap_or(Err(Error::ShuttingDown))?;
        Ok(Self { requests, thread: Arc::new(std::sync::Mutex::new(Some(thread))), counters })
    }

    /// Whether a database is in that directory.
    pub fn exists(dir: &Path) -> bool {
        store::Store::exists(dir)
    }

    /// What the writer has done so far.
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }

    /// Answers what was taken, closes the store and waits for the writer to end. Later commands fail.
    pub async fn close(&self) -> Result<(), Error> {
        let (done, closed) = oneshot::channel();
        let result = match self.requests.send(Request::Close { done }).await {
            Ok(()) => closed.await.unwrap_or(Err(Error::ShuttingDown)),
            Err(_) => Ok(()),
        };
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        result
    }

    fn send(&self, request: Request) -> Result<(), Error> {
        self.requests.try_send(request).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::Overloaded,
            mpsc::error::TrySendError::Closed(_) => Error::ShuttingDown,
        })
    }

    fn read<T: Send + 'static>(&self, read: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Read) -> Pending<T> {
        let (answer, answered) = oneshot::channel();
        let sent = self.send(Request::Read(read(answer)));
        Box::pin(async move {
            sent?;
            answered.await.unwrap_or(Err(Error::ShuttingDown))
        })
    }
}

impl Ledger for Engine {
    fn apply(&self, command: Command) -> Pending<Reply> {
        let mut packed = Vec::with_capacity(256);
        wire::encode_command(&mut packed, &command);
        let account = command.account;
        let (answer, answered) = oneshot::channel();
        let sent = self.send(Request::Apply(Job { packed, answer }));
        Box::pin(async move {
            sent?;
            let bytes = answered.await.unwrap_or(Err(Error::ShuttingDown))?;
            wire::decode_reply(&bytes, &account)
        })
    }

    fn accounts(&self, after: Option<AccountId>, limit: usize) -> Pending<Vec<AccountId>> {
        self.read(|answer| Read::Accounts { after, limit, answer })
    }

    fn reservations(
        &self,
        account: AccountId,
        after: Option<ReservationId>,
        limit: usize,
    ) -> Pending<Vec<ReservationId>> {
        self.read(|answer| Read::Reservations { account, after, limit, answer })
    }

    fn budgets(&self, account: AccountId, after: Option<BudgetName>, limit: usize) -> Pending<Vec<BudgetName>> {
        self.read(|answer| Read::Budgets { account, after, limit, answer })
    }

    fn activity(&self, account: AccountId, before: Option<u64>, limit: usize) -> Pending<Vec<Entry>> {
        self.read(|answer| Read::Activity { account, before, limit, answer })
    }

    fn put_document(&self, name: String, text: Vec<u8>) -> Pending<()> {
        self.read(|answer| Read::PutDocument { name, text, answer })
    }

    fn documents(&self, prefix: String) -> Pending<Vec<(String, Vec<u8>)>> {
        self.read(|answer| Read::Documents { prefix, answer })
    }

    fn snapshot(&self) -> Pending<Box<dyn Snapshot>> {
        let engine = self.clone();
        Box::pin(async move {
            for _ in 0..VIEW_ATTEMPTS_MAX {
                if let Some(view) = engine.read(|answer| Read::View { answer }).await? {
                    return Ok(Box::new(Dump::new(view)) as Box<dyn Snapshot>);
                }
                tokio::time::sleep(VIEW_RETRY_DELAY).await;
            }
            Err(Error::Unavailable { reason: "a checkpoint is being written and does not end".to_owned() })
        })
    }

    fn restore(&self, pieces: Vec<Kept>) -> Pending<()> {
        self.read(|answer| Read::Restore { pieces, answer })
    }
}
