//! What we say of ourselves in a session, and what the remote must agree with.

use core::time::Duration;

use crate::primitives::hash::{BlockHash, NodeId};
use crate::primitives::header::Header;
use crate::primitives::number::{BlockNumber, CumulativeDifficulty};
use crate::proto::session::limits::{CLIENT_SILENCE_LIMIT, PING_INTERVAL};
use crate::wire::p2p::{Capability, Hello};
use crate::wire::rlpx::packet::HandshakeFormat;
use crate::wire::rsk::{LegacyStatus, Status};

/// Our p2p version. With 5 rskj would cut long messages into several frames, and others would compress.
const P2P_VERSION: u32 = 4;
/// From this p2p version on, every node but rskj compresses what it sends to one that says it too (EIP-706).
const COMPRESSED_P2P_VERSION: u32 = 5;

/// Whether payloads may be compressed after Hello, and how the two sides find out that both would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Never. What rskj does, and what it sees is what it always saw.
    #[default]
    Off,
    /// With peers whose Hello offers [`Capability::SNAPPY`] as ours does. rskj ignores the capability.
    Capability,
    /// With peers that say p2p version 5, which ours says then. rskj, which means something else by 5, would be
    /// misunderstood: only for tests against nodes of other networks.
    P2pVersion5,
}

/// Settings of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// How we name our software in Hello.
    pub client_id: String,
    /// The port we say we listen on; 0 when we do not. rskj ignores it.
    pub listen_port: u16,
    /// How we write the auth packet when dialling. EIP-8, unless the peer is older than that.
    pub auth_format: HandshakeFormat,
    /// Sent right after Hello. The remote's must have the same version, network and genesis.
    pub legacy_status: LegacyStatus,
    /// Sent right after the legacy Status. Never better than what we can serve: rskj would choose us as a
    /// source and wait for answers.
    pub status: Status,
    /// How long the remote may be silent before it is sent a Ping, and again before each further one.
    pub ping_interval: Duration,
    /// How long the remote may be silent before the connection is given up. Longer than the interval, so that a
    /// Ping can be answered.
    pub silence_limit: Duration,
    /// Whether payloads may be compressed.
    pub compression: Compression,
}

impl SessionConfig {
    /// For a client that serves nothing: both Status messages speak of genesis, as rskj's own do while it
    /// cannot serve. `network_id` is the peer network's, not the chain id.
    pub fn for_client(client_id: impl Into<String>, network_id: u32, genesis: &Header) -> Self {
        let total_difficulty = CumulativeDifficulty::new(genesis.difficulty().get());
        Self {
            client_id: client_id.into(),
            listen_port: 0,
            auth_format: HandshakeFormat::Eip8,
            legacy_status: LegacyStatus {
                protocol_version: LegacyStatus::PROTOCOL_VERSION,
                network_id,
                total_difficulty,
                best_hash: genesis.hash(),
                genesis_hash: genesis.hash(),
            },
            status: Status {
                number: BlockNumber::GENESIS,
                best_hash: genesis.hash(),
                parent_hash: BlockHash::ZERO,
                total_difficulty,
            },
            ping_interval: PING_INTERVAL,
            silence_limit: CLIENT_SILENCE_LIMIT,
            compression: Compression::Off,
        }
    }

    pub(super) fn hello(&self, node_id: NodeId) -> Hello {
        let (p2p_version, offered) = match self.compression {
            Compression::Off => (P2P_VERSION, None),
            Compression::Capability => (P2P_VERSION, Some(Capability::SNAPPY)),
            Compression::P2pVersion5 => (COMPRESSED_P2P_VERSION, None),
        };
        let capabilities = [Some(Capability::RSK), offered].into_iter().flatten();
        Hello {
            p2p_version,
            client_id: self.client_id.clone(),
            capabilities: capabilities.map(|(name, version)| Capability::new(name, version)).collect(),
            listen_port: self.listen_port,
            node_id,
        }
    }

    /// True when whatever follows the two Hellos is compressed.
    pub(super) fn compresses_with(&self, remote: &Hello) -> bool {
        match self.compression {
            Compression::Off => false,
            Compression::Capability => remote.capabilities.iter().any(Capability::is_snappy),
            Compression::P2pVersion5 => remote.p2p_version >= COMPRESSED_P2P_VERSION,
        }
    }
}
