//! Accounts themselves: made, changed, listed, removed.

use crate::harness::prelude::*;

#[tokio::test]
async fn an_account_is_as_it_was_put() {
    let a = open("hard").clock("2025-01-05T00:00:00Z").anchor("2025-01-01T00:00:00Z").zone("Europe/Berlin").await;
    a.put(|account| {
        account.labels = [("tier".to_owned(), "gold".to_owned())].into();
        account.notify = vec!["ops@example.com".into()];
    })
    .await
    .expect("labels can change");
    let account = a.get().await;
    assert_eq!((account.catalog.as_str(), account.plan.as_str()), ("rules", "hard"));
    assert_eq!((account.catalog_version.as_str(), account.time_zone.as_str()), ("2025-01-01", "Europe/Berlin"));
    assert_eq!(account.anchor_time, Some(at("2025-01-01T00:00:00Z")));
    assert_eq!(account.status(), v1::account::Status::Active);
    assert_eq!((account.labels["tier"].as_str(), account.notify[0].as_str()), ("gold", "ops@example.com"));
    a.check_conservation().await;
}

#[tokio::test]
async fn putting_an_account_again_changes_nothing_that_it_has() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    let first = a.get().await;
    let again = a.put(|_| {}).await.expect("an account can be put again");
    assert_eq!((again.create_time, again.anchor_time), (first.create_time, first.anchor_time));
    assert_eq!(a.balance("credits").await.available, 6);
    a.check_conservation().await;
}

#[tokio::test]
async fn what_is_set_at_creation_cannot_change() {
    let a = open("hard").clock("2025-01-05T00:00:00Z").await;
    let zone = a.put(|account| account.time_zone = "Asia/Tokyo".into()).await.expect_err("the zone is fixed");
    zone.is(Code::FailedPrecondition, "IMMUTABLE");
    let anchor = a.put(|account| account.anchor_time = Some(at("2024-01-01T00:00:00Z"))).await.expect_err("fixed");
    anchor.is(Code::FailedPrecondition, "IMMUTABLE");
    let clock = a.put(|account| account.test_clock = Some(at("2026-01-01T00:00:00Z"))).await.expect_err("fixed");
    clock.is(Code::FailedPrecondition, "IMMUTABLE");
    a.check_conservation().await;
}

#[tokio::test]
async fn an_account_needs_a_known_catalog_and_plan_and_zone() {
    let a = open("hard").await;
    let fresh = |change: fn(&mut v1::Account)| {
        a.put(move |account| {
            account.id.push_str("-other");
            change(account);
        })
    };
    let unknown = fresh(|account| account.catalog = "nowhere".into()).await.expect_err("no such catalog");
    unknown.is(Code::InvalidArgument, "UNKNOWN_CATALOG");
    let plan = fresh(|account| account.plan = "nothing".into()).await.expect_err("no such plan");
    plan.is(Code::InvalidArgument, "UNKNOWN_PLAN");
    let several = fresh(|account| account.catalog.clear()).await.expect_err("two catalogs are loaded");
    assert_eq!(several.code, Code::InvalidArgument);
    let zone = fresh(|account| account.time_zone = "Mars/Olympus".into()).await.expect_err("no such zone");
    zone.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    a.check_conservation().await;
}

#[tokio::test]
async fn an_account_that_nobody_made_is_not_found() {
    let a = open("hard").await;
    let nobody = a.id.clone() + "-nobody";
    let request = v1::GetAccountRequest { account: nobody.clone() };
    a.stipend.call(request).failed().await.is(Code::NotFound, "ACCOUNT_NOT_FOUND");
    let mut reserve = a.reserve("r1", [item("reply", 1)]);
    reserve.request.account = nobody.clone();
    let failure = reserve.failed().await;
    failure.is(Code::NotFound, "ACCOUNT_NOT_FOUND");
    assert!(failure.metadata.values().any(|id| *id == nobody), "the error names the account: {failure:?}");
    a.check_conservation().await;
}

#[tokio::test]
async fn accounts_are_listed_in_the_order_of_their_ids_in_pages() {
    let own = own();
    let stipend = own.stipend();
    let mut expected = Vec::new();
    for _ in 0..7 {
        let a = stipend.open("hard").await;
        expected.push(a.id.clone());
        a.check_conservation().await;
    }
    expected.sort();
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = stipend.call(v1::ListAccountsRequest { page_size: 3, page_token }).done().await;
        assert!(page.accounts.len() <= 3);
        listed.extend(page.accounts.into_iter().map(|account| account.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_everything_that_it_had() {
    let a = open("hard").await;
    a.grant("credits", "g1", 5).done().await;
    a.reserve("r1", [item("reply", 2)]).granted().await;
    a.charge("c1", [item("signup", 1).subject("u1")]).granted().await;
    a.put_budget(budget("b", "credits", 5)).done().await;
    a.stipend.call(v1::DeleteAccountRequest { account: a.id.clone() }).done().await;
    a.reserve("r2", [item("reply", 1)]).failed().await.is(Code::NotFound, "ACCOUNT_NOT_FOUND");
    a.put(|_| {}).await.expect("the id is free again");
    assert_eq!(a.balance("credits").await.available, 10);
    assert!(a.budgets().await.is_empty() && a.active().await.is_empty());
    let charge = a.charge("c1", [item("signup", 1).subject("u1")]).granted().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (5, false));
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_callers_who_make_the_same_account_one_makes_it() {
    let a = open("hard").await;
    let account = v1::Account { id: a.id.clone() + "-twin", ..a.get().await };
    let account = v1::Account { now: None, create_time: None, pending_plan: None, ..account };
    let put = a.stipend.call(v1::PutAccountRequest { account: Some(account.clone()) });
    let made = duplicates(16, put).await;
    let times: Vec<_> = made.into_iter().map(|made| made.expect("a duplicate is answered").create_time).collect();
    assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
    a.check_conservation().await;
}
