//! Packs commands for `rules/command.lua`.

use std::time::Duration;

use super::{encode_labels, put_bytes};
use crate::{
    amount::Amount,
    clock::Millis,
    ledger::{
        BudgetTerms, Cap, Command, Commit, Extend, Fingerprint, GrantCredits, GrantKind, Item, OnExpiry, Once,
        PoolKind, PoolTerms, PutAccount, Refund, Release, Reserve, Retarget, Roll, RollStep, Round, Status, Verb,
        Window,
    },
};

/// Appends a command to the packed commands of a unit of work.
pub fn encode_command(out: &mut Vec<u8>, command: &Command) {
    let mut w = Writer { out };
    w.u8(verb_number(&command.verb));
    w.text(command.account.as_str());
    w.i64(command.revision.map_or(-1, u64::cast_signed));
    match &command.verb {
        Verb::Reserve(reserve) | Verb::Charge(reserve) => w.reserve(reserve),
        Verb::Commit(commit) => w.commit(commit),
        Verb::Release(release) => w.release(release),
        Verb::Extend(extend) => w.extend(extend),
        Verb::GetBalance { pools } => w.list(pools, |w, pool| w.text(pool.as_str())),
        Verb::GetReservation { id } => w.text(id.as_str()),
        Verb::PutAccount(put) => w.put_account(put),
        Verb::GetAccount | Verb::DeleteAccount => {}
        Verb::Retarget(retarget) => w.retarget(retarget),
        Verb::Roll(roll) => w.roll(roll),
        Verb::AdvanceClock { to } => w.u64(to.get()),
        Verb::Grant(grant) => w.grant(grant),
        Verb::Revoke { pool, id, reason } => {
            w.text(pool.as_str());
            w.text(id.as_str());
            w.text(reason);
        }
        Verb::Refund(refund) => w.refund(refund),
        Verb::PutBudget(terms) => w.budget_terms(terms),
        Verb::GetBudget { name } | Verb::DeleteBudget { name } => w.text(name.as_str()),
    }
}

/// The number of a verb, in the order of `rules/main.lua`.
const fn verb_number(verb: &Verb) -> u8 {
    match verb {
        Verb::Reserve(_) => 1,
        Verb::Charge(_) => 2,
        Verb::Commit(_) => 3,
        Verb::Release(_) => 4,
        Verb::Extend(_) => 5,
        Verb::GetBalance { .. } => 6,
        Verb::GetReservation { .. } => 7,
        Verb::PutAccount(_) => 8,
        Verb::GetAccount => 9,
        Verb::DeleteAccount => 10,
        Verb::Retarget(_) => 11,
        Verb::Roll(_) => 12,
        Verb::AdvanceClock { .. } => 13,
        Verb::Grant(_) => 14,
        Verb::Revoke { .. } => 15,
        Verb::Refund(_) => 16,
        Verb::PutBudget(_) => 17,
        Verb::GetBudget { .. } => 18,
        Verb::DeleteBudget { .. } => 19,
    }
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        put_bytes(self.out, text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        put_bytes(self.out, bytes);
    }

    fn long_bytes(&mut self, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).expect("a request is bounded at the edge");
        self.out.extend_from_slice(&len.to_le_bytes());
        self.out.extend_from_slice(bytes);
    }

    fn fingerprint(&mut self, fingerprint: Fingerprint) {
        self.u8(16);
        self.out.extend_from_slice(&fingerprint.0.to_le_bytes());
    }

    fn span(&mut self, span: Duration) {
        self.u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX).min(Millis::MAX.get()));
    }

    /// 0 stands for "never" and "none": no moment of the service is the first of 1970.
    fn moment(&mut self, moment: Option<Millis>) {
        self.u64(moment.map_or(0, Millis::get));
    }

    fn list<T>(&mut self, list: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.u16(u16::try_from(list.len()).expect("lists are bounded at the edge"));
        for entry in list {
            each(self, entry);
        }
    }

    fn amounts(&mut self, amounts: &[Amount]) {
        self.list(amounts, |w, amount| w.u64(amount.get()));
    }

    fn cap(&mut self, cap: Cap) {
        self.u8(match cap {
            Cap::Hard => 0,
            Cap::Soft => 1,
        });
    }

    fn status(&mut self, status: Status) {
        self.u8(match status {
            Status::Active => 0,
            Status::Suspended => 1,
        });
    }

    fn window(&mut self, window: Window) {
        self.u64(window.number);
        self.u64(window.start.get());
        self.moment(window.end);
    }

    fn reserve(&mut self, reserve: &Reserve) {
        self.text(reserve.id.as_str());
        self.fingerprint(reserve.fingerprint);
        self.span(reserve.ttl);
        self.u8(u8::from(reserve.dry_run));
        self.bytes(&encode_labels(&reserve.metadata));
        self.u16(u16::try_from(reserve.items.len()).expect("items are bounded at the edge"));
        self.u16(u16::try_from(reserve.budgets.len()).expect("budgets are bounded at the edge"));
        for item in &reserve.items {
            self.item(item);
        }
        for budget in &reserve.budgets {
            self.text(budget.name.as_str());
            self.u8(u8::from(budget.template.is_some()));
            if let Some(terms) = &budget.template {
                self.budget_terms(terms);
            }
        }
    }

    fn item(&mut self, item: &Item) {
        self.text(item.action.as_str());
        self.text(item.pool.as_str());
        self.u8(u8::from(item.in_plan));
        self.u64(item.quantity.get());
        self.u64(item.min_quantity.get());
        self.u64(item.price.credits.get());
        self.u64(item.price.per.get());
        self.u8(match item.price.round {
            Round::Up => 0,
            Round::Down => 1,
            Round::Started => 2,
        });
        let (once, span) = match item.once {
            Once::EveryTime => (0, Duration::ZERO),
            Once::PerCycle => (1, Duration::ZERO),
            Once::Per(span) => (2, span),
            Once::Forever => (3, Duration::ZERO),
        };
        self.u8(once);
        self.span(span);
        self.u8(match item.on_expiry {
            OnExpiry::Release => 0,
            OnExpiry::ChargeUsed => 1,
            OnExpiry::ChargeHeld => 2,
        });
        self.u64(item.max_quantity.map_or(0, Amount::get));
        self.text(item.subject.as_ref().map_or("", |subject| subject.as_str()));
        self.bytes(&encode_labels(&item.dimensions));
    }

    fn budget_terms(&mut self, terms: &BudgetTerms) {
        self.text(terms.name.as_str());
        self.text(terms.pool.as_str());
        self.u64(terms.limit.get());
        self.cap(terms.cap);
        self.text(&terms.cycle);
        self.window(terms.window);
    }

    fn pool_terms(&mut self, terms: &PoolTerms) {
        self.text(terms.pool.as_str());
        self.u8(match terms.kind {
            PoolKind::Credits => 0,
            PoolKind::Capacity => 1,
        });
        self.cap(terms.cap);
        self.u64(terms.allowance.get());
        self.i64(terms.overage_limit.map_or(-1, Amount::as_i64));
        self.moment(terms.enforce_from);
        self.i64(terms.rollover.map_or(-1, |rollover| rollover.max.as_i64()));
        self.u16(terms.rollover.map_or(0, |rollover| u16::try_from(rollover.cycles).unwrap_or(u16::MAX)));
        self.window(terms.window);
        self.u8(u8::try_from(terms.alerts.len()).expect("alerts are bounded by the catalog"));
        for percent in &terms.alerts {
            self.u16(*percent);
        }
    }

    fn commit(&mut self, commit: &Commit) {
        self.text(commit.id.as_str());
        self.fingerprint(commit.fingerprint);
        self.bytes(&encode_labels(&commit.metadata));
        self.amounts(&commit.quantities);
    }

    fn release(&mut self, release: &Release) {
        self.text(release.id.as_str());
        self.fingerprint(release.fingerprint);
        self.text(&release.reason);
    }

    fn extend(&mut self, extend: &Extend) {
        self.text(extend.id.as_str());
        self.text(extend.extend_id.as_str());
        self.fingerprint(extend.fingerprint);
        self.span(extend.ttl.unwrap_or_default());
        self.amounts(&extend.quantities);
        self.amounts(&extend.used);
    }

    fn put_account(&mut self, put: &PutAccount) {
        self.status(put.status);
        self.moment(put.test_clock);
        self.moment(put.pending_at);
        self.i64(put.expected.map_or(-1, u64::cast_signed));
        self.long_bytes(&put.profile);
        self.list(&put.pools, Self::pool_terms);
    }

    fn retarget(&mut self, retarget: &Retarget) {
        self.status(retarget.status);
        self.moment(retarget.pending_at);
        self.moment(retarget.at);
        self.text(&retarget.plan);
        self.long_bytes(&retarget.profile);
        self.list(&retarget.pools, Self::pool_terms);
        self.list(&retarget.dropped, |w, pool| w.text(pool.as_str()));
    }

    fn roll(&mut self, roll: &Roll) {
        self.list(&roll.steps, |w, step| match step {
            RollStep::Pool { ends, terms, rollover_expires } => {
                w.u8(0);
                w.u64(*ends);
                w.pool_terms(terms);
                w.moment(*rollover_expires);
            }
            RollStep::Budget { ends, name, window } => {
                w.u8(1);
                w.u64(*ends);
                w.text(name.as_str());
                w.window(*window);
            }
        });
    }

    fn grant(&mut self, grant: &GrantCredits) {
        self.text(grant.pool.as_str());
        self.text(grant.id.as_str());
        self.fingerprint(grant.fingerprint);
        self.u8(match grant.kind {
            GrantKind::Allowance => 1,
            GrantKind::Rollover => 2,
            GrantKind::Promo => 3,
            GrantKind::TopUp => 4,
        });
        self.u64(grant.amount.get());
        self.u16(grant.priority);
        self.moment(grant.expires);
        self.text(&grant.note);
    }

    fn refund(&mut self, refund: &Refund) {
        self.text(refund.id.as_str());
        self.fingerprint(refund.fingerprint);
        self.text(refund.reservation.as_str());
        self.u8(u8::from(refund.unmark));
        self.text(&refund.reason);
        self.amounts(&refund.credits);
    }
}
