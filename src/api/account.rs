//! `AccountService`: who has credits.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    Api,
    convert::{account as convert, quota::account_id},
    status::answer,
};
use crate::{
    proto::v1::{self, account_service_server::AccountService},
    service::Error,
};

impl Api {
    async fn put_account(&self, wire: v1::PutAccountRequest) -> Result<v1::Account, Error> {
        let draft = convert::put_account(wire)?;
        let service = Arc::clone(&self.service);
        let account = self.detached.finish(async move { service.put_account(draft).await }).await?;
        Ok(convert::account(account))
    }

    async fn get_account(&self, wire: v1::GetAccountRequest) -> Result<v1::Account, Error> {
        Ok(convert::account(self.service.get_account(account_id(&wire.account)?).await?))
    }

    async fn list_accounts(&self, wire: v1::ListAccountsRequest) -> Result<v1::ListAccountsResponse, Error> {
        let (after, limit) = convert::list_accounts(&wire)?;
        Ok(convert::accounts(self.service.list_accounts(after, limit).await?))
    }

    async fn delete_account(&self, wire: v1::DeleteAccountRequest) -> Result<v1::DeleteAccountResponse, Error> {
        let id = account_id(&wire.account)?;
        let service = Arc::clone(&self.service);
        self.detached.finish(async move { service.delete_account(id).await }).await?;
        Ok(v1::DeleteAccountResponse {})
    }

    async fn change_plan(&self, wire: v1::ChangePlanRequest) -> Result<v1::Account, Error> {
        let asked = convert::change_plan(&wire)?;
        let service = Arc::clone(&self.service);
        let account = self.detached.finish(async move { service.change_plan(asked).await }).await?;
        Ok(convert::account(account))
    }

    async fn grant_credits(&self, wire: v1::GrantCreditsRequest) -> Result<v1::GrantCreditsResponse, Error> {
        let asked = convert::grant_credits(wire)?;
        let account = asked.account.clone();
        let service = Arc::clone(&self.service);
        let granted = self.detached.finish(async move { service.grant_credits(asked).await }).await?;
        Ok(convert::granted(&account, granted))
    }

    async fn revoke_grant(&self, wire: v1::RevokeGrantRequest) -> Result<v1::RevokeGrantResponse, Error> {
        let asked = convert::revoke_grant(wire)?;
        let account = asked.account.clone();
        let service = Arc::clone(&self.service);
        let revoked = self.detached.finish(async move { service.revoke_grant(asked).await }).await?;
        Ok(convert::revoked(&account, revoked))
    }

    async fn refund(&self, wire: v1::RefundRequest) -> Result<v1::RefundResponse, Error> {
        let asked = convert::refund(wire)?;
        let account = asked.account.clone();
        let service = Arc::clone(&self.service);
        let refunded = self.detached.finish(async move { service.refund(asked).await }).await?;
        Ok(convert::refunded(&account, refunded))
    }

    async fn put_budget(&self, wire: v1::PutBudgetRequest) -> Result<v1::Budget, Error> {
        let asked = convert::put_budget(wire)?;
        let service = Arc::clone(&self.service);
        let budget = self.detached.finish(async move { service.put_budget(asked).await }).await?;
        Ok(convert::budget(budget))
    }

    async fn delete_budget(&self, wire: v1::DeleteBudgetRequest) -> Result<v1::DeleteBudgetResponse, Error> {
        let (account, name) = convert::delete_budget(&wire)?;
        let service = Arc::clone(&self.service);
        self.detached.finish(async move { service.delete_budget(account, name).await }).await?;
        Ok(v1::DeleteBudgetResponse {})
    }

    async fn list_budgets(&self, wire: v1::ListBudgetsRequest) -> Result<v1::ListBudgetsResponse, Error> {
        let (account, after, limit) = convert::list_budgets(&wire)?;
        Ok(convert::budgets(self.service.list_budgets(account, after, limit).await?))
    }

    async fn advance_test_clock(&self, wire: v1::AdvanceTestClockRequest) -> Result<v1::Account, Error> {
        let (account, to) = convert::advance_test_clock(&wire)?;
        let service = Arc::clone(&self.service);
        let account = self.detached.finish(async move { service.advance_test_clock(account, to).await }).await?;
        Ok(convert::account(account))
    }
}

#[tonic::async_trait]
impl AccountService for Api {
    async fn put_account(&self, request: Request<v1::PutAccountRequest>) -> Result<Response<v1::Account>, Status> {
        answer(Api::put_account(self, request.into_inner()).await)
    }

    async fn get_account(&self, request: Request<v1::GetAccountRequest>) -> Result<Response<v1::Account>, Status> {
        answer(Api::get_account(self, request.into_inner()).await)
    }

    async fn list_accounts(
        &self,
        request: Request<v1::ListAccountsRequest>,
    ) -> Result<Response<v1::ListAccountsResponse>, Status> {
        answer(Api::list_accounts(self, request.into_inner()).await)
    }

    async fn delete_account(
        &self,
        request: Request<v1::DeleteAccountRequest>,
    ) -> Result<Response<v1::DeleteAccountResponse>, Status> {
        answer(Api::delete_account(self, request.into_inner()).await)
    }

    async fn change_plan(&self, request: Request<v1::ChangePlanRequest>) -> Result<Response<v1::Account>, Status> {
        answer(Api::change_plan(self, request.into_inner()).await)
    }

    async fn grant_credits(
        &self,
        request: Request<v1::GrantCreditsRequest>,
    ) -> Result<Response<v1::GrantCreditsResponse>, Status> {
        answer(Api::grant_credits(self, request.into_inner()).await)
    }

    async fn revoke_grant(
        &self,
        request: Request<v1::RevokeGrantRequest>,
    ) -> Result<Response<v1::RevokeGrantResponse>, Status> {
        answer(Api::revoke_grant(self, request.into_inner()).await)
    }

    async fn refund(&self, request: Request<v1::RefundRequest>) -> Result<Response<v1::RefundResponse>, Status> {
        answer(Api::refund(self, request.into_inner()).await)
    }

    async fn put_budget(&self, request: Request<v1::PutBudgetRequest>) -> Result<Response<v1::Budget>, Status> {
        answer(Api::put_budget(self, request.into_inner()).await)
    }

    async fn delete_budget(
        &self,
        request: Request<v1::DeleteBudgetRequest>,
    ) -> Result<Response<v1::DeleteBudgetResponse>, Status> {
        answer(Api::delete_budget(self, request.into_inner()).await)
    }

    async fn list_budgets(
        &self,
        request: Request<v1::ListBudgetsRequest>,
    ) -> Result<Response<v1::ListBudgetsResponse>, Status> {
        answer(Api::list_budgets(self, request.into_inner()).await)
    }

    async fn advance_test_clock(
        &self,
        request: Request<v1::AdvanceTestClockRequest>,
    ) -> Result<Response<v1::Account>, Status> {
        answer(Api::advance_test_clock(self, request.into_inner()).await)
    }
}
