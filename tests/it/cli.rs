//! The command line, as people and scripts run it: the real binary against a real server.

mod accounts;
mod exits;
mod output;

use std::{
    net::SocketAddr,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::harness::world::models_addr;

/// What a command printed, and how it ended.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the command line writes UTF-8");
        let code = output.status.code().expect("it ended by itself");
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn done(self) -> Self {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

/// The binary, told of a server, and of nothing else by the environment.
fn command(server: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stipend"));
    for name in ["STIPEND_TIMEOUT", "NO_COLOR"] {
        command.env_remove(name);
    }
    command.env("STIPEND_SERVER", format!("http://{server}")).stdin(Stdio::null());
    command
}

/// Runs a command line, split at spaces, against the server of the example catalogs.
fn stipend(line: &str) -> Ran {
    stipend_at(models_addr(), line)
}

fn stipend_at(server: SocketAddr, line: &str) -> Ran {
    Ran::of(command(server).args(line.split_whitespace()).output().expect("the binary can be started"))
}

/// Makes a fresh account of a plan, and gives its id.
fn account(catalog: &str, plan: &str) -> String {
    let id = format!("cli-{:016x}", rand::random::<u64>());
    stipend(&format!("account put {id} --catalog {catalog} --plan {plan}")).done();
    id
}
