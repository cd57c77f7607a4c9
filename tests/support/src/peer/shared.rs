//! What the connections of a peer share: the chain, the settings, the clock, what was counted.

use core::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use rustock_core::{
    primitives::{
        hash::{BlockHash, NodeId},
        header::Header,
    },
    proto::{
        session::{Compression, SessionConfig},
        time::Timestamp,
    },
    wire::{
        rlpx::{entropy::HandshakeEntropy, keys::SecretKey, packet::HandshakeFormat},
        rsk::{BlockIdentifier, LegacyStatus},
    },
};
use tokio::{sync::broadcast, time::Instant};

use super::{
    conversation::claimed_status, misbehaviour::Misbehaviour, served_chain::ServedChain,
    server::TestPeerOptions,
};

/// How long rskj waits between two pings.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Signals that may wait for a connection; more are lost to it, as a busy rskj loses some.
const SIGNAL_LIMIT: usize = 256;

/// What every connection is told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signal {
    Announce(BlockIdentifier),
    Break,
}

/// What went through a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerCounters {
    /// Connections accepted.
    pub connections: u64,
    /// Connections that got as far as Hello.
    pub sessions: u64,
    /// RSK messages received.
    pub messages_received: u64,
    /// RSK messages sent, the first Status not counted.
    pub messages_sent: u64,
    /// Sessions that the remote ended by saying that it quits.
    pub goodbyes: u64,
}

/// The same, while it is being counted.
#[derive(Debug, Default)]
pub(super) struct Counting {
    pub connections: AtomicU64,
    pub sessions: AtomicU64,
    pub messages_received: AtomicU64,
    pub messages_sent: AtomicU64,
    pub goodbyes: AtomicU64,
}

impl Counting {
    pub fn add_one(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn read(&self) -> PeerCounters {
        PeerCounters {
            connections: self.connections.load(Ordering::Relaxed),
            sessions: self.sessions.load(Ordering::Relaxed),
            messages_received: self.messages_received.load(Ordering::Relaxed),
            messages_sent: self.messages_sent.load(Ordering::Relaxed),
            goodbyes: self.goodbyes.load(Ordering::Relaxed),
        }
    }
}

/// The driver's clock: monotonic for sessions, the time of day for rskj's minutes.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    time_of_day_then: Duration,
}

impl Clock {
    fn start() -> Self {
        let time_of_day_then = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), time_of_day_then }
    }

    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.started.elapsed().as_millis() as u64)
    }

    /// Since the Unix epoch.
    pub fn time_of_day(&self) -> Duration {
        self.time_of_day_then + self.started.elapsed()
    }

    pub fn instant_of(&self, timestamp: Timestamp) -> Instant {
        self.started + Duration::from_millis(timestamp.as_millis().min(u64::from(u32::MAX)))
    }

    pub fn instant_of_day(&self, time_of_day: Duration) -> Instant {
        self.started + time_of_day.saturating_sub(self.time_of_day_then)
    }
}

/// What the connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub options: TestPeerOptions,
    pub key: SecretKey,
    pub signals: broadcast::Sender<Signal>,
    pub counting: Counting,
    pub clock: Clock,
    genesis: Header,
    listen_port: u16,
    chain: Mutex<ServedChain>,
    connected: Mutex<BTreeSet<NodeId>>,
}

impl Shared {
    pub fn new(options: TestPeerOptions, key: SecretKey, listen_port: u16) -> Self {
        let genesis = options.params.genesis_header().expect("the network has a genesis");
        let chain = Mutex::new(options.chain.clone());
        Self {
            options,
            key,
            signals: broadcast::Sender::new(SIGNAL_LIMIT),
            counting: Counting::default(),
            clock: Clock::start(),
            genesis,
            listen_port,
            chain,
            connected: Mutex::default(),
        }
    }

    pub fn chain(&self) -> MutexGuard<'_, ServedChain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the next block and announces it.
    pub fn grow(&self) -> Option<BlockIdentifier> {
        let shown = self.chain().grow()?;
        // Without a connection nobody listens, and nobody has to.
        let _ = self.signals.send(Signal::Announce(shown));
        Some(shown)
    }

    /// Takes note that a node is connected; false when it was already.
    pub fn connect(&self, node: NodeId) -> bool {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner).insert(node)
    }

    pub fn disconnect(&self, node: &NodeId) {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner).remove(node);
    }

    /// What a new session says of the peer.
    pub fn session_config(&self) -> SessionConfig {
        let misbehaviour = self.options.misbehaviour;
        let status = claimed_status(&self.chain(), misbehaviour);
        let network_id = self.options.params.network_id;
        SessionConfig {
            client_id: self.options.client_id.clone(),
            listen_port: self.listen_port,
            auth_format: HandshakeFormat::Eip8,
            legacy_status: LegacyStatus {
                protocol_version: LegacyStatus::PROTOCOL_VERSION,
                network_id: match misbehaviour {
                    Misbehaviour::OtherNetwork => network_id ^ 1,
                    _ => network_id,
                },
                total_difficulty: status.total_difficulty,
                best_hash: status.best_hash,
                genesis_hash: match misbehaviour {
                    Misbehaviour::OtherGenesis => BlockHash::new([0x0e; 32]),
                    _ => self.genesis.hash(),
                },
            },
            status,
            ping_interval: PING_INTERVAL,
            silence_limit: rustock_core::proto::session::limits::IDLE_LIMIT,
            compression: if self.options.snappy { Compression::Capability } else { Compression::Off },
        }
    }
}

/// Fresh randomness for a handshake.
pub(super) fn handshake_entropy() -> Result<HandshakeEntropy, getrandom::Error> {
    let mut bytes = [0; HandshakeEntropy::RANDOM_BYTES];
    loop {
        getrandom::fill(&mut bytes)?;
        if let Ok(entropy) = HandshakeEntropy::from_random(&bytes) {
            return Ok(entropy);
        }
    }
}
