//! `QuotaService`: hold, charge, give back. Each verb is a plain function of messages, which unary calls and streams share.

use std::{pin::Pin, sync::Arc};

use futures_util::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{Api, convert::quota as convert, pipeline, status::answer};
use crate::{
    proto::v1::{self, quota_service_server::QuotaService},
    service::Error,
};

impl Api {
    pub(super) async fn reserve(&self, wire: v1::ReserveRequest) -> Result<v1::ReserveResponse, Error> {
        let asked = convert::reserve(wire)?;
        let (account, what) = (asked.account.clone(), convert::asked_for(&asked.items));
        let service = Arc::clone(&self.service);
        let decided = self.detached.finish(async move { service.reserve(asked).await }).await?;
        Ok(convert::reserved(&account, decided, &what))
    }

    pub(super) async fn charge(&self, wire: v1::ChargeRequest) -> Result<v1::ChargeResponse, Error> {
        let asked = convert::charge(wire)?;
        let (account, what) = (asked.account.clone(), convert::asked_for(&asked.items));
        let service = Arc::clone(&self.service);
        let decided = self.detached.finish(async move { service.charge(asked).await }).await?;
        Ok(convert::charged(&account, decided, &what))
    }

    pub(super) async fn commit(&self, wire: v1::CommitRequest) -> Result<v1::CommitResponse, Error> {
        let asked = convert::commit(wire)?;
        let account = asked.account.clone();
        let service = Arc::clone(&self.service);
        let committed = self.detached.finish(async move { service.commit(asked).await }).await?;
        Ok(convert::committed(&account, committed))
    }

    pub(super) async fn release(&self, wire: v1::ReleaseRequest) -> Result<v1::ReleaseResponse, Error> {
        let asked = convert::release(wire)?;
        let account = asked.account.clone();
        let service = Arc::clone(&self.service);
        let released = self.detached.finish(async move { service.release(asked).await }).await?;
        Ok(convert::released(&account, released))
    }

    pub(super) async fn extend(&self, wire: v1::ExtendRequest) -> Result<v1::ExtendResponse, Error> {
        let asked = convert::extend(&wire)?;
        let account = asked.account.clone();
        let service = Arc::clone(&self.service);
        let decided = self.detached.finish(async move { service.extend(asked).await }).await?;
        Ok(convert::extended(&account, decided))
    }

    pub(super) async fn get_balance(&self, wire: v1::GetBalanceRequest) -> Result<v1::GetBalanceResponse, Error> {
        let asked = convert::get_balance(&wire)?;
        let account = asked.account.clone();
        let balances = self.service.get_balance(asked).await?;
        Ok(v1::GetBalanceResponse { balances: convert::balances(&account, balances) })
    }

    pub(super) async fn get_reservation(&self, wire: v1::GetReservationRequest) -> Result<v1::Reservation, Error> {
        let (account, id) = convert::get_reservation(&wire)?;
        let reservation = self.service.get_reservation(account.clone(), id).await?;
        Ok(convert::reservation(&account, reservation))
    }

    async fn list_reservations(
        &self,
        wire: v1::ListReservationsRequest,
    ) -> Result<v1::ListReservationsResponse, Error> {
        let asked = convert::list_reservations(&wire)?;
        let account = asked.account.clone();
        let page = self.service.list_reservations(asked).await?;
        Ok(convert::reservations(&account, page))
    }
}

#[tonic::async_trait]
impl QuotaService for Api {
    type PipelineStream = Pin<Box<dyn Stream<Item = Result<v1::PipelineResponse, Status>> + Send>>;

    async fn reserve(&self, request: Request<v1::ReserveRequest>) -> Result<Response<v1::ReserveResponse>, Status> {
        answer(Api::reserve(self, request.into_inner()).await)
    }

    async fn commit(&self, request: Request<v1::CommitRequest>) -> Result<Response<v1::CommitResponse>, Status> {
        answer(Api::commit(self, request.into_inner()).await)
    }

    async fn release(&self, request: Request<v1::ReleaseRequest>) -> Result<Response<v1::ReleaseResponse>, Status> {
        answer(Api::release(self, request.into_inner()).await)
    }

    async fn extend(&self, request: Request<v1::ExtendRequest>) -> Result<Response<v1::ExtendResponse>, Status> {
        answer(Api::extend(self, request.into_inner()).await)
    }

    async fn charge(&self, request: Request<v1::ChargeRequest>) -> Result<Response<v1::ChargeResponse>, Status> {
        answer(Api::charge(self, request.into_inner()).await)
    }

    async fn get_balance(
        &self,
        request: Request<v1::GetBalanceRequest>,
    ) -> Result<Response<v1::GetBalanceResponse>, Status> {
        answer(Api::get_balance(self, request.into_inner()).await)
    }

    async fn get_reservation(
        &self,
        request: Request<v1::GetReservationRequest>,
    ) -> Result<Response<v1::Reservation>, Status> {
        answer(Api::get_reservation(self, request.into_inner()).await)
    }

    async fn list_reservations(
        &self,
        request: Request<v1::ListReservationsRequest>,
    ) -> Result<Response<v1::ListReservationsResponse>, Status> {
        answer(Api::list_reservations(self, request.into_inner()).await)
    }

    async fn pipeline(
        &self,
        request: Request<Streaming<v1::PipelineRequest>>,
    ) -> Result<Response<Self::PipelineStream>, Status> {
        let api = self.clone();
        let execute = move |command| {
            let api = api.clone();
            async move { api.execute(command).await }
        };
        Ok(Response::new(Box::pin(pipeline::answers(request.into_inner(), self.drain.clone(), execute))))
    }
}
