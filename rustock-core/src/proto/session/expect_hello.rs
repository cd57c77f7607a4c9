//! The frames are encrypted and our Hello is out: waiting for the remote's.

use crate::primitives::hash::NodeId;
use crate::proto::session::established::Established;
use crate::proto::session::fault::{SessionEnd, SessionFault};
use crate::proto::session::link::Link;
use crate::proto::session::outbox::Outbox;
use crate::proto::session::{Action, Ending, SessionConfig, State};
use crate::proto::time::Timestamp;
use crate::wire::p2p::{Capability, DisconnectReason, Hello, P2pMessage};
use crate::wire::rlpx::frame::{Frame, Received};
use crate::wire::rlpx::keys::SecretKey;
use crate::wire::rsk::RskMessage;

/// The p2p versions rskj accepts. What 5 adds depends on our own Hello too, which says 4.
const P2P_VERSIONS: core::ops::RangeInclusive<u32> = 4..=5;

/// Holds at most one frame.
#[derive(Debug)]
pub(super) struct ExpectHello {
    config: SessionConfig,
    remote: NodeId,
    pub(super) link: Box<Link>,
}

impl ExpectHello {
    /// Says Hello. In both roles without waiting: rskj, when dialled, waits for ours.
    pub(super) fn open(
        config: SessionConfig,
        key: &SecretKey,
        remote: NodeId,
        mut link: Box<Link>,
        out: &mut Outbox,
    ) -> Result<State, SessionFault> {
        link.send_p2p(&P2pMessage::Hello(config.hello(key.node_id())), out)?;
        Ok(State::ExpectHello(Box::new(Self { config, remote, link })))
    }

    pub(super) fn receive(
        mut self,
        now: Timestamp,
        input: &mut &[u8],
        out: &mut Outbox,
    ) -> Result<State, Ending> {
        let greeted = self.greet(input, out);
        match greeted {
            Ok(None) => Ok(State::ExpectHello(Box::new(self))),
            Ok(Some(hello)) => {
                out.push(Action::Established { node_id: self.remote, hello });
                Ok(State::Established(Box::new(Established::new(now, self.config, self.remote, self.link))))
            }
            Err(end) => Err(Ending { end, link: Some(self.link) }),
        }
    }

    fn greet(&mut self, input: &mut &[u8], out: &mut Outbox) -> Result<Option<Hello>, SessionEnd> {
        let Some(received) = self.link.receive(input, out).map_err(SessionEnd::Fault)? else {
            return Ok(None);
        };
        let hello = first_message(&received)?;
        check(&hello).map_err(SessionEnd::Fault)?;
        if self.config.compresses_with(&hello) {
            self.link.start_compression();
        }
        self.introduce(out).map_err(SessionEnd::Fault)?;
        Ok(Some(hello))
    }

    fn introduce(&mut self, out: &mut Outbox) -> Result<(), SessionFault> {
        self.link.send_legacy_status(&self.config.legacy_status, out)?;
        self.link.send_rsk(&RskMessage::Status(self.config.status), out)
    }

    pub(super) fn remote(&self) -> NodeId {
        self.remote
    }
}

fn first_message(received: &Received) -> Result<Hello, SessionEnd> {
    match received {
        Received::Message(frame) => match frame.code() {
            P2pMessage::HELLO => read_hello(frame).map_err(SessionEnd::Fault),
            P2pMessage::DISCONNECT => Err(match DisconnectReason::decode(frame.payload()) {
                Ok(reason) => SessionEnd::RemoteDisconnect(reason),
                Err(error) => SessionEnd::Fault(error.into()),
            }),
            code => Err(SessionEnd::Fault(SessionFault::FirstMessageNotHello { code })),
        },
        Received::Discarded { code, .. } => {
            Err(SessionEnd::Fault(SessionFault::FirstMessageNotHello { code: *code }))
        }
    }
}

fn read_hello(frame: &Frame) -> Result<Hello, SessionFault> {
    Ok(Hello::decode(frame.payload())?)
}

/// What rskj asks of a Hello. Like rskj, it does not compare the node id with the key of the handshake: that
/// key is proved and the id in Hello is only said, so the session is known by the key, and the rest is ignored.
fn check(hello: &Hello) -> Result<(), SessionFault> {
    if !P2P_VERSIONS.contains(&hello.p2p_version) {
        return Err(SessionFault::P2pVersion { actual: hello.p2p_version });
    }
    if !hello.capabilities.iter().any(Capability::is_rsk) {
        return Err(SessionFault::MissingCapability);
    }
    Ok(())
}
