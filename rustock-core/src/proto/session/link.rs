//! The two frame streams of a session, and which messages travel on them unread.

use crate::proto::session::fault::SessionFault;
use crate::proto::session::outbox::Outbox;
use crate::proto::session::traffic::MessageClass;
use crate::wire::p2p::P2pMessage;
use crate::wire::rlpx::frame::{Frame, FrameDecoder, FrameEncoder, Received};
use crate::wire::rlpx::secrets::{Role, Secrets, Transcript};
use crate::wire::rlpx::snappy::compress;
use crate::wire::rsk::{LegacyStatus, MessageKind, RskMessage};

/// Both directions, once the secrets are known.
#[derive(Debug)]
pub(super) struct Link {
    encoder: FrameEncoder,
    decoder: FrameDecoder,
    compressed: bool,
}

impl Link {
    pub(super) fn new(secrets: &Secrets, role: Role, transcript: &Transcript<'_>) -> Box<Self> {
        let (encoder, decoder) = secrets.frame_codecs(role, transcript, is_ignored);
        Box::new(Self { encoder, decoder, compressed: false })
    }

    /// Compresses payloads both ways from here on: to be called between Hello and what follows it.
    pub(super) fn start_compression(&mut self) {
        self.compressed = true;
        // What kind of message a compressed payload holds cannot be seen from its start. Nobody who compresses
        // sends anything too large to hold.
        self.decoder.set_is_ignored(|_, _| false);
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
        let class = MessageClass::of(code, payload);
        let size = if self.compressed {
            self.write(code, &compress(payload), out)?
        } else {
            self.write(code, payload, out)?
        };
        out.traffic.count_sent(class, size);
        Ok(())
    }

    /// Bytes of code and payload that were written.
    fn write(&mut self, code: u8, payload: &[u8], out: &mut Outbox) -> Result<usize, SessionFault> {
        out.write(self.encoder.encode(code, payload)?)?;
        Ok(payload.len() + 1)
    }

    /// The next message in `input`, or `None` when it is used up.
    pub(super) fn receive(
        &mut self,
        input: &mut &[u8],
        out: &mut Outbox,
    ) -> Result<Option<Received>, SessionFault> {
        Ok(match self.decoder.read(input)? {
            Some(Received::Message(frame)) => {
                let size = frame.size();
                let frame = self.decompressed(frame)?;
                out.traffic.count_received(MessageClass::of(frame.code(), frame.payload()), size);
                Some(Received::Message(frame))
            }
            Some(Received::Discarded { code, size }) => {
                out.traffic.count_received(MessageClass::Unread, size);
                Some(Received::Discarded { code, size })
            }
            None => None,
        })
    }

    fn decompressed(&self, frame: Frame) -> Result<Frame, SessionFault> {
        if !self.compressed {
            return Ok(frame);
        }
        match frame.decompress() {
            // A peer that left before it had read our Hello did not know that it should compress.
            Err(_) if frame.code() == P2pMessage::DISCONNECT => Ok(frame),
            result => Ok(result?),
        }
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
