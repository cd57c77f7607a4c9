//! How sessions end: whose doing it was, what exactly happened, and what the remote is told.

use core::fmt;

use crate::primitives::hash::BlockHash;
use crate::wire::error::MessageError;
use crate::wire::p2p::DisconnectReason;
use crate::wire::rlpx::frame::{FrameError, MessageTooLarge};
use crate::wire::rlpx::packet::HandshakeError;
use crate::wire::rlpx::snappy::SnappyError;
use crate::wire::rsk::MessageKind;

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// We were dialled and wait for the first handshake packet.
    ExpectAuth,
    /// We dialled and wait for the answer. A wrong node id shows here, as silence.
    ExpectAck,
    /// The frames are encrypted; the remote has not said Hello.
    ExpectHello,
    /// Messages can go both ways.
    Established,
    /// Over.
    Ended,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExpectAuth => "waiting for the auth packet",
            Self::ExpectAck => "waiting for the ack packet",
            Self::ExpectHello => "waiting for Hello",
            Self::Established => "established",
            Self::Ended => "ended",
        })
    }
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEnd {
    /// The remote said that it leaves, and why.
    RemoteDisconnect(DisconnectReason),
    /// We were asked to leave.
    LocalDisconnect(DisconnectReason),
    /// The remote, or the network, closed the connection without a word, at this stage.
    ConnectionClosed(Stage),
    /// Nothing came in time, at this stage.
    TimedOut(Stage),
    /// A rule was broken.
    Fault(SessionFault),
}

impl fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemoteDisconnect(reason) => write!(f, "the peer disconnected: {reason}"),
            Self::LocalDisconnect(reason) => write!(f, "we disconnected: {reason}"),
            Self::ConnectionClosed(stage) => write!(f, "the connection was closed while {stage}"),
            Self::TimedOut(stage) => write!(f, "nothing came in time while {stage}"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

/// Who broke the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The peer, or somebody who changes what it sends.
    Remote,
    /// The code that drives the session.
    Local,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionFault {
    /// The auth or ack packet is wrong.
    #[error("handshake packet: {0}")]
    Handshake(#[from] HandshakeError),
    /// The frame stream is broken.
    #[error("frame: {0}")]
    Frame(#[from] FrameError),
    /// A payload that both sides agreed to compress is not compressed, or too large.
    #[error("compression: {0}")]
    Compression(#[from] SnappyError),
    /// A message is not what its code says.
    #[error("message: {0}")]
    Message(#[from] MessageError),
    /// A message with a code that nothing is assigned to. rskj closes as well: the two sides do not number
    /// their messages alike, so nothing that follows can be trusted to mean what it seems to.
    #[error("unassigned message code {code:#04x}")]
    UnassignedCode {
        /// The code.
        code: u8,
    },
    /// The first message is neither Hello nor Disconnect.
    #[error("the first message must be Hello, found code {code:#04x}")]
    FirstMessageNotHello {
        /// The code found.
        code: u8,
    },
    /// Hello a second time.
    #[error("a second Hello")]
    SecondHello,
    /// Hello with a p2p version that rskj would not accept either.
    #[error("p2p version 4 or 5 expected, found {actual}")]
    P2pVersion {
        /// The version found.
        actual: u32,
    },
    /// Hello without `rsk/62`.
    #[error("the peer does not speak rsk/62")]
    MissingCapability,
    /// The legacy Status speaks of another protocol version.
    #[error("protocol version {expected} expected, found {actual}")]
    ProtocolVersion {
        /// Ours.
        expected: u32,
        /// The remote's.
        actual: u32,
    },
    /// The legacy Status speaks of another network.
    #[error("network id {expected} expected, found {actual}")]
    NetworkId {
        /// Ours.
        expected: u32,
        /// The remote's.
        actual: u32,
    },
    /// The legacy Status speaks of another genesis.
    #[error("genesis {expected} expected, found {actual}")]
    Genesis {
        /// Ours.
        expected: BlockHash,
        /// The remote's.
        actual: BlockHash,
    },
    /// More bytes wait to be written than a session may hold: the remote does not read.
    #[error("{waiting} bytes wait to be written, at most {limit} may")]
    OutgoingFull {
        /// Bytes that would wait.
        waiting: usize,
        /// [`OUTGOING_BYTES`](super::limits::OUTGOING_BYTES).
        limit: usize,
    },
    /// A message was to be sent before the session was established.
    #[error("a message was to be sent while {stage}")]
    SentTooEarly {
        /// What the session was waiting for.
        stage: Stage,
    },
    /// A message whose body we do not keep was to be sent.
    #[error("a {kind} cannot be sent: its body is not kept")]
    NothingToSend {
        /// The type.
        kind: MessageKind,
    },
    /// A message was to be sent that no frame can hold.
    #[error(transparent)]
    TooLargeToSend(#[from] MessageTooLarge),
}

impl SessionFault {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::SentTooEarly { .. } | Self::NothingToSend { .. } | Self::TooLargeToSend(_) => Blame::Local,
            Self::Handshake(_)
            | Self::Frame(_)
            | Self::Compression(_)
            | Self::Message(_)
            | Self::UnassignedCode { .. }
            | Self::FirstMessageNotHello { .. }
            | Self::SecondHello
            | Self::P2pVersion { .. }
            | Self::MissingCapability
            | Self::ProtocolVersion { .. }
            | Self::NetworkId { .. }
            | Self::Genesis { .. }
            | Self::OutgoingFull { .. } => Blame::Remote,
        }
    }

    /// What the remote is told, where frames can be sent; `None` when it would not read it.
    pub fn disconnect_reason(&self) -> Option<DisconnectReason> {
        match self {
            // rskj's own answer to a second Hello.
            Self::SecondHello => Some(DisconnectReason::Requested),
            Self::MissingCapability => Some(DisconnectReason::UselessPeer),
            Self::P2pVersion { .. } | Self::ProtocolVersion { .. } => {
                Some(DisconnectReason::IncompatibleProtocol)
            }
            // rskj's code for another network.
            Self::NetworkId { .. } => Some(DisconnectReason::NullIdentity),
            Self::Genesis { .. } => Some(DisconnectReason::UnexpectedGenesis),
            Self::Frame(_)
            | Self::Compression(_)
            | Self::Message(_)
            | Self::UnassignedCode { .. }
            | Self::FirstMessageNotHello { .. } => Some(DisconnectReason::BadProtocol),
            Self::SentTooEarly { .. } | Self::NothingToSend { .. } | Self::TooLargeToSend(_) => {
                Some(DisconnectReason::PeerQuitting)
            }
            Self::Handshake(_) | Self::OutgoingFull { .. } => None,
        }
    }
}
