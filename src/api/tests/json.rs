//! JSON over HTTP.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use prost::Message as _;
use serde_json::json;
use tonic_types::pb;

use super::*;

const RESERVE: &str = "/stipend.v1.QuotaService/Reserve";

#[tokio::test]
async fn a_call_is_read_and_answered_in_proto3_json() {
    let body = json!({
        "account": "acme",
        "reservationId": "r-1",
        "items": [{ "action": "ai_reply", "quantity": "9007199254740991" }, { "action": "sync", "quantity": 3 }],
        "ttl": "90.5s",
        "metadata": { "job": "7" },
    });
    let heard = ask(post(RESERVE, body.to_string())).await;
    assert_eq!(heard.status, 200, "{}", heard.body);
    assert_eq!(heard.headers["content-type"], "application/json");
    let granted = &heard.body["granted"];
    assert_eq!(granted["id"], "r-1");
    assert_eq!(granted["state"], "ACTIVE");
    assert_eq!(granted["items"][0]["quantity"], "9007199254740991");
    assert_eq!(granted["items"][1]["quantity"], "3");
    assert_eq!(granted["expireTime"], "1970-01-01T00:01:30.500Z");
    assert_eq!(granted["metadata"]["job"], "7");
}

#[tokio::test]
async fn names_as_in_the_proto_are_read_too() {
    let heard = ask(post(RESERVE, r#"{"account":"acme","reservation_id":"r-2"}"#)).await;
    assert_eq!(heard.body["granted"]["id"], "r-2", "{}", heard.body);
}

#[tokio::test]
async fn fields_that_are_zero_can_be_seen() {
    let heard = ask(post("/stipend.v1.QuotaService/GetBalance", r#"{"account":"acme"}"#)).await;
    let balance = &heard.body["balances"][0];
    assert_eq!(balance["available"], "0", "{}", heard.body);
    assert_eq!(balance["usedPercent"], 0.0);
    assert_eq!(balance["grants"], json!([]));
    assert_eq!(balance["resetTime"], Value::Null);
    assert!(balance.get("resetTime").is_none(), "a message that is not set is left out: {balance}");
}

#[tokio::test]
async fn the_branch_that_was_not_taken_is_left_out() {
    let heard = ask(post(RESERVE, r#"{"account":"acme"}"#)).await;
    assert!(heard.body.get("granted").is_some() && heard.body.get("denied").is_none(), "{}", heard.body);
}

#[tokio::test]
async fn a_failure_carries_code_message_and_details() {
    let heard = ask(post(RESERVE, r#"{"account":"missing"}"#)).await;
    assert_eq!(heard.status, 404);
    assert_eq!(heard.body["code"], "not_found");
    assert_eq!(heard.body["message"], "account missing does not exist");
    let detail = &heard.body["details"][0];
    assert_eq!(detail["type"], "google.rpc.ErrorInfo");
    let debug = json!({ "reason": "ACCOUNT_NOT_FOUND", "domain": "stipend", "metadata": { "account": "it" } });
    assert_eq!(detail["debug"], debug);
    let value = STANDARD_NO_PAD.decode(detail["value"].as_str().expect("base64")).expect("base64");
    let info = pb::ErrorInfo::decode(value.as_slice()).expect("an ErrorInfo");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("ACCOUNT_NOT_FOUND", "stipend"));
}

#[tokio::test]
async fn an_overloaded_server_says_when_to_come_back() {
    let heard = ask(post(RESERVE, r#"{"account":"overloaded"}"#)).await;
    assert_eq!((heard.status, &heard.body["code"]), (429, &json!("resource_exhausted")));
    let details = heard.body["details"].as_array().expect("details");
    let retry = details.iter().find(|detail| detail["type"] == "google.rpc.RetryInfo").expect("a RetryInfo");
    assert_eq!(retry["debug"]["retryDelay"], "0.1s");
}

#[tokio::test]
async fn an_unknown_field_is_named() {
    let heard = ask(post(RESERVE, r#"{"account":"acme","items":[{"action":"a","quanttiy":1}]}"#)).await;
    assert_eq!((heard.status, &heard.body["code"]), (400, &json!("invalid_argument")));
    let message = heard.body["message"].as_str().expect("a message");
    assert!(message.starts_with("quanttiy: is not a field of stipend.v1.ReserveRequest"), "{message}");
    assert_eq!(heard.body["details"][0]["debug"]["metadata"]["field"], "quanttiy");
}

#[tokio::test]
async fn a_body_that_is_not_the_message_is_refused() {
    for body in [
        "",
        "[]",
        "{",
        r#"{"account":1}"#,
        r#"{"account":"acme"} x"#,
        r#"{"items":[{"quantity":1.5}]}"#,
        r#"{"items":[{"quantity":9223372036854775808}]}"#,
        r#"{"ttl":"soon"}"#,
        "\u{0}",
    ] {
        let heard = ask(post(RESERVE, body)).await;
        assert_eq!((heard.status, &heard.body["code"]), (400, &json!("invalid_argument")), "{body}: {}", heard.body);
    }
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(ask(post(RESERVE, format!(r#"{{"items":{nested}}}"#))).await.status, 400);
}

#[tokio::test]
async fn what_is_not_a_method_is_not_found() {
    for path in ["/nowhere", "/stipend.v1.QuotaService/Nothing", "/stipend.v1.QuotaService", "//", "/x?y=z"] {
        let heard = ask(post(path, "{}")).await;
        assert_eq!((heard.status, &heard.body["code"]), (404, &json!("unimplemented")), "{path}");
    }
}

#[tokio::test]
async fn methods_are_posted_to() {
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let request = Request::builder().method(method).uri(RESERVE).body(Body::empty()).expect("a request");
        let heard = ask(request).await;
        assert_eq!((heard.status, heard.header("allow")), (405, "POST"), "{method}");
    }
}

#[tokio::test]
async fn only_json_is_read() {
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/proto"]
    {
        let request = Request::post(RESERVE).header("content-type", kind).body(Body::from("{}")).expect("a request");
        let heard = ask(request).await;
        assert_eq!((heard.status, heard.header("accept-post")), (415, "application/json"), "{kind}");
    }
    let bare = Request::post(RESERVE).body(Body::from("{}")).expect("a request");
    assert_eq!(ask(bare).await.status, 415);
    let utf8 = Request::post(RESERVE).header("content-type", "application/JSON; charset=\"UTF-8\"");
    assert_eq!(ask(utf8.body(Body::from("{}")).expect("a request")).await.status, 200);
}

#[tokio::test]
async fn compressed_bodies_are_refused() {
    let mut request = post(RESERVE, "{}");
    request.headers_mut().insert("content-encoding", http::HeaderValue::from_static("gzip"));
    let heard = ask(request).await;
    assert_eq!((heard.status, &heard.body["code"]), (501, &json!("unimplemented")));
}

#[tokio::test]
async fn a_body_ends_at_64_kib() {
    let of = |length: usize| {
        let empty = r#"{"account":""}"#.len();
        post(RESERVE, format!(r#"{{"account":"{}"}}"#, "a".repeat(length - empty)))
    };
    assert_eq!(ask(of(REQUEST_MAX)).await.status, 200);
    let heard = ask(of(REQUEST_MAX + 1)).await;
    assert_eq!((heard.status, &heard.body["code"]), (413, &json!("out_of_range")));
    assert_eq!(heard.body["message"], "the request is larger than 65536 bytes");
}

#[tokio::test]
async fn streams_are_for_grpc() {
    let heard = ask(post("/stipend.v1.QuotaService/Pipeline", "{}")).await;
    assert_eq!((heard.status, &heard.body["code"]), (501, &json!("unimplemented")));
}

#[tokio::test]
async fn a_deadline_ends_the_call_and_not_the_change() {
    let (edge, _, detached) = edge(&CancellationToken::new()).await;
    for (name, value) in [("connect-timeout-ms", "5"), ("grpc-timeout", "5m"), ("connect-timeout-ms", "0")] {
        let mut request = post(RESERVE, r#"{"account":"slow"}"#);
        request.headers_mut().insert(name, http::HeaderValue::from_static(value));
        let heard = heard(edge.clone().answer(request).await).await;
        assert_eq!((heard.status, &heard.body["code"]), (504, &json!("deadline_exceeded")), "{name}");
        assert_eq!(heard.body["details"][0]["debug"]["reason"], "DEADLINE_EXCEEDED");
    }
    assert_eq!(detached.orphans(), 2, "the third had no time to begin");
    detached.finished().await;
}

#[tokio::test]
async fn a_deadline_that_cannot_be_read_is_refused() {
    let mut request = post(RESERVE, "{}");
    request.headers_mut().insert("connect-timeout-ms", http::HeaderValue::from_static("soon"));
    let heard = ask(request).await;
    assert_eq!((heard.status, &heard.body["code"]), (400, &json!("invalid_argument")));
}

#[tokio::test]
async fn a_panic_is_an_internal_error_of_one_call() {
    let heard = ask(post(RESERVE, r#"{"account":"panicking"}"#)).await;
    assert_eq!((heard.status, &heard.body["code"]), (500, &json!("internal")));
    assert!(!heard.body.to_string().contains("as asked"), "the cause is for the log alone: {}", heard.body);
}

#[tokio::test]
async fn health_can_be_asked_in_json() {
    let heard = ask(post("/grpc.health.v1.Health/Check", r#"{"service":"stipend.v1.QuotaService"}"#)).await;
    assert_eq!((heard.status, &heard.body["status"]), (200, &json!("NOT_SERVING")), "{}", heard.body);
}

#[tokio::test]
async fn the_root_says_what_this_is() {
    let heard = ask(Request::get("/").body(Body::empty()).expect("a request")).await;
    assert_eq!((heard.status, heard.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert!(heard.body.as_str().is_some_and(|text| text.starts_with("Stipend")), "{}", heard.body);
}
