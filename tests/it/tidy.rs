//! How the source is laid out, held in place: layers point one way, files say what they are for, none grows too long.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Longest file, in lines.
const LINES_MAX: usize = 600;

/// Files that may be longer, each with its reason.
const LONG: &[(&str, &str)] = &[];

/// What the files of a layer must not name. A layer is `src/<name>.rs` and `src/<name>/`.
const LAYERS: &[(&str, &[&str])] = &[
    ("amount", &["catalog", "ledger", "service", "api", "task", "console", "cli", "app"]),
    ("clock", &["catalog", "ledger", "service", "api", "task", "console", "cli", "app"]),
    ("id", &["catalog", "ledger", "service", "api", "task", "console", "cli", "app"]),
    ("terms", &["catalog", "ledger", "service", "api", "task", "console", "cli", "app"]),
    ("proto", &["catalog", "ledger", "service", "api", "task", "console", "cli", "app"]),
    ("catalog", &["ledger", "service", "api", "task", "console", "cli", "app", "proto"]),
    ("ledger", &["catalog", "service", "api", "task", "console", "cli", "app", "proto"]),
    ("service", &["api", "task", "console", "cli", "app"]),
    ("api", &["task", "console", "cli", "app"]),
    ("console", &["task", "cli", "app"]),
    ("task", &["api", "console", "cli", "app"]),
];

/// The only ones that may name `app`.
const ABOVE_APP: &[&str] = &["main", "cli", "app"];

struct File {
    /// From the root of the project.
    path: String,
    text: String,
}

impl File {
    /// The first name under `src`: its layer.
    fn layer(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        rest.split('/').next().map(|name| name.strip_suffix(".rs").unwrap_or(name))
    }

    /// The lines of code, with their numbers; comments and what is only for the unit tests' own text left in.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(number, line)| (number + 1, line)).filter(|(_, line)| {
            let line = line.trim_start();
            !line.starts_with("//") && !line.starts_with("--")
        })
    }

    /// The modules of this crate that it names: `crate::x`, `stipend::x`, and each of `crate::{x, y::z}`.
    fn names(&self) -> Vec<(usize, String)> {
        let code: Vec<(usize, &str)> = self.code().collect();
        let mut found = Vec::new();
        for (index, (number, line)) in code.iter().enumerate() {
            for root in ["crate::", "stipend::"] {
                for (at, _) in line.match_indices(root) {
                    let before = line[..at].chars().next_back();
                    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                        continue;
                    }
                    let rest = &line[at + root.len()..];
                    if let Some(list) = rest.strip_prefix('{') {
                        let following = code[index + 1..].iter().map(|(_, line)| *line);
                        let text: Vec<&str> = std::iter::once(list).chain(following).collect();
                        found.extend(heads(&text.join("\n")).into_iter().map(|name| (*number, name)));
                    } else {
                        found.push((*number, word(rest)));
                    }
                }
            }
        }
        found
    }
}

/// The first names of the entries of a use list, up to its closing brace.
fn heads(list: &str) -> Vec<String> {
    let (mut depth, mut expected, mut names) = (0, true, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expected = true,
            c if expected && depth == 0 && (c.is_alphanumeric() || c == '_') => {
                names.push(word(&list[at..]));
                expected = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under a folder with one of the extensions.
fn files(folder: &str, extensions: &[&str]) -> Vec<File> {
    let mut pending: Vec<PathBuf> = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = pending.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|this| extensions.iter().any(|that| this == *that)) {
                let name = path.strip_prefix(root()).expect("under the root").display().to_string();
                found.push(File { path: name, text: fs::read_to_string(&path).expect("a file can be read") });
            }
        }
    }
    found.sort_by(|x, y| x.path.cmp(&y.path));
    found
}

fn sources() -> Vec<File> {
    let sources = files("src", &["rs"]);
    assert!(!sources.is_empty(), "the sources must be found, or nothing is checked");
    sources
}

#[track_caller]
fn none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn layers_point_one_way() {
    let mut problems = Vec::new();
    for file in sources() {
        let layer = file.layer().expect("a source has a layer").to_owned();
        let barred = LAYERS.iter().find(|(name, _)| *name == layer).map_or(&[][..], |(_, barred)| barred);
        for (line, name) in file.names() {
            if barred.contains(&name.as_str()) {
                problems.push(format!("{}:{line}: `{layer}` must not name `{name}`", file.path));
            }
            if name == "app" && !ABOVE_APP.contains(&layer.as_str()) {
                problems.push(format!("{}:{line}: only {ABOVE_APP:?} may name `app`", file.path));
            }
        }
    }
    none(&problems);
}

#[test]
fn the_scan_for_layers_sees_every_way_to_name_a_module() {
    let text = "use crate::ledger::Command;\nuse crate::{\n    amount::Amount,\n    catalog::{Plan, api},\n    service,\n};\n\
                fn f() -> crate::task::T { mycrate::app::x(); }\n// crate::console\n";
    let file = File { path: "src/catalog/x.rs".into(), text: text.into() };
    let names: Vec<String> = file.names().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["ledger", "amount", "catalog", "service", "task"]);
    assert_eq!(file.layer(), Some("catalog"));
    assert_eq!(File { path: "src/id.rs".into(), text: String::new() }.layer(), Some("id"));
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let mut problems = Vec::new();
    let rust = sources().into_iter().chain(files("tests", &["rs"])).chain(files("benches", &["rs"]));
    for file in rust {
        if !file.text.starts_with("//! ") {
            problems.push(format!("{}: does not open with `//!`", file.path));
        }
    }
    for file in files("src", &["lua"]) {
        if !file.text.starts_with("-- ") {
            problems.push(format!("{}: does not open with a `--` header", file.path));
        }
    }
    none(&problems);
}

#[test]
fn no_file_is_too_long() {
    let mut problems = Vec::new();
    let all: Vec<File> = files("src", &["rs", "lua"]).into_iter().chain(files("tests", &["rs"])).collect();
    for file in &all {
        let lines = file.text.lines().count();
        let excused = LONG.iter().any(|(path, _)| *path == file.path);
        if lines > LINES_MAX && !excused {
            problems.push(format!("{}: has {lines} lines, the limit is {LINES_MAX}", file.path));
        }
        if lines <= LINES_MAX && excused {
            problems.push(format!("{}: is short enough, take it off the list", file.path));
        }
    }
    for (path, _) in LONG {
        if !all.iter().any(|file| file.path == *path) {
            problems.push(format!("{path}: is on the list and not there"));
        }
    }
    none(&problems);
}

#[test]
fn modules_are_named_by_their_own_files() {
    let all = sources().into_iter().chain(files("tests", &["rs"]));
    let vague = ["mod.rs", "utils.rs", "common.rs", "helpers.rs"];
    let problems: Vec<String> = all
        .map(|file| file.path)
        .filter(|path| vague.iter().any(|name| path.rsplit('/').next() == Some(name)))
        .map(|path| format!("{path}: name the file by what is in it"))
        .collect();
    none(&problems);
}

#[test]
fn lints_are_expected_with_a_reason_and_never_just_allowed() {
    let mut problems = Vec::new();
    for file in sources().into_iter().chain(files("tests", &["rs"])) {
        let text = file.text.as_str();
        for (at, _) in text.match_indices("[allow(") {
            let line = text[..at].lines().count();
            let attribute: String = text[at..].chars().take_while(|c| *c != ']').collect();
            let commented = text[..at].lines().next_back().is_some_and(|line| line.trim_start().starts_with("//"));
            // What reads the attribute, here, is not one.
            let quoted = text[..at].ends_with('"');
            if !attribute.contains("reason =") && !commented && !quoted {
                problems.push(format!("{}:{line}: say #[expect(…, reason = \"…\")]", file.path));
            }
        }
    }
    none(&problems);
}

#[test]
fn no_task_is_spawned_without_an_owner() {
    let mut problems = Vec::new();
    for file in sources() {
        for (line, code) in file.code() {
            let test = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
            if !test && (code.contains("tokio::spawn(") || code.contains("task::spawn(")) {
                problems.push(format!("{}:{line}: the supervisor owns every task", file.path));
            }
        }
    }
    none(&problems);
}

#[test]
fn test_names_are_sentences() {
    let mut problems = Vec::new();
    for file in sources().into_iter().chain(files("tests", &["rs"])) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let line = line.trim_start();
            if !(line.starts_with("#[test]") || line.starts_with("#[tokio::test")) {
                continue;
            }
            // Between the attribute and the function there may be others.
            let function =
                lines[number + 1..].iter().find_map(|line| line.split_once("fn ").map(|(_, name)| word(name)));
            let name = function.unwrap_or_default();
            if name.split('_').filter(|word| !word.is_empty()).count() < 3 {
                problems.push(format!("{}:{}: `{name}` is no sentence", file.path, number + 2));
            }
        }
    }
    none(&problems);
}

#[test]
fn every_rule_has_scenarios_and_a_race() {
    // Rules that two callers cannot meet in have no race of their own.
    const WITHOUT_RACE: &[u32] = &[2];
    let scenarios = files("tests/it/scenarios", &["rs"]);
    let mut problems = Vec::new();
    for rule in 1..=22 {
        let prefix = format!("fn rule_{rule:02}_");
        let mut tests = 0;
        let mut races = 0;
        for file in &scenarios {
            for part in file.text.split("#[tokio::test").skip(1).filter(|part| part.contains(&prefix)) {
                tests += 1;
                races += usize::from(part.contains("race(") || part.contains("duplicates("));
            }
        }
        if tests < 3 {
            problems.push(format!("rule {rule} has {tests} scenarios"));
        }
        if races == 0 && !WITHOUT_RACE.contains(&rule) {
            problems.push(format!("rule {rule} has no race"));
        }
    }
    none(&problems);
}
