//! Connections: how many, how slow, how greedy they may be, and how they end. What is asked on them is the edge's.

mod preface;

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

use super::{Edge, REQUEST_MAX};

/// What connections may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most connections at a time; one too many is closed at once.
    pub connections: usize,
    /// Time to say the first bytes.
    pub first_bytes: Duration,
    /// Time to send the headers of an HTTP/1 request, and to stay idle between two.
    pub http1_headers: Duration,
    /// An HTTP/2 connection is pinged this often, and closed when no answer comes in time.
    pub keep_alive_interval: Duration,
    pub keep_alive_timeout: Duration,
    /// Most streams of a connection at a time.
    pub streams: u32,
    /// Most streams that a peer may make this side reset before the connection is closed. Without a bound, a flood of
    /// broken requests never ends.
    pub local_resets: usize,
    /// Most bytes of headers of one request.
    pub headers: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            first_bytes: Duration::from_secs(10),
            http1_headers: Duration::from_secs(30),
            keep_alive_interval: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(20),
            streams: 1_024,
            local_resets: 1_024,
            headers: 16 * 1024,
        }
    }
}

/// Bytes that a stream and a connection may send before they are taken: a whole request, and enough of them at once.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// How long to wait when the machine has no more sockets to give.
const ACCEPT_DELAY: Duration = Duration::from_millis(100);

/// How long streams may take to notice that their connection was closed.
const ABORT_DELAY: Duration = Duration::from_secs(1);

/// Takes connections and answers what they ask.
pub struct Server {
    edge: Edge,
    limits: Limits,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Take no more, end what is open once it is answered.
    drain: CancellationToken,
    /// End what is open now.
    abort: CancellationToken,
}

impl Server {
    pub fn new(edge: Edge, limits: Limits, drain: CancellationToken, abort: CancellationToken) -> Self {
        let slots = Arc::new(Semaphore::new(limits.connections));
        Self { edge, limits, slots, tasks: TaskTracker::new(), drain, abort }
    }

    /// Serves until `drain` is cancelled and everything that was accepted is answered, or until `abort` is.
    pub async fn run(self, listener: TcpListener) {
        tokio::select! {
            () = self.accept(&listener) => {}
            () = self.drain.cancelled() => {}
            () = self.abort.cancelled() => {}
        }
        drop(listener);
        self.tasks.close();
        let cut_off = async {
            self.abort.cancelled().await;
            tokio::time::sleep(ABORT_DELAY).await;
        };
        tokio::select! {
            () = self.tasks.wait() => {}
            () = cut_off => warn!(tasks = self.tasks.len(), "connections and streams did not end in time"),
        }
    }

    async fn accept(&self, listener: &TcpListener) {
        let mut full = false;
        // Ends when its future is dropped.
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.accept_failed(&error).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
                if !full {
                    warn!(limit = self.limits.connections, "too many connections, closing new ones");
                }
                full = true;
                continue;
            };
            full = false;
            if let Err(error) = stream.set_nodelay(true) {
                debug!(%peer, %error, "cannot set TCP_NODELAY");
            }
            let connection = self.connection(stream, peer);
            self.tasks.spawn(async move {
                connection.await;
                drop(slot);
            });
        }
    }

    async fn accept_failed(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
            return; // The peer's affair, and over.
        }
        warn!(%error, "cannot accept a connection");
        tokio::time::sleep(ACCEPT_DELAY).await;
    }

    /// Serves one connection to its end.
    fn connection<I>(&self, io: I, peer: SocketAddr) -> impl Future<Output = ()> + Send + 'static
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (drain, abort) = (self.drain.clone(), self.abort.clone());
        let first_bytes = self.limits.first_bytes;
        let builder = self.builder();
        let edge = self.edge.clone();
        async move {
            let opened = tokio::select! {
                opened = tokio::time::timeout(first_bytes, preface::read(io)) => opened,
                () = drain.cancelled() => return,
                () = abort.cancelled() => return,
            };
            let (version, io) = match opened {
                Ok(Ok(opened)) => opened,
                Ok(Err(error)) => return debug!(%peer, %error, "the connection ended before it began"),
                Err(_) => return debug!(%peer, "the connection said nothing in time"),
            };
            let builder = match version {
                preface::Version::Http1 => builder.http1_only(),
                preface::Version::Http2 => builder.http2_only(),
            };
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let edge = edge.clone();
                async move { Ok::<_, std::convert::Infallible>(edge.answer(request.map(Body::new)).await) }
            });
            let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = abort.cancelled() => return,
                () = drain.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = connection.as_mut() => ended,
                        () = abort.cancelled() => return,
                    }
                }
            };
            if let Err(error) = ended {
                debug!(%peer, error = %error, "the connection failed");
            }
        }
    }

    fn builder(&self) -> auto::Builder<Tracked> {
        let limits = &self.limits;
        let mut builder = auto::Builder::new(Tracked(self.tasks.clone()));
        builder
            .http1()
            .timer(TokioTimer::new())
            // A caller that sent its request and closed its side is heard all the same.
            .half_close(true)
            .header_read_timeout(limits.http1_headers)
            .max_headers(64)
            .max_buf_size(REQUEST_MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(limits.keep_alive_interval)
            .keep_alive_timeout(limits.keep_alive_timeout)
            .max_concurrent_streams(limits.streams)
            .max_local_error_reset_streams(limits.local_resets)
            .max_header_list_size(limits.headers)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        builder
    }
}

/// Runs the streams of a connection as tasks that the server waits for.
#[derive(Debug, Clone)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.0.spawn(stream);
    }
}
