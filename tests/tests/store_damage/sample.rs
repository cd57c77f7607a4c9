//! The stores that are damaged: small and large ones, with a reorganisation, ancestors, peers and bans in each.

use super::*;

/// Height of the base: high enough for every ancestor that fork-detection data reads.
pub const BASE: u64 = 460;
/// Blocks that the reorganisation in every sample abandons.
pub const ABANDONED: u64 = 5;
/// Peers and bans that every sample remembers.
pub const PEERS: u8 = 40;
pub const BANS: u8 = 12;

/// A store's file, and what it holds.
pub struct Sample {
    pub bytes: Vec<u8>,
    /// Places in the file that are not zero.
    pub used: Vec<usize>,
    pub oracle: MemoryStore,
    /// The same, one commit earlier.
    pub before: MemoryStore,
    pub abandoned: Vec<BlockEntry>,
    /// The file of peers.
    pub peer_bytes: Vec<u8>,
    pub options: OpenOptions,
}

impl Sample {
    /// A chain of `blocks` above the base, the last of them after a reorganisation.
    pub fn new(blocks: u64) -> Self {
        let chain = ChainBuilder::simnet().seed(1).build(BASE + blocks);
        let fork = chain.fork_at(BASE + blocks - 10, 2).extended(ABANDONED);
        let params = NetworkParams::simnet();
        let genesis = params.genesis_header().expect("simnet has a genesis").hash();
        let base = entry(&chain, BASE);
        let options = OpenOptions::new("simnet", genesis, params.activations, base.clone());
        let oracle = MemoryStore::new(base.clone());
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = RedbStore::open(directory.path(), options.clone()).expect("opens");

        let shared = BASE + blocks - 10;
        let abandoned = entries(&fork, shared + 1..shared + 1 + ABANDONED);
        let before = [entries(&chain, BASE + 1..shared + 1), abandoned.clone()].concat();
        let first = ChainBatch {
            added: before,
            ancestors: (1..BASE).rev().take(449).map(|number| ancestor(&chain, number)).collect(),
            fork_detection_from: Some(BlockNumber::new(BASE + 1)),
            ..ChainBatch::at(base.record.id())
        };
        let second = ChainBatch {
            common_ancestor: entry(&chain, shared).record.id(),
            added: entries(&chain, shared + 1..BASE + blocks + 1),
            ..ChainBatch::at(first.new_head())
        };
        let before = MemoryStore::new(base);
        before.commit(&first).expect("fits");
        for batch in [first, second] {
            store.commit(&batch).expect("fits");
            oracle.commit(&batch).expect("fits");
        }
        let SavedPeers { records, bans } = saved_peers();
        store.commit_peers(&PeerBatch { records, bans, ..PeerBatch::default() }).expect("fits");
        drop(store);
        let bytes = fs::read(database(directory.path())).expect("the store's file");
        let peer_bytes = fs::read(peer_file(directory.path())).expect("the file of peers");
        let used = (0..bytes.len()).filter(|place| bytes[*place] != 0).collect();
        Self { bytes, used, oracle, before, abandoned, peer_bytes, options }
    }

    pub fn head(&self) -> u64 {
        self.oracle.head().expect("in memory").number.get()
    }

    pub fn record(&self, number: u64) -> BlockRecord {
        self.oracle.record(BlockNumber::new(number)).expect("in memory").expect("on the chain")
    }

    pub fn open(&self, bytes: &[u8]) -> (TempDir, Result<RedbStore, StoreError>) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(database(directory.path()), bytes).expect("a writable directory");
        fs::write(peer_file(directory.path()), &self.peer_bytes).expect("a writable directory");
        let store = RedbStore::open(directory.path(), self.options.clone());
        (directory, store)
    }

    /// Asks everything that can be asked. The first error, once every answer before it was right.
    ///
    /// Right is also the whole commit before the last, and nothing but it: when the newest commit's slot in the
    /// header is damaged, redb takes the other one, as it does after a power cut in mid-commit.
    pub fn compare(&self, store: &impl StoreView) -> Result<(), StoreError> {
        let head = store.head()?;
        let oracle = if Ok(&head) == self.before.head().as_ref() { &self.before } else { &self.oracle };
        assert_eq!(Ok(head), oracle.head());
        assert_eq!(Ok(store.base()?), oracle.base());
        for number in (BASE - 1..=self.head() + 1).map(BlockNumber::new) {
            let record = store.record(number)?;
            assert_eq!(Ok(&record), oracle.record(number).as_ref());
            assert_eq!(Ok(store.wire(number)?), oracle.wire(number));
            if let Some(record) = record {
                assert_eq!(Ok(store.find(&record.hash)?), oracle.find(&record.hash));
            }
        }
        for entry in &self.abandoned {
            let (number, hash) = (entry.record.number, entry.record.hash);
            assert_eq!(Ok(store.abandoned(number, &hash)?), oracle.abandoned(number, &hash));
            assert_eq!(Ok(store.find(&hash)?), oracle.find(&hash));
        }
        assert_eq!(Ok(store.ancestors()?), oracle.ancestors());
        assert_eq!(Ok(store.fork_detection_from()?), oracle.fork_detection_from());
        Ok(())
    }

    /// Opens damaged bytes and asks everything. The first error there is, after which the store gives no other.
    pub fn outcome(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let (_directory, store) = self.open(bytes);
        let store = store?;
        let answers = self.compare(&store);
        // Whatever is wrong with the chain, whom the user banned is known.
        assert_eq!(store.peers(), Ok(whole_peers()));
        if let Err(error) = &answers {
            assert_eq!(store.head().as_ref(), Err(error), "latched");
            assert_eq!(store.check().as_ref(), Err(error), "latched");
            let nothing = ChainBatch::at(self.oracle.head().expect("in memory").id());
            assert_eq!(store.commit(&nothing).as_ref(), Err(error), "latched");
        }
        answers
    }

    /// What the check says of damaged bytes, asked before anything else.
    pub fn check(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let (_directory, store) = self.open(bytes);
        store?.check().map(|report| assert!(report.pages))
    }
}

/// A store small enough to be damaged by the hundred.
pub fn small() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| Sample::new(60))
}

/// A store whose lowest blocks are no more in the hash index, so that opening it does not read them.
pub fn large() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| Sample::new(HASH_INDEX_DEPTH + 100))
}

pub fn database(directory: &Path) -> std::path::PathBuf {
    directory.join("chain.redb")
}

pub fn peer_file(directory: &Path) -> std::path::PathBuf {
    directory.join("peers.dat")
}

pub fn entry(chain: &Chain, number: u64) -> BlockEntry {
    let header: Header = chain.header(number).expect("long enough").clone();
    let sum = chain.header_difficulty_sum(number);
    BlockEntry { record: BlockRecord::new(&header, sum, number as u8), header }
}

pub fn entries(chain: &Chain, numbers: Range<u64>) -> Vec<BlockEntry> {
    numbers.map(|number| entry(chain, number)).collect()
}

pub fn ancestor(chain: &Chain, number: u64) -> AncestorRecord {
    let header = chain.header(number).expect("long enough");
    AncestorRecord {
        number: header.number(),
        hash: header.hash(),
        parent_hash: header.parent_hash(),
        bitcoin_hash_byte: number as u8,
        uncle_count: header.uncle_count(),
    }
}

pub fn peer_id(index: u8) -> NodeId {
    NodeId::new(Random::from_parts(&[0x9ee5, index.into()]).array())
}

/// A peer of every sample, of each kind of host.
pub fn peer(index: u8) -> PeerRecord {
    let host = match index % 3 {
        0 => format!("203.0.113.{index}"),
        1 => format!("2001:db8::{index}"),
        _ => format!("node{index}.example"),
    };
    let address = PeerAddress::new(&host, 5050).expect("a host");
    PeerRecord {
        last_success: Some(UnixTime::from_secs(1_700_000_000 + u64::from(index))),
        verified_headers: 1_000 * u64::from(index),
        ..PeerRecord::new(peer_id(index), address, PeerSource::Discovered)
    }
}

/// A ban of every sample, of each kind of subject.
pub fn ban(index: u8) -> Ban {
    let subject = match index % 3 {
        0 => BanSubject::Node(peer_id(200 + index)),
        1 => BanSubject::Ip4([198, 51, 100, index].into()),
        _ => BanSubject::Ip6([0x20, 1, 0xd, 0xb8, 0, 0, 7, index]),
    };
    let until = if index.is_multiple_of(2) { Ban::FOREVER } else { UnixTime::from_secs(u64::from(index)) };
    Ban { subject, until, strikes: 1, by_user: true, reason: format!("the user said so, {index}") }
}

pub fn saved_peers() -> SavedPeers {
    let mut saved = SavedPeers::default();
    let (records, bans) = ((0..PEERS).map(peer).collect(), (0..BANS).map(ban).collect());
    saved.apply(&PeerBatch { records, bans, ..PeerBatch::default() });
    saved
}

pub fn whole_peers() -> StoredPeers {
    StoredPeers { saved: saved_peers(), lost: LostPeers::default() }
}
