//! The examples of `docs/rules.md`, run as they stand. Each table is the life of one account: a row is a call, the answer
//! that it gets, and what a balance shows then. What a row may say is in `Step::run`; catalog and plans are `rules.yaml`.

use std::{collections::BTreeSet, fs, path::Path};

use crate::harness::{call::Decides as _, prelude::*};

/// When the accounts of the examples begin, unless they say.
const BEGINNING: &str = "2025-01-01";
const RULES: u32 = 22;

/// One table, and the rule that it stands under.
struct Example {
    rule: u32,
    rows: Vec<Row>,
}

struct Row {
    line: usize,
    call: String,
    answer: String,
    balances: String,
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the project can be read")
}

fn rules() -> String {
    read("docs/rules.md")
}

/// The tables with the head `| call | answer | then |`.
fn examples(text: &str) -> Vec<Example> {
    let (mut examples, mut rule, mut inside) = (Vec::<Example>::new(), 0, false);
    for (index, line) in text.lines().enumerate() {
        if let Some(title) = line.strip_prefix("## ") {
            rule = title.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        }
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
        match cells.as_slice() {
            [_, call, answer, then, _] if [call, answer, then] == ["call", "answer", "then"] => {
                examples.push(Example { rule, rows: Vec::new() });
                inside = true;
            }
            [_, call, _, _, _] if inside && call.starts_with("---") => {}
            [_, call, answer, balances, _] if inside => {
                let row =
                    Row { line: index + 1, call: call.clone(), answer: answer.clone(), balances: balances.clone() };
                examples.last_mut().expect("inside of one").rows.push(row);
            }
            _ => inside = false,
        }
    }
    examples
}

/// `2025-01-31` or `2025-01-31 23:59`, as RFC 3339.
fn moment(text: &str) -> String {
    match text.split_once(' ') {
        Some((day, time)) if time.len() == 5 => format!("{day}T{time}:00Z"),
        Some((day, time)) => format!("{day}T{time}Z"),
        None => format!("{text}T00:00:00Z"),
    }
}

fn number(text: &str) -> i64 {
    text.trim().replace('_', "").parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

fn numbers(text: &str) -> Vec<i64> {
    text.split(',').map(number).collect()
}

/// `10 reply + 1 lead for acme.com + 5 call_minute at least 1 + 1 model_reply model=large-v3`
fn items(text: &str) -> Vec<v1::Item> {
    let one = |text: &str| {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [quantity, action, rest @ ..] = words.as_slice() else { panic!("`{text}` is no item") };
        let mut item = item(action, number(quantity));
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            match *word {
                "for" => item = item.subject(rest.next().expect("a subject")),
                "at" => item = item.at_least(number(rest.nth(1).expect("at least so many"))),
                pair => {
                    let (key, value) = pair.split_once('=').unwrap_or_else(|| panic!("`{pair}`?"));
                    item = item.dimension(key, value);
                }
            }
        }
        item
    };
    text.split(" + ").map(one).collect()
}

/// What follows `name` among the parts that `;` divides.
fn option<'a>(parts: &'a [&'a str], name: &str) -> Option<&'a str> {
    parts.iter().find_map(|part| part.strip_prefix(name)).map(str::trim)
}

fn seconds(text: &str) -> i64 {
    number(text.strip_suffix(" s").expect("seconds"))
}

fn sum(credits: &[i64]) -> String {
    credits.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}

fn granted(decision: Result<v1::Reservation, v1::Denial>) -> String {
    match decision {
        Err(denial) => denied(&denial),
        Ok(granted) => {
            let credits: Vec<i64> = granted.items.iter().map(|item| item.credits).collect();
            let duplicate = if granted.items.iter().any(|item| item.duplicate) { ", duplicate" } else { "" };
            let last = if granted.final_unit { ", final" } else { "" };
            format!("granted {}{duplicate}{last}", sum(&credits))
        }
    }
}

fn denied(denial: &v1::Denial) -> String {
    let budget = if denial.budget.is_empty() { String::new() } else { format!(" by {}", denial.budget) };
    format!("denied {}{budget}", denial.reason().as_str_name())
}

fn charged(charges: &[v1::ItemCharge], late: bool) -> String {
    let credits: Vec<i64> = charges.iter().map(|charge| charge.credits).collect();
    let mut text = format!("charged {}", sum(&credits));
    for (name, all) in [
        ("uncovered", charges.iter().map(|charge| charge.uncovered).sum::<i64>()),
        ("overage", charges.iter().map(|charge| charge.overage).sum()),
    ] {
        if all > 0 {
            text.extend([", ", &all.to_string(), " ", name]);
        }
    }
    if charges.iter().any(|charge| charge.duplicate) {
        text += ", duplicate";
    }
    if late { text + ", late" } else { text }
}

/// Does what a row says, and tells the answer as the tables do.
async fn call(account: &Account, row: &Row, extend: &str) -> Result<String, Failure> {
    let (head, rest) = row.call.split_once(": ").unwrap_or((&row.call, ""));
    let parts: Vec<&str> = rest.split("; ").collect();
    let words: Vec<&str> = head.split_whitespace().collect();
    let budgets: Vec<&str> = option(&parts, "budgets ").map(|names| names.split(", ").collect()).unwrap_or_default();
    Ok(match words.as_slice() {
        ["reserve", id] => {
            let mut call = account.reserve(id, items(parts[0])).budgets(&budgets);
            if let Some(ttl) = option(&parts, "ttl ") {
                call = call.ttl(seconds(ttl));
            }
            granted(v1::ReserveRequest::decision(call.send().await?))
        }
        ["charge", id] => {
            let call = account.charge(id, items(parts[0])).budgets(&budgets);
            match v1::ChargeRequest::decision(call.send().await?) {
                Ok(done) => charged(&done.charges, false),
                Err(denial) => denied(&denial),
            }
        }
        ["commit", id] => {
            let quantities = if rest.is_empty() { Vec::new() } else { numbers(rest) };
            let done = account.commit(id).quantities(&quantities).send().await?;
            charged(&done.charges, done.late)
        }
        ["release", id] => account.release(id).send().await.map(|_| "released".to_owned())?,
        ["extend", id] => {
            let mut call = account.extend(id, extend);
            if let Some(more) = option(&parts, "more ") {
                call = call.more(&numbers(more));
            }
            if let Some(used) = option(&parts, "used ") {
                call = call.used(&numbers(used));
            }
            if let Some(ttl) = option(&parts, "ttl ") {
                call = call.ttl(seconds(ttl));
            }
            granted(v1::ExtendRequest::decision(call.send().await?))
        }
        ["grant", id] => {
            let words: Vec<&str> = parts[0].split_whitespace().collect();
            let mut call = account.grant(words[1], id, number(words[0]));
            if parts.contains(&"promo") {
                call = call.kind(v1::grant::Kind::Promo);
            }
            if let Some(until) = option(&parts, "until ") {
                call = call.expires(&moment(until));
            }
            call.send().await.map(|_| "done".to_owned())?
        }
        ["refund", id, "of", reservation] => {
            let mut call = account.refund(id, reservation).unmark(parts.contains(&"unmark"));
            if let Some(credits) = option(&parts, "credits ") {
                call = call.credits(&numbers(credits));
            }
            format!("refunded {}", sum(&call.send().await?.refunded))
        }
        ["advance", "to", day @ ..] => {
            account.advance(&moment(&day.join(" "))).send().await.map(|_| "done".to_owned())?
        }
        ["plan", plan, when @ ..] => {
            let when = match when {
                [] => v1::change_plan_request::When::Now,
                ["at", "reset"] => v1::change_plan_request::When::AtReset,
                other => panic!("{other:?}?"),
            };
            account.change_plan(plan, "", when).send().await.map(|_| "done".to_owned())?
        }
        ["budget", name] => {
            let words: Vec<&str> = parts[0].split_whitespace().collect();
            let mut budget = budget(name, words[1], number(words[0]));
            budget.cycle = option(&parts, "every ").unwrap_or_default().to_owned();
            account.put_budget(budget).send().await.map(|_| "done".to_owned())?
        }
        ["log", kind] => format!("{} entries", account.entries(kind).await.len()),
        other => panic!("docs/rules.md:{}: {other:?}?", row.line),
    })
}

/// `available 10, held 0`; `minutes: held 2`; `budget daily: consumed 2`. Several with `;` between.
async fn check_balances(account: &Account, row: &Row) {
    for part in row.balances.split("; ").filter(|part| !part.is_empty()) {
        let (place, fields) = part.rsplit_once(": ").unwrap_or(("credits", part));
        let budget = place.strip_prefix("budget ");
        for field in fields.split(", ") {
            let (name, shown) = field.split_once(' ').unwrap_or_else(|| panic!("docs/rules.md:{}: {field}?", row.line));
            let actual = match budget {
                Some(budget) => of_budget(&account.budget_now(budget).await, name),
                None => of_balance(&account.balance(place).await, name),
            };
            assert_eq!(actual, shown, "docs/rules.md:{}: {place}: {name} after `{}`", row.line, row.call);
        }
    }
}

fn of_budget(budget: &v1::Budget, name: &str) -> String {
    match name {
        "consumed" => budget.consumed.to_string(),
        "held" => budget.held.to_string(),
        other => panic!("a budget shows no {other}"),
    }
}

fn of_balance(balance: &v1::Balance, name: &str) -> String {
    let number = match name {
        "allowance" => balance.allowance,
        "consumed" => balance.consumed,
        "held" => balance.held,
        "available" => balance.available,
        "remaining" => balance.remaining,
        "purchased" => balance.purchased,
        "overage" => balance.overage,
        "uncovered" => balance.uncovered,
        "lapsed" => balance.lapsed,
        "state" => return balance.state().as_str_name().to_owned(),
        "reset" => {
            let reset = balance.reset_time.expect("it resets");
            let reset = jiff::Timestamp::from_second(reset.seconds).expect("a time");
            return reset.strftime("%Y-%m-%d").to_string();
        }
        other => panic!("a balance shows no {other}"),
    };
    number.to_string()
}

async fn live(example: &Example) {
    let (first, rows) = example.rows.split_first().expect("an example has rows");
    let line = first.line;
    let words: Vec<&str> = first.call.split_whitespace().collect();
    let (plan, day) = match words.as_slice() {
        ["open", plan] => (*plan, BEGINNING.to_owned()),
        ["open", plan, "on", day @ ..] => (*plan, day.join(" ")),
        other => panic!("docs/rules.md:{line}: an example opens an account, not {other:?}"),
    };
    let account = open(plan).clock(&moment(&day)).await;
    if plan == "announced" {
        account.expect_overage();
    }
    check_balances(&account, first).await;
    let mut last = first;
    let mut extend = String::new();
    for row in rows {
        let again = row.call == "again";
        if !again {
            (last, extend) = (row, format!("e-{}", row.line));
        }
        let answer = match call(&account, last, &extend).await {
            Ok(answer) => answer,
            Err(failure) => format!("fails {}", failure.reason),
        };
        assert_eq!(answer, row.answer, "docs/rules.md:{}: the answer to `{}`", row.line, last.call);
        check_balances(&account, row).await;
    }
    account.check_conservation().await;
}

#[tokio::test]
async fn every_example_of_the_rules_happens_as_it_is_told() {
    for example in examples(&rules()) {
        live(&example).await;
    }
}

#[test]
fn every_rule_has_an_example() {
    let with: BTreeSet<u32> = examples(&rules()).iter().map(|example| example.rule).collect();
    assert_eq!(with, (1..=RULES).collect());
}

#[test]
fn every_rule_names_scenarios_that_are_there() {
    let text = rules();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scenarios");
    let sources: String = fs::read_dir(folder)
        .expect("the scenarios can be listed")
        .map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("a scenario can be read"))
        .collect();
    let mut named = BTreeSet::new();
    for section in text.split("\n## ").skip(1) {
        let Some(rule) = section.split('.').next().and_then(|number| number.parse::<u32>().ok()) else { continue };
        for name in section.split('`').filter(|word| word.starts_with("rule_")) {
            assert!(name.starts_with(&format!("rule_{rule:02}_")), "docs/rules.md: {name} under rule {rule}");
            assert!(sources.contains(&format!("fn {name}(")), "docs/rules.md: no scenario {name}");
            named.insert(rule);
        }
    }
    assert_eq!(named, (1..=RULES).collect(), "every rule names a scenario");
}

#[test]
fn the_examples_are_read_with_their_rule_and_line() {
    let text = "## 4. Draw order\n\nWords.\n\n| call | answer | then |\n| --- | --- | --- |\n| open hard | | available 10 |\n\n| a | b | c |\n";
    let found = examples(text);
    let [Example { rule: 4, rows }] = found.as_slice() else { panic!("one example of rule 4") };
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].line, rows[0].call.as_str(), rows[0].balances.as_str()), (7, "open hard", "available 10"));
}
