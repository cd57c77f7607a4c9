//! One socket and its session: reads, writes, keeps the session's deadlines, and nothing else.

use core::{fmt, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time,
};

use super::{clock::Clock, entropy::handshake_entropy, shared::SharedState};
use crate::{
    consensus::params::NetworkParams,
    primitives::header::HeaderDecodeError,
    proto::{
        session::{
            Action, Blame, Input, Session, SessionConfig, SessionEnd, SessionFault, Stage,
            limits::{PENDING_INPUTS, WRITE_DEADLINE},
        },
        sync::PeerId,
    },
    wire::{
        p2p::DisconnectReason,
        rlpx::{enode::Enode, keys::SecretKey},
        rsk::{RskMessage, Status},
    },
};

/// Bytes taken from a socket at a time.
const READ_BUFFER: usize = 64 * 1024;

/// How long to look for a reason in what a peer sent before it closed its end.
const LAST_WORDS_DEADLINE: Duration = Duration::from_secs(1);

/// What all sessions of a client share.
#[derive(Debug, Clone)]
pub(crate) struct SessionSettings {
    key: SecretKey,
    config: SessionConfig,
}

impl SessionSettings {
    pub fn new(key: SecretKey, user_agent: &str, params: &NetworkParams) -> Result<Self, HeaderDecodeError> {
        let genesis = params.genesis_header()?;
        Ok(Self { key, config: SessionConfig::for_client(user_agent, params.network_id, &genesis) })
    }

    /// The status that peers are told.
    pub fn status(&self) -> Status {
        self.config.status
    }
}

/// What a connection tells the driver.
#[derive(Debug)]
pub(crate) enum ConnectionEvent {
    /// A peer is being dialled.
    Dialling { enode: Enode },
    /// A session is established.
    Established { peer: PeerId, enode: Enode, client_id: String, handle: ConnectionHandle },
    /// A message came.
    Message { peer: PeerId, message: RskMessage },
    /// The attempt or the session is over.
    Ended { peer: Option<PeerId>, enode: Enode, reason: ConnectionEnd },
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

/// The driver's side of an established connection.
#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    /// Host and port, for people.
    address: String,
    outgoing: mpsc::Sender<RskMessage>,
    leaving: watch::Sender<Option<Leave>>,
}

/// An order to end the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leave {
    reason: DisconnectReason,
    hostile: bool,
}

impl ConnectionHandle {
    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Queues a message. A peer for which 64 are waiting already does not read: it is sent away.
    pub fn send(&self, message: RskMessage) {
        if self.outgoing.try_send(message).is_err() {
            self.expel(DisconnectReason::UselessPeer, false);
        }
    }

    /// Ends the session, telling the peer why.
    pub fn expel(&self, reason: DisconnectReason, hostile: bool) {
        self.leaving.send_replace(Some(Leave { reason, hostile }));
    }
}

/// Runs one dialled connection to its end. True when a session was established.
pub(crate) struct Connection<'a> {
    pub peer: PeerId,
    pub enode: &'a Enode,
    pub settings: &'a SessionSettings,
    pub events: &'a mpsc::Sender<ConnectionEvent>,
    pub shared: &'a SharedState,
    pub clock: Clock,
    pub stopping: watch::Receiver<bool>,
}

impl Connection<'_> {
    pub async fn run(mut self, stream: TcpStream) -> (bool, ConnectionEnd) {
        let mut established = false;
        let end = match self.drive(stream, &mut established).await {
            Ok(end) | Err(end) => end,
        };
        (established, end)
    }

    async fn drive(
        &mut self,
        stream: TcpStream,
        established: &mut bool,
    ) -> Result<ConnectionEnd, ConnectionEnd> {
        let entropy = handshake_entropy().map_err(|reason| ConnectionEnd::NoRandomness { reason })?;
        // A handshake packet must leave in one piece at once.
        stream.set_nodelay(true).map_err(socket_failed)?;
        let (mut reader, mut writer) = stream.into_split();
        let SessionSettings { key, config } = self.settings;
        let remote = *self.enode.public_key();
        let mut session = Session::dial(config.clone(), key.clone(), remote, entropy, self.clock.now());

        let (outgoing_sender, mut outgoing) = mpsc::channel(PENDING_INPUTS);
        let (leaving_sender, mut leaving) = watch::channel(None);
        let mut handle = Some(ConnectionHandle {
            address: format!("{}:{}", self.enode.host(), self.enode.port()),
            outgoing: outgoing_sender,
            leaving: leaving_sender,
        });
        let mut buffer = vec![0; READ_BUFFER];
        loop {
            while let Some(action) = session.next_action() {
                match action {
                    Action::Write(bytes) => {
                        if let Err(failure) = self.write(&mut writer, &bytes).await {
                            return Err(self.last_words(&mut session, &mut reader).await.unwrap_or(failure));
                        }
                    }
                    Action::Established { hello, .. } => {
                        if let Some(handle) = handle.take() {
                            *established = true;
                            let (peer, enode) = (self.peer, self.enode.clone());
                            let client_id = printable(&hello.client_id);
                            self.tell(ConnectionEvent::Established { peer, enode, client_id, handle })
                                .await?;
                        }
                    }
                    Action::LegacyStatus(_) => {}
                    Action::Message(message) => {
                        self.tell(ConnectionEvent::Message { peer: self.peer, message }).await?;
                    }
                    Action::Close(end) => {
                        let _ = time::timeout(WRITE_DEADLINE, writer.shutdown()).await;
                        return Ok(self.explain(end, *leaving.borrow()));
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
                Some(message) = outgoing.recv() => Input::Send(message),
                Ok(()) = leaving.changed() => match *leaving.borrow_and_update() {
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
        }
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

    fn explain(&self, end: SessionEnd, leave: Option<Leave>) -> ConnectionEnd {
        match (end, leave) {
            (SessionEnd::LocalDisconnect(_), Some(Leave { hostile, .. })) => {
                ConnectionEnd::Expelled { hostile }
            }
            (SessionEnd::LocalDisconnect(_), None) => ConnectionEnd::Stopping,
            (end, _) => ConnectionEnd::Session(end),
        }
    }
}

fn socket_failed(error: std::io::Error) -> ConnectionEnd {
    ConnectionEnd::Socket { reason: error.to_string() }
}

/// What a peer says of itself goes to logs and screens: no control characters, no more than a line.
fn printable(client_id: &str) -> String {
    client_id.chars().filter(|character| !character.is_control()).take(128).collect()
}
