//! How commands reach a service: where it is, how long to wait, what a failure means. What is asked and how answers look is
//! the commands' business.

mod failure;
mod method;
mod suggest;

use std::{future::Future, time::Duration};

use anyhow::Context as _;
use clap::Args;
use http::uri::PathAndQuery;
use jiff::tz::TimeZone;
use tonic::{
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

pub use failure::Failure;
pub use method::Method;

use super::{
    exit::Exit,
    progress::{Progress, WORTH_A_BAR},
    show::Out,
    value,
};
use crate::proto::v1;

/// Largest answer that is read: a page of a thousand accounts with all their labels.
const ANSWER_MAX: usize = 64 << 20;
/// Rows of a page: few enough for one answer, enough for few calls.
const PAGE: usize = 500;
/// Most pages of one list; beyond it, the list says that there is more.
const PAGES_MAX: usize = 10_000;

/// Where the service is, and how its answers are shown
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection and output")]
pub struct To {
    /// Address of the service
    #[arg(long, env = "STIPEND_SERVER", default_value = "http://127.0.0.1:7300", value_name = "ADDR",
          value_parser = value::server)]
    pub server: String,

    /// How long to wait for each answer, such as `500ms` or `10s`
    #[arg(long, env = "STIPEND_TIMEOUT", default_value = "10s", value_name = "DURATION",
          value_parser = value::duration)]
    pub timeout: Duration,

    /// Print the answer as one JSON document (proto3 JSON, as the HTTP API answers it)
    #[arg(long)]
    pub json: bool,
}

impl To {
    /// Connects, and does the work on the connection.
    pub fn talk<F>(&self, work: impl FnOnce(Client) -> F) -> anyhow::Result<Exit>
    where
        F: Future<Output = anyhow::Result<Exit>>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("cannot start; is the machine out of memory or files?")?;
        let done = runtime.block_on(async { work(self.connect().await?).await });
        done.map_err(|error| match error.downcast::<Failure>() {
            Ok(failure) => Failure { json: self.json, ..failure }.into(),
            Err(error) => error,
        })
    }

    async fn connect(&self) -> Result<Client, Failure> {
        let refused = |problem: String| Failure::unreachable(&self.server, &problem);
        let endpoint = Endpoint::from_shared(self.server.clone()).map_err(|_| refused("no address".to_owned()))?;
        let endpoint = endpoint.connect_timeout(self.timeout).http2_keep_alive_interval(Duration::from_secs(30));
        let connecting = patiently(&self.server, tokio::time::timeout(self.timeout, endpoint.connect()));
        match connecting.await {
            Ok(Ok(channel)) => Ok(Client { channel, to: self.clone() }),
            Ok(Err(error)) => Err(refused(failure::root(&error))),
            Err(_) => Err(refused(format!("no answer within {:?}", self.timeout))),
        }
    }
}

/// Waits, and says so on a terminal when it takes longer than a second.
async fn patiently<F: Future>(server: &str, work: F) -> F::Output {
    tokio::pin!(work);
    if let Ok(done) = tokio::time::timeout(WORTH_A_BAR, &mut work).await {
        return done;
    }
    let waiting = Progress::waiting(format!("waiting for {server}"));
    let done = work.await;
    waiting.finish();
    done
}

/// A connection to a service.
pub struct Client {
    channel: Channel,
    to: To,
}

impl Client {
    /// Where answers go.
    pub fn out(&self) -> Out {
        Out::new(self.to.json)
    }

    /// Makes one call.
    ///
    /// # Errors
    /// With the name that was probably meant, where one was given that does not exist.
    pub async fn call<M: Method>(&self, request: M) -> Result<M::Answer, Failure> {
        let failure = match self.ask(request).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let hint = suggest::for_failure(self, &failure).await;
        Err(failure.hinting(hint))
    }

    /// Makes one call, and does not look for what was meant.
    pub async fn ask<M: Method>(&self, request: M) -> Result<M::Answer, Failure> {
        let To { server, timeout, .. } = &self.to;
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX);
        let mut request = tonic::Request::new(request);
        request.set_timeout(*timeout);
        let call = async {
            grpc.ready().await.map_err(|error| Failure::unreachable(server, &failure::root(&error)))?;
            let path = PathAndQuery::from_static(M::PATH);
            let answer = grpc.unary(request, path, ProstCodec::default()).await;
            answer.map_err(|status| {
                if failure::is_late(&status) { Failure::late(server, *timeout) } else { Failure::of(server, &status) }
            })
        };
        match patiently(server, tokio::time::timeout(*timeout, call)).await {
            Ok(answer) => answer.map(tonic::Response::into_inner),
            // The same deadline is told to the service, and whoever sees it pass first says so.
            Err(_) => Err(Failure::late(server, *timeout)),
        }
    }

    /// Reads a list page by page, at most `limit` rows; gives whether there are more.
    ///
    /// `page` makes the request of a page out of its size and token, and takes the rows and the next token out of an
    /// answer.
    pub async fn list<M: Method, T>(
        &self,
        title: &'static str,
        limit: usize,
        request: impl Fn(i32, String) -> M,
        rows: impl Fn(M::Answer) -> (Vec<T>, String),
    ) -> Result<Listed<T>, Failure> {
        let progress = Progress::new(title, None);
        let mut listed = Listed { rows: Vec::new(), next_page_token: String::new() };
        // A page may bring no row, where a filter skips much.
        for _ in 0..PAGES_MAX {
            if listed.rows.len() >= limit {
                break;
            }
            let size = PAGE.min(limit - listed.rows.len());
            let size = i32::try_from(size).expect("a page is small");
            let (page, token) = rows(self.call(request(size, listed.next_page_token)).await?);
            listed.rows.extend(page);
            listed.next_page_token = token;
            progress.set(listed.rows.len() as u64);
            if listed.next_page_token.is_empty() {
                break;
            }
        }
        progress.finish();
        Ok(listed)
    }

    /// The zone that an account's cycles live in, to show times in; UTC where it cannot be had, or nobody will look.
    pub async fn zone(&self, account: &str) -> TimeZone {
        if self.to.json {
            return TimeZone::UTC;
        }
        let request = v1::GetAccountRequest { account: account.to_owned() };
        match self.ask(request).await {
            Ok(account) => TimeZone::get(&account.time_zone).unwrap_or(TimeZone::UTC),
            Err(_) => TimeZone::UTC,
        }
    }
}

/// Rows of a list, and where it goes on.
pub struct Listed<T> {
    pub rows: Vec<T>,
    /// Empty when these are all.
    pub next_page_token: String,
}

impl<T> Listed<T> {
    /// Tells a person that there are more rows.
    pub fn tell_of_more(&self) {
        if !self.next_page_token.is_empty() {
            super::show::note(&format!("there are more than these {}; give --limit", self.rows.len()));
        }
    }
}
