//! What was asked and what was answered, kept on the callers' side: the ledger that the server's is held against. It
//! adds up answers and knows nothing of the rules.

use std::collections::{BTreeMap, BTreeSet};

use stipend::proto::v1::{self, charge_response, extend_response, reserve_response};

use crate::harness::{call::Failure, client::Stipend};

macro_rules! requests {
    ($($name:ident($request:ident) -> $answer:ident;)*) => {
        #[expect(clippy::large_enum_variant, reason = "there are a few thousand of them")]
        /// A change that is asked for, with an id that makes it repeatable.
        #[derive(Debug, Clone)]
        pub enum Request {
            $($name(v1::$request),)*
        }

        #[derive(Debug, Clone, PartialEq)]
        pub enum Answer {
            $($name(v1::$answer),)*
        }

        impl Request {
            pub async fn send(&self, stipend: &Stipend, lane: usize) -> Result<Answer, Failure> {
                match self {
                    $(Self::$name(request) => {
                        stipend.call(request.clone()).lane(lane).send().await.map(Answer::$name)
                    })*
                }
            }
        }
    };
}

requests! {
    Reserve(ReserveRequest) -> ReserveResponse;
    Commit(CommitRequest) -> CommitResponse;
    Release(ReleaseRequest) -> ReleaseResponse;
    Extend(ExtendRequest) -> ExtendResponse;
    Charge(ChargeRequest) -> ChargeResponse;
    Grant(GrantCreditsRequest) -> GrantCreditsResponse;
    Refund(RefundRequest) -> RefundResponse;
    PutBudget(PutBudgetRequest) -> Budget;
    PutAccount(PutAccountRequest) -> Account;
}

/// One call: what was asked, and what was answered before the server died, if it came to that.
#[derive(Debug, Clone)]
pub struct Asked {
    pub request: Request,
    pub answer: Option<Answer>,
}

/// The mark that a change leaves in the activity log: the type of its entries, and the id that they name.
pub type Trace = (String, String);

impl Request {
    pub fn account(&self) -> &str {
        match self {
            Self::Reserve(request) => &request.account,
            Self::Commit(request) => &request.account,
            Self::Release(request) => &request.account,
            Self::Extend(request) => &request.account,
            Self::Charge(request) => &request.account,
            Self::Grant(request) => &request.account,
            Self::Refund(request) => &request.account,
            Self::PutBudget(request) => &request.account,
            Self::PutAccount(request) => &request.account.as_ref().expect("an account is put").id,
        }
    }

    /// `None`: what it does shows in other lists.
    pub fn trace(&self) -> Option<Trace> {
        let (kind, id) = match self {
            Self::Reserve(request) => ("reserve", &request.reservation_id),
            Self::Commit(request) => ("commit", &request.reservation_id),
            Self::Release(request) => ("release", &request.reservation_id),
            Self::Extend(request) => ("extend", &request.extend_id),
            Self::Charge(request) => ("charge", &request.reservation_id),
            Self::Grant(request) => ("grant", &request.grant_id),
            Self::Refund(request) => ("refund", &request.refund_id),
            Self::PutBudget(_) | Self::PutAccount(_) => return None,
        };
        Some((kind.to_owned(), id.clone()))
    }
}

impl Answer {
    /// What each entry of the change says in credits, in the order of the items; nothing when it was refused.
    pub fn credits(&self) -> Vec<i64> {
        let held = |reservation: &v1::Reservation| reservation.items.iter().map(|item| item.credits).collect();
        let charged = |charges: &[v1::ItemCharge]| charges.iter().map(|charge| charge.credits).collect();
        match self {
            Self::Reserve(answer) => match answer.outcome.as_ref().expect("an outcome") {
                reserve_response::Outcome::Granted(reservation) => held(reservation),
                reserve_response::Outcome::Denied(_) => Vec::new(),
            },
            Self::Extend(answer) => match answer.outcome.as_ref().expect("an outcome") {
                extend_response::Outcome::Granted(reservation) => held(reservation),
                extend_response::Outcome::Denied(_) => Vec::new(),
            },
            Self::Charge(answer) => match answer.outcome.as_ref().expect("an outcome") {
                charge_response::Outcome::Charged(yes) => charged(&yes.charges),
                charge_response::Outcome::Denied(_) => Vec::new(),
            },
            Self::Commit(answer) => charged(&answer.charges),
            Self::Release(answer) => held(answer.reservation.as_ref().expect("a reservation")),
            Self::Grant(answer) => vec![answer.grant.as_ref().expect("a grant").amount],
            Self::Refund(answer) => answer.refunded.clone(),
            Self::PutBudget(_) | Self::PutAccount(_) => Vec::new(),
        }
    }

    /// It changed something. What did not is decided afresh when it is asked again.
    pub fn is_yes(&self) -> bool {
        match self {
            Self::Reserve(answer) => matches!(answer.outcome, Some(reserve_response::Outcome::Granted(_))),
            Self::Extend(answer) => matches!(answer.outcome, Some(extend_response::Outcome::Granted(_))),
            Self::Charge(answer) => matches!(answer.outcome, Some(charge_response::Outcome::Charged(_))),
            Self::Commit(_)
            | Self::Release(_)
            | Self::Grant(_)
            | Self::Refund(_)
            | Self::PutBudget(_)
            | Self::PutAccount(_) => true,
        }
    }
}

/// What a pool must show by the answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub granted: i64,
    pub consumed: i64,
    pub uncovered: i64,
}

#[derive(Debug, Clone, Default)]
pub struct BudgetBook {
    pub limit: i64,
    pub consumed: i64,
}

/// Everything that an account must show by the answers.
#[derive(Debug, Clone, Default)]
pub struct Book {
    pub account: String,
    pub plan: String,
    pub pools: BTreeMap<String, Sums>,
    pub budgets: BTreeMap<String, BudgetBook>,
    /// Open holds as last answered.
    pub open: BTreeMap<String, v1::Reservation>,
    /// Reservations that were charged, with what they were charged.
    pub charged: BTreeMap<String, v1::Reservation>,
    /// Those of them that have something to give back.
    pub refundable: BTreeSet<String>,
    /// Changes so far.
    pub changes: usize,
    /// The last entry of the activity log that has been accounted for.
    pub seen: String,
}

impl Book {
    /// Of an account that has been put.
    pub fn of(account: &v1::Account) -> Self {
        Self { account: account.id.clone(), plan: account.plan.clone(), ..Self::default() }
    }

    /// How many entries a change leaves, were it made.
    pub fn entries(&self, request: &Request) -> usize {
        let of = |id: &String| self.open.get(id).or_else(|| self.charged.get(id)).map_or(0, |known| known.items.len());
        match request {
            Request::Reserve(request) => request.items.len(),
            Request::Charge(request) => request.items.len(),
            Request::Commit(request) => of(&request.reservation_id),
            Request::Release(request) => of(&request.reservation_id),
            Request::Extend(request) => of(&request.reservation_id),
            Request::Refund(request) => of(&request.reservation_id),
            Request::Grant(_) => 1,
            Request::PutBudget(_) | Request::PutAccount(_) => 0,
        }
    }

    /// Adds an answer.
    pub fn enter(&mut self, request: &Request, answer: &Answer) {
        self.changes += 1;
        match answer {
            Answer::Reserve(answer) => {
                if let Some(reserve_response::Outcome::Granted(reservation)) = &answer.outcome {
                    self.open.insert(reservation.id.clone(), reservation.clone());
                }
            }
            Answer::Extend(answer) => {
                if let Some(extend_response::Outcome::Granted(reservation)) = &answer.outcome {
                    self.open.insert(reservation.id.clone(), reservation.clone());
                }
            }
            Answer::Charge(answer) => {
                if let Some(charge_response::Outcome::Charged(yes)) = &answer.outcome {
                    self.charge(yes.reservation.as_ref().expect("a reservation"), &yes.charges);
                }
            }
            Answer::Commit(answer) => {
                self.charge(answer.reservation.as_ref().expect("a reservation"), &answer.charges);
            }
            Answer::Release(answer) => {
                self.open.remove(&answer.reservation.as_ref().expect("a reservation").id);
            }
            Answer::Grant(answer) => {
                let pool = &answer.balance.as_ref().expect("a balance").pool;
                self.pool(pool).granted += answer.grant.as_ref().expect("a grant").amount;
            }
            Answer::Refund(answer) => {
                let Request::Refund(request) = request else { panic!("a refund answers a refund") };
                self.refund(&request.reservation_id, &answer.refunded);
            }
            Answer::PutBudget(answer) => {
                self.budgets.entry(answer.name.clone()).or_default().limit = answer.limit;
            }
            Answer::PutAccount(_) => {}
        }
    }

    fn charge(&mut self, reservation: &v1::Reservation, charges: &[v1::ItemCharge]) {
        self.open.remove(&reservation.id);
        for charge in charges {
            let sums = self.pool(&charge.pool);
            sums.consumed += charge.credits;
            sums.uncovered += charge.uncovered;
            self.count(&reservation.budgets, &charge.pool, charge.credits);
        }
        if charges.iter().any(|charge| charge.credits > 0) {
            self.refundable.insert(reservation.id.clone());
        }
        self.charged.insert(reservation.id.clone(), reservation.clone());
    }

    fn refund(&mut self, id: &str, refunded: &[i64]) {
        self.refundable.remove(id);
        let reservation = self.charged[id].clone();
        for (item, credits) in reservation.items.iter().zip(refunded) {
            self.pool(&item.pool).consumed -= credits;
            self.count(&reservation.budgets, &item.pool, -credits);
        }
    }

    /// Every budget of these accounts counts `credits`.
    fn count(&mut self, budgets: &[String], pool: &str, credits: i64) {
        if pool == "credits" {
            for name in budgets {
                self.budgets.entry(name.clone()).or_default().consumed += credits;
            }
        }
    }

    pub fn pool(&mut self, pool: &str) -> &mut Sums {
        self.pools.entry(pool.to_owned()).or_default()
    }

    /// What the open holds keep of a pool, those of a budget only where one is named.
    pub fn held(&self, pool: &str, budget: Option<&str>) -> i64 {
        self.open
            .values()
            .filter(|hold| budget.is_none_or(|name| hold.budgets.iter().any(|this| this == name)))
            .flat_map(|hold| &hold.items)
            .filter(|item| item.pool == pool)
            .map(|item| item.credits)
            .sum()
    }
}
