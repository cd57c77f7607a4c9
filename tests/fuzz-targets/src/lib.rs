//! The fuzz targets' bodies. Each takes any bytes and panics when something that must hold does not.
//!
//! The binaries in `fuzz/fuzz_targets` give them to the fuzzer, `tests/tests/fuzz_corpora.rs` to the inputs that
//! were worth keeping. What is compared with is written anew here, the simplest way there is.
#![forbid(unsafe_code)]

pub mod bitcoin_block;
pub mod coinbase;
pub mod commitment;
pub mod decode_body;
pub mod decode_extension;
pub mod decode_full_header;
pub mod decode_header;
pub mod discovery_packet;
pub mod fallback_signature;
pub mod frame;
pub mod handshake;
mod input;
pub mod merkle_proof;
pub mod message;
mod naive;
mod networks;
pub mod partial_merkle_tree;
pub mod snappy_frame;
pub mod verify_header;

/// A target: its name, which is that of its binary and of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("bitcoin_block", bitcoin_block::check),
    ("coinbase", coinbase::check),
    ("commitment", commitment::check),
    ("decode_body", decode_body::check),
    ("decode_extension", decode_extension::check),
    ("decode_full_header", decode_full_header::check),
    ("decode_header", decode_header::check),
    ("discovery_packet", discovery_packet::check),
    ("fallback_signature", fallback_signature::check),
    ("frame", frame::check),
    ("handshake", handshake::check),
    ("merkle_proof", merkle_proof::check),
    ("message", message::check),
    ("partial_merkle_tree", partial_merkle_tree::check),
    ("snappy_frame", snappy_frame::check),
    ("verify_header", verify_header::check),
];
