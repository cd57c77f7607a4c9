//! We dialled and sent the auth packet: waiting for the ack packet.

use crate::proto::session::expect_hello::ExpectHello;
use crate::proto::session::fault::SessionFault;
use crate::proto::session::link::Link;
use crate::proto::session::outbox::Outbox;
use crate::proto::session::{Setup, State};
use crate::wire::rlpx::ack::{AckReader, ReceivedAck};
use crate::wire::rlpx::auth::seal_auth;
use crate::wire::rlpx::keys::PublicKey;
use crate::wire::rlpx::secrets::{Role, Secrets, Transcript};

/// Holds at most one packet of 2,050 bytes.
#[derive(Debug)]
pub(super) struct ExpectAck {
    setup: Setup,
    remote: PublicKey,
    auth_packet: Vec<u8>,
    reader: AckReader,
}

impl ExpectAck {
    /// Writes the auth packet.
    pub(super) fn open(setup: Setup, remote: PublicKey, out: &mut Outbox) -> Result<Self, SessionFault> {
        let auth_packet = seal_auth(setup.config.auth_format, &setup.key, &remote, &setup.entropy);
        out.write(auth_packet.clone())?;
        Ok(Self { setup, remote, auth_packet, reader: AckReader::new() })
    }

    pub(super) fn receive(mut self, input: &mut &[u8], out: &mut Outbox) -> Result<State, SessionFault> {
        match self.reader.read(&self.setup.key, input)? {
            None => Ok(State::ExpectAck(Box::new(self))),
            Some(ack) => self.agree(&ack, out),
        }
    }

    fn agree(self, ack: &ReceivedAck, out: &mut Outbox) -> Result<State, SessionFault> {
        let Setup { config, key, entropy } = self.setup;
        let agreement = entropy.ephemeral_key().agree(&ack.ephemeral_key);
        let secrets = Secrets::derive(&agreement, entropy.nonce(), &ack.nonce);
        let transcript = Transcript {
            initiator_nonce: entropy.nonce(),
            responder_nonce: &ack.nonce,
            auth_packet: &self.auth_packet,
            ack_packet: &ack.packet,
        };
        let link = Link::new(&secrets, Role::Initiator, &transcript);
        ExpectHello::open(config, &key, self.remote.node_id(), link, out)
    }
}
