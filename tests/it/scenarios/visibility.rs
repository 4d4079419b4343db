//! Rule 20: what cost nothing shows all the same; and how the log is read.

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_20_a_duplicate_shows() {
    let a = open("hard").await;
    for id in ["c1", "c2"] {
        a.charge(id, [item("lead", 1).subject("ann").dimension("source", "chat")]).granted().await;
    }
    let charges = a.activity("charge", 2).await;
    let shown: Vec<_> = charges.iter().map(|entry| (entry.credits, entry.duplicate, entry.subject.as_str())).collect();
    assert_eq!(shown, [(1, false, "ann"), (0, true, "ann")]);
    assert!(charges.iter().all(|entry| entry.action == "lead" && entry.dimensions["source"] == "chat"));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_20_a_release_shows_with_its_reason() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 2)]).metadata(&[("session", "s-1")]).granted().await;
    a.release("r1").reason("handed to a person").done().await;
    let entry = a.activity("release", 1).await.remove(0);
    assert_eq!((entry.reservation_id.as_str(), entry.pool.as_str(), entry.action.as_str()), ("r1", "credits", "reply"));
    assert!(said(&entry, "handed to a person"), "{entry:?}");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_20_an_expiry_shows() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 2)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:05:00Z").done().await;
    let entry = a.activity("expire", 1).await.remove(0);
    assert_eq!((entry.reservation_id.as_str(), entry.pool.as_str()), ("r1", "credits"));
    assert_eq!(entry.time, Some(at("2025-01-01T00:01:00Z")), "the moment that it expired at");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_20_the_first_refusal_per_pool_and_reason_and_cycle_shows() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    for n in 0..5 {
        a.charge(&format!("c{n}"), [item("reply", 11)]).denied().await;
    }
    let denied = a.activity("denied", 1).await.remove(0);
    assert_eq!((denied.pool.as_str(), denied.credits), ("credits", 11));
    a.charge("m1", [item("call_minute", 61)]).denied().await;
    a.charge("m2", [item("call_minute", 61)]).denied().await;
    a.activity("denied", 2).await;
    a.put_budget(budget("b", "credits", 1)).done().await;
    a.charge("b1", [item("reply", 2)]).budgets(&["b"]).denied().await;
    a.activity("denied", 3).await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    for n in 5..8 {
        a.charge(&format!("c{n}"), [item("reply", 11)]).denied().await;
    }
    a.activity("denied", 4).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_20_a_dry_run_leaves_no_trace() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 11)]).dry_run(true).denied().await;
    a.reserve("r1", [item("reply", 1)]).dry_run(true).granted().await;
    a.activity("denied", 0).await;
    a.activity("reserve", 0).await;
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_20_of_racing_refusals_one_shows() {
    let a = open("hard").await;
    race((0..32).map(|n| a.charge(&format!("c{n}"), [item("reply", 11)]).lane(n).denied())).await;
    a.activity("denied", 1).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_20_a_retry_shows_once() {
    let a = open("hard").await;
    for _ in 0..3 {
        a.charge("c1", [item("reply", 2)]).granted().await;
        a.grant("credits", "g1", 2).done().await;
    }
    a.activity("charge", 1).await;
    a.activity("grant", 1).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_20_an_entry_says_what_was_charged_and_what_is_left() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("call_second", 120).dimension("model", "m1")]).granted().await;
    a.commit("r1").quantities(&[61]).metadata(&[("call", "k-1")]).done().await;
    let entry = a.activity("commit", 1).await.remove(0);
    assert_eq!(
        (entry.pool.as_str(), entry.action.as_str(), entry.reservation_id.as_str()),
        ("minutes", "call_second", "r1")
    );
    assert_eq!((entry.credits, entry.quantity, entry.balance_after), (2, 61, 58));
    assert_eq!((entry.dimensions["model"].as_str(), entry.metadata["call"].as_str()), ("m1", "k-1"));
    assert_eq!(entry.time, Some(at("2025-01-01T00:00:00Z")));
    a.check_conservation().await;
}

fn list(a: &Account) -> v1::ListActivityRequest {
    v1::ListActivityRequest { account: a.id.clone(), ..v1::ListActivityRequest::default() }
}

#[tokio::test]
async fn rule_20_the_log_is_listed_newest_first_in_pages() {
    let a = open("hundred").clock("2025-01-01T00:00:00Z").await;
    for n in 0..7 {
        a.charge(&format!("c{n}"), [item("reply", 1)]).granted().await;
    }
    a.activity("charge", 7).await;
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListActivityRequest { r#type: "charge".into(), page_size: 3, page_token, ..list(&a) };
        let page = a.stipend.call(request).done().await;
        assert!(page.entries.len() <= 3);
        ids.extend(page.entries.into_iter().map(|entry| entry.reservation_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(ids, ["c6", "c5", "c4", "c3", "c2", "c1", "c0"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_20_the_log_is_filtered_by_pool_and_action_and_type_and_time() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 1)]).granted().await;
    a.advance("2025-01-01T01:00:00Z").done().await;
    a.charge("c2", [item("reply", 1)]).granted().await;
    a.charge("c3", [item("call_minute", 1)]).granted().await;
    a.charge("c4", [item("call_second", 60)]).granted().await;
    a.activity("charge", 4).await;
    let charges = v1::ListActivityRequest { r#type: "charge".into(), ..list(&a) };
    let cases = [
        (v1::ListActivityRequest { pool: "minutes".into(), ..charges.clone() }, vec!["c4", "c3"]),
        (v1::ListActivityRequest { action: "reply".into(), ..charges.clone() }, vec!["c2", "c1"]),
        (v1::ListActivityRequest { pool: "credits".into(), action: "call_second".into(), ..charges.clone() }, vec![]),
        (
            v1::ListActivityRequest { start_time: Some(at("2025-01-01T01:00:00Z")), ..charges.clone() },
            vec!["c4", "c3", "c2"],
        ),
        (v1::ListActivityRequest { end_time: Some(at("2025-01-01T01:00:00Z")), ..charges.clone() }, vec!["c1"]),
    ];
    for (request, expected) in cases {
        let said = format!("{request:?}");
        let entries = a.stipend.call(request).done().await.entries;
        let ids: Vec<_> = entries.iter().map(|entry| entry.reservation_id.as_str()).collect();
        assert_eq!(ids, expected, "{said}");
    }
    a.check_conservation().await;
}
