//! Brings accounts up to date: when the rulebook says that a cycle has ended, the next one's terms are computed here, in
//! the account's calendar, and the command is repeated. Resets are exact whether or not a task has come by.

use std::{future::Future, pin::Pin};

use super::{
    Error, Reason, Service,
    known::Known,
    outcome,
    profile::{Calendar, find_plan, plan_terms, pool_terms},
};
use crate::{
    catalog::CycleSpec,
    clock::Millis,
    id::AccountId,
    ledger::{Command, DueBudget, Refusal, Reply, Retarget, Roll, RollStep, Stale, Verb, Window},
};

/// How often a command may find the account changed under it before its caller is told to repeat it.
const CHANGES_MAX: usize = 32;
/// How often an account may be brought further for one command: 64 cycles each time.
const ROUNDS_MAX: usize = 20_000;
/// Cycles that one `Roll` starts.
const STEPS: usize = 64;
/// How deep one pool's catching up may wait for another's.
const DEPTH_MAX: usize = 64;

impl Service {
    /// Sends the verb that `build` makes of the account as it is known and its time, until the rulebook decides it.
    pub(super) async fn ask(
        &self,
        id: &AccountId,
        build: impl Fn(&Known, Millis) -> Result<Verb, Error> + Send,
    ) -> Result<(std::sync::Arc<Known>, Reply), Error> {
        let mut known = self.known(id).await?;
        let mut now = self.time_of(&known);
        let (mut changes, mut rounds) = (0, 0);
        loop {
            let verb = build(&known, now)?;
            let command = Command { account: id.clone(), revision: Some(known.record.revision), verb };
            let reply = self.ledger.apply(command).await?;
            let stale = match reply.outcome {
                Err(Refusal::Stale(stale)) => stale,
                Err(Refusal::Rejected { rejection, ref subject }) => {
                    return Err(outcome::rejected(id, rejection, subject));
                }
                Ok(_) | Err(Refusal::Denied(_) | Refusal::Again) => return Ok((known, reply)),
            };
            now = stale.now;
            if stale.account {
                changes += 1;
                self.accounts.forget(id);
            } else {
                rounds += 1;
                self.bring_up(&known, stale, 0).await?;
            }
            if changes > CHANGES_MAX || rounds > ROUNDS_MAX {
                return Err(contended(id));
            }
            known = self.known(id).await?;
        }
    }

    /// Does what is due first of what `stale` names.
    fn bring_up<'a>(
        &'a self,
        known: &'a Known,
        stale: Stale,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        Box::pin(async move {
            if depth > DEPTH_MAX {
                return Err(contended(&known.record.id));
            }
            let pending = known.profile.pending.as_ref().filter(|pending| stale.pending && pending.at <= stale.now);
            // A waiting plan change comes before the cycles that begin with it.
            let before = pending.map(|pending| pending.at);
            let steps = roll_steps(known, &stale, before)?;
            let verb = if steps.is_empty() {
                match pending {
                    Some(pending) => self.waiting_plan(known, pending.at)?,
                    None => return Ok(()),
                }
            } else {
                Verb::Roll(Roll { steps })
            };
            let command = Command { account: known.record.id.clone(), revision: Some(known.record.revision), verb };
            let reply = self.ledger.apply(command).await?;
            match reply.outcome {
                Ok(crate::ledger::Answer::Account(record)) => self.learn(record).map(|_| ()),
                Ok(_) => Ok(()),
                Err(Refusal::Stale(stale)) if stale.account => {
                    self.accounts.forget(&known.record.id);
                    Ok(())
                }
                Err(Refusal::Stale(stale)) => self.bring_up(known, stale, depth + 1).await,
                other @ Err(Refusal::Rejected { .. } | Refusal::Denied(_) | Refusal::Again) => {
                    Err(outcome::unexpected(&known.record.id, &other))
                }
            }
        })
    }
}

fn contended(id: &AccountId) -> Error {
    Error::new(Reason::Contended, format!("account {id} keeps changing; repeat the request")).with("account", id)
}

impl Service {
    /// The plan change that waited, as of its moment.
    fn waiting_plan(&self, known: &Known, at: Millis) -> Result<Verb, Error> {
        let mut profile = known.profile.clone();
        let pending = profile.pending.take().ok_or_else(|| contended(&known.record.id))?;
        let before = known.plan()?;
        profile.plan = pending.plan;
        profile.version = pending.version;
        // The change was checked against its catalog when it was asked for, and versions are kept.
        let catalog = self.catalogs.snapshot().get(&profile.catalog, &profile.version);
        let plan = catalog.as_ref().and_then(|catalog| find_plan(catalog, &profile.plan)).ok_or_else(|| {
            let message = format!("plan {} of version {} is not loaded", profile.plan, profile.version);
            Error::new(Reason::CatalogMissing, message).with("account", &known.record.id)
        })?;
        let calendar = Calendar::of(&profile);
        let dropped = before.pools.keys().filter(|pool| !plan.pools.contains_key(*pool)).cloned().collect();
        Ok(Verb::Retarget(Retarget {
            status: known.record.status,
            pending_at: None,
            at: Some(at),
            pools: plan_terms(&profile, plan, &calendar, at),
            dropped,
            plan: profile.plan.to_string(),
            profile: profile.to_bytes(),
        }))
    }
}

/// The cycles to start, in the order of time: those whose boundary has passed, or lies before `before`.
fn roll_steps(known: &Known, stale: &Stale, before: Option<Millis>) -> Result<Vec<RollStep>, Error> {
    let plan = known.plan()?;
    let due = |boundary: Millis| match before {
        Some(before) => boundary < before,
        None => boundary <= stale.now,
    };
    let mut steps: Vec<(Millis, RollStep)> = Vec::new();
    for pool in &stale.pools {
        let Some(terms) = plan.pools.get(&pool.name) else { continue };
        let change = known.profile.overrides.get(&pool.name);
        let (mut ends, mut boundary) = (pool.number, pool.end);
        for _ in 0..STEPS {
            if !due(boundary) {
                break;
            }
            let window = next_window(&known.calendar, terms.cycle.as_ref(), ends, boundary);
            let rollover_expires = known.calendar.rollover_end(terms.cycle.as_ref(), terms.rollover, window);
            let terms = pool_terms(&pool.name, terms, change, window);
            steps.push((boundary, RollStep::Pool { ends, terms, rollover_expires }));
            match window.end {
                Some(end) => (ends, boundary) = (window.number, end),
                None => break,
            }
        }
    }
    for budget in &stale.budgets {
        steps.extend(budget_step(known, budget, stale.now));
    }
    steps.sort_by_key(|(boundary, _)| *boundary);
    steps.truncate(STEPS);
    Ok(steps.into_iter().map(|(_, step)| step).collect())
}

/// The cycle that begins where one ends.
fn next_window(calendar: &Calendar, cycle: Option<&CycleSpec>, ended: u64, boundary: Millis) -> Window {
    let window = calendar.window_at(cycle, boundary);
    Window { number: window.number.max(ended + 1), start: boundary, end: window.end }
}

/// A budget's counters mean nothing between its cycles, so it goes straight to the one that contains now.
fn budget_step(known: &Known, budget: &DueBudget, now: Millis) -> Option<(Millis, RollStep)> {
    let cycle = CycleSpec::parse_short(&budget.cycle).ok()?;
    let window = known.calendar.window_at(Some(&cycle), now);
    let window = Window { number: window.number.max(budget.number + 1), ..window };
    Some((budget.end, RollStep::Budget { ends: budget.number, name: budget.name.clone(), window }))
}
