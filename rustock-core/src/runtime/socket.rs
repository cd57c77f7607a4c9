//! Sockets that others reach. One on every address of IPv6 speaks IPv4 too where the system allows it, on each system
//! alike: what they do unasked differs. Whoever speaks IPv4 to it has an IPv4 address inside an IPv6 one, which
//! leaves this folder as the IPv4 address that it is.

use core::net::{IpAddr, SocketAddr};
use std::{
    io,
    net::{TcpListener, UdpSocket},
};

use socket2::{Domain, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// Which families a socket on every address of IPv6 is to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Families {
    /// Its own: there is another socket for IPv4.
    Ipv6,
    /// Both, where the system allows it.
    Both,
}

/// A listening socket that does not block.
pub(super) fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let (socket, _) = open(address, Type::STREAM, Families::Both)?;
    // Elsewhere it would let another program take the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A UDP socket that does not block, and true when it speaks both families.
pub(super) fn bind_udp(address: SocketAddr, families: Families) -> io::Result<(UdpSocket, bool)> {
    let (socket, speaks_both) = open(address, Type::DGRAM, families)?;
    socket.bind(&address.into())?;
    Ok((socket.into(), speaks_both))
}

fn open(address: SocketAddr, kind: Type, families: Families) -> io::Result<(Socket, bool)> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    socket.set_nonblocking(true)?;
    let may_speak_both = address.is_ipv6() && address.ip().is_unspecified();
    let speaks_both = may_speak_both && families == Families::Both && socket.set_only_v6(false).is_ok();
    if may_speak_both && !speaks_both {
        socket.set_only_v6(true)?;
    }
    Ok((socket, speaks_both))
}

/// The address in its shortest form: an IPv4 address inside an IPv6 one is the IPv4 address.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The address as a socket of IPv6 has to be told it.
pub(super) fn inside_ipv6(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_comes_back_from_inside_ipv6() {
        let ipv4 = address("203.0.113.7:5050");
        assert_eq!(inside_ipv6(ipv4), address("[::ffff:203.0.113.7]:5050"));
        assert_eq!(canonical(inside_ipv6(ipv4)), ipv4);
        let ipv6 = address("[2001:db8::1]:5050");
        assert_eq!((inside_ipv6(ipv6), canonical(ipv6)), (ipv6, ipv6));
    }

    #[test]
    fn only_a_socket_on_every_address_of_ipv6_speaks_both_families() {
        for one in ["127.0.0.1:0", "0.0.0.0:0"] {
            let (_, speaks_both) = bind_udp(address(one), Families::Both).expect("a free port");
            assert!(!speaks_both, "{one}");
        }
        let Ok((_, speaks_both)) = bind_udp(address("[::1]:0"), Families::Both) else {
            return println!("this machine has no IPv6: nothing was tested of it");
        };
        assert!(!speaks_both);
        let (_, speaks_both) = bind_udp(address("[::]:0"), Families::Ipv6).expect("a free port");
        assert!(!speaks_both, "it was not asked to");
    }

    #[test]
    fn a_port_is_taken_for_the_families_that_its_socket_speaks() {
        let Ok((socket, speaks_both)) = bind_udp(address("[::]:0"), Families::Both) else {
            return println!("this machine has no IPv6: nothing was tested of it");
        };
        let port = socket.local_addr().expect("bound").port();
        let other = bind_udp(SocketAddr::new([0, 0, 0, 0].into(), port), Families::Both);
        assert_eq!(other.is_err(), speaks_both);
        drop((socket, other));
        let (_ipv6, _) = bind_udp(SocketAddr::new([0; 16].into(), port), Families::Ipv6).expect("free again");
        bind_udp(SocketAddr::new([0, 0, 0, 0].into(), port), Families::Both)
            .expect("free for the other family");
    }
}
