//! Messages of `QuotaService`.

use super::{
    BUDGETS_MAX, ENTRIES_MAX, ITEMS_MAX, POOLS_MAX,
    denial::denial,
    field::Field,
    page::{self, List},
    timestamp,
};
use crate::{
    amount::Amount,
    id::{AccountId, ActionName, BudgetName, ExtendId, PoolName, ReservationId, Subject},
    ledger::{self, BalanceState, Cap, GrantKind, ReservationState},
    proto::v1,
    service::{Error, request},
};

const ACCOUNT: Field<'static> = Field::named("account");
const RESERVATION: Field<'static> = Field::named("reservation_id");
const ITEMS: Field<'static> = Field::named("items");
const BUDGETS: Field<'static> = Field::named("budgets");
const METADATA: Field<'static> = Field::named("metadata");
const QUANTITIES: Field<'static> = Field::named("quantities");

pub fn account_id(text: &str) -> Result<AccountId, Error> {
    ACCOUNT.id(text, AccountId::parse)
}

pub fn reserve(wire: v1::ReserveRequest) -> Result<request::Reserve, Error> {
    Ok(request::Reserve {
        account: account_id(&wire.account)?,
        id: RESERVATION.optional_id(&wire.reservation_id, ReservationId::parse)?,
        items: items(wire.items)?,
        ttl: Field::named("ttl").ttl(wire.ttl)?,
        budgets: BUDGETS.distinct_ids(&wire.budgets, BUDGETS_MAX, BudgetName::parse)?,
        metadata: METADATA.labels(wire.metadata, ENTRIES_MAX)?,
        dry_run: wire.dry_run,
    })
}

pub fn charge(wire: v1::ChargeRequest) -> Result<request::Reserve, Error> {
    Ok(request::Reserve {
        account: account_id(&wire.account)?,
        id: RESERVATION.optional_id(&wire.reservation_id, ReservationId::parse)?,
        items: items(wire.items)?,
        ttl: None,
        budgets: BUDGETS.distinct_ids(&wire.budgets, BUDGETS_MAX, BudgetName::parse)?,
        metadata: METADATA.labels(wire.metadata, ENTRIES_MAX)?,
        dry_run: wire.dry_run,
    })
}

pub fn quote(wire: v1::QuoteRequest) -> Result<request::Reserve, Error> {
    Ok(request::Reserve {
        account: account_id(&wire.account)?,
        id: None,
        items: items(wire.items)?,
        ttl: None,
        budgets: BUDGETS.distinct_ids(&wire.budgets, BUDGETS_MAX, BudgetName::parse)?,
        metadata: ledger::Labels::new(),
        dry_run: true,
    })
}

fn items(wire: Vec<v1::Item>) -> Result<Vec<request::Item>, Error> {
    if wire.is_empty() {
        return Err(ITEMS.invalid(format_args!("must have from 1 to {ITEMS_MAX} items")));
    }
    ITEMS.count(wire.len(), ITEMS_MAX)?;
    wire.into_iter().enumerate().map(|(index, wire)| item(wire, &ITEMS.at(index))).collect()
}

fn item(wire: v1::Item, place: &Field<'_>) -> Result<request::Item, Error> {
    let quantity = match place.child("quantity").amount(wire.quantity)? {
        Amount::ZERO => Amount::ONE,
        quantity => quantity,
    };
    let min_quantity = place.child("min_quantity").amount(wire.min_quantity)?;
    if min_quantity > quantity {
        let problem = format_args!("is {min_quantity}, more than the quantity of {quantity}");
        return Err(place.child("min_quantity").invalid(problem));
    }
    Ok(request::Item {
        action: place.child("action").id(&wire.action, ActionName::parse)?,
        quantity,
        min_quantity,
        subject: place.child("subject").optional_id(&wire.subject, Subject::parse)?,
        dimensions: place.child("dimensions").labels(wire.dimensions, ENTRIES_MAX)?,
    })
}

pub fn commit(wire: v1::CommitRequest) -> Result<request::Commit, Error> {
    Ok(request::Commit {
        account: account_id(&wire.account)?,
        id: RESERVATION.id(&wire.reservation_id, ReservationId::parse)?,
        quantities: QUANTITIES.amounts(&wire.quantities, ITEMS_MAX)?,
        metadata: METADATA.labels(wire.metadata, ENTRIES_MAX)?,
    })
}

pub fn release(wire: v1::ReleaseRequest) -> Result<request::Release, Error> {
    Ok(request::Release {
        account: account_id(&wire.account)?,
        id: RESERVATION.id(&wire.reservation_id, ReservationId::parse)?,
        reason: Field::named("reason").text(wire.reason)?,
    })
}

pub fn extend(wire: &v1::ExtendRequest) -> Result<request::Extend, Error> {
    let (quantities, used) =
        (QUANTITIES.amounts(&wire.quantities, ITEMS_MAX)?, Field::named("used").amounts(&wire.used, ITEMS_MAX)?);
    if !quantities.is_empty() && !used.is_empty() && quantities.len() != used.len() {
        let problem = format_args!("has {} entries and quantities {}", used.len(), quantities.len());
        return Err(Field::named("used").invalid(problem));
    }
    Ok(request::Extend {
        account: account_id(&wire.account)?,
        id: RESERVATION.id(&wire.reservation_id, ReservationId::parse)?,
        extend_id: Field::named("extend_id").optional_id(&wire.extend_id, ExtendId::parse)?,
        quantities,
        used,
        ttl: Field::named("ttl").ttl(wire.ttl)?,
    })
}

pub fn get_balance(wire: &v1::GetBalanceRequest) -> Result<request::GetBalance, Error> {
    Ok(request::GetBalance {
        account: account_id(&wire.account)?,
        pools: Field::named("pools").distinct_ids(&wire.pools, POOLS_MAX, PoolName::parse)?,
    })
}

pub fn get_reservation(wire: &v1::GetReservationRequest) -> Result<(AccountId, ReservationId), Error> {
    Ok((account_id(&wire.account)?, RESERVATION.id(&wire.reservation_id, ReservationId::parse)?))
}

pub fn list_reservations(wire: &v1::ListReservationsRequest) -> Result<request::ListReservations, Error> {
    use v1::reservation::State;
    Ok(request::ListReservations {
        account: account_id(&wire.account)?,
        state: match Field::named("state").known(wire.state)? {
            State::Unspecified => None,
            State::Active => Some(ReservationState::Active),
            State::Committed => Some(ReservationState::Committed),
            State::Released => Some(ReservationState::Released),
            State::Expired => Some(ReservationState::Expired),
        },
        after: List::Reservations.after(&wire.page_token, |key| ReservationId::parse(key).ok())?,
        limit: page::size(wire.page_size)?,
    })
}

/// What a refusal says that it was asked for: the action, where there is but one.
pub fn asked_for(items: &[request::Item]) -> String {
    match items {
        [only] => only.action.to_string(),
        _ => "the request".to_owned(),
    }
}

pub fn reserved(account: &AccountId, decided: request::Decided, what: &str) -> v1::ReserveResponse {
    use v1::reserve_response::Outcome;
    v1::ReserveResponse {
        outcome: Some(match decided.decision {
            request::Decision::Granted(held) => Outcome::Granted(reservation(account, held)),
            request::Decision::Denied(refusal) => Outcome::Denied(denial(&refusal, what)),
        }),
        balances: balances(account, decided.balances),
    }
}

pub fn extended(account: &AccountId, decided: request::Decided) -> v1::ExtendResponse {
    use v1::extend_response::Outcome;
    v1::ExtendResponse {
        outcome: Some(match decided.decision {
            request::Decision::Granted(held) => Outcome::Granted(reservation(account, held)),
            request::Decision::Denied(refusal) => Outcome::Denied(denial(&refusal, "the extension")),
        }),
        balances: balances(account, decided.balances),
    }
}

pub fn charged(account: &AccountId, decided: request::Decided, what: &str) -> v1::ChargeResponse {
    use v1::charge_response::Outcome;
    v1::ChargeResponse {
        outcome: Some(match decided.decision {
            request::Decision::Granted(done) => Outcome::Charged(v1::Charged {
                charges: charges(&done.items),
                reservation: Some(reservation(account, done)),
            }),
            request::Decision::Denied(refusal) => Outcome::Denied(denial(&refusal, what)),
        }),
        balances: balances(account, decided.balances),
    }
}

pub fn committed(account: &AccountId, committed: request::Committed) -> v1::CommitResponse {
    v1::CommitResponse {
        charges: charges(&committed.reservation.items),
        reservation: Some(reservation(account, committed.reservation)),
        balances: balances(account, committed.balances),
        late: committed.late,
    }
}

pub fn released(account: &AccountId, released: request::Released) -> v1::ReleaseResponse {
    v1::ReleaseResponse {
        reservation: Some(reservation(account, released.reservation)),
        balances: balances(account, released.balances),
    }
}

pub fn quoted(account: &AccountId, quote: request::Quote, what: &str) -> v1::QuoteResponse {
    v1::QuoteResponse {
        items: quote.items.into_iter().map(reserved_item).collect(),
        denied: quote.denied.as_ref().map(|refusal| denial(refusal, what)),
        balances: balances(account, quote.balances),
    }
}

pub fn reservations(
    account: &AccountId,
    page: request::Page<ledger::Reservation, ReservationId>,
) -> v1::ListReservationsResponse {
    v1::ListReservationsResponse {
        reservations: page.rows.into_iter().map(|row| reservation(account, row)).collect(),
        next_page_token: List::Reservations.token(page.next),
    }
}

pub fn reservation(account: &AccountId, held: ledger::Reservation) -> v1::Reservation {
    use v1::reservation::State;
    // A commit charges every item or none: one charge is enough to know.
    let charged = held.items.iter().any(|item| item.charge.is_some());
    v1::Reservation {
        account: account.to_string(),
        id: held.id.to_string(),
        state: match held.state {
            ReservationState::Active => State::Active,
            ReservationState::Committed => State::Committed,
            ReservationState::Released => State::Released,
            ReservationState::Expired => State::Expired,
        }
        .into(),
        charges: if charged { charges(&held.items) } else { Vec::new() },
        items: held.items.into_iter().map(reserved_item).collect(),
        create_time: Some(timestamp(held.created)),
        expire_time: held.expires.map(timestamp),
        final_unit: held.final_unit,
        budgets: held.budgets.iter().map(ToString::to_string).collect(),
        metadata: held.metadata.into_iter().collect(),
        end_time: held.ended.map(timestamp),
    }
}

fn reserved_item(item: ledger::ReservedItem) -> v1::ReservedItem {
    v1::ReservedItem {
        action: item.action.to_string(),
        pool: item.pool.to_string(),
        quantity: item.quantity.as_i64(),
        credits: item.credits.as_i64(),
        duplicate: item.duplicate,
        subject: item.subject.map(|subject| subject.to_string()).unwrap_or_default(),
    }
}

fn charges(items: &[ledger::ReservedItem]) -> Vec<v1::ItemCharge> {
    const NOTHING: ledger::Charge = ledger::Charge {
        quantity: Amount::ZERO,
        credits: Amount::ZERO,
        uncovered: Amount::ZERO,
        overage: Amount::ZERO,
        duplicate: false,
    };
    items
        .iter()
        .map(|item| {
            let charge = item.charge.unwrap_or(NOTHING);
            v1::ItemCharge {
                action: item.action.to_string(),
                pool: item.pool.to_string(),
                quantity: charge.quantity.as_i64(),
                credits: charge.credits.as_i64(),
                uncovered: charge.uncovered.as_i64(),
                overage: charge.overage.as_i64(),
                duplicate: charge.duplicate,
            }
        })
        .collect()
}

pub fn balances(account: &AccountId, all: Vec<request::Balance>) -> Vec<v1::Balance> {
    all.into_iter().map(|one| balance(account, one)).collect()
}

pub fn balance(account: &AccountId, shown: request::Balance) -> v1::Balance {
    let request::Balance { balance, title, unit, scale } = shown;
    v1::Balance {
        account: account.to_string(),
        pool: balance.pool.to_string(),
        unit,
        cap: cap(balance.cap).into(),
        state: match balance.state {
            BalanceState::Ok => v1::balance::State::Ok,
            BalanceState::Exhausted => v1::balance::State::Exhausted,
            BalanceState::Overage => v1::balance::State::Overage,
        }
        .into(),
        allowance: balance.allowance.as_i64(),
        consumed: balance.consumed.as_i64(),
        held: balance.held.as_i64(),
        available: balance.available.as_i64(),
        remaining: balance.remaining.as_i64(),
        purchased: balance.purchased.as_i64(),
        overage: balance.overage.as_i64(),
        uncovered: balance.uncovered.as_i64(),
        used_percent: balance.used_percent(),
        cycle_start: Some(timestamp(balance.window.start)),
        reset_time: balance.window.end.map(timestamp),
        grants: balance.grants.into_iter().map(grant).collect(),
        title,
        scale: i64::try_from(scale).unwrap_or(i64::MAX),
        lapsed: balance.lapsed.as_i64(),
    }
}

pub const fn cap(cap: Cap) -> v1::Cap {
    match cap {
        Cap::Hard => v1::Cap::Hard,
        Cap::Soft => v1::Cap::Soft,
    }
}

pub fn grant(grant: ledger::Grant) -> v1::Grant {
    v1::Grant {
        id: grant.id.to_string(),
        kind: match grant.kind {
            GrantKind::Allowance => v1::grant::Kind::Allowance,
            GrantKind::Rollover => v1::grant::Kind::Rollover,
            GrantKind::Promo => v1::grant::Kind::Promo,
            GrantKind::TopUp => v1::grant::Kind::TopUp,
        }
        .into(),
        amount: grant.amount.as_i64(),
        remaining: grant.remaining.as_i64(),
        priority: grant.priority.into(),
        create_time: Some(timestamp(grant.created)),
        expire_time: grant.expires.map(timestamp),
        note: grant.note,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn good_item() -> v1::Item {
        v1::Item { action: "ai_reply".into(), ..v1::Item::default() }
    }

    fn good() -> v1::ReserveRequest {
        v1::ReserveRequest { account: "acme".into(), items: vec![good_item()], ..v1::ReserveRequest::default() }
    }

    fn problem<T: Debug>(result: Result<T, Error>) -> String {
        result.expect_err("must be refused").message
    }

    fn with_item(change: impl FnOnce(&mut v1::Item)) -> Result<request::Reserve, Error> {
        let mut wire = good();
        wire.items.push(good_item());
        change(&mut wire.items[1]);
        reserve(wire)
    }

    #[test]
    fn a_plain_reserve_asks_for_one_of_the_action() {
        let asked = reserve(good()).expect("valid");
        assert_eq!(asked.items[0].quantity, Amount::ONE);
        assert_eq!((asked.id, asked.ttl, asked.dry_run), (None, None, false));
    }

    #[test]
    fn a_request_has_1_to_32_items() {
        let with = |count: usize| reserve(v1::ReserveRequest { items: vec![good_item(); count], ..good() });
        assert_eq!(problem(with(0)), "items: must have from 1 to 32 items");
        assert!(with(32).is_ok());
        assert_eq!(problem(with(33)), "items: has 33 entries, the limit is 32");
    }

    #[test]
    fn a_fault_in_an_item_names_its_place() {
        assert_eq!(problem(with_item(|item| item.quantity = -1)), "items[1].quantity: must not be negative");
        assert!(
            problem(with_item(|item| item.quantity = 1 << 53)).starts_with("items[1].quantity: is above the limit")
        );
        assert_eq!(problem(with_item(|item| item.action = String::new())), "items[1].action: must not be empty");
        let subject = problem(with_item(|item| item.subject = "s".repeat(257)));
        assert_eq!(subject, "items[1].subject: is 257 bytes long, the limit is 256");
        let few = problem(with_item(|item| (item.quantity, item.min_quantity) = (2, 3)));
        assert_eq!(few, "items[1].min_quantity: is 3, more than the quantity of 2");
        let dimension = problem(with_item(|item| drop(item.dimensions.insert("model".into(), "m".repeat(257)))));
        assert_eq!(dimension, r#"items[1].dimensions["model"]: has a value of 257 bytes, the limit is 256"#);
    }

    #[test]
    fn the_field_at_fault_is_an_id_of_the_error() {
        let error = with_item(|item| item.quantity = -1).expect_err("must be refused");
        assert_eq!(error.ids, [("field", "items[1].quantity".to_owned())]);
    }

    #[test]
    fn a_minimum_may_be_all_that_is_asked_for() {
        let asked = with_item(|item| item.min_quantity = 1).expect("0 means 1, and 1 is at most 1");
        assert_eq!(asked.items[1].min_quantity, Amount::ONE);
    }

    #[test]
    fn ids_are_checked_wherever_they_come() {
        let bad = "no spaces".to_owned();
        assert!(
            problem(reserve(v1::ReserveRequest { account: bad.clone(), ..good() })).starts_with("account: must match")
        );
        let id = reserve(v1::ReserveRequest { reservation_id: bad.clone(), ..good() });
        assert!(problem(id).starts_with("reservation_id: must match"));
        let budget = reserve(v1::ReserveRequest { budgets: vec!["ok".into(), bad], ..good() });
        assert!(problem(budget).starts_with("budgets[1]: must match"));
        let none = commit(v1::CommitRequest { account: "acme".into(), ..v1::CommitRequest::default() });
        assert_eq!(problem(none), "reservation_id: must not be empty");
    }

    #[test]
    fn a_request_has_at_most_16_budgets() {
        let with = |count: usize| {
            reserve(v1::ReserveRequest { budgets: (0..count).map(|n| format!("b{n}")).collect(), ..good() })
        };
        assert!(with(16).is_ok());
        assert_eq!(problem(with(17)), "budgets: has 17 entries, the limit is 16");
    }

    #[test]
    fn zero_stays_zero_in_a_commit() {
        let wire = v1::CommitRequest {
            account: "acme".into(),
            reservation_id: "r".into(),
            quantities: vec![0, 2],
            ..v1::CommitRequest::default()
        };
        let asked = commit(wire).expect("valid");
        assert_eq!(asked.quantities, [Amount::ZERO, Amount::new(2).expect("valid")]);
    }

    #[test]
    fn a_reason_ends_at_256_bytes() {
        let wire = v1::ReleaseRequest { account: "a".into(), reservation_id: "r".into(), reason: "x".repeat(257) };
        assert_eq!(problem(release(wire)), "reason: is 257 bytes long, the limit is 256");
    }

    #[test]
    fn an_extension_counts_its_lists_alike() {
        let wire = v1::ExtendRequest {
            account: "a".into(),
            reservation_id: "r".into(),
            quantities: vec![1],
            used: vec![1, 2],
            ..v1::ExtendRequest::default()
        };
        assert_eq!(problem(extend(&wire)), "used: has 2 entries and quantities 1");
    }

    #[test]
    fn a_list_takes_known_states_only() {
        let wire = |state| v1::ListReservationsRequest { account: "a".into(), state, ..Default::default() };
        assert_eq!(list_reservations(&wire(3)).expect("valid").state, Some(ReservationState::Released));
        assert_eq!(problem(list_reservations(&wire(9))), "state: has no value numbered 9");
    }
}
