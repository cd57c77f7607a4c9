//! The test peer behind a socket: starts, shows its enode, serves until it is stopped.

use core::{net::SocketAddr, time::Duration};
use std::{io, sync::Arc};

use rustock_core::{
    DiscoveryCommand, DiscoveryEvent, UdpDiscovery, UdpSettings,
    consensus::params::NetworkParams,
    proto::discovery::{BootNode, DiscoveryConfig},
    wire::{
        rlpx::{enode::Enode, keys::SecretKey},
        rsk::BlockIdentifier,
    },
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval_at, timeout},
};

use super::{
    connection,
    misbehaviour::Misbehaviour,
    pacing::Pace,
    served_chain::ServedChain,
    shared::{PeerCounters, Shared, Signal},
};
use crate::chainkit::Random;

/// Connections at a time; rskj accepts no more from one neighbourhood of addresses, and closes the socket of the
/// next without a byte.
const MAX_CONNECTIONS: usize = 16;
/// Ports that are tried where any will do, until one is free for both sockets.
const PORT_DRAWS: usize = 16;
/// How long connections may take to say goodbye.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// What a peer serves, and how.
#[derive(Debug, Clone)]
pub struct TestPeerOptions {
    /// The network that the peer says it is on.
    pub params: Arc<NetworkParams>,
    /// What it shows.
    pub chain: ServedChain,
    /// Where it listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The seed of its node key; random when `None`.
    pub key_seed: Option<u64>,
    /// How fast it answers.
    pub pace: Pace,
    /// How often it shows a block more; it grows by [`TestPeer::grow`] alone when `None`.
    pub grow_every: Option<Duration>,
    /// What it does wrong.
    pub misbehaviour: Misbehaviour,
    /// Where discovery starts; none keeps the peer off UDP. With it the peer answers by UDP at the port and under
    /// the key of its connections, as rskj does.
    pub discovery: Option<Vec<BootNode>>,
    /// How it names its software.
    pub client_id: String,
    /// Whether it offers to compress what it sends. rskj does not.
    pub snappy: bool,
}

impl TestPeerOptions {
    /// An honest peer on a free port of this machine, at rskj's pace.
    pub fn new(params: impl Into<Arc<NetworkParams>>, chain: ServedChain) -> Self {
        Self {
            params: params.into(),
            chain,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            key_seed: None,
            pace: Pace::Rskj,
            grow_every: None,
            misbehaviour: Misbehaviour::None,
            discovery: None,
            client_id: "rustock-test-peer".to_owned(),
            snappy: true,
        }
    }
}

/// A running peer. Dropping it breaks its connections; [`TestPeer::stop`] says goodbye first.
#[derive(Debug)]
pub struct TestPeer {
    enode: Enode,
    local_addr: SocketAddr,
    shared: Arc<Shared>,
    stopping: watch::Sender<bool>,
    listener: JoinHandle<()>,
    discovery: Option<Discovering>,
}

/// Discovery under way; ends when it is dropped.
#[derive(Debug)]
struct Discovering {
    commands: mpsc::Sender<DiscoveryCommand>,
    /// Nobody here wants to know; what finds no room is dropped.
    _events: mpsc::Receiver<DiscoveryEvent>,
    task: JoinHandle<()>,
}

impl TestPeer {
    /// Starts to listen. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the system has no randomness to give.
    ///
    /// # Panics
    /// When the network of the options has no genesis.
    pub async fn start(options: TestPeerOptions) -> io::Result<Self> {
        let key = node_key(options.key_seed)?;
        let (listener, udp) = bind(&options, &key).await?;
        let local_addr = listener.local_addr()?;
        let enode = enode(&key, local_addr);
        let shared = Arc::new(Shared::new(options, key, local_addr.port()));
        let (stopping, stop_requested) = watch::channel(false);
        let listener = tokio::spawn(listen(Arc::clone(&shared), listener, stop_requested));
        let discovery = udp.map(|udp| {
            let (events_sender, events) = mpsc::channel(1);
            let (commands, command_receiver) = mpsc::channel(1);
            let task = tokio::spawn(udp.run(events_sender, command_receiver));
            Discovering { commands, _events: events, task }
        });
        Ok(Self { enode, local_addr, shared, stopping, listener, discovery })
    }

    /// How to reach the peer.
    pub fn enode(&self) -> &Enode {
        &self.enode
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Shows one block more, or the other branch when its time has come, and announces it. `None` when there is
    /// nothing more to show.
    pub fn grow(&self) -> Option<BlockIdentifier> {
        self.shared.grow()
    }

    /// The highest block shown.
    pub fn best(&self) -> BlockIdentifier {
        self.shared.chain().best_identifier()
    }

    /// Breaks every connection there is without a word. New ones are accepted.
    pub fn break_connections(&self) {
        // Without a connection nobody listens, and nobody has to.
        let _ = self.shared.signals.send(Signal::Break);
    }

    /// What went through so far.
    pub fn counters(&self) -> PeerCounters {
        self.shared.counting.read()
    }

    /// Stops listening, tells every remote that the peer is going away, and waits until they are told, at most
    /// five seconds. What went through until then.
    pub async fn stop(mut self) -> PeerCounters {
        self.stopping.send_replace(true);
        if timeout(STOP_DEADLINE, &mut self.listener).await.is_err() {
            self.listener.abort();
        }
        if let Some(discovery) = self.discovery.take() {
            drop(discovery.commands);
            // It ends by itself: nothing that it does takes time.
            let _ = timeout(STOP_DEADLINE, discovery.task).await;
        }
        self.counters()
    }
}

impl Drop for TestPeer {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Both sockets, on one port.
async fn bind(options: &TestPeerOptions, key: &SecretKey) -> io::Result<(TcpListener, Option<UdpDiscovery>)> {
    let mut draws = if options.listen.port() == 0 { PORT_DRAWS } else { 1 };
    loop {
        draws -= 1;
        let listener = TcpListener::bind(options.listen).await?;
        let Some(boot_nodes) = options.discovery.clone() else { return Ok((listener, None)) };
        let network_id = options.params.network_id;
        let config = DiscoveryConfig { network_id, boot_nodes, local_networks: true };
        let listen = vec![listener.local_addr()?];
        match UdpDiscovery::bind(UdpSettings { config, listen, key: Some(key.clone()) }).await {
            Ok(udp) => return Ok((listener, Some(udp))),
            Err(error) if draws == 0 => return Err(io::Error::other(error)),
            // Somebody else has this port for UDP.
            Err(_) => {}
        }
    }
}

/// Accepts connections and lets the chain grow, until told to stop; then waits for the connections to end.
async fn listen(shared: Arc<Shared>, listener: TcpListener, stop_requested: watch::Receiver<bool>) {
    let mut stop = stop_requested.clone();
    let mut connections = JoinSet::new();
    // Without growth the ticks are far apart and each does nothing.
    let period = shared
        .options
        .grow_every
        .map_or(Duration::from_secs(3_600), |every| every.max(Duration::from_millis(1)));
    let grows = shared.options.grow_every.is_some();
    let mut ticks = interval_at(tokio::time::Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An error is the remote's: it gave up before it was accepted.
                if let Ok((stream, _)) = accepted
                    && connections.len() < MAX_CONNECTIONS
                {
                    connections.spawn(connection::serve(Arc::clone(&shared), stream, stop_requested.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
            _ = ticks.tick(), if grows => {
                shared.grow();
            }
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn node_key(seed: Option<u64>) -> io::Result<SecretKey> {
    let mut random = seed.map(Random::new);
    loop {
        let bytes: [u8; 32] = match &mut random {
            Some(random) => random.array(),
            None => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).map_err(io::Error::other)?;
                bytes
            }
        };
        // All but about one in 2^127 are keys.
        if let Ok(key) = SecretKey::from_bytes(&bytes) {
            return Ok(key);
        }
    }
}

/// A peer that listens on every address is reached on this machine's own.
fn enode(key: &SecretKey, address: SocketAddr) -> Enode {
    let host = match address.ip() {
        ip if !ip.is_unspecified() => ip.to_string(),
        ip if ip.is_ipv4() => "127.0.0.1".to_owned(),
        _ => "::1".to_owned(),
    };
    Enode::new(&key.node_id(), &host, address.port()).expect("a bound socket has an address and a port")
}
