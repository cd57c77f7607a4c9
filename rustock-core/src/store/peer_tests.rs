//! What is remembered of peers: the on-disk tables against the memory backend, damaged and anew.

use proptest::prelude::*;
use redb::{Database, TableDefinition};

use crate::{
    primitives::{
        hash::NodeId,
        number::UnixTime,
        peer::{Ban, BanSubject, PeerAddress, PeerBatch, PeerRecord, PeerSource, SavedPeers},
    },
    store::{Store, StoreView, memory::MemoryStore, test_chain::TestChain},
};

fn record(index: u8, headers: u64) -> PeerRecord {
    let address = PeerAddress::from_ip([203, 0, 113, index].into(), 5050);
    let record = PeerRecord::new(NodeId::new([index; 64]), address, PeerSource::Discovered);
    PeerRecord { verified_headers: headers, ..record }
}

fn ban(index: u8, until: u64) -> Ban {
    Ban {
        subject: BanSubject::Node(NodeId::new([index; 64])),
        until: UnixTime::from_secs(until),
        strikes: 1,
        by_user: false,
        reason: "invalid header".to_owned(),
    }
}

fn batch() -> PeerBatch {
    PeerBatch { records: vec![record(1, 0), record(2, 192)], bans: vec![ban(3, 100)], ..PeerBatch::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn both_backends_remember_the_same(
        batches in proptest::collection::vec(
            proptest::collection::vec((0u8..4, 0u8..6, 1u64..1_000), 0..6), 1..6)
    ) {
        let chain = TestChain::starting_at(5);
        let directory = tempfile::tempdir().expect("a temporary directory");
        let disk = chain.open(directory.path()).expect("opens");
        let memory = MemoryStore::new(chain.base().clone());
        for changes in batches {
            let mut batch = PeerBatch::default();
            let mut touched = std::collections::BTreeSet::new();
            for (what, index, value) in changes {
                // A batch says one thing of each.
                if !touched.insert((what / 2, index)) {
                    continue;
                }
                match what {
                    0 => batch.records.push(record(index, value)),
                    1 => batch.forgotten.push(NodeId::new([index; 64])),
                    2 => batch.bans.push(ban(index, value)),
                    _ => batch.lifted.push(BanSubject::Node(NodeId::new([index; 64]))),
                }
            }
            disk.commit_peers(&batch).expect("writes");
            memory.commit_peers(&batch).expect("writes");
            prop_assert_eq!(disk.peers(), memory.peers());
        }
        drop(disk);
        let disk = chain.open(directory.path()).expect("opens again");
        prop_assert_eq!(disk.peers(), memory.peers());
        prop_assert_eq!(disk.head(), memory.head());
    }
}

#[test]
fn a_store_that_never_heard_of_peers_has_none_and_takes_them_in() {
    let chain = TestChain::starting_at(5);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = chain.open(directory.path()).expect("opens");
    assert_eq!(store.peers(), Ok(SavedPeers::default()));
    store.commit_peers(&batch()).expect("writes");
    let saved = store.peers().expect("readable");
    assert_eq!((saved.records.len(), saved.bans.len()), (2, 1));
    store.check().expect("whole");
}

/// Each way to damage an entry costs all peers and no header, and the next change makes the tables anew.
#[test]
fn damage_to_peers_costs_no_header_and_is_gone_with_the_next_change() {
    let chain = TestChain::starting_at(5);
    for table in ["peers", "bans"] {
        for damage in ["checksum", "short", "key"] {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let store = chain.open(directory.path()).expect("opens");
            store.commit_peers(&batch()).expect("writes");
            drop(store);
            spoil(directory.path(), table, damage);
            let store = chain.open(directory.path()).expect("the chain is whole");
            assert_eq!(store.peers(), Ok(SavedPeers::default()), "{table}, {damage}");
            assert_eq!(store.head(), Ok(chain.base().record.clone()));
            let only = PeerBatch { records: vec![record(9, 1)], ..PeerBatch::default() };
            store.commit_peers(&only).expect("made anew");
            let expected = SavedPeers { records: only.records, bans: Vec::new() };
            assert_eq!(store.peers().as_ref(), Ok(&expected), "{table}, {damage}");
            store.check().expect("whole");
            drop(store);
            let store = chain.open(directory.path()).expect("opens again");
            assert_eq!(store.peers(), Ok(expected));
        }
    }
}

/// A table of that name and another type is damage like any other.
#[test]
fn a_table_of_another_type_is_dropped() {
    let chain = TestChain::starting_at(5);
    let directory = tempfile::tempdir().expect("a temporary directory");
    drop(chain.open(directory.path()).expect("opens"));
    let database = Database::open(directory.path().join("chain.redb")).expect("opens");
    let transaction = database.begin_write().expect("begins");
    let foreign: TableDefinition<'_, u64, u64> = TableDefinition::new("peers");
    transaction.open_table(foreign).expect("opens").insert(1, 1).expect("inserts");
    transaction.commit().expect("commits");
    drop(database);
    let store = chain.open(directory.path()).expect("the chain is whole");
    assert_eq!(store.peers(), Ok(SavedPeers::default()));
    store.commit_peers(&batch()).expect("made anew");
    assert_eq!(store.peers().expect("readable").records.len(), 2);
}

/// Damages the first entry of a table, past redb's own checks.
fn spoil(directory: &std::path::Path, table: &str, damage: &str) {
    let database = Database::open(directory.join("chain.redb")).expect("opens");
    let transaction = database.begin_write().expect("begins");
    if table == "peers" {
        let peers: TableDefinition<'_, &[u8; NodeId::SIZE], &[u8]> = TableDefinition::new("peers");
        let mut peers = transaction.open_table(peers).expect("opens");
        let (mut key, value) = ([1; NodeId::SIZE], peers.remove(&[1; NodeId::SIZE]).expect("reads"));
        let mut value = value.expect("there").value().to_vec();
        if damage == "key" {
            key[5] ^= 1;
        }
        spoil_value(&mut value, damage);
        peers.insert(&key, value.as_slice()).expect("inserts");
    } else {
        let bans: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("bans");
        let mut bans = transaction.open_table(bans).expect("opens");
        let mut key = [&[1][..], &[3; NodeId::SIZE]].concat();
        let value = bans.remove(key.as_slice()).expect("reads").expect("there").value().to_vec();
        let mut value = value;
        if damage == "key" {
            key[5] ^= 1;
        }
        spoil_value(&mut value, damage);
        bans.insert(key.as_slice(), value.as_slice()).expect("inserts");
    }
    transaction.commit().expect("commits");
}

fn spoil_value(value: &mut Vec<u8>, damage: &str) {
    match damage {
        "checksum" => value[3] ^= 0x10,
        "short" => value.truncate(3),
        _ => {}
    }
}
