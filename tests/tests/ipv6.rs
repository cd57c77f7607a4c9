//! The same over IPv6: found by UDP, a session by TCP, and a listener that speaks both families. On a machine without
//! IPv6 there is nothing to test, which each of these then prints.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use rustock_core::{
    BlockNumber, LightClient, Network, RequestBudget, RunState,
    client::{Builder, Trust},
    consensus::params::NetworkParams,
    primitives::{
        hash::NodeId,
        peer::{BanSubject, PeerSource},
    },
    proto::peers::{Direction, SlotState},
    wire::rlpx::{enode::Enode, keys::SecretKey},
};
use rustock_test_support::{
    chainkit::ChainBuilder,
    peer::{Pace, ServedChain, TestPeer, TestPeerOptions},
};
use rustock_tests::waiting::wait_for;

const DEADLINE: Duration = Duration::from_secs(10);
const BLOCKS: u64 = 400;

/// Whether this machine has an IPv6 address to itself; says so where it has none.
fn has_ipv6() -> bool {
    let bound = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0));
    if let Err(error) = &bound {
        println!("no IPv6 loopback on this machine, so nothing was tested: {error}");
    }
    bound.is_ok()
}

/// Whether a socket on every address of IPv6 is reached by IPv4, if it may be; says so where it is not.
fn has_both_families() -> bool {
    if !has_ipv6() {
        return false;
    }
    let is_reached = || {
        let listener = std::net::TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0))?;
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, listener.local_addr()?.port()))
    };
    if let Err(error) = is_reached() {
        println!("the families are kept apart on this machine, so nothing was tested: {error}");
        return false;
    }
    true
}

async fn node(ip: IpAddr, boot_nodes: &[SocketAddr]) -> TestPeer {
    let chain = ChainBuilder::simnet().seed(61).build(BLOCKS);
    let chain = ServedChain::new(chain.headers().to_vec()).expect("a generated chain is linked");
    let mut options = TestPeerOptions::new(NetworkParams::simnet(), chain);
    options.listen = SocketAddr::new(ip, 0);
    options.pace = Pace::None;
    let boot_nodes = boot_nodes.iter().map(|address| address.to_string().parse().expect("an address"));
    options.discovery = Some(boot_nodes.collect());
    TestPeer::start(options).await.expect("loopback can be listened on")
}

fn simnet() -> Builder {
    LightClient::builder(Network::Simnet).in_memory().request_budget(RequestBudget::UNPACED)
}

/// The nodes with which there is a session, and where they are.
fn connected(client: &LightClient) -> BTreeSet<(NodeId, String)> {
    let peers = client.peers();
    let connected = peers.iter().filter(|peer| peer.state == SlotState::Connected);
    connected.filter_map(|peer| Some((peer.node?, peer.address.as_ref()?.to_string()))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_on_ipv6_are_found_from_one_of_them_and_serve_the_chain() {
    if !has_ipv6() {
        return;
    }
    let loopback = Ipv6Addr::LOCALHOST.into();
    let boot = node(loopback, &[]).await;
    let mut nodes =
        vec![node(loopback, &[boot.local_addr()]).await, node(loopback, &[boot.local_addr()]).await];
    let address = boot.local_addr().to_string();
    assert!(address.starts_with("[::1]:"), "{address}");
    nodes.push(boot);
    let client = simnet().boot_nodes([address]).build().expect("valid");
    client.start().expect("starts");
    let expected = nodes.iter().map(|node| (node.enode().node_id(), node.local_addr().to_string())).collect();
    wait_for(&client, "every node and the chain", |status| {
        let is_synced = status.head.number == BlockNumber::new(BLOCKS) && status.run == RunState::Following;
        is_synced && connected(&client) == expected
    })
    .await;
    assert!(client.peers().iter().all(|peer| peer.source == PeerSource::Discovered));
    assert!(client.stop(DEADLINE).await.in_time);
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_on_every_address_is_found_and_dialled_by_both_families() {
    if !has_both_families() {
        return;
    }
    // Two networks of one node each, which only the host knows to be one.
    let ipv4 = node(Ipv4Addr::LOCALHOST.into(), &[]).await;
    let ipv6 = node(Ipv6Addr::LOCALHOST.into(), &[]).await;
    let key = SecretKey::from_bytes(&[17; 32]).expect("a key");
    let host = simnet()
        .node_key(key.clone())
        .listen(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)))
        .boot_nodes([ipv4.local_addr().to_string(), ipv6.local_addr().to_string()])
        .build()
        .expect("valid");
    host.start().expect("starts");
    let nodes = [&ipv4, &ipv6].map(|node| (node.enode().node_id(), node.local_addr().to_string()));
    wait_for(&host, "a node of each family", |_| connected(&host) == nodes.clone().into()).await;

    let port = host.listening_on().expect("it listens").port();
    for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        // Of the host the guest is told an address of UDP and nothing else.
        let address = SocketAddr::new(ip, port).to_string();
        let guest =
            simnet().listen(SocketAddr::new(ip, 0)).boot_nodes([address.clone()]).build().expect("valid");
        guest.start().expect("starts");
        wait_for(&guest, "the host", |_| connected(&guest).contains(&(key.node_id(), address.clone()))).await;
        assert!(guest.stop(DEADLINE).await.in_time);
    }
    assert!(host.stop(DEADLINE).await.in_time);
    ipv4.stop().await;
    ipv6.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_by_ipv4_to_a_listener_on_ipv6_is_known_and_banned_by_the_ipv4_address() {
    if !has_both_families() {
        return;
    }
    let key = SecretKey::from_bytes(&[18; 32]).expect("a key");
    let host = simnet().node_key(key.clone()).listen(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)));
    let host = host.build().expect("valid");
    host.start().expect("starts");
    let port = host.listening_on().expect("it listens").port();
    let enode = Enode::new(&key.node_id(), "127.0.0.1", port).expect("valid").to_string();
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let guest = simnet().listen(loopback).build().expect("valid");
    guest.start().expect("starts");
    guest.add_peer(&enode, Trust::Trusted).expect("running");
    wait_for(&host, "a session", |_| connected(&host).len() == 1).await;
    let [seen] = &host.peers()[..] else { panic!("one peer: {:?}", host.peers()) };
    assert_eq!(seen.direction, Direction::Inbound);
    let listening = guest.listening_on().expect("it listens");
    assert_eq!(seen.address.as_ref().map(ToString::to_string), Some(listening.to_string()));
    host.ban(BanSubject::of_ip(loopback.ip()), None).expect("running");
    wait_for(&host, "the guest to be gone", |_| connected(&host).is_empty()).await;
    assert!(guest.stop(DEADLINE).await.in_time);
    assert!(host.stop(DEADLINE).await.in_time);
}
