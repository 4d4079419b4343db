//! A quota service that does what the account's name says.

use std::{pin::Pin, time::Duration};

use futures_util::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    api::{
        Detached, pipeline,
        status::{answer, status},
    },
    proto::v1::{self, pipeline_response::Answer, quota_service_server::QuotaService},
    service::{Error, Reason},
};

#[derive(Clone)]
pub struct Fake {
    pub detached: Detached,
    pub drain: CancellationToken,
}

fn failed<T>(reason: Reason, message: &str) -> Result<T, Status> {
    Err(status(&Error::new(reason, message).with("account", "it")))
}

#[tonic::async_trait]
impl QuotaService for Fake {
    type PipelineStream = Pin<Box<dyn Stream<Item = Result<v1::PipelineResponse, Status>> + Send>>;

    /// Grants what is asked, showing back what it read.
    async fn reserve(&self, request: Request<v1::ReserveRequest>) -> Result<Response<v1::ReserveResponse>, Status> {
        let wire = request.into_inner();
        match wire.account.as_str() {
            "missing" => return failed(Reason::AccountNotFound, "account missing does not exist"),
            "overloaded" => return failed(Reason::Overloaded, "too many commands wait"),
            "panicking" => panic!("as asked"),
            "slow" => {
                // 200 ms: long against a deadline of 5 ms and a drain that has begun, short for people.
                let work = async {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    Ok(v1::ReserveResponse::default())
                };
                return answer(self.detached.finish(work).await);
            }
            _ => {}
        }
        let items = wire.items.into_iter().map(|item| v1::ReservedItem {
            action: item.action,
            quantity: item.quantity,
            subject: item.subject,
            ..v1::ReservedItem::default()
        });
        let granted = v1::Reservation {
            account: wire.account,
            id: wire.reservation_id,
            state: v1::reservation::State::Active.into(),
            items: items.collect(),
            metadata: wire.metadata,
            expire_time: wire.ttl.map(|ttl| prost_types::Timestamp { seconds: ttl.seconds, nanos: ttl.nanos }),
            ..v1::Reservation::default()
        };
        let outcome = Some(v1::reserve_response::Outcome::Granted(granted));
        Ok(Response::new(v1::ReserveResponse { outcome, balances: vec![v1::Balance::default()] }))
    }

    async fn get_balance(
        &self,
        request: Request<v1::GetBalanceRequest>,
    ) -> Result<Response<v1::GetBalanceResponse>, Status> {
        let account = request.into_inner().account;
        Ok(Response::new(v1::GetBalanceResponse { balances: vec![v1::Balance { account, ..v1::Balance::default() }] }))
    }

    async fn pipeline(
        &self,
        request: Request<Streaming<v1::PipelineRequest>>,
    ) -> Result<Response<Self::PipelineStream>, Status> {
        let execute = |_| async { Answer::GetBalance(v1::GetBalanceResponse::default()) };
        Ok(Response::new(Box::pin(pipeline::answers(request.into_inner(), self.drain.clone(), execute))))
    }

    async fn commit(&self, _: Request<v1::CommitRequest>) -> Result<Response<v1::CommitResponse>, Status> {
        failed(Reason::Unimplemented, "not faked")
    }

    async fn release(&self, _: Request<v1::ReleaseRequest>) -> Result<Response<v1::ReleaseResponse>, Status> {
        failed(Reason::Unimplemented, "not faked")
    }

    async fn extend(&self, _: Request<v1::ExtendRequest>) -> Result<Response<v1::ExtendResponse>, Status> {
        failed(Reason::Unimplemented, "not faked")
    }

    async fn charge(&self, _: Request<v1::ChargeRequest>) -> Result<Response<v1::ChargeResponse>, Status> {
        failed(Reason::Unimplemented, "not faked")
    }

    async fn get_reservation(
        &self,
        _: Request<v1::GetReservationRequest>,
    ) -> Result<Response<v1::Reservation>, Status> {
        failed(Reason::Unimplemented, "not faked")
    }

    async fn list_reservations(
        &self,
        _: Request<v1::ListReservationsRequest>,
    ) -> Result<Response<v1::ListReservationsResponse>, Status> {
        failed(Reason::Unimplemented, "not faked")
    }
}
