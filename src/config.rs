//! What a server is told: values that fit together, whoever told them. Where they come from is `cli`'s.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

/// Bytes of changes that begin a checkpoint, unless something else is asked for.
pub const CHECKPOINT_BYTES: usize = 64 * 1024 * 1024;

/// Everything that a server needs to know to start.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    /// Listen on an address that others can reach, without TLS or an authenticator.
    pub insecure_public: bool,
    /// The directory of the embedded store.
    pub data: PathBuf,
    pub catalogs: Catalogs,
    pub store: Store,
    pub durability: Durability,
    /// Bytes of changes that begin a checkpoint of the embedded store.
    pub checkpoint_bytes: usize,
    /// Serve the gRPC reflection service.
    pub reflection: bool,
    /// How long to wait for what was accepted when stopping.
    pub drain_timeout: Duration,
}

/// Where the catalogs come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Catalogs {
    Builtin,
    /// Read again when they change.
    Files(Vec<PathBuf>),
    /// Each the whole text of one.
    Texts(Vec<&'static str>),
}

/// Where the ledger is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    Embedded,
    Redis(String),
}

/// What an answer of the embedded store promises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Durability {
    /// A change is on disk before it is answered.
    #[default]
    Fsync,
    /// Changes reach the disk a few times a second; a power cut may lose the last ones.
    Interval,
    /// The operating system decides when; for tests and benchmarks.
    None,
}

/// Values that do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "refusing to listen on {0}: anybody who reaches it could spend and grant credits; listen on 127.0.0.1, \
         or give --insecure-public if the network itself keeps strangers out"
    )]
    Public(SocketAddr),
    #[error("the store {0} is not built yet: give --store embedded")]
    Redis(String),
}

impl Config {
    /// Checks what no single value can tell.
    pub fn check(&self) -> Result<(), Error> {
        match &self.store {
            Store::Embedded => {}
            Store::Redis(url) => return Err(Error::Redis(without_credentials(url))),
        }
        if !self.listen.ip().to_canonical().is_loopback() && !self.insecure_public {
            return Err(Error::Public(self.listen));
        }
        Ok(())
    }
}

/// The address without user and password.
fn without_credentials(url: &str) -> String {
    match url.split_once("://").zip(url.rsplit_once('@')) {
        Some(((scheme, _), (_, host))) => format!("{scheme}://{host}"),
        None => url.to_owned(),
    }
}

impl FromStr for Store {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "embedded" => Ok(Self::Embedded),
            _ if ["redis://", "rediss://", "unix://"].iter().any(|scheme| text.starts_with(scheme)) => {
                Ok(Self::Redis(text.to_owned()))
            }
            _ => Err("must be embedded or redis://HOST:PORT".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str) -> Config {
        Config {
            listen: listen.parse().expect("an address"),
            insecure_public: false,
            data: PathBuf::from("data"),
            catalogs: Catalogs::Builtin,
            store: Store::Embedded,
            durability: Durability::Fsync,
            checkpoint_bytes: CHECKPOINT_BYTES,
            reflection: false,
            drain_timeout: Duration::from_secs(25),
        }
    }

    #[test]
    fn a_public_address_needs_the_flag_that_names_the_danger() {
        for loopback in ["127.0.0.1:7300", "127.9.9.9:0", "[::1]:7300", "[::ffff:127.0.0.1]:7300"] {
            assert!(config(loopback).check().is_ok(), "{loopback}");
        }
        for public in ["0.0.0.0:7300", "[::]:7300", "192.168.1.5:7300"] {
            let message = config(public).check().expect_err("public").to_string();
            assert!(message.contains("--insecure-public"), "{message}");
            assert!(Config { insecure_public: true, ..config(public) }.check().is_ok(), "{public}");
        }
    }

    #[test]
    fn redis_is_known_but_not_built_and_its_password_is_not_told() {
        let store: Store = "redis://user:secret@cache.example:6379/0".parse().expect("a store");
        let message = Config { store, ..config("127.0.0.1:0") }.check().expect_err("not built").to_string();
        assert_eq!(message, "the store redis://cache.example:6379/0 is not built yet: give --store embedded");
    }

    #[test]
    fn another_store_is_no_store() {
        assert!("postgres://x".parse::<Store>().is_err());
        assert_eq!("embedded".parse(), Ok(Store::Embedded));
    }
}
