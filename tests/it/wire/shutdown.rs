//! A stop that answers what it took, and a directory that one process owns.

use std::time::Duration;

use crate::harness::{
    prelude::*,
    server::{Backend, terminate},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_answers_every_call_that_it_took_and_ends_with_0() {
    let mut own = own();
    let a = own.stipend().open("hundred").await;
    a.grant("credits", "g1", 1_000_000).done().await;
    let callers: Vec<_> = (0..16)
        .map(|lane| {
            let calls: Vec<_> =
                (0..20_000).map(|n| a.charge(&format!("c{lane}-{n}"), [item("reply", 1)]).lane(lane)).collect();
            async move {
                let mut answered = 0;
                for call in calls {
                    match call.send().await {
                        Ok(_) => answered += 1,
                        Err(_) => break,
                    }
                }
                answered
            }
        })
        .collect();
    let pid = own.server.pid();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        terminate(pid);
    };
    let (answered, ()) = tokio::join!(race(callers), stop);
    let status = own.server.wait().await;
    assert!(status.success(), "the server ended with {status}");
    let answered: i64 = answered.into_iter().sum();
    assert!(answered > 0, "the load must have begun");
    own.server.start_again();
    let a = a.through(own.stipend());
    assert_eq!(a.balance("credits").await.consumed, answered, "a call without an answer has had no effect");
    a.check_conservation().await;
}

#[tokio::test]
async fn a_stop_ends_streams_that_are_open() {
    let mut own = own();
    let a = own.stipend().open("hard").await;
    let (commands, receiver) = tokio::sync::mpsc::channel::<v1::PipelineRequest>(1);
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let answers = own.stipend().quota().pipeline(stream).await.expect("a stream opens");
    a.check_conservation().await;
    let status = own.server.terminate().await;
    assert!(status.success(), "an idle stream must not hold up a stop: {status}");
    drop((commands, answers));
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused() {
    if Backend::from_env() != Backend::Embedded {
        // Only the embedded store lives in a directory.
        return;
    }
    let own = own();
    let second = own.server.try_second();
    assert!(!second.success(), "two servers share a directory");
    let a = own.stipend().open("hard").await;
    a.charge("c1", [item("reply", 1)]).granted().await;
    a.check_conservation().await;
}
