//! The records of the ledger as the rulebook packs them (`rules/records.lua` says what each field means), read on this
//! side: to check a database without the rules that wrote it. Bytes that make no sense are an error, never a panic.

use super::wire::Reader;
use crate::amount::AMOUNT_MAX;

/// The format that this release reads and writes.
const FORMAT: u8 = 1;

/// A record that cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl From<super::Error> for Unreadable {
    fn from(_: super::Error) -> Self {
        Self("it is cut short or holds no text".to_owned())
    }
}

type Result<T> = std::result::Result<T, Unreadable>;

/// One record of an account.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    Account(Account),
    Profile,
    Pool(Pool),
    Budget(Budget),
    Reservation(Reservation),
    Mark,
    /// The packed answer that was given.
    Given(Vec<u8>),
}

/// The account's own record.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    pub revision: u64,
    pub status: u8,
    pub created: u64,
    pub seen: u64,
    /// 0: the account lives on the time of everybody.
    pub clock: u64,
    pub next_expiry: u64,
    pub pending_at: u64,
}

/// What a pool counts, and the grants behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    pub name: String,
    pub in_plan: bool,
    pub capacity: bool,
    pub soft: bool,
    pub allowance: u64,
    pub cycle: u64,
    pub starts: u64,
    pub ends: u64,
    pub seen: u64,
    pub counters: Counters,
    /// In open holds of the present era.
    pub held: u64,
    pub uncovered: u64,
    pub era: u64,
    pub grants: Vec<Grant>,
    pub eras: Vec<Era>,
    pub past: Vec<Past>,
}

/// The counters of one cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counters {
    pub granted: u64,
    pub consumed: u64,
    pub overage: u64,
    pub lapsed: u64,
}

/// A grant, or the piece of one that an era keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    pub id: String,
    pub kind: u8,
    pub amount: u64,
    pub remaining: u64,
    pub debt: u64,
    pub priority: u16,
    pub created: u64,
    pub expires: u64,
}

/// What backs the open holds from before a grant ended (`docs/decisions/003-eras.md`).
#[derive(Debug, Clone, PartialEq)]
pub struct Era {
    pub era: u64,
    pub cycle: u64,
    pub held: u64,
    pub pieces: Vec<Grant>,
}

/// An ended cycle of which holds are open.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    pub cycle: u64,
    pub counters: Counters,
}

/// What a budget counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    pub name: String,
    pub pool: String,
    pub limit: u64,
    pub number: u64,
    pub consumed: u64,
    pub held: u64,
    /// When it was made: another budget of the name is another one.
    pub made: u64,
}

/// A reservation, open or ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Reservation {
    pub id: String,
    /// 1 active, 2 committed, 3 released, 4 expired.
    pub state: u8,
    pub expires: u64,
    pub items: Vec<Item>,
    pub budgets: Vec<Share>,
}

impl Reservation {
    pub const fn is_active(&self) -> bool {
        self.state == 1
    }
}

/// An item of a reservation.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub action: String,
    pub pool: String,
    pub capacity: bool,
    pub credits: u64,
    /// What it was charged at its end.
    pub charge: u64,
    pub refunded: u64,
    pub parts: Vec<Part>,
}

/// Credits held in one era of the pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub era: u64,
    pub cycle: u64,
    pub credits: u64,
}

/// What a reservation holds in a budget, by the budget's cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    pub name: String,
    pub made: u64,
    /// Number of the cycle, credits.
    pub parts: Vec<(u64, u64)>,
}

/// Reads the record of a field.
pub fn decode(field: &str, bytes: &[u8]) -> Result<Record> {
    let mut r = Reader::new(bytes);
    let name = || field.get(2..).unwrap_or_default().to_owned();
    let record = match field.as_bytes().first() {
        Some(b'a') => Record::Account(account(&mut r)?),
        Some(b'i') => {
            r.long_bytes()?;
            Record::Profile
        }
        Some(b'p') => Record::Pool(pool(&mut r, name())?),
        Some(b'b') => Record::Budget(budget(&mut r, name())?),
        Some(b'r') => Record::Reservation(reservation(&mut r, name())?),
        Some(b'm') => {
            mark(&mut r)?;
            Record::Mark
        }
        Some(b'q' | b'e' | b'g' | b'f' | b'x' | b'v') => {
            let fingerprint = r.u8()?;
            r.take(usize::from(fingerprint))?;
            Record::Given(r.rest().to_vec())
        }
        _ => return Err(Unreadable("no record has such a field".to_owned())),
    };
    if r.is_empty() { Ok(record) } else { Err(Unreadable("it is longer than it should be".to_owned())) }
}

fn number(r: &mut Reader<'_>) -> Result<u64> {
    let number = r.u64()?;
    if number > AMOUNT_MAX { Err(Unreadable(format!("{number} is above 2^53-1"))) } else { Ok(number) }
}

fn signed(r: &mut Reader<'_>) -> Result<i64> {
    let number = r.u64()?.cast_signed();
    if number.unsigned_abs() > AMOUNT_MAX { Err(Unreadable(format!("{number} is beyond 2^53-1"))) } else { Ok(number) }
}

fn format(r: &mut Reader<'_>) -> Result<()> {
    match r.u8()? {
        FORMAT => Ok(()),
        newer if newer > FORMAT => {
            Err(Unreadable(format!("a newer release wrote it: its format is {newer}, this release knows {FORMAT}")))
        }
        other => Err(Unreadable(format!("format {other} is unknown"))),
    }
}

fn account(r: &mut Reader<'_>) -> Result<Account> {
    format(r)?;
    Ok(Account {
        revision: number(r)?,
        status: r.u8()?,
        created: number(r)?,
        seen: number(r)?,
        clock: number(r)?,
        next_expiry: number(r)?,
        pending_at: number(r)?,
    })
}

fn pool(r: &mut Reader<'_>, name: String) -> Result<Pool> {
    format(r)?;
    let (in_plan, capacity, soft) = (r.flag()?, r.flag()?, r.flag()?);
    let allowance = number(r)?;
    // Overage limit, enforcement date, and how much rolls over for how long.
    let _skipped = (signed(r)?, number(r)?, signed(r)?, r.u16()?);
    let (cycle, starts, ends, seen) = (number(r)?, number(r)?, number(r)?, number(r)?);
    let (granted, consumed, held) = (number(r)?, number(r)?, number(r)?);
    let (overage, uncovered, lapsed) = (number(r)?, number(r)?, number(r)?);
    // What has fired, whether it is paused or over.
    let _skipped = (r.u8()?, r.u8()?, r.u8()?);
    let era = number(r)?;
    for _refusals in 0..6 {
        number(r)?;
    }
    for _alert in 0..r.u8()? {
        r.u16()?;
    }
    let grants = list(r, grant)?;
    let (eras, past) = (r.count()?, r.count()?);
    Ok(Pool {
        name,
        in_plan,
        capacity,
        soft,
        allowance,
        cycle,
        starts,
        ends,
        seen,
        counters: Counters { granted, consumed, overage, lapsed },
        held,
        uncovered,
        era,
        grants,
        eras: (0..eras).map(|_| self::era(r)).collect::<Result<_>>()?,
        past: (0..past).map(|_| self::past(r)).collect::<Result<_>>()?,
    })
}

fn list<T>(r: &mut Reader<'_>, each: impl Fn(&mut Reader<'_>) -> Result<T>) -> Result<Vec<T>> {
    let count = r.count()?;
    (0..count).map(|_| each(r)).collect()
}

fn grant(r: &mut Reader<'_>) -> Result<Grant> {
    let grant = Grant {
        id: r.text()?,
        kind: r.u8()?,
        amount: number(r)?,
        remaining: number(r)?,
        debt: number(r)?,
        priority: r.u16()?,
        created: number(r)?,
        expires: number(r)?,
    };
    r.bytes()?;
    Ok(grant)
}

fn era(r: &mut Reader<'_>) -> Result<Era> {
    Ok(Era { era: number(r)?, cycle: number(r)?, held: number(r)?, pieces: list(r, grant)? })
}

fn past(r: &mut Reader<'_>) -> Result<Past> {
    let (cycle, granted, consumed, overage) = (number(r)?, number(r)?, number(r)?, number(r)?);
    let _uncovered = number(r)?;
    Ok(Past { cycle, counters: Counters { granted, consumed, overage, lapsed: number(r)? } })
}

fn budget(r: &mut Reader<'_>, name: String) -> Result<Budget> {
    format(r)?;
    let (pool, limit) = (r.text()?, number(r)?);
    // Its cap and its cycle.
    let _skipped = (r.u8()?, r.bytes()?);
    let number_of_cycle = number(r)?;
    let _skipped = (number(r)?, number(r)?);
    let (consumed, held, made) = (number(r)?, number(r)?, number(r)?);
    Ok(Budget { name, pool, limit, number: number_of_cycle, consumed, held, made })
}

fn mark(r: &mut Reader<'_>) -> Result<()> {
    format(r)?;
    let _skipped = (number(r)?, number(r)?, signed(r)?, r.bytes()?);
    Ok(())
}

fn reservation(r: &mut Reader<'_>, id: String) -> Result<Reservation> {
    format(r)?;
    let state = r.u8()?;
    if !(1..=4).contains(&state) {
        return Err(Unreadable(format!("state {state} is unknown")));
    }
    number(r)?;
    let expires = number(r)?;
    // When it ended, whether it was the final unit and late, what the caller said of it.
    let _skipped = (number(r)?, r.u8()?, r.u8()?, r.bytes()?);
    let (items, budgets) = (r.count()?, r.count()?);
    Ok(Reservation {
        id,
        state,
        expires,
        items: (0..items).map(|_| item(r)).collect::<Result<_>>()?,
        budgets: (0..budgets).map(|_| share(r)).collect::<Result<_>>()?,
    })
}

fn item(r: &mut Reader<'_>) -> Result<Item> {
    let (action, pool, capacity) = (r.text()?, r.text()?, r.flag()?);
    number(r)?;
    let credits = number(r)?;
    // Its price, its window, what its expiry does, and how much was used.
    let _skipped = (number(r)?, number(r)?, r.u8()?, r.u8()?, number(r)?, r.u8()?, number(r)?, number(r)?);
    let _skipped = (r.u8()?, r.bytes()?, r.bytes()?, r.u8()?, number(r)?);
    let charge = number(r)?;
    let _skipped = (number(r)?, number(r)?, r.u8()?);
    let refunded = number(r)?;
    r.u8()?;
    let (parts, draws) = (r.count()?, r.count()?);
    let parts = (0..parts)
        .map(|_| Ok(Part { era: number(r)?, cycle: number(r)?, credits: number(r)? }))
        .collect::<Result<_>>()?;
    for _draw in 0..draws {
        let _skipped =
            (r.bytes()?, r.u8()?, number(r)?, r.u16()?, number(r)?, number(r)?, number(r)?, number(r)?, r.bytes()?);
    }
    Ok(Item { action, pool, capacity, credits, charge, refunded, parts })
}

fn share(r: &mut Reader<'_>) -> Result<Share> {
    Ok(Share { name: r.text()?, made: number(r)?, parts: list(r, |r| Ok((number(r)?, number(r)?)))? })
}
