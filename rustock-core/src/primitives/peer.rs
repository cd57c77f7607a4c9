//! Peers as values: where they are reached, which part of the network they belong to, what is remembered of
//! them, and who is banned.
//!
//! No RSKIP. Stands where rskj has `Node`, `InetAddressCidrBlock` and `PeerScoring`; rskj keeps none of it.

use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use std::collections::BTreeSet;

use crate::primitives::{hash::NodeId, number::UnixTime};

/// A host: an IP address, or a DNS name that is looked up when it is dialled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerHost {
    /// An address. One of IPv4 inside IPv6 is kept as IPv4.
    Ip(IpAddr),
    /// A DNS name.
    Name(String),
}

/// Where a peer listens. One port serves TCP and UDP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddress {
    /// The host.
    pub host: PeerHost,
    /// The port; never 0.
    pub port: u16,
}

impl PeerAddress {
    /// The longest host name: DNS allows no longer one.
    pub const MAX_NAME_BYTES: usize = 253;

    /// Reads a host as an address if it is one; IPv6 without brackets. `None` for an empty or overlong name and
    /// for port 0.
    pub fn new(host: &str, port: u16) -> Option<Self> {
        if host.is_empty() || host.len() > Self::MAX_NAME_BYTES || port == 0 {
            return None;
        }
        let host = match host.parse::<IpAddr>() {
            Ok(ip) => PeerHost::Ip(ip.to_canonical()),
            Err(_) => PeerHost::Name(host.to_owned()),
        };
        Some(Self { host, port })
    }

    /// An address that is known by number.
    pub fn from_ip(ip: IpAddr, port: u16) -> Self {
        Self { host: PeerHost::Ip(ip.to_canonical()), port }
    }

    /// The IP address, unless it is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match &self.host {
            PeerHost::Ip(ip) => Some(*ip),
            PeerHost::Name(_) => None,
        }
    }

    /// The host as text; IPv6 without brackets.
    pub fn host_text(&self) -> String {
        match &self.host {
            PeerHost::Ip(ip) => ip.to_string(),
            PeerHost::Name(name) => name.clone(),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            PeerHost::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            PeerHost::Ip(IpAddr::V4(ip)) => write!(f, "{ip}:{}", self.port),
            PeerHost::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// The part of the network that one operator plausibly holds: a /16 of IPv4, a /32 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subnet {
    /// The first two bytes.
    V4([u8; 2]),
    /// The first four bytes.
    V6([u8; 4]),
}

impl Subnet {
    /// The subnet of an address.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, _, _] = ip.octets();
                Self::V4([a, b])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.octets();
                Self::V6([a, b, c, d])
            }
        }
    }
}

/// True for addresses that lead nowhere outside this machine or its own network: strangers that name them would
/// make us knock at our own doors.
pub fn is_local(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => {
            ip.is_unspecified()
                || ip.is_loopback()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
        }
    }
}

/// How a peer came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PeerSource {
    /// The user named it.
    Configured,
    /// It comes with the library.
    Bundled,
    /// Found by discovery.
    Discovered,
    /// It connected to us.
    Inbound,
}

impl PeerSource {
    /// A short name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Bundled => "bundled",
            Self::Discovered => "discovered",
            Self::Inbound => "inbound",
        }
    }
}

/// What is remembered of a peer. Nothing in it is a claim of the peer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRecord {
    /// Who it is.
    pub id: NodeId,
    /// Where it listens.
    pub address: PeerAddress,
    /// How it came to be known.
    pub source: PeerSource,
    /// When a session with it last was established.
    pub last_success: Option<UnixTime>,
    /// When it last could not be used.
    pub last_failure: Option<UnixTime>,
    /// Attempts in a row that led to no session.
    pub attempts: u32,
    /// Penalty points it had when this was written.
    pub penalty: u32,
    /// Headers it served that passed every rule.
    pub verified_headers: u64,
    /// Average speed of its headers, bytes per second; 0 when not measured.
    pub bytes_per_second: u32,
    /// Average time it takes to answer, in milliseconds; 0 when not measured.
    pub latency_millis: u32,
}

impl PeerRecord {
    /// A peer of which nothing is known but where it is.
    pub fn new(id: NodeId, address: PeerAddress, source: PeerSource) -> Self {
        Self {
            id,
            address,
            source,
            last_success: None,
            last_failure: None,
            attempts: 0,
            penalty: 0,
            verified_headers: 0,
            bytes_per_second: 0,
            latency_millis: 0,
        }
    }

    /// True when it has served headers that passed every rule.
    pub fn is_proven(&self) -> bool {
        self.verified_headers > 0
    }
}

/// Who is banned: a node, or the addresses that somebody with one of them has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BanSubject {
    /// A node id.
    Node(NodeId),
    /// One IPv4 address.
    Ip4(Ipv4Addr),
    /// A /64 of IPv6: its first eight bytes.
    Ip6([u8; 8]),
}

impl BanSubject {
    /// The address part that stands for an address.
    pub fn of_ip(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::Ip4(ip),
            IpAddr::V6(ip) => {
                let mut prefix = [0; 8];
                prefix.copy_from_slice(&ip.octets()[..8]);
                Self::Ip6(prefix)
            }
        }
    }
}

impl fmt::Display for BanSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(id) => id.fmt(f),
            Self::Ip4(ip) => ip.fmt(f),
            Self::Ip6(prefix) => {
                let mut bytes = [0; 16];
                bytes[..8].copy_from_slice(prefix);
                write!(f, "{}/64", Ipv6Addr::from(bytes))
            }
        }
    }
}

/// A ban, in force or remembered so that the next one is longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Who.
    pub subject: BanSubject,
    /// When it ends. [`Ban::FOREVER`] for one without an end.
    pub until: UnixTime,
    /// Bans of this subject so far, this one included.
    pub strikes: u32,
    /// True when the user asked for it.
    pub by_user: bool,
    /// What it is for, in words of ours; at most [`Ban::MAX_REASON_BYTES`].
    pub reason: String,
}

impl Ban {
    /// The end of a ban that has none.
    pub const FOREVER: UnixTime = UnixTime::from_secs(u64::MAX);
    /// The longest reason.
    pub const MAX_REASON_BYTES: usize = 64;

    /// True while it holds.
    pub fn is_active(&self, now: UnixTime) -> bool {
        self.until == Self::FOREVER || now < self.until
    }
}

/// Changes to what is remembered of peers, to be made durable together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerBatch {
    /// Records to write, each over the one of the same id.
    pub records: Vec<PeerRecord>,
    /// Ids whose record goes.
    pub forgotten: Vec<NodeId>,
    /// Bans to write, each over the one of the same subject.
    pub bans: Vec<Ban>,
    /// Subjects whose ban goes.
    pub lifted: Vec<BanSubject>,
}

impl PeerBatch {
    /// Adds what a later batch changes, over what this one says of the same.
    pub fn absorb(&mut self, later: Self) {
        let of =
            |records: &[PeerRecord]| -> BTreeSet<NodeId> { records.iter().map(|record| record.id).collect() };
        let ids: BTreeSet<NodeId> =
            of(&later.records).into_iter().chain(later.forgotten.iter().copied()).collect();
        self.records.retain(|record| !ids.contains(&record.id));
        self.forgotten.retain(|id| !ids.contains(id));
        let bans = later.bans.iter().map(|ban| ban.subject);
        let subjects: BTreeSet<BanSubject> = bans.chain(later.lifted.iter().copied()).collect();
        self.bans.retain(|ban| !subjects.contains(&ban.subject));
        self.lifted.retain(|subject| !subjects.contains(subject));
        self.records.extend(later.records);
        self.forgotten.extend(later.forgotten);
        self.bans.extend(later.bans);
        self.lifted.extend(later.lifted);
    }

    /// True when it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.forgotten.is_empty() && self.bans.is_empty() && self.lifted.is_empty()
    }
}

/// Everything that is remembered of peers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavedPeers {
    /// Records, by id.
    pub records: Vec<PeerRecord>,
    /// Bans, by subject.
    pub bans: Vec<Ban>,
}

impl SavedPeers {
    /// Makes the changes of a batch.
    pub fn apply(&mut self, batch: &PeerBatch) {
        let ids = batch.records.iter().map(|record| record.id);
        let ids: BTreeSet<NodeId> = ids.chain(batch.forgotten.iter().copied()).collect();
        self.records.retain(|record| !ids.contains(&record.id));
        self.records.extend(batch.records.iter().cloned());
        self.records.sort_by_key(|record| record.id);
        let subjects = batch.bans.iter().map(|ban| ban.subject);
        let subjects: BTreeSet<BanSubject> = subjects.chain(batch.lifted.iter().copied()).collect();
        self.bans.retain(|ban| !subjects.contains(&ban.subject));
        self.bans.extend(batch.bans.iter().cloned());
        self.bans.sort_by_key(|ban| ban.subject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn neighbours_share_a_subnet_and_the_next_one_does_not() {
        assert_eq!(Subnet::of(ip("203.0.113.7")), Subnet::of(ip("203.0.255.255")));
        assert_ne!(Subnet::of(ip("203.0.113.7")), Subnet::of(ip("203.1.113.7")));
        assert_eq!(Subnet::of(ip("2001:db8::1")), Subnet::of(ip("2001:db8:ffff::1")));
        assert_ne!(Subnet::of(ip("2001:db8::1")), Subnet::of(ip("2001:db9::1")));
        assert_eq!(Subnet::of(ip("::ffff:203.0.113.7")), Subnet::of(ip("203.0.1.1")));
    }

    #[test]
    fn a_ban_meets_one_address_of_ipv4_and_sixty_four_bits_of_ipv6() {
        assert_ne!(BanSubject::of_ip(ip("203.0.113.7")), BanSubject::of_ip(ip("203.0.113.8")));
        assert_eq!(BanSubject::of_ip(ip("2001:db8::1")), BanSubject::of_ip(ip("2001:db8::ffff:1")));
        assert_ne!(BanSubject::of_ip(ip("2001:db8::1")), BanSubject::of_ip(ip("2001:db8:0:1::1")));
        assert_eq!(BanSubject::of_ip(ip("::ffff:203.0.113.7")), BanSubject::of_ip(ip("203.0.113.7")));
        assert_eq!(BanSubject::of_ip(ip("2001:db8::1")).to_string(), "2001:db8::/64");
    }

    #[test]
    fn doors_of_our_own_are_told_from_those_of_the_internet() {
        for local in
            ["127.0.0.1", "10.1.1.1", "192.168.0.1", "172.16.0.1", "169.254.1.1", "0.0.0.0", "100.64.0.1"]
        {
            assert!(is_local(ip(local)), "{local}");
        }
        for local in ["::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "255.255.255.255"] {
            assert!(is_local(ip(local)), "{local}");
        }
        for public in ["203.0.113.7", "172.32.0.1", "100.128.0.1", "100.63.0.1", "223.1.1.1", "2001:db8::1"] {
            assert!(!is_local(ip(public)), "{public}");
        }
    }

    #[test]
    fn hosts_are_read_as_addresses_where_they_are_ones() {
        let address = |host: &str| PeerAddress::new(host, 5050).map(|address| address.to_string());
        assert_eq!(address("203.0.113.7").as_deref(), Some("203.0.113.7:5050"));
        assert_eq!(address("2001:db8::1").as_deref(), Some("[2001:db8::1]:5050"));
        assert_eq!(address("bootstrap01.rsk.co").as_deref(), Some("bootstrap01.rsk.co:5050"));
        assert_eq!(address(""), None);
        assert!(address(&"a".repeat(253)).is_some());
        assert_eq!(address(&"a".repeat(254)), None);
        assert_eq!(PeerAddress::new("host", 0), None);
    }

    #[test]
    fn a_later_batch_has_the_last_word() {
        let id = |byte| NodeId::new([byte; 64]);
        let record = |byte, port| {
            PeerRecord::new(id(byte), PeerAddress::from_ip(ip("203.0.113.7"), port), PeerSource::Discovered)
        };
        let mut batch = PeerBatch {
            records: vec![record(1, 1), record(2, 1)],
            forgotten: vec![id(3)],
            ..PeerBatch::default()
        };
        let later = PeerBatch {
            records: vec![record(1, 2), record(3, 2)],
            forgotten: vec![id(2)],
            ..PeerBatch::default()
        };
        batch.absorb(later.clone());
        assert_eq!(batch, later);
    }

    #[test]
    fn a_ban_holds_until_its_time_and_not_a_second_longer() {
        let mut ban = Ban {
            subject: BanSubject::of_ip(ip("203.0.113.7")),
            until: UnixTime::from_secs(100),
            strikes: 1,
            by_user: false,
            reason: "invalid header".to_owned(),
        };
        assert!(ban.is_active(UnixTime::from_secs(99)));
        assert!(!ban.is_active(UnixTime::from_secs(100)));
        ban.until = Ban::FOREVER;
        assert!(ban.is_active(UnixTime::from_secs(u64::MAX)));
    }
}
