//! Owns the tasks: names them, starts one again when it fails, joins them all at the end. What a task does is its own.

use std::{collections::HashMap, error::Error, panic::AssertUnwindSafe, pin::Pin, time::Duration};

use futures_util::FutureExt as _;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

/// What a task ends with. `Ok`: it has nothing more to do.
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Delays before a failed task is started again: doubled from one to the other.
const RESTART_DELAY_MIN: Duration = Duration::from_millis(100);
const RESTART_DELAY_MAX: Duration = Duration::from_secs(30);

/// Runs named tasks until it is stopped.
#[derive(Debug)]
pub struct Supervisor {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl Supervisor {
    pub fn new() -> Self {
        Self { tasks: JoinSet::new(), names: HashMap::new(), stop: CancellationToken::new() }
    }

    /// Starts a task. `run` is called with the token that asks it to end, and again, after a pause, whenever what it
    /// returned has failed or panicked.
    pub fn spawn<F, T>(&mut self, name: &'static str, run: F)
    where
        F: Fn(CancellationToken) -> T + Send + Sync + 'static,
        T: Future<Output = Outcome> + Send + 'static,
    {
        let stop = self.stop.clone();
        let running = self.tasks.spawn(async move {
            keep_running(name, || Box::pin(run(stop.clone())), &stop).await;
        });
        self.names.insert(running.id(), name);
    }

    /// Asks all tasks to end and waits for them; those that take longer than `patience` are cut off and named.
    pub async fn stop(mut self, patience: Duration) -> Vec<&'static str> {
        self.stop.cancel();
        let Self { tasks, names, .. } = &mut self;
        let all = async {
            while let Some(ended) = tasks.join_next_with_id().await {
                let (id, lost) = match ended {
                    Ok((id, ())) => (id, None),
                    Err(error) => (error.id(), Some(error)),
                };
                let name = names.remove(&id);
                match lost {
                    None => debug!(task = name, "the task ended"),
                    Some(error) => error!(task = name, %error, "the task was lost"),
                }
            }
        };
        let in_time = tokio::time::timeout(patience, all).await.is_ok();
        self.tasks.shutdown().await;
        let late: Vec<_> = self.names.into_values().collect();
        if !in_time {
            warn!(tasks = ?late, "tasks did not end in time and were cut off");
        }
        late
    }
}

async fn keep_running<T>(name: &'static str, start: impl Fn() -> Pin<Box<T>>, stop: &CancellationToken)
where
    T: Future<Output = Outcome>,
{
    let mut delay = RESTART_DELAY_MIN;
    // Ends when the task has nothing more to do, or when all are to stop.
    loop {
        match AssertUnwindSafe(start()).catch_unwind().await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => warn!(task = name, %error, ?delay, "the task failed and is started again"),
            Err(_) => error!(task = name, ?delay, "the task panicked and is started again"),
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = stop.cancelled() => return,
        }
        delay = (delay * 2).min(RESTART_DELAY_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn a_task_that_fails_or_panics_is_started_again() {
        let (mut supervisor, runs) = (Supervisor::new(), Arc::new(AtomicUsize::new(0)));
        let (seen, done) = (Arc::clone(&runs), CancellationToken::new());
        let told = done.clone();
        supervisor.spawn("unlucky", move |_| {
            let (run, told) = (seen.fetch_add(1, Ordering::SeqCst), told.clone());
            async move {
                match run {
                    0 => Err("the first time fails".into()),
                    1 => panic!("the second time panics"),
                    _ => {
                        told.cancel();
                        Ok(())
                    }
                }
            }
        });
        done.cancelled().await;
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        assert!(supervisor.stop(Duration::from_secs(1)).await.is_empty());
    }

    #[tokio::test]
    async fn a_task_ends_when_it_is_asked_to() {
        let mut supervisor = Supervisor::new();
        supervisor.spawn("patient", |stop| async move {
            stop.cancelled().await;
            Ok(())
        });
        assert!(supervisor.stop(Duration::from_secs(1)).await.is_empty());
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_is_named() {
        let mut supervisor = Supervisor::new();
        supervisor.spawn("deaf", |_| std::future::pending());
        assert_eq!(supervisor.stop(Duration::from_millis(1)).await, ["deaf"]);
    }
}
