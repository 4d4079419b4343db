//! A page of the documentation as blocks of code, each with what its mark says to do with it and what it is to print.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A page.
pub struct Page {
    pub text: String,
    pub blocks: Vec<Block>,
}

/// A block of code below a mark.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// `docs/cli.md:12`
    pub place: String,
    pub run: Run,
    pub code: String,
    pub output: Option<String>,
}

/// What is done with a block: `<!-- run: … -->`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// The command that starts the page's server.
    Serve,
    /// A request to it.
    Curl,
    /// Commands that must succeed; what they print is shown or not.
    Sh,
    /// A session at a terminal: `$ command`, below each what it prints; a line `…` stands for any that are left out.
    Console,
    Python,
    /// A catalog that is valid.
    Catalog,
}

impl Run {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "serve" => Self::Serve,
            "curl" => Self::Curl,
            "sh" => Self::Sh,
            "console" => Self::Console,
            "python" => Self::Python,
            "catalog" => Self::Catalog,
            _ => return None,
        })
    }
}

impl Page {
    pub fn read(path: &str) -> Self {
        let text = fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let blocks = blocks(path, &text);
        Self { text, blocks }
    }

    /// All pages under `docs`.
    pub fn of_the_docs() -> Vec<Self> {
        let (mut pending, mut paths): (Vec<PathBuf>, Vec<String>) = (vec![project().join("docs")], Vec::new());
        while let Some(folder) = pending.pop() {
            for entry in fs::read_dir(folder).expect("a folder can be read") {
                let path = entry.expect("a folder can be read").path();
                if path.is_dir() {
                    pending.push(path);
                } else if path.extension().is_some_and(|extension| extension == "md") {
                    paths.push(path.strip_prefix(project()).expect("under the root").display().to_string());
                }
            }
        }
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    pub fn has(&self, run: Run) -> bool {
        self.blocks.iter().any(|block| block.run == run)
    }
}

pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The blocks of a text that are to be run.
pub fn blocks(path: &str, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines().enumerate();
    let mut mark: Option<(String, String)> = None;
    while let Some((number, line)) = lines.next() {
        let place = format!("{path}:{}", number + 1);
        if let Some(comment) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
            mark = Some((place, comment.trim().to_owned()));
        } else if line.starts_with("```") {
            let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let code = body.join("\n");
            match mark.take() {
                None => {}
                Some((place, mark)) if mark == "output" => {
                    let block = blocks.last_mut().unwrap_or_else(|| panic!("{place}: the output of nothing"));
                    assert_eq!(block.output, None, "{place}: has an output already");
                    block.output = Some(code);
                }
                Some((place, mark)) => {
                    let run = mark.strip_prefix("run: ").and_then(Run::named);
                    let run = run.unwrap_or_else(|| panic!("{place}: nobody runs `{mark}`"));
                    blocks.push(Block { place, run, code, output: None });
                }
            }
        } else if !line.trim().is_empty() {
            assert_eq!(mark, None, "{place}: a comment that is no block's");
        }
    }
    blocks
}

#[test]
fn a_block_is_found_with_its_output() {
    let text = "# T\n\n<!-- run: curl -->\n```sh\na \\\n  b\n```\n\nwords\n\n<!-- output -->\n```json\n{}\n```\n\n```sh\nc\n```\n";
    let block = Block { place: "T.md:3".into(), run: Run::Curl, code: "a \\\n  b".into(), output: Some("{}".into()) };
    assert_eq!(blocks("T.md", text), [block]);
}
