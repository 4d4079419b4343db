//! Rush hour: many callers on one account, each with the next reply as soon as the last is paid. This is what the rate of
//! decisions is taken from.

use tokio::time::Instant;

use super::{Part, Sums, Told, credits};
use crate::{
    cli::demo::{
        draw::count,
        stage::{Span, Stage, item},
    },
    proto::v1::{self, reserve_response::Outcome},
};

pub const PART: Part =
    Part { account: "metro-desk", pool: "ai_credits", catalog: "ai-employee", plan: "enterprise", eventful: false };

/// An enterprise customer has an amount of its own.
const ALLOWANCE: i64 = 100_000;
const CALLERS: u32 = 64;
const SPAN: Span = Span { from: 480, to: 700 };
/// Most replies of one caller, so that the account never runs dry.
const REPLIES_MAX: u32 = 1_500;

/// Gives the account its own amount.
pub fn prepare(account: &mut v1::Account) {
    let own = v1::PoolOverride { allowance: Some(ALLOWANCE), ..v1::PoolOverride::default() };
    account.overrides.insert(PART.pool.to_owned(), own);
}

pub async fn play(stage: Stage) -> anyhow::Result<Told> {
    let account = stage.id(PART.account);
    stage.until(SPAN.from).await;
    let (began, before) = (Instant::now(), stage.meter().decisions());
    let counts = stage.callers(CALLERS, |stage, caller| busy(stage, account.clone(), caller)).await?;
    let decisions = stage.meter().decisions() - before;
    let (replies, charged) = counts.into_iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    let took_ms = began.elapsed().as_millis().max(1);
    let rate = i64::try_from(u128::from(decisions) * 1_000 / took_ms)?;

    let mut sums = Sums::default();
    let balance = stage.balance(&account, PART.pool).await?;
    sums.balance(&balance, charged);
    sums.equal("credits for replies", charged, replies);
    let line = format!(
        "{CALLERS} callers without a pause held and paid {} replies, charged {}; meanwhile the service made {} \
         decisions a second",
        count(replies),
        count(balance.consumed),
        count(rate),
    );
    Ok(Told::new("rush hour", line, sums))
}

/// Replies until the hour is over; answers how many replies were given and what they cost.
async fn busy(stage: Stage, account: String, caller: u32) -> anyhow::Result<(i64, i64)> {
    let over = stage.day() * SPAN.to / 1_000;
    let (mut replies, mut charged) = (0, 0);
    for reply in 0..REPLIES_MAX {
        if stage.elapsed() >= over && reply > 0 {
            break;
        }
        let reservation_id = format!("reply-{caller}-{reply}");
        let request = v1::ReserveRequest {
            account: account.clone(),
            reservation_id: reservation_id.clone(),
            items: vec![item("ai_reply", 1)],
            ..v1::ReserveRequest::default()
        };
        let Some(Outcome::Granted(_)) = stage.reserve(caller, request).await?.outcome else {
            anyhow::bail!("{reservation_id} was refused");
        };
        let commit = v1::CommitRequest { account: account.clone(), reservation_id, ..v1::CommitRequest::default() };
        charged += credits(&stage.commit(caller, commit).await?.charges);
        replies += 1;
    }
    Ok((replies, charged))
}
