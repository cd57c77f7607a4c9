//! The files of a store: the database, the lock beside it, and how a new database comes into being.
#![allow(
    clippy::disallowed_methods,
    reason = "the store's files are opened here and nowhere else: a path cannot be passed to redb as an argument of time or chance"
)]

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use crate::store::StoreError;

/// The database.
const DATABASE: &str = "chain.redb";
/// Where a new database is made before it takes its name, so that a start that is killed leaves no half-made
/// `chain.redb` behind.
const UNFINISHED: &str = "chain.redb.new";
/// What is remembered of peers.
const PEERS: &str = "peers.dat";
/// Where it is written before it takes the place of the last one.
const UNFINISHED_PEERS: &str = "peers.dat.new";
/// Empty; whoever holds its lock owns the directory.
const LOCK: &str = "chain.lock";

/// A data directory of which we are the only user.
#[derive(Debug)]
pub(super) struct OwnedDirectory {
    directory: PathBuf,
    /// Unlocked when it is dropped, after the database.
    _lock: File,
}

impl OwnedDirectory {
    /// Makes the directory if need be and locks it.
    pub(super) fn claim(directory: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(directory).map_err(failed_to_open)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(directory.join(LOCK))
            .map_err(failed_to_open)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { directory: directory.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: database_path(directory) }),
            Err(TryLockError::Error(error)) => Err(failed_to_open(error)),
        }
    }

    /// Where the database is or will be.
    pub(super) fn database(&self) -> PathBuf {
        database_path(&self.directory)
    }

    /// An empty place for a new database; what a killed start left there is removed.
    pub(super) fn unfinished(&self) -> Result<PathBuf, StoreError> {
        let path = self.directory.join(UNFINISHED);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed_to_open(error)),
            _ => Ok(path),
        }
    }

    /// Gives the new database its name, durably.
    pub(super) fn finish(&self) -> Result<(), StoreError> {
        fs::rename(self.directory.join(UNFINISHED), self.database()).map_err(failed_to_open)?;
        self.sync_names().map_err(failed_to_open)
    }

    /// What is in the file of peers, at most so many bytes of it; `None` when there is none.
    pub(super) fn read_peers(&self, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let failed = |error: io::Error| StoreError::Io { action: "read", reason: error.to_string() };
        let file = match File::open(self.directory.join(PEERS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(failed)?,
        };
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Some(bytes))
    }

    /// Puts another file of peers in the place of what is there, durably and at once.
    pub(super) fn replace_peers(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let unfinished = self.directory.join(UNFINISHED_PEERS);
        let write = || {
            let mut file = File::create(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, self.directory.join(PEERS))?;
            self.sync_names()
        };
        write().map_err(|error| StoreError::Io { action: "write", reason: error.to_string() })
    }

    /// Makes renames durable. Windows cannot open a directory as a file, and does so by itself.
    fn sync_names(&self) -> io::Result<()> {
        #[cfg(unix)]
        File::open(&self.directory).and_then(|directory| directory.sync_all())?;
        Ok(())
    }
}

/// Where the database of a data directory is.
pub(super) fn database_path(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// True when there is a database, or anything else of that name.
pub(super) fn exists(path: &Path) -> Result<bool, StoreError> {
    fs::exists(path).map_err(failed_to_open)
}

fn failed_to_open(error: io::Error) -> StoreError {
    StoreError::Io { action: "open", reason: error.to_string() }
}
