//! A store that is cut short, overwritten, flipped, foreign, of another network or in use: always a typed
//! error or the right answer, never a panic, never a wrong answer.

use std::{fs, ops::Range, path::Path, process::Command, sync::OnceLock};

use redb::{Database, TableDefinition};
use rustock_core::{
    chain::{
        batch::{BlockEntry, ChainBatch},
        record::{AncestorRecord, BlockRecord},
    },
    consensus::params::NetworkParams,
    primitives::{
        hash::NodeId,
        header::Header,
        number::{BlockNumber, UnixTime},
        peer::{Ban, BanSubject, PeerAddress, PeerBatch, PeerRecord, PeerSource, SavedPeers},
    },
    store::{
        HASH_INDEX_DEPTH, LostPeers, Store, StoreError, StoreView, StoredPeers, Table,
        memory::MemoryStore,
        redb::{OpenOptions, RedbStore, SCHEMA_VERSION},
    },
};
use rustock_test_support::chainkit::{Chain, ChainBuilder, Random};
use tempfile::TempDir;

#[path = "store_damage/peer_file.rs"]
mod peer_file;
#[path = "store_damage/sample.rs"]
mod sample;

use sample::*;

fn is_corrupt(error: &StoreError) -> bool {
    matches!(error, StoreError::Corrupt { .. })
}

#[test]
fn an_undamaged_copy_answers_everything() {
    for sample in [small(), large()] {
        assert_eq!(sample.outcome(&sample.bytes), Ok(()));
        let (_directory, store) = sample.open(&sample.bytes);
        assert_eq!(store.expect("whole").head(), sample.oracle.head());
        assert_eq!(sample.check(&sample.bytes), Ok(()));
    }
}

#[test]
fn a_file_cut_short_is_refused_at_open() {
    let sample = small();
    let whole = sample.bytes.len();
    let pages = (0..whole).step_by(4_096 * 16);
    for length in pages.chain([1, 8, 9, 10, 63, 64, 319, 320, 321, 4_095, 4_097, whole - 4_096, whole - 1]) {
        let (_directory, store) = sample.open(&sample.bytes[..length]);
        let error = store.err().unwrap_or_else(|| panic!("{length} of {whole} bytes were taken for a store"));
        assert!(is_corrupt(&error) || matches!(error, StoreError::NotOurs { .. }), "{length}: {error:?}");
    }
}

#[test]
fn a_zeroed_file_is_refused_and_a_zeroed_page_is_noticed() {
    let sample = small();
    let (_directory, store) = sample.open(&vec![0; sample.bytes.len()]);
    assert!(matches!(store, Err(StoreError::NotOurs { .. })), "{store:?}");

    let mut noticed = 0;
    for start in (0..sample.bytes.len()).step_by(4_096) {
        let mut bytes = sample.bytes.clone();
        let end = (start + 4_096).min(bytes.len());
        if bytes[start..end].iter().all(|byte| *byte == 0) {
            continue;
        }
        bytes[start..end].fill(0);
        if let Err(error) = sample.outcome(&bytes) {
            assert!(is_corrupt(&error) || matches!(error, StoreError::NotOurs { .. }), "{start}: {error:?}");
            noticed += 1;
        }
    }
    assert!(noticed > 10, "only {noticed} zeroed pages were noticed");
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let sample = small();
    let sqlite = [b"SQLite format 3\0".to_vec(), vec![1; 8_176]].concat();
    let text = b"These are not the blocks you are looking for.\n".repeat(200);
    for foreign in [sqlite, text, b"x".to_vec()] {
        let (directory, store) = sample.open(&foreign);
        assert!(matches!(store, Err(StoreError::NotOurs { .. })), "{store:?}");
        assert_eq!(fs::read(database(directory.path())).expect("still there"), foreign);
    }

    let directory = tempfile::tempdir().expect("a temporary directory");
    let other = Database::create(database(directory.path())).expect("a redb database");
    let transaction = other.begin_write().expect("writable");
    let table = TableDefinition::<&str, u64>::new("recipes");
    transaction.open_table(table).expect("new").insert("pancakes", 4).expect("fits");
    transaction.commit().expect("durable");
    drop(other);
    let store = RedbStore::open(directory.path(), sample.options.clone());
    assert!(matches!(store, Err(StoreError::NotOurs { .. })), "{store:?}");
    assert!(Database::open(database(directory.path())).is_ok(), "still a database of somebody else's");
}

/// Where `pattern` stands in the file: also in pages that are free by now, as nothing tells them apart from outside.
fn places(bytes: &[u8], pattern: &[u8]) -> Vec<usize> {
    let first = pattern[0];
    let starts = bytes.windows(pattern.len()).enumerate();
    starts.filter(|(_, window)| window[0] == first && *window == pattern).map(|(place, _)| place).collect()
}

/// Flips one byte, `offset` bytes after where `pattern` starts, wherever it stands in the file.
fn flipped(sample: &Sample, pattern: &[u8], offset: usize) -> Vec<u8> {
    let places = places(&sample.bytes, pattern);
    assert!(!places.is_empty(), "the record is not in the file");
    let mut bytes = sample.bytes.clone();
    for place in places {
        bytes[place + offset] ^= 0x10;
    }
    bytes
}

/// Block and ancestor records both begin with the hash and the parent hash.
fn record_pattern(hash: &[u8; 32], parent_hash: &[u8; 32]) -> Vec<u8> {
    [hash.as_slice(), parent_hash].concat()
}

const RECORD_SIZE: usize = 246;
const ANCESTOR_SIZE: usize = 73;

#[test]
fn a_flipped_byte_anywhere_in_a_canonical_record_is_named_by_the_read_that_meets_it() {
    let sample = large();
    let record = sample.record(BASE + 3);
    let pattern = record_pattern(record.hash.as_bytes(), record.parent_hash.as_bytes());
    let expected = StoreError::Corrupt { table: Table::Canonical, key: record.number.to_string() };
    for offset in (0..RECORD_SIZE).step_by(9).chain([RECORD_SIZE - 1]) {
        let bytes = flipped(sample, &pattern, offset);
        let (_directory, store) = sample.open(&bytes);
        let store = store.expect("opening does not read a block this old");
        assert_eq!(store.record(BlockNumber::new(BASE + 2)), Ok(Some(sample.record(BASE + 2))));
        assert_eq!(store.record(record.number), Err(expected.clone()), "byte {offset}");
        assert_eq!(store.head(), Err(expected.clone()), "latched");
    }
    assert_eq!(sample.check(&flipped(sample, &pattern, 100)), Err(expected));
}

#[test]
fn a_flipped_byte_anywhere_in_received_bytes_is_named_by_the_read_that_meets_it() {
    let sample = large();
    let number = BlockNumber::new(BASE + 3);
    let header = sample.oracle.wire(number).expect("in memory").expect("on the chain");
    let expected = StoreError::Corrupt { table: Table::Wire, key: number.to_string() };
    // The checksum's four bytes follow the header.
    for offset in (0..header.len()).step_by(40).chain(header.len()..header.len() + 4) {
        let (_directory, store) = sample.open(&flipped(sample, &header, offset));
        let store = store.expect("opening reads no received bytes");
        assert_eq!(store.record(number), Ok(Some(sample.record(number.get()))));
        assert_eq!(store.wire(number), Err(expected.clone()), "byte {offset}");
        assert_eq!(store.record(number), Err(expected.clone()), "latched");
    }
    assert_eq!(sample.check(&flipped(sample, &header, header.len() - 1)), Err(expected));
}

#[test]
fn a_flipped_byte_anywhere_in_the_small_tables_is_named_at_open() {
    let sample = small();
    let abandoned = &sample.abandoned[2].record;
    let lost = record_pattern(abandoned.hash.as_bytes(), abandoned.parent_hash.as_bytes());
    // The reorganisation moved the record, so a copy with the canonical table's checksum is in a free page.
    for offset in (0..RECORD_SIZE).step_by(5).chain([RECORD_SIZE - 1]) {
        let error = sample.outcome(&flipped(sample, &lost, offset)).expect_err("damaged");
        assert!(matches!(error, StoreError::Corrupt { table: Table::Abandoned, .. }), "{offset}: {error:?}");
    }
    let ancestors = sample.oracle.ancestors().expect("in memory");
    let ancestor = &ancestors[200];
    let pattern = record_pattern(ancestor.hash.as_bytes(), ancestor.parent_hash.as_bytes());
    let expected = StoreError::Corrupt { table: Table::Ancestors, key: ancestor.number.to_string() };
    for offset in 0..ANCESTOR_SIZE {
        assert_eq!(sample.outcome(&flipped(sample, &pattern, offset)), Err(expected.clone()), "{offset}");
    }
    // Kind and number of an index entry; the four bytes of its checksum follow.
    let indexed = [vec![1], (BASE + 30).to_be_bytes().to_vec()].concat();
    for offset in 0..indexed.len() + 4 {
        let error = sample.outcome(&flipped(sample, &indexed, offset)).expect_err("damaged");
        assert!(matches!(error, StoreError::Corrupt { table: Table::HashIndex, .. }), "{offset}: {error:?}");
    }
    for (name, value) in [("network", b"simnet".to_vec()), ("base", base_value(sample))] {
        for offset in 0..value.len() + 4 {
            let error = sample.outcome(&flipped(sample, &value, offset)).expect_err("damaged");
            let expected = StoreError::Corrupt { table: Table::Meta, key: name.to_owned() };
            assert_eq!(error, expected, "byte {offset}");
        }
    }
}

#[test]
fn an_entry_that_lost_its_name_is_no_absent_one() {
    let sample = small();
    for name in ["schema", "network", "genesis", "base", "fork_detection_from"] {
        // Keys lie side by side in a page, so a name can also be a part of another text; any flip is noticed.
        for offset in 0..name.len() {
            let error = sample.outcome(&flipped(sample, name.as_bytes(), offset)).expect_err("damaged");
            let refused = is_corrupt(&error) || matches!(error, StoreError::NotOurs { .. });
            assert!(refused, "{name}, byte {offset}: {error:?}");
        }
    }
}

fn base_value(sample: &Sample) -> Vec<u8> {
    let base = sample.record(BASE).id();
    [base.number.get().to_be_bytes().to_vec(), base.hash.as_bytes().to_vec()].concat()
}

#[test]
fn records_that_change_places_are_noticed() {
    let sample = large();
    let pattern = |number| {
        let record = sample.record(number);
        record_pattern(record.hash.as_bytes(), record.parent_hash.as_bytes())
    };
    let mut bytes = sample.bytes.clone();
    let (one, other) = (pattern(BASE + 3), pattern(BASE + 5));
    let (ones, others) = (places(&bytes, &one), places(&bytes, &other));
    assert_eq!((ones.len(), others.len()), (1, 1), "written once and never moved");
    for offset in 0..RECORD_SIZE {
        bytes.swap(ones[0] + offset, others[0] + offset);
    }
    let (_directory, store) = sample.open(&bytes);
    let expected = StoreError::Corrupt { table: Table::Canonical, key: (BASE + 5).to_string() };
    assert_eq!(store.expect("old blocks").record(BlockNumber::new(BASE + 5)), Err(expected));
}

/// One to three flipped bits: mostly where there is something, often in the header's page, sometimes anywhere.
fn randomly_flipped(sample: &Sample, random: &mut Random) -> Vec<u8> {
    let mut bytes = sample.bytes.clone();
    for _ in 0..random.between(1, 3) {
        let place = match random.between(0, 9) {
            0 => random.between(0, bytes.len() as u64 - 1) as usize,
            1 | 2 => random.between(0, 319) as usize,
            _ => sample.used[random.between(0, sample.used.len() as u64 - 1) as usize],
        };
        bytes[place] ^= 1 << random.between(0, 7);
    }
    bytes
}

#[test]
fn random_flips_never_panic_and_never_change_an_answer() {
    let sample = small();
    let seeds = 400;
    let mut noticed = 0;
    for seed in 0..seeds {
        let mut random = Random::from_parts(&[0xf11b, seed]);
        let bytes = randomly_flipped(sample, &mut random);
        let answers = sample.outcome(&bytes);
        let check = sample.check(&bytes);
        if let Err(error) = &answers {
            let typed = is_corrupt(error)
                || matches!(error, StoreError::NotOurs { .. } | StoreError::OtherSchema { .. });
            assert!(typed, "seed {seed}: {error:?}");
            assert!(check.is_err(), "seed {seed}: the check missed {error:?}");
            noticed += 1;
        }
    }
    assert!(noticed > seeds / 4, "only {noticed} flips were noticed");
}

#[test]
fn committing_over_random_flips_never_panics_and_never_changes_an_answer() {
    let sample = small();
    let shared = sample.head();
    let longer = ChainBuilder::simnet().seed(1).build(shared + 20);
    let batch = ChainBatch {
        added: entries(&longer, shared + 1..shared + 21),
        ..ChainBatch::at(sample.record(shared).id())
    };
    let (mut committed, mut noticed) = (0, 0);
    for seed in 0..200 {
        let mut random = Random::from_parts(&[0xc0117, seed]);
        let (_directory, store) = sample.open(&randomly_flipped(sample, &mut random));
        let Ok(store) = store else { continue };
        let answers = store.commit(&batch).and_then(|()| {
            committed += 1;
            for number in (BASE..=shared + 20).map(BlockNumber::new) {
                let expected = entry(&longer, number.get());
                assert_eq!(store.record(number)?, Some(expected.record), "seed {seed}");
                assert_eq!(store.wire(number)?, Some(expected.header.raw().to_vec()), "seed {seed}");
            }
            Ok(())
        });
        match answers {
            Ok(()) => {}
            // Back at the commit before, on which the batch does not fit.
            Err(StoreError::StaleBatch { found, .. }) => {
                assert_eq!(Ok(found), sample.before.head().map(|record| record.id()), "seed {seed}");
            }
            Err(error) => {
                assert!(is_corrupt(&error), "seed {seed}: {error:?}");
                noticed += 1;
            }
        }
    }
    assert!(committed > 50 && noticed > 5, "{committed} committed, {noticed} noticed");
}

#[test]
fn a_store_of_another_network_is_refused_by_name_and_by_genesis() {
    let sample = small();
    let (directory, store) = sample.open(&sample.bytes);
    drop(store.expect("opens"));
    let other_name = OpenOptions { network: "mainnet".to_owned(), ..sample.options.clone() };
    let other_genesis = OpenOptions {
        genesis_hash: NetworkParams::mainnet().genesis_header().expect("known").hash(),
        ..sample.options.clone()
    };
    for options in [other_name, other_genesis] {
        let store = RedbStore::open(directory.path(), options);
        assert!(matches!(store, Err(StoreError::OtherNetwork { .. })), "{store:?}");
    }
    let identity = RedbStore::identify(directory.path()).expect("whole").expect("there");
    assert_eq!(identity.network, "simnet");
    assert_eq!(identity.genesis_hash, sample.options.genesis_hash);
    assert_eq!(identity.base, sample.record(BASE).id());
    assert!(RedbStore::open(directory.path(), sample.options.clone()).is_ok(), "left as it was");
}

#[test]
fn a_store_that_is_there_keeps_its_base_and_none_is_made_by_looking() {
    let sample = small();
    let (directory, store) = sample.open(&sample.bytes);
    drop(store.expect("opens"));
    let chain = ChainBuilder::simnet().seed(1).build(BASE + 60);
    let options = OpenOptions { base: entry(&chain, BASE + 50), ..sample.options.clone() };
    let store = RedbStore::open(directory.path(), options).expect("opens");
    assert_eq!(store.base(), sample.oracle.base());
    assert_eq!(store.head(), sample.oracle.head());

    let empty = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(RedbStore::identify(empty.path()), Ok(None));
    assert_eq!(fs::read_dir(empty.path()).expect("readable").count(), 0);
}

/// The checksum of `docs/store-format.md` for the table `meta`, written from that page.
fn meta_checksum(name: &str, value: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in [&[6], name.as_bytes(), value].concat() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    (!crc).to_be_bytes()
}

#[test]
fn a_store_of_another_schema_is_refused() {
    let sample = small();
    let (directory, store) = sample.open(&sample.bytes);
    drop(store.expect("opens"));
    let found = SCHEMA_VERSION + 1;
    let value = [found.to_be_bytes(), meta_checksum("schema", &found.to_be_bytes())].concat();
    let database = Database::open(database(directory.path())).expect("a redb database");
    let transaction = database.begin_write().expect("writable");
    let meta = TableDefinition::<&str, &[u8]>::new("meta");
    transaction.open_table(meta).expect("there").insert("schema", value.as_slice()).expect("fits");
    transaction.commit().expect("durable");
    drop(database);
    let expected = StoreError::OtherSchema { expected: SCHEMA_VERSION, found };
    assert_eq!(RedbStore::open(directory.path(), sample.options.clone()).err(), Some(expected.clone()));
    assert_eq!(RedbStore::identify(directory.path()), Err(expected));
}

#[test]
fn a_directory_that_cannot_be_used_is_an_error_in_the_systems_words() {
    let sample = small();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("file");
    fs::write(&file, b"not a directory").expect("writable");
    let taken = directory.path().join("taken");
    fs::create_dir_all(taken.join("chain.redb")).expect("writable");
    for place in [file.clone(), file.join("below"), taken] {
        let store = RedbStore::open(&place, sample.options.clone());
        assert!(matches!(store, Err(StoreError::Io { action: "open", .. })), "{place:?}: {store:?}");
    }
}

#[test]
fn a_start_that_was_killed_while_making_the_database_is_made_anew() {
    let sample = small();
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("chain.redb.new"), &sample.bytes[..5_000]).expect("writable");
    let store = RedbStore::open(directory.path(), sample.options.clone()).expect("opens");
    assert_eq!(store.head(), sample.oracle.base());
    assert!(!directory.path().join("chain.redb.new").exists());
}

const CHILD_DIRECTORY: &str = "STORE_DAMAGE_CHILD_DIRECTORY";

/// Not a test of its own: what [`a_second_opener_is_refused_in_this_process_and_in_another`] runs elsewhere.
#[test]
fn second_opener_in_a_child_process() {
    let Ok(directory) = std::env::var(CHILD_DIRECTORY) else { return };
    let verdict = match RedbStore::open(Path::new(&directory), small().options.clone()) {
        Ok(_) => "opened",
        Err(StoreError::InUse { .. }) => "in use",
        Err(_) => "other error",
    };
    println!("verdict: {verdict}");
}

#[test]
fn a_second_opener_is_refused_in_this_process_and_in_another() {
    let sample = small();
    let (directory, store) = sample.open(&sample.bytes);
    let store = store.expect("opens");
    let in_child = || {
        let output = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "second_opener_in_a_child_process", "--nocapture"])
            .env(CHILD_DIRECTORY, directory.path())
            .output()
            .expect("runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let here = RedbStore::open(directory.path(), sample.options.clone());
    assert_eq!(here.err(), Some(StoreError::InUse { path: database(directory.path()) }));
    assert!(matches!(RedbStore::identify(directory.path()), Err(StoreError::InUse { .. })));
    let refused = in_child();
    assert!(refused.contains("verdict: in use"), "{refused}");
    assert_eq!(sample.compare(&store), Ok(()), "undisturbed");
    drop(store);
    let opened = in_child();
    assert!(opened.contains("verdict: opened"), "{opened}");
}
