//! What is remembered of peers: the file against the memory backend, and full.

use proptest::prelude::*;

use crate::{
    primitives::{
        hash::NodeId,
        number::UnixTime,
        peer::{Ban, BanSubject, PeerAddress, PeerBatch, PeerRecord, PeerSource},
    },
    store::{
        MAX_BAN_RECORDS, MAX_PEER_RECORDS, Store, StoreView, StoredPeers, memory::MemoryStore,
        test_chain::TestChain,
    },
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
    assert_eq!(store.peers(), Ok(StoredPeers::default()));
    store.commit_peers(&batch()).expect("writes");
    let saved = store.peers().expect("readable").saved;
    assert_eq!((saved.records.len(), saved.bans.len()), (2, 1));
    store.check().expect("whole");
}

#[test]
fn no_more_are_kept_than_are_read_back() {
    let chain = TestChain::starting_at(5);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = chain.open(directory.path()).expect("opens");
    let id = |index: usize| {
        let mut id = [9; 64];
        id[..8].copy_from_slice(&index.to_be_bytes());
        NodeId::new(id)
    };
    let name = "n".repeat(PeerAddress::MAX_NAME_BYTES);
    let address = PeerAddress::new(&name, 5050).expect("a name");
    let records = (0..MAX_PEER_RECORDS + 1)
        .map(|index| PeerRecord::new(id(index), address.clone(), PeerSource::Discovered));
    let reason = "r".repeat(Ban::MAX_REASON_BYTES);
    let bans = (0..MAX_BAN_RECORDS + 1).map(|index| Ban {
        subject: BanSubject::Node(id(index)),
        reason: reason.clone(),
        ..ban(1, 1)
    });
    let batch = PeerBatch { records: records.collect(), bans: bans.collect(), ..PeerBatch::default() };
    store.commit_peers(&batch).expect("writes");
    let StoredPeers { saved, lost } = store.peers().expect("readable");
    assert_eq!((saved.records.len(), saved.bans.len()), (MAX_PEER_RECORDS, MAX_BAN_RECORDS));
    assert!(lost.is_nothing());
}
