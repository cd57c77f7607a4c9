//! What the peer machine decides, done: dials, admissions, ends, records kept; and what an app may see of it.

use core::{net::SocketAddr, time::Duration};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

use super::{
    asked::LastAsked,
    clock::Clock,
    connection::{
        Connection, ConnectionEnd, ConnectionEvent, ConnectionHandle, ConnectionOrders, SessionSettings,
    },
    diagnostic::Diagnostic,
    dialer,
    entropy::random_key,
    shared::SharedState,
    udp::{DiscoveryCommand, DiscoveryEvent, UdpDiscovery, UdpSettings},
};
use crate::{
    primitives::{
        hash::NodeId,
        peer::{Ban, PeerAddress, PeerBatch, PeerSource},
    },
    proto::{
        discovery::Demand,
        peers::{Action, Direction, Ending, Input, PeerMachine, PeerView, SlotState},
        session::Traffic,
        sync::PeerId,
        time::Timestamp,
    },
    wire::rlpx::enode::Enode,
};

/// Found nodes that may wait for the driver.
const NODES_QUEUED: usize = 32;

/// What went through one connection; written by its task, read by whoever asks.
pub(crate) type TrafficCell = Arc<Mutex<Traffic>>;

/// One connection of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// The connection.
    pub peer: PeerId,
    /// Who it is; unknown while somebody who connected to us is in the handshake.
    pub node: Option<NodeId>,
    /// Where it listens; for whoever connected to us, where it says that it does, if it does.
    pub address: Option<PeerAddress>,
    /// What it says it runs. A claim.
    pub client_id: Option<String>,
    /// How it came to be known.
    pub source: PeerSource,
    /// True when it is always dialled.
    pub is_trusted: bool,
    /// Who opened the connection.
    pub direction: Direction,
    /// How far it is.
    pub state: SlotState,
    /// How long it has been so.
    pub since: Duration,
    /// Headers it ever served that passed every rule.
    pub verified_headers: u64,
    /// Average speed of its headers, bytes per second; 0 when not measured.
    pub bytes_per_second: u32,
    /// Average time it takes to answer, in milliseconds; 0 when not measured.
    pub latency_millis: u32,
    /// It answered a question in this session. Only such peers count for long towards the number that is kept.
    pub has_answered: bool,
    /// Penalty points, of which 100 are a ban.
    pub penalty: u32,
    /// Messages and bytes, by class and direction.
    pub traffic: Traffic,
}

/// What the driver publishes of the peers.
#[derive(Debug, Default)]
pub(crate) struct PeersSnapshot {
    pub peers: Vec<(PeerView, Option<String>, TrafficCell)>,
    pub bans: Arc<Vec<Ban>>,
}

impl PeersSnapshot {
    pub fn peers(&self, now: Timestamp) -> Vec<PeerInfo> {
        let info = |(view, client_id, traffic): &(PeerView, Option<String>, TrafficCell)| PeerInfo {
            peer: view.peer,
            node: view.node,
            address: view.address.clone(),
            client_id: client_id.clone(),
            source: view.source,
            is_trusted: view.is_trusted,
            direction: view.direction,
            state: view.state,
            since: now.since(view.since),
            verified_headers: view.verified_headers,
            bytes_per_second: view.bytes_per_second,
            latency_millis: view.latency_millis,
            has_answered: view.has_answered,
            penalty: view.penalty,
            traffic: *traffic.lock().unwrap_or_else(PoisonError::into_inner),
        };
        self.peers.iter().map(info).collect()
    }
}

/// One connection, from the moment that it is to be made.
#[derive(Debug)]
pub(crate) struct Open {
    /// Where it goes; unknown while somebody who connected to us is in the handshake.
    pub enode: Option<Enode>,
    pub handle: ConnectionHandle,
    pub client_id: Option<String>,
    pub traffic: TrafficCell,
    pub remote: Option<SocketAddr>,
    /// The sync machine knows of it.
    pub is_used: bool,
    pub is_established: bool,
    pub is_leaving: bool,
}

/// Runs discovery as long as the client runs, telling it when peers are wanted and when the network has changed.
/// Without a socket there is no discovery; that is said, and others may still connect us.
pub(crate) async fn discover(
    settings: UdpSettings,
    events: mpsc::Sender<ConnectionEvent>,
    mut wants_peers: watch::Receiver<bool>,
    mut network: watch::Receiver<u64>,
    mut stopping: watch::Receiver<bool>,
) {
    // A key that is given is that of a node that listens.
    let at_rest = if settings.key.is_some() { Demand::Maintained } else { Demand::Satisfied };
    let discovery = match UdpDiscovery::bind(settings).await {
        Ok(discovery) => discovery,
        Err(error) => return tracing::warn!(%error, "there is no discovery"),
    };
    let (found_sender, mut found) = mpsc::channel(NODES_QUEUED);
    let (commands, command_receiver) = mpsc::channel(1);
    let running = discovery.run(found_sender, command_receiver);
    tokio::pin!(running);
    // Discovery starts by looking for nodes, which may not be needed.
    wants_peers.mark_changed();
    loop {
        let command = tokio::select! {
            () = &mut running => return,
            _ = stopping.wait_for(|stopping| *stopping) => return,
            Some(event) = found.recv() => {
                let event = match event {
                    DiscoveryEvent::Found { node, address } => ConnectionEvent::Found { node, address },
                    DiscoveryEvent::Lost { node, address } => ConnectionEvent::Lost { node, address },
                };
                // While the driver is busy there is no hurry: a node that is there comes again, and one that is
                // not is found out when it is dialled.
                let _ = events.try_send(event);
                continue;
            }
            Ok(()) = wants_peers.changed() => {
                let wants = *wants_peers.borrow_and_update();
                DiscoveryCommand::Demand(if wants { Demand::Wanted } else { at_rest })
            }
            Ok(()) = network.changed() => DiscoveryCommand::NetworkChanged,
        };
        // The machine takes commands only while it runs, so both go on together.
        tokio::select! {
            () = &mut running => return,
            _ = commands.send(command) => {}
        }
    }
}

/// The peer machine and everything that it needs done.
pub(crate) struct Peers {
    pub machine: PeerMachine,
    pub settings: SessionSettings,
    /// The user chose the key, so it stays when the network changes.
    pub has_fixed_key: bool,
    pub shared: SharedState,
    pub clock: Clock,
    pub events: mpsc::Sender<ConnectionEvent>,
    /// One for each connection, and one for the listening socket.
    pub tasks: JoinSet<()>,
    /// Tells all tasks that the client stops.
    pub stopping: watch::Sender<bool>,
    /// True while discovery should look for peers.
    pub wants_peers: watch::Sender<bool>,
    /// Counts changes of the network, for discovery.
    pub network_changes: watch::Sender<u64>,
    /// What discovery is started with, where it is wanted.
    pub discovery: Option<UdpSettings>,
    pub connections: BTreeMap<PeerId, Open>,
    /// Whom a large answer may come from.
    pub asked: LastAsked,
    /// Accepted, and not decided upon. Emptied by the machine's answer to each.
    pub incoming: BTreeMap<u64, (TcpStream, SocketAddr)>,
    pub tickets: u64,
    /// Connections that sync must not use any more.
    pub dropped: VecDeque<PeerId>,
    pub persisting: Option<JoinHandle<()>>,
    pub waiting_batch: PeerBatch,
    pub has_changed: bool,
    /// The bans as they were last published, and whether others may be in force now.
    pub bans: Arc<Vec<Ban>>,
    pub have_bans_changed: bool,
}

impl Peers {
    /// Feeds the machine and does what it says.
    pub fn handle(&mut self, input: Input) {
        // A ban that has ended has told so by the timer.
        self.have_bans_changed |= matches!(input, Input::TimerFired);
        self.machine.handle(self.clock.now(), input);
        self.has_changed = true;
        while let Some(action) = self.machine.next_action() {
            self.perform(action);
        }
        self.persist();
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Dial { peer, node, address } => self.dial(peer, &node, &address),
            Action::Admit { ticket, peer } => {
                if let Some((stream, from)) = self.incoming.remove(&ticket) {
                    let connection = self.open(peer, None, from.to_string(), Some(from));
                    self.tasks.spawn(dialer::accept(connection, stream));
                }
            }
            Action::Refuse { ticket } => drop(self.incoming.remove(&ticket)),
            Action::Disconnect { peer, reason, cause } => {
                if let Some(open) = self.connections.get_mut(&peer) {
                    open.is_leaving = true;
                    open.handle.expel(reason, cause.is_hostile());
                    self.dropped.push_back(peer);
                    if let Some(enode) = open.enode.clone() {
                        self.shared.diagnose(Diagnostic::Dropped { peer, enode, cause });
                    }
                }
            }
            Action::Persist(batch) => {
                self.have_bans_changed |= !batch.bans.is_empty() || !batch.lifted.is_empty();
                self.waiting_batch.absorb(batch);
            }
            Action::WantMorePeers(wants) => drop(self.wants_peers.send_replace(wants)),
            Action::Report(report) => self.shared.diagnose(Diagnostic::Peers(report)),
        }
    }

    fn dial(&mut self, peer: PeerId, node: &NodeId, address: &PeerAddress) {
        let host = address.host_text();
        match Enode::new(node, &host, address.port) {
            Ok(enode) => {
                self.shared.diagnose(Diagnostic::Dialling { enode: enode.clone() });
                let text = format!("{host}:{}", address.port);
                let connection = self.open(peer, Some(enode), text, None);
                self.tasks.spawn(dialer::dial(connection, host, address.port));
            }
            // No point of the curve: nobody can be there.
            Err(_) => {
                self.machine.handle(self.clock.now(), Input::Remove(*node));
                self.machine.handle(self.clock.now(), Input::Ended { peer, ending: Ending::Unreachable });
            }
        }
    }

    fn open(
        &mut self,
        peer: PeerId,
        enode: Option<Enode>,
        address: String,
        remote: Option<SocketAddr>,
    ) -> Connection {
        let (handle, orders) = ConnectionHandle::new(address);
        let traffic = TrafficCell::default();
        self.connections.insert(
            peer,
            Open {
                enode: enode.clone(),
                handle,
                client_id: None,
                traffic: Arc::clone(&traffic),
                remote,
                is_used: false,
                is_established: false,
                is_leaving: false,
            },
        );
        self.connection(peer, enode, orders, traffic)
    }

    fn connection(
        &self,
        peer: PeerId,
        enode: Option<Enode>,
        orders: ConnectionOrders,
        traffic: TrafficCell,
    ) -> Connection {
        Connection {
            peer,
            enode,
            settings: self.settings.clone(),
            events: self.events.clone(),
            shared: Arc::clone(&self.shared),
            clock: self.clock,
            stopping: self.stopping.subscribe(),
            orders,
            traffic,
            unwanted_told: (0, 0),
        }
    }

    /// Starts discovery, where it is wanted. Needs the runtime.
    pub fn start_discovery(&mut self) {
        if let Some(settings) = self.discovery.take() {
            let (events, stopping) = (self.events.clone(), self.stopping.subscribe());
            let (wants, network) = (self.wants_peers.subscribe(), self.network_changes.subscribe());
            self.tasks.spawn(discover(settings, events, wants, network, stopping));
        }
    }

    /// Discovery found a node. Its own port is where it accepts connections.
    pub fn on_found(&mut self, node: NodeId, address: SocketAddr) {
        if node != self.settings.node_id() {
            let address = PeerAddress::from_ip(address.ip(), address.port());
            self.shared.diagnose(Diagnostic::Found { node, address: address.clone() });
            self.handle(Input::Discovered { node, address });
        }
    }

    /// Somebody knocks.
    pub fn on_incoming(&mut self, stream: TcpStream, from: SocketAddr) {
        self.tickets += 1;
        let ticket = self.tickets;
        self.incoming.insert(ticket, (stream, from));
        self.handle(Input::Incoming { ticket, ip: from.ip() });
    }

    /// A session is established. True when sync may use it.
    pub fn on_established(
        &mut self,
        peer: PeerId,
        node: NodeId,
        remote: SocketAddr,
        client_id: String,
    ) -> bool {
        let Some(open) = self.connections.get_mut(&peer) else { return false };
        open.is_established = true;
        open.client_id = Some(client_id.clone());
        open.remote = Some(remote);
        if open.enode.is_none() {
            open.enode = Enode::new(&node, &remote.ip().to_string(), remote.port()).ok();
        }
        if let Some(enode) = open.enode.clone() {
            self.shared.diagnose(Diagnostic::Connected { peer, enode, client_id });
        }
        self.handle(Input::Established { peer, node, ip: remote.ip() });
        let is_used = self.connections.get(&peer).is_some_and(|open| !open.is_leaving);
        if let Some(open) = self.connections.get_mut(&peer) {
            open.is_used = is_used;
        }
        is_used
    }

    /// A peer is about to be asked for what may be large. Whoever was asked long before need not be held room for.
    pub fn forget_requests_but_of(&mut self, peer: PeerId) {
        if let Some(earlier) = self.asked.ask(peer)
            && let Some(open) = self.connections.get(&earlier)
        {
            open.handle.forget_requests();
        }
    }

    /// A connection is over.
    pub fn on_ended(&mut self, peer: PeerId, reason: ConnectionEnd) {
        let Some(open) = self.connections.remove(&peer) else { return };
        if let Some(enode) = open.enode {
            if !reason.is_ours() {
                let problem = format!("{}:{}: {reason}", enode.host(), enode.port());
                self.shared.update_status(|status| status.last_problem = Some(problem));
            }
            let established = open.is_established.then_some(peer);
            let reason = reason.clone();
            self.shared.diagnose(Diagnostic::Disconnected { peer: established, enode, reason });
        }
        self.handle(Input::Ended { peer, ending: ending(reason) });
    }

    /// The device is on another network: a fresh key keeps the sessions that died there from being in the way.
    pub fn renew_key(&mut self) {
        self.network_changes.send_modify(|changes| *changes += 1);
        if !self.has_fixed_key
            && let Ok(key) = random_key()
        {
            self.settings.set_key(key);
        }
    }

    /// Sessions that are established and were not told to end.
    pub fn established(&self) -> usize {
        self.connections.values().filter(|open| open.is_established && !open.is_leaving).count()
    }

    /// Writes what is to be written, one batch at a time.
    fn persist(&mut self) {
        if self.persisting.as_ref().is_some_and(|task| !task.is_finished()) || self.waiting_batch.is_empty() {
            return;
        }
        let batch = core::mem::take(&mut self.waiting_batch);
        let shared = Arc::clone(&self.shared);
        self.persisting = Some(tokio::task::spawn_blocking(move || keep(&shared, &batch)));
    }

    /// Writes the last of it.
    pub async fn finish_writing(&mut self) {
        self.handle(Input::Stopping);
        while let Some(task) = self.persisting.take() {
            let _ = task.await;
            self.persist();
        }
    }

    /// Publishes the connections and bans, if they may have changed.
    pub fn publish(&mut self) {
        if !core::mem::take(&mut self.has_changed) {
            return;
        }
        let views = self.machine.peers().into_iter().filter_map(|view| {
            let open = self.connections.get(&view.peer)?;
            Some((view, open.client_id.clone(), Arc::clone(&open.traffic)))
        });
        let peers = views.collect();
        // Not copied anew at each input: there may be a thousand of them.
        if core::mem::take(&mut self.have_bans_changed) {
            self.bans = Arc::new(self.machine.bans());
        }
        self.shared.set_peers(PeersSnapshot { peers, bans: Arc::clone(&self.bans) });
    }
}

/// What was learned of peers is not worth a failed client: it is said, and lost.
fn keep(shared: &SharedState, batch: &PeerBatch) {
    use crate::store::Store;
    if let Err(error) = shared.store.commit_peers(batch) {
        tracing::warn!(%error, "what was learned of peers could not be written");
    }
}

fn ending(reason: ConnectionEnd) -> Ending {
    match reason {
        ConnectionEnd::Unreachable { .. } => Ending::Unreachable,
        ConnectionEnd::Socket { .. } => Ending::Lost,
        ConnectionEnd::Session(end) => Ending::Session(end),
        // Where the machine did not ask for it, the queue of what it was sent was full.
        ConnectionEnd::WriteTimedOut | ConnectionEnd::Expelled { .. } => Ending::NotReading,
        ConnectionEnd::Stopping | ConnectionEnd::NoRandomness { .. } => Ending::Ours,
    }
}
