//! Messages go both ways.

use crate::primitives::hash::NodeId;
use crate::proto::session::awaited::AwaitedAnswers;
use crate::proto::session::fault::{SessionEnd, SessionFault, Stage};
use crate::proto::session::link::Link;
use crate::proto::session::outbox::Outbox;
use crate::proto::session::{Action, Ending, SessionConfig, State};
use crate::proto::time::Timestamp;
use crate::wire::p2p::P2pMessage;
use crate::wire::rlpx::frame::{Frame, Received};
use crate::wire::rsk::{LegacyStatus, RskMessage};

/// The first code that belongs to `rsk/62`; those below are the base protocol's.
const FIRST_RSK_CODE: u8 = 0x10;

/// Holds at most one frame: one of any size only while its answer is awaited.
#[derive(Debug)]
pub(super) struct Established {
    config: SessionConfig,
    remote: NodeId,
    pub(super) link: Box<Link>,
    awaited: AwaitedAnswers,
    last_received: Timestamp,
    last_ping: Timestamp,
}

impl Established {
    pub(super) fn new(now: Timestamp, config: SessionConfig, remote: NodeId, link: Box<Link>) -> Self {
        let awaited = AwaitedAnswers::default();
        Self { config, remote, link, awaited, last_received: now, last_ping: now }
    }

    pub(super) fn receive(
        mut self,
        now: Timestamp,
        input: &mut &[u8],
        out: &mut Outbox,
    ) -> Result<State, Ending> {
        self.last_received = now;
        self.link.set_awaits_answer(self.awaited.is_any(now));
        match self.take_messages(now, input, out) {
            Ok(()) => Ok(State::Established(Box::new(self))),
            Err(end) => Err(Ending { end, link: Some(self.link) }),
        }
    }

    fn take_messages(
        &mut self,
        now: Timestamp,
        input: &mut &[u8],
        out: &mut Outbox,
    ) -> Result<(), SessionEnd> {
        while let Some(received) = self.link.receive(input, out).map_err(SessionEnd::Fault)? {
            match received {
                Received::Message(frame) if frame.code() < FIRST_RSK_CODE => self.take_p2p(&frame, out)?,
                Received::Message(frame) => self.take_rsk(now, &frame, out).map_err(SessionEnd::Fault)?,
                Received::Discarded { size, .. } => out.counters.count_ignored(size),
            }
        }
        Ok(())
    }

    fn take_p2p(&mut self, frame: &Frame, out: &mut Outbox) -> Result<(), SessionEnd> {
        let fault = SessionEnd::Fault;
        // Without looking at what else it says: rskj does not either.
        if frame.code() == P2pMessage::HELLO {
            return Err(fault(SessionFault::SecondHello));
        }
        match P2pMessage::decode(frame.code(), frame.payload()).map_err(|error| fault(error.into()))? {
            P2pMessage::Hello(_) => Err(fault(SessionFault::SecondHello)),
            P2pMessage::Disconnect(reason) => Err(SessionEnd::RemoteDisconnect(reason)),
            P2pMessage::Ping => self.link.send_p2p(&P2pMessage::Pong, out).map_err(fault),
            P2pMessage::Pong => Ok(()),
            P2pMessage::Ignored { .. } => {
                out.counters.count_ignored(frame.size());
                Ok(())
            }
        }
    }

    fn take_rsk(&mut self, now: Timestamp, frame: &Frame, out: &mut Outbox) -> Result<(), SessionFault> {
        match frame.code() {
            LegacyStatus::CODE => {
                let status = LegacyStatus::decode(frame.payload())?;
                check_legacy_status(&self.config.legacy_status, &status)?;
                out.push(Action::LegacyStatus(status));
            }
            RskMessage::CODE => match RskMessage::decode(frame.payload())? {
                RskMessage::Ignored { .. } => out.counters.count_ignored(frame.size()),
                message => {
                    if message.kind().is_large_answer() {
                        self.awaited.answered();
                        self.link.set_awaits_answer(self.awaited.is_any(now));
                    }
                    out.push(Action::Message(message));
                }
            },
            code => return Err(SessionFault::UnassignedCode { code }),
        }
        Ok(())
    }

    pub(super) fn send(
        &mut self,
        now: Timestamp,
        message: &RskMessage,
        out: &mut Outbox,
    ) -> Result<(), SessionFault> {
        if message.asks_for_large_answer() {
            self.awaited.asked(now);
        }
        self.link.send_rsk(message, out)
    }

    /// Large answers to what was asked so far are wanted no more.
    pub(super) fn forget_requests(&mut self) {
        self.awaited.forget();
        self.link.skip_answer();
    }

    /// Pings a silent remote, and gives it up in the end.
    pub(super) fn check_silence(&mut self, now: Timestamp, out: &mut Outbox) -> Result<(), SessionEnd> {
        if now >= self.idle_deadline() {
            return Err(SessionEnd::TimedOut(Stage::Established));
        }
        if now >= self.ping_due() {
            self.last_ping = now;
            self.link.send_p2p(&P2pMessage::Ping, out).map_err(SessionEnd::Fault)?;
        }
        Ok(())
    }

    pub(super) fn next_timeout(&self) -> Timestamp {
        self.idle_deadline().min(self.ping_due())
    }

    pub(super) fn remote(&self) -> NodeId {
        self.remote
    }

    fn idle_deadline(&self) -> Timestamp {
        self.last_received.saturating_add(self.config.silence_limit)
    }

    fn ping_due(&self) -> Timestamp {
        self.last_received.max(self.last_ping).saturating_add(self.config.ping_interval)
    }
}

/// In rskj's order: version, network, genesis. The remote's best block is its claim and checked by nobody.
fn check_legacy_status(ours: &LegacyStatus, theirs: &LegacyStatus) -> Result<(), SessionFault> {
    if theirs.protocol_version != ours.protocol_version {
        let (expected, actual) = (ours.protocol_version, theirs.protocol_version);
        return Err(SessionFault::ProtocolVersion { expected, actual });
    }
    if theirs.network_id != ours.network_id {
        return Err(SessionFault::NetworkId { expected: ours.network_id, actual: theirs.network_id });
    }
    if theirs.genesis_hash != ours.genesis_hash {
        return Err(SessionFault::Genesis { expected: ours.genesis_hash, actual: theirs.genesis_hash });
    }
    Ok(())
}
