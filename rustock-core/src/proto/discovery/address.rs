//! Which addresses are places where a node can be, and which belong together.

use core::net::{IpAddr, SocketAddr};

/// Addresses that probably have one owner: a /16 of IPv4, a /32 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subnet {
    V4([u8; 2]),
    V6([u8; 4]),
}

impl Subnet {
    /// The subnet of an address; none for a local one, as the neighbours on our own network are not counted.
    pub fn of(ip: IpAddr) -> Option<Self> {
        match ip {
            _ if is_local(ip) => None,
            IpAddr::V4(ip) => Some(Self::V4([ip.octets()[0], ip.octets()[1]])),
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.octets();
                Some(Self::V6([a, b, c, d]))
            }
        }
    }
}

/// Who answers for the packets of an address: it alone in IPv4, its /64 in IPv6, and in our own networks, where
/// several nodes share a machine, its port too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    V4([u8; 4]),
    V6([u8; 8]),
    Local(SocketAddr),
}

impl Source {
    pub fn of(address: SocketAddr) -> Self {
        match address.ip() {
            ip if is_local(ip) => Self::Local(address),
            IpAddr::V4(ip) => Self::V4(ip.octets()),
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, g, h, ..] = ip.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

/// The address in its shortest form: an IPv4 address inside an IPv6 one is the IPv4 address.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// True when a node can be there.
pub(super) fn is_usable(address: SocketAddr, local_networks: bool) -> bool {
    address.port() != 0 && !is_nowhere(address.ip()) && (local_networks || !is_local(address.ip()))
}

/// Addresses that no single node has.
fn is_nowhere(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 0 || ip.octets()[0] >= 224,
        IpAddr::V6(ip) => ip.is_unspecified() || ip.is_multicast(),
    }
}

/// Addresses that mean something only on this machine or in its own network.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn no_node_is_at_an_address_of_many_or_of_none() {
        for nowhere in [
            "0.0.0.0:1",
            "0.1.2.3:1",
            "224.0.0.1:1",
            "255.255.255.255:1",
            "[::]:1",
            "[ff02::1]:1",
            "8.8.8.8:0",
        ] {
            assert!(!is_usable(address(nowhere), true), "{nowhere}");
        }
        assert!(is_usable(address("223.255.255.255:1"), false));
        assert!(is_usable(address("[2001:db8::1]:1"), false));
    }

    #[test]
    fn local_addresses_count_only_where_they_are_allowed() {
        for local in [
            "127.0.0.1:1",
            "10.1.1.1:1",
            "172.16.0.1:1",
            "192.168.0.1:1",
            "169.254.1.1:1",
            "100.64.0.1:1",
            "[::1]:1",
            "[fd00::1]:1",
            "[fe80::1]:1",
        ] {
            assert!(is_usable(address(local), true), "{local}");
            assert!(!is_usable(address(local), false), "{local}");
        }
        for public in ["172.32.0.1:1", "100.128.0.1:1", "11.0.0.1:1"] {
            assert!(is_usable(address(public), false), "{public}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_ipv6_is_seen_through() {
        assert_eq!(canonical(address("[::ffff:127.0.0.1]:9")), address("127.0.0.1:9"));
    }

    #[test]
    fn subnets_are_16_bits_of_ipv4_and_32_of_ipv6() {
        let subnet = |text: &str| Subnet::of(address(text).ip());
        assert_eq!(subnet("8.8.1.1:1"), subnet("8.8.2.2:1"));
        assert_ne!(subnet("8.8.1.1:1"), subnet("8.9.1.1:1"));
        assert_eq!(subnet("[2001:db8:1::]:1"), subnet("[2001:db8:2::]:1"));
        assert_ne!(subnet("[2001:db8::]:1"), subnet("[2001:db9::]:1"));
        assert_eq!(subnet("127.0.0.1:1"), None);
    }

    #[test]
    fn one_machine_is_one_source_but_not_on_our_own_network() {
        let source = |text: &str| Source::of(address(text));
        assert_eq!(source("8.8.8.8:1"), source("8.8.8.8:2"));
        assert_eq!(source("[2001:db8::1]:1"), source("[2001:db8::2]:2"));
        assert_ne!(source("[2001:db8::1]:1"), source("[2001:db8:0:1::1]:1"));
        assert_ne!(source("127.0.0.1:1"), source("127.0.0.1:2"));
    }
}
