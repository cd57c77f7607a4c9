//! We were dialled: waiting for the auth packet.

use crate::proto::session::expect_hello::ExpectHello;
use crate::proto::session::fault::SessionFault;
use crate::proto::session::link::Link;
use crate::proto::session::outbox::Outbox;
use crate::proto::session::{Setup, State};
use crate::wire::rlpx::ack::seal_ack;
use crate::wire::rlpx::auth::{AuthReader, ReceivedAuth};
use crate::wire::rlpx::secrets::{Role, Secrets, Transcript};

/// Holds at most one packet of 2,050 bytes.
#[derive(Debug)]
pub(super) struct ExpectAuth {
    pub(super) setup: Setup,
    pub(super) reader: AuthReader,
}

impl ExpectAuth {
    pub(super) fn receive(mut self, input: &mut &[u8], out: &mut Outbox) -> Result<State, SessionFault> {
        match self.reader.read(&self.setup.key, input)? {
            None => Ok(State::ExpectAuth(Box::new(self))),
            Some(auth) => self.answer(&auth, out),
        }
    }

    fn answer(self, auth: &ReceivedAuth, out: &mut Outbox) -> Result<State, SessionFault> {
        let Setup { config, key, entropy } = self.setup;
        let ack = seal_ack(auth.format, &auth.initiator, &entropy);
        let agreement = entropy.ephemeral_key().agree(&auth.ephemeral_key);
        let secrets = Secrets::derive(&agreement, &auth.nonce, entropy.nonce());
        let transcript = Transcript {
            initiator_nonce: &auth.nonce,
            responder_nonce: entropy.nonce(),
            auth_packet: &auth.packet,
            ack_packet: &ack,
        };
        let link = Link::new(&secrets, Role::Responder, &transcript);
        out.write(ack)?;
        ExpectHello::open(config, &key, auth.initiator.node_id(), link, out)
    }
}
