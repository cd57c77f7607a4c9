//! Act two: a long chain, interrupted and resumed; then blocks as they come, and a reorganisation.

use core::time::Duration;
use std::time::Instant;

use rustock_core::{
    ChainEvent, LightClient, Network, RunState, StartFrom, Status, SubscribeOptions, Subscription,
    primitives::number::BlockNumber,
};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder},
    peer::{Pace, ServedChain, TestPeer},
};
use tokio::time::{sleep, timeout};

use super::{
    Proof,
    stage::{self, Stage},
};
use crate::{
    block::Block,
    exit::Failure,
    output::{self, thousands},
    sync::{Console, Event, Progress},
};

/// Blocks that are synced.
const BLOCKS: u64 = 100_000;
/// Where the client is stopped.
const HALF_WAY: u64 = BLOCKS / 2;
/// Blocks that come while the client follows.
const LIVE_BLOCKS: u64 = 5;
/// Between two of them.
const LIVE_PAUSE: Duration = Duration::from_millis(300);
/// How many blocks the reorganisation removes and adds.
const REMOVED: u64 = 2;
const ADDED: u64 = 4;
const SEED: u64 = 2_018;
/// Between two lines of progress where there is no terminal.
const LINE_PAUSE: Duration = Duration::from_secs(1);
/// How long an announced block may take.
const EVENT_DEADLINE: Duration = Duration::from_secs(20);

/// Plays the act.
pub async fn play(stage: &Stage) -> Result<Proof, Failure> {
    let started = Instant::now();
    let (trunk, branch) = generate();
    output::line(&format!(
        "  generated in {}: headers with merged-mining proofs, difficulty 1, from seed {SEED}",
        stage::since(started)
    ))?;
    let refused = |error: rustock_test_support::peer::ServedChainError| Failure::new(error.to_string());
    let chain = ServedChain::new(trunk.headers().to_vec())
        .and_then(|chain| chain.revealed_up_to(BlockNumber::new(BLOCKS)))
        .and_then(|chain| chain.forking_at(BlockNumber::new(BLOCKS + LIVE_BLOCKS), branch.headers().to_vec()))
        .map_err(refused)?;
    let peer = stage::start_peer(Network::Simnet.params(), chain, Pace::None).await?;

    let first = first_half(stage, &peer).await?;
    let (client, second) = second_half(stage, &peer).await?;
    let verified = first.verified + second.verified;
    let speed = (verified as f64 / (first.took + second.took).as_secs_f64()) as u64;
    output::line(&format!(
        "  level with the peer at block {}: {} headers verified and kept in {} ({} a second)",
        thousands(BLOCKS),
        thousands(verified),
        stage::seconds(first.took + second.took),
        thousands(speed),
    ))?;
    if verified != BLOCKS {
        return Err(Failure::new(format!("{verified} headers were verified for {BLOCKS} blocks")));
    }

    live_blocks(&client, &peer, &branch).await?;
    let head = stage::stop(client).await;
    stage::check_head(head, branch.best())?;
    peer.stop().await;
    let proved = vec![
        format!(
            "A client that is stopped goes on where its last commit was: {} and {} headers make {}, none twice.",
            thousands(first.verified),
            thousands(second.verified),
            thousands(verified)
        ),
        format!("Headers are fetched, verified and made durable at {} a second here.", thousands(speed)),
        "Announced blocks are followed, and a heavier branch replaces ours as one event that an app can undo and redo."
            .to_owned(),
    ];
    Ok(Proof { proved })
}

/// The chain that is served first, and the one that replaces it.
fn generate() -> (Chain, Chain) {
    let trunk = ChainBuilder::simnet().seed(SEED).build(BLOCKS + LIVE_BLOCKS);
    let branch = trunk.fork_at(BLOCKS + LIVE_BLOCKS - REMOVED, SEED).extended(ADDED);
    (trunk, branch)
}

/// What half of the sync did.
struct Half {
    verified: u64,
    took: Duration,
}

async fn first_half(stage: &Stage, peer: &TestPeer) -> Result<Half, Failure> {
    let client = open(stage, peer)?;
    let started = Instant::now();
    sync_with_progress(&client, 0, |status| status.head.number.get() >= HALF_WAY).await?;
    let head = stage::stop(client.clone()).await;
    let took = started.elapsed();
    output::line(&format!("  stopped at block {}, store closed", thousands(head.number.get())))?;
    Ok(Half { verified: head.number.get(), took })
}

async fn second_half(stage: &Stage, peer: &TestPeer) -> Result<(LightClient, Half), Failure> {
    let client = open(stage, peer)?;
    let from = client.status().head.number.get();
    output::line(&format!("  opened again at block {}", thousands(from)))?;
    let started = Instant::now();
    let status = sync_with_progress(&client, from, |status| {
        status.run == RunState::Following && status.head.number.get() == BLOCKS
    })
    .await?;
    Ok((client, Half { verified: status.progress.headers_verified, took: started.elapsed() }))
}

fn open(stage: &Stage, peer: &TestPeer) -> Result<LightClient, Failure> {
    stage::client(&Network::Simnet, &stage.path("simnet"), peer, true, StartFrom::Genesis)
}

async fn sync_with_progress(
    client: &LightClient,
    from: u64,
    is_there: impl Fn(&Status) -> bool,
) -> Result<Status, Failure> {
    let mut console = Console::inside("  ", from);
    stage::start(client)?;
    let mut shown = Instant::now();
    let pause = if console.is_animated() { Duration::from_millis(50) } else { LINE_PAUSE };
    let mut outcome = Ok(());
    let status = stage::wait_until(client, |status| {
        if shown.elapsed() >= pause {
            shown = Instant::now();
            outcome = console.show(&Event::Progress(Progress::from(status)));
        }
        is_there(status) || outcome.is_err()
    })
    .await;
    console.finish();
    outcome?;
    status
}

/// Lets the peer's chain grow, then switch, and shows the events an app gets.
async fn live_blocks(client: &LightClient, peer: &TestPeer, branch: &Chain) -> Result<(), Failure> {
    let mut events =
        client.subscribe(SubscribeOptions::default()).map_err(|error| Failure::new(error.to_string()))?;
    output::line("  live, as events:")?;
    for _ in 0..LIVE_BLOCKS {
        sleep(LIVE_PAUSE).await;
        peer.grow();
        match next(&mut events).await? {
            ChainEvent::Extended { blocks, .. } => {
                for block in &blocks {
                    show("extended  +", &block.into())?;
                }
            }
            other => return Err(Failure::new(format!("an unexpected event: {other:?}"))),
        }
    }
    sleep(LIVE_PAUSE).await;
    peer.grow();
    let event = next(&mut events).await?;
    let ChainEvent::Reorg { common_ancestor, removed, added, .. } = event else {
        return Err(Failure::new(format!("an unexpected event: {event:?}")));
    };
    show("reorg     =", &(&common_ancestor).into())?;
    for block in &removed {
        show("          -", &block.into())?;
    }
    for block in &added {
        show("          +", &block.into())?;
    }
    let is_right =
        removed.len() as u64 == REMOVED && added.last().map(|block| block.hash) == Some(branch.best().hash());
    if is_right { Ok(()) } else { Err(Failure::new("the reorganisation is not the one that was served")) }
}

async fn next(events: &mut Subscription) -> Result<ChainEvent, Failure> {
    let event = timeout(EVENT_DEADLINE, events.next())
        .await
        .map_err(|_| Failure::new(format!("no event came within {EVENT_DEADLINE:?}")))?
        .map_err(|error| Failure::new(error.to_string()))?;
    events.ack(event.cursor()).map_err(|error| Failure::new(error.to_string()))?;
    Ok(event)
}

fn show(what: &str, block: &Block) -> Result<(), Failure> {
    output::line(&format!("    {what} {} {}", thousands(block.number), block.hash))
}
