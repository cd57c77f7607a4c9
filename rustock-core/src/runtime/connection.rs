//! One socket and its session: reads, writes, keeps the session's deadlines, and nothing else.

use core::{fmt, net::SocketAddr, time::Duration};
use std::sync::PoisonError;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time,
};

use super::{
    clock::Clock, entropy::handshake_entropy, peers::TrafficCell, shared::SharedState, socket::canonical,
};
use crate::{
    consensus::params::NetworkParams,
    primitives::{hash::NodeId, header::HeaderDecodeError},
    proto::{
        session::{
            Action, Blame, Compression, Input, Session, SessionConfig, SessionEnd, SessionFault, Stage,
            limits::{PENDING_INPUTS, READ_BUFFER, WRITE_DEADLINE},
        },
        sync::PeerId,
    },
    wire::{
        p2p::DisconnectReason,
        rlpx::{enode::Enode, keys::SecretKey},
        rsk::{RskMessage, Status},
    },
};

/// Unwanted messages, or bytes of them, after which the driver is told.
const UNWANTED_MESSAGES_TOLD: u64 = 256;
const UNWANTED_BYTES_TOLD: u64 = 1024 * 1024;

/// How long to look for a reason in what a peer sent before it closed its end.
const LAST_WORDS_DEADLINE: Duration = Duration::from_secs(1);

/// What all sessions of a client share.
#[derive(Debug, Clone)]
pub(crate) struct SessionSettings {
    key: SecretKey,
    config: SessionConfig,
}

impl SessionSettings {
    pub fn new(
        key: SecretKey,
        user_agent: &str,
        params: &NetworkParams,
        compression: Compression,
    ) -> Result<Self, HeaderDecodeError> {
        let genesis = params.genesis_header()?;
        let config = SessionConfig::for_client(user_agent, params.network_id, &genesis);
        Ok(Self { key, config: SessionConfig { compression, ..config } })
    }

    /// Who we are.
    pub fn node_id(&self) -> NodeId {
        self.key.node_id()
    }

    /// The key that shows who we are.
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// The port we say we listen on.
    pub fn set_listen_port(&mut self, port: u16) {
        self.config.listen_port = port;
    }

    /// Who we are from the next session on.
    pub fn set_key(&mut self, key: SecretKey) {
        self.key = key;
    }

    /// The status that peers are told.
    pub fn status(&self) -> Status {
        self.config.status
    }
}

/// What a connection tells the driver.
#[derive(Debug)]
pub(crate) enum ConnectionEvent {
    /// Somebody opened a connection to us.
    Incoming { stream: TcpStream, from: SocketAddr },
    /// Discovery found a node.
    Found { node: NodeId, address: SocketAddr },
    /// A node that discovery found does not answer it any more.
    Lost { node: NodeId, address: SocketAddr },
    /// A session is established.
    Established { peer: PeerId, node: NodeId, remote: SocketAddr, client_id: String, listen_port: u16 },
    /// A message came.
    Message { peer: PeerId, message: RskMessage },
    /// Messages of unwanted kinds came, and were dropped unread.
    Unwanted { peer: PeerId, messages: u64, bytes: u64 },
    /// The attempt or the session is over.
    Ended { peer: PeerId, reason: ConnectionEnd },
}

/// Why a connection failed or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionEnd {
    /// No TCP connection could be made.
    Unreachable {
        /// The system's words.
        reason: String,
    },
    /// The session ended.
    Session(SessionEnd),
    /// The socket failed.
    Socket {
        /// The system's words.
        reason: String,
    },
    /// The peer did not read what it was sent.
    WriteTimedOut,
    /// We sent the peer away because of what it did.
    Expelled {
        /// True when no honest peer could have done it.
        hostile: bool,
    },
    /// The client is stopping.
    Stopping,
    /// The system gave no randomness for the handshake.
    NoRandomness {
        /// The system's words.
        reason: String,
    },
}

impl ConnectionEnd {
    /// True when it was our own decision.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Expelled { .. } | Self::Stopping | Self::Session(SessionEnd::LocalDisconnect(_)))
    }

    /// True when the peer has no place for us now: rskj refuses our address for a while after saying so.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Session(SessionEnd::RemoteDisconnect(
                DisconnectReason::TooManyPeers | DisconnectReason::DuplicatePeer
            ))
        )
    }

    /// True when no honest peer could have done it.
    pub fn is_hostile(&self) -> bool {
        match self {
            Self::Expelled { hostile } => *hostile,
            Self::Session(SessionEnd::Fault(fault)) => {
                fault.blame() == Blame::Remote && !matches!(fault, SessionFault::OutgoingFull { .. })
            }
            _ => false,
        }
    }
}

impl fmt::Display for ConnectionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { reason } => write!(f, "cannot connect: {reason}"),
            // The picture of a wrong node id: the peer cannot decrypt our packet and says nothing.
            Self::Session(SessionEnd::TimedOut(Stage::ExpectAck)) => f.write_str(
                "no answer to the handshake; the node id in the enode may be wrong, or the peer may be overloaded",
            ),
            Self::Session(SessionEnd::ConnectionClosed(Stage::ExpectAck)) => f.write_str(
                "the peer closed the connection instead of answering the handshake; the node id in the enode may \
                 be wrong, or the peer may have no place for us",
            ),
            Self::Session(SessionEnd::RemoteDisconnect(DisconnectReason::NullIdentity)) => {
                f.write_str("the peer is on another network (disconnect reason 0x07)")
            }
            Self::Session(end) => end.fmt(f),
            Self::Socket { reason } => write!(f, "the connection failed: {reason}"),
            Self::WriteTimedOut => f.write_str("the peer stopped reading what it was sent"),
            Self::Expelled { .. } => f.write_str("we sent the peer away"),
            Self::Stopping => f.write_str("the client is stopping"),
            Self::NoRandomness { reason } => write!(f, "no randomness for the handshake: {reason}"),
        }
    }
}

/// The driver's side of a connection.
#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    /// Host and port, for people.
    address: String,
    outgoing: mpsc::Sender<Order>,
    leaving: watch::Sender<Option<Leave>>,
}

/// What the driver wants of a session that goes on.
#[derive(Debug)]
enum Order {
    Send(RskMessage),
    NothingAwaited,
}

/// The connection's side: what the driver wants of it.
#[derive(Debug)]
pub(crate) struct ConnectionOrders {
    outgoing: mpsc::Receiver<Order>,
    leaving: watch::Receiver<Option<Leave>>,
}

impl ConnectionOrders {
    /// Waits for the order to end before there is a session; true when the peer was hostile.
    pub async fn told_to_leave(&mut self) -> bool {
        let leave = self.leaving.wait_for(Option::is_some).await.ok().and_then(|leave| *leave);
        leave.is_some_and(|leave| leave.hostile)
    }
}

/// An order to end the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leave {
    reason: DisconnectReason,
    hostile: bool,
}

impl ConnectionHandle {
    /// Both sides.
    pub fn new(address: String) -> (Self, ConnectionOrders) {
        let (outgoing_sender, outgoing) = mpsc::channel(PENDING_INPUTS);
        let (leaving_sender, leaving) = watch::channel(None);
        let handle = Self { address, outgoing: outgoing_sender, leaving: leaving_sender };
        (handle, ConnectionOrders { outgoing, leaving })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Queues a message. A peer for which 64 are waiting already does not read: it is sent away.
    pub fn send(&self, message: RskMessage) {
        self.order(Order::Send(message));
    }

    /// Large answers to what was sent so far are not waited for any more.
    pub fn forget_requests(&self) {
        self.order(Order::NothingAwaited);
    }

    fn order(&self, order: Order) {
        if self.outgoing.try_send(order).is_err() {
            self.expel(DisconnectReason::UselessPeer, false);
        }
    }

    /// Ends the session, telling the peer why.
    pub fn expel(&self, reason: DisconnectReason, hostile: bool) {
        self.leaving.send_replace(Some(Leave { reason, hostile }));
    }
}

/// One connection and its session.
pub(crate) struct Connection {
    pub peer: PeerId,
    /// Whom we dialled; `None` when it was the other end that did.
    pub enode: Option<Enode>,
    pub settings: SessionSettings,
    pub events: mpsc::Sender<ConnectionEvent>,
    pub shared: SharedState,
    pub clock: Clock,
    pub stopping: watch::Receiver<bool>,
    pub orders: ConnectionOrders,
    pub traffic: TrafficCell,
    /// Unwanted messages and bytes that the driver was told of.
    pub unwanted_told: (u64, u64),
}

impl Connection {
    /// Runs the session on a socket to its end.
    pub async fn run(&mut self, stream: TcpStream) -> ConnectionEnd {
        match self.drive(stream).await {
            Ok(end) | Err(end) => end,
        }
    }

    /// The last thing that the driver hears.
    pub async fn tell_end(self, reason: ConnectionEnd) {
        let _ = self.events.send(ConnectionEvent::Ended { peer: self.peer, reason }).await;
    }

    async fn drive(&mut self, stream: TcpStream) -> Result<ConnectionEnd, ConnectionEnd> {
        let entropy = handshake_entropy().map_err(|reason| ConnectionEnd::NoRandomness { reason })?;
        // A handshake packet must leave in one piece at once.
        stream.set_nodelay(true).map_err(socket_failed)?;
        let remote = canonical(stream.peer_addr().map_err(socket_failed)?);
        let (mut reader, mut writer) = stream.into_split();
        let SessionSettings { key, config } = self.settings.clone();
        let mut session = match &self.enode {
            Some(enode) => Session::dial(config, key, *enode.public_key(), entropy, self.clock.now()),
            None => Session::accept(config, key, entropy, self.clock.now()),
        };
        let mut buffer = vec![0; READ_BUFFER];
        loop {
            while let Some(action) = session.next_action() {
                match action {
                    Action::Write(bytes) => {
                        if let Err(failure) = self.write(&mut writer, &bytes).await {
                            return Err(self.last_words(&mut session, &mut reader).await.unwrap_or(failure));
                        }
                    }
                    Action::Established { node_id, hello } => {
                        let client_id = printable(&hello.client_id);
                        let (peer, node) = (self.peer, node_id);
                        let listen_port = hello.listen_port;
                        let event =
                            ConnectionEvent::Established { peer, node, remote, client_id, listen_port };
                        self.tell(event).await?;
                    }
                    Action::LegacyStatus(_) => {}
                    Action::Message(message) => {
                        self.tell(ConnectionEvent::Message { peer: self.peer, message }).await?;
                    }
                    Action::Close(end) => {
                        let _ = time::timeout(WRITE_DEADLINE, writer.shutdown()).await;
                        return Ok(explain(end, *self.orders.leaving.borrow()));
                    }
                }
            }
            let timeout = session.next_timeout().map(|time| self.clock.instant(time));
            let mut received = 0;
            let input = tokio::select! {
                count = reader.read(&mut buffer) => match count {
                    Ok(0) => Input::ConnectionClosed,
                    Ok(count) => {
                        received = count;
                        Input::TimerFired
                    }
                    Err(error) => return Err(socket_failed(error)),
                },
                Some(order) = self.orders.outgoing.recv() => match order {
                    Order::Send(message) => Input::Send(message),
                    Order::NothingAwaited => Input::NothingAwaited,
                },
                Ok(()) = self.orders.leaving.changed() => match *self.orders.leaving.borrow_and_update() {
                    Some(Leave { reason, .. }) => Input::Disconnect(reason),
                    None => continue,
                },
                _ = self.stopping.wait_for(|stopping| *stopping) => {
                    Input::Disconnect(DisconnectReason::PeerQuitting)
                }
                () = async {
                    match timeout {
                        Some(timeout) => time::sleep_until(timeout).await,
                        None => core::future::pending().await,
                    }
                } => Input::TimerFired,
            };
            let now = self.clock.now();
            if received > 0 {
                self.shared.count_received(received);
                session.handle(now, Input::Received(&buffer[..received]));
            } else {
                session.handle(now, input);
            }
            self.account(&session).await?;
        }
    }

    /// Publishes what went through, and tells the driver of unwanted messages, not of each one.
    async fn account(&mut self, session: &Session) -> Result<(), ConnectionEnd> {
        *self.traffic.lock().unwrap_or_else(PoisonError::into_inner) = session.traffic();
        let counters = session.counters();
        let (messages, bytes) =
            (counters.ignored_frames - self.unwanted_told.0, counters.ignored_bytes - self.unwanted_told.1);
        if messages >= UNWANTED_MESSAGES_TOLD || bytes >= UNWANTED_BYTES_TOLD {
            self.unwanted_told = (counters.ignored_frames, counters.ignored_bytes);
            self.tell(ConnectionEvent::Unwanted { peer: self.peer, messages, bytes }).await?;
        }
        Ok(())
    }

    async fn write(&self, writer: &mut OwnedWriteHalf, bytes: &[u8]) -> Result<(), ConnectionEnd> {
        match time::timeout(WRITE_DEADLINE, writer.write_all(bytes)).await {
            Ok(Ok(())) => {
                self.shared.count_sent(bytes.len());
                Ok(())
            }
            Ok(Err(error)) => Err(socket_failed(error)),
            Err(_) => Err(ConnectionEnd::WriteTimedOut),
        }
    }

    /// Why a session ended whose peer would not be written to: we may have decided so ourselves, or the peer may
    /// have told us before it closed its end.
    async fn last_words(&self, session: &mut Session, reader: &mut OwnedReadHalf) -> Option<ConnectionEnd> {
        let mut buffer = vec![0; READ_BUFFER];
        loop {
            while let Some(action) = session.next_action() {
                if let Action::Close(end) = action {
                    return Some(ConnectionEnd::Session(end));
                }
            }
            let count = time::timeout(LAST_WORDS_DEADLINE, reader.read(&mut buffer)).await.ok()?.ok()?;
            if count == 0 {
                return None;
            }
            session.handle(self.clock.now(), Input::Received(&buffer[..count]));
        }
    }

    /// Tells the driver; a full queue makes the peer wait, a missing driver ends the connection.
    async fn tell(&self, event: ConnectionEvent) -> Result<(), ConnectionEnd> {
        self.events.send(event).await.map_err(|_| ConnectionEnd::Stopping)
    }
}

fn explain(end: SessionEnd, leave: Option<Leave>) -> ConnectionEnd {
    match (end, leave) {
        (SessionEnd::LocalDisconnect(_), Some(Leave { hostile, .. })) => ConnectionEnd::Expelled { hostile },
        (SessionEnd::LocalDisconnect(_), None) => ConnectionEnd::Stopping,
        (end, _) => ConnectionEnd::Session(end),
    }
}

fn socket_failed(error: std::io::Error) -> ConnectionEnd {
    ConnectionEnd::Socket { reason: error.to_string() }
}

/// What a peer says of itself goes to logs and screens: no control characters, no more than a line.
fn printable(client_id: &str) -> String {
    client_id.chars().filter(|character| !character.is_control()).take(128).collect()
}
