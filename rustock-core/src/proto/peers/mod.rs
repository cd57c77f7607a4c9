//! Finding peers to keep, keeping good ones, losing bad ones.
//!
//! [`PeerMachine`] follows the contract of [`proto`](super): inputs in, actions out, time as an argument, chance
//! from a seed. It owns the [`book`] of known peers, the [`reputation`] of those that did wrong, and the
//! [`slots`] of connections; [`dial`] says who is next. `docs/peers.md` has the rules in words and the table of
//! offences.
//!
//! # Bounds
//! 1,024 records, 1,024 scores, 1,024 bans, one slot for each connection: the trusted peers (64 at most), the target
//! and the spare ones and as many more as may be dialled at once, and the inbound ones with their handshakes. Each input costs at
//! most a few walks over these.
//!
//! No RSKIP. Stands where rskj has `ChannelManagerImpl`, `SyncPool` and `PeerScoringManager`; the rules of
//! admission are theirs, the rest is ours.

pub mod book;
pub mod dial;
pub mod flood;
mod inbound;
mod machine;
pub mod offence;
mod random;
pub mod reputation;
pub mod slots;
#[cfg(test)]
mod tests;

use core::{net::IpAddr, time::Duration};

pub use book::NotTaken;
pub use machine::PeerMachine;
pub use offence::{Consequence, Offence};
pub use reputation::TooManyBans;
pub use slots::{Direction, SlotLimits, SlotState};

use crate::{
    primitives::{
        hash::NodeId,
        peer::{Ban, BanSubject, PeerAddress, PeerBatch, PeerSource},
    },
    proto::{
        session::SessionEnd,
        sync::{PeerFault, PeerId},
        time::Timestamp,
    },
    wire::p2p::DisconnectReason,
};

/// How often a slot is given to another peer.
pub const ROTATION_INTERVAL: Duration = Duration::from_secs(20 * 60);
/// How long changes of the book may wait until they are made durable. Bans do not wait.
pub const PERSIST_INTERVAL: Duration = Duration::from_secs(60);
/// How long an address that was told that there is no place is not listened to, as in rskj.
pub const REFUSAL: Duration = Duration::from_secs(10);

/// Settings of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerConfig {
    /// How many peers there may be.
    pub limits: SlotLimits,
    /// Dial nobody but trusted peers, and let nobody else in.
    pub only_trusted: bool,
    /// Take in local addresses from strangers. For networks of one machine.
    pub allow_local: bool,
    /// How often a slot is given to another peer.
    pub rotation: Duration,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            limits: SlotLimits::default(),
            only_trusted: false,
            allow_local: false,
            rotation: ROTATION_INTERVAL,
        }
    }
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// No connection could be made.
    Unreachable,
    /// The connection failed.
    Lost,
    /// The peer did not read what it was sent.
    NotReading,
    /// The session ended.
    Session(SessionEnd),
    /// It was our own doing.
    Ours,
}

/// What happens to the machine.
#[derive(Debug, Clone)]
pub enum Input {
    /// Discovery found a node that answers.
    Discovered {
        /// Who it is.
        node: NodeId,
        /// Where it is.
        address: PeerAddress,
    },
    /// A node that discovery found does not answer it any more.
    Lost {
        /// Who it was.
        node: NodeId,
        /// Where it was.
        address: PeerAddress,
    },
    /// The user, or the library, names a peer.
    Add {
        /// Who it is.
        node: NodeId,
        /// Where it is.
        address: PeerAddress,
        /// Who names it.
        source: PeerSource,
        /// Dial it always.
        is_trusted: bool,
    },
    /// The user wants nothing more to do with a peer, for now.
    Remove(NodeId),
    /// Somebody opened a connection to us. Answered by [`Action::Admit`] or [`Action::Refuse`].
    Incoming {
        /// The host's name for it.
        ticket: u64,
        /// From where.
        ip: IpAddr,
    },
    /// A session is established.
    Established {
        /// The connection.
        peer: PeerId,
        /// Who the remote is, proved in the handshake.
        node: NodeId,
        /// The remote's address.
        ip: IpAddr,
    },
    /// Somebody who connected to us says where it listens itself. Comes after [`Input::Established`].
    Listens {
        /// The connection.
        peer: PeerId,
        /// The port; 0 for nowhere.
        port: u16,
    },
    /// A connection is over, or could not be made.
    Ended {
        /// The connection.
        peer: PeerId,
        /// Why.
        ending: Ending,
    },
    /// A peer answered its first question, whatever it said.
    Answered {
        /// The connection.
        peer: PeerId,
    },
    /// A peer's headers passed every rule.
    HeadersVerified {
        /// The connection.
        peer: PeerId,
        /// How many.
        headers: u64,
        /// Bytes of the answer.
        bytes: u64,
        /// Time spent waiting for it.
        waited: Duration,
        /// From the request to the answer.
        latency: Duration,
    },
    /// The sync machine wants a peer gone.
    Fault {
        /// The connection.
        peer: PeerId,
        /// What it did.
        fault: PeerFault,
    },
    /// Messages of unwanted kinds came, and were dropped unread.
    Unwanted {
        /// The connection.
        peer: PeerId,
        /// How many.
        messages: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// A peer announced blocks.
    Announced {
        /// The connection.
        peer: PeerId,
        /// How many.
        blocks: u64,
    },
    /// The user bans a node or an address, for a time or for ever.
    Ban {
        /// Who.
        subject: BanSubject,
        /// For how long; `None` is for ever.
        duration: Option<Duration>,
    },
    /// The user lifts a ban.
    Unban(BanSubject),
    /// The device is on another network, or on none.
    NetworkChanged {
        /// True when there is one.
        is_online: bool,
    },
    /// The host stops: what is not durable comes as one last [`Action::Persist`].
    Stopping,
    /// Time has passed.
    TimerFired,
}

/// What the host has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a connection and tell how it goes with [`Input::Established`] and [`Input::Ended`].
    Dial {
        /// The connection's id from now on.
        peer: PeerId,
        /// Who is to be there.
        node: NodeId,
        /// Where.
        address: PeerAddress,
    },
    /// Go on with a connection that somebody opened to us.
    Admit {
        /// The host's name for it.
        ticket: u64,
        /// The connection's id from now on.
        peer: PeerId,
    },
    /// Close a connection that somebody opened to us, without a byte.
    Refuse {
        /// The host's name for it.
        ticket: u64,
    },
    /// Close a connection. [`Input::Ended`] follows.
    Disconnect {
        /// The connection.
        peer: PeerId,
        /// What to tell the peer.
        reason: DisconnectReason,
        /// Why.
        cause: DropCause,
    },
    /// Make this durable. A failure loses what was learned, nothing else.
    Persist(PeerBatch),
    /// From now on discovery should, or need not, look for peers.
    WantMorePeers(bool),
    /// Something worth telling.
    Report(PeerReport),
}

/// Why the machine closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropCause {
    /// The peer did something.
    Offence(Offence),
    /// It is banned.
    Banned,
    /// The node is connected already.
    Duplicate,
    /// There is no place for it.
    NoPlace,
    /// Another peer has its turn.
    Rotated,
    /// The device is on another network.
    NetworkChanged,
    /// The user removed it.
    Removed,
}

impl DropCause {
    /// What the peer is told.
    pub const fn disconnect_reason(self) -> DisconnectReason {
        match self {
            Self::Offence(offence) => offence.disconnect_reason(),
            Self::Duplicate => DisconnectReason::DuplicatePeer,
            Self::NoPlace | Self::Rotated => DisconnectReason::TooManyPeers,
            Self::Banned => DisconnectReason::UselessPeer,
            Self::NetworkChanged | Self::Removed => DisconnectReason::PeerQuitting,
        }
    }

    /// True when no honest peer could have led to it.
    pub const fn is_hostile(self) -> bool {
        matches!(self, Self::Offence(offence) if offence.is_hostile())
    }
}

/// Something worth telling; nothing has to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerReport {
    /// A node or an address is banned from now on.
    Banned(Ban),
    /// A ban was lifted.
    Unbanned(BanSubject),
    /// The user's ban was not made.
    BanNotMade(TooManyBans),
    /// A peer was not taken in.
    NotTaken {
        /// Who.
        node: NodeId,
        /// Why.
        reason: NotTaken,
    },
}

/// One connection, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerView {
    /// The connection.
    pub peer: PeerId,
    /// Who it is; unknown while somebody who connected to us is in the handshake.
    pub node: Option<NodeId>,
    /// Where it listens; for whoever connected to us, where it says that it does, if it does.
    pub address: Option<PeerAddress>,
    /// The address it is connected from.
    pub ip: Option<IpAddr>,
    /// How it came to be known.
    pub source: PeerSource,
    /// True when it is always dialled.
    pub is_trusted: bool,
    /// Who opened the connection.
    pub direction: Direction,
    /// How far it is.
    pub state: SlotState,
    /// Since when it is so.
    pub since: Timestamp,
    /// Headers it ever served that passed every rule.
    pub verified_headers: u64,
    /// Average speed of its headers, bytes per second; 0 when not measured.
    pub bytes_per_second: u32,
    /// Average time it takes to answer, in milliseconds; 0 when not measured.
    pub latency_millis: u32,
    /// It answered a question in this session.
    pub has_answered: bool,
    /// Penalty points.
    pub penalty: u32,
}
