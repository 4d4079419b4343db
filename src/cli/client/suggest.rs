//! What was probably meant, where an id was given that does not exist. Names of a catalog are the service's to suggest;
//! ids of accounts, budgets, grants and reservations are looked up here, once, only after a failure.

use super::{Client, Failure};
use crate::{catalog::nearest, proto::v1};

/// Ids that are looked at.
const LOOKED_AT: usize = 5_000;

/// Finds the id that was probably meant, for a failure that says which was not there.
pub async fn for_failure(client: &Client, failure: &Failure) -> Option<String> {
    let id = |key: &str| failure.ids.get(key).cloned();
    let account = id("account");
    let (wrong, known) = match failure.reason.as_str() {
        "ACCOUNT_NOT_FOUND" => (account?, accounts(client).await),
        "BUDGET_NOT_FOUND" => (id("budget")?, budgets(client, &account?).await),
        "GRANT_NOT_FOUND" => (id("grant_id").or_else(|| id("grant"))?, grants(client, &account?).await),
        "RESERVATION_NOT_FOUND" => (id("reservation_id")?, reservations(client, &account?).await),
        _ => return None,
    };
    near(&wrong, &known)
}

/// `did you mean acme?`
fn near(wrong: &str, known: &[String]) -> Option<String> {
    nearest(wrong, known.iter().map(String::as_str)).map(|near| format!("did you mean {near}?"))
}

async fn accounts(client: &Client) -> Vec<String> {
    pages(async |token| {
        let answer = client.ask(v1::ListAccountsRequest { page_size: 1_000, page_token: token }).await.ok()?;
        Some((answer.accounts.into_iter().map(|account| account.id).collect(), answer.next_page_token))
    })
    .await
}

async fn budgets(client: &Client, account: &str) -> Vec<String> {
    pages(async |page_token| {
        let request = v1::ListBudgetsRequest { account: account.to_owned(), page_size: 1_000, page_token };
        let answer = client.ask(request).await.ok()?;
        Some((answer.budgets.into_iter().map(|budget| budget.name).collect(), answer.next_page_token))
    })
    .await
}

async fn reservations(client: &Client, account: &str) -> Vec<String> {
    pages(async |page_token| {
        let account = account.to_owned();
        let request = v1::ListReservationsRequest { account, page_size: 1_000, page_token, state: 0 };
        let answer = client.ask(request).await.ok()?;
        Some((answer.reservations.into_iter().map(|held| held.id).collect(), answer.next_page_token))
    })
    .await
}

async fn grants(client: &Client, account: &str) -> Vec<String> {
    let request = v1::GetBalanceRequest { account: account.to_owned(), pools: Vec::new() };
    let balances = client.ask(request).await.map(|answer| answer.balances).unwrap_or_default();
    balances.into_iter().flat_map(|balance| balance.grants).map(|grant| grant.id).collect()
}

/// Reads pages up to a bound; whatever goes wrong, there is less to suggest.
async fn pages(mut page: impl AsyncFnMut(String) -> Option<(Vec<String>, String)>) -> Vec<String> {
    let (mut ids, mut token) = (Vec::new(), String::new());
    while ids.len() < LOOKED_AT {
        let Some((page, next)) = page(token).await else { break };
        ids.extend(page);
        if next.is_empty() {
            break;
        }
        token = next;
    }
    ids
}
