//! The edge with a stand-in for the service behind it: what the wires do, whatever is asked.

mod connections;
mod docs;
mod fake;
mod json;

use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::{Detached, Edge, REQUEST_MAX};
use crate::proto::v1::quota_service_server::QuotaServiceServer;
use fake::Fake;

#[test]
fn health_knows_every_service() {
    let pool = prost_reflect::DescriptorPool::decode(crate::proto::DESCRIPTORS).expect("descriptors");
    let mut served: Vec<_> = pool.services().map(|service| service.full_name().to_owned()).collect();
    let mut known = super::SERVICES.map(str::to_owned).to_vec();
    served.push(String::new());
    served.sort();
    known.sort();
    assert_eq!(served, known);
}

async fn edge(drain: &CancellationToken) -> (Edge, super::HealthReporter, Detached) {
    let detached = Detached::new(64);
    let fake = Fake { detached: detached.clone(), drain: drain.clone() };
    let quota = QuotaServiceServer::new(fake).max_decoding_message_size(REQUEST_MAX);
    let (routes, health) = super::with_health(Routes::new(quota)).await;
    (Edge::new(routes, Duration::from_secs(10), drain.clone()), health, detached)
}

/// An answer in JSON: its status, headers and body.
struct Heard {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

async fn ask(request: Request<Body>) -> Heard {
    let (edge, ..) = edge(&CancellationToken::new()).await;
    heard(edge.answer(request).await).await
}

async fn heard(response: Response<Body>) -> Heard {
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into()));
    Heard { status: head.status.as_u16(), headers: head.headers, body }
}

fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(body.into()).expect("a request")
}
