//! The event loop.

use core::time::Duration;
use std::collections::BTreeMap;

use rustock_core::{
    chain::{batch::ChainBatch, record::BlockId},
    consensus::params::NetworkParams,
    primitives::{
        hash::BlockHash,
        header::Header,
        number::{BlockNumber, UnixTime},
    },
    proto::{
        pacing::RequestBudget,
        sync::{Action, Input, PeerFault, PeerId, SyncConfig, SyncProgress, SyncReport, VerifyOutcome},
        time::Timestamp,
    },
    store::{Store, StoreView, memory::MemoryStore},
    wire::rsk::{RskMessage, Status},
};

use super::{
    actor::{Actor, ActorState, Change, Script},
    behaviour::{Behaviour, announcement, invented},
    client::Client,
    politeness::Politeness,
    served::MainChain,
};
use crate::chainkit::Random;

/// Timer calls at one moment, without anything else happening, that make a run fail.
const MOST_IDLE_TIMERS: u32 = 20;
/// How often a liar announces.
const LIE_INTERVAL: Duration = Duration::from_secs(9);

/// Something that is going to happen.
#[derive(Debug)]
enum Event {
    Connect(Actor),
    Hangup(Actor, PeerId),
    ToPeer(Actor, PeerId, RskMessage),
    ToClient(PeerId, RskMessage),
    RepeatStatus(Actor, PeerId),
    Lie(Actor, PeerId),
    Change(Actor, usize),
    Verified(u64, Box<VerifyOutcome>),
    Durable(u64, Box<ChainBatch>),
    Loaded(u64, Vec<Header>),
    Restart,
}

/// When the client dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPlan {
    /// Never.
    Never,
    /// At one commit in so many, before or after it is durable.
    OneCommitIn(u64),
}

/// A run.
#[derive(Debug)]
pub struct Simulation {
    now: Timestamp,
    wall_start: UnixTime,
    random: Random,
    sequence: u64,
    events: BTreeMap<(Timestamp, u64), Event>,
    client: Client,
    /// Counts the client's lives: what an earlier one started comes to nothing.
    life: u64,
    actors: Vec<ActorState>,
    connections: BTreeMap<PeerId, Actor>,
    next_peer: u64,
    politeness: Politeness,
    reports: Vec<(Timestamp, SyncReport)>,
    idle_timers: u32,
    traced: bool,
    /// How long a verification takes: a fixed part, and a part for each of 192 headers.
    pub verify_time: Duration,
    /// How long a commit takes.
    pub commit_time: Duration,
    /// When the client dies.
    pub crashes: CrashPlan,
}

impl Simulation {
    /// A client of `params` whose chain starts at `base`. `wall_start` is the time of day at the start.
    pub fn new(seed: u64, params: NetworkParams, base: &Header, wall_start: UnixTime) -> Self {
        let genesis = params.genesis_header().expect("the network has a genesis");
        let config = SyncConfig {
            budget: RequestBudget::POLITE,
            status: Status {
                number: BlockNumber::GENESIS,
                best_hash: genesis.hash(),
                parent_hash: BlockHash::ZERO,
                total_difficulty: rustock_core::primitives::number::CumulativeDifficulty::new(
                    genesis.difficulty().get(),
                ),
            },
        };
        Self {
            now: Timestamp::ZERO,
            wall_start,
            random: Random::new(seed),
            sequence: 0,
            events: BTreeMap::new(),
            client: Client::new(params, config, base, Timestamp::ZERO),
            life: 0,
            actors: Vec::new(),
            connections: BTreeMap::new(),
            next_peer: 0,
            politeness: Politeness::default(),
            reports: Vec::new(),
            idle_timers: 0,
            traced: std::env::var_os("RUSTOCK_SIM_TRACE").is_some(),
            verify_time: Duration::from_millis(20),
            commit_time: Duration::from_millis(30),
            crashes: CrashPlan::Never,
        }
    }

    /// Adds a peer.
    pub fn add(&mut self, script: Script) -> Actor {
        let actor = Actor(self.actors.len());
        self.schedule(script.connects_at, Event::Connect(actor));
        for (index, (at, _)) in script.changes.iter().enumerate() {
            self.schedule(*at, Event::Change(actor, index));
        }
        self.actors.push(ActorState::new(script));
        actor
    }

    /// No block with this hash may ever be committed.
    pub fn forbid(&mut self, hash: BlockHash) {
        self.client.forbid(hash);
    }

    /// The client dies at this time and comes back at once.
    pub fn restart_at(&mut self, at: Timestamp) {
        self.schedule(at, Event::Restart);
    }

    /// Runs until a time.
    pub fn run_until(&mut self, end: Timestamp) {
        while self.next_time().is_some_and(|time| time <= end) {
            self.step();
        }
        self.now = end;
    }

    /// Lets the next thing happen, unless it is later than `end`. False when it is.
    pub fn run_one_until(&mut self, end: Timestamp) -> bool {
        let goes_on = self.next_time().is_some_and(|time| time <= end);
        if goes_on {
            self.step();
        }
        goes_on
    }

    /// Runs until the stored head is `head` and everything is told, at most until `end`.
    ///
    /// # Panics
    /// When it does not come to that.
    pub fn run_until_head(&mut self, head: &Header, end: Timestamp) {
        while self.stored_head() != (BlockId { number: head.number(), hash: head.hash() }) {
            let next = self.next_time();
            assert!(
                next.is_some_and(|time| time <= end),
                "at {} ms the stored head is {}, not #{} {}: {:?}",
                self.now.as_millis(),
                self.stored_head(),
                head.number(),
                head.hash(),
                self.progress(),
            );
            self.step();
        }
    }

    // ---- what a finished run tells ------------------------------------------------------------------------

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The store.
    pub fn store(&self) -> &MemoryStore {
        &self.client.store
    }

    /// The best block that is durable.
    pub fn stored_head(&self) -> BlockId {
        self.client.store.head().expect("memory does not fail").id()
    }

    /// Where the machine stands.
    pub fn progress(&self) -> SyncProgress {
        self.client.machine.progress()
    }

    /// What the machine reported, with the time.
    pub fn reports(&self) -> &[(Timestamp, SyncReport)] {
        &self.reports
    }

    /// Why a peer was told to go, each time.
    pub fn faults(&self, actor: Actor) -> impl Iterator<Item = &PeerFault> {
        self.actors[actor.0].faults.iter().map(|(_, fault)| fault)
    }

    /// When a peer was told to go first.
    pub fn first_fault_at(&self, actor: Actor) -> Option<Timestamp> {
        self.actors[actor.0].faults.first().map(|(at, _)| *at)
    }

    /// The connection of a peer.
    pub fn connection(&self, actor: Actor) -> Option<PeerId> {
        self.actors[actor.0].connection
    }

    /// Commits, and the blocks in the largest.
    pub fn commits(&self) -> (usize, usize) {
        (self.client.commits, self.client.largest_commit)
    }

    /// The most blocks that one commit abandoned.
    pub fn deepest_reorg(&self) -> u64 {
        self.client.deepest_reorg
    }

    /// The most messages that a connection was sent in 60 seconds, and the most open requests it had.
    pub fn most_sent(&self) -> (usize, usize) {
        (self.politeness.most_in_a_minute, self.politeness.most_open)
    }

    /// How often the client was started anew.
    pub fn restarts(&self) -> u64 {
        self.life
    }

    /// Walks the whole store.
    ///
    /// # Panics
    /// When something in it does not fit.
    pub fn check_store(&self) {
        self.client.store.check().expect("the store is whole");
    }

    /// What this peer has is no measure of the best chain, however it behaves.
    pub fn distrust(&mut self, actor: Actor) {
        self.actors[actor.0].is_trusted = false;
    }

    /// The main chains of the honest peers.
    pub fn honest_chains(&self) -> impl Iterator<Item = MainChain> {
        let honest = self.actors.iter().filter(|actor| actor.is_trusted);
        honest.map(|actor| actor.script.served.main().clone())
    }

    /// The best of them.
    pub fn best_honest(&self) -> Option<MainChain> {
        self.honest_chains().max_by_key(MainChain::weight)
    }

    // ---- events -------------------------------------------------------------------------------------------

    fn schedule(&mut self, at: Timestamp, event: Event) {
        self.sequence += 1;
        self.events.insert((at.max(self.now), self.sequence), event);
    }

    fn after(&mut self, delay: Duration, event: Event) {
        self.schedule(self.now.saturating_add(delay), event);
    }

    fn next_time(&self) -> Option<Timestamp> {
        let event = self.events.first_key_value().map(|((at, _), _)| *at);
        let timer = self.client.machine.next_timeout().map(|at| at.max(self.now));
        event.into_iter().chain(timer).min()
    }

    /// The next event, or the machine's timer if that is due first.
    fn step(&mut self) {
        let timer = self.client.machine.next_timeout();
        let event_time = self.events.first_key_value().map(|((at, _), _)| *at);
        match (event_time, timer) {
            (Some(event), timer) if timer.is_none_or(|timer| event <= timer.max(self.now)) => {
                self.now = event;
                self.idle_timers = 0;
                if let Some((_, event)) = self.events.pop_first() {
                    self.happen(event);
                }
            }
            (_, Some(timer)) => {
                if timer > self.now {
                    self.now = timer;
                    self.idle_timers = 0;
                }
                self.idle_timers += 1;
                assert!(
                    self.idle_timers < MOST_IDLE_TIMERS,
                    "at {} ms the machine wants to be woken at {} ms, again and again: {:?}",
                    self.now.as_millis(),
                    timer.as_millis(),
                    self.client.machine,
                );
                self.input(Input::TimerFired);
            }
            (_, None) => {}
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Connect(actor) => self.connect(actor),
            Event::Hangup(actor, peer) if self.is_current(actor, peer) => self.hang_up(actor),
            Event::ToPeer(actor, peer, message) if self.is_current(actor, peer) => {
                self.peer_receives(actor, peer, &message);
            }
            Event::ToClient(peer, message) if self.connections.contains_key(&peer) => {
                self.politeness.answered(peer, &message);
                self.input(Input::Message(peer, message));
            }
            Event::RepeatStatus(actor, peer) if self.is_current(actor, peer) => {
                self.send_status(actor, peer);
                self.after(self.actors[actor.0].script.status_interval, Event::RepeatStatus(actor, peer));
            }
            Event::Lie(actor, peer) if self.is_current(actor, peer) => self.lie(actor, peer),
            Event::Change(actor, index) => self.change(actor, index),
            Event::Verified(life, outcome) if life == self.life => self.input(Input::Verified(outcome)),
            Event::Durable(life, batch) if life == self.life => self.make_durable(&batch),
            Event::Loaded(life, headers) if life == self.life => self.input(Input::HeadersLoaded(headers)),
            Event::Restart => self.restart(),
            // A connection or a life that is over.
            _ => {}
        }
    }

    fn is_current(&self, actor: Actor, peer: PeerId) -> bool {
        self.actors[actor.0].connection == Some(peer)
    }

    // ---- peers --------------------------------------------------------------------------------------------

    fn connect(&mut self, actor: Actor) {
        if self.actors[actor.0].connection.is_some() {
            return;
        }
        self.next_peer += 1;
        let peer = PeerId(self.next_peer);
        let state = &mut self.actors[actor.0];
        state.connection = Some(peer);
        state.last_arrival = (self.now, self.now);
        self.connections.insert(peer, actor);
        self.input(Input::PeerConnected(peer));
        // The machine may have nothing against it yet, but the connection is what the events below need.
        self.send_status(actor, peer);
        self.after(self.actors[actor.0].script.status_interval, Event::RepeatStatus(actor, peer));
        if let Behaviour::LyingHeight(_) = self.actors[actor.0].script.behaviour {
            self.after(LIE_INTERVAL, Event::Lie(actor, peer));
        }
    }

    /// The connection ends, and the client learns of it.
    fn hang_up(&mut self, actor: Actor) {
        let Some(peer) = self.actors[actor.0].connection.take() else { return };
        self.connections.remove(&peer);
        self.politeness.disconnected(peer);
        if let Some(pause) = self.actors[actor.0].script.comes_back_after {
            self.after(pause, Event::Connect(actor));
        }
        self.input(Input::PeerDisconnected(peer));
    }

    fn peer_receives(&mut self, actor: Actor, peer: PeerId, message: &RskMessage) {
        let state = &mut self.actors[actor.0];
        let behaviour = state.script.behaviour;
        let answers = behaviour.answer(&state.script.served, message, &mut self.random);
        if answers.iter().any(|answer| matches!(answer, RskMessage::BlockHeadersResponse(_))) {
            state.answers_with_headers += 1;
            if let Behaviour::DisconnectsAtAnswer(count) = behaviour
                && state.answers_with_headers.is_multiple_of(count)
            {
                return self.hang_up(actor);
            }
        }
        for answer in answers {
            self.peer_sends(actor, peer, answer);
        }
    }

    fn peer_sends(&mut self, actor: Actor, peer: PeerId, message: RskMessage) {
        let state = &mut self.actors[actor.0];
        let latency = state.script.link.draw_latency(&mut self.random);
        let arrival = self.now.saturating_add(latency).max(state.last_arrival.1);
        state.last_arrival.1 = arrival;
        self.schedule(arrival, Event::ToClient(peer, message));
    }

    fn send_status(&mut self, actor: Actor, peer: PeerId) {
        let script = &self.actors[actor.0].script;
        let mut status = script.served.status();
        if let Behaviour::LyingHeight(above) = script.behaviour {
            status.number = status.number.saturating_add(above);
            status.best_hash = invented(status.number.get());
        }
        self.peer_sends(actor, peer, RskMessage::Status(status));
    }

    fn lie(&mut self, actor: Actor, peer: PeerId) {
        if let Behaviour::LyingHeight(above) = self.actors[actor.0].script.behaviour {
            let mut block = self.actors[actor.0].script.served.best();
            block.number = block.number.saturating_add(self.random.between(1, above));
            block.hash = invented(self.random.next_u64());
            self.peer_sends(actor, peer, announcement(block));
            self.after(LIE_INTERVAL, Event::Lie(actor, peer));
        }
    }

    fn change(&mut self, actor: Actor, index: usize) {
        let (_, change) = self.actors[actor.0].script.changes[index].clone();
        self.trace(|| match &change {
            Change::MainChain(main) => format!("{actor:?} has #{} {}", main.height, main.best().hash()),
            other => format!("{actor:?} changes: {other:?}"),
        });
        let script = &mut self.actors[actor.0].script;
        match change {
            Change::MainChain(main) => {
                script.served.adopt(main);
                let best = script.served.best();
                if let (Some(peer), true) = (
                    self.actors[actor.0].connection,
                    self.actors[actor.0].script.behaviour != Behaviour::Silent,
                ) {
                    self.peer_sends(actor, peer, announcement(best));
                }
            }
            Change::Lowest(lowest) => script.served.lowest = lowest,
            Change::Behaviour(behaviour) => script.behaviour = behaviour,
            Change::Drop => self.hang_up(actor),
        }
    }

    // ---- the client ---------------------------------------------------------------------------------------

    fn input(&mut self, input: Input) {
        self.trace(|| format!("< {}", describe(&input)));
        self.client.machine.handle(self.now, input);
        let life = self.life;
        while let Some(action) = self.client.machine.next_action() {
            self.trace(|| format!("> {}", describe(&action)));
            self.act(action);
            if self.life != life {
                return;
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send(peer, message) => self.client_sends(peer, message),
            Action::Verify(job) => {
                let outcome = job.run(self.wall(), &self.client.params);
                let time = self.about(self.verify_time);
                self.after(time, Event::Verified(self.life, Box::new(outcome)));
            }
            Action::Commit(batch) => {
                let time = self.about(self.commit_time);
                self.after(time, Event::Durable(self.life, batch));
            }
            Action::LoadHeaders { from, to } => {
                let headers = self.client.load_headers(from, to);
                let time = self.about(self.commit_time);
                self.after(time, Event::Loaded(self.life, headers));
            }
            Action::Disconnect(peer, fault) => {
                let Some(actor) = self.connections.get(&peer).copied() else { return };
                self.actors[actor.0].faults.push((self.now, fault));
                // The session's own end reaches the machine as an event of its own, a moment later.
                self.schedule(self.now, Event::Hangup(actor, peer));
            }
            Action::Report(report) => self.reports.push((self.now, report)),
        }
    }

    fn client_sends(&mut self, peer: PeerId, message: RskMessage) {
        let Some(actor) = self.connections.get(&peer).copied() else { return };
        self.politeness.message_sent(self.now, peer, &message, self.client.config.budget);
        let state = &mut self.actors[actor.0];
        let latency = state.script.link.draw_latency(&mut self.random);
        let arrival = self.now.saturating_add(latency).max(state.last_arrival.0);
        state.last_arrival.0 = arrival;
        if self.random.between(0, 999) >= state.script.link.loss_per_mille {
            self.schedule(arrival, Event::ToPeer(actor, peer, message));
        }
    }

    fn make_durable(&mut self, batch: &ChainBatch) {
        let dies = match self.crashes {
            CrashPlan::Never => false,
            CrashPlan::OneCommitIn(commits) => self.random.one_in(commits),
        };
        let was_durable = !dies || self.random.one_in(2);
        if was_durable {
            self.client.commit(batch);
        }
        if dies {
            self.restart();
        } else {
            self.input(Input::Committed);
        }
    }

    fn restart(&mut self) {
        self.trace(|| "the client dies".to_owned());
        self.life += 1;
        self.client.restart(self.now);
        let connected: Vec<Actor> = self.connections.values().copied().collect();
        for actor in connected {
            // The new machine knows nothing of the connections, and a disconnection means nothing to it.
            self.hang_up(actor);
        }
    }

    fn wall(&self) -> UnixTime {
        UnixTime::from_secs(self.wall_start.as_secs() + self.now.as_millis() / 1_000)
    }

    /// Half to one and a half of a duration.
    fn about(&mut self, duration: Duration) -> Duration {
        duration / 2 + Duration::from_micros(self.random.between(0, duration.as_micros() as u64))
    }

    fn trace(&self, line: impl FnOnce() -> String) {
        if self.traced {
            eprintln!("{:>9} ms {}", self.now.as_millis(), line());
        }
    }
}

/// One line, cut short.
fn describe(value: &impl core::fmt::Debug) -> String {
    let mut text = format!("{value:?}");
    if let Some((cut, _)) = text.char_indices().nth(220) {
        text.truncate(cut);
    }
    text
}
