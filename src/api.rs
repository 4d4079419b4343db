//! The edge: gRPC, JSON over HTTP and their limits on one port. It parses requests into valid values, calls the service,
//! and words its answers; what the values mean is the service's business.

mod account;
mod catalog;
mod convert;
mod detached;
mod edge;
pub mod json;
mod maintenance;
mod pipeline;
mod quota;
pub mod server;
mod status;
mod usage;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
pub use tonic_health::{ServingStatus, server::HealthReporter};

pub use detached::Detached;
pub use edge::Edge;

use crate::{
    proto::v1::{
        account_service_server::AccountServiceServer, catalog_service_server::CatalogServiceServer,
        maintenance_service_server::MaintenanceServiceServer, quota_service_server::QuotaServiceServer,
        usage_service_server::UsageServiceServer,
    },
    service::Service,
};

/// Largest request, gRPC message and JSON body alike, in bytes.
pub const REQUEST_MAX: usize = 64 * 1024;

/// The services whose health can be asked for by name; the empty name stands for the whole server.
pub const SERVICES: [&str; 6] = [
    "",
    "stipend.v1.QuotaService",
    "stipend.v1.AccountService",
    "stipend.v1.UsageService",
    "stipend.v1.CatalogService",
    "stipend.v1.MaintenanceService",
];

/// What every gRPC service of Stipend works with.
#[derive(Clone)]
struct Api {
    service: Arc<Service>,
    detached: Detached,
    /// Cancelled when streams are to end because the server drains.
    drain: CancellationToken,
}

/// The gRPC services of Stipend, ready to be routed to.
pub fn routes(service: Arc<Service>, detached: Detached, drain: CancellationToken) -> Routes {
    let api = Api { service, detached, drain };
    Routes::new(QuotaServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(AccountServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(UsageServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(CatalogServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(MaintenanceServiceServer::new(api).max_decoding_message_size(REQUEST_MAX))
}

/// Adds the health service, which says `NOT_SERVING` for every name until the reporter says otherwise.
pub async fn with_health(routes: Routes) -> (Routes, HealthReporter) {
    let (reporter, server) = tonic_health::server::health_reporter();
    report_health(&reporter, ServingStatus::NotServing).await;
    (routes.add_service(server.max_decoding_message_size(REQUEST_MAX)), reporter)
}

/// Tells the health of every service at once.
pub async fn report_health(reporter: &HealthReporter, status: ServingStatus) {
    for name in SERVICES {
        reporter.set_service_status(name, status).await;
    }
}

/// Adds the reflection service, for tools that ask a server what it speaks.
pub fn with_reflection(routes: Routes) -> Result<Routes, tonic_reflection::server::Error> {
    let server = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(crate::proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    Ok(routes.add_service(server.max_decoding_message_size(REQUEST_MAX)))
}

#[cfg(test)]
mod tests;
