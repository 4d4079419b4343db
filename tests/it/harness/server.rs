//! Starts the real binary, reads where it listens, and stops it: by signal, by force, or when the test lets go of it.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Longest time to the line `listening on ADDR`, and to an exit that was asked for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What keeps the ledger of the server under test: `STIPEND_TEST_STORE`, as `--store` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    Embedded,
    /// Anything else that `--store` understands, such as `redis://127.0.0.1:6379`.
    Other(String),
}

impl Backend {
    pub fn from_env() -> Self {
        match std::env::var("STIPEND_TEST_STORE") {
            Err(_) => Self::Embedded,
            Ok(store) if store.is_empty() || store == "embedded" => Self::Embedded,
            Ok(store) => Self::Other(store),
        }
    }

    fn store(&self) -> &str {
        match self {
            Self::Embedded => "embedded",
            Self::Other(store) => store,
        }
    }
}

/// How a server is started, each time it is.
#[derive(Debug, Clone)]
pub struct Launch {
    pub backend: Backend,
    pub data: PathBuf,
    pub catalogs: Vec<PathBuf>,
    /// What else is said on the command line.
    pub more: Vec<String>,
}

impl Launch {
    fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = ["serve", "--listen", "127.0.0.1:0"].map(String::from).into();
        arguments.extend(["--store".into(), self.backend.store().into()]);
        arguments.extend(["--data".into(), self.data.display().to_string()]);
        for catalog in &self.catalogs {
            arguments.extend(["--catalog".into(), catalog.display().to_string()]);
        }
        arguments.extend(self.more.iter().cloned());
        arguments
    }

    fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_stipend");

/// Kills the server when the test process is gone, however it went, and takes the directory away: nothing drops what a
/// `static` holds. Its standard input is the test process's end of a pipe.
const GUARD: &str = r#"home=$1; shift; "$@" & server=$!; read -r _; kill -9 $server; wait; rm -rf -- "$home""#;

/// A process of the binary under test.
pub struct Server {
    launch: Launch,
    child: Child,
    addr: SocketAddr,
}

impl Server {
    /// Starts a server that lives as long as this value.
    pub fn start(launch: Launch) -> Self {
        let mut command = Command::new(BINARY);
        command.args(launch.arguments()).stdin(Stdio::null());
        Self::spawn(launch, command)
    }

    /// Starts a server that lives as long as the test process, and removes `home` after it.
    pub fn start_guarded(launch: Launch, home: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "sh"]).arg(home).arg(BINARY).args(launch.arguments()).stdin(Stdio::piped());
        Self::spawn(launch, command)
    }

    fn spawn(launch: Launch, mut command: Command) -> Self {
        fs::create_dir_all(&launch.data).expect("the data directory can be made");
        let log = File::options().create(true).append(true).open(launch.log()).expect("the log can be opened");
        let mut child = command
            .env_remove("STIPEND_LISTEN")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary under test can be started");
        let stdout = child.stdout.take().expect("standard output is piped");
        let (announce, announced) = mpsc::channel();
        // Reads on after the announcement, so that the server never waits for a reader.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(addr) = line.strip_prefix("listening on ") {
                    let _ = announce.send(addr.trim().to_owned());
                }
            }
        });
        let addr = match announced.recv_timeout(PATIENCE) {
            Ok(addr) => addr,
            Err(error @ (RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) => {
                let _ = child.kill();
                let _ = child.wait();
                let log = fs::read_to_string(launch.log()).unwrap_or_default();
                panic!("the server did not say `listening on ADDR` ({error}); it logged:\n{log}");
            }
        };
        let addr = addr.parse().unwrap_or_else(|_| panic!("`listening on {addr}` names no address"));
        Self { launch, child, addr }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn terminate(&mut self) -> ExitStatus {
        terminate(self.pid());
        self.wait().await
    }

    /// Waits for an end that was asked for. Clients of this runtime go on meanwhile: a stop is a matter of two.
    pub async fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server did not end after SIGTERM");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts another server on the same data, which must end by itself.
    pub fn try_second(&self) -> ExitStatus {
        let mut second = Command::new(BINARY)
            .args(self.launch.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary under test can be started");
        let deadline = Instant::now() + PATIENCE;
        loop {
            match second.try_wait().expect("a child can be waited for") {
                Some(status) => return status,
                None if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
                None => {
                    let _ = second.kill();
                    let _ = second.wait();
                    panic!("a second server runs on the same data");
                }
            }
        }
    }

    /// Loads another catalog, from the next start on.
    pub fn load(&mut self, catalog: PathBuf) {
        self.launch.catalogs.push(catalog);
    }

    /// Says something else on the command line, from the next start on.
    pub fn say(&mut self, more: Vec<String>) {
        self.launch.more = more;
    }

    /// What it has logged, over all its starts.
    pub fn log(&self) -> PathBuf {
        self.launch.log()
    }

    /// Begins a start on the same data, once it has ended, and sends SIGKILL after a while, wherever it has got to.
    pub fn kill_while_starting(&mut self, after: Duration) {
        let ended = self.child.try_wait().expect("a child can be waited for");
        assert!(ended.is_some(), "the server still runs");
        let log = File::options().create(true).append(true).open(self.launch.log()).expect("the log can be opened");
        let mut child = Command::new(BINARY)
            .args(self.launch.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary under test can be started");
        thread::sleep(after);
        child.kill().expect("a child can be killed");
        child.wait().expect("a child can be waited for");
    }

    /// Starts it again on the same data, once it has ended.
    pub fn start_again(&mut self) {
        let ended = self.child.try_wait().expect("a child can be waited for");
        assert!(ended.is_some(), "the server still runs");
        *self = Self::start(self.launch.clone());
    }
}

/// Asks a process to end.
pub fn terminate(pid: u32) {
    let status = Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status().expect("sh is there");
    assert!(status.success(), "process {pid} cannot be signalled");
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
