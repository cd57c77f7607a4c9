//! Rounds: which peer is next and what with, how a round moves from stage to stage and ends, what it sends.

use super::{
    Action, POLL_INTERVAL, REQUEST_TIMEOUT, STATUS_PATIENCE, SyncReport,
    backfill::next_backfill,
    machine::{Round, Stage, Step, SyncMachine},
    peer::{PeerId, PeerState, Purpose},
};
use crate::{
    primitives::number::BlockNumber,
    proto::time::Timestamp,
    wire::rsk::{BlockHashRequest, BlockHeadersRequest, RskMessage, SkeletonRequest},
};

impl SyncMachine {
    /// When a whole round with a peer may start: once its status is there, or did not come.
    pub(super) fn round_start(&self, peer: &PeerState, due: Timestamp) -> Timestamp {
        if peer.claims.is_some() { due } else { due.max(peer.connected_at.saturating_add(STATUS_PATIENCE)) }
    }

    pub(super) fn poll_due(&self) -> Timestamp {
        self.last_improvement.max(self.last_poll).saturating_add(POLL_INTERVAL)
    }

    pub(super) fn wants_ancestors(&self) -> bool {
        next_backfill(&self.ledger, &self.base, &self.params, None).is_some()
    }

    /// True when nothing stands in the way of a new round.
    pub(super) fn can_start(&self) -> bool {
        self.round.is_none() && self.is_between_rounds()
    }

    /// True when nothing is under way that has to end before a round may begin.
    pub(super) fn is_between_rounds(&self) -> bool {
        self.verifying.is_none() && self.loading_headers.is_none()
    }

    /// Of the peers that fit, the one whose last round was the longest ago. A new one queues at the end, so that
    /// coming back is no way to the front; of several that are as new as each other, the quickest to answer is first.
    pub(super) fn next_in_turn(&self, fits: impl Fn(&PeerState) -> bool) -> Option<PeerId> {
        let fitting = self.peers.iter().filter(|(_, peer)| fits(peer));
        fitting.min_by_key(|(id, peer)| (peer.last_round, peer.latency, **id)).map(|(id, _)| *id)
    }

    /// Begins what is due. False when nothing is; a round may end as soon as it has begun.
    pub(super) fn start_round(&mut self, now: Timestamp) -> bool {
        if !self.is_between_rounds() {
            return false;
        }
        let Some((id, step)) = self.next_round(now) else { return false };
        self.rounds += 1;
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.last_round = self.rounds;
        }
        self.enter(now, id, step);
        true
    }

    /// What the next peer in turn has coming: a whole round before an announced block, and that before a
    /// question of ours. Turns count for all of it, so that a peer which keeps one kind busy cannot starve another
    /// peer's.
    pub(super) fn next_round(&mut self, now: Timestamp) -> Option<(PeerId, Step)> {
        let next_up = self.next_up.take();
        let due = |peer: &PeerState| peer.round_due.is_some_and(|due| self.round_start(peer, due) <= now);
        let wants_ancestors = self.wants_ancestors() && self.backfill_due <= now;
        let has_question = wants_ancestors || self.poll_due() <= now;
        // Before its first whole round nobody knows whether a peer is of our chain: no questions till then.
        let can_be_asked = |peer: &PeerState| has_question && peer.round_due.is_none();
        let successor = next_up.filter(|id| self.peers.get(id).is_some_and(due));
        let has_business = |peer: &PeerState| due(peer) || peer.announced.is_some() || can_be_asked(peer);
        let id = successor.or_else(|| self.next_in_turn(|peer| peer.is_present() && has_business(peer)))?;
        let whole = self.peers.get(&id).is_some_and(due);
        let peer = self.peers.get_mut(&id)?;
        let announced = peer.announced.take();
        if whole {
            peer.round_due = None;
            let step = self.begin_find(id);
            return Some((id, step));
        }
        if let Some(block) = announced {
            return Some((id, self.begin_follow(block)));
        }
        if wants_ancestors {
            return Some((id, self.begin_backfill(None)));
        }
        self.last_poll = now;
        Some((id, Step::Continue(Stage::Poll)))
    }

    pub(super) fn enter(&mut self, now: Timestamp, peer: PeerId, step: Step) {
        match step {
            Step::Continue(stage) => {
                self.round = Some(Round { peer, stage });
                self.begin_stage(now);
            }
            end => {
                // Ends are told through the round, so that its peer is known.
                self.round = Some(Round { peer, stage: Stage::Poll });
                self.end_round(now, end);
            }
        }
    }

    /// Ends the round as `step` says; `Continue` moves on to the next stage.
    pub(super) fn end_round(&mut self, now: Timestamp, step: Step) {
        let Some(round) = self.round.take() else { return };
        let id = round.peer;
        if let Some(peer) = self.peers.get_mut(&id) {
            // What is still open belongs to the stage that ends.
            peer.abandon_requests();
        }
        match step {
            Step::Continue(stage) => {
                self.round = Some(Round { peer: id, stage });
                self.begin_stage(now);
            }
            Step::Done => {
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.caught_up = true;
                    peer.timeouts = 0;
                    peer.contradictions = 0;
                }
                self.report(SyncReport::CaughtUp { peer: id });
            }
            Step::Over => {}
            Step::Retry(pause) => {
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.round_due = Some(now.saturating_add(pause));
                }
            }
            Step::Fault(fault) => self.expel(id, fault),
        }
    }

    /// Sends what a stage begins with.
    pub(super) fn begin_stage(&mut self, now: Timestamp) {
        // Between the connection point and the first new block, so that a peer of another chain is known first.
        if let Some(Round { stage: stage @ Stage::Skeleton(_), .. }) = &mut self.round
            && let Stage::Skeleton(point) = *stage
            && self.backfill_due <= now
            && let Some(backfill) = next_backfill(&self.ledger, &self.base, &self.params, Some(point))
        {
            *stage = Stage::Backfill(backfill);
        }
        let Some(round) = &self.round else { return };
        if let Stage::Skeleton(number) = round.stage
            && let Some(record) = self.ledger.tail().record(number)
        {
            let report = SyncReport::ConnectionPoint { peer: round.peer, block: record.id() };
            self.report(report);
        }
        self.pump(now);
    }

    /// True when the stage has something to send and nothing but the budget stands in its way.
    pub(super) fn wants_to_send(&self, round: &Round) -> bool {
        let idle = self
            .peers
            .get(&round.peer)
            .is_none_or(|peer| !peer.in_flight.values().any(|(purpose, _)| purpose.is_of_a_round()));
        match &round.stage {
            Stage::Backfill(_) | Stage::FindPoint(_) | Stage::Skeleton(_) | Stage::Poll => idle,
            Stage::Follow(follow) => idle && follow.wants_headers(),
            Stage::Download(download) => download.next_request().is_some(),
        }
    }

    /// Sends as much as the stage wants and the budget allows, and hands the next run to verification.
    pub(super) fn pump(&mut self, now: Timestamp) {
        while let Some(round) = &self.round {
            let id = round.peer;
            let Some(peer) = self.peers.get(&id) else { return };
            if !self.wants_to_send(round) || !peer.can_request(now, self.config.budget) {
                break;
            }
            let Some(purpose) = self.next_purpose() else { break };
            self.send_request(now, id, purpose);
        }
        self.start_verification();
    }

    /// Asks peers whether they are there.
    pub(super) fn ask_who_is_there(&mut self, now: Timestamp) {
        let is_due = |peer: &PeerState| {
            peer.presence_due().is_some_and(|due| due <= now) && peer.can_request(now, self.config.budget)
        };
        let least = self.base.number.max(BlockNumber::GENESIS.next());
        let height = |peer: &PeerState| peer.claims.map_or(least, |claims| claims.number);
        let due = self.peers.iter().filter(|(_, peer)| is_due(peer));
        let heights: Vec<_> = due.map(|(id, peer)| (*id, height(peer))).collect();
        for (id, height) in heights {
            self.send_request(now, id, Purpose::Presence { height });
        }
    }

    pub(super) fn next_purpose(&mut self) -> Option<Purpose> {
        let round = self.round.as_mut()?;
        match &mut round.stage {
            Stage::Backfill(backfill) => Some(backfill.request()),
            Stage::FindPoint(find) => Some(Purpose::Probe { height: find.probing() }),
            Stage::Skeleton(_) => Some(Purpose::Skeleton),
            Stage::Poll => Some(Purpose::Poll),
            Stage::Follow(follow) => follow.request(),
            Stage::Download(download) => download.take_request(),
        }
    }

    pub(super) fn send_request(&mut self, now: Timestamp, id: PeerId, purpose: Purpose) {
        self.next_request = self.next_request.next();
        let request = self.next_request;
        let message = match purpose {
            // Nothing is asked for in order to be abandoned.
            Purpose::Abandoned => return,
            Purpose::Backfill { hash, count } | Purpose::Follow { hash, count, .. } => {
                RskMessage::BlockHeadersRequest(BlockHeadersRequest { id: request, hash, count })
            }
            Purpose::Chunk(chunk) => RskMessage::BlockHeadersRequest(BlockHeadersRequest {
                id: request,
                hash: chunk.top.hash,
                count: chunk.count,
            }),
            Purpose::Probe { height } | Purpose::Presence { height } => {
                RskMessage::BlockHashRequest(BlockHashRequest { id: request, height })
            }
            Purpose::Skeleton | Purpose::Poll => {
                RskMessage::SkeletonRequest(SkeletonRequest { id: request, start: self.skeleton_start() })
            }
        };
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.sent.record(now);
            peer.in_flight.insert(request, (purpose, now.saturating_add(REQUEST_TIMEOUT)));
            self.actions.push_back(Action::Send(id, message));
        }
    }

    pub(super) fn skeleton_start(&self) -> BlockNumber {
        match self.round.as_ref().map(|round| &round.stage) {
            Some(Stage::Skeleton(point)) => *point,
            Some(Stage::Download(download)) => download.plan_end().number,
            _ => self.ledger.tail().head().number,
        }
    }
}
