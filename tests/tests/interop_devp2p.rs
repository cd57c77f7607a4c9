//! The session machine against an RLPx that is not ours: the npm package `@ethereumjs/devp2p`, over loopback.
//!
//! Needs Node.js 18 or newer with npm. The first run installs the locked packages below the target directory.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, mpsc},
    thread,
    time::Duration,
};

use rustock_core::{
    consensus::network::Network,
    primitives::hash::BlockHash,
    proto::{
        session::{
            Action, Compression, Input, MessageClass, Session, SessionConfig, SessionEnd, Stage,
            limits::PING_INTERVAL,
        },
        time::Timestamp,
    },
    wire::{
        p2p::{Capability, DisconnectReason, Hello},
        rlpx::{entropy::HandshakeEntropy, keys::SecretKey},
        rsk::{GetBlock, LegacyStatus, RskMessage},
    },
};
use rustock_tests::vectors::{repository, text};
use serde_json::Value;

const START: Timestamp = Timestamp::from_millis(0);
/// Only so that a broken peer ends the test instead of stopping it for ever.
const PATIENCE: Duration = Duration::from_secs(60);
const FILES: [&str; 3] = ["package.json", "package-lock.json", "peer.mjs"];
const NEEDED: &str = "this test needs Node.js 18 or newer: node and npm on the PATH";

/// The folder with the script and its installed packages.
static INSTALLED: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = repository().join("tests/interop/devp2p");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-devp2p");
    fs::create_dir_all(&folder).expect("a folder below the target directory");
    for file in FILES {
        fs::copy(source.join(file), folder.join(file)).expect("a file of the repository");
    }
    let lock = fs::read(folder.join("package-lock.json")).expect("just copied");
    let marker = folder.join("installed-lock.json");
    if fs::read(&marker).is_ok_and(|installed| installed == lock) {
        return folder;
    }
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    let output = Command::new("npm").args(arguments).current_dir(&folder).output();
    let output = output.unwrap_or_else(|error| panic!("{NEEDED} (npm: {error})"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "npm could not install the peer's packages:\n{complaint}");
    fs::write(&marker, &lock).expect("a file below the target directory");
    folder
});

/// The script as a running process. It ends when this is dropped.
struct NodePeer {
    process: Child,
    events: mpsc::Receiver<String>,
}

impl NodePeer {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new("node");
        command.arg("peer.mjs").args(arguments).current_dir(&*INSTALLED);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{NEEDED} (node: {error})"));
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let (sender, events) = mpsc::channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, events }
    }

    fn next_event(&self) -> Value {
        let line = self.events.recv_timeout(PATIENCE).expect("the peer tells what happens to it");
        serde_json::from_str(&line).expect("a JSON object a line")
    }

    /// The next event, which must be of this kind.
    fn expect(&self, kind: &str) -> Value {
        let event = self.next_event();
        assert_eq!(event["event"], kind, "{event}");
        event
    }
}

impl Drop for NodePeer {
    fn drop(&mut self) {
        // Already over in a test that passed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn our_key() -> SecretKey {
    SecretKey::from_bytes(&[0x0a; 32]).expect("in range")
}

const THEIR_KEY: &str = "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291";

fn their_key() -> SecretKey {
    THEIR_KEY.parse().expect("in range")
}

fn entropy() -> HandshakeEntropy {
    let bytes = core::array::from_fn(|index| (index * 37 + 11) as u8);
    HandshakeEntropy::from_random(&bytes).expect("in range")
}

fn config() -> SessionConfig {
    let params = Network::Mainnet.params();
    let genesis = params.genesis_header().expect("mainnet has a genesis");
    SessionConfig::for_client("rustock/interop", params.network_id, &genesis)
}

/// With p2p version 5, from which on the package compresses.
fn compressing() -> SessionConfig {
    SessionConfig { compression: Compression::P2pVersion5, ..config() }
}

/// A session and its socket.
struct Connection {
    stream: TcpStream,
    session: Session,
    seen: Vec<Action>,
}

impl Connection {
    fn new(stream: TcpStream, session: Session) -> Self {
        stream.set_nodelay(true).expect("a TCP socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a TCP socket");
        Self { stream, session, seen: Vec::new() }
    }

    fn give(&mut self, now: Timestamp, input: Input<'_>) {
        self.session.handle(now, input);
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Write(bytes) => self.stream.write_all(&bytes).expect("the peer is there"),
                Action::Close(end) => {
                    self.seen.push(Action::Close(end));
                    // The peer may have been faster.
                    let _ = self.stream.shutdown(Shutdown::Both);
                }
                other => self.seen.push(other),
            }
        }
    }

    /// Reads until `done`.
    fn read_until(&mut self, done: impl Fn(&Self) -> bool) {
        let mut buffer = [0; 4096];
        while !done(self) {
            assert_ne!(self.session.stage(), Stage::Ended, "{:?}", self.seen);
            match self.stream.read(&mut buffer) {
                Ok(0) => self.give(START, Input::ConnectionClosed),
                Ok(size) => self.give(START, Input::Received(&buffer[..size])),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{error}, having seen {:?}", self.seen),
            }
        }
    }
}

/// Everything after the connection stands, the same whoever dialled.
fn converse(connection: &mut Connection, peer: &NodePeer, compression: Compression) {
    let compressed = compression == Compression::P2pVersion5;
    connection.give(START, Input::TimerFired);
    // Its Hello; then what we said first, sent back; meanwhile our answer to its Ping.
    connection.read_until(|connection| connection.seen.len() >= 3);
    let hello = Hello {
        p2p_version: 5,
        client_id: "interop/devp2p".to_owned(),
        capabilities: vec![Capability { name: "rsk".to_owned(), version: 62 }],
        listen_port: 0,
        node_id: their_key().node_id(),
    };
    let status = RskMessage::Status(config().status);
    assert_eq!(connection.seen[0], Action::Established { node_id: their_key().node_id(), hello });
    assert_eq!(connection.seen[1], Action::LegacyStatus(config().legacy_status));
    assert_eq!(connection.seen[2], Action::Message(status.clone()));

    let connected = peer.expect("connected");
    assert_eq!(connected["protocolVersion"], if compressed { 5 } else { 4 });
    assert_eq!(connected["clientId"], "rustock/interop");
    assert_eq!(connected["capabilities"], serde_json::json!(["rsk/62"]));
    assert_eq!(text(&connected, "id"), hex::encode(our_key().node_id().as_bytes()));

    let mut messages = Vec::new();
    let mut pongs = 0;
    while messages.len() < 2 || pongs < 1 {
        let event = peer.next_event();
        match text(&event, "event") {
            "message" => messages.push((event["code"].clone(), text(&event, "payload").to_owned())),
            "pong" => pongs += 1,
            other => panic!("{other} was not expected: {event}"),
        }
    }
    // Codes count from the first of rsk/62, which is 0x10.
    let code = |code: u8| Value::from(code - LegacyStatus::CODE);
    let legacy_status = hex::encode(config().legacy_status.encode());
    assert_eq!(messages[0], (code(LegacyStatus::CODE), legacy_status));
    assert_eq!(messages[1], (code(RskMessage::CODE), hex::encode(status.encode())));

    // Our Ping after a minute of silence, and 64 bytes of Pong.
    let before = connection.session.counters().bytes_in;
    connection.give(START.saturating_add(PING_INTERVAL), Input::TimerFired);
    peer.expect("ping");
    connection.read_until(|connection| connection.session.counters().bytes_in >= before + 64);

    let request = RskMessage::GetBlock(GetBlock { hash: BlockHash::new([7; 32]) });
    connection.give(START, Input::Send(request.clone()));
    assert_eq!(text(&peer.expect("message"), "payload"), hex::encode(request.encode()));
    connection.read_until(|connection| connection.seen.len() >= 4);
    // The hash is the same byte 32 times: what is on the wire shows whether it was compressed, both ways.
    let blocks = connection.session.traffic().of(MessageClass::Blocks);
    let plain = request.encode().len() as u64 + 1;
    assert_eq!((blocks.bytes_out < plain, blocks.bytes_in < plain), (compressed, compressed), "{blocks:?}");
    assert_eq!(connection.seen[3], Action::Message(request));

    connection.give(START, Input::Disconnect(DisconnectReason::PeerQuitting));
    let left = SessionEnd::LocalDisconnect(DisconnectReason::PeerQuitting);
    assert_eq!(connection.seen.last(), Some(&Action::Close(left)));
    let disconnected = peer.expect("disconnected");
    assert_eq!((&disconnected["reason"], &disconnected["byUs"]), (&Value::from(8), &Value::from(false)));
}

fn we_dial(config: SessionConfig) {
    let compression = config.compression;
    let peer = NodePeer::start(&["listen", THEIR_KEY]);
    let port = peer.expect("listening")["port"].as_u64().expect("a port");
    let port = u16::try_from(port).expect("a port");
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let remote = their_key().public_key();
    let session = Session::dial(config, our_key(), remote, entropy(), START);
    converse(&mut Connection::new(stream, session), &peer, compression);
}

fn devp2p_dials(config: SessionConfig) {
    let compression = config.compression;
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("bound").port().to_string();
    let our_id = hex::encode(our_key().node_id().as_bytes());
    let peer = NodePeer::start(&["dial", THEIR_KEY, &our_id, &port]);
    let (stream, _) = listener.accept().expect("it dials");
    let session = Session::accept(config, our_key(), entropy(), START);
    converse(&mut Connection::new(stream, session), &peer, compression);
}

#[test]
fn devp2p_answers_when_we_dial() {
    we_dial(config());
}

#[test]
fn devp2p_dials_us() {
    devp2p_dials(config());
}

#[test]
fn devp2p_reads_what_we_compress_when_we_dial() {
    we_dial(compressing());
}

#[test]
fn devp2p_reads_what_we_compress_when_it_dials() {
    devp2p_dials(compressing());
}
