//! Exit codes, what is told of failures, and that a change can be repeated.

use std::{collections::BTreeSet, net::TcpListener, time::Duration};

use stipend::cli::exit::Exit;

use super::{account, stipend, stipend_at};

#[test]
fn a_grant_ends_with_0_and_a_denial_with_3() {
    let id = account("ai-employee", "trial");
    assert_eq!(stipend(&format!("reserve {id} ai_reply=2")).done().code, 0);
    let denied = stipend(&format!("charge {id} website_sync=2"));
    assert_eq!((denied.code, denied.err.as_str()), (3, ""), "a refusal is an answer");
    for told in ["INSUFFICIENT_CREDITS", "ai_credits", "required", "50", "available", "48", "resets"] {
        assert!(denied.out.contains(told), "{told} is not in:\n{}", denied.out);
    }
    assert_eq!(stipend(&format!("quote {id} ai_reply=49")).code, 3);
    assert_eq!(stipend(&format!("reserve {id} ai_reply=49 --dry-run")).code, 3);
    assert_eq!(stipend(&format!("quote {id} ai_reply=48")).code, 0);
}

#[test]
fn what_is_written_wrongly_ends_with_2() {
    let id = account("ai-employee", "starter");
    for line in [
        "balance",
        "balanse acme",
        &format!("reserve {id}"),
        &format!("reserve {id} ai_reply=1,5"),
        &format!("grant {id} ai_credits 1,000"),
        &format!("reserve {id} ai_reply --ttl soon"),
        &format!("balance {id} --server https://credits.example"),
        &format!("reserve {id} no_such_action"),
        &format!("account rm {id}"),
        &format!("account put {id} --plan no_such_plan"),
    ] {
        let ran = stipend(line);
        assert_eq!(ran.code, 2, "{line}: {}{}", ran.out, ran.err);
        assert_eq!(ran.out, "", "{line}");
        assert!(ran.err.starts_with("error: "), "{line}: {}", ran.err);
    }
}

#[test]
fn what_is_not_there_ends_with_4_and_a_conflict_with_5() {
    let id = account("ai-employee", "starter");
    stipend(&format!("reserve {id} ai_reply --id r1")).done();
    stipend(&format!("release {id} r1")).done();
    for (line, code) in [
        (format!("balance {id}-not-there"), 4),
        (format!("commit {id} no-such-hold"), 4),
        (format!("revoke {id} ai_credits no-such-grant"), 4),
        (format!("budget rm {id} no-such-budget"), 4),
        (format!("commit {id} r1"), 5),
        (format!("reserve {id} ai_reply=2 --id r1"), 5),
        (format!("account put {id} --zone Europe/Berlin"), 5),
        (format!("clock advance {id} --to 2040-01-01"), 5),
    ] {
        let ran = stipend(&line);
        assert_eq!(ran.code, code, "{line}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn a_service_that_is_not_there_ends_with_6_and_says_so() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = free.local_addr().expect("bound");
    drop(free);
    let ran = stipend_at(addr, "balance acme");
    assert_eq!(ran.code, 6, "{}", ran.err);
    let expected = format!(
        "error: cannot reach http://{addr}: connection refused\nhint: is `stipend serve` running? give --server\n"
    );
    assert_eq!(ran.err, expected);
}

#[test]
fn a_change_without_an_answer_tells_how_to_repeat_it() {
    // Takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = silent.local_addr().expect("bound");
    let ran = stipend_at(addr, "charge acme ai_reply --timeout 300ms");
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert!(ran.err.contains("did not answer within 300ms"), "{}", ran.err);
    let (_, rest) = ran.err.split_once("--id ").expect("the id that it made");
    let id = rest.split(',').next().expect("a word");
    assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    let given = stipend_at(addr, "commit acme r1 --timeout 300ms");
    assert!(given.err.contains("the same id (r1)"), "{}", given.err);
    let read = stipend_at(addr, "balance acme --timeout 300ms");
    assert!(read.code == 6 && !read.err.contains("repeat"), "reading changes nothing: {}", read.err);
}

#[test]
fn another_program_on_the_port_is_told_from_a_service() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let server = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        std::thread::sleep(Duration::from_millis(50));
    });
    let ran = stipend_at(addr, "balance acme");
    server.join().expect("the other program ends");
    assert!([1, 6].contains(&ran.code), "{}: {}", ran.code, ran.err);
    assert!(ran.err.contains(&format!("http://{addr}")), "{}", ran.err);
}

#[test]
fn the_same_id_has_one_effect_and_gets_the_same_answer() {
    let id = account("ai-employee", "starter");
    for line in [
        format!("reserve {id} ai_reply=5 --id r1 --json"),
        format!("extend {id} r1 --add 2 --id x1 --json"),
        format!("commit {id} r1 --used 6 --json"),
        format!("charge {id} ai_reply=3 --id c1 --json"),
        format!("refund {id} c1 --credits 1 --id f1 --json"),
        format!("grant {id} ai_credits 10 --id g1 --json"),
    ] {
        let first = stipend(&line).done().out;
        let again = stipend(&line).done().out;
        assert_eq!(first, again, "{line}");
    }
    let balance = stipend(&format!("balance {id} --json")).done().json();
    assert_eq!(balance["balances"][0]["consumed"], "8");
    assert_eq!(balance["balances"][0]["available"], "502");
}

#[test]
fn what_was_probably_meant_is_told() {
    let id = account("ai-employee", "starter");
    stipend(&format!("budget put {id} agent:anna ai_credits 30")).done();
    stipend(&format!("reserve {id} ai_reply --id reply-17")).done();
    let swapped = format!("{}x{}", &id[..9], &id[10..]);
    for (line, near) in [
        (format!("balence {id}"), "'balance'"),
        (format!("balance {id} --grant"), "'--grants'"),
        (format!("balance {swapped}"), id.as_str()),
        (format!("reserve {id} ai_repyl"), "did you mean ai_reply?"),
        (format!("balance {id} ai_credit"), "did you mean ai_credits?"),
        (format!("account change-plan {id} professionel"), "did you mean professional?"),
        (format!("account put {id}-new --catalog ai-employe --plan starter"), "did you mean ai-employee?"),
        ("catalog enrichment-apis".to_owned(), "did you mean enrichment-api?"),
        (format!("budget rm {id} agent:ana"), "did you mean agent:anna?"),
        (format!("commit {id} reply-71"), "did you mean reply-17?"),
        (format!("revoke {id} ai_credits alowance"), "did you mean allowance?"),
    ] {
        let ran = stipend(&line);
        assert_ne!(ran.code, 0, "{line}");
        assert!(ran.err.contains(near), "{line}: {near} is not in:\n{}", ran.err);
    }
}

#[test]
fn the_exit_codes_are_those_of_the_docs() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).expect("the page");
    let told: BTreeSet<u8> =
        docs.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    let known: BTreeSet<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
    assert_eq!(told, known);
}
