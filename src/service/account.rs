//! Accounts: creation, changes, plans, test clocks.

use std::sync::Arc;

use futures_util::future::try_join_all;
use jiff::tz::TimeZone;

use super::{
    Error, Reason, Service,
    known::{Known, account_not_found},
    only_catalog, outcome,
    profile::{Calendar, Profile, find_plan, plan_terms},
    request::{Account, AccountDraft, ChangePlan, Page, PendingPlan, When},
};
use crate::{
    catalog::{Catalog, Plan, suggestion},
    clock::Millis,
    id::{AccountId, CatalogName, CatalogVersion, PlanName, PoolName},
    ledger::{Answer, Command, PutAccount, Refusal, Retarget, Status, Verb},
};

/// How often a change may find the account changed under it before its caller is told to repeat it.
const CHANGES_MAX: usize = 32;

impl Service {
    /// Creates an account, or brings an existing one to what is given.
    pub async fn put_account(&self, draft: AccountDraft) -> Result<Account, Error> {
        let id = draft.id.clone();
        for _ in 0..CHANGES_MAX {
            let verb = match self.fetch(&id).await? {
                None => self.creation(&draft)?,
                Some(known) => match self.update(&draft, &known)? {
                    Some(change) => return self.change(&id, change).await,
                    None => return Ok(shown(&known)),
                },
            };
            let command = Command { account: id.clone(), revision: None, verb };
            let reply = self.ledger.apply(command).await?;
            match reply.outcome {
                Ok(Answer::Account(record)) => return Ok(shown(&*self.learn(record)?)),
                // Someone else created it meanwhile: then this is an update.
                Err(Refusal::Stale(_)) => {}
                other => return Err(outcome::unexpected(&id, &other)),
            }
        }
        Err(Error::new(Reason::Contended, format!("account {id} keeps changing; repeat the request")))
    }

    pub async fn get_account(&self, id: AccountId) -> Result<Account, Error> {
        // Brings the account up to date, so that a plan change whose time has come shows.
        self.settle(&id).await?;
        let known = self.fetch(&id).await?.ok_or_else(|| account_not_found(&id))?;
        Ok(shown(&known))
    }

    /// Lists accounts in the order of their ids, at most `limit`.
    pub async fn list_accounts(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Page<Account, AccountId>, Error> {
        let mut ids = self.ledger.accounts(after, limit + 1).await?;
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = ids.last().cloned().filter(|_| more);
        let found = try_join_all(ids.iter().map(|id| self.fetch(id))).await?;
        Ok(Page { rows: found.into_iter().flatten().map(|known| shown(&known)).collect(), next })
    }

    /// Removes an account with everything that it has.
    pub async fn delete_account(&self, id: AccountId) -> Result<(), Error> {
        let command = Command { account: id.clone(), revision: None, verb: Verb::DeleteAccount };
        let reply = self.ledger.apply(command).await?;
        self.accounts.forget(&id);
        match reply.outcome {
            Ok(Answer::Done) => Ok(()),
            other => Err(outcome::unexpected(&id, &other)),
        }
    }

    /// Moves an account to another plan or version, now or at its next reset.
    pub async fn change_plan(&self, request: ChangePlan) -> Result<Account, Error> {
        self.settle(&request.account).await?;
        let known = self.fetch(&request.account).await?.ok_or_else(|| account_not_found(&request.account))?;
        let build = |known: &Known, now: Millis| {
            let mut profile = known.profile.clone();
            let catalog = self.version_of(&profile.catalog, request.version.as_ref())?;
            let name = request.plan.clone().unwrap_or_else(|| profile.plan.clone());
            let plan = checked_plan(&catalog, &name)?;
            check_overrides(&profile, plan)?;
            profile.pending = None;
            match request.when {
                When::Now => {
                    (profile.plan, profile.version) = (name, catalog.version.clone());
                    Ok(retarget(known, &profile, plan, now)?)
                }
                When::AtReset => {
                    let at = next_reset(known, now)?;
                    profile.pending = Some(PendingPlan { plan: name, version: catalog.version.clone(), at });
                    Ok(Verb::PutAccount(note_change(known, &profile)))
                }
            }
        };
        let (_, reply) = self.ask(&known.record.id, build).await?;
        match reply.outcome {
            Ok(Answer::Account(record)) => Ok(shown(&*self.learn(record)?)),
            other => Err(outcome::unexpected(&request.account, &other)),
        }
    }

    /// Moves a test clock; what comes due on the way happens as it would.
    pub async fn advance_test_clock(&self, id: AccountId, to: Millis) -> Result<Account, Error> {
        // The account is settled up to its present time first, then up to the new one.
        self.settle(&id).await?;
        let (_, reply) = self.ask(&id, |_, _| Ok(Verb::AdvanceClock { to })).await?;
        match reply.outcome {
            Ok(Answer::Account(record)) => self.learn(record)?,
            other => return Err(outcome::unexpected(&id, &other)),
        };
        self.get_account(id).await
    }

    /// Starts every cycle that is due and ends every hold that has expired.
    async fn settle(&self, id: &AccountId) -> Result<(), Error> {
        let build = |known: &Known, _| Ok(Verb::GetBalance { pools: known.plan()?.pools.keys().cloned().collect() });
        self.ask(id, build).await.map(|_| ())
    }

    fn version_of(&self, name: &CatalogName, version: Option<&CatalogVersion>) -> Result<Arc<Catalog>, Error> {
        let catalogs = self.catalogs.snapshot();
        let found = match version {
            Some(version) => catalogs.get(name, version),
            None => catalogs.newest(name).cloned(),
        };
        found.ok_or_else(|| {
            let wanted = version.map_or_else(String::new, |version| format!("version {version} of "));
            let near = catalogs.near(name, version);
            Error::new(Reason::UnknownCatalog, format!("{wanted}catalog {name} is not loaded{near}"))
                .with("catalog", name)
        })
    }

    fn creation(&self, draft: &AccountDraft) -> Result<Verb, Error> {
        let name = match &draft.catalog {
            Some(name) => name.clone(),
            None => only_catalog(&self.catalogs.snapshot())?,
        };
        let catalog = self.version_of(&name, draft.version.as_ref())?;
        let plan_name = draft.plan.clone().ok_or_else(|| Error::invalid("account.plan", "must be set"))?;
        let plan = checked_plan(&catalog, &plan_name)?;
        let now = draft.test_clock.unwrap_or_else(|| self.now());
        let profile = Profile {
            catalog: name,
            version: catalog.version.clone(),
            plan: plan_name,
            anchor: draft.anchor.unwrap_or(now),
            created: now,
            time_zone: checked_zone(draft.time_zone.as_deref().unwrap_or("UTC"))?,
            labels: draft.labels.clone(),
            notify: draft.notify.clone(),
            overrides: draft.overrides.clone(),
            test_clock: draft.test_clock,
            pending: None,
        };
        check_overrides(&profile, plan)?;
        Ok(Verb::PutAccount(PutAccount {
            status: draft.status.unwrap_or_default(),
            test_clock: draft.test_clock,
            profile: profile.to_bytes(),
            pending_at: None,
            pools: plan_terms(&profile, plan, &Calendar::of(&profile), now),
            expected: None,
        }))
    }

    /// The change that a draft asks of an account; `None` when it is as asked already.
    fn update(&self, draft: &AccountDraft, known: &Known) -> Result<Option<Change>, Error> {
        let mut profile = known.profile.clone();
        check_immutable(draft, &profile)?;
        let new_plan = draft.plan.clone().filter(|plan| *plan != profile.plan);
        let version = match (&draft.version, &new_plan) {
            (Some(version), _) => Some(version.clone()),
            (None, Some(_)) => None,
            (None, None) => Some(profile.version.clone()),
        };
        let catalog = self.version_of(&profile.catalog, version.as_ref())?;
        let moved = new_plan.is_some() || catalog.version != profile.version;
        if moved {
            profile.pending = None;
        }
        profile.plan = new_plan.unwrap_or(profile.plan);
        profile.version = catalog.version.clone();
        let plan = checked_plan(&catalog, &profile.plan)?;
        profile.labels.clone_from(&draft.labels);
        profile.notify.clone_from(&draft.notify);
        let changed_terms = profile.overrides != draft.overrides;
        profile.overrides.clone_from(&draft.overrides);
        check_overrides(&profile, plan)?;
        let status = draft.status.unwrap_or_default();
        if profile == known.profile && status == known.record.status {
            return Ok(None);
        }
        Ok(Some(Change { profile, status, terms: moved || changed_terms, catalog }))
    }

    async fn change(&self, id: &AccountId, change: Change) -> Result<Account, Error> {
        let build = |known: &Known, now: Millis| {
            if change.terms {
                let plan = checked_plan(&change.catalog, &change.profile.plan)?;
                let verb = retarget(known, &change.profile, plan, now)?;
                return Ok(match verb {
                    Verb::Retarget(retarget) => Verb::Retarget(Retarget { status: change.status, ..retarget }),
                    other => other,
                });
            }
            Ok(Verb::PutAccount(PutAccount { status: change.status, ..note_change(known, &change.profile) }))
        };
        let (_, reply) = self.ask(id, build).await?;
        match reply.outcome {
            Ok(Answer::Account(record)) => Ok(shown(&*self.learn(record)?)),
            other => Err(outcome::unexpected(id, &other)),
        }
    }
}

/// What an update comes to.
struct Change {
    profile: Profile,
    status: Status,
    /// The terms of pools change too, not only what is noted of the account.
    terms: bool,
    catalog: Arc<Catalog>,
}

fn shown(known: &Known) -> Account {
    let profile = known.profile.clone();
    Account {
        id: known.record.id.clone(),
        catalog: profile.catalog,
        plan: profile.plan,
        version: profile.version,
        anchor: profile.anchor,
        time_zone: profile.time_zone,
        status: known.record.status,
        labels: profile.labels,
        notify: profile.notify,
        overrides: profile.overrides,
        test_clock: profile.test_clock,
        now: known.record.now,
        created: profile.created,
        pending: profile.pending,
    }
}

fn checked_plan<'a>(catalog: &'a Catalog, name: &PlanName) -> Result<&'a Plan, Error> {
    find_plan(catalog, name).ok_or_else(|| {
        let near = suggestion(name.as_str(), catalog.plans.keys().map(PlanName::as_str));
        let message = format!("plan {name} is not in version {} of catalog {}{near}", catalog.version, catalog.name);
        Error::new(Reason::UnknownPlan, message).with("plan", name).with("catalog", &catalog.name)
    })
}

fn checked_zone(name: &str) -> Result<String, Error> {
    TimeZone::get(name)
        .map(|_| name.to_owned())
        .map_err(|_| Error::invalid("account.time_zone", format_args!("{name} is no IANA time zone")))
}

fn check_overrides(profile: &Profile, plan: &Plan) -> Result<(), Error> {
    for pool in profile.overrides.keys() {
        if !plan.pools.contains_key(pool) {
            let near = suggestion(pool.as_str(), plan.pools.keys().map(PoolName::as_str));
            let problem = format_args!("plan {} does not list the pool{near}", profile.plan);
            return Err(Error::invalid(format_args!("account.overrides[{pool}]"), problem).with("pool", pool));
        }
    }
    Ok(())
}

/// What is set at creation stays.
fn check_immutable(draft: &AccountDraft, profile: &Profile) -> Result<(), Error> {
    let field = if draft.catalog.as_ref().is_some_and(|catalog| *catalog != profile.catalog) {
        "catalog"
    } else if draft.anchor.is_some_and(|anchor| anchor != profile.anchor) {
        "anchor_time"
    } else if draft.time_zone.as_ref().is_some_and(|zone| *zone != profile.time_zone) {
        "time_zone"
    } else if draft.test_clock.is_some_and(|clock| Some(clock) != profile.test_clock) {
        "test_clock"
    } else {
        return Ok(());
    };
    let message = format!("account.{field}: is set at creation and cannot change");
    Err(Error::new(Reason::Immutable, message).with("field", field).with("account", &draft.id))
}

/// Puts an account under the terms of `profile` as of now.
fn retarget(known: &Known, profile: &Profile, plan: &Plan, now: Millis) -> Result<Verb, Error> {
    let dropped: Vec<PoolName> =
        known.plan()?.pools.keys().filter(|pool| !plan.pools.contains_key(*pool)).cloned().collect();
    Ok(Verb::Retarget(Retarget {
        status: known.record.status,
        profile: profile.to_bytes(),
        pending_at: profile.pending.as_ref().map(|pending| pending.at),
        at: None,
        pools: plan_terms(profile, plan, &known.calendar, now),
        dropped,
        plan: profile.plan.to_string(),
    }))
}

/// Writes a profile that leaves the terms of pools as they are.
fn note_change(known: &Known, profile: &Profile) -> PutAccount {
    PutAccount {
        status: known.record.status,
        test_clock: None,
        profile: profile.to_bytes(),
        pending_at: profile.pending.as_ref().map(|pending| pending.at),
        pools: Vec::new(),
        expected: Some(known.record.revision),
    }
}

/// The end of the plan's current cycle; where the plan has none, of the first pool's that has.
fn next_reset(known: &Known, now: Millis) -> Result<Millis, Error> {
    let plan = known.plan()?;
    let of_plan = plan.cycle.as_ref().and_then(|cycle| known.calendar.window_at(Some(cycle), now).end);
    let of_pools = || {
        let ends = plan.pools.values().filter_map(|pool| known.calendar.window_at(pool.cycle.as_ref(), now).end);
        ends.min()
    };
    of_plan
        .or_else(of_pools)
        .ok_or_else(|| Error::invalid("when", format_args!("plan {} never resets; use NOW", known.profile.plan)))
}
