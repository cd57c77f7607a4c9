//! From choices to a client: everything is validated here, nothing touches the network.

use core::net::{IpAddr, SocketAddr};
#[cfg(feature = "redb")]
use std::path::PathBuf;
use std::sync::Arc;

use super::{
    handle::LightClient,
    peers::{add_input, bundled},
};
#[cfg(feature = "redb")]
use crate::store::redb::{OpenOptions, RedbStore};
use crate::{
    chain::{
        batch::BlockEntry,
        checkpoint::{Checkpoint, CheckpointError},
        record::BlockRecord,
        tail::{ChainTail, TAIL_LIMIT},
    },
    consensus::{network::Network, params::NetworkParams},
    primitives::{
        header::HeaderDecodeError,
        number::{BlockNumber, CumulativeDifficulty},
        peer::{PeerSource, is_local},
    },
    proto::{
        discovery::{BootNode, DiscoveryConfig, NoBootNode},
        pacing::RequestBudget,
        peers::{self, PeerConfig, SlotLimits},
        session::Compression,
    },
    runtime::{
        clock::Clock,
        connection::SessionSettings,
        driver::load_header,
        entropy::random_key,
        shared::Shared,
        status::{Progress, RunState, Status},
        udp::UdpSettings,
    },
    store::{StoreError, StoreView, Table, memory::MemoryStore, slot::StoreSlot},
    wire::rlpx::{
        enode::{Enode, EnodeError},
        keys::SecretKey,
    },
};

/// Default cache of the on-disk store, in bytes: redb's own would be a gigabyte.
pub const DEFAULT_CACHE_BYTES: usize = 4 * 1024 * 1024;
/// Most peers that can be configured.
pub const MAX_TRUSTED_PEERS: usize = 16;
/// Most worker threads of an owned runtime.
pub const MAX_WORKERS: usize = 64;

/// How many peers to be connected to unless [`Builder::max_peers`] says otherwise.
pub const DEFAULT_MAX_PEERS: usize = 8;
/// The most peers to be connected to.
pub const MAX_MAX_PEERS: usize = 32;

/// Whether peers that nobody named are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discovery {
    /// From the network's boot nodes, and those that come with the library; not at all where there are none.
    Auto,
    /// Not at all: peers that are named or remembered, and those that connect.
    Off,
}

/// Where a new chain starts. A data directory that holds a chain already goes on from there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StartFrom {
    /// The newest checkpoint that comes with the library; genesis on networks that have none.
    #[default]
    Bundled,
    /// A checkpoint of the user's choice.
    Checkpoint(Checkpoint),
    /// The first block.
    Genesis,
}

/// Why a client was not built. Each names the setting at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Neither a directory nor memory was chosen.
    #[error("data_dir: not set; call data_dir(..), or in_memory() to keep nothing")]
    NoStore,
    /// A checkpoint is not good.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The genesis values of a custom network do not make a header.
    #[error("network: its genesis is not a header: {0}")]
    Genesis(HeaderDecodeError),
    /// A peer address is not good.
    #[error("trusted_peers: {value:?}: {reason}")]
    Peer {
        /// The text given.
        value: String,
        /// What is wrong with it.
        reason: EnodeError,
    },
    /// A boot node is not good.
    #[error("boot_nodes: {0}")]
    BootNode(#[from] NoBootNode),
    /// Too many peers.
    #[error("trusted_peers: {actual} given, at most {MAX_TRUSTED_PEERS} are used")]
    TooManyPeers {
        /// How many were given.
        actual: usize,
    },
    /// The number of peers cannot be used.
    #[error("max_peers: {actual} given, 1 to {MAX_MAX_PEERS} make sense")]
    MaxPeers {
        /// How many were asked for.
        actual: usize,
    },
    /// The budget for requests allows none.
    #[error("request_budget: nothing may be in flight or sent, at least one request has to be allowed")]
    RequestBudget,
    /// The number of worker threads cannot be used.
    #[error("workers: {actual} given, 1 to {MAX_WORKERS} make sense")]
    Workers {
        /// How many were given.
        actual: usize,
    },
    /// The store could not be opened.
    #[error("data_dir: {0}")]
    Store(#[from] StoreError),
    /// The system gave no randomness for the node key.
    #[error("node_key: the system gave no random bytes: {reason}")]
    Randomness {
        /// The system's words.
        reason: String,
    },
}

#[derive(Debug, Clone)]
enum StoreChoice {
    #[cfg(feature = "redb")]
    Directory(PathBuf),
    Memory,
}

/// Where the client's tasks run.
#[derive(Debug, Clone)]
pub(super) enum RuntimeChoice {
    Owned { workers: usize },
    Given(tokio::runtime::Handle),
}

/// Collects choices for a [`LightClient`]. Only the place of the store has no default.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before build()"]
pub struct Builder {
    network: Network,
    store: Option<StoreChoice>,
    start_from: StartFrom,
    trusted_peers: Vec<String>,
    boot_nodes: Vec<String>,
    discovery: Option<Discovery>,
    max_peers: usize,
    only_trusted: bool,
    listen: Option<SocketAddr>,
    budget: RequestBudget,
    runtime: RuntimeChoice,
    cache_bytes: usize,
    user_agent: String,
    snappy: bool,
    node_key: Option<SecretKey>,
}

/// Everything a started client needs besides its state.
#[derive(Debug)]
pub(super) struct Settings {
    pub network: Network,
    pub params: Arc<NetworkParams>,
    /// Trusted and bundled peers, as the peer machine is told.
    pub named_peers: Vec<peers::Input>,
    pub peer_config: PeerConfig,
    pub has_fixed_key: bool,
    /// Where and how to look for peers, if at all.
    pub discovery: Option<UdpSettings>,
    pub listen: Option<SocketAddr>,
    pub budget: RequestBudget,
    pub runtime: RuntimeChoice,
    pub session: SessionSettings,
}

impl Builder {
    pub(super) fn new(network: Network) -> Self {
        Self {
            network,
            store: None,
            start_from: StartFrom::default(),
            trusted_peers: Vec::new(),
            boot_nodes: Vec::new(),
            discovery: None,
            max_peers: DEFAULT_MAX_PEERS,
            only_trusted: false,
            listen: None,
            budget: RequestBudget::default(),
            runtime: RuntimeChoice::Owned { workers: 1 },
            cache_bytes: DEFAULT_CACHE_BYTES,
            user_agent: concat!("rustock/v", env!("CARGO_PKG_VERSION")).to_owned(),
            snappy: false,
            node_key: None,
        }
    }

    #[cfg(feature = "redb")]
    /// Keeps the chain in this directory, which is made if need be. One client at a time can use it.
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.store = Some(StoreChoice::Directory(directory.into()));
        self
    }

    /// Keeps the chain in memory: nothing survives the client.
    pub fn in_memory(mut self) -> Self {
        self.store = Some(StoreChoice::Memory);
        self
    }

    /// Where a new chain starts. Default: the bundled checkpoint.
    pub fn start_from(mut self, start: StartFrom) -> Self {
        self.start_from = start;
        self
    }

    /// Starts a new chain from this checkpoint.
    pub fn checkpoint(self, checkpoint: Checkpoint) -> Self {
        self.start_from(StartFrom::Checkpoint(checkpoint))
    }

    /// Adds peers by `enode://<node id>@<host>:<port>`. They are always dialled. Trusted only for being worth
    /// a connection: what they send is verified like anybody's.
    pub fn trusted_peers<S: Into<String>>(mut self, enodes: impl IntoIterator<Item = S>) -> Self {
        self.trusted_peers.extend(enodes.into_iter().map(Into::into));
        self
    }

    /// How many peers that answer to be connected to; trusted ones are dialled whatever this says. Up to half as many
    /// more are connected while some have not answered. Default: 8.
    pub fn max_peers(mut self, peers: usize) -> Self {
        self.max_peers = peers;
        self
    }

    /// Whether peers that nobody named are looked for. Default: [`Discovery::Auto`], unless there are trusted
    /// peers.
    pub fn discovery(mut self, discovery: Discovery) -> Self {
        self.discovery = Some(discovery);
        self
    }

    /// Where discovery starts, as `<host>:<port>`, instead of at the network's own boot nodes.
    pub fn boot_nodes<S: Into<String>>(mut self, nodes: impl IntoIterator<Item = S>) -> Self {
        self.boot_nodes.extend(nodes.into_iter().map(Into::into));
        self
    }

    /// Uses trusted peers and nobody else, and lets nobody else connect.
    pub fn only_trusted(mut self, only_trusted: bool) -> Self {
        self.only_trusted = only_trusted;
        self
    }

    /// Lets peers connect to this address. Default: nobody can connect. Discovery, where there is any, then uses
    /// the same address, port and node key, as full nodes expect it; the key stays when the network changes. Of an
    /// address of one family only that family is spoken; on `[::]` both are, where the system allows it.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// How fast each peer may be asked. Default: [`RequestBudget::POLITE`], below what rskj's throttle drops.
    /// Use [`RequestBudget::UNPACED`] only with peers you own.
    pub fn request_budget(mut self, budget: RequestBudget) -> Self {
        self.budget = budget;
        self
    }

    /// Runs on a tokio runtime of the client's own with this many worker threads. Default: 1, which a phone's
    /// connection never fills; use 2 for a local peer or a first sync over a fast line.
    pub fn owned_runtime(mut self, workers: usize) -> Self {
        self.runtime = RuntimeChoice::Owned { workers };
        self
    }

    /// Runs on a tokio runtime of the app's. Its time and I/O drivers must be enabled.
    pub fn runtime(mut self, handle: tokio::runtime::Handle) -> Self {
        self.runtime = RuntimeChoice::Given(handle);
        self
    }

    /// Cache of the on-disk store in bytes. Default: 4 MiB; more buys little, because reads are few.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// What peers are told this client is. Default: `rustock/v` and the version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Offers to compress what is sent to peers that offer it as well, which only Rustock's own do. Others see one
    /// capability more in the first message and ignore it. Default: off, since headers shrink little and the
    /// capability tells every peer what software this is.
    pub fn snappy(mut self, offer: bool) -> Self {
        self.snappy = offer;
        self
    }

    /// The key that is this client's identity to peers. Default: a fresh one for every client, which keeps
    /// peers from recognising it and never collides with a session that died uncleanly.
    pub fn node_key(mut self, key: SecretKey) -> Self {
        self.node_key = Some(key);
        self
    }

    /// Opens the store and validates everything. Touches no network.
    ///
    /// # Errors
    /// [`BuildError`] names the setting at fault.
    pub fn build(self) -> Result<LightClient, BuildError> {
        let params = self.network.params();
        let clock = Clock::new();
        let peers = self.parse_peers()?;
        if let RuntimeChoice::Owned { workers } = self.runtime
            && !(1..=MAX_WORKERS).contains(&workers)
        {
            return Err(BuildError::Workers { actual: workers });
        }
        if !(1..=MAX_MAX_PEERS).contains(&self.max_peers) {
            return Err(BuildError::MaxPeers { actual: self.max_peers });
        }
        if self.budget.in_flight == 0 || self.budget.per_minute == Some(0) {
            return Err(BuildError::RequestBudget);
        }
        let choice = self.store.clone().ok_or(BuildError::NoStore)?;
        let base = self.base(&params, clock)?;
        let store = match choice {
            StoreChoice::Memory => StoreSlot::new(MemoryStore::new(base)),
            #[cfg(feature = "redb")]
            StoreChoice::Directory(directory) => {
                let genesis = params.genesis_header().map_err(BuildError::Genesis)?;
                let activations = params.activations.clone();
                let mut options = OpenOptions::new(self.network.name(), genesis.hash(), activations, base);
                options.cache_bytes = self.cache_bytes;
                StoreSlot::new(RedbStore::open(&directory, options)?)
            }
        };
        let node_key = match &self.node_key {
            Some(key) => key.clone(),
            None => random_key().map_err(|reason| BuildError::Randomness { reason })?,
        };
        let compression = if self.snappy { Compression::Capability } else { Compression::Off };
        let session = SessionSettings::new(node_key, &self.user_agent, &params, compression)
            .map_err(BuildError::Genesis)?;

        let base = store.base()?;
        let head = store.head()?;
        let best = load_header(&store, &params, head.number)?;
        let status = Status {
            run: RunState::Stopped,
            head: head.id(),
            head_time: head.timestamp,
            header_difficulty_sum: head.header_difficulty_sum,
            base: base.id(),
            peers: 0,
            peers_claim: None,
            progress: Progress::default(),
            fork_detection_from: store.fork_detection_from()?,
            last_problem: None,
        };
        let has_local_boot_node = self.boot_nodes.iter().any(|node| is_local_host(node));
        let peer_config = PeerConfig {
            limits: SlotLimits::for_target(self.max_peers),
            only_trusted: self.only_trusted,
            allow_local: has_local_boot_node || !matches!(self.network.name(), "mainnet" | "testnet"),
            ..PeerConfig::default()
        };
        let discovery = self.discovery_settings(&params, peer_config.allow_local)?;
        let settings = Settings {
            discovery,
            named_peers: self.named_peers(&peers),
            peer_config,
            has_fixed_key: self.node_key.is_some(),
            listen: self.listen,
            network: self.network,
            params,
            budget: self.budget,
            runtime: self.runtime,
            session,
        };
        Ok(LightClient::new(settings, Arc::new(Shared::new(store, best, status)), clock))
    }

    fn finds_peers(&self) -> bool {
        // Whoever names the peers to be used has no need of others.
        let discovery = self.discovery.unwrap_or(if self.trusted_peers.is_empty() {
            Discovery::Auto
        } else {
            Discovery::Off
        });
        discovery == Discovery::Auto && !self.only_trusted
    }

    fn discovery_settings(
        &self,
        params: &NetworkParams,
        local_networks: bool,
    ) -> Result<Option<UdpSettings>, BuildError> {
        let nodes = if self.boot_nodes.is_empty() { &params.boot_nodes } else { &self.boot_nodes };
        if !self.finds_peers() || nodes.is_empty() {
            return Ok(None);
        }
        let boot_nodes = nodes.iter().map(|node| node.parse()).collect::<Result<Vec<BootNode>, _>>()?;
        let config = DiscoveryConfig { network_id: params.network_id, boot_nodes, local_networks };
        Ok(Some(UdpSettings::all_interfaces(config, 0)))
    }

    fn named_peers(&self, trusted: &[Enode]) -> Vec<peers::Input> {
        let trusted = trusted.iter().map(|enode| add_input(enode, PeerSource::Configured, true));
        let bundled = if self.finds_peers() { bundled(self.network.name()) } else { &[] };
        let bundled = bundled.iter().filter_map(|text| text.parse::<Enode>().ok());
        trusted.chain(bundled.map(|enode| add_input(&enode, PeerSource::Bundled, false))).collect()
    }

    fn parse_peers(&self) -> Result<Vec<Enode>, BuildError> {
        if self.trusted_peers.len() > MAX_TRUSTED_PEERS {
            return Err(BuildError::TooManyPeers { actual: self.trusted_peers.len() });
        }
        let parse = |value: &String| {
            value.parse().map_err(|reason| BuildError::Peer { value: value.clone(), reason })
        };
        self.trusted_peers.iter().map(parse).collect()
    }

    /// The block a new store starts from.
    fn base(&self, params: &NetworkParams, clock: Clock) -> Result<BlockEntry, BuildError> {
        let bundled = match &self.start_from {
            StartFrom::Bundled => Checkpoint::bundled(&self.network, clock.wall())?,
            StartFrom::Checkpoint(checkpoint) => Some(checkpoint.clone()),
            StartFrom::Genesis => None,
        };
        let (header, bitcoin_hash_byte) = match bundled {
            Some(checkpoint) => (checkpoint.header().clone(), checkpoint.bitcoin_hash_byte()),
            None => (params.genesis_header().map_err(BuildError::Genesis)?, 0),
        };
        // Work is counted from the base on: only differences matter to fork choice.
        let sum = CumulativeDifficulty::new(header.difficulty().get());
        Ok(BlockEntry { record: BlockRecord::new(&header, sum, bitcoin_hash_byte), header })
    }
}

/// True for a boot node of this machine or its own network.
fn is_local_host(node: &str) -> bool {
    let host = node.rsplit_once(':').map_or(node, |(host, _)| host);
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(is_local)
}

/// Reads the newest part of the chain back into memory.
pub(super) fn load_tail(store: &dyn StoreView) -> Result<ChainTail, StoreError> {
    let (base, head) = (store.base()?, store.head()?);
    let lowest = head.number.saturating_sub(TAIL_LIMIT as u64 - 1).max(base.number);
    let damaged =
        |number: BlockNumber| StoreError::Corrupt { table: Table::Canonical, key: number.to_string() };
    let records = (lowest.get()..=head.number.get())
        .map(|number| {
            let number = BlockNumber::new(number);
            store.record(number)?.ok_or_else(|| damaged(number))
        })
        .collect::<Result<Vec<_>, _>>()?;
    ChainTail::new(base.number, store.ancestors()?, records).map_err(|broken| damaged(broken.number))
}
