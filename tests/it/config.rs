//! Settings, asked of the real binary: what wins over what, where each value came from, what is refused and how, and that
//! no secret is printed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_stipend");
const PASSWORD: &str = "hunter2";

/// A directory to stand in, with a `stipend.toml` in it.
fn home(text: &str) -> TempDir {
    let home = TempDir::new().expect("a temporary directory can be made");
    fs::write(home.path().join("stipend.toml"), text).expect("a file can be written");
    home
}

fn stipend(home: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STIPEND_")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).current_dir(home);
    command.output().expect("the binary under test can be started")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What `stipend config --json` says: by setting, its value and where that came from.
fn in_force(home: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Vec<(String, Value, String)> {
    let output = stipend(home, &[&["config", "--json"], arguments].concat(), environment);
    let told: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let settings = told["settings"].as_array().expect("a list").iter();
    settings.map(|one| (text(&one["setting"]), one["value"].clone(), text(&one["source"]))).collect()
}

#[track_caller]
fn is(settings: &[(String, Value, String)], key: &str, value: impl Into<Value>, source: &str) {
    let (_, found, from) = settings.iter().find(|(name, ..)| name == key).unwrap_or_else(|| panic!("no {key}"));
    assert_eq!((found, from.as_str()), (&value.into(), source), "{key}");
}

/// The lines that a refused file is told with.
fn refused(text: &str) -> Vec<String> {
    let home = home(text);
    let output = stipend(home.path(), &["config"], &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(output.stdout.is_empty(), "nothing is in force: {}", said(&output));
    let served = stipend(home.path(), &["serve", "--listen", "127.0.0.1:0"], &[]);
    assert_eq!(served.stderr, output.stderr, "serve refuses it in the same words");
    said(&output).lines().filter(|line| line.starts_with("stipend.toml:")).map(ToOwned::to_owned).collect()
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_defaults() {
    let home = home("# ours\ndrain_timeout = 7\nlog_format = \"json\"\nreflection = true\n\nlog = \"debug\"\n");
    let environment = [("STIPEND_LOG_FORMAT", "text"), ("STIPEND_LOG", "warn"), ("STIPEND_REFLECTION", "false")];
    let settings = in_force(home.path(), &["--log", "error"], &environment);
    is(&settings, "drain_timeout", 7, "stipend.toml:2");
    is(&settings, "log_format", "text", "STIPEND_LOG_FORMAT");
    is(&settings, "reflection", false, "STIPEND_REFLECTION");
    is(&settings, "log", "error", "--log");
    is(&settings, "listen", "127.0.0.1:7300", "default");
    is(&settings, "store_file", Value::Null, "default");
    let settings = in_force(home.path(), &["--reflection"], &[]);
    is(&settings, "reflection", true, "--reflection");
    let settings = in_force(home.path(), &["--reflection=false"], &[]);
    is(&settings, "reflection", false, "--reflection");
}

#[test]
fn a_file_is_found_by_flag_and_by_environment_and_its_paths_are_its_own() {
    let home = home("drain_timeout = 7\n");
    let other = home.path().join("etc");
    fs::create_dir(&other).expect("a directory can be made");
    fs::write(other.join("a.toml"), "data = \"ledger\"\ncatalog = [\"x.yaml\", \"/y.yaml\"]\n").expect("written");
    for (arguments, environment) in
        [(&["--config", "etc/a.toml"][..], &[][..]), (&[], &[("STIPEND_CONFIG", "etc/a.toml")])]
    {
        let settings = in_force(home.path(), arguments, environment);
        is(&settings, "drain_timeout", 25, "default");
        is(&settings, "data", "etc/ledger", "etc/a.toml:1");
        is(&settings, "catalog", vec!["etc/x.yaml", "/y.yaml"], "etc/a.toml:2");
    }
    let missing = stipend(home.path(), &["config", "--config", "no.toml"], &[]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(said(&missing).contains("no.toml: cannot be read"), "{}", said(&missing));
}

#[test]
fn without_a_file_everything_is_a_default() {
    let home = TempDir::new().expect("a temporary directory can be made");
    let settings = in_force(home.path(), &[], &[]);
    assert!(settings.len() >= 10, "{settings:?}");
    assert!(settings.iter().all(|(_, _, source)| source == "default"), "{settings:?}");
    let table = said(&stipend(home.path(), &["config"], &[]));
    assert!(table.lines().any(|line| line.split_whitespace().eq(["listen", "127.0.0.1:7300", "default"])), "{table}");
    assert!(table.lines().any(|line| line.split_whitespace().eq(["catalog", "-", "default"])), "{table}");
}

#[test]
fn every_mistake_of_a_file_is_told_at_once_with_its_line() {
    let mut told = refused(
        "listn = \"127.0.0.1:1\"\ndrain_timeout = 4000\nreflection = \"yes\"\ndurability = \"sometimes\"\nlisten = \"here\"\n\
         [serve]\ndata = \"x\"\n",
    );
    let table = told.pop().expect("problems");
    assert!(table.starts_with("stipend.toml:6: serve: unknown key"), "{table}");
    assert_eq!(
        told,
        [
            "stipend.toml:1: listn: unknown key, did you mean listen?",
            "stipend.toml:2: drain_timeout: 4000 cannot be used: 4000 is not in 0..=3600",
            "stipend.toml:3: reflection: must be true or false, not a text",
            "stipend.toml:4: durability: must be one of fsync, interval, none, not \"sometimes\"",
            "stipend.toml:5: listen: here cannot be used: must be an IP address and a port such as 127.0.0.1:7300 or \
             [::1]:7300",
        ]
    );
}

#[test]
fn wrong_types_and_syntax_are_told_with_their_line() {
    for (text, told) in [
        ("\ndrain_timeout = \"7\"", "stipend.toml:2: drain_timeout: must be a whole number, not a text"),
        ("drain_timeout = -1", "stipend.toml:1: drain_timeout: -1 cannot be used: invalid digit found in string"),
        ("drain_timeout = 1.5", "stipend.toml:1: drain_timeout: must be a whole number, not 1.5"),
        ("data = 7", "stipend.toml:1: data: must be a text in quotes, not 7"),
        ("data = \"\"", "stipend.toml:1: data: must not be empty"),
        ("catalog = [\"a\", 1]", "stipend.toml:1: catalog: must be a list of texts in quotes, not a list"),
        ("catalog = \"a,b\"", "stipend.toml:1: catalog: \"a,b\" must not contain `,`; write a list"),
        ("config = \"x\"", "stipend.toml:1: config: unknown key"),
        ("log = \"stipend=loud\"", "stipend.toml:1: log: stipend=loud cannot be used: the log filter"),
    ] {
        let lines = refused(text);
        assert!(lines.len() == 1 && lines[0].starts_with(told), "{text}: {lines:?}");
    }
    for text in ["listen = \n", "a = 1\na = 2\n", "listen : 1"] {
        let lines = refused(text);
        assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("is not TOML")), "{text}: {lines:?}");
    }
}

#[test]
fn a_password_is_never_printed_wherever_it_came_from() {
    let home = home("");
    let address = format!("redis://user:{PASSWORD}@cache.example:6379/0");
    fs::write(home.path().join("store"), format!("{address}\n")).expect("a file can be written");
    let shown = "redis://user:***@cache.example:6379/0";
    let mistyped = format!("redis//user:{PASSWORD}@cache.example");
    for (arguments, environment, source) in [
        (&["--store", &address][..], &[][..], "--store"),
        (&[], &[("STIPEND_STORE", address.as_str())], "STIPEND_STORE"),
        (&["--store-file", "store"], &[], "store (store_file)"),
        (&[], &[("STIPEND_STORE_FILE", "store")], "store (store_file)"),
        // The file that a flag names wins over the environment.
        (&["--store-file", "store"], &[("STIPEND_STORE", "embedded")], "store (store_file)"),
    ] {
        is(&in_force(home.path(), arguments, environment), "store", shown, source);
        for command in [&["config"][..], &["config", "--json"], &["serve", "--help"], &["config", "--help"]] {
            let output = stipend(home.path(), &[command, arguments].concat(), environment);
            assert!(!said(&output).contains(PASSWORD), "{command:?} {arguments:?}: {}", said(&output));
        }
    }
    for (arguments, environment) in
        [(&["--store", mistyped.as_str()][..], &[][..]), (&[], &[("STIPEND_STORE", mistyped.as_str())])]
    {
        for command in ["config", "serve"] {
            let output = stipend(home.path(), &[&[command], arguments].concat(), environment);
            assert_eq!(output.status.code(), Some(2), "{}", said(&output));
            assert!(!said(&output).contains(PASSWORD), "{}", said(&output));
        }
    }
}

#[test]
fn a_password_may_not_stand_in_the_file_but_the_name_of_a_file_with_it_may() {
    let told = refused(&format!("store = \"redis://:{PASSWORD}@cache.example\"\n"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("store_file = \"FILE\"") && told[0].contains("STIPEND_STORE"), "{told:?}");
    assert!(!told[0].contains(PASSWORD), "{told:?}");

    let home = home("store_file = \"secret\"\n");
    fs::write(home.path().join("secret"), format!("redis://:{PASSWORD}@cache.example")).expect("written");
    let settings = in_force(home.path(), &[], &[]);
    is(&settings, "store", "redis://:***@cache.example", "secret (store_file)");
    is(&settings, "store_file", "secret", "stipend.toml:1");
    let settings = in_force(home.path(), &["--store", "embedded"], &[]);
    is(&settings, "store", "embedded", "--store");

    fs::write(home.path().join("secret"), format!("nonsense:{PASSWORD}@x")).expect("written");
    let output = stipend(home.path(), &["config"], &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("store_file") && !said(&output).contains(PASSWORD), "{}", said(&output));
    let both = stipend(home.path(), &["config", "--store", "embedded", "--store-file", "secret"], &[]);
    assert!(said(&both).contains("give one of them"), "{}", said(&both));
}

#[test]
fn config_fails_where_serve_would_refuse_to_start() {
    let home = home("listen = \"0.0.0.0:7300\"\n");
    let output = stipend(home.path(), &["config"], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("refusing to listen on 0.0.0.0:7300"), "{}", said(&output));
    assert!(said(&output).contains("stipend.toml:1"), "the table is printed all the same: {}", said(&output));
}

const WITHOUT_DEFAULT: &[&str] = &["store_file"];

#[test]
fn the_example_file_shows_every_setting_with_its_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/stipend.toml");
    let text = fs::read_to_string(path).expect("the example can be read");
    // What has no default shows something that could stand there.
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix('#')).collect();
    let shown: Vec<&str> = lines
        .into_iter()
        .filter(|line| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')))
        .filter(|line| !WITHOUT_DEFAULT.iter().any(|key| line.starts_with(key)))
        .collect();

    let bare = home("");
    let defaults = in_force(bare.path(), &[], &[]);
    let taken = home(&shown.join("\n"));
    let given = in_force(taken.path(), &[], &[]);
    let mut line = 0;
    for ((key, default, _), (_, value, source)) in defaults.iter().zip(&given) {
        // For tests, and hidden.
        if key == "checkpoint_bytes" {
            continue;
        }
        assert!(text.contains(&format!("\n#{key} = ")), "examples/stipend.toml lacks {key}");
        if WITHOUT_DEFAULT.contains(&key.as_str()) {
            continue;
        }
        line += 1;
        assert_eq!((value, source), (default, &format!("stipend.toml:{line}")), "examples/stipend.toml: {key}");
    }
    assert_eq!(shown.len(), line, "examples/stipend.toml has settings that are none");
}

#[test]
fn serve_takes_its_settings_from_the_file() {
    // Port 0 and a directory of its own: what it says and makes shows that the file was read.
    let home = home("listen = \"127.0.0.1:0\"\ndata = \"ledger\"\nlog = \"error\"\n");
    let mut command = Command::new(BINARY);
    command.arg("serve").current_dir(home.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Killed(command.spawn().expect("the binary under test can be started"));
    let mut line = String::new();
    let stdout = server.0.stdout.take().expect("standard output is piped");
    BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
    assert!(line.starts_with("listening on 127.0.0.1:") && !line.ends_with(":7300\n"), "{line}");
    assert!(home.path().join("ledger").is_dir(), "the store is where the file says");
}

/// A process that ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
