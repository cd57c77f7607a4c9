//! The handle over real sockets: sync, events, reorganisations, restarts, stopping, and peers that let it down.

use std::{
    net::{TcpListener, UdpSocket},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustock_core::{
    BlockId, BlockNumber, BuildError, ChainCursor, ChainEvent, Checkpoint, Header, LightClient, Network,
    NextError, RequestBudget, RunState, StartError, StartFrom, Status, SubscribeError, SubscribeOptions,
    UnixTime,
    client::{Builder, HeaderLookupError},
    consensus::params::NetworkParams,
    store::{
        Store, StoreError, StoreView,
        redb::{OpenOptions, RedbStore},
    },
    wire::p2p::DisconnectReason,
};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder},
    peer::{Misbehaviour, Pace, ServedChain, TestPeer, TestPeerOptions, WrongHeaders},
};
use rustock_tests::{
    headers,
    waiting::{PATIENCE, wait_for},
};

const DEADLINE: Duration = Duration::from_secs(5);

fn chain(blocks: u64, seed: u64) -> Chain {
    ChainBuilder::simnet().seed(seed).build(blocks)
}

fn options(chain: ServedChain) -> TestPeerOptions {
    let mut options = TestPeerOptions::new(NetworkParams::simnet(), chain);
    options.pace = Pace::None;
    options
}

fn served(chain: &Chain) -> ServedChain {
    ServedChain::new(chain.headers().to_vec()).expect("a generated chain is linked")
}

async fn peer(options: TestPeerOptions) -> TestPeer {
    TestPeer::start(options).await.expect("loopback can be listened on")
}

fn simnet(peer: &TestPeer) -> Builder {
    LightClient::builder(Network::Simnet)
        .trusted_peers([peer.enode().to_string()])
        .request_budget(RequestBudget::UNPACED)
}

async fn wait_for_height(client: &LightClient, height: u64) -> Status {
    let number = BlockNumber::new(height);
    wait_for(client, &format!("height {height}"), |status| status.head.number >= number).await
}

async fn next(subscription: &mut rustock_core::Subscription) -> ChainEvent {
    tokio::time::timeout(PATIENCE, subscription.next()).await.expect("an event in time").expect("not closed")
}

fn cursor_of(header: &Header, chain_id: u8) -> ChainCursor {
    ChainCursor { network: chain_id, block: BlockId { number: header.number(), hash: header.hash() } }
}

/// Applies events to a list of block ids, oldest first, until the last one is `head`.
async fn follow_to(subscription: &mut rustock_core::Subscription, blocks: &mut Vec<BlockId>, head: BlockId) {
    while blocks.last() != Some(&head) {
        let event = next(subscription).await;
        match &event {
            ChainEvent::Extended { blocks: added, .. } => blocks.extend(added.iter().map(|block| block.id())),
            ChainEvent::Reorg { common_ancestor, removed, added, .. } => {
                for block in removed {
                    assert_eq!(blocks.pop(), Some(block.id()), "removed from the top down");
                }
                assert_eq!(blocks.last(), Some(&common_ancestor.id()));
                blocks.extend(added.iter().map(|block| block.id()));
            }
            other => panic!("unexpected {other:?}"),
        }
        subscription.ack(event.cursor()).expect("the event at hand");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn syncs_a_generated_chain_and_tells_every_block_once() {
    let chain = chain(4_500, 1);
    let peer = peer(options(served(&chain))).await;
    let client = simnet(&peer).in_memory().build().expect("valid");
    let mut subscription = client
        .subscribe(SubscribeOptions {
            after: Some(cursor_of(chain.genesis(), 35)),
            max_batch: 700,
            ..SubscribeOptions::default()
        })
        .expect("valid");
    client.start().expect("starts");
    client.start().expect("a second start does nothing");

    let head = BlockId { number: chain.best().number(), hash: chain.best().hash() };
    let mut blocks = vec![BlockId { number: BlockNumber::GENESIS, hash: chain.genesis().hash() }];
    follow_to(&mut subscription, &mut blocks, head).await;
    let hashes: Vec<_> = blocks.iter().map(|block| block.hash).collect();
    let expected: Vec<_> = chain.headers().iter().map(Header::hash).collect();
    assert_eq!(hashes, expected);

    let status = wait_for(&client, "Following", |status| status.run == RunState::Following).await;
    assert_eq!(status.head, head);
    assert_eq!(status.progress.headers_verified, 4_500);
    assert_eq!(status.peers_claim, Some(head.number));
    assert_eq!(status.header_difficulty_sum, chain.header_difficulty_sum(4_500));
    assert_eq!(client.best_header(), *chain.best());
    for number in [0, 1, 449, 4_500] {
        let header = client.header_by_number(BlockNumber::new(number)).expect("readable").expect("there");
        assert_eq!(Some(&header), chain.header(number));
        assert_eq!(client.header_by_hash(&header.hash()).expect("indexed"), Some(header));
    }
    assert_eq!(client.header_by_number(BlockNumber::new(4_501)), Ok(None));
    let report = client.stop(DEADLINE).await;
    assert!(report.in_time);
    assert_eq!((report.peers_told, report.peers_cut), (1, 0));
    // A stopped peer has read all that it was sent.
    let counters = peer.stop().await;
    assert_eq!(counters.goodbyes, 1, "told that the client quits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn follows_new_blocks_and_a_reorganisation_as_they_are_announced() {
    let main = chain(60, 2);
    let branch = main.fork_at(55, 3).extended(12);
    let branch_headers = branch.headers()[56..].to_vec();
    let served = served(&main)
        .revealed_up_to(BlockNumber::new(50))
        .and_then(|chain| chain.forking_at(BlockNumber::new(58), branch_headers))
        .expect("they fit");
    let peer = peer(options(served)).await;
    let client = simnet(&peer).in_memory().build().expect("valid");
    client.start().expect("starts");
    wait_for(&client, "Following at 50", |status| {
        status.run == RunState::Following && status.head.number.get() == 50
    })
    .await;
    let mut subscription = client.subscribe(SubscribeOptions::default()).expect("valid");
    let mut blocks =
        vec![BlockId { number: BlockNumber::new(50), hash: main.header(50).expect("there").hash() }];
    // One at a time, so that each is followed by its announcement.
    while let Some(shown) = peer.grow() {
        let head = BlockId { number: shown.number, hash: shown.hash };
        follow_to(&mut subscription, &mut blocks, head).await;
    }
    let best = client.best_header();
    assert_eq!(best, *branch.best());
    for block in &blocks {
        assert_eq!(branch.header(block.number.get()).map(Header::hash), Some(block.hash));
    }
    let abandoned = main.header(57).expect("there").hash();
    let refusal = Err(HeaderLookupError::Abandoned { number: BlockNumber::new(57) });
    assert_eq!(client.header_by_hash(&abandoned), refusal);
    client.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_mainnet_headers_sync_from_a_checkpoint_in_the_middle_of_the_file() {
    let headers = headers::mainnet_run("mainnet-4479841-4480875");
    let params = NetworkParams::mainnet();
    let checkpoint = headers[(4_479_936 - 4_479_841) as usize].clone();
    let best = headers.last().expect("not empty").clone();
    let mut options = TestPeerOptions::new(params.clone(), ServedChain::new(headers).expect("linked"));
    options.pace = Pace::Rskj;
    let peer = peer(options).await;
    let checkpoint =
        Checkpoint::from_header(checkpoint, &params, UnixTime::from_secs(1_800_000_000)).expect("good");
    let client = LightClient::builder(Network::Mainnet)
        .in_memory()
        .checkpoint(checkpoint)
        .trusted_peers([peer.enode().to_string()])
        .build()
        .expect("valid");
    assert_eq!(client.best_header().number().get(), 4_479_936);
    client.start().expect("starts");
    let status = wait_for(&client, "Following", |status| status.run == RunState::Following).await;
    assert_eq!(status.head.number.get(), 4_480_875);
    assert_eq!(client.best_header(), best);
    assert_eq!(status.progress.headers_verified, 939);
    // The peer served 95 ancestors of the 449, so the first 320 headers could not be checked for RSKIP-110.
    assert_eq!(status.fork_detection_from, Some(BlockNumber::new(4_480_257)));
    client.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_from_the_last_commit_and_the_cursor_from_the_last_event() {
    let chain = chain(2_000, 4);
    let directory = tempfile::tempdir().expect("a directory");
    let served = served(&chain).revealed_up_to(BlockNumber::new(1_000)).expect("high enough");
    let peer = peer(options(served)).await;
    let client = simnet(&peer).data_dir(directory.path()).build().expect("valid");
    client.start().expect("starts");
    wait_for_height(&client, 1_000).await;
    client.stop(DEADLINE).await;
    drop(client);

    while peer.grow().is_some() {}
    let client = simnet(&peer).data_dir(directory.path()).build().expect("the store is free again");
    assert_eq!(client.best_header().number().get(), 1_000);
    let cursor = cursor_of(chain.header(990).expect("there"), 35);
    let options = SubscribeOptions { after: Some(cursor), ..SubscribeOptions::default() };
    let mut subscription = client.subscribe(options).expect("valid");
    client.start().expect("starts");
    let mut blocks = vec![cursor.block];
    let head = BlockId { number: chain.best().number(), hash: chain.best().hash() };
    follow_to(&mut subscription, &mut blocks, head).await;
    assert_eq!(blocks.len(), 2_000 - 990 + 1);
    let status = wait_for(&client, "Following", |status| status.run == RunState::Following).await;
    assert_eq!(status.progress.headers_verified, 1_000);
    client.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_events_answer_before_start_and_say_closed_after_stop() {
    let client = LightClient::builder(Network::Simnet).in_memory().build().expect("valid");
    let genesis = client.best_header();
    assert_eq!(genesis.number(), BlockNumber::GENESIS);
    assert_eq!(client.status().run, RunState::Stopped);
    assert_eq!(client.header_by_number(BlockNumber::GENESIS), Ok(Some(genesis.clone())));
    let mut subscription = client.subscribe(SubscribeOptions::default()).expect("valid");
    let nothing = tokio::task::spawn_blocking(move || {
        let nothing = subscription.next_timeout(Duration::from_millis(10));
        (nothing, subscription)
    });
    let (nothing, mut subscription) = nothing.await.expect("no panic");
    assert_eq!(nothing, Ok(None));

    client.stop(DEADLINE).await;
    assert_eq!(subscription.next().await, Err(NextError::Closed));
    assert_eq!(client.header_by_number(BlockNumber::GENESIS), Err(StoreError::Closed));
    assert_eq!(client.best_header(), genesis);
    assert_eq!(client.start(), Err(StartError::Stopped));
    assert!(client.stop(DEADLINE).await.in_time, "stopping twice is fine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_subscriber_is_woken_by_its_closer_and_by_stop() {
    let client = LightClient::builder(Network::Simnet).in_memory().build().expect("valid");
    client.start().expect("starts");
    let mut subscription = client.subscribe(SubscribeOptions::default()).expect("valid");
    let closer = subscription.closer();
    let waiting = tokio::task::spawn_blocking(move || subscription.next_timeout(PATIENCE));
    closer.close();
    assert_eq!(waiting.await.expect("no panic"), Err(NextError::Closed));

    let mut subscription = client.subscribe(SubscribeOptions::default()).expect("valid");
    let waiting = tokio::spawn(async move { subscription.next().await });
    client.stop(DEADLINE).await;
    assert_eq!(waiting.await.expect("no panic"), Err(NextError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_comes_again_until_it_is_acknowledged_with_its_own_cursor() {
    let chain = chain(10, 5);
    let peer = peer(options(served(&chain))).await;
    let client = simnet(&peer).in_memory().build().expect("valid");
    client.start().expect("starts");
    wait_for_height(&client, 10).await;
    let after = Some(cursor_of(chain.genesis(), 35));
    let options = SubscribeOptions { after, max_batch: 4, ..SubscribeOptions::default() };
    let mut subscription = client.subscribe(options).expect("valid");
    let first = next(&mut subscription).await;
    assert_eq!(next(&mut subscription).await, first);
    let wrong = cursor_of(chain.best(), 35);
    assert!(subscription.ack(wrong).is_err());
    assert_eq!(next(&mut subscription).await, first);
    subscription.ack(first.cursor()).expect("the event at hand");
    assert_ne!(next(&mut subscription).await, first);

    let foreign = Some(cursor_of(chain.best(), 30));
    let refused = client.subscribe(SubscribeOptions { after: foreign, ..SubscribeOptions::default() });
    assert_eq!(refused.err(), Some(SubscribeError::OtherNetwork { expected: 35, found: 30 }));
    let refused = client.subscribe(SubscribeOptions { max_batch: 0, ..SubscribeOptions::default() });
    assert_eq!(refused.err(), Some(SubscribeError::ZeroBatch));
    client.stop(DEADLINE).await;
}

/// Threads and descriptors of this process.
fn resources() -> (usize, usize) {
    let count = |path: &str| std::fs::read_dir(Path::new(path)).map(Iterator::count).unwrap_or(0);
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// In a process of its own, so that the threads of other tests do not count.
#[test]
fn stopping_leaves_no_thread_and_no_descriptor_behind() {
    const MARKER: &str = "RUSTOCK_TEST_COUNT_RESOURCES";
    if std::env::var_os(MARKER).is_none() {
        let this = std::env::current_exe().expect("this test binary");
        let name = "stopping_leaves_no_thread_and_no_descriptor_behind";
        let child = std::process::Command::new(this)
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(MARKER, "1")
            .output()
            .expect("a child process");
        let output =
            String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success() && output.contains("1 passed"), "{output}");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let chain = chain(500, 6);
    let directory = tempfile::tempdir().expect("a directory");
    let run = || {
        // The peer lives in this process too, and ends before anything is counted.
        let mut options = options(served(&chain));
        options.discovery = Some(Vec::new());
        let peer = runtime.block_on(peer(options));
        let client = LightClient::builder(Network::Simnet)
            .boot_nodes([peer.local_addr().to_string()])
            .listen(([127, 0, 0, 1], 0).into())
            .request_budget(RequestBudget::UNPACED)
            .data_dir(directory.path())
            .owned_runtime(2)
            .build()
            .expect("valid");
        client.start().expect("starts");
        let address = client.listening_on().expect("it listens");
        runtime.block_on(wait_for_height(&client, 500));
        // The store may hold the chain already; only discovery leads to this peer.
        runtime.block_on(wait_for(&client, "a session", |status| status.peers == 1));
        assert!(UdpSocket::bind(address).is_err(), "discovery is at the port of the listener");
        let report = runtime.block_on(client.stop(DEADLINE));
        assert_eq!((report.in_time, report.peers_told, report.peers_cut), (true, 1, 0));
        UdpSocket::bind(address).expect("the UDP port is free again");
        TcpListener::bind(address).expect("the TCP port is free again");
        runtime.block_on(peer.stop());
        client
    };
    // The first run warms up whatever the process keeps for good.
    drop(run());
    let before = resources();
    let stopped = run();
    assert_eq!(resources(), before, "threads and descriptors after stop, the handle still alive");
    // Another owner can open the store at once, though the old handle lives.
    let again = LightClient::builder(Network::Simnet).data_dir(directory.path()).build().expect("free again");
    assert_eq!(again.best_header().number().get(), 500);
    drop(stopped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_client_on_the_same_directory_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = LightClient::builder(Network::Simnet).data_dir(directory.path()).build().expect("valid");
    let second = LightClient::builder(Network::Simnet).data_dir(directory.path()).build();
    assert!(matches!(second, Err(BuildError::Store(StoreError::InUse { .. }))), "{second:?}");
    first.stop(DEADLINE).await;
    let third = LightClient::builder(Network::Simnet).data_dir(directory.path()).build().expect("free again");
    drop(third);
    let other = LightClient::builder(Network::Mainnet).data_dir(directory.path()).build();
    assert!(matches!(other, Err(BuildError::Store(StoreError::OtherNetwork { .. }))), "{other:?}");
}

#[test]
fn the_builder_names_the_setting_at_fault() {
    let refused = |builder: Builder| builder.build().expect_err("must be refused").to_string();
    let mainnet = || LightClient::builder(Network::Mainnet).in_memory();
    assert!(refused(LightClient::builder(Network::Mainnet)).starts_with("data_dir:"));
    assert!(refused(mainnet().trusted_peers(["enode://00@127.0.0.1:1"])).starts_with("trusted_peers:"));
    assert!(refused(mainnet().owned_runtime(0)).starts_with("workers:"));
    for network in [Network::Mainnet, Network::Testnet, Network::Regtest, Network::Simnet] {
        let from_genesis = LightClient::builder(network.clone()).in_memory().start_from(StartFrom::Genesis);
        let client = from_genesis.build().unwrap_or_else(|error| panic!("{network}: {error}"));
        assert_eq!(client.best_header().number(), BlockNumber::GENESIS, "{network}");
    }
    let client = mainnet().build().expect("the bundled checkpoint is good");
    assert_eq!(client.best_header().number().get(), 9_286_615);
}

/// Runs a client against a misbehaving peer until something is said of it.
async fn problem_with(misbehaviour: Misbehaviour) -> String {
    let chain = chain(600, 7);
    let mut options = options(served(&chain));
    options.misbehaviour = misbehaviour;
    let peer = peer(options).await;
    let client = simnet(&peer).in_memory().build().expect("valid");
    client.start().expect("starts");
    let status = wait_for(&client, "a problem", |status| status.last_problem.is_some()).await;
    client.stop(DEADLINE).await;
    status.last_problem.expect("waited for")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_lets_us_down_is_named_with_the_reason() {
    let cases = [
        (Misbehaviour::WrongHeaders(WrongHeaders::BrokenProof), "merkle_root"),
        (Misbehaviour::WrongHeaders(WrongHeaders::OneMissing), "headers from"),
        (Misbehaviour::WrongHeaders(WrongHeaders::Empty), "got 0"),
        (Misbehaviour::WrongHeaders(WrongHeaders::Ascending), "got them from"),
        (Misbehaviour::WrongHeaders(WrongHeaders::OtherHeader), "got 191"),
        (Misbehaviour::OtherNetwork, "network"),
        (Misbehaviour::OtherGenesis, "genesis"),
        (Misbehaviour::DisconnectAfterHello(DisconnectReason::TooManyPeers), "too many peers"),
        // Closed or reset, as the system likes: what the peer had not read decides.
        (Misbehaviour::DropDuringAnswer(2), "the connection"),
    ];
    for (misbehaviour, expected) in cases {
        let problem = problem_with(misbehaviour).await;
        assert!(problem.contains(expected), "{misbehaviour:?}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_wrote_passes_a_walk_over_the_whole_store() {
    let chain = chain(300, 8);
    let directory = tempfile::tempdir().expect("a directory");
    let peer = peer(options(served(&chain))).await;
    let client = simnet(&peer).data_dir(directory.path()).build().expect("valid");
    client.start().expect("starts");
    wait_for_height(&client, 300).await;
    client.stop(DEADLINE).await;
    let params = NetworkParams::simnet();
    let genesis = params.genesis_header().expect("good");
    let base = rustock_core::chain::batch::BlockEntry {
        record: rustock_core::chain::record::BlockRecord::new(&genesis, Default::default(), 0),
        header: genesis.clone(),
    };
    let options = OpenOptions::new("simnet", genesis.hash(), params.activations.clone(), base);
    let store = Arc::new(RedbStore::open(directory.path(), options).expect("free and whole"));
    assert_eq!(store.head().expect("readable").hash, chain.best().hash());
    let report = store.check().expect("whole");
    assert_eq!(report.canonical, 301);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_client_that_was_never_started_wakes_its_subscribers_and_frees_its_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let client = LightClient::builder(Network::Simnet).data_dir(directory.path()).build().expect("valid");
    let mut subscription = client.subscribe(SubscribeOptions::default()).expect("valid");
    let waiting = tokio::spawn(async move { (subscription.next().await, subscription) });
    drop(client);
    let (ended, _still_alive) = waiting.await.expect("no panic");
    assert_eq!(ended, Err(NextError::Closed));
    LightClient::builder(Network::Simnet).data_dir(directory.path()).build().expect("free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_twice_at_once_gives_both_the_same_report_and_loses_nothing() {
    let chain = chain(2_000, 11);
    let directory = tempfile::tempdir().expect("a directory");
    let peer = peer(options(served(&chain))).await;
    let client = simnet(&peer).data_dir(directory.path()).build().expect("valid");
    client.start().expect("starts");
    wait_for_height(&client, 2_000).await;
    let (first, second) = tokio::join!(client.stop(DEADLINE), client.stop(DEADLINE));
    assert_eq!(first, second);
    assert!(first.in_time);
    assert_eq!(client.status().run, RunState::Stopped);
    let client = simnet(&peer).data_dir(directory.path()).build().expect("free again");
    assert_eq!(client.best_header(), *chain.best());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_stop_still_closes_the_client() {
    let directory = tempfile::tempdir().expect("a directory");
    let client = LightClient::builder(Network::Simnet).data_dir(directory.path()).build().expect("valid");
    let mut subscription = client.subscribe(SubscribeOptions::default()).expect("valid");
    client.start().expect("starts");
    {
        // Polled once, then dropped.
        let mut stopping = Box::pin(client.stop(DEADLINE));
        let first_poll = std::future::poll_fn(|context| {
            let _ = std::future::Future::poll(stopping.as_mut(), context);
            std::task::Poll::Ready(())
        });
        first_poll.await;
    }
    let ended = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("in time");
    assert_eq!(ended, Err(NextError::Closed));
    client.stop(DEADLINE).await;
    LightClient::builder(Network::Simnet).data_dir(directory.path()).build().expect("free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_on_a_runtime_of_the_app_and_leaves_it_alone() {
    let chain = chain(300, 12);
    let peer = peer(options(served(&chain))).await;
    let client = simnet(&peer).in_memory().runtime(tokio::runtime::Handle::current()).build().expect("valid");
    client.start().expect("starts");
    wait_for_height(&client, 300).await;
    let report = client.stop(DEADLINE).await;
    assert_eq!((report.peers_told, report.peers_cut, report.in_time), (1, 0, true));
    assert_eq!(tokio::spawn(async { 7 }).await.expect("the app's runtime works"), 7);
}
