//! The first part of a round: which is the highest block that the peer's chain and ours share?

use core::time::Duration;

use super::{
    connection_point::ConnectionPointFinder,
    fault::PeerFault,
    machine::{Stage, Step, SyncMachine},
    peer::PeerId,
};
use crate::primitives::{hash::BlockHash, number::BlockNumber};

/// How long a peer that claims to have nothing is left alone.
const EMPTY_PEER_PAUSE: Duration = Duration::from_secs(60);

/// Where the search stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FindPoint {
    /// Does the peer share our head, or the block of ours at its best height? Nearly always it does.
    Top { height: BlockNumber, lowest: BlockNumber },
    /// Halving the distance to the lowest block a branch may leave at.
    Searching(ConnectionPointFinder),
    /// The search went down to its lowest height, which no answer has confirmed.
    Confirming { height: BlockNumber },
}

impl FindPoint {
    /// The height asked about.
    pub fn probing(&self) -> BlockNumber {
        match self {
            Self::Top { height, .. } | Self::Confirming { height } => *height,
            Self::Searching(finder) => finder.probe().unwrap_or(finder.connection_point()),
        }
    }
}

impl SyncMachine {
    /// Begins the search with a peer whose status is known, or did not come.
    pub(super) fn begin_find(&mut self, peer: PeerId) -> Step {
        let tail = self.ledger.tail();
        let (head, lowest) = (tail.head().number, tail.lowest_common_ancestor());
        let claimed = self.peers.get(&peer).and_then(|peer| Some(peer.claims.as_ref()?.number));
        // rskj shows number 0 while it cannot serve.
        if claimed == Some(BlockNumber::GENESIS) {
            return Step::Retry(EMPTY_PEER_PAUSE);
        }
        let known = self.peers.get(&peer).map_or(BlockNumber::GENESIS, |peer| peer.known_height);
        let height = claimed.map_or(head, |claimed| claimed.max(known).min(head));
        if height < lowest {
            // It has not come as far as our chain could still change: nothing to compare, nothing to fetch.
            return Step::Retry(EMPTY_PEER_PAUSE);
        }
        // Every peer of the network shares genesis (the handshake compared it), and none answers for it.
        if height == BlockNumber::GENESIS {
            return Step::Continue(Stage::Skeleton(height));
        }
        Step::Continue(Stage::FindPoint(FindPoint::Top { height, lowest }))
    }

    /// The peer's block at `height` is `hash`.
    pub(super) fn on_probe(&mut self, find: FindPoint, height: BlockNumber, hash: BlockHash) -> Step {
        let tail = self.ledger.tail();
        let known = tail.record(height).is_some_and(|record| record.hash == hash);
        match find {
            FindPoint::Top { .. } if known => Step::Continue(Stage::Skeleton(height)),
            FindPoint::Top { height, lowest } if height == lowest => self.no_common_ancestor(lowest),
            FindPoint::Top { height, lowest } => {
                self.search_on(ConnectionPointFinder::new(lowest, height), lowest)
            }
            FindPoint::Searching(mut finder) => {
                finder.answer(known);
                let lowest = tail.lowest_common_ancestor();
                self.search_on(finder, lowest)
            }
            FindPoint::Confirming { height } if known => Step::Continue(Stage::Skeleton(height)),
            FindPoint::Confirming { height } => self.no_common_ancestor(height),
        }
    }

    fn search_on(&self, finder: ConnectionPointFinder, lowest: BlockNumber) -> Step {
        let point = finder.connection_point();
        if finder.probe().is_some() {
            Step::Continue(Stage::FindPoint(FindPoint::Searching(finder)))
        } else if point == lowest && point != BlockNumber::GENESIS {
            Step::Continue(Stage::FindPoint(FindPoint::Confirming { height: point }))
        } else {
            Step::Continue(Stage::Skeleton(point))
        }
    }

    fn no_common_ancestor(&self, lowest: BlockNumber) -> Step {
        let base = self.ledger.tail().base();
        if lowest == base {
            Step::Fault(PeerFault::OtherChain { base })
        } else {
            Step::Fault(PeerFault::ForkTooDeep { lowest })
        }
    }
}
