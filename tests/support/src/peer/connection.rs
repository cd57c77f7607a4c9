//! One connection: a socket, a session, a conversation, and nothing decided here.

use core::time::Duration;
use std::{io, sync::Arc};

use rustock_core::{
    primitives::hash::NodeId,
    proto::session::{Action, Input, Session, SessionEnd, limits::WRITE_DEADLINE},
    wire::p2p::DisconnectReason,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{broadcast, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{
    conversation::{Conversation, Step},
    misbehaviour::Misbehaviour,
    shared::{Counting, Shared, Signal, handshake_entropy},
};

/// rskj tells its status when more than ten whole seconds have passed.
const STATUS_INTERVAL: Duration = Duration::from_secs(11);
/// Bytes read from a socket at a time.
const READ_SIZE: usize = 16 * 1024;

/// Serves one remote until either side leaves, the connection breaks or the peer stops.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, stopping: watch::Receiver<bool>) {
    Counting::add_one(&shared.counting.connections);
    // Whatever ended it: the remote is gone, and a test peer has nobody to tell.
    let _ = match shared.options.misbehaviour {
        Misbehaviour::NoHandshake => listen_only(stream, stopping).await,
        _ => Connection::run(&shared, stream, stopping).await,
    };
}

/// Reads what comes and says nothing.
async fn listen_only(mut stream: TcpStream, mut stopping: watch::Receiver<bool>) -> io::Result<()> {
    let mut buffer = vec![0; READ_SIZE];
    loop {
        tokio::select! {
            read = stream.read(&mut buffer) => if read? == 0 { return Ok(()) },
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(()),
        }
    }
}

struct Connection<'a> {
    shared: &'a Shared,
    stream: TcpStream,
    session: Session,
    conversation: Option<Conversation>,
    remote: Option<NodeId>,
    next_status: Instant,
}

/// Whether the connection goes on.
#[derive(PartialEq, Eq)]
enum Flow {
    Continue,
    Closed,
}

impl<'a> Connection<'a> {
    async fn run(shared: &'a Shared, stream: TcpStream, stopping: watch::Receiver<bool>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let entropy = handshake_entropy().map_err(io::Error::other)?;
        let now = shared.clock.timestamp();
        let session = Session::accept(shared.session_config(), shared.key.clone(), entropy, now);
        let mut connection = Self {
            shared,
            stream,
            session,
            conversation: None,
            remote: None,
            next_status: Instant::now() + STATUS_INTERVAL,
        };
        let ended = connection.drive(stopping).await;
        connection.forget_remote();
        ended
    }

    /// Before the remote can notice the end, so that it can come back at once.
    fn forget_remote(&mut self) {
        if let Some(remote) = self.remote.take() {
            self.shared.disconnect(&remote);
        }
    }

    async fn drive(&mut self, mut stopping: watch::Receiver<bool>) -> io::Result<()> {
        let mut signals = self.shared.signals.subscribe();
        let mut buffer = vec![0; READ_SIZE];
        loop {
            if self.perform_actions().await? == Flow::Closed {
                return Ok(());
            }
            if let Some(step) = self.next_step() {
                if self.perform(step).await? == Flow::Closed {
                    return Ok(());
                }
                continue;
            }
            let wake_up = self.wake_up();
            tokio::select! {
                read = self.stream.read(&mut buffer) => {
                    let input = match read? {
                        0 => Input::ConnectionClosed,
                        size => Input::Received(&buffer[..size]),
                    };
                    self.session.handle(self.shared.clock.timestamp(), input);
                }
                () = sleep_until(wake_up) => self.on_timer(),
                signal = signals.recv() => match signal {
                    Ok(Signal::Announce(block)) => {
                        let now = self.shared.clock.time_of_day();
                        if let Some(conversation) = &mut self.conversation {
                            conversation.announce(now, block);
                        }
                    }
                    Ok(Signal::Break) => return Ok(()),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                _ = stopping.wait_for(|stopping| *stopping) => self.disconnect(DisconnectReason::PeerQuitting),
            }
        }
    }

    async fn perform_actions(&mut self) -> io::Result<Flow> {
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Write(bytes) => self.write(&bytes).await?,
                Action::Established { node_id, .. } => self.greet(node_id),
                Action::Message(message) => {
                    Counting::add_one(&self.shared.counting.messages_received);
                    let now = self.shared.clock.time_of_day();
                    if let Some(conversation) = &mut self.conversation {
                        conversation.receive(now, message);
                    }
                }
                Action::LegacyStatus(_) => {}
                Action::Close(end) => {
                    if end == SessionEnd::RemoteDisconnect(DisconnectReason::PeerQuitting) {
                        Counting::add_one(&self.shared.counting.goodbyes);
                    }
                    self.forget_remote();
                    // What was written last must reach the remote before the socket goes.
                    self.stream.shutdown().await?;
                    return Ok(Flow::Closed);
                }
            }
        }
        Ok(Flow::Continue)
    }

    fn greet(&mut self, node: NodeId) {
        Counting::add_one(&self.shared.counting.sessions);
        if !self.shared.connect(node) {
            return self.disconnect(DisconnectReason::DuplicatePeer);
        }
        self.remote = Some(node);
        let options = &self.shared.options;
        let activations = options.params.activations.clone();
        self.conversation = Some(Conversation::new(options.pace, options.misbehaviour, activations));
    }

    fn next_step(&mut self) -> Option<Step> {
        let now = self.shared.clock.time_of_day();
        self.conversation.as_mut()?.next_step(now, &self.shared.chain())
    }

    async fn perform(&mut self, step: Step) -> io::Result<Flow> {
        let now = self.shared.clock.timestamp();
        match step {
            Step::Send(message) => {
                Counting::add_one(&self.shared.counting.messages_sent);
                self.session.handle(now, Input::Send(message));
            }
            Step::SendHalfAndBreak(message) => {
                self.session.handle(now, Input::Send(message));
                if let Some(Action::Write(bytes)) = self.session.next_action() {
                    self.write(&bytes[..bytes.len() / 2]).await?;
                }
                return Ok(Flow::Closed);
            }
            Step::Disconnect(reason) => self.disconnect(reason),
        }
        Ok(Flow::Continue)
    }

    fn disconnect(&mut self, reason: DisconnectReason) {
        self.session.handle(self.shared.clock.timestamp(), Input::Disconnect(reason));
    }

    fn on_timer(&mut self) {
        if Instant::now() >= self.next_status {
            self.next_status = Instant::now() + STATUS_INTERVAL;
            if let Some(conversation) = &mut self.conversation {
                conversation.tell_status(&self.shared.chain());
            }
        }
        self.session.handle(self.shared.clock.timestamp(), Input::TimerFired);
    }

    fn wake_up(&self) -> Instant {
        let clock = &self.shared.clock;
        let session = self.session.next_timeout().map(|due| clock.instant_of(due));
        let conversation = self.conversation.as_ref().and_then(Conversation::next_due);
        let conversation = conversation.map(|due| clock.instant_of_day(due));
        [session, conversation].into_iter().flatten().fold(self.next_status, Instant::min)
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(WRITE_DEADLINE, self.stream.write_all(bytes)).await?
    }
}
