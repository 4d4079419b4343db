//! What an operator does with a whole database: check it, take a backup of it while it serves, and restore that.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use stipend::{
    clock::SystemClock,
    ledger::{
        Kept, Ledger as _,
        embedded::{Engine, Options},
        lines::Lines,
    },
};

use crate::harness::{
    client::Stipend,
    prelude::*,
    server::{Backend, Launch, Server},
    world::shared,
};

fn stipend(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stipend"))
        .args(arguments)
        .env_remove("STIPEND_SERVER")
        .output()
        .expect("the binary under test can be started")
}

/// Runs it where the test's servers are clients' too: on a thread of its own.
async fn run(arguments: &[&str]) -> Output {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let run = move || stipend(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.expect("the command ends")
}

#[track_caller]
fn done(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}{}", output.status, String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// What a command that must fail says.
#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of UTF-8")
}

/// Works on one account until it is told to stop; gives the ids of what was held before `noted` was set.
async fn work(account: &Account, noted: &AtomicBool, stop: &AtomicBool) -> Vec<String> {
    let mut before = Vec::new();
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("w{round}");
        account.reserve(&id, [item("reply", 1)]).granted().await;
        if !noted.load(Ordering::Relaxed) {
            before.push(id.clone());
        }
        if round % 2 == 0 {
            account.commit(&id).done().await;
        }
    }
    before
}

#[tokio::test]
async fn a_backup_taken_while_serving_restores_on_another_directory_and_verifies() {
    let own = own();
    let stipend = own.stipend();
    let (noted, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut workers = Vec::new();
    for _ in 0..6 {
        let account = stipend.open("soft").await;
        let (noted, stop) = (Arc::clone(&noted), Arc::clone(&stop));
        workers.push(tokio::spawn(async move {
            let before = work(&account, &noted, &stop).await;
            (account, before)
        }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    noted.store(true, Ordering::Relaxed);
    let backup = own.home().join("backup.jsonl");
    let server = own.server.addr().to_string();
    let exported = run(&["export", "--server", &server, "--out", text(&backup)]).await;
    done(&exported);
    stop.store(true, Ordering::Relaxed);
    let mut worked = Vec::new();
    for worker in workers {
        worked.push(worker.await.expect("the work goes well"));
    }

    let data = own.home().join("restored");
    let said = done(&run(&["import", "--data", text(&data), text(&backup)]).await);
    assert!(said.contains("read again, compared and verified"), "{said}");
    let said = done(&run(&["verify", "--data", text(&data)]).await);
    assert!(said.contains("6 accounts") && said.contains("every sum agrees"), "{said}");

    let launch = Launch { backend: Backend::Embedded, data, catalogs: Vec::new(), more: Vec::new() };
    let restored = Server::start(launch);
    let again = Stipend::at(restored.addr());
    for (account, before) in worked {
        assert!(!before.is_empty(), "nothing was done before the backup");
        let copy = account.through(again.clone());
        account.check_conservation().await;
        copy.check_conservation().await;
        let then = copy.balance("credits").await;
        for id in &before {
            copy.reserve(id, [item("reply", 1)]).granted().await;
        }
        assert_eq!(copy.balance("credits").await, then, "what was held before the backup is in it");
    }
}

#[tokio::test]
async fn the_database_that_the_suite_works_on_adds_up_while_it_does() {
    let server = shared().addr().to_string();
    for _ in 0..3 {
        let said = done(&run(&["verify", "--server", &server]).await);
        assert!(said.contains("every sum agrees"), "{said}");
    }
    let document = done(&run(&["verify", "--server", &server, "--json"]).await);
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!((&document["clean"], &document["difference_count"]), (&true.into(), &0.into()), "{document}");
}

/// A server's database after a little work, at rest.
async fn at_rest() -> (own::Home, PathBuf) {
    let mut own = own();
    let account = own.stipend().open("hard").await;
    account.reserve("open", [item("reply", 2)]).granted().await;
    account.reserve("spent", [item("reply", 3)]).granted().await;
    account.commit("spent").done().await;
    account.check_conservation().await;
    assert!(own.server.terminate().await.success());
    let data = own.home().join("data");
    (own::Home(own), data)
}

/// Keeps a directory as long as the test needs it.
mod own {
    pub struct Home(#[expect(dead_code, reason = "held for its directory")] pub crate::harness::world::Own);
}

#[tokio::test]
async fn an_export_is_the_same_however_often_it_goes_round() {
    let (_home, data) = at_rest().await;
    let lines = |export: &str| export.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let first = lines(&done(&run(&["export", "--data", text(&data)]).await));
    assert!(first.iter().any(|line| line.contains(r#""record":"r:open""#)), "{first:#?}");
    let file = data.with_extension("jsonl");
    done(&run(&["export", "--data", text(&data), "--out", text(&file)]).await);
    let copy = data.with_extension("copy");
    done(&run(&["import", "--data", text(&copy), text(&file)]).await);
    assert_eq!(lines(&done(&run(&["export", "--data", text(&copy)]).await)), first);
    let again = refused(&run(&["export", "--data", text(&data), "--out", text(&file)]).await);
    assert!(again.contains("--force"), "{again}");
    let full = refused(&run(&["import", "--data", text(&copy), text(&file)]).await);
    assert!(full.contains("is not empty"), "{full}");
}

#[tokio::test]
async fn an_export_that_was_cut_or_changed_is_refused_and_leaves_nothing() {
    let (_home, data) = at_rest().await;
    let export = done(&run(&["export", "--data", text(&data)]).await);
    let lines: Vec<&str> = export.lines().collect();
    let joined = |lines: &[&str]| lines.iter().flat_map(|line| [*line, "\n"]).collect::<String>();
    let hold = lines.iter().position(|line| line.contains(r#""hold":"open""#)).expect("a hold is open");
    let mut without_hold = lines.clone();
    without_hold.remove(hold);
    let mut twice = lines.clone();
    twice.insert(hold, lines[hold]);
    let pool = lines.iter().position(|line| line.contains(r#""record":"p:"#)).expect("a pool is there");
    let changed = lines[pool].replacen(r#""data":"AQ"#, r#""data":"AA"#, 1);
    let mut other_byte = lines.clone();
    other_byte[pool] = &changed;
    let cases = [
        ("without its end", joined(&lines[..lines.len() - 1]), "cut short"),
        ("cut within a line", export[..export.len() - 5].to_owned(), "cut short"),
        ("without a line", joined(&without_hold), "the end says"),
        ("with a line twice", joined(&twice), "the end says"),
        ("with another byte", joined(&other_byte), "line "),
        ("with more behind it", format!("{export}{{}}\n"), "comes after the end"),
        ("of something else", "{\"a\":1}\n".to_owned(), "is not the first line"),
        ("of nothing", String::new(), "is empty"),
    ];
    let (file, copy) = (data.with_extension("jsonl"), data.with_extension("copy"));
    for (what, content, expected) in cases {
        std::fs::write(&file, content).expect("a file can be written");
        let said = refused(&run(&["import", "--data", text(&copy), text(&file)]).await);
        assert!(said.contains(expected), "an export {what}: {said}");
        assert!(!copy.exists() && !copy.with_extension("copy.importing").exists(), "an export {what} leaves something");
    }
}

#[tokio::test]
async fn a_database_that_does_not_add_up_is_named_credit_by_credit() {
    let (_home, data) = at_rest().await;
    let export = done(&run(&["export", "--data", text(&data)]).await);
    let mut lines = Lines::open(export.as_bytes()).expect("an export");
    let mut pieces = Vec::new();
    while let Some(piece) = lines.piece().expect("a good export") {
        // The index of holds has lost one.
        if !matches!(piece, Kept::Hold { .. }) {
            pieces.push(piece);
        }
    }
    let damaged = data.with_extension("damaged");
    let clock = Arc::new(SystemClock);
    let engine = Engine::open(&damaged, Options::default(), clock).expect("a new database");
    engine.restore(pieces).await.expect("kept");
    engine.close().await.expect("closed");
    let output = run(&["verify", "--data", text(&damaged)]).await;
    assert!(refused(&output).contains("does not add up"));
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(said.contains("reservation open: it is open until"), "{said}");
    assert!(said.contains("1 difference"), "{said}");
}

#[tokio::test]
async fn what_is_no_database_or_is_in_use_is_told() {
    let own = own();
    let nothing = refused(&run(&["verify", "--data", text(&own.home().join("nothing"))]).await);
    assert!(nothing.contains("there is no database in"), "{nothing}");
    assert!(!own.home().join("nothing").exists(), "looking must not make one");
    let served = refused(&run(&["export", "--data", text(&own.home().join("data"))]).await);
    assert!(served.contains("in use by another process"), "{served}");
    let nobody = refused(&run(&["verify", "--server", "127.0.0.1:9"]).await);
    assert!(nobody.contains("cannot reach 127.0.0.1:9"), "{nobody}");
}
