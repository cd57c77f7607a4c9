//! The two frame streams of a session, and which messages travel on them unread.

use crate::proto::session::fault::SessionFault;
use crate::proto::session::outbox::Outbox;
use crate::proto::session::traffic::MessageClass;
use crate::wire::p2p::P2pMessage;
use crate::wire::rlpx::frame::{FrameDecoder, FrameEncoder, Received};
use crate::wire::rlpx::secrets::{Role, Secrets, Transcript};
use crate::wire::rsk::{LegacyStatus, MessageKind, RskMessage};

/// Both directions, once the secrets are known.
#[derive(Debug)]
pub(super) struct Link {
    encoder: FrameEncoder,
    decoder: FrameDecoder,
}

impl Link {
    pub(super) fn new(secrets: &Secrets, role: Role, transcript: &Transcript<'_>) -> Box<Self> {
        let (encoder, decoder) = secrets.frame_codecs(role, transcript, is_ignored);
        Box::new(Self { encoder, decoder })
    }

    pub(super) fn send_p2p(&mut self, message: &P2pMessage, out: &mut Outbox) -> Result<(), SessionFault> {
        self.send(message.code(), &message.encode(), out)
    }

    pub(super) fn send_legacy_status(
        &mut self,
        status: &LegacyStatus,
        out: &mut Outbox,
    ) -> Result<(), SessionFault> {
        self.send(LegacyStatus::CODE, &status.encode(), out)
    }

    pub(super) fn send_rsk(&mut self, message: &RskMessage, out: &mut Outbox) -> Result<(), SessionFault> {
        if let RskMessage::Ignored { kind, .. } = message {
            return Err(SessionFault::NothingToSend { kind: *kind });
        }
        self.send(RskMessage::CODE, &message.encode(), out)
    }

    fn send(&mut self, code: u8, payload: &[u8], out: &mut Outbox) -> Result<(), SessionFault> {
        out.write(self.encoder.encode(code, payload)?)?;
        out.traffic.count_sent(MessageClass::of(code, payload), payload.len() + 1);
        Ok(())
    }

    /// The next message in `input`, or `None` when it is used up.
    pub(super) fn receive(
        &mut self,
        input: &mut &[u8],
        out: &mut Outbox,
    ) -> Result<Option<Received>, SessionFault> {
        let received = self.decoder.read(input)?;
        match &received {
            Some(Received::Message(frame)) => {
                let class = MessageClass::of(frame.code(), frame.payload());
                out.traffic.count_received(class, frame.size());
            }
            Some(Received::Discarded { size, .. }) => {
                out.traffic.count_received(MessageClass::Unread, *size);
            }
            None => {}
        }
        Ok(received)
    }

    /// Test access to the raw stream, to send what no session would.
    #[cfg(test)]
    pub(super) fn encoder(&mut self) -> &mut FrameEncoder {
        &mut self.encoder
    }
}

/// Messages nobody here wants: peer exchange, whole blocks, transactions, snap responses.
fn is_ignored(code: u8, payload_start: &[u8]) -> bool {
    match code {
        P2pMessage::GET_PEERS | P2pMessage::PEERS => true,
        RskMessage::CODE => MessageKind::peek(payload_start).is_some_and(MessageKind::is_ignored),
        _ => false,
    }
}
