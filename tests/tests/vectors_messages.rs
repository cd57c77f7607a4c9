//! Every message in `network.json`, byte for byte, both ways.

use rustock_core::{
    consensus::network::Network,
    primitives::{
        hash::{BlockHash, NodeId},
        number::{BlockNumber, CumulativeDifficulty},
    },
    wire::{
        p2p::{Capability, DisconnectReason, Hello, P2pMessage},
        rsk::{
            BlockHashRequest, BlockHashResponse, BlockHeadersRequest, BlockHeadersResponse, BlockIdentifier,
            BlockRequest, BodyRequest, BodyResponse, GetBlock, LegacyStatus, MessageKind, NewBlockHash,
            NewBlockHashes, RawList, RequestId, RskMessage, SkeletonRequest, SkeletonResponse,
            SnapBlocksRequest, SnapStateChunkRequest, SnapStatusRequest, Status, seal,
        },
    },
};
use rustock_tests::vectors::{array, bytes, network_entries, network_entry, number, text};
use serde_json::Value;

fn hash(entry: &Value, key: &str) -> BlockHash {
    BlockHash::new(array(entry, key))
}

fn id(entry: &Value) -> RequestId {
    RequestId::new(number(entry, "id")).expect("a valid id")
}

fn height(entry: &Value, key: &str) -> BlockNumber {
    BlockNumber::new(number(entry, key))
}

fn identifiers(entry: &Value, key: &str) -> Vec<BlockIdentifier> {
    let entries = entry[key].as_array().expect("identifiers");
    entries
        .iter()
        .map(|entry| BlockIdentifier { hash: hash(entry, "hash"), number: height(entry, "number") })
        .collect()
}

/// The message that `entry` describes, built from its fields and not from its bytes.
fn described(entry: &Value, name: &str) -> RskMessage {
    let difficulty = |sum| CumulativeDifficulty::new(sum);
    let genesis_status = |network: Network| {
        let genesis = network.params().genesis_header().expect("a genesis");
        RskMessage::Status(Status {
            number: height(entry, "number"),
            best_hash: genesis.hash(),
            parent_hash: genesis.parent_hash(),
            total_difficulty: difficulty(number(entry, "total_difficulty").into()),
        })
    };
    match name {
        "rsk_status_mainnet_genesis" => genesis_status(Network::Mainnet),
        "rsk_status_testnet_genesis" => genesis_status(Network::Testnet),
        "rsk_status_total_difficulty_high_bit" => {
            let sum = u128::from_str_radix(text(entry, "total_difficulty_hex"), 16).expect("hexadecimal");
            RskMessage::Status(Status {
                number: height(entry, "number"),
                best_hash: hash(entry, "hash"),
                parent_hash: hash(entry, "parent_hash"),
                total_difficulty: difficulty(sum),
            })
        }
        "rsk_get_block" => RskMessage::GetBlock(GetBlock { hash: hash(entry, "hash") }),
        "rsk_new_block_hashes" => RskMessage::NewBlockHashes(NewBlockHashes {
            identifiers: identifiers(entry, "identifiers"),
            ignored: 0,
        }),
        "rsk_block_hash_request_id42_height99" | "rsk_block_hash_request_id42_height200000" => {
            RskMessage::BlockHashRequest(BlockHashRequest { id: id(entry), height: height(entry, "height") })
        }
        "rsk_block_hash_response_id42" => {
            RskMessage::BlockHashResponse(BlockHashResponse { id: id(entry), hash: hash(entry, "hash") })
        }
        "rsk_block_headers_request_id1_count192" | "rsk_block_headers_request_id0_count1" => {
            let count = u32::try_from(number(entry, "count")).expect("a small count");
            RskMessage::BlockHeadersRequest(BlockHeadersRequest {
                id: id(entry),
                hash: hash(entry, "hash"),
                count,
            })
        }
        "rsk_block_headers_response_id7_mainnet_genesis" => {
            let genesis = network_entry("genesis_header_mainnet");
            let header = RawList::new(bytes(&genesis, "header_rlp")).expect("a list");
            RskMessage::BlockHeadersResponse(BlockHeadersResponse { id: id(entry), headers: vec![header] })
        }
        "rsk_block_headers_response_id7_empty" => {
            RskMessage::BlockHeadersResponse(BlockHeadersResponse { id: id(entry), headers: Vec::new() })
        }
        "rsk_block_request_id300" => {
            RskMessage::BlockRequest(BlockRequest { id: id(entry), hash: hash(entry, "hash") })
        }
        "rsk_body_request_id300" => {
            RskMessage::BodyRequest(BodyRequest { id: id(entry), hash: hash(entry, "hash") })
        }
        "rsk_body_response_id300_empty" => RskMessage::BodyResponse(BodyResponse {
            id: id(entry),
            transactions: RawList::empty(),
            uncles: Vec::new(),
            extension: None,
        }),
        "rsk_skeleton_request_id100_start5" | "rsk_skeleton_request_id100_start0" => {
            RskMessage::SkeletonRequest(SkeletonRequest { id: id(entry), start: height(entry, "start") })
        }
        "rsk_new_block_hash" => RskMessage::NewBlockHash(NewBlockHash { hash: hash(entry, "hash") }),
        "rsk_snap_status_request_id1" => RskMessage::SnapStatusRequest(SnapStatusRequest { id: id(entry) }),
        "rsk_snap_blocks_request_id1_number6000" => RskMessage::SnapBlocksRequest(SnapBlocksRequest {
            id: id(entry),
            number: height(entry, "block_number"),
        }),
        "rsk_snap_state_chunk_request_id1" => RskMessage::SnapStateChunkRequest(SnapStateChunkRequest {
            id: id(entry),
            number: height(entry, "block_number"),
            from: number(entry, "from_offset"),
            chunk_size: number(entry, "chunk_size_field"),
        }),
        "skeleton_response_id42" => RskMessage::SkeletonResponse(SkeletonResponse {
            id: id(entry),
            identifiers: identifiers(entry, "block_identifiers"),
        }),
        unknown => panic!("{unknown} is not described here"),
    }
}

#[test]
fn every_rsk_message_is_written_and_read_as_recorded() {
    let mut seen = 0;
    for entry in network_entries() {
        let name = text(&entry, "name");
        if !name.starts_with("rsk_") && name != "skeleton_response_id42" {
            continue;
        }
        seen += 1;
        let payload = bytes(&entry, "frame_payload_0x18");
        let message = described(&entry, name);
        assert_eq!(hex::encode(message.encode()), hex::encode(&payload), "{name}");
        assert_eq!(RskMessage::decode(&payload), Ok(message.clone()), "{name}");
        assert_eq!(u64::from(message.kind().code()), number(&entry, "type"), "{name}");
        assert_eq!(MessageKind::peek(&payload[..payload.len().min(16)]), Some(message.kind()), "{name}");
        if entry.get("body").is_some() {
            assert_eq!(seal(message.kind(), &bytes(&entry, "body")), payload, "{name}");
        }
    }
    assert_eq!(seen, 22, "the file has this many messages");
}

#[test]
fn the_skeleton_of_rskj_is_inside_its_envelope() {
    let entry = network_entry("skeleton_response_id42");
    let payload = bytes(&entry, "frame_payload_0x18");
    let inner = bytes(&entry, "encoded_without_outer_list");
    assert!(payload.ends_with(&inner));
    assert!(RskMessage::decode(&inner).is_err(), "without the outer list it is no payload");
}

#[test]
fn legacy_statuses_are_written_and_read_as_recorded() {
    for (name, network) in
        [("eth_status_mainnet_genesis", Network::Mainnet), ("eth_status_testnet_genesis", Network::Testnet)]
    {
        let payload = bytes(&network_entry(name), "frame_payload_0x10");
        let status = LegacyStatus::decode(&payload).expect(name);
        let genesis = network.params().genesis_header().expect("a genesis");
        assert_eq!(status.protocol_version, LegacyStatus::PROTOCOL_VERSION, "{name}");
        assert_eq!(status.total_difficulty.get(), genesis.difficulty().get(), "{name}");
        assert_eq!((status.best_hash, status.genesis_hash), (genesis.hash(), genesis.hash()), "{name}");
        assert_eq!(status.encode(), payload, "{name}");
    }
    let entry = network_entry("eth_status_legacy_eth39");
    let total = u128::from_str_radix(text(&entry, "total_difficulty"), 16).expect("hexadecimal");
    let status = LegacyStatus {
        protocol_version: number(&entry, "protocol_version") as u32,
        network_id: number(&entry, "network_id") as u32,
        total_difficulty: CumulativeDifficulty::new(total),
        best_hash: hash(&entry, "best_hash"),
        genesis_hash: hash(&entry, "genesis_hash"),
    };
    assert_eq!(LegacyStatus::decode(&bytes(&entry, "payload")), Ok(status));
    assert_eq!(status.encode(), bytes(&entry, "payload"));
}

#[test]
fn hellos_are_read_as_recorded() {
    let entry = network_entry("hello_v55_with_extra_elements");
    let payload = bytes(&entry, "payload");
    let hello = Hello::decode(&payload).expect("extra elements are ignored");
    assert_eq!(u64::from(hello.p2p_version), number(&entry, "p2p_version"));
    assert!(hello.encode().len() < payload.len(), "the extra elements are not kept");

    let entry = network_entry("hello_v2_eth_shh");
    let hello = Hello::decode(&bytes(&entry, "payload")).expect("a Hello");
    assert_eq!(u64::from(hello.p2p_version), number(&entry, "p2p_version"));
    assert_eq!(hello.client_id, text(&entry, "client_id"));
    assert_eq!(hello.capabilities.len() as u64, number(&entry, "capability_count"));
    assert_eq!(u64::from(hello.listen_port), number(&entry, "listen_port"));
    assert_eq!(hello.node_id, NodeId::new(array(&entry, "peer_id")));
    assert_eq!(hello.encode(), bytes(&entry, "payload"));
    assert!(!hello.capabilities.iter().any(Capability::is_rsk));
}

#[test]
fn the_base_protocol_is_written_and_read_as_recorded() {
    let entry = network_entry("p2p_payloads");
    for (key, message) in [("ping", P2pMessage::Ping), ("pong", P2pMessage::Pong)] {
        assert_eq!(message.encode(), bytes(&entry, key), "{key}");
        assert_eq!(P2pMessage::decode(message.code(), &bytes(&entry, key)), Ok(message), "{key}");
    }
    assert_eq!(
        P2pMessage::decode(P2pMessage::GET_PEERS, &bytes(&entry, "get_peers")),
        Ok(P2pMessage::Ignored { code: P2pMessage::GET_PEERS, size: 2 })
    );
    let reasons = entry["disconnect"].as_object().expect("reasons");
    for (code, payload) in reasons {
        let code = u8::from_str_radix(code.trim_start_matches("0x"), 16).expect("a code");
        let payload = hex::decode(payload.as_str().expect("hexadecimal")).expect("hexadecimal");
        let reason = DisconnectReason::from_code(code);
        assert_eq!(reason.encode(), payload, "{reason}");
        assert_eq!(
            P2pMessage::decode(P2pMessage::DISCONNECT, &payload),
            Ok(P2pMessage::Disconnect(reason)),
            "{reason}"
        );
    }
    let ours = bytes(&entry, "hello_rustock");
    let hello = Hello {
        p2p_version: 4,
        client_id: "Rustock/v0.1.0".to_owned(),
        capabilities: vec![Capability { name: "rsk".to_owned(), version: 62 }],
        listen_port: 0,
        node_id: Hello::decode(&ours).expect("a Hello").node_id,
    };
    assert_eq!(hello.encode(), ours);
    let theirs = bytes(&entry, "hello_rskj_910_dev_mainnet");
    let hello = Hello::decode(&theirs).expect("a Hello");
    assert_eq!(hello.client_id, "Ethereum(J)/v9.1.0/Linux/Dev/Java/MainNet");
    assert_eq!(hello.listen_port, 5050);
    assert!(hello.capabilities.iter().any(Capability::is_rsk));
    assert_eq!(hello.encode(), theirs);
}

#[test]
fn disconnects_are_taken_and_refused_as_in_rskj() {
    let entry = network_entry("disconnect_payloads");
    for case in entry["decode"].as_array().expect("cases") {
        let reason = DisconnectReason::decode(&bytes(case, "payload")).expect("a reason");
        assert_eq!(u64::from(reason.code()), number(case, "code"));
    }
    for case in entry["encode"].as_array().expect("cases") {
        let code = u8::try_from(number(case, "code")).expect("a code");
        assert_eq!(DisconnectReason::from_code(code).encode(), bytes(case, "payload"));
    }
    for payload in entry["reject"].as_array().expect("cases") {
        let payload = hex::decode(payload.as_str().expect("hexadecimal")).expect("hexadecimal");
        assert!(DisconnectReason::decode(&payload).is_err(), "{payload:02x?}");
    }
}

#[test]
fn peer_exchange_is_ignored_by_code_and_size() {
    let payload = bytes(&network_entry("peers_message"), "payload");
    assert_eq!(
        P2pMessage::decode(P2pMessage::PEERS, &payload),
        Ok(P2pMessage::Ignored { code: P2pMessage::PEERS, size: payload.len() })
    );
}

#[test]
fn genesis_headers_are_the_recorded_ones_and_travel_whole() {
    let hashes = network_entry("genesis_hashes");
    for (name, entry, network) in [
        ("mainnet", "genesis_header_mainnet", Network::Mainnet),
        ("testnet", "genesis_header_testnet", Network::Testnet),
    ] {
        let entry = network_entry(entry);
        let genesis = network.params().genesis_header().expect("a genesis");
        assert_eq!(genesis.hash(), hash(&hashes, name), "{name}");
        assert_eq!(genesis.hash(), hash(&entry, "hash"), "{name}");
        assert_eq!(hex::encode(genesis.raw()), text(&entry, "header_rlp"), "{name}");
        assert_eq!(genesis.difficulty().get(), u128::from(number(&entry, "total_difficulty")), "{name}");
        let headers = vec![RawList::new(genesis.raw().to_vec()).expect("a list")];
        let message =
            RskMessage::BlockHeadersResponse(BlockHeadersResponse { id: RequestId::default(), headers });
        assert_eq!(RskMessage::decode(&message.encode()), Ok(message), "{name}");
    }
}
