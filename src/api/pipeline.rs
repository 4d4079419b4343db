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
    proto::v1::{self, pipeline_request::Command, pipeline_response::Answer},
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
    let reader =
        Reader { commands: Some(commands), drained: Box::pin(drain.cancelled_owned()), failure: Arc::clone(&failure) };
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::mpsc;
    use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};
    use tonic::Code;

    use super::*;

    type Sent = Result<v1::PipelineRequest, Status>;

    /// A command that is recognised by the account that it asks for.
    #[expect(clippy::unnecessary_wraps, reason = "as a stream carries it")]
    fn command(sequence: i64) -> Sent {
        let wire = v1::GetBalanceRequest { account: sequence.to_string(), pools: Vec::new() };
        Ok(v1::PipelineRequest { sequence, command: Some(Command::GetBalance(wire)) })
    }

    fn done() -> Answer {
        Answer::GetBalance(v1::GetBalanceResponse::default())
    }

    fn number(command: Option<Command>) -> i64 {
        match command {
            Some(Command::GetBalance(wire)) => wire.account.parse().expect("a number"),
            other => panic!("not sent: {other:?}"),
        }
    }

    #[tokio::test]
    async fn answers_come_as_they_finish_and_all_before_the_end() {
        let (first_may, first) = tokio::sync::watch::channel(false);
        let sent = stream::iter([command(1), command(2), command(3)]);
        let all = answers(sent, CancellationToken::new(), move |command| {
            let (number, mut first) = (number(command), first.clone());
            async move {
                if number == 1 {
                    first.wait_for(|may| *may).await.expect("told");
                }
                done()
            }
        });
        let mut all = Box::pin(all);
        let mut order = Vec::new();
        for _ in 0..2 {
            order.push(all.next().await.expect("an answer").expect("no failure").sequence);
        }
        first_may.send(true).expect("heard");
        order.push(all.next().await.expect("an answer").expect("no failure").sequence);
        assert_eq!(order, [2, 3, 1]);
        assert!(all.next().await.is_none(), "the client half-closed");
    }

    #[tokio::test]
    async fn reading_stops_at_the_most_that_may_be_under_way() {
        let begun = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let (count, pass) = (Arc::clone(&begun), Arc::clone(&gate));
        let total = IN_FLIGHT_MAX + 500;
        let sent = stream::iter((0..).map(command).take(total));
        let mut all = Box::pin(answers(sent, CancellationToken::new(), move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let pass = Arc::clone(&pass);
            async move {
                pass.acquire().await.expect("open").forget();
                done()
            }
        }));
        assert!(futures_util::poll!(all.next()).is_pending());
        assert_eq!(begun.load(Ordering::SeqCst), IN_FLIGHT_MAX);
        gate.add_permits(1);
        assert!(all.next().await.is_some());
        assert!(futures_util::poll!(all.next()).is_pending());
        assert_eq!(begun.load(Ordering::SeqCst), IN_FLIGHT_MAX + 1);
        gate.add_permits(total);
        assert_eq!(all.count().await, total - 1);
    }

    #[tokio::test]
    async fn what_cannot_be_read_ends_the_stream_after_the_answers() {
        let sent = stream::iter([command(1), Err(Status::out_of_range("too large")), command(2)]);
        let all: Vec<_> = answers(sent, CancellationToken::new(), |_| async {
            tokio::task::yield_now().await;
            done()
        })
        .collect()
        .await;
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].as_ref().expect("an answer").sequence, 1);
        assert_eq!(all[1].as_ref().expect_err("the failure").code(), Code::OutOfRange);
    }

    #[tokio::test]
    async fn a_draining_server_answers_what_it_read_and_says_why_it_ends() {
        let (client, sent) = mpsc::channel(8);
        let drain = CancellationToken::new();
        let mut all = Box::pin(answers(ReceiverStream::new(sent), drain.clone(), |_| async {
            tokio::task::yield_now().await;
            done()
        }));
        client.send(command(1)).await.expect("taken");
        assert!(futures_util::poll!(all.next()).is_pending());
        drain.cancel();
        assert_eq!(all.next().await.expect("an answer").expect("no failure").sequence, 1);
        let end = all.next().await.expect("an end").expect_err("a failure");
        assert_eq!(end.code(), Code::Unavailable);
        assert!(all.next().await.is_none());
    }

    #[tokio::test]
    async fn a_stream_that_is_not_taken_is_not_read() {
        let (client, sent) = mpsc::unbounded_channel();
        for sequence in 0..10 {
            client.send(command(sequence)).expect("taken");
        }
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let all = answers(UnboundedReceiverStream::new(sent), CancellationToken::new(), move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            async { done() }
        });
        tokio::task::yield_now().await;
        assert_eq!(begun.load(Ordering::SeqCst), 0);
        drop(all);
    }
}
