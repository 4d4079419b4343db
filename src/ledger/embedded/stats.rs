//! What the writer counts, for metrics and benches.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Counters that the writer adds to.
#[derive(Debug, Default)]
pub struct Counters {
    units: AtomicU64,
    commands: AtomicU64,
    rules_ns: AtomicU64,
    store_ns: AtomicU64,
}

/// What the writer has done since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Units of work that were applied.
    pub units: u64,
    /// Commands in them.
    pub commands: u64,
    /// Time in the rulebook, packing and unpacking of commands, records and replies included.
    pub rules: Duration,
    /// Time in commits of the store, syncs included.
    pub store: Duration,
}

impl Counters {
    pub fn applied(&self, commands: usize, since: Instant) {
        self.units.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(commands as u64, Ordering::Relaxed);
        self.rules_ns.fetch_add(nanos(since), Ordering::Relaxed);
    }

    pub fn kept(&self, since: Instant) {
        self.store_ns.fetch_add(nanos(since), Ordering::Relaxed);
    }

    pub fn read(&self) -> Stats {
        Stats {
            units: self.units.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            rules: Duration::from_nanos(self.rules_ns.load(Ordering::Relaxed)),
            store: Duration::from_nanos(self.store_ns.load(Ordering::Relaxed)),
        }
    }
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
