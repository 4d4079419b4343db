//! A voice gateway holds a minute of each call, extends the hold while the call lasts, and charges the seconds that were
//! spoken. The last call gets what is left, and is told that there is no more.

use super::{Part, Sums, Told, credits};
use crate::{
    cli::demo::stage::{Span, Stage, item},
    proto::v1::{self, extend_response, reserve_response::Outcome},
};

pub const PART: Part =
    Part { account: "northwind", pool: "voice_minutes", catalog: "outbound-sales", plan: "scale", eventful: true };

/// How long the calls last, in seconds: 7, 16 and 25 started minutes.
const CALLS: [u32; 3] = [412, 905, 1_500];
const CALLS_SPAN: Span = Span { from: 20, to: 560 };
/// What the last call asks for, and the least that is of use to it.
const LAST_ASKED: i64 = 1_200;
const LAST_LEAST: i64 = 60;
const LAST_SPAN: Span = Span { from: 580, to: 860 };
const MINUTE: u32 = 60;

pub async fn play(stage: Stage) -> anyhow::Result<Told> {
    let account = stage.id(PART.account);
    let callers = u32::try_from(CALLS.len())?;
    let calls = stage.callers(callers, |stage, caller| call(stage, account.clone(), caller)).await?;
    let (extends, minutes) = calls.iter().fold((0, 0), |sum, call| (sum.0 + call.0, sum.1 + call.1));

    let mut sums = Sums::default();
    let expected: u32 = CALLS.iter().map(|seconds| seconds.div_ceil(MINUTE)).sum();
    sums.equal("minutes of the calls", minutes, i64::from(expected));
    let last = last_call(&stage, &account, &mut sums).await?;

    // With the minutes gone, calls are paused; the other features of the account go on.
    let refused = reserve(&stage, &account, "call-after", item("call_second", i64::from(MINUTE))).await?;
    let denied = i64::from(matches!(refused.outcome, Some(Outcome::Denied(_))));
    sums.equal("calls refused when the minutes are gone", denied, 1);
    let email = reserve(&stage, &account, "email-after", item("ai_task", 1)).await?;
    let granted = i64::from(matches!(email.outcome, Some(Outcome::Granted(_))));
    sums.equal("other features that go on", granted, 1);
    commit(&stage, &account, "email-after", Vec::new()).await?;

    let balance = stage.balance(&account, PART.pool).await?;
    sums.balance(&balance, minutes + last);
    sums.equal("minutes used of the plan's", balance.consumed, balance.allowance);
    let line = format!(
        "3 calls of 412, 905 and 1,500 s, extended {extends} times while they lasted, cost {minutes} minutes; the \
         last call asked for 20, got the final {last}; the next one was refused, other features went on"
    );
    Ok(Told::new("voice", line, sums))
}

/// One call, a minute at a time; answers how often it was extended and the minutes that it cost.
async fn call(stage: Stage, account: String, caller: u32) -> anyhow::Result<(i64, i64)> {
    let (id, seconds) = (format!("call-{caller}"), CALLS[caller as usize]);
    let longest = CALLS.iter().max().copied().unwrap_or_default();
    let held = reserve(&stage, &account, &id, item("call_second", i64::from(MINUTE))).await?;
    anyhow::ensure!(matches!(held.outcome, Some(Outcome::Granted(_))), "{id} was refused its first minute");
    let mut extends = 0;
    for spoken in (MINUTE..seconds).step_by(MINUTE as usize) {
        stage.turn(CALLS_SPAN, spoken, longest).await;
        let more = stage.extend(caller, extension(&account, &id, i64::from(spoken))).await?;
        let granted = matches!(more.outcome, Some(extend_response::Outcome::Granted(_)));
        anyhow::ensure!(granted, "{id} was refused after {spoken} s");
        extends += 1;
    }
    stage.turn(CALLS_SPAN, seconds, longest).await;
    Ok((extends, commit(&stage, &account, &id, vec![i64::from(seconds)]).await?))
}

/// Takes what is left; answers the minutes that it cost.
async fn last_call(stage: &Stage, account: &str, sums: &mut Sums) -> anyhow::Result<i64> {
    stage.until(LAST_SPAN.from).await;
    let left = stage.balance(account, PART.pool).await?.available;
    let id = "call-last";
    let mut asked = item("call_second", LAST_ASKED);
    asked.min_quantity = LAST_LEAST;
    let held = reserve(stage, account, id, asked).await?;
    let Some(Outcome::Granted(held)) = held.outcome else { anyhow::bail!("{id} was refused with {left} minutes left") };
    let granted: i64 = held.items.iter().map(|item| item.quantity).sum();
    sums.equal("seconds granted to the last call", granted, left * i64::from(MINUTE));
    sums.equal("the last call's final unit", held.final_unit, true);
    stage.turn(LAST_SPAN, 1, 2).await;
    let more = stage.extend(0, extension(account, id, granted / 2)).await?;
    let denied = matches!(more.outcome, Some(extend_response::Outcome::Denied(_)));
    sums.equal("the last call's extension refused", denied, true);
    stage.until(LAST_SPAN.to).await;
    commit(stage, account, id, vec![granted]).await
}

async fn reserve(stage: &Stage, account: &str, id: &str, item: v1::Item) -> anyhow::Result<v1::ReserveResponse> {
    let request = v1::ReserveRequest {
        account: account.to_owned(),
        reservation_id: id.to_owned(),
        items: vec![item],
        ttl: Some(prost_types::Duration { seconds: 120, nanos: 0 }),
        ..v1::ReserveRequest::default()
    };
    Ok(stage.reserve(0, request).await?)
}

/// One more minute, and the seconds spoken so far: what is charged should the gateway vanish.
fn extension(account: &str, id: &str, spoken: i64) -> v1::ExtendRequest {
    v1::ExtendRequest {
        account: account.to_owned(),
        reservation_id: id.to_owned(),
        extend_id: format!("{id}-{spoken}"),
        quantities: vec![i64::from(MINUTE)],
        used: vec![spoken],
        ttl: Some(prost_types::Duration { seconds: 120, nanos: 0 }),
    }
}

/// Ends a hold; answers what was charged.
async fn commit(stage: &Stage, account: &str, id: &str, quantities: Vec<i64>) -> anyhow::Result<i64> {
    let request = v1::CommitRequest {
        account: account.to_owned(),
        reservation_id: id.to_owned(),
        quantities,
        ..v1::CommitRequest::default()
    };
    Ok(credits(&stage.commit(0, request).await?.charges))
}
