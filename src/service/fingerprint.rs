//! Tells a retry from another request under the same id, by a hash of all that the request says. The ledger keeps these:
//! the order and form of what is written here must not change between releases.

use xxhash_rust::xxh3::Xxh3;

use super::request::{Commit, Extend, GrantCredits, Item, Refund, Release, Reserve};
use crate::{
    amount::Amount,
    clock::Millis,
    ledger::{Fingerprint, GrantKind, Labels},
};

struct Writer(Xxh3);

impl Writer {
    fn of(verb: u8) -> Self {
        let mut hash = Xxh3::new();
        hash.update(&[verb]);
        Self(hash)
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn labels(&mut self, labels: &Labels) {
        self.number(labels.len() as u64);
        for (key, value) in labels {
            self.text(key);
            self.text(value);
        }
    }

    fn amounts(&mut self, amounts: &[Amount]) {
        self.number(amounts.len() as u64);
        for amount in amounts {
            self.number(amount.get());
        }
    }

    fn item(&mut self, item: &Item) {
        self.text(item.action.as_str());
        self.number(item.quantity.get());
        self.number(item.min_quantity.get());
        self.text(item.subject.as_ref().map_or("", |subject| subject.as_str()));
        self.labels(&item.dimensions);
    }

    fn finish(&self) -> Fingerprint {
        Fingerprint(self.0.digest128())
    }
}

fn reserve_like(verb: u8, request: &Reserve) -> Writer {
    let mut w = Writer::of(verb);
    w.number(request.items.len() as u64);
    request.items.iter().for_each(|item| w.item(item));
    w.number(request.budgets.len() as u64);
    request.budgets.iter().for_each(|budget| w.text(budget.as_str()));
    w.labels(&request.metadata);
    w
}

pub fn reserve(request: &Reserve) -> Fingerprint {
    let mut w = reserve_like(1, request);
    w.number(request.ttl.map_or(0, |ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)));
    w.finish()
}

pub fn charge(request: &Reserve) -> Fingerprint {
    reserve_like(2, request).finish()
}

pub fn commit(request: &Commit) -> Fingerprint {
    let mut w = Writer::of(3);
    w.amounts(&request.quantities);
    w.labels(&request.metadata);
    w.finish()
}

pub fn release(request: &Release) -> Fingerprint {
    let mut w = Writer::of(4);
    w.text(&request.reason);
    w.finish()
}

pub fn extend(request: &Extend) -> Fingerprint {
    let mut w = Writer::of(5);
    w.amounts(&request.quantities);
    w.amounts(&request.used);
    w.number(request.ttl.map_or(0, |ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)));
    w.finish()
}

pub fn grant(request: &GrantCredits) -> Fingerprint {
    let mut w = Writer::of(6);
    w.text(request.pool.as_str());
    w.number(match request.kind {
        GrantKind::Allowance => 1,
        GrantKind::Rollover => 2,
        GrantKind::Promo => 3,
        GrantKind::TopUp => 4,
    });
    w.number(request.amount.get());
    w.number(u64::from(request.priority.unwrap_or(0)));
    w.number(request.expires.map_or(0, Millis::get));
    w.text(&request.note);
    w.finish()
}

pub fn refund(request: &Refund) -> Fingerprint {
    let mut w = Writer::of(7);
    w.text(request.reservation.as_str());
    w.amounts(&request.credits);
    w.number(u64::from(request.unmark));
    w.text(&request.reason);
    w.finish()
}
