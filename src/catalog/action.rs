//! Chargeable actions: the pool that they draw on, their prices, and how their holds and subjects are treated.

use std::time::Duration;

use crate::{
    amount::Amount,
    id::PoolName,
    terms::{OnExpiry, Once, PoolKind},
};

use super::{
    field::Field,
    keys,
    load::Pools,
    price::PriceList,
    problem::Found,
    span::{display_duration, read_duration},
};

/// Longest life of a hold that an action may set.
pub const TTL_MAX: Duration = Duration::from_secs(31 * 86_400);
/// Longest window in which a subject is charged once; beyond it there is `forever`.
pub const ONCE_MAX: Duration = Duration::from_secs(3_660 * 86_400);

/// Something chargeable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub pool: PoolName,
    /// For people; its name when the catalog gives none.
    pub title: String,
    pub price: PriceList,
    pub once: Once,
    pub on_expiry: OnExpiry,
    /// How long its holds live unless the request says.
    pub ttl: Option<Duration>,
    /// Most units in one reservation, extensions included: the longest call.
    pub max_quantity: Option<Amount>,
}

impl Action {
    /// `cycle`, `forever` or a length of time such as `24h`; empty: every time.
    pub fn once_text(&self) -> String {
        match self.once {
            Once::EveryTime => String::new(),
            Once::PerCycle => "cycle".into(),
            Once::Per(span) => display_duration(span),
            Once::Forever => "forever".into(),
        }
    }

    pub(super) fn read(name: &str, field: &Field, pools: &Pools, found: &mut Found) -> Option<Self> {
        let mapping = field.mapping(found, &keys::ACTION)?;
        let expiries = [
            ("release", OnExpiry::Release),
            ("charge_used", OnExpiry::ChargeUsed),
            ("charge_held", OnExpiry::ChargeHeld),
        ];
        let title = mapping.or("title", name.to_owned(), |field| field.title(found));
        let pool = mapping.required(found, "pool").and_then(|field| pools.reference(field, found));
        let price = mapping.required(found, "price").and_then(|field| PriceList::read(field, found));
        let once = mapping.or("once", Once::EveryTime, |field| read_once(field, found));
        let on_expiry = mapping.or("on_expiry", OnExpiry::Release, |field| field.choice(found, &expiries));
        let ttl = mapping.or("ttl", None, |field| read_duration(field, found, TTL_MAX).map(Some));
        let max_quantity = mapping.or("max_quantity", None, |field| field.amount_above_zero(found).map(Some));
        if let (Some(once), Some(pool)) = (mapping.get("once"), &pool)
            && pools.kind(pool) == Some(PoolKind::Capacity)
        {
            once.problem(found, "a capacity pool counts what is held, nothing is charged once there");
        }
        Some(Self {
            pool: pool?,
            title: title?,
            price: price?,
            once: once?,
            on_expiry: on_expiry?,
            ttl: ttl?,
            max_quantity: max_quantity?,
        })
    }
}

fn read_once(field: &Field, found: &mut Found) -> Option<Once> {
    let mapping = field.mapping(found, &keys::ONCE)?;
    let field = mapping.required(found, "per")?;
    match field.scalar() {
        Some("cycle") => Some(Once::PerCycle),
        Some("forever") => Some(Once::Forever),
        Some(text) if text.starts_with(|first: char| first.is_ascii_digit()) => {
            read_duration(field, found, ONCE_MAX).map(Once::Per)
        }
        Some(_) | None => field.wrong(found, "`cycle`, `forever` or a length of time such as `24h`"),
    }
}
