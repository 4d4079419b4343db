//! A running Stipend as a client sees it, and short words for what requests are made of.

use std::{net::SocketAddr, sync::Arc};

use prost_types::Timestamp;
use stipend::proto::v1::{self, quota_service_client::QuotaServiceClient};
use tonic::transport::{Channel, Endpoint};

use super::call::{Call, Verb};

/// Connections of one client; each opens when it is first used.
const LANES: usize = 8;

/// A running Stipend, whatever keeps its ledger.
#[derive(Clone)]
pub struct Stipend {
    addr: SocketAddr,
    lanes: Arc<Vec<Channel>>,
}

impl Stipend {
    pub fn at(addr: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{addr}")).expect("an address makes an endpoint");
        let lanes = (0..LANES).map(|_| endpoint.connect_lazy()).collect();
        Self { addr, lanes: Arc::new(lanes) }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn channel(&self, lane: usize) -> Channel {
        self.lanes[lane % LANES].clone()
    }

    pub fn quota(&self) -> QuotaServiceClient<Channel> {
        QuotaServiceClient::new(self.channel(0))
    }

    /// Makes a call of a request as it is.
    pub fn call<M: Verb>(&self, request: M) -> Call<M> {
        Call::new(self.clone(), request)
    }
}

/// A moment, as `2025-01-31T00:00:00Z`.
pub fn at(moment: &str) -> Timestamp {
    let moment: jiff::Timestamp = moment.parse().expect("an RFC 3339 moment");
    Timestamp { seconds: moment.as_second(), nanos: moment.subsec_nanosecond() }
}

/// Whole seconds, as requests take them.
pub fn span(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

pub fn item(action: &str, quantity: i64) -> v1::Item {
    v1::Item { action: action.into(), quantity, ..v1::Item::default() }
}

/// A budget that is hard and never starts afresh.
pub fn budget(name: &str, pool: &str, limit: i64) -> v1::Budget {
    v1::Budget { name: name.into(), pool: pool.into(), limit, cap: v1::Cap::Hard.into(), ..v1::Budget::default() }
}

/// What else an item may say.
pub trait ItemWith {
    fn subject(self, subject: &str) -> Self;
    fn at_least(self, min_quantity: i64) -> Self;
    fn dimension(self, key: &str, value: &str) -> Self;
}

impl ItemWith for v1::Item {
    fn subject(mut self, subject: &str) -> Self {
        self.subject = subject.into();
        self
    }

    fn at_least(mut self, min_quantity: i64) -> Self {
        self.min_quantity = min_quantity;
        self
    }

    fn dimension(mut self, key: &str, value: &str) -> Self {
        self.dimensions.insert(key.into(), value.into());
        self
    }
}

/// Whether an entry says something in its details, under whatever key.
pub fn said(entry: &v1::ActivityEntry, what: &str) -> bool {
    entry.details.values().any(|value| value == what)
}
