//! `stipend demo`, as a person runs it: it tells every story, its commands work, it stops when it is asked to.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::server::terminate;

/// Longest wait for a line of it.
const PATIENCE: Duration = Duration::from_secs(120);
const STORIES: [&str; 7] = ["agents", "voice", "importer", "runaway", "overage", "anniversary", "rush hour"];
const AGREES: &str = "Every sum agrees";

fn demo(temporary: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stipend"));
    command.args(["demo", "--fast", "--listen", "127.0.0.1:0"]).args(arguments);
    command.env("TMPDIR", temporary.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end.
fn once(temporary: &TempDir, arguments: &[&str]) -> (Output, String) {
    let output = demo(temporary, &[&["--once"], arguments].concat()).output().expect("the demo can be started");
    let text = String::from_utf8(output.stdout.clone()).expect("the demo writes UTF-8");
    (output, text)
}

#[track_caller]
fn tells_every_story(text: &str) {
    for story in STORIES {
        assert!(text.lines().any(|line| line.trim_start().starts_with(&format!("✓ {story}"))), "no {story}:\n{text}");
    }
    assert!(text.contains(AGREES), "{text}");
}

/// A demo that goes on serving; it is killed when the test lets go of it.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the demo can be started");
        let stdout = child.stdout.take().expect("standard output is piped");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// What it writes, up to a line that begins so.
    fn up_to(&mut self, start: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => seen.push(line),
                Err(error) => panic!("no line {start:?} ({error}):\n{}", seen.join("\n")),
            }
            if seen.last().is_some_and(|line| line.starts_with(start)) {
                return seen;
            }
        }
    }

    /// Asks it to end; gives whether it did so well, and what it wrote to standard error.
    fn stop(&mut self) -> (bool, String) {
        terminate(self.child.id());
        self.end()
    }

    fn end(&mut self) -> (bool, String) {
        let status = self.child.wait().expect("a child can be waited for");
        let mut log = String::new();
        let stderr = self.child.stderr.as_mut().expect("standard error is piped");
        stderr.read_to_string(&mut log).expect("the log is UTF-8");
        (status.success(), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The curl commands among lines, each with the lines that it goes on for.
fn commands(lines: &[String]) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut open = false;
    for line in lines {
        if line.starts_with("curl ") {
            commands.push(line.clone());
            open = true;
        } else if let Some(command) = commands.last_mut().filter(|_| open) {
            command.push('\n');
            command.push_str(line);
            open = !line.ends_with('\'');
        }
    }
    commands
}

#[test]
fn the_demo_tells_every_story_in_plain_text_and_leaves_nothing_behind() {
    let temporary = TempDir::new().expect("a temporary directory can be made");
    let (output, text) = once(&temporary, &[]);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{text}\n{log}", output.status);
    assert!(log.is_empty(), "a day without trouble logs nothing: {log}");
    assert!(text.starts_with("listening on 127.0.0.1:"), "{text}");
    tells_every_story(&text);
    assert!(!text.contains('\x1b'), "no escape codes where there is no terminal");
    // The numbers are not only told by the demo: the cap is the plan's, the window the catalog's.
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [
        "2,000 granted, 1,000 denied, charged 2,000, exactly the cap",
        "600 addresses charged 20 each = 12,000, 300 duplicates",
        "got the final 12",
        "60 counted as overage",
        "1,800 were left",
    ] {
        assert!(joined.contains(told), "{told:?} is not in:\n{text}");
    }
    assert_eq!(temporary.path().read_dir().expect("readable").count(), 0, "the data must be removed");
}

#[test]
fn the_commands_that_the_demo_prints_work_until_it_is_stopped() {
    let temporary = TempDir::new().expect("a temporary directory can be made");
    let mut running = Running::start(demo(&temporary, &[]));
    let lines = running.up_to("Serving on http://127.0.0.1:");
    let commands = commands(&lines);
    let answers: Vec<Value> = commands
        .iter()
        .map(|command| {
            let output = Command::new("sh").args(["-c", command]).output().expect("sh is there");
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command}: no JSON ({error}): {text}"))
        })
        .collect();
    let [balance, held, charged, refused, activity] = answers.as_slice() else { panic!("{commands:#?}") };
    assert_eq!(balance["balances"][0]["consumed"], "2300", "{balance}");
    assert_eq!(balance["balances"][0]["purchased"], "200", "{balance}");
    assert_eq!(held["granted"]["items"][0]["credits"], "2", "{held}");
    assert_eq!(charged["charges"][0]["credits"], "2", "{charged}");
    assert_eq!(refused["denied"]["reason"], "INSUFFICIENT_CREDITS", "{refused}");
    assert_eq!(activity["entries"].as_array().map(Vec::len), Some(5), "{activity}");
    let (well, log) = running.stop();
    assert!(well, "a stop that was asked for is no failure: {log}");
    assert_eq!(temporary.path().read_dir().expect("readable").count(), 0, "the data must be removed");
}

#[test]
fn a_stop_in_the_middle_of_the_day_is_no_failure() {
    let temporary = TempDir::new().expect("a temporary directory can be made");
    let mut running = Running::start(demo(&temporary, &[]));
    // Something has happened by then.
    let mut seen = running.up_to("listening on ");
    while !seen.iter().any(|line| line.contains(" decisions, ")) {
        seen.extend(running.up_to(" "));
    }
    let (well, log) = running.stop();
    assert!(well, "{log}");
    assert_eq!(temporary.path().read_dir().expect("readable").count(), 0, "the data must be removed");
}

#[test]
fn a_closed_window_leaves_no_data_behind() {
    let temporary = TempDir::new().expect("a temporary directory can be made");
    let mut running = Running::start(demo(&temporary, &[]));
    running.up_to("listening on ");
    assert_eq!(temporary.path().read_dir().expect("readable").count(), 1, "the data is there");
    let hangup = Command::new("sh").args(["-c", &format!("kill -HUP {}", running.child.id())]).status();
    assert!(hangup.expect("sh is there").success());
    let (well, log) = running.end();
    assert!(well, "{log}");
    assert_eq!(temporary.path().read_dir().expect("readable").count(), 0, "the data must be removed");
}

#[test]
fn data_that_is_kept_takes_another_day_beside_the_first() {
    let temporary = TempDir::new().expect("a temporary directory can be made");
    let data = temporary.path().join("kept");
    let keep = ["--data", data.to_str().expect("UTF-8")];
    for run in 1..=2 {
        let (output, text) = once(&temporary, &keep);
        assert!(output.status.success(), "run {run}:\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
        tells_every_story(&text);
        assert_eq!(text.contains("orbit-ai-2"), run == 2, "run {run}:\n{text}");
    }
    assert!(data.read_dir().expect("it is kept").count() > 0);
}
