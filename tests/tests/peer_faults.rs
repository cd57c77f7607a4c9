//! Every row of the table in `docs/peers.md`, twice: committed by a peer, through the machines that find it, and
//! by an honest peer that is slow, which is not treated so.

#[path = "peer_faults/rows.rs"]
mod rows;
#[path = "peer_faults/session.rs"]
mod session;
#[path = "peer_faults/sync.rs"]
mod sync;

use core::{net::IpAddr, time::Duration};

use rustock_core::{
    primitives::{
        hash::NodeId,
        number::UnixTime,
        peer::{BanSubject, PeerAddress, SavedPeers},
    },
    proto::{
        peers::{Action, DropCause, Ending, Input, PeerConfig, PeerMachine, SlotLimits, SlotState},
        session::SessionEnd,
        sync::{PeerFault, PeerId},
        time::Timestamp,
    },
    wire::p2p::DisconnectReason,
};
use rustock_tests::vectors::repository_text;

use rows::ROWS;

const WALL: UnixTime = UnixTime::from_secs(1_800_000_000);
/// The shortest pause of all.
const LEAST_PAUSE: Duration = Duration::from_secs(15);

/// What the machines made of a peer.
#[derive(Debug, Clone)]
enum Evidence {
    /// Nothing to hold against it.
    Nothing,
    /// The sync machine wants it gone.
    Fault(PeerFault),
    /// The session ended, or was never there.
    Ended { ending: Ending, was_established: bool },
    /// So many messages of unwanted kinds came within a minute.
    Unwanted { messages: u64, bytes: u64 },
    /// So many blocks were announced within a minute.
    Announced(u64),
    /// It was there for as long as a peer that has another one after it may be.
    Stayed,
}

impl Evidence {
    fn of_session_end(end: SessionEnd, was_established: bool) -> Self {
        Self::Ended { ending: Ending::Session(end), was_established }
    }
}

/// A row and its two peers.
struct Row {
    offence: &'static str,
    commit: fn() -> Evidence,
    honest: fn() -> Evidence,
}

/// A row as the page has it.
#[derive(Debug)]
struct Documented {
    offence: String,
    points: u32,
    closes: bool,
    pause: Duration,
}

fn table() -> Vec<Documented> {
    let page = repository_text("docs/peers.md");
    let (_, table) = page.split_once("<!-- offences -->").expect("the table's start");
    let (table, _) = table.split_once("<!-- end of offences -->").expect("the table's end");
    let lines = table.lines().filter(|line| line.starts_with("| ")).skip(2);
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [offence, points, connection, pause] = cells[..] else { panic!("four cells: {line}") };
            Documented {
                offence: offence.to_owned(),
                points: points.parse().expect("a number"),
                closes: connection == "closed",
                pause: duration(pause),
            }
        })
        .collect()
}

fn duration(text: &str) -> Duration {
    let Some((number, unit)) = text.split_once(' ') else { return Duration::ZERO };
    let seconds = match unit {
        "h" => 3600,
        "min" => 60,
        "s" => 1,
        _ => panic!("{text} is no pause"),
    };
    Duration::from_secs(number.parse::<u64>().expect("a number") * seconds)
}

fn node(number: u8) -> NodeId {
    NodeId::new([number; 64])
}

/// A peer machine with one peer that it dialled.
struct Host {
    machine: PeerMachine,
    now: Timestamp,
    peer: PeerId,
    dialled: Vec<NodeId>,
    dropped: Vec<(DisconnectReason, DropCause)>,
}

const IP: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(203, 0, 1, 1));

impl Host {
    fn new() -> Self {
        // Two places, so that there is a worse half and a peer that waits for its turn.
        let limits = SlotLimits { target: 2, ..SlotLimits::default() };
        let config = PeerConfig { limits, ..PeerConfig::default() };
        let machine = PeerMachine::new(config, SavedPeers::default(), 7, Timestamp::ZERO, WALL);
        let (dialled, dropped) = (Vec::new(), Vec::new());
        let mut host = Self { machine, now: Timestamp::ZERO, peer: PeerId(0), dialled, dropped };
        host.handle(Input::Discovered { node: node(1), address: PeerAddress::from_ip(IP, 5050) });
        assert_eq!(host.dialled, [node(1)]);
        host.dialled.clear();
        host
    }

    fn establish(&mut self) {
        let peer = self.peer;
        self.handle(Input::Established { peer, node: node(1), ip: IP });
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        while let Some(action) = self.machine.next_action() {
            match action {
                Action::Dial { peer, node: dialled, .. } => {
                    self.dialled.push(dialled);
                    if dialled == node(1) {
                        self.peer = peer;
                    }
                }
                Action::Disconnect { reason, cause, .. } => self.dropped.push((reason, cause)),
                _ => {}
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.handle(Input::TimerFired);
    }

    fn take(&mut self, evidence: Evidence) {
        let peer = self.peer;
        match evidence {
            Evidence::Nothing => self.establish(),
            Evidence::Fault(fault) => {
                self.establish();
                self.handle(Input::Fault { peer, fault });
            }
            Evidence::Ended { ending, was_established } => {
                if was_established {
                    self.establish();
                }
                self.handle(Input::Ended { peer, ending });
            }
            Evidence::Unwanted { messages, bytes } => {
                self.establish();
                self.handle(Input::Unwanted { peer, messages, bytes });
            }
            Evidence::Announced(blocks) => {
                self.establish();
                self.handle(Input::Announced { peer, blocks });
            }
            Evidence::Stayed => {
                self.establish();
                self.handle(Input::Answered { peer });
                self.meet_a_better_peer();
                let waiting = PeerAddress::from_ip(IpAddr::from([198, 51, 100, 1]), 5050);
                self.handle(Input::Discovered { node: node(2), address: waiting });
                self.pass(PeerConfig::default().rotation);
            }
        }
        if !self.dropped.is_empty() {
            self.handle(Input::Ended { peer, ending: Ending::Ours });
        }
    }

    /// The other place is taken by a peer that serves headers.
    fn meet_a_better_peer(&mut self) {
        let ip = IpAddr::from([192, 88, 1, 1]);
        self.handle(Input::Discovered { node: node(3), address: PeerAddress::from_ip(ip, 5050) });
        let dialled = self.machine.peers().into_iter().find(|view| view.node == Some(node(3)));
        let peer = dialled.expect("there is room for it").peer;
        self.handle(Input::Established { peer, node: node(3), ip });
        let (waited, latency) = (Duration::from_secs(1), Duration::from_millis(100));
        self.handle(Input::HeadersVerified { peer, headers: 192, bytes: 100_000, waited, latency });
    }

    fn is_connected(&self) -> bool {
        self.machine
            .peers()
            .iter()
            .any(|view| view.node == Some(node(1)) && view.state == SlotState::Connected)
    }

    fn points(&self) -> u32 {
        self.machine.book().get(&node(1)).map_or(0, |record| record.penalty)
    }
}

#[test]
fn every_row_of_the_table_has_a_case_and_every_case_a_row() {
    let documented: Vec<String> = table().into_iter().map(|row| row.offence).collect();
    assert!(documented.len() >= 32, "{documented:?}");
    for offence in &documented {
        let cases = ROWS.iter().filter(|row| row.offence == offence).count();
        assert_eq!(cases, 1, "{offence} has {cases} cases");
    }
    for row in ROWS {
        assert!(documented.iter().any(|offence| offence == row.offence), "{} has no row", row.offence);
    }
}

#[test]
fn who_commits_an_offence_is_treated_as_the_table_says() {
    for documented in table() {
        let row = ROWS.iter().find(|row| row.offence == documented.offence).expect("every row has a case");
        let evidence = (row.commit)();
        println!("{documented:?}: {evidence:?}");
        let mut host = Host::new();
        host.take(evidence);
        check_treatment(&documented, &mut host);
    }
}

fn check_treatment(row: &Documented, host: &mut Host) {
    let name = &row.offence;
    assert_eq!(host.is_connected(), !row.closes, "{name}");
    let bans = host.machine.bans();
    let banned = bans.iter().find(|ban| ban.subject == BanSubject::Node(node(1)));
    assert_eq!(banned.is_some(), row.points >= 100, "{name}: {bans:?}");
    if let Some(ban) = banned {
        assert_eq!((&ban.reason, ban.by_user), (name, false));
    } else {
        assert_eq!(host.points(), row.points, "{name}");
    }
    if let [(reason, cause)] = host.dropped[..] {
        let expected = match (row.points, cause) {
            (0, DropCause::Rotated) => DisconnectReason::TooManyPeers,
            (0, _) => DisconnectReason::UselessPeer,
            _ => DisconnectReason::BadProtocol,
        };
        assert_eq!(reason, expected, "{name}");
    }
    if !row.closes {
        return;
    }
    // The other peer of the row that needs one is of no more interest.
    host.handle(Input::Remove(node(2)));
    host.dialled.clear();
    let pause = row.pause.max(LEAST_PAUSE);
    host.pass(pause - Duration::from_secs(1));
    assert_eq!(host.dialled, [], "{name}: too early");
    // A quarter more by chance.
    host.pass(pause / 4 + Duration::from_secs(2));
    assert_eq!(host.dialled, [node(1)], "{name}: dialled again");
}

#[test]
fn an_honest_slow_peer_is_never_treated_so() {
    for row in ROWS {
        let evidence = (row.honest)();
        println!("{}: {evidence:?}", row.offence);
        let mut host = Host::new();
        host.take(evidence);
        assert!(host.is_connected(), "{}: {:?}", row.offence, host.dropped);
        assert_eq!((host.points(), host.machine.bans().len()), (0, 0), "{}", row.offence);
    }
}
