//! One file of the log. In tests it can be told to fail.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

#[derive(Debug)]
pub struct LogFile {
    file: File,
    faults: Faults,
}

impl LogFile {
    /// Creates the file, or empties what an attempt before left under its name.
    pub fn create(path: &Path, faults: &Faults) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Self { file, faults: faults.clone() })
    }

    pub fn open(path: &Path, faults: &Faults) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self { file, faults: faults.clone() })
    }

    pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.faults.before_write(&self.file, bytes, offset)?;
        self.file.write_all_at(bytes, offset)
    }

    pub fn sync_data(&self) -> io::Result<()> {
        self.faults.before_sync()?;
        self.file.sync_data()
    }

    pub fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
}

/// What the disk refuses to do. Outside tests: nothing.
#[cfg(not(test))]
#[derive(Debug, Clone, Default)]
pub struct Faults(());

#[cfg(not(test))]
impl Faults {
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the test's counterpart uses them")]
    fn before_write(&self, _file: &File, _bytes: &[u8], _offset: u64) -> io::Result<()> {
        Ok(())
    }

    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the test's counterpart uses them")]
    fn before_sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub use faulty::Faults;

#[cfg(test)]
mod faulty {
    use std::{
        fs::File,
        io,
        os::unix::fs::FileExt,
        sync::{Arc, Mutex},
    };

    #[derive(Debug, Clone, Default)]
    pub struct Faults(Arc<Mutex<Plan>>);

    #[derive(Debug, Default)]
    struct Plan {
        /// Bytes that still fit.
        room: Option<usize>,
        failing_syncs: usize,
    }

    impl Faults {
        /// A write beyond `room` is cut short and fails as on a full disk. `None`: there is room enough.
        pub fn leave_room(&self, room: Option<usize>) {
            self.0.lock().unwrap().room = room;
        }

        /// The next syncs fail, this many.
        pub fn fail_syncs(&self, count: usize) {
            self.0.lock().unwrap().failing_syncs = count;
        }

        pub fn before_write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
            let mut plan = self.0.lock().unwrap();
            let Some(room) = plan.room.as_mut() else { return Ok(()) };
            let fits = bytes.len().min(*room);
            *room -= fits;
            if fits == bytes.len() {
                return Ok(());
            }
            file.write_all_at(&bytes[..fits], offset)?;
            Err(io::ErrorKind::StorageFull.into())
        }

        pub fn before_sync(&self) -> io::Result<()> {
            let mut plan = self.0.lock().unwrap();
            if plan.failing_syncs == 0 {
                return Ok(());
            }
            plan.failing_syncs -= 1;
            Err(io::Error::other("the disk failed"))
        }
    }
}
