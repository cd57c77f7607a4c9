//! `rustock demo`: what works, shown on this machine alone, and said plainly what that proves.

mod generated;
mod real;
mod stage;

use core::future::Future;
use std::time::Instant;

use crate::{
    exit::{Exit, Failure},
    interrupt::Interrupt,
    output,
};

use self::stage::Stage;

/// Plays both acts. Leaves nothing behind.
pub fn run() -> Result<Exit, Failure> {
    let cannot_start = |error| Failure::new(format!("cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    runtime.block_on(until_interrupted(play()))
}

async fn until_interrupted(play: impl Future<Output = Result<(), Failure>>) -> Result<Exit, Failure> {
    let mut interrupt = Interrupt::new()?;
    tokio::select! {
        outcome = play => outcome.map(|()| Exit::Success),
        () = interrupt.wait() => Err(Failure::new("the demo was interrupted")),
    }
}

async fn play() -> Result<(), Failure> {
    let started = Instant::now();
    let stage = Stage::new()?;
    output::line("Rustock demo. Everything happens on this machine: peers, sockets and chains are local.")?;

    output::line("\nAct one: real headers of Rootstock's main network, over real sockets")?;
    let real = real::play(&stage).await?;

    output::line("\nAct two: a generated chain of 100,000 headers, stopped half way and resumed")?;
    let generated = generated::play(&stage).await?;

    output::line("\nWhat was proved")?;
    for line in real.proved.iter().chain(&generated.proved) {
        output::line(&format!("  - {line}"))?;
    }
    output::line("\nWhat was not")?;
    for line in NOT_PROVED {
        output::line(&format!("  - {line}"))?;
    }
    output::line(&format!("\nThe demo took {}.", stage::seconds(started.elapsed())))
}

const NOT_PROVED: [&str; 5] = [
    "That block 4,479,936 is on the best chain: a checkpoint is trusted for that, and for nothing else.",
    "The fork-detection data of 4,479,937 to 4,480,256: the peer has not all the ancestors that it sums up.",
    "Anything about a live network: both peers are this program's own, and answer as a recorded rskj does.",
    "The work behind act two: its difficulty is 1, so anybody can make such a chain in seconds.",
    "That blocks are valid: headers say nothing of transactions, state and uncles.",
];

/// What an act leaves to be said at the end.
struct Proof {
    proved: Vec<String>,
}
