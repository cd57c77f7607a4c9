//! Peers over real sockets: seen, banned, added, remembered, and let in.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use rustock_core::{
    BlockNumber, BuildError, LightClient, Network, RequestBudget, RunState, Status,
    client::{Builder, Diagnostic, Discovery, NextDiagnostic, PeerError, Trust},
    consensus::params::NetworkParams,
    primitives::{
        hash::NodeId,
        peer::{BanSubject, PeerSource},
    },
    proto::{
        peers::{Direction, SlotState},
        session::MessageClass,
    },
    store::LostPeers,
    wire::rlpx::{enode::Enode, keys::SecretKey},
};
use rustock_test_support::{
    chainkit::ChainBuilder,
    peer::{Misbehaviour, Pace, ServedChain, TestPeer, TestPeerOptions, WrongHeaders},
};
use rustock_tests::waiting::wait_for;

const DEADLINE: Duration = Duration::from_secs(5);
const BLOCKS: u64 = 400;

fn options() -> TestPeerOptions {
    let chain = ChainBuilder::simnet().seed(1).build(BLOCKS);
    let chain = ServedChain::new(chain.headers().to_vec()).expect("a generated chain is linked");
    let mut options = TestPeerOptions::new(NetworkParams::simnet(), chain);
    options.pace = Pace::None;
    options
}

async fn peer(options: TestPeerOptions) -> TestPeer {
    TestPeer::start(options).await.expect("loopback can be listened on")
}

fn simnet() -> Builder {
    LightClient::builder(Network::Simnet).request_budget(RequestBudget::UNPACED)
}

async fn wait_until_synced(client: &LightClient) {
    let is_synced =
        |status: &Status| status.head.number == BlockNumber::new(BLOCKS) && status.run == RunState::Following;
    wait_for(client, "the whole chain", is_synced).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connected_peer_is_seen_with_what_it_served_and_what_went_through() {
    let peer = peer(options()).await;
    let client = simnet().in_memory().trusted_peers([peer.enode().to_string()]).build().expect("valid");
    assert!(client.peers().is_empty());
    client.start().expect("starts");
    wait_until_synced(&client).await;
    let [seen] = &client.peers()[..] else { panic!("one peer: {:?}", client.peers()) };
    assert_eq!(seen.node, Some(peer.enode().node_id()));
    assert_eq!((seen.source, seen.is_trusted), (PeerSource::Configured, true));
    assert_eq!((seen.direction, seen.state), (Direction::Outbound, SlotState::Connected));
    assert_eq!(seen.verified_headers, BLOCKS);
    assert!(seen.client_id.is_some());
    let headers = seen.traffic.of(MessageClass::Headers);
    assert!(headers.bytes_in > BLOCKS * 500 && headers.bytes_out > 0, "{headers:?}");
    assert!(seen.traffic.of(MessageClass::Base).messages_out > 0, "Hello");
    assert_eq!(seen.traffic.of(MessageClass::Transactions).messages_in, 0);
    client.stop(DEADLINE).await;
}

/// Bytes of headers on the wire in a whole sync.
async fn header_bytes(client_offers: bool, peer_offers: bool) -> u64 {
    let peer = peer(TestPeerOptions { snappy: peer_offers, ..options() }).await;
    let trusted = [peer.enode().to_string()];
    let client = simnet().in_memory().trusted_peers(trusted).snappy(client_offers).build().expect("valid");
    client.start().expect("starts");
    wait_until_synced(&client).await;
    let [seen] = &client.peers()[..] else { panic!("one peer: {:?}", client.peers()) };
    let bytes = seen.traffic.of(MessageClass::Headers).bytes_in;
    client.stop(DEADLINE).await;
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_are_compressed_when_both_sides_offer_it_and_only_then() {
    let plain = header_bytes(false, false).await;
    assert!(header_bytes(true, false).await >= plain);
    assert!(header_bytes(false, true).await >= plain);
    let compressed = header_bytes(true, true).await;
    assert!(compressed < plain, "{compressed} of {plain} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_ends_the_connection_holds_over_a_restart_and_is_lifted() {
    let peer = peer(options()).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let build = || {
        let builder = simnet().data_dir(directory.path()).trusted_peers([peer.enode().to_string()]);
        builder.build().expect("valid")
    };
    let client = build();
    client.start().expect("starts");
    wait_until_synced(&client).await;
    let subject = BanSubject::Node(peer.enode().node_id());
    client.ban(subject, None).expect("running");
    wait_for(&client, "the peer to be gone", |status| status.peers == 0).await;
    client.stop(DEADLINE).await;
    drop(client);

    let client = build();
    assert_eq!(client.bans().len(), 1);
    assert!(client.bans()[0].by_user);
    client.unban(subject).expect("written into the store");
    assert!(client.bans().is_empty());
    client.start().expect("starts");
    wait_for(&client, "the peer to be back", |status| status.peers == 1).await;
    client.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_file_of_peers_is_damaged_starts_and_says_so() {
    for is_damaged in [false, true] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let build = || simnet().data_dir(directory.path()).discovery(Discovery::Off).build().expect("valid");
        let subjects = [1, 2].map(|byte| BanSubject::Node(NodeId::new([byte; 64])));
        let client = build();
        for subject in subjects {
            client.ban(subject, None).expect("written into the store");
        }
        drop(client);
        let file = directory.path().join("peers.dat");
        let mut bytes = std::fs::read(&file).expect("the file of peers");
        if is_damaged {
            // The last byte of the second ban's checksum.
            *bytes.last_mut().expect("not empty") ^= 1;
        }
        std::fs::write(&file, bytes).expect("writable");

        let client = build();
        let mut diagnostics = client.diagnostics();
        let left: Vec<BanSubject> = client.bans().iter().map(|ban| ban.subject).collect();
        assert_eq!(left, subjects[..if is_damaged { 1 } else { 2 }]);
        client.start().expect("starts");
        client.stop(DEADLINE).await;
        drop(client);
        let mut lost = Vec::new();
        while let Some(NextDiagnostic::Event(event)) = diagnostics.next().await {
            if let Diagnostic::PeersLost(peers) = *event {
                lost.push(peers);
            }
        }
        let expected = LostPeers { records: 0, bans: 1, uncounted: false };
        assert_eq!(lost, if is_damaged { vec![expected] } else { Vec::new() });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_that_is_lifted_while_running_lets_the_peer_back_at_once() {
    let peer = peer(options()).await;
    let client = simnet().in_memory().build().expect("valid");
    let subject = BanSubject::Node(peer.enode().node_id());
    client.ban(subject, None).expect("written into the store");
    client.start().expect("starts");
    client.add_peer(&peer.enode().to_string(), Trust::Trusted).expect("running");
    client.unban(subject).expect("running");
    wait_until_synced(&client).await;
    client.network_changed(true).expect("running");
    wait_for(&client, "the peer to be gone", |status| status.peers == 0).await;
    wait_for(&client, "the peer to be back", |status| status.peers == 1).await;
    client.stop(DEADLINE).await;
    assert_eq!(client.network_changed(true), Err(PeerError::NotRunning));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_run_dials_whom_the_last_one_found_good() {
    let peer = peer(options()).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let build = || simnet().data_dir(directory.path()).discovery(Discovery::Off).build().expect("valid");
    let client = build();
    client.start().expect("starts");
    client.add_peer(&peer.enode().to_string(), Trust::Ordinary).expect("running");
    wait_until_synced(&client).await;
    client.stop(DEADLINE).await;
    drop(client);

    let client = build();
    client.start().expect("starts");
    wait_for(&client, "the peer of the last run", |status| status.peers == 1).await;
    assert_eq!(client.peers()[0].verified_headers, BLOCKS);
    client.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_peer_that_sends_a_broken_chain_is_banned_and_a_trusted_one_is_not() {
    for (trust, is_banned) in [(Trust::Ordinary, true), (Trust::Trusted, false)] {
        let mut options = options();
        options.misbehaviour = Misbehaviour::WrongHeaders(WrongHeaders::BrokenProof);
        let peer = peer(options).await;
        let client = simnet().in_memory().discovery(Discovery::Off).build().expect("valid");
        client.start().expect("starts");
        client.add_peer(&peer.enode().to_string(), trust).expect("running");
        let is_gone = |status: &Status| status.last_problem.is_some() && status.peers == 0;
        wait_for(&client, "the peer to be sent away", is_gone).await;
        let bans = client.bans();
        assert_eq!(!bans.is_empty(), is_banned, "{trust:?}: {bans:?}");
        if let Some(ban) = bans.first() {
            assert_eq!(ban.subject, BanSubject::Node(peer.enode().node_id()));
            assert_eq!((ban.reason.as_str(), ban.by_user), ("invalid header", false));
        }
        client.stop(DEADLINE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_listens_is_reached_and_one_that_does_not_has_no_address() {
    let key = SecretKey::from_bytes(&[7; 32]).expect("a key");
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let host = simnet().in_memory().node_key(key.clone()).listen(loopback).build().expect("valid");
    assert_eq!(host.listening_on(), None);
    host.start().expect("starts");
    let address = host.listening_on().expect("it listens");
    let enode = Enode::new(&key.node_id(), "127.0.0.1", address.port()).expect("valid");
    let guest = simnet().in_memory().trusted_peers([enode.to_string()]).build().expect("valid");
    guest.start().expect("starts");
    wait_for(&guest, "a session", |status| status.peers == 1).await;
    wait_for(&host, "a session", |status| status.peers == 1).await;
    let [seen] = &host.peers()[..] else { panic!("one peer: {:?}", host.peers()) };
    assert_eq!((seen.direction, seen.source), (Direction::Inbound, PeerSource::Inbound));
    assert_eq!(guest.listening_on(), None);
    let report = host.stop(DEADLINE).await;
    assert!(report.in_time);
    wait_for(&guest, "the end", |status| status.peers == 0).await;
    guest.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_listens_is_found_by_udp_and_dialled_at_that_port_with_that_id() {
    let mut options = options();
    options.discovery = Some(Vec::new());
    let peer = peer(options).await;
    let key = SecretKey::from_bytes(&[8; 32]).expect("a key");
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let host = simnet().in_memory().node_key(key.clone()).listen(loopback);
    let host = host.boot_nodes([peer.local_addr().to_string()]).build().expect("valid");
    host.start().expect("starts");
    wait_until_synced(&host).await;
    let address = host.listening_on().expect("it listens");
    // Of the host the guest is told a port of UDP and nothing else.
    let guest = simnet().in_memory().boot_nodes([address.to_string()]).build().expect("valid");
    guest.start().expect("starts");
    wait_for(&guest, "the host and the host's peer", |status| status.peers == 2).await;
    let seen = guest.peers();
    let host_seen = seen.iter().find(|seen| seen.node == Some(key.node_id())).expect("connected");
    assert_eq!(host_seen.address.as_ref().map(ToString::to_string), Some(address.to_string()));
    assert_eq!((host_seen.direction, host_seen.source), (Direction::Outbound, PeerSource::Discovered));
    assert!(guest.stop(DEADLINE).await.in_time);
    assert!(host.stop(DEADLINE).await.in_time);
    peer.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_connects_is_known_by_where_it_says_that_it_listens() {
    let key = SecretKey::from_bytes(&[9; 32]).expect("a key");
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let host = simnet().in_memory().node_key(key.clone()).listen(loopback).build().expect("valid");
    host.start().expect("starts");
    let address = host.listening_on().expect("it listens");
    let enode = Enode::new(&key.node_id(), "127.0.0.1", address.port()).expect("valid").to_string();
    let guest = simnet().in_memory().trusted_peers([enode]).listen(loopback).build().expect("valid");
    guest.start().expect("starts");
    wait_for(&host, "a session", |status| status.peers == 1).await;
    let [seen] = &host.peers()[..] else { panic!("one peer: {:?}", host.peers()) };
    let listening = guest.listening_on().expect("it listens").to_string();
    assert_eq!(seen.address.as_ref().map(ToString::to_string), Some(listening));
    assert_eq!((seen.direction, seen.source), (Direction::Inbound, PeerSource::Inbound));
    assert!(guest.stop(DEADLINE).await.in_time);
    assert!(host.stop(DEADLINE).await.in_time);
}

#[test]
fn the_number_of_peers_is_checked() {
    for (peers, is_good) in [(0, false), (1, true), (32, true), (33, false)] {
        let built = simnet().in_memory().max_peers(peers).build();
        match built {
            Ok(_) => assert!(is_good, "{peers}"),
            Err(error) => assert_eq!((is_good, error), (false, BuildError::MaxPeers { actual: peers })),
        }
    }
}

#[test]
fn a_budget_that_allows_no_request_is_refused_and_one_that_allows_one_is_not() {
    for (per_minute, in_flight, is_good) in
        [(None, 0, false), (Some(0), 3, false), (None, 1, true), (Some(1), 1, true)]
    {
        let built = simnet().in_memory().request_budget(RequestBudget { per_minute, in_flight }).build();
        match built {
            Ok(_) => assert!(is_good, "{per_minute:?}, {in_flight}"),
            Err(error) => assert_eq!((is_good, error), (false, BuildError::RequestBudget)),
        }
    }
}
