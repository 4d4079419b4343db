//! Keeps the loaded catalogs as their files are. Files are looked at every second and on SIGHUP; a set that is valid as a
//! whole is handed on, one that is not is told problem by problem and the old one stays.
//!
//! Looking beats being notified: it works on every file system, through renames and swapped symlinks (which is how
//! orchestrators replace mounted files), and cannot lose an event. What becomes of the catalogs is the caller's business.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::{
    io::AsyncReadExt as _,
    signal::unix::{Signal, SignalKind, signal},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_128;

use crate::catalog::{Catalog, Catalogs, Problems, TEXT_MAX};

/// How often files are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most files.
pub const FILES_MAX: usize = 256;

/// Why catalogs were not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: cannot be read: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{}: is not UTF-8", path.display())]
    Encoding { path: PathBuf },
    /// One line for each problem, each with the file.
    #[error("{}", lines(path, problems))]
    Invalid { path: PathBuf, problems: Problems },
    #[error("{count} catalog files are named, the limit is {FILES_MAX}")]
    TooMany { count: usize },
    /// What the catalogs were handed to refuses them for good: a version that says something else now.
    #[error("{0}")]
    Refused(Problems),
    /// What the catalogs were handed to cannot take them now; they are handed on again.
    #[error("cannot be taken now: {0}")]
    Unavailable(String),
}

fn lines(path: &Path, problems: &Problems) -> String {
    let line = |line: &str| format!("{}: {line}", path.display());
    problems.to_string().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads the catalogs of all files, and says everything that is wrong with any of them.
pub async fn load(paths: &[PathBuf]) -> Result<Vec<Catalog>, Vec<Error>> {
    read(paths).await.and_then(|texts| parse(paths, &texts))
}

/// Hands on what the files hold whenever it changes, until `stop`.
///
/// `loaded` gets all catalogs, those that have not changed too, and must take all of them or none. It is called at once
/// with what the files hold then, so that nothing is missed between a `load` and this, and again each second while it
/// answers `Error::Unavailable`.
///
/// # Errors
/// Only when SIGHUP cannot be listened to, before anything else is done.
pub async fn run<L, F>(paths: Vec<PathBuf>, mut loaded: L, stop: CancellationToken) -> io::Result<()>
where
    L: FnMut(Vec<Catalog>) -> F,
    F: Future<Output = Result<(), Error>>,
{
    let mut hangup = signal(SignalKind::hangup())?;
    let mut watch = Watch::begin(paths);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            asked = next(&mut ticks, &mut hangup) => asked,
        };
        // Not within `select!`: what is being handed on is handed on.
        watch.look(asked, &mut loaded).await;
    }
}

/// Waits for the next look; `true` when somebody asked for it.
async fn next(ticks: &mut tokio::time::Interval, hangup: &mut Signal) -> bool {
    tokio::select! {
        _ = ticks.tick() => false,
        asked = hangup.recv() => asked.is_some(),
    }
}

/// What is known of the files.
struct Watch {
    paths: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    /// Of the texts that were handed on or refused for good.
    settled: Option<u128>,
    /// Read them again at the next look: a write within the resolution of the clock of files does not show.
    again: bool,
    /// The problems that were told last, so as not to tell the same every second.
    told: String,
}

/// What a file looks like from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    /// Of the file that the path leads to now.
    inode: u64,
    device: u64,
}

impl Watch {
    /// Nothing is known at first: what was read before this began may have changed since.
    fn begin(paths: Vec<PathBuf>) -> Self {
        Self { paths, seen: Vec::new(), settled: None, again: true, told: String::new() }
    }

    async fn look<L, F>(&mut self, asked: bool, loaded: &mut L)
    where
        L: FnMut(Vec<Catalog>) -> F,
        F: Future<Output = Result<(), Error>>,
    {
        let stamps = stamps(&self.paths).await;
        let moved = stamps != self.seen;
        if !(asked || moved || self.again) {
            return;
        }
        self.seen = stamps;
        self.again = moved;
        match self.reload(asked, loaded).await {
            Ok(None) => {}
            Ok(Some(count)) => {
                self.told.clear();
                tracing::info!(catalogs = count, "catalogs loaded");
            }
            Err(errors) => self.tell(&errors, asked),
        }
    }

    /// Hands on what is new; answers how many catalogs were taken, if any were to be.
    async fn reload<L, F>(&mut self, asked: bool, loaded: &mut L) -> Result<Option<usize>, Vec<Error>>
    where
        L: FnMut(Vec<Catalog>) -> F,
        F: Future<Output = Result<(), Error>>,
    {
        let texts = match read(&self.paths).await {
            Ok(texts) => texts,
            Err(errors) => {
                // A file that is being replaced may be away for a moment.
                self.again = true;
                return Err(errors);
            }
        };
        let digest = digest(&texts);
        if self.settled == Some(digest) && !asked {
            return Ok(None);
        }
        let taken = match parse(&self.paths, &texts) {
            Ok(catalogs) => {
                let count = catalogs.len();
                loaded(catalogs).await.map(|()| count).map_err(|error| vec![error])
            }
            Err(errors) => Err(errors),
        };
        let later = matches!(&taken, Err(errors) if errors.iter().any(|error| matches!(error, Error::Unavailable(_))));
        self.again |= later;
        self.settled = if later { None } else { Some(digest) };
        taken.map(Some)
    }

    fn tell(&mut self, errors: &[Error], asked: bool) {
        let told = Listed(errors).to_string();
        if told == self.told && !asked {
            return;
        }
        for line in told.lines() {
            tracing::error!("catalog: {line}");
        }
        tracing::warn!("the catalogs that were loaded before stay");
        self.told = told;
    }
}

struct Listed<'e>(&'e [Error]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|error| writeln!(f, "{error}"))
    }
}

async fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    use std::os::unix::fs::MetadataExt as _;

    let mut stamps = Vec::with_capacity(paths.len());
    for path in paths {
        // Follows symlinks: a link that leads elsewhere now shows another inode.
        let metadata = tokio::fs::metadata(path).await.ok();
        stamps.push(metadata.map(|metadata| Stamp {
            modified: metadata.modified().ok(),
            len: metadata.len(),
            inode: metadata.ino(),
            device: metadata.dev(),
        }));
    }
    stamps
}

async fn read(paths: &[PathBuf]) -> Result<Vec<String>, Vec<Error>> {
    if paths.len() > FILES_MAX {
        return Err(vec![Error::TooMany { count: paths.len() }]);
    }
    let (mut texts, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        match read_one(path).await {
            Ok(text) => texts.push(text),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(texts) } else { Err(errors) }
}

/// Reads a file up to one byte more than a catalog may have; the parser refuses it then.
async fn read_one(path: &Path) -> Result<String, Error> {
    let failed = |error| Error::Read { path: path.to_owned(), error };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(TEXT_MAX as u64 + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    String::from_utf8(bytes).map_err(|_| Error::Encoding { path: path.to_owned() })
}

fn parse(paths: &[PathBuf], texts: &[String]) -> Result<Vec<Catalog>, Vec<Error>> {
    let (mut catalogs, mut errors) = (Vec::new(), Vec::new());
    // Files that contradict each other are found here, so that whoever gets the catalogs has to look only at what it had.
    let mut together = Catalogs::default();
    for (path, text) in paths.iter().zip(texts) {
        let parsed = Catalog::parse(text).and_then(|catalog| together.insert(catalog.clone()).map(|()| catalog));
        match parsed {
            Ok(catalog) => catalogs.push(catalog),
            Err(problems) => errors.push(Error::Invalid { path: path.clone(), problems }),
        }
    }
    if errors.is_empty() { Ok(catalogs) } else { Err(errors) }
}

fn digest(texts: &[String]) -> u128 {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend_from_slice(&xxh3_128(text.as_bytes()).to_le_bytes());
    }
    xxh3_128(&bytes)
}

#[cfg(test)]
mod tests;
