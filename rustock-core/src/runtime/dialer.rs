//! Keeps one configured peer connected: dials, runs the session, pauses, dials again.

use core::time::Duration;

use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    time,
};

use super::{
    clock::Clock,
    connection::{Connection, ConnectionEnd, ConnectionEvent, SessionSettings},
    shared::SharedState,
};
use crate::{proto::sync::PeerId, wire::rlpx::enode::Enode};

/// How long a TCP connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after the first failure; doubled by each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// rskj refuses an address for ten seconds after telling it that it has too many peers or knows it already.
const REFUSED_PAUSE: Duration = Duration::from_secs(15);
/// Pause before dialling a peer again that broke a rule.
const HOSTILE_PAUSE: Duration = Duration::from_secs(300);
/// A session that lasted this long was a good one.
const GOOD_SESSION: Duration = Duration::from_secs(30);

/// Dials one peer until the client stops.
pub(crate) struct Dialer {
    /// Which of the configured peers it is; makes connection ids unique.
    pub slot: u32,
    pub enode: Enode,
    pub settings: SessionSettings,
    pub events: mpsc::Sender<ConnectionEvent>,
    pub shared: SharedState,
    pub clock: Clock,
    pub stopping: watch::Receiver<bool>,
}

impl Dialer {
    pub async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        for attempt in 0u32.. {
            let peer = PeerId(u64::from(self.slot) << 32 | u64::from(attempt));
            let started = self.clock.now();
            let dialling = ConnectionEvent::Dialling { enode: self.enode.clone() };
            if self.events.send(dialling).await.is_err() {
                return;
            }
            if *self.stopping.borrow() {
                return;
            }
            let (established, reason) = self.connect(peer).await;
            if self.clock.now().since(started) >= GOOD_SESSION {
                pause = FIRST_PAUSE;
            }
            let wait = if reason.is_refusal() {
                REFUSED_PAUSE
            } else if reason.is_hostile() {
                HOSTILE_PAUSE
            } else {
                pause
            };
            let peer = established.then_some(peer);
            let ended = ConnectionEvent::Ended { peer, enode: self.enode.clone(), reason };
            if self.events.send(ended).await.is_err() {
                return;
            }
            let stop = self.stopping.wait_for(|stopping| *stopping);
            if time::timeout(wait, stop).await.is_ok() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One connection from dialling to its end; true when a session was established.
    async fn connect(&self, peer: PeerId) -> (bool, ConnectionEnd) {
        let address = (self.enode.host(), self.enode.port());
        let mut stopping = self.stopping.clone();
        let connecting = tokio::select! {
            connecting = time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)) => connecting,
            _ = stopping.wait_for(|stopping| *stopping) => return (false, ConnectionEnd::Stopping),
        };
        let stream = match connecting {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return (false, ConnectionEnd::Unreachable { reason: error.to_string() }),
            Err(_) => return (false, ConnectionEnd::Unreachable { reason: "no answer".to_owned() }),
        };
        let connection = Connection {
            peer,
            enode: &self.enode,
            settings: &self.settings,
            events: &self.events,
            shared: &self.shared,
            clock: self.clock,
            stopping,
        };
        connection.run(stream).await
    }
}
