//! `account put` changes what is named and leaves the rest; the other commands on accounts.

use serde_json::json;

use super::{account, stipend};

#[test]
fn put_leaves_what_is_not_named() {
    let id = account("ai-employee", "starter");
    stipend(&format!("account put {id} --label a=1 --label b=2 --notify ops@acme.example")).done();
    stipend(&format!("account put {id} --override ai_credits,allowance=700 --status suspended")).done();
    let changed = stipend(&format!("account put {id} --label a=3 --no-label b --override ai_credits,cap=soft --json"));
    let changed = changed.done().json();
    assert_eq!(changed["labels"], json!({"a": "3"}));
    assert_eq!(changed["notify"], json!(["ops@acme.example"]));
    assert_eq!(changed["status"], "SUSPENDED");
    assert_eq!(changed["overrides"]["ai_credits"]["allowance"], "700");
    assert_eq!(changed["overrides"]["ai_credits"]["cap"], "SOFT");
    let plain =
        format!("account put {id} --no-notify ops@acme.example --no-override ai_credits --status active --json");
    let plain = stipend(&plain).done().json();
    assert_eq!((&plain["notify"], &plain["overrides"], &plain["status"]), (&json!([]), &json!({}), &json!("ACTIVE")));
    assert_eq!(plain["plan"], "starter");
}

#[test]
fn an_account_is_copied_through_a_file() {
    let id = account("ai-employee", "starter");
    stipend(&format!("account put {id} --label tier=gold --notify ops@acme.example")).done();
    let file = tempfile::NamedTempFile::new().expect("a file can be made");
    let shown = stipend(&format!("account get {id} --json")).done().out;
    std::fs::write(file.path(), shown).expect("a file can be written");
    let copy = format!("account put {id}-copy --file {} --label copy=yes --json", file.path().display());
    let copy = stipend(&copy).done().json();
    assert_eq!(copy["labels"], json!({"tier": "gold", "copy": "yes"}));
    assert_eq!(copy["notify"], json!(["ops@acme.example"]));
    std::fs::write(file.path(), "{\"plan\": 5}").expect("a file can be written");
    let refused = stipend(&format!("account put {id} --file {}", file.path().display()));
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("is no account in JSON"), "{}", refused.err);
}

#[test]
fn another_plan_takes_the_newest_version_of_its_catalog_unless_one_is_named() {
    let id = account("ai-employee", "starter");
    let moved = stipend(&format!("account put {id} --plan professional --json")).done().json();
    assert_eq!((&moved["plan"], &moved["catalogVersion"]), (&json!("professional"), &json!("2025-01-01")));
    let later = stipend(&format!("account change-plan {id} starter --when at-reset --json")).done().json();
    assert_eq!((&later["plan"], &later["pendingPlan"]["plan"]), (&json!("professional"), &json!("starter")));
}

#[test]
fn a_test_clock_is_moved_by_a_length_of_time() {
    let id = format!("cli-{:016x}", rand::random::<u64>());
    let made =
        format!("account put {id} --catalog ai-employee --plan starter --test-clock 2026-01-31 --zone Asia/Tokyo");
    stipend(&made).done();
    let moved = stipend(&format!("clock advance {id} --by 36h --json")).done().json();
    assert_eq!(moved["now"], "2026-02-01T12:00:00Z");
    let back = stipend(&format!("clock advance {id} --to 2026-01-31"));
    assert_eq!(back.code, 5, "{}", back.err);
}

#[test]
fn removing_needs_a_yes() {
    let id = account("ai-employee", "starter");
    assert_eq!(stipend(&format!("account rm {id}")).code, 2);
    assert_eq!(stipend(&format!("account get {id}")).code, 0);
    assert_eq!(stipend(&format!("account rm {id} --yes")).done().out, format!("Removed: {id}\n"));
    assert_eq!(stipend(&format!("account rm {id} --yes")).code, 4);
}
