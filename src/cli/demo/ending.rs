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
    let build = if cfg!(debug_assertions) { "a debug build, far slower than --release" } else { "a release build" };
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
    let ids = ["orbit-ai", "brightside", "northwind"].map(|account| stage.id(account));
    commands(&ids, address, paint)
}

fn commands([orbit, bright, north]: &[String; 3], address: SocketAddr, paint: Paint) -> Vec<String> {
    // Lines of a body; the words above a command are for people, a command without them goes with the one before.
    let commands = [
        ("What the runaway agent has left", "QuotaService/GetBalance", vec![format!("\"account\": \"{orbit}\"")]),
        (
            "Hold a reply of the large model, then charge it",
            "QuotaService/Reserve",
            vec![
                format!("\"account\": \"{bright}\", \"reservation_id\": \"mine\","),
                r#""items": [{"action": "chat_message", "dimensions": {"model": "large-2"}}]"#.to_owned(),
            ],
        ),
        ("", "QuotaService/Commit", vec![format!("\"account\": \"{bright}\", \"reservation_id\": \"mine\"")]),
        (
            "A call when the minutes are gone: `denied` is an answer, not an error",
            "QuotaService/Charge",
            vec![
                format!("\"account\": \"{north}\","),
                r#""items": [{"action": "call_second", "quantity": 60}]"#.to_owned(),
            ],
        ),
        (
            "What happened, newest first",
            "UsageService/ListActivity",
            vec![format!("\"account\": \"{orbit}\", \"page_size\": 5")],
        ),
    ];
    let mut lines = vec![String::new(), paint.bold("Try it"), String::new()];
    for (words, method, body) in commands {
        if !words.is_empty() {
            lines.push(paint.dim(&format!("# {words}")));
        }
        lines.push(format!("curl -s http://{address}/stipend.v1.{method} \\"));
        lines.push("  -H content-type:application/json \\".to_owned());
        let body = format!("  -d '{{{}}}'", body.join("\n    "));
        lines.extend(body.lines().map(str::to_owned));
    }
    lines.push(paint.dim("# A service of your own: gRPC and JSON on one port, data in ./stipend-data"));
    lines.push("stipend serve --listen 127.0.0.1:7301".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_fit_80_columns_and_carry_json() {
        let ids = ["orbit-ai-99", "brightside-99", "northwind-99"].map(str::to_owned);
        let address = "127.0.0.1:65535".parse().expect("an address");
        let lines = commands(&ids, address, Paint { colour: false });
        assert!(lines.iter().all(|line| line.chars().count() <= draw::WIDTH), "{lines:#?}");
        let text = lines.join("\n");
        let bodies: Vec<&str> = text.split('\'').skip(1).step_by(2).collect();
        assert_eq!(bodies.len(), 5);
        for body in bodies {
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert!(body["account"].as_str().is_some_and(|account| account.ends_with("-99")), "{body}");
        }
    }
}
