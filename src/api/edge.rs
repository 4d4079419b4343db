//! What every request meets first, whatever its wire: its deadline, a net for panics, and the way to gRPC or to JSON.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use futures_util::FutureExt as _;
use http::{HeaderMap, Method, Request, Response, header::CONTENT_TYPE};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, service::Routes};
use tower::ServiceExt as _;

use super::{
    json::{self, Transcoder},
    status,
};

mod deadline;
mod drained;

const WELCOME: &str = "\
Stipend enforces credits and quotas. This port speaks gRPC (package stipend.v1) and JSON:

  curl -sS http://HOST/stipend.v1.CatalogService/GetCatalog -H 'content-type: application/json' -d '{}'

Every unary method answers at POST /SERVICE/METHOD. Health: /grpc.health.v1.Health/Check.
";

const MAINTENANCE: &str = "/stipend.v1.MaintenanceService/";

/// The one service behind the port.
#[derive(Clone)]
pub struct Edge {
    grpc: Router,
    json: Arc<Transcoder>,
    timeout: Duration,
    drain: CancellationToken,
}

impl Edge {
    /// `timeout` is the longest that a unary call may take, whatever its caller would wait.
    pub fn new(routes: Routes, timeout: Duration, drain: CancellationToken) -> Self {
        Self { grpc: routes.prepare().into_axum_router(), json: Arc::new(Transcoder::new()), timeout, drain }
    }

    /// Answers one request.
    pub async fn answer(self, request: Request<Body>) -> Response<Body> {
        let is_grpc = is_grpc(request.headers());
        let timeout = match deadline::of(request.headers()) {
            Ok(wanted) => wanted.map_or(self.timeout, |wanted| wanted.min(self.timeout)),
            Err(error) => return failure(is_grpc, &status::status(&error)),
        };
        if timeout.is_zero() {
            return failure(is_grpc, &status::deadline_exceeded());
        }
        let answer =
            AssertUnwindSafe(async { if is_grpc { self.grpc(request).await } else { self.http(request).await } });
        match tokio::time::timeout(timeout, answer.catch_unwind()).await {
            Ok(Ok(response)) => response,
            // The panic hook has told the log what happened and where.
            Ok(Err(_)) => failure(is_grpc, &Status::new(Code::Internal, "an internal error, see the server's log")),
            Err(_) => failure(is_grpc, &status::deadline_exceeded()),
        }
    }

    async fn grpc(&self, request: Request<Body>) -> Response<Body> {
        // These streams know nothing of draining and would hold the connection for long, or for ever.
        let path = request.uri().path();
        let cut = !path.starts_with("/stipend.") || path.starts_with(MAINTENANCE);
        let Ok(response) = self.grpc.clone().oneshot(request).await;
        if cut { response.map(|body| drained::until(body, &self.drain)) } else { response }
    }

    async fn http(&self, request: Request<Body>) -> Response<Body> {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/") => {
                let mut response = Response::new(Body::from(WELCOME));
                let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers_mut().insert(CONTENT_TYPE, plain);
                response
            }
            _ => self.json.answer(request, self.grpc.clone()).await,
        }
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    matches!(kind.strip_prefix(b"application/grpc"), Some([] | [b'+' | b';', ..]))
}

fn failure(is_grpc: bool, status: &Status) -> Response<Body> {
    if is_grpc { status.clone().into_http() } else { json::failure(status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_told_by_its_content_type() {
        let of =
            |kind: &'static str| is_grpc(&HeaderMap::from_iter([(CONTENT_TYPE, http::HeaderValue::from_static(kind))]));
        for kind in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
            assert!(of(kind), "{kind}");
        }
        for kind in ["application/json", "application/grpc-web", "application/grpc-web+proto", "text/plain"] {
            assert!(!of(kind), "{kind}");
        }
    }
}
