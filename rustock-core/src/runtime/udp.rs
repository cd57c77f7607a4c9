//! The UDP edge of discovery: sockets, names, the clock. What to say and to whom is decided by
//! [`Discovery`](crate::proto::discovery::Discovery).

use core::{net::IpAddr, net::Ipv4Addr, net::Ipv6Addr, net::SocketAddr, time::Duration};
use std::io;

use tokio::{net::UdpSocket, sync::mpsc, task::JoinSet, time};

use super::{
    clock::Clock,
    entropy,
    socket::{Families, bind_udp, inside_ipv6},
};
use crate::{
    primitives::hash::NodeId,
    proto::discovery::{
        Action, Demand, Discovery, DiscoveryConfig, Identity, Input, distance::Place,
        limits::REMEMBERED_NAMES,
    },
    wire::{discovery::packet::MAX_PACKET_BYTES, rlpx::keys::SecretKey},
};

/// How long a name may take to be looked up.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a socket has failed to receive, so that a broken one does not keep a core busy.
const BROKEN_PAUSE: Duration = Duration::from_millis(100);

/// Keys drawn until one is near enough to a node: one in 256 is, so that hardly any search is in vain.
const KEY_DRAWS: usize = 4096;

/// What discovery tells whoever keeps the peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryEvent {
    /// A node has proved to be at an address, and accepts connections at the same port, if at all. It may come
    /// again for the same node.
    Found {
        /// Who it is.
        node: NodeId,
        /// Where it is.
        address: SocketAddr,
    },
    /// A node that was found does not answer any more.
    Lost {
        /// Who it was.
        node: NodeId,
        /// Where it was.
        address: SocketAddr,
    },
}

/// What discovery is told while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryCommand {
    /// More nodes are wanted, or no more.
    Demand(Demand),
    /// The device may have another address now: take other sockets, and another key unless one was given.
    NetworkChanged,
}

/// Settings of discovery on sockets.
#[derive(Debug, Clone)]
pub struct UdpSettings {
    /// What the machine is told.
    pub config: DiscoveryConfig,
    /// Where to listen. Those that cannot be had are left out, as long as one can. Every address of IPv6 is for IPv4
    /// too, where the system allows it, unless there is one of IPv4 beside it.
    pub listen: Vec<SocketAddr>,
    /// The key to speak with; a fresh one for each set of sockets when there is none. Give one only to a node that
    /// listens for connections under the same key and keeps its address.
    pub key: Option<SecretKey>,
}

impl UdpSettings {
    /// Both families on all interfaces and the same port; 0 for any.
    pub fn all_interfaces(config: DiscoveryConfig, port: u16) -> Self {
        let families: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        Self { config, listen: families.map(|ip| SocketAddr::new(ip, port)).into(), key: None }
    }
}

/// Why discovery could not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UdpError {
    /// None of the addresses could be bound.
    #[error("no UDP socket at any of {listen:?}: {reason}")]
    NoSocket {
        /// Where.
        listen: Vec<SocketAddr>,
        /// What the system says of the last.
        reason: String,
    },
    /// The system has no randomness.
    #[error("no randomness: {reason}")]
    NoRandomness {
        /// What the system says.
        reason: String,
    },
}

/// Discovery with its sockets bound.
#[derive(Debug)]
pub struct UdpDiscovery {
    settings: UdpSettings,
    sockets: Vec<BoundSocket>,
    machine: Discovery,
    clock: Clock,
}

impl UdpDiscovery {
    /// Binds the sockets. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`UdpError::NoSocket`] or [`UdpError::NoRandomness`].
    pub async fn bind(settings: UdpSettings) -> Result<Self, UdpError> {
        let sockets = bind_all(&settings.listen)?;
        let identity = identity(&settings, &sockets)?;
        let seed = entropy::random_seed().map_err(|reason| UdpError::NoRandomness { reason })?;
        let clock = Clock::new();
        let machine = Discovery::new(settings.config.clone(), identity, seed, clock.now());
        Ok(Self { settings, sockets, machine, clock })
    }

    /// The addresses that were bound.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|socket| socket.local).collect()
    }

    /// The id under which others find us on these sockets.
    pub fn local_id(&self) -> NodeId {
        self.machine.local_id()
    }

    /// Runs until `commands` is closed or nobody takes events any more. Events that find no room are dropped:
    /// whoever is behind with nodes does not need more of them.
    pub async fn run(
        mut self,
        events: mpsc::Sender<DiscoveryEvent>,
        mut commands: mpsc::Receiver<DiscoveryCommand>,
    ) {
        let mut lookups: JoinSet<(String, Vec<IpAddr>)> = JoinSet::new();
        // One byte more than a packet may have, so that a longer one is seen to be longer.
        let mut buffer = vec![0; MAX_PACKET_BYTES + 1];
        self.machine.handle(self.clock.now(), Input::TimerFired);
        loop {
            self.perform(&events, &mut lookups);
            let timeout = self.machine.next_timeout().map(|timeout| self.clock.instant(timeout));
            let timer = async {
                match timeout {
                    Some(timeout) => time::sleep_until(timeout).await,
                    None => core::future::pending().await,
                }
            };
            tokio::select! {
                command = commands.recv() => match command {
                    None => return,
                    Some(DiscoveryCommand::Demand(demand)) => {
                        self.machine.handle(self.clock.now(), Input::Demand(demand));
                    }
                    Some(DiscoveryCommand::NetworkChanged) => self.change_sockets().await,
                },
                () = events.closed() => return,
                Some(lookup) = lookups.join_next() => {
                    // A look-up cannot panic, and nothing aborts it before the end.
                    if let Ok((host, addresses)) = lookup {
                        let input = Input::Resolved { host: &host, addresses: &addresses };
                        self.machine.handle(self.clock.now(), input);
                    }
                },
                received = receive(&self.sockets, &mut buffer) => match received {
                    Ok((size, from)) => {
                        let input = Input::Received { from, packet: &buffer[..size] };
                        self.machine.handle(self.clock.now(), input);
                    }
                    Err(error) => {
                        tracing::debug!(%error, "a discovery socket failed to receive");
                        time::sleep(BROKEN_PAUSE).await;
                    }
                },
                () = timer => self.machine.handle(self.clock.now(), Input::TimerFired),
            }
        }
    }

    fn perform(
        &mut self,
        events: &mpsc::Sender<DiscoveryEvent>,
        lookups: &mut JoinSet<(String, Vec<IpAddr>)>,
    ) {
        while let Some(action) = self.machine.next_action() {
            match action {
                Action::Send { to, packet } => send(&self.sockets, to, &packet),
                Action::Found { node, address } => {
                    // Dropped without room, as said above.
                    let _ = events.try_send(DiscoveryEvent::Found { node, address });
                }
                Action::Lost { node, address } => {
                    let _ = events.try_send(DiscoveryEvent::Lost { node, address });
                }
                Action::RenewKey { near, distance } => self.renew_key(near, distance),
                Action::Resolve { host } if lookups.len() < REMEMBERED_NAMES => {
                    lookups.spawn(resolve(host));
                }
                Action::Resolve { host } => {
                    self.machine.handle(self.clock.now(), Input::Resolved { host: &host, addresses: &[] });
                }
            }
        }
    }

    /// Speaks with another key from now on, unless one was given.
    fn renew_key(&mut self, near: NodeId, distance: u16) {
        if self.settings.key.is_some() {
            return;
        }
        let place = Place::of(&near);
        for _ in 0..KEY_DRAWS {
            let Ok(identity) = identity(&self.settings, &self.sockets) else { return };
            if Place::of(&identity.key.node_id()).distance(&place) <= distance {
                return self.machine.handle(self.clock.now(), Input::SocketChanged(identity));
            }
        }
    }

    /// Without a new socket there is none: the next change of the network brings one, or nothing does.
    async fn change_sockets(&mut self) {
        // The old ones first, or a fixed port could not be bound again.
        self.sockets.clear();
        let renewed = bind_all(&self.settings.listen).and_then(|sockets| {
            let identity = identity(&self.settings, &sockets)?;
            Ok((sockets, identity))
        });
        match renewed {
            Ok((sockets, identity)) => {
                self.sockets = sockets;
                self.machine.handle(self.clock.now(), Input::SocketChanged(identity));
            }
            Err(error) => tracing::warn!(%error, "discovery has no socket until the network changes again"),
        }
    }
}

/// A socket and whom it reaches.
#[derive(Debug)]
struct BoundSocket {
    socket: UdpSocket,
    local: SocketAddr,
    speaks_both: bool,
}

impl BoundSocket {
    fn bind(address: SocketAddr, families: Families) -> io::Result<Self> {
        let (socket, speaks_both) = bind_udp(address, families)?;
        let local = socket.local_addr()?;
        Ok(Self { socket: UdpSocket::from_std(socket)?, local, speaks_both })
    }

    /// The address as this socket has to be told it; `None` for one that it does not reach.
    fn told(&self, to: SocketAddr) -> Option<SocketAddr> {
        match self.local.is_ipv4() == to.is_ipv4() {
            true => Some(to),
            false => self.speaks_both.then(|| inside_ipv6(to)),
        }
    }
}

/// Binds what can be bound. Where a port is not free for the second as well, it takes any.
fn bind_all(listen: &[SocketAddr]) -> Result<Vec<BoundSocket>, UdpError> {
    let has_ipv4 = listen.iter().any(SocketAddr::is_ipv4);
    let families = if has_ipv4 { Families::Ipv6 } else { Families::Both };
    let mut sockets = Vec::new();
    let mut reason = "nowhere to listen".to_owned();
    for address in listen {
        let bound = match BoundSocket::bind(*address, families) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && !sockets.is_empty() => {
                BoundSocket::bind(SocketAddr::new(address.ip(), 0), families)
            }
            bound => bound,
        };
        match bound {
            Ok(socket) => sockets.push(socket),
            Err(error) => reason = error.to_string(),
        }
    }
    if sockets.is_empty() {
        return Err(UdpError::NoSocket { listen: listen.to_vec(), reason });
    }
    Ok(sockets)
}

fn identity(settings: &UdpSettings, sockets: &[BoundSocket]) -> Result<Identity, UdpError> {
    let key = match &settings.key {
        Some(key) => key.clone(),
        None => entropy::random_key().map_err(|reason| UdpError::NoRandomness { reason })?,
    };
    let unknown = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    let endpoint = sockets.first().map_or(unknown, |socket| socket.local);
    Ok(Identity { key, endpoint })
}

/// The next packet of any socket; never, without one.
async fn receive(sockets: &[BoundSocket], buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    let ready = |index: usize| async move {
        match sockets.get(index) {
            Some(BoundSocket { socket, .. }) => socket.readable().await.map(|()| socket),
            None => core::future::pending().await,
        }
    };
    loop {
        // Two families, two sockets; further ones would be of no use.
        let socket = tokio::select! {
            socket = ready(0) => socket?,
            socket = ready(1) => socket?,
        };
        match socket.try_recv_from(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            received => return received,
        }
    }
}

/// Sends at once or not at all: a packet that has to wait may as well be lost.
fn send(sockets: &[BoundSocket], to: SocketAddr, packet: &[u8]) {
    let fitting = sockets.iter().find_map(|bound| Some((&bound.socket, bound.told(to)?)));
    if let Some(Err(error)) = fitting.map(|(socket, to)| socket.try_send_to(packet, to)) {
        tracing::trace!(%error, %to, "a discovery packet was not sent");
    }
}

async fn resolve(host: String) -> (String, Vec<IpAddr>) {
    let addresses = addresses_of(&host).await;
    (host, addresses)
}

async fn addresses_of(host: &str) -> Vec<IpAddr> {
    let lookup = time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((host, 0))).await;
    match lookup {
        Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::proto::discovery::BootNode;

    async fn bind(boot_nodes: Vec<BootNode>) -> UdpDiscovery {
        bind_at(Ipv4Addr::LOCALHOST.into(), boot_nodes).await
    }

    async fn bind_at(ip: IpAddr, boot_nodes: Vec<BootNode>) -> UdpDiscovery {
        let config = DiscoveryConfig { network_id: 7771, boot_nodes, local_networks: true };
        let listen = vec![SocketAddr::new(ip, 0)];
        UdpDiscovery::bind(UdpSettings { config, listen, key: None }).await.expect("a free port")
    }

    type Running =
        (mpsc::Receiver<DiscoveryEvent>, mpsc::Sender<DiscoveryCommand>, tokio::task::JoinHandle<()>);

    fn start(discovery: UdpDiscovery) -> Running {
        let (events, found) = mpsc::channel(256);
        let (commands, received) = mpsc::channel(4);
        (found, commands, tokio::spawn(discovery.run(events, received)))
    }

    #[tokio::test]
    async fn twenty_nodes_are_found_from_one_boot_node_by_its_name() {
        let boot = bind(Vec::new()).await;
        let boot_node = BootNode { host: "localhost".to_owned(), port: boot.local_addresses()[0].port() };
        let mut expected = BTreeSet::from([boot.local_id()]);
        let mut running = vec![start(boot)];
        for _ in 0..19 {
            let node = bind(vec![boot_node.clone()]).await;
            expected.insert(node.local_id());
            running.push(start(node));
        }
        let client = bind(vec![boot_node]).await;
        let (mut found, commands, task) = start(client);
        while !expected.is_empty() {
            if let DiscoveryEvent::Found { node, .. } = found.recv().await.expect("running") {
                expected.remove(&node);
            }
        }
        drop(commands);
        task.await.expect("ends by itself");
        for (events, commands, task) in running {
            drop((events, commands));
            task.await.expect("ends by itself");
        }
    }

    #[tokio::test]
    async fn after_a_change_of_network_the_same_nodes_are_found_again() {
        let boot = bind(Vec::new()).await;
        let (boot_id, port) = (boot.local_id(), boot.local_addresses()[0].port());
        let (_boot_events, _boot_commands, _task) = start(boot);
        let client = bind(vec![BootNode { host: "127.0.0.1".to_owned(), port }]).await;
        let (mut found, commands, _task) = start(client);
        for _ in 0..2 {
            match found.recv().await.expect("running") {
                DiscoveryEvent::Found { node, .. } => assert_eq!(node, boot_id),
                DiscoveryEvent::Lost { .. } => panic!("nothing is lost"),
            }
            commands.send(DiscoveryCommand::NetworkChanged).await.expect("running");
        }
    }

    #[tokio::test]
    async fn a_node_on_every_address_of_ipv6_is_found_by_both_families_and_finds_both() {
        if std::net::UdpSocket::bind("[::1]:0").is_err() {
            return println!("this machine has no IPv6: nothing was tested of it");
        }
        let boot = bind_at(Ipv6Addr::UNSPECIFIED.into(), Vec::new()).await;
        if !boot.sockets[0].speaks_both {
            return println!("this system keeps the families apart: nothing was tested of it");
        }
        let (boot_id, port) = (boot.local_id(), boot.local_addresses()[0].port());
        let (mut found_by_boot, _boot_commands, _task) = start(boot);
        let families: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        for ip in families {
            let node = bind_at(ip, vec![BootNode { host: ip.to_string(), port }]).await;
            let (node_id, node_address) = (node.local_id(), node.local_addresses()[0]);
            let (mut found, _commands, _task) = start(node);
            let address = SocketAddr::new(ip, port);
            assert_eq!(found.recv().await, Some(DiscoveryEvent::Found { node: boot_id, address }));
            let expected = DiscoveryEvent::Found { node: node_id, address: node_address };
            while found_by_boot.recv().await.expect("running") != expected {}
        }
    }

    #[tokio::test]
    async fn on_all_interfaces_each_family_has_its_socket() {
        let config = DiscoveryConfig { network_id: 7771, boot_nodes: Vec::new(), local_networks: true };
        let sockets =
            UdpDiscovery::bind(UdpSettings::all_interfaces(config, 0)).await.expect("a free port").sockets;
        assert!(sockets.iter().all(|socket| !socket.speaks_both));
        let ipv4 = SocketAddr::new([203, 0, 113, 7].into(), 5050);
        let reached: Vec<bool> = sockets.iter().map(|socket| socket.told(ipv4).is_some()).collect();
        assert!(reached[0] && reached[1..].iter().all(|reached| !reached), "{reached:?}");
    }

    #[tokio::test]
    async fn without_any_socket_there_is_no_discovery() {
        let taken = bind(Vec::new()).await;
        let listen = taken.local_addresses();
        let settings = UdpSettings { listen: listen.clone(), ..taken.settings.clone() };
        let error = UdpDiscovery::bind(settings).await.expect_err("the port is taken");
        assert!(matches!(error, UdpError::NoSocket { listen: tried, .. } if tried == listen));
    }

    #[tokio::test]
    async fn it_ends_when_nobody_takes_events() {
        let (events, _commands, task) = start(bind(Vec::new()).await);
        drop(events);
        task.await.expect("ends by itself");
    }
}
