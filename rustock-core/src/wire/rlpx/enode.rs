//! Enode URLs: `enode://<node id>@<host>:<port>`, how people pass peers around.
//!
//! No RSKIP. Mirrors rskj's `Node(String)`: one port serves TCP and UDP, and a query such as `?discport=` is
//! read past.

use core::{fmt, str::FromStr};

use crate::primitives::hash::{NodeId, ParseHexError};
use crate::wire::rlpx::keys::{KeyError, PublicKey};

/// The longest host name accepted: DNS allows no longer one.
const MAX_HOST_BYTES: usize = 253;

/// Why text is not an enode URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnodeError {
    /// It does not start with `enode://`.
    #[error("an enode URL starts with enode://")]
    Scheme,
    /// There is no `@` between the node id and the host.
    #[error("no @ between the node id and the host")]
    MissingHost,
    /// The node id is not 64 bytes of hex.
    #[error("the node id: {0}")]
    NodeId(ParseHexError),
    /// The node id is not a point of the curve, so no node can have it.
    #[error("the node id is not a point of secp256k1")]
    OffCurve,
    /// Nothing stands between `@` and the port.
    #[error("the host is empty")]
    EmptyHost,
    /// The host holds a character that no host name or address has, or is too long, or its brackets do not fit.
    #[error("not a host name or address: {0:?}")]
    BadHost(String),
    /// No `:port` follows the host.
    #[error("no port after the host")]
    MissingPort,
    /// The port is not a number from 1 to 65,535.
    #[error("not a port: {0:?}")]
    BadPort(String),
}

/// A dialable peer: its id, which is checked to be a real key, and where it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enode {
    public_key: PublicKey,
    host: String,
    port: u16,
}

impl Enode {
    /// Puts the parts together. `host` is a DNS name or an address; IPv6 without brackets.
    ///
    /// # Errors
    /// [`EnodeError::OffCurve`], [`EnodeError::EmptyHost`], [`EnodeError::BadHost`], or
    /// [`EnodeError::BadPort`] for port 0.
    pub fn new(node_id: &NodeId, host: &str, port: u16) -> Result<Self, EnodeError> {
        let public_key = PublicKey::from_node_id(node_id).map_err(|error| match error {
            KeyError::NotOnCurve
            | KeyError::SecretOutOfRange
            | KeyError::BadSignature
            | KeyError::Text(_) => EnodeError::OffCurve,
        })?;
        check_host(host)?;
        if port == 0 {
            return Err(EnodeError::BadPort("0".to_owned()));
        }
        Ok(Self { public_key, host: host.to_owned(), port })
    }

    /// The peer's key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The peer's id.
    pub fn node_id(&self) -> NodeId {
        self.public_key.node_id()
    }

    /// A DNS name or an address; IPv6 without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, for TCP and UDP alike.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn check_host(host: &str) -> Result<(), EnodeError> {
    if host.is_empty() {
        return Err(EnodeError::EmptyHost);
    }
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    let is_ipv6 = host.parse::<core::net::Ipv6Addr>().is_ok();
    if host.len() > MAX_HOST_BYTES || !(is_name || is_ipv6) {
        return Err(EnodeError::BadHost(host.to_owned()));
    }
    Ok(())
}

impl FromStr for Enode {
    type Err = EnodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("enode://").ok_or(EnodeError::Scheme)?;
        let (id, address) = rest.split_once('@').ok_or(EnodeError::MissingHost)?;
        // A `0x` has no place inside a URL, though `NodeId` would read past it.
        if id.starts_with("0x") {
            return Err(EnodeError::NodeId(ParseHexError::NotHex));
        }
        let node_id: NodeId = id.parse().map_err(EnodeError::NodeId)?;
        let address = address.split_once('?').map_or(address, |(address, _query)| address);

        let (host, port) = if let Some(bracketed) = address.strip_prefix('[') {
            let (host, rest) =
                bracketed.split_once(']').ok_or_else(|| EnodeError::BadHost(address.to_owned()))?;
            if host.parse::<core::net::Ipv6Addr>().is_err() {
                return Err(EnodeError::BadHost(host.to_owned()));
            }
            (host, rest.strip_prefix(':').ok_or(EnodeError::MissingPort)?)
        } else {
            let (host, port) = address.rsplit_once(':').ok_or(EnodeError::MissingPort)?;
            // An IPv6 address without brackets leaves it open where the port begins.
            if host.contains(':') {
                return Err(EnodeError::BadHost(host.to_owned()));
            }
            (host, port)
        };
        let is_digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let number = port.parse().ok().filter(|_| is_digits);
        let port = number.ok_or_else(|| EnodeError::BadPort(port.to_owned()))?;
        Self::new(&node_id, host, port)
    }
}

impl fmt::Display for Enode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = hex::encode(self.node_id().as_bytes());
        if self.host.contains(':') {
            write!(f, "enode://{id}@[{}]:{}", self.host, self.port)
        } else {
            write!(f, "enode://{id}@{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "826fbe97bc03c7c09d7b7d05b871282d8ac93d4446d44b55566333b240dd06260a9505f0fd3247e63d84d557f79bb63691710e40d4d9fc39f3bfd5397bcea065";

    fn error_of(text: &str) -> EnodeError {
        text.parse::<Enode>().expect_err("must be refused")
    }

    #[test]
    fn names_and_addresses_are_read_and_written_back() {
        for address in ["bootstrap01.rsk.co:5050", "203.0.113.7:1", "[2001:db8::1]:65535", "my_node:50505"] {
            let text = format!("enode://{ID}@{address}");
            let enode: Enode = text.parse().expect(address);
            assert_eq!(enode.to_string(), text);
            assert_eq!(hex::encode(enode.node_id().as_bytes()), ID);
        }
        let enode: Enode = format!("enode://{ID}@[::1]:5050?discport=30301").parse().expect("valid");
        assert_eq!((enode.host(), enode.port()), ("::1", 5050));
    }

    #[test]
    fn each_thing_that_can_be_wrong_has_its_own_error() {
        assert_eq!(error_of(&format!("http://{ID}@host:1")), EnodeError::Scheme);
        assert_eq!(error_of(&format!("enode://{ID}")), EnodeError::MissingHost);
        assert_eq!(error_of(&format!("enode://{ID}@:5050")), EnodeError::EmptyHost);
        assert_eq!(error_of(&format!("enode://{ID}@host")), EnodeError::MissingPort);
        assert_eq!(error_of(&format!("enode://{ID}@[::1]")), EnodeError::MissingPort);
        assert_eq!(error_of(&format!("enode://{ID}@ho st:1")), EnodeError::BadHost("ho st".to_owned()));
        assert_eq!(error_of(&format!("enode://{ID}@::1:5050")), EnodeError::BadHost("::1".to_owned()));
        assert_eq!(error_of(&format!("enode://{ID}@[host]:1")), EnodeError::BadHost("host".to_owned()));
        for port in ["", "0", "65536", "+1", "5050x"] {
            assert_eq!(error_of(&format!("enode://{ID}@host:{port}")), EnodeError::BadPort(port.to_owned()));
        }
        let short = &ID[2..];
        let wrong_length = ParseHexError::WrongLength { expected: 64, actual: 63 };
        assert_eq!(error_of(&format!("enode://{short}@host:1")), EnodeError::NodeId(wrong_length));
        let not_hex = format!("zz{short}");
        assert_eq!(error_of(&format!("enode://{not_hex}@h:1")), EnodeError::NodeId(ParseHexError::NotHex));
        assert_eq!(error_of(&format!("enode://0x{ID}@h:1")), EnodeError::NodeId(ParseHexError::NotHex));
        let off_curve = format!("{}66", &ID[..126]);
        assert_eq!(error_of(&format!("enode://{off_curve}@host:1")), EnodeError::OffCurve);
    }
}
