//! A gRPC status in the Connect protocol's unary form: an HTTP status and a body with code, message and details.

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{StatusExt as _, pb};

/// The answer that a failed call gets.
pub fn failure(status: &Status) -> Response<Body> {
    failure_with(codes(status.code()).0, status)
}

/// The same with an HTTP status that says more to plain HTTP clients than the code's own.
pub fn failure_with(http: StatusCode, status: &Status) -> Response<Body> {
    let mut body = json!({ "code": codes(status.code()).1, "message": status.message() });
    let details = details(status);
    if !details.is_empty() {
        body["details"] = Value::Array(details);
    }
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = http;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn details(status: &Status) -> Vec<Value> {
    // What is there in words, by the order in which `status` put it in; a type that it does not put in has none.
    let info = status
        .get_details_error_info()
        .map(|info| json!({ "reason": info.reason, "domain": info.domain, "metadata": info.metadata }));
    let retry = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay)
        .map(|delay| json!({ "retryDelay": format!("{}s", delay.as_secs_f64()) }));
    let request = status.get_details_bad_request().map(|request| {
        let violation = |violation: tonic_types::FieldViolation| {
            json!({ "field": violation.field, "description": violation.description })
        };
        json!({ "fieldViolations": request.field_violations.into_iter().map(violation).collect::<Vec<_>>() })
    });
    let Ok(carried) = pb::Status::decode(status.details()) else { return Vec::new() };
    carried
        .details
        .iter()
        .map(|any| {
            let kind = any.type_url.rsplit('/').next().unwrap_or_default();
            let debug = match kind {
                "google.rpc.ErrorInfo" => info.clone(),
                "google.rpc.RetryInfo" => retry.clone(),
                "google.rpc.BadRequest" => request.clone(),
                _ => None,
            };
            let mut detail = json!({ "type": kind, "value": STANDARD_NO_PAD.encode(&any.value) });
            if let Some(debug) = debug {
                detail["debug"] = debug;
            }
            detail
        })
        .collect()
}

/// The HTTP status and the name that the Connect protocol has for a code.
const fn codes(code: Code) -> (StatusCode, &'static str) {
    match code {
        // 499 has no name in the standard.
        Code::Cancelled => (client_closed_request(), "canceled"),
        Code::Unknown => (StatusCode::INTERNAL_SERVER_ERROR, "unknown"),
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, "invalid_argument"),
        Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded"),
        Code::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        Code::AlreadyExists => (StatusCode::CONFLICT, "already_exists"),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "permission_denied"),
        Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "resource_exhausted"),
        Code::FailedPrecondition => (StatusCode::BAD_REQUEST, "failed_precondition"),
        Code::Aborted => (StatusCode::CONFLICT, "aborted"),
        Code::OutOfRange => (StatusCode::BAD_REQUEST, "out_of_range"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "unimplemented"),
        // Ok is never a failure's code; it would be a defect.
        Code::Internal | Code::Ok => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Code::DataLoss => (StatusCode::INTERNAL_SERVER_ERROR, "data_loss"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
    }
}

const fn client_closed_request() -> StatusCode {
    match StatusCode::from_u16(499) {
        Ok(status) => status,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}
