//! Runs the blocks of one page, in their order, against one server of its own with the real binary.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    compare::problems,
    page::{Block, Page, Run, project},
};
use crate::{
    harness::world::{Own, own_of},
    python::{Python, succeed},
};

/// Where pages say that the server listens.
const ADDRESS: &str = "127.0.0.1:7300";
/// Ends what one command of a session printed.
const END: char = '\u{1e}';

/// Runs a page; gives what is not as it shows.
pub fn run(page: &Page) -> Vec<String> {
    let session = Session::start(page);
    page.blocks.iter().flat_map(|block| session.block(block)).collect()
}

struct Session {
    own: Own,
    /// Where commands run: it looks like a checkout.
    checkout: PathBuf,
    python: Option<Python>,
}

impl Session {
    fn start(page: &Page) -> Self {
        let own = serve(page);
        let python = page.has(Run::Python).then(Python::ready);
        // With Python it has the packages already, so that nothing is fetched.
        let checkout = python.as_ref().map_or_else(|| own.home().join("checkout"), |python| python.home.clone());
        fs::create_dir_all(&checkout).expect("a directory can be made");
        for name in ["proto", "tests", "examples", "docs"] {
            let link = checkout.join(name);
            let _ = fs::remove_file(&link);
            symlink(project().join(name), link).expect("a link can be made");
        }
        let _ = fs::remove_dir_all(checkout.join("stipend"));
        Self { own, checkout, python }
    }

    fn block(&self, block: &Block) -> Vec<String> {
        let Block { place, run, code, output } = block;
        let wanted = format!("{place}: runs as it stands");
        let code = &code.replace(ADDRESS, &self.address());
        let said = match run {
            Run::Serve => return Vec::new(),
            Run::Catalog => {
                let problem = stipend::catalog::Catalog::parse(code).err();
                return problem.map(|problem| format!("{place}: {problem}")).into_iter().collect();
            }
            Run::Console => return self.console(block),
            Run::Curl => {
                assert!(code.contains(&self.address()), "{place}: asks the server");
                assert!(output.is_some(), "{place}: shows what it answers");
                succeed(self.sh().args(["-e", "-c", code]), &format!("{wanted} (apt-get install curl on Debian)"))
            }
            Run::Sh => succeed(self.sh().args(["-e", "-c", code]), &wanted),
            Run::Python => {
                assert!(code.contains(&self.address()), "{place}: asks the server");
                let python = self.python.as_ref().expect("made ready for the page");
                fs::write(self.checkout.join("example.py"), code).expect("a file can be written");
                succeed(python.command().arg("example.py").current_dir(&self.checkout), &wanted)
            }
        };
        let said = self.as_documented(&said);
        let found = output.as_ref().map_or_else(Vec::new, |shown| problems(shown, &said));
        found.into_iter().map(|problem| format!("{place}: {problem}; it prints\n{said}")).collect()
    }

    /// Types the commands of a session into one shell, and compares what each prints.
    fn console(&self, block: &Block) -> Vec<String> {
        let commands = commands(block);
        let mut script = String::from("exec 2>&1\n");
        for (command, _) in &commands {
            script.push_str(&command.replace(ADDRESS, &self.address()));
            // The next command may ask how this one ended.
            script.push_str("\nended=$?; printf '\\036'; (exit $ended)\n");
        }
        let output = self.sh().args(["-c", &script]).stdin(Stdio::null()).output().expect("sh is there");
        let said = self.as_documented(&String::from_utf8_lossy(&output.stdout));
        let parts: Vec<&str> = said.split(END).collect();
        assert_eq!(parts.len(), commands.len() + 1, "{}: the shell ended early:\n{said}", block.place);
        let mut found = Vec::new();
        for ((command, shown), said) in commands.iter().zip(parts) {
            for problem in problems(shown, said) {
                found.push(format!("{}: $ {command}\n{problem}; it prints\n{said}", block.place));
            }
        }
        found
    }

    /// A shell in which `stipend` is the binary under test and speaks to the page's server.
    fn sh(&self) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_stipend"));
        let mut paths = vec![binary.parent().expect("a file is in a directory").to_owned()];
        paths.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let mut command = Command::new("sh");
        command.current_dir(&self.checkout).env("PATH", std::env::join_paths(paths).expect("paths without colons"));
        command.env("STIPEND_SERVER", format!("http://{}", self.address()));
        command
    }

    fn address(&self) -> String {
        self.own.server.addr().to_string()
    }

    fn as_documented(&self, said: &str) -> String {
        said.replace(&self.address(), ADDRESS)
    }
}

/// The commands of a session, each with what the page shows below it.
fn commands(block: &Block) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in block.code.lines() {
        if open {
            let (command, _) = found.last_mut().expect("one is open");
            command.push('\n');
            command.push_str(line);
            open = line.ends_with('\\');
        } else if let Some(command) = line.strip_prefix("$ ") {
            found.push((command.to_owned(), String::new()));
            open = command.ends_with('\\');
        } else {
            let (_, shown) = found.last_mut().unwrap_or_else(|| panic!("{}: begins with a command", block.place));
            shown.push_str(line);
            shown.push('\n');
        }
    }
    assert!(!found.is_empty(), "{}: has a command", block.place);
    found
}

/// Starts the server as the page says to, but for where it listens and keeps its data; a page that does not say gets the
/// catalogs that are shown as examples.
fn serve(page: &Page) -> Own {
    let served: Vec<&Block> = page.blocks.iter().filter(|block| block.run == Run::Serve).collect();
    let catalogs = match served.as_slice() {
        [] => vec![project().join("examples/catalogs/ai-employee.yaml")],
        [block] => catalogs(block),
        [_, second, ..] => panic!("{}: a page starts one server", second.place),
    };
    own_of(catalogs)
}

fn catalogs(block: &Block) -> Vec<PathBuf> {
    let Block { place, code, .. } = block;
    let (_, arguments) = code.split_once("serve").unwrap_or_else(|| panic!("{place}: a command that serves"));
    let mut words = arguments.split_whitespace();
    let mut catalogs: Vec<PathBuf> = Vec::new();
    while let Some(word) = words.next() {
        if word == "\\" {
            continue;
        }
        assert_eq!(word, "--catalog", "{place}: an argument that this test does not know");
        catalogs.push(project().join(words.next().expect("a catalog is a file")));
    }
    catalogs
}

#[test]
fn a_session_is_commands_with_what_they_print() {
    let code = "$ a b \\\n    c\nx\ny\n$ d\n$ e\nz".to_owned();
    let block = Block { place: "T.md:1".into(), run: Run::Console, code, output: None };
    let expected = [("a b \\\n    c", "x\ny\n"), ("d", ""), ("e", "z\n")].map(|(c, o)| (c.to_owned(), o.to_owned()));
    assert_eq!(commands(&block), expected);
}
