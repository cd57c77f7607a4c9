//! Discovery packets against rskj's own and against those recorded from a running node: every one is read,
//! named its signer, and written again byte for byte.

use rustock_core::{
    primitives::hash::NodeId,
    proto::discovery::distance::Place,
    wire::{
        discovery::{
            Endpoint, FindNode, Message, MessageId, Neighbor, Neighbors, PacketError, Ping, Pong,
            SignedMessage, encode_packet,
        },
        error::MessageFault,
        rlpx::keys::SecretKey,
    },
};
use rustock_tests::vectors::{bytes, network_entries, network_entry, number, read, text};
use serde_json::Value;

fn message_id(entry: &Value) -> MessageId {
    text(entry, "message_id").parse().expect("a version-4 UUID")
}

fn node_id(entry: &Value, key: &str) -> NodeId {
    text(entry, key).parse().expect("a node id")
}

fn open(packet: &[u8]) -> (Message, NodeId) {
    let signed = SignedMessage::decode(packet).expect("rskj takes or makes it");
    let sender = signed.sender().expect("signed");
    (signed.into_message(), sender)
}

/// The data of a packet: all that follows the type byte.
fn data_of(packet: &[u8]) -> &[u8] {
    &packet[98..]
}

fn endpoint(fields: &Value, key: &str) -> Endpoint {
    let port = u32::try_from(fields[key][1].as_u64().expect("a port")).expect("32 bits");
    Endpoint { host: fields[key][0].as_str().expect("a host").to_owned(), port }
}

#[test]
fn the_full_ping_of_rskj_is_read_and_written() {
    let entry = network_entry("discovery_ping_full_packet");
    let packet = bytes(&entry, "packet");
    let (message, sender) = open(&packet);
    let fields = &entry["fields"];
    let network_id = u32::from_str_radix(text(fields, "network_id_hex"), 16).expect("hex");
    let expected = Ping {
        endpoint: endpoint(fields, "to"),
        message_id: message_id(fields),
        network_id: Some(network_id),
    };
    assert_eq!(message, Message::Ping(expected));
    assert_eq!(sender, node_id(&entry, "signer_node_id"));
    assert_eq!(message.encode(), (1, data_of(&packet).to_vec()));
    // rskj's test reads the same data as a pong.
    let pong = Pong::decode(&bytes(&entry, "data")).expect("rskj takes it");
    assert_eq!(pong.encode(), bytes(&entry, "data"));
}

#[test]
fn data_lists_without_and_with_a_network_id_are_read_and_written() {
    let entry = network_entry("discovery_dataWithoutNetworkIdPingPongPeerMessage");
    let data = bytes(&entry, "data");
    let ping = Ping::decode(&data).expect("rskj takes it");
    assert_eq!((ping.message_id, ping.network_id), (message_id(&entry["fields"]), None));
    assert_eq!(ping.encode(), data);
    assert_eq!(Pong::decode(&data).expect("rskj takes it").encode(), data);

    for name in ["discovery_dataWithNetworkId", "discovery_dataWithoutNetworkId"] {
        let entry = network_entry(name);
        let (data, fields) = (bytes(&entry, "data"), &entry["fields"]);
        let network_id = fields.get("network_id_hex").and_then(Value::as_str);
        let network_id = network_id.map(|hex| u32::from_str_radix(hex, 16).expect("hex"));
        let target = bytes(fields, "target_hex");
        let expected = FindNode { target, message_id: message_id(fields), network_id };
        assert_eq!(FindNode::decode(&data), Ok(expected.clone()), "{name}");
        assert_eq!(expected.encode(), data, "{name}");
    }
}

#[test]
fn message_ids_must_be_random_uuids() {
    let entry = network_entry("discovery_message_id_validation");
    for rejected in entry["rejected"].as_array().expect("texts") {
        let rejected = rejected.as_str().expect("a text");
        assert!(rejected.parse::<MessageId>().is_err(), "{rejected}");
        let mut stream = rlp_list(&[&[7; 64], rejected.as_bytes()]);
        let error = FindNode::decode(&stream).expect_err("must be refused");
        assert!(matches!(error.reason, MessageFault::MessageId(_)), "{error}");
        stream = rlp_list(&[&[7; 64], b"06ce06f8-7230-41ec-90d6-0242ac120003"]);
        assert!(FindNode::decode(&stream).is_ok());
    }
}

/// A list of strings, each of 2 to 255 bytes.
fn rlp_list(strings: &[&[u8]]) -> Vec<u8> {
    let mut payload = Vec::new();
    for string in strings {
        if string.len() < 56 {
            payload.push(0x80 + string.len() as u8);
        } else {
            payload.extend([0xb8, string.len() as u8]);
        }
        payload.extend(*string);
    }
    let mut list =
        if payload.len() < 56 { vec![0xc0 + payload.len() as u8] } else { vec![0xf8, payload.len() as u8] };
    list.extend(payload);
    list
}

#[test]
fn whole_packets_are_rebuilt_from_the_key_byte_for_byte() {
    let mut seen = 0;
    for entry in network_entries() {
        let name = text(&entry, "name").to_owned();
        if !name.starts_with("discovery_") || entry.get("private_key").is_none() {
            continue;
        }
        let packet = bytes(&entry, "packet");
        let (message, sender) = open(&packet);
        assert_eq!(sender, node_id(&entry, "node_id"), "{name}");
        assert_eq!(message.message_id(), message_id(&entry), "{name}");
        assert_eq!(message.network_id().map(u64::from), Some(number(&entry, "network_id")), "{name}");
        assert_eq!(u64::from(message.encode().0), number(&entry, "type"), "{name}");
        assert_eq!(message.encode().1, bytes(&entry, "data"), "{name}");
        let key: SecretKey = text(&entry, "private_key").parse().expect("a key");
        assert_eq!(encode_packet(&message, &key), packet, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 5);
}

#[test]
fn the_five_packets_say_what_their_names_say() {
    let message = |name: &str| open(&bytes(&network_entry(name), "packet")).0;
    let entry = network_entry("discovery_ping");
    let endpoint = Endpoint { host: "203.0.113.7".to_owned(), port: 5050 };
    let (id, network_id) = (message_id(&entry), Some(775));
    let ping = Ping { endpoint: endpoint.clone(), message_id: id, network_id };
    assert_eq!(message("discovery_ping"), Message::Ping(ping));
    let pong = Pong { endpoint, message_id: id, network_id };
    assert_eq!(message("discovery_pong"), Message::Pong(pong));
    let target = node_id(&entry, "node_id").as_bytes().to_vec();
    let find_node = FindNode { target, message_id: id, network_id };
    assert_eq!(message("discovery_find_node"), Message::FindNode(find_node));
    let empty = Neighbors { nodes: Vec::new(), message_id: id, network_id };
    assert_eq!(message("discovery_neighbors_empty"), Message::Neighbors(empty));
    let Message::Neighbors(two) = message("discovery_neighbors_two_nodes") else { panic!("neighbors") };
    let hosts: Vec<_> = two.nodes.iter().map(|node| (node.host.as_str(), node.port)).collect();
    assert_eq!(hosts, [("198.51.100.1", 5050), ("198.51.100.2", 50505)]);
}

#[test]
fn a_node_is_written_as_rskj_writes_it() {
    let entry = network_entry("node_rlp_in_neighbors");
    let port = u32::try_from(number(&entry, "port")).expect("a port");
    let node = Neighbor { host: text(&entry, "host").to_owned(), port, id: bytes(&entry, "id") };
    let message_id = MessageId::from_random([0; 16]);
    let neighbors = Neighbors { nodes: vec![node], message_id, network_id: None };
    let data = neighbors.encode();
    let rlp = bytes(&entry, "rlp");
    // A list prefix of two bytes for the message, another for the nodes.
    assert_eq!(&data[4..4 + rlp.len()], rlp);
    assert_eq!(Neighbors::decode(&data), Ok(neighbors));
}

#[test]
fn network_ids_are_encoded_as_listed() {
    let entry = network_entry("discovery_network_id_encodings");
    for value in entry["values"].as_array().expect("values") {
        let network_id = u32::try_from(number(value, "id")).expect("32 bits");
        let request = FindNode {
            target: vec![1; 64],
            message_id: MessageId::from_random([0; 16]),
            network_id: Some(network_id),
        };
        assert!(request.encode().ends_with(&bytes(value, "rlp")));
    }
}

#[test]
fn distances_are_those_of_the_matrix() {
    let entry = network_entry("discovery_distances");
    let nodes = entry["nodes"].as_array().expect("ids");
    let place = |node: &Value| Place::of(&node.as_str().expect("text").parse().expect("a node id"));
    for (row, from) in entry["matrix"].as_array().expect("rows").iter().zip(nodes) {
        let row: Vec<_> =
            row.as_array().expect("a row").iter().map(|cell| cell.as_u64().expect("a number")).collect();
        let distances: Vec<_> = nodes.iter().map(|to| u64::from(place(from).distance(&place(to)))).collect();
        assert_eq!(distances, row);
    }
    assert_eq!(nodes.len(), 5);
}

#[test]
fn every_recorded_packet_is_read_and_written() {
    let recorded = read("rskj-discovery.json");
    let records = recorded.as_array().expect("an array");
    for record in records {
        let packet = bytes(record, "packet");
        let (message, sender) = open(&packet);
        assert_eq!(sender, node_id(record, "signer_node_id"));
        assert_eq!(message.message_id(), message_id(record));
        assert_eq!(message.network_id().map(u64::from), Some(number(record, "network_id")));
        let kind = match &message {
            Message::Ping(ping) => {
                assert_eq!(ping.endpoint, endpoint(record, "to"));
                "ping"
            }
            Message::Pong(pong) => {
                assert_eq!(pong.endpoint, endpoint(record, "to"));
                "pong"
            }
            Message::FindNode(find_node) => {
                assert_eq!(find_node.target, bytes(record, "target"));
                "findnode"
            }
            Message::Neighbors(neighbors) => {
                let nodes = record["nodes"].as_array().expect("nodes");
                assert_eq!(neighbors.nodes.len(), nodes.len());
                for (node, expected) in neighbors.nodes.iter().zip(nodes) {
                    assert_eq!(node.host, text(expected, "host"));
                    assert_eq!(u64::from(node.port), number(expected, "udp"));
                    assert_eq!(node.id, bytes(expected, "id"));
                }
                "neighbors"
            }
        };
        assert_eq!(kind, text(record, "type"));
        let (kind, data) = message.encode();
        assert_eq!((kind, data.as_slice()), (packet[97], data_of(&packet)));
    }
    assert_eq!(records.len(), 52);
}

#[test]
fn a_recorded_packet_cut_or_changed_anywhere_is_refused() {
    let recorded = read("rskj-discovery.json");
    let packet = bytes(&recorded[0], "packet");
    for end in 0..packet.len() {
        let error = SignedMessage::decode(&packet[..end]).expect_err("cut");
        assert!(matches!(error, PacketError::TooShort { .. } | PacketError::Checksum), "{error}");
    }
    for index in 0..packet.len() {
        let mut changed = packet.clone();
        changed[index] ^= 0x10;
        assert_eq!(SignedMessage::decode(&changed), Err(PacketError::Checksum), "{index}");
    }
}
