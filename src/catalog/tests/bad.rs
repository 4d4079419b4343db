//! What the parser refuses, and in which words.

use std::fmt::Write as _;

use crate::catalog::*;

use super::good::FULL;

/// One mistake put into the full catalog.
pub struct Mistake {
    /// Replaced, the first time it occurs.
    pub right: &'static str,
    pub wrong: &'static str,
    /// The problem as it is told, without its line.
    pub told: &'static str,
    /// The JSON Schema can tell it too.
    pub schema: bool,
}

const fn mistake(right: &'static str, wrong: &'static str, told: &'static str) -> Mistake {
    Mistake { right, wrong, told, schema: true }
}

/// One that only the parser can tell: a reference, or keys that depend on others.
const fn deep(right: &'static str, wrong: &'static str, told: &'static str) -> Mistake {
    Mistake { right, wrong, told, schema: false }
}

pub const MISTAKES: &[Mistake] = &[
    mistake("catalog: full", "catlog: full", "catlog: unknown key, did you mean catalog?"),
    mistake("catalog: full\n", "", "catalog is missing"),
    mistake("catalog: full", "catalog: my full", "catalog: must match [A-Za-z0-9][A-Za-z0-9._:@/-]*"),
    mistake("version: 2025-08-07", "version: [1]", "version: must be a name, not a list"),
    mistake("version: 2025-08-07", "version:", "version: must be a name, not nothing"),
    mistake("  seats: {title", "  se ats: {title", "pools.se ats: the name must match [A-Za-z0-9][A-Za-z0-9._:@/-]*"),
    mistake("kind: capacity", "kind: capacty", "pools.seats.kind: unknown value `capacty`, did you mean capacity?"),
    mistake("scale: 1000", "scale: 0", "pools.ai_credits.scale: must be a whole number from 1 to 1000000000, not `0`"),
    mistake("title: AI Credits", "title: []", "pools.ai_credits.title: must be a text, not a list"),
    mistake(
        "top_up: [customer, support]",
        "top_up: [customer, customer]",
        "pools.ai_credits.top_up[1]: customer is there already",
    ),
    mistake(
        "top_up: support",
        "top_up: nobody",
        "pools.minutes.top_up: unknown value `nobody`, known are customer, support",
    ),
    deep(
        "pool: ai_credits",
        "pool: ai_credts",
        "actions.ai_reply.pool: unknown pool `ai_credts`, did you mean ai_credits?",
    ),
    mistake("pool: ai_credits, price: 20", "price: 20", "actions.lookup: pool is missing"),
    mistake(
        "price: 20",
        "price: 0.5",
        "actions.lookup.price: must be a whole number from 0 to 9007199254740991, not `0.5`",
    ),
    mistake(
        "price: 20",
        "price: \"20\"",
        "actions.lookup.price: must be a whole number from 0 to 9007199254740991, not `20`",
    ),
    mistake(
        "price: 20",
        "price: -1",
        "actions.lookup.price: must be a whole number from 0 to 9007199254740991, not `-1`",
    ),
    // 2^53, the first number that a Lua number does not tell from its neighbours.
    mistake(
        "price: 20",
        "price: 9007199254740992",
        "actions.lookup.price: must be a whole number from 0 to 9007199254740991, not `9007199254740992`",
    ),
    deep(
        "price: 20",
        "price: 010",
        "actions.lookup.price: must be a whole number from 0 to 9007199254740991, not `010`",
    ),
    mistake("{credits: 1, per: 60, round: up}", "{per: 60}", "actions.call_second.price: credits is missing"),
    mistake(
        "per: 60",
        "per: 0",
        "actions.call_second.price.per: must be a whole number from 1 to 9007199254740991, not `0`",
    ),
    mistake("round: up", "round: upp", "actions.call_second.price.round: unknown value `upp`, did you mean up?"),
    mistake(
        "{credits: 10, per: 2, round: down}",
        "{credits: 10, pr: 2}",
        "actions.ai_reply.price.by.model.huge-*.pr: unknown key, did you mean per?",
    ),
    mistake("{batch: {credits: 0}}", "{}", "actions.ai_reply.price.by.source: must not be empty"),
    mistake(
        "once: {per: 24h}",
        "once: {per: day}",
        "actions.lookup.once.per: must be `cycle`, `forever` or a length of time such as `24h`, not `day`",
    ),
    mistake("once: {per: 24h}", "once: 24h", "actions.lookup.once: must be a mapping with keys of per, not `24h`"),
    deep(
        "{pool: seats, price: 1}",
        "{pool: seats, price: 1, once: {per: 1h}}",
        "actions.seat.once: a capacity pool counts what is held, nothing is charged once there",
    ),
    mistake(
        "on_expiry: charge_used",
        "on_expiry: charge",
        "actions.call_second.on_expiry: unknown value `charge`, known are release, charge_used, charge_held",
    ),
    deep("ttl: 1h", "ttl: 32d", "actions.call_second.ttl: must be from 1s to 31d"),
    mistake(
        "ttl: 1h",
        "ttl: 1 hour",
        "actions.call_second.ttl: must be a length of time such as `30s`, `15m`, `24h`, `7d`, `1h30m`, not `1 hour`",
    ),
    mistake(
        "max_quantity: 3600",
        "max_quantity: 0",
        "actions.call_second.max_quantity: must be a whole number from 1 to 9007199254740991, not `0`",
    ),
    mistake(
        "cycle: {every: 1 year}",
        "cycle: {every: 1 yaer}",
        "plans.pro.cycle.every: unknown unit `yaer`, did you mean year?",
    ),
    mistake("cycle: {every: 1 year}", "cycle: {evry: 1 year}", "plans.pro.cycle: every is missing"),
    mistake(
        "cycle: {every: 1 year}",
        "cycle: yearly",
        "plans.pro.cycle: must be a number and a unit such as `1 month`, `2 weeks`, `14 days`, `1 year`",
    ),
    mistake("times: 1", "times: 0", "plans.trial.cycle.times: must be a whole number from 1 to 100000, not `0`"),
    deep(
        "      minutes: {allowance: 0",
        "      minuets: {allowance: 0",
        "plans.pro.pools.minuets: unknown pool, did you mean minutes?",
    ),
    mistake("minutes: {allowance: 0,", "minutes: {", "plans.pro.pools.minutes: allowance is missing"),
    mistake(
        "allowance: per_account",
        "allowance: per_acount",
        "plans.trial.pools.ai_credits.allowance: unknown value `per_acount`, did you mean per_account?",
    ),
    deep("seats: {limit: 5", "seats: {allowance: 5", "plans.pro.pools.seats: limit is missing"),
    deep(
        "seats: {limit: 5",
        "seats: {cycle: 1 month, limit: 5",
        "plans.pro.pools.seats.cycle: a capacity pool has a limit and no cycles",
    ),
    mistake(
        "{allowance: 60, cycle: never}",
        "{allowance: 60, limit: 5}",
        "plans.trial.pools.minutes.limit: only a capacity pool has it, credits have an allowance",
    ),
    mistake("cap: soft\n", "cap: sotf\n", "plans.pro.pools.ai_credits.cap: unknown value `sotf`, did you mean soft?"),
    deep(
        "cap: soft\n",
        "cap: hard\n",
        "plans.pro.pools.ai_credits.overage_limit: a hard cap has no overage, say `cap: soft`",
    ),
    deep(
        "cap: hard, enforce_from",
        "cap: soft, enforce_from",
        "plans.pro.pools.minutes.enforce_from: a soft cap refuses nothing that could be enforced later",
    ),
    deep(
        "alerts: [50, 80, 100, 150]",
        "alerts: [50, 100, 80]",
        "plans.pro.pools.ai_credits.alerts[2]: alerts must ascend",
    ),
    mistake(
        "alerts: [50, 80, 100, 150]",
        "alerts: [1001]",
        "plans.pro.pools.ai_credits.alerts[0]: must be a whole number from 1 to 1000, not `1001`",
    ),
    mistake("alerts: [50, 80, 100, 150]", "alerts: 80", "plans.pro.pools.ai_credits.alerts: must be a list, not `80`"),
    mistake(
        "alerts: [50, 80, 100, 150]",
        "alerts: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
        "plans.pro.pools.ai_credits.alerts: has 17 elements, the limit is 16",
    ),
    mistake(
        "{max: 500, cycles: 2}",
        "{max: 500, cycles: 121}",
        "plans.pro.pools.ai_credits.rollover.cycles: must be a whole number from 1 to 120, not `121`",
    ),
    deep(
        "{allowance: 60, cycle: never}",
        "{allowance: 60, cycle: never, rollover: all}",
        "plans.trial.pools.minutes.rollover: without a cycle nothing rolls over",
    ),
    mistake(
        "enforce_from: 2025-08-07,",
        "enforce_from: 7 August 2025,",
        "plans.pro.pools.minutes.enforce_from: must be a date such as 2025-08-07 (midnight UTC) or a time such as \
         2025-08-07T09:00:00Z, not `7 August 2025`",
    ),
    deep(
        "enforce_from: 2025-08-07,",
        "enforce_from: 2025-02-30,",
        "plans.pro.pools.minutes.enforce_from: must be a date such as 2025-08-07 (midnight UTC) or a time such as \
         2025-08-07T09:00:00Z, not `2025-02-30`",
    ),
    mistake(
        "\"agent:*\": {",
        "\"agent *\": {",
        "budgets.agent *: a budget's pattern has 1 to 128 of the characters of ids and `*`, such as `agent:*`",
    ),
    mistake(
        "cap: soft, cycle: 1 day",
        "cycle: {every: 1 day, times: 2}",
        "budgets.agent:*.cycle: a budget starts afresh for ever, `times` is for plans",
    ),
    mistake("{pool: minutes, limit: 0}", "{pool: minutes}", "budgets.*: limit is missing"),
    mistake(
        "  \"*\": {pool: minutes",
        "  \"*\": {<<: 1, pool: minutes",
        "budgets.*.<<: merge keys are not supported, write the keys out",
    ),
];

impl Mistake {
    /// The full catalog with the mistake in it.
    pub fn text(&self) -> String {
        assert!(FULL.contains(self.right), "{:?} is not in the full catalog", self.right);
        FULL.replacen(self.right, self.wrong, 1)
    }

    /// The line that the mistake is on, from 1.
    fn line(&self) -> usize {
        let at = FULL.find(self.right).unwrap();
        FULL[..at].lines().count() + usize::from(at == 0 || FULL[..at].ends_with('\n'))
    }
}

fn refused(text: &str) -> Problems {
    Catalog::parse(text).expect_err("it is wrong")
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_suggestion() {
    for mistake in MISTAKES {
        let problems = refused(&mistake.text());
        let told: Vec<String> =
            problems.iter().map(|problem| Problem { line: 0, ..problem.clone() }.to_string()).collect();
        assert!(told.iter().any(|told| told == mistake.told), "{}\nis not in\n{problems}", mistake.told);
    }
}

#[test]
fn a_problem_has_the_line_of_its_key() {
    // What is missing, or does not go with another key, is told elsewhere than where the mistake was made.
    let elsewhere = |mistake: &&Mistake| mistake.told.contains("missing") || mistake.told.contains("overage_limit");
    for mistake in MISTAKES.iter().filter(|mistake| !elsewhere(mistake)) {
        let problems = refused(&mistake.text());
        let problem = problems.iter().find(|problem| mistake.told.starts_with(&*problem.path)).unwrap();
        assert_eq!(problem.line, mistake.line(), "{problem}");
    }
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_lines() {
    let text = FULL
        .replace("scale: 1000", "scale: x")
        .replace("price: 20", "price: x")
        .replace(
            "pools:\n      ai_credits: {allowance: per_account",
            "pools:\n      ai_credts: {allowance: per_account",
        )
        .replace("limit: 500", "limt: 500");
    let problems = refused(&text);
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "pools.ai_credits.scale",
            "actions.lookup.price",
            "plans.trial.pools.ai_credts",
            "budgets.agent:*.limt",
            "budgets.agent:*",
        ],
        "a pool that is wrong is still a pool: no second problem for those who name it"
    );
    assert!(lines.is_sorted());
}

#[test]
fn problems_are_told_up_to_a_bound_and_counted_beyond() {
    let mut text = String::from("catalog: many\nversion: 1\n");
    for number in 0..1_000 {
        writeln!(text, "k{number}: 1").unwrap();
    }
    let told = refused(&text).to_string();
    assert_eq!(told.lines().count(), PROBLEMS_MAX + 1);
    assert!(told.ends_with("and 803 more"), "{told}");
}

#[test]
fn counts_are_bounded() {
    let mut text = String::from(
        "catalog: many\nversion: 1\nactions: {a: {pool: p0, price: 1}}\nplans: {p: {pools: {p0: {allowance: 1}}}}\npools:\n",
    );
    for number in 0..POOLS_MAX {
        writeln!(text, "  p{number}: {{}}").unwrap();
    }
    assert!(Catalog::parse(&text).is_ok());
    text.push_str("  another: {}\n");
    assert!(refused(&text).to_string().contains("pools: has 257 entries, the limit is 256"));
}

#[test]
fn a_text_that_is_no_mapping_is_refused() {
    for text in ["1", "[]", "just words", "- a\n- b", "\u{0}", "{", "\"", "a: b: c"] {
        assert!(Catalog::parse(text).is_err(), "{text}");
    }
}

mod any {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_damaged_text_makes_the_parser_panic(at in 0..FULL.len(), len in 0usize..40, put in "[\\[\\]{}:,&*!|> \n#\"'a-z0-9-]{0,8}") {
            let mut text = FULL.to_owned();
            let end = (at + len).min(text.len());
            text.replace_range(at..end, &put);
            let _: Result<Catalog, Problems> = Catalog::parse(&text);
        }
    }
}
