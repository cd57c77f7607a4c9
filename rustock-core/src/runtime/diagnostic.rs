//! What is worth telling an engineer. Bounded and lossy: a reader that falls behind is told how many it missed.

use crate::{
    primitives::{hash::NodeId, peer::PeerAddress},
    proto::{
        peers::{DropCause, PeerReport},
        sync::{PeerFault, PeerId, SyncReport},
    },
    store::LostPeers,
    wire::rlpx::enode::Enode,
};

use super::connection::ConnectionEnd;

/// One event of the network side. Chain events are another, lossless channel.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Diagnostic {
    /// Discovery found a node: it answered by UDP.
    Found {
        /// Who it is.
        node: NodeId,
        /// Where it is.
        address: PeerAddress,
    },
    /// A peer is being dialled.
    Dialling {
        /// The peer.
        enode: Enode,
    },
    /// A session with a peer is established.
    Connected {
        /// This connection.
        peer: PeerId,
        /// The peer.
        enode: Enode,
        /// What the peer says it runs.
        client_id: String,
    },
    /// A connection failed or ended.
    Disconnected {
        /// This connection; `None` when no session was established.
        peer: Option<PeerId>,
        /// The peer.
        enode: Enode,
        /// Why.
        reason: ConnectionEnd,
    },
    /// The sync machine wants a peer gone.
    Expelled {
        /// This connection.
        peer: PeerId,
        /// What it did.
        fault: PeerFault,
    },
    /// A peer was sent away: for what it did, or for another reason.
    Dropped {
        /// This connection.
        peer: PeerId,
        /// The peer.
        enode: Enode,
        /// Why.
        cause: DropCause,
    },
    /// The store is damaged where it remembers peers. The client goes on with what is left; a ban that is among
    /// the lost has to be made again.
    PeersLost(LostPeers),
    /// The peer machine has something to tell.
    Peers(PeerReport),
    /// The sync machine has something to tell.
    Sync(SyncReport),
}
