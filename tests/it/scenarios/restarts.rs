//! Rule 8 across restarts: what was acknowledged is there again, and is not done twice, after a stop and after a crash.

use crate::harness::{prelude::*, world::Own};

/// One of every verb that is repeatable, with its answer.
#[derive(Debug, PartialEq)]
struct Said {
    reserved: v1::Reservation,
    extended: v1::Reservation,
    committed: Vec<v1::ItemCharge>,
    released: Option<v1::Reservation>,
    charged: v1::Charged,
    granted: Option<v1::Grant>,
    refunded: Vec<i64>,
}

/// Says everything, for the first time or again.
async fn say(a: &Account) -> Said {
    Said {
        granted: a.grant("credits", "g1", 50).done().await.grant,
        reserved: a.reserve("open", [item("reply", 2)]).ttl(3600).granted().await,
        extended: a.extend("open", "e1").more(&[3]).granted().await,
        committed: {
            a.reserve("committed", [item("reply", 4)]).granted().await;
            a.commit("committed").quantities(&[3]).done().await.charges
        },
        released: {
            a.reserve("released", [item("reply", 4)]).granted().await;
            a.release("released").reason("stop").done().await.reservation
        },
        charged: a.charge("charged", [item("reply", 6), item("signup", 1).subject("u1")]).granted().await,
        refunded: a.refund("f1", "charged").credits(&[1, 0]).done().await.refunded,
    }
}

async fn survives(restart: impl AsyncFn(&mut Own) -> Stipend) {
    let mut own = own();
    let a = own.stipend().open("hard").await;
    let first = say(&a).await;
    a.put_budget(budget("b1", "credits", 7)).done().await;
    let balances = a.balances().await;
    let budgets = a.budgets().await;
    let account = a.get().await;
    a.check_conservation().await;

    for round in 0..2 {
        let a = a.through(restart(&mut own).await);
        assert_eq!(a.balances().await, balances, "round {round}");
        assert_eq!(a.budgets().await, budgets);
        assert_eq!(a.get().await.create_time, account.create_time);
        assert_eq!(say(&a).await, first, "every retry gets the same answer");
        assert_eq!(a.balances().await, balances, "and has no second effect");
        a.reserve("open", [item("reply", 3)]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
        a.extend("open", "e1").more(&[4]).failed().await.is(Code::AlreadyExists, "EXTEND_EXISTS");
        a.commit("committed").quantities(&[2]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
        a.release("committed").failed().await.is(Code::FailedPrecondition, "RESERVATION_COMMITTED");
        a.grant("credits", "g1", 51).failed().await.is(Code::AlreadyExists, "GRANT_EXISTS");
        a.refund("f1", "charged").credits(&[2, 0]).failed().await.is(Code::AlreadyExists, "REFUND_EXISTS");
        let again = a.charge(&format!("again{round}"), [item("signup", 1).subject("u1")]).granted().await;
        assert!(again.charges[0].duplicate, "marks survive");
        a.check_conservation().await;
    }
}

#[tokio::test]
async fn rule_08_retries_get_the_same_answer_after_a_restart() {
    survives(Own::restart).await;
}

#[tokio::test]
async fn rule_08_retries_get_the_same_answer_after_a_crash() {
    survives(async |own| own.crash()).await;
}

#[tokio::test]
async fn rule_21_a_test_clock_stands_where_it_stood_after_a_restart() {
    let mut own = own();
    let a = own.stipend().open("hard").clock("2025-01-31T00:00:00Z").await;
    a.reserve("r1", [item("reply", 4)]).ttl(60).granted().await;
    a.advance("2025-01-31T00:00:59Z").done().await;
    let a = a.through(own.restart().await);
    assert_eq!(a.get().await.now, Some(at("2025-01-31T00:00:59Z")));
    assert_eq!(a.balance("credits").await.held, 4);
    a.advance("2025-02-28T00:00:00Z").done().await;
    assert_eq!(a.reservation("r1").await.state(), State::Expired);
    assert_eq!(a.balance("credits").await.reset_time, Some(at("2025-03-31T00:00:00Z")));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_22_everything_acknowledged_before_a_crash_under_load_is_there_after_it() {
    let mut own = own();
    let a = own.stipend().open("hundred").await;
    a.grant("credits", "g1", 1_000_000).done().await;
    let callers: Vec<_> = (0..16)
        .map(|lane| {
            let charges: Vec<_> = (0..10_000)
                .map(|n| (format!("c{lane}-{n}"), a.charge(&format!("c{lane}-{n}"), [item("reply", 1)]).lane(lane)))
                .collect();
            async move {
                let mut acknowledged = Vec::new();
                for (id, charge) in charges {
                    if charge.send().await.is_err() {
                        break;
                    }
                    acknowledged.push(id);
                }
                acknowledged
            }
        })
        .collect();
    let load = race(callers);
    let crash = async {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        own.server.kill();
    };
    let (acknowledged, ()) = tokio::join!(load, crash);
    own.server.start_again();
    let a = a.through(own.stipend());
    let acknowledged: Vec<String> = acknowledged.into_iter().flatten().collect();
    assert!(!acknowledged.is_empty(), "the load must have begun");
    for id in &acknowledged {
        assert_eq!(a.reservation(id).await.state(), State::Committed, "{id}");
    }
    let consumed = a.balance("credits").await.consumed;
    let least = i64::try_from(acknowledged.len()).expect("a small number");
    // Each of the 16 callers may have had one charge under way whose answer it did not get.
    assert!((least..=least + 16).contains(&consumed), "{least} acknowledged, {consumed} consumed");
    a.check_conservation().await;
}
