//! Messages of `AccountService`.

use std::collections::BTreeMap;

use super::{
    ITEMS_MAX, KEY_MAX, LABELS_MAX, NOTIFY_MAX, POOLS_MAX,
    field::Field,
    page::{self, List},
    quota::{account_id, balance, balances, cap, grant},
    timestamp,
};
use crate::{
    amount::Amount,
    clock::Millis,
    id::{AccountId, BudgetName, CatalogName, CatalogVersion, GrantId, PlanName, PoolName, RefundId, ReservationId},
    ledger::{self, Cap, GrantKind, Status},
    proto::v1,
    service::{Error, request},
};

/// Longest e-mail address, in bytes (RFC 5321 4.5.3.1.3).
const EMAIL_MAX: usize = 254;
/// Longest part of it before the `@`.
const EMAIL_LOCAL_MAX: usize = 64;
/// Priorities of grants go from 1 to this.
const PRIORITY_MAX: u16 = 1_000;

const ACCOUNT: Field<'static> = Field::named("account");
const POOL: Field<'static> = Field::named("pool");

pub fn put_account(wire: v1::PutAccountRequest) -> Result<request::AccountDraft, Error> {
    let wire = wire.account.ok_or_else(|| ACCOUNT.invalid("must be set"))?;
    Ok(request::AccountDraft {
        id: ACCOUNT.child("id").id(&wire.id, AccountId::parse)?,
        catalog: ACCOUNT.child("catalog").optional_id(&wire.catalog, CatalogName::parse)?,
        plan: ACCOUNT.child("plan").optional_id(&wire.plan, PlanName::parse)?,
        version: ACCOUNT.child("catalog_version").optional_id(&wire.catalog_version, CatalogVersion::parse)?,
        anchor: ACCOUNT.child("anchor_time").optional_moment(wire.anchor_time)?,
        time_zone: time_zone(wire.time_zone, &ACCOUNT.child("time_zone"))?,
        status: match ACCOUNT.child("status").known(wire.status)? {
            v1::account::Status::Unspecified => None,
            v1::account::Status::Active => Some(Status::Active),
            v1::account::Status::Suspended => Some(Status::Suspended),
        },
        labels: ACCOUNT.child("labels").labels(wire.labels, LABELS_MAX)?,
        notify: notify(wire.notify, &ACCOUNT.child("notify"))?,
        overrides: overrides(wire.overrides, &ACCOUNT.child("overrides"))?,
        test_clock: ACCOUNT.child("test_clock").optional_moment(wire.test_clock)?,
    })
}

fn time_zone(name: String, field: &Field<'_>) -> Result<Option<String>, Error> {
    if name.is_empty() {
        return Ok(None);
    }
    let name = field.text_within(name, KEY_MAX)?;
    match jiff::tz::TimeZone::get(&name) {
        Ok(_) => Ok(Some(name)),
        Err(_) => Err(field.invalid("must name an IANA time zone, such as Europe/Berlin")),
    }
}

fn notify(addresses: Vec<String>, field: &Field<'_>) -> Result<Vec<String>, Error> {
    field.count(addresses.len(), NOTIFY_MAX)?;
    for (index, address) in addresses.iter().enumerate() {
        if !is_plausible_email(address) {
            let problem = format_args!("must be an e-mail address of at most {EMAIL_MAX} bytes");
            return Err(field.at(index).invalid(problem));
        }
    }
    Ok(addresses)
}

/// Whether a mail could be sent to it, and to it alone: no lists, no names, no line ends that would reach a header.
fn is_plausible_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_ok = |c: char| !c.is_control() && !c.is_whitespace() && !"<>,;:\"()[]\\@".contains(c);
    let label_ok = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= EMAIL_MAX
        && (1..=EMAIL_LOCAL_MAX).contains(&local.len())
        && local.chars().all(local_ok)
        && domain.split('.').all(label_ok)
}

fn overrides(
    wire: std::collections::HashMap<String, v1::PoolOverride>,
    field: &Field<'_>,
) -> Result<BTreeMap<PoolName, request::PoolOverride>, Error> {
    field.count(wire.len(), POOLS_MAX)?;
    let amount = |place: Field<'_>, value: Option<i64>| value.map(|value| place.amount(value)).transpose();
    wire.into_iter()
        .map(|(pool, terms)| {
            let place = field.key(&pool);
            let terms = request::PoolOverride {
                allowance: amount(place.child("allowance"), terms.allowance)?,
                cap: place.child("cap").cap(terms.cap)?,
                limit: amount(place.child("limit"), terms.limit)?,
            };
            Ok((place.id(&pool, PoolName::parse)?, terms))
        })
        .collect()
}

pub fn list_accounts(wire: &v1::ListAccountsRequest) -> Result<(Option<AccountId>, usize), Error> {
    let after = List::Accounts.after(&wire.page_token, |key| AccountId::parse(key).ok())?;
    Ok((after, page::size(wire.page_size)?))
}

pub fn change_plan(wire: &v1::ChangePlanRequest) -> Result<request::ChangePlan, Error> {
    use v1::change_plan_request::When;
    Ok(request::ChangePlan {
        account: account_id(&wire.account)?,
        plan: Field::named("plan").optional_id(&wire.plan, PlanName::parse)?,
        version: Field::named("catalog_version").optional_id(&wire.catalog_version, CatalogVersion::parse)?,
        when: match Field::named("when").known(wire.when)? {
            When::Unspecified | When::Now => request::When::Now,
            When::AtReset => request::When::AtReset,
        },
    })
}

pub fn grant_credits(wire: v1::GrantCreditsRequest) -> Result<request::GrantCredits, Error> {
    use v1::grant::Kind;
    let kind = Field::named("kind");
    let amount = Field::named("amount").amount(wire.amount)?;
    if amount.is_zero() {
        return Err(Field::named("amount").invalid("must be from 1 to 2^53-1 (9007199254740991)"));
    }
    Ok(request::GrantCredits {
        account: account_id(&wire.account)?,
        pool: POOL.id(&wire.pool, PoolName::parse)?,
        id: Field::named("grant_id").optional_id(&wire.grant_id, GrantId::parse)?,
        kind: match kind.known(wire.kind)? {
            Kind::Unspecified | Kind::TopUp => GrantKind::TopUp,
            Kind::Promo => GrantKind::Promo,
            Kind::Allowance | Kind::Rollover => {
                return Err(kind.invalid("must be TOP_UP or PROMO: cycles make the others"));
            }
        },
        amount,
        priority: match u16::try_from(wire.priority) {
            Ok(0) => None,
            Ok(priority) if priority <= PRIORITY_MAX => Some(priority),
            Ok(_) | Err(_) => {
                let problem = format_args!("must be from 1 to {PRIORITY_MAX}, or 0 for the default of the kind");
                return Err(Field::named("priority").invalid(problem));
            }
        },
        expires: Field::named("expire_time").optional_moment(wire.expire_time)?,
        note: Field::named("note").text(wire.note)?,
    })
}

pub fn revoke_grant(wire: v1::RevokeGrantRequest) -> Result<request::RevokeGrant, Error> {
    Ok(request::RevokeGrant {
        account: account_id(&wire.account)?,
        pool: POOL.id(&wire.pool, PoolName::parse)?,
        id: Field::named("grant_id").id(&wire.grant_id, GrantId::parse)?,
        reason: Field::named("reason").text(wire.reason)?,
    })
}

pub fn refund(wire: v1::RefundRequest) -> Result<request::Refund, Error> {
    Ok(request::Refund {
        account: account_id(&wire.account)?,
        id: Field::named("refund_id").optional_id(&wire.refund_id, RefundId::parse)?,
        reservation: Field::named("reservation_id").id(&wire.reservation_id, ReservationId::parse)?,
        credits: Field::named("credits").amounts(&wire.credits, ITEMS_MAX)?,
        unmark: wire.unmark,
        reason: Field::named("reason").text(wire.reason)?,
    })
}

pub fn put_budget(wire: v1::PutBudgetRequest) -> Result<request::PutBudget, Error> {
    const BUDGET: Field<'static> = Field::named("budget");
    let budget = wire.budget.ok_or_else(|| BUDGET.invalid("must be set"))?;
    Ok(request::PutBudget {
        account: account_id(&wire.account)?,
        name: BUDGET.child("name").id(&budget.name, BudgetName::parse)?,
        pool: BUDGET.child("pool").id(&budget.pool, PoolName::parse)?,
        limit: BUDGET.child("limit").amount(budget.limit)?,
        cap: BUDGET.child("cap").cap(budget.cap)?.unwrap_or(Cap::Hard),
        cycle: BUDGET.child("cycle").text_within(budget.cycle, KEY_MAX)?,
    })
}

pub fn delete_budget(wire: &v1::DeleteBudgetRequest) -> Result<(AccountId, BudgetName), Error> {
    Ok((account_id(&wire.account)?, Field::named("name").id(&wire.name, BudgetName::parse)?))
}

pub fn list_budgets(wire: &v1::ListBudgetsRequest) -> Result<(AccountId, Option<BudgetName>, usize), Error> {
    let after = List::Budgets.after(&wire.page_token, |key| BudgetName::parse(key).ok())?;
    Ok((account_id(&wire.account)?, after, page::size(wire.page_size)?))
}

pub fn advance_test_clock(wire: &v1::AdvanceTestClockRequest) -> Result<(AccountId, Millis), Error> {
    let to = Field::named("to");
    let moment = to.optional_moment(wire.to)?.ok_or_else(|| to.invalid("must be set"))?;
    Ok((account_id(&wire.account)?, moment))
}

pub fn account(account: request::Account) -> v1::Account {
    v1::Account {
        id: account.id.to_string(),
        catalog: account.catalog.to_string(),
        plan: account.plan.to_string(),
        catalog_version: account.version.to_string(),
        anchor_time: Some(timestamp(account.anchor)),
        time_zone: account.time_zone,
        status: match account.status {
            Status::Active => v1::account::Status::Active,
            Status::Suspended => v1::account::Status::Suspended,
        }
        .into(),
        labels: account.labels.into_iter().collect(),
        notify: account.notify,
        overrides: account
            .overrides
            .into_iter()
            .map(|(pool, terms)| (pool.to_string(), pool_override(&terms)))
            .collect(),
        test_clock: account.test_clock.map(timestamp),
        now: Some(timestamp(account.now)),
        pending_plan: account.pending.map(|pending| v1::PendingPlan {
            plan: pending.plan.to_string(),
            catalog_version: pending.version.to_string(),
            effective_time: Some(timestamp(pending.at)),
        }),
        create_time: Some(timestamp(account.created)),
    }
}

fn pool_override(terms: &request::PoolOverride) -> v1::PoolOverride {
    v1::PoolOverride {
        allowance: terms.allowance.map(Amount::as_i64),
        cap: terms.cap.map_or(v1::Cap::Unspecified, cap).into(),
        limit: terms.limit.map(Amount::as_i64),
    }
}

pub fn accounts(page: request::Page<request::Account, AccountId>) -> v1::ListAccountsResponse {
    v1::ListAccountsResponse {
        accounts: page.rows.into_iter().map(account).collect(),
        next_page_token: List::Accounts.token(page.next),
    }
}

pub fn granted(account: &AccountId, granted: request::Granted) -> v1::GrantCreditsResponse {
    v1::GrantCreditsResponse { grant: Some(grant(granted.grant)), balance: Some(balance(account, granted.balance)) }
}

pub fn revoked(account: &AccountId, revoked: request::Revoked) -> v1::RevokeGrantResponse {
    v1::RevokeGrantResponse {
        grant: Some(grant(revoked.grant)),
        revoked: revoked.revoked.as_i64(),
        balance: Some(balance(account, revoked.balance)),
    }
}

pub fn refunded(account: &AccountId, refunded: request::Refunded) -> v1::RefundResponse {
    v1::RefundResponse {
        refunded: refunded.refunded.into_iter().map(Amount::as_i64).collect(),
        balances: balances(account, refunded.balances),
    }
}

pub fn budget(budget: ledger::Budget) -> v1::Budget {
    v1::Budget {
        name: budget.name.to_string(),
        pool: budget.pool.to_string(),
        limit: budget.limit.as_i64(),
        cap: cap(budget.cap).into(),
        cycle: budget.cycle,
        consumed: budget.consumed.as_i64(),
        held: budget.held.as_i64(),
        reset_time: budget.window.end.map(timestamp),
    }
}

pub fn budgets(page: request::Page<ledger::Budget, BudgetName>) -> v1::ListBudgetsResponse {
    v1::ListBudgetsResponse {
        budgets: page.rows.into_iter().map(budget).collect(),
        next_page_token: List::Budgets.token(page.next),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn problem<T: Debug>(result: Result<T, Error>) -> String {
        result.expect_err("must be refused").message
    }

    fn put(change: impl FnOnce(&mut v1::Account)) -> Result<request::AccountDraft, Error> {
        let mut account = v1::Account { id: "acme".into(), ..v1::Account::default() };
        change(&mut account);
        put_account(v1::PutAccountRequest { account: Some(account) })
    }

    #[test]
    fn an_account_needs_only_an_id() {
        let draft = put(|_| ()).expect("valid");
        assert_eq!((draft.catalog, draft.plan, draft.version, draft.status), (None, None, None, None));
        assert_eq!(problem(put(|account| account.id.clear())), "account.id: must not be empty");
        assert_eq!(problem(put_account(v1::PutAccountRequest { account: None })), "account: must be set");
    }

    #[test]
    fn a_time_zone_is_one_that_exists() {
        let zone = |name: &str| put(|account| account.time_zone = name.into()).map(|draft| draft.time_zone);
        assert_eq!(zone("Asia/Tashkent"), Ok(Some("Asia/Tashkent".to_owned())));
        assert_eq!(zone(""), Ok(None));
        assert!(problem(zone("Mars/Olympus")).starts_with("account.time_zone: must name an IANA time zone"));
        assert_eq!(problem(zone(&"x".repeat(65))), "account.time_zone: is 65 bytes long, the limit is 64");
    }

    #[test]
    fn an_account_has_at_most_32_labels_and_16_addresses() {
        let labels = |count: usize| put(|a| a.labels = (0..count).map(|n| (n.to_string(), String::new())).collect());
        assert!(labels(32).is_ok());
        assert_eq!(problem(labels(33)), "account.labels: has 33 entries, the limit is 32");
        let notify = |count: usize| put(|a| a.notify = vec!["ops@acme.example".into(); count]);
        assert!(notify(16).is_ok());
        assert_eq!(problem(notify(17)), "account.notify: has 17 entries, the limit is 16");
    }

    #[test]
    fn only_addresses_that_mail_can_go_to_are_taken() {
        for good in ["a@b.example", "first.last+tag@sub.acme.example", "ops@localhost", "jörg@straße.example"] {
            assert!(is_plausible_email(good), "{good}");
        }
        let long = format!("{}@acme.example", "x".repeat(65));
        for bad in [
            "",
            "acme",
            "@acme",
            "a@",
            "a b@c.example",
            "a@b..example",
            "a@-b",
            "a@b\r\nBcc: c",
            "a@b,c@d",
            "<a@b>",
            &long,
        ] {
            assert!(!is_plausible_email(bad), "{bad}");
        }
        let second = put(|a| a.notify = vec!["a@b".into(), "nobody".into()]);
        assert_eq!(problem(second), "account.notify[1]: must be an e-mail address of at most 254 bytes");
    }

    #[test]
    fn an_override_names_its_pool() {
        let with = |pool: &str, terms| {
            put(|a| {
                a.overrides.insert(pool.into(), terms);
            })
        };
        let zero = v1::PoolOverride { allowance: Some(0), ..Default::default() };
        let draft = with("ai_credits", zero).expect("valid");
        let terms = draft.overrides.values().next().expect("one");
        assert_eq!((terms.allowance, terms.cap, terms.limit), (Some(Amount::ZERO), None, None));
        let negative = v1::PoolOverride { limit: Some(-1), ..Default::default() };
        assert_eq!(problem(with("seats", negative)), r#"account.overrides["seats"].limit: must not be negative"#);
        assert!(problem(with("no pool", zero)).starts_with(r#"account.overrides["no pool"]: must match"#));
    }

    fn top_up(change: impl FnOnce(&mut v1::GrantCreditsRequest)) -> Result<request::GrantCredits, Error> {
        let mut wire = v1::GrantCreditsRequest {
            account: "acme".into(),
            pool: "ai_credits".into(),
            amount: 5,
            ..v1::GrantCreditsRequest::default()
        };
        change(&mut wire);
        grant_credits(wire)
    }

    #[test]
    fn a_grant_is_a_top_up_unless_it_says_promo() {
        assert_eq!(top_up(|_| ()).map(|grant| grant.kind), Ok(GrantKind::TopUp));
        assert_eq!(top_up(|wire| wire.kind = 3).map(|grant| grant.kind), Ok(GrantKind::Promo));
        assert!(problem(top_up(|wire| wire.kind = 1)).starts_with("kind: must be TOP_UP or PROMO"));
        assert_eq!(problem(top_up(|wire| wire.kind = 7)), "kind: has no value numbered 7");
    }

    #[test]
    fn a_grant_gives_something() {
        assert!(problem(top_up(|wire| wire.amount = 0)).starts_with("amount: must be from 1"));
        assert_eq!(problem(top_up(|wire| wire.amount = -1)), "amount: must not be negative");
    }

    #[test]
    fn priorities_go_from_1_to_1000() {
        let priority = |value| top_up(|wire| wire.priority = value).map(|grant| grant.priority);
        assert_eq!(priority(0), Ok(None));
        assert_eq!(priority(1_000), Ok(Some(1_000)));
        for bad in [-1, 1_001, 70_000] {
            assert!(problem(priority(bad)).starts_with("priority: must be from 1 to 1000"), "{bad}");
        }
    }

    #[test]
    fn a_clock_is_moved_to_a_moment() {
        let wire = v1::AdvanceTestClockRequest { account: "acme".into(), to: None };
        assert_eq!(problem(advance_test_clock(&wire)), "to: must be set");
    }

    #[test]
    fn a_budget_is_hard_unless_it_says_soft() {
        let budget = v1::Budget { name: "agent-7".into(), pool: "ai_credits".into(), ..v1::Budget::default() };
        let put = |budget| put_budget(v1::PutBudgetRequest { account: "acme".into(), budget });
        assert_eq!(put(Some(budget.clone())).map(|budget| budget.cap), Ok(Cap::Hard));
        assert_eq!(problem(put(None)), "budget: must be set");
        assert_eq!(problem(put(Some(v1::Budget { limit: -1, ..budget }))), "budget.limit: must not be negative");
    }
}
