//! When to stop: the first signal asks for an orderly end, the second for an end at once. What stopping means is the
//! listeners' business.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The two wishes to stop. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Answer what was accepted, then stop.
    pub soft: CancellationToken,
    /// Stop now.
    pub hard: CancellationToken,
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over SIGTERM and SIGINT; the future that this returns turns them into wishes for as long as it is polled.
    pub fn listen(&self) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let Self { soft, hard } = self.clone();
        Ok(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            next().await;
            info!("stopping once what was accepted is answered; a second signal stops at once");
            soft.cancel();
            next().await;
            warn!("stopping at once");
            hard.cancel();
        })
    }
}
