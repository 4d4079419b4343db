//! The unary methods that commands call: which request is answered by what, and where.

use prost::Message;

use crate::proto::v1;

/// A request that a method of the service answers.
pub trait Method: Message + 'static {
    type Answer: Message + Default + 'static;
    /// Such as `/stipend.v1.QuotaService/Reserve`.
    const PATH: &'static str;
}

macro_rules! methods {
    ($($service:literal { $($name:literal $request:ident -> $answer:ident;)* })*) => {$($(
        impl Method for v1::$request {
            type Answer = v1::$answer;
            const PATH: &'static str = concat!("/stipend.v1.", $service, "/", $name);
        }
    )*)*};
}

methods! {
    "QuotaService" {
        "Reserve" ReserveRequest -> ReserveResponse;
        "Commit" CommitRequest -> CommitResponse;
        "Release" ReleaseRequest -> ReleaseResponse;
        "Extend" ExtendRequest -> ExtendResponse;
        "Charge" ChargeRequest -> ChargeResponse;
        "GetBalance" GetBalanceRequest -> GetBalanceResponse;
        "GetReservation" GetReservationRequest -> Reservation;
        "ListReservations" ListReservationsRequest -> ListReservationsResponse;
    }
    "AccountService" {
        "PutAccount" PutAccountRequest -> Account;
        "GetAccount" GetAccountRequest -> Account;
        "ListAccounts" ListAccountsRequest -> ListAccountsResponse;
        "DeleteAccount" DeleteAccountRequest -> DeleteAccountResponse;
        "ChangePlan" ChangePlanRequest -> Account;
        "GrantCredits" GrantCreditsRequest -> GrantCreditsResponse;
        "RevokeGrant" RevokeGrantRequest -> RevokeGrantResponse;
        "Refund" RefundRequest -> RefundResponse;
        "PutBudget" PutBudgetRequest -> Budget;
        "DeleteBudget" DeleteBudgetRequest -> DeleteBudgetResponse;
        "ListBudgets" ListBudgetsRequest -> ListBudgetsResponse;
        "AdvanceTestClock" AdvanceTestClockRequest -> Account;
    }
    "UsageService" {
        "ListActivity" ListActivityRequest -> ListActivityResponse;
        "QueryUsage" QueryUsageRequest -> QueryUsageResponse;
    }
    "CatalogService" {
        "GetCatalog" GetCatalogRequest -> Catalog;
        "Quote" QuoteRequest -> QuoteResponse;
    }
}
