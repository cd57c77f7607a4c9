//! The file of peers, damaged in every way that the chain's file is.

use super::*;

/// A store whose chain is whole, to which files of peers are given one after the other.
struct PeerDamage {
    directory: TempDir,
    store: RedbStore,
    whole: SavedPeers,
}

impl PeerDamage {
    fn new() -> Self {
        let (directory, store) = small().open(&small().bytes);
        Self { directory, store: store.expect("whole"), whole: saved_peers() }
    }

    /// What of a damaged file is lost: what is read is right, and what is not is counted, unless that cannot be.
    fn lost(&self, bytes: &[u8]) -> LostPeers {
        fs::write(peer_file(self.directory.path()), bytes).expect("writable");
        let StoredPeers { saved: SavedPeers { records, bans }, lost } = self.store.peers().expect("readable");
        assert!(records.iter().all(|record| self.whole.records.contains(record)), "{records:?}");
        assert!(bans.iter().all(|ban| self.whole.bans.contains(ban)), "{bans:?}");
        if !lost.uncounted {
            let counted = (records.len() as u64 + lost.records, bans.len() as u64 + lost.bans);
            assert_eq!(counted, (u64::from(PEERS), u64::from(BANS)), "{lost}");
        }
        lost
    }

    /// Remembers somebody else: what was left of the damaged file stays, and nothing is damaged any more.
    fn mend(&self) {
        let mut left = self.store.peers().expect("readable").saved;
        let batch = PeerBatch { records: vec![peer(PEERS)], ..PeerBatch::default() };
        self.store.commit_peers(&batch).expect("writes");
        left.apply(&batch);
        let mended = StoredPeers { saved: left, lost: LostPeers::default() };
        assert_eq!(self.store.peers(), Ok(mended));
        assert_eq!(small().compare(&self.store), Ok(()));
        assert!(self.store.check().is_ok_and(|report| report.lost.is_nothing()));
    }
}

/// Where in the file an entry of [`saved_peers`] begins and ends: sixteen bytes of a name, two counts of four bytes
/// and their checksum, then the peers and the bans. Written from `docs/store-format.md`.
fn entries_of(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut start = 28;
    let mut places = Vec::new();
    while start < bytes.len() {
        let value = u16::from_be_bytes([bytes[start + 2], bytes[start + 3]]);
        let end = start + 4 + usize::from(bytes[start + 1]) + usize::from(value);
        places.push(start..end);
        start = end;
    }
    assert_eq!((start, places.len()), (bytes.len(), usize::from(PEERS + BANS)));
    places
}

#[test]
fn a_flipped_byte_anywhere_in_the_file_of_peers_costs_its_entry_and_no_other() {
    let damage = PeerDamage::new();
    let whole = &small().peer_bytes;
    assert_eq!(damage.lost(whole), LostPeers::default());
    let places = entries_of(whole);
    for offset in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[offset] ^= 0x10;
        let lost = damage.lost(&bytes);
        let expected = match places.iter().position(|place| place.contains(&offset)) {
            // Without the counts every entry is read all the same, but nobody can say that these are all.
            None => LostPeers { uncounted: true, ..LostPeers::default() },
            Some(entry) if entry < usize::from(PEERS) => LostPeers { records: 1, ..LostPeers::default() },
            Some(_) => LostPeers { bans: 1, ..LostPeers::default() },
        };
        assert_eq!(lost, expected, "byte {offset}");
        if lost.uncounted {
            assert_eq!(damage.store.peers().map(|stored| stored.saved), Ok(saved_peers()));
        }
        if offset % 97 == 0 {
            damage.mend();
        }
    }
}

#[test]
fn a_file_of_peers_cut_short_or_zeroed_anywhere_tells_what_it_lost() {
    let damage = PeerDamage::new();
    let whole = &small().peer_bytes;
    let places = entries_of(whole);
    for length in 0..whole.len() {
        let lost = damage.lost(&whole[..length]);
        assert_eq!(lost.uncounted, length < places[0].start, "{length}");
        let left = places.iter().filter(|place| place.end <= length).count();
        let told = (lost.records + lost.bans) as usize;
        assert!(lost.uncounted || told == places.len() - left, "{length}: {lost}");
        if length % 97 == 0 {
            damage.mend();
        }
    }
    for start in (0..whole.len()).step_by(64) {
        let end = (start + 512).min(whole.len());
        let mut bytes = whole.clone();
        bytes[start..end].fill(0);
        let lost = damage.lost(&bytes);
        let hit = places.iter().filter(|place| place.start < end && start < place.end).count();
        let told = (lost.records + lost.bans) as usize;
        assert!(lost.uncounted || told == hit, "{start}: {lost}, {hit} were hit");
    }
}

#[test]
fn random_flips_in_the_file_of_peers_never_panic_and_never_make_up_a_peer() {
    let damage = PeerDamage::new();
    let mut told = 0;
    for seed in 0..2_000 {
        let mut random = Random::from_parts(&[0x9a6e, seed]);
        let mut bytes = small().peer_bytes.clone();
        for _ in 0..random.between(1, 20) {
            let place = random.between(0, bytes.len() as u64 - 1) as usize;
            bytes[place] ^= 1 << random.between(0, 7);
        }
        told += u64::from(!damage.lost(&bytes).is_nothing());
        if seed % 50 == 0 {
            damage.mend();
        }
    }
    assert_eq!(told, 2_000, "every flip was noticed");
}

#[test]
fn a_file_of_peers_that_is_gone_is_nothing_to_remember_and_a_foreign_one_is_told() {
    let damage = PeerDamage::new();
    fs::remove_file(peer_file(damage.directory.path())).expect("it is there");
    assert_eq!(damage.store.peers(), Ok(StoredPeers::default()));
    damage.mend();
    let uncounted = LostPeers { uncounted: true, ..LostPeers::default() };
    for foreign in [&b""[..], b"rustock peers 1\n", b"nothing of ours", &[7; 2 << 20]] {
        assert_eq!(damage.lost(foreign), uncounted);
        assert_eq!(damage.store.check().map(|report| report.lost), Ok(uncounted));
        damage.mend();
    }
}

#[test]
fn a_file_of_peers_that_cannot_be_read_is_an_error_and_costs_no_header() {
    let damage = PeerDamage::new();
    let file = peer_file(damage.directory.path());
    fs::remove_file(&file).expect("it is there");
    fs::create_dir(&file).expect("writable");
    assert!(matches!(damage.store.peers(), Err(StoreError::Io { .. })));
    let batch = PeerBatch { records: vec![peer(PEERS)], ..PeerBatch::default() };
    assert!(matches!(damage.store.commit_peers(&batch), Err(StoreError::Io { .. })));
    assert_eq!(small().compare(&damage.store), Ok(()));
}

#[test]
fn a_change_of_peers_that_was_cut_off_is_no_change_and_the_next_one_is() {
    let damage = PeerDamage::new();
    let unfinished = damage.directory.path().join("peers.dat.new");
    fs::write(&unfinished, &small().peer_bytes[..100]).expect("writable");
    assert_eq!(damage.store.peers(), Ok(whole_peers()));
    damage.mend();
    assert!(!unfinished.exists());
}
