//! Connections over a real socket: both wires on one port, the bounds, the orderly end.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, transport::Channel};
use tonic_health::{ServingStatus, pb};

use super::*;
use crate::{
    api::{
        report_health,
        server::{Limits, Server},
    },
    proto::v1::{self, quota_service_client::QuotaServiceClient},
};

struct Running {
    address: SocketAddr,
    health: super::super::HealthReporter,
    drain: CancellationToken,
    abort: CancellationToken,
    ended: JoinHandle<()>,
}

async fn start(limits: Limits) -> Running {
    let (drain, abort) = (CancellationToken::new(), CancellationToken::new());
    let (edge, health, _) = edge(&drain).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = Server::new(edge, limits, drain.clone(), abort.clone());
    Running { address, health, drain, abort, ended: tokio::spawn(server.run(listener)) }
}

impl Running {
    async fn channel(&self) -> Channel {
        let uri = format!("http://{}", self.address);
        Channel::from_shared(uri).expect("an address").connect().await.expect("connected")
    }

    /// Says something on a connection of its own, and gives all that comes back until it is closed.
    async fn say(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(text.as_bytes()).await.expect("sent");
        let mut heard = Vec::new();
        // A connection that is cut off may end in an error; what came before counts.
        let _ = stream.read_to_end(&mut heard).await;
        String::from_utf8_lossy(&heard).into_owned()
    }
}

fn reserve(account: &str) -> v1::ReserveRequest {
    v1::ReserveRequest { account: account.into(), ..v1::ReserveRequest::default() }
}

const CURL: &str = "POST /stipend.v1.QuotaService/GetBalance HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                    connection: close\r\ncontent-length: 18\r\n\r\n{\"account\":\"acme\"}";

#[tokio::test]
async fn both_wires_are_served_on_one_port() {
    let running = start(Limits::default()).await;
    let mut grpc = QuotaServiceClient::new(running.channel().await);
    assert!(grpc.reserve(reserve("acme")).await.is_ok());
    let json = running.say(CURL).await;
    assert!(json.starts_with("HTTP/1.1 200 OK\r\n"), "{json}");
    assert!(json.contains(r#""available":"0""#), "{json}");
}

#[tokio::test]
async fn a_message_past_64_kib_is_out_of_range() {
    let running = start(Limits::default()).await;
    let mut grpc = QuotaServiceClient::new(running.channel().await);
    let status = grpc.reserve(reserve(&"a".repeat(REQUEST_MAX))).await.expect_err("too large");
    assert_eq!(status.code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_grpc_deadline_is_kept_by_the_server() {
    // No socket: a channel would read the deadline too, and give up by itself.
    let (edge, ..) = edge(&CancellationToken::new()).await;
    let service = tower::service_fn(move |request: Request<tonic::body::Body>| {
        let edge = edge.clone();
        async move { Ok::<_, std::convert::Infallible>(edge.answer(request.map(Body::new)).await) }
    });
    let mut grpc = QuotaServiceClient::new(service);
    let mut request = tonic::Request::new(reserve("slow"));
    request.set_timeout(Duration::from_millis(5));
    assert_eq!(grpc.reserve(request).await.expect_err("late").code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let running = start(Limits { first_bytes: Duration::from_millis(20), ..Limits::default() }).await;
    assert_eq!(running.say("").await, "");
    assert_eq!(running.say("PRI * HTT").await, "", "half a preface is nothing yet");
}

#[tokio::test]
async fn headers_that_never_end_are_not_waited_for() {
    let running = start(Limits { http1_headers: Duration::from_millis(20), ..Limits::default() }).await;
    let heard = running.say("POST / HTTP/1.1\r\nhost: x\r\n").await;
    assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 408"), "{heard}");
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_others_go_on() {
    let running = start(Limits { connections: 1, ..Limits::default() }).await;
    let mut grpc = QuotaServiceClient::new(running.channel().await);
    assert!(grpc.reserve(reserve("acme")).await.is_ok());
    assert_eq!(running.say(CURL).await, "");
    assert!(grpc.reserve(reserve("acme")).await.is_ok());
}

#[tokio::test]
async fn what_was_accepted_is_answered_before_the_end() {
    let running = start(Limits::default()).await;
    let channel = running.channel().await;
    let mut slow = QuotaServiceClient::new(channel.clone());
    let accepted = tokio::spawn(async move { slow.reserve(reserve("slow")).await });
    // The pipeline's first answer shows that the connection carries calls, the slow one among them.
    let (client, sent) = mpsc::channel(4);
    let mut grpc = QuotaServiceClient::new(channel);
    let mut pipeline = grpc.pipeline(ReceiverStream::new(sent)).await.expect("a stream").into_inner();
    client.send(v1::PipelineRequest { sequence: 1, command: None }).await.expect("taken");
    assert_eq!(pipeline.next().await.expect("an answer").expect("no failure").sequence, 1);

    running.drain.cancel();
    assert!(accepted.await.expect("joined").is_ok());
    assert_eq!(pipeline.next().await.expect("an end").expect_err("a status").code(), Code::Unavailable);
    running.ended.await.expect("the server ended by itself");
    assert!(TcpStream::connect(running.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_watcher_of_health_hears_the_end_and_does_not_hold_it_up() {
    let running = start(Limits::default()).await;
    report_health(&running.health, ServingStatus::Serving).await;
    let mut health = pb::health_client::HealthClient::new(running.channel().await);
    let asked = pb::HealthCheckRequest { service: "stipend.v1.QuotaService".into() };
    let mut watch = health.watch(asked).await.expect("a stream").into_inner();
    let first = watch.next().await.expect("a status").expect("no failure");
    assert_eq!(first.status(), pb::health_check_response::ServingStatus::Serving);

    report_health(&running.health, ServingStatus::NotServing).await;
    running.drain.cancel();
    let last = watch.next().await.expect("a status").expect("no failure");
    assert_eq!(last.status(), pb::health_check_response::ServingStatus::NotServing);
    assert_eq!(watch.next().await.expect("an end").expect_err("a status").code(), Code::Unavailable);
    running.ended.await.expect("the server ended by itself");
}

#[tokio::test]
async fn an_abort_ends_what_a_drain_waits_for() {
    let running = start(Limits::default()).await;
    let mut grpc = QuotaServiceClient::new(running.channel().await);
    let call = tokio::spawn(async move { grpc.reserve(reserve("slow")).await });
    // Until the call has reached the server, there would be nothing to abort.
    tokio::time::sleep(Duration::from_millis(50)).await;
    running.drain.cancel();
    running.abort.cancel();
    running.ended.await.expect("the server ended");
    assert!(call.await.expect("joined").is_err());
}
