//! Act one: 939 real main-network headers above a checkpoint, from a peer that keeps an rskj's pace.

use std::time::Instant;

use rustock_core::{Checkpoint, Header, Network, RunState, StartFrom};
use rustock_test_support::peer::{Pace, ServedChain};

use super::{
    Proof,
    stage::{self, Stage},
};
use crate::{clock, exit::Failure, lines::HeaderLines, output, output::thousands};

/// 4,479,841 to 4,480,875, recorded.
const RECORDED: &str = include_str!("../../../../tests/data/mainnet-4479841-4480875.txt");
/// The lowest block of the record that a skeleton can start at, and the block that is trusted.
const CHECKPOINT: u64 = 4_479_936;

/// Plays the act.
pub async fn play(stage: &Stage) -> Result<Proof, Failure> {
    let network = Network::Mainnet;
    let params = network.params();
    let headers = recorded(&params)?;
    let best = headers.last().expect("the record is not empty").clone();
    let trusted = headers
        .iter()
        .find(|header| header.number().get() == CHECKPOINT)
        .expect("the record has the checkpoint")
        .clone();
    let count = headers.len() as u64;
    let chain = ServedChain::new(headers).map_err(|error| Failure::new(error.to_string()))?;
    let peer = stage::start_peer(params.clone(), chain, Pace::Rskj).await?;
    output::line(&format!(
        "  a local peer serves {} recorded headers at {} as an rskj would, its pace included",
        thousands(count),
        peer.local_addr()
    ))?;
    output::line(&format!("  trusted: block {} {}", thousands(CHECKPOINT), trusted.hash()))?;

    let checkpoint = Checkpoint::from_header(trusted, &params, clock::now())
        .map_err(|error| Failure::new(error.to_string()))?;
    let directory = stage.path("mainnet");
    let client = stage::client(&network, &directory, &peer, false, StartFrom::Checkpoint(checkpoint))?;
    let started = Instant::now();
    stage::start(&client)?;
    let status = stage::wait_until(&client, |status| {
        status.run == RunState::Following && status.head.number == best.number()
    })
    .await?;
    let took = stage::since(started);
    let verified = status.progress.headers_verified;
    output::line(&format!(
        "  verified {} headers in {took}: {} received, {} sent",
        thousands(verified),
        output::bytes(status.progress.bytes_received),
        output::bytes(status.progress.bytes_sent),
    ))?;
    output::line(&format!("  head:    block {} {}", thousands(best.number().get()), status.head.hash))?;
    let checked_from = status.fork_detection_from;
    let head = stage::stop(client).await;
    stage::check_head(head, &best)?;
    peer.stop().await;

    let mut proved = vec![format!(
        "{} real headers, {} to {}, passed every rule a header can be held to: links, difficulty, gas and price \
         bounds, times, and a Bitcoin proof of work that commits to each.",
        thousands(verified),
        thousands(CHECKPOINT + 1),
        thousands(best.number().get()),
    )];
    if let Some(from) = checked_from {
        proved.push(format!(
            "The fork-detection data of each from {} on was recomputed from its ancestors.",
            thousands(from.get())
        ));
    }
    Ok(Proof { proved })
}

fn recorded(params: &rustock_core::consensus::params::NetworkParams) -> Result<Vec<Header>, Failure> {
    let damaged = |reason: String| Failure::new(format!("the recorded headers are damaged: {reason}"));
    HeaderLines::new(RECORDED.as_bytes())
        .map(|line| {
            let line = line.map_err(|error| damaged(error.reason.to_string()))?;
            Header::decode(&line.raw, &params.activations).map_err(|error| damaged(error.to_string()))
        })
        .collect()
}
