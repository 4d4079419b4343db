//! Model 1, `buyer-engagement`: two annual balances, soft caps, unique counting.

use std::collections::HashMap;

use super::{actions_of, catalog_of, charged, thresholds, told};
use crate::harness::{prelude::*, world::Opening};

const START: &str = "2025-03-15T00:00:00Z";
const RENEWAL: &str = "2026-03-15T00:00:00Z";

fn annual() -> Opening {
    model("buyer-engagement", "annual").clock(START)
}

/// An allowance of this customer's own.
fn allowance(credits: i64) -> v1::PoolOverride {
    v1::PoolOverride { allowance: Some(credits), ..v1::PoolOverride::default() }
}

/// A lead that interacts with us.
fn lead(id: &str, source: &str) -> v1::Item {
    item("connection", 1).subject(id).dimension("source", source)
}

fn contact(id: &str, source: &str) -> v1::Item {
    item("enrich_contact", 1).subject(id).dimension("source", source)
}

fn company(domain: &str, source: &str) -> v1::Item {
    item("enrich_company", 1).subject(domain).dimension("source", source)
}

/// Connects leads `first` to `last`.
async fn connect(a: &Account, first: i64, last: i64) {
    let leads: Vec<v1::Item> = (first..=last).map(|n| lead(&format!("lead-{n}"), "chat")).collect();
    for (batch, leads) in leads.chunks(32).enumerate() {
        a.charge(&format!("connect-{first}-{batch}"), leads).granted().await;
    }
}

#[tokio::test]
async fn model_1_two_balances_each_with_its_own_limit() {
    let a = annual().overriding("connections", allowance(2)).await;
    connect(&a, 1, 3).await;
    let balances = a.balances().await;
    let shown: Vec<_> = balances.iter().map(|b| (b.pool.as_str(), b.allowance, b.consumed, b.state())).collect();
    assert_eq!(shown, [("connections", 2, 3, Level::Overage), ("enrichment_credits", 20_000, 0, Level::Ok)]);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_a_connection_counts_the_first_time_that_a_lead_starts_a_direct_interaction() {
    let a = annual().await;
    let interactions = [
        ("sent-a-message", "chat"),
        ("started-a-chat", "chat"),
        ("requested-a-meeting", "meetings"),
        ("joined-a-meeting", "meetings"),
        ("was-added-to-a-meeting", "meetings"),
        ("replied-to-outreach", "linkedin"),
    ];
    for (how, source) in interactions {
        let first = lead(how, source).dimension("interaction", how);
        assert_eq!(charged(a.charge(&format!("1-{how}"), [first.clone()])).await, (1, false), "{how}");
        assert_eq!(charged(a.charge(&format!("2-{how}"), [first])).await, (0, true), "{how}, again");
    }
    assert_eq!(a.balance("connections").await.consumed, 6);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_one_connection_per_lead_per_plan_period_whatever_the_channel() {
    let a = annual().await;
    assert_eq!(charged(a.charge("1", [lead("ann", "chat")])).await, (1, false));
    a.advance("2025-09-01T00:00:00Z").done().await;
    for (id, source) in [("2", "meetings"), ("3", "linkedin"), ("4", "chat")] {
        assert_eq!(charged(a.charge(id, [lead("ann", source)])).await, (0, true), "{source}");
    }
    assert_eq!(a.balance("connections").await.consumed, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_a_connection_counts_again_after_renewal() {
    let a = annual().await;
    assert_eq!(charged(a.charge("1", [lead("ann", "chat")])).await, (1, false));
    a.advance("2026-03-14T23:59:59.999Z").done().await;
    assert_eq!(charged(a.charge("2", [lead("ann", "meetings")])).await, (0, true));
    a.advance(RENEWAL).done().await;
    assert_eq!(charged(a.charge("3", [lead("ann", "meetings")])).await, (1, false));
    assert_eq!(charged(a.charge("4", [lead("ann", "chat")])).await, (0, true));
    assert_eq!(a.balance("connections").await.consumed, 1, "of the new period");
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn model_1_one_connection_although_32_channels_report_the_lead_at_once() {
    let a = annual().await;
    let sources = ["chat", "meetings", "linkedin"];
    let reports = (0..32).map(|n| a.charge(&format!("c{n}"), [lead("ann", sources[n % 3])]).lane(n).granted());
    let charges: Vec<_> = race(reports).await.into_iter().map(|charged| charged.charges[0].clone()).collect();
    assert_eq!(charges.iter().map(|charge| charge.credits).sum::<i64>(), 1);
    assert_eq!(charges.iter().filter(|charge| charge.duplicate).count(), 31);
    assert_eq!(a.balance("connections").await.consumed, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_outbound_messages_by_themselves_never_count() {
    let catalog = catalog_of("buyer-engagement").await;
    assert_eq!(actions_of(&catalog), ["connection", "enrich_company", "enrich_contact"], "there is nothing to charge");
    let a = annual().await;
    for outbound in ["outbound_email", "outbound_linkedin_message"] {
        let failure = a.charge(outbound, [item(outbound, 1).subject("ann")]).failed().await;
        failure.is(Code::InvalidArgument, "UNKNOWN_ACTION");
    }
    assert_eq!(a.balance("connections").await.consumed, 0);
    assert_eq!(charged(a.charge("reply", [lead("ann", "linkedin")])).await, (1, false), "the reply is what counts");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_a_lead_found_unfit_later_or_whose_booking_was_blocked_still_counts_and_is_not_refunded() {
    let a = annual().await;
    for (id, source) in [("unfit", "chat"), ("blocked", "meetings")] {
        a.reserve(id, [lead(id, source)]).granted().await;
        a.commit(id).metadata(&[("outcome", id)]).done().await;
        a.release(id).reason(id).failed().await.is(Code::FailedPrecondition, "RESERVATION_COMMITTED");
        assert_eq!(charged(a.charge(&format!("{id}-again"), [lead(id, "chat")])).await, (0, true));
    }
    assert_eq!(a.balance("connections").await.consumed, 2);
    a.activity("refund", 0).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_a_contact_is_1_and_a_company_is_1_two_records_so_at_most_2_per_lead() {
    let a = annual().await;
    let both = [contact("ann", "form"), company("acme.example", "form")];
    let charges = a.charge("1", both.clone()).granted().await.charges;
    assert_eq!(charges.iter().map(|charge| charge.credits).collect::<Vec<_>>(), [1, 1]);
    let again = a.charge("2", both).granted().await.charges;
    assert_eq!(again.iter().map(|charge| charge.credits).collect::<Vec<_>>(), [0, 0]);
    let log = a.activity("charge", 4).await;
    assert_eq!([&log[0], &log[1]].map(|entry| entry.action.as_str()), ["enrich_contact", "enrich_company"]);
    assert_eq!(a.balance("enrichment_credits").await.consumed, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_enrichment_is_flat_never_per_data_point() {
    let a = annual().await;
    a.reserve("ann", [contact("ann", "crm")]).granted().await;
    let commit = a.commit("ann").metadata(&[("data_points", "48")]).done().await;
    assert_eq!(commit.charges[0].credits, 1);
    // Nobody can charge by the data point, not even by mistake.
    for action in ["enrich_contact", "enrich_company", "connection"] {
        let failure = a.charge("bob", [item(action, 48).subject("bob")]).failed().await;
        failure.is(Code::InvalidArgument, "QUANTITY_TOO_LARGE");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_charged_on_success_only_not_found_is_0() {
    let a = annual().await;
    a.reserve("1", [contact("ann", "form"), company("acme.example", "form")]).granted().await;
    let charges = a.commit("1").quantities(&[1, 0]).done().await.charges;
    assert_eq!(charges.iter().map(|charge| charge.credits).collect::<Vec<_>>(), [1, 0], "company not found");
    a.reserve("2", [contact("bob", "form"), company("acme.example", "form")]).granted().await;
    let charges = a.commit("2").quantities(&[0, 1]).done().await.charges;
    assert_eq!(charges.iter().map(|charge| charge.credits).collect::<Vec<_>>(), [0, 1], "found this time");
    let balance = a.balance("enrichment_credits").await;
    assert_eq!((balance.consumed, balance.held), (2, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_already_enriched_in_this_plan_period_is_0() {
    let a = annual().await;
    assert_eq!(charged(a.charge("1", [contact("ann", "form")])).await, (1, false));
    a.advance("2025-12-24T00:00:00Z").done().await;
    for (id, reuse) in [("2", "reuse"), ("3", "re-enrichment")] {
        let item = contact("ann", "crm").dimension("why", reuse);
        assert_eq!(charged(a.charge(id, [item])).await, (0, true), "{reuse}");
    }
    a.advance(RENEWAL).done().await;
    assert_eq!(charged(a.charge("4", [contact("ann", "crm")])).await, (1, false), "in the next period it is new");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_a_second_lead_of_an_enriched_company_pays_for_the_contact_only() {
    let a = annual().await;
    a.charge("1", [contact("ann", "form"), company("acme.example", "form")]).granted().await;
    let charges = a.charge("2", [contact("bob", "chat"), company("acme.example", "chat")]).granted().await.charges;
    let shown: Vec<_> = charges.iter().map(|charge| (charge.credits, charge.duplicate)).collect();
    assert_eq!(shown, [(1, false), (0, true)]);
    assert_eq!(a.balance("enrichment_credits").await.consumed, 3);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_enrichment_comes_from_six_sources_up_to_2_each_and_1_per_company_from_ai_learning() {
    let a = annual().await;
    for source in ["chat", "meeting_request", "form", "crm", "deanonymization"] {
        let (person, domain) = (format!("{source}-lead"), format!("{source}.example"));
        let charges = a.charge(source, [contact(&person, source), company(&domain, source)]).granted().await.charges;
        assert_eq!(charges.iter().map(|charge| charge.credits).sum::<i64>(), 2, "{source}");
    }
    let learning = || company("learned.example", "ai_learning");
    assert_eq!(charged(a.charge("learn", [learning()])).await, (1, false));
    assert_eq!(charged(a.charge("learn-again", [learning()])).await, (0, true), "up to 1 per company");
    let sources = a.breakdown("enrichment_credits", "dimension:source").await;
    let credits: HashMap<_, _> = sources.iter().map(|(source, credits, _)| (source.as_str(), *credits)).collect();
    let expected =
        [("chat", 2), ("meeting_request", 2), ("form", 2), ("crm", 2), ("deanonymization", 2), ("ai_learning", 1)];
    assert_eq!(credits, HashMap::from(expected));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_deanonymization_costs_only_where_it_is_configured() {
    // What is not configured has a budget without room: the pipeline names it and is refused before it looks anyone up.
    let a = annual().await;
    a.put_budget(budget("source:deanonymization", "enrichment_credits", 0)).done().await;
    let visitor = || [contact("visitor", "deanonymization"), company("visitor.example", "deanonymization")];
    let denial = a.reserve("1", visitor()).budgets(&["source:deanonymization"]).denied().await;
    assert_eq!((denial.reason(), denial.budget.as_str()), (Reason::BudgetExceeded, "source:deanonymization"));
    assert_eq!(a.balance("enrichment_credits").await.consumed, 0);
    // Configured:
    a.delete_budget("source:deanonymization").done().await;
    a.reserve("2", visitor()).granted().await;
    let charges = a.commit("2").done().await.charges;
    assert_eq!(charges.iter().map(|charge| charge.credits).sum::<i64>(), 2, "up to 2");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_both_reset_to_the_full_annual_allocation_on_the_renewal_date_and_nothing_rolls_over() {
    let a = annual().await;
    connect(&a, 1, 40).await;
    a.charge("e", [contact("ann", "form"), company("acme.example", "form")]).granted().await;
    for (pool, consumed) in [("connections", 40), ("enrichment_credits", 2)] {
        let balance = a.balance(pool).await;
        assert_eq!((balance.consumed, balance.reset_time), (consumed, Some(at(RENEWAL))), "{pool}");
    }
    a.advance(RENEWAL).done().await;
    for (pool, full) in [("connections", 10_000), ("enrichment_credits", 20_000)] {
        let balance = a.balance(pool).await;
        assert_eq!((balance.allowance, balance.consumed, balance.available), (full, 0, full), "{pool}");
        assert_eq!(balance.reset_time, Some(at("2027-03-15T00:00:00Z")));
        assert_eq!(balance.grants.len(), 1, "the new allocation alone: {:?}", balance.grants);
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_shows_yearly_allocation_and_current_usage_of_both() {
    let a = annual().await;
    connect(&a, 1, 25).await;
    a.charge("e", [contact("ann", "form"), company("acme.example", "form")]).granted().await;
    let shown: Vec<_> = a
        .balances()
        .await
        .into_iter()
        .map(|b| (b.title, b.unit, b.allowance, b.consumed, b.remaining, b.used_percent, b.cycle_start, b.reset_time))
        .collect();
    let (start, end) = (Some(at(START)), Some(at(RENEWAL)));
    let expected = [
        ("Connections".to_owned(), "connections".to_owned(), 10_000, 25, 9_975, 0.25, start, end),
        ("Enrichment Credits".to_owned(), "credits".to_owned(), 20_000, 2, 19_998, 0.01, start, end),
    ];
    assert_eq!(shown, expected);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_shows_a_month_by_month_chart_of_both() {
    let a = annual().await;
    for (n, month) in [(0_i64, "2025-03-20"), (1, "2025-04-02"), (2, "2025-04-30"), (3, "2025-12-31")] {
        a.advance(&format!("{month}T12:00:00Z")).done().await;
        connect(&a, 10 * n + 1, 10 * n + 1 + n).await;
        let (person, domain) = (format!("p{n}"), format!("d{n}.example"));
        a.charge(&format!("e{n}"), [contact(&person, "crm"), company(&domain, "crm")]).granted().await;
    }
    let chart = |rows: [(&str, i64); 3]| rows.map(|(month, credits)| (month.to_owned(), credits)).to_vec();
    assert_eq!(a.months("connections").await, chart([("2025-03-01", 1), ("2025-04-01", 5), ("2025-12-01", 4)]));
    assert_eq!(a.months("enrichment_credits").await, chart([("2025-03-01", 2), ("2025-04-01", 4), ("2025-12-01", 2)]));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_shows_a_breakdown_by_source_of_both() {
    let a = annual().await;
    for (n, source) in ["chat", "chat", "meetings", "linkedin", "chat"].into_iter().enumerate() {
        a.charge(&format!("c{n}"), [lead(&format!("lead-{n}"), source)]).granted().await;
    }
    a.charge("e1", [contact("ann", "form"), company("acme.example", "form")]).granted().await;
    a.charge("e2", [contact("bob", "chat"), company("acme.example", "chat")]).granted().await;
    let row = |source: &str, credits, count| (source.to_owned(), credits, count);
    let connections = a.breakdown("connections", "dimension:source").await;
    assert_eq!(connections, [row("chat", 3, 3), row("linkedin", 1, 1), row("meetings", 1, 1)]);
    let enrichment = a.breakdown("enrichment_credits", "dimension:source").await;
    assert_eq!(enrichment, [row("chat", 1, 2), row("form", 2, 2)], "one of chat's two was enriched before");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_notifies_while_approaching_each_cap() {
    let a = annual().overriding("connections", allowance(20)).notifying(&["success@example.com"]).await;
    connect(&a, 1, 14).await;
    assert!(thresholds(&a, "connections").await.is_empty());
    connect(&a, 15, 15).await;
    assert_eq!(thresholds(&a, "connections").await, ["75"]);
    connect(&a, 16, 18).await;
    assert_eq!(thresholds(&a, "connections").await, ["75", "90"]);
    connect(&a, 19, 20).await;
    assert_eq!(thresholds(&a, "connections").await, ["75", "90", "100"]);
    assert!(thresholds(&a, "enrichment_credits").await.is_empty(), "each cap for itself");
    assert_eq!(a.get().await.notify, ["success@example.com"]);
    a.check_conservation().await;

    let b = annual().overriding("enrichment_credits", allowance(4)).await;
    b.charge("1", [contact("ann", "form"), company("acme.example", "form"), contact("bob", "form")]).granted().await;
    assert_eq!(thresholds(&b, "enrichment_credits").await, ["75"]);
    b.check_conservation().await;
}

#[tokio::test]
async fn model_1_past_a_cap_nothing_stops_and_overage_is_counted() {
    let a = annual().overriding("connections", allowance(20)).await;
    connect(&a, 1, 24).await;
    let balance = a.balance("connections").await;
    assert_eq!((balance.consumed, balance.overage, balance.remaining), (24, 4, 0));
    assert_eq!((balance.state(), balance.used_percent), (Level::Overage, 120.0));
    assert_eq!(told(&a, "overage_started", "connections").await, 1);
    assert_eq!(thresholds(&a, "connections").await, ["75", "90", "100", "120"]);
    assert_eq!((told(&a, "denied", "connections").await, told(&a, "exhausted", "connections").await), (0, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_1_a_person_reviews_overage_and_the_cap_can_be_adjusted_per_customer() {
    let (a, other) = (annual().overriding("connections", allowance(20)).await, annual().await);
    connect(&a, 1, 24).await;
    // The person sees who went over and by how much, and raises this customer's cap.
    let entry = a.activity("overage_started", 1).await.remove(0);
    assert_eq!(entry.pool, "connections");
    a.put(|account| {
        account.overrides.insert("connections".into(), allowance(40));
    })
    .await
    .expect("a cap can be adjusted");
    let balance = a.balance("connections").await;
    assert_eq!((balance.allowance, balance.consumed, balance.overage, balance.remaining), (40, 24, 0, 16));
    assert_eq!(balance.state(), Level::Ok);
    assert_eq!(other.balance("connections").await.allowance, 10_000, "nobody else's");
    a.advance(RENEWAL).done().await;
    assert_eq!(a.balance("connections").await.allowance, 40, "and in the next period");
    a.check_conservation().await;
    other.check_conservation().await;
}
