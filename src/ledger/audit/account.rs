//! One account under audit: what its records say, and whether it adds up once all of them have been seen.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use super::Report;
use crate::{
    id::AccountId,
    ledger::{
        record::{Account, Budget, Counters, Grant, Pool, Record, Reservation},
        wire,
    },
};

pub struct AccountAudit {
    pub id: AccountId,
    account: Option<Account>,
    pools: BTreeMap<String, Pool>,
    budgets: BTreeMap<String, Budget>,
    /// Credits in open holds, by pool and era.
    held: HashMap<(String, u64), u128>,
    /// Capacity that ended reservations occupy, by pool.
    occupied: HashMap<String, u128>,
    /// Credits in open holds, by budget, when it was made, and its cycle.
    shares: HashMap<(String, u64, u64), u128>,
    /// Open reservations and their expiry, as the index of holds must have them.
    open: BTreeMap<String, u64>,
    /// Ids of reservations, less ids of the answers that made them: their number and the sum of their hashes.
    unanswered: (i64, u64),
}

impl AccountAudit {
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            account: None,
            pools: BTreeMap::new(),
            budgets: BTreeMap::new(),
            held: HashMap::new(),
            occupied: HashMap::new(),
            shares: HashMap::new(),
            open: BTreeMap::new(),
            unanswered: (0, 0),
        }
    }

    /// Takes the record of a field.
    pub fn take(&mut self, field: &str, record: Record, report: &mut Report) {
        match record {
            Record::Account(account) => self.account = Some(account),
            Record::Pool(pool) => {
                report.pools += 1;
                self.pools.insert(pool.name.clone(), pool);
            }
            Record::Budget(budget) => {
                report.budgets += 1;
                self.budgets.insert(budget.name.clone(), budget);
            }
            Record::Reservation(reservation) => self.take_reservation(&reservation, report),
            Record::Given(answer) => {
                if let Some(id) = field.strip_prefix("q:") {
                    self.unanswered.0 -= 1;
                    self.unanswered.1 = self.unanswered.1.wrapping_sub(xxh3_64(id.as_bytes()));
                }
                if let Err(error) = wire::decode_reply(&answer, &self.id) {
                    report.add(&self.id, format!("answer {}", field.escape_debug()), error.to_string());
                }
            }
            Record::Profile | Record::Mark => {}
        }
    }

    fn take_reservation(&mut self, reservation: &Reservation, report: &mut Report) {
        report.reservations += 1;
        self.unanswered.0 += 1;
        self.unanswered.1 = self.unanswered.1.wrapping_add(xxh3_64(reservation.id.as_bytes()));
        if !reservation.is_active() {
            for item in reservation.items.iter().filter(|item| item.capacity && item.charge > 0) {
                *self.occupied.entry(item.pool.clone()).or_default() += u128::from(item.charge);
            }
            return;
        }
        report.open_holds += 1;
        self.open.insert(reservation.id.clone(), reservation.expires);
        for item in &reservation.items {
            let parts: u128 = item.parts.iter().map(|part| u128::from(part.credits)).sum();
            if parts != u128::from(item.credits) {
                let text = format!("{} holds {}, its parts are {parts}", item.action, item.credits);
                report.add(&self.id, format!("reservation {}", reservation.id), text);
            }
            for part in &item.parts {
                *self.held.entry((item.pool.clone(), part.era)).or_default() += u128::from(part.credits);
            }
        }
        for share in &reservation.budgets {
            for (number, credits) in &share.parts {
                *self.shares.entry((share.name.clone(), share.made, *number)).or_default() += u128::from(*credits);
            }
        }
    }

    /// Takes an entry of the index of holds.
    pub fn take_hold(&mut self, id: &str, expires: u64, report: &mut Report) {
        match self.open.remove(id) {
            Some(own) if own == expires => self.check_next_expiry(id, expires, report),
            Some(own) => {
                let text = format!("it expires at {own}, the index of holds has {expires}");
                report.add(&self.id, format!("reservation {id}"), text);
            }
            None => {
                let text = "the index of holds has it, and it is not open".to_owned();
                report.add(&self.id, format!("reservation {id}"), text);
            }
        }
    }

    fn check_next_expiry(&self, id: &str, expires: u64, report: &mut Report) {
        let next = self.account.as_ref().map_or(0, |account| account.next_expiry);
        if next == 0 || next > expires {
            let text = format!("it expires at {expires}, the account looks for expired holds from {next} on");
            report.add(&self.id, format!("reservation {id}"), text);
        }
    }

    /// Adds up what has been taken.
    pub fn finish(mut self, report: &mut Report) {
        if self.account.is_none() {
            report.add(&self.id, "account".to_owned(), "records of it are there, its own is not".to_owned());
        }
        for (id, expires) in std::mem::take(&mut self.open) {
            let text = format!("it is open until {expires}, the index of holds lacks it");
            report.add(&self.id, format!("reservation {id}"), text);
        }
        match self.unanswered {
            (0, 0) => {}
            (0, _) => report.add(&self.id, "answers".to_owned(), "some are of other reservations".to_owned()),
            (more, _) => {
                let text = format!("{more} more reservations than answers to their requests");
                report.add(&self.id, "answers".to_owned(), text);
            }
        }
        let pools = std::mem::take(&mut self.pools);
        for pool in pools.values() {
            for text in self.pool_differences(pool) {
                report.add(&self.id, format!("pool {}", pool.name), text);
            }
        }
        for ((pool, era), credits) in self.held.drain().filter(|(_, credits)| *credits > 0) {
            report.add(
                &self.id,
                format!("pool {pool}"),
                format!("holds of {credits} are open in era {era}, which is not there"),
            );
        }
        for (pool, credits) in self.occupied.drain() {
            report.add(&self.id, format!("pool {pool}"), format!("{credits} are occupied in a pool that is not there"));
        }
        for budget in self.budgets.values() {
            let key = (budget.name.clone(), budget.made, budget.number);
            let holds = self.shares.get(&key).copied().unwrap_or(0);
            if u128::from(budget.held) != holds {
                let text = format!("held is {}, the open holds are {holds}", budget.held);
                report.add(&self.id, format!("budget {}", budget.name), text);
            }
        }
    }

    fn pool_differences(&mut self, pool: &Pool) -> Vec<String> {
        let mut found = Vec::new();
        self.check_held(pool, &mut found);
        check_grants(&pool.grants, &mut found);
        if pool.capacity {
            let occupied = self.occupied.remove(&pool.name).unwrap_or(0);
            if u128::from(pool.counters.consumed) != occupied {
                found.push(format!("consumed is {}, reservations occupy {occupied}", pool.counters.consumed));
            }
            return found;
        }
        let backing = |cycle| -> u128 {
            let eras = pool.eras.iter().filter(|era| era.cycle == cycle);
            eras.map(|era| remaining(&era.pieces)).sum()
        };
        let live = remaining(&pool.grants) + backing(pool.cycle);
        check_conserved(pool.cycle, &pool.counters, live, &mut found);
        for past in &pool.past {
            check_conserved(past.cycle, &past.counters, backing(past.cycle), &mut found);
        }
        for era in &pool.eras {
            if era.cycle != pool.cycle && !pool.past.iter().any(|past| past.cycle == era.cycle) {
                found.push(format!("era {} is of cycle {}, which nothing counts any more", era.era, era.cycle));
            }
            if era.era >= pool.era {
                found.push(format!("era {} is not before the present one, {}", era.era, pool.era));
            }
            if remaining(&era.pieces) > u128::from(era.held) {
                found.push(format!("era {} keeps {} for holds of {}", era.era, remaining(&era.pieces), era.held));
            }
        }
        found
    }

    fn check_held(&mut self, pool: &Pool, found: &mut Vec<String>) {
        let eras = pool.eras.iter().map(|era| (era.era, era.held));
        for (era, held) in eras.chain([(pool.era, pool.held)]) {
            let holds = self.held.remove(&(pool.name.clone(), era)).unwrap_or(0);
            if u128::from(held) != holds {
                found.push(format!("held is {held} in era {era}, the open holds are {holds}"));
            }
        }
    }
}

/// What is left of grants; sums are wider than any amount, for records that are not as they should be.
fn remaining(grants: &[Grant]) -> u128 {
    grants.iter().map(|grant| u128::from(grant.remaining)).sum()
}

fn check_conserved(cycle: u64, counters: &Counters, remaining: u128, found: &mut Vec<String>) {
    let Counters { granted, consumed, overage, lapsed } = *counters;
    let Some(covered) = consumed.checked_sub(overage) else {
        found.push(format!("overage is {overage} of {consumed} consumed in cycle {cycle}"));
        return;
    };
    let accounted = remaining + u128::from(covered) + u128::from(lapsed);
    if u128::from(granted) != accounted {
        found.push(format!(
            "granted is {granted} in cycle {cycle}; remaining {remaining} + (consumed {consumed} - overage {overage}) + \
             lapsed {lapsed} is {accounted}"
        ));
    }
}

/// In draw order, each once, none with more than it gave.
fn check_grants(grants: &[Grant], found: &mut Vec<String>) {
    let order = |grant: &Grant| (grant.priority, grant.expires == 0, grant.expires, grant.created, grant.id.clone());
    for pair in grants.windows(2) {
        if order(&pair[0]) >= order(&pair[1]) {
            found.push(format!("grant {} is drawn before {}", pair[0].id, pair[1].id));
        }
    }
    for grant in grants.iter().filter(|grant| grant.remaining > grant.amount) {
        found.push(format!("grant {} has {} left of {}", grant.id, grant.remaining, grant.amount));
    }
}
