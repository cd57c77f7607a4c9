//! Sessions whose remote writes whatever takes the most memory: endless transactions, frames as large as the format
//! allows, frames that never end.

use rustock_core::{
    primitives::hash::{BlockHash, NodeId},
    proto::{
        session::{Action, Input, Session, SessionEnd, Stage, limits::READ_BUFFER},
        time::Timestamp,
    },
    wire::{
        p2p::{Capability, Hello},
        rlpx::{entropy::HandshakeEntropy, frame::FrameEncoder, keys::SecretKey},
        rsk::{BlockHeadersRequest, BlockHeadersResponse, MessageKind, RawList, RequestId, RskMessage, seal},
    },
};

use super::meter::Meter;
use crate::remote::{acknowledge, client_config};

/// The most bytes that say that something is a list of one string.
const LIST_AND_STRING: usize = 8;
const NOW: Timestamp = Timestamp::from_millis(1_000);

fn key(number: u64) -> SecretKey {
    let mut bytes = [3; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_bytes(&bytes).expect("in range")
}

fn entropy(number: u64) -> HandshakeEntropy {
    let bytes =
        core::array::from_fn(|index| (index as u8).wrapping_mul(37).wrapping_add(number as u8).max(1));
    HandshakeEntropy::from_random(&bytes).expect("in range")
}

/// A session of ours and its socket's buffer, as the runtime has them.
#[derive(Debug)]
pub struct Connection {
    session: Session,
    buffer: Vec<u8>,
    /// Messages that were taken.
    pub messages: u64,
    /// Why it ended.
    pub end: Option<SessionEnd>,
}

impl Connection {
    fn new(session: Session) -> Self {
        Self { session, buffer: vec![0; READ_BUFFER], messages: 0, end: None }
    }

    /// We have dialled, and the other end says nothing.
    pub fn dialled(number: u64) -> Self {
        let session = Session::dial(client_config(), key(0), key(number).public_key(), entropy(0), NOW);
        let mut connection = Self::new(session);
        connection.drain(&mut |_| {});
        connection
    }

    /// Somebody has connected to us, and said nothing yet.
    pub fn accepted() -> Self {
        Self::new(Session::accept(client_config(), key(0), entropy(0), NOW))
    }

    /// Everything of it comes, as much as the socket gives at a time. What it leads to is done at once, as by a
    /// driver that is not behind; messages are told.
    pub fn receive(&mut self, bytes: &[u8], told: &mut impl FnMut(RskMessage)) {
        for piece in bytes.chunks(READ_BUFFER) {
            self.buffer[..piece.len()].copy_from_slice(piece);
            self.session.handle(NOW, Input::Received(&self.buffer[..piece.len()]));
            self.drain(told);
        }
    }

    /// The driver wants something of it.
    pub fn order(&mut self, order: Input<'_>) {
        self.session.handle(NOW, order);
        self.drain(&mut |_| {});
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        self.session.stage()
    }

    fn drain(&mut self, told: &mut impl FnMut(RskMessage)) {
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Message(message) => {
                    self.messages += 1;
                    told(message);
                }
                Action::Close(end) => self.end = Some(end),
                Action::Write(_) | Action::Established { .. } | Action::LegacyStatus(_) => {}
            }
        }
    }
}

/// The other end, which has the keys and no manners.
#[derive(Debug)]
pub struct Remote {
    encoder: FrameEncoder,
    /// The rest of a frame that was begun.
    rest: Vec<u8>,
}

impl Remote {
    /// An established session with it.
    pub fn connect(number: u64, meter: &mut Meter) -> (Connection, Self) {
        let mut session = Session::dial(client_config(), key(0), key(number).public_key(), entropy(0), NOW);
        let Some(Action::Write(auth_packet)) = session.next_action() else { panic!("an auth packet") };
        let (ack_packet, mut remote) = meter.outside(|| Self::answer(number, &auth_packet));
        let mut connection = Connection::new(session);
        connection.receive(&ack_packet, &mut |_| {});
        remote.write(&mut connection, meter, 0x00, &hello(), &mut |_| {});
        assert_eq!(connection.stage(), Stage::Established);
        meter.outside(|| drop(ack_packet));
        (connection, remote)
    }

    fn answer(number: u64, auth_packet: &[u8]) -> (Vec<u8>, Self) {
        let (ack_packet, encoder) = acknowledge(&key(0), &entropy(0), &entropy(number), auth_packet);
        (ack_packet, Self { encoder, rest: Vec::new() })
    }

    /// The next frame of its stream, to be sent by the caller.
    pub fn seal(&mut self, code: u8, payload: &[u8]) -> Vec<u8> {
        self.encoder.encode(code, payload).expect("small enough")
    }

    /// Sends a whole frame.
    pub fn write(
        &mut self,
        connection: &mut Connection,
        meter: &mut Meter,
        code: u8,
        payload: &[u8],
        told: &mut impl FnMut(RskMessage),
    ) {
        let frame = meter.outside(|| self.seal(code, payload));
        connection.receive(&frame, told);
        meter.outside(|| drop(frame));
    }

    /// Sends a frame but for its last byte.
    pub fn begin(&mut self, connection: &mut Connection, meter: &mut Meter, payload: &[u8]) {
        let frame = meter.outside(|| {
            let mut frame = self.seal(RskMessage::CODE, payload);
            self.rest = frame.split_off(frame.len() - 1);
            frame
        });
        connection.receive(&frame, &mut |_| {});
        meter.outside(|| drop(frame));
    }

    /// Sends the last byte of a frame that was begun.
    pub fn finish(&mut self, connection: &mut Connection, told: &mut impl FnMut(RskMessage)) {
        connection.receive(&self.rest, told);
    }
}

fn hello() -> Vec<u8> {
    let hello = Hello {
        p2p_version: 4,
        client_id: "remote".to_owned(),
        capabilities: vec![Capability::new("rsk", 62)],
        listen_port: 0,
        node_id: NodeId::new([7; 64]),
    };
    hello.encode()
}

/// Transactions of so many bytes in all, code of the message included.
pub fn transactions(size: usize) -> Vec<u8> {
    payload_of(MessageKind::Transactions, size)
}

/// A message of this kind that is no more than so many bytes of code and payload.
fn payload_of(kind: MessageKind, size: usize) -> Vec<u8> {
    let overhead = seal(kind, &vec![0xee; size]).len() + 1 - size;
    seal(kind, &vec![0xee; size - overhead])
}

/// An answer of 192 headers that have so many bytes each, or a little less.
pub fn headers(header_bytes: usize) -> RskMessage {
    let id = RequestId::new(7).expect("small");
    // One string fills the list.
    let mut header = rlp::RlpStream::new_list(1);
    header.append(&vec![0xee; header_bytes - LIST_AND_STRING]);
    let header = header.out().to_vec();
    let header = RawList::new(header).expect("a list");
    RskMessage::BlockHeadersResponse(BlockHeadersResponse { id, headers: vec![header; 192] })
}

/// A request that is answered by headers.
pub fn request() -> RskMessage {
    let id = RequestId::new(7).expect("small");
    RskMessage::BlockHeadersRequest(BlockHeadersRequest { id, hash: BlockHash::new([1; 32]), count: 192 })
}

/// What an honest peer says every few seconds.
pub fn status() -> RskMessage {
    RskMessage::Status(client_config().status)
}
