use core::net::{Ipv4Addr, SocketAddr};

use proptest::prelude::*;

use super::*;

fn id(number: u64) -> NodeId {
    let mut bytes = [0; 64];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    NodeId::new(bytes)
}

/// An address in a /16 of its own, one of many.
fn apart(number: u64) -> SocketAddr {
    let number = number as u32;
    SocketAddr::new(Ipv4Addr::from((11 << 24) + (number << 16) + 1).into(), 5050)
}

/// As many ids as asked for in the bucket at this distance from `local`.
fn ids_at(local: &NodeId, distance: u16, count: usize) -> Vec<NodeId> {
    let place = Place::of(local);
    (1_000..).map(id).filter(|id| Place::of(id).distance(&place) == distance).take(count).collect()
}

#[test]
fn a_full_bucket_names_the_node_unseen_the_longest_and_takes_nobody() {
    let mut table = NodeTable::new(id(0));
    let ids = ids_at(&id(0), 256, 18);
    for (number, id) in ids[..16].iter().enumerate() {
        assert_eq!(table.add(*id, apart(number as u64)), Added::New);
    }
    let oldest = Node { id: ids[0], address: apart(0) };
    assert_eq!(table.add(ids[16], apart(16)), Added::Full(oldest));
    assert_eq!(table.len(), 16);

    table.mark_seen(&ids[0]);
    assert_eq!(table.add(ids[16], apart(16)), Added::Full(Node { id: ids[1], address: apart(1) }));
    assert_eq!(table.add(ids[1], apart(77)), Added::Refreshed, "it is in already");
    assert_eq!(table.get(&ids[1]).expect("in").address, apart(1), "the address stays");
    assert_eq!(table.add(ids[17], apart(17)), Added::Full(Node { id: ids[2], address: apart(2) }));

    assert_eq!(table.remove(&ids[2]), Some(Node { id: ids[2], address: apart(2) }));
    assert_eq!(table.add(ids[17], apart(17)), Added::New);
}

#[test]
fn a_subnet_has_its_share_of_a_bucket_and_of_the_table() {
    let address = |number: u32| SocketAddr::new(Ipv4Addr::from((8 << 24) + number).into(), 5050);
    let mut table = NodeTable::new(id(0));
    let ids = ids_at(&id(0), 256, 3);
    assert_eq!(table.add(ids[0], address(1)), Added::New);
    assert_eq!(table.add(ids[1], address(2)), Added::New);
    assert_eq!(table.add(ids[2], address(3)), Added::SubnetFull);
    assert_eq!(table.add(ids[2], apart(1)), Added::New);

    for distance in 251..=254 {
        for id in ids_at(&id(0), distance, 2) {
            assert_eq!(table.add(id, address(u32::from(distance))), Added::New);
        }
    }
    let last = ids_at(&id(0), 250, 1)[0];
    assert_eq!(table.add(last, address(9)), Added::SubnetFull);
    table.remove(&ids[0]);
    assert_eq!(table.add(last, address(9)), Added::New);
}

#[test]
fn nodes_of_our_own_network_are_not_counted_by_subnet() {
    let mut table = NodeTable::new(id(0));
    for (number, id) in ids_at(&id(0), 256, 16).into_iter().enumerate() {
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 5050 + number as u16);
        assert_eq!(table.add(id, address), Added::New);
        assert!(table.has_address(address));
    }
}

#[test]
fn we_are_not_in_our_own_table() {
    assert_eq!(NodeTable::new(id(0)).add(id(0), apart(1)), Added::Ourselves);
}

#[test]
fn distances_are_those_of_the_double_hash() {
    let place = Place::of(&id(1));
    assert_eq!(place.distance(&place), 0);
    assert_eq!(place.distance(&Place::of(&id(2))), Place::of(&id(2)).distance(&place));
}

/// A table as simple as can be: a list, the longest unseen first.
#[derive(Default)]
struct Naive(Vec<(NodeId, SocketAddr)>);

impl Naive {
    fn bucket(&self, local: &NodeId, id: &NodeId) -> Vec<(NodeId, SocketAddr)> {
        let index = |id: &NodeId| Place::of(id).distance(&Place::of(local)).max(1) - 1;
        self.0.iter().filter(|(other, _)| index(other) == index(id)).copied().collect()
    }

    fn add(&mut self, local: &NodeId, id: NodeId, address: SocketAddr) -> Added {
        if id == *local {
            return Added::Ourselves;
        }
        if let Some(position) = self.0.iter().position(|(other, _)| *other == id) {
            let entry = self.0.remove(position);
            self.0.push(entry);
            return Added::Refreshed;
        }
        let bucket = self.bucket(local, &id);
        let near = |list: &[(NodeId, SocketAddr)]| {
            let subnet = |address: &SocketAddr| match address.ip() {
                core::net::IpAddr::V4(ip) => ip.octets()[..2].to_vec(),
                core::net::IpAddr::V6(ip) => ip.octets()[..4].to_vec(),
            };
            list.iter().filter(|(_, other)| subnet(other) == subnet(&address)).count()
        };
        if near(&bucket) >= SUBNET_IN_BUCKET || near(&self.0) >= SUBNET_IN_TABLE {
            return Added::SubnetFull;
        }
        if bucket.len() >= BUCKET_SIZE {
            return Added::Full(Node { id: bucket[0].0, address: bucket[0].1 });
        }
        self.0.push((id, address));
        Added::New
    }

    fn nearest_to(&self, id: &NodeId) -> Vec<NodeId> {
        let mut ids: Vec<_> = self.0.iter().map(|(id, _)| *id).collect();
        ids.sort();
        ids.sort_by_key(|other| Place::of(other).distance(&Place::of(id)));
        ids
    }
}

proptest! {
    #[test]
    fn behaves_like_a_list(steps in proptest::collection::vec((0u8..8, 0u64..90, 0u64..24), 1..300)) {
        let local = id(0);
        let (mut table, mut naive) = (NodeTable::new(local), Naive::default());
        for (step, node, place) in steps {
            match step {
                0 => {
                    let found = naive.0.iter().position(|(other, _)| *other == id(node));
                    let removed = found.map(|position| naive.0.remove(position));
                    prop_assert_eq!(table.remove(&id(node)).map(|node| (node.id, node.address)), removed);
                }
                1 => {
                    table.mark_seen(&id(node));
                    if let Some(position) = naive.0.iter().position(|(other, _)| *other == id(node)) {
                        let entry = naive.0.remove(position);
                        naive.0.push(entry);
                    }
                }
                _ => prop_assert_eq!(table.add(id(node), apart(place)), naive.add(&local, id(node), apart(place))),
            }
            prop_assert_eq!(table.len(), naive.0.len());
            for place in 0..24 {
                let is_there = naive.0.iter().any(|(_, address)| *address == apart(place));
                prop_assert_eq!(table.has_address(apart(place)), is_there);
            }
        }
        let nearest: Vec<_> = table.nearest_to(&id(7)).into_iter().map(|node| node.id).collect();
        prop_assert_eq!(nearest, naive.nearest_to(&id(7)));
    }
}
