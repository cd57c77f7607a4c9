//! The one task that owns the sync machine: feeds it what happens and does what it says.
//!
//! Per wake-up it takes in one input, so no peer can keep it from the others. Verifying and committing run on
//! blocking threads, one of each at a time.

use core::time::Duration;
use std::sync::Arc;

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time,
};

use super::{
    clock::Clock,
    connection::ConnectionEvent,
    diagnostic::Diagnostic,
    peers::Peers,
    rate::Rate,
    shared::SharedState,
    status::{RunState, WaitReason},
};
use crate::{
    chain::batch::ChainBatch,
    consensus::params::NetworkParams,
    primitives::{header::Header, number::BlockNumber, peer::PeerAddress},
    proto::{
        peers,
        sync::{Action, Input, Phase, SyncMachine, VerifyOutcome},
    },
    store::{StoreError, StoreView, Table},
    wire::rsk::RskMessage,
};

impl Work {
    /// Waits for what is under way; its outcome is too late to matter.
    async fn finish(&mut self) {
        if let Some(work) = self.verifying.take() {
            let _ = work.await;
        }
        if let Some(work) = self.loading.take() {
            let _ = work.await;
        }
    }
}

/// What a handle asks of the driver.
#[derive(Debug)]
pub(crate) enum Command {
    /// Tell peers, finish what is being written, end. The answer comes when all of it is done.
    Stop { deadline: Duration, done: oneshot::Sender<StopReport> },
    /// Tell the peer machine.
    Peers(Box<peers::Input>),
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StopReport {
    /// Peers that were told and whose connection ended in time.
    pub peers_told: usize,
    /// Connections that had to be cut when the deadline came.
    pub peers_cut: usize,
    /// False when something was still running at the deadline and was abandoned.
    pub in_time: bool,
}

/// Everything the driver owns.
pub(crate) struct Driver {
    pub machine: SyncMachine,
    pub params: Arc<NetworkParams>,
    pub shared: SharedState,
    pub clock: Clock,
    pub commands: mpsc::Receiver<Command>,
    pub events: mpsc::Receiver<ConnectionEvent>,
    pub peers: Peers,
    pub work: Work,
    pub rate: Rate,
    /// The store cannot be used any more: nothing is left to do but to be stopped.
    pub is_over: bool,
}

/// Tells everybody when the driver's task dies of a bug of ours, instead of leaving them to wait.
struct Alarm {
    shared: SharedState,
    stopping: watch::Sender<bool>,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stopping.send_replace(true);
            self.shared.update_status(|status| status.run = RunState::Crashed);
            self.shared.close();
        }
    }
}

/// How long the end may take when every handle is gone: peers are told, nobody waits.
const ABANDONED_DEADLINE: Duration = Duration::from_millis(500);

/// Work on blocking threads. At most one of each.
#[derive(Default)]
pub(crate) struct Work {
    verifying: Option<JoinHandle<VerifyOutcome>>,
    committing: Option<JoinHandle<Result<(), StoreError>>>,
    loading: Option<JoinHandle<Result<Vec<Header>, StoreError>>>,
}

impl Driver {
    /// Runs until told to stop, or until every handle is gone.
    pub async fn run(mut self, named: Vec<peers::Input>) {
        let _alarm = Alarm { shared: Arc::clone(&self.shared), stopping: self.peers.stopping.clone() };
        self.peers.start_discovery();
        // Told here, because dialling needs the runtime that this task is in.
        for input in named {
            self.peers.handle(input);
        }
        self.peers.handle(peers::Input::TimerFired);
        self.work_until_told().await;
    }

    async fn work_until_told(&mut self) {
        loop {
            if let Err(error) = self.perform_actions() {
                self.fail(error);
            }
            self.publish();
            // What has ended needs no place any more.
            while self.peers.tasks.try_join_next().is_some() {}
            // A failed client has nothing more to do, whatever its machine would like.
            let timeout = if self.has_failed() { None } else { self.next_timeout() };
            let timeout = timeout.map(|time| self.clock.instant(time));
            let input = tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Stop { deadline, done }) => {
                        let report = self.stop(deadline).await;
                        let _ = done.send(report);
                        return;
                    }
                    Some(Command::Peers(input)) => {
                        self.on_peers_command(*input);
                        continue;
                    }
                    None => {
                        self.stop(ABANDONED_DEADLINE).await;
                        return;
                    }
                },
                Some(event) = self.events.recv() => match self.on_connection(event) {
                    Some(input) => input,
                    None => continue,
                },
                outcome = finished(&mut self.work.verifying) => match outcome {
                    Some(outcome) => Input::Verified(Box::new(outcome)),
                    None => continue,
                },
                result = finished(&mut self.work.committing) => match result {
                    Some(Ok(())) => Input::Committed,
                    Some(Err(error)) => {
                        self.fail(error);
                        continue;
                    }
                    None => continue,
                },
                headers = finished(&mut self.work.loading) => match headers {
                    Some(Ok(headers)) => Input::HeadersLoaded(headers),
                    Some(Err(error)) => {
                        self.fail(error);
                        continue;
                    }
                    None => continue,
                },
                () = async {
                    match timeout {
                        Some(timeout) => time::sleep_until(timeout).await,
                        None => core::future::pending().await,
                    }
                } => Input::TimerFired,
            };
            if !self.has_failed() {
                let is_timer = matches!(input, Input::TimerFired);
                self.machine.handle(self.clock.now(), input);
                self.pass_on_credits();
                if is_timer {
                    self.peers.handle(peers::Input::TimerFired);
                }
            }
        }
    }

    fn next_timeout(&self) -> Option<crate::proto::time::Timestamp> {
        let (sync, peers) = (self.machine.next_timeout(), self.peers.machine.next_timeout());
        sync.into_iter().chain(peers).min()
    }

    fn on_peers_command(&mut self, input: peers::Input) {
        if self.has_failed() {
            return;
        }
        if let peers::Input::NetworkChanged { .. } = input {
            self.peers.renew_key();
        }
        self.peers.handle(input);
    }

    /// Who answers is a peer to count on; who served headers that were verified is one to keep.
    fn pass_on_credits(&mut self) {
        for (peer, credit) in self.machine.take_credits() {
            if credit.is_first_answer {
                self.peers.handle(peers::Input::Answered { peer });
            }
            if credit.headers == 0 {
                continue;
            }
            self.peers.handle(peers::Input::HeadersVerified {
                peer,
                headers: credit.headers,
                bytes: credit.bytes,
                waited: credit.waited,
                latency: credit.latency,
            });
        }
    }

    fn on_connection(&mut self, event: ConnectionEvent) -> Option<Input> {
        match event {
            ConnectionEvent::Incoming { stream, from } => {
                if !self.has_failed() {
                    self.peers.on_incoming(stream, from);
                }
                None
            }
            ConnectionEvent::Found { node, address } => {
                if !self.has_failed() {
                    self.peers.on_found(node, address);
                }
                None
            }
            ConnectionEvent::Lost { node, address } => {
                if !self.has_failed() {
                    let address = PeerAddress::from_ip(address.ip(), address.port());
                    self.peers.handle(peers::Input::Lost { node, address });
                }
                None
            }
            ConnectionEvent::Established { peer, node, remote, client_id, listen_port } => {
                let is_used = self.peers.on_established(peer, node, remote, client_id);
                self.peers.handle(peers::Input::Listens { peer, port: listen_port });
                is_used.then_some(Input::PeerConnected(peer))
            }
            ConnectionEvent::Message { peer, message } => {
                let blocks = match &message {
                    RskMessage::NewBlockHashes(announcement) => announcement.identifiers.len() as u64,
                    RskMessage::NewBlockHash(_) => 1,
                    _ => 0,
                };
                if blocks > 0 {
                    self.peers.handle(peers::Input::Announced { peer, blocks });
                }
                Some(Input::Message(peer, message))
            }
            ConnectionEvent::Unwanted { peer, messages, bytes } => {
                self.peers.handle(peers::Input::Unwanted { peer, messages, bytes });
                None
            }
            ConnectionEvent::Ended { peer, reason } => {
                self.peers.on_ended(peer, reason);
                Some(Input::PeerDisconnected(peer))
            }
        }
    }

    fn perform_actions(&mut self) -> Result<(), StoreError> {
        while let Some(peer) = self.peers.dropped.pop_front() {
            self.machine.handle(self.clock.now(), Input::PeerDisconnected(peer));
        }
        while let Some(action) = self.machine.next_action() {
            match action {
                Action::Send(peer, message) => {
                    if message.asks_for_large_answer() {
                        self.peers.forget_requests_but_of(peer);
                    }
                    if let Some(open) = self.peers.connections.get(&peer).filter(|open| !open.is_leaving) {
                        open.handle.send(message);
                    }
                }
                Action::Verify(job) => {
                    let (params, now) = (Arc::clone(&self.params), self.clock.wall());
                    let work = tokio::task::spawn_blocking(move || job.run(now, &params));
                    self.work.verifying = Some(work);
                }
                Action::Commit(batch) => {
                    let new_best = self.best_after(&batch)?;
                    let shared = Arc::clone(&self.shared);
                    let work = tokio::task::spawn_blocking(move || shared.commit(&batch, new_best));
                    self.work.committing = Some(work);
                }
                Action::LoadHeaders { from, to } => {
                    let (params, shared) = (Arc::clone(&self.params), Arc::clone(&self.shared));
                    let work = tokio::task::spawn_blocking(move || {
                        (from.get()..=to.get())
                            .map(|number| load_header(&shared.store, &params, BlockNumber::new(number)))
                            .collect()
                    });
                    self.work.loading = Some(work);
                }
                Action::Disconnect(peer, fault) => {
                    let mut problem = fault.to_string();
                    if let Some(open) = self.peers.connections.get(&peer) {
                        problem = format!("{}: {fault}", open.handle.address());
                    }
                    self.shared.update_status(|status| status.last_problem = Some(problem));
                    self.shared.diagnose(Diagnostic::Expelled { peer, fault: fault.clone() });
                    self.peers.handle(peers::Input::Fault { peer, fault });
                }
                Action::Report(report) => self.shared.diagnose(Diagnostic::Sync(report)),
            }
        }
        Ok(())
    }

    /// The header that is best once `batch` is durable.
    fn best_after(&self, batch: &ChainBatch) -> Result<Header, StoreError> {
        match batch.added.last() {
            Some(entry) => Ok(entry.header.clone()),
            None => load_header(&self.shared.store, &self.params, batch.common_ancestor.number),
        }
    }

    fn has_failed(&self) -> bool {
        self.is_over
    }

    /// The store cannot be used any more: peers are sent away, reads go on answering what they can.
    fn fail(&mut self, error: StoreError) {
        if error == StoreError::Closed {
            // The handles are gone, and the store with them.
            self.shared.update_status(|status| status.run = RunState::Stopped);
        } else {
            tracing::error!(%error, "the store failed; syncing has ended");
            self.shared.update_status(|status| status.run = RunState::Failed(error));
        }
        self.is_over = true;
        self.peers.stopping.send_replace(true);
        self.peers.handle(peers::Input::Stopping);
    }

    fn publish(&mut self) {
        self.peers.publish();
        use core::sync::atomic::Ordering;
        let progress = self.machine.progress();
        let best = self.shared.best();
        self.rate.update(self.clock.now(), progress.verified);
        let speed = self.rate.per_second();
        let received = self.shared.bytes_received.load(Ordering::Relaxed);
        let sent = self.shared.bytes_sent.load(Ordering::Relaxed);
        let is_over = self.is_over;
        self.shared.update_status(|status| {
            if !is_over {
                status.run = match progress.phase {
                    Phase::NoPeers if matches!(status.run, RunState::Starting) => RunState::Starting,
                    Phase::NoPeers => RunState::Waiting(WaitReason::NoPeers),
                    Phase::FetchingAncestors | Phase::FindingConnectionPoint | Phase::Downloading => {
                        RunState::Syncing
                    }
                    // Following is said of what is durable: not while the last blocks are being written.
                    Phase::Following if progress.head.hash == best.hash() => RunState::Following,
                    Phase::Following => RunState::Syncing,
                    Phase::Waiting => RunState::Waiting(WaitReason::Retry),
                };
            }
            status.head = crate::chain::record::BlockId { number: best.number(), hash: best.hash() };
            status.head_time = best.timestamp();
            status.header_difficulty_sum = progress.header_difficulty_sum;
            status.peers = if is_over { 0 } else { progress.peers };
            status.peers_claim = progress.claimed;
            status.fork_detection_from = progress.fork_detection_from;
            let left = progress.claimed.map(|claimed| claimed.blocks_above(best.number()));
            status.progress.headers_verified = progress.verified;
            status.progress.headers_per_second = speed;
            status.progress.bytes_received = received;
            status.progress.bytes_sent = sent;
            status.progress.time_left =
                left.filter(|_| speed > 0).map(|left| Duration::from_secs(left.div_ceil(speed.max(1))));
        });
    }

    /// Ends everything, at most until the deadline.
    async fn stop(&mut self, deadline: Duration) -> StopReport {
        let connected = self.peers.established();
        self.peers.stopping.send_replace(true);
        self.peers.handle(peers::Input::Stopping);
        let ended = time::timeout(deadline, async {
            self.finish_writing().await;
            self.await_connections().await;
            self.peers.finish_writing().await;
            self.work.finish().await;
        });
        let in_time = ended.await.is_ok();
        let peers_cut = if in_time { 0 } else { self.peers.tasks.len().min(connected) };
        self.peers.tasks.shutdown().await;
        // The last commit is part of the last figures.
        self.publish();
        self.shared.update_status(|status| {
            if !matches!(status.run, RunState::Failed(_)) {
                status.run = RunState::Stopped;
            }
            status.peers = 0;
        });
        StopReport { peers_told: connected - peers_cut, peers_cut, in_time }
    }

    /// Lets a commit under way finish, and commits what was verified since.
    async fn finish_writing(&mut self) {
        if let Some(handle) = self.work.committing.take() {
            match handle.await {
                Ok(Ok(())) => self.machine.handle(self.clock.now(), Input::Committed),
                Ok(Err(error)) => return self.fail(error),
                Err(_) => return,
            }
            // The input may have led to the next commit already: the final batch comes from what is left.
        }
        let next = self.take_commit_action().or_else(|| self.machine.take_final_batch(self.clock.now()));
        let Some(batch) = next.filter(|_| !self.has_failed()) else { return };
        let committed = match self.best_after(&batch) {
            Ok(new_best) => {
                let shared = Arc::clone(&self.shared);
                tokio::task::spawn_blocking(move || shared.commit(&batch, new_best)).await.unwrap_or(Ok(()))
            }
            Err(error) => Err(error),
        };
        if let Err(error) = committed {
            self.fail(error);
        }
    }

    /// The batch of a commit that the machine asks for; everything else it asks for is too late.
    fn take_commit_action(&mut self) -> Option<ChainBatch> {
        let mut batch = None;
        while let Some(action) = self.machine.next_action() {
            if let Action::Commit(commit) = action {
                batch = Some(*commit);
            }
        }
        batch
    }

    /// Waits until every connection has ended. Of what they still tell only the ends matter.
    async fn await_connections(&mut self) {
        loop {
            tokio::select! {
                ended = self.peers.tasks.join_next() => if ended.is_none() { return },
                Some(event) = self.events.recv() => {
                    if let ConnectionEvent::Ended { peer, reason } = event {
                        self.peers.on_ended(peer, reason);
                    }
                }
            }
        }
    }
}

/// Reads and decodes one canonical header.
pub(crate) fn load_header(
    store: &dyn StoreView,
    params: &NetworkParams,
    number: BlockNumber,
) -> Result<Header, StoreError> {
    let damaged = || StoreError::Corrupt { table: Table::Wire, key: number.to_string() };
    let raw = store.wire(number)?.ok_or_else(damaged)?;
    Header::decode(&raw, &params.activations).map_err(|_| damaged())
}

/// Waits for work that is under way; for ever when none is. `None` when the work was cancelled.
async fn finished<T>(work: &mut Option<JoinHandle<T>>) -> Option<T> {
    match work.as_mut() {
        Some(handle) => {
            let outcome = handle.await;
            *work = None;
            match outcome {
                Ok(value) => Some(value),
                // Our own panic: it must not be swallowed.
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => None,
            }
        }
        None => core::future::pending().await,
    }
}
