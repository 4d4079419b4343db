//! A billing anniversary: an account on a test clock, billed on 4 August, comes to its 4 October. What it did not use
//! expires, to the millisecond and in its own time zone, and the next cycle is whole.

use prost_types::Timestamp;

use super::{Part, Sums, Told, share};
use crate::{
    cli::demo::{
        draw::count,
        stage::{Span, Stage, item},
    },
    proto::v1::{self, charge_response::Outcome},
};

pub const PART: Part =
    Part { account: "pipeline", pool: "ai_tasks", catalog: "outbound-sales", plan: "scale", eventful: true };

const ZONE: &str = "America/New_York";
const BILLED: &str = "2025-08-04T00:00:00-04:00";
const BEGINS: &str = "2025-09-10T09:00:00-04:00";
const LAST_MOMENT: &str = "2025-10-03T23:59:59.999-04:00";
const ANNIVERSARY: &str = "2025-10-04T00:00:00-04:00";

/// Batches of follow-up e-mails: 3,200 of the plan's 5,000.
const BATCHES: u32 = 128;
const BATCH: i64 = 25;
const CALLERS: u32 = 4;
const SPAN: Span = Span { from: 40, to: 720 };
const TURN_AT: u32 = 760;

/// Puts the account on its own time.
pub fn prepare(account: &mut v1::Account) -> anyhow::Result<()> {
    account.anchor_time = Some(moment(BILLED)?);
    account.test_clock = Some(moment(BEGINS)?);
    ZONE.clone_into(&mut account.time_zone);
    Ok(())
}

pub async fn play(stage: Stage) -> anyhow::Result<Told> {
    let account = stage.id(PART.account);
    let used: i64 = stage.callers(CALLERS, |stage, caller| sender(stage, account.clone(), caller)).await?.iter().sum();

    let mut sums = Sums::default();
    stage.until(TURN_AT).await;
    advance(&stage, &account, LAST_MOMENT).await?;
    let before = stage.balance(&account, PART.pool).await?;
    sums.balance(&before, used);
    sums.equal("credits used", used, i64::from(BATCHES) * BATCH);

    advance(&stage, &account, ANNIVERSARY).await?;
    let after = stage.balance(&account, PART.pool).await?;
    sums.balance(&after, 0);
    sums.equal("credits of the next cycle", after.available, after.allowance);
    sums.equal("start of the next cycle", seconds(after.cycle_start), seconds(Some(moment(ANNIVERSARY)?)));
    let expired = expired(&stage, &account).await?;
    sums.equal("credits that expired", expired, before.allowance - used);
    let line = format!(
        "billed on the 4th, in New York: {} of {} used; one millisecond before 4 October {} were left, at midnight \
         they expired and the next cycle had {}",
        count(used),
        count(before.allowance),
        count(before.available),
        count(after.available),
    );
    Ok(Told::new("anniversary", line, sums))
}

/// Sends batches of e-mails; answers the credits charged.
async fn sender(stage: Stage, account: String, caller: u32) -> anyhow::Result<i64> {
    let mut charged = 0;
    for batch in share(caller, CALLERS, BATCHES) {
        stage.turn(SPAN, batch, BATCHES).await;
        let request = v1::ChargeRequest {
            account: account.clone(),
            reservation_id: format!("follow-up-{batch}"),
            items: vec![item("ai_task", BATCH)],
            ..v1::ChargeRequest::default()
        };
        let Some(Outcome::Charged(done)) = stage.charge(caller, request).await?.outcome else {
            anyhow::bail!("follow-up-{batch} was refused");
        };
        charged += super::credits(&done.charges);
    }
    Ok(charged)
}

async fn advance(stage: &Stage, account: &str, to: &str) -> anyhow::Result<()> {
    let request = v1::AdvanceTestClockRequest { account: account.to_owned(), to: Some(moment(to)?) };
    stage.accounts().advance_test_clock(request).await?;
    Ok(())
}

/// What the reset says has lapsed.
async fn expired(stage: &Stage, account: &str) -> anyhow::Result<i64> {
    let request = v1::ListActivityRequest {
        account: account.to_owned(),
        pool: PART.pool.to_owned(),
        r#type: "reset".to_owned(),
        page_size: 10,
        ..v1::ListActivityRequest::default()
    };
    let entries = stage.usage().list_activity(request).await?.into_inner().entries;
    let lapsed = entries.first().and_then(|entry| entry.details.get("lapsed")).map(String::as_str);
    Ok(lapsed.unwrap_or("0").parse()?)
}

fn moment(text: &str) -> anyhow::Result<Timestamp> {
    let moment: jiff::Timestamp = text.parse()?;
    Ok(Timestamp { seconds: moment.as_second(), nanos: moment.subsec_nanosecond() })
}

fn seconds(moment: Option<Timestamp>) -> i64 {
    moment.map(|moment| moment.seconds).unwrap_or_default()
}
