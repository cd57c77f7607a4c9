//! Discovery in simulated networks, and under a flood.

use core::net::SocketAddr;

use rustock_core::{
    proto::{
        discovery::{Action, BootNode, Demand, Discovery, DiscoveryConfig, Identity, Input, Sizes, limits},
        time::Timestamp,
    },
    wire::{
        discovery::{Endpoint, FindNode, Message, MessageId, Ping, Pong, SignedMessage, encode_packet},
        rlpx::keys::SecretKey,
    },
};
use rustock_test_support::{
    chainkit::Random,
    sim::discovery::{DiscoverySimulation, NodePlan, SimNode, Weather},
};

const BOOT_NAME: &str = "boot.example";

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// A network of this size that knows one boot node by name, each node starting a little after the one before.
fn network(
    seed: u64,
    size: usize,
    weather: Weather,
    translated_in: u64,
) -> (DiscoverySimulation, Vec<SimNode>) {
    let mut simulation = DiscoverySimulation::new(seed, weather);
    let mut random = Random::new(seed ^ 0x5eed);
    let boot = simulation.free_address();
    simulation.name(BOOT_NAME, vec![boot.ip()]);
    let boot_nodes = vec![BootNode { host: BOOT_NAME.to_owned(), port: boot.port() }];
    let first = NodePlan { address: boot, boot_nodes: Vec::new(), start: at(0), is_translated: false };
    let mut nodes = vec![simulation.add(first)];
    for number in 1..size {
        let address = simulation.free_address();
        nodes.push(simulation.add(NodePlan {
            address,
            boot_nodes: boot_nodes.clone(),
            start: Timestamp::from_millis(100 * number as u64),
            is_translated: translated_in > 0 && random.one_in(translated_in),
        }));
    }
    (simulation, nodes)
}

#[test]
fn nodes_that_leave_are_lost_and_those_that_stay_are_kept() {
    let (mut simulation, nodes) = network(3, 40, Weather::FINE, 0);
    simulation.run_until(at(30));
    let watcher = nodes[1];
    let before = simulation.table(watcher);
    assert!(nodes[20..].iter().any(|node| before.contains(&simulation.id(*node))));
    for node in &nodes[20..] {
        simulation.stop_at(at(30), *node);
    }
    simulation.run_until(at(400));
    let after = simulation.table(watcher);
    for node in &nodes[20..] {
        assert!(!after.contains(&simulation.id(*node)), "{node:?} has left");
    }
    for node in &nodes[..20] {
        let id = simulation.id(*node);
        assert!(after.contains(&id) || !before.contains(&id), "{node:?} has stayed");
    }
    assert!(simulation.lost(watcher) > 0);
}

#[test]
fn a_node_behind_a_translator_finds_others_as_well() {
    let (mut simulation, nodes) = network(4, 60, Weather::FINE, 3);
    let address = simulation.free_address();
    let boot_nodes = vec![BootNode { host: BOOT_NAME.to_owned(), port: 5050 }];
    let hidden = simulation.add(NodePlan { address, boot_nodes, start: at(30), is_translated: true });
    simulation.run_until(at(45));
    let found = simulation.found(hidden).len();
    assert!(found > nodes.len() / 3, "{found} of {}", nodes.len());
}

#[test]
fn a_network_that_has_enough_falls_silent_but_for_answers() {
    let (mut simulation, nodes) = network(5, 20, Weather::FINE, 0);
    simulation.run_until(at(30));
    for node in &nodes {
        simulation.set_demand(*node, Demand::Satisfied);
    }
    simulation.run_until(at(100));
    let before: Vec<_> = nodes.iter().map(|node| simulation.packets(*node)).collect();
    simulation.run_until(at(3_700));
    let after: Vec<_> = nodes.iter().map(|node| simulation.packets(*node)).collect();
    assert_eq!(before, after, "an hour without a packet");
    simulation.set_demand(nodes[1], Demand::Wanted);
    simulation.run_until(at(3_702));
    assert!(simulation.packets(nodes[1]).0 > before[1].0);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let (mut simulation, nodes) = network(seed, 15, Weather::ROUGH, 4);
        simulation.run_until(at(70));
        nodes
            .iter()
            .map(|node| (simulation.packets(*node), simulation.found(*node).clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(run(9), run(9));
    assert_ne!(run(9), run(10));
}

fn key(number: u32) -> SecretKey {
    let mut bytes = [3; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_bytes(&bytes).expect("in range")
}

fn ping_of(endpoint: SocketAddr, id: u64) -> Message {
    Message::Ping(Ping {
        endpoint: Endpoint::from(endpoint),
        message_id: message_id(id),
        network_id: Some(775),
    })
}

fn message_id(number: u64) -> MessageId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    MessageId::from_random(bytes)
}

/// What the machine sends to an address now; everything else is thrown away and counted.
fn sent_to(machine: &mut Discovery, address: SocketAddr, others: &mut u64) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(action) = machine.next_action() {
        match action {
            Action::Send { to, packet } if to == address => {
                messages.push(SignedMessage::decode(&packet).expect("its own").into_message());
            }
            Action::Send { .. } => *others += 1,
            Action::Found { .. } | Action::Lost { .. } | Action::RenewKey { .. } | Action::Resolve { .. } => {
            }
        }
    }
    messages
}

#[test]
fn a_million_spoofed_packets_fill_nothing_and_an_honest_node_is_still_served() {
    const FLOOD: u64 = 1_000_000;
    const SECONDS: u64 = 10;
    let own: SocketAddr = "20.0.0.1:5050".parse().expect("an address");
    let honest: SocketAddr = "21.0.0.1:5050".parse().expect("an address");
    let config = DiscoveryConfig { network_id: 775, boot_nodes: Vec::new(), local_networks: false };
    let identity = Identity { key: key(0), endpoint: own };
    let mut machine = Discovery::new(config, identity, [1; 32], at(0));
    let mut others = 0;

    let packet = encode_packet(&ping_of(honest, 1), &key(1));
    machine.handle(at(0), Input::Received { from: honest, packet: &packet });
    let request = sent_to(&mut machine, honest, &mut others);
    let Some(Message::Ping(ping)) = request.last() else { panic!("a ping: {request:?}") };
    let answer =
        Pong { endpoint: Endpoint::from(honest), message_id: ping.message_id, network_id: Some(775) };
    let packet = encode_packet(&Message::Pong(answer), &key(1));
    machine.handle(at(0), Input::Received { from: honest, packet: &packet });
    sent_to(&mut machine, honest, &mut others);

    // Whoever spoofs need not sign each packet anew. One in two is a well-formed packet, one in two is not.
    let mut packets: Vec<Vec<u8>> =
        (2..66).map(|number| encode_packet(&ping_of(honest, number.into()), &key(number))).collect();
    packets.extend((0..64).map(|number| vec![number; 8192]));
    let mut random = Random::new(11);
    let mut largest = Sizes::default();
    let mut answered = 0;
    let mut woken = 0;
    for number in 0..FLOOD {
        let now = Timestamp::from_millis(1 + number * SECONDS * 1000 / FLOOD);
        let ip = u32::try_from(random.between(0x0b00_0000, 0xdf00_0000)).expect("32 bits");
        let from = SocketAddr::new(core::net::Ipv4Addr::from(ip).into(), 5050);
        let packet = &packets[usize::try_from(random.between(0, 127)).expect("small")];
        machine.handle(now, Input::Received { from, packet });
        let sizes = machine.sizes();
        largest = Sizes {
            nodes: largest.nodes.max(sizes.nodes),
            requests: largest.requests.max(sizes.requests),
            hints: largest.hints.max(sizes.hints),
            sources: largest.sources.max(sizes.sources),
            actions: largest.actions.max(sizes.actions),
        };
        sent_to(&mut machine, honest, &mut others);
        if machine.next_timeout().is_some_and(|timeout| timeout <= now) {
            woken += 1;
        }
        if number % 50_000 == 0 {
            let request = if answered % 2 == 0 {
                ping_of(honest, 1_000 + number)
            } else {
                Message::FindNode(FindNode {
                    target: vec![1; 64],
                    message_id: message_id(1_000 + number),
                    network_id: Some(775),
                })
            };
            let packet = encode_packet(&request, &key(1));
            machine.handle(now, Input::Received { from: honest, packet: &packet });
            let id = message_id(1_000 + number);
            let answers = sent_to(&mut machine, honest, &mut others);
            answered += u64::from(answers.iter().any(|answer| answer.message_id() == id));
        }
    }
    println!("largest {largest:?}; {others} packets sent to strangers; {:?}", machine.counters());
    assert_eq!(answered, 20, "every request of the honest node");
    assert_eq!(woken, 0, "what is due is done in the same call");
    assert!(largest.is_within(&Sizes::LIMITS));
    assert_eq!(largest.nodes, 1);
    assert!(largest.requests <= limits::PENDING_ANSWERS + limits::PENDING_FIND_NODES);
    // A pong, a ping and its repetition for each packet looked at.
    let looked_at =
        u64::from(limits::STRANGER_RATE.burst) + u64::from(limits::STRANGER_RATE.per_second) * SECONDS;
    assert!(others <= 3 * looked_at, "{others} packets for {looked_at}");
    let counters = machine.counters();
    let admitted = counters.received - counters.over_budget - counters.from_nowhere;
    // Two packets of the honest node before the flood, twenty during it.
    assert!(admitted <= looked_at + 22, "{admitted}");
}
