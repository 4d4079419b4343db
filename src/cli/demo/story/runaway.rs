//! An agent that has lost its mind replies without end, from many places at once. Its hard cap stops it dead, to the
//! credit; a top-up brings it back.

use super::{Part, Sums, Told, share};
use crate::{
    cli::demo::{
        draw::count,
        stage::{Span, Stage, item},
    },
    proto::v1::{self, charge_response::Outcome},
};

pub const PART: Part =
    Part { account: "orbit-ai", pool: "ai_credits", catalog: "ai-employee", plan: "professional", eventful: true };

const ATTEMPTS: u32 = 3_000;
const CALLERS: u32 = 48;
const SPAN: Span = Span { from: 120, to: 440 };
/// When somebody buys more, how much, and how many replies follow.
const TOP_UP_AT: u32 = 620;
const TOP_UP: i64 = 500;
const MORE_ATTEMPTS: u32 = 300;
const MORE_SPAN: Span = Span { from: 640, to: 840 };

pub async fn play(stage: Stage) -> anyhow::Result<Told> {
    let account = stage.id(PART.account);
    let (granted, denied) = run(&stage, &account, "loop", SPAN, ATTEMPTS).await?;

    let mut sums = Sums::default();
    let stopped = stage.balance(&account, PART.pool).await?;
    sums.balance(&stopped, granted);
    sums.equal("replies granted", granted, stopped.allowance);
    sums.equal("replies answered", granted + denied, i64::from(ATTEMPTS));

    stage.until(TOP_UP_AT).await;
    let top_up = v1::GrantCreditsRequest {
        account: account.clone(),
        pool: PART.pool.to_owned(),
        grant_id: "pack-500".to_owned(),
        amount: TOP_UP,
        note: "bought by the customer".to_owned(),
        ..v1::GrantCreditsRequest::default()
    };
    stage.accounts().grant_credits(top_up).await?;
    let (more, refused) = run(&stage, &account, "again", MORE_SPAN, MORE_ATTEMPTS).await?;
    let balance = stage.balance(&account, PART.pool).await?;
    sums.balance(&balance, granted + more);
    sums.equal("replies refused after the top-up", refused, 0);
    sums.equal("what is left of the top-up", balance.purchased, TOP_UP - more);
    sums.equal("times it was said to be exhausted", stage.logged(&account, "exhausted").await?, 1);
    sums.equal("times it was said to have resumed", stage.logged(&account, "resumed").await?, 1);
    let line = format!(
        "{} replies tried, {CALLERS} at once: {} granted, {} denied, charged {}, exactly the cap; after a top-up of \
         {TOP_UP} it went on: {more} more, {} left",
        count(i64::from(ATTEMPTS)),
        count(granted),
        count(denied),
        count(stopped.consumed),
        balance.purchased,
    );
    Ok(Told::new("runaway", line, sums))
}

/// Charges replies from many callers; answers how many were granted and how many denied.
async fn run(
    stage: &Stage,
    account: &str,
    name: &'static str,
    span: Span,
    attempts: u32,
) -> anyhow::Result<(i64, i64)> {
    let counts = stage
        .callers(CALLERS, |stage, caller| {
            let account = account.to_owned();
            async move {
                let (mut granted, mut denied) = (0, 0);
                for attempt in share(caller, CALLERS, attempts) {
                    stage.turn(span, attempt, attempts).await;
                    let request = v1::ChargeRequest {
                        account: account.clone(),
                        reservation_id: format!("{name}-{attempt}"),
                        items: vec![item("ai_reply", 1)],
                        ..v1::ChargeRequest::default()
                    };
                    match stage.charge(caller, request).await?.outcome {
                        Some(Outcome::Charged(_)) => granted += 1,
                        Some(Outcome::Denied(_)) => denied += 1,
                        None => anyhow::bail!("{name}-{attempt} was not answered"),
                    }
                }
                Ok((granted, denied))
            }
        })
        .await?;
    Ok(counts.into_iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1)))
}
