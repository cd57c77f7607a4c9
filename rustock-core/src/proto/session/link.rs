//! The two frame streams of a session, and which messages travel on them unread.

use crate::proto::session::fault::SessionFault;
use crate::proto::session::outbox::Outbox;
use crate::proto::session::traffic::MessageClass;
use crate::wire::p2p::P2pMessage;
use crate::wire::rlpx::frame::{
    ALWAYS_HELD_FRAME, Frame, FrameDecoder, FrameEncoder, JudgeLargeFrame, LargeFrame, Received,
};
use crate::wire::rlpx::secrets::{Role, Secrets, Transcript};
use crate::wire::rlpx::snappy::compress;
use crate::wire::rsk::{LegacyStatus, MessageKind, RskMessage};

/// Both directions, once the secrets are known.
#[derive(Debug)]
pub(super) struct Link {
    encoder: FrameEncoder,
    decoder: FrameDecoder,
    compressed: bool,
    /// A large answer may come.
    awaits_answer: bool,
}

impl Link {
    pub(super) fn new(secrets: &Secrets, role: Role, transcript: &Transcript<'_>) -> Box<Self> {
        let (encoder, decoder) = secrets.frame_codecs(role, transcript, JUDGES[0][0]);
        Box::new(Self { encoder, decoder, compressed: false, awaits_answer: false })
    }

    /// Compresses payloads both ways from here on: to be called between Hello and what follows it.
    pub(super) fn start_compression(&mut self) {
        self.compressed = true;
        self.tell_decoder();
    }

    /// Holds large answers from here on, or does not. One that has come in part stays what it is.
    pub(super) fn set_awaits_answer(&mut self, awaits_answer: bool) {
        self.awaits_answer = awaits_answer;
        self.tell_decoder();
    }

    /// Lets go of a large answer that has come in part.
    pub(super) fn skip_answer(&mut self) {
        self.set_awaits_answer(false);
        self.decoder.skip_large_frame();
    }

    fn tell_decoder(&mut self) {
        self.decoder.set_judge(JUDGES[usize::from(self.compressed)][usize::from(self.awaits_answer)]);
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
        let received = match self.decoder.read(input)? {
            Some(Received::Message(frame)) => {
                let size = frame.size();
                let frame = self.decompressed(frame)?;
                out.traffic.count_received(MessageClass::of(frame.code(), frame.payload()), size);
                self.kept(frame)
            }
            Some(Received::Discarded { code, payload_start, size }) => {
                let class = if self.compressed {
                    MessageClass::Unread
                } else {
                    MessageClass::of(code, &payload_start)
                };
                out.traffic.count_received(class, size);
                Received::Discarded { code, payload_start, size }
            }
            None => return Ok(None),
        };
        Ok(Some(received))
    }

    /// What is small on the wire may be large once it is decompressed. An answer that nobody waits for is then no more
    /// kept than one that is large as it comes.
    fn kept(&self, frame: Frame) -> Received {
        let (code, size) = (frame.code(), frame.size());
        let is_answer = code == RskMessage::CODE
            && MessageKind::peek(frame.payload()).is_some_and(MessageKind::is_large_answer);
        if is_answer && size > ALWAYS_HELD_FRAME && !self.awaits_answer {
            return Received::Discarded { code, payload_start: Vec::new(), size };
        }
        Received::Message(frame)
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

/// What to do with large frames: plain or compressed, and without or with an answer that may come.
const JUDGES: [[JudgeLargeFrame; 2]; 2] = [
    [|code, start| judge(code, start, LargeFrame::Skip), |code, start| judge(code, start, LargeFrame::Hold)],
    [|code, _| judge_compressed(code, LargeFrame::Skip), |code, _| judge_compressed(code, LargeFrame::Hold)],
];

/// Nobody here wants peer exchange, whole blocks, transactions and snap responses; only headers and bodies are large
/// beside them.
fn judge(code: u8, payload_start: &[u8], answers: LargeFrame) -> LargeFrame {
    match code {
        P2pMessage::GET_PEERS | P2pMessage::PEERS => LargeFrame::Skip,
        RskMessage::CODE => match MessageKind::peek(payload_start) {
            Some(kind) if kind.is_ignored() => LargeFrame::Skip,
            Some(kind) if kind.is_large_answer() => answers,
            Some(_) | None => LargeFrame::Refuse,
        },
        _ => LargeFrame::Refuse,
    }
}

/// What kind of message a compressed payload holds cannot be seen from its start, so any may be the answer.
fn judge_compressed(code: u8, answers: LargeFrame) -> LargeFrame {
    match code {
        P2pMessage::GET_PEERS | P2pMessage::PEERS => LargeFrame::Skip,
        RskMessage::CODE => answers,
        _ => LargeFrame::Refuse,
    }
}
