//! What both acts need: a peer, a client with a directory for a while, and waiting with an end.

use core::time::Duration;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use rustock_core::{
    BlockId, Header, LightClient, Network, RunState, StartFrom, Status, client::Builder,
    consensus::params::NetworkParams,
};
use rustock_test_support::peer::{Pace, ServedChain, TestPeer, TestPeerOptions};
use tokio::time::timeout;

use crate::{exit::Failure, sync};

/// Nothing in the demo takes longer, unless something is wrong.
const DEADLINE: Duration = Duration::from_secs(50);
/// How long a client may take to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// A directory that is removed at the end.
pub struct Stage {
    directory: tempfile::TempDir,
}

impl Stage {
    /// Makes the directory.
    pub fn new() -> Result<Self, Failure> {
        let directory = tempfile::Builder::new()
            .prefix("rustock-demo-")
            .tempdir()
            .map_err(|error| Failure::new(format!("cannot make a temporary directory: {error}")))?;
        Ok(Self { directory })
    }

    /// A directory in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Starts a peer that serves the chain.
pub async fn start_peer(
    params: Arc<NetworkParams>,
    chain: ServedChain,
    pace: Pace,
) -> Result<TestPeer, Failure> {
    let options = TestPeerOptions { pace, ..TestPeerOptions::new(params, chain) };
    TestPeer::start(options)
        .await
        .map_err(|error| Failure::new(format!("cannot start the local peer: {error}")))
}

/// A client that follows one peer.
pub fn client(
    network: &Network,
    directory: &Path,
    peer: &TestPeer,
    unpaced: bool,
    start: StartFrom,
) -> Result<LightClient, Failure> {
    let builder: Builder = sync::builder(network, directory, unpaced);
    builder
        .start_from(start)
        .trusted_peers([peer.enode().to_string()])
        .build()
        .map_err(|error| Failure::new(error.to_string()))
}

/// Starts the client.
pub fn start(client: &LightClient) -> Result<(), Failure> {
    client.start().map_err(|error| Failure::new(error.to_string()))
}

/// Waits until the client's state is as it should be. Every new one is looked at.
pub async fn wait_until(
    client: &LightClient,
    mut is_there: impl FnMut(&Status) -> bool,
) -> Result<Status, Failure> {
    let mut states = client.watch_status();
    let waiting = async {
        loop {
            let status = states.next().await;
            if let RunState::Failed(error) = &status.run {
                return Err(Failure::new(error.to_string()));
            }
            if is_there(&status) {
                return Ok(status);
            }
        }
    };
    match timeout(DEADLINE, waiting).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let status = client.status();
            let problem = status.last_problem.unwrap_or_else(|| "no problem was noticed".to_owned());
            let number = status.head.number;
            Err(Failure::new(format!("no end in sight after {DEADLINE:?} at block {number}: {problem}")))
        }
    }
}

/// Stops the client and says where it stands then.
pub async fn stop(client: LightClient) -> BlockId {
    let _ = client.stop(STOP_DEADLINE).await;
    client.status().head
}

/// Fails unless the client ended where the peer's chain does.
pub fn check_head(head: BlockId, expected: &Header) -> Result<(), Failure> {
    let expected = BlockId { number: expected.number(), hash: expected.hash() };
    if head == expected {
        return Ok(());
    }
    Err(Failure::new(format!("the client ended at {head}, the peer's chain at {expected}")))
}

/// `3.2 s`
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// `3.2 s` since then.
pub fn since(start: Instant) -> String {
    seconds(start.elapsed())
}
