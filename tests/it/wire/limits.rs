//! What a request may hold: each limit is kept, and named when it is passed.

use crate::harness::{http::post, prelude::*};

/// Requires an `INVALID_ARGUMENT` whose field is named.
#[track_caller]
fn names(failure: &Failure, field: &str) {
    failure.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    let named = failure.metadata.get("field").map(String::as_str).unwrap_or_default();
    assert!(named.contains(field), "the field should be {field}: {failure:?}");
    assert!(failure.message.contains(field), "the message names the field too: {failure:?}");
}

fn pairs(count: usize, key: usize, value: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("{n:0>key$}"), "v".repeat(value))).collect()
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn a_request_has_1_to_32_items() {
    let a = open("hundred").await;
    names(&a.reserve("r1", vec![]).failed().await, "items");
    names(&a.reserve("r1", vec![item("reply", 1); 33]).failed().await, "items");
    names(&a.charge("c1", vec![item("reply", 1); 33]).failed().await, "items");
    let failure = a.reserve("r1", vec![item("reply", 1); 33]).failed().await;
    assert!(failure.message.contains("32"), "the limit is named: {failure:?}");
    a.reserve("r1", vec![item("reply", 1); 32]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn a_request_names_at_most_16_budgets() {
    let a = open("hundred").await;
    let budgets: Vec<String> = (0..17).map(|n| format!("agent:{n}")).collect();
    let budgets: Vec<&str> = budgets.iter().map(String::as_str).collect();
    names(&a.reserve("r1", [item("reply", 1)]).budgets(&budgets).failed().await, "budgets");
    a.reserve("r1", [item("reply", 1)]).budgets(&budgets[..16]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn ids_have_their_form() {
    let a = open("hard").await;
    let long = "x".repeat(129);
    for bad in ["-a", ".a", "a b", "ä", "a\u{0}", "{a}", "a*", long.as_str()] {
        names(&a.reserve(bad, [item("reply", 1)]).failed().await, "reservation_id");
        names(&a.commit(bad).failed().await, "reservation_id");
        names(&a.grant("credits", bad, 1).failed().await, "grant_id");
        names(&a.refund(bad, "r1").failed().await, "refund_id");
        names(&a.extend("r1", bad).ttl(60).failed().await, "extend_id");
        names(&a.reserve("r1", [item("reply", 1)]).budgets(&[bad]).failed().await, "budgets");
        names(&a.put_budget(budget(bad, "credits", 1)).failed().await, "name");
        let mut reserve = a.reserve("r1", [item("reply", 1)]);
        reserve.request.account = bad.into();
        names(&reserve.failed().await, "account");
    }
    let good = ["x".repeat(128), "acme.corp:eu@1/x-y".into(), "A".into()];
    for id in good {
        a.reserve(&id, [item("reply", 1)]).granted().await;
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn what_must_not_be_empty_is_refused_when_it_is() {
    let a = open("hard").await;
    names(&a.commit("").failed().await, "reservation_id");
    names(&a.release("").failed().await, "reservation_id");
    names(&a.refund("f1", "").failed().await, "reservation_id");
    names(&a.reserve("r1", [item("", 1)]).failed().await, "action");
    let nobody = v1::GetBalanceRequest { account: String::new(), pools: Vec::new() };
    names(&a.stipend.call(nobody).failed().await, "account");
    names(&a.stipend.call(v1::PutAccountRequest { account: None }).failed().await, "account");
    names(&a.stipend.call(v1::PutBudgetRequest { account: a.id.clone(), budget: None }).failed().await, "budget");
    a.check_conservation().await;
}

#[tokio::test]
async fn a_hold_lives_1_second_to_31_days() {
    let a = open("hundred").clock("2025-01-01T00:00:00Z").await;
    let ask = |seconds, nanos| {
        let mut reserve = a.reserve("r1", [item("reply", 1)]);
        reserve.request.ttl = Some(prost_types::Duration { seconds, nanos });
        reserve
    };
    for (seconds, nanos) in
        [(0, 500_000_000), (0, 0), (-5, 0), (31 * 86_400, 1_000_000), (32 * 86_400, 0), (i64::MAX, 0)]
    {
        names(&ask(seconds, nanos).failed().await, "ttl");
    }
    ask(1, 0).granted().await;
    a.reserve("r2", [item("reply", 1)]).ttl(31 * 86_400).granted().await;
    names(&a.extend("r2", "e1").ttl(32 * 86_400).failed().await, "ttl");
    a.check_conservation().await;
}

#[tokio::test]
async fn metadata_and_dimensions_have_at_most_16_entries_of_64_and_256_bytes() {
    let a = open("hundred").await;
    for bad in [pairs(17, 2, 1), pairs(1, 65, 1), pairs(1, 64, 257)] {
        let metadata = borrowed(&bad);
        names(&a.reserve("r1", [item("reply", 1)]).metadata(&metadata).failed().await, "metadata");
        names(&a.charge("c1", [item("reply", 1)]).metadata(&metadata).failed().await, "metadata");
        names(&a.commit("r1").metadata(&metadata).failed().await, "metadata");
        let mut long = item("reply", 1);
        long.dimensions = bad.iter().cloned().collect();
        names(&a.reserve("r1", [long]).failed().await, "dimensions");
    }
    let most = pairs(16, 64, 256);
    let mut long = item("reply", 1);
    long.dimensions = most.iter().cloned().collect();
    a.reserve("r1", [long]).metadata(&borrowed(&most)).granted().await;
    assert_eq!(a.reservation("r1").await.metadata, most.into_iter().collect());
    a.check_conservation().await;
}

#[tokio::test]
async fn texts_have_at_most_256_bytes() {
    let a = open("hard").await;
    let (most, more) = ("x".repeat(256), "x".repeat(257));
    names(&a.charge("c1", [item("lead", 1).subject(&more)]).failed().await, "subject");
    a.charge("c1", [item("lead", 1).subject(&most)]).granted().await;
    names(&a.grant("credits", "g1", 1).note(&more).failed().await, "note");
    a.grant("credits", "g1", 1).note(&most).done().await;
    names(&a.refund("f1", "c1").reason(&more).failed().await, "reason");
    a.reserve("r1", [item("reply", 1)]).granted().await;
    names(&a.release("r1").reason(&more).failed().await, "reason");
    a.release("r1").reason(&most).done().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn an_account_has_at_most_32_labels_and_16_addresses() {
    let a = open("hard").await;
    let labels = a.put(|account| account.labels = pairs(33, 2, 1).into_iter().collect()).await.expect_err("too many");
    names(&labels, "labels");
    let long = a.put(|account| account.labels = pairs(1, 65, 1).into_iter().collect()).await.expect_err("too long");
    names(&long, "labels");
    let notify = a.put(|account| account.notify = vec!["a@example.com".into(); 17]).await.expect_err("too many");
    names(&notify, "notify");
    a.put(|account| account.labels = pairs(32, 64, 256).into_iter().collect()).await.expect("as many as may be");
    a.check_conservation().await;
}

#[tokio::test]
async fn a_page_has_at_most_1000_entries() {
    let a = open("hard").await;
    let list =
        |page_size| v1::ListActivityRequest { account: a.id.clone(), page_size, ..v1::ListActivityRequest::default() };
    names(&a.stipend.call(list(1001)).failed().await, "page_size");
    names(&a.stipend.call(list(-1)).failed().await, "page_size");
    let token = v1::ListActivityRequest { page_token: "no such token".into(), ..list(10) };
    names(&a.stipend.call(token).failed().await, "page_token");
    a.check_conservation().await;
}

#[tokio::test]
async fn a_priority_is_from_1_to_1000() {
    let a = open("hard").await;
    for bad in [-1, 1001] {
        names(&a.grant("credits", "g1", 1).priority(bad).failed().await, "priority");
    }
    a.grant("credits", "g1", 1).priority(1000).done().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn allowances_and_rollovers_are_not_for_callers_to_grant() {
    let a = open("hard").await;
    for kind in [Kind::Allowance, Kind::Rollover] {
        names(&a.grant("credits", "g1", 1).kind(kind).failed().await, "kind");
    }
    a.grant("credits", "g1", 1).kind(Kind::Unspecified).done().await;
    assert_eq!(a.balance("credits").await.purchased, 1);
    a.check_conservation().await;
}

/// 32 items of valid fields that come to more than 64 KiB together.
fn too_large() -> Vec<v1::Item> {
    let mut large = item("reply", 1);
    large.dimensions = pairs(16, 64, 256).into_iter().collect();
    vec![large; 32]
}

#[tokio::test]
async fn a_request_of_more_than_64_kib_is_refused_over_grpc() {
    let a = open("hundred").await;
    let failure = a.reserve("r1", too_large()).send().await.expect_err("it is too large");
    // chosen: gRPC libraries differ in the code for it.
    assert!(matches!(failure.code, Code::ResourceExhausted | Code::OutOfRange | Code::InvalidArgument), "{failure:?}");
    a.reserve("r1", [item("reply", 1)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn a_request_of_more_than_64_kib_is_refused_in_json() {
    let a = open("hundred").await;
    let body = serde_json::json!({"account": a.id, "reservationId": "x".repeat(65 * 1024)});
    let answer = post(a.stipend.addr(), "QuotaService/Reserve", &body).await;
    assert!((400..500).contains(&answer.status), "{answer:?}");
    a.check_conservation().await;
}

#[tokio::test]
async fn an_enum_value_that_nobody_knows_is_refused() {
    let a = open("hard").await;
    let mut budget = budget("b", "credits", 1);
    budget.cap = 99;
    names(&a.put_budget(budget).failed().await, "cap");
    let mut change = a.change_plan("hundred", "", v1::change_plan_request::When::Now);
    change.request.when = 99;
    names(&change.failed().await, "when");
    a.check_conservation().await;
}

#[tokio::test]
async fn a_budget_has_a_pool_of_the_plan_and_a_limit_and_a_readable_cycle() {
    let a = open("hard").await;
    for cycle in ["every day", "0 days", "1", "-1 month", "1 fortnight"] {
        let budget = v1::Budget { cycle: cycle.into(), ..budget("b", "credits", 1) };
        names(&a.put_budget(budget).failed().await, "cycle");
    }
    names(&a.put_budget(budget("b", "credits", -1)).failed().await, "limit");
    a.put_budget(budget("b", "no_such_pool", 1)).failed().await.is(Code::InvalidArgument, "UNKNOWN_POOL");
    a.check_conservation().await;
}
