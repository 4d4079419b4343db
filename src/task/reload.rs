//! Notices that files have changed, or that SIGHUP asks for them to be read again. What reading them means is handed in.

use std::{fmt, path::PathBuf, time::Duration, time::SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::supervisor::Outcome;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// What tells that a file has changed; `None` while it is not there.
type Look = Option<(SystemTime, u64)>;

/// Calls `apply` after every change of one of the files, and on SIGHUP, until it is asked to stop. A failure of `apply`
/// is logged, and what was before stays.
pub async fn watch<A, F, E>(files: Vec<PathBuf>, apply: A, stop: CancellationToken) -> Outcome
where
    A: Fn() -> F + Send,
    F: Future<Output = Result<(), E>> + Send,
    E: fmt::Display,
{
    let mut hangup = signal(SignalKind::hangup())?;
    let mut seen = look(&files).await;
    // Ends when it is asked to.
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = hangup.recv() => true,
            () = tokio::time::sleep(INTERVAL) => false,
        };
        // Looked at before it is read: a change during the reading shows next time.
        let now = look(&files).await;
        if !asked && now == seen {
            continue;
        }
        seen = now;
        match apply().await {
            Ok(()) => info!(?files, "read again"),
            Err(problem) => error!(?files, "not read again, what was loaded stays: {problem}"),
        }
    }
}

async fn look(files: &[PathBuf]) -> Vec<Look> {
    let mut looks = Vec::with_capacity(files.len());
    for file in files {
        let seen = tokio::fs::metadata(file).await;
        looks.push(seen.ok().and_then(|seen| Some((seen.modified().ok()?, seen.len()))));
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_of_a_file_shows() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = [dir.path().join("catalog.yaml")];
        let missing = look(&files).await;
        std::fs::write(&files[0], "one").expect("written");
        let first = look(&files).await;
        assert_ne!(missing, first);
        assert_eq!(first, look(&files).await);
        std::fs::write(&files[0], "one more").expect("written");
        assert_ne!(first, look(&files).await);
    }
}
