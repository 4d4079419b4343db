//! Mutations that finish: once begun, one is not undone by a caller that hangs up or a deadline that passes. What it does
//! is the service's.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{runtime::Handle, sync::Semaphore};
use tokio_util::task::TaskTracker;

use crate::service::{Error, Reason};

/// Runs mutations in place, and takes over those whose caller goes away.
#[derive(Debug, Clone)]
pub struct Detached {
    runtime: Handle,
    orphans: TaskTracker,
    slots: Arc<Semaphore>,
}

type Mutation<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Detached {
    /// Takes at most `max` mutations at a time; must be called within a runtime.
    pub fn new(max: usize) -> Self {
        Self { runtime: Handle::current(), orphans: TaskTracker::new(), slots: Arc::new(Semaphore::new(max)) }
    }

    /// Runs `mutation`. When the future that this returns is dropped before its end, a mutation that has begun goes on
    /// as a tracked task.
    ///
    /// Fails with `OVERLOADED` when the most that may run are running.
    pub async fn finish<T, F>(&self, mutation: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return Err(Error::new(Reason::Overloaded, "too many changes are under way"));
        };
        let mutation = Box::pin(async move {
            let result = mutation.await;
            drop(slot);
            result
        });
        Guarded { mutation: Some(mutation), begun: false, owner: self }.await
    }

    /// Waits until no mutation without a caller is left. None may come after: call it once nothing is served any more.
    pub async fn finished(&self) {
        self.orphans.close();
        self.orphans.wait().await;
    }

    /// How many mutations go on without a caller.
    pub fn orphans(&self) -> usize {
        self.orphans.len()
    }
}

/// A mutation that its caller waits for.
struct Guarded<'a, T: Send + 'static> {
    /// `None` once it has ended.
    mutation: Option<Mutation<T>>,
    begun: bool,
    owner: &'a Detached,
}

impl<T: Send + 'static> Future for Guarded<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.begun = true;
        let mutation = self.mutation.as_mut().expect("not polled after its end");
        let result = std::task::ready!(mutation.as_mut().poll(cx));
        self.mutation = None;
        Poll::Ready(result)
    }
}

impl<T: Send + 'static> Drop for Guarded<'_, T> {
    fn drop(&mut self) {
        // A mutation that panicked must not be polled again.
        if !self.begun || std::thread::panicking() {
            return;
        }
        if let Some(mutation) = self.mutation.take() {
            let last_words = async move { drop(mutation.await) };
            // The handle is for joining alone, and the tracker joins: `finished` waits for it.
            drop(self.owner.orphans.spawn_on(last_words, &self.owner.runtime));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use tokio::{sync::oneshot, time::timeout};

    use super::*;

    #[tokio::test]
    async fn a_mutation_goes_on_without_its_caller() {
        let detached = Detached::new(1);
        let (go, gate) = oneshot::channel::<()>();
        let (done, outcome) = oneshot::channel();
        let mutation = detached.finish(async move {
            gate.await.expect("let go");
            done.send("changed").expect("heard");
            Ok(())
        });
        assert!(timeout(Duration::from_millis(1), mutation).await.is_err(), "the caller gave up");
        assert_eq!(detached.orphans(), 1);
        go.send(()).expect("awaited");
        detached.finished().await;
        assert_eq!(outcome.await, Ok("changed"));
    }

    #[tokio::test]
    async fn a_mutation_that_never_began_is_dropped() {
        let detached = Detached::new(1);
        drop(detached.finish(pending::<Result<(), Error>>()));
        assert_eq!(detached.orphans(), 0);
        assert!(detached.finish(async { Ok(()) }).await.is_ok(), "its slot is free");
    }

    #[tokio::test]
    async fn no_more_than_the_limit_are_under_way_orphans_included() {
        let detached = Detached::new(1);
        let stuck = detached.finish(pending::<Result<(), Error>>());
        assert!(timeout(Duration::from_millis(1), stuck).await.is_err());
        let refused = detached.finish(async { Ok(()) }).await.expect_err("full");
        assert_eq!(refused.reason, Reason::Overloaded);
    }
}
