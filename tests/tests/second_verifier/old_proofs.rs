//! Proofs as only old headers have them, made anew for a changed header: partial merkle trees before RSKIP-92; whole
//! Bitcoin blocks and the federation's signatures before RSKIP-98. Each is right, or just about wrong.

use rlp::{Rlp, RlpStream};
use rustock_core::{
    consensus::rules::merged_mining::commitment::base_hash,
    primitives::{
        header::{Header, HeaderFields, ProofFields},
        number::Difficulty,
    },
};
use rustock_test_support::{
    chainkit::{Random, SignatureDamage, Signer, Signing},
    naive::hashes::double_sha256,
};

use super::{
    cases::Subject,
    changes::{flip, make_lookalike, pick},
};

/// Bytes of a Bitcoin header.
const BITCOIN_HEADER_SIZE: usize = 80;
/// The order of secp256k1's group, and half of it: rskj refuses s from there on.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d,
    0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// The header's merkle proof is a partial merkle tree.
pub fn has_tree(subject: &Subject) -> bool {
    !subject.params.activations.rskip92.is_active(subject.header.number())
}

/// The header is of the time when the federation signed some.
pub fn may_be_signed(subject: &Subject) -> bool {
    !subject.params.activations.rskip98.is_active(subject.header.number())
}

/// The header can have a proof that no later one can.
pub fn is_old(subject: &Subject) -> bool {
    has_tree(subject) || may_be_signed(subject)
}

/// The federation signed the header.
pub fn is_signed(subject: &Subject) -> bool {
    let is_empty = |proof: rustock_core::primitives::header::MergedMiningProof<'_>| {
        proof.coinbase.is_empty() && proof.merkle_proof.is_empty()
    };
    may_be_signed(subject) && subject.header.proof().is_some_and(is_empty)
}

/// The header has a whole Bitcoin block.
pub fn has_bitcoin_transactions(subject: &Subject) -> bool {
    subject.header.proof().is_some_and(|proof| proof.bitcoin_header.len() > BITCOIN_HEADER_SIZE)
        && !is_signed(subject)
}

/// What only old headers have in the place of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OldProof {
    PartialMerkleTree,
    BitcoinTransactions,
    Signature,
}

impl OldProof {
    pub const ALL: &[Self] = &[Self::PartialMerkleTree, Self::BitcoinTransactions, Self::Signature];
}

/// What a changed header has that only old ones have. `None` where it cannot be decoded.
pub fn kind_of(subject: &Subject, raw: &[u8]) -> Option<OldProof> {
    let header = Header::decode(raw, &subject.params.activations).ok()?;
    let proof = header.proof()?;
    if may_be_signed(subject) && proof.coinbase.is_empty() && proof.merkle_proof.is_empty() {
        return Some(OldProof::Signature);
    }
    if may_be_signed(subject) && proof.bitcoin_header.len() > BITCOIN_HEADER_SIZE {
        return Some(OldProof::BitcoinTransactions);
    }
    has_tree(subject).then_some(OldProof::PartialMerkleTree)
}

/// A partial merkle tree that is being written.
struct Tree<'a> {
    transactions: u32,
    place: u32,
    coinbase_id: [u8; 32],
    hashes: Vec<[u8; 32]>,
    flags: Vec<bool>,
    random: &'a mut Random,
}

/// The root and a partial merkle tree that proves the coinbase, among a few others now and then.
pub fn grow_tree(coinbase_id: [u8; 32], random: &mut Random) -> ([u8; 32], Vec<u8>) {
    let counts = [1u32, 2, 3, 4, 5, 7, 8, 9, 1_000, 4_096, 16_665, 16_666, 16_666, 16_667];
    let transactions = pick(counts, random);
    let place = if random.one_in(2) { random.between(0, u64::from(transactions) - 1) as u32 } else { 0 };
    let height = u32::BITS - (transactions - 1).leading_zeros();
    let top = random.array();
    let mut tree = Tree { transactions, place, coinbase_id, hashes: Vec::new(), flags: Vec::new(), random };
    let root = tree.node(height, 0, top);
    (root, tree.encode())
}

impl Tree<'_> {
    /// A node of the layer at a height. Where the tree ends in it, `hash` is what it has, unless it is the coinbase.
    fn node(&mut self, height: u32, place: u32, hash: [u8; 32]) -> [u8; 32] {
        let is_on_the_way = self.place >> height == place;
        let mut goes_on = is_on_the_way || self.random.one_in(6);
        if height == 0 {
            goes_on ^= self.random.one_in(24);
        }
        self.flags.push(goes_on);
        if height == 0 || !goes_on {
            let hash = if is_on_the_way { self.coinbase_id } else { hash };
            self.hashes.push(hash);
            return hash;
        }
        let is_lookalike = self.random.one_in(12);
        let mut hash = self.random.array::<32>();
        if is_lookalike {
            // One input.
            hash[4] = 1;
        }
        let left = self.node(height - 1, 2 * place, hash);
        let mut right = left;
        if 2 * place + 1 < self.transactions.div_ceil(1 << (height - 1)) {
            let mut hash = self.random.array::<32>();
            if is_lookalike {
                make_lookalike(&mut hash, self.random);
                hash.reverse();
            } else if self.random.one_in(40) {
                hash = left;
            }
            right = self.node(height - 1, 2 * place + 1, hash);
        }
        double_sha256(&[left, right].concat())
    }

    fn encode(mut self) -> Vec<u8> {
        if self.random.one_in(16) {
            let flag = self.random.between(0, self.flags.len() as u64 - 1) as usize;
            self.flags[flag] ^= true;
        }
        let mut flag_bytes = vec![0; self.flags.len().div_ceil(8)];
        for (index, flag) in self.flags.iter().enumerate() {
            flag_bytes[index / 8] |= u8::from(*flag) << (index % 8);
        }
        match self.random.between(0, 47) {
            0 => self.hashes.push(self.random.array()),
            1 => drop(self.hashes.pop()),
            2 => flag_bytes.push(0),
            3 => drop(flag_bytes.pop()),
            // A flag that nothing uses, in a byte that is used.
            4 => *flag_bytes.last_mut().expect("one flag at least") |= 0x80,
            5 => self.transactions = pick([0, 1, 16_667, 1 << 31, u32::MAX], self.random),
            6 => self.transactions ^= 1,
            _ => {}
        }
        let mut field = self.transactions.to_le_bytes().to_vec();
        field.extend(count(self.hashes.len(), self.random));
        field.extend(self.hashes.iter().flatten());
        field.extend(count(flag_bytes.len(), self.random));
        field.extend(&flag_bytes);
        if self.random.one_in(48) {
            field.push(0);
        }
        field
    }
}

/// A count as Bitcoin writes it, or in more bytes than it takes, or a wrong one.
fn count(value: usize, random: &mut Random) -> Vec<u8> {
    let mut value = value as u64;
    if random.one_in(48) {
        let large = [value + 1, value.saturating_sub(1), (1 << 31) - 1, 1 << 31, (1 << 32) | value, 1 << 63];
        value = pick(large, random);
    }
    let bytes = value.to_le_bytes();
    let needed = match value {
        0..=0xfc => 0,
        0xfd..=0xffff => 1,
        0x1_0000..=0xffff_ffff => 2,
        _ => 3,
    };
    let form = if random.one_in(24) { random.between(needed, 3) } else { needed };
    match form {
        0 => vec![bytes[0]],
        1 => [&[0xfd], &bytes[..2]].concat(),
        2 => [&[0xfe], &bytes[..4]].concat(),
        _ => [&[0xff], &bytes[..]].concat(),
    }
}

/// What follows the 80 bytes of the subject's Bitcoin header: as it is, changed, or left out.
pub fn change_bitcoin_rest(subject: &Subject, random: &mut Random) -> Vec<u8> {
    let proof = subject.header.proof().filter(|_| !is_signed(subject));
    let rest = proof.and_then(|proof| proof.bitcoin_header.get(BITCOIN_HEADER_SIZE..));
    let mut rest = rest.unwrap_or_default().to_vec();
    match random.between(0, 7) {
        0 => rest.clear(),
        1 => flip(&mut rest, random),
        2 => rest.truncate(random.between(0, rest.len() as u64) as usize),
        3 => rest.extend(random.array::<3>()),
        4 => rest = vec![random.between(0, 2) as u8],
        _ => {}
    }
    rest
}

/// A signature in the place of the proof, by any of the keys.
pub fn sign_anew(fields: &mut HeaderFields, subject: &Subject, random: &mut Random) {
    let most = subject.params.fallback_mining_difficulty.get();
    if random.one_in(6) {
        fields.difficulty = Difficulty::new(pick([most, most + 1], random));
    }
    let Ok(header) = Header::decode(&fields.encode(), &subject.params.activations) else { return };
    let own = Signer::of_height(fields.number.get());
    let signer = pick([own, own, own, Signer::Even, Signer::Odd, Signer::Stranger], random);
    let damages = [
        SignatureDamage::HighS,
        SignatureDamage::HighV,
        SignatureDamage::PaddedR,
        SignatureDamage::OtherHash,
        SignatureDamage::NoS,
    ];
    let damage = random.one_in(4).then(|| pick(damages, random));
    let mut bitcoin_header = Signing { signer, damage }.sign(base_hash(&header));
    if random.one_in(2) {
        bitcoin_header = change_signature(&bitcoin_header, random);
    }
    let (mut merkle_proof, mut coinbase) = (Vec::new(), Vec::new());
    match random.between(0, 23) {
        0 => merkle_proof = vec![0],
        1 => coinbase = vec![0],
        // A mined header that has lost the rest of its proof.
        2 => bitcoin_header = random.bytes(BITCOIN_HEADER_SIZE),
        3 => bitcoin_header.clear(),
        _ => {}
    }
    fields.proof = Some(ProofFields { bitcoin_header, merkle_proof, coinbase });
}

/// One of v, r and s at a limit or over it, or the list in another form.
fn change_signature(field: &[u8], random: &mut Random) -> Vec<u8> {
    let list = Rlp::new(field);
    let mut parts: Vec<Vec<u8>> = list.iter().map(|part| part.data().unwrap_or_default().to_vec()).collect();
    match random.between(0, 5) {
        0 => {
            parts[0] = vec![pick([0, 1, 26, 27, 28, 29, 30, 31, 0x7f, 0x80, 0xff], random)];
            if random.one_in(8) {
                let v = parts[0][0];
                parts[0] = pick([&[][..], &[0, v], &[v, 0]], random).to_vec();
            }
        }
        part @ (1 | 2) if parts.len() == 3 => parts[part as usize] = limit(random),
        3 => {
            let part = random.between(0, parts.len() as u64 - 1) as usize;
            parts[part].insert(0, 0);
        }
        4 => parts.push(random.bytes(1)),
        _ => {}
    }
    let mut encoded = RlpStream::new();
    let mut content = Vec::new();
    for part in &parts {
        encoded.clear();
        encoded.append(part);
        let canonical = encoded.as_raw().to_vec();
        content.extend(other_form(&canonical, 0x80, part, random));
    }
    encoded.clear();
    encoded.begin_list(parts.len());
    encoded.append_raw(&content, parts.len());
    let canonical = encoded.out().to_vec();
    let mut field = other_form(&canonical, 0xc0, &content, random);
    if random.one_in(24) {
        field.push(0);
    }
    field
}

/// An item as it is encoded, or with its size in more bytes than it takes.
fn other_form(canonical: &[u8], base: u8, content: &[u8], random: &mut Random) -> Vec<u8> {
    if !random.one_in(16) {
        return canonical.to_vec();
    }
    let size = content.len() as u64;
    match random.between(0, 4) {
        0 if size < 56 => [&[base + size as u8], content].concat(),
        1 => [&[base + 56], &size.to_be_bytes()[7..], content].concat(),
        2 => [&[base + 58], &size.to_be_bytes()[5..], content].concat(),
        3 => {
            // Of eight bytes rskj keeps the last four.
            let size = size | random.next_u64() << 32;
            [&[base + 63], &size.to_be_bytes()[..], content].concat()
        }
        _ => [&[base + 63], &size.to_be_bytes()[..], content].concat(),
    }
}

/// A number where what r or s may be ends, mostly in its shortest signed form.
fn limit(random: &mut Random) -> Vec<u8> {
    let mut digits = pick([ORDER, HALF_ORDER, [0; 32], [0xff; 32]], random);
    digits[31] = digits[31].wrapping_add(random.between(0, 2) as u8).wrapping_sub(1);
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let mut bytes = digits[zeros..].to_vec();
    let needs_sign = bytes.first().is_none_or(|first| first & 0x80 != 0);
    if needs_sign ^ random.one_in(12) {
        bytes.insert(0, 0);
    }
    bytes
}
