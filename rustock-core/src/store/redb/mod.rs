//! The chain on disk, in one redb database. `docs/store-format.md` describes every byte of it,
//! `docs/adr/0004-store-keyed-by-height.md` says why it has this shape.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use redb::{Builder, Database, DatabaseError, ReadableDatabase, StorageError, TableError};

use self::{
    fault::{Fault, Latch, guard},
    files::{OwnedDirectory, database_path, exists},
    meta::{SCHEMA, read_meta, read_schema},
    read::Snapshot,
    tables::META,
};
use super::{CheckReport, HashLookup, Store, StoreError, StoreView, StoredPeers};
use crate::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::{AncestorRecord, BlockId, BlockRecord},
    },
    primitives::{activation::Activations, hash::BlockHash, number::BlockNumber, peer::PeerBatch},
};

pub use meta::{SCHEMA_VERSION, StoreIdentity};

mod check;
mod fault;
mod files;
mod meta;
mod peer_codec;
mod peer_file;
mod read;
mod record_codec;
mod tables;
#[cfg(test)]
mod tests;
mod write;

/// Memory for pages unless [`OpenOptions::cache_bytes`] says otherwise.
pub const DEFAULT_CACHE_BYTES: usize = 8 << 20;

/// What a store is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// Name of the network. A store of another one is refused.
    pub network: String,
    /// Hash of the network's first block, which tells networks of the same name apart.
    pub genesis_hash: BlockHash,
    /// The network's upgrade heights, by which [`Store::check`] reads the received bytes.
    pub activations: Activations,
    /// Where a new store starts. A store that is there keeps the base it has: compare [`StoreView::base`].
    pub base: BlockEntry,
    /// Most bytes of memory for cached pages.
    pub cache_bytes: usize,
}

impl OpenOptions {
    /// Options with the default cache.
    pub fn new(
        network: impl Into<String>,
        genesis_hash: BlockHash,
        activations: Activations,
        base: BlockEntry,
    ) -> Self {
        Self { network: network.into(), genesis_hash, activations, base, cache_bytes: DEFAULT_CACHE_BYTES }
    }

    fn identity(&self) -> StoreIdentity {
        StoreIdentity {
            network: self.network.clone(),
            genesis_hash: self.genesis_hash,
            base: self.base.record.id(),
        }
    }
}

/// A chain on disk. Dropping it closes the database; every commit was durable when it returned.
#[derive(Debug)]
pub struct RedbStore {
    /// `None` only while being dropped. Written by nobody: the lock lets a check have the database alone.
    database: RwLock<Option<Database>>,
    base: BlockId,
    activations: Activations,
    latch: Arc<Latch>,
    /// One change to the file of peers at a time.
    changing_peers: Mutex<()>,
    /// Last, so that it is given up when the database is closed. `None` on a backend that is no file, where nothing
    /// is remembered of peers.
    directory: Option<OwnedDirectory>,
}

impl RedbStore {
    /// Opens the store in `directory`, which is made if need be. A new store starts at the base of the
    /// options; one that is there keeps its own.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::OtherNetwork`], [`StoreError::OtherSchema`],
    /// [`StoreError::NotOurs`], [`StoreError::Corrupt`] or [`StoreError::Io`]; each leaves the file as it was.
    pub fn open(directory: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        let owned = OwnedDirectory::claim(directory)?;
        let path = owned.database();
        let is_new = !exists(&path)?;
        let database = if is_new {
            let unfinished = owned.unfinished()?;
            create(&unfinished, &options)
        } else {
            open_existing(&path, options.cache_bytes)
        }?;
        if is_new {
            owned.finish()?;
        }
        Self::take_over(database, options, &path, Some(owned))
    }

    /// What the store in `directory` holds, or `None` when there is none. For tools that are told a
    /// directory and no network.
    ///
    /// # Errors
    /// As [`RedbStore::open`], without the network.
    pub fn identify(directory: &Path) -> Result<Option<StoreIdentity>, StoreError> {
        let path = database_path(directory);
        if !exists(&path)? {
            return Ok(None);
        }
        let _owned = OwnedDirectory::claim(directory)?;
        let database = open_existing(&path, DEFAULT_CACHE_BYTES)?;
        let identity = guard("open", || identity_of(&database, &path));
        close(database);
        identity.map(Some)
    }

    /// A store on any medium that redb can be given, for tests of failing ones.
    #[cfg(test)]
    fn open_on(medium: impl redb::StorageBackend, options: OpenOptions) -> Result<Self, StoreError> {
        let path = Path::new("medium");
        let is_new = matches!(medium.len(), Ok(0));
        let mut builder = Builder::new();
        builder.set_cache_size(options.cache_bytes);
        let database =
            guard("open", || builder.create_with_backend(medium).map_err(|error| open_fault(error, path)))?;
        if is_new {
            guard("write", || write::initialize(&database, &options.identity(), &options.base))?;
        }
        Self::take_over(database, options, path, None)
    }

    /// Checks who the database belongs to and that its small tables are whole.
    fn take_over(
        database: Database,
        options: OpenOptions,
        path: &Path,
        directory: Option<OwnedDirectory>,
    ) -> Result<Self, StoreError> {
        let verdict = guard("open", || {
            let identity = identity_of(&database, path)?;
            let expected = options.identity();
            if (&identity.network, identity.genesis_hash) != (&expected.network, expected.genesis_hash) {
                return Err(Fault::Store(StoreError::OtherNetwork {
                    expected: expected.network_text(),
                    found: identity.network_text(),
                }));
            }
            let latch = Arc::default();
            let snapshot = Snapshot { transaction: database.begin_read()?, base: identity.base, latch };
            snapshot.check_small_tables()?;
            Ok((identity.base, snapshot.latch))
        });
        match verdict {
            Ok((base, latch)) => Ok(Self {
                database: RwLock::new(Some(database)),
                base,
                activations: options.activations,
                latch,
                changing_peers: Mutex::default(),
                directory,
            }),
            Err(error) => {
                close(database);
                Err(error)
            }
        }
    }

    fn with_database<T>(
        &self,
        action: &'static str,
        operation: impl FnOnce(&Database) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or(StoreError::Closed)?;
        self.latch.guard(action, || operation(database))
    }

    fn view(&self) -> Result<Snapshot, StoreError> {
        self.with_database("read", |database| {
            Ok(Snapshot {
                transaction: database.begin_read()?,
                base: self.base,
                latch: Arc::clone(&self.latch),
            })
        })
    }

    /// redb's own page checksums. Needs the database alone: `false` when a snapshot is alive.
    fn check_pages(&self) -> Result<bool, StoreError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_mut().ok_or(StoreError::Closed)?;
        self.latch.guard("read", || match database.check_integrity() {
            Ok(true) => Ok(true),
            Ok(false) => Err(Fault::Store(fault::damaged_pages("the map of free pages was wrong"))),
            Err(DatabaseError::TransactionInProgress) => Ok(false),
            Err(error) => Err(error.into()),
        })
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        if let Some(database) = self.database.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            close(database);
        }
    }
}

impl StoreView for RedbStore {
    fn base(&self) -> Result<BlockRecord, StoreError> {
        self.view()?.base()
    }

    fn head(&self) -> Result<BlockRecord, StoreError> {
        self.view()?.head()
    }

    fn record(&self, number: BlockNumber) -> Result<Option<BlockRecord>, StoreError> {
        self.view()?.record(number)
    }

    fn wire(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, StoreError> {
        self.view()?.wire(number)
    }

    fn abandoned(&self, number: BlockNumber, hash: &BlockHash) -> Result<Option<BlockRecord>, StoreError> {
        self.view()?.abandoned(number, hash)
    }

    fn find(&self, hash: &BlockHash) -> Result<HashLookup, StoreError> {
        self.view()?.find(hash)
    }

    fn ancestors(&self) -> Result<Vec<AncestorRecord>, StoreError> {
        self.view()?.ancestors()
    }

    fn fork_detection_from(&self) -> Result<Option<BlockNumber>, StoreError> {
        self.view()?.fork_detection_from()
    }
}

impl Store for RedbStore {
    fn commit(&self, batch: &ChainBatch) -> Result<(), StoreError> {
        self.with_database("write", |database| write::commit(database, self.base, batch))
    }

    fn snapshot(&self) -> Result<Box<dyn StoreView + Send>, StoreError> {
        Ok(Box::new(self.view()?))
    }

    fn peers(&self) -> Result<StoredPeers, StoreError> {
        let Some(directory) = &self.directory else { return Ok(StoredPeers::default()) };
        let bytes = directory.read_peers(peer_file::MAX_FILE)?;
        Ok(bytes.map(|bytes| peer_file::decode(&bytes)).unwrap_or_default())
    }

    fn commit_peers(&self, batch: &PeerBatch) -> Result<(), StoreError> {
        let Some(directory) = self.directory.as_ref().filter(|_| !batch.is_empty()) else { return Ok(()) };
        let _alone = self.changing_peers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut saved = self.peers()?.saved;
        saved.apply(batch);
        directory.replace_peers(&peer_file::encode(&saved))
    }

    fn check(&self) -> Result<CheckReport, StoreError> {
        let snapshot = self.view()?;
        let report = self.latch.guard("read", || snapshot.check_all(&self.activations))?;
        drop(snapshot);
        let pages = self.check_pages()?;
        let StoredPeers { saved, lost } = Store::peers(self)?;
        let (peers, bans) = (saved.records.len() as u64, saved.bans.len() as u64);
        Ok(CheckReport { peers, bans, lost, pages, ..report })
    }
}

/// A new database with its first block, complete before anybody can see it under its name.
fn create(path: &Path, options: &OpenOptions) -> Result<Database, StoreError> {
    let mut builder = Builder::new();
    builder.set_cache_size(options.cache_bytes);
    let database = guard("open", || builder.create(path).map_err(|error| open_fault(error, path)))?;
    match guard("write", || write::initialize(&database, &options.identity(), &options.base)) {
        Ok(()) => Ok(database),
        Err(error) => {
            close(database);
            Err(error)
        }
    }
}

fn open_existing(path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    guard("open", || builder.open(path).map_err(|error| open_fault(error, path)))
}

/// What redb says on opening, sorted.
fn open_fault(error: DatabaseError, path: &Path) -> Fault {
    let path = path.to_owned();
    Fault::Store(match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            StoreError::InUse { path }
        }
        DatabaseError::UpgradeRequired(version) => StoreError::NotOurs {
            path,
            reason: format!("it is a redb file of format {version}, which no release of ours wrote"),
        },
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
            StoreError::NotOurs { path, reason: error.to_string() }
        }
        error => return error.into(),
    })
}

/// Schema and identity of a database that may be anybody's.
fn identity_of(database: &Database, path: &Path) -> Result<StoreIdentity, Fault> {
    let not_ours =
        |reason: &str| Fault::Store(StoreError::NotOurs { path: path.to_owned(), reason: reason.to_owned() });
    let transaction = database.begin_read()?;
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(error) => {
            return Err(not_ours(&format!("it is a redb database without our tables ({error})")));
        }
    };
    if read_meta(&meta, SCHEMA)?.is_none() {
        return Err(not_ours("it is a redb database whose table meta names no schema"));
    }
    let found = read_schema(&meta)?;
    if found != SCHEMA_VERSION {
        return Err(Fault::Store(StoreError::OtherSchema { expected: SCHEMA_VERSION, found }));
    }
    StoreIdentity::read(&meta)
}

/// Closes a database whatever state it is in: gives up the file and its lock, and writes nothing.
///
/// Commits were durable and saved the map of free pages, so there is nothing left to write. redb's own close
/// commits once more, to make the file smaller; over a damaged file that can panic inside a panic, which ends the
/// process. It leaves that commit out when it is dropped by a thread that unwinds, so it is dropped by one.
fn close(database: Database) {
    if cfg!(panic = "unwind") {
        let _ = catch_unwind(AssertUnwindSafe(move || {
            let _dropped_by_unwinding = database;
            resume_unwind(Box::new("closing"))
        }));
    } else {
        drop(database);
    }
}
