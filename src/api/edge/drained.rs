//! A body that ends when the server drains, for streams that would not by themselves.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

/// The same body, ended with UNAVAILABLE once `drain` is cancelled.
pub fn until(body: Body, drain: &CancellationToken) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Until { body: Some(body), drained: Box::pin(drain.clone().cancelled_owned()) })
}

struct Until {
    /// `None` once it has ended.
    body: Option<Body>,
    drained: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl http_body::Body for Until {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        // What the stream still has to say goes first: a watcher of health hears NOT_SERVING.
        let frame = Pin::new(body).poll_frame(cx);
        if frame.is_ready() {
            return frame;
        }
        std::task::ready!(self.drained.as_mut().poll(cx));
        self.body = None;
        let mut trailers = HeaderMap::new();
        let ended = Status::unavailable("the server is shutting down, connect again");
        Poll::Ready(ended.add_header(&mut trailers).is_ok().then(|| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt as _, stream};
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn an_endless_stream_ends_with_a_status_once_drained() {
        let drain = CancellationToken::new();
        let once = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"serving"))]);
        let mut body = until(Body::from_stream(once.chain(stream::pending())), &drain);
        let first = body.frame().await.expect("a frame").expect("data");
        assert_eq!(first.into_data().expect("data"), "serving");
        drain.cancel();
        let last = body.frame().await.expect("a frame").expect("trailers");
        let trailers = last.into_trailers().expect("trailers");
        assert_eq!(trailers.get("grpc-status").expect("a status"), "14");
        assert!(body.frame().await.is_none());
    }
}
