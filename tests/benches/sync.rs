//! How many headers a second does a whole sync take in: sockets, decryption, decoding, every rule, the store?
//!
//! The peer runs in the same process on a runtime of its own, so its work is in the figure too: reading,
//! encoding and encrypting the same headers on the same cores.

use std::{sync::OnceLock, time::Duration};

use divan::{Bencher, counter::ItemsCount};
use rustock_core::{LightClient, Network, RequestBudget, RunState, consensus::params::NetworkParams};
use rustock_test_support::{
    chainkit::{Chain, ChainBuilder},
    peer::{Pace, ServedChain, TestPeer, TestPeerOptions},
};
use tokio::runtime::Runtime;

const HEADERS: u64 = 100_000;

fn main() {
    divan::main();
}

/// Headers of mainnet's size: merkle paths of twelve.
fn chain() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| ChainBuilder::simnet().seed(1).merkle_depth(12..=12).build(HEADERS))
}

fn peer(runtime: &Runtime) -> TestPeer {
    let served = ServedChain::new(chain().headers().to_vec()).expect("a generated chain is linked");
    let mut options = TestPeerOptions::new(NetworkParams::simnet(), served);
    options.pace = Pace::None;
    runtime.block_on(TestPeer::start(options)).expect("loopback can be listened on")
}

/// The whole way, onto disk.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn sync_to_disk(bencher: Bencher) {
    let runtime = Runtime::new().expect("a runtime");
    let peer = peer(&runtime);
    bencher
        .counter(ItemsCount::new(HEADERS))
        .with_inputs(|| tempfile::tempdir().expect("a directory"))
        .bench_values(|directory| {
            let client = LightClient::builder(Network::Simnet)
                .data_dir(directory.path())
                .trusted_peers([peer.enode().to_string()])
                .request_budget(RequestBudget::UNPACED)
                .owned_runtime(2)
                .build()
                .expect("valid");
            client.start().expect("starts");
            runtime.block_on(async {
                let mut watch = client.watch_status();
                while watch.next().await.run != RunState::Following {}
                client.stop(Duration::from_secs(5)).await;
            });
            assert_eq!(client.best_header().hash(), chain().best().hash());
            directory
        });
}
