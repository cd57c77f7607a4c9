//! What a machine is told at the start.

use core::net::SocketAddr;

use crate::wire::rlpx::keys::SecretKey;

/// Where a boot node listens. Its id is not known: its signed pong tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootNode {
    /// A DNS name or an address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Settings that stay the same while a machine lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryConfig {
    /// The peer network: 775 on mainnet. Not the chain id.
    pub network_id: u32,
    /// Where to start. The first 64 are taken.
    pub boot_nodes: Vec<BootNode>,
    /// Whether loopback, private and link-local addresses are places where nodes can be. Off for a public network:
    /// whoever tells of such an address would have us knock at doors behind our own.
    pub local_networks: bool,
}

/// Who we are on one socket. rskj ties a key to the address it first saw it at, so a socket with another address
/// needs another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Signs our packets.
    pub key: SecretKey,
    /// What we say our address is. Nobody believes it, but it must be there.
    pub endpoint: SocketAddr,
}

/// Whether the host wants more nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Demand {
    /// Look for nodes.
    #[default]
    Wanted,
    /// Only answer others. Nothing is sent unless something comes.
    Satisfied,
}
