//! What is proved of an account after each crash: every acknowledged change is there, none was invented, those that were
//! not answered happened as a whole or not at all, repeating anything changes nothing, and the sums agree.

use std::collections::BTreeMap;

use stipend::proto::v1;

use super::ledger::{Answer, Asked, Book, Request, Trace};
use crate::harness::{call::Failure, client::Stipend, conservation};

/// Most pages of activity of one account after one crash.
const PAGES_MAX: usize = 200;

/// Entries that follow from changes and are asked for by nobody.
const FOLLOWING: [&str; 6] =
    ["threshold_reached", "exhausted", "resumed", "overage_started", "denied", "account_changed"];

/// What an audit has looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub acknowledged: usize,
    /// Asked and not answered; found made; found not made.
    pub unanswered: usize,
    pub made: usize,
    pub repeated: usize,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.unanswered += other.unanswered;
        self.made += other.made;
        self.repeated += other.repeated;
    }
}

/// Credits by entry, of each change that left entries.
type Found = BTreeMap<Trace, Vec<i64>>;

/// An account on a server that was started again.
pub struct Audit {
    stipend: Stipend,
    lane: usize,
    book: Book,
    tally: Tally,
}

impl Audit {
    pub fn new(stipend: Stipend, lane: usize, book: Book) -> Self {
        Self { stipend, lane, book, tally: Tally::default() }
    }

    /// Proves all of it for what was asked of the account since the last time, and settles what was not answered.
    pub async fn run(mut self, asked: Vec<Asked>) -> (Book, Tally) {
        // Without the account there is nothing to look at; putting it again is harmless.
        for put in asked.iter().filter(|asked| asked.answer.is_none()) {
            if let Request::PutAccount(_) = put.request {
                self.tell(&put.request).await;
            }
        }
        let mut found = self.entries().await;
        let (answered, unanswered): (Vec<_>, Vec<_>) = asked.into_iter().partition(|asked| asked.answer.is_some());
        for asked in &answered {
            let answer = asked.answer.as_ref().expect("answered");
            self.expect_entries(&mut found, &asked.request, answer);
            self.book.enter(&asked.request, answer);
            self.tally.acknowledged += 1;
        }
        let unanswered = self.unanswered(&mut found, unanswered);
        assert!(found.is_empty(), "{}: nobody asked for {found:#?}", self.book.account);
        self.check_sums_before_settling(&unanswered).await;

        for (request, made) in &unanswered {
            let answer = self.tell(request).await;
            let credits = if answer.is_yes() { answer.credits() } else { Vec::new() };
            let mut new = self.entries().await;
            match made {
                Some(before) if request.trace().is_some() => {
                    assert!(answer.is_yes(), "{request:?}\nwas made, and repeated it is {answer:?}");
                    assert_eq!(&credits, before, "{request:?}\nwas made, and its repetition says otherwise");
                    assert!(new.is_empty(), "{request:?}\nwas made twice: {new:#?}");
                }
                _ => self.expect_entries(&mut new, request, &answer),
            }
            if let Request::PutBudget(_) = request {
                // Made before the crash: putting it again changes it, to what it is.
                new.retain(|(kind, _), _| !kind.starts_with("budget_changed"));
            }
            assert!(new.is_empty(), "{}: nobody asked for {new:#?}", self.book.account);
            self.book.enter(request, &answer);
        }
        self.check_exactly().await;

        self.repeat(&answered).await;
        (self.book, self.tally)
    }

    /// Compares the account with its book, to the credit, when nothing is open between them.
    pub async fn check_exactly(&self) {
        let book = &self.book;
        let (balances, active) = self.seen().await;
        for balance in &balances {
            check_pool(balance, book);
            assert_eq!(balance.held, book.held(&balance.pool, None), "held: {balance:#?}");
            let sums = book.pools.get(&balance.pool).copied().unwrap_or_default();
            assert_eq!(balance.uncovered, sums.uncovered, "uncovered: {balance:#?}");
        }
        let items = |hold: &v1::Reservation| (hold.items.clone(), hold.expire_time, hold.budgets.clone());
        let open: BTreeMap<_, _> = active.iter().map(|hold| (&hold.id, items(hold))).collect();
        let expected: BTreeMap<_, _> = book.open.iter().map(|(id, hold)| (id, items(hold))).collect();
        assert_eq!(open, expected, "{}: the open holds", book.account);
        let request = v1::ListBudgetsRequest { account: book.account.clone(), page_size: 1000, ..Default::default() };
        let budgets = self.stipend.call(request).lane(self.lane).done().await.budgets;
        let found: Vec<_> = budgets.iter().map(|b| (b.name.as_str(), b.limit, b.consumed, b.held)).collect();
        let expected: Vec<_> = book
            .budgets
            .iter()
            .map(|(name, b)| (name.as_str(), b.limit, b.consumed, book.held("credits", Some(name))))
            .collect();
        assert_eq!(found, expected, "{}: the budgets", book.account);
    }

    /// Sends what was not answered again.
    async fn tell(&self, request: &Request) -> Answer {
        match request.send(&self.stipend, self.lane).await {
            Ok(answer) => answer,
            Err(failure) => panic!("{request:?}\nwas not answered, and repeated it fails: {failure:?}"),
        }
    }

    /// The entries since the last time, by the change that they tell of.
    async fn entries(&mut self) -> Found {
        let mut found = Found::new();
        let mut token = String::new();
        let mut newest = self.book.seen.clone();
        for _ in 0..PAGES_MAX {
            let request = v1::ListActivityRequest {
                account: self.book.account.clone(),
                page_size: 200,
                page_token: token,
                ..v1::ListActivityRequest::default()
            };
            let page = self.stipend.call(request).lane(self.lane).done().await;
            for entry in page.entries {
                newest = newest.max(entry.id.clone());
                if entry.id <= self.book.seen {
                    self.book.seen = newest;
                    return found;
                }
                if FOLLOWING.contains(&entry.r#type.as_str()) {
                    continue;
                }
                // Newest first: the first item comes last.
                found.entry(trace(&entry)).or_default().insert(0, entry.credits);
            }
            if page.next_page_token.is_empty() {
                self.book.seen = newest;
                return found;
            }
            token = page.next_page_token;
        }
        panic!("{}: more activity than was asked for", self.book.account);
    }

    /// Takes the entries that an answered change must have left, once.
    fn expect_entries(&self, found: &mut Found, request: &Request, answer: &Answer) {
        let Some(trace) = request.trace() else { return };
        let left = found.remove(&trace).unwrap_or_default();
        assert_eq!(left, answer.credits(), "{request:?}\nwas answered {answer:?}\nand left these credits in the log");
        assert!(!answer.is_yes() || left.len() == self.book.entries(request), "{request:?}\nleft {left:?}");
    }

    /// Tells which of the changes that were not answered have been made, and with what credits.
    fn unanswered(&mut self, found: &mut Found, asked: Vec<Asked>) -> Vec<(Request, Option<Vec<i64>>)> {
        let mut told = Vec::new();
        for asked in asked {
            self.tally.unanswered += 1;
            let made = asked.request.trace().and_then(|trace| found.remove(&trace));
            if let Some(credits) = &made {
                let whole = self.book.entries(&asked.request);
                assert_eq!(credits.len(), whole, "{:?}\nwas made in part: {credits:?}", asked.request);
                self.tally.made += 1;
            }
            told.push((asked.request, made));
        }
        told
    }

    /// The sums are those of what was answered and of what was made without an answer.
    async fn check_sums_before_settling(&self, unanswered: &[(Request, Option<Vec<i64>>)]) {
        let mut book = self.book.clone();
        for (request, made) in unanswered {
            let Some(credits) = made else { continue };
            let pools: Vec<String> = match request {
                // Each action of these draws on one pool.
                Request::Charge(request) => request.items.iter().map(|item| pool_of(&item.action).to_owned()).collect(),
                Request::Commit(request) => {
                    book.open[&request.reservation_id].items.iter().map(|item| item.pool.clone()).collect()
                }
                Request::Refund(request) => {
                    book.charged[&request.reservation_id].items.iter().map(|item| item.pool.clone()).collect()
                }
                Request::Grant(request) => vec![request.pool.clone()],
                Request::Reserve(_)
                | Request::Release(_)
                | Request::Extend(_)
                | Request::PutBudget(_)
                | Request::PutAccount(_) => {
                    continue;
                }
            };
            for (pool, credits) in pools.iter().zip(credits) {
                let sums = book.pool(pool);
                match request {
                    Request::Grant(_) => sums.granted += credits,
                    Request::Refund(_) => sums.consumed -= credits,
                    _ => sums.consumed += credits,
                }
            }
        }
        let (balances, active) = self.seen().await;
        for balance in &balances {
            check_pool(balance, &book);
        }
        let in_doubt = |id: &str| {
            unanswered.iter().any(|(request, _)| match request {
                Request::Reserve(request) => request.reservation_id == id,
                Request::Commit(request) => request.reservation_id == id,
                Request::Release(request) => request.reservation_id == id,
                Request::Extend(request) => request.reservation_id == id,
                _ => false,
            })
        };
        for hold in &active {
            let known = book.open.get(&hold.id).is_some_and(|known| known.items == hold.items);
            assert!(known || in_doubt(&hold.id), "nobody was told of {hold:#?}");
        }
        for id in book.open.keys() {
            let there = active.iter().any(|hold| hold.id == *id);
            assert!(there || in_doubt(id), "{}: the hold {id} is gone", book.account);
        }
    }

    /// The balances and open holds, which agree with one another.
    async fn seen(&self) -> (Vec<v1::Balance>, Vec<v1::Reservation>) {
        let account = self.book.account.clone();
        let request = v1::GetBalanceRequest { account: account.clone(), pools: Vec::new() };
        let balances = self.stipend.call(request).lane(self.lane).done().await.balances;
        let request = v1::ListReservationsRequest {
            account,
            state: v1::reservation::State::Active.into(),
            page_size: 1000,
            ..v1::ListReservationsRequest::default()
        };
        let page = self.stipend.call(request).lane(self.lane).done().await;
        assert_eq!(page.next_page_token, "", "accounts here have few holds");
        conservation::check(&balances, &page.reservations, false);
        (balances, page.reservations)
    }

    /// Repeats what was acknowledged: the same answers, and nothing happens.
    async fn repeat(&mut self, answered: &[Asked]) {
        let before = self.seen().await;
        for asked in answered {
            let answer = asked.answer.as_ref().expect("answered");
            if !answer.is_yes() || matches!(asked.request, Request::PutAccount(_) | Request::PutBudget(_)) {
                continue;
            }
            let again: Result<Answer, Failure> = asked.request.send(&self.stipend, self.lane).await;
            assert_eq!(again.as_ref(), Ok(answer), "{:?}\nrepeated after the crash", asked.request);
            self.tally.repeated += 1;
        }
        assert_eq!(self.seen().await, before, "{}: repeating changes nothing", self.book.account);
        let new = self.entries().await;
        assert!(new.is_empty(), "{}: repeating left {new:#?}", self.book.account);
    }
}

/// The pool that an action of the catalog draws on.
fn pool_of(action: &str) -> &'static str {
    match action {
        "reply" | "signup" => "credits",
        "call_second" => "minutes",
        "lead" => "leads",
        other => panic!("no caller asks for {other}"),
    }
}

fn trace(entry: &v1::ActivityEntry) -> Trace {
    let id = match entry.r#type.as_str() {
        "reserve" | "commit" | "release" | "charge" => entry.reservation_id.clone(),
        "extend" => entry.details["extend_id"].clone(),
        "grant" => entry.details["grant_id"].clone(),
        "refund" => entry.details["refund_id"].clone(),
        // It matches nothing that was asked for.
        _ => format!("{entry:?}"),
    };
    (entry.r#type.clone(), id)
}

fn check_pool(balance: &v1::Balance, book: &Book) {
    let sums = book.pools.get(&balance.pool).copied().unwrap_or_default();
    assert_eq!(balance.consumed, sums.consumed, "consumed by the answers: {balance:#?}");
    let accounted = balance.remaining + balance.consumed - balance.overage + balance.lapsed;
    assert_eq!(accounted, balance.allowance + sums.granted, "granted by the answers: {balance:#?}");
}
