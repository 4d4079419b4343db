//! The standard health service.

use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::harness::world;

#[tokio::test]
async fn the_health_service_says_serving() {
    let stipend = world::shared();
    let mut health = HealthClient::new(stipend.channel(0));
    let answer = health.check(HealthCheckRequest { service: String::new() }).await.expect("health is served");
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
}

#[tokio::test]
async fn the_health_service_does_not_know_a_service_that_is_not_there() {
    let stipend = world::shared();
    let mut health = HealthClient::new(stipend.channel(0));
    let request = HealthCheckRequest { service: "stipend.v1.NoSuchService".into() };
    let status = health.check(request).await.expect_err("nobody serves it");
    assert_eq!(status.code(), tonic::Code::NotFound);
}
