//! The thread that brings the checkpoint up to date, so that the writer need not wait for it.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    Counts, Error,
    checkpoint::{Checkpoint, View},
    log::Log,
    log::unavailable,
    memory::Memory,
};

/// Between attempts while the disk is full or broken.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Records that are on their way into the checkpoint, and the last batch that they hold.
#[derive(Debug)]
pub struct Frozen {
    pub records: Memory,
    pub sequence: u64,
}

/// Handle of the thread. Holds at most one checkpoint to write at a time; the writer keeps to that.
pub struct Checkpointer {
    jobs: Option<Sender<Job>>,
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
}

/// Takes the view of the checkpoint that was asked for.
pub type Viewer = Box<dyn FnOnce(Result<View, Error>) + Send>;

enum Job {
    Write(Arc<Frozen>),
    /// Shows the checkpoint as it is after the jobs before this one.
    View(Viewer),
    /// Only drops what it gets: freeing a large map takes the writer's time otherwise.
    Drop(Arc<Frozen>),
}

#[derive(Default)]
struct Progress {
    state: Mutex<ProgressState>,
    changed: Condvar,
}

#[derive(Default)]
struct ProgressState {
    /// The last batch in the checkpoint, as far as this thread has written it.
    sequence: u64,
    /// Why the last attempt failed.
    failure: Option<Error>,
    stopping: bool,
}

impl Checkpointer {
    pub fn start(checkpoint: Arc<Checkpoint>, log: Log, counts: Arc<Counts>) -> Result<Self, Error> {
        let progress = Arc::<Progress>::default();
        let (jobs, inbox) = channel();
        let worker = Worker { checkpoint, log, counts, progress: Arc::clone(&progress) };
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || worker.run(&inbox))
            .map_err(|error| unavailable("start the checkpoint's thread", &error))?;
        Ok(Self { jobs: Some(jobs), progress, thread: Some(thread) })
    }

    pub fn write(&self, frozen: Arc<Frozen>) {
        self.send(Job::Write(frozen));
    }

    pub fn view(&self, viewer: Viewer) {
        self.send(Job::View(viewer));
    }

    pub fn drop_later(&self, frozen: Arc<Frozen>) {
        self.send(Job::Drop(frozen));
    }

    pub fn has_written(&self, sequence: u64) -> bool {
        self.progress.lock().sequence >= sequence
    }

    /// Waits until the checkpoint holds `sequence`, at most `patience`, and no longer than attempts succeed.
    pub fn wait(&self, sequence: u64, patience: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        let mut state = self.progress.lock();
        while state.sequence < sequence {
            if let Some(failure) = &state.failure {
                return Err(Error::Unavailable { reason: format!("the checkpoint cannot be written: {failure}") });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Unavailable { reason: "the checkpoint is behind".into() });
            }
            state = self.progress.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    fn send(&self, job: Job) {
        // The thread ends only when it is told to; after a panic of it the writer runs out of room and says so.
        let _ = self.jobs.as_ref().map(|jobs| jobs.send(job));
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.progress.lock().stopping = true;
        self.progress.changed.notify_all();
        self.jobs = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpoint's thread panicked");
        }
    }
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, ProgressState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// Waits for the next attempt; false when there is to be none.
    fn pause(&self) -> bool {
        let state = self.lock();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, RETRY_DELAY, |state| !state.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        !state.stopping
    }
}

struct Worker {
    checkpoint: Arc<Checkpoint>,
    log: Log,
    counts: Arc<Counts>,
    progress: Arc<Progress>,
}

impl Worker {
    fn run(&self, inbox: &Receiver<Job>) {
        while let Ok(job) = inbox.recv() {
            match job {
                Job::Write(frozen) => self.write_until_done(&frozen),
                // What is not written any more while the store closes would be missing.
                Job::View(_) if self.progress.is_stopping() => {}
                Job::View(viewer) => viewer(self.checkpoint.view()),
                Job::Drop(frozen) => drop(frozen),
            }
        }
    }

    /// What is not written when the store closes stays in the log.
    fn write_until_done(&self, frozen: &Frozen) {
        while !self.progress.is_stopping() {
            match self.attempt(frozen) {
                Ok(()) => return,
                Err(error) => {
                    self.counts.checkpoint_failed();
                    tracing::warn!(%error, "the checkpoint could not be written");
                    self.progress.lock().failure = Some(error);
                    self.progress.changed.notify_all();
                }
            }
            if !self.progress.pause() {
                return;
            }
        }
    }

    fn attempt(&self, frozen: &Frozen) -> Result<(), Error> {
        tracing::debug!(sequence = frozen.sequence, "a checkpoint begins");
        if !self.checkpoint.wait_for_compaction(|| self.progress.is_stopping()) {
            self.checkpoint.reopen()?;
        }
        // The log is never behind the checkpoint: what it lacks could not be told from what was damaged.
        self.log.sync(frozen.sequence)?;
        if let Err(error) = self.checkpoint.write(&frozen.records, frozen.sequence) {
            // The failed attempt's files stay until then, and on a full disk they are what fills it.
            self.checkpoint.reopen()?;
            return Err(error);
        }
        self.log.forget(frozen.sequence);
        self.counts.checkpointed();
        tracing::debug!(sequence = frozen.sequence, "the checkpoint is written");
        let mut state = self.progress.lock();
        state.sequence = frozen.sequence;
        state.failure = None;
        drop(state);
        self.progress.changed.notify_all();
        Ok(())
    }
}
