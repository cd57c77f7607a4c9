//! A network of this machine, over real sockets: twenty nodes, some of them hostile, found by UDP from one.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rustock_core::{
    BlockNumber, LightClient, Network, RequestBudget, RunState, Status,
    client::{Builder, Diagnostic, Diagnostics, Discovery, NextDiagnostic},
    consensus::params::NetworkParams,
    primitives::{
        hash::NodeId,
        peer::{BanSubject, PeerSource},
    },
    proto::peers::{DropCause, Offence, SlotLimits, SlotState},
};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder},
    peer::{Misbehaviour, Pace, ServedChain, TestPeer, TestPeerOptions, WrongHeaders},
};

/// Nothing here takes this long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);
const DEADLINE: Duration = Duration::from_secs(10);
/// What honest nodes have. Liars claim some more, so that they are asked for it.
const BLOCKS: u64 = 400;
/// Places for all, so that everybody is met and nobody has to wait for a place.
const TARGET: usize = 20;

/// The hostile nodes, three of each kind, and what they are sent away for. Who never finishes a handshake was not
/// there to be sent away.
const HOSTILE: [(Misbehaviour, Option<Offence>); 3] = [
    (Misbehaviour::NoHandshake, None),
    (Misbehaviour::WrongHeaders(WrongHeaders::BrokenProof), Some(Offence::InvalidHeader)),
    (Misbehaviour::Flood, Some(Offence::AnnouncementSpam)),
];

async fn node(chain: &Chain, misbehaviour: Misbehaviour, boot: Option<&TestPeer>) -> TestPeer {
    let chain = ServedChain::new(chain.headers().to_vec()).expect("a generated chain is linked");
    let mut options = TestPeerOptions::new(NetworkParams::simnet(), chain);
    options.pace = Pace::None;
    options.misbehaviour = misbehaviour;
    let boot = boot.map(|boot| address(boot).parse().expect("an address"));
    options.discovery = Some(boot.into_iter().collect());
    TestPeer::start(options).await.expect("loopback can be listened on")
}

fn address(peer: &TestPeer) -> String {
    peer.local_addr().to_string()
}

fn id(peer: &TestPeer) -> NodeId {
    peer.enode().node_id()
}

fn client(directory: &std::path::Path) -> Builder {
    LightClient::builder(Network::Simnet).data_dir(directory).request_budget(RequestBudget::UNPACED)
}

/// How many sessions there are with peers that the client dialled.
fn connected(client: &LightClient) -> BTreeSet<NodeId> {
    let peers = client.peers();
    let connected = peers.iter().filter(|peer| peer.state == SlotState::Connected);
    connected.filter_map(|peer| peer.node).collect()
}

/// Looks at every change of the state until one is as it should be; `holds` must be true of every one.
async fn wait_for(
    client: &LightClient,
    what: &str,
    holds: impl Fn(&Status) -> bool,
    reached: impl Fn(&Status) -> bool,
) {
    let mut watch = client.watch_status();
    let waiting = async {
        loop {
            let status = watch.next().await;
            assert!(holds(&status), "{status:?}");
            if reached(&status) {
                return;
            }
        }
    };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        panic!("waited in vain for {what}: {:?}, {:#?}", client.status(), client.peers());
    }
}

/// The most peers of a client that wants this many: on a busy machine an answer may take seconds, and others are
/// connected meanwhile.
fn most_connected(target: usize) -> usize {
    let limits = SlotLimits::for_target(target);
    limits.target + limits.spare
}

/// Why a hostile node is not connected any more.
#[derive(Debug, Default)]
struct End {
    cause: Option<DropCause>,
    words: Option<String>,
}

/// Reads what is said of the hostile nodes until the connection with each has ended.
async fn read_ends(diagnostics: &mut Diagnostics, hostile: &BTreeSet<NodeId>) -> BTreeMap<NodeId, End> {
    let mut ends: BTreeMap<NodeId, End> = BTreeMap::new();
    let reading = async {
        while ends.values().filter(|end| end.words.is_some()).count() < hostile.len() {
            match diagnostics.next().await.expect("the client runs") {
                NextDiagnostic::Event(event) => match *event {
                    Diagnostic::Dropped { enode, cause, .. } if hostile.contains(&enode.node_id()) => {
                        ends.entry(enode.node_id()).or_default().cause.get_or_insert(cause);
                    }
                    Diagnostic::Disconnected { enode, reason, .. } if hostile.contains(&enode.node_id()) => {
                        let words = &mut ends.entry(enode.node_id()).or_default().words;
                        words.get_or_insert(reason.to_string());
                    }
                    _ => {}
                },
                NextDiagnostic::Lost(lost) => panic!("{lost} diagnostics lost"),
            }
        }
    };
    if tokio::time::timeout(PATIENCE, reading).await.is_err() {
        panic!("not every hostile node was sent away: {ends:?}");
    }
    ends
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_nodes_are_found_from_one_the_hostile_ones_leave_and_the_good_ones_are_remembered() {
    let long = ChainBuilder::simnet().seed(51).build(BLOCKS + 20);
    let short = ChainBuilder::simnet().seed(51).build(BLOCKS);
    assert_eq!(short.best().hash(), long.header(BLOCKS).expect("there").hash(), "one chain");
    let boot = node(&short, Misbehaviour::None, None).await;
    let mut good = Vec::new();
    for _ in 0..10 {
        good.push(node(&short, Misbehaviour::None, Some(&boot)).await);
    }
    let mut bad = Vec::new();
    for (misbehaviour, offence) in HOSTILE.into_iter().cycle().take(3 * HOSTILE.len()) {
        let chain = if matches!(misbehaviour, Misbehaviour::WrongHeaders(_)) { &long } else { &short };
        bad.push((node(chain, misbehaviour, Some(&boot)).await, offence));
    }
    let healthy: BTreeSet<NodeId> = good.iter().chain([&boot]).map(id).collect();
    let hostile: BTreeSet<NodeId> = bad.iter().map(|(peer, _)| id(peer)).collect();
    assert_eq!(healthy.len() + hostile.len(), 20);

    let directory = tempfile::tempdir().expect("a temporary directory");
    let building = client(directory.path()).boot_nodes([address(&boot)]).max_peers(TARGET);
    let first = building.build().expect("valid");
    let mut diagnostics = first.diagnostics();
    first.start().expect("starts");
    let most = most_connected(TARGET);
    let keeps_target = |status: &Status| status.peers <= most;
    let is_synced = |status: &Status| status.head.number == BlockNumber::new(BLOCKS);
    wait_for(&first, "the chain", keeps_target, is_synced).await;
    let ends = read_ends(&mut diagnostics, &hostile).await;
    wait_for(&first, "every good peer", keeps_target, |_| connected(&first) == healthy).await;

    let bans = first.bans();
    for (peer, offence) in &bad {
        let end = &ends[&id(peer)];
        assert_eq!(end.cause, offence.map(DropCause::Offence), "{end:?}");
        if offence.is_none() {
            assert!(
                end.words.as_deref().unwrap_or_default().contains("no answer to the handshake"),
                "{end:?}"
            );
        }
        let is_banned = bans.iter().any(|ban| ban.subject == BanSubject::Node(id(peer)));
        assert!(is_banned || *offence != Some(Offence::InvalidHeader), "{bans:?}");
    }
    // Nobody is banned by an address that all of them share.
    assert!(bans.iter().all(|ban| matches!(ban.subject, BanSubject::Node(node) if hostile.contains(&node))));
    assert!(first.peers().iter().all(|peer| peer.source == PeerSource::Discovered));
    let report = first.stop(DEADLINE).await;
    assert!(report.in_time, "{report:?}");
    drop(first);

    // The boot node is gone, and nobody names another: the book is all there is.
    let gone = id(&boot);
    boot.stop().await;
    let target = 6;
    let again = client(directory.path()).discovery(Discovery::Off).max_peers(target).build().expect("valid");
    again.start().expect("starts");
    let most = most_connected(target);
    let keeps_target = |status: &Status| status.peers <= most;
    let is_full = |status: &Status| status.run == RunState::Following && connected(&again).len() == target;
    wait_for(&again, "peers of the last run", keeps_target, is_full).await;
    let back = connected(&again);
    assert!(back.is_subset(&healthy) && !back.contains(&gone), "{back:?}");
    assert!(again.stop(DEADLINE).await.in_time);
    for peer in good.into_iter().chain(bad.into_iter().map(|(peer, _)| peer)) {
        peer.stop().await;
    }
}
