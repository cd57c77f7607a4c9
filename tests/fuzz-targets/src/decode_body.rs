//! Bodies and whole blocks: what is taken is written back alike, transaction by transaction and uncle by uncle.

use rustock_core::primitives::{
    activation::{Activations, HeaderVersion},
    block::{Block, Body},
    number::BlockNumber,
};

use crate::{input::Input, naive::keccak256, networks};

/// A first byte for the network, two for the height, one for body or block; then its bytes.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let activations = networks::chosen_by(input.byte()).activations;
    let number = BlockNumber::new(u16::from_be_bytes(input.array()).into());
    if input.byte() & 1 == 0 {
        check_body(input.rest(), &activations, number);
    } else {
        check_block(input.rest(), &activations);
    }
}

fn check_body(raw: &[u8], activations: &Activations, number: BlockNumber) {
    let Ok(body) = Body::decode(raw, activations, number) else { return };
    let encoded = body.encode();
    assert_eq!(Body::decode(&encoded, activations, number).as_ref(), Ok(&body));
    if !may_have_grown(&body, activations) {
        assert_eq!(encoded, raw);
    }
    let has_extension = activations.header_version(number) != HeaderVersion::V0;
    assert_eq!(body.extension.is_some(), has_extension);
    check_parts(&body, &rlp::Rlp::new(raw), 0);
}

fn check_block(raw: &[u8], activations: &Activations) {
    let Ok(block) = Block::decode(raw, activations) else { return };
    let encoded = block.encode().expect("the extension is the header's own");
    assert_eq!(Block::decode(&encoded, activations).as_ref(), Ok(&block));
    let own_may_have_grown =
        lacks_nothing_but_base_event(block.header.version(), block.number(), activations);
    if !own_may_have_grown && !may_have_grown(&block.body, activations) {
        assert_eq!(encoded, raw);
    }
    check_parts(&block.body, &rlp::Rlp::new(raw), 1);
}

/// True when an uncle may have come without a base event: it is written back with an empty one.
fn may_have_grown(body: &Body, activations: &Activations) -> bool {
    body.uncles.iter().any(|uncle| {
        lacks_nothing_but_base_event(uncle.header().version(), uncle.header().number(), activations)
    })
}

fn lacks_nothing_but_base_event(
    version: HeaderVersion,
    number: BlockNumber,
    activations: &Activations,
) -> bool {
    version == HeaderVersion::V2 && !activations.base_event_required.is_active(number)
}

/// Transactions and uncles are the lists at this place and the next, and hashed as they stand there.
fn check_parts(body: &Body, parts: &rlp::Rlp<'_>, first: usize) {
    let transactions = parts.at(first).expect("a list of transactions");
    assert_eq!(transactions.item_count(), Ok(body.transactions.len()));
    for (seen, transaction) in transactions.iter().zip(&body.transactions) {
        assert_eq!(seen.as_raw(), transaction.raw());
        assert_eq!(*transaction.hash().as_bytes(), keccak256(seen.as_raw()));
    }
    let uncles = parts.at(first + 1).expect("a list of uncles");
    assert_eq!(uncles.item_count(), Ok(body.uncles.len()));
    let written: Vec<Vec<u8>> = body.uncles.iter().map(|uncle| uncle.encode()).collect();
    let mut list = rlp::RlpStream::new_list(written.len());
    for uncle in &written {
        list.append_raw(uncle, 1);
    }
    assert_eq!(body.encode_uncles(), list.out().to_vec());
}
