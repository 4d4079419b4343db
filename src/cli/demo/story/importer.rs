//! An importer looks up the companies behind visitors' addresses. Its list has many of them twice, next to each other, so
//! that duplicates meet at the same moment; and some requests are sent again, as after a lost answer.

use super::{Part, Sums, Told, credits, share};
use crate::{
    cli::demo::{
        draw::count,
        stage::{Span, Stage, item},
    },
    proto::v1::{self, charge_response::Outcome},
};

pub const PART: Part =
    Part { account: "lumen-data", pool: "credits", catalog: "enrichment-api", plan: "standard", eventful: true };

const ROWS: u32 = 900;
/// Every second address is in the list twice.
const ADDRESSES: u32 = 600;
const PRICE: i64 = 20;
const CALLERS: u32 = 16;
const SPAN: Span = Span { from: 60, to: 700 };
/// One row in so many is sent again.
const RETRY_EVERY: u32 = 45;

#[derive(Default)]
struct Tally {
    charged: i64,
    credits: i64,
    duplicates: i64,
    retries: i64,
    /// Retries that were not answered as the first time.
    differing: i64,
}

pub async fn play(stage: Stage) -> anyhow::Result<Told> {
    let account = stage.id(PART.account);
    let tallies = stage.callers(CALLERS, |stage, caller| importer(stage, account.clone(), caller)).await?;
    let sum = |of: fn(&Tally) -> i64| tallies.iter().map(of).sum::<i64>();
    let (charged, duplicates, retries) = (sum(|t| t.charged), sum(|t| t.duplicates), sum(|t| t.retries));

    let mut sums = Sums::default();
    let balance = stage.balance(&account, PART.pool).await?;
    sums.balance(&balance, sum(|t| t.credits));
    sums.equal("addresses charged", charged, i64::from(ADDRESSES));
    sums.equal("credits charged", balance.consumed, i64::from(ADDRESSES) * PRICE);
    sums.equal("duplicates", duplicates, i64::from(ROWS - ADDRESSES));
    sums.equal("retries answered otherwise", sum(|t| t.differing), 0);
    let line = format!(
        "{ROWS} look-ups, {CALLERS} at once: {charged} addresses charged {PRICE} each = {}, {duplicates} duplicates \
         within 24 h cost 0, {retries} requests sent twice got the same answer and cost nothing more",
        count(balance.consumed),
    );
    Ok(Told::new("importer", line, sums))
}

async fn importer(stage: Stage, account: String, caller: u32) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for row in share(caller, CALLERS, ROWS) {
        stage.turn(SPAN, row, ROWS).await;
        let address = row * ADDRESSES / ROWS;
        let mut lookup = item("ip_lookup", 1);
        lookup.subject = format!("198.51.{}.{}", address / 250, address % 250 + 1);
        let request = v1::ChargeRequest {
            account: account.clone(),
            reservation_id: format!("row-{row}"),
            items: vec![lookup],
            ..v1::ChargeRequest::default()
        };
        let charges = charge(&stage, caller, request.clone()).await?;
        if charges.iter().any(|charge| charge.duplicate) {
            tally.duplicates += 1;
        } else {
            tally.charged += 1;
        }
        tally.credits += credits(&charges);
        if row % RETRY_EVERY == 0 {
            tally.retries += 1;
            tally.differing += i64::from(charge(&stage, caller, request).await? != charges);
        }
    }
    Ok(tally)
}

async fn charge(stage: &Stage, caller: u32, request: v1::ChargeRequest) -> anyhow::Result<Vec<v1::ItemCharge>> {
    match stage.charge(caller, request).await?.outcome {
        Some(Outcome::Charged(charged)) => Ok(charged.charges),
        Some(Outcome::Denied(denial)) => anyhow::bail!("a look-up was refused: {}", denial.message),
        None => anyhow::bail!("a look-up was not answered"),
    }
}
