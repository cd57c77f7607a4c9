//! The main part of a round: skeletons, their chunks in flight, and verification in ascending order.

use core::time::Duration;
use std::collections::VecDeque;

use super::{
    MAX_BUFFERED_CHUNKS,
    branch::Branch,
    fault::PeerFault,
    job::JobHeaders,
    machine::{Stage, Step, SyncMachine},
    peer::{MAX_CONTRADICTIONS, PeerId, Purpose},
    plan::{ChunkRequest, SkeletonPlan, check_shared_blocks, plan_skeleton},
    steering::WORTHWHILE_BLOCKS,
};
use crate::{
    chain::record::BlockId,
    consensus::error::HeaderError,
    primitives::number::BlockNumber,
    wire::rsk::{BlockIdentifier, RawList},
};

/// Everything between a peer's first skeleton and its last chunk.
#[derive(Debug)]
pub(super) struct Download {
    pub branch: Branch,
    rest: DownloadRest,
}

/// A download without its branch, while the branch is being extended.
#[derive(Debug)]
pub(super) struct DownloadRest {
    /// Chunks not asked for yet, ascending. At most one skeleton, and the next one.
    planned: VecDeque<ChunkRequest>,
    /// Chunks asked for, ascending, with the answer once it is there. At most [`MAX_BUFFERED_CHUNKS`].
    requested: VecDeque<(ChunkRequest, Option<Vec<RawList>>)>,
    /// The last entry of the last skeleton.
    plan_end: BlockId,
    /// The peer's chain goes on above it, and the next skeleton was not asked for.
    wants_skeleton: bool,
    /// Where the first chunk has to join on.
    connection_point: BlockNumber,
}

impl DownloadRest {
    pub fn join(self, branch: Branch) -> Download {
        Download { branch, rest: self }
    }

    /// True when this is how it looks that the peer left the connection point for another block after it had
    /// confirmed it: the first header above does not join on.
    pub fn is_off_connection_point(&self, fault: &PeerFault) -> bool {
        matches!(fault, PeerFault::InvalidHeader { number, error: HeaderError::Linkage { .. } }
            if *number == self.connection_point.next())
    }
}

impl Download {
    fn new(branch: Branch, plan: SkeletonPlan) -> Self {
        let rest = DownloadRest {
            planned: plan.chunks.into(),
            requested: VecDeque::new(),
            plan_end: plan.last,
            wants_skeleton: plan.continues,
            connection_point: branch.common_ancestor().number,
        };
        Self { branch, rest }
    }

    pub fn split(self) -> (Branch, Option<DownloadRest>) {
        (self.branch, Some(self.rest))
    }

    /// The last entry of the last skeleton: where the next one starts.
    pub fn plan_end(&self) -> BlockId {
        self.rest.plan_end
    }

    /// What would be asked for next. The next skeleton comes before the last chunks of this one, so that the
    /// peer never idles.
    pub fn next_request(&self) -> Option<Purpose> {
        let DownloadRest { planned, requested, wants_skeleton, .. } = &self.rest;
        if *wants_skeleton && planned.len() <= MAX_BUFFERED_CHUNKS / 2 {
            return Some(Purpose::Skeleton);
        }
        let chunk = planned.front().filter(|_| requested.len() < MAX_BUFFERED_CHUNKS)?;
        Some(Purpose::Chunk(*chunk))
    }

    /// Takes what [`Download::next_request`] names, as asked for.
    pub fn take_request(&mut self) -> Option<Purpose> {
        let purpose = self.next_request()?;
        match purpose {
            Purpose::Chunk(chunk) => {
                self.rest.planned.pop_front();
                self.rest.requested.push_back((chunk, None));
            }
            _ => self.rest.wants_skeleton = false,
        }
        Some(purpose)
    }

    /// An answer has come.
    pub fn receive(&mut self, chunk: ChunkRequest, headers: Vec<RawList>) {
        let waiting = self.rest.requested.iter_mut().find(|(request, _)| *request == chunk);
        if let Some((_, answer)) = waiting {
            *answer = Some(headers);
        }
    }

    /// The lowest chunk, if its answer is there: the next one to verify.
    pub fn take_received(&mut self) -> Option<JobHeaders> {
        let (_, answer) = self.rest.requested.front()?;
        answer.as_ref()?;
        let (request, answer) = self.rest.requested.pop_front()?;
        Some(JobHeaders::Answer { request, raw: answer? })
    }

    /// True when enough is left for a change of peers to be worthwhile, by what the peer planned for us.
    pub fn has_much_left(&self) -> bool {
        let planned: u64 = self.rest.planned.iter().map(|chunk| u64::from(chunk.count)).sum();
        self.rest.wants_skeleton || planned >= WORTHWHILE_BLOCKS
    }

    /// True when nothing is left to ask for or to verify. An open skeleton request may still change that.
    pub fn is_finished(&self) -> bool {
        let DownloadRest { planned, requested, wants_skeleton, .. } = &self.rest;
        planned.is_empty() && requested.is_empty() && !wants_skeleton
    }
}

impl SyncMachine {
    /// The first skeleton above the connection point.
    pub(super) fn on_skeleton(
        &mut self,
        peer: PeerId,
        connection_point: BlockNumber,
        identifiers: &[BlockIdentifier],
    ) -> Step {
        let tail = self.ledger.tail();
        let Some(branch) = Branch::at(tail, connection_point) else {
            return Step::Fault(PeerFault::ForkTooDeep { lowest: tail.lowest() });
        };
        let plan = plan_skeleton(identifiers, branch.common_ancestor()).and_then(|plan| {
            check_shared_blocks(identifiers, connection_point, tail)?;
            Ok(plan)
        });
        let plan = match plan {
            Ok(plan) => plan,
            Err(fault @ PeerFault::SkeletonContradiction { .. }) => return self.contradicted(peer, fault),
            Err(fault) => return Step::Fault(fault),
        };
        let known_lighter =
            self.peers.get(&peer).is_some_and(|peer| peer.lighter_tip == Some(plan.last.hash));
        if plan.chunks.is_empty() || known_lighter {
            return Step::Done;
        }
        if let Some(state) = self.peers.get_mut(&peer) {
            state.download_waited = Duration::ZERO;
        }
        Step::Continue(Stage::Download(Download::new(branch, plan)))
    }

    /// The peer's answers do not fit each other: its chain changed between them, or it makes them up.
    pub(super) fn contradicted(&mut self, peer: PeerId, fault: PeerFault) -> Step {
        let Some(state) = self.peers.get_mut(&peer) else { return Step::Over };
        state.contradictions += 1;
        if state.contradictions >= MAX_CONTRADICTIONS {
            Step::Fault(fault)
        } else {
            Step::Retry(super::ROUND_RETRY)
        }
    }

    /// A further skeleton, above the last entry of the one before.
    pub(super) fn on_further_skeleton(
        &mut self,
        peer: PeerId,
        mut download: Download,
        identifiers: &[BlockIdentifier],
    ) -> Step {
        let start = download.plan_end();
        // It starts with the entry the last one ended with; the peer may have left that block meanwhile.
        if identifiers.first().is_some_and(|first| first.number == start.number && first.hash != start.hash) {
            return self.contradicted(peer, PeerFault::SkeletonContradiction { number: start.number });
        }
        let plan = match plan_skeleton(identifiers, start) {
            Ok(plan) => plan,
            Err(fault) => return Step::Fault(fault),
        };
        download.rest.planned.extend(plan.chunks);
        download.rest.plan_end = plan.last;
        download.rest.wants_skeleton = plan.continues;
        Step::Continue(Stage::Download(download))
    }
}
