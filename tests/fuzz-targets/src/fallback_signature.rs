//! The federation's signature: any bytes in its field, and good ones written in every way that rskj reads.

use rustock_core::{
    consensus::{
        params::NetworkParams,
        rules::merged_mining::{
            commitment::base_hash,
            fallback_signature::{check as check_signature, must_be_signed},
        },
    },
    primitives::{
        header::{Header, ProofFields},
        number::BlockNumber,
    },
    wire::rlpx::keys::SecretKey,
};

use crate::input::Input;

/// A first byte for height and kind; then the field, or how to write a good one.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let settings = input.byte();
    let number = BlockNumber::new(u64::from(settings & 1) + 1);
    let keys = [key(2), key(1)];
    let mut params = NetworkParams::mainnet();
    params.fallback_keys = keys.clone().map(|key| key.public_key().to_uncompressed());
    let unsigned = header(number, vec![0xc0], &params);
    if settings & 2 == 0 {
        let header = header(number, input.rest().to_vec(), &params);
        assert_eq!(must_be_signed(&header, &params), must_be_signed(&unsigned, &params));
        // Nobody signed these bytes, unless they are the ones below.
        let accepted = check_signature(&header, &params).is_ok();
        let other_keys = NetworkParams::mainnet();
        assert!(check_signature(&header, &other_keys).is_err() || !accepted);
        return;
    }
    let signer = &keys[usize::from(settings & 1 == 0)];
    let (field, is_good) = field(signer, &base_hash(&unsigned), input);
    let header = header(number, field, &params);
    assert_eq!(check_signature(&header, &params).is_ok(), is_good);
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).expect("in range")
}

fn header(number: BlockNumber, bitcoin_header: Vec<u8>, params: &NetworkParams) -> Header {
    let mut fields = params.genesis.clone();
    fields.number = number;
    fields.genesis_difficulty_padding = 0;
    // With nothing in any of the three, there would be no fields.
    let bitcoin_header = if bitcoin_header.is_empty() { vec![0] } else { bitcoin_header };
    fields.proof = Some(ProofFields { bitcoin_header, merkle_proof: Vec::new(), coinbase: Vec::new() });
    Header::decode(&fields.encode(), &params.activations).expect("well-formed")
}

/// A signature in one of many forms, and whether it is a good one still.
fn field(signer: &SecretKey, hash: &[u8; 32], mut input: Input<'_>) -> (Vec<u8>, bool) {
    let signature = signer.sign(hash);
    let mut parts = [vec![27 + signature[64]], signed(&signature[..32]), signed(&signature[32..64])];
    let (part, place, flip) = (input.byte(), input.byte(), input.byte());
    let mut is_good = true;
    let changed = &mut parts[usize::from(part) % 3];
    if let Some(byte) = changed.get_mut(usize::from(place)) {
        *byte ^= flip;
        is_good = flip == 0;
    } else if place == u8::MAX {
        changed.insert(0, 0);
        is_good = false;
    }
    let items: Vec<u8> = parts.iter().flat_map(|part| written(0x80, part, input.byte())).collect();
    (written(0xc0, &items, input.byte()), is_good)
}

/// The shortest signed form.
fn signed(digits: &[u8]) -> Vec<u8> {
    let start = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len());
    let sign: &[u8] = if digits[start] & 0x80 != 0 { &[0] } else { &[] };
    [sign, &digits[start..]].concat()
}

/// An item with its size in as many bytes as wanted, or in the shortest way.
fn written(base: u8, content: &[u8], size_bytes: u8) -> Vec<u8> {
    let size_bytes = match usize::from(size_bytes % 9) {
        0 if content.len() > 55 => 1,
        fewest => fewest,
    };
    if size_bytes == 0 {
        return [&[base + content.len() as u8][..], content].concat();
    }
    let size = (content.len() as u64).to_be_bytes();
    [&[base + 55 + size_bytes as u8][..], &size[8 - size_bytes..], content].concat()
}
