//! Budgets: named sub-limits of an account.

use futures_util::future::try_join_all;

use super::{
    Error, Reason, Service,
    known::Known,
    outcome,
    request::{Page, PutBudget},
};
use crate::{
    catalog::CycleSpec,
    id::{AccountId, BudgetName},
    ledger::{Answer, Budget, BudgetTerms, Verb},
};

impl Service {
    /// Creates a budget, or changes its limit, cap or cycle.
    pub async fn put_budget(&self, request: PutBudget) -> Result<Budget, Error> {
        let cycle = match request.cycle.as_str() {
            "" => None,
            text => Some(CycleSpec::parse_short(text).map_err(|problem| Error::invalid("budget.cycle", problem))?),
        };
        let build = |known: &Known, now| {
            known.check_pool(&request.pool)?;
            Ok(Verb::PutBudget(BudgetTerms {
                name: request.name.clone(),
                pool: request.pool.clone(),
                limit: request.limit,
                cap: request.cap,
                cycle: cycle.as_ref().map_or_else(String::new, ToString::to_string),
                window: known.calendar.window_at(cycle.as_ref(), now),
            }))
        };
        let (_, reply) = self.ask(&request.account, build).await?;
        budget_of(&request.account, reply.outcome)
    }

    /// Removes a budget. Holds that count against it go on without it.
    pub async fn delete_budget(&self, account: AccountId, name: BudgetName) -> Result<(), Error> {
        let (_, reply) = self.ask(&account, |_, _| Ok(Verb::DeleteBudget { name: name.clone() })).await?;
        match reply.outcome {
            Ok(Answer::Done) => Ok(()),
            other => Err(outcome::unexpected(&account, &other)),
        }
    }

    /// Lists budgets in the order of their names, at most `limit`.
    pub async fn list_budgets(
        &self,
        account: AccountId,
        after: Option<BudgetName>,
        limit: usize,
    ) -> Result<Page<Budget, BudgetName>, Error> {
        self.known(&account).await?;
        let mut names = self.ledger.budgets(account.clone(), after, limit + 1).await?;
        let more = names.len() > limit;
        names.truncate(limit);
        let next = names.last().cloned().filter(|_| more);
        let found = try_join_all(names.into_iter().map(|name| self.find_budget(&account, name))).await?;
        Ok(Page { rows: found.into_iter().flatten().collect(), next })
    }

    /// A budget that was listed; it may be gone by now.
    async fn find_budget(&self, account: &AccountId, name: BudgetName) -> Result<Option<Budget>, Error> {
        match self.ask(account, |_, _| Ok(Verb::GetBudget { name: name.clone() })).await {
            Ok((_, reply)) => budget_of(account, reply.outcome).map(Some),
            Err(error) if error.reason == Reason::BudgetNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn budget_of(account: &AccountId, outcome: Result<Answer, crate::ledger::Refusal>) -> Result<Budget, Error> {
    match outcome {
        Ok(Answer::Budget(budget)) => Ok(budget),
        other => Err(outcome::unexpected(account, &other)),
    }
}
