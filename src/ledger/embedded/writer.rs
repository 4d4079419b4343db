//! The writer: takes requests as they come, applies commands in units of work of at most `UNIT_COMMANDS_MAX`, keeps each
//! unit with one commit of the store, and answers then. While one unit is being kept the next gathers: no timer.

use std::{
    path::Path,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

use super::{
    Options,
    host::{self, Host},
    keys,
    retention::Retention,
    rulebook::Rulebook,
    stats::Counters,
    store::{self, Batch, Store, View},
};
use crate::{
    clock::{Clock, Millis},
    id::{AccountId, BudgetName, ReservationId},
    ledger::{Entry, Error, Kept, UNIT_COMMANDS_MAX, wire},
};

/// How often a command that settles much that came due may ask to be repeated.
const AGAIN_MAX: usize = 100_000;
/// The first byte of the reply that asks for it.
const AGAIN: u8 = 4;
/// Most records dropped beside a unit of work, beyond two for each of its commands.
const DROPS: usize = 64;
/// Most rows that any list returns at once.
const LIST_MAX: usize = 100_000;

type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// A packed command and where its packed reply goes.
pub struct Job {
    pub packed: Vec<u8>,
    pub answer: Answer<Vec<u8>>,
}

pub enum Request {
    Apply(Job),
    Read(Read),
    Close { done: Answer<()> },
}

/// What does not go through the rulebook.
pub enum Read {
    Accounts {
        after: Option<AccountId>,
        limit: usize,
        answer: Answer<Vec<AccountId>>,
    },
    Reservations {
        account: AccountId,
        after: Option<ReservationId>,
        limit: usize,
        answer: Answer<Vec<ReservationId>>,
    },
    Budgets {
        account: AccountId,
        after: Option<BudgetName>,
        limit: usize,
        answer: Answer<Vec<BudgetName>>,
    },
    Activity {
        account: AccountId,
        before: Option<u64>,
        limit: usize,
        answer: Answer<Vec<Entry>>,
    },
    PutDocument {
        name: String,
        text: Vec<u8>,
        answer: Answer<()>,
    },
    Documents {
        prefix: String,
        answer: Answer<Vec<(String, Vec<u8>)>>,
    },
    /// `None`: not while a checkpoint is being written.
    View {
        answer: Answer<Option<View>>,
    },
    Restore {
        pieces: Vec<Kept>,
        answer: Answer<()>,
    },
}

pub struct Writer {
    host: Rc<Host>,
    rulebook: Rulebook,
    clock: Arc<dyn Clock>,
    loaded_max: usize,
    retention: Retention,
    /// Nothing can be dropped before this moment.
    next_drop: Millis,
    counters: Arc<Counters>,
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Damaged { record, reason } => Self::Damaged { record, reason },
            other => Self::Unavailable { reason: other.to_string() },
        }
    }
}

fn rulebook_failed(error: &mlua::Error) -> Error {
    Error::Rulebook { reason: error.to_string() }
}

fn number(bytes: Option<&[u8]>) -> u64 {
    bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

impl Writer {
    pub fn open(dir: &Path, options: &Options, clock: Arc<dyn Clock>, counters: Arc<Counters>) -> Result<Self, Error> {
        let store_options = store::Options { durability: options.durability, ..store::Options::default() }
            .with_checkpoint_bytes(options.checkpoint_bytes);
        let store = Store::open(dir, store_options)?;
        let sequence = number(store.get(keys::SEQUENCE)?.as_deref());
        let kept = number(store.get(keys::RETENTION)?.as_deref());
        let retention = match Millis::new(kept) {
            Some(kept) if kept.get() > 0 => kept,
            _ => clock.now(),
        };
        let host = Host::new(store, sequence);
        let rulebook = Rulebook::load(&host).map_err(|error| rulebook_failed(&error))?;
        Ok(Self {
            host,
            rulebook,
            clock,
            loaded_max: options.loaded_max,
            retention: Retention::from(retention),
            next_drop: Millis::default(),
            counters,
        })
    }

    /// Serves until it is told to close or every handle is gone.
    pub fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let mut jobs = Vec::with_capacity(UNIT_COMMANDS_MAX);
        let mut reads = Vec::new();
        let mut close = None;
        while close.is_none() {
            let Some(first) = queue.blocking_recv() else { break };
            let mut next = Some(first);
            while let Some(request) = next.take() {
                match request {
                    Request::Apply(job) => jobs.push(job),
                    Request::Read(read) => reads.push(read),
                    Request::Close { done } => close = Some(done),
                }
                if jobs.len() + reads.len() < UNIT_COMMANDS_MAX && close.is_none() {
                    next = queue.try_recv().ok();
                }
            }
            self.unit(&mut jobs);
            reads.drain(..).for_each(|read| self.read(read));
        }
        queue.close();
        while let Ok(request) = queue.try_recv() {
            match request {
                Request::Apply(job) => {
                    jobs.push(job);
                    self.unit(&mut jobs);
                }
                Request::Read(read) => self.read(read),
                Request::Close { done } => drop(done),
            }
        }
        let closed = self.finish();
        if let Some(done) = close {
            let _ = done.send(closed);
        }
    }

    fn finish(self) -> Result<(), Error> {
        let Self { host, rulebook, .. } = self;
        drop(rulebook);
        match Rc::try_unwrap(host) {
            Ok(host) => host.store.into_inner().close().map_err(Error::from),
            // Lua's functions hold the host too and have been dropped with it; were one left, dropping closes as well.
            Err(_) => Ok(()),
        }
    }

    /// Applies commands until all are answered: those that ask to be repeated go round again.
    fn unit(&mut self, jobs: &mut Vec<Job>) {
        for _ in 0..AGAIN_MAX {
            if jobs.is_empty() {
                return;
            }
            let replies = self.apply(jobs);
            let mut repeated = Vec::new();
            for (job, reply) in jobs.drain(..).zip(replies) {
                match reply {
                    Ok(bytes) if bytes.first() == Some(&AGAIN) => repeated.push(job),
                    reply => {
                        let _ = job.answer.send(reply);
                    }
                }
            }
            *jobs = repeated;
        }
        for job in jobs.drain(..) {
            let _ = job.answer.send(Err(Error::Unavailable { reason: "too much comes due at once".to_owned() }));
        }
    }

    /// Applies commands as one unit of work; one that fails by a defect is told from the others by applying each alone.
    fn apply(&mut self, jobs: &[Job]) -> Vec<Result<Vec<u8>, Error>> {
        let packed: Vec<u8> = jobs.iter().flat_map(|job| job.packed.iter().copied()).collect();
        match self.apply_packed(&packed, jobs.len()) {
            Ok(replies) => replies.into_iter().map(Ok).collect(),
            Err(error @ Error::Unavailable { .. }) => vec![Err(error); jobs.len()],
            Err(error) if jobs.len() == 1 => {
                tracing::error!(%error, "a command failed in the rulebook");
                vec![Err(error)]
            }
            Err(_) => {
                let alone = |job: &Job| self.apply_packed(&job.packed, 1).map(|mut replies| replies.swap_remove(0));
                jobs.iter().map(alone).collect()
            }
        }
    }

    fn apply_packed(&mut self, packed: &[u8], count: usize) -> Result<Vec<Vec<u8>>, Error> {
        let now = self.clock.now();
        let before = self.host.sequence.get();
        let begun = Instant::now();
        let applied = self.rulebook.apply(packed, count, now.get(), self.loaded_max);
        self.counters.applied(count, begun);
        let result = match applied {
            Ok(replies) => self.keep(now, count, before).map(|()| replies),
            Err(error) => {
                let failure = self.host.failure.borrow_mut().take();
                Err(failure.map_or_else(|| rulebook_failed(&error), Error::from))
            }
        };
        self.host.clear();
        if result.is_err() {
            self.host.sequence.set(before);
            self.rulebook.forget().map_err(|error| rulebook_failed(&error))?;
        }
        result
    }

    /// Commits what the unit changed, if it changed anything.
    fn keep(&mut self, now: Millis, count: usize, sequence_before: u64) -> Result<(), Error> {
        let host = Rc::clone(&self.host);
        let mut batch = host.batch.borrow_mut();
        self.drop_old(&mut batch, now, count)?;
        let sequence = self.host.sequence.get();
        if sequence != sequence_before {
            batch.put(keys::SEQUENCE.to_vec(), sequence.to_le_bytes().to_vec());
        }
        if batch.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let kept = self.host.store.borrow_mut().commit(&batch);
        self.counters.kept(begun);
        Ok(kept?)
    }

    /// Adds the removal of records that are of no use any more to a batch.
    fn drop_old(&mut self, batch: &mut Batch, now: Millis, count: usize) -> Result<(), Error> {
        let until = self.retention.advance(now);
        if until < self.next_drop {
            return Ok(());
        }
        let store = self.host.store.borrow();
        let (from, _) = keys::range(vec![b'D']);
        let to = keys::drop_at(until.get(), b"");
        let limit = 2 * count + DROPS;
        let due = store.scan(&from, &to, limit, false)?;
        for (drop_key, _) in &due {
            let (moment, key) = drop_key[1..].split_first_chunk::<8>().expect("a drop key holds a moment");
            let moment = u64::from_be_bytes(*moment);
            let current = store.get(key)?;
            // Kept longer since: then another drop key stands for it.
            if number(current.as_deref().and_then(|record| record.get(..8))) == moment {
                for answer in keys::answers(key) {
                    batch.delete(answer);
                }
                batch.delete(key.to_vec());
            }
            batch.delete(drop_key.clone());
        }
        if due.len() < limit {
            self.next_drop = until.plus(Duration::from_secs(1));
        }
        if !due.is_empty() {
            batch.put(keys::RETENTION.to_vec(), until.get().to_le_bytes().to_vec());
        }
        Ok(())
    }

    fn read(&mut self, read: Read) {
        match read {
            Read::Accounts { after, limit, answer } => {
                let from =
                    after.map_or(vec![b'A'], |after| [keys::account(after.as_str().as_bytes()), vec![0]].concat());
                let _ = answer.send(self.names(vec![b'A'], &from, limit, AccountId::parse));
            }
            Read::Reservations { account, after, limit, answer } => {
                let prefix = keys::record(account.as_str().as_bytes(), b"r:");
                let from = after.map_or(prefix.clone(), |after| [&prefix, after.as_str().as_bytes(), b"\0"].concat());
                let _ = answer.send(self.names(prefix, &from, limit, ReservationId::parse));
            }
            Read::Budgets { account, after, limit, answer } => {
                let prefix = keys::record(account.as_str().as_bytes(), b"b:");
                let from = after.map_or(prefix.clone(), |after| [&prefix, after.as_str().as_bytes(), b"\0"].concat());
                let _ = answer.send(self.names(prefix, &from, limit, BudgetName::parse));
            }
            Read::Activity { account, before, limit, answer } => {
                let _ = answer.send(self.activity(&account, before, limit));
            }
            Read::PutDocument { name, text, answer } => {
                let mut batch = Batch::new();
                batch.put(keys::document(&name), text);
                let _ = answer.send(self.host.store.borrow_mut().commit(&batch).map_err(Error::from));
            }
            Read::Documents { prefix, answer } => {
                let _ = answer.send(self.documents(&prefix));
            }
            Read::View { answer } => self.host.store.borrow_mut().view(Box::new(|view| {
                let _ = answer.send(match view {
                    Ok(view) => Ok(Some(view)),
                    Err(store::Error::Busy { .. }) => Ok(None),
                    Err(error) => Err(error.into()),
                });
            })),
            Read::Restore { pieces, answer } => {
                let _ = answer.send(self.restore(&pieces));
            }
        }
    }

    /// The names that follow a prefix in the keys from `from` on.
    fn names<T>(
        &self,
        prefix: Vec<u8>,
        from: &[u8],
        limit: usize,
        parse: impl Fn(&str) -> Result<T, crate::id::InvalidId>,
    ) -> Result<Vec<T>, Error> {
        let skip = prefix.len();
        let (_, to) = keys::range(prefix);
        let rows = self.host.store.borrow().scan(from, &to, limit.min(LIST_MAX), false)?;
        let name = |(key, _): &(Vec<u8>, _)| {
            let text = std::str::from_utf8(&key[skip..]).ok()?;
            parse(text).ok()
        };
        rows.iter()
            .map(|row| {
                name(row).ok_or_else(|| Error::Damaged {
                    record: row.0.escape_ascii().to_string(),
                    reason: "its key holds no name".to_owned(),
                })
            })
            .collect()
    }

    fn activity(&self, account: &AccountId, before: Option<u64>, limit: usize) -> Result<Vec<Entry>, Error> {
        let account = account.as_str().as_bytes();
        let (from, end) = keys::range(keys::of_account(b'Y', account));
        let to = before.map_or(end, |before| keys::activity(account, before));
        let rows = self.host.store.borrow().scan(&from, &to, limit.min(LIST_MAX), true)?;
        rows.iter()
            .map(|(key, value)| {
                let sequence = key.last_chunk::<8>().map_or(0, |chunk| u64::from_be_bytes(*chunk));
                wire::decode_entry(value, sequence)
            })
            .collect()
    }

    fn restore(&mut self, pieces: &[Kept]) -> Result<(), Error> {
        // What is loaded may be that an account is not there.
        self.rulebook.forget().map_err(|error| rulebook_failed(&error))?;
        let mut batch = Batch::new();
        let mut sequence = self.host.sequence.get();
        for piece in pieces {
            match piece {
                Kept::Document { name, text } => batch.put(keys::document(name), text.clone()),
                Kept::Record { account, record } => {
                    let drop_at = record.drop_at.unwrap_or_default().get();
                    host::keep(
                        &mut batch,
                        account.as_str().as_bytes(),
                        record.field.as_bytes(),
                        &record.bytes,
                        drop_at,
                    );
                }
                Kept::Hold { account, expires, id } => {
                    batch.put(
                        keys::hold(account.as_str().as_bytes(), expires.get(), id.as_str().as_bytes()),
                        Vec::new(),
                    );
                }
                Kept::Entry { account, sequence: own, bytes } => {
                    batch.put(keys::activity(account.as_str().as_bytes(), *own), bytes.clone());
                    sequence = sequence.max(own + 1);
                }
            }
        }
        batch.put(keys::SEQUENCE.to_vec(), sequence.to_le_bytes().to_vec());
        self.host.store.borrow_mut().commit(&batch)?;
        self.host.sequence.set(sequence);
        Ok(())
    }

    fn documents(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let (from, to) = keys::range(keys::document(prefix));
        let rows = self.host.store.borrow().scan(&from, &to, LIST_MAX, false)?;
        Ok(rows
            .into_iter()
            .map(|(key, text)| (String::from_utf8_lossy(&key[1..]).into_owned(), text.to_vec()))
            .collect())
    }
}
