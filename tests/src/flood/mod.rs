//! Everybody who has nothing better to do: floods of packets, connections and frames against the peer layer, and a
//! meter for what it keeps of them.

pub mod attempts;
pub mod frames;
pub mod meter;
pub mod packets;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use rustock_test_support::chainkit::Random;

/// A public address in the /16 with this number; the first 40,000 numbers have one of their own.
pub fn address_in(subnet: usize, host: u16) -> SocketAddr {
    // From 11 upwards without 127, and below the private ranges of 172 and 192.
    let firsts = (11..=126).chain(128..=168);
    let first = firsts.cycle().nth(subnet / 256).expect("endless");
    let [third, fourth] = host.to_be_bytes();
    // The second half of 100.64.0.0/10 and the like: shifted to where everything is public.
    let second = if first == 100 { (subnet % 64) as u8 } else { (subnet % 256) as u8 };
    SocketAddr::new(IpAddr::from(Ipv4Addr::new(first, second, third, fourth)), 5050)
}

/// Any public address.
pub fn any_address(random: &mut Random) -> SocketAddr {
    let subnet = random.between(0, 39_999) as usize;
    address_in(subnet, random.between(1, 65_534) as u16)
}
