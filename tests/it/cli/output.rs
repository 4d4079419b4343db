//! What is printed: tables, JSON, colours, lists, and to readers who leave.

use std::{
    collections::BTreeSet,
    io::Read as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{Ran, account, command, stipend};
use crate::harness::{
    http,
    world::{example, models_addr},
};

#[test]
fn a_table_has_its_numbers_on_the_right() {
    let id = account("outbound-sales", "scale");
    stipend(&format!("charge {id} save_contact=1234 --id c1")).done();
    let shown = stipend(&format!("balance {id} database ai_tasks")).done().out;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].starts_with("POOL      AVAILABLE  HELD  CONSUMED  ALLOWANCE    USED  CAP   STATE  RESETS"),
        "{shown}"
    );
    assert!(lines[1].starts_with("database      8,766     0     1,234     10,000  12.3 %  hard  ok     2"), "{shown}");
    assert!(lines[2].starts_with("ai_tasks      5,000     0         0      5,000   0.0 %  hard  ok     2"), "{shown}");
    assert!(lines[1].ends_with("+00:00"), "{shown}");
}

#[test]
fn times_are_in_the_zone_of_the_account() {
    let id = format!("cli-{:016x}", rand::random::<u64>());
    let made = format!(
        "account put {id} --catalog ai-employee --plan starter --test-clock 2026-01-31T12:00:00Z --zone Asia/Tokyo"
    );
    stipend(&made).done();
    let shown = stipend(&format!("balance {id}")).done().out;
    assert!(shown.contains("2026-02-28 21:00:00 +09:00"), "{shown}");
}

#[tokio::test]
async fn json_is_what_the_http_api_answers() {
    let id = account("ai-employee", "starter");
    let shown = stipend(&format!("balance {id} --json")).done().json();
    let answered = http::post(models_addr(), "QuotaService/GetBalance", &json!({"account": id})).await;
    assert_eq!(shown, answered.json());
}

#[test]
fn a_failure_in_json_is_one_line_on_standard_error() {
    let ran = stipend("balance nobody-at-all-is-called-so --json");
    assert_eq!((ran.code, ran.out.as_str()), (4, ""));
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    let error: Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(error["error"]["reason"], "ACCOUNT_NOT_FOUND");
    assert_eq!(error["error"]["metadata"]["account"], "nobody-at-all-is-called-so");
}

#[test]
fn a_denial_in_json_is_an_answer_with_exit_code_3() {
    let id = account("ai-employee", "trial");
    let denied = stipend(&format!("reserve {id} ai_reply=51 --json"));
    assert_eq!((denied.code, denied.err.as_str()), (3, ""));
    assert_eq!(denied.json()["denied"]["reason"], "INSUFFICIENT_CREDITS");
}

#[test]
fn a_list_is_read_through_its_pages_up_to_the_limit() {
    let id = account("ai-employee", "scale");
    // More entries than a page has: each item is one.
    let items = ["ai_reply"; 32].join(" ");
    for n in 0..17 {
        stipend(&format!("charge {id} {items} --id c{n}")).done();
    }
    let all = stipend(&format!("activity {id} --type charge --limit 1000 --json")).done().json();
    let ids: BTreeSet<&str> =
        all["entries"].as_array().expect("a list").iter().filter_map(|entry| entry["id"].as_str()).collect();
    assert_eq!((ids.len(), &all["nextPageToken"]), (17 * 32, &json!("")));
    let some = stipend(&format!("activity {id} --type charge --limit 501"));
    assert_eq!((some.code, some.out.lines().count()), (0, 502));
    assert_eq!(some.err, "there are more than these 501; give --limit\n");
}

#[test]
fn a_reader_who_leaves_is_no_failure() {
    let id = account("outbound-sales", "scale");
    for line in [format!("balance {id}"), "completions bash".to_owned(), format!("activity {id} --json")] {
        let mut child = command(models_addr())
            .args(line.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut err).expect("UTF-8");
        let status = child.wait().expect("a child can be waited for");
        assert_eq!((status.code(), err.as_str()), (Some(0), ""), "{line}");
    }
}

/// Runs a command on a terminal of its own.
fn on_a_terminal(line: &str, environment: &[(&str, &str)]) -> String {
    let command = format!("stty cols 200; {} {line}", env!("CARGO_BIN_EXE_stipend"));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR");
    script.env("STIPEND_SERVER", format!("http://{}", models_addr())).envs(environment.iter().copied());
    let output = script.stdin(Stdio::null()).output().expect("`script` is there (Debian: bsdutils)");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_terminal_gets_colours_unless_somebody_minds() {
    let id = account("ai-employee", "starter");
    let line = format!("balance {id}");
    assert!(!stipend(&line).done().out.contains('\u{1b}'), "a pipe gets none");
    assert!(on_a_terminal(&line, &[]).contains('\u{1b}'));
    for minds in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let shown = on_a_terminal(&line, &[minds]);
        assert!(shown.contains("ai_credits") && !shown.contains('\u{1b}'), "{minds:?}: {shown:?}");
    }
}

#[test]
fn a_terminal_is_told_when_something_takes_longer_than_a_second() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let server = format!("http://{}", silent.local_addr().expect("bound"));
    let line = "balance acme --timeout 2s";
    let shown = on_a_terminal(line, &[("STIPEND_SERVER", &server)]);
    assert!(shown.contains(&format!("waiting for {server}")), "{shown:?}");
    let piped = Ran::of(command(silent.local_addr().expect("bound")).args(line.split(' ')).output().expect("started"));
    assert!(!piped.err.contains("waiting"), "{}", piped.err);
}

#[test]
fn a_catalog_is_checked_before_it_is_served() {
    let good = example("ai-employee");
    let checked = stipend(&format!("check-catalog {} --json", good.display())).done().json();
    assert_eq!((&checked["valid"], &checked["catalogs"][0]["catalog"]), (&true.into(), &"ai-employee".into()));
    let text = std::fs::read_to_string(&good).expect("the example").replace("pool: ai_credits", "pool: ai_credit");
    let bad = tempfile::NamedTempFile::new().expect("a file can be made");
    std::fs::write(bad.path(), text).expect("a file can be written");
    let line = format!("check-catalog {} {}", good.display(), bad.path().display());
    let told = stipend(&line);
    assert_eq!((told.code, told.err.as_str()), (1, ""));
    assert_eq!(told.out.matches("did you mean ai_credits?").count(), 3, "{}", told.out);
    assert!(told.out.contains("line 16: actions.ai_reply.pool: "), "{}", told.out);
    let json = stipend(&format!("{line} --json")).json();
    assert_eq!((&json["valid"], &json["problems"][0]["path"]), (&false.into(), &"actions.ai_reply.pool".into()));
    assert_eq!(json["problems"][0]["line"], 16);
    let missing = stipend("check-catalog no-such-file.yaml");
    assert!(missing.code == 1 && missing.out.contains("no-such-file.yaml: cannot be read"), "{}", missing.out);
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stipend(&format!("completions {shell}")).done().out;
        for name in ["check-catalog", "change-plan", "reservation"] {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
}
