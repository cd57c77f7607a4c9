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
        }
    }

    pub(super) fn hello(&self, node_id: NodeId) -> Hello {
        Hello {
            p2p_version: P2P_VERSION,
            client_id: self.client_id.clone(),
            capabilities: vec![Capability { name: "rsk".to_owned(), version: 62 }],
            listen_port: self.listen_port,
            node_id,
        }
    }
}
