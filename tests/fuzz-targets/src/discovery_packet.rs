//! Discovery packets: what is read is written back alike, and a machine that is fed with them, whoever sends what
//! in whatever order, stays within its bounds.

use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use rustock_core::{
    primitives::hash::{NodeId, keccak256},
    proto::{
        discovery::{Action, BootNode, Demand, Discovery, DiscoveryConfig, Identity, Input as Event, Sizes},
        time::Timestamp,
    },
    wire::{
        discovery::{Endpoint, Message, Neighbor, Neighbors, Pong, SignedMessage, encode_packet},
        rlpx::keys::SecretKey,
    },
};

use crate::input::Input;

const NETWORK: u32 = 775;
const PORT: u16 = 5050;
/// Signatures are dear, so an input makes this many events at most.
const EVENTS: usize = 24;

/// A first byte for what the rest is: a whole packet, type and data of one, or events for a machine.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() % 3 {
        0 => check_packet(input.rest()),
        1 => check_packet(&sealed(&key(1), input.rest())),
        _ => check_machine(input),
    }
}

fn check_packet(packet: &[u8]) {
    let Ok(signed) = SignedMessage::decode(packet) else { return };
    assert_eq!(keccak256(&[&packet[32..]]), packet[..32], "the checksum is right");
    let message = signed.message();
    let written = encode_packet(message, &key(1));
    let again = SignedMessage::decode(&written).expect("what was read can be written");
    assert_eq!(again.message(), message);
    assert_eq!(again.sender(), Ok(key(1).node_id()));
    // The type and the number of the message are where they were.
    assert_eq!(written[97], packet[97]);
    assert_eq!(again.message().message_id(), message.message_id());
    if packet == sealed(&key(1), &packet[97..]) {
        assert_eq!(signed.sender(), Ok(key(1).node_id()), "whoever signed is found");
    }
}

/// A machine, what it holds, and what it last asked of whom.
struct Host {
    machine: Discovery,
    now: Timestamp,
    asked: Vec<(SocketAddr, Message)>,
    names: Vec<String>,
    identities: Vec<NodeId>,
}

impl Host {
    fn handle(&mut self, event: Event<'_>) {
        self.machine.handle(self.now, event);
        self.identities.push(self.machine.local_id());
        assert!(self.machine.sizes().is_within(&Sizes::LIMITS), "{:?}", self.machine.sizes());
    }

    /// Takes the actions. A driver that is slow leaves them.
    fn take_actions(&mut self) {
        while let Some(action) = self.machine.next_action() {
            match action {
                Action::Send { to, packet } => {
                    let sent = SignedMessage::decode(&packet).expect("ours are packets");
                    // What was not taken in time is of the identity before.
                    let sender = sent.sender().expect("ours are signed");
                    assert!(self.identities.contains(&sender));
                    assert_eq!(sent.message().network_id(), Some(NETWORK));
                    self.asked.push((to, sent.into_message()));
                }
                Action::Resolve { host } => self.names.push(host),
                Action::Found { .. } | Action::Lost { .. } | Action::RenewKey { .. } => {}
            }
        }
    }
}

fn check_machine(mut input: Input<'_>) {
    let local_networks = input.byte() & 1 == 1;
    let boot_nodes = vec![
        BootNode { host: "203.0.113.1".to_owned(), port: PORT },
        BootNode { host: "boot.example".to_owned(), port: PORT },
    ];
    let config = DiscoveryConfig { network_id: NETWORK, boot_nodes, local_networks };
    let identity = |number| Identity { key: key(number), endpoint: address(200) };
    let machine = Discovery::new(config, identity(100), [9; 32], Timestamp::ZERO);
    let mut host =
        Host { machine, now: Timestamp::ZERO, asked: Vec::new(), names: Vec::new(), identities: Vec::new() };
    host.handle(Event::TimerFired);
    for _ in 0..EVENTS {
        if input.is_empty() {
            break;
        }
        let kind = input.byte();
        let from = input.byte() % 16;
        host.now = host.now.saturating_add(Duration::from_millis(u64::from(input.byte()) * 40));
        if kind & 0x80 == 0 {
            host.take_actions();
        }
        match kind % 8 {
            0 => {
                let size = usize::from(input.byte());
                host.handle(Event::Received { from: address(from), packet: input.take(size) });
            }
            1 | 2 => {
                let size = usize::from(input.byte());
                let packet = sealed(&key(from), input.take(size));
                host.handle(Event::Received { from: address(from), packet: &packet });
            }
            3 | 4 => answer(&mut host, &mut input),
            5 => {
                let name = host.names.pop().unwrap_or_else(|| "boot.example".to_owned());
                let addresses: Vec<IpAddr> = (0..from).map(|number| address(number).ip()).collect();
                host.handle(Event::Resolved { host: &name, addresses: &addresses });
            }
            6 if from.is_multiple_of(2) => host.handle(Event::SocketChanged(identity(101 + from))),
            6 => host.handle(Event::Demand(match from % 8 {
                1 => Demand::Satisfied,
                5 => Demand::Maintained,
                _ => Demand::Wanted,
            })),
            _ => host.handle(Event::TimerFired),
        }
    }
    let counters = host.machine.counters();
    let dropped = counters.from_nowhere
        + counters.over_budget
        + counters.malformed
        + counters.other_network
        + counters.unexpected;
    assert!(dropped <= counters.received, "each packet is dropped for one reason: {counters:?}");
}

/// What an honest node, or one that answers with made-up neighbours, says to the last request.
fn answer(host: &mut Host, input: &mut Input<'_>) {
    let Some((to, request)) = host.asked.pop() else { return host.handle(Event::TimerFired) };
    let number = node_at(to);
    let message_id = request.message_id();
    let answer = match request {
        Message::Ping(_) => {
            let endpoint = Endpoint { host: to.ip().to_string(), port: u32::from(PORT) };
            Message::Pong(Pong { endpoint, message_id, network_id: Some(NETWORK) })
        }
        Message::FindNode(_) => {
            let nodes = (0..input.byte() % 32)
                .map(|_| {
                    let told = input.byte();
                    let host = match told % 4 {
                        0 => "node.example".to_owned(),
                        1 => String::from_utf8_lossy(input.take(3)).into_owned(),
                        _ => address(told % 64).ip().to_string(),
                    };
                    let id = match told % 8 {
                        7 => input.take(4).to_vec(),
                        _ => key(told % 64).node_id().as_bytes().to_vec(),
                    };
                    Neighbor { host, port: u32::from(PORT) + u32::from(told & 0x80), id }
                })
                .collect();
            Message::Neighbors(Neighbors { nodes, message_id, network_id: Some(NETWORK) })
        }
        // Answers of ours want none.
        Message::Pong(_) | Message::Neighbors(_) => return host.handle(Event::TimerFired),
    };
    let packet = encode_packet(&answer, &key(number));
    host.handle(Event::Received { from: to, packet: &packet });
}

/// Where the node with this number is: some public, some local.
fn address(number: u8) -> SocketAddr {
    let ip = match number % 4 {
        0 => [203, 0, 113, number],
        1 => [198, 51, 100, number],
        2 => [192, 0, 2, number],
        _ => [127, 0, 0, number],
    };
    SocketAddr::from((ip, PORT))
}

fn node_at(address: SocketAddr) -> u8 {
    match address.ip() {
        IpAddr::V4(ip) => ip.octets()[3],
        IpAddr::V6(_) => 0,
    }
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number.saturating_add(1); 32]).expect("in range")
}

/// A packet with this type and data, signed; what comes first is the type.
fn sealed(key: &SecretKey, content: &[u8]) -> Vec<u8> {
    let signature = key.sign(&keccak256(&[content]));
    let checksum = keccak256(&[&signature, content]);
    [&checksum[..], &signature, content].concat()
}
