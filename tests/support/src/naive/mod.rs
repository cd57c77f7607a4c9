//! A second reading of the header rules: slow, obvious, with big integers and plain lists of bytes, written from
//! the description of the rules alone and sharing nothing with the first. Where the two disagree, one is wrong.
//!
//! - [`decode::decode_wire`], [`decode::decode_full`], [`decode::decode_extension`] read headers and extensions;
//! - [`header::NaiveHeader`] computes its hashes;
//! - [`rules::verify`] names every rule that a header breaks, [`rules::check_extension`] what is wrong with an
//!   extension, [`blocks`] what is wrong with the uncles of a block, its weight and which of two blocks is best;
//! - [`params::NaiveParams`] is what a network decides.
//!
//! Nothing panics on input, nothing is cached, and the same arguments give the same answer.

pub mod bitcoin;
pub mod blocks;
pub mod decode;
pub mod fallback;
pub mod fork_data;
pub mod hashes;
pub mod header;
pub mod merkle;
pub mod params;
pub mod proof;
pub mod rlp;
pub mod rules;

/// The bytes of a constant written in hexadecimal.
fn hex_bytes(text: &str) -> Vec<u8> {
    let digit = |character: u8| (character as char).to_digit(16).expect("a constant of this crate") as u8;
    text.as_bytes().chunks(2).map(|pair| (digit(pair[0]) << 4) | digit(pair[1])).collect()
}

/// Where `needle` begins for the last time in `haystack`.
fn last_position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).rposition(|window| window == needle)
}
