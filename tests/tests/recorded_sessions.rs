//! Eight sessions recorded from a running rskj, replayed: the packets we made are made again byte for byte,
//! every frame and MAC is checked, every payload is decoded and written back, and the session machine does what
//! the recorded client did.

use rustock_core::{
    primitives::{
        hash::keccak256,
        number::{BlockNumber, CumulativeDifficulty},
    },
    proto::{
        session::{
            Action, Compression, Input, Session, SessionConfig, SessionEnd, SessionFault, Stage,
            limits::{IDLE_LIMIT, PING_INTERVAL},
        },
        time::Timestamp,
    },
    wire::{
        p2p::{Capability, DisconnectReason, Hello, P2pMessage},
        rlpx::{
            ack::AckReader,
            auth::{AuthReader, seal_auth},
            ecies::EciesEntropy,
            entropy::HandshakeEntropy,
            frame::{Frame, FrameDecoder, FrameEncoder, LargeFrame, Received},
            keys::{PublicKey, SecretKey},
            packet::HandshakeFormat,
            secrets::{Role, Secrets, Transcript},
        },
        rsk::{LegacyStatus, MessageKind, RskMessage, Status},
    },
};
use rustock_tests::vectors::{array, bytes, read, text};
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_millis(0);
const FROM_CLIENT: &str = "client_to_rskj";

/// One recorded session: its keys and its messages in the order they travelled.
struct Recording {
    keys: Value,
    messages: Vec<Value>,
}

fn recordings() -> Vec<Recording> {
    let file = read("rskj-session.json");
    let records = file.as_array().expect("records");
    let of_session = |id: &str| {
        let is_part = |record: &&Value| record["record"] == "message" && record["session"] == id;
        records.iter().filter(is_part).cloned().collect()
    };
    let sessions = records.iter().filter(|record| record["record"] == "session");
    sessions.map(|keys| Recording { keys: keys.clone(), messages: of_session(text(keys, "id")) }).collect()
}

fn recording(id: &str) -> Recording {
    recordings().into_iter().find(|recording| recording.id() == id).expect("recorded")
}

impl Recording {
    fn id(&self) -> &str {
        text(&self.keys, "id")
    }

    fn secret(&self, key: &str) -> SecretKey {
        text(&self.keys, key).parse().expect("a secret key")
    }

    fn public(&self, key: &str) -> PublicKey {
        PublicKey::from_node_id(&text(&self.keys, key).parse().expect("a node id")).expect("a point")
    }

    fn client_role(&self) -> Role {
        if self.id() == "rskj_dials_client" { Role::Responder } else { Role::Initiator }
    }

    fn format(&self) -> HandshakeFormat {
        match text(&self.keys, "auth_format") {
            "eip8" => HandshakeFormat::Eip8,
            "old" => HandshakeFormat::Legacy,
            format => panic!("{format} is no format"),
        }
    }

    /// What the recorded client drew at random; it dialled.
    fn entropy(&self) -> HandshakeEntropy {
        let ecies = EciesEntropy {
            ephemeral_key: self.secret("ecies_ephemeral_private"),
            iv: array(&self.keys, "ecies_iv"),
        };
        // The old format has no padding.
        let padding = match self.format() {
            HandshakeFormat::Eip8 => bytes(&self.keys, "padding"),
            HandshakeFormat::Legacy => vec![0; HandshakeEntropy::MINIMUM_PADDING],
        };
        let (key, nonce) = (self.secret("client_ephemeral_private"), array(&self.keys, "client_nonce"));
        HandshakeEntropy::new(key, nonce, ecies, padding).expect("usual padding")
    }

    fn secrets(&self) -> Secrets {
        let theirs = self.public("server_ephemeral_public");
        let agreement = self.secret("client_ephemeral_private").agree(&theirs);
        let (client, server) = (array(&self.keys, "client_nonce"), array(&self.keys, "server_nonce"));
        match self.client_role() {
            Role::Initiator => Secrets::derive(&agreement, &client, &server),
            Role::Responder => Secrets::derive(&agreement, &server, &client),
        }
    }

    fn codecs(&self, role: Role) -> (FrameEncoder, FrameDecoder) {
        let (client, server) = (array(&self.keys, "client_nonce"), array(&self.keys, "server_nonce"));
        let (initiator_nonce, responder_nonce) = match self.client_role() {
            Role::Initiator => (&client, &server),
            Role::Responder => (&server, &client),
        };
        let transcript = Transcript {
            initiator_nonce,
            responder_nonce,
            auth_packet: &bytes(&self.keys, "auth_packet"),
            ack_packet: &bytes(&self.keys, "ack_packet"),
        };
        self.secrets().frame_codecs(role, &transcript, |_, _| LargeFrame::Hold)
    }

    fn frames(&self) -> impl Iterator<Item = &Value> {
        self.messages.iter().filter(|message| message["kind"] == "frame")
    }

    /// Reads every frame with the streams of the side it was sent to.
    fn decoded_frames(&self) -> Vec<(&Value, Frame)> {
        let client_role = self.client_role();
        let server_role = if client_role == Role::Initiator { Role::Responder } else { Role::Initiator };
        let (_, mut to_client) = self.codecs(client_role);
        let (_, mut to_server) = self.codecs(server_role);
        self.frames()
            .map(|record| {
                let decoder = if is_from_client(record) { &mut to_server } else { &mut to_client };
                let frames = read_frames(decoder, &bytes(record, "wire"));
                let [frame] = <[Frame; 1]>::try_from(frames).expect("one frame");
                (record, frame)
            })
            .collect()
    }

    /// The payload of the client's first frame that has this code and of which `accept` makes something.
    fn first_from_client<T>(&self, code: u8, accept: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let mut frames = self.frames().filter(|record| is_from_client(record) && record["code"] == code);
        frames.find_map(|record| accept(&bytes(record, "payload")))
    }

    fn remote_legacy_status(&self) -> LegacyStatus {
        let mut frames = self.frames().filter(|record| !is_from_client(record) && record["code"] == 0x10);
        let record = frames.next().expect("rskj sends a legacy Status");
        LegacyStatus::decode(&bytes(record, "payload")).expect("canonical")
    }

    /// The settings with which our machine says what the recorded client said, or, where the client said
    /// something wrong on purpose or nothing, what rskj would accept.
    fn config(&self) -> SessionConfig {
        let hello = self.first_from_client(0x00, |payload| Hello::decode(payload).ok()).expect("a Hello");
        let theirs = self.remote_legacy_status();
        let legacy_status = self
            .first_from_client(0x10, |payload| LegacyStatus::decode(payload).ok())
            .filter(|ours| !self.id().starts_with("dial_wrong_") && ours.genesis_hash == theirs.genesis_hash)
            .unwrap_or(theirs);
        let status = self.first_from_client(0x18, |payload| match RskMessage::decode(payload) {
            Ok(RskMessage::Status(status)) => Some(status),
            _ => None,
        });
        let genesis_status = Status {
            number: BlockNumber::GENESIS,
            best_hash: theirs.genesis_hash,
            parent_hash: rustock_core::primitives::hash::BlockHash::ZERO,
            total_difficulty: CumulativeDifficulty::new(1),
        };
        SessionConfig {
            client_id: hello.client_id,
            listen_port: hello.listen_port,
            auth_format: self.format(),
            legacy_status,
            status: status.unwrap_or(genesis_status),
            ping_interval: PING_INTERVAL,
            silence_limit: IDLE_LIMIT,
            compression: Compression::Off,
        }
    }
}

fn is_from_client(record: &Value) -> bool {
    text(record, "direction") == FROM_CLIENT
}

fn read_frames(decoder: &mut FrameDecoder, wire: &[u8]) -> Vec<Frame> {
    let (mut input, mut frames) = (wire, Vec::new());
    while let Some(received) = decoder.read(&mut input).expect("an honest stream") {
        match received {
            Received::Message(frame) => frames.push(frame),
            Received::Discarded { code, size, .. } => panic!("discarded {code} of {size} bytes"),
        }
    }
    frames
}

/// What a payload is, written back from what was decoded. `None` for bodies that are not kept.
fn written_back(code: u8, payload: &[u8]) -> Option<Vec<u8>> {
    match code {
        LegacyStatus::CODE => Some(LegacyStatus::decode(payload).expect("canonical").encode()),
        RskMessage::CODE => match RskMessage::decode(payload).expect("canonical") {
            RskMessage::Ignored { kind, size } => {
                assert!(matches!(kind, MessageKind::Block | MessageKind::BlockResponse), "{kind}");
                assert!(size > 0 && size < payload.len());
                None
            }
            message => Some(message.encode()),
        },
        code => Some(P2pMessage::decode(code, payload).expect("canonical").encode()),
    }
}

/// Pieces of a message that rskj cut because the client's Hello spoke of version 5.
fn is_piece(recording: &Recording, record: &Value) -> bool {
    recording.id() == "dial_p2p_version_5" && text(record, "meaning").starts_with("undecoded")
}

#[test]
fn there_are_eight_sessions_and_102_frames() {
    let recordings = recordings();
    assert_eq!(recordings.len(), 8);
    assert_eq!(recordings.iter().map(|recording| recording.frames().count()).sum::<usize>(), 102);
}

#[test]
fn the_packets_of_the_recorded_client_are_made_again() {
    let mut made = 0;
    for recording in recordings().iter().filter(|recording| recording.client_role() == Role::Initiator) {
        let (key, remote) = (recording.secret("client_static_private"), recording.public("server_node_id"));
        let packet = seal_auth(recording.format(), &key, &remote, &recording.entropy());
        assert_eq!(packet, bytes(&recording.keys, "auth_packet"), "{}", recording.id());
        made += 1;
    }
    assert_eq!(made, 7);
}

#[test]
fn every_handshake_packet_opens_and_gives_the_recorded_keys() {
    for recording in recordings() {
        let (client, server) =
            (recording.secret("client_static_private"), recording.secret("server_static_private"));
        let (dialler, dialled, dialler_nonce, dialled_nonce) = match recording.client_role() {
            Role::Initiator => (&client, &server, "client_nonce", "server_nonce"),
            Role::Responder => (&server, &client, "server_nonce", "client_nonce"),
        };
        let client_ephemeral = recording.secret("client_ephemeral_private").public_key();
        let server_ephemeral = recording.public("server_ephemeral_public");
        let (dialler_ephemeral, dialled_ephemeral) = match recording.client_role() {
            Role::Initiator => (client_ephemeral, server_ephemeral),
            Role::Responder => (server_ephemeral, client_ephemeral),
        };

        let packet = bytes(&recording.keys, "auth_packet");
        let auth = AuthReader::new().read(dialled, &mut packet.as_slice()).expect("honest").expect("whole");
        assert_eq!((auth.format, &auth.packet), (recording.format(), &packet));
        assert_eq!(auth.initiator, dialler.public_key());
        assert_eq!(auth.ephemeral_key, dialler_ephemeral);
        assert_eq!(auth.nonce, array(&recording.keys, dialler_nonce));

        let packet = bytes(&recording.keys, "ack_packet");
        let ack = AckReader::new().read(dialler, &mut packet.as_slice()).expect("honest").expect("whole");
        assert_eq!((ack.format, &ack.packet), (recording.format(), &packet));
        assert_eq!(ack.ephemeral_key, dialled_ephemeral);
        assert_eq!(ack.nonce, array(&recording.keys, dialled_nonce));

        let secrets = recording.secrets();
        assert_eq!(secrets.aes, array(&recording.keys, "aes_secret"), "{}", recording.id());
        assert_eq!(secrets.mac, array(&recording.keys, "mac_secret"), "{}", recording.id());
        if recording.keys["shared_secret"].is_string() {
            assert_eq!(secrets.shared, array(&recording.keys, "shared_secret"), "{}", recording.id());
        }
    }
}

#[test]
fn every_frame_is_authentic_and_holds_the_recorded_payload() {
    for recording in recordings() {
        for (record, frame) in recording.decoded_frames() {
            assert_eq!(record["code"], frame.code(), "{record}");
            match record["payload_len"].as_u64() {
                None => assert_eq!(frame.payload(), bytes(record, "payload")),
                Some(size) => {
                    assert_eq!(frame.payload().len() as u64, size);
                    assert_eq!(keccak256(&[frame.payload()]), array(record, "payload_keccak256"));
                }
            }
        }
    }
}

#[test]
fn every_payload_is_decoded_and_written_back() {
    let (mut same, mut not_kept) = (0, 0);
    for recording in recordings() {
        for (record, frame) in recording.decoded_frames() {
            if is_piece(&recording, record) {
                continue;
            }
            match written_back(frame.code(), frame.payload()) {
                None => not_kept += 1,
                Some(payload) => {
                    assert_eq!(payload, frame.payload(), "{}: {record}", recording.id());
                    same += 1;
                }
            }
        }
    }
    // Whole blocks are not kept; two frames are pieces of one message.
    assert_eq!((same, not_kept), (96, 4));
}

#[test]
fn the_pieces_rskj_makes_for_version_5_are_one_message() {
    let recording = recording("dial_p2p_version_5");
    let frames = recording.decoded_frames();
    let pieces: Vec<&[u8]> = frames
        .iter()
        .filter(|(record, _)| is_piece(&recording, record))
        .map(|(_, frame)| frame.payload())
        .collect();
    assert_eq!(pieces.len(), 2);
    assert!(RskMessage::decode(pieces[0]).is_err(), "alone it is no message");
    let whole = pieces.concat();
    let message = RskMessage::decode(&whole).expect("canonical");
    assert_eq!(message.kind(), MessageKind::BlockHeadersResponse);
    assert_eq!(message.encode(), whole);
}

#[test]
fn the_frames_of_rskj_are_made_again() {
    for recording in recordings() {
        // With version 5 rskj writes other header-data from the cut message on.
        let server_role =
            if recording.client_role() == Role::Initiator { Role::Responder } else { Role::Initiator };
        let (mut encoder, _) = recording.codecs(server_role);
        for (record, frame) in recording.decoded_frames().iter().filter(|(record, _)| !is_from_client(record))
        {
            if is_piece(&recording, record) {
                break;
            }
            let again = encoder.encode(frame.code(), frame.payload()).expect("small");
            assert_eq!(again, bytes(record, "wire"), "{}: {record}", recording.id());
        }
    }
}

/// A machine in the client's place.
struct Replay {
    session: Session,
    /// Reads what the machine writes, as rskj would.
    as_rskj: FrameDecoder,
    written: Vec<Frame>,
    seen: Vec<Action>,
}

impl Replay {
    /// Dials with everything the client drew, checks the first write, and gives the recorded ack.
    fn dial(recording: &Recording) -> Self {
        let (key, remote) = (recording.secret("client_static_private"), recording.public("server_node_id"));
        let mut session = Session::dial(recording.config(), key, remote, recording.entropy(), NOW);
        let auth = bytes(&recording.keys, "auth_packet");
        assert_eq!(session.next_action(), Some(Action::Write(auth)), "{}", recording.id());
        assert_eq!(session.next_action(), None, "one write");
        let (_, as_rskj) = recording.codecs(Role::Responder);
        let mut replay = Self { session, as_rskj, written: Vec::new(), seen: Vec::new() };
        replay.give(Input::Received(&bytes(&recording.keys, "ack_packet")));
        assert_eq!(replay.session.stage(), Stage::ExpectHello);
        replay
    }

    fn give(&mut self, input: Input<'_>) {
        self.session.handle(NOW, input);
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Write(bytes) => self.written.extend(read_frames(&mut self.as_rskj, &bytes)),
                other => self.seen.push(other),
            }
        }
    }

    /// Gives rskj's bytes as recorded, cut into pieces, and asks for what the client asked for.
    fn run(&mut self, recording: &Recording, piece: usize) {
        for record in recording.frames() {
            if is_from_client(record) {
                let payload = bytes(record, "payload");
                match u8::try_from(record["code"].as_u64().expect("a code")).expect("small") {
                    P2pMessage::DISCONNECT => {
                        let reason = DisconnectReason::decode(&payload).expect("canonical");
                        self.give(Input::Disconnect(reason));
                    }
                    RskMessage::CODE => match RskMessage::decode(&payload).expect("canonical") {
                        // The machine says this by itself.
                        RskMessage::Status(_) => {}
                        message => self.give(Input::Send(message)),
                    },
                    // Hello, legacy Status, Pong: by itself too. Ping: when it likes.
                    _ => {}
                }
            } else {
                for piece in bytes(record, "wire").chunks(piece) {
                    self.give(Input::Received(piece));
                }
            }
        }
    }

    fn end(&self) -> Option<&SessionEnd> {
        self.seen.iter().find_map(|action| if let Action::Close(end) = action { Some(end) } else { None })
    }

    fn established(&self) -> &Hello {
        let Some(Action::Established { hello, .. }) = self.seen.first() else { panic!("not established") };
        hello
    }
}

/// Code and payload of what was written.
fn said(frames: &[Frame]) -> Vec<(u8, Vec<u8>)> {
    frames.iter().map(|frame| (frame.code(), frame.payload().to_vec())).collect()
}

/// Code and payload of what the recorded client wrote, its own pings left out.
fn recorded_saying(recording: &Recording) -> Vec<(u8, Vec<u8>)> {
    let frames = recording.decoded_frames();
    let from_client = frames.iter().filter(|(record, _)| is_from_client(record));
    let frames: Vec<Frame> = from_client.map(|(_, frame)| frame.clone()).collect();
    said(&frames).into_iter().filter(|(code, _)| *code != P2pMessage::PING).collect()
}

#[test]
fn the_machine_says_what_the_recorded_client_said() {
    for (id, messages, ignored) in [("dial_v2_chain", 10, 3), ("dial_v0_chain", 6, 1)] {
        for piece in [1, 17, 1_000_000] {
            let recording = recording(id);
            let mut replay = Replay::dial(&recording);
            replay.run(&recording, piece);
            assert_eq!(said(&replay.written), recorded_saying(&recording), "{id}");
            assert_eq!(
                replay.established().capabilities,
                [Capability { name: "rsk".to_owned(), version: 62 }]
            );
            assert_eq!(replay.seen[1], Action::LegacyStatus(recording.remote_legacy_status()));
            let received = replay.seen.iter().filter(|action| matches!(action, Action::Message(_))).count();
            assert_eq!((received, replay.session.counters().ignored_frames), (messages, ignored), "{id}");
            let left = SessionEnd::LocalDisconnect(DisconnectReason::PeerQuitting);
            assert_eq!(replay.end(), Some(&left), "{id}");
        }
    }
}

#[test]
fn the_old_handshake_ends_in_the_same_session() {
    let recording = recording("dial_old_auth_format");
    let mut replay = Replay::dial(&recording);
    replay.run(&recording, 100);
    let is_status = |(code, payload): &(u8, Vec<u8>)| {
        *code == LegacyStatus::CODE || matches!(RskMessage::decode(payload), Ok(RskMessage::Status(_)))
    };
    let mut ours = said(&replay.written);
    ours.retain(|saying| !is_status(saying));
    assert_eq!(ours, recorded_saying(&recording), "but for the two Status, which that client did not send");
    assert_eq!(replay.end(), Some(&SessionEnd::LocalDisconnect(DisconnectReason::PeerQuitting)));
}

#[test]
fn the_reasons_rskj_gives_are_understood() {
    for (id, reason) in [
        ("dial_wrong_genesis", DisconnectReason::UnexpectedGenesis),
        ("dial_wrong_network", DisconnectReason::NullIdentity),
        ("dial_wrong_protocol", DisconnectReason::IncompatibleProtocol),
    ] {
        let recording = recording(id);
        let mut replay = Replay::dial(&recording);
        replay.run(&recording, 64);
        assert_eq!(replay.end(), Some(&SessionEnd::RemoteDisconnect(reason)), "{id}");
    }
}

#[test]
fn a_remote_of_another_chain_is_refused_as_rskj_refuses_us() {
    let recording = recording("dial_v0_chain");
    let (key, remote) = (recording.secret("client_static_private"), recording.public("server_node_id"));
    let mut config = recording.config();
    config.legacy_status.network_id = 775;
    let mut session = Session::dial(config, key, remote, recording.entropy(), NOW);
    let from_rskj = recording.messages.iter().filter(|record| !is_from_client(record));
    let stream: Vec<u8> = from_rskj.flat_map(|record| bytes(record, "wire")).collect();
    session.handle(NOW, Input::Received(&stream));
    let actions: Vec<Action> = core::iter::from_fn(|| session.next_action()).collect();
    let fault = SessionFault::NetworkId { expected: 775, actual: 7771 };
    assert_eq!(actions.last(), Some(&Action::Close(SessionEnd::Fault(fault))));
}

#[test]
fn a_cut_message_is_a_fault_since_we_never_ask_for_it() {
    let recording = recording("dial_p2p_version_5");
    let mut replay = Replay::dial(&recording);
    replay.run(&recording, 1_000);
    assert_eq!(replay.established().p2p_version, 5);
    assert!(matches!(replay.end(), Some(SessionEnd::Fault(SessionFault::Message(_)))), "{:?}", replay.end());
}

#[test]
fn the_machine_answers_rskj_and_goes_through_the_session_it_dialled() {
    let recording = recording("rskj_dials_client");
    // What the client drew for encrypting its ack was not recorded, so ours is another packet.
    let ecies = EciesEntropy { ephemeral_key: recording.secret("server_static_private"), iv: [1; 16] };
    let (ephemeral, nonce) =
        (recording.secret("client_ephemeral_private"), array(&recording.keys, "client_nonce"));
    let entropy = HandshakeEntropy::new(ephemeral, nonce, ecies, vec![0; 100]).expect("usual padding");
    let key = recording.secret("client_static_private");
    let mut session = Session::accept(recording.config(), key, entropy, NOW);
    session.handle(NOW, Input::Received(&bytes(&recording.keys, "auth_packet")));
    let Some(Action::Write(packet)) = session.next_action() else { panic!("the ack comes first") };
    let server = recording.secret("server_static_private");
    let ack = AckReader::new().read(&server, &mut packet.as_slice()).expect("honest").expect("whole");
    let recorded = bytes(&recording.keys, "ack_packet");
    let recorded = AckReader::new().read(&server, &mut recorded.as_slice()).expect("honest").expect("whole");
    assert_eq!(
        (ack.ephemeral_key, ack.nonce, ack.format),
        (recorded.ephemeral_key, recorded.nonce, recorded.format)
    );
    assert!(matches!(session.next_action(), Some(Action::Write(_))), "Hello follows without waiting");
    assert_eq!(session.remote(), Some(server.node_id()));

    // The MACs of what rskj sends start from its auth packet and our nonce, not from our ack: its frames are
    // good for this session too. The machine goes through all of them as the recorded client did.
    let frames = recording
        .messages
        .iter()
        .filter(|message| message["kind"] == "frame" && message["direction"] != FROM_CLIENT);
    let mut seen = Vec::new();
    for message in frames {
        session.handle(NOW, Input::Received(&bytes(message, "wire")));
        while let Some(action) = session.next_action() {
            seen.push(match action {
                Action::Write(_) => "write",
                Action::Established { node_id, hello } => {
                    assert_eq!((node_id, hello.node_id), (server.node_id(), server.node_id()));
                    assert_eq!(P2pMessage::Hello(hello).encode(), bytes(message, "payload"));
                    "established"
                }
                Action::LegacyStatus(status) => {
                    assert_eq!(status.encode(), bytes(message, "payload"));
                    "legacy status"
                }
                Action::Message(message_in) => {
                    assert_eq!(message_in.encode(), bytes(message, "payload"));
                    "message"
                }
                Action::Close(end) => panic!("{end}"),
            });
        }
    }
    // Both our Status messages answer its Hello; the last write is the Pong.
    assert_eq!(seen, ["write", "write", "established", "legacy status", "message", "write"]);
    assert_eq!(session.stage(), Stage::Established);
}
