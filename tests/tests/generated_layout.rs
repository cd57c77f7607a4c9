//! Generated headers have the layout of those that a running rskj mined: at the same heights of the same networks, item
//! by item, of the version-0, -1 and -2 eras and with both kinds of merkle proof.

use rustock_core::{
    consensus::rules::merged_mining::{
        coinbase::CompressedCoinbase, commitment::TAG, partial_merkle_tree::PartialMerkleTree,
    },
    primitives::{
        activation::HeaderVersion,
        block::Body,
        header::{Header, HeaderExtension},
        rlp::Item,
    },
};
use rustock_test_support::chainkit::{Chain, ChainBuilder, TreePlace, presets};
use rustock_tests::chains::{Run, runs};

/// The places of items with one size: hashes, the receiver, and what stands for the logs.
const OF_ONE_SIZE: [usize; 7] = [0, 1, 2, 3, 4, 5, 6];
const LOGS: usize = 6;
const NUMBER: usize = 8;
/// The places of numbers, whose zero has more than one form.
const NUMBERS: [usize; 8] = [7, 8, 9, 10, 11, 13, 14, 15];
/// The items before the ummRoot and the proof.
const FIRST_ITEMS: usize = 16;

/// A chain of the network of a recorded run, as cheap to mine as can be.
fn generated(run: &Run) -> Chain {
    let params = presets::easy(run.params.clone());
    ChainBuilder::new(params).seed(11).with_bodies().build(run.blocks.len() as u64 - 1)
}

fn run(file: &str, name: &str) -> Run {
    runs(file).into_iter().find(|run| run.name == name).expect("a run of that name")
}

fn items(encoded: &[u8]) -> Vec<Item<'_>> {
    let mut list = Item::decode(encoded).and_then(|item| item.list()).expect("a canonical list");
    let mut items = Vec::new();
    while !list.is_empty() {
        items.push(list.next_item().expect("canonical"));
    }
    items
}

/// Kinds and sizes of the items of a list, one after another.
fn layout(encoded: &[u8]) -> Vec<(bool, usize)> {
    let shape = |item: &Item<'_>| match item.string() {
        Ok(string) => (false, string.len()),
        Err(_) => (true, item.encoded().len()),
    };
    items(encoded).iter().map(shape).collect()
}

/// The forms in which a run writes zero at each place.
fn zeros(headers: &[Header]) -> Vec<Vec<Vec<u8>>> {
    let mut forms = vec![Vec::new(); FIRST_ITEMS];
    for header in headers {
        let items = items(header.raw());
        for place in NUMBERS {
            let content = items[place].string().expect("numbers are strings");
            if content.iter().all(|byte| *byte == 0) && !forms[place].contains(&content.to_vec()) {
                forms[place].push(content.to_vec());
            }
        }
    }
    forms
}

fn assert_same_layout(recorded: &Header, generated: &Header) {
    let at = format!("#{} {:?}", recorded.number(), recorded.version());
    assert_eq!(recorded.number(), generated.number());
    assert_eq!(recorded.version(), generated.version(), "{at}");
    let (theirs, ours) = (items(recorded.raw()), items(generated.raw()));
    assert_eq!(theirs.len(), ours.len(), "{at}: items");
    for (place, (their_item, our_item)) in theirs.iter().zip(&ours).enumerate() {
        assert_eq!(their_item.string().is_ok(), our_item.string().is_ok(), "{at}: kind of item {place}");
        let size = |item: &Item<'_>| item.string().map_or(0, <[u8]>::len);
        if OF_ONE_SIZE.contains(&place) {
            assert_eq!(size(their_item), size(our_item), "{at}: size of item {place}");
        }
    }
    assert_eq!(theirs[NUMBER].encoded(), ours[NUMBER].encoded(), "{at}: the height");
    if recorded.version() != HeaderVersion::V0 {
        let logs = |items: &[Item<'_>]| layout(items[LOGS].string().expect("a string"));
        assert_eq!(logs(&theirs), logs(&ours), "{at}: version and hash of the extension");
        assert_eq!(logs(&ours).len(), 2, "{at}");
    }
    assert_eq!(recorded.umm_root().is_some(), generated.umm_root().is_some(), "{at}: the ummRoot is there");
}

/// The block of the recorded one's height on top of the generated chain, with a Bitcoin block of the same shape.
fn of_same_shape(recorded: &Header, generated: &Chain) -> (Header, Body) {
    let mut draft = generated.fork_at(recorded.number().get() - 1, 12).draft();
    let proof = recorded.proof().expect("mined").merkle_proof;
    let depth = match &mut draft.mining.tree {
        Some(place) => {
            let transactions = tree(proof).transaction_count;
            // rskj's miner has the coinbase first, as Bitcoin has.
            *place = TreePlace { transactions, place: 0 };
            (u32::BITS - (transactions - 1).leading_zeros()) as usize
        }
        None => proof.len() / 32,
    };
    draft.mining.siblings = vec![[0x6b; 32]; depth];
    draft.mining.bitcoin_block_rest.clear();
    let body = draft.body.clone();
    (draft.mine(generated.params()), body)
}

fn tree(merkle_proof: &[u8]) -> PartialMerkleTree<'_> {
    PartialMerkleTree::split(merkle_proof).expect("a partial merkle tree")
}

/// The three items of the proof. `has_tree` before RSKIP-92.
fn assert_same_proof_layout(recorded: &Header, generated: &Header, has_tree: bool) {
    let at = format!("#{}", recorded.number());
    let (theirs, ours) = (recorded.proof().expect("mined"), generated.proof().expect("mined"));
    if has_tree {
        let (theirs, ours) = (tree(theirs.merkle_proof), tree(ours.merkle_proof));
        assert_eq!(theirs.transaction_count, ours.transaction_count, "{at}");
        assert_eq!(theirs.hashes.len(), ours.hashes.len(), "{at}: hashes of the tree");
        assert_eq!(theirs.flags, ours.flags, "{at}: flags of the tree");
    }
    assert_eq!(theirs.merkle_proof.len(), ours.merkle_proof.len(), "{at}: size of the merkle proof");
    assert_eq!(theirs.bitcoin_header.len(), ours.bitcoin_header.len(), "{at}: size of the Bitcoin header");
    for proof in [theirs, ours] {
        let count: &[u8; 8] = proof.coinbase.first_chunk().expect("a compressed coinbase");
        assert!(u64::from_be_bytes(*count).is_multiple_of(64), "{at}: whole blocks are hashed already");
        let tail = CompressedCoinbase::split(proof.coinbase).expect("a compressed coinbase").tail;
        let tag = tail.windows(TAG.len()).rposition(|window| window == TAG).expect("a tag");
        assert!(tag < 64, "{at}: the tag is in the first block of the tail");
        assert!(tail.len() - tag - TAG.len() - 32 <= 128, "{at}");
    }
}

/// Every block of a run but its genesis. Returns how many there were of each version.
fn compare(recorded: &Run) -> [usize; 3] {
    let generated = generated(recorded);
    let mut versions = [0; 3];
    let (mut their_headers, mut our_headers) = (Vec::new(), Vec::new());
    for block in &recorded.blocks[1..] {
        let theirs = &block.header;
        let (ours, our_body) = of_same_shape(theirs, &generated);
        assert_same_layout(theirs, &ours);
        let has_tree = !recorded.params.activations.rskip92.is_active(theirs.number());
        assert_same_proof_layout(theirs, &ours, has_tree);
        if let Some(body) = &block.body {
            assert_same_extension_layout(body, &our_body);
        }
        versions[usize::from(theirs.version().number())] += 1;
        their_headers.push(theirs.clone());
        our_headers.push(ours);
    }
    let (theirs, ours) = (zeros(&their_headers), zeros(&our_headers));
    for (place, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
        for form in ours {
            assert!(theirs.is_empty() || theirs.contains(&form), "zero at {place}: {form:?}, not {theirs:?}");
        }
    }
    versions
}

/// Which parts the extension has, and their kinds. The list of edges is as long as it is.
fn assert_same_extension_layout(recorded: &Body, generated: &Body) {
    let kinds = |extension: &HeaderExtension| {
        layout(&extension.encode()).into_iter().map(|(is_list, _)| is_list).collect::<Vec<_>>()
    };
    assert_eq!(recorded.extension.as_ref().map(kinds), generated.extension.as_ref().map(kinds));
    let bloom = |body: &Body| body.extension.as_ref().map(|extension| extension.logs_bloom.len());
    assert_eq!(bloom(recorded), bloom(generated));
}

#[test]
fn version_two_headers_are_laid_out_as_rskj_lays_them_out() {
    let versions = compare(&run("rskj-chain-v2.json", "v2-long"));
    assert_eq!(versions[..2], [0, 0]);
    assert!(versions[2] > 400, "{versions:?}");
}

#[test]
fn headers_of_every_era_are_laid_out_as_rskj_lays_them_out() {
    let recorded = run("rskj-chain-eras.json", "eras-all");
    let versions = compare(&recorded);
    assert!(versions.iter().all(|count| *count > 10), "{versions:?}");
    // Both kinds of merkle proof were among them.
    let rules = &recorded.params.activations;
    let is_active_at = |number: usize| rules.rskip92.is_active(recorded.blocks[number].header.number());
    assert!(!is_active_at(1) && is_active_at(20));
}
