//! A real foreign client: Python's grpcio with code that it generated from `proto/`, against the running binary. Where
//! Python is missing these tests fail and say what to install; they are never passed over.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::harness::world::{example, own_of};

/// What `client.py` checks, in its order.
const CHECKS: [&str; 9] =
    ["reserve_and_commit", "extend", "release", "charge", "retry", "refusal", "error_details", "pipeline", "race"];

const MISSING: &str =
    "python3 (3.10 or later) with venv and pip is needed; on Debian: apt-get install python3 python3-venv";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Python with grpcio, as `.venv` of a directory that outlives the run, so that the next is quick. One test at a time has
/// it.
pub struct Python {
    pub home: PathBuf,
    _turn: File,
}

impl Python {
    /// Makes it, unless an earlier run has made the same.
    pub fn ready() -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory of builds");
        let home = target.join("python-client");
        fs::create_dir_all(&home).expect("a directory can be made");
        let turn = File::create(home.join("lock")).expect("a lock file can be made");
        turn.lock().expect("a file can be locked");
        let python = Self { home, _turn: turn };
        let requirements = project().join("tests/it/python/requirements.txt");
        let wanted = fs::read_to_string(&requirements).expect("the requirements can be read");
        let stamp = python.venv().join("installed.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && python.works() {
            return python;
        }
        let _ = fs::remove_dir_all(python.venv());
        succeed(Command::new("python3").args(["-m", "venv"]).arg(python.venv()), MISSING);
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        succeed(python.command().args(install).arg(&requirements), "the packages of requirements.txt can be installed");
        fs::write(stamp, wanted).expect("a file can be written");
        python
    }

    fn venv(&self) -> PathBuf {
        self.home.join(".venv")
    }

    /// Its interpreter, and nothing of the caller's Python.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.venv().join("bin/python"));
        command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command
    }

    /// The interpreter that it was made of may be gone since.
    fn works(&self) -> bool {
        let mut command = self.command();
        let quiet = command.args(["-c", "import grpc_tools, grpc_status"]).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }

    /// Generates the client's code from the proto into a directory.
    fn generate(&self, into: &Path) {
        let proto = project().join("proto");
        let mut files: Vec<PathBuf> = fs::read_dir(proto.join("stipend/v1"))
            .expect("the proto is there")
            .map(|entry| entry.expect("a folder can be read").path())
            .collect();
        files.sort();
        let mut command = self.command();
        command.args(["-m", "grpc_tools.protoc", "-I"]).arg(&proto).args(files);
        for option in ["--python_out", "--grpc_python_out"] {
            command.arg(format!("{option}={}", into.display()));
        }
        succeed(&mut command, "protoc of Python takes the proto");
    }
}

/// Runs a command that must succeed; otherwise fails with what it said.
pub fn succeed(command: &mut Command, wanted: &str) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{wanted}: {command:?}: {error}"));
    let Output { status, stdout, stderr } = output;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{wanted}\n{command:?} ended with {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

#[test]
fn a_python_client_generated_from_the_proto_gets_everything_right() {
    let python = Python::ready();
    let own = own_of(vec![example("website-agents")]);
    let generated = own.home().join("generated");
    fs::create_dir(&generated).expect("a directory can be made");
    python.generate(&generated);
    let mut client = python.command();
    client.arg(project().join("tests/it/python/client.py")).arg(own.server.addr().to_string());
    let said = succeed(client.env("PYTHONPATH", &generated), "the Python client passes");
    let passed: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("ok ")).collect();
    assert_eq!(passed, CHECKS, "{said}");
}
