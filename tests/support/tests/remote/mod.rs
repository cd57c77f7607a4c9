//! The other end of a connection to a test peer, driven step by step.

use std::time::Duration;

use rustock_core::{
    consensus::params::NetworkParams,
    primitives::number::BlockNumber,
    proto::{
        session::{Action, Input, Session, SessionConfig, SessionEnd},
        time::Timestamp,
    },
    wire::{
        p2p::DisconnectReason,
        rlpx::{enode::Enode, entropy::HandshakeEntropy, keys::SecretKey},
        rsk::{BlockHashRequest, LegacyStatus, RequestId, RskMessage, Status},
    },
};
use rustock_test_support::{chainkit::Random, peer::TestPeer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Only a test that fails waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came from the peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    LegacyStatus(LegacyStatus),
    Message(RskMessage),
    Ended(SessionEnd),
}

pub struct Remote {
    stream: TcpStream,
    session: Session,
}

impl Remote {
    /// Dials with the key of a seed, up to the peer's Hello.
    pub async fn dial(peer: &TestPeer, seed: u64) -> Self {
        let mut remote = Self::call(peer.enode(), seed).await;
        while !remote.perform().await.iter().any(|action| matches!(action, Action::Established { .. })) {
            remote.read().await;
        }
        remote
    }

    /// Sends the first packet of a handshake.
    pub async fn call(enode: &Enode, seed: u64) -> Self {
        let params = NetworkParams::simnet();
        let genesis = params.genesis_header().expect("simnet has a genesis");
        let config = SessionConfig::for_client("remote", params.network_id, &genesis);
        let mut random = Random::new(seed);
        let key = SecretKey::from_bytes(&random.array()).expect("in range");
        let entropy = HandshakeEntropy::from_random(&random.array()).expect("in range");
        let session = Session::dial(config, key, *enode.public_key(), entropy, Timestamp::ZERO);
        let stream = TcpStream::connect((enode.host(), enode.port())).await.expect("the peer listens");
        Self { stream, session }
    }

    pub async fn send(&mut self, message: RskMessage) {
        self.session.handle(Timestamp::ZERO, Input::Send(message));
        assert!(self.perform().await.is_empty(), "sending ends no session");
    }

    pub async fn leave(mut self) {
        self.session.handle(Timestamp::ZERO, Input::Disconnect(DisconnectReason::PeerQuitting));
        self.perform().await;
        // The peer has taken the farewell in when it closes its end.
        while self.read().await {}
    }

    /// The next thing to come; what came in the same packet is kept.
    pub async fn next(&mut self) -> Event {
        loop {
            while let Some(action) = self.session.next_action() {
                match action {
                    Action::Write(bytes) => self.write(&bytes).await,
                    Action::LegacyStatus(status) => return Event::LegacyStatus(status),
                    Action::Message(message) => return Event::Message(message),
                    Action::Close(end) => return Event::Ended(end),
                    Action::Established { .. } => panic!("established twice"),
                }
            }
            self.read().await;
        }
    }

    /// The next RSK message.
    pub async fn message(&mut self) -> RskMessage {
        match self.next().await {
            Event::Message(message) => message,
            other => panic!("expected a message: {other:?}"),
        }
    }

    /// Takes both Status messages that follow Hello.
    pub async fn statuses(&mut self) -> (LegacyStatus, Status) {
        match (self.next().await, self.next().await) {
            (Event::LegacyStatus(legacy), Event::Message(RskMessage::Status(status))) => (legacy, status),
            other => panic!("{other:?}"),
        }
    }

    /// How the session ends, whatever comes before.
    pub async fn end(&mut self) -> SessionEnd {
        loop {
            if let Event::Ended(end) = self.next().await {
                return end;
            }
        }
    }

    /// Asks for a hash and takes the answer: everything sent before has then been taken in, and what the peer met
    /// with silence will not be answered any more.
    pub async fn synchronise(&mut self, height: u64) {
        let id = RequestId::new(1_000_000 + height).expect("small");
        self.send(RskMessage::BlockHashRequest(BlockHashRequest { id, height: BlockNumber::new(height) }))
            .await;
        match self.message().await {
            RskMessage::BlockHashResponse(response) => assert_eq!(response.id, id),
            other => panic!("expected the answer to {id}: {other:?}"),
        }
    }

    /// Performs writes up to the first other action that ends a wait; returns the others.
    async fn perform(&mut self) -> Vec<Action> {
        let mut others = Vec::new();
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Write(bytes) => self.write(&bytes).await,
                Action::Close(end) if !others.is_empty() => panic!("{end:?}"),
                established @ Action::Established { .. } => {
                    others.push(established);
                    break;
                }
                other => others.push(other),
            }
        }
        others
    }

    async fn write(&mut self, bytes: &[u8]) {
        // A peer that has gone is noticed when reading.
        let _ = self.stream.write_all(bytes).await;
    }

    /// False when the peer has closed or broken the connection.
    async fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("the peer says something");
        match read {
            Ok(size) if size > 0 => {
                self.session.handle(Timestamp::ZERO, Input::Received(&buffer[..size]));
                true
            }
            _ => {
                self.session.handle(Timestamp::ZERO, Input::ConnectionClosed);
                false
            }
        }
    }
}
