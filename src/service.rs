//! The verbs of Stipend: each is priced from the catalog, bounded, sent to the ledger, and repeated once the account is
//! brought up to date. Wires are `api`'s; rules are the ledger's.

pub mod error;
pub mod request;

pub use error::{Error, Reason};

use std::sync::Arc;

use crate::{
    catalog::Catalog,
    clock::{Clock, Millis},
    id::*,
    ledger::{self, Ledger},
    service::request::*,
};

/// TEMPORARY: replaced by the real service.
pub struct Service;

impl Service {
    pub async fn start(_: Arc<dyn Ledger>, _: Arc<dyn Clock>, _: Vec<Catalog>) -> Result<Self, Error> {
        Ok(Self)
    }

    pub async fn publish(&self, _: Vec<Catalog>) -> Result<(), Error> {
        Ok(())
    }

    pub fn catalog(
        &self,
        _: Option<CatalogName>,
        _: Option<CatalogVersion>,
    ) -> Result<(Arc<Catalog>, Vec<CatalogVersion>), Error> {
        missing()
    }
}

fn missing<T>() -> Result<T, Error> {
    Err(Error::new(Reason::Unimplemented, "the service is not merged yet"))
}

macro_rules! verbs {
    ($($name:ident($($arg:ty),*) -> $answer:ty;)*) => {
        #[expect(clippy::unused_async, clippy::pedantic, reason = "temporary")]
        impl Service {
            $(pub async fn $name(&self, $(_: $arg),*) -> Result<$answer, Error> {
                missing()
            })*
        }
    };
}

verbs! {
    reserve(Reserve) -> Decided;
    charge(Reserve) -> Decided;
    commit(Commit) -> Committed;
    release(Release) -> Released;
    extend(Extend) -> Decided;
    get_balance(GetBalance) -> Vec<Balance>;
    get_reservation(AccountId, ReservationId) -> ledger::Reservation;
    list_reservations(ListReservations) -> Page<ledger::Reservation, ReservationId>;
    put_account(AccountDraft) -> Account;
    get_account(AccountId) -> Account;
    list_accounts(Option<AccountId>, usize) -> Page<Account, AccountId>;
    delete_account(AccountId) -> ();
    change_plan(ChangePlan) -> Account;
    grant_credits(GrantCredits) -> Granted;
    revoke_grant(RevokeGrant) -> Revoked;
    refund(Refund) -> Refunded;
    put_budget(PutBudget) -> ledger::Budget;
    delete_budget(AccountId, BudgetName) -> ();
    list_budgets(AccountId, Option<BudgetName>, usize) -> Page<ledger::Budget, BudgetName>;
    advance_test_clock(AccountId, Millis) -> Account;
    quote(Reserve) -> Quote;
    list_activity(ListActivity) -> Page<ledger::Entry, u64>;
    query_usage(QueryUsage) -> Vec<UsageRow>;
}
