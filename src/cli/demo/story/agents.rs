//! Agents of a website reply on two models; some conversations are handed to a person at once, and cost nothing.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::{Part, Sums, Told, credits, share};
use crate::{
    cli::demo::{
        draw::count,
        stage::{Span, Stage, dimensions, item},
    },
    proto::v1::{self, reserve_response::Outcome},
};

pub const PART: Part =
    Part { account: "brightside", pool: "ai_credits", catalog: "website-agents", plan: "package", eventful: true };

const CONVERSATIONS: u32 = 720;
const CALLERS: u32 = 24;
const SPAN: Span = Span { from: 0, to: 880 };
const LARGE: &str = "large-2";
const SMALL: &str = "small-1";
const RULES: [&str; 4] = ["pricing-page", "docs", "exit-intent", "returning-visitor"];

/// What one agent's conversations came to.
#[derive(Default)]
struct Tally {
    charged: BTreeMap<&'static str, (i64, i64)>,
    handed_over: i64,
}

pub async fn play(stage: Stage) -> anyhow::Result<Told> {
    let account = stage.id(PART.account);
    let tallies = stage.callers(CALLERS, |stage, caller| agent(stage, account.clone(), caller)).await?;
    let (mut small, mut large, mut handed_over) = ((0, 0), (0, 0), 0);
    for tally in tallies {
        for (model, (replies, credits)) in tally.charged {
            let sum = if model == LARGE { &mut large } else { &mut small };
            *sum = (sum.0 + replies, sum.1 + credits);
        }
        handed_over += tally.handed_over;
    }

    let mut sums = Sums::default();
    let balance = stage.balance(&account, PART.pool).await?;
    sums.balance(&balance, small.1 + large.1);
    sums.equal("conversations that ended", small.0 + large.0 + handed_over, i64::from(CONVERSATIONS));
    sums.equal("credits on the small model", small.1, small.0);
    sums.equal("credits on the large model", large.1, 2 * large.0);
    let by_model = by_model(&stage, &account).await?;
    for (model, sum) in [(SMALL, small.1), (LARGE, large.1)] {
        sums.equal("usage by model", by_model.get(model).copied().unwrap_or_default(), sum);
    }
    let line = format!(
        "{CONVERSATIONS} conversations, {CALLERS} at once: {} replies on {SMALL} cost {}, {} on {LARGE} cost {}, \
         {handed_over} handed to a person cost 0; {} of {} credits used",
        small.0,
        small.1,
        large.0,
        large.1,
        count(balance.consumed),
        count(balance.allowance),
    );
    Ok(Told::new("agents", line, sums))
}

/// Holds credits before each reply, and charges them once it is given.
async fn agent(stage: Stage, account: String, caller: u32) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for conversation in share(caller, CALLERS, CONVERSATIONS) {
        stage.turn(SPAN, conversation, CONVERSATIONS).await;
        let model = if conversation % 3 == 0 { LARGE } else { SMALL };
        let reservation_id = format!("chat-{conversation}");
        let mut reply = item("chat_message", 1);
        reply.dimensions = dimensions([("model", model), ("rule", RULES[conversation as usize % RULES.len()])]);
        let held = stage
            .reserve(
                caller,
                v1::ReserveRequest {
                    account: account.clone(),
                    reservation_id: reservation_id.clone(),
                    items: vec![reply],
                    ..v1::ReserveRequest::default()
                },
            )
            .await?;
        let Some(Outcome::Granted(_)) = held.outcome else { anyhow::bail!("chat-{conversation} was refused") };
        // The model thinks; meanwhile the credits are held.
        tokio::time::sleep(stage.day() / 200).await;
        if conversation % 8 == 7 {
            let reason = "handed to a person".to_owned();
            stage.release(caller, v1::ReleaseRequest { account: account.clone(), reservation_id, reason }).await?;
            tally.handed_over += 1;
            continue;
        }
        let commit = v1::CommitRequest { account: account.clone(), reservation_id, ..v1::CommitRequest::default() };
        let cost = credits(&stage.commit(caller, commit).await?.charges);
        let sum = tally.charged.entry(model).or_default();
        *sum = (sum.0 + 1, sum.1 + cost);
    }
    Ok(tally)
}

/// What the service says was charged on each model.
async fn by_model(stage: &Stage, account: &str) -> anyhow::Result<BTreeMap<String, i64>> {
    const MODEL: &str = "dimension:model";
    let request = v1::QueryUsageRequest {
        account: account.to_owned(),
        pool: PART.pool.to_owned(),
        group_by: vec![MODEL.to_owned()],
        ..v1::QueryUsageRequest::default()
    };
    let rows = stage.usage().query_usage(request).await.context("cannot sum the usage")?.into_inner().rows;
    Ok(rows.into_iter().map(|mut row| (row.group.remove(MODEL).unwrap_or_default(), row.credits)).collect())
}
