//! The stream of commands: answers by sequence, failures that end nothing, back-pressure, half-close.

use std::{collections::HashMap, time::Duration};

use stipend::proto::v1::{PipelineRequest, PipelineResponse, pipeline_request::Command, pipeline_response::Answer};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::harness::prelude::*;

/// A stream under way: commands in, answers out.
struct Pipe {
    commands: mpsc::Sender<PipelineRequest>,
    answers: Streaming<PipelineResponse>,
}

impl Pipe {
    async fn open(stipend: &Stipend) -> Self {
        let (commands, receiver) = mpsc::channel(1);
        let answers = stipend.quota().pipeline(ReceiverStream::new(receiver)).await.expect("a stream opens");
        Self { commands, answers: answers.into_inner() }
    }

    async fn send(&self, sequence: i64, command: Command) {
        let request = PipelineRequest { sequence, command: Some(command) };
        self.commands.send(request).await.expect("the stream takes commands");
    }

    /// Half-closes the stream and collects what is still to come.
    async fn finish(self) -> HashMap<i64, Answer> {
        let Self { commands, mut answers } = self;
        drop(commands);
        let mut all = HashMap::new();
        while let Some(answer) = answers.message().await.expect("a stream ends well") {
            let sequence = answer.sequence;
            let twice = all.insert(sequence, answer.answer.expect("an answer says something"));
            assert_eq!(twice, None, "{sequence} was answered twice");
        }
        all
    }
}

#[tokio::test]
async fn every_command_is_answered_under_its_sequence() {
    let a = open("hard").await;
    let mut pipe = Pipe::open(&a.stipend).await;
    let commands = [
        Command::Reserve(a.reserve("r1", [item("reply", 4)]).request),
        Command::Extend(a.extend("r1", "e1").more(&[1]).request),
        Command::Commit(a.commit("r1").quantities(&[3]).request),
        Command::Charge(a.charge("c1", [item("reply", 2)]).request),
        Command::Reserve(a.reserve("r2", [item("reply", 2)]).request),
        Command::Release(a.release("r2").request),
        Command::Reserve(a.reserve("r3", [item("reply", 11)]).request),
        Command::GetReservation(v1::GetReservationRequest { account: a.id.clone(), reservation_id: "r1".into() }),
        Command::GetBalance(v1::GetBalanceRequest { account: a.id.clone(), pools: vec!["credits".into()] }),
    ];
    let mut answers = Vec::new();
    for (sequence, command) in (100..).step_by(7).zip(commands) {
        // One at a time: each command depends on the one before.
        pipe.send(sequence, command).await;
        let answer = pipe.answers.message().await.expect("a stream goes on").expect("a command is answered");
        assert_eq!(answer.sequence, sequence);
        answers.push(answer.answer.expect("an answer says something"));
    }
    match answers.as_slice() {
        [
            Answer::Reserve(reserved),
            Answer::Extend(extended),
            Answer::Commit(committed),
            Answer::Charge(charged),
            Answer::Reserve(_),
            Answer::Release(released),
            Answer::Reserve(denied),
            Answer::GetReservation(reservation),
            Answer::GetBalance(balance),
        ] => {
            assert!(matches!(reserved.outcome, Some(v1::reserve_response::Outcome::Granted(_))));
            assert!(matches!(extended.outcome, Some(v1::extend_response::Outcome::Granted(_))));
            assert_eq!(committed.charges[0].credits, 3);
            assert!(matches!(charged.outcome, Some(v1::charge_response::Outcome::Charged(_))));
            assert_eq!(released.reservation.as_ref().map(v1::Reservation::state), Some(State::Released));
            assert!(matches!(denied.outcome, Some(v1::reserve_response::Outcome::Denied(_))));
            assert_eq!(reservation.state(), State::Committed);
            assert_eq!(balance.balances[0].consumed, 5);
        }
        other => panic!("each command has its own kind of answer: {other:#?}"),
    }
    assert!(pipe.finish().await.is_empty());
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_commands_are_answered_once_each() {
    let a = open("hundred").await;
    let Pipe { commands, answers } = Pipe::open(&a.stipend).await;
    let requests: Vec<_> = (0..10_000).map(|n| a.charge(&format!("c{n}"), [item("reply", 1)]).request).collect();
    let sender = async move {
        for (sequence, charge) in (0..).zip(requests) {
            let request = PipelineRequest { sequence, command: Some(Command::Charge(charge)) };
            commands.send(request).await.expect("the stream takes commands");
        }
    };
    let reader = async move {
        let mut answers = answers;
        let (mut charged, mut seen) = (0, HashMap::new());
        while let Some(answer) = answers.message().await.expect("a stream ends well") {
            let Some(Answer::Charge(response)) = answer.answer else { panic!("a charge is answered: {answer:?}") };
            charged += usize::from(matches!(response.outcome, Some(v1::charge_response::Outcome::Charged(_))));
            *seen.entry(answer.sequence).or_insert(0) += 1;
        }
        (charged, seen)
    };
    let ((), (charged, seen)) = tokio::join!(sender, reader);
    assert_eq!(charged, 100, "an allowance of 100, and 10,000 callers");
    assert_eq!(seen.len(), 10_000);
    assert!(seen.values().all(|times| *times == 1));
    assert_eq!(a.balance("credits").await.consumed, 100);
    a.check_conservation().await;
}

#[tokio::test]
async fn a_failed_command_does_not_end_the_stream() {
    let a = open("hard").await;
    let pipe = Pipe::open(&a.stipend).await;
    pipe.send(1, Command::Commit(a.commit("nothing").request)).await;
    pipe.send(2, Command::Reserve(a.reserve("r1", [item("reply", -1)]).request)).await;
    pipe.send(3, Command::Reserve(a.reserve("r1", [item("no_such_action", 1)]).request)).await;
    pipe.commands.send(PipelineRequest { sequence: 4, command: None }).await.expect("the stream takes commands");
    pipe.send(5, Command::Charge(a.charge("c1", [item("reply", 1)]).request)).await;
    let answers = pipe.finish().await;
    let error = |sequence: i64| match &answers[&sequence] {
        Answer::Error(error) => (Code::from(error.code), error.reason.as_str()),
        other => panic!("{sequence} should have failed: {other:?}"),
    };
    assert_eq!(error(1), (Code::NotFound, "RESERVATION_NOT_FOUND"));
    assert_eq!(error(2), (Code::InvalidArgument, "INVALID_ARGUMENT"));
    assert_eq!(error(3), (Code::InvalidArgument, "UNKNOWN_ACTION"));
    assert_eq!(error(4).0, Code::InvalidArgument);
    assert!(matches!(answers[&5], Answer::Charge(_)));
    a.check_conservation().await;
}

#[tokio::test]
async fn a_half_closed_stream_answers_what_it_took_and_ends() {
    let a = open("hundred").await;
    let pipe = Pipe::open(&a.stipend).await;
    for n in 0..50 {
        pipe.send(n, Command::Charge(a.charge(&format!("c{n}"), [item("reply", 1)]).request)).await;
    }
    let answers = pipe.finish().await;
    assert_eq!(answers.len(), 50);
    assert_eq!(a.balance("credits").await.consumed, 50);
    a.check_conservation().await;
}

#[tokio::test]
async fn a_sequence_is_the_callers_own_and_may_be_anything() {
    let a = open("hard").await;
    let pipe = Pipe::open(&a.stipend).await;
    for sequence in [i64::MIN, -1, 0, i64::MAX] {
        pipe.send(sequence, Command::GetBalance(v1::GetBalanceRequest { account: a.id.clone(), pools: vec![] })).await;
    }
    let mut sequences: Vec<_> = pipe.finish().await.into_keys().collect();
    sequences.sort_unstable();
    assert_eq!(sequences, [i64::MIN, -1, 0, i64::MAX]);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_whose_answers_nobody_takes_stops_being_read() {
    const COMMANDS: i64 = 100_000;

    let a = open("hard").await;
    let Pipe { commands, mut answers } = Pipe::open(&a.stipend).await;
    let balance = v1::GetBalanceRequest { account: a.id.clone(), pools: Vec::new() };
    let (mut sent, mut answered) = (0, 0);
    let request = |sequence| PipelineRequest { sequence, command: Some(Command::GetBalance(balance.clone())) };
    // Without back-pressure all of them would go, and their answers would pile up in the service.
    while sent < COMMANDS {
        match tokio::time::timeout(Duration::from_secs(2), commands.send(request(sent))).await {
            Ok(taken) => taken.expect("the stream takes commands"),
            Err(_) => break,
        }
        sent += 1;
    }
    assert!(sent < COMMANDS, "the service read {sent} commands whose answers nobody took");
    drop(commands);
    while answers.message().await.expect("a stream ends well").is_some() {
        answered += 1;
    }
    assert_eq!(answered, sent, "what was taken is answered once somebody listens");
    a.check_conservation().await;
}

#[tokio::test]
async fn two_streams_over_one_account_grant_what_there_is_and_no_more() {
    let a = open("hard").await;
    let pipes = race((0..2).map(|half| {
        let stipend = a.stipend.clone();
        let reserves: Vec<_> =
            (0..200).map(|n| a.reserve(&format!("r{half}-{n}"), [item("reply", 1)]).request).collect();
        async move {
            let pipe = Pipe::open(&stipend).await;
            for (sequence, reserve) in (0..).zip(reserves) {
                pipe.send(sequence, Command::Reserve(reserve)).await;
            }
            let answers = pipe.finish().await;
            assert_eq!(answers.len(), 200);
            let granted = |answer: &&Answer| match answer {
                Answer::Reserve(response) => {
                    matches!(response.outcome, Some(v1::reserve_response::Outcome::Granted(_)))
                }
                other => panic!("a reserve is answered: {other:?}"),
            };
            answers.values().filter(granted).count()
        }
    }))
    .await;
    assert_eq!(pipes.into_iter().sum::<usize>(), 10);
    a.check_conservation().await;
}
