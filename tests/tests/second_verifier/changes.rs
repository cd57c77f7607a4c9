//! Ways to change a header: its bytes, its values up to and over their bounds, and its proof, mined anew where that is
//! cheap, so that what is left wrong is wrong alone.

use rustock_core::{
    consensus::rules::{
        fork_detection,
        merged_mining::{
            coinbase::CompressedCoinbase,
            commitment::{TAG, base_hash},
            proof_of_work,
        },
    },
    primitives::{
        header::{Header, HeaderFields, ProofFields},
        number::{Difficulty, GasLimit, GasPrice, UnixTime},
    },
};
use rustock_test_support::{chainkit::Random, naive::hashes::double_sha256};

use super::{
    cases::Subject,
    old_proofs::{self, change_bitcoin_rest, sign_anew},
};

/// Up to this difficulty a proof is mined within a few thousand tries.
const CHEAP: u128 = 4_096;

/// The subject's header, changed in one way or several.
pub fn change(subject: &Subject, random: &mut Random) -> Vec<u8> {
    let raw = subject.header.raw();
    if random.one_in(4) {
        return change_bytes(raw, random);
    }
    let mut fields = HeaderFields::of(&subject.header);
    if !random.one_in(4) {
        for _ in 0..random.between(1, 2) {
            change_value(&mut fields, subject, random);
        }
    }
    let can_mine = fields.difficulty.get() <= CHEAP;
    if old_proofs::may_be_signed(subject) && random.one_in(3) {
        sign_anew(&mut fields, subject, random);
    } else if can_mine && !random.one_in(4) {
        mine_anew(&mut fields, subject, random);
    } else if random.one_in(2) {
        change_proof(&mut fields, random);
    }
    fields.encode()
}

/// One of these.
pub fn pick<T: Copy, const N: usize>(choices: [T; N], random: &mut Random) -> T {
    choices[random.between(0, N as u64 - 1) as usize]
}

/// A few bits flipped, bytes replaced, put in or taken out.
fn change_bytes(raw: &[u8], random: &mut Random) -> Vec<u8> {
    let mut raw = raw.to_vec();
    for _ in 0..random.between(1, 3) {
        let place = random.between(0, raw.len() as u64 - 1) as usize;
        match random.between(0, 4) {
            0 | 1 => raw[place] ^= 1 << random.between(0, 7),
            2 => raw[place] = pick([0x00, 0x01, 0x7f, 0x80, 0x81, 0xb7, 0xb8, 0xc0, 0xff], random),
            3 => raw.insert(place, random.next_u64() as u8),
            _ => drop(raw.remove(place)),
        }
    }
    raw
}

/// One value near a bound, or far from any.
fn change_value(fields: &mut HeaderFields, subject: &Subject, random: &mut Random) {
    let parent = subject.parent.as_ref().unwrap_or(&subject.header);
    let around = |value: u128, random: &mut Random| {
        value.saturating_add(random.between(0, 2).into()).saturating_sub(random.between(0, 2).into())
    };
    match random.between(0, 10) {
        0 => {
            let limit = parent.gas_limit().get();
            let bound = [limit * 1023 / 1024, limit * 1025 / 1024, 3_000_000, 0, u128::from(fields.gas_used)];
            let zeros = (random.between(0, 3) / 3) as u32;
            let value = around(pick(bound, random), random);
            fields.gas_limit = GasLimit::new(zeros, value);
        }
        1 => {
            let price = parent.minimum_gas_price().map_or(0, GasPrice::get);
            let step = (price / 100).max(1);
            let bound = pick([price - step, price + step, 0, -1, i128::MAX], random);
            let value = bound.saturating_add(random.between(0, 2) as i128 - 1);
            fields.minimum_gas_price = (!random.one_in(8)).then_some(GasPrice::new(value));
        }
        2 => {
            let size = pick([0, 31, 32, 33, 60], random);
            fields.extra_data = random.bytes(size);
        }
        3 => {
            let limit = u64::try_from(fields.gas_limit.get()).unwrap_or(u64::MAX >> 1).min(u64::MAX >> 1);
            fields.gas_used = pick([limit, limit.saturating_sub(1), limit + 1, 0], random);
        }
        4 => {
            let value = fields.difficulty.get();
            let parent = parent.difficulty().get();
            let (least_rise, most_fall) = (parent + parent / 400, parent - parent / 50);
            let signed = subject.params.fallback_mining_difficulty.get();
            let bound = [value, parent, least_rise, most_fall, signed, 1, 131_072, u128::MAX >> 1];
            fields.difficulty = Difficulty::new(around(pick(bound, random), random));
        }
        5 | 6 => {
            let seconds = [0, 1, 13, 14, 15, 28, 42, 299, 300, 301, 540, 599, 600, 601, 7_199, 7_200, 7_201];
            let step = pick(seconds, random);
            let base = match random.between(0, 3) {
                0 => parent.timestamp().as_secs(),
                1 => fields.timestamp.as_secs(),
                2 => subject.now.as_secs(),
                _ => bitcoin_time(fields).unwrap_or(0),
            };
            let value = if random.one_in(2) { base + step } else { base.saturating_sub(step) };
            fields.timestamp = UnixTime::from_secs(value);
        }
        7 => {
            let counts = [0, 1, 2, 10, 153_391_689, 0x7fff_ffff, 0x1249_2492, 0x0c30_c30c];
            fields.uncle_count = pick(counts, random);
        }
        8 => {
            if fields.umm_root.is_some() {
                let size = pick([0, 1, 19, 20, 21, 32], random);
                fields.umm_root = Some(random.bytes(size));
            }
        }
        9 => fields.parent_hash = random.array().into(),
        _ => fields.paid_fees = u128::from(random.next_u64()) << random.between(0, 64),
    }
}

fn bitcoin_time(fields: &HeaderFields) -> Option<u64> {
    let header = &fields.proof.as_ref()?.bitcoin_header;
    Some(u32::from_le_bytes(header.get(68..72)?.try_into().ok()?).into())
}

/// The proof as it is, with something wrong in it.
fn change_proof(fields: &mut HeaderFields, random: &mut Random) {
    let Some(proof) = fields.proof.as_mut() else { return };
    match random.between(0, 6) {
        0 => flip(&mut proof.bitcoin_header, random),
        1 => flip(&mut proof.merkle_proof, random),
        2 => flip(&mut proof.coinbase, random),
        3 => proof.merkle_proof.truncate(random.between(0, proof.merkle_proof.len() as u64) as usize),
        4 => proof.coinbase.truncate(random.between(0, proof.coinbase.len() as u64) as usize),
        5 => {
            let size = random.between(1, 140) as usize;
            proof.coinbase.extend(random.bytes(size));
        }
        _ => {
            let size = random.between(1, 4) as usize;
            proof.bitcoin_header.extend(random.bytes(size));
        }
    }
}

pub fn flip(bytes: &mut [u8], random: &mut Random) {
    if !bytes.is_empty() {
        let place = random.between(0, bytes.len() as u64 - 1) as usize;
        bytes[place] ^= 1 << random.between(0, 7);
    }
}

/// A proof of its own for the changed header: every part of it is right, or just about wrong.
fn mine_anew(fields: &mut HeaderFields, subject: &Subject, random: &mut Random) {
    let Ok(header) = Header::decode(&fields.encode(), &subject.params.activations) else { return };
    let base = base_hash(&header);
    let mut commitment = base.to_vec();
    if fork_detection::is_carried(&subject.params, header.number()) {
        let data = subject.window.as_ref().and_then(|window| window.expected(header.number()));
        commitment.truncate(20);
        commitment.extend(data.filter(|_| !random.one_in(4)).unwrap_or_else(|| random.array()));
    }
    if random.one_in(16) {
        flip(&mut commitment, random);
    }
    let before = pick([0, 1, 32, 62, 63, 63, 64, 65], random) as usize;
    let after = pick([0, 1, 12, 60, 127, 128, 128, 129], random) as usize;
    let mut tail = [random.bytes(before), TAG.to_vec(), commitment, random.bytes(after)].concat();
    if random.one_in(12) {
        let place = random.between(0, tail.len() as u64) as usize;
        tail.splice(place..place, TAG.iter().copied());
    }
    if random.one_in(24) {
        let size = random.between(0, tail.len() as u64) as usize;
        tail.truncate(size);
    }
    let counts =
        [0, 64, 128, 1, 63, 65, 1 << 61, 3 << 61, 1 << 63, u64::MAX, u64::MAX - 100, (1 << 63) - 200];
    let count = pick(counts, random);
    let midstate: [u8; 32] = random.array();
    let coinbase = [&count.to_be_bytes()[..], &midstate, &tail].concat();
    let coinbase_id = match CompressedCoinbase::split(&coinbase) {
        Ok(parts) => parts.transaction_id(),
        Err(_) => random.array(),
    };
    let (root, merkle_proof) = if old_proofs::has_tree(subject) {
        old_proofs::grow_tree(coinbase_id, random)
    } else {
        lay_path(coinbase_id, random)
    };
    let mut bitcoin_header = random.array::<80>();
    bitcoin_header[36..68].copy_from_slice(&root);
    let seconds = fields.timestamp.as_secs() as u32;
    let apart = pick([0, 1, 299, 300, 301, 7_199, 7_200], random) as u32;
    let time = if random.one_in(2) { seconds.wrapping_add(apart) } else { seconds.wrapping_sub(apart) };
    bitcoin_header[68..72].copy_from_slice(&time.to_le_bytes());
    let has_work = !random.one_in(16);
    for nonce in 0..200_000u32 {
        bitcoin_header[76..].copy_from_slice(&nonce.to_le_bytes());
        let hash = double_sha256(&bitcoin_header);
        if proof_of_work::meets(&hash, fields.difficulty) == has_work {
            break;
        }
    }
    let mut bitcoin_header = bitcoin_header.to_vec();
    if old_proofs::may_be_signed(subject) {
        bitcoin_header.extend(change_bitcoin_rest(subject, random));
    }
    fields.proof = Some(ProofFields { bitcoin_header, merkle_proof, coinbase });
}

/// The root and a path of hashes to it.
fn lay_path(coinbase_id: [u8; 32], random: &mut Random) -> ([u8; 32], Vec<u8>) {
    let siblings = pick([0, 1, 2, 12, 29, 30, 30, 31], random) as usize;
    let mut merkle_proof = random.bytes(32 * siblings);
    let mut node = coinbase_id;
    for sibling in merkle_proof.as_chunks_mut::<32>().0 {
        if random.one_in(16) {
            make_lookalike(sibling, random);
        }
        let mut internal = *sibling;
        internal.reverse();
        node = double_sha256(&[node, internal].concat());
    }
    if random.one_in(24) {
        merkle_proof.extend(random.bytes(1));
    }
    (node, merkle_proof)
}

/// A sibling that makes the pair read as a transaction of 64 bytes, or nearly. The other node's part in that is one
/// byte, which is right once in 256 times.
pub fn make_lookalike(sibling: &mut [u8; 32], random: &mut Random) {
    let script = random.between(0, 4) as usize;
    let index = pick([0u32, 1_000_000, 1_000_001, u32::MAX], random);
    let value = pick([0i64, 1, 2_100_000_000_000_000, 2_100_000_000_000_001, -1], random);
    sibling[5..9].copy_from_slice(&index.to_le_bytes());
    sibling[9] = script as u8;
    sibling[14 + script] = 1;
    sibling[15 + script..23 + script].copy_from_slice(&value.to_le_bytes());
    sibling[23 + script] = 4 - script as u8;
}
