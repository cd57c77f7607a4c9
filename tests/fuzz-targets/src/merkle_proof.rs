//! The merkle path: alone, in a batch, and step by step as rskj writes it.

use rustock_core::{
    consensus::{
        params::NetworkParams,
        rules::merged_mining::merkle_proof::{
            BatchFold, MAXIMUM_SIZE, check as check_path, check_format, check_root,
        },
    },
    primitives::{
        header::{Header, ProofFields},
        number::BlockNumber,
    },
};

use crate::{
    input::Input,
    naive::{double_sha256, reversed},
};

/// A first byte of settings, the coinbase's id, and the proof.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let settings = input.byte();
    let coinbase_id: [u8; 32] = input.array();
    let merkle_proof = input.rest();
    check_sizes(merkle_proof);
    if !merkle_proof.len().is_multiple_of(32) {
        return;
    }
    let end = fold(coinbase_id, merkle_proof);
    let root = if settings & 1 == 0 { end.unwrap_or_default() } else { coinbase_id };
    let header = header(&root, merkle_proof);
    let alone = check_path(&header, coinbase_id);
    assert_eq!(alone.is_ok(), end == Some(root));

    let headers = vec![header; usize::from(settings >> 1) % 4 + 1];
    let mut nodes = vec![Ok(coinbase_id); headers.len()];
    BatchFold::default().fold(&headers.iter().collect::<Vec<_>>(), &mut nodes);
    for (header, node) in headers.iter().zip(nodes) {
        assert_eq!(node.and_then(|node| check_root(header, &node)), alone);
    }
}

fn check_sizes(merkle_proof: &[u8]) {
    let whole = merkle_proof.len().is_multiple_of(32);
    let mainnet = NetworkParams::mainnet();
    let judge = |number| check_format(merkle_proof, &mainnet, BlockNumber::new(number)).is_ok();
    assert_eq!(judge(3_614_799), whole);
    assert_eq!(judge(3_614_800), whole && merkle_proof.len() <= MAXIMUM_SIZE);
}

/// A header whose Bitcoin header has this root, with this proof.
pub(crate) fn header(root: &[u8; 32], merkle_proof: &[u8]) -> Header {
    let mut fields = NetworkParams::simnet().genesis;
    fields.number = BlockNumber::new(1_000);
    fields.genesis_difficulty_padding = 0;
    fields.umm_root = Some(Vec::new());
    let bitcoin_header = [&[0; 36][..], root, &[0; 12]].concat();
    fields.proof =
        Some(ProofFields { bitcoin_header, merkle_proof: merkle_proof.to_vec(), coinbase: vec![1] });
    Header::decode(&fields.encode(), &NetworkParams::simnet().activations).expect("well-formed")
}

/// Where the path ends, in hashing order; `None` when a pair on it could be a transaction.
fn fold(coinbase_id: [u8; 32], merkle_proof: &[u8]) -> Option<[u8; 32]> {
    let mut node = coinbase_id;
    for sibling in merkle_proof.chunks_exact(32) {
        let sibling: [u8; 32] = sibling.try_into().expect("32 bytes");
        if could_be_a_transaction(&[reversed(&node), sibling].concat()) {
            return None;
        }
        node = double_sha256(&[node, reversed(&sibling)].concat());
    }
    Some(node)
}

/// The guard over 64 bytes in display order, one condition after another.
pub(crate) fn could_be_a_transaction(bytes: &[u8]) -> bool {
    let index = u32::from_le_bytes(bytes[37..41].try_into().expect("four"));
    let input_script = usize::from(bytes[41]);
    if bytes[4] != 1 || (index > 1_000_000 && index != u32::MAX) || input_script > 4 {
        return false;
    }
    let outputs = &bytes[46 + input_script..];
    let value = i64::from_le_bytes(outputs[1..9].try_into().expect("eight"));
    let output_script = usize::from(outputs[9]);
    outputs[0] == 1 && value > 0 && value <= 21_000_000 * 100_000_000 && input_script + output_script == 4
}
