//! The devp2p base protocol: Hello, Disconnect, Ping, Pong.
//!
//! No RSKIP. Mirrors rskj's `HelloMessage`, `DisconnectMessage`, `ReasonCode`, `StaticMessages` and
//! `P2pMessageFactory`, read at 9.1.0. Codes 0x04 and 0x05 (peer exchange) exist in rskj only as parsers: they
//! are never sent and are ignored here as there.

use core::fmt;

use rlp::RlpStream;

use super::{
    error::{MessageError, MessageFault},
    fields::{Fields, append_bytes},
};
use crate::primitives::{
    hash::NodeId,
    rlp::{Item, RlpError},
};

/// The largest client id taken, in bytes. rskj's are about 40.
pub const MAX_CLIENT_ID_SIZE: usize = 1024;
/// The largest number of capabilities taken. rskj sends one or two.
pub const MAX_CAPABILITIES: usize = 64;
/// The largest capability name taken, in bytes. devp2p names have at most 8.
pub const MAX_CAPABILITY_NAME_SIZE: usize = 32;

/// A message of the base protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum P2pMessage {
    /// 0x00: who the sender is and what it speaks.
    Hello(Hello),
    /// 0x01: the sender is about to close. rskj leaves closing to the one who sends this.
    Disconnect(DisconnectReason),
    /// 0x02: asks for a Pong.
    Ping,
    /// 0x03: answers a Ping.
    Pong,
    /// 0x04 and 0x05, which nobody sends and nobody reads: only their code and size are kept.
    Ignored {
        /// The message code.
        code: u8,
        /// Bytes of payload.
        size: usize,
    },
}

impl P2pMessage {
    /// Message code of Hello.
    pub const HELLO: u8 = 0x00;
    /// Message code of Disconnect.
    pub const DISCONNECT: u8 = 0x01;
    /// Message code of Ping.
    pub const PING: u8 = 0x02;
    /// Message code of Pong.
    pub const PONG: u8 = 0x03;
    /// Message code of GetPeers, which is ignored.
    pub const GET_PEERS: u8 = 0x04;
    /// Message code of Peers, which is ignored.
    pub const PEERS: u8 = 0x05;

    /// The message code that goes in front of the payload in a frame.
    pub fn code(&self) -> u8 {
        match self {
            Self::Hello(_) => Self::HELLO,
            Self::Disconnect(_) => Self::DISCONNECT,
            Self::Ping => Self::PING,
            Self::Pong => Self::PONG,
            Self::Ignored { code, .. } => *code,
        }
    }

    /// The payload of the message, without its code. An ignored message has lost its payload: its place is
    /// taken by the empty list.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello(hello) => hello.encode(),
            Self::Disconnect(reason) => reason.encode(),
            Self::Ping | Self::Pong | Self::Ignored { .. } => vec![0xc0],
        }
    }

    /// Decodes the payload of the message with this code.
    ///
    /// # Errors
    /// [`MessageFault::UnassignedCode`] for 0x06 and above; otherwise the field that is wrong.
    pub fn decode(code: u8, payload: &[u8]) -> Result<Self, MessageError> {
        match code {
            Self::HELLO => Hello::decode(payload).map(Self::Hello),
            Self::DISCONNECT => DisconnectReason::decode(payload).map(Self::Disconnect),
            Self::PING => Fields::of_payload("Ping", payload)?.finish().map(|()| Self::Ping),
            Self::PONG => Fields::of_payload("Pong", payload)?.finish().map(|()| Self::Pong),
            Self::GET_PEERS | Self::PEERS => Ok(Self::Ignored { code, size: payload.len() }),
            _ => Err(MessageError {
                message: "p2p message",
                field: "code",
                reason: MessageFault::UnassignedCode { code },
            }),
        }
    }
}

/// A sub-protocol that a peer speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// Its name, `rsk` for ours.
    pub name: String,
    /// Its version, 62 for ours.
    pub version: u32,
}

impl Capability {
    /// Name and version of the only sub-protocol with message codes of its own.
    pub const RSK: (&'static str, u32) = ("rsk", 62);
    /// Name and version of a private capability by which Rustock peers offer to compress. It has no message
    /// codes, and sorts after `rsk`, so that even who counts codes by name counts those of `rsk` as before.
    pub const SNAPPY: (&'static str, u32) = ("rustock-snappy", 1);

    /// A capability.
    pub fn new(name: impl Into<String>, version: u32) -> Self {
        Self { name: name.into(), version }
    }

    /// True for `rsk/62`.
    pub fn is_rsk(&self) -> bool {
        (self.name.as_str(), self.version) == Self::RSK
    }

    /// True for `rustock-snappy/1`.
    pub fn is_snappy(&self) -> bool {
        (self.name.as_str(), self.version) == Self::SNAPPY
    }
}

/// The first message of each side. All of it is the sender's claim; whether the version and the capabilities
/// will do is for the session to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Version of the base protocol. rskj speaks 4 and puts up with 5.
    pub p2p_version: u32,
    /// Free text that names the software. It may hold any character, so escape it before showing it.
    pub client_id: String,
    /// The sub-protocols spoken.
    pub capabilities: Vec<Capability>,
    /// TCP port the sender says it listens on; 0 for none.
    pub listen_port: u16,
    /// The sender's node id. rskj does not compare it with the key of the handshake.
    pub node_id: NodeId,
}

impl Hello {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut stream = RlpStream::new_list(5);
        stream.append(&self.p2p_version).append(&self.client_id);
        stream.begin_list(self.capabilities.len());
        for capability in &self.capabilities {
            stream.begin_list(2).append(&capability.name).append(&capability.version);
        }
        stream.append(&self.listen_port);
        append_bytes(&mut stream, self.node_id.as_ref());
        stream.out().to_vec()
    }

    /// Decodes a payload. Elements after the fifth are ignored, as EIP-8 asks and rskj does.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn decode(payload: &[u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::of_payload("Hello", payload)?;
        let p2p_version = fields.unsigned32("p2p version")?;
        let client_id = fields.text("client id", MAX_CLIENT_ID_SIZE)?.to_owned();
        let mut entries = fields.list("capabilities")?;
        let mut capabilities = Vec::new();
        while !entries.is_empty() {
            if capabilities.len() == MAX_CAPABILITIES {
                let reason = MessageFault::TooManyEntries { limit: MAX_CAPABILITIES };
                return Err(fields.fault("capabilities", reason));
            }
            capabilities.push(decode_capability(entries.list("capability")?)?);
        }
        let listen_port = fields.unsigned("listen port", u64::from(u16::MAX))?;
        let listen_port = u16::try_from(listen_port).expect("the limit is the largest of the type");
        let node_id = NodeId::new(fields.array("node id")?);
        fields.count("elements after the fifth")?;
        Ok(Self { p2p_version, client_id, capabilities, listen_port, node_id })
    }
}

fn decode_capability(mut fields: Fields<'_>) -> Result<Capability, MessageError> {
    let name = fields.text("capability name", MAX_CAPABILITY_NAME_SIZE)?.to_owned();
    let version = fields.unsigned32("capability version")?;
    fields.finish()?;
    Ok(Capability { name, version })
}

/// Why a peer closes, in rskj's vocabulary (`ReasonCode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DisconnectReason {
    /// 0x00: no reason given; rskj sends it for a second Hello.
    Requested,
    /// 0x01: a socket error.
    TcpError,
    /// 0x02: a message that breaks the protocol.
    BadProtocol,
    /// 0x03: nothing useful came for too long.
    UselessPeer,
    /// 0x04: no free slot.
    TooManyPeers,
    /// 0x05: this node id has a session already.
    DuplicatePeer,
    /// 0x06: the legacy Status speaks of another protocol version.
    IncompatibleProtocol,
    /// 0x07: rskj sends this when the legacy Status speaks of **another network**.
    NullIdentity,
    /// 0x08: the peer is going away. The one to send when leaving.
    PeerQuitting,
    /// 0x09: not the node id that was dialled.
    UnexpectedIdentity,
    /// 0x0a: a connection to itself.
    LocalIdentity,
    /// 0x0b: a Ping was not answered.
    PingTimeout,
    /// 0x10: a reason of the sub-protocol.
    UserReason,
    /// 0x11: the legacy Status speaks of another genesis. Only rskj has this code.
    UnexpectedGenesis,
    /// Any other code, 0xff (rskj's own unknown) among them. Never holds an assigned code after decoding.
    Unknown(u8),
}

impl DisconnectReason {
    /// Every assigned reason, by code.
    pub const ASSIGNED: [Self; 14] = [
        Self::Requested,
        Self::TcpError,
        Self::BadProtocol,
        Self::UselessPeer,
        Self::TooManyPeers,
        Self::DuplicatePeer,
        Self::IncompatibleProtocol,
        Self::NullIdentity,
        Self::PeerQuitting,
        Self::UnexpectedIdentity,
        Self::LocalIdentity,
        Self::PingTimeout,
        Self::UserReason,
        Self::UnexpectedGenesis,
    ];

    /// The code on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Requested => 0x00,
            Self::TcpError => 0x01,
            Self::BadProtocol => 0x02,
            Self::UselessPeer => 0x03,
            Self::TooManyPeers => 0x04,
            Self::DuplicatePeer => 0x05,
            Self::IncompatibleProtocol => 0x06,
            Self::NullIdentity => 0x07,
            Self::PeerQuitting => 0x08,
            Self::UnexpectedIdentity => 0x09,
            Self::LocalIdentity => 0x0a,
            Self::PingTimeout => 0x0b,
            Self::UserReason => 0x10,
            Self::UnexpectedGenesis => 0x11,
            Self::Unknown(code) => code,
        }
    }

    /// The reason with this code.
    pub fn from_code(code: u8) -> Self {
        Self::ASSIGNED.into_iter().find(|reason| reason.code() == code).unwrap_or(Self::Unknown(code))
    }

    /// The payload: a list of one number, as rskj insists on.
    pub fn encode(self) -> Vec<u8> {
        let mut stream = RlpStream::new_list(1);
        stream.append(&self.code());
        stream.out().to_vec()
    }

    /// Decodes a payload. Zero is taken as `80`, which rskj writes, and as `00`, which it reads.
    ///
    /// # Errors
    /// Anything that is not a list of exactly one number below 256.
    pub fn decode(payload: &[u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::of_payload("Disconnect", payload)?;
        let item = fields.item("reason")?;
        let code = decode_reason(&item).map_err(|reason| fields.fault("reason", reason))?;
        fields.finish()?;
        Ok(Self::from_code(code))
    }
}

fn decode_reason(item: &Item<'_>) -> Result<u8, RlpError> {
    match item.string()? {
        [] => Ok(0),
        [code] => Ok(*code),
        [0, ..] => Err(RlpError::LeadingZero),
        _ => Err(RlpError::IntegerTooLarge),
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Requested => "no reason given",
            Self::TcpError => "socket error",
            Self::BadProtocol => "protocol broken",
            Self::UselessPeer => "useless peer",
            Self::TooManyPeers => "too many peers",
            Self::DuplicatePeer => "this node id is connected already",
            Self::IncompatibleProtocol => "another protocol version",
            Self::NullIdentity => "another network",
            Self::PeerQuitting => "peer quitting",
            Self::UnexpectedIdentity => "unexpected node id",
            Self::LocalIdentity => "connected to itself",
            Self::PingTimeout => "ping not answered",
            Self::UserReason => "reason of the sub-protocol",
            Self::UnexpectedGenesis => "another genesis",
            Self::Unknown(_) => "unknown reason",
        };
        write!(f, "{words} ({:#04x})", self.code())
    }
}

#[cfg(test)]
mod tests;
