//! `CatalogService`: what there is to spend credits on.

use tonic::{Request, Response, Status};

use super::{
    Api,
    convert::{catalog as convert, quota},
    status::answer,
};
use crate::{
    proto::v1::{self, catalog_service_server::CatalogService},
    service::Error,
};

impl Api {
    fn get_catalog(&self, wire: &v1::GetCatalogRequest) -> Result<v1::Catalog, Error> {
        let (name, version) = convert::get_catalog(wire)?;
        let (catalog, versions) = self.service.catalog(name, version.as_ref())?;
        Ok(convert::catalog(&catalog, &versions))
    }

    async fn quote(&self, wire: v1::QuoteRequest) -> Result<v1::QuoteResponse, Error> {
        let asked = quota::quote(wire)?;
        let (account, what) = (asked.account.clone(), quota::asked_for(&asked.items));
        Ok(quota::quoted(&account, self.service.quote(asked).await?, &what))
    }
}

#[tonic::async_trait]
impl CatalogService for Api {
    async fn get_catalog(&self, request: Request<v1::GetCatalogRequest>) -> Result<Response<v1::Catalog>, Status> {
        answer(Api::get_catalog(self, request.get_ref()))
    }

    async fn quote(&self, request: Request<v1::QuoteRequest>) -> Result<Response<v1::QuoteResponse>, Status> {
        answer(Api::quote(self, request.into_inner()).await)
    }
}
