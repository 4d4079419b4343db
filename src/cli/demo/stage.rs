//! What the stories stand on: clients of the running service over loopback TCP, accounts of this run, and a day that passes
//! in seconds. What is played is the stories' own.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{task::JoinSet, time::Instant};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

use super::meter::Meter;
use crate::proto::v1::{
    self, account_service_client::AccountServiceClient, charge_response, extend_response,
    quota_service_client::QuotaServiceClient, reserve_response, usage_service_client::UsageServiceClient,
};

/// Connections; callers share them.
const LANES: usize = 8;
/// Runs of the demo that one data directory can hold.
const RUNS_MAX: u32 = 99;
/// Longest that a call may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The running service and the day that is played on it. Clones share it.
#[derive(Clone)]
pub struct Stage(Arc<Inner>);

struct Inner {
    lanes: Vec<Channel>,
    meter: Meter,
    /// What this run adds to the ids of accounts.
    suffix: String,
    dawn: Instant,
    day: Duration,
}

/// A part of the day, in thousandths of it.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: u32,
    pub to: u32,
}

impl Stage {
    /// Connects, and finds ids for the accounts of this run: `probe` is the first account that it will make.
    pub async fn connect(address: SocketAddr, day: Duration, probe: &str) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.timeout(PATIENCE).connect_timeout(PATIENCE);
        let mut lanes = Vec::with_capacity(LANES);
        for _ in 0..LANES {
            lanes.push(endpoint.connect().await.context("cannot connect to the service that was just started")?);
        }
        let suffix = free_suffix(lanes[0].clone(), probe).await?;
        let inner = Inner { lanes, meter: Meter::default(), suffix, dawn: Instant::now(), day };
        Ok(Self(Arc::new(inner)))
    }

    /// The same stage, whose day begins now.
    pub fn at_dawn(self) -> Self {
        let Inner { lanes, suffix, day, .. } = &*self.0;
        let (lanes, suffix, day) = (lanes.clone(), suffix.clone(), *day);
        Self(Arc::new(Inner { lanes, meter: Meter::default(), suffix, dawn: Instant::now(), day }))
    }

    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// The id that an account of the cast has in this run.
    pub fn id(&self, name: &str) -> String {
        format!("{name}{}", self.0.suffix)
    }

    pub fn elapsed(&self) -> Duration {
        self.0.dawn.elapsed()
    }

    pub fn day(&self) -> Duration {
        self.0.day
    }

    /// Waits for a moment of the day, in thousandths.
    pub async fn until(&self, permille: u32) {
        tokio::time::sleep_until(self.0.dawn + self.0.day * permille / 1_000).await;
    }

    /// Waits for the turn of the `index`-th of `count` things that are spread over a part of the day.
    pub async fn turn(&self, span: Span, index: u32, count: u32) {
        let into = self.0.day * (span.to - span.from) / 1_000 * index / count.max(1);
        tokio::time::sleep_until(self.0.dawn + self.0.day * span.from / 1_000 + into).await;
    }

    /// Runs callers at the same time, each on its own task, and gives what they return.
    pub async fn callers<T, F>(&self, count: u32, call: impl Fn(Self, u32) -> F) -> anyhow::Result<Vec<T>>
    where
        T: Send + 'static,
        F: Future<Output = anyhow::Result<T>> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        for caller in 0..count {
            tasks.spawn(call(self.clone(), caller));
        }
        let mut results = Vec::new();
        while let Some(done) = tasks.join_next().await {
            results.push(done.context("a caller was lost")??);
        }
        Ok(results)
    }

    pub fn quota(&self, lane: u32) -> QuotaServiceClient<Channel> {
        QuotaServiceClient::new(self.lane(lane))
    }

    pub fn accounts(&self) -> AccountServiceClient<Channel> {
        AccountServiceClient::new(self.lane(0))
    }

    pub fn usage(&self) -> UsageServiceClient<Channel> {
        UsageServiceClient::new(self.lane(0))
    }

    fn lane(&self, lane: u32) -> Channel {
        self.0.lanes[lane as usize % LANES].clone()
    }

    pub async fn reserve(&self, lane: u32, request: v1::ReserveRequest) -> Result<v1::ReserveResponse, Status> {
        let asked = Instant::now();
        let answer = self.quota(lane).reserve(request).await?.into_inner();
        let denied = matches!(answer.outcome, Some(reserve_response::Outcome::Denied(_)));
        self.0.meter.count(asked.elapsed(), denied);
        Ok(answer)
    }

    pub async fn extend(&self, lane: u32, request: v1::ExtendRequest) -> Result<v1::ExtendResponse, Status> {
        let asked = Instant::now();
        let answer = self.quota(lane).extend(request).await?.into_inner();
        let denied = matches!(answer.outcome, Some(extend_response::Outcome::Denied(_)));
        self.0.meter.count(asked.elapsed(), denied);
        Ok(answer)
    }

    pub async fn charge(&self, lane: u32, request: v1::ChargeRequest) -> Result<v1::ChargeResponse, Status> {
        let asked = Instant::now();
        let answer = self.quota(lane).charge(request).await?.into_inner();
        let denied = matches!(answer.outcome, Some(charge_response::Outcome::Denied(_)));
        self.0.meter.count(asked.elapsed(), denied);
        Ok(answer)
    }

    pub async fn commit(&self, lane: u32, request: v1::CommitRequest) -> Result<v1::CommitResponse, Status> {
        Ok(self.quota(lane).commit(request).await?.into_inner())
    }

    pub async fn release(&self, lane: u32, request: v1::ReleaseRequest) -> Result<v1::ReleaseResponse, Status> {
        Ok(self.quota(lane).release(request).await?.into_inner())
    }

    /// The balance of one pool, exact now.
    pub async fn balance(&self, account: &str, pool: &str) -> anyhow::Result<v1::Balance> {
        let request = v1::GetBalanceRequest { account: account.to_owned(), pools: vec![pool.to_owned()] };
        let mut balances = self.quota(0).get_balance(request).await?.into_inner().balances;
        balances.pop().context("a pool that was asked for has no balance")
    }

    /// How often something of a type is in the activity log; at most a page of it.
    pub async fn logged(&self, account: &str, kind: &str) -> anyhow::Result<usize> {
        let request = v1::ListActivityRequest {
            account: account.to_owned(),
            r#type: kind.to_owned(),
            page_size: 1_000,
            ..v1::ListActivityRequest::default()
        };
        Ok(self.usage().list_activity(request).await?.into_inner().entries.len())
    }
}

/// A data directory that is kept has the accounts of earlier runs, which are left as they are.
async fn free_suffix(channel: Channel, probe: &str) -> anyhow::Result<String> {
    let mut accounts = AccountServiceClient::new(channel);
    for run in 1..=RUNS_MAX {
        let suffix = if run == 1 { String::new() } else { format!("-{run}") };
        let request = v1::GetAccountRequest { account: format!("{probe}{suffix}") };
        match accounts.get_account(request).await {
            Ok(_) => {}
            Err(status) if status.code() == Code::NotFound => return Ok(suffix),
            Err(status) => return Err(status.into()),
        }
    }
    anyhow::bail!("the data directory holds {RUNS_MAX} runs of the demo; give another --data")
}

/// A call of one action.
pub fn item(action: &str, quantity: i64) -> v1::Item {
    v1::Item { action: action.to_owned(), quantity, ..v1::Item::default() }
}

/// Dimensions of an item.
pub fn dimensions<const N: usize>(pairs: [(&str, &str); N]) -> HashMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
