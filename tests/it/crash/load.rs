//! Callers that ask without end, until the server no longer answers. Each writes down what it asked before it asks, and
//! what it was told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use stipend::proto::v1;
use tokio::task::JoinSet;
use tonic::Code;

use super::ledger::{Answer, Asked, Book, Request};
use crate::harness::client::{ItemWith, Stipend, budget, item, span};

/// Most calls of one caller before it stops by itself.
const CALLS_MAX: usize = 20_000;
/// Holds that a caller keeps open at a time.
const OPEN_MAX: usize = 12;
/// Outlives every run: here nothing expires.
const TTL_S: i64 = 7 * 24 * 3600;

/// An account as callers need to know it.
#[derive(Debug, Clone)]
struct Target {
    id: String,
    /// It has more pools than one.
    hard: bool,
    budgets: Vec<String>,
}

/// A reservation that a caller has to itself.
#[derive(Debug, Clone)]
struct Own {
    target: Target,
    id: String,
    quantities: Vec<i64>,
}

/// One caller.
pub struct Caller {
    stipend: Stipend,
    lane: usize,
    random: StdRng,
    /// Makes its ids unlike all others.
    name: String,
    next: usize,
    targets: Vec<Target>,
    open: Vec<Own>,
    charged: Vec<Own>,
    asked: Vec<Asked>,
    /// Of all callers.
    answers: Arc<AtomicUsize>,
}

/// What a fresh account is put as; every third has a soft cap.
pub fn account(id: String, number: usize) -> v1::Account {
    let plan = if number.is_multiple_of(3) { "soft" } else { "hundred" };
    v1::Account { id, catalog: "rules".into(), plan: plan.into(), ..v1::Account::default() }
}

fn target(book: &Book) -> Target {
    Target { id: book.account.clone(), hard: book.plan != "soft", budgets: book.budgets.keys().cloned().collect() }
}

/// Callers at work.
pub struct Load {
    callers: JoinSet<Vec<Asked>>,
    answers: Arc<AtomicUsize>,
}

impl Load {
    /// Answers that they have got so far.
    pub fn answers(&self) -> usize {
        self.answers.load(Ordering::Relaxed)
    }

    /// What they asked, once none is answered any more.
    pub async fn end(self) -> Vec<Asked> {
        self.callers.join_all().await.into_iter().flatten().collect()
    }
}

/// Sets `count` callers upon the accounts of `books`.
pub fn start(stipend: &Stipend, round: &str, seed: u64, count: usize, books: &[&Book]) -> Load {
    let answers = Arc::<AtomicUsize>::default();
    let targets: Arc<Vec<Target>> = Arc::new(books.iter().map(|book| target(book)).collect());
    let mut owned: BTreeMap<usize, (Vec<Own>, Vec<Own>)> = BTreeMap::new();
    let mut turn = 0;
    // Each reservation goes to one caller: what became of it is then known.
    for book in books {
        let own = |(id, reservation): (&String, &v1::Reservation)| Own {
            target: target(book),
            id: id.clone(),
            quantities: reservation.items.iter().map(|item| item.quantity).collect(),
        };
        for hold in book.open.iter().map(own) {
            owned.entry(turn % count).or_default().0.push(hold);
            turn += 1;
        }
        for charge in book.charged.iter().filter(|(id, _)| book.refundable.contains(*id)).map(own) {
            owned.entry(turn % count).or_default().1.push(charge);
            turn += 1;
        }
    }
    let mut callers = JoinSet::new();
    for lane in 0..count {
        let (open, charged) = owned.remove(&lane).unwrap_or_default();
        let caller = Caller {
            stipend: stipend.clone(),
            lane,
            random: StdRng::seed_from_u64(seed.wrapping_add(lane as u64)),
            name: format!("{round}-{lane}"),
            next: 0,
            targets: targets.to_vec(),
            open,
            charged,
            asked: Vec::new(),
            answers: Arc::clone(&answers),
        };
        callers.spawn(caller.run());
    }
    Load { callers, answers }
}

impl Caller {
    async fn run(mut self) -> Vec<Asked> {
        for _ in 0..CALLS_MAX {
            if !self.step().await {
                break;
            }
        }
        self.asked
    }

    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("{}-{}", self.name, self.next)
    }

    fn target(&mut self) -> Target {
        self.targets.choose(&mut self.random).expect("there are accounts").clone()
    }

    /// Asks; `None` when there was no answer, which ends the caller.
    async fn ask(&mut self, request: Request) -> Option<Answer> {
        self.asked.push(Asked { request: request.clone(), answer: None });
        match request.send(&self.stipend, self.lane).await {
            Ok(answer) => {
                self.answers.fetch_add(1, Ordering::Relaxed);
                self.asked.last_mut().expect("it was just asked").answer = Some(answer.clone());
                Some(answer)
            }
            Err(failure) => {
                let settled = failure.domain == "stipend"
                    && !matches!(
                        failure.code,
                        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled
                    );
                assert!(!settled, "{request:?}\nwas refused: {failure:?}");
                None
            }
        }
    }

    async fn step(&mut self) -> bool {
        match self.random.random_range(0..100) {
            0..28 if self.open.len() < OPEN_MAX => self.reserve().await,
            0..45 => self.commit().await,
            45..54 => self.release().await,
            54..64 => self.extend().await,
            64..84 => self.charge().await,
            84..90 => self.grant().await,
            90..96 => self.refund().await,
            96..99 => self.put_budget().await,
            _ => self.put_account().await,
        }
    }

    fn items(&mut self, target: &Target) -> Vec<v1::Item> {
        let reply = item("reply", self.random.random_range(1..6));
        if !target.hard {
            return vec![reply];
        }
        match self.random.random_range(0..6) {
            0 => vec![item("call_second", self.random.random_range(1..200))],
            1 => vec![reply, item("call_second", 30)],
            2 => vec![item("lead", 1).subject(&format!("lead {}", self.random.random_range(0..30)))],
            3 => vec![reply, item("signup", 1).subject(&format!("user {}", self.random.random_range(0..30)))],
            _ => vec![reply],
        }
    }

    fn some_budgets(&mut self, target: &Target) -> Vec<String> {
        if self.random.random_ratio(1, 3) {
            target.budgets.choose(&mut self.random).cloned().into_iter().collect()
        } else {
            Vec::new()
        }
    }

    async fn reserve(&mut self) -> bool {
        let target = self.target();
        let request = v1::ReserveRequest {
            account: target.id.clone(),
            reservation_id: self.fresh(),
            items: self.items(&target),
            ttl: Some(span(TTL_S)),
            budgets: self.some_budgets(&target),
            ..v1::ReserveRequest::default()
        };
        let id = request.reservation_id.clone();
        let Some(Answer::Reserve(answer)) = self.ask(Request::Reserve(request)).await else { return false };
        if let Some(v1::reserve_response::Outcome::Granted(granted)) = answer.outcome {
            let quantities = granted.items.iter().map(|item| item.quantity).collect();
            self.open.push(Own { target, id, quantities });
        }
        true
    }

    fn take_open(&mut self) -> Option<Own> {
        let count = self.open.len();
        (count > 0).then(|| self.open.swap_remove(self.random.random_range(0..count)))
    }

    async fn commit(&mut self) -> bool {
        let Some(own) = self.take_open() else { return true };
        // Less than was held, all of it, or more.
        let quantities = match self.random.random_range(0..4) {
            0 => Vec::new(),
            _ => own.quantities.iter().map(|quantity| self.random.random_range(0..=quantity + 1)).collect(),
        };
        let request = v1::CommitRequest {
            account: own.target.id.clone(),
            reservation_id: own.id.clone(),
            quantities,
            ..v1::CommitRequest::default()
        };
        let Some(Answer::Commit(answer)) = self.ask(Request::Commit(request)).await else { return false };
        if answer.charges.iter().any(|charge| charge.credits > 0) {
            self.charged.push(own);
        }
        true
    }

    async fn release(&mut self) -> bool {
        let Some(own) = self.take_open() else { return true };
        let request = v1::ReleaseRequest {
            account: own.target.id.clone(),
            reservation_id: own.id.clone(),
            reason: "not needed".into(),
        };
        self.ask(Request::Release(request)).await.is_some()
    }

    async fn extend(&mut self) -> bool {
        let Some(mut own) = self.take_open() else { return true };
        let more = own.quantities.iter().map(|_| self.random.random_range(0..3)).collect();
        let request = v1::ExtendRequest {
            account: own.target.id.clone(),
            reservation_id: own.id.clone(),
            extend_id: self.fresh(),
            quantities: more,
            ttl: Some(span(TTL_S)),
            ..v1::ExtendRequest::default()
        };
        let Some(Answer::Extend(answer)) = self.ask(Request::Extend(request)).await else { return false };
        if let Some(v1::extend_response::Outcome::Granted(granted)) = answer.outcome {
            own.quantities = granted.items.iter().map(|item| item.quantity).collect();
        }
        self.open.push(own);
        true
    }

    async fn charge(&mut self) -> bool {
        let target = self.target();
        let request = v1::ChargeRequest {
            account: target.id.clone(),
            reservation_id: self.fresh(),
            items: self.items(&target),
            budgets: self.some_budgets(&target),
            ..v1::ChargeRequest::default()
        };
        let id = request.reservation_id.clone();
        let Some(Answer::Charge(answer)) = self.ask(Request::Charge(request)).await else { return false };
        if let Some(v1::charge_response::Outcome::Charged(yes)) = answer.outcome
            && yes.charges.iter().any(|charge| charge.credits > 0)
        {
            self.charged.push(Own { target, id, quantities: Vec::new() });
        }
        true
    }

    async fn grant(&mut self) -> bool {
        let target = self.target();
        let pool = if target.hard && self.random.random_ratio(1, 3) { "minutes" } else { "credits" };
        let request = v1::GrantCreditsRequest {
            account: target.id,
            pool: pool.into(),
            grant_id: self.fresh(),
            kind: v1::grant::Kind::TopUp.into(),
            amount: self.random.random_range(20..200),
            ..v1::GrantCreditsRequest::default()
        };
        self.ask(Request::Grant(request)).await.is_some()
    }

    /// Everything that was charged goes back, once.
    async fn refund(&mut self) -> bool {
        let count = self.charged.len();
        if count == 0 {
            return true;
        }
        let own = self.charged.swap_remove(self.random.random_range(0..count));
        let request = v1::RefundRequest {
            account: own.target.id,
            refund_id: self.fresh(),
            reservation_id: own.id,
            unmark: true,
            ..v1::RefundRequest::default()
        };
        self.ask(Request::Refund(request)).await.is_some()
    }

    async fn put_budget(&mut self) -> bool {
        let target = self.target();
        let name = self.fresh();
        let request = v1::PutBudgetRequest {
            account: target.id.clone(),
            budget: Some(budget(&name, "credits", self.random.random_range(5..100))),
        };
        if self.ask(Request::PutBudget(request)).await.is_none() {
            return false;
        }
        for known in self.targets.iter_mut().filter(|known| known.id == target.id) {
            known.budgets.push(name.clone());
        }
        true
    }

    async fn put_account(&mut self) -> bool {
        let account = account(self.fresh(), self.random.random_range(0..3));
        let target = Target { id: account.id.clone(), hard: account.plan != "soft", budgets: Vec::new() };
        if self.ask(Request::PutAccount(v1::PutAccountRequest { account: Some(account) })).await.is_none() {
            return false;
        }
        self.targets.push(target);
        true
    }
}
