//! Many callers at once: each on its own task, over several connections, let loose by one barrier.

use std::{future::Future, pin::Pin, sync::Arc};

use tokio::{sync::Barrier, task::JoinSet};

use super::call::{Call, Failure, Verb};

/// One caller's work, where callers differ in what they do.
pub type Job<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs every job at once and gives their results in the order of the jobs.
pub async fn race<T, F>(jobs: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let jobs: Vec<F> = jobs.into_iter().collect();
    let barrier = Arc::new(Barrier::new(jobs.len()));
    let mut tasks = JoinSet::new();
    for (index, job) in jobs.into_iter().enumerate() {
        let barrier = Arc::clone(&barrier);
        tasks.spawn(async move {
            barrier.wait().await;
            (index, job.await)
        });
    }
    let mut results = tasks.join_all().await;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Sends the same call `count` times at once.
pub async fn duplicates<M: Verb>(count: usize, call: Call<M>) -> Vec<Result<M::Answer, Failure>> {
    race((0..count).map(|lane| call.clone().lane(lane).send())).await
}
