//! Random inputs: whatever happens, the promises that [`Host`] checks hold.

use core::time::Duration;

use proptest::prelude::*;

use super::host::{Host, address, node};
use crate::{
    primitives::peer::{BanSubject, SavedPeers},
    proto::{
        peers::{Ending, Input, PeerConfig, SlotLimits},
        session::{SessionEnd, Stage},
        sync::PeerFault,
    },
    wire::p2p::DisconnectReason,
};

#[derive(Debug, Clone)]
enum Step {
    Discover(u8, u8),
    Trust(u8),
    Knock(u8, u8),
    Establish(u8),
    EstablishAs(u8, u8),
    End(u8, u8),
    Verified(u8, u16),
    Offend(u8),
    Ban(u8, u16),
    Unban(u8),
    Network(bool),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u8..60, 0u8..12).prop_map(|(node, subnet)| Step::Discover(node, subnet)),
        1 => (0u8..4).prop_map(Step::Trust),
        2 => (any::<u8>(), 0u8..12).prop_map(|(host, subnet)| Step::Knock(host, subnet)),
        6 => any::<u8>().prop_map(Step::Establish),
        2 => (any::<u8>(), 0u8..60).prop_map(|(which, node)| Step::EstablishAs(which, node)),
        4 => (any::<u8>(), 0u8..8).prop_map(|(which, how)| Step::End(which, how)),
        3 => (any::<u8>(), any::<u16>()).prop_map(|(which, headers)| Step::Verified(which, headers)),
        1 => any::<u8>().prop_map(Step::Offend),
        1 => (0u8..60, 1u16..2_000).prop_map(|(node, seconds)| Step::Ban(node, seconds)),
        1 => (0u8..60).prop_map(Step::Unban),
        1 => any::<bool>().prop_map(Step::Network),
        4 => any::<u16>().prop_map(Step::Pass),
    ]
}

fn ending(how: u8) -> Ending {
    match how {
        0 => Ending::Unreachable,
        1 => Ending::Lost,
        2 => Ending::NotReading,
        3 => Ending::Ours,
        4 => Ending::Session(SessionEnd::TimedOut(Stage::ExpectAck)),
        5 => Ending::Session(SessionEnd::TimedOut(Stage::Established)),
        6 => Ending::Session(SessionEnd::RemoteDisconnect(DisconnectReason::TooManyPeers)),
        _ => Ending::Session(SessionEnd::ConnectionClosed(Stage::Established)),
    }
}

fn perform(host: &mut Host, ticket: u64, step: Step) {
    let pick = |host: &Host, which: u8| {
        let peers: Vec<_> = host.connections.keys().copied().collect();
        (!peers.is_empty()).then(|| peers[usize::from(which) % peers.len()])
    };
    match step {
        Step::Discover(index, subnet) => host.discover(index.into(), address(subnet, index.into())),
        Step::Trust(index) => host.trust(index.into(), address(index, index.into())),
        Step::Knock(index, subnet) => {
            host.knock(ticket, address(subnet, index.into()).ip().expect("an address"));
        }
        Step::Establish(which) => {
            if let Some(peer) = pick(host, which)
                && host.connections[&peer].is_outbound
                && !host.connections[&peer].is_established
            {
                host.establish(peer);
            }
        }
        Step::EstablishAs(which, index) => {
            if let Some(peer) = pick(host, which)
                && !host.connections[&peer].is_outbound
                && !host.connections[&peer].is_established
            {
                let ip = host.connections[&peer].address.ip().expect("an address");
                host.handle(Input::Established { peer, node: node(index.into()), ip });
            }
        }
        Step::End(which, how) => {
            if let Some(peer) = pick(host, which) {
                host.end(peer, ending(how));
            }
        }
        Step::Verified(which, headers) => {
            if let Some(peer) = pick(host, which) {
                let (headers, waited) = (headers.into(), Duration::from_millis(7));
                host.handle(Input::HeadersVerified {
                    peer,
                    headers,
                    bytes: headers * 1_000,
                    waited,
                    latency: waited,
                });
            }
        }
        Step::Offend(which) => {
            if let Some(peer) = pick(host, which) {
                host.handle(Input::Fault { peer, fault: PeerFault::EmptySkeleton });
            }
        }
        Step::Ban(index, seconds) => {
            let subject = BanSubject::Node(node(index.into()));
            host.handle(Input::Ban { subject, duration: Some(Duration::from_secs(seconds.into())) });
        }
        Step::Unban(index) => host.handle(Input::Unban(BanSubject::Node(node(index.into())))),
        Step::Network(is_online) => host.handle(Input::NetworkChanged { is_online }),
        Step::Pass(seconds) => host.pass_seconds(u64::from(seconds) / 16),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn slots_and_bans_hold_whatever_happens(
        seed in any::<u64>(),
        target in 1usize..9,
        steps in proptest::collection::vec(step(), 1..150),
    ) {
        let limits = SlotLimits { target, inbound: 3, handshakes: 2, ..SlotLimits::default() };
        let config = PeerConfig { limits, rotation: Duration::from_secs(120), ..PeerConfig::default() };
        let mut host = Host::new(config, SavedPeers::default(), seed);
        for (ticket, step) in steps.into_iter().enumerate() {
            perform(&mut host, ticket as u64, step);
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_actions(
        seed in any::<u64>(),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let run = || {
            let mut host = Host::new(PeerConfig::default(), SavedPeers::default(), seed);
            for (ticket, step) in steps.iter().cloned().enumerate() {
                perform(&mut host, ticket as u64, step);
            }
            (host.dialled, host.dropped, host.saved)
        };
        prop_assert_eq!(run(), run());
    }
}
