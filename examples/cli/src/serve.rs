//! `rustock serve`: the test peer, which answers as an rskj does that has the headers of a file and no others.

use core::time::Duration;

use rustock_core::{Network, consensus::params::NetworkParams, primitives::number::BlockNumber};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder},
    peer::{Misbehaviour, Pace, ServedChain, ServedChainError, TestPeer, TestPeerOptions, WrongHeaders},
};
use serde::Serialize;

use crate::{
    arguments::{ForkChoice, MisbehaviourName, PaceName, ServeOptions},
    block::Block,
    exit::{Exit, Failure},
    header_file,
    interrupt::Interrupt,
    output::{self, thousands},
};

/// How many blocks below the height of the fork a generated branch leaves the chain, and how many it reaches
/// above it: deep enough to be seen, and the heavier one.
const GENERATED_BRANCH: u64 = 2;

/// Serves until interrupted.
pub fn run(options: &ServeOptions) -> Result<Exit, Failure> {
    let params = options.network.params();
    let peer_options = TestPeerOptions {
        listen: options.listen,
        pace: match options.pace {
            PaceName::Rskj => Pace::Rskj,
            PaceName::None => Pace::None,
        },
        discovery: (!options.no_udp).then(|| options.boot.clone()),
        misbehaviour: match options.misbehave {
            None => Misbehaviour::None,
            Some(MisbehaviourName::Silent) => Misbehaviour::NoHandshake,
            Some(MisbehaviourName::Lying) => Misbehaviour::WrongHeaders(WrongHeaders::BrokenProof),
            Some(MisbehaviourName::Flooding) => Misbehaviour::Flood,
        },
        grow_every: options.every.map(Duration::from_millis),
        ..TestPeerOptions::new(params.clone(), chain(options, &params)?)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    runtime.block_on(serve(options, peer_options))
}

/// The first line that is printed.
#[derive(Debug, Serialize)]
struct Listening {
    enode: String,
    network: String,
    first: Block,
    best: Block,
}

async fn serve(options: &ServeOptions, peer_options: TestPeerOptions) -> Result<Exit, Failure> {
    let mut interrupt = Interrupt::new()?;
    let first = Block::from(peer_options.chain.first());
    let best = Block::from(peer_options.chain.best());
    let peer = TestPeer::start(peer_options)
        .await
        .map_err(|error| Failure::new(format!("cannot listen on {}: {error}", options.listen)))?;
    let network = options.network.name().to_owned();
    let listening = Listening { enode: peer.enode().to_string(), network, first, best };
    if options.json {
        output::json_line(&listening)?;
    } else {
        output::line(&listening.enode)?;
        eprintln!(
            "serving {} blocks {} to {}; Ctrl-C ends",
            listening.network,
            thousands(listening.first.number),
            thousands(listening.best.number)
        );
    }
    interrupt.wait().await;
    peer.stop().await;
    Ok(Exit::Success)
}

/// What to serve, as the options say.
fn chain(options: &ServeOptions, params: &NetworkParams) -> Result<ServedChain, Failure> {
    let generated = options.generate.map(|blocks| generate(options, blocks)).transpose()?;
    let headers = match (&generated, &options.file) {
        (Some(chain), _) => chain.headers().to_vec(),
        (None, Some(file)) => header_file::read(file, &params.activations)?,
        (None, None) => Vec::new(),
    };
    let mut served = ServedChain::new(headers).map_err(refused)?;
    if let Some(height) = options.reveal_from {
        served = served.revealed_up_to(BlockNumber::new(height)).map_err(refused)?;
    }
    if let Some(fork) = &options.fork {
        let branch = match (&fork.file, &generated) {
            (Some(file), _) => header_file::read(file, &params.activations)?,
            (None, Some(chain)) => generated_branch(chain, fork, options.seed)?,
            (None, None) => {
                let sentence = "--fork needs a file in front of the @, unless the chain is generated";
                return Err(Failure::with(Exit::Unreadable, sentence));
            }
        };
        served = served.forking_at(fork.height, branch).map_err(refused)?;
    }
    Ok(served)
}

fn generate(options: &ServeOptions, blocks: u64) -> Result<Chain, Failure> {
    if options.network != Network::Simnet {
        let sentence = format!("--generate makes chains of simnet, not of {}", options.network);
        return Err(Failure::with(Exit::Unreadable, sentence));
    }
    Ok(ChainBuilder::simnet().seed(options.seed).build(blocks))
}

fn generated_branch(
    chain: &Chain,
    fork: &ForkChoice,
    seed: u64,
) -> Result<Vec<rustock_core::Header>, Failure> {
    let height = fork.height.get();
    let Some(leaves_at) = height.checked_sub(GENERATED_BRANCH).filter(|_| height <= chain.height()) else {
        let sentence = format!("--fork: height {height} is too low or above the generated chain");
        return Err(Failure::with(Exit::Unreadable, sentence));
    };
    let branch = chain.fork_at(leaves_at, seed.wrapping_add(1)).extended(2 * GENERATED_BRANCH);
    Ok(branch.headers().to_vec())
}

fn refused(error: ServedChainError) -> Failure {
    Failure::with(Exit::Unreadable, error.to_string())
}
