//! A network that has gone on without this release: a peer whose headers are laid out in a way that nobody knows, beside
//! one that serves the chain as it is known, over real sockets.

use std::{sync::Arc, time::Duration};

use rustock_core::{
    BlockNumber, LightClient, Network, RequestBudget, Status,
    client::{Discovery, Trust},
    consensus::params::NetworkParams,
    primitives::peer::BanSubject,
};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder},
    peer::{Misbehaviour, Pace, ServedChain, TestPeer, TestPeerOptions, WrongHeaders},
};
use rustock_tests::waiting::wait_for;

const DEADLINE: Duration = Duration::from_secs(5);
/// The chain's last block.
const LAST: u64 = 260;
/// The first header that nobody can read.
const NEWER: u64 = 250;
/// What the honest peer shows at first: less than the other, which so is asked.
const SHOWN: u64 = 240;

fn network(last_known_upgrade: u64) -> Arc<NetworkParams> {
    let last_known_upgrade = BlockNumber::new(last_known_upgrade);
    Arc::new(NetworkParams { last_known_upgrade, ..NetworkParams::simnet() })
}

async fn peer(params: &Arc<NetworkParams>, chain: ServedChain, misbehaviour: Misbehaviour) -> TestPeer {
    let mut options = TestPeerOptions::new(Arc::clone(params), chain);
    options.pace = Pace::None;
    options.misbehaviour = misbehaviour;
    TestPeer::start(options).await.expect("loopback can be listened on")
}

/// What is left of a client that was connected to both peers.
struct Outcome {
    /// What the status said of the peer with newer headers.
    problem: String,
    /// Whether that peer was banned, and why.
    ban: Option<String>,
}

/// Connects a client to a peer with newer headers and to an honest one that goes on once the other is gone, and waits
/// until the client has the honest one's chain.
async fn follow(chain: &Chain, last_known_upgrade: u64) -> Outcome {
    let params = network(last_known_upgrade);
    let served = || ServedChain::of(chain).expect("a generated chain is linked");
    let shown = served().revealed_up_to(BlockNumber::new(SHOWN)).expect("a height of the chain");
    let newer_layout = Misbehaviour::WrongHeaders(WrongHeaders::NewerLayoutFrom(NEWER));
    let newer = peer(&params, served(), newer_layout).await;
    let honest = peer(&params, shown, Misbehaviour::None).await;

    let builder = LightClient::builder(Network::Custom(Arc::clone(&params)));
    let builder = builder.request_budget(RequestBudget::UNPACED).discovery(Discovery::Off);
    let client = builder.in_memory().build().expect("valid");
    client.start().expect("starts");
    client.add_peer(&newer.enode().to_string(), Trust::Ordinary).expect("running");
    let names_newer = format!("127.0.0.1:{}", newer.local_addr().port());
    let is_about_newer =
        |status: &Status| status.last_problem.as_ref().is_some_and(|problem| problem.contains(&names_newer));
    let status = wait_for(&client, "a problem with the newer peer", is_about_newer).await;
    let problem = status.last_problem.expect("waited for");
    assert!(status.head.number < BlockNumber::new(NEWER), "{:?}", status.head);

    client.add_peer(&honest.enode().to_string(), Trust::Ordinary).expect("running");
    wait_for(&client, "what the honest peer shows", |status| status.head.number.get() >= SHOWN).await;
    while honest.grow().is_some() {}
    let best = chain.best();
    let has_it_all = |status: &Status| status.head.number == best.number();
    let status = wait_for(&client, "the honest peer's chain", has_it_all).await;
    assert_eq!((status.head.number.get(), status.head.hash), (LAST, best.hash()));

    let bans = client.bans();
    let subject = BanSubject::Node(newer.enode().node_id());
    let ban = bans.iter().find(|ban| ban.subject == subject).map(|ban| ban.reason.clone());
    assert_eq!(bans.len(), usize::from(ban.is_some()), "the honest peer is not banned: {bans:?}");
    client.stop(DEADLINE).await;
    Outcome { problem, ban }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_the_last_known_upgrade_a_newer_layout_is_our_age_and_the_known_chain_is_followed() {
    let chain = ChainBuilder::simnet().seed(3).build(LAST);
    // At the upgrade's own height and above it.
    for last_known_upgrade in [NEWER, 200] {
        let Outcome { problem, ban } = follow(&chain, last_known_upgrade).await;
        let known = format!("this release knows no upgrade above height {last_known_upgrade} ");
        assert!(problem.contains(&known) && problem.ends_with("must be updated"), "{problem}");
        assert_eq!(ban, None, "nobody is to blame");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_last_known_upgrade_the_same_bytes_are_an_offence() {
    let chain = ChainBuilder::simnet().seed(3).build(LAST);
    let Outcome { problem, ban } = follow(&chain, LAST + 1).await;
    assert!(problem.contains("fields") && !problem.contains("updated"), "{problem}");
    assert_eq!(ban.as_deref(), Some("undecodable header"));
}
