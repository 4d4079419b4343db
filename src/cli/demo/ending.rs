//! What the demo says at its end: how it went, and the commands to try next.

use std::{net::SocketAddr, time::Duration};

use super::{
    draw::{self, Paint, count_u64, millis, wrap},
    stage::Stage,
    story::Told,
};

/// The totals, with what they are worth.
pub fn totals(stage: &Stage, took: Duration, paint: Paint) -> Vec<String> {
    let meter = stage.meter();
    let build = if cfg!(debug_assertions) { "a debug build: expect far more of --release" } else { "a release build" };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let text = format!(
        "{} decisions in {}.{} s, {} of them refusals; callers waited {} (p50), {} (p99). This is {build}, with \
         service, store and all callers on the same {threads} threads of this machine, fsync before every answer: a \
         demo, not a benchmark.",
        count_u64(meter.decisions()),
        took.as_secs(),
        took.subsec_millis() / 100,
        count_u64(meter.denied()),
        millis(meter.waited(500)),
        millis(meter.waited(990)),
    );
    let mut lines = vec![String::new()];
    lines.extend(wrap(&text, draw::WIDTH - 2).into_iter().map(|line| format!("  {}", paint.dim(&line))));
    lines
}

/// Whether all stories agree.
pub fn verdict(stories: &[Told], paint: Paint) -> Vec<String> {
    let wrong = stories.iter().filter(|story| !story.problems.is_empty()).count();
    let line = match wrong {
        0 => paint.good("Every sum agrees: what callers were told is what the service says."),
        1 => paint.bad("1 STORY DOES NOT AGREE. This is a bug; please report what is above."),
        _ => paint.bad(&format!("{wrong} STORIES DO NOT AGREE. This is a bug; please report what is above.")),
    };
    vec![String::new(), format!("  {line}")]
}

/// Commands that work on what the demo has left.
pub fn next_commands(stage: &Stage, address: SocketAddr, paint: Paint) -> Vec<String> {
    let (orbit, bright, north) = (stage.id("orbit-ai"), stage.id("brightside"), stage.id("northwind"));
    let commands = [
        ("What the runaway agent has left", "QuotaService/GetBalance", format!(r#"{{"account": "{orbit}"}}"#)),
        (
            "Hold a reply of the large model, and charge it",
            "QuotaService/Reserve",
            format!(
                "{{\"account\": \"{bright}\", \"reservation_id\": \"mine\",\n       \
                 \"items\": [{{\"action\": \"chat_message\", \"dimensions\": {{\"model\": \"large-2\"}}}}]}}"
            ),
        ),
        ("", "QuotaService/Commit", format!(r#"{{"account": "{bright}", "reservation_id": "mine"}}"#)),
        (
            "Ask for a call when the minutes are gone: an answer, not an error",
            "QuotaService/Charge",
            format!(r#"{{"account": "{north}", "items": [{{"action": "call_second", "quantity": 60}}]}}"#),
        ),
        (
            "What happened, newest first",
            "UsageService/ListActivity",
            format!(r#"{{"account": "{orbit}", "page_size": 5}}"#),
        ),
    ];
    let mut lines = vec![String::new(), paint.bold("Try it"), String::new()];
    for (words, method, body) in commands {
        if !words.is_empty() {
            lines.push(format!("  {}", paint.dim(&format!("# {words}"))));
        }
        lines.push(format!("  curl -s http://{address}/stipend.v1.{method} \\"));
        let body = format!("    -H content-type:application/json -d '{body}'");
        lines.extend(body.lines().map(str::to_owned));
    }
    lines
}
