//! `stipend completions`: what a shell needs to complete commands.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, exit::Exit, show};

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  stipend completions bash > /etc/bash_completion.d/stipend
  stipend completions zsh > \"${fpath[1]}/_stipend\"
  stipend completions fish > ~/.config/fish/completions/stipend.fish";

impl Completions {
    pub fn run(&self) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "stipend", &mut script);
        show::print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
