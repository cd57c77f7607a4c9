//! Each fault, committed; and beside it the honest slow peer that is not treated so.

use core::time::Duration;

use super::host::{Host, address, host, node};
use crate::{
    consensus::{client_too_old::ClientTooOld, error::HeaderError},
    primitives::{
        hash::BlockHash,
        header::HeaderDecodeError,
        number::{BlockNumber, CumulativeDifficulty},
        peer::BanSubject,
        rlp::RlpError,
    },
    proto::{
        peers::{DropCause, Ending, Input, Offence, flood},
        session::{SessionEnd, SessionFault, Stage},
        sync::{PeerFault, PeerId},
    },
    wire::p2p::DisconnectReason,
};

const HASH: BlockHash = BlockHash::ZERO;
const NUMBER: BlockNumber = BlockNumber::GENESIS;

/// One of each kind that the sync machine reports, with what it is.
fn sync_faults() -> Vec<(PeerFault, Offence)> {
    let weight = CumulativeDifficulty::default();
    let header_error = HeaderError::Linkage { expected: HASH, seen: HASH };
    let not_a_list = HeaderDecodeError::NotAList(RlpError::Truncated);
    let too_old = ClientTooOld { number: NUMBER, last_known_upgrade: NUMBER };
    let undecodable = |error| PeerFault::UndecodableHeader { requested: HASH, index: 0, error };
    vec![
        (undecodable(not_a_list), Offence::UndecodableHeader),
        (PeerFault::ClientTooOld(too_old), Offence::ClientTooOld),
        (PeerFault::InvalidHeader { number: NUMBER, error: header_error }, Offence::InvalidHeader),
        (PeerFault::WrongHeaderCount { requested: HASH, expected: 2, actual: 1 }, Offence::WrongHeaderCount),
        (PeerFault::WrongFirstHeader { requested: HASH, actual: HASH }, Offence::WrongFirstHeader),
        (PeerFault::BrokenHeaderChain { number: NUMBER }, Offence::BrokenHeaderChain),
        (PeerFault::WrongSkeletonHeight { index: 0, actual: NUMBER }, Offence::WrongSkeletonHeight),
        (PeerFault::EmptySkeleton, Offence::EmptySkeleton),
        (PeerFault::SkeletonContradiction { number: NUMBER }, Offence::SkeletonContradiction),
        (PeerFault::OtherChain { base: NUMBER }, Offence::OtherChain),
        (PeerFault::ForkTooDeep { lowest: NUMBER }, Offence::ForkTooDeep),
        (PeerFault::LightBranch { length: 1, ours: weight, theirs: weight }, Offence::LightBranch),
        (PeerFault::Unresponsive { silences: 3, each: Duration::from_secs(30) }, Offence::Unresponsive),
    ]
}

/// One of each kind of end, with what it is.
fn endings() -> Vec<(Ending, Offence)> {
    let session = |end| Ending::Session(end);
    let fault = |fault| Ending::Session(SessionEnd::Fault(fault));
    let remote = |reason| Ending::Session(SessionEnd::RemoteDisconnect(reason));
    vec![
        (Ending::Unreachable, Offence::Unreachable),
        (Ending::Lost, Offence::ConnectionLost),
        (Ending::NotReading, Offence::NotReading),
        (session(SessionEnd::TimedOut(Stage::ExpectAck)), Offence::HandshakeFailed),
        (session(SessionEnd::ConnectionClosed(Stage::ExpectHello)), Offence::HandshakeFailed),
        (session(SessionEnd::TimedOut(Stage::Established)), Offence::PingTimeout),
        (session(SessionEnd::ConnectionClosed(Stage::Established)), Offence::ConnectionLost),
        (remote(DisconnectReason::TooManyPeers), Offence::Refused),
        (remote(DisconnectReason::DuplicatePeer), Offence::Refused),
        (remote(DisconnectReason::PeerQuitting), Offence::Left),
        (remote(DisconnectReason::NullIdentity), Offence::OtherNetwork),
        (remote(DisconnectReason::UnexpectedGenesis), Offence::OtherNetwork),
        (remote(DisconnectReason::IncompatibleProtocol), Offence::IncompatibleProtocol),
        (fault(SessionFault::UnassignedCode { code: 0x77 }), Offence::UnassignedCode),
        (fault(SessionFault::FirstMessageNotHello { code: 2 }), Offence::HelloOutOfPlace),
        (fault(SessionFault::SecondHello), Offence::HelloOutOfPlace),
        (fault(SessionFault::P2pVersion { actual: 3 }), Offence::IncompatibleProtocol),
        (fault(SessionFault::MissingCapability), Offence::IncompatibleProtocol),
        (fault(SessionFault::ProtocolVersion { expected: 62, actual: 63 }), Offence::IncompatibleProtocol),
        (fault(SessionFault::NetworkId { expected: 775, actual: 1 }), Offence::OtherNetwork),
        (fault(SessionFault::Genesis { expected: HASH, actual: HASH }), Offence::OtherNetwork),
        (fault(SessionFault::OutgoingFull { waiting: 2, limit: 1 }), Offence::NotReading),
    ]
}

/// A host with one connected peer, which is not trusted.
fn connected() -> (Host, PeerId) {
    let mut host = host();
    host.discover(1, address(1, 1));
    let peer = host.connection_of(1).expect("it is dialled");
    host.establish(peer);
    (host, peer)
}

/// Commits the offence again and again, as soon as the peer is dialled again. How often until it was banned; none
/// if it never was.
fn times_until_banned(mut commit: impl FnMut(&mut Host, PeerId)) -> Option<usize> {
    let (mut host, mut peer) = connected();
    for times in 1..=20 {
        commit(&mut host, peer);
        host.finish_leaving();
        if host.machine.bans().iter().any(|ban| ban.subject == BanSubject::Node(node(1))) {
            return Some(times);
        }
        // It is found again where it is, whatever became of it.
        host.discover(1, address(1, 1));
        host.pass_seconds(1);
        while host.connection_of(1).is_none() {
            let next = host.machine.next_timeout().expect("it is dialled again some time");
            host.pass(next);
        }
        peer = host.connection_of(1).expect("just seen");
        host.establish(peer);
    }
    None
}

fn expected_times(offence: Offence) -> Option<usize> {
    match offence.consequence().points {
        0 => None,
        100 => Some(1),
        55 => Some(2),
        25 => Some(5),
        points => panic!("{points} points are in no line of the table"),
    }
}

#[test]
fn what_the_sync_machine_finds_is_punished_by_the_table() {
    for (fault, offence) in sync_faults() {
        assert_eq!(Offence::of_sync_fault(&fault), offence, "{fault}");
        assert_eq!(fault.is_hostile(), offence.is_hostile(), "{fault}");
        let times = times_until_banned(|host, peer| {
            host.handle(Input::Fault { peer, fault: fault.clone() });
            let dropped = host.dropped.contains(&(peer, DropCause::Offence(offence)));
            assert!(dropped, "{fault}");
        });
        // Pauses of minutes let points fade, which only offences of few points notice.
        assert_eq!(times, expected_times(offence), "{fault}");
    }
}

#[test]
fn how_sessions_end_is_punished_by_the_table() {
    for (ending, offence) in endings() {
        let times = times_until_banned(|host, peer| host.end(peer, ending.clone()));
        let expected = expected_times(offence);
        assert_eq!(times.is_some(), expected.is_some(), "{ending:?}");
        assert!(times >= expected, "{ending:?}");
    }
}

#[test]
fn what_is_our_own_doing_is_held_against_nobody() {
    let ours = SessionEnd::Fault(SessionFault::SentTooEarly { stage: Stage::ExpectAck });
    for ending in [
        Ending::Ours,
        Ending::Session(ours),
        Ending::Session(SessionEnd::LocalDisconnect(DisconnectReason::PeerQuitting)),
    ] {
        assert_eq!(times_until_banned(|host, peer| host.end(peer, ending.clone())), None);
    }
}

#[test]
fn a_flood_is_punished_and_a_busy_peer_is_not() {
    let too_many = times_until_banned(|host, peer| {
        host.handle(Input::Unwanted { peer, messages: flood::UNWANTED_MESSAGES + 1, bytes: 0 });
    });
    assert_eq!(too_many, expected_times(Offence::UnwantedFlood));
    let (mut host, peer) = connected();
    for _ in 0..100 {
        let (messages, bytes) = (flood::UNWANTED_MESSAGES, flood::UNWANTED_BYTES);
        host.handle(Input::Unwanted { peer, messages, bytes });
        host.pass_seconds(60);
    }
    assert_eq!((host.dropped.len(), host.bans.len()), (0, 0));
}

#[test]
fn announcement_spam_is_punished_and_a_lively_chain_is_not() {
    let too_many = times_until_banned(|host, peer| {
        host.handle(Input::Announced { peer, blocks: flood::ANNOUNCED_BLOCKS + 1 });
    });
    assert_eq!(too_many, expected_times(Offence::AnnouncementSpam));
    let (mut host, peer) = connected();
    for _ in 0..100 {
        host.handle(Input::Announced { peer, blocks: flood::ANNOUNCED_BLOCKS });
        host.pass_seconds(60);
    }
    assert_eq!((host.dropped.len(), host.bans.len()), (0, 0));
}

#[test]
fn a_trusted_peer_is_paused_for_what_others_are_banned_for() {
    let mut host = host();
    host.trust(1, address(1, 1));
    let peer = host.connection_of(1).expect("dialled");
    host.establish(peer);
    host.handle(Input::Fault { peer, fault: PeerFault::EmptySkeleton });
    host.finish_leaving();
    assert!(host.machine.bans().is_empty());
    host.pass_seconds(299);
    assert_eq!(host.connection_of(1), None);
    // Up to a quarter longer, by chance.
    host.pass_seconds(76);
    assert!(host.connection_of(1).is_some());
}

/// Slow in every way there is, for a day: late answers, lost connections, silent handshakes, full house.
#[test]
fn an_honest_slow_peer_is_never_banned() {
    let (mut host, _) = connected();
    let honest: Vec<Ending> = endings()
        .into_iter()
        .filter(|(_, offence)| !offence.is_hostile())
        .map(|(ending, _)| ending)
        .collect();
    for round in 0..500 {
        if let Some(peer) = host.connection_of(1) {
            if round % 3 > 0 && !host.connections[&peer].is_established {
                host.establish(peer);
            }
            if round % 5 == 0 && host.connections[&peer].is_established {
                let fault = PeerFault::Unresponsive { silences: 3, each: Duration::from_secs(30) };
                host.handle(Input::Fault { peer, fault });
                host.finish_leaving();
            } else {
                host.end(peer, honest[round % honest.len()].clone());
            }
        }
        host.pass_seconds(180);
        host.discover(1, address(1, 1));
    }
    assert!(host.machine.bans().is_empty());
    assert!(host.bans.is_empty());
}
