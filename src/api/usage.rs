//! `UsageService`: what happened, and how much of it.

use std::pin::Pin;

use futures_util::Stream;
use tonic::{Request, Response, Status};

use super::{
    Api,
    convert::usage as convert,
    status::{answer, status},
};
use crate::{
    proto::v1::{self, usage_service_server::UsageService},
    service::{Error, Reason},
};

impl Api {
    async fn list_activity(&self, wire: v1::ListActivityRequest) -> Result<v1::ListActivityResponse, Error> {
        Ok(convert::activity(self.service.list_activity(convert::list_activity(&wire)?).await?))
    }

    async fn query_usage(&self, wire: v1::QueryUsageRequest) -> Result<v1::QueryUsageResponse, Error> {
        Ok(convert::usage(self.service.query_usage(convert::query_usage(&wire)?).await?))
    }
}

#[tonic::async_trait]
impl UsageService for Api {
    type WatchBalanceStream = Pin<Box<dyn Stream<Item = Result<v1::WatchBalanceResponse, Status>> + Send>>;
    type WatchEventsStream = Pin<Box<dyn Stream<Item = Result<v1::WatchEventsResponse, Status>> + Send>>;

    async fn list_activity(
        &self,
        request: Request<v1::ListActivityRequest>,
    ) -> Result<Response<v1::ListActivityResponse>, Status> {
        answer(Api::list_activity(self, request.into_inner()).await)
    }

    async fn query_usage(
        &self,
        request: Request<v1::QueryUsageRequest>,
    ) -> Result<Response<v1::QueryUsageResponse>, Status> {
        answer(Api::query_usage(self, request.into_inner()).await)
    }

    async fn watch_balance(
        &self,
        _: Request<v1::WatchBalanceRequest>,
    ) -> Result<Response<Self::WatchBalanceStream>, Status> {
        Err(not_yet("WatchBalance", "ask GetBalance instead"))
    }

    async fn watch_events(
        &self,
        _: Request<v1::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        Err(not_yet("WatchEvents", "ask ListActivity instead"))
    }
}

fn not_yet(method: &str, instead: &str) -> Status {
    let message = format!("{method} is not served by this version; {instead}");
    status(&Error::new(Reason::Unimplemented, message).with("method", method))
}
