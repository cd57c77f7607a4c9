//! What a machine is told at the start.

use core::{fmt, net::SocketAddr, str::FromStr};

use crate::wire::rlpx::keys::SecretKey;

/// Where a boot node listens. Its id is not known: its signed pong tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootNode {
    /// A DNS name or an address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A text names no boot node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not <host>:<port>")]
pub struct NoBootNode {
    /// The text.
    pub value: String,
}

impl FromStr for BootNode {
    type Err = NoBootNode;

    /// Reads `<host>:<port>`, IPv6 in brackets.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) if !host.is_empty() && port != 0 => {
                Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port })
            }
            _ => Err(NoBootNode { value: text.to_owned() }),
        }
    }
}

impl fmt::Display for BootNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
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
    /// Look for nobody, but see whether those that others are told of are there. For nodes that listen: they are in
    /// the tables of others, who ask them for nodes.
    Maintained,
    /// Only answer others. Nothing is sent unless something comes.
    Satisfied,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_node_is_a_host_and_a_port_and_reads_as_it_was_written() {
        for text in ["bootstrap01.rsk.co:5050", "127.0.0.1:1", "[2001:db8::1]:65535"] {
            assert_eq!(text.parse::<BootNode>().map(|node| node.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("[::1]:7".parse::<BootNode>().map(|node| node.host).as_deref(), Ok("::1"));
        for text in ["", "host", ":5050", "host:", "host:0", "host:65536", "host:x"] {
            assert_eq!(text.parse::<BootNode>(), Err(NoBootNode { value: text.to_owned() }));
        }
    }
}
