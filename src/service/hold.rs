//! Holds: Reserve, Charge, Commit, Release, Extend, Quote. What an item costs comes from the account's catalog version;
//! whether it is granted is the rulebook's to say.

use std::time::Duration;

use uuid::Uuid;

use super::{
    Error, Reason, Service, fingerprint,
    known::Known,
    outcome,
    request::{Commit, Committed, Decided, Decision, Extend, Item, Quote, Release, Released, Reserve},
};
use crate::{
    catalog::{Action, Catalog, suggestion},
    clock::Millis,
    id::{AccountId, ActionName, BudgetName, ExtendId, ReservationId},
    ledger::{self, Answer, BudgetTerms, BudgetUse, Fingerprint, Once, Refusal, Verb},
};

/// How long a hold lives when neither the request nor the catalog says.
const TTL_DEFAULT: Duration = Duration::from_secs(600);

/// A new id that sorts by its time.
pub(super) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

fn new_reservation_id() -> ReservationId {
    ReservationId::parse(&new_id()).expect("a UUID has the form of an id")
}

impl Service {
    /// Holds credits for items, all or nothing.
    pub async fn reserve(&self, request: Reserve) -> Result<Decided, Error> {
        let print = fingerprint::reserve(&request);
        let id = request.id.clone().unwrap_or_else(new_reservation_id);
        let build = |known: &Known, now| Ok(Verb::Reserve(priced(known, &request, &id, print, now)?));
        self.decide(&request.account, build).await.map_err(about(&id))
    }

    /// Reserves and commits in one step.
    pub async fn charge(&self, request: Reserve) -> Result<Decided, Error> {
        let print = fingerprint::charge(&request);
        let id = request.id.clone().unwrap_or_else(new_reservation_id);
        let build = |known: &Known, now| Ok(Verb::Charge(priced(known, &request, &id, print, now)?));
        self.decide(&request.account, build).await.map_err(about(&id))
    }

    /// Prices items and says whether they would be granted; holds nothing.
    pub async fn quote(&self, request: Reserve) -> Result<Quote, Error> {
        let id = new_reservation_id();
        let build = |known: &Known, now| {
            let reserve = priced(known, &request, &id, Fingerprint::default(), now)?;
            Ok(Verb::Reserve(ledger::Reserve { dry_run: true, ..reserve }))
        };
        let decided = self.decide(&request.account, build).await?;
        match decided.decision {
            Decision::Granted(reservation) => {
                Ok(Quote { items: reservation.items, denied: None, balances: decided.balances })
            }
            Decision::Denied(denial) => {
                let known = self.known(&request.account).await?;
                let items = request.items.iter().map(|item| quoted(&known, item)).collect::<Result<_, _>>()?;
                Ok(Quote { items, denied: Some(denial), balances: decided.balances })
            }
        }
    }

    /// Ends a hold by charging what was used.
    pub async fn commit(&self, request: Commit) -> Result<Committed, Error> {
        let print = fingerprint::commit(&request);
        let verb = Verb::Commit(ledger::Commit {
            id: request.id.clone(),
            fingerprint: print,
            quantities: request.quantities,
            metadata: request.metadata,
        });
        let (known, reply) = self.ask(&request.account, |_, _| Ok(verb.clone())).await.map_err(about(&request.id))?;
        match reply.outcome {
            Ok(Answer::Charged { reservation, late }) => {
                Ok(Committed { reservation, late, balances: known.show(reply.balances) })
            }
            other => Err(outcome::unexpected(&request.account, &other)),
        }
    }

    /// Ends a hold without a charge.
    pub async fn release(&self, request: Release) -> Result<Released, Error> {
        let print = fingerprint::release(&request);
        let verb =
            Verb::Release(ledger::Release { id: request.id.clone(), fingerprint: print, reason: request.reason });
        let (known, reply) = self.ask(&request.account, |_, _| Ok(verb.clone())).await.map_err(about(&request.id))?;
        match reply.outcome {
            Ok(Answer::Released(reservation)) => Ok(Released { reservation, balances: known.show(reply.balances) }),
            other => Err(outcome::unexpected(&request.account, &other)),
        }
    }

    /// Asks for more quantity, more time, or both.
    pub async fn extend(&self, request: Extend) -> Result<Decided, Error> {
        let print = fingerprint::extend(&request);
        let id = request.id.clone();
        let new_extend_id = || ExtendId::parse(&new_id()).expect("a UUID has the form of an id");
        let verb = Verb::Extend(ledger::Extend {
            id: request.id,
            extend_id: request.extend_id.unwrap_or_else(new_extend_id),
            fingerprint: print,
            quantities: request.quantities,
            used: request.used,
            ttl: request.ttl,
        });
        self.decide(&request.account, |_, _| Ok(verb.clone())).await.map_err(about(&id))
    }

    async fn decide(
        &self,
        account: &AccountId,
        build: impl Fn(&Known, Millis) -> Result<Verb, Error> + Send,
    ) -> Result<Decided, Error> {
        let (known, reply) = self.ask(account, build).await?;
        let balances = known.show(reply.balances);
        match reply.outcome {
            Ok(Answer::Reservation(reservation) | Answer::Charged { reservation, .. }) => {
                Ok(Decided { decision: Decision::Granted(reservation), balances })
            }
            Err(Refusal::Denied(denial)) => Ok(Decided { decision: Decision::Denied(denial), balances }),
            other => Err(outcome::unexpected(account, &other)),
        }
    }
}

/// Names the reservation in an error.
fn about(id: &ReservationId) -> impl Fn(Error) -> Error + '_ {
    move |error| error.with("reservation_id", id)
}

/// The request with prices, pools and budgets of the account's catalog version.
fn priced(
    known: &Known,
    request: &Reserve,
    id: &ReservationId,
    fingerprint: Fingerprint,
    now: Millis,
) -> Result<ledger::Reserve, Error> {
    let mut ttl: Option<Duration> = None;
    let mut items = Vec::with_capacity(request.items.len());
    for (index, item) in request.items.iter().enumerate() {
        let action = find_action(known, item, index)?;
        ttl = ttl.max(action.ttl);
        items.push(priced_item(known, item, action, index)?);
    }
    let budgets = request.budgets.iter().map(|name| budget_use(known, name, now)).collect();
    Ok(ledger::Reserve {
        id: id.clone(),
        fingerprint,
        ttl: request.ttl.or(ttl).unwrap_or(TTL_DEFAULT),
        items,
        budgets,
        metadata: request.metadata.clone(),
        dry_run: request.dry_run,
    })
}

fn find_action<'a>(known: &'a Known, item: &Item, index: usize) -> Result<&'a Action, Error> {
    known.catalog.actions.get(&item.action).ok_or_else(|| {
        let Catalog { name, version, actions, .. } = &*known.catalog;
        let near = suggestion(item.action.as_str(), actions.keys().map(ActionName::as_str));
        let message =
            format!("items[{index}].action: {} is not in version {version} of catalog {name}{near}", item.action);
        Error::new(Reason::UnknownAction, message).with("action", &item.action).with("account", &known.record.id)
    })
}

fn priced_item(known: &Known, item: &Item, action: &Action, index: usize) -> Result<ledger::Item, Error> {
    if action.once != Once::EveryTime && item.subject.is_none() {
        let problem = format_args!("must be set: {} is charged once per subject", item.action);
        return Err(Error::invalid(format_args!("items[{index}].subject"), problem));
    }
    Ok(ledger::Item {
        action: item.action.clone(),
        pool: action.pool.clone(),
        in_plan: known.plan()?.pools.contains_key(&action.pool),
        quantity: item.quantity,
        min_quantity: item.min_quantity,
        price: action.price.for_dimensions(&item.dimensions),
        once: action.once,
        subject: item.subject.clone(),
        on_expiry: action.on_expiry,
        max_quantity: action.max_quantity,
        dimensions: item.dimensions.clone(),
    })
}

/// An item with its price, for a quote that would be denied.
fn quoted(known: &Known, item: &Item) -> Result<ledger::ReservedItem, Error> {
    let action = find_action(known, item, 0)?;
    let price = action.price.for_dimensions(&item.dimensions);
    let credits = price
        .cost(item.quantity)
        .map_err(|problem| Error::new(Reason::AmountOverflow, format!("the price of {} {problem}", item.action)))?;
    Ok(ledger::ReservedItem {
        action: item.action.clone(),
        pool: action.pool.clone(),
        quantity: item.quantity,
        credits,
        duplicate: false,
        subject: item.subject.clone(),
        charge: None,
    })
}

/// A budget with the terms to make it by, where the catalog has a template for its name.
fn budget_use(known: &Known, name: &BudgetName, now: Millis) -> BudgetUse {
    let template = known.catalog.budget_template(name).map(|template| BudgetTerms {
        name: name.clone(),
        pool: template.pool.clone(),
        limit: template.limit,
        cap: template.cap,
        cycle: template.cycle.as_ref().map_or_else(String::new, ToString::to_string),
        window: known.calendar.window_at(template.cycle.as_ref(), now),
    });
    BudgetUse { name: name.clone(), template }
}
