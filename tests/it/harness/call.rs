//! One call of one RPC: built in a line, sent, and its answer told apart in a word (`granted`, `denied`, `failed`).

use std::{collections::HashMap, fmt, future::Future};

use stipend::proto::v1::{
    self, account_service_client::AccountServiceClient, catalog_service_client::CatalogServiceClient,
    quota_service_client::QuotaServiceClient, usage_service_client::UsageServiceClient,
};
use tonic::{Code, Response, Status, transport::Channel};
use tonic_types::{ErrorInfo, StatusExt as _};

use super::client::{Stipend, at, span};

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
        query_usage: QueryUsageRequest => QueryUsageResponse;
    }
    CatalogServiceClient {
        get_catalog: GetCatalogRequest => Catalog;
        quote: QuoteRequest => QuoteResponse;
    }
}

/// Verbs that may be refused for business reasons.
pub trait Decides: Verb {
    type Yes: fmt::Debug;

    #[expect(clippy::result_large_err, reason = "tests do not mind")]
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
    pub fn new(stipend: Stipend, request: M) -> Self {
        Self { stipend, lane: 0, request }
    }

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
