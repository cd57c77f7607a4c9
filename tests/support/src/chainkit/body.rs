//! Bodies: transactions, the extension of the header, and uncles that were really mined.
//!
//! RSKIP-351, RSKIP-144 and RSKIP-535 (the extension). Mirrors rskj's rules for uncles (`FamilyUtils`): siblings
//! of the last six ancestors.

use rlp::RlpStream;
use rustock_core::primitives::{
    activation::{Activations, HeaderVersion},
    block::Transaction,
    header::{FullHeader, Header, HeaderExtension},
    number::BlockNumber,
};

use super::{
    builder::{ChainBuilder, MOST_UNCLES},
    draft::Draft,
    random::Random,
};

/// An uncle is at most so many heights below the block that includes it.
pub(super) const MOST_GENERATIONS: u64 = 6;
/// rskj's REMASC contract.
const REMASC: [u8; 20] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 8];
/// Sets the numbers for a body apart from those for its header.
const BODY: u64 = 0xb0d7;

/// Gives a draft its body. What the header says of its number of uncles stands, so that its difficulty does.
pub(super) fn fill_body(settings: &ChainBuilder, draft: &mut Draft, ancestors: &[Header]) {
    let number = draft.fields.number;
    let mut random = Random::from_parts(&[settings.seed, number.get(), BODY]);
    let claimed = draft.fields.uncle_count;
    let mut uncle_count = claimed;
    if settings.false_uncle_counts && number.get() > 1 && random.one_in(4) {
        uncle_count = random.between(0, u64::from(MOST_UNCLES)) as u32;
    }
    draft.body.uncles = (0..uncle_count).map(|_| draw_uncle(settings, &mut random, ancestors)).collect();
    let others = random.between(0, 4);
    draft.body.transactions = (0..others).map(|_| draw_transaction(&mut random)).collect();
    draft.body.transactions.push(remasc_transaction(number));
    if let Some(extension) = &mut draft.body.extension {
        extension.edges = extension.edges.is_some().then(|| draw_edges(&mut random, others));
    }
    draft.commit_to_body(&settings.params);
    draft.fields.uncle_count = claimed;
}

/// A sibling of one of the last six ancestors. It speaks of uncles too, which nobody counts.
fn draw_uncle(settings: &ChainBuilder, random: &mut Random, ancestors: &[Header]) -> FullHeader {
    let best = ancestors.len() as u64 - 1;
    let height = random.between((best + 1).saturating_sub(MOST_GENERATIONS).max(1), best);
    sibling(settings, random, &ancestors[..height as usize])
}

/// Another block on top of these ancestors than the chain's own.
pub(super) fn sibling(settings: &ChainBuilder, random: &mut Random, ancestors: &[Header]) -> FullHeader {
    full(settings, sibling_draft(settings, random, ancestors))
}

/// The same, not mined yet.
pub(super) fn sibling_draft(settings: &ChainBuilder, random: &mut Random, ancestors: &[Header]) -> Draft {
    settings.draw(&mut Random::new(random.next_u64()), ancestors)
}

/// Mines a draft without uncles and transactions.
pub(super) fn full(settings: &ChainBuilder, draft: Draft) -> FullHeader {
    let block = draft.mine_block(&settings.params);
    FullHeader::new(block.header, block.body.extension).expect("the extension is the header's")
}

/// An extension of the layout of a height.
pub(super) fn draw_extension(
    random: &mut Random,
    activations: &Activations,
    number: BlockNumber,
    logs_bloom: Box<[u8; 256]>,
) -> HeaderExtension {
    let base_event = (activations.header_version(number) == HeaderVersion::V2).then(|| {
        let size = if random.one_in(3) { random.between(1, 128) as usize } else { 0 };
        random.bytes(size)
    });
    let others = random.between(0, 4);
    let edges = activations.has_edges(number).then(|| draw_edges(random, others));
    HeaderExtension { logs_bloom, base_event, edges }
}

/// At most two edges, ascending, of at most as many transactions as there are besides REMASC's.
fn draw_edges(random: &mut Random, others: u64) -> Vec<i16> {
    let mut edges = Vec::new();
    while edges.len() < 2 && random.one_in(2) {
        let least = edges.last().map_or(1, |edge| edge + 1);
        if i64::from(least) > others as i64 {
            break;
        }
        edges.push(random.between(least as u64, others) as i16);
    }
    edges
}

/// Nonce, gas price, gas limit, receiver, value, data and a signature by nobody.
pub(super) fn draw_transaction(random: &mut Random) -> Transaction {
    let mut fields = RlpStream::new_list(9);
    fields.append(&random.between(0, 100_000));
    fields.append(&random.between(60_000_000, 120_000_000));
    fields.append(&random.between(21_000, 3_000_000));
    fields.append(&random.bytes(20));
    fields.append(&random.between(0, 1 << 40));
    let size = if random.one_in(2) { random.between(4, 132) as usize } else { 0 };
    fields.append(&random.bytes(size));
    fields.append(&random.between(95, 96));
    for _ in 0..2 {
        fields.append(&[&[1][..], &random.bytes(31)].concat());
    }
    Transaction::decode(&fields.out()).expect("nine strings")
}

/// The unsigned last transaction of every block, which pays the miners.
fn remasc_transaction(number: BlockNumber) -> Transaction {
    let mut fields = RlpStream::new_list(9);
    fields.append(&(number.get() - 1));
    fields.append(&&[0u8][..]);
    fields.append(&&[0u8][..]);
    fields.append(&&REMASC[..]);
    for _ in 0..5 {
        fields.append_empty_data();
    }
    Transaction::decode(&fields.out()).expect("nine strings")
}
