//! `LightClient`: cheap to clone, safe to use from any thread, never blocks without bound.

use core::{fmt, time::Duration};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    runtime::{Handle, Runtime},
    sync::{broadcast, mpsc, oneshot, watch},
    task::JoinSet,
};

use super::{
    builder::{Builder, RuntimeChoice, Settings, load_tail},
    events::SubscribeOptions,
    subscription::{SubscribeError, Subscription},
};
use crate::{
    consensus::network::Network,
    primitives::{hash::BlockHash, header::Header, number::BlockNumber},
    proto::sync::{SyncConfig, SyncMachine},
    runtime::{
        Rate,
        clock::Clock,
        diagnostic::Diagnostic,
        dialer::Dialer,
        driver::{Command, Driver, StopReport, Work, load_header},
        shared::SharedState,
        status::{RunState, Status},
    },
    store::{HashLookup, Store, StoreError, StoreView},
};

/// Connection events that may wait for the driver; a full queue makes the sockets wait.
const EVENTS_QUEUED: usize = 64;
/// Commands that may wait for the driver.
const COMMANDS_QUEUED: usize = 4;
/// Blocking threads of an owned runtime: one verifies, one commits or reads.
const BLOCKING_THREADS: usize = 3;
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
}

enum Lifecycle {
    Built,
    Running { commands: mpsc::Sender<Command>, owned: Option<Runtime> },
    Stopped,
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
        Self { inner: Arc::new(Inner { settings, shared, clock, lifecycle: Mutex::new(Lifecycle::Built) }) }
    }

    /// Starts to find peers and follow the chain. Returns at once; a second call does nothing.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(&self) -> Result<(), StartError> {
        let mut lifecycle = self.inner.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
        match *lifecycle {
            Lifecycle::Running { .. } => return Ok(()),
            Lifecycle::Stopped => return Err(StartError::Stopped),
            Lifecycle::Built => {}
        }
        let (owned, handle) = match &self.inner.settings.runtime {
            RuntimeChoice::Given(handle) => (None, handle.clone()),
            RuntimeChoice::Owned { workers } => {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(*workers)
                    .max_blocking_threads(BLOCKING_THREADS)
                    .thread_name("rustock")
                    .enable_all()
                    .build()
                    .map_err(|error| StartError::Runtime { reason: error.to_string() })?;
                let handle = runtime.handle().clone();
                (Some(runtime), handle)
            }
        };
        let commands = self.spawn_driver(&handle)?;
        *lifecycle = Lifecycle::Running { commands, owned };
        Ok(())
    }

    fn spawn_driver(&self, handle: &Handle) -> Result<mpsc::Sender<Command>, StartError> {
        let Inner { settings, shared, clock, .. } = &*self.inner;
        let tail = load_tail(&shared.store)?;
        let base = shared.store.base()?;
        let session = &settings.session;
        let machine = SyncMachine::new(
            (*settings.params).clone(),
            SyncConfig { budget: settings.budget, status: session.status() },
            tail,
            base.parent_hash,
            shared.store.fork_detection_from()?,
            clock.now(),
        );
        let (event_sender, events) = mpsc::channel(EVENTS_QUEUED);
        let (commands, command_receiver) = mpsc::channel(COMMANDS_QUEUED);
        let stopping = watch::Sender::new(false);
        let mut dialers = JoinSet::new();
        for (enode, slot) in settings.peers.iter().zip(0..) {
            let dialer = Dialer {
                slot,
                enode: enode.clone(),
                settings: session.clone(),
                events: event_sender.clone(),
                shared: Arc::clone(shared),
                clock: *clock,
                stopping: stopping.subscribe(),
            };
            dialers.spawn_on(dialer.run(), handle);
        }
        let driver = Driver {
            machine,
            params: Arc::clone(&settings.params),
            shared: Arc::clone(shared),
            clock: *clock,
            commands: command_receiver,
            events,
            dialers,
            stopping,
            connections: BTreeMap::new(),
            work: Work::default(),
            rate: Rate::default(),
        };
        shared.update_status(|status| status.run = RunState::Starting);
        handle.spawn(driver.run());
        Ok(commands)
    }

    /// Stops: peers are told, what was verified is written, the store is closed, every task and thread of the
    /// client ends. At the deadline the rest is cut off. Safe to call twice; needs no particular executor.
    pub async fn stop(&self, deadline: Duration) -> StopReport {
        let before = {
            let mut lifecycle = self.inner.lifecycle.lock().unwrap_or_else(PoisonError::into_inner);
            core::mem::replace(&mut *lifecycle, Lifecycle::Stopped)
        };
        let mut report = StopReport { in_time: true, ..StopReport::default() };
        if let Lifecycle::Running { commands, owned } = before {
            let (done, answer) = oneshot::channel();
            if commands.send(Command::Stop { deadline, done }).await.is_ok() {
                report = answer.await.unwrap_or_default();
            }
            if let Some(runtime) = owned {
                end_runtime(runtime, deadline).await;
            }
        }
        self.inner.shared.close();
        report
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
        if let Lifecycle::Running { commands, owned } = core::mem::replace(lifecycle, Lifecycle::Stopped) {
            // The driver ends by itself once no command can come any more.
            drop(commands);
            if let Some(runtime) = owned {
                // From a thread of its own: a runtime must not be waited for inside another one.
                let ending = std::thread::spawn(move || runtime.shutdown_timeout(DROP_DEADLINE));
                let _ = ending.join();
            }
            self.shared.close();
        }
    }
}

/// Ends an owned runtime and joins its threads, from any executor.
async fn end_runtime(runtime: Runtime, deadline: Duration) {
    let (done, ended) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        runtime.shutdown_timeout(deadline);
        let _ = done.send(());
    });
    let _ = ended.await;
    let _ = thread.join();
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
