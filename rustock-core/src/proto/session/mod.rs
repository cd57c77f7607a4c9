//! One connection to one peer: RLPx handshake, Hello, both Status messages, then messages both ways.
//!
//! [`Session`] follows the contract of [`proto`](crate::proto). A struct for each awaited message is consumed to
//! make the next: [`Stage`] names them.
//!
//! Bounds, however hostile the peer: one handshake packet of 2,050 bytes or one frame of 16 KiB is held, and one of
//! 1 MiB as long as it may be the answer to a request; where payloads are compressed, as much again for what comes out.
//! A larger frame of a kind nobody wants, or of an answer nobody waits for, passes through in pieces; at most 1 MiB
//! waits to be written. The worst a peer can do is end its own session.

mod awaited;
pub mod config;
mod established;
mod expect_ack;
mod expect_auth;
mod expect_hello;
pub mod fault;
pub mod limits;
mod link;
mod outbox;
pub mod traffic;

use crate::primitives::hash::NodeId;
use crate::proto::time::Timestamp;
use crate::wire::p2p::{DisconnectReason, Hello, P2pMessage};
use crate::wire::rlpx::auth::AuthReader;
use crate::wire::rlpx::entropy::HandshakeEntropy;
use crate::wire::rlpx::keys::{PublicKey, SecretKey};
use crate::wire::rsk::{LegacyStatus, RskMessage};

pub use config::{Compression, SessionConfig};
pub use fault::{Blame, SessionEnd, SessionFault, Stage};
pub use traffic::{ClassTraffic, MessageClass, Traffic};

use established::Established;
use expect_ack::ExpectAck;
use expect_auth::ExpectAuth;
use expect_hello::ExpectHello;
use limits::HANDSHAKE_DEADLINE;
use link::Link;
use outbox::Outbox;

/// What happens to a session.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// Bytes came from the remote, cut anywhere.
    Received(&'a [u8]),
    /// A message is to be sent. Only after [`Action::Established`].
    Send(RskMessage),
    /// The answers to what was sent so far are not waited for any more. Those that are large, or have come in part,
    /// are read past; the others come as ever.
    NothingAwaited,
    /// We want to leave; [`DisconnectReason::PeerQuitting`] is what to say when nothing is wrong.
    Disconnect(DisconnectReason),
    /// The connection is gone: closed by the remote, or broken.
    ConnectionClosed,
    /// The time of [`Session::next_timeout`] has come. Harmless when it has not.
    TimerFired,
}

/// What the driver has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Write these bytes in a single write: rskj loses a handshake packet that comes in pieces.
    Write(Vec<u8>),
    /// The remote has said Hello; messages can be sent from now on.
    Established {
        /// Who the remote is, proved in the handshake.
        node_id: NodeId,
        /// What it says of itself. The node id in it is not compared, as rskj does not.
        hello: Hello,
    },
    /// The remote is on our network. May never come, may come again.
    LegacyStatus(LegacyStatus),
    /// A message came. Those of ignored kinds are only counted.
    Message(RskMessage),
    /// Close the connection and drop the session. Always the last action, and always comes.
    Close(SessionEnd),
}

/// What went through a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionCounters {
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes given to be written.
    pub bytes_out: u64,
    /// Messages of ignored kinds.
    pub ignored_frames: u64,
    /// Bytes of code and payload of those messages, decompressed: what they cost, not what they weigh.
    pub ignored_bytes: u64,
}

impl SessionCounters {
    fn count_ignored(&mut self, size: usize) {
        self.ignored_frames += 1;
        self.ignored_bytes += size as u64;
    }
}

/// The state machine of one connection.
#[derive(Debug)]
pub struct Session {
    state: State,
    handshake_deadline: Timestamp,
    out: Outbox,
}

#[derive(Debug)]
enum State {
    ExpectAuth(Box<ExpectAuth>),
    ExpectAck(Box<ExpectAck>),
    ExpectHello(Box<ExpectHello>),
    Established(Box<Established>),
    Ended,
}

/// What both roles start from.
#[derive(Debug)]
struct Setup {
    config: SessionConfig,
    key: SecretKey,
    entropy: HandshakeEntropy,
}

/// An end, with the frame streams if there are any, so that the remote can be told.
struct Ending {
    end: SessionEnd,
    link: Option<Box<Link>>,
}

impl From<SessionFault> for Ending {
    fn from(fault: SessionFault) -> Self {
        Self { end: SessionEnd::Fault(fault), link: None }
    }
}

impl Session {
    /// A session on a connection that we opened to the node with this key. `entropy` must be fresh.
    pub fn dial(
        config: SessionConfig,
        key: SecretKey,
        remote: PublicKey,
        entropy: HandshakeEntropy,
        now: Timestamp,
    ) -> Self {
        let mut session = Self::new(now);
        match ExpectAck::open(Setup { config, key, entropy }, remote, &mut session.out) {
            Ok(state) => session.state = State::ExpectAck(Box::new(state)),
            Err(fault) => session.out.close(SessionEnd::Fault(fault)),
        }
        session
    }

    /// A session on a connection that somebody opened to us. `entropy` must be fresh.
    pub fn accept(config: SessionConfig, key: SecretKey, entropy: HandshakeEntropy, now: Timestamp) -> Self {
        let setup = Setup { config, key, entropy };
        let mut session = Self::new(now);
        session.state = State::ExpectAuth(Box::new(ExpectAuth { setup, reader: AuthReader::new() }));
        session
    }

    fn new(now: Timestamp) -> Self {
        let handshake_deadline = now.saturating_add(HANDSHAKE_DEADLINE);
        Self { state: State::Ended, handshake_deadline, out: Outbox::default() }
    }

    /// Takes what happened. Drain [`Self::next_action`] afterwards. After the end everything is ignored.
    pub fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        if self.stage() < Stage::Established && now >= self.handshake_deadline {
            return self.end(SessionEnd::TimedOut(self.stage()));
        }
        match input {
            Input::Received(bytes) => self.receive(now, bytes),
            Input::Send(message) => self.send(now, &message),
            Input::NothingAwaited => {
                if let State::Established(established) = &mut self.state {
                    established.forget_requests();
                }
            }
            Input::Disconnect(reason) => self.end(SessionEnd::LocalDisconnect(reason)),
            Input::ConnectionClosed => self.end(SessionEnd::ConnectionClosed(self.stage())),
            Input::TimerFired => self.check_silence(now),
        }
    }

    /// What is to be done next, in order.
    pub fn next_action(&mut self) -> Option<Action> {
        self.out.next()
    }

    /// When to come back with [`Input::TimerFired`]; `None` after the end.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        match &self.state {
            State::ExpectAuth(_) | State::ExpectAck(_) | State::ExpectHello(_) => {
                Some(self.handshake_deadline)
            }
            State::Established(established) => Some(established.next_timeout()),
            State::Ended => None,
        }
    }

    /// What the session waits for.
    pub fn stage(&self) -> Stage {
        match &self.state {
            State::ExpectAuth(_) => Stage::ExpectAuth,
            State::ExpectAck(_) => Stage::ExpectAck,
            State::ExpectHello(_) => Stage::ExpectHello,
            State::Established(_) => Stage::Established,
            State::Ended => Stage::Ended,
        }
    }

    /// Who the remote is, once the handshake has proved it and while the session lasts.
    pub fn remote(&self) -> Option<NodeId> {
        match &self.state {
            State::ExpectHello(waiting) => Some(waiting.remote()),
            State::Established(established) => Some(established.remote()),
            State::ExpectAuth(_) | State::ExpectAck(_) | State::Ended => None,
        }
    }

    /// What went through so far.
    pub fn counters(&self) -> SessionCounters {
        self.out.counters
    }

    /// What went through so far, by class.
    pub fn traffic(&self) -> Traffic {
        self.out.traffic
    }

    fn receive(&mut self, now: Timestamp, bytes: &[u8]) {
        let mut input = bytes;
        while !input.is_empty() {
            let before = input.len();
            let state = core::mem::replace(&mut self.state, State::Ended);
            let next = match state {
                State::ExpectAuth(state) => state.receive(&mut input, &mut self.out).map_err(Ending::from),
                State::ExpectAck(state) => state.receive(&mut input, &mut self.out).map_err(Ending::from),
                State::ExpectHello(state) => state.receive(now, &mut input, &mut self.out),
                State::Established(state) => state.receive(now, &mut input, &mut self.out),
                State::Ended => return,
            };
            self.out.counters.bytes_in += (before - input.len()) as u64;
            match next {
                Ok(state) => self.state = state,
                Err(ending) => return self.close(ending),
            }
        }
    }

    fn send(&mut self, now: Timestamp, message: &RskMessage) {
        let sent = match &mut self.state {
            State::Established(established) => established.send(now, message, &mut self.out),
            State::Ended => return,
            State::ExpectAuth(_) | State::ExpectAck(_) | State::ExpectHello(_) => {
                Err(SessionFault::SentTooEarly { stage: self.stage() })
            }
        };
        if let Err(fault) = sent {
            self.end(SessionEnd::Fault(fault));
        }
    }

    fn check_silence(&mut self, now: Timestamp) {
        if let State::Established(established) = &mut self.state
            && let Err(end) = established.check_silence(now, &mut self.out)
        {
            self.end(end);
        }
    }

    fn end(&mut self, end: SessionEnd) {
        let link = match core::mem::replace(&mut self.state, State::Ended) {
            State::ExpectAuth(_) | State::ExpectAck(_) => None,
            State::ExpectHello(state) => Some(state.link),
            State::Established(state) => Some(state.link),
            State::Ended => return,
        };
        self.close(Ending { end, link });
    }

    fn close(&mut self, Ending { end, link }: Ending) {
        if let (Some(mut link), Some(reason)) = (link, farewell(&end)) {
            // Without room for it the remote does not read, and is not told.
            let _ = link.send_p2p(&P2pMessage::Disconnect(reason), &mut self.out);
        }
        self.out.close(end);
    }
}

/// What the remote is told at the end, if anything.
fn farewell(end: &SessionEnd) -> Option<DisconnectReason> {
    match end {
        SessionEnd::LocalDisconnect(reason) => Some(*reason),
        SessionEnd::TimedOut(_) => Some(DisconnectReason::PingTimeout),
        SessionEnd::Fault(fault) => fault.disconnect_reason(),
        SessionEnd::RemoteDisconnect(_) | SessionEnd::ConnectionClosed(_) => None,
    }
}

#[cfg(test)]
mod tests;
