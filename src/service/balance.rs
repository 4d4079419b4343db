//! What is read of an account while work goes on: balances and reservations.

use futures_util::future::try_join_all;

use super::{
    Error, Reason, Service,
    known::Known,
    outcome,
    request::{Balance, GetBalance, ListReservations, Page},
};
use crate::{
    catalog::suggestion,
    id::{AccountId, PoolName, ReservationId},
    ledger::{self, Answer, Reservation, Verb},
};

/// Rows read at once while a list is filtered.
const SCAN: usize = 1_000;
/// Rows that one filtered page may look at; it may then come short and go on where it stopped.
const SCAN_MAX: usize = 10_000;

impl Known {
    /// Adds what the catalog calls each pool.
    pub(super) fn show(&self, balances: Vec<ledger::Balance>) -> Vec<Balance> {
        let show = |balance: ledger::Balance| {
            let pool = self.catalog.pools.get(&balance.pool);
            Balance {
                title: pool.map_or_else(|| balance.pool.to_string(), |pool| pool.title.clone()),
                unit: pool.map_or_else(|| "credits".to_owned(), |pool| pool.unit.clone()),
                scale: pool.map_or(1, |pool| pool.scale),
                balance,
            }
        };
        balances.into_iter().map(show).collect()
    }

    /// A pool must be in the plan to have a balance.
    pub(super) fn check_pool(&self, pool: &PoolName) -> Result<(), Error> {
        if !self.catalog.pools.contains_key(pool) {
            let near = suggestion(pool.as_str(), self.plan()?.pools.keys().map(PoolName::as_str));
            let message = format!("pool {pool} is not in catalog {}{near}", self.catalog.name);
            return Err(Error::new(Reason::UnknownPool, message).with("pool", pool));
        }
        if !self.plan()?.pools.contains_key(pool) {
            let near = suggestion(pool.as_str(), self.plan()?.pools.keys().map(PoolName::as_str));
            let message = format!("plan {} does not list pool {pool}{near}", self.profile.plan);
            return Err(Error::new(Reason::PoolNotInPlan, message).with("pool", pool).with("account", &self.record.id));
        }
        Ok(())
    }
}

impl Service {
    /// Shows balances, exact now; without pools named all of the plan's.
    pub async fn get_balance(&self, request: GetBalance) -> Result<Vec<Balance>, Error> {
        let build = |known: &Known, _| {
            let pools = if request.pools.is_empty() {
                known.plan()?.pools.keys().cloned().collect()
            } else {
                request.pools.iter().try_for_each(|pool| known.check_pool(pool))?;
                request.pools.clone()
            };
            Ok(Verb::GetBalance { pools })
        };
        let (known, reply) = self.ask(&request.account, build).await?;
        match reply.outcome {
            Ok(Answer::Done) => Ok(known.show(reply.balances)),
            other => Err(outcome::unexpected(&request.account, &other)),
        }
    }

    /// Shows one reservation.
    pub async fn get_reservation(&self, account: AccountId, id: ReservationId) -> Result<Reservation, Error> {
        let build = |_: &Known, _| Ok(Verb::GetReservation { id: id.clone() });
        let (_, reply) = self.ask(&account, build).await.map_err(|error| error.with("reservation_id", &id))?;
        match reply.outcome {
            Ok(Answer::Reservation(reservation)) => Ok(reservation),
            other => Err(outcome::unexpected(&account, &other)),
        }
    }

    /// Lists reservations in the order of their ids.
    pub async fn list_reservations(
        &self,
        request: ListReservations,
    ) -> Result<Page<Reservation, ReservationId>, Error> {
        self.known(&request.account).await?;
        let mut rows = Vec::new();
        let mut after = request.after;
        for _ in 0..SCAN_MAX / SCAN {
            let ids = self.ledger.reservations(request.account.clone(), after.clone(), SCAN).await?;
            let last_page = ids.len() < SCAN;
            let found = try_join_all(ids.into_iter().map(|id| self.find(&request.account, id))).await?;
            for (id, reservation) in found {
                let Some(reservation) = reservation.filter(|r| request.state.is_none_or(|state| r.state == state))
                else {
                    after = Some(id);
                    continue;
                };
                if rows.len() == request.limit {
                    return Ok(Page { rows, next: after });
                }
                rows.push(reservation);
                after = Some(id);
            }
            if last_page {
                return Ok(Page { rows, next: None });
            }
        }
        Ok(Page { rows, next: after })
    }

    /// A reservation that was listed; it may be gone by now.
    async fn find(
        &self,
        account: &AccountId,
        id: ReservationId,
    ) -> Result<(ReservationId, Option<Reservation>), Error> {
        match self.get_reservation(account.clone(), id.clone()).await {
            Ok(reservation) => Ok((id, Some(reservation))),
            Err(error) if error.reason == Reason::ReservationNotFound => Ok((id, None)),
            Err(error) => Err(error),
        }
    }
}
