//! Five published credit models, each line of their texts walked through the public API over the catalogs of
//! `examples/catalogs`, with test clocks that make the months pass. One file per model; names begin with the model's
//! number and go on with the line.

mod ai_employee;
mod buyer_engagement;
mod enrichment_api;
mod outbound_sales;
mod website_agents;

use crate::harness::prelude::*;

/// The catalog of a model, as a client reads it.
async fn catalog_of(name: &str) -> v1::Catalog {
    let request = v1::GetCatalogRequest { catalog: name.into(), version: String::new() };
    crate::harness::world::models().call(request).done().await
}

/// The names of its actions, sorted.
fn actions_of(catalog: &v1::Catalog) -> Vec<&str> {
    let mut actions: Vec<&str> = catalog.actions.iter().map(|action| action.action.as_str()).collect();
    actions.sort_unstable();
    actions
}

/// Credits and whether it is a duplicate, of the one item of a charge.
async fn charged(call: crate::harness::call::Call<v1::ChargeRequest>) -> (i64, bool) {
    let charges = call.granted().await.charges;
    assert_eq!(charges.len(), 1, "one item was charged: {charges:?}");
    (charges[0].credits, charges[0].duplicate)
}

/// The thresholds that a pool has reached, oldest first.
async fn thresholds(a: &Account, pool: &str) -> Vec<String> {
    let entries = a.entries("threshold_reached").await;
    entries.into_iter().filter(|entry| entry.pool == pool).map(|entry| entry.details["threshold"].clone()).collect()
}

/// How many entries of a type a pool has.
async fn told(a: &Account, kind: &str, pool: &str) -> usize {
    a.entries(kind).await.iter().filter(|entry| entry.pool == pool).count()
}
