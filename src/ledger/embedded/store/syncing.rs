//! Who waits for the disk besides the writer: whoever answers callers, and the thread that syncs now and then.

use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use super::{
    Durability, Error, Position,
    log::{Log, unavailable},
};

/// Waits until appended batches are durable. Several may wait at once: one sync serves all that were appended before it.
#[derive(Debug, Clone)]
pub struct Syncer {
    log: Log,
    durability: Durability,
}

impl Syncer {
    pub(super) fn new(log: Log, durability: Durability) -> Self {
        Self { log, durability }
    }

    /// Returns when the batch at `position`, and all before it, are as durable as the store promises.
    pub fn sync(&self, position: Position) -> Result<(), Error> {
        match self.durability {
            Durability::Fsync => self.log.sync(position.0),
            Durability::Interval(_) | Durability::None => Ok(()),
        }
    }
}

/// The thread that syncs the log at every interval. Dropping it ends it.
pub struct IntervalSync {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl IntervalSync {
    pub fn start(log: Log, every: Duration) -> Result<Self, Error> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("store-sync".into())
            .spawn(move || {
                while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    if let Err(error) = log.sync_all() {
                        tracing::error!(%error, "the log is not durable");
                    }
                }
            })
            .map_err(|error| unavailable("start the sync's thread", &error))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for IntervalSync {
    fn drop(&mut self) {
        self.stop = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sync's thread panicked");
        }
    }
}
