//! The test peer over real sockets, with the session machine as its remote.

mod remote;

use std::time::Duration;

use remote::{Event, Remote};
use rustock_core::{
    consensus::params::NetworkParams,
    primitives::number::{BlockNumber, CumulativeDifficulty},
    proto::session::{SessionEnd, SessionFault, Stage},
    wire::{
        p2p::DisconnectReason,
        rsk::{
            BlockHashRequest, BlockHeadersRequest, BlockIdentifier, MAX_HEADERS, NewBlockHashes, RequestId,
            RskMessage, SkeletonRequest,
        },
    },
};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder},
    peer::{Misbehaviour, Pace, ServedChain, TestPeer, TestPeerOptions},
};

fn number(number: u64) -> BlockNumber {
    BlockNumber::new(number)
}

fn options(chain: &Chain) -> TestPeerOptions {
    let chain = ServedChain::new(chain.headers().to_vec()).expect("generated chains are linked");
    TestPeerOptions { pace: Pace::None, ..TestPeerOptions::new(NetworkParams::simnet(), chain) }
}

async fn misbehaving(misbehaviour: Misbehaviour) -> (Chain, TestPeer) {
    let chain = ChainBuilder::simnet().build(300);
    let peer =
        TestPeer::start(TestPeerOptions { misbehaviour, ..options(&chain) }).await.expect("a free port");
    (chain, peer)
}

fn ask_headers(chain: &Chain, id: u64, count: u32) -> RskMessage {
    let id = RequestId::new(id).expect("small");
    RskMessage::BlockHeadersRequest(BlockHeadersRequest { id, hash: chain.best().hash(), count })
}

fn announcement(block: BlockIdentifier) -> RskMessage {
    RskMessage::NewBlockHashes(NewBlockHashes { identifiers: vec![block], ignored: 0 })
}

#[tokio::test]
async fn a_peer_greets_with_its_true_best_block_and_serves_headers() {
    let (chain, peer) = misbehaving(Misbehaviour::None).await;
    let mut remote = Remote::dial(&peer, 1).await;
    let (legacy, status) = remote.statuses().await;
    assert_eq!(legacy.network_id, NetworkParams::simnet().network_id);
    assert_eq!(legacy.genesis_hash, chain.genesis().hash());
    assert_eq!(legacy.best_hash, chain.best().hash());
    assert_eq!(status.number, number(300));
    assert_eq!(status.parent_hash, chain.header(299).unwrap().hash());
    assert_eq!(status.total_difficulty, CumulativeDifficulty::new(301));

    remote.send(ask_headers(&chain, 1, MAX_HEADERS as u32)).await;
    match remote.message().await {
        RskMessage::BlockHeadersResponse(response) => {
            let served: Vec<_> = response.headers.iter().map(|header| header.as_bytes()).collect();
            let expected: Vec<_> = chain.headers()[109..].iter().rev().map(|header| header.raw()).collect();
            assert_eq!(served, expected);
        }
        other => panic!("{other:?}"),
    }
    let counters = peer.counters();
    assert_eq!((counters.connections, counters.sessions), (1, 1));
    assert_eq!((counters.messages_received, counters.messages_sent), (2, 1), "our Status is a message too");
    peer.stop().await;
}

#[tokio::test]
async fn what_rskj_would_not_answer_is_silence() {
    let (chain, peer) = misbehaving(Misbehaviour::None).await;
    let mut remote = Remote::dial(&peer, 1).await;
    remote.statuses().await;
    remote.send(ask_headers(&chain, 1, MAX_HEADERS as u32 + 1)).await;
    let id = RequestId::new(2).unwrap();
    remote.send(RskMessage::BlockHashRequest(BlockHashRequest { id, height: number(0) })).await;
    remote.send(RskMessage::SkeletonRequest(SkeletonRequest { id, start: number(301) })).await;
    remote.synchronise(5).await;
}

#[tokio::test]
async fn a_seed_gives_a_peer_the_same_identity_again() {
    let chain = ChainBuilder::simnet().build(3);
    let seeded = || TestPeerOptions { key_seed: Some(4), ..options(&chain) };
    let first = TestPeer::start(seeded()).await.unwrap();
    let second = TestPeer::start(seeded()).await.unwrap();
    assert_eq!(first.enode().node_id(), second.enode().node_id());
    assert_eq!(first.enode().port(), first.local_addr().port());
    let random = TestPeer::start(options(&chain)).await.unwrap();
    assert_ne!(random.enode().node_id(), first.enode().node_id());
    Remote::dial(&second, 1).await.statuses().await;
}

#[tokio::test]
async fn growth_and_forks_are_announced_and_served() {
    let chain = ChainBuilder::simnet().build(30);
    let branch = chain.fork_at(25, 1).extended(8);
    let mut options = options(&chain);
    options.chain = options
        .chain
        .revealed_up_to(number(27))
        .unwrap()
        .forking_at(number(29), branch.headers().to_vec())
        .unwrap();
    let peer = TestPeer::start(options).await.unwrap();
    let mut remote = Remote::dial(&peer, 1).await;
    let (_, status) = remote.statuses().await;
    assert_eq!(status.number, number(27));
    remote.synchronise(27).await;

    for expected in [chain.header(28).unwrap(), chain.header(29).unwrap(), branch.best()] {
        let block = BlockIdentifier { hash: expected.hash(), number: expected.number() };
        assert_eq!(peer.grow(), Some(block));
        assert_eq!(peer.best(), block);
        assert_eq!(remote.message().await, announcement(block));
    }
    assert_eq!(peer.grow(), None);

    remote.send(ask_headers(&branch, 9, 1)).await;
    assert!(
        matches!(remote.message().await, RskMessage::BlockHeadersResponse(response) if response.headers.len() == 1)
    );
    remote.send(ask_headers(&chain, 10, 1)).await;
    remote.synchronise(33).await;
}

#[tokio::test]
async fn a_peer_can_grow_by_itself() {
    let chain = ChainBuilder::simnet().build(12);
    let mut options = options(&chain);
    options.chain = options.chain.revealed_up_to(number(2)).unwrap();
    options.grow_every = Some(Duration::from_millis(20));
    let peer = TestPeer::start(options).await.unwrap();
    let mut remote = Remote::dial(&peer, 1).await;
    remote.statuses().await;
    let mut last = 0;
    while last < 12 {
        match remote.message().await {
            RskMessage::NewBlockHashes(message) => {
                let block = message.identifiers[0];
                assert!(last == 0 || block.number.get() == last + 1);
                assert_eq!(block.hash, chain.header(block.number.get()).unwrap().hash());
                last = block.number.get();
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_is_told_again_every_eleven_seconds() {
    let (_, peer) = misbehaving(Misbehaviour::Silent).await;
    let mut remote = Remote::dial(&peer, 1).await;
    let (_, status) = remote.statuses().await;
    for _ in 0..2 {
        assert_eq!(remote.message().await, RskMessage::Status(status));
    }
}

#[tokio::test]
async fn a_stopped_peer_says_that_it_is_quitting_and_listens_no_more() {
    let (_, peer) = misbehaving(Misbehaviour::None).await;
    let mut remotes = [Remote::dial(&peer, 1).await, Remote::dial(&peer, 2).await];
    let address = peer.local_addr();
    peer.stop().await;
    for remote in &mut remotes {
        assert_eq!(remote.end().await, SessionEnd::RemoteDisconnect(DisconnectReason::PeerQuitting));
    }
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn connections_can_be_broken_and_made_again() {
    let (_, peer) = misbehaving(Misbehaviour::None).await;
    let mut remote = Remote::dial(&peer, 1).await;
    remote.statuses().await;
    peer.break_connections();
    assert_eq!(remote.end().await, SessionEnd::ConnectionClosed(Stage::Established));
    Remote::dial(&peer, 2).await.statuses().await;
}

#[tokio::test]
async fn a_node_id_can_be_connected_only_once_at_a_time() {
    let (_, peer) = misbehaving(Misbehaviour::None).await;
    let mut first = Remote::dial(&peer, 1).await;
    first.statuses().await;
    let mut second = Remote::dial(&peer, 1).await;
    assert_eq!(second.end().await, SessionEnd::RemoteDisconnect(DisconnectReason::DuplicatePeer));
    first.synchronise(3).await;
    first.leave().await;
    let mut third = Remote::dial(&peer, 1).await;
    third.statuses().await;
    third.synchronise(3).await;
}

#[tokio::test]
async fn a_peer_can_turn_away_with_any_reason() {
    for reason in [DisconnectReason::TooManyPeers, DisconnectReason::NullIdentity] {
        let (_, peer) = misbehaving(Misbehaviour::DisconnectAfterHello(reason)).await;
        let end = Remote::dial(&peer, 1).await.end().await;
        assert_eq!(end, SessionEnd::RemoteDisconnect(reason));
    }
}

#[tokio::test]
async fn a_connection_can_break_in_the_middle_of_an_answer() {
    let (chain, peer) = misbehaving(Misbehaviour::DropDuringAnswer(1)).await;
    let mut remote = Remote::dial(&peer, 1).await;
    remote.statuses().await;
    remote.send(ask_headers(&chain, 1, 2)).await;
    assert!(matches!(remote.message().await, RskMessage::BlockHeadersResponse(_)));
    remote.send(ask_headers(&chain, 2, 192)).await;
    assert_eq!(remote.next().await, Event::Ended(SessionEnd::ConnectionClosed(Stage::Established)));
}

#[tokio::test]
async fn another_network_or_genesis_ends_the_session() {
    let (_, peer) = misbehaving(Misbehaviour::OtherNetwork).await;
    let end = Remote::dial(&peer, 1).await.end().await;
    let expected = NetworkParams::simnet().network_id;
    assert_eq!(end, SessionEnd::Fault(SessionFault::NetworkId { expected, actual: expected ^ 1 }));

    let (_, peer) = misbehaving(Misbehaviour::OtherGenesis).await;
    let end = Remote::dial(&peer, 1).await.end().await;
    assert!(matches!(end, SessionEnd::Fault(SessionFault::Genesis { .. })), "{end:?}");
}

#[tokio::test]
async fn a_peer_that_never_answers_the_handshake_keeps_the_connection_open_until_it_stops() {
    let (_, peer) = misbehaving(Misbehaviour::NoHandshake).await;
    let mut remote = Remote::call(peer.enode(), 1).await;
    let (end, _) = tokio::join!(remote.end(), peer.stop());
    assert_eq!(end, SessionEnd::ConnectionClosed(Stage::ExpectAck));
}
