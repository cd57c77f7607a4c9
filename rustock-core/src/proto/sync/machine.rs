//! The machine itself: takes inputs, keeps the peers and the one round under way, and routes answers to it.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use super::{
    Action, BACKFILL_RETRY, Input, MAX_PEERS, MAX_TIMEOUTS, POLL_INTERVAL, Phase, REQUEST_TIMEOUT,
    ROUND_RETRY, STATUS_INTERVAL, STATUS_PATIENCE, SyncConfig, SyncProgress, SyncReport,
    backfill::{Backfill, next_backfill},
    branch::Branch,
    download::Download,
    fault::PeerFault,
    find::FindPoint,
    follow::Follow,
    job::{JobFailure, JobHeaders, JobId, VerifyJob, VerifyOutcome},
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
    primitives::number::{BlockNumber, CumulativeDifficulty},
    proto::time::Timestamp,
    wire::rsk::{
        BlockHashRequest, BlockHeadersRequest, BlockIdentifier, RequestId, RskMessage, SkeletonRequest,
    },
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
    round: Option<Round>,
    /// The verification under way, and whether its round still waits for it.
    verifying: Option<JobId>,
    /// The lowest height of the headers being read that is to be checked.
    loading_headers: Option<BlockNumber>,
    next_request: RequestId,
    next_job: u64,
    actions: VecDeque<Action>,
    last_improvement: Timestamp,
    last_poll: Timestamp,
    backfill_due: Timestamp,
    /// Rounds begun. Each peer remembers its last, so that none can keep us to itself.
    rounds: u64,
    verified: u64,
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
            match &self.round {
                Some(round) if round.peer == *id => {
                    if self.wants_to_send(round) && peer.in_flight.len() < self.config.budget.in_flight {
                        consider(peer.sent.next_allowed(Timestamp::ZERO));
                    }
                }
                Some(_) => {}
                None => {
                    if let Some(due) = peer.round_due
                        && self.can_start()
                    {
                        consider(self.round_start(peer, due));
                    }
                }
            }
        }
        if self.can_start() && self.peers.values().any(|peer| peer.round_due.is_none()) {
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

    fn phase(&self) -> Phase {
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
    fn advance(&mut self, now: Timestamp) {
        self.expire_requests(now);
        self.repeat_status(now);
        while self.round.is_none() && self.start_round(now) {}
        self.pump(now);
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

    // ---- peers -------------------------------------------------------------------------------------------

    fn drop_peer(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
        if self.round.as_ref().is_some_and(|round| round.peer == peer) {
            self.abandon_round();
        }
    }

    fn expel(&mut self, peer: PeerId, fault: PeerFault) {
        self.drop_peer(peer);
        self.actions.push_back(Action::Disconnect(peer, fault));
    }

    /// Forgets the round, and what its peer was asked for. A verification under way comes back to nobody.
    fn abandon_round(&mut self) {
        if let Some(round) = self.round.take()
            && let Some(peer) = self.peers.get_mut(&round.peer)
        {
            peer.abandon_requests();
        }
    }

    pub(super) fn report(&mut self, report: SyncReport) {
        self.actions.push_back(Action::Report(report));
    }

    fn expire_requests(&mut self, now: Timestamp) {
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

    fn on_timeout(&mut self, now: Timestamp, id: PeerId, purpose: Purpose) {
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
        if !of_this_round {
            return;
        }
        match purpose {
            Purpose::Backfill { .. } => self.give_up_backfill(now, id),
            Purpose::Poll | Purpose::Follow { .. } => self.abandon_round(),
            Purpose::Probe { .. } | Purpose::Skeleton | Purpose::Chunk(_) => {
                self.end_round(now, Step::Retry(ROUND_RETRY));
            }
            Purpose::Abandoned => {}
        }
    }

    fn repeat_status(&mut self, now: Timestamp) {
        for (id, peer) in &mut self.peers {
            if peer.status_due <= now && peer.sent.is_allowed(now) {
                peer.sent.record(now);
                peer.status_due = now.saturating_add(STATUS_INTERVAL);
                self.actions.push_back(Action::Send(*id, RskMessage::Status(self.config.status)));
            }
        }
    }

    // ---- rounds ------------------------------------------------------------------------------------------

    /// When a whole round with a peer may start: once its status is there, or did not come.
    fn round_start(&self, peer: &PeerState, due: Timestamp) -> Timestamp {
        if peer.claims.is_some() { due } else { due.max(peer.connected_at.saturating_add(STATUS_PATIENCE)) }
    }

    fn poll_due(&self) -> Timestamp {
        self.last_improvement.max(self.last_poll).saturating_add(POLL_INTERVAL)
    }

    pub(super) fn wants_ancestors(&self) -> bool {
        next_backfill(&self.ledger, &self.base, &self.params, None).is_some()
    }

    /// True when nothing stands in the way of a new round.
    fn can_start(&self) -> bool {
        self.round.is_none() && self.is_between_rounds()
    }

    /// True when nothing is under way that has to end before a round may begin.
    fn is_between_rounds(&self) -> bool {
        self.verifying.is_none() && self.loading_headers.is_none()
    }

    /// Of the peers that fit, the one whose last round was the longest ago. A new one queues at the end, so that
    /// coming back is no way to the front.
    fn next_in_turn(&self, fits: impl Fn(&PeerState) -> bool) -> Option<PeerId> {
        let fitting = self.peers.iter().filter(|(_, peer)| fits(peer));
        fitting.min_by_key(|(_, peer)| peer.last_round).map(|(id, _)| *id)
    }

    /// Begins what is due. False when nothing is; a round may end as soon as it has begun.
    fn start_round(&mut self, now: Timestamp) -> bool {
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
    fn next_round(&mut self, now: Timestamp) -> Option<(PeerId, Step)> {
        let due = |peer: &PeerState| peer.round_due.is_some_and(|due| self.round_start(peer, due) <= now);
        let wants_ancestors = self.wants_ancestors() && self.backfill_due <= now;
        let has_question = wants_ancestors || self.poll_due() <= now;
        // Before its first whole round nobody knows whether a peer is of our chain: no questions till then.
        let can_be_asked = |peer: &PeerState| has_question && peer.round_due.is_none();
        let id = self.next_in_turn(|peer| due(peer) || peer.announced.is_some() || can_be_asked(peer))?;
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

    fn enter(&mut self, now: Timestamp, peer: PeerId, step: Step) {
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
    fn end_round(&mut self, now: Timestamp, step: Step) {
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
    fn begin_stage(&mut self, now: Timestamp) {
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
    fn wants_to_send(&self, round: &Round) -> bool {
        let is_open = |purpose: &Purpose| *purpose != Purpose::Abandoned;
        let idle = self
            .peers
            .get(&round.peer)
            .is_none_or(|peer| !peer.in_flight.values().any(|(purpose, _)| is_open(purpose)));
        match &round.stage {
            Stage::Backfill(_) | Stage::FindPoint(_) | Stage::Skeleton(_) | Stage::Poll => idle,
            Stage::Follow(follow) => idle && follow.wants_headers(),
            Stage::Download(download) => download.next_request().is_some(),
        }
    }

    /// Sends as much as the stage wants and the budget allows, and hands the next run to verification.
    fn pump(&mut self, now: Timestamp) {
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

    fn next_purpose(&mut self) -> Option<Purpose> {
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

    fn send_request(&mut self, now: Timestamp, id: PeerId, purpose: Purpose) {
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
            Purpose::Probe { height } => {
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

    fn skeleton_start(&self) -> BlockNumber {
        match self.round.as_ref().map(|round| &round.stage) {
            Some(Stage::Skeleton(point)) => *point,
            Some(Stage::Download(download)) => download.plan_end().number,
            _ => self.ledger.tail().head().number,
        }
    }

    // ---- messages ----------------------------------------------------------------------------------------

    fn on_message(&mut self, now: Timestamp, id: PeerId, message: RskMessage) {
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
                let asked = peer.in_flight.get(&request).map(|(purpose, _)| *purpose);
                let Some(purpose) = asked.filter(|purpose| purpose.is_answered_by(&message)) else {
                    return self.report(SyncReport::Unexpected { peer: id });
                };
                peer.in_flight.remove(&request);
                peer.count_answer(purpose);
                if purpose != Purpose::Abandoned && self.round.as_ref().is_some_and(|round| round.peer == id)
                {
                    self.on_answer(now, purpose, message);
                }
            }
        }
    }

    fn on_announcement(&mut self, id: PeerId, block: BlockIdentifier) {
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

    fn on_answer(&mut self, now: Timestamp, purpose: Purpose, message: RskMessage) {
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
            }
            end => self.end_round(now, end),
        }
    }

    /// Ends a download that has nothing left to fetch or verify.
    fn finish_download(&mut self, now: Timestamp) {
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

    // ---- verification ------------------------------------------------------------------------------------

    fn start_verification(&mut self) {
        if self.verifying.is_some() || self.ledger.is_full() {
            return;
        }
        let Some(round) = &mut self.round else { return };
        let (branch, headers): (&mut Branch, JobHeaders) = match &mut round.stage {
            Stage::Download(download) => match download.take_received() {
                Some(headers) => (&mut download.branch, headers),
                None => return,
            },
            Stage::Follow(follow) => match follow.take_linked() {
                Some((branch, headers)) => (branch, headers),
                None => return,
            },
            _ => return,
        };
        self.next_job += 1;
        let id = JobId(self.next_job);
        self.verifying = Some(id);
        let job = VerifyJob { id, parent: branch.parent(), window: branch.take_window(), headers };
        self.actions.push_back(Action::Verify(Box::new(job)));
    }

    fn on_verified(&mut self, now: Timestamp, outcome: VerifyOutcome) {
        if self.verifying != Some(outcome.id) {
            return;
        }
        self.verifying = None;
        let Some(Round { peer, stage }) = self.round.take() else { return };
        let (mut branch, rest) = match stage {
            Stage::Download(download) => download.split(),
            Stage::Follow(mut follow) => match follow.take_branch() {
                Some(branch) => (branch, None),
                None => {
                    self.round = Some(Round { peer, stage: Stage::Follow(follow) });
                    return;
                }
            },
            // The round was replaced while its verification ran: the outcome has no place any more.
            other => {
                self.round = Some(Round { peer, stage: other });
                return;
            }
        };
        let step = self.adopt(now, &mut branch, outcome, peer);
        let step = match step {
            Some(Step::Fault(fault))
                if rest.as_ref().is_some_and(|rest| rest.is_off_connection_point(&fault)) =>
            {
                self.contradicted(peer, fault)
            }
            Some(end) => end,
            None => match rest {
                Some(rest) => Step::Continue(Stage::Download(rest.join(branch))),
                None => {
                    self.remember_tip(peer, branch.top_id());
                    Step::Over
                }
            },
        };
        self.round = Some(Round { peer, stage: Stage::Poll });
        match step {
            Step::Continue(stage) => {
                self.round = Some(Round { peer, stage });
                self.pump(now);
                self.finish_download(now);
            }
            end => self.end_round(now, end),
        }
    }

    /// Puts verified headers on the branch, and the branch on the chain if it is the better one. An end of the
    /// round comes back when the run failed.
    fn adopt(
        &mut self,
        now: Timestamp,
        branch: &mut Branch,
        outcome: VerifyOutcome,
        peer: PeerId,
    ) -> Option<Step> {
        self.verified += outcome.verified.len() as u64;
        if branch.extend(outcome.verified, outcome.window).is_err() {
            // 2^54 blocks of today's work: only made-up difficulties could get here.
            let (ours, theirs) = (CumulativeDifficulty::default(), CumulativeDifficulty::default());
            return Some(Step::Fault(PeerFault::LightBranch { length: branch.len(), ours, theirs }));
        }
        if branch.is_preferred(self.ledger.tail()) {
            self.last_improvement = now;
            let ancestor = branch.common_ancestor();
            let (entries, unchecked) = branch.take_entries();
            self.ledger.replace(ancestor, entries);
            if let Some(unchecked) = unchecked {
                self.ledger.set_fork_detection_from(unchecked.next());
            }
        } else if branch.len() > super::branch::MAX_BRANCH_LENGTH {
            let (ours, theirs) = branch.weights(self.ledger.tail());
            return Some(Step::Fault(PeerFault::LightBranch { length: branch.len(), ours, theirs }));
        }
        match outcome.failure? {
            JobFailure::Fault(fault) => Some(Step::Fault(fault)),
            JobFailure::NotYetValid { until, now: wall } => {
                let wait = Duration::from_secs(until.as_secs().saturating_sub(wall.as_secs()).clamp(1, 60));
                self.report(SyncReport::HeaderFromTheFuture { peer, wait });
                Some(Step::Retry(wait))
            }
        }
    }

    // ---- ancestors below the base, late --------------------------------------------------------------------

    fn give_up_backfill(&mut self, now: Timestamp, peer: PeerId) {
        self.backfill_due = now.saturating_add(BACKFILL_RETRY);
        let known = self.ledger.tail().ancestors().len() as u64;
        self.report(SyncReport::AncestorsUnavailable { peer, known });
        if let Some(Round { stage: Stage::Backfill(backfill), .. }) = &self.round {
            let step = backfill.then();
            self.end_round(now, step);
        }
    }

    pub(super) fn defer_backfill(&mut self, now: Timestamp, peer: PeerId) {
        self.backfill_due = now.saturating_add(BACKFILL_RETRY);
        let known = self.ledger.tail().ancestors().len() as u64;
        self.report(SyncReport::AncestorsUnavailable { peer, known });
    }

    /// Asks for headers whose fork-detection data could not be checked when they came, and can be now.
    fn check_ancestors_late(&mut self) {
        let busy = self.round.is_some() || self.verifying.is_some() || self.loading_headers.is_some();
        if busy || !self.ledger.is_settled() {
            return;
        }
        if let Some((from, to)) = self.late_range() {
            self.loading_headers = Some(from);
            self.actions.push_back(Action::LoadHeaders { from: self.base.number, to });
        }
    }

    /// After a rollback, every peer's chain is looked at again.
    pub(super) fn look_again(&mut self) {
        for peer in self.peers.values_mut() {
            peer.caught_up = false;
            // What was lighter than the chain that was taken back may be the best there is now.
            peer.lighter_tip = None;
            peer.round_due = Some(peer.connected_at);
        }
    }
}
