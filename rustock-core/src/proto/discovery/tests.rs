mod recorded;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use proptest::prelude::*;

use super::*;
use crate::primitives::hash::NodeId;
use crate::proto::time::Timestamp;
use crate::wire::discovery::{
    Endpoint, FindNode, Message, MessageId, Neighbor, Neighbors, Ping, Pong, SignedMessage, encode_packet,
};
use crate::wire::rlpx::keys::SecretKey;

const NETWORK: u32 = 775;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn key(number: u32) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_bytes(&bytes).expect("in range")
}

/// An address in a /16 of its own.
fn address(number: u32) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::from((20 << 24) + (number << 16) + 1).into(), 5050)
}

fn identity(number: u32) -> Identity {
    Identity { key: key(number), endpoint: address(number) }
}

fn config(boot_nodes: &[(&str, u16)]) -> DiscoveryConfig {
    let boot_nodes =
        boot_nodes.iter().map(|(host, port)| BootNode { host: (*host).to_owned(), port: *port }).collect();
    DiscoveryConfig { network_id: NETWORK, boot_nodes, local_networks: false }
}

/// A machine that has wanted nodes since time 0.
fn machine(boot_nodes: &[(&str, u16)]) -> Discovery {
    Discovery::new(config(boot_nodes), identity(0), [7; 32], at(0))
}

fn actions(machine: &mut Discovery) -> Vec<Action> {
    core::iter::from_fn(|| machine.next_action()).collect()
}

/// The messages that are sent, and where to.
fn sent(machine: &mut Discovery) -> Vec<(SocketAddr, Message)> {
    let sends = actions(machine).into_iter().filter_map(|action| match action {
        Action::Send { to, packet } => Some((to, packet)),
        Action::Found { .. } | Action::Lost { .. } | Action::RenewKey { .. } | Action::Resolve { .. } => None,
    });
    sends.map(|(to, packet)| (to, SignedMessage::decode(&packet).expect("our own").into_message())).collect()
}

fn receive(machine: &mut Discovery, now: Timestamp, node: u32, message: &Message) {
    receive_from(machine, now, address(node), node, message);
}

fn receive_from(machine: &mut Discovery, now: Timestamp, from: SocketAddr, node: u32, message: &Message) {
    let packet = encode_packet(message, &key(node));
    machine.handle(now, Input::Received { from, packet: &packet });
}

fn id_of(number: u64) -> MessageId {
    let mut bytes = [9; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    MessageId::from_random(bytes)
}

fn ping(node: u32, id: u64) -> Message {
    let endpoint = Endpoint::from(address(node));
    Message::Ping(Ping { endpoint, message_id: id_of(id), network_id: Some(NETWORK) })
}

fn pong(node: u32, message_id: MessageId) -> Message {
    Message::Pong(Pong { endpoint: Endpoint::from(address(node)), message_id, network_id: Some(NETWORK) })
}

fn find_node(id: u64) -> Message {
    Message::FindNode(FindNode { target: vec![1; 64], message_id: id_of(id), network_id: Some(NETWORK) })
}

fn neighbor(node: u32) -> Neighbor {
    let host = address(node).ip().to_string();
    Neighbor { host, port: 5050, id: key(node).node_id().as_bytes().to_vec() }
}

fn neighbors(nodes: Vec<Neighbor>, message_id: MessageId) -> Message {
    Message::Neighbors(Neighbors { nodes, message_id, network_id: Some(NETWORK) })
}

/// The id of the only ping in these messages.
fn only_ping(sent: &[(SocketAddr, Message)]) -> (SocketAddr, MessageId) {
    let mut pings = sent.iter().filter(|(_, message)| matches!(message, Message::Ping(_)));
    let (to, message) = pings.next().expect("a ping");
    assert!(pings.next().is_none(), "more than one ping");
    (*to, message.message_id())
}

/// Makes a node known by its own ping, as strangers do.
fn bond(machine: &mut Discovery, now: Timestamp, node: u32) {
    receive(machine, now, node, &ping(node, u64::from(node)));
    let (to, id) = only_ping(&sent(machine));
    assert_eq!(to, address(node));
    receive(machine, now, node, &pong(node, id));
}

/// Lets time pass, waking the machine when it asks, and returns what it sent with the times.
fn run_until(machine: &mut Discovery, end: Timestamp) -> Vec<(u64, SocketAddr, Message)> {
    let mut all = Vec::new();
    while let Some(next) = machine.next_timeout().filter(|next| *next <= end) {
        machine.handle(next, Input::TimerFired);
        all.extend(sent(machine).into_iter().map(|(to, message)| (next.as_millis(), to, message)));
    }
    machine.handle(end, Input::TimerFired);
    all.extend(sent(machine).into_iter().map(|(to, message)| (end.as_millis(), to, message)));
    all
}

fn node_ids(machine: &Discovery) -> Vec<NodeId> {
    machine.nodes().map(|node| node.id).collect()
}

#[test]
fn the_id_of_a_boot_node_is_learned_from_its_pong() {
    let mut machine = machine(&[("boot.example", 5050)]);
    machine.handle(at(0), Input::TimerFired);
    assert_eq!(actions(&mut machine), [Action::Resolve { host: "boot.example".to_owned() }]);
    let addresses = [address(1).ip()];
    machine.handle(at(50), Input::Resolved { host: "boot.example", addresses: &addresses });
    let (to, id) = only_ping(&sent(&mut machine));
    assert_eq!(to, address(1));
    receive(&mut machine, at(90), 1, &pong(1, id));
    let found = Action::Found { node: key(1).node_id(), address: address(1) };
    assert_eq!(actions(&mut machine), [found]);
}

#[test]
fn boot_nodes_are_asked_again_until_somebody_answers() {
    let mut machine = machine(&[("20.1.0.1", 5050)]);
    let pings = run_until(&mut machine, at(31_000));
    let times: Vec<_> = pings.iter().map(|(time, _, _)| *time).collect();
    assert_eq!(times, [0, 2_000, 6_000, 20_000, 22_000, 26_000]);
    assert!(pings.iter().all(|(_, to, _)| *to == address(1)));
}

#[test]
fn a_ping_is_answered_and_a_stranger_is_pinged_once() {
    let mut machine = machine(&[]);
    receive(&mut machine, at(0), 1, &ping(1, 5));
    let first = sent(&mut machine);
    assert_eq!(first.len(), 2);
    assert!(
        matches!(&first[0], (to, Message::Pong(pong)) if *to == address(1) && pong.message_id == id_of(5))
    );
    assert!(matches!(&first[1], (to, Message::Ping(_)) if *to == address(1)));
    receive(&mut machine, at(10), 1, &ping(1, 6));
    let second = sent(&mut machine);
    assert_eq!(second.len(), 1, "its ping is unanswered");
    receive(&mut machine, at(20), 1, &pong(1, first[1].1.message_id()));
    assert_eq!(actions(&mut machine), [Action::Found { node: key(1).node_id(), address: address(1) }]);
    receive(&mut machine, at(30), 1, &ping(1, 7));
    assert!(matches!(sent(&mut machine)[..], [(_, Message::Pong(_))]), "it is known now");
}

#[test]
fn a_pong_counts_only_from_the_address_that_was_pinged_and_in_time() {
    for (from, time, expected) in [(address(1), 15_000, 0), (address(2), 10, 0), (address(1), 14_999, 1)] {
        let mut machine = machine(&[]);
        receive(&mut machine, at(0), 1, &ping(1, 5));
        let (_, id) = only_ping(&sent(&mut machine));
        machine.handle(at(time), Input::TimerFired);
        receive_from(&mut machine, at(time), from, 1, &pong(1, id));
        assert_eq!(node_ids(&machine).len(), expected, "{from} {time}");
    }
}

#[test]
fn an_id_echoed_in_another_spelling_is_the_same_id() {
    let mut machine = machine(&[]);
    receive(&mut machine, at(0), 1, &ping(1, 5));
    let (_, id) = only_ping(&sent(&mut machine));
    let Message::Pong(answer) = pong(1, id) else { unreachable!("made above") };
    let text = id.to_string();
    let mut data = answer.encode();
    let position = data.windows(text.len()).position(|window| window == text.as_bytes()).expect("inside");
    data[position..position + text.len()].make_ascii_uppercase();
    let signature = key(1).sign(&crate::primitives::hash::keccak256(&[&[Pong::TYPE], &data]));
    let sealed = [&signature[..], &[Pong::TYPE], &data].concat();
    let packet = [&crate::primitives::hash::keccak256(&[&sealed])[..], &sealed].concat();
    machine.handle(at(1), Input::Received { from: address(1), packet: &packet });
    assert_eq!(node_ids(&machine), [key(1).node_id()]);
}

#[test]
fn another_network_is_ignored_and_an_unnamed_one_is_not() {
    for (network_id, answers) in [(Some(8100), 0), (None, 2), (Some(NETWORK), 2)] {
        let mut machine = machine(&[]);
        let endpoint = Endpoint::from(address(1));
        let message = Message::Ping(Ping { endpoint, message_id: id_of(1), network_id });
        receive(&mut machine, at(0), 1, &message);
        assert_eq!(sent(&mut machine).len(), answers, "{network_id:?}");
    }
}

#[test]
fn a_found_node_is_asked_soon_after_our_pong_and_again_until_it_answers() {
    let mut machine = machine(&[]);
    bond(&mut machine, at(0), 1);
    let asked = run_until(&mut machine, at(20_000));
    let times: Vec<_> = asked.iter().map(|(time, _, _)| *time).collect();
    assert_eq!(times, [100, 1_000, 3_100]);
    assert!(
        asked.iter().all(|(_, to, message)| *to == address(1) && matches!(message, Message::FindNode(_)))
    );
}

#[test]
fn a_node_that_does_not_ping_back_is_asked_a_little_later_and_at_once_when_it_does() {
    let mut machine = machine(&[("20.1.0.1", 5050)]);
    machine.handle(at(0), Input::TimerFired);
    let (_, id) = only_ping(&sent(&mut machine));
    receive(&mut machine, at(10), 1, &pong(1, id));
    assert_eq!(machine.next_timeout(), Some(at(1_510)));
    receive(&mut machine, at(300), 1, &ping(1, 1));
    assert_eq!(machine.next_timeout(), Some(at(400)));
}

#[test]
fn neighbors_are_hints_to_ping_and_nothing_else() {
    let mut machine = machine(&[]);
    bond(&mut machine, at(0), 1);
    let request = run_until(&mut machine, at(100))[0].2.message_id();
    let mut nodes = vec![neighbor(2), neighbor(0), neighbor(3)];
    nodes[1].id = key(0).node_id().as_bytes().to_vec();
    nodes.push(Neighbor { host: "192.168.1.1".to_owned(), ..neighbor(4) });
    nodes.push(Neighbor { host: "node.example".to_owned(), ..neighbor(5) });
    nodes.push(Neighbor { port: 70_000, ..neighbor(6) });
    receive(&mut machine, at(150), 1, &neighbors(nodes, request));
    let actions = actions(&mut machine);
    assert!(actions.contains(&Action::Resolve { host: "node.example".to_owned() }));
    let pinged: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Send { to, .. } => Some(*to),
            Action::Found { .. } | Action::Lost { .. } | Action::RenewKey { .. } | Action::Resolve { .. } => {
                None
            }
        })
        .collect();
    assert_eq!(pinged, [address(2), address(3)]);
    assert_eq!(node_ids(&machine), [key(1).node_id()]);
}

#[test]
fn neighbors_that_nobody_asked_for_are_ignored() {
    let mut machine = machine(&[]);
    bond(&mut machine, at(0), 1);
    bond(&mut machine, at(0), 2);
    let asked = run_until(&mut machine, at(100));
    let request = asked.iter().find(|(_, to, _)| *to == address(1)).expect("asked").2.message_id();
    receive(&mut machine, at(110), 1, &neighbors(vec![neighbor(3)], id_of(77)));
    receive(&mut machine, at(110), 2, &neighbors(vec![neighbor(4)], request));
    receive_from(&mut machine, at(110), address(1), 3, &neighbors(vec![neighbor(5)], request));
    assert_eq!(sent(&mut machine), []);
    receive(&mut machine, at(120), 1, &neighbors(vec![neighbor(6)], request));
    assert_eq!(only_ping(&sent(&mut machine)).0, address(6));
    receive(&mut machine, at(130), 1, &neighbors(vec![neighbor(7)], request));
    assert_eq!(sent(&mut machine), [], "answered once");
}

#[test]
fn of_an_answer_that_is_too_long_nineteen_nodes_are_used() {
    for (told, used) in [(20, 20), (21, 19)] {
        let mut machine = machine(&[]);
        bond(&mut machine, at(0), 1);
        let request = run_until(&mut machine, at(100))[0].2.message_id();
        let nodes = (2..2 + told).map(neighbor).collect();
        receive(&mut machine, at(150), 1, &neighbors(nodes, request));
        assert_eq!(sent(&mut machine).len(), used);
    }
}

#[test]
fn only_known_nodes_are_told_of_others_and_at_the_address_they_proved() {
    let mut machine = machine(&[]);
    receive(&mut machine, at(0), 1, &find_node(1));
    assert_eq!(sent(&mut machine), []);
    for node in 1..=30 {
        bond(&mut machine, at(u64::from(node) * 100), node);
    }
    actions(&mut machine);
    let now = at(4_000);
    machine.handle(now, Input::TimerFired);
    actions(&mut machine);
    receive_from(&mut machine, now, address(99), 1, &find_node(2));
    let answers = sent(&mut machine);
    let [(to, Message::Neighbors(answer))] = &answers[..] else { panic!("one answer: {answers:?}") };
    assert_eq!(*to, address(1));
    assert_eq!(answer.message_id, id_of(2));
    let most = if node_ids(&machine).len() > 20 { 19 } else { node_ids(&machine).len() };
    assert_eq!(answer.nodes.len(), most);
    assert_eq!(answer.nodes[0], neighbor(1), "the asker is nearest to itself");
}

#[test]
fn nodes_are_checked_every_minute_and_lost_after_three_silent_pings() {
    let mut machine = machine(&[]);
    bond(&mut machine, at(0), 1);
    actions(&mut machine);
    let pings: Vec<_> = run_until(&mut machine, at(104_999))
        .into_iter()
        .filter(|(_, _, message)| matches!(message, Message::Ping(_)))
        .map(|(time, _, _)| time)
        .collect();
    assert_eq!(pings, [60_000, 75_000, 90_000]);
    assert_eq!(node_ids(&machine).len(), 1);
    machine.handle(at(105_000), Input::TimerFired);
    assert!(actions(&mut machine).contains(&Action::Lost { node: key(1).node_id(), address: address(1) }));
    assert_eq!(node_ids(&machine), []);
}

#[test]
fn a_node_that_answers_a_check_stays_and_one_that_took_its_address_replaces_it() {
    for (signer, expected) in [(1, vec![key(1).node_id()]), (2, vec![key(2).node_id()])] {
        let mut machine = machine(&[]);
        bond(&mut machine, at(0), 1);
        let check = run_until(&mut machine, at(60_000))
            .into_iter()
            .find(|(_, _, message)| matches!(message, Message::Ping(_)))
            .expect("a check");
        receive_from(&mut machine, at(60_010), address(1), signer, &pong(1, check.2.message_id()));
        assert_eq!(node_ids(&machine), expected);
    }
}

#[test]
fn a_satisfied_host_is_left_in_peace_and_others_are_still_answered() {
    let mut machine = machine(&[]);
    bond(&mut machine, at(0), 2);
    assert!(machine.next_timeout().is_some());
    machine.handle(at(10), Input::Demand(Demand::Satisfied));
    actions(&mut machine);
    assert_eq!(machine.next_timeout(), None);
    receive(&mut machine, at(20), 2, &ping(2, 9));
    assert!(matches!(sent(&mut machine)[..], [(_, Message::Pong(_))]));
    receive(&mut machine, at(30), 3, &ping(3, 1));
    let (to, id) = only_ping(&sent(&mut machine));
    receive_from(&mut machine, at(40), to, 3, &pong(3, id));
    assert_eq!(machine.next_timeout(), None, "nobody is asked for more");
    machine.handle(at(1_000_000), Input::Demand(Demand::Wanted));
    let wanted = sent(&mut machine);
    assert!(wanted.iter().any(|(_, message)| matches!(message, Message::FindNode(_))));
}

#[test]
fn a_listening_host_that_is_satisfied_asks_for_nobody_and_sees_who_is_gone() {
    let mut machine = machine(&[]);
    bond(&mut machine, at(0), 2);
    machine.handle(at(10), Input::Demand(Demand::Maintained));
    actions(&mut machine);
    let packets = run_until(&mut machine, at(600_000));
    assert!(!packets.is_empty());
    assert!(packets.iter().all(|(_, to, message)| *to == address(2) && matches!(message, Message::Ping(_))));
    assert_eq!(node_ids(&machine), [], "it did not answer, so nobody is told of it any more");
    assert_eq!(machine.next_timeout(), None, "with an empty table there is nothing to see to");
}

#[test]
fn a_new_socket_has_a_new_key_and_meets_the_old_nodes_again() {
    let mut machine = machine(&[]);
    bond(&mut machine, at(0), 1);
    actions(&mut machine);
    machine.handle(at(50), Input::SocketChanged(identity(9)));
    assert_eq!(node_ids(&machine), []);
    let packets = actions(&mut machine);
    let [Action::Send { to, packet }] = &packets[..] else { panic!("one ping: {packets:?}") };
    assert_eq!(*to, address(1));
    let signed = SignedMessage::decode(packet).expect("our own");
    assert_eq!(signed.sender(), Ok(key(9).node_id()));
    receive(&mut machine, at(90), 1, &pong(1, signed.message().message_id()));
    assert_eq!(node_ids(&machine), [key(1).node_id()]);
}

#[test]
fn a_key_near_a_node_is_asked_for_when_nobody_tells_of_others_and_not_when_somebody_does() {
    for is_told in [false, true] {
        let mut machine = machine(&[]);
        bond(&mut machine, at(0), 1);
        let request = run_until(&mut machine, at(100))[0].2.message_id();
        if is_told {
            receive(&mut machine, at(3_999), 1, &neighbors(Vec::new(), request));
        }
        machine.handle(at(3_999), Input::TimerFired);
        actions(&mut machine);
        machine.handle(at(4_000), Input::TimerFired);
        let near = key(1).node_id();
        let wanted =
            actions(&mut machine).contains(&Action::RenewKey { near, distance: limits::FREE_DISTANCE });
        assert_eq!(wanted, !is_told);
        machine.handle(at(50_000), Input::TimerFired);
        let again = actions(&mut machine);
        assert!(!again.iter().any(|action| matches!(action, Action::RenewKey { .. })), "asked once");
    }
}

/// Takes another key each time that one is asked for: the times, and the nodes that it was to be near.
fn renewals(machine: &mut Discovery, numbers: &[u32], until: u64) -> Vec<(u64, NodeId)> {
    let mut renewals = Vec::new();
    let mut own = 100;
    for millis in (0..until).step_by(100) {
        machine.handle(at(millis), Input::TimerFired);
        let asked = actions(machine).into_iter().find_map(|action| match action {
            Action::RenewKey { near, .. } => Some(near),
            _ => None,
        });
        if let Some(near) = asked {
            renewals.push((millis, near));
            own += 1;
            machine.handle(at(millis), Input::SocketChanged(identity(own)));
            for (to, message) in sent(machine) {
                let number = numbers.iter().find(|number| address(**number) == to).expect("a known node");
                receive(machine, at(millis), *number, &pong(*number, message.message_id()));
            }
            actions(machine);
        }
    }
    renewals
}

#[test]
fn a_new_key_is_tried_every_four_seconds_at_first_and_then_ever_less_often() {
    let mut machine = machine(&[]);
    bond(&mut machine, at(0), 1);
    let times: Vec<u64> =
        renewals(&mut machine, &[1], 40_000).into_iter().map(|(millis, _)| millis).collect();
    assert_eq!(times, [4_000, 8_000, 12_000, 20_000, 36_000], "the only node there is is tried again");
}

#[test]
fn a_new_key_is_near_another_node_than_the_last_one_was() {
    let mut machine = machine(&[]);
    bond(&mut machine, at(0), 1);
    bond(&mut machine, at(0), 2);
    let near: Vec<NodeId> =
        renewals(&mut machine, &[1, 2], 40_000).into_iter().map(|(_, near)| near).collect();
    assert_eq!(near.len(), 5);
    assert!(near.windows(2).all(|pair| pair[0] != pair[1]), "{near:?}");
}

#[test]
fn one_source_gets_so_many_answers_and_no_more() {
    let mut machine = machine(&[]);
    for number in 0..1_000 {
        receive(&mut machine, at(0), 1, &ping(1, number));
    }
    let pongs = sent(&mut machine).iter().filter(|(_, message)| matches!(message, Message::Pong(_))).count();
    assert_eq!(pongs, limits::SOURCE_RATE.burst as usize);
    assert_eq!(machine.counters().over_budget, 1_000 - u64::from(limits::SOURCE_RATE.burst));
}

#[test]
fn whoever_cannot_be_a_node_gets_no_answer() {
    let mut machine = machine(&[]);
    for from in ["127.0.0.1:1", "10.0.0.1:1", "0.0.0.0:1", "224.0.0.1:1", "20.1.0.1:0"] {
        receive_from(&mut machine, at(0), from.parse().expect("an address"), 1, &ping(1, 1));
    }
    assert_eq!(sent(&mut machine), []);
    assert_eq!(machine.counters().from_nowhere, 5);
}

#[test]
fn a_full_bucket_keeps_its_nodes_while_they_answer_and_loses_one_that_does_not() {
    let local = distance::Place::of(&key(0).node_id());
    let far: Vec<u32> = (1..)
        .filter(|node| distance::Place::of(&key(*node).node_id()).distance(&local) == 256)
        .take(18)
        .collect();
    for answers in [true, false] {
        let mut machine = machine(&[]);
        machine.handle(at(0), Input::Demand(Demand::Satisfied));
        for (number, node) in far[..16].iter().enumerate() {
            bond(&mut machine, at(number as u64 * 100), *node);
            actions(&mut machine);
        }
        bond(&mut machine, at(2_000), far[16]);
        let (to, id) = only_ping(&sent(&mut machine));
        assert_eq!(to, address(far[0]), "the longest unseen is challenged");
        if answers {
            receive(&mut machine, at(2_010), far[0], &pong(far[0], id));
        }
        run_until(&mut machine, at(100_000));
        assert_eq!(node_ids(&machine).contains(&key(far[0]).node_id()), answers);
        assert!(!node_ids(&machine).contains(&key(far[16]).node_id()), "it has to ping again");
        bond(&mut machine, at(100_100), far[17]);
        assert_eq!(node_ids(&machine).contains(&key(far[17]).node_id()), !answers);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_comes_the_bounds_hold(
        steps in proptest::collection::vec((0u8..9, 0u32..60, any::<u16>(), 0u64..3_000), 1..120),
    ) {
        let mut machine = machine(&[("boot.example", 5050), ("20.1.0.1", 5050)]);
        let mut now = 0;
        let mut last: Vec<(SocketAddr, Message)> = Vec::new();
        for (step, node, random, pause) in steps {
            now += pause;
            let message = match step {
                0 | 1 => ping(node, u64::from(random)),
                2 => find_node(u64::from(random)),
                // Answers to what was really asked.
                3..=5 => {
                    for (to, request) in core::mem::take(&mut last) {
                        let id = request.message_id();
                        let answer = match request {
                            Message::FindNode(_) => {
                                let nodes = (0..u32::from(random % 30)).map(|n| neighbor(n + node)).collect();
                                neighbors(nodes, id)
                            }
                            Message::Ping(_) | Message::Pong(_) | Message::Neighbors(_) => pong(node, id),
                        };
                        receive_from(&mut machine, at(now), to, node, &answer);
                    }
                    find_node(1)
                }
                6 => {
                    let demand = if random % 2 == 0 { Demand::Satisfied } else { Demand::Wanted };
                    machine.handle(at(now), Input::Demand(demand));
                    continue;
                }
                7 => {
                    let addresses = [IpAddr::from([30, node as u8, 0, 1])];
                    machine.handle(at(now), Input::Resolved { host: "boot.example", addresses: &addresses });
                    continue;
                }
                _ => {
                    machine.handle(at(now), Input::SocketChanged(identity(1_000 + node)));
                    continue;
                }
            };
            receive(&mut machine, at(now), node, &message);
            prop_assert!(machine.sizes().is_within(&Sizes::LIMITS), "{:?}", machine.sizes());
            if random % 3 != 0 {
                last = sent(&mut machine);
            }
            if let Some(next) = machine.next_timeout() {
                machine.handle(next.max(at(now)), Input::TimerFired);
                prop_assert!(machine.next_timeout().is_none_or(|after| after > next.min(at(now))));
            }
        }
    }
}
