//! The README's examples, run as they stand: a block below `<!-- run: … -->` is run, and what it prints is compared with
//! the block below the `<!-- output -->` that follows. Only the address is another; times are not compared, and in JSON
//! `"…": "…"` stands for fields left out.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value};

use crate::{
    harness::world::{Own, own_of},
    python::{Python, succeed},
};

/// Where the README says that the server listens.
const ADDRESS: &str = "127.0.0.1:7300";

/// A block of code that says of itself, in a comment above it, what to do with it.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    line: usize,
    /// `curl`, `python`, …
    run: String,
    code: String,
    output: Option<String>,
}

/// The blocks of a text that are to be run.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines().enumerate();
    let mut mark: Option<(usize, String)> = None;
    while let Some((number, line)) = lines.next() {
        if let Some(comment) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
            mark = Some((number + 1, comment.trim().to_owned()));
        } else if line.starts_with("```") {
            let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let code = body.join("\n");
            match mark.take() {
                None => {}
                Some((line, mark)) if mark == "output" => {
                    let block = blocks.last_mut().unwrap_or_else(|| panic!("README.md:{line}: the output of nothing"));
                    assert_eq!(block.output, None, "README.md:{line}: has an output already");
                    block.output = Some(code);
                }
                Some((line, mark)) => {
                    let run = mark.strip_prefix("run: ").unwrap_or_else(|| panic!("README.md:{line}: {mark}?"));
                    blocks.push(Block { line, run: run.into(), code, output: None });
                }
            }
        } else if !line.trim().is_empty() {
            assert_eq!(mark, None, "README.md:{}: a comment that is no block's", number + 1);
        }
    }
    blocks
}

fn readme() -> Vec<Block> {
    let text = fs::read_to_string(project().join("README.md")).expect("the README can be read");
    blocks(&text)
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn of_kind(kind: &str) -> Vec<Block> {
    let found: Vec<Block> = readme().into_iter().filter(|block| block.run == kind).collect();
    assert!(!found.is_empty(), "the README has a block to run with `{kind}`");
    found
}

/// Starts the server as the README says to, but for where it listens and keeps its data.
fn serve() -> Own {
    let mut served = of_kind("serve");
    assert_eq!(served.len(), 1, "the README starts one server");
    let Block { line, code, .. } = served.remove(0);
    let arguments = code.strip_prefix("cargo run --release -- serve").expect("a command that serves");
    let mut words = arguments.split_whitespace();
    let mut catalogs: Vec<PathBuf> = Vec::new();
    while let Some(word) = words.next() {
        assert_eq!(word, "--catalog", "README.md:{line}: an argument that this test does not know");
        catalogs.push(project().join(words.next().expect("a catalog is a file")));
    }
    own_of(catalogs)
}

/// Whether two texts are the same but for the times in them.
fn same_text(shown: &str, actual: &str) -> bool {
    without_times(shown) == without_times(actual)
}

/// Replaces each RFC 3339 time.
fn without_times(text: &str) -> String {
    let mut parts = Vec::new();
    for word in text.split_inclusive(|c: char| c.is_whitespace() || ",;\"".contains(c)) {
        let end = word.trim_end_matches(|c: char| c.is_whitespace() || ",;\"".contains(c));
        let time = end.parse::<jiff::Timestamp>().is_ok();
        parts.push(if time { format!("TIME{}", &word[end.len()..]) } else { word.to_owned() });
    }
    parts.concat()
}

/// What differs between the JSON that is shown and the one that was answered; empty when nothing does.
fn differences(path: &str, shown: &Value, actual: &Value) -> Vec<String> {
    match (shown, actual) {
        (Value::Object(shown), Value::Object(actual)) => fields_differ(path, shown, actual),
        (Value::Array(shown), Value::Array(actual)) if shown.len() == actual.len() => {
            let pairs = shown.iter().zip(actual).enumerate();
            pairs.flat_map(|(index, (shown, actual))| differences(&format!("{path}[{index}]"), shown, actual)).collect()
        }
        (Value::String(shown), Value::String(actual)) if same_text(shown, actual) => Vec::new(),
        _ if shown == actual => Vec::new(),
        _ => vec![format!("{path}: {actual} is answered, {shown} is shown")],
    }
}

fn fields_differ(path: &str, shown: &Map<String, Value>, actual: &Map<String, Value>) -> Vec<String> {
    let cut = shown.contains_key("…");
    let mut found = Vec::new();
    for (key, value) in shown.iter().filter(|(key, _)| *key != "…") {
        match actual.get(key) {
            Some(other) => found.extend(differences(&format!("{path}.{key}"), value, other)),
            None => found.push(format!("{path}.{key}: is shown and not answered")),
        }
    }
    let hidden = actual.keys().filter(|key| !shown.contains_key(*key));
    if cut {
        assert!(hidden.count() > 0, "{path}: nothing is left out where … is shown");
    } else {
        found.extend(hidden.map(|key| format!("{path}.{key}: is answered and not shown")));
    }
    found
}

fn check_output(block: &Block, said: &str) {
    let Some(shown) = &block.output else { return };
    let line = block.line;
    if let Ok(shown) = serde_json::from_str::<Value>(shown) {
        let actual = serde_json::from_str(said).unwrap_or_else(|error| panic!("README.md:{line}: {error}: {said}"));
        let found = differences("", &shown, &actual);
        assert!(found.is_empty(), "README.md:{line}: answers {said}\n{}", found.join("\n"));
    } else {
        assert!(same_text(shown.trim_end(), said.trim_end()), "README.md:{line}: shows\n{shown}\nand prints\n{said}");
    }
}

#[test]
fn the_readmes_curl_examples_answer_what_it_shows() {
    let own = serve();
    for block in of_kind("curl") {
        assert!(block.code.contains(ADDRESS), "README.md:{}: asks the server", block.line);
        let code = block.code.replace(ADDRESS, &own.server.addr().to_string());
        let wanted = format!("README.md:{}: curl is needed; on Debian: apt-get install curl", block.line);
        let said = succeed(Command::new("sh").args(["-e", "-c", &code]), &wanted);
        assert!(block.output.is_some(), "README.md:{}: shows what it answers", block.line);
        check_output(&block, &said);
    }
}

#[test]
fn the_readmes_python_example_prints_what_it_shows() {
    let python = Python::ready();
    let own = serve();
    // A checkout whose `.venv` has the packages already, so that nothing is fetched.
    let checkout = &python.home;
    for name in ["proto", "tests"] {
        let link = checkout.join(name);
        let _ = fs::remove_file(&link);
        symlink(project().join(name), link).expect("a link can be made");
    }
    let _ = fs::remove_dir_all(checkout.join("stipend"));
    for block in of_kind("sh") {
        let wanted = format!("README.md:{}: runs as it stands", block.line);
        succeed(Command::new("sh").args(["-e", "-c", &block.code]).current_dir(checkout), &wanted);
    }
    for block in of_kind("python") {
        assert!(block.code.contains(ADDRESS), "README.md:{}: asks the server", block.line);
        let file = checkout.join("example.py");
        fs::write(&file, block.code.replace(ADDRESS, &own.server.addr().to_string())).expect("a file can be written");
        let wanted = format!("README.md:{}: runs as it stands", block.line);
        let said = succeed(python.command().arg("example.py").current_dir(checkout), &wanted);
        check_output(&block, &said);
    }
}

#[test]
fn every_block_of_the_readme_that_is_marked_is_run() {
    let known = ["serve", "curl", "sh", "python"];
    for block in readme() {
        assert!(known.contains(&block.run.as_str()), "README.md:{}: nobody runs `{}`", block.line, block.run);
    }
}

#[test]
fn a_block_is_found_with_its_output() {
    let text = "# T\n\n<!-- run: curl -->\n```sh\na \\\n  b\n```\n\nwords\n\n<!-- output -->\n```json\n{}\n```\n\n```sh\nc\n```\n";
    let block = Block { line: 3, run: "curl".into(), code: "a \\\n  b".into(), output: Some("{}".into()) };
    assert_eq!(blocks(text), [block]);
}

#[test]
fn output_is_compared_but_for_times_and_what_is_left_out() {
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let actual = json(
        r#"{"a": "1", "t": "2026-01-01T00:00:00Z", "m": "reset 2026-01-01T00:00:00.5Z", "l": [{"x": 1, "y": 2}]}"#,
    );
    let same =
        r#"{"t": "2020-05-05T05:05:05.555Z", "m": "reset 2020-05-05T05:05:05Z", "l": [{"x": 1, "…": "…"}], "…": "…"}"#;
    assert_eq!(differences("", &json(same), &actual), Vec::<String>::new());
    for other in [
        r#"{"a": "2", "…": "…"}"#,
        r#"{"a": "1"}"#,
        r#"{"b": "1", "…": "…"}"#,
        r#"{"t": "today", "…": "…"}"#,
        r#"{"m": "reset today", "…": "…"}"#,
        r#"{"l": [], "…": "…"}"#,
        r#"{"l": [{"x": 2, "…": "…"}], "…": "…"}"#,
    ] {
        assert!(!differences("", &json(other), &actual).is_empty(), "{other}");
    }
}

#[test]
fn the_catalog_of_the_readme_is_one() {
    let text = fs::read_to_string(project().join("README.md")).expect("the README can be read");
    let (_, rest) = text.split_once("```yaml\n").expect("the README shows a catalog");
    let (catalog, _) = rest.split_once("```").expect("the block ends");
    stipend::catalog::Catalog::parse(catalog).expect("what the README teaches is valid");
}
