//! How many headers a second does a whole sync take in: sockets, decryption, decoding, every rule, the store?
//!
//! The peer runs in the same process on a runtime of its own, so its work is in the figure too: reading,
//! encoding and encrypting the same headers on the same cores.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use divan::{Bencher, counter::ItemsCount};
use rustock_core::{LightClient, Network, RequestBudget, RunState, consensus::params::NetworkParams};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder, presets},
    peer::{Pace, ServedChain, TestPeer, TestPeerOptions},
};
use tokio::runtime::Runtime;

const HEADERS: u64 = 100_000;
/// The eras of the made-up network, which end at 600, over the whole chain.
const TIMES: u64 = HEADERS / 600;
/// Runs of each network in the comparison.
const RUNS: usize = 3;

fn main() {
    divan::main();
    if std::env::args().any(|argument| argument == "--bench") {
        compare();
    }
}

/// Headers of mainnet's size: merkle paths of twelve.
fn generate(params: NetworkParams) -> Chain {
    ChainBuilder::new(params).seed(1).merkle_depth(12..=12).build(HEADERS)
}

fn simnet() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| generate(NetworkParams::simnet()))
}

/// Partial merkle trees, signed blocks and all that came later, up to version 2.
fn every_era() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| generate(presets::stretched(presets::easy(presets::eras()), TIMES)))
}

/// A peer that serves a chain as fast as it can.
struct Served {
    chain: &'static Chain,
    peer: TestPeer,
    runtime: Runtime,
}

impl Served {
    fn new(chain: &'static Chain) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let served = ServedChain::of(chain).expect("a generated chain is linked");
        let mut options = TestPeerOptions::new(chain.params().clone(), served);
        options.pace = Pace::None;
        let peer = runtime.block_on(TestPeer::start(options)).expect("loopback can be listened on");
        Self { chain, peer, runtime }
    }

    /// The whole way, onto disk.
    fn sync(&self, directory: &Path) {
        let client = LightClient::builder(Network::Custom(Arc::new(self.chain.params().clone())))
            .data_dir(directory)
            .trusted_peers([self.peer.enode().to_string()])
            .request_budget(RequestBudget::UNPACED)
            .owned_runtime(2)
            .build()
            .expect("valid");
        client.start().expect("starts");
        self.runtime.block_on(async {
            let mut watch = client.watch_status();
            while watch.next().await.run != RunState::Following {}
            client.stop(Duration::from_secs(5)).await;
        });
        assert_eq!(client.best_header().hash(), self.chain.best().hash());
    }

    fn bench(&self, bencher: Bencher) {
        bencher
            .counter(ItemsCount::new(HEADERS))
            .with_inputs(|| tempfile::tempdir().expect("a directory"))
            .bench_values(|directory| {
                self.sync(directory.path());
                directory
            });
    }

    fn time(&self) -> Duration {
        let directory = tempfile::tempdir().expect("a directory");
        let start = Instant::now();
        self.sync(directory.path());
        start.elapsed()
    }
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn sync_to_disk(bencher: Bencher) {
    Served::new(simnet()).bench(bencher);
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn sync_every_era_to_disk(bencher: Bencher) {
    Served::new(every_era()).bench(bencher);
}

/// Both networks in turn, and the ratio of the fastest runs.
fn compare() {
    let networks = [Served::new(simnet()), Served::new(every_era())];
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..RUNS {
        for (network, fastest) in networks.iter().zip(&mut fastest) {
            *fastest = network.time().min(*fastest);
        }
    }
    let bytes = |chain: &Chain| chain.headers().iter().map(|header| header.raw().len()).sum::<usize>();
    let [plain, eras] = fastest.map(|time| HEADERS as f64 / time.as_secs_f64());
    println!(
        "fastest of {RUNS}: simnet {plain:.0} headers/s ({} bytes each), every era {eras:.0} ({} bytes each): \
         {:.3} times simnet's time a header",
        bytes(simnet()) / HEADERS as usize,
        bytes(every_era()) / HEADERS as usize,
        plain / eras,
    );
}
