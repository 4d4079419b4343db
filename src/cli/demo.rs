//! `stipend demo`: a service in this process on a fresh store, a day of traffic on it through its real API, and the
//! commands to try next. The traffic is `story`'s, how it is seen `draw`'s and `screen`'s.

mod draw;
mod ending;
mod meter;
mod screen;
mod stage;
mod story;
mod watch;

use std::{
    convert::Infallible,
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::MissedTickBehavior,
};

use self::{
    screen::Screen,
    stage::Stage,
    story::{CAST, TITLES, Told},
    watch::Watch,
};
use crate::{
    app::App,
    config::{CHECKPOINT_BYTES, Catalogs, Config, Durability, Store},
    shutdown::Shutdown,
    telemetry::{self, LogFormat},
};

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7300);
/// How long the day takes.
const DAY: Duration = Duration::from_secs(24);
const FAST_DAY: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(150);
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The five models that are published, so that the demo runs from anywhere.
const CATALOGS: [&str; 5] = [
    include_str!("../../examples/catalogs/ai-employee.yaml"),
    include_str!("../../examples/catalogs/buyer-engagement.yaml"),
    include_str!("../../examples/catalogs/enrichment-api.yaml"),
    include_str!("../../examples/catalogs/outbound-sales.yaml"),
    include_str!("../../examples/catalogs/website-agents.yaml"),
];

/// Play a day of traffic on a fresh service, and keep serving it to try things on
#[derive(Debug, Args)]
pub struct Demo {
    /// Address to listen on, of this machine only; without it 127.0.0.1:7300, or a free port when that is taken
    #[arg(long, value_name = "ADDR", value_parser = loopback)]
    listen: Option<SocketAddr>,

    /// Keep the data in this directory; without it, it goes into a temporary one that is removed at the end
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Stop after the summary
    #[arg(long)]
    once: bool,

    /// Play the day in a few seconds
    #[arg(long)]
    fast: bool,

    /// What is logged to standard error, such as `info`, or `stipend=debug,info`
    #[arg(long, env = "STIPEND_LOG", default_value = "warn", value_name = "FILTER")]
    log: String,
}

/// How the playing of the day ended.
enum Ended {
    Agreed,
    Disagreed,
    /// Somebody asked it to stop.
    Stopped,
}

impl Demo {
    pub fn run(self) -> anyhow::Result<()> {
        telemetry::start(LogFormat::Text, &self.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start threads; is the machine out of them?")?;
        runtime.block_on(async {
            let shutdown = Shutdown::new();
            let signals = shutdown.listen().context("cannot listen for signals")?;
            // The window was closed: there is no catalog file to read again, but there is data to remove.
            let mut hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
            let stop = shutdown.soft.clone();
            let signals = async move {
                tokio::join!(signals, async move {
                    let _ = hangup.recv().await;
                    stop.cancel();
                });
            };
            tokio::select! {
                ended = self.serve(shutdown) => ended,
                never = async { signals.await; std::future::pending::<Infallible>().await } => match never {},
            }
        })
    }

    /// Serves while the day is played and, unless it is to be played only once, until it is asked to stop.
    async fn serve(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let home = Home::open(self.data.as_deref())?;
        let (listener, elsewhere) = bind(self.listen).await?;
        let app = App::build_on(listener, config(home.path())).await?;
        let address = app.address();
        let stop = shutdown.soft.clone();

        let served = async {
            let served = app.run(shutdown).await;
            stop.cancel();
            served
        };
        let played = async {
            let played = tokio::select! {
                played = self.play(address, elsewhere) => played,
                () = stop.cancelled() => Ok(Ended::Stopped),
            };
            // A service that was asked to stop answers the rest of the day with errors.
            let played = played.or_else(|error| if stop.is_cancelled() { Ok(Ended::Stopped) } else { Err(error) });
            if matches!(played, Ok(Ended::Agreed)) && !self.once {
                stop.cancelled().await;
            }
            stop.cancel();
            played
        };
        let (served, played) = tokio::join!(served, played);
        served?;
        let played = played?;
        home.close()?;
        match played {
            Ended::Agreed | Ended::Stopped => Ok(()),
            Ended::Disagreed => anyhow::bail!("the sums of the demo do not agree"),
        }
    }

    /// Plays the day, shows it, and says what came of it.
    async fn play(&self, address: SocketAddr, elsewhere: bool) -> anyhow::Result<Ended> {
        let mut screen = Screen::new();
        let paint = screen.paint();
        screen::write(&[format!("listening on {address}")])?;
        if elsewhere {
            screen::write(&[format!("{LISTEN} is taken: another server is there")])?;
        }
        let day = if self.fast { FAST_DAY } else { DAY };
        let stage = Stage::connect(address, day, CAST[0].account).await?;
        story::open_accounts(&stage).await?;
        let stage = stage.at_dawn();
        let told = show(&stage, address, &mut screen).await?;
        let took = stage.elapsed();
        // Gives the cursor back.
        drop(screen);

        screen::write(&draw::summary(&told, paint))?;
        screen::write(&ending::verdict(&told, paint))?;
        screen::write(&ending::totals(&stage, took, paint))?;
        if told.iter().any(|story| !story.problems.is_empty()) {
            return Ok(Ended::Disagreed);
        }
        if !self.once {
            screen::write(&ending::next_commands(&stage, address, paint))?;
            let kept = if self.data.is_some() { "kept" } else { "removed" };
            let line = format!("Serving on http://{address} until Ctrl-C; the data is {kept} then.");
            screen::write(&[String::new(), paint.bold(&line)])?;
        }
        Ok(Ended::Agreed)
    }
}

/// Draws the day while its stories run; gives what came of them in the order of the cast.
async fn show(stage: &Stage, address: SocketAddr, screen: &mut Screen) -> anyhow::Result<Vec<Told>> {
    let mut watch = Watch::new(stage.clone(), address.to_string());
    let mut stories = story::start(stage);
    let mut told: Vec<Told> = Vec::with_capacity(TITLES.len());
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = stories.join_next() => match ended {
                Some(ended) => told.push(ended.context("a story was lost")??),
                None => break,
            },
            _ = looks.tick() => screen.show(&watch.look().await?)?,
        }
    }
    // The day ends when it ends, and the last look sees all that happened in it.
    stage.until(1_000).await;
    watch.read_logs().await?;
    screen.show(&watch.look().await?)?;
    told.sort_by_key(|story| TITLES.iter().position(|title| *title == story.title));
    Ok(told)
}

fn config(data: &Path) -> Config {
    Config {
        // Bound already.
        listen: LISTEN,
        insecure_public: false,
        data: data.to_owned(),
        catalogs: Catalogs::Texts(CATALOGS.to_vec()),
        store: Store::Embedded,
        durability: Durability::Fsync,
        checkpoint_bytes: CHECKPOINT_BYTES,
        reflection: true,
        drain_timeout: DRAIN_TIMEOUT,
    }
}

/// Binds the address that was asked for; by default another port where that is taken, which is said.
async fn bind(wanted: Option<SocketAddr>) -> anyhow::Result<(TcpListener, bool)> {
    let address = wanted.unwrap_or(LISTEN);
    match TcpListener::bind(address).await {
        Ok(listener) => Ok((listener, false)),
        Err(error) if wanted.is_none() && error.kind() == io::ErrorKind::AddrInUse => {
            let free = SocketAddr::new(address.ip(), 0);
            Ok((TcpListener::bind(free).await.context("cannot find a free port")?, true))
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}; give another --listen")),
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "must be an address with a port, as 127.0.0.1:7300")?;
    if address.ip().to_canonical().is_loopback() {
        Ok(address)
    } else {
        Err("must be an address of this machine only, as 127.0.0.1:7300: nobody is authenticated".to_owned())
    }
}

/// The directory of the store.
enum Home {
    Kept(PathBuf),
    /// Removed when it is dropped, too.
    Fresh(TempDir),
}

impl Home {
    fn open(kept: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(dir) = kept {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {} (--data)", dir.display()))?;
            return Ok(Self::Kept(dir.to_owned()));
        }
        let fresh = tempfile::Builder::new().prefix("stipend-demo-").tempdir();
        Ok(Self::Fresh(fresh.context("cannot make a temporary directory; give --data")?))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Fresh(dir) => dir.path(),
        }
    }

    /// Removes what is not to be kept.
    fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Kept(_) => Ok(()),
            Self::Fresh(dir) => dir.close().context("cannot remove the temporary directory"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn all_catalogs_of_the_demo_can_be_read_and_have_its_plans() {
        let names: Vec<String> =
            CATALOGS.iter().map(|text| Catalog::parse(text).expect("a catalog").name.to_string()).collect();
        assert_eq!(names, ["ai-employee", "buyer-engagement", "enrichment-api", "outbound-sales", "website-agents"]);
    }

    #[test]
    fn only_addresses_of_this_machine_are_taken() {
        assert!(loopback("127.0.0.1:0").is_ok() && loopback("[::1]:7300").is_ok());
        for refused in ["0.0.0.0:7300", "192.0.2.1:7300", "localhost", "7300"] {
            assert!(loopback(refused).is_err(), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_taken_default_port_is_left_for_a_free_one() {
        // Whoever holds it, this test or another program: it is taken.
        let held = TcpListener::bind(LISTEN).await;
        let (listener, elsewhere) = bind(None).await.expect("a free port");
        assert!(elsewhere && listener.local_addr().expect("bound").port() != LISTEN.port());
        drop(held);
        let taken = listener.local_addr().expect("bound");
        assert!(bind(Some(taken)).await.is_err(), "an address that was asked for is not replaced");
    }

    #[test]
    fn a_fresh_home_is_removed_and_a_kept_one_stays() {
        let outer = TempDir::new().expect("a directory");
        let kept = outer.path().join("deep/data");
        Home::open(Some(&kept)).expect("a home").close().expect("closed");
        assert!(kept.is_dir());
        let fresh = Home::open(None).expect("a home");
        let path = fresh.path().to_owned();
        assert!(path.is_dir());
        fresh.close().expect("closed");
        assert!(!path.exists());
    }
}
