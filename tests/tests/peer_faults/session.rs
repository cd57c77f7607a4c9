//! What a peer does on its connection, before a real session.

use core::{net::Ipv4Addr, time::Duration};
use std::net::{TcpListener, TcpStream};

use rustock_core::{
    primitives::{
        hash::{BlockHash, NodeId},
        number::BlockNumber,
    },
    proto::{
        peers::{Ending, flood},
        session::{
            Action, Input, Session, SessionEnd, Stage,
            limits::{CLIENT_SILENCE_LIMIT, HANDSHAKE_DEADLINE, OUTGOING_BYTES},
        },
        time::Timestamp,
    },
    wire::{
        p2p::{Capability, DisconnectReason, Hello, P2pMessage},
        rlpx::{entropy::HandshakeEntropy, frame::FrameEncoder, keys::SecretKey},
        rsk::{BlockIdentifier, GetBlock, LegacyStatus, MessageKind, NewBlockHashes, RskMessage, seal},
    },
};

use rustock_tests::remote::{acknowledge, client_config};

use super::Evidence;

const START: Timestamp = Timestamp::ZERO;
const SECOND: Duration = Duration::from_secs(1);

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).expect("in range")
}

fn entropy(seed: u8) -> HandshakeEntropy {
    let bytes = core::array::from_fn(|index| (index as u8).wrapping_mul(37).wrapping_add(seed));
    HandshakeEntropy::from_random(&bytes).expect("in range")
}

fn hello(p2p_version: u32, capabilities: &[(&str, u32)]) -> Vec<u8> {
    let capabilities = capabilities.iter().map(|(name, version)| Capability::new(*name, *version)).collect();
    let hello = Hello {
        p2p_version,
        client_id: "remote".to_owned(),
        capabilities,
        listen_port: 0,
        node_id: NodeId::new([7; 64]),
    };
    hello.encode()
}

/// A session of ours that dialled, and a remote that writes what it likes.
struct Remote {
    session: Session,
    ack_packet: Vec<u8>,
    encoder: FrameEncoder,
    now: Timestamp,
    /// Bytes that the remote has not read yet.
    unread: usize,
    messages: Vec<RskMessage>,
    is_established: bool,
    end: Option<SessionEnd>,
}

impl Remote {
    /// The remote has read the auth packet and said nothing.
    fn dialled() -> Self {
        let mut session = Session::dial(client_config(), key(1), key(2).public_key(), entropy(1), START);
        let Some(Action::Write(auth_packet)) = session.next_action() else { panic!("an auth packet") };
        let (ack_packet, encoder) = acknowledge(&key(1), &entropy(1), &entropy(2), &auth_packet);
        let (messages, unread, end) = (Vec::new(), 0, None);
        Self { session, ack_packet, encoder, now: START, unread, messages, is_established: false, end }
    }

    fn acknowledged() -> Self {
        let mut remote = Self::dialled();
        let ack_packet = remote.ack_packet.clone();
        remote.write(&ack_packet, usize::MAX);
        assert_eq!(remote.session.stage(), Stage::ExpectHello);
        remote
    }

    fn established() -> Self {
        let mut remote = Self::acknowledged();
        remote.say(0x00, &hello(4, &[("rsk", 62)]));
        assert!(remote.is_established);
        remote
    }

    fn write(&mut self, bytes: &[u8], piece: usize) {
        for piece in bytes.chunks(piece) {
            self.handle(Input::Received(piece));
        }
    }

    fn say(&mut self, code: u8, payload: &[u8]) {
        let frame = self.encoder.encode(code, payload).expect("small enough");
        self.write(&frame, usize::MAX);
    }

    fn handle(&mut self, input: Input<'_>) {
        self.session.handle(self.now, input);
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Write(bytes) => self.unread += bytes.len(),
                Action::Established { .. } => self.is_established = true,
                Action::LegacyStatus(_) => {}
                Action::Message(message) => self.messages.push(message),
                Action::Close(end) => self.end = Some(end),
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.handle(Input::TimerFired);
    }

    /// What became of it.
    fn evidence(self) -> Evidence {
        match self.end {
            Some(end) => Evidence::of_session_end(end, self.is_established),
            None => {
                assert!(self.is_established, "an honest peer gets there in the end");
                Evidence::Nothing
            }
        }
    }
}

pub fn garbage_for_an_ack() -> Evidence {
    let mut remote = Remote::dialled();
    remote.write(&[0x5a; 4096], usize::MAX);
    remote.evidence()
}

pub fn ack_by_the_byte() -> Evidence {
    let mut remote = Remote::dialled();
    let ack_packet = remote.ack_packet.clone();
    let (first, second) = ack_packet.split_at(ack_packet.len() / 2);
    remote.write(first, 1);
    remote.wait(HANDSHAKE_DEADLINE - SECOND);
    remote.write(second, 1);
    remote.say(0x00, &hello(4, &[("rsk", 62)]));
    remote.evidence()
}

pub fn changed_frame() -> Evidence {
    let mut remote = Remote::established();
    let mut frame = remote.encoder.encode(P2pMessage::PING, &[0xc0]).expect("small");
    frame[40] ^= 1;
    remote.write(&frame, usize::MAX);
    remote.evidence()
}

pub fn frames_by_the_byte() -> Evidence {
    let mut remote = Remote::established();
    for _ in 0..3 {
        let frame = remote.encoder.encode(P2pMessage::PING, &[0xc0]).expect("small");
        let (first, second) = frame.split_at(33);
        remote.write(first, 1);
        remote.wait(CLIENT_SILENCE_LIMIT - SECOND);
        remote.write(second, 1);
    }
    remote.evidence()
}

pub fn malformed_message() -> Evidence {
    let mut remote = Remote::established();
    remote.say(RskMessage::CODE, &[0xc1, 0x07]);
    remote.evidence()
}

pub fn unassigned_code() -> Evidence {
    let mut remote = Remote::established();
    remote.say(0x11, &[0xc0]);
    remote.evidence()
}

/// Codes that rskj has, and nobody uses.
pub fn peer_exchange() -> Evidence {
    let mut remote = Remote::established();
    remote.say(P2pMessage::GET_PEERS, &[0xc0]);
    remote.say(P2pMessage::PEERS, &[0xc0]);
    remote.evidence()
}

pub fn second_hello() -> Evidence {
    let mut remote = Remote::established();
    remote.say(0x00, &hello(4, &[("rsk", 62)]));
    remote.evidence()
}

pub fn late_hello() -> Evidence {
    let mut remote = Remote::acknowledged();
    remote.wait(HANDSHAKE_DEADLINE - SECOND);
    remote.say(0x00, &hello(4, &[("rsk", 62)]));
    remote.evidence()
}

fn transactions(count: u64) -> Evidence {
    let mut remote = Remote::established();
    let none = seal(MessageKind::Transactions, &[0xc0]);
    for _ in 0..count {
        remote.say(RskMessage::CODE, &none);
    }
    assert_eq!(remote.end, None, "the session itself counts and does not judge");
    let counters = remote.session.counters();
    assert_eq!(counters.ignored_frames, count);
    Evidence::Unwanted { messages: counters.ignored_frames, bytes: counters.ignored_bytes }
}

pub fn transactions_past_the_limit() -> Evidence {
    transactions(flood::UNWANTED_MESSAGES + 1)
}

pub fn transactions_at_the_limit() -> Evidence {
    transactions(flood::UNWANTED_MESSAGES)
}

/// Announces blocks one by one, in messages of twenty.
fn announcements(count: u64) -> Evidence {
    let mut remote = Remote::established();
    let identifiers: Vec<BlockIdentifier> = (0..count)
        .map(|number| BlockIdentifier {
            hash: BlockHash::new([number as u8; 32]),
            number: BlockNumber::new(number),
        })
        .collect();
    for twenty in identifiers.chunks(20) {
        let message = RskMessage::NewBlockHashes(NewBlockHashes { identifiers: twenty.to_vec(), ignored: 0 });
        remote.say(RskMessage::CODE, &message.encode());
    }
    assert_eq!(remote.end, None, "the session itself does not judge");
    let announced = remote.messages.iter().map(|message| match message {
        RskMessage::NewBlockHashes(announced) => (announced.identifiers.len() + announced.ignored) as u64,
        other => panic!("{} was not sent", other.kind()),
    });
    Evidence::Announced(announced.sum())
}

pub fn announcements_past_the_limit() -> Evidence {
    announcements(flood::ANNOUNCED_BLOCKS + 1)
}

pub fn announcements_at_the_limit() -> Evidence {
    announcements(flood::ANNOUNCED_BLOCKS)
}

pub fn other_network() -> Evidence {
    let mut remote = Remote::established();
    let status = LegacyStatus { network_id: 8052, ..client_config().legacy_status };
    remote.say(LegacyStatus::CODE, &status.encode());
    remote.evidence()
}

/// It is still syncing itself, or has gone on: what it says of its best block is nobody's business.
pub fn other_best_block() -> Evidence {
    let mut remote = Remote::established();
    let status = LegacyStatus { best_hash: BlockHash::new([3; 32]), ..client_config().legacy_status };
    remote.say(LegacyStatus::CODE, &status.encode());
    remote.say(LegacyStatus::CODE, &client_config().legacy_status.encode());
    remote.evidence()
}

pub fn without_our_capability() -> Evidence {
    let mut remote = Remote::acknowledged();
    remote.say(0x00, &hello(4, &[("eth", 68)]));
    remote.evidence()
}

pub fn version_5_with_more_capabilities() -> Evidence {
    let mut remote = Remote::acknowledged();
    remote.say(0x00, &hello(5, &[("eth", 68), ("rsk", 62), ("snap", 1)]));
    remote.evidence()
}

pub fn no_hello() -> Evidence {
    let mut remote = Remote::acknowledged();
    remote.wait(HANDSHAKE_DEADLINE);
    remote.evidence()
}

pub fn no_pong() -> Evidence {
    let mut remote = Remote::established();
    remote.wait(CLIENT_SILENCE_LIMIT);
    remote.evidence()
}

pub fn late_pong() -> Evidence {
    let mut remote = Remote::established();
    for _ in 0..10 {
        remote.wait(CLIENT_SILENCE_LIMIT - SECOND);
        remote.say(P2pMessage::PONG, &[0xc0]);
    }
    remote.evidence()
}

/// Asks of a remote that reads again after `backlog` bytes.
fn asked(backlog: usize) -> Remote {
    let mut remote = Remote::established();
    let request = RskMessage::GetBlock(GetBlock { hash: BlockHash::ZERO });
    let size = {
        let before = remote.unread;
        remote.handle(Input::Send(request.clone()));
        remote.unread - before
    };
    // Nothing is taken from the session meanwhile: the socket is full.
    for _ in 0..backlog / size {
        remote.session.handle(remote.now, Input::Send(request.clone()));
    }
    remote.handle(Input::TimerFired);
    remote
}

pub fn reads_nothing() -> Evidence {
    asked(2 * OUTGOING_BYTES).evidence()
}

pub fn reads_late() -> Evidence {
    asked(OUTGOING_BYTES - 1024).evidence()
}

/// A port of this machine on which nobody listens, or somebody does.
fn connect(is_there: bool) -> Evidence {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let listener = is_there.then_some(listener);
    let connected = TcpStream::connect(address);
    assert_eq!(connected.is_ok(), listener.is_some());
    match connected {
        Ok(_) => late_hello(),
        Err(_) => Evidence::Ended { ending: Ending::Unreachable, was_established: false },
    }
}

pub fn nobody_listens() -> Evidence {
    connect(false)
}

pub fn somebody_listens() -> Evidence {
    connect(true)
}

pub fn closes_without_a_word() -> Evidence {
    let mut remote = Remote::established();
    remote.handle(Input::ConnectionClosed);
    remote.evidence()
}

fn says(reason: DisconnectReason) -> Evidence {
    let mut remote = Remote::established();
    remote.say(P2pMessage::DISCONNECT, &reason.encode());
    remote.evidence()
}

pub fn says_too_many_peers() -> Evidence {
    says(DisconnectReason::TooManyPeers)
}

pub fn says_it_quits() -> Evidence {
    says(DisconnectReason::PeerQuitting)
}
