//! Addresses and names that may lead to nodes, until they are tried.

use core::net::{IpAddr, SocketAddr};

use super::address::{Subnet, is_usable};
use super::bounded::BoundedMap;
use super::budget::TokenBucket;
use super::config::BootNode;
use super::limits::{
    BOOT_NODES, HINT_AGAIN, HINT_RATE, NAME_AGAIN, NAME_BYTES, NAME_RATE, REMEMBERED_ADDRESSES,
    REMEMBERED_NAMES, TRIED_FOR_NAME, WAITING_HINTS, WAITING_IN_SUBNET,
};
use crate::proto::time::Timestamp;

#[derive(Debug)]
struct Name {
    ports: Vec<u16>,
    is_trusted: bool,
    asked: Timestamp,
    is_waiting: bool,
}

/// What may be tried. Trusted addresses, which are those of boot nodes and those that once proved good, come first
/// and may be tried again at once; all others wait their turn.
#[derive(Debug)]
pub(super) struct Hints {
    local_networks: bool,
    trusted: BoundedMap<SocketAddr, ()>,
    told: BoundedMap<SocketAddr, ()>,
    tried: BoundedMap<SocketAddr, Timestamp>,
    names: BoundedMap<String, Name>,
    rate: TokenBucket,
    name_rate: TokenBucket,
}

impl Hints {
    pub fn new(local_networks: bool, now: Timestamp) -> Self {
        Self {
            local_networks,
            trusted: BoundedMap::new(BOOT_NODES * TRIED_FOR_NAME),
            told: BoundedMap::new(WAITING_HINTS),
            tried: BoundedMap::new(REMEMBERED_ADDRESSES),
            names: BoundedMap::new(REMEMBERED_NAMES),
            rate: TokenBucket::new(HINT_RATE, now),
            name_rate: TokenBucket::new(NAME_RATE, now),
        }
    }

    /// Entries of all maps.
    pub fn len(&self) -> usize {
        self.trusted.len() + self.told.len() + self.tried.len() + self.names.len()
    }

    /// Takes an address that we have reason to try.
    pub fn add_trusted(&mut self, address: SocketAddr) {
        if is_usable(address, self.local_networks) {
            self.trusted.insert(address, ());
        }
    }

    /// Takes a boot node; the name to be resolved, if it has one.
    pub fn add_boot_node(&mut self, now: Timestamp, boot_node: &BootNode) -> Option<String> {
        match boot_node.host.parse::<IpAddr>() {
            Ok(ip) => {
                self.add_trusted(SocketAddr::new(ip.to_canonical(), boot_node.port));
                None
            }
            Err(_) => self.add_name(now, &boot_node.host, boot_node.port, true),
        }
    }

    /// Takes what a node told of another; the name to be resolved, if it has one.
    pub fn add_told(&mut self, now: Timestamp, host: &str, port: u32) -> Option<String> {
        let port = u16::try_from(port).ok().filter(|port| *port != 0)?;
        match host.parse::<IpAddr>() {
            Ok(ip) => {
                self.add_told_address(now, SocketAddr::new(ip.to_canonical(), port));
                None
            }
            Err(_) => self.add_name(now, host, port, false),
        }
    }

    fn add_told_address(&mut self, now: Timestamp, address: SocketAddr) {
        let was_tried = self.tried.get(&address).is_some_and(|tried| now.since(*tried) < HINT_AGAIN);
        if was_tried || self.told.get(&address).is_some() || !is_usable(address, self.local_networks) {
            return;
        }
        if let Some(subnet) = Subnet::of(address.ip()) {
            let in_subnet = self.told.keys().filter(|other| Subnet::of(other.ip()) == Some(subnet)).count();
            if in_subnet >= WAITING_IN_SUBNET {
                return;
            }
        }
        self.told.insert(address, ());
    }

    fn add_name(&mut self, now: Timestamp, host: &str, port: u16, is_trusted: bool) -> Option<String> {
        let is_name = host.len() <= NAME_BYTES
            && !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        if !is_name || port == 0 {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let mut ports = vec![port];
        if let Some(mut known) = self.names.remove(&host) {
            let is_fresh = now.since(known.asked) < NAME_AGAIN;
            known.is_trusted |= is_trusted;
            if known.ports.len() < TRIED_FOR_NAME && !known.ports.contains(&port) {
                known.ports.push(port);
            }
            // Whoever named the boot nodes may ask for them again as often as boot rounds come.
            if is_fresh && (known.is_waiting || !is_trusted) {
                self.names.insert(host, known);
                return None;
            }
            ports = known.ports;
        }
        if !is_trusted && !self.name_rate.take(now) {
            return None;
        }
        self.names.insert(host.clone(), Name { ports, is_trusted, asked: now, is_waiting: true });
        Some(host)
    }

    /// Takes the addresses of a name that was asked for. Others are ignored.
    pub fn resolved(&mut self, now: Timestamp, host: &str, addresses: &[IpAddr]) {
        let Some(mut name) = self.names.remove(&host.to_ascii_lowercase()) else { return };
        if name.is_waiting {
            for ip in addresses.iter().take(TRIED_FOR_NAME) {
                for port in &name.ports {
                    let address = SocketAddr::new(ip.to_canonical(), *port);
                    if name.is_trusted {
                        self.add_trusted(address);
                    } else {
                        self.add_told_address(now, address);
                    }
                }
            }
            name.is_waiting = false;
        }
        self.names.insert(host.to_ascii_lowercase(), name);
    }

    /// Remembers that an address was pinged, for whatever reason.
    pub fn mark_tried(&mut self, now: Timestamp, address: SocketAddr) {
        self.tried.insert(address, now);
    }

    /// The next address to try, as fast as we allow ourselves.
    pub fn next(&mut self, now: Timestamp) -> Option<SocketAddr> {
        if self.is_empty() || !self.rate.take(now) {
            return None;
        }
        let (address, ()) = self.trusted.pop_oldest().or_else(|| self.told.pop_oldest())?;
        self.mark_tried(now, address);
        Some(address)
    }

    /// When [`Self::next`] has something, if nothing is added before.
    pub fn next_timeout(&self, now: Timestamp) -> Option<Timestamp> {
        (!self.is_empty()).then(|| self.rate.next(now))
    }

    fn is_empty(&self) -> bool {
        self.trusted.len() + self.told.len() == 0
    }

    /// Drops what strangers told.
    pub fn drop_told(&mut self) {
        self.told.clear();
    }

    /// Makes every address worth a try again.
    pub fn forget_tried(&mut self) {
        self.tried.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn hints() -> Hints {
        Hints::new(false, NOW)
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn later(millis: u64) -> Timestamp {
        Timestamp::from_millis(NOW.as_millis() + millis)
    }

    #[test]
    fn trusted_addresses_come_first_and_told_ones_once_in_a_while() {
        let mut hints = hints();
        assert_eq!(hints.add_told(NOW, "8.8.8.8", 1), None);
        hints.add_trusted(address("9.9.9.9:1"));
        assert_eq!(hints.next(NOW), Some(address("9.9.9.9:1")));
        assert_eq!(hints.next(NOW), Some(address("8.8.8.8:1")));
        assert_eq!(hints.next(NOW), None);
        hints.add_told(later(299_999), "8.8.8.8", 1);
        assert_eq!(hints.next(later(299_999)), None);
        hints.add_told(later(300_000), "8.8.8.8", 1);
        assert_eq!(hints.next(later(300_000)), Some(address("8.8.8.8:1")));
    }

    #[test]
    fn what_cannot_be_a_node_is_not_taken() {
        let mut hints = hints();
        for (host, port) in [
            ("127.0.0.1", 1),
            ("8.8.8.8", 0),
            ("8.8.8.8", 65_536),
            ("fe80::1", 1),
            ("a b", 1),
            ("fe80::1%eth0", 1),
        ] {
            assert_eq!(hints.add_told(NOW, host, port), None);
        }
        assert_eq!(hints.len(), 0);
        hints.add_told(NOW, "::ffff:8.8.8.8", 65_535);
        assert_eq!(hints.next(NOW), Some(address("8.8.8.8:65535")));
    }

    #[test]
    fn a_subnet_has_its_share_of_the_queue() {
        let mut hints = hints();
        for last in 0..255 {
            hints.add_told(NOW, &format!("8.8.1.{last}"), 1);
        }
        assert_eq!(hints.told.len(), WAITING_IN_SUBNET);
        hints.add_told(NOW, "8.9.1.1", 1);
        assert_eq!(hints.told.len(), WAITING_IN_SUBNET + 1);
    }

    #[test]
    fn a_name_is_asked_for_once_and_all_its_ports_are_tried() {
        let mut hints = hints();
        assert_eq!(hints.add_told(NOW, "Node.example", 1), Some("node.example".to_owned()));
        assert_eq!(hints.add_told(NOW, "node.example", 2), None);
        hints.resolved(NOW, "other.example", &[address("9.9.9.9:1").ip()]);
        hints.resolved(NOW, "node.example", &[address("8.8.8.8:1").ip(), address("10.0.0.1:1").ip()]);
        hints.resolved(NOW, "node.example", &[address("7.7.7.7:1").ip()]);
        assert_eq!(hints.next(NOW), Some(address("8.8.8.8:1")));
        assert_eq!(hints.next(NOW), Some(address("8.8.8.8:2")));
        assert_eq!(hints.next(NOW), None);
        assert_eq!(hints.add_told(later(299_999), "node.example", 1), None);
        assert!(hints.add_told(later(300_000), "node.example", 1).is_some());
    }

    #[test]
    fn names_told_by_others_are_asked_for_slowly_and_remembered_within_bounds() {
        let mut hints = hints();
        let asked = (0..1_000).filter(|n| hints.add_told(NOW, &format!("n{n}.example"), 1).is_some()).count();
        assert_eq!(asked, NAME_RATE.burst as usize);
        for second in 0..1_000 {
            hints.add_told(later(second * 1_000), &format!("m{second}.example"), 1);
        }
        assert_eq!(hints.names.len(), REMEMBERED_NAMES);
        let boot_node = BootNode { host: "boot.example".to_owned(), port: 1 };
        assert!(hints.add_boot_node(NOW, &boot_node).is_some());
        assert!(hints.add_boot_node(NOW, &boot_node).is_none(), "it waits for an answer");
        hints.resolved(NOW, "boot.example", &[]);
        assert!(hints.add_boot_node(NOW, &boot_node).is_some());
    }
}
