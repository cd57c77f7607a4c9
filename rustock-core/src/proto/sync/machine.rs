//! The machine itself: takes inputs, keeps the peers and the one round under way, and routes answers to it.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use super::{
    Action, Credit, Input, MAX_PEERS, MAX_TIMEOUTS, Phase, REQUEST_TIMEOUT, ROUND_RETRY, STATUS_INTERVAL,
    SyncConfig, SyncProgress, SyncReport,
    backfill::Backfill,
    download::Download,
    fault::PeerFault,
    find::FindPoint,
    follow::Follow,
    job::JobId,
    ledger::Ledger,
    peer::{PeerId, PeerState, Purpose},
};
use crate::{
    chain::{
        batch::ChainBatch,
        record::{BlockId, BlockRecord},
        tail::ChainTail,
    },
    consensus::params::NetworkParams,
    primitives::number::BlockNumber,
    proto::time::Timestamp,
    wire::rsk::{BlockIdentifier, RequestId, RskMessage},
};

/// What is being done with the round's peer.
#[derive(Debug)]
pub(super) enum Stage {
    Backfill(Backfill),
    FindPoint(FindPoint),
    /// Waiting for the first skeleton above this connection point.
    Skeleton(BlockNumber),
    Download(Download),
    Follow(Follow),
    /// Waiting for the answer that names the peer's best block.
    Poll,
}

/// One exchange with one peer. At most one is under way.
#[derive(Debug)]
pub(super) struct Round {
    pub peer: PeerId,
    pub stage: Stage,
}

/// How a step of a round ends.
// Lives for one call; boxing the stage would only move it twice.
#[allow(clippy::large_enum_variant)]
pub(super) enum Step {
    /// The round goes on in this stage.
    Continue(Stage),
    /// Nothing is left to do with this peer for now: it has nothing that we lack.
    Done,
    /// The round is over, and says nothing of what else the peer has.
    Over,
    /// It cannot go on now, through nobody's fault; another whole round is due after this pause.
    Retry(Duration),
    /// The peer is at fault and has to go.
    Fault(PeerFault),
}

/// Follows the best chain. See the [module](super) for the contract.
#[derive(Debug)]
pub struct SyncMachine {
    pub(super) params: NetworkParams,
    pub(super) config: SyncConfig,
    pub(super) ledger: Ledger,
    /// The genesis or checkpoint: where learning ancestors starts.
    pub(super) base: BlockRecord,
    pub(super) peers: BTreeMap<PeerId, PeerState>,
    pub(super) round: Option<Round>,
    /// The verification under way, and whether its round still waits for it.
    pub(super) verifying: Option<JobId>,
    /// The lowest height of the headers being read that is to be checked.
    pub(super) loading_headers: Option<BlockNumber>,
    pub(super) next_request: RequestId,
    pub(super) next_job: u64,
    pub(super) actions: VecDeque<Action>,
    pub(super) last_improvement: Timestamp,
    pub(super) last_poll: Timestamp,
    pub(super) backfill_due: Timestamp,
    /// Rounds begun. Each peer remembers its last, so that none can keep us to itself.
    pub(super) rounds: u64,
    /// Whose turn is next, whatever the order: a slow peer made way for it.
    pub(super) next_up: Option<PeerId>,
    /// Takeovers since one of the successors served what made it worthwhile.
    pub(super) fruitless_takeovers: u32,
    pub(super) verified: u64,
}

impl SyncMachine {
    /// A machine that goes on from `tail`. `base` is the chain's base, and
    /// `fork_detection_from` what the store last said of it.
    pub fn new(
        params: NetworkParams,
        config: SyncConfig,
        tail: ChainTail,
        base: BlockRecord,
        fork_detection_from: Option<BlockNumber>,
        now: Timestamp,
    ) -> Self {
        // A chain that is nothing but its base has nothing unchecked above it.
        let is_new = tail.head().number == tail.base();
        let first_above = tail.base().next();
        let mut ledger = Ledger::new(tail, fork_detection_from);
        if is_new && fork_detection_from.is_none() {
            ledger.set_fork_detection_from(first_above);
        }
        Self {
            params,
            config,
            ledger,
            base,
            peers: BTreeMap::new(),
            round: None,
            verifying: None,
            loading_headers: None,
            next_request: RequestId::default(),
            next_job: 0,
            actions: VecDeque::new(),
            last_improvement: now,
            last_poll: now,
            backfill_due: now,
            rounds: 0,
            next_up: None,
            fruitless_takeovers: 0,
            verified: 0,
        }
    }

    /// Takes an input. Drain [`SyncMachine::next_action`] afterwards.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::PeerConnected(peer) => {
                if self.peers.len() < MAX_PEERS {
                    self.peers.insert(peer, PeerState::new(now, self.config.budget, self.rounds));
                }
            }
            Input::PeerDisconnected(peer) => self.drop_peer(peer),
            Input::Message(peer, message) => self.on_message(now, peer, message),
            Input::Verified(outcome) => self.on_verified(now, *outcome),
            Input::Committed => self.ledger.committed(now),
            Input::HeadersLoaded(headers) => {
                if let Some(from) = self.loading_headers.take() {
                    self.on_headers_loaded(from, &headers);
                }
            }
            Input::TimerFired => {}
        }
        self.advance(now);
    }

    /// Everything verified that is not durable, as a last batch. For a host that stops; it commits nothing more.
    pub fn take_final_batch(&mut self, now: Timestamp) -> Option<ChainBatch> {
        self.ledger.take_batch(now, true)
    }

    /// Who answered for the first time or served headers that were verified, since the last call. At most one entry
    /// for each peer.
    pub fn take_credits(&mut self) -> Vec<(PeerId, Credit)> {
        let is_due = |credit: &Credit| credit.is_first_answer || credit.headers > 0;
        let earned = self.peers.iter_mut().filter(|(_, peer)| is_due(&peer.credit));
        earned.map(|(id, peer)| (*id, core::mem::take(&mut peer.credit))).collect()
    }

    /// The next thing to do, if any.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call again with [`Input::TimerFired`] if nothing else happens before.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        // While headers are being read nothing is committed under them.
        let mut deadline = self.ledger.commit_deadline().filter(|_| self.loading_headers.is_none());
        let mut consider = |time: Timestamp| {
            deadline = Some(deadline.map_or(time, |earliest| earliest.min(time)));
        };
        for (id, peer) in &self.peers {
            consider(peer.status_due.max(peer.sent.next_allowed(peer.status_due)));
            if let Some(due) = peer.request_deadline() {
                consider(due);
            }
            if let Some(due) = peer.presence_due().filter(|_| self.config.budget.in_flight > 0) {
                consider(peer.sent.next_allowed(due));
            }
            match &self.round {
                Some(round) if round.peer == *id => {
                    if self.wants_to_send(round) && peer.in_flight.len() < self.config.budget.in_flight {
                        consider(peer.sent.next_allowed(Timestamp::ZERO));
                    }
                }
                Some(_) => {}
                None => {
                    if let Some(due) = peer.round_due
                        && peer.is_present()
                        && self.can_start()
                    {
                        consider(self.round_start(peer, due));
                    }
                }
            }
        }
        let can_be_asked = |peer: &PeerState| peer.round_due.is_none() && peer.is_present();
        if self.can_start() && self.peers.values().any(can_be_asked) {
            consider(self.poll_due());
            if self.wants_ancestors() {
                consider(self.backfill_due);
            }
        }
        deadline
    }

    /// Where the machine stands.
    pub fn progress(&self) -> SyncProgress {
        let head = self.ledger.tail().head();
        SyncProgress {
            phase: self.phase(),
            head: head.id(),
            header_difficulty_sum: head.header_difficulty_sum,
            claimed: self.peers.values().filter_map(|peer| Some(peer.claims.as_ref()?.number)).max(),
            peers: self.peers.len(),
            verified: self.verified,
            fork_detection_from: self.ledger.fork_detection_from(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.round.as_ref().map(|round| &round.stage) {
            _ if self.peers.is_empty() => Phase::NoPeers,
            Some(Stage::Backfill(_)) => Phase::FetchingAncestors,
            Some(Stage::FindPoint(_) | Stage::Skeleton(_)) => Phase::FindingConnectionPoint,
            Some(Stage::Download(_)) => Phase::Downloading,
            Some(Stage::Follow(_) | Stage::Poll) | None => {
                let head = self.ledger.tail().head().number;
                // A peer that claims more and could not be asked yet may be right.
                let is_behind = |peer: &PeerState| {
                    peer.round_due.is_some() && peer.claims.is_some_and(|claims| claims.number > head)
                };
                let is_level =
                    self.peers.values().any(|peer| peer.caught_up) && !self.peers.values().any(is_behind);
                if is_level { Phase::Following } else { Phase::Waiting }
            }
        }
    }

    /// Everything that follows from the new state: timeouts, statuses, the next round, sends, commits.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.expire_requests(now);
        self.repeat_status(now);
        while self.round.is_none() && self.start_round(now) {}
        self.pump(now);
        self.ask_who_is_there(now);
        self.check_ancestors_late();
        let at_rest =
            !matches!(self.round, Some(Round { stage: Stage::Download(_), .. })) && self.verifying.is_none();
        if self.loading_headers.is_none()
            && let Some(batch) = self.ledger.take_batch(now, at_rest)
        {
            self.actions.push_back(Action::Commit(Box::new(batch)));
            // Verification may have waited for the room that this makes.
            self.pump(now);
        }
    }

    pub(super) fn drop_peer(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
        if self.round.as_ref().is_some_and(|round| round.peer == peer) {
            self.abandon_round();
        }
    }

    pub(super) fn expel(&mut self, peer: PeerId, fault: PeerFault) {
        self.drop_peer(peer);
        self.actions.push_back(Action::Disconnect(peer, fault));
    }

    /// Forgets the round, and what its peer was asked for. A verification under way comes back to nobody.
    pub(super) fn abandon_round(&mut self) {
        if let Some(round) = self.round.take()
            && let Some(peer) = self.peers.get_mut(&round.peer)
        {
            peer.abandon_requests();
        }
    }

    pub(super) fn report(&mut self, report: SyncReport) {
        self.actions.push_back(Action::Report(report));
    }

    pub(super) fn expire_requests(&mut self, now: Timestamp) {
        let mut expired = Vec::new();
        for (id, peer) in &mut self.peers {
            let mut purpose_expired = None;
            peer.in_flight.retain(|_, (purpose, deadline)| {
                let keep = *deadline > now;
                // The same silence counts once, and for the worst it can mean.
                if !keep && purpose_expired.is_none_or(Purpose::silence_is_fair) {
                    purpose_expired = Some(*purpose);
                }
                keep
            });
            expired.extend(purpose_expired.map(|purpose| (*id, purpose)));
        }
        for (id, purpose) in expired {
            self.on_timeout(now, id, purpose);
        }
    }

    pub(super) fn on_timeout(&mut self, now: Timestamp, id: PeerId, purpose: Purpose) {
        if purpose == Purpose::Abandoned {
            return;
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let of_this_round = self.round.as_ref().is_some_and(|round| round.peer == id);
        if !purpose.silence_is_fair() {
            let silences = peer.count_timeout(purpose);
            if silences >= MAX_TIMEOUTS {
                return self.expel(id, PeerFault::Unresponsive { silences, each: REQUEST_TIMEOUT });
            }
        }
        self.report(SyncReport::RequestTimedOut { peer: id });
        if !of_this_round || !purpose.is_of_a_round() {
            return;
        }
        match purpose {
            Purpose::Backfill { .. } => self.give_up_backfill(now, id),
            Purpose::Poll | Purpose::Follow { .. } => self.abandon_round(),
            Purpose::Probe { .. } | Purpose::Skeleton | Purpose::Chunk(_) => {
                self.end_round(now, Step::Retry(ROUND_RETRY));
            }
            Purpose::Presence { .. } | Purpose::Abandoned => {}
        }
    }

    pub(super) fn repeat_status(&mut self, now: Timestamp) {
        for (id, peer) in &mut self.peers {
            if peer.status_due <= now && peer.sent.is_allowed(now) {
                peer.sent.record(now);
                peer.status_due = now.saturating_add(STATUS_INTERVAL);
                self.actions.push_back(Action::Send(*id, RskMessage::Status(self.config.status)));
            }
        }
    }

    pub(super) fn on_message(&mut self, now: Timestamp, id: PeerId, message: RskMessage) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        match message {
            RskMessage::Status(status) => {
                let news = status.number > self.ledger.tail().head().number
                    && self.ledger.tail().find(&status.best_hash).is_none()
                    && peer.caught_up;
                peer.claims = Some(status);
                peer.known_height = status.number;
                if news {
                    self.on_announcement(
                        id,
                        BlockIdentifier { hash: status.best_hash, number: status.number },
                    );
                }
            }
            RskMessage::NewBlockHashes(announcement) => {
                // Highest first: the ones below it come along as its ancestors.
                let best = announcement.identifiers.into_iter().max_by_key(|block| block.number);
                if let Some(block) = best {
                    self.on_announcement(id, block);
                }
            }
            RskMessage::NewBlockHash(announcement) => {
                let number = self.ledger.tail().head().number.next();
                self.on_announcement(id, BlockIdentifier { hash: announcement.hash, number });
            }
            message => {
                // The peer's own requests have ids too; of ours, only the right kind of answer is one.
                let Some(request) = message.request_id() else { return };
                let asked = peer.in_flight.get(&request).copied();
                let answered = asked.filter(|(purpose, _)| purpose.is_answered_by(&message));
                let Some((purpose, deadline)) = answered else {
                    return self.report(SyncReport::Unexpected { peer: id });
                };
                peer.in_flight.remove(&request);
                if let RskMessage::BlockHeadersResponse(answer) = &message {
                    peer.measure_answer(now, deadline, &answer.headers);
                }
                peer.count_answer(now, purpose, deadline);
                if purpose.is_of_a_round() && self.round.as_ref().is_some_and(|round| round.peer == id) {
                    self.on_answer(now, purpose, message);
                }
            }
        }
    }

    pub(super) fn on_announcement(&mut self, id: PeerId, block: BlockIdentifier) {
        if self.ledger.tail().find(&block.hash).is_some() {
            return;
        }
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.lighter_tip != Some(block.hash)
            && peer.announced.is_none_or(|announced| announced.number <= block.number)
        {
            peer.announced = Some(block);
            // Its best block is known now, so there is no need to wait for the answer that would name it.
            if matches!(&self.round, Some(Round { peer, stage: Stage::Poll }) if *peer == id) {
                self.abandon_round();
            }
        }
    }

    pub(super) fn on_answer(&mut self, now: Timestamp, purpose: Purpose, message: RskMessage) {
        let Some(Round { peer, stage }) = self.round.take() else { return };
        let step = match (stage, purpose, message) {
            (Stage::Backfill(stage), Purpose::Backfill { .. }, RskMessage::BlockHeadersResponse(answer)) => {
                self.on_backfill(now, peer, stage, purpose, &answer.headers)
            }
            (Stage::FindPoint(stage), Purpose::Probe { height }, RskMessage::BlockHashResponse(answer)) => {
                self.on_probe(stage, height, answer.hash)
            }
            (Stage::Skeleton(point), Purpose::Skeleton, RskMessage::SkeletonResponse(answer)) => {
                self.on_skeleton(peer, point, &answer.identifiers)
            }
            (Stage::Download(stage), Purpose::Skeleton, RskMessage::SkeletonResponse(answer)) => {
                self.on_further_skeleton(peer, stage, &answer.identifiers)
            }
            (Stage::Download(mut stage), Purpose::Chunk(chunk), RskMessage::BlockHeadersResponse(answer)) => {
                stage.receive(chunk, answer.headers);
                Step::Continue(Stage::Download(stage))
            }
            (
                Stage::Follow(stage),
                Purpose::Follow { hash, .. },
                RskMessage::BlockHeadersResponse(answer),
            ) => self.on_follow(stage, hash, &answer.headers),
            (Stage::Poll, Purpose::Poll, RskMessage::SkeletonResponse(answer)) => {
                self.on_poll(peer, answer.identifiers.last().copied())
            }
            // Another stage's answer; those are abandoned when it ends.
            (stage, _, _) => {
                self.round = Some(Round { peer, stage });
                return;
            }
        };
        self.round = Some(Round { peer, stage: Stage::Poll });
        match step {
            Step::Continue(stage) => {
                let begins = !matches!(stage, Stage::Download(_));
                self.round = Some(Round { peer, stage });
                if begins {
                    self.begin_stage(now);
                }
                self.finish_download(now);
                self.hand_over(now);
            }
            end => self.end_round(now, end),
        }
    }

    /// Ends a download that has nothing left to fetch or verify.
    pub(super) fn finish_download(&mut self, now: Timestamp) {
        let Some(Round { peer, stage: Stage::Download(download) }) = &self.round else { return };
        if !download.is_finished() || self.verifying.is_some() {
            return;
        }
        let skeleton_open = self.peers.get(peer).is_some_and(|peer| {
            peer.in_flight.values().any(|(purpose, _)| matches!(purpose, Purpose::Skeleton))
        });
        if skeleton_open {
            return;
        }
        let (peer, tip) = (*peer, download.branch.top_id());
        self.remember_tip(peer, tip);
        self.end_round(now, Step::Done);
    }

    /// The peer has this block, and what we made of it is decided.
    pub(super) fn remember_tip(&mut self, peer: PeerId, tip: BlockId) {
        let is_ours = self.ledger.tail().find(&tip.hash).is_some();
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.known_height = peer.known_height.max(tip.number);
            if !is_ours {
                peer.lighter_tip = Some(tip.hash);
            }
        }
    }
}
