//! The examples do what they say, against a local peer.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::process::{Command, Output};

use rustock_core::{consensus::params::NetworkParams, primitives::number::BlockNumber};
use rustock_test_support::{
    chainkit::ChainBuilder,
    peer::{Pace, ServedChain, TestPeer, TestPeerOptions},
};
use tokio::runtime::Runtime;

fn run(program: &str, peer: &TestPeer, more: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    Command::new(program)
        .args(["simnet", &peer.enode().to_string()])
        .arg(directory.path())
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn the_examples_follow_a_local_peer() {
    let runtime = Runtime::new().unwrap();
    let chain = ChainBuilder::simnet().seed(40).build(700);
    let served = ServedChain::new(chain.headers().to_vec()).unwrap();
    assert_eq!(served.best().number(), BlockNumber::new(700));
    let mut options = TestPeerOptions::new(NetworkParams::simnet(), served);
    options.pace = Pace::None;
    let peer = runtime.block_on(TestPeer::start(options)).unwrap();

    let output = run(env!("CARGO_BIN_EXE_sync_headers"), &peer, &[]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.ends_with(&format!("level at 700 {}\n", chain.best().hash())), "{printed}");

    let output = run(env!("CARGO_BIN_EXE_watch_tip"), &peer, &["1"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.starts_with("extended by "), "{printed}");
}
