//! `LightClient`: cheap to clone, safe to use from any thread, never blocks without bound.

use core::{fmt, net::SocketAddr, time::Duration};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::{
    net::TcpListener,
    runtime::{Handle, Runtime},
    sync::{broadcast, mpsc, oneshot, watch},
    task::JoinSet,
};

use super::{
    builder::{Builder, RuntimeChoice, Settings, load_tail},
    events::SubscribeOptions,
    peers::PeerError,
    subscription::{SubscribeError, Subscription},
};
use crate::{
    consensus::network::Network,
    primitives::peer::PeerBatch,
    primitives::{hash::BlockHash, header::Header, number::BlockNumber},
    proto::{
        peers::{Input, PeerMachine},
        sync::{SyncConfig, SyncMachine},
    },
    runtime::{
        Rate,
        clock::Clock,
        diagnostic::Diagnostic,
        driver::{Command, Driver, StopReport, Work, load_header},
        entropy::random_seed,
        listener::{bind, listen},
        peers::Peers,
        shared::SharedState,
        status::{RunState, Status},
    },
    store::{HashLookup, Store, StoreError, StoreView, StoredPeers},
};

/// Connection events that may wait for the driver; a full queue makes the sockets wait.
const EVENTS_QUEUED: usize = 64;
/// Commands that may wait for the driver.
const COMMANDS_QUEUED: usize = 64;
/// Blocking threads of an owned runtime: one verifies, one commits or reads.
const BLOCKING_THREADS: usize = 3;
/// What ending a thread may take even when the time is up.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
/// How long dropping the last handle may wait for tasks to end.
const DROP_DEADLINE: Duration = Duration::from_millis(500);

/// A light client of one network. Clones share it; dropping the last one stops it.
#[derive(Clone)]
pub struct LightClient {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    shared: SharedState,
    clock: Clock,
    lifecycle: Mutex<Lifecycle>,
    listening_on: Mutex<Option<SocketAddr>>,
}

enum Lifecycle {
    Built,
    Running(Running),
    /// The first `stop` is at work; further ones wait for its report.
    Stopping(watch::Receiver<Option<StopReport>>),
    Stopped,
}

struct Running {
    commands: mpsc::Sender<Command>,
    owned: OwnedRuntime,
}

/// The client's own runtime, if it has one. May be dropped anywhere: tokio's own panics inside async code.
#[derive(Default)]
struct OwnedRuntime(Option<Runtime>);

impl Drop for OwnedRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Why a client did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It was stopped: build another one.
    #[error("the client was stopped; build another one")]
    Stopped,
    /// The chain could not be read back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no threads for the runtime.
    #[error("cannot start threads: {reason}")]
    Runtime {
        /// The system's words.
        reason: String,
    },
    /// The address to listen on cannot be had.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's words.
        reason: String,
    },
    /// The system gave no randomness.
    #[error("the system gave no random bytes: {reason}")]
    Randomness {
        /// The system's words.
        reason: String,
    },
}

/// Why a header could not be looked up by hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderLookupError {
    /// Only the newest 8,192 blocks can be found by hash; this one may be older. Ask by number.
    #[error("only the newest blocks can be found by hash; ask by number")]
    NotIndexed,
    /// The block was abandoned by a reorganisation; its header is not kept.
    #[error("the block at height {number} was abandoned by a reorganisation")]
    Abandoned {
        /// Its height.
        number: BlockNumber,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LightClient {
    /// Begins to configure a client. Defaults fit a phone.
    pub fn builder(network: Network) -> Builder {
        Builder::new(network)
    }

    pub(super) fn new(settings: Settings, shared: SharedState, clock: Clock) -> Self {
        let (lifecycle, listening_on) = (Mutex::new(Lifecycle::Built), Mutex::new(None));
        Self { inner: Arc::new(Inner { settings, shared, clock, lifecycle, listening_on }) }
    }

    /// Starts to find peers and follow the chain. Returns at once; a second call does nothing.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(&self) -> Result<(), StartError> {
        let mut lifecycle = self.inner.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        match *lifecycle {
            Lifecycle::Running(_) => return Ok(()),
            Lifecycle::Stopping(_) | Lifecycle::Stopped => return Err(StartError::Stopped),
            Lifecycle::Built => {}
        }
        // Read before there is a runtime, so that a failure leaves nothing behind.
        let machine = self.machine()?;
        let peer_machine = self.peer_machine()?;
        let (owned, handle) = match &self.inner.settings.runtime {
            RuntimeChoice::Given(handle) => (OwnedRuntime::default(), handle.clone()),
            RuntimeChoice::Owned { workers } => {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(*workers)
                    .max_blocking_threads(BLOCKING_THREADS)
                    .thread_name("rustock")
                    .enable_all()
                    .build()
                    .map_err(|error| StartError::Runtime { reason: error.to_string() })?;
                let handle = runtime.handle().clone();
                (OwnedRuntime(Some(runtime)), handle)
            }
        };
        let listener = self.listen_on(&handle)?;
        let commands = self.spawn_driver(&handle, machine, peer_machine, listener);
        *lifecycle = Lifecycle::Running(Running { commands, owned });
        Ok(())
    }

    /// The sync machine, going on from the stored chain.
    fn machine(&self) -> Result<SyncMachine, StoreError> {
        let Inner { settings, shared, clock, .. } = &*self.inner;
        Ok(SyncMachine::new(
            (*settings.params).clone(),
            SyncConfig { budget: settings.budget, status: settings.session.status() },
            load_tail(&shared.store)?,
            shared.store.base()?,
            shared.store.fork_detection_from()?,
            clock.now(),
        ))
    }

    /// The peer machine, going on from what is remembered.
    fn peer_machine(&self) -> Result<PeerMachine, StartError> {
        let Inner { settings, shared, clock, .. } = &*self.inner;
        let StoredPeers { saved, lost } = shared.store.peers()?;
        if !lost.is_nothing() {
            tracing::warn!(%lost, "what was remembered of peers is damaged");
            shared.diagnose(Diagnostic::PeersLost(lost));
        }
        let seed = random_seed().map_err(|reason| StartError::Randomness { reason })?;
        let (seed, _) = seed.split_first_chunk().expect("thirty-two bytes");
        let seed = u64::from_be_bytes(*seed);
        Ok(PeerMachine::new(settings.peer_config.clone(), saved, seed, clock.now(), clock.wall()))
    }

    /// The listening socket, where one was asked for.
    fn listen_on(&self, handle: &Handle) -> Result<Option<TcpListener>, StartError> {
        let Some(address) = self.inner.settings.listen else { return Ok(None) };
        let failed = |error: std::io::Error| StartError::Listen { address, reason: error.to_string() };
        let _inside = handle.enter();
        let with_udp = self.inner.settings.discovery.is_some();
        let listener = bind(address, with_udp).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        *self.inner.listening_on.lock().unwrap_or_else(PoisonError::into_inner) = Some(bound);
        Ok(Some(listener))
    }

    /// Where peers can connect to us; none unless the builder was told to listen and the client was started.
    pub fn listening_on(&self) -> Option<SocketAddr> {
        *self.inner.listening_on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shared(&self) -> &SharedState {
        &self.inner.shared
    }

    pub(super) fn clock(&self) -> Clock {
        self.inner.clock
    }

    pub(super) fn is_running(&self) -> bool {
        let lifecycle = self.inner.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(*lifecycle, Lifecycle::Running(_))
    }

    /// Tells the peer machine of a running client.
    pub(super) fn tell_peers(&self, input: Input) -> Result<(), PeerError> {
        let lifecycle = self.inner.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        let Lifecycle::Running(running) = &*lifecycle else { return Err(PeerError::NotRunning) };
        running.commands.try_send(Command::Peers(Box::new(input))).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PeerError::Busy,
            mpsc::error::TrySendError::Closed(_) => PeerError::NotRunning,
        })
    }

    fn spawn_driver(
        &self,
        handle: &Handle,
        machine: SyncMachine,
        peer_machine: PeerMachine,
        listener: Option<TcpListener>,
    ) -> mpsc::Sender<Command> {
        let Inner { settings, shared, clock, .. } = &*self.inner;
        let (event_sender, events) = mpsc::channel(EVENTS_QUEUED);
        let (commands, command_receiver) = mpsc::channel(COMMANDS_QUEUED);
        let stopping = watch::Sender::new(false);
        let mut session = settings.session.clone();
        let mut discovery = settings.discovery.clone();
        let mut tasks = JoinSet::new();
        let is_listening = listener.is_some();
        if let Some(listener) = listener {
            if let Ok(address) = listener.local_addr() {
                session.set_listen_port(address.port());
                // rskj dials the address that it hears from by UDP, and expects the same id there.
                if let Some(discovery) = &mut discovery {
                    discovery.listen = vec![address];
                    discovery.key = Some(session.key().clone());
                }
            }
            tasks.spawn_on(listen(listener, event_sender.clone(), stopping.subscribe()), handle);
        }
        let peers = Peers {
            machine: peer_machine,
            settings: session,
            has_fixed_key: settings.has_fixed_key || is_listening,
            shared: Arc::clone(shared),
            clock: *clock,
            events: event_sender,
            tasks,
            stopping,
            wants_peers: watch::Sender::new(false),
            network_changes: watch::Sender::new(0),
            discovery,
            connections: BTreeMap::new(),
            asked: Default::default(),
            incoming: BTreeMap::new(),
            tickets: 0,
            dropped: VecDeque::new(),
            persisting: None,
            bans: Default::default(),
            have_bans_changed: true,
            waiting_batch: PeerBatch::default(),
            has_changed: true,
        };
        let driver = Driver {
            machine,
            params: Arc::clone(&settings.params),
            shared: Arc::clone(shared),
            clock: *clock,
            commands: command_receiver,
            events,
            peers,
            work: Work::default(),
            rate: Rate::default(),
            is_over: false,
        };
        shared.update_status(|status| status.run = RunState::Starting);
        handle.spawn(driver.run(settings.named_peers.clone()));
        commands
    }

    /// Stops: peers are told, what was verified is written, the store is closed, every task and thread of the
    /// client ends. At the deadline the rest is cut off. Safe to call twice, also at the same time; needs no
    /// particular executor. Cancelling it leaves the rest to go on in the background.
    pub async fn stop(&self, deadline: Duration) -> StopReport {
        let end = Instant::now() + deadline;
        let nothing_to_do = StopReport { in_time: true, ..StopReport::default() };
        let (running, mut done) = {
            let mut lifecycle = self.inner.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
            match core::mem::replace(&mut *lifecycle, Lifecycle::Stopped) {
                Lifecycle::Running(running) => {
                    let (done, report) = watch::channel(None);
                    *lifecycle = Lifecycle::Stopping(report.clone());
                    let inner = Arc::clone(&self.inner);
                    (Some((running, Stopping { inner, done })), report)
                }
                Lifecycle::Stopping(report) => {
                    *lifecycle = Lifecycle::Stopping(report.clone());
                    (None, report)
                }
                Lifecycle::Built | Lifecycle::Stopped => {
                    drop(lifecycle);
                    self.inner.shared.close();
                    return nothing_to_do;
                }
            }
        };
        if let Some((running, stopping)) = running {
            stopping.run(running, end).await;
        }
        let report = done.wait_for(Option::is_some).await.ok().and_then(|report| *report);
        report.unwrap_or_default()
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.inner.settings.network
    }

    /// The latest state, from a snapshot.
    pub fn status(&self) -> Status {
        self.inner.shared.status()
    }

    /// Waits for changes of the state.
    pub fn watch_status(&self) -> StatusWatch {
        StatusWatch { shared: Arc::clone(&self.inner.shared), seen: None }
    }

    /// The best verified header that is durable; the base's right after build. From a snapshot.
    pub fn best_header(&self) -> Header {
        self.inner.shared.best()
    }

    /// The canonical header at a height; `None` below the base and above the head.
    ///
    /// # Errors
    /// [`StoreError`]; `Closed` after `stop`.
    pub fn header_by_number(&self, number: BlockNumber) -> Result<Option<Header>, StoreError> {
        let view = self.inner.shared.store.snapshot()?;
        if view.record(number)?.is_none() {
            return Ok(None);
        }
        load_header(&*view, &self.inner.settings.params, number).map(Some)
    }

    /// The canonical header with a hash; `None` when the client has no such block. Only the newest 8,192 blocks can be
    /// found this way.
    ///
    /// # Errors
    /// [`HeaderLookupError`].
    pub fn header_by_hash(&self, hash: &BlockHash) -> Result<Option<Header>, HeaderLookupError> {
        let view = self.inner.shared.store.snapshot()?;
        match view.find(hash)? {
            HashLookup::Canonical(number) => {
                Ok(Some(load_header(&*view, &self.inner.settings.params, number)?))
            }
            HashLookup::Abandoned(number) => Err(HeaderLookupError::Abandoned { number }),
            HashLookup::NotIndexed => Err(HeaderLookupError::NotIndexed),
            HashLookup::Unknown => Ok(None),
        }
    }

    /// Subscribes to changes of the chain.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub fn subscribe(&self, options: SubscribeOptions) -> Result<Subscription, SubscribeError> {
        let network = self.inner.settings.params.chain_id as u8;
        Subscription::new(Arc::clone(&self.inner.shared), network, options)
    }

    /// What happens on the network side, for logs. Bounded and lossy; says how much was lost.
    pub fn diagnostics(&self) -> Diagnostics {
        Diagnostics { receiver: self.inner.shared.diagnostics.subscribe() }
    }
}

impl fmt::Debug for LightClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LightClient")
            .field("network", &self.network().name())
            .field("head", &self.best_header().number().get())
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let lifecycle = self.lifecycle.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Lifecycle::Running(mut running) = core::mem::replace(lifecycle, Lifecycle::Stopped) {
            // The driver ends by itself once no command can come any more.
            drop(running.commands);
            if let Some(runtime) = running.owned.0.take() {
                // From a thread of its own: a runtime must not be waited for inside another one.
                let ending = spawn_thread(move || runtime.shutdown_timeout(DROP_DEADLINE));
                if let Some(ending) = ending {
                    let _ = ending.join();
                }
            }
        }
        // Whoever still waits for an event of this client is woken, started or not.
        self.shared.close();
    }
}

/// A stop under way. However it ends, cancelled too, the store is closed and others that stop are answered.
struct Stopping {
    inner: Arc<Inner>,
    done: watch::Sender<Option<StopReport>>,
}

impl Stopping {
    async fn run(self, mut running: Running, end: Instant) {
        let mut report = StopReport::default();
        let (answer_sender, answer) = oneshot::channel();
        let deadline = end.saturating_duration_since(Instant::now());
        if running.commands.send(Command::Stop { deadline, done: answer_sender }).await.is_ok() {
            report = answer.await.unwrap_or_default();
        }
        let (ended_sender, ended) = oneshot::channel();
        let (shared, runtime) = (Arc::clone(&self.inner.shared), running.owned.0.take());
        let closing = spawn_thread(move || {
            let _ = ended_sender.send(end_runtime_and_close(&shared, runtime, end));
        });
        if closing.is_some() {
            report.in_time &= ended.await.unwrap_or(false);
        }
        if let Some(closing) = closing {
            let _ = closing.join();
        }
        self.done.send_replace(Some(report));
    }
}

impl Drop for Stopping {
    fn drop(&mut self) {
        let mut lifecycle = self.inner.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        *lifecycle = Lifecycle::Stopped;
        drop(lifecycle);
        if self.done.borrow().is_none() {
            // Cancelled, or there was no thread to close the store on.
            let shared = Arc::clone(&self.inner.shared);
            if spawn_thread(move || shared.close()).is_none() {
                self.inner.shared.close();
            }
            self.done.send_replace(Some(StopReport::default()));
        }
    }
}

/// Ends an owned runtime, then closes the store; true when both were done at the end of the time. What takes
/// longer goes on by itself.
fn end_runtime_and_close(shared: &SharedState, runtime: Option<Runtime>, end: Instant) -> bool {
    let (done, ended) = std::sync::mpsc::sync_channel(1);
    let shared = Arc::clone(shared);
    let left = move || end.saturating_duration_since(Instant::now()).max(SHORTEST_WAIT);
    let ending = spawn_thread(move || {
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(left());
        }
        shared.close();
        let _ = done.send(());
    });
    let in_time = ended.recv_timeout(left() + SHORTEST_WAIT).is_ok();
    if let Some(ending) = ending
        && in_time
    {
        let _ = ending.join();
    }
    in_time
}

/// A thread, unless the system has none to give.
fn spawn_thread(work: impl FnOnce() + Send + 'static) -> Option<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name("rustock-stop".to_owned()).spawn(work).ok()
}

/// Waits for the state to change.
#[derive(Debug)]
pub struct StatusWatch {
    shared: SharedState,
    seen: Option<u64>,
}

impl StatusWatch {
    /// The state: at once the first time, then whenever it has changed since the last call; states in between
    /// may be skipped.
    pub async fn next(&mut self) -> Status {
        if let Some(seen) = self.seen {
            self.shared.status_changed.changed(seen).await;
        }
        self.seen = Some(self.shared.status_changed.version());
        self.shared.status()
    }
}

/// Reads diagnostics.
#[derive(Debug)]
pub struct Diagnostics {
    receiver: broadcast::Receiver<Diagnostic>,
}

/// One diagnostic, or how many were lost.
#[derive(Debug, Clone)]
pub enum NextDiagnostic {
    /// The next one.
    Event(Box<Diagnostic>),
    /// This many were lost because they were not read in time.
    Lost(u64),
}

impl Diagnostics {
    /// The next diagnostic; `None` once the client is gone.
    pub async fn next(&mut self) -> Option<NextDiagnostic> {
        match self.receiver.recv().await {
            Ok(diagnostic) => Some(NextDiagnostic::Event(Box::new(diagnostic))),
            Err(broadcast::error::RecvError::Lagged(lost)) => Some(NextDiagnostic::Lost(lost)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
