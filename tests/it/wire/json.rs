//! The unary methods over HTTP/1.1 in proto3 JSON, as curl and a browser call them (Connect's unary form).

use base64::Engine as _;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tonic_types::pb::ErrorInfo;

use crate::harness::{
    http::{Answer, post, post_as},
    prelude::*,
};

/// The code and the `ErrorInfo` of a failed call.
fn failure(answer: &Answer) -> (String, ErrorInfo) {
    let body = answer.json();
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")), "{answer:?}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    let details = body["details"].as_array().unwrap_or_else(|| panic!("no details: {body}"));
    let detail = details.iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo").expect("an ErrorInfo");
    let value = detail["value"].as_str().expect("a detail is base64");
    let any = base64::engine::general_purpose::STANDARD_NO_PAD;
    let bytes = any.decode(value.trim_end_matches('=')).expect("a detail is base64");
    let info = ErrorInfo::decode(bytes.as_slice()).expect("a detail is an ErrorInfo");
    assert_eq!(info.domain, "stipend");
    (body["code"].as_str().unwrap_or_default().to_owned(), info)
}

#[tokio::test]
async fn a_hold_is_made_and_committed_in_json() {
    let a = open("hard").await;
    let addr = a.stipend.addr();
    let reserve = json!({
        "account": a.id, "reservationId": "r1", "ttl": "90s",
        "items": [{"action": "model_reply", "quantity": "2", "dimensions": {"model": "large-1"}}],
    });
    let answer = post(addr, "QuotaService/Reserve", &reserve).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    let body = answer.json();
    let granted = &body["granted"];
    assert_eq!((&granted["id"], &granted["state"]), (&json!("r1"), &json!("ACTIVE")), "{body}");
    assert_eq!(granted["items"][0]["credits"], json!("6"), "64-bit numbers are strings in proto3 JSON");
    assert!(granted["expireTime"].as_str().is_some_and(|time| time.ends_with('Z')), "{body}");
    let commit = json!({"account": a.id, "reservation_id": "r1", "quantities": [1]});
    let body = post(addr, "QuotaService/Commit", &commit).await.json();
    assert_eq!(body["charges"][0]["credits"], json!("3"), "{body}");
    let balance = post(addr, "QuotaService/GetBalance", &json!({"account": a.id, "pools": ["credits"]})).await.json();
    assert_eq!(balance["balances"][0]["consumed"], json!("3"), "{balance}");
    assert_eq!(balance["balances"][0]["cap"], json!("HARD"));
    a.check_conservation().await;
}

#[tokio::test]
async fn a_refusal_is_an_answer_with_status_200() {
    let a = open("hard").await;
    let charge = json!({"account": a.id, "reservationId": "c1", "items": [{"action": "reply", "quantity": 11}]});
    let answer = post(a.stipend.addr(), "QuotaService/Charge", &charge).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["denied"]["reason"], json!("INSUFFICIENT_CREDITS"), "{body}");
    assert_eq!((&body["denied"]["required"], &body["denied"]["available"]), (&json!("11"), &json!("10")));
    a.check_conservation().await;
}

#[tokio::test]
async fn every_service_answers_in_json() {
    let a = open("hard").await;
    let addr = a.stipend.addr();
    let account = post(addr, "AccountService/GetAccount", &json!({"account": a.id})).await;
    assert_eq!((account.status, &account.json()["plan"]), (200, &json!("hard")));
    let grant = json!({"account": a.id, "pool": "credits", "grantId": "g1", "kind": "TOP_UP", "amount": "5"});
    let granted = post(addr, "AccountService/GrantCredits", &grant).await.json();
    assert_eq!(granted["balance"]["purchased"], json!("5"), "{granted}");
    let listed = post(addr, "UsageService/ListActivity", &json!({"account": a.id, "type": "grant"})).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    assert_eq!(listed.json()["entries"][0]["credits"], json!("5"));
    let catalog = post(addr, "CatalogService/GetCatalog", &json!({"catalog": "rules"})).await.json();
    assert_eq!(catalog["pools"][0]["pool"], json!("credits"), "{catalog}");
    let quote = json!({"account": a.id, "items": [{"action": "call_second", "quantity": 61}]});
    let quoted = post(addr, "CatalogService/Quote", &quote).await.json();
    assert_eq!(quoted["items"][0]["credits"], json!("2"), "{quoted}");
    a.check_conservation().await;
}

#[tokio::test]
async fn errors_are_connect_errors_with_an_error_info() {
    let a = open("hard").await;
    let addr = a.stipend.addr();
    a.reserve("r1", [item("reply", 2)]).granted().await;
    let reserve = |id: &str, account: &str, action: &str| json!({"account": account, "reservationId": id, "items": [{"action": action, "quantity": 3}]});
    let nobody = a.id.clone() + "-nobody";
    let cases = [
        ("QuotaService/Reserve", reserve("r1", &a.id, "reply"), 409, "already_exists", "RESERVATION_EXISTS"),
        ("QuotaService/Reserve", reserve("r2", &nobody, "reply"), 404, "not_found", "ACCOUNT_NOT_FOUND"),
        ("QuotaService/Reserve", reserve("r2", &a.id, "nothing"), 400, "invalid_argument", "UNKNOWN_ACTION"),
        ("QuotaService/Reserve", reserve("-", &a.id, "reply"), 400, "invalid_argument", "INVALID_ARGUMENT"),
        (
            "AccountService/AdvanceTestClock",
            json!({"account": a.id, "to": "2099-01-01T00:00:00Z"}),
            400,
            "failed_precondition",
            "NO_TEST_CLOCK",
        ),
    ];
    for (method, body, status, code, reason) in cases {
        let answer = post(addr, method, &body).await;
        let (said, info) = failure(&answer);
        assert_eq!((answer.status, said.as_str(), info.reason.as_str()), (status, code, reason), "{body}");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn what_is_no_json_or_has_an_unknown_field_is_an_invalid_argument() {
    let a = open("hard").await;
    let addr = a.stipend.addr();
    for body in [&b"{"[..], b"[]", b"{\"account\": 7}", b"{\"acount\": \"x\"}", b"\xff"] {
        let answer = post_as(addr, "QuotaService/GetBalance", "application/json", body).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("invalid_argument")), "{answer:?}");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn another_content_type_and_an_unknown_method_are_refused() {
    let a = open("hard").await;
    let addr = a.stipend.addr();
    let body = json!({"account": a.id}).to_string();
    assert_eq!(post_as(addr, "QuotaService/GetBalance", "text/plain", body.as_bytes()).await.status, 415);
    let unknown = post(addr, "QuotaService/NoSuchMethod", &json!({})).await;
    assert!(matches!(unknown.status, 404 | 501), "{unknown:?}");
    a.check_conservation().await;
}

#[tokio::test]
async fn json_and_grpc_share_their_retries() {
    let a = open("hard").await;
    let first = a.charge("c1", [item("reply", 2)]).granted().await;
    let charge = json!({"account": a.id, "reservationId": "c1", "items": [{"action": "reply", "quantity": 2}]});
    let body: Value = post(a.stipend.addr(), "QuotaService/Charge", &charge).await.json();
    assert_eq!(body["charged"]["reservation"]["id"], json!("c1"), "{body}");
    assert_eq!(a.charge("c1", [item("reply", 2)]).granted().await, first);
    assert_eq!(a.balance("credits").await.consumed, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn a_mutation_whose_caller_hangs_up_still_finishes() {
    let a = open("hundred").await;
    let addr = a.stipend.addr();
    for n in 0..20 {
        let body =
            json!({"account": a.id, "reservationId": format!("c{n}"), "items": [{"action": "reply"}]}).to_string();
        let request = format!(
            "POST /stipend.v1.QuotaService/Charge HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = tokio::net::TcpStream::connect(addr).await.expect("the server takes connections");
        stream.write_all(request.as_bytes()).await.expect("a request can be written");
        // Hangs up without waiting for the answer.
        drop(stream);
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while a.balance("credits").await.consumed < 20 && std::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(a.balance("credits").await.consumed, 20);
    a.check_conservation().await;
}

#[tokio::test]
async fn a_mutation_whose_caller_hangs_up_is_done_whole_or_not_at_all() {
    let a = open("hundred").await;
    let addr = a.stipend.addr();
    for n in 0..40 {
        let id = format!("c{n}");
        let body = json!({"account": a.id, "reservationId": id, "items": [{"action": "reply"}]}).to_string();
        let request = format!(
            "POST /stipend.v1.QuotaService/Charge HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = tokio::net::TcpStream::connect(addr).await.expect("the server takes connections");
        stream.write_all(request.as_bytes()).await.expect("a request can be written");
        // Hangs up without waiting for the answer: at once, or while it is being worked on.
        tokio::time::sleep(std::time::Duration::from_micros(100 * n)).await;
        drop(stream);
    }
    for n in 0..40 {
        a.charge(&format!("c{n}"), [item("reply", 1)]).granted().await;
    }
    assert_eq!(a.balance("credits").await.consumed, 40, "each retry found its charge, or made it");
    a.check_conservation().await;
}

#[tokio::test]
async fn a_mutation_whose_deadline_passes_is_done_whole_or_not_at_all() {
    let a = open("hundred").await;
    let mut expected = 0;
    for n in 0..40 {
        let id = format!("c{n}");
        let patience = std::time::Duration::from_micros(100 * n);
        let _ = tokio::time::timeout(patience, a.charge(&id, [item("reply", 1)]).send()).await;
        // Whatever became of it, its retry is answered and there is one charge.
        a.charge(&id, [item("reply", 1)]).granted().await;
        expected += 1;
        assert_eq!(a.balance("credits").await.consumed, expected);
    }
    a.check_conservation().await;
}
