//! A soft cap never stops anybody: what goes over is counted, and said. Each lead counts once, whatever the channel.

use super::{Part, Sums, Told, credits, share};
use crate::{
    cli::demo::stage::{Span, Stage, dimensions, item},
    proto::v1::{self, balance::State, charge_response::Outcome},
};

pub const PART: Part =
    Part { account: "knock-inc", pool: "connections", catalog: "buyer-engagement", plan: "annual", eventful: true };

/// This customer's own yearly amount.
const ALLOWANCE: i64 = 500;
const LEADS: u32 = 560;
const CALLERS: u32 = 8;
const SPAN: Span = Span { from: 100, to: 800 };
/// One lead in so many comes a second time, by another channel.
const AGAIN_EVERY: u32 = 7;

/// Gives the account its own amount.
pub fn prepare(account: &mut v1::Account) {
    let own = v1::PoolOverride { allowance: Some(ALLOWANCE), ..v1::PoolOverride::default() };
    account.overrides.insert(PART.pool.to_owned(), own);
}

pub async fn play(stage: Stage) -> anyhow::Result<Told> {
    let account = stage.id(PART.account);
    let counts = stage.callers(CALLERS, |stage, caller| channel(stage, account.clone(), caller)).await?;
    let (charged, again) = counts.into_iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));

    let mut sums = Sums::default();
    let balance = stage.balance(&account, PART.pool).await?;
    sums.balance(&balance, charged);
    sums.equal("leads counted", charged, i64::from(LEADS));
    sums.equal("leads counted a second time", again, i64::from(LEADS.div_ceil(AGAIN_EVERY)));
    sums.equal("overage", balance.overage, charged - ALLOWANCE);
    sums.equal("state", balance.state().as_str_name(), State::Overage.as_str_name());
    sums.equal("times the overage was said to start", stage.logged(&account, "overage_started").await?, 1);
    let line = format!(
        "{LEADS} leads on a soft cap of {ALLOWANCE}: none stopped, {} counted as overage and said once \
         (overage_started); {again} leads that came back by another channel cost 0",
        balance.overage,
    );
    Ok(Told::new("overage", line, sums))
}

/// Counts leads; answers the credits charged and how many leads came again.
async fn channel(stage: Stage, account: String, caller: u32) -> anyhow::Result<(i64, i64)> {
    let (mut charged, mut again) = (0, 0);
    for lead in share(caller, CALLERS, LEADS) {
        stage.turn(SPAN, lead, LEADS).await;
        let channels: &[&str] = if lead % AGAIN_EVERY == 0 { &["chat", "meetings"] } else { &["chat"] };
        for source in channels {
            let mut connection = item("connection", 1);
            connection.subject = format!("lead-{lead}");
            connection.dimensions = dimensions([("source", source)]);
            let request = v1::ChargeRequest {
                account: account.clone(),
                reservation_id: format!("{source}-{lead}"),
                items: vec![connection],
                ..v1::ChargeRequest::default()
            };
            let Some(Outcome::Charged(done)) = stage.charge(caller, request).await?.outcome else {
                anyhow::bail!("a soft cap refused lead-{lead}");
            };
            charged += credits(&done.charges);
            again += i64::from(done.charges.iter().any(|charge| charge.duplicate));
        }
    }
    Ok((charged, again))
}
