//! What peers do wrong, and what each of it costs: the table of `docs/peers.md`, as code.
//!
//! Points are for what no honest peer does. What an honest one may do as well, being slow, full, far away, older
//! or newer than we, or on another fork, costs no points, so it can never add up to a ban; it only makes us try
//! others first for a while.

use core::{fmt, time::Duration};

use crate::{
    proto::{
        session::{Blame, SessionEnd, SessionFault, Stage},
        sync::PeerFault,
    },
    wire::p2p::DisconnectReason,
};

/// Points at which a node, or an address, is banned.
pub const BAN_AT: u32 = 100;

/// A kind of offence, or of an honest failure to be of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Offence {
    /// A header that breaks a rule.
    InvalidHeader,
    /// Bytes that are no header of any layout.
    UndecodableHeader,
    /// Headers that do not follow each other by hash.
    BrokenHeaderChain,
    /// An answer that starts with another block than the one asked for.
    WrongFirstHeader,
    /// More or fewer headers than were asked for.
    WrongHeaderCount,
    /// A skeleton with heights that it cannot have.
    WrongSkeletonHeight,
    /// A skeleton without an entry.
    EmptySkeleton,
    /// A skeleton that contradicts what the peer had just said, several times in a row.
    SkeletonContradiction,
    /// A handshake packet that is none.
    BadHandshake,
    /// A broken frame stream.
    BrokenFrame,
    /// A message that is not what its code says.
    MalformedMessage,
    /// A message code that nothing is assigned to.
    UnassignedCode,
    /// Something else before Hello, or Hello twice.
    HelloOutOfPlace,
    /// More unwanted messages than any node sends.
    UnwantedFlood,
    /// More announced blocks than any chain makes.
    AnnouncementSpam,
    /// Another network, or another genesis.
    OtherNetwork,
    /// Another protocol version, or no `rsk/62`.
    IncompatibleProtocol,
    /// Another block than ours at the chain's base.
    OtherChain,
    /// A fork deeper than can be followed.
    ForkTooDeep,
    /// A branch that grew past the bound and does not outweigh ours.
    LightBranch,
    /// Headers in a form that only an upgrade newer than this release explains.
    ClientTooOld,
    /// A header slightly ahead of our clock.
    FutureHeader,
    /// One request without an answer.
    RequestTimeout,
    /// Several requests in a row without an answer.
    Unresponsive,
    /// No handshake in time, or one that was cut short.
    HandshakeFailed,
    /// No answer to a ping.
    PingTimeout,
    /// It did not read what it was sent.
    NotReading,
    /// No connection could be made.
    Unreachable,
    /// The connection was lost.
    ConnectionLost,
    /// It has no place for us, or thinks that we are connected already.
    Refused,
    /// It left for a reason of its own.
    Left,
    /// Another peer had its turn.
    SentAway,
}

/// What follows from an offence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consequence {
    /// Points, of which [`BAN_AT`] are a ban. They fade by one a minute.
    pub points: u32,
    /// True when the connection is closed over it.
    pub disconnects: bool,
    /// The least time before it is dialled again. Repeated failures make it longer.
    pub pause: Duration,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

impl Offence {
    /// Every kind.
    pub const ALL: [Self; 32] = [
        Self::InvalidHeader,
        Self::UndecodableHeader,
        Self::BrokenHeaderChain,
        Self::WrongFirstHeader,
        Self::WrongHeaderCount,
        Self::WrongSkeletonHeight,
        Self::EmptySkeleton,
        Self::SkeletonContradiction,
        Self::BadHandshake,
        Self::BrokenFrame,
        Self::MalformedMessage,
        Self::UnassignedCode,
        Self::HelloOutOfPlace,
        Self::UnwantedFlood,
        Self::AnnouncementSpam,
        Self::OtherNetwork,
        Self::IncompatibleProtocol,
        Self::OtherChain,
        Self::ForkTooDeep,
        Self::LightBranch,
        Self::ClientTooOld,
        Self::FutureHeader,
        Self::RequestTimeout,
        Self::Unresponsive,
        Self::HandshakeFailed,
        Self::PingTimeout,
        Self::NotReading,
        Self::Unreachable,
        Self::ConnectionLost,
        Self::Refused,
        Self::Left,
        Self::SentAway,
    ];

    /// Its name in words, as in `docs/peers.md` and in the reason of a ban.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidHeader => "invalid header",
            Self::UndecodableHeader => "undecodable header",
            Self::BrokenHeaderChain => "broken header chain",
            Self::WrongFirstHeader => "wrong first header",
            Self::WrongHeaderCount => "wrong header count",
            Self::WrongSkeletonHeight => "wrong skeleton height",
            Self::EmptySkeleton => "empty skeleton",
            Self::SkeletonContradiction => "skeleton contradiction",
            Self::BadHandshake => "bad handshake packet",
            Self::BrokenFrame => "broken frame",
            Self::MalformedMessage => "malformed message",
            Self::UnassignedCode => "unassigned message code",
            Self::HelloOutOfPlace => "Hello out of place",
            Self::UnwantedFlood => "flood of unwanted messages",
            Self::AnnouncementSpam => "announcement spam",
            Self::OtherNetwork => "other network",
            Self::IncompatibleProtocol => "incompatible protocol",
            Self::OtherChain => "other chain",
            Self::ForkTooDeep => "fork too deep",
            Self::LightBranch => "light branch",
            Self::ClientTooOld => "client too old",
            Self::FutureHeader => "header from the future",
            Self::RequestTimeout => "request timeout",
            Self::Unresponsive => "unresponsive",
            Self::HandshakeFailed => "handshake failed",
            Self::PingTimeout => "ping timeout",
            Self::NotReading => "not reading",
            Self::Unreachable => "unreachable",
            Self::ConnectionLost => "connection lost",
            Self::Refused => "refused",
            Self::Left => "left",
            Self::SentAway => "sent away",
        }
    }

    /// What it costs.
    pub const fn consequence(self) -> Consequence {
        let (points, disconnects, pause) = match self {
            // Proof of bad intent: these need work or a lie.
            Self::InvalidHeader
            | Self::UndecodableHeader
            | Self::BrokenHeaderChain
            | Self::WrongFirstHeader => (BAN_AT, true, HOUR),
            // Broken software does this too: once is forgiven, twice within the hour is not.
            Self::WrongHeaderCount
            | Self::WrongSkeletonHeight
            | Self::EmptySkeleton
            | Self::SkeletonContradiction
            | Self::MalformedMessage
            | Self::UnassignedCode
            | Self::HelloOutOfPlace
            | Self::UnwantedFlood
            | Self::AnnouncementSpam => (55, true, 5 * MINUTE),
            // A line that garbles bytes looks like this as well.
            Self::BadHandshake | Self::BrokenFrame => (25, true, 5 * MINUTE),
            // Honest, and of no use to us for long.
            Self::OtherNetwork | Self::IncompatibleProtocol => (0, true, 24 * HOUR),
            Self::OtherChain => (0, true, 6 * HOUR),
            Self::ForkTooDeep | Self::ClientTooOld => (0, true, HOUR),
            Self::LightBranch => (0, true, 10 * MINUTE),
            Self::Unresponsive | Self::NotReading => (0, true, 5 * MINUTE),
            Self::SentAway => (0, true, 30 * MINUTE),
            // Honest, and passing. rskj refuses an address for ten seconds after it said that it is full.
            Self::Refused => (0, true, 15),
            Self::HandshakeFailed
            | Self::PingTimeout
            | Self::Unreachable
            | Self::ConnectionLost
            | Self::Left => (0, true, 1),
            Self::FutureHeader | Self::RequestTimeout => (0, false, 0),
        };
        Consequence { points, disconnects, pause: Duration::from_secs(pause) }
    }

    /// True when no honest peer does it.
    pub const fn is_hostile(self) -> bool {
        self.consequence().points > 0
    }

    /// True when the peer was there and gave nothing.
    pub const fn is_silence(self) -> bool {
        matches!(self, Self::Unresponsive | Self::NotReading)
    }

    /// What the peer is told when the connection is closed over it.
    pub const fn disconnect_reason(self) -> DisconnectReason {
        match self {
            Self::SentAway => DisconnectReason::TooManyPeers,
            Self::PingTimeout => DisconnectReason::PingTimeout,
            _ if self.is_hostile() => DisconnectReason::BadProtocol,
            _ => DisconnectReason::UselessPeer,
        }
    }

    /// The offence in how a session ended. `None` when it was our own doing.
    pub fn of_session_end(end: &SessionEnd) -> Option<Self> {
        Some(match end {
            SessionEnd::LocalDisconnect(_) => return None,
            SessionEnd::RemoteDisconnect(reason) => match reason {
                DisconnectReason::TooManyPeers | DisconnectReason::DuplicatePeer => Self::Refused,
                DisconnectReason::NullIdentity | DisconnectReason::UnexpectedGenesis => Self::OtherNetwork,
                DisconnectReason::IncompatibleProtocol => Self::IncompatibleProtocol,
                _ => Self::Left,
            },
            SessionEnd::ConnectionClosed(Stage::Established | Stage::Ended) => Self::ConnectionLost,
            SessionEnd::TimedOut(Stage::Established | Stage::Ended) => Self::PingTimeout,
            SessionEnd::ConnectionClosed(_) | SessionEnd::TimedOut(_) => Self::HandshakeFailed,
            SessionEnd::Fault(fault) => return Self::of_session_fault(fault),
        })
    }

    fn of_session_fault(fault: &SessionFault) -> Option<Self> {
        if fault.blame() == Blame::Local {
            return None;
        }
        Some(match fault {
            SessionFault::Handshake(_) => Self::BadHandshake,
            SessionFault::Frame(_) => Self::BrokenFrame,
            SessionFault::Message(_) | SessionFault::Compression(_) => Self::MalformedMessage,
            SessionFault::UnassignedCode { .. } => Self::UnassignedCode,
            SessionFault::FirstMessageNotHello { .. } | SessionFault::SecondHello => Self::HelloOutOfPlace,
            SessionFault::P2pVersion { .. }
            | SessionFault::MissingCapability
            | SessionFault::ProtocolVersion { .. } => Self::IncompatibleProtocol,
            SessionFault::NetworkId { .. } | SessionFault::Genesis { .. } => Self::OtherNetwork,
            SessionFault::OutgoingFull { .. } => Self::NotReading,
            SessionFault::SentTooEarly { .. }
            | SessionFault::NothingToSend { .. }
            | SessionFault::TooLargeToSend(_) => return None,
        })
    }

    /// The offence in what the sync machine found.
    pub fn of_sync_fault(fault: &PeerFault) -> Self {
        match fault {
            PeerFault::UndecodableHeader { .. } => Self::UndecodableHeader,
            PeerFault::InvalidHeader { .. } => Self::InvalidHeader,
            PeerFault::WrongHeaderCount { .. } => Self::WrongHeaderCount,
            PeerFault::WrongFirstHeader { .. } => Self::WrongFirstHeader,
            PeerFault::BrokenHeaderChain { .. } => Self::BrokenHeaderChain,
            PeerFault::WrongSkeletonHeight { .. } => Self::WrongSkeletonHeight,
            PeerFault::EmptySkeleton => Self::EmptySkeleton,
            PeerFault::SkeletonContradiction { .. } => Self::SkeletonContradiction,
            PeerFault::OtherChain { .. } => Self::OtherChain,
            PeerFault::ForkTooDeep { .. } => Self::ForkTooDeep,
            PeerFault::LightBranch { .. } => Self::LightBranch,
            PeerFault::Unresponsive { .. } => Self::Unresponsive,
            PeerFault::ClientTooOld(_) => Self::ClientTooOld,
        }
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
