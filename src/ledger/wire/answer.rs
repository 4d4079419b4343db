//! Unpacks what `rules/reply.lua` and `rules/activity.lua` wrote. Bytes that make no sense are a defect of the rulebook
//! or a damaged record, never a panic.

use super::{Reader, decode_labels};
use crate::{
    amount::Amount,
    clock::Millis,
    id::{InvalidId, Subject},
    ledger::{
        AccountRecord, Answer, Balance, BalanceState, Budget, Cap, Charge, Denial, DenialReason, Due, DueBudget, Entry,
        EntryKind, Error, Grant, GrantKind, Labels, PoolKind, Refusal, Rejection, Reply, Reservation, ReservationState,
        ReservedItem, Stale, Status, Window,
    },
};

/// Unpacks the reply to a command of `account`.
pub fn decode_reply(bytes: &[u8], account: &crate::id::AccountId) -> Result<Reply, Error> {
    let mut r = Reader::new(bytes);
    let status = r.u8()?;
    let outcome = match status {
        0 => Ok(answer(&mut r, account)?),
        1 => Err(Refusal::Denied(denial(&mut r)?)),
        2 => {
            let rejection = rejection(r.u8()?)?;
            let refusal = Refusal::Rejected { rejection, subject: r.text()? };
            return Ok(Reply { outcome: Err(refusal), balances: Vec::new() });
        }
        3 => return Ok(Reply { outcome: Err(Refusal::Stale(stale(&mut r)?)), balances: Vec::new() }),
        4 => return Ok(Reply { outcome: Err(Refusal::Again), balances: Vec::new() }),
        other => return Err(unknown("status", other)),
    };
    let balances = list(&mut r, balance)?;
    Ok(Reply { outcome, balances })
}

/// Unpacks one entry of the activity log, whose sequence the engine knows.
pub fn decode_entry(bytes: &[u8], sequence: u64) -> Result<Entry, Error> {
    let mut r = Reader::new(bytes);
    let code = r.u8()?;
    let kind = EntryKind::from_code(code).ok_or_else(|| unknown("entry kind", code))?;
    let time = millis(&mut r)?;
    let pool = optional(r.str()?, crate::id::PoolName::parse)?;
    let action = optional(r.str()?, crate::id::ActionName::parse)?;
    let credits = amount(&mut r)?;
    let quantity = amount(&mut r)?;
    let reservation = optional(r.str()?, crate::id::ReservationId::parse)?;
    let subject = optional(r.str()?, Subject::parse)?;
    let duplicate = r.flag()?;
    let dimensions = decode_labels(r.bytes()?)?;
    let metadata = decode_labels(r.bytes()?)?;
    let balance_after = amount(&mut r)?;
    let count = r.u8()?;
    let mut details = Labels::new();
    for _ in 0..count / 2 {
        let (key, value) = (r.text()?, r.text()?);
        if !value.is_empty() {
            details.insert(key, value);
        }
    }
    Ok(Entry {
        sequence,
        time,
        kind,
        pool,
        action,
        credits,
        quantity,
        reservation,
        subject,
        duplicate,
        dimensions,
        metadata,
        details,
        balance_after,
    })
}

fn unknown(what: &str, code: u8) -> Error {
    Error::Rulebook { reason: format!("{what} {code} is unknown") }
}

fn id<T>(text: &str, parse: impl Fn(&str) -> Result<T, InvalidId>) -> Result<T, Error> {
    parse(text).map_err(|problem| Error::Rulebook { reason: format!("id {text:?} {problem}") })
}

fn optional<T>(text: &str, parse: impl Fn(&str) -> Result<T, InvalidId>) -> Result<Option<T>, Error> {
    if text.is_empty() { Ok(None) } else { id(text, parse).map(Some) }
}

fn amount(r: &mut Reader<'_>) -> Result<Amount, Error> {
    Amount::new(r.u64()?).map_err(|problem| Error::Rulebook { reason: format!("an amount {problem}") })
}

fn millis(r: &mut Reader<'_>) -> Result<Millis, Error> {
    Millis::new(r.u64()?).ok_or_else(|| Error::Rulebook { reason: "a time is past the year 9999".to_owned() })
}

fn moment(r: &mut Reader<'_>) -> Result<Option<Millis>, Error> {
    Ok(Some(millis(r)?).filter(|ms| ms.get() != 0))
}

fn list<T>(r: &mut Reader<'_>, each: impl Fn(&mut Reader<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let count = r.count()?;
    (0..count).map(|_| each(r)).collect()
}

fn answer(r: &mut Reader<'_>, account: &crate::id::AccountId) -> Result<Answer, Error> {
    Ok(match r.u8()? {
        1 => Answer::Reservation(reservation(r)?),
        2 => {
            let late = r.flag()?;
            Answer::Charged { reservation: reservation(r)?, late }
        }
        3 => Answer::Released(reservation(r)?),
        4 => Answer::Done,
        5 => Answer::Account(account_record(r, account)?),
        6 => Answer::Grant(grant(r)?),
        7 => {
            let revoked = amount(r)?;
            Answer::Revoked { grant: grant(r)?, revoked }
        }
        8 => Answer::Refunded(list(r, amount)?),
        9 => Answer::Budget(budget(r)?),
        other => return Err(unknown("answer", other)),
    })
}

fn account_record(r: &mut Reader<'_>, account: &crate::id::AccountId) -> Result<AccountRecord, Error> {
    let revision = r.u64()?;
    let status = match r.u8()? {
        0 => Status::Active,
        1 => Status::Suspended,
        other => return Err(unknown("account status", other)),
    };
    Ok(AccountRecord {
        id: account.clone(),
        revision,
        status,
        test_clock: r.flag()?,
        now: millis(r)?,
        created: millis(r)?,
        pending_at: moment(r)?,
        profile: r.long_bytes()?.to_vec(),
    })
}

fn reservation(r: &mut Reader<'_>) -> Result<Reservation, Error> {
    let reservation_id = id(r.str()?, crate::id::ReservationId::parse)?;
    let state = match r.u8()? {
        1 => ReservationState::Active,
        2 => ReservationState::Committed,
        3 => ReservationState::Released,
        4 => ReservationState::Expired,
        other => return Err(unknown("reservation state", other)),
    };
    let (created, expires, ended) = (millis(r)?, moment(r)?, moment(r)?);
    let final_unit = r.flag()?;
    let metadata = decode_labels(r.bytes()?)?;
    let (items, budgets) = (r.count()?, r.count()?);
    Ok(Reservation {
        id: reservation_id,
        state,
        items: (0..items).map(|_| item(r)).collect::<Result<_, _>>()?,
        budgets: (0..budgets).map(|_| id(r.str()?, crate::id::BudgetName::parse)).collect::<Result<_, _>>()?,
        metadata,
        created,
        expires,
        ended,
        final_unit,
    })
}

fn item(r: &mut Reader<'_>) -> Result<ReservedItem, Error> {
    let action = id(r.str()?, crate::id::ActionName::parse)?;
    let pool = id(r.str()?, crate::id::PoolName::parse)?;
    let (quantity, credits, duplicate) = (amount(r)?, amount(r)?, r.flag()?);
    let subject = optional(r.str()?, Subject::parse)?;
    let charge = if r.flag()? {
        Some(Charge {
            quantity: amount(r)?,
            credits: amount(r)?,
            uncovered: amount(r)?,
            overage: amount(r)?,
            duplicate: r.flag()?,
        })
    } else {
        None
    };
    Ok(ReservedItem { action, pool, quantity, credits, duplicate, subject, charge })
}

fn cap(code: u8) -> Result<Cap, Error> {
    match code {
        0 => Ok(Cap::Hard),
        1 => Ok(Cap::Soft),
        other => Err(unknown("cap", other)),
    }
}

fn window(r: &mut Reader<'_>) -> Result<Window, Error> {
    Ok(Window { number: r.u64()?, start: millis(r)?, end: moment(r)? })
}

fn balance(r: &mut Reader<'_>) -> Result<Balance, Error> {
    let pool = id(r.str()?, crate::id::PoolName::parse)?;
    let kind = match r.u8()? {
        0 => PoolKind::Credits,
        1 => PoolKind::Capacity,
        other => return Err(unknown("pool kind", other)),
    };
    let cap = cap(r.u8()?)?;
    let state = match r.u8()? {
        0 => BalanceState::Ok,
        1 => BalanceState::Exhausted,
        2 => BalanceState::Overage,
        other => return Err(unknown("balance state", other)),
    };
    Ok(Balance {
        pool,
        kind,
        cap,
        state,
        allowance: amount(r)?,
        consumed: amount(r)?,
        held: amount(r)?,
        available: amount(r)?,
        remaining: amount(r)?,
        purchased: amount(r)?,
        overage: amount(r)?,
        uncovered: amount(r)?,
        lapsed: amount(r)?,
        window: window(r)?,
        grants: list(r, grant)?,
    })
}

fn grant(r: &mut Reader<'_>) -> Result<Grant, Error> {
    let grant_id = id(r.str()?, crate::id::GrantId::parse)?;
    let kind = match r.u8()? {
        1 => GrantKind::Allowance,
        2 => GrantKind::Rollover,
        3 => GrantKind::Promo,
        4 => GrantKind::TopUp,
        other => return Err(unknown("grant kind", other)),
    };
    Ok(Grant {
        id: grant_id,
        kind,
        amount: amount(r)?,
        remaining: amount(r)?,
        priority: r.u16()?,
        created: millis(r)?,
        expires: moment(r)?,
        note: r.text()?,
    })
}

fn budget(r: &mut Reader<'_>) -> Result<Budget, Error> {
    Ok(Budget {
        name: id(r.str()?, crate::id::BudgetName::parse)?,
        pool: id(r.str()?, crate::id::PoolName::parse)?,
        limit: amount(r)?,
        cap: cap(r.u8()?)?,
        cycle: r.text()?,
        consumed: amount(r)?,
        held: amount(r)?,
        window: window(r)?,
    })
}

fn denial(r: &mut Reader<'_>) -> Result<Denial, Error> {
    let reason = match r.u8()? {
        1 => DenialReason::InsufficientCredits,
        2 => DenialReason::BudgetExceeded,
        3 => DenialReason::OverageLimit,
        4 => DenialReason::NotInPlan,
        5 => DenialReason::AccountSuspended,
        other => return Err(unknown("denial", other)),
    };
    Ok(Denial {
        reason,
        pool: optional(r.str()?, crate::id::PoolName::parse)?,
        budget: optional(r.str()?, crate::id::BudgetName::parse)?,
        required: amount(r)?,
        available: amount(r)?,
        held: amount(r)?,
        reset: moment(r)?,
    })
}

/// In the order of `rules/reply.lua`.
const REJECTIONS: [Rejection; 23] = [
    Rejection::AccountNotFound,
    Rejection::AccountExists,
    Rejection::ReservationNotFound,
    Rejection::ReservationExists,
    Rejection::ReservationCommitted,
    Rejection::ReservationReleased,
    Rejection::ReservationExpired,
    Rejection::QuantityCount,
    Rejection::AmountOverflow,
    Rejection::ExtendExists,
    Rejection::GrantExists,
    Rejection::GrantNotFound,
    Rejection::TooManyGrants,
    Rejection::GrantExpired,
    Rejection::RefundExists,
    Rejection::RefundTooLarge,
    Rejection::NothingCharged,
    Rejection::BudgetNotFound,
    Rejection::BudgetPool,
    Rejection::PoolNotInPlan,
    Rejection::NoTestClock,
    Rejection::ClockBackwards,
    Rejection::QuantityTooLarge,
];

fn rejection(code: u8) -> Result<Rejection, Error> {
    let index = usize::from(code).wrapping_sub(1);
    REJECTIONS.get(index).copied().ok_or_else(|| unknown("rejection", code))
}

fn stale(r: &mut Reader<'_>) -> Result<Stale, Error> {
    let (account, pending, now) = (r.flag()?, r.flag()?, millis(r)?);
    let (pools, budgets) = (r.count()?, r.count()?);
    let pool = |r: &mut Reader<'_>| {
        Ok(Due { name: id(r.str()?, crate::id::PoolName::parse)?, number: r.u64()?, end: millis(r)? })
    };
    let budget = |r: &mut Reader<'_>| {
        let name = id(r.str()?, crate::id::BudgetName::parse)?;
        Ok(DueBudget { name, number: r.u64()?, end: millis(r)?, cycle: r.text()? })
    };
    Ok(Stale {
        account,
        pending,
        pools: (0..pools).map(|_| pool(r)).collect::<Result<_, Error>>()?,
        budgets: (0..budgets).map(|_| budget(r)).collect::<Result<_, Error>>()?,
        now,
    })
}
