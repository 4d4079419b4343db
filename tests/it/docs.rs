//! The examples of the README and of `docs/`, run as they stand: a block below `<!-- run: … -->` is run, and what it prints
//! is compared with the block below the `<!-- output -->` that follows, or, in a `console` session, with what is shown
//! below each command. Only the address is another. How blocks are marked is told in `docs/page.rs`.

mod compare;
mod page;
mod session;

use clap::CommandFactory as _;
use stipend::cli::Cli;

use self::page::{Page, Run};

#[track_caller]
fn none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n\n"));
}

#[test]
fn the_readmes_examples_answer_what_it_shows() {
    let readme = Page::read("README.md");
    for run in [Run::Serve, Run::Curl, Run::Sh, Run::Python] {
        assert!(readme.has(run), "the README has a block to run with {run:?}");
    }
    none(&session::run(&readme));
}

#[test]
fn the_examples_of_the_docs_print_what_they_show() {
    let pages = Page::of_the_docs();
    let problems: Vec<String> = pages.iter().filter(|page| !page.blocks.is_empty()).flat_map(session::run).collect();
    none(&problems);
}

#[test]
fn the_catalog_of_the_readme_is_one() {
    let readme = Page::read("README.md");
    let (_, rest) = readme.text.split_once("```yaml\n").expect("the README shows a catalog");
    let (catalog, _) = rest.split_once("```").expect("the block ends");
    stipend::catalog::Catalog::parse(catalog).expect("what the README teaches is valid");
}

/// What is typed to reach each command that does something, such as `stipend account put`.
fn paths(command: &clap::Command, path: &str) -> Vec<String> {
    let path = format!("{path} {}", command.get_name());
    let path = path.trim_start();
    let below: Vec<&clap::Command> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
    if below.is_empty() { vec![path.to_owned()] } else { below.iter().flat_map(|below| paths(below, path)).collect() }
}

#[test]
fn every_command_is_shown_by_an_example_that_runs() {
    let pages = Page::of_the_docs();
    let shells = pages.iter().flat_map(|page| &page.blocks);
    let shells = shells.filter(|block| matches!(block.run, Run::Console | Run::Sh | Run::Serve));
    let code: Vec<String> = shells.map(|block| format!("{} ", block.code.replace('\n', " \n"))).collect();
    let paths = paths(&Cli::command(), "");
    assert!(paths.len() > 20, "{paths:?}");
    let missing = paths.iter().filter(|path| !code.iter().any(|code| code.contains(&format!("{path} "))));
    none(&missing.map(|path| format!("`{path}` is shown nowhere under docs/")).collect::<Vec<_>>());
}
