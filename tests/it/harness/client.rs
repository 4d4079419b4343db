//! A thin client: requests are built in a line, answers are told apart in a word (`granted`, `denied`, `failed`).

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use prost_types::Timestamp;
use stipend::proto::v1::{
    self, account_service_client::AccountServiceClient, catalog_service_client::CatalogServiceClient,
    quota_service_client::QuotaServiceClient, usage_service_client::UsageServiceClient,
};
use tonic::{
    Code, Response, Status,
    transport::{Channel, Endpoint},
};
use tonic_types::{ErrorInfo, StatusExt as _};

use super::conservation;

/// Connections of one client; each opens when it is first used.
const LANES: usize = 8;

/// Longest time for an activity entry to show.
const ACTIVITY_PATIENCE: Duration = Duration::from_secs(10);

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
        Call { stipend: self.clone(), lane: 0, request }
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

/// A call that failed: its status and the `google.rpc.ErrorInfo` in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub code: Code,
    pub message: String,
    pub domain: String,
    pub reason: String,
    pub metadata: HashMap<String, String>,
}

impl Failure {
    /// Requires a code and a stable reason.
    #[track_caller]
    pub fn is(&self, code: Code, reason: &str) -> &Self {
        assert_eq!((self.code, self.reason.as_str()), (code, reason), "{self:?}");
        self
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let (code, message) = (status.code(), status.message().into());
        match status.get_details_error_info() {
            Some(ErrorInfo { domain, reason, metadata }) => Self { code, message, domain, reason, metadata },
            None => Self { code, message, domain: String::new(), reason: String::new(), metadata: HashMap::new() },
        }
    }
}

/// A request that some RPC takes.
pub trait Verb: Clone + fmt::Debug + Send + 'static {
    type Answer: fmt::Debug + Send + 'static;

    fn send(self, channel: Channel) -> impl Future<Output = Result<Response<Self::Answer>, Status>> + Send;
}

macro_rules! verbs {
    ($($client:ident { $($method:ident: $request:ident => $answer:ident;)* })*) => {$($(
        impl Verb for v1::$request {
            type Answer = v1::$answer;

            async fn send(self, channel: Channel) -> Result<Response<v1::$answer>, Status> {
                $client::new(channel).$method(self).await
            }
        }
    )*)*};
}

verbs! {
    QuotaServiceClient {
        reserve: ReserveRequest => ReserveResponse;
        commit: CommitRequest => CommitResponse;
        release: ReleaseRequest => ReleaseResponse;
        extend: ExtendRequest => ExtendResponse;
        charge: ChargeRequest => ChargeResponse;
        get_balance: GetBalanceRequest => GetBalanceResponse;
        get_reservation: GetReservationRequest => Reservation;
        list_reservations: ListReservationsRequest => ListReservationsResponse;
    }
    AccountServiceClient {
        put_account: PutAccountRequest => Account;
        get_account: GetAccountRequest => Account;
        list_accounts: ListAccountsRequest => ListAccountsResponse;
        delete_account: DeleteAccountRequest => DeleteAccountResponse;
        change_plan: ChangePlanRequest => Account;
        grant_credits: GrantCreditsRequest => GrantCreditsResponse;
        revoke_grant: RevokeGrantRequest => RevokeGrantResponse;
        refund: RefundRequest => RefundResponse;
        put_budget: PutBudgetRequest => Budget;
        delete_budget: DeleteBudgetRequest => DeleteBudgetResponse;
        list_budgets: ListBudgetsRequest => ListBudgetsResponse;
        advance_test_clock: AdvanceTestClockRequest => Account;
    }
    UsageServiceClient {
        list_activity: ListActivityRequest => ListActivityResponse;
    }
    CatalogServiceClient {
        get_catalog: GetCatalogRequest => Catalog;
        quote: QuoteRequest => QuoteResponse;
    }
}

/// Verbs that may be refused for business reasons.
pub trait Decides: Verb {
    type Yes: fmt::Debug;

    fn decision(answer: Self::Answer) -> Result<Self::Yes, v1::Denial>;
}

macro_rules! decides {
    ($($request:ident: $module:ident, $yes:ident($granted:ty);)*) => {$(
        impl Decides for v1::$request {
            type Yes = $granted;

            fn decision(answer: Self::Answer) -> Result<$granted, v1::Denial> {
                match answer.outcome.expect("an answer has an outcome") {
                    v1::$module::Outcome::$yes(yes) => Ok(yes),
                    v1::$module::Outcome::Denied(denial) => Err(denial),
                }
            }
        }
    )*};
}

decides! {
    ReserveRequest: reserve_response, Granted(v1::Reservation);
    ExtendRequest: extend_response, Granted(v1::Reservation);
    ChargeRequest: charge_response, Charged(v1::Charged);
}

/// One call, ready to be sent; `clone` it to send it twice.
#[must_use]
#[derive(Clone)]
pub struct Call<M> {
    stipend: Stipend,
    lane: usize,
    pub request: M,
}

impl<M: Verb> Call<M> {
    /// Goes over another connection.
    pub fn lane(mut self, lane: usize) -> Self {
        self.lane = lane;
        self
    }

    pub async fn send(self) -> Result<M::Answer, Failure> {
        let channel = self.stipend.channel(self.lane);
        self.request.send(channel).await.map(Response::into_inner).map_err(Failure::from)
    }

    /// Requires an answer.
    pub async fn done(self) -> M::Answer {
        let said = format!("{:?}", self.request);
        self.send().await.unwrap_or_else(|failure| panic!("{said}\nfailed: {failure:?}"))
    }

    /// Requires a failure.
    pub async fn failed(self) -> Failure {
        let said = format!("{:?}", self.request);
        match self.send().await {
            Ok(answer) => panic!("{said}\nshould have failed and was answered: {answer:?}"),
            Err(failure) => {
                assert_eq!(failure.domain, "stipend", "every error carries an ErrorInfo: {failure:?}");
                failure
            }
        }
    }
}

impl<M: Decides> Call<M> {
    /// What was decided; a failure is none.
    pub async fn decided(self) -> Result<M::Yes, v1::Denial> {
        M::decision(self.done().await)
    }

    /// Requires a yes.
    pub async fn granted(self) -> M::Yes {
        let said = format!("{:?}", self.request);
        self.decided().await.unwrap_or_else(|denial| panic!("{said}\nwas denied: {denial:?}"))
    }

    /// Requires a refusal.
    pub async fn denied(self) -> v1::Denial {
        let said = format!("{:?}", self.request);
        match self.decided().await {
            Ok(yes) => panic!("{said}\nshould have been denied: {yes:?}"),
            Err(denial) => denial,
        }
    }
}

macro_rules! setters {
    ($($request:ident { $($name:ident($argument:ident: $type:ty) $field:ident = $value:expr;)* })*) => {$(
        impl Call<v1::$request> {
            $(pub fn $name(mut self, $argument: $type) -> Self {
                self.request.$field = $value;
                self
            })*
        }
    )*};
}

setters! {
    ReserveRequest {
        ttl(seconds: i64) ttl = Some(span(seconds));
        budgets(names: &[&str]) budgets = strings(names);
        metadata(pairs: &[(&str, &str)]) metadata = map(pairs);
        dry_run(yes: bool) dry_run = yes;
    }
    ChargeRequest {
        budgets(names: &[&str]) budgets = strings(names);
        metadata(pairs: &[(&str, &str)]) metadata = map(pairs);
        dry_run(yes: bool) dry_run = yes;
    }
    CommitRequest {
        quantities(actual: &[i64]) quantities = actual.into();
        metadata(pairs: &[(&str, &str)]) metadata = map(pairs);
    }
    ReleaseRequest {
        reason(reason: &str) reason = reason.into();
    }
    ExtendRequest {
        more(additions: &[i64]) quantities = additions.into();
        used(totals: &[i64]) used = totals.into();
        ttl(seconds: i64) ttl = Some(span(seconds));
    }
    GrantCreditsRequest {
        kind(kind: v1::grant::Kind) kind = kind.into();
        priority(priority: i32) priority = priority;
        expires(moment: &str) expire_time = Some(at(moment));
        note(note: &str) note = note.into();
    }
    RefundRequest {
        credits(per_item: &[i64]) credits = per_item.into();
        unmark(yes: bool) unmark = yes;
        reason(reason: &str) reason = reason.into();
    }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// One account under test. A scenario ends with `check_conservation`: to forget it fails the test.
pub struct Account {
    pub stipend: Stipend,
    pub id: String,
    /// What PutAccount was given.
    put: v1::Account,
    checked: AtomicBool,
    overage_expected: AtomicBool,
}

impl Account {
    pub fn new(stipend: Stipend, id: String, put: v1::Account) -> Self {
        Self { stipend, id, put, checked: AtomicBool::new(false), overage_expected: AtomicBool::new(false) }
    }

    /// The same account through another client, such as that of a server started again.
    pub fn through(&self, stipend: Stipend) -> Self {
        self.checked.store(true, Ordering::Relaxed);
        let again = Self::new(stipend, self.id.clone(), self.put.clone());
        again.overage_expected.store(self.overage_expected.load(Ordering::Relaxed), Ordering::Relaxed);
        again
    }

    /// Says that a hard-capped pool may show overage in this scenario.
    pub fn expect_overage(&self) {
        self.overage_expected.store(true, Ordering::Relaxed);
    }

    pub fn reserve(&self, id: &str, items: impl Into<Vec<v1::Item>>) -> Call<v1::ReserveRequest> {
        self.stipend.call(v1::ReserveRequest {
            account: self.id.clone(),
            reservation_id: id.into(),
            items: items.into(),
            ..v1::ReserveRequest::default()
        })
    }

    pub fn charge(&self, id: &str, items: impl Into<Vec<v1::Item>>) -> Call<v1::ChargeRequest> {
        self.stipend.call(v1::ChargeRequest {
            account: self.id.clone(),
            reservation_id: id.into(),
            items: items.into(),
            ..v1::ChargeRequest::default()
        })
    }

    pub fn commit(&self, id: &str) -> Call<v1::CommitRequest> {
        self.stipend.call(v1::CommitRequest {
            account: self.id.clone(),
            reservation_id: id.into(),
            ..v1::CommitRequest::default()
        })
    }

    pub fn release(&self, id: &str) -> Call<v1::ReleaseRequest> {
        self.stipend.call(v1::ReleaseRequest {
            account: self.id.clone(),
            reservation_id: id.into(),
            ..v1::ReleaseRequest::default()
        })
    }

    pub fn extend(&self, id: &str, extend_id: &str) -> Call<v1::ExtendRequest> {
        self.stipend.call(v1::ExtendRequest {
            account: self.id.clone(),
            reservation_id: id.into(),
            extend_id: extend_id.into(),
            ..v1::ExtendRequest::default()
        })
    }

    /// A top-up, unless said otherwise.
    pub fn grant(&self, pool: &str, grant_id: &str, amount: i64) -> Call<v1::GrantCreditsRequest> {
        self.stipend.call(v1::GrantCreditsRequest {
            account: self.id.clone(),
            pool: pool.into(),
            grant_id: grant_id.into(),
            kind: v1::grant::Kind::TopUp.into(),
            amount,
            ..v1::GrantCreditsRequest::default()
        })
    }

    pub fn revoke(&self, pool: &str, grant_id: &str) -> Call<v1::RevokeGrantRequest> {
        self.stipend.call(v1::RevokeGrantRequest {
            account: self.id.clone(),
            pool: pool.into(),
            grant_id: grant_id.into(),
            ..v1::RevokeGrantRequest::default()
        })
    }

    pub fn refund(&self, refund_id: &str, reservation_id: &str) -> Call<v1::RefundRequest> {
        self.stipend.call(v1::RefundRequest {
            account: self.id.clone(),
            refund_id: refund_id.into(),
            reservation_id: reservation_id.into(),
            ..v1::RefundRequest::default()
        })
    }

    pub fn change_plan(
        &self,
        plan: &str,
        version: &str,
        when: v1::change_plan_request::When,
    ) -> Call<v1::ChangePlanRequest> {
        self.stipend.call(v1::ChangePlanRequest {
            account: self.id.clone(),
            plan: plan.into(),
            catalog_version: version.into(),
            when: when.into(),
        })
    }

    /// A budget that is hard and never starts afresh.
    pub fn budget(&self, name: &str, pool: &str, limit: i64) -> v1::Budget {
        v1::Budget { name: name.into(), pool: pool.into(), limit, cap: v1::Cap::Hard.into(), ..v1::Budget::default() }
    }

    pub fn put_budget(&self, budget: v1::Budget) -> Call<v1::PutBudgetRequest> {
        self.stipend.call(v1::PutBudgetRequest { account: self.id.clone(), budget: Some(budget) })
    }

    pub fn delete_budget(&self, name: &str) -> Call<v1::DeleteBudgetRequest> {
        self.stipend.call(v1::DeleteBudgetRequest { account: self.id.clone(), name: name.into() })
    }

    pub async fn budgets(&self) -> Vec<v1::Budget> {
        let request = v1::ListBudgetsRequest { account: self.id.clone(), ..v1::ListBudgetsRequest::default() };
        self.stipend.call(request).done().await.budgets
    }

    /// One budget, which must be there.
    pub async fn budget_now(&self, name: &str) -> v1::Budget {
        let budgets = self.budgets().await;
        budgets.into_iter().find(|budget| budget.name == name).unwrap_or_else(|| panic!("no budget {name}"))
    }

    pub fn advance(&self, to: &str) -> Call<v1::AdvanceTestClockRequest> {
        self.stipend.call(v1::AdvanceTestClockRequest { account: self.id.clone(), to: Some(at(to)) })
    }

    pub fn quote(&self, items: impl Into<Vec<v1::Item>>) -> Call<v1::QuoteRequest> {
        let request = v1::QuoteRequest { account: self.id.clone(), items: items.into(), budgets: Vec::new() };
        self.stipend.call(request)
    }

    /// Puts the account again, as it was first put but for what `change` does.
    pub async fn put(&self, change: impl FnOnce(&mut v1::Account)) -> Result<v1::Account, Failure> {
        let mut account = self.put.clone();
        change(&mut account);
        self.stipend.call(v1::PutAccountRequest { account: Some(account) }).send().await
    }

    pub async fn get(&self) -> v1::Account {
        self.stipend.call(v1::GetAccountRequest { account: self.id.clone() }).done().await
    }

    pub async fn reservation(&self, id: &str) -> v1::Reservation {
        let request = v1::GetReservationRequest { account: self.id.clone(), reservation_id: id.into() };
        self.stipend.call(request).done().await
    }

    /// Every pool, with its grants.
    pub async fn balances(&self) -> Vec<v1::Balance> {
        let request = v1::GetBalanceRequest { account: self.id.clone(), pools: Vec::new() };
        self.stipend.call(request).done().await.balances
    }

    /// One pool, with its grants.
    pub async fn balance(&self, pool: &str) -> v1::Balance {
        let request = v1::GetBalanceRequest { account: self.id.clone(), pools: vec![pool.into()] };
        let mut balances = self.stipend.call(request).done().await.balances;
        assert_eq!(balances.len(), 1, "one pool was asked for: {balances:?}");
        balances.remove(0)
    }

    /// What remains of the grants of a kind in a pool.
    pub async fn remaining_of(&self, pool: &str, kind: v1::grant::Kind) -> i64 {
        self.balance(pool).await.grants.iter().filter(|grant| grant.kind() == kind).map(|grant| grant.remaining).sum()
    }

    /// What remains of one grant; nothing when it is no longer listed.
    pub async fn remaining_in(&self, pool: &str, grant_id: &str) -> i64 {
        let grants = self.balance(pool).await.grants;
        grants.iter().find(|grant| grant.id == grant_id).map_or(0, |grant| grant.remaining)
    }

    /// Every hold that is open.
    pub async fn active(&self) -> Vec<v1::Reservation> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = v1::ListReservationsRequest {
                account: self.id.clone(),
                state: v1::reservation::State::Active.into(),
                page_size: 1000,
                page_token,
            };
            let page = self.stipend.call(request).done().await;
            all.extend(page.reservations);
            if page.next_page_token.is_empty() {
                return all;
            }
            page_token = page.next_page_token;
        }
    }

    /// The activity entries of a type, oldest first.
    pub async fn entries(&self, kind: &str) -> Vec<v1::ActivityEntry> {
        let mut all = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = v1::ListActivityRequest {
                account: self.id.clone(),
                r#type: kind.into(),
                page_size: 1000,
                page_token,
                ..v1::ListActivityRequest::default()
            };
            let page = self.stipend.call(request).done().await;
            all.extend(page.entries);
            if page.next_page_token.is_empty() {
                break;
            }
            page_token = page.next_page_token;
        }
        all.reverse();
        all
    }

    /// Requires exactly so many activity entries of a type, and gives them, oldest first. Waits for them: an engine may
    /// archive behind the answer.
    pub async fn activity(&self, kind: &str, count: usize) -> Vec<v1::ActivityEntry> {
        let deadline = Instant::now() + ACTIVITY_PATIENCE;
        loop {
            let entries = self.entries(kind).await;
            if entries.len() >= count || Instant::now() > deadline {
                assert_eq!(entries.len(), count, "entries of type {kind}: {entries:#?}");
                return entries;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Leaves the check to another handle of the same account.
    pub fn check_conservation_later(&self) {
        self.checked.store(true, Ordering::Relaxed);
    }

    /// Checks what must hold of every account at every moment (rule 22).
    pub async fn check_conservation(&self) {
        self.checked.store(true, Ordering::Relaxed);
        conservation::check(
            &self.balances().await,
            &self.active().await,
            self.overage_expected.load(Ordering::Relaxed),
        );
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert!(*self.checked.get_mut(), "a scenario ends with check_conservation, on each of its accounts");
        }
    }
}

/// Whether an entry says something in its details, under whatever key.
pub fn said(entry: &v1::ActivityEntry, what: &str) -> bool {
    entry.details.values().any(|value| value == what)
}
