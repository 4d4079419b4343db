//! One account under test: its requests, and what can be seen of it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use stipend::proto::v1;

use super::{
    call::{Call, Failure},
    client::{Stipend, at},
    conservation,
};

/// Longest time for an activity entry to show.
const ACTIVITY_PATIENCE: Duration = Duration::from_secs(10);

/// One account under test. A scenario ends with `check_conservation`: to forget it fails the test.
pub struct Account {
    pub stipend: Stipend,
    pub id: String,
    /// What `PutAccount` was given.
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

    /// Everything in the log from one moment up to another, newest first.
    pub async fn log(&self, start: Option<&str>, end: Option<&str>) -> Vec<v1::ActivityEntry> {
        let request = v1::ListActivityRequest {
            account: self.id.clone(),
            start_time: start.map(at),
            end_time: end.map(at),
            page_size: 1000,
            ..v1::ListActivityRequest::default()
        };
        let page = self.stipend.call(request).done().await;
        assert_eq!(page.next_page_token, "", "this is for short logs");
        page.entries
    }

    /// Usage of a pool over all time.
    pub async fn usage(
        &self,
        pool: &str,
        interval: v1::query_usage_request::Interval,
        group_by: &[&str],
    ) -> Vec<v1::UsageRow> {
        let request = v1::QueryUsageRequest {
            account: self.id.clone(),
            pool: pool.into(),
            interval: interval.into(),
            group_by: group_by.iter().map(|by| (*by).to_owned()).collect(),
            ..v1::QueryUsageRequest::default()
        };
        self.stipend.call(request).done().await.rows
    }

    /// What was charged in a pool by the values of one grouping, such as `dimension:source`: value, credits, times.
    pub async fn breakdown(&self, pool: &str, by: &str) -> Vec<(String, i64, i64)> {
        let rows = self.usage(pool, v1::query_usage_request::Interval::Total, &[by]).await;
        rows.into_iter().map(|mut row| (row.group.remove(by).unwrap_or_default(), row.credits, row.count)).collect()
    }

    /// What was charged in a pool in each month: its first day, credits.
    pub async fn months(&self, pool: &str) -> Vec<(String, i64)> {
        let rows = self.usage(pool, v1::query_usage_request::Interval::Month, &[]).await;
        let day = |start: Option<prost_types::Timestamp>| {
            let start = start.and_then(|start| jiff::Timestamp::from_second(start.seconds).ok());
            start.map(|start| start.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
        };
        rows.into_iter().map(|row| (day(row.start_time), row.credits)).collect()
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
