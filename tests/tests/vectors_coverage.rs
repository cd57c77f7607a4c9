//! Every entry of `network.json` is read by a suite or left out for a stated reason, and nothing is stated
//! that is not so.

use rustock_tests::vectors::{network_entries, repository_text, text};

/// Where an entry is tested, or why it is not.
enum Place {
    /// A file that reads the entry by its name, or by the beginning of names given here.
    Suite(&'static str),
    /// Nothing reads it, for this reason.
    LeftOut(&'static str),
}
use Place::{LeftOut, Suite};

const MESSAGES: Place = Suite("tests/tests/vectors_messages.rs");
const TRANSPORT: Place = Suite("tests/tests/vectors_rlpx.rs");
const SERVING: Place = Suite("tests/tests/vectors_serving.rs");
const DISCOVERY: Place = Suite("tests/tests/vectors_discovery.rs");
const SYNC: Place = Suite("tests/tests/vectors_sync.rs");

/// Names, or their beginnings when they end in `*`. The first that fits decides.
const PLACES: &[(&str, Place)] = &[
    ("hello_v55_with_extra_elements", MESSAGES),
    ("hello_v2_eth_shh", MESSAGES),
    ("disconnect_payloads", MESSAGES),
    ("eth_status_legacy_eth39", MESSAGES),
    ("peers_message", MESSAGES),
    ("skeleton_response_id42", MESSAGES),
    ("genesis_hashes", MESSAGES),
    ("genesis_header_mainnet", MESSAGES),
    ("genesis_header_testnet", MESSAGES),
    ("eth_status_mainnet_genesis", MESSAGES),
    ("eth_status_testnet_genesis", MESSAGES),
    ("rsk_*", MESSAGES),
    ("p2p_payloads", MESSAGES),
    ("rlpx_*", TRANSPORT),
    ("ecies_decrypt_secp256k1_no_shared_mac_data", TRANSPORT),
    ("ecies_concat_kdf_sha256", TRANSPORT),
    ("aes256_ctr_zero_iv", TRANSPORT),
    ("keccak256_original_padding", TRANSPORT),
    ("private_key_to_node_id", TRANSPORT),
    ("key_to_public", TRANSPORT),
    ("connection_point_search", SYNC),
    ("skeleton_serving", SERVING),
    ("ecies_decrypt_secp256r1", LeftOut("another curve, which the wire never uses")),
    ("discovery_*", DISCOVERY),
    ("node_rlp_in_neighbors", DISCOVERY),
    (
        "status_broadcast_fanout",
        LeftOut("how a full node chooses the receivers of its status; a client has none"),
    ),
    ("punishment_duration", LeftOut("how long rskj bans; our own scoring is not part of this release")),
];

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

/// The first row that fits, or what is wrong with the table.
fn place_of(name: &str) -> Result<&'static (&'static str, Place), String> {
    PLACES
        .iter()
        .find(|(pattern, _)| fits(pattern, name))
        .ok_or_else(|| format!("{name} is neither tested nor left out: add it to the table"))
}

#[test]
fn every_entry_has_a_place() {
    for entry in network_entries() {
        let name = text(&entry, "name");
        match place_of(name) {
            Ok((_, Suite(file))) => {
                let source = repository_text(file);
                let start = name.split_inclusive('_').next().expect("a name");
                assert!(
                    source.contains(&format!("\"{name}\"")) || source.contains(&format!("\"{start}\"")),
                    "{file} is said to read {name}, but does not speak of it"
                );
            }
            Ok((_, LeftOut(reason))) => assert!(!reason.is_empty(), "{name} is left out without a reason"),
            Err(problem) => panic!("{problem}"),
        }
    }
}

#[test]
fn every_row_of_the_table_is_used() {
    let entries = network_entries();
    for (pattern, _) in PLACES {
        assert!(
            entries.iter().any(|entry| place_of(text(entry, "name")).is_ok_and(|row| row.0 == *pattern)),
            "{pattern} fits no entry"
        );
    }
}

#[test]
fn an_unknown_entry_is_noticed() {
    assert!(place_of("a_vector_added_later").is_err());
    assert!(place_of("rlpx_added_later").is_ok());
    assert!(place_of("key_to_public_key").is_err());
}
