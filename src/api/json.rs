//! JSON over plain HTTP, as the Connect protocol's unary form: every unary method that the descriptors name, by turning
//! the body into the gRPC message, calling the very gRPC service in process, and turning its answer back. So the two
//! wires cannot differ. What methods do is the services' business.
//!
//! Fields are written in proto3 JSON with camelCase names (both spellings are read), 64-bit integers as strings, and
//! fields that have their default value are written too, so that `"available":"0"` can be seen. A browser's page of
//! another origin cannot call it: the content type needs a preflight, which is not answered.

pub(super) mod error;

use std::collections::HashMap;

use axum::{Router, body::Body};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{self, CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions,
};
use tonic::{Code, Status};
use tower::ServiceExt as _;

pub use error::failure;
use error::failure_with;

use super::{REQUEST_MAX, status};
use crate::service::Error;

const READ: DeserializeOptions = DeserializeOptions::new().deny_unknown_fields(true);
/// How messages are written: every field, so that a zero can be seen.
pub const WRITE: SerializeOptions = SerializeOptions::new().skip_default_fields(false);

/// A gRPC message on the wire begins with a flag (0: not compressed) and its length in 4 bytes.
const FRAME_HEADER: usize = 5;

/// Headers that belong to one hop or to the body as it came, and are not handed on.
const NOT_HANDED_ON: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::UPGRADE,
    header::TE,
    header::HOST,
];

/// The methods that can be called, by path.
pub struct Transcoder {
    methods: HashMap<String, MethodDescriptor>,
}

impl Default for Transcoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Transcoder {
    pub fn new() -> Self {
        let mut pool = DescriptorPool::decode(crate::proto::DESCRIPTORS).expect("the build wrote them");
        pool.decode_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET).expect("the crate carries them");
        let methods = pool.services().flat_map(|service| {
            let methods: Vec<_> = service.methods().collect();
            methods.into_iter().map(move |method| (format!("/{}/{}", service.full_name(), method.name()), method))
        });
        Self { methods: methods.collect() }
    }

    /// Answers one request that is not gRPC.
    pub async fn answer(&self, request: Request<Body>, grpc: Router) -> Response<Body> {
        let Some(method) = self.methods.get(request.uri().path()) else {
            let message = format!("there is no method at {}; see GET /", shown(request.uri().path()));
            return failure_with(StatusCode::NOT_FOUND, &Status::unimplemented(message));
        };
        if let Some(refusal) = refuse(&request, method) {
            return refusal;
        }
        match call(request, method, grpc).await {
            Ok(body) => answered(body),
            Err(Failure::TooLarge) => {
                // As gRPC says it of a message that is too large; 413 is what HTTP calls it.
                let message = format!("the request is larger than {REQUEST_MAX} bytes");
                failure_with(StatusCode::PAYLOAD_TOO_LARGE, &Status::out_of_range(message))
            }
            Err(Failure::Status(status)) => failure(&status),
        }
    }
}

enum Failure {
    TooLarge,
    Status(Status),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Status(status::status(&error))
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// Refuses what is not a unary call in JSON.
fn refuse(request: &Request<Body>, method: &MethodDescriptor) -> Option<Response<Body>> {
    let headers = request.headers();
    if request.method() != Method::POST {
        let message = format!("{} is not answered here, POST is", request.method());
        let mut refusal = failure_with(StatusCode::METHOD_NOT_ALLOWED, &Status::unimplemented(message));
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Some(refusal);
    }
    if method.is_client_streaming() || method.is_server_streaming() {
        let message = format!("{} is a stream, which only gRPC can carry", method.full_name());
        return Some(failure(&Status::unimplemented(message)));
    }
    if !is_json(headers.get(CONTENT_TYPE)) {
        let status = Status::invalid_argument("content-type must be application/json, in UTF-8");
        let mut refusal = failure_with(StatusCode::UNSUPPORTED_MEDIA_TYPE, &status);
        let accepted = HeaderValue::from_static("application/json");
        refusal.headers_mut().insert(HeaderName::from_static("accept-post"), accepted);
        return Some(refusal);
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let status = Status::unimplemented("content-encoding must be identity: compressed requests are not read");
        return Some(failure(&status));
    }
    if headers.get("connect-protocol-version").is_some_and(|version| version != "1") {
        return Some(failure(&Status::invalid_argument("connect-protocol-version must be 1")));
    }
    None
}

fn is_json(content_type: Option<&HeaderValue>) -> bool {
    let Some(text) = content_type.and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = text.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = |part: &str| {
        let part = part.to_ascii_lowercase().replace('"', "");
        !part.starts_with("charset=") || part == "charset=utf-8"
    };
    json && parts.all(utf8)
}

/// Calls the gRPC method and gives its answer in JSON.
async fn call(request: Request<Body>, method: &MethodDescriptor, grpc: Router) -> Result<Vec<u8>, Failure> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, REQUEST_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Failure::TooLarge),
        Err(_) => return Err(Status::cancelled("the body ended early").into()),
    };
    let message = read(&body, method.input())?;
    let mut inner = Request::new(Body::from(framed(&message)));
    *inner.method_mut() = Method::POST;
    *inner.version_mut() = Version::HTTP_2;
    *inner.uri_mut() = parts.uri;
    *inner.headers_mut() = parts.headers;
    *inner.extensions_mut() = parts.extensions;
    for name in NOT_HANDED_ON {
        inner.headers_mut().remove(name);
    }
    inner.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    inner.headers_mut().insert(header::TE, HeaderValue::from_static("trailers"));

    let Ok(response) = grpc.oneshot(inner).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Status::internal("the answer ended early"))?;
    let none = HeaderMap::new();
    let status = Status::from_header_map(body.trailers().unwrap_or(&none))
        .or_else(|| Status::from_header_map(&head.headers))
        .ok_or_else(|| Status::internal("the answer has no status"))?;
    match status.code() {
        Code::Ok => Ok(write(&body.to_bytes(), method.output())?),
        _ => Err(status.into()),
    }
}

fn read(body: &[u8], form: MessageDescriptor) -> Result<DynamicMessage, Error> {
    if body.is_empty() {
        return Err(Error::invalid("body", "is empty, an empty request is {}"));
    }
    let name = form.full_name().to_owned();
    let mut json = serde_json::Deserializer::from_slice(body);
    let message = DynamicMessage::deserialize_with_options(form, &mut json, &READ).and_then(|message| {
        json.end()?;
        Ok(message)
    });
    message.map_err(|problem| {
        let problem = problem.to_string();
        match problem.strip_prefix("unrecognized field name '").and_then(|rest| rest.split_once('\'')) {
            Some((field, place)) => {
                Error::invalid(shown(field), format_args!("is not a field of {name}, nor of what it holds{place}"))
            }
            None => Error::invalid("body", format_args!("is not {name} in JSON: {}", shown(&problem))),
        }
    })
}

fn framed(message: &DynamicMessage) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(FRAME_HEADER + length);
    frame.put_u8(0);
    // JSON of at most 64 KiB cannot make a message that passes 4 GiB.
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.encode_raw(&mut frame);
    frame.freeze()
}

fn write(frame: &[u8], form: MessageDescriptor) -> Result<Vec<u8>, Status> {
    let unreadable = || Status::internal("the answer cannot be read");
    let message = frame.get(FRAME_HEADER..).ok_or_else(unreadable)?;
    let message = DynamicMessage::decode(form, message).map_err(|_| unreadable())?;
    let mut json = Vec::with_capacity(frame.len() * 4);
    message.serialize_with_options(&mut serde_json::Serializer::new(&mut json), &WRITE).map_err(|_| unreadable())?;
    Ok(json)
}

fn answered(json: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A text of the caller's, no longer than a message should quote.
fn shown(text: &str) -> &str {
    const MAX: usize = 256;
    match text.char_indices().find(|(at, c)| at + c.len_utf8() > MAX) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
