//! The dialogues recorded from a running rskj, with the machine in the place of the recorded client: what the
//! client sent is what the machine would send, and everything rskj sent is understood.
//!
//! The recorded client made its own ids, and rskj's answers are signed over them. So its pings and find-nodes
//! are put in as requests of the machine; all else comes from the machine.

use serde_json::Value;

use super::*;
use crate::proto::discovery::requests::Purpose;

const RECORDED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/rskj-discovery.json"));
const REGTEST: u32 = 7771;

/// What a replay came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    pongs_as_recorded: usize,
    find_nodes: usize,
    answers_taken: usize,
    strays: u64,
    found: Vec<SocketAddr>,
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().expect("a text")
}

fn replay(dialogue: &str) -> Outcome {
    let recorded: Vec<Value> = serde_json::from_str(RECORDED).expect("JSON");
    let records: Vec<_> = recorded.iter().filter(|record| text(record, "dialogue") == dialogue).collect();
    let open = |record: &Value| {
        let packet = hex::decode(text(record, "packet")).expect("hex");
        let signed = SignedMessage::decode(&packet).expect("rskj made or took it");
        let sender = signed.sender().expect("signed");
        (packet, signed.into_message(), sender)
    };
    let is_ours = |record: &&&Value| text(record, "direction") == "client_to_rskj";
    let first_of_ours = records.iter().find(is_ours).expect("the client speaks");
    let endpoint = |record: &Value| {
        let from = &record["from"];
        let ip: IpAddr = from[0].as_str().expect("a host").parse().expect("an address");
        SocketAddr::new(ip, from[1].as_u64().expect("a port") as u16)
    };
    let client = endpoint(first_of_ours);
    let rskj: SocketAddr = "127.0.0.1:50521".parse().expect("an address");

    let config = DiscoveryConfig { network_id: REGTEST, boot_nodes: Vec::new(), local_networks: true };
    let identity = Identity { key: key(0), endpoint: client };
    let mut machine = Discovery::new(config, identity, [7; 32], at(0));
    machine.handle(at(0), Input::Demand(Demand::Satisfied));
    let mut outcome = Outcome::default();
    let mut waiting: Vec<Message> = Vec::new();
    for record in records {
        let now = at(record["t_ms"].as_f64().expect("a time") as u64);
        let (packet, message, sender) = open(record);
        match text(record, "direction") {
            "rskj_to_client" => {
                let hints = machine.sizes().hints;
                machine.handle(now, Input::Received { from: rskj, packet: &packet });
                for action in actions(&mut machine) {
                    match action {
                        Action::Send { to, packet } => {
                            assert_eq!(to, rskj);
                            waiting.push(SignedMessage::decode(&packet).expect("our own").into_message());
                        }
                        Action::Found { node, address } => {
                            assert_eq!(node, sender);
                            outcome.found.push(address);
                        }
                        Action::Lost { .. } | Action::RenewKey { .. } | Action::Resolve { .. } => {
                            panic!("{action:?}")
                        }
                    }
                }
                if matches!(message, Message::Neighbors(_)) && machine.counters().unexpected == outcome.strays
                {
                    assert!(machine.sizes().hints >= hints);
                    outcome.answers_taken += 1;
                }
                outcome.strays = machine.counters().unexpected;
            }
            _ => match &message {
                Message::Pong(pong) => {
                    assert!(waiting.contains(&message), "{pong:?} not in {waiting:?}");
                    outcome.pongs_as_recorded += 1;
                }
                Message::Ping(ping) => {
                    let expected = Ping {
                        endpoint: Endpoint::from(client),
                        message_id: ping.message_id,
                        network_id: Some(REGTEST),
                    };
                    assert_eq!(*ping, expected);
                    machine.requests.add(ping.message_id, Purpose::Hint, rskj, now, || packet);
                    machine.handle(now, Input::TimerFired);
                    actions(&mut machine);
                }
                Message::FindNode(find_node) => {
                    assert_eq!(find_node.network_id, Some(REGTEST));
                    let node = machine.nodes().next().map(|node| node.id);
                    if let Some(node) = node {
                        machine.requests.forget_node(&node);
                        let id = find_node.message_id;
                        machine.requests.add(id, Purpose::FindNode(node), rskj, now, || packet);
                        machine.handle(now, Input::TimerFired);
                        actions(&mut machine);
                    }
                    outcome.find_nodes += 1;
                }
                // The client told of others without having pinged; nobody is told that has not proved its address.
                Message::Neighbors(_) => assert_eq!(outcome.found, []),
            },
        }
    }
    outcome
}

#[test]
fn a_node_that_found_us_in_its_configuration_is_answered() {
    let outcome = replay("configured_boot_address");
    let expected = Outcome { pongs_as_recorded: 2, strays: 1, ..Outcome::default() };
    assert_eq!(outcome, expected, "its find-node comes though it never answered a ping");
}

#[test]
fn the_dialogue_that_we_begin_ends_in_neighbors() {
    let outcome = replay("client_pings_first");
    let rskj = "127.0.0.1:50521".parse().expect("an address");
    let expected =
        Outcome { pongs_as_recorded: 1, find_nodes: 15, answers_taken: 15, strays: 0, found: vec![rskj] };
    assert_eq!(outcome, expected);
}

#[test]
fn neighbors_asked_for_from_another_port_come_to_the_first_and_are_not_taken_there() {
    let rskj: SocketAddr = "127.0.0.1:50521".parse().expect("an address");
    let expected =
        Outcome { pongs_as_recorded: 1, find_nodes: 2, answers_taken: 2, strays: 1, found: vec![rskj] };
    assert_eq!(replay("same_key_two_ports_first"), expected);
    let expected = Outcome { find_nodes: 1, found: vec![rskj], ..Outcome::default() };
    assert_eq!(replay("same_key_two_ports_second"), expected);
}
