//! Files that change under the reloader, by every way in which files are changed.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use tempfile::TempDir;
use tokio::{
    sync::{RwLock, RwLockReadGuard},
    task::JoinHandle,
    time::timeout,
};

use crate::{catalog::CatalogHandle, id::CatalogName};

use super::*;

fn text(version: u64) -> String {
    format!(
        "catalog: a\nversion: {version}\npools: {{credits: {{}}}}\nactions: {{reply: {{pool: credits, price: 1}}}}\n\
         plans: {{free: {{pools: {{credits: {{allowance: 1}}}}}}}}\n"
    )
}

/// A signal reaches every reloader of the process: the test that sends one holds this alone.
static SIGNALS: RwLock<()> = RwLock::const_new(());

async fn quiet() -> RwLockReadGuard<'static, ()> {
    SIGNALS.read().await
}

/// A directory with a catalog, and a reloader at work on it.
struct Bench {
    dir: TempDir,
    handle: CatalogHandle,
    /// How often catalogs were handed on.
    calls: Arc<Mutex<usize>>,
    /// What the next calls answer, before they are taken.
    outages: Arc<Mutex<usize>>,
    stop: CancellationToken,
    run: JoinHandle<io::Result<()>>,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.yaml");
        fs::write(&path, text(1)).unwrap();
        Self::watching(dir, path).await
    }

    async fn watching(dir: TempDir, path: PathBuf) -> Self {
        let handle = CatalogHandle::default();
        let calls = Arc::new(Mutex::new(0));
        let outages = Arc::new(Mutex::new(0));
        let stop = CancellationToken::new();
        let paths = vec![path];
        handle.publish(load(&paths).await.unwrap()).unwrap();
        let loaded = {
            let (handle, calls, outages) = (handle.clone(), Arc::clone(&calls), Arc::clone(&outages));
            move |catalogs: Vec<Catalog>| {
                *calls.lock().unwrap() += 1;
                let mut outages = outages.lock().unwrap();
                let answer = if *outages > 0 {
                    *outages -= 1;
                    Err(Error::Unavailable("the store is down".into()))
                } else {
                    handle.publish(catalogs).map_err(Error::Refused)
                };
                std::future::ready(answer)
            }
        };
        let run = tokio::spawn(run(paths, loaded, stop.clone()));
        let bench = Self { dir, handle, calls, outages, stop, run };
        bench.until("the first look", |bench| bench.calls() == 1).await;
        *bench.calls.lock().unwrap() = 0;
        bench
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("a.yaml")
    }

    fn newest(&self) -> String {
        let name = CatalogName::parse("a").unwrap();
        self.handle.snapshot().newest(&name).unwrap().version.to_string()
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(timeout(Duration::from_secs(20), wait).await.is_ok(), "{what} did not come about");
    }

    fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }

    /// Stops the reloader and sees that it ends.
    async fn end(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(20), self.run).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_changed_file_is_loaded_and_old_versions_stay() {
    let _quiet = quiet().await;
    let bench = Bench::new().await;
    fs::write(bench.path(), text(2)).unwrap();
    bench.until("version 2", |bench| bench.newest() == "2").await;
    let name = CatalogName::parse("a").unwrap();
    assert_eq!(bench.handle.snapshot().versions(&name).len(), 2);
    bench.end().await;
}

#[tokio::test]
async fn a_file_renamed_into_place_is_loaded_although_size_and_time_are_the_same() {
    let _quiet = quiet().await;
    let bench = Bench::new().await;
    let modified = fs::metadata(bench.path()).unwrap().modified().unwrap();
    let new = bench.dir.path().join("new");
    fs::write(&new, text(2)).unwrap();
    fs::File::options().write(true).open(&new).unwrap().set_modified(modified).unwrap();
    fs::rename(new, bench.path()).unwrap();
    bench.until("version 2", |bench| bench.newest() == "2").await;
    bench.end().await;
}

#[tokio::test]
async fn a_symlink_that_leads_elsewhere_is_followed() {
    let _quiet = quiet().await;
    let dir = tempfile::tempdir().unwrap();
    for version in [1, 2] {
        fs::create_dir(dir.path().join(version.to_string())).unwrap();
        fs::write(dir.path().join(format!("{version}/a.yaml")), text(version)).unwrap();
    }
    // As mounted configuration is swapped: a link to the directory of the current version.
    let (current, next) = (dir.path().join("current"), dir.path().join("next"));
    std::os::unix::fs::symlink("1", &current).unwrap();
    let bench = Bench::watching(dir, current.join("a.yaml")).await;
    std::os::unix::fs::symlink("2", &next).unwrap();
    fs::rename(next, current).unwrap();
    bench.until("version 2", |bench| bench.newest() == "2").await;
    bench.end().await;
}

#[tokio::test]
async fn a_bad_file_leaves_the_old_one_and_a_mended_one_is_loaded() {
    let _quiet = quiet().await;
    let bench = Bench::new().await;
    let before = bench.handle.snapshot();
    fs::write(bench.path(), text(2).replace("pool: credits", "pool: credts")).unwrap();
    tokio::time::sleep(LOOK_EVERY * 3).await;
    assert!(Arc::ptr_eq(&before, &bench.handle.snapshot()));
    assert_eq!(bench.calls(), 0, "a bad file is not handed on");
    fs::write(bench.path(), text(2)).unwrap();
    bench.until("version 2", |bench| bench.newest() == "2").await;
    bench.end().await;
}

#[tokio::test]
async fn a_file_that_is_gone_leaves_the_old_one_until_it_is_back() {
    let _quiet = quiet().await;
    let bench = Bench::new().await;
    fs::remove_file(bench.path()).unwrap();
    tokio::time::sleep(LOOK_EVERY * 2).await;
    assert_eq!(bench.newest(), "1");
    fs::write(bench.path(), text(3)).unwrap();
    bench.until("version 3", |bench| bench.newest() == "3").await;
    bench.end().await;
}

#[tokio::test]
async fn a_changed_version_without_a_new_name_is_refused_once() {
    let _quiet = quiet().await;
    let bench = Bench::new().await;
    fs::write(bench.path(), text(1).replace("price: 1", "price: 9")).unwrap();
    bench.until("a refusal", |bench| bench.calls() == 1).await;
    tokio::time::sleep(LOOK_EVERY * 3).await;
    assert_eq!(bench.calls(), 1, "what is refused for good is not handed on again");
    assert_eq!(bench.newest(), "1");
    bench.end().await;
}

#[tokio::test]
async fn catalogs_that_cannot_be_taken_now_are_handed_on_again() {
    let _quiet = quiet().await;
    let bench = Bench::new().await;
    *bench.outages.lock().unwrap() = 2;
    fs::write(bench.path(), text(2)).unwrap();
    bench.until("version 2", |bench| bench.newest() == "2").await;
    assert_eq!(bench.calls(), 3);
    bench.end().await;
}

#[tokio::test]
async fn a_hangup_signal_loads_at_once_even_what_has_not_changed() {
    let _alone = SIGNALS.write().await;
    let bench = Bench::new().await;
    // The reloader listens since it began, so the signal does not end this process.
    let sent = std::process::Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status().unwrap();
    assert!(sent.success());
    bench.until("a reload", |bench| bench.calls() == 1).await;
    assert_eq!(bench.newest(), "1");
    bench.end().await;
}

#[tokio::test]
async fn loading_tells_what_is_wrong_with_every_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("bad.yaml"), text(1).replace("price", "prize")).unwrap();
    fs::write(path("bytes.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    fs::write(path("big.yaml"), " ".repeat(TEXT_MAX + 2)).unwrap();
    fs::write(path("good.yaml"), text(1)).unwrap();
    fs::write(path("other.yaml"), text(1).replace("price: 1", "price: 2")).unwrap();
    let errors = load(&[path("bad.yaml"), path("absent.yaml")]).await.unwrap_err();
    assert!(matches!(errors.as_slice(), [Error::Read { .. }]), "{errors:?}");
    let errors = load(&[path("bytes.yaml")]).await.unwrap_err();
    assert!(matches!(errors.as_slice(), [Error::Encoding { .. }]), "{errors:?}");
    let errors = load(&[path("bad.yaml"), path("big.yaml"), path("good.yaml"), path("other.yaml")]).await.unwrap_err();
    let told = Listed(&errors).to_string();
    assert!(told.contains("bad.yaml: line 4: actions.reply.prize: unknown key, did you mean price?"), "{told}");
    assert!(told.contains("big.yaml: is 1048577 bytes long"), "{told}");
    assert!(told.contains("other.yaml: version: version 1 of a is loaded already with other content"), "{told}");
}
