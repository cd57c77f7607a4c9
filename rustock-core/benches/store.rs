//! What keeping a header costs: batches as a catching-up client commits them, one block at a time as a following
//! one does, and random reads.

use divan::{Bencher, counter::ItemsCount};
use rustock_core::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::BlockRecord,
    },
    consensus::params::NetworkParams,
    primitives::{
        hash::{BlockHash, Hash256, keccak256},
        header::{Header, HeaderFields, ProofFields},
        number::{BlockNumber, CumulativeDifficulty},
    },
    store::{
        Store, StoreView,
        redb::{OpenOptions, RedbStore},
    },
};
use tempfile::TempDir;

/// One skeleton's headers: twenty chunks of 192.
const SKELETON: usize = 3_840;
/// Headers a commit bench stores, in as many commits as they take.
const STORED: usize = 10 * SKELETON;

fn main() {
    divan::main();
}

/// Linked headers of mainnet's size (about 1,140 bytes), without proof of work, which a store does not look at.
fn headers(count: usize) -> Vec<BlockEntry> {
    let params = NetworkParams::simnet();
    let genesis = params.genesis_header().expect("simnet has a genesis");
    let sum = CumulativeDifficulty::new(genesis.difficulty().get());
    let mut entries = vec![BlockEntry { record: BlockRecord::new(&genesis, sum, 0), header: genesis }];
    for number in 1..=count as u64 {
        let below = entries.last().expect("never empty");
        let noise = keccak256(&[&number.to_be_bytes()]);
        let fields = HeaderFields {
            number: BlockNumber::new(number),
            parent_hash: below.record.hash,
            state_root: Hash256::new(noise),
            genesis_difficulty_padding: 0,
            umm_root: Some(Vec::new()),
            proof: Some(ProofFields {
                bitcoin_header: vec![noise[0]; 80],
                merkle_proof: noise.repeat(12),
                coinbase: vec![noise[1]; 170],
            }),
            ..params.genesis.clone()
        };
        let header = Header::decode(&fields.encode(), &params.activations).expect("well formed");
        let sum = below.record.header_difficulty_sum.checked_add(header.difficulty()).expect("small");
        entries.push(BlockEntry { record: BlockRecord::new(&header, sum, noise[2]), header });
    }
    entries
}

fn open(base: &BlockEntry) -> (TempDir, RedbStore) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let params = NetworkParams::simnet();
    let options = OpenOptions::new("simnet", base.record.hash, params.activations, base.clone());
    let store = RedbStore::open(directory.path(), options).expect("opens");
    (directory, store)
}

fn batches(entries: &[BlockEntry], per_commit: usize) -> Vec<ChainBatch> {
    let mut head = entries[0].record.id();
    let batch_on = |chunk: &[BlockEntry]| {
        let batch = ChainBatch { added: chunk.to_vec(), ..ChainBatch::at(head) };
        head = batch.new_head();
        batch
    };
    entries[1..].chunks(per_commit).map(batch_on).collect()
}

/// Headers into a new store, past the depth of the hash index.
#[divan::bench(args = [192, 960, SKELETON, 10_000], sample_count = 5, sample_size = 1)]
fn commit_headers(bencher: Bencher<'_, '_>, per_commit: usize) {
    let entries = headers(STORED);
    let batches = batches(&entries, per_commit);
    bencher.counter(ItemsCount::new(STORED)).with_inputs(|| open(&entries[0])).bench_refs(|(_, store)| {
        for batch in &batches {
            store.commit(batch).expect("fits");
        }
    });
}

/// One block a commit, on a store with a full hash index.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn commit_single_blocks(bencher: Bencher<'_, '_>) {
    let blocks = 50;
    let entries = headers(STORED + blocks);
    let single = batches(&entries[STORED..], 1);
    bencher.counter(ItemsCount::new(blocks)).with_inputs(|| filled(&entries[..=STORED])).bench_refs(
        |(_, store)| {
            for batch in &single {
                store.commit(batch).expect("fits");
            }
        },
    );
}

fn filled(entries: &[BlockEntry]) -> (TempDir, RedbStore) {
    let (directory, store) = open(&entries[0]);
    for batch in batches(entries, SKELETON) {
        store.commit(&batch).expect("fits");
    }
    (directory, store)
}

/// Pseudo-random heights, the same in every run.
fn random_heights() -> impl Iterator<Item = BlockNumber> {
    (0u64..).map(|step| BlockNumber::new(step.wrapping_mul(0x9e37_79b9_7f4a_7c15) % STORED as u64))
}

#[divan::bench]
fn read_record(bencher: Bencher<'_, '_>) {
    let (_directory, store) = filled(&headers(STORED));
    let mut heights = random_heights();
    bencher.bench_local(|| store.record(heights.next().expect("endless")));
}

#[divan::bench]
fn read_wire(bencher: Bencher<'_, '_>) {
    let (_directory, store) = filled(&headers(STORED));
    let mut heights = random_heights();
    bencher.bench_local(|| store.wire(heights.next().expect("endless")));
}

#[divan::bench]
fn read_head(bencher: Bencher<'_, '_>) {
    let (_directory, store) = filled(&headers(STORED));
    bencher.bench_local(|| store.head());
}

#[divan::bench]
fn find_unknown_hash(bencher: Bencher<'_, '_>) {
    let (_directory, store) = filled(&headers(STORED));
    bencher.bench_local(|| store.find(&BlockHash::ZERO));
}

/// Opening a closed store with a full hash index, small tables checked.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn open_store(bencher: Bencher<'_, '_>) {
    let entries = headers(STORED);
    let (directory, store) = filled(&entries);
    drop(store);
    let params = NetworkParams::simnet();
    let options = OpenOptions::new("simnet", entries[0].record.hash, params.activations, entries[0].clone());
    bencher.bench_local(|| RedbStore::open(directory.path(), options.clone()).expect("opens"));
}
