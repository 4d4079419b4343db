//! One stream of commands: how many are under way, when reading stops, and how the stream ends. What a command does is
//! that of the unary call of its name.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt as _, stream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

use super::{Api, convert::field::Field, status};
use crate::{
    proto::v1::{
        self,
        pipeline_request::Command,
        pipeline_response::Answer,
    },
    service::{Error, Reason},
};

/// Most commands of one stream under way; past it the stream is not read.
pub const IN_FLIGHT_MAX: usize = 1_024;

impl Api {
    /// Does what one command says; a failure is its answer.
    pub(super) async fn execute(&self, command: Option<Command>) -> Answer {
        let result = match command {
            Some(Command::Reserve(wire)) => self.reserve(wire).await.map(Answer::Reserve),
            Some(Command::Commit(wire)) => self.commit(wire).await.map(Answer::Commit),
            Some(Command::Release(wire)) => self.release(wire).await.map(Answer::Release),
            Some(Command::Extend(wire)) => self.extend(wire).await.map(Answer::Extend),
            Some(Command::Charge(wire)) => self.charge(wire).await.map(Answer::Charge),
            Some(Command::GetBalance(wire)) => self.get_balance(wire).await.map(Answer::GetBalance),
            Some(Command::GetReservation(wire)) => self.get_reservation(wire).await.map(Answer::GetReservation),
            None => Err(Field::named("command").invalid("must be set")),
        };
        result.unwrap_or_else(|error| Answer::Error(status::stream_error(&error)))
    }
}

/// Answers commands as they finish. All that were read are answered before the stream ends, however it ends: when the
/// client has no more, when what it sent cannot be read, or when the server drains.
pub fn answers<C, E, F>(
    commands: C,
    drain: CancellationToken,
    execute: E,
) -> impl Stream<Item = Result<v1::PipelineResponse, Status>> + Send
where
    C: Stream<Item = Result<v1::PipelineRequest, Status>> + Send + Unpin + 'static,
    E: Fn(Option<Command>) -> F + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let failure = Arc::new(OnceLock::new());
    let reader = Reader {
        commands: Some(commands),
        drained: Box::pin(drain.cancelled_owned()),
        failure: Arc::clone(&failure),
    };
    let finished = reader
        .map(move |v1::PipelineRequest { sequence, command }| {
            let answer = execute(command);
            async move { Ok(v1::PipelineResponse { sequence, answer: Some(answer.await) }) }
        })
        .buffer_unordered(IN_FLIGHT_MAX);
    let last = stream::once(async move { failure.get().cloned().map(Err) });
    finished.chain(last.filter_map(std::future::ready))
}

/// Reads commands until there are no more, and keeps why if that is a failure.
struct Reader<C> {
    /// `None` once it has ended.
    commands: Option<C>,
    drained: Pin<Box<WaitForCancellationFutureOwned>>,
    failure: Arc<OnceLock<Status>>,
}

impl<C> Stream for Reader<C>
where
    C: Stream<Item = Result<v1::PipelineRequest, Status>> + Unpin,
{
    type Item = v1::PipelineRequest;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<v1::PipelineRequest>> {
        let Some(commands) = self.commands.as_mut() else { return Poll::Ready(None) };
        let end = match Pin::new(commands).poll_next(cx) {
            Poll::Ready(Some(Ok(command))) => return Poll::Ready(Some(command)),
            Poll::Ready(Some(Err(status))) => Some(status),
            Poll::Ready(None) => None,
            Poll::Pending => match self.drained.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => {
                    let error = Error::new(Reason::ShuttingDown, "the server is shutting down, connect again");
                    Some(status::status(&error))
                }
            },
        };
        self.commands = None;
        if let Some(status) = end {
            let _ = self.failure.set(status);
        }
        Poll::Ready(None)
    }
}
