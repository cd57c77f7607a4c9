//! C programs against the real library, under the address and undefined-behaviour sanitizers, leaks included.

#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

mod common;

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustock_core::{consensus::params::NetworkParams, primitives::number::BlockNumber};
use rustock_test_support::{
    chainkit::ChainBuilder,
    peer::{Pace, ServedChain, TestPeer, TestPeerOptions},
};

use common::{compiler, library, succeed, workspace};

/// Compiles a program of the workspace against the static library.
fn build(source: &str, folder: &Path) -> PathBuf {
    let program = folder.join("program");
    let mut compile = compiler("CC", "cc");
    compile.args(["-std=c11", "-g", "-Wall", "-Wextra", "-Werror", "-pedantic"]);
    compile.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I"]);
    compile.arg(workspace().join("include")).arg(workspace().join(source));
    compile.arg(library("librustock.a")).args(["-lpthread", "-ldl", "-lm", "-o"]);
    succeed(compile.arg(&program));
    program
}

/// The program, told to look for leaks.
fn sanitized(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0").env("UBSAN_OPTIONS", "print_stacktrace=1");
    command
}

#[test]
fn the_example_follows_growth_and_a_reorganisation_and_stops_when_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let program = build("examples/c/follow.c", folder.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let main = ChainBuilder::simnet().seed(9).build(60);
    let branch = main.fork_at(55, 10).extended(12);
    let served = ServedChain::new(main.headers().to_vec())
        .and_then(|chain| chain.revealed_up_to(BlockNumber::new(50)))
        .and_then(|chain| chain.forking_at(BlockNumber::new(58), branch.headers()[56..].to_vec()))
        .unwrap();
    let mut options = TestPeerOptions::new(NetworkParams::simnet(), served);
    options.pace = Pace::None;
    let peer = runtime.block_on(TestPeer::start(options)).unwrap();

    let mut child = sanitized(&program)
        .args(["simnet", &peer.enode().to_string()])
        .arg(folder.path().join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = Vec::new();
    // Each block is shown once the one before it was printed.
    for line in lines.by_ref() {
        let line = line.unwrap();
        let is_best = line == format!("+ {} {}", peer.best().number, hex(peer.best().hash.as_bytes()));
        seen.push(line);
        if is_best && peer.grow().is_none() {
            break;
        }
    }
    succeed(Command::new("kill").args(["-INT", &child.id().to_string()]));
    seen.extend(lines.map(Result::unwrap));
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}: {complaints}\n{}", seen.join("\n"));

    assert_eq!(seen.first().map(String::as_str), Some("starting from 0"));
    assert!(reorganised(&seen), "{}", seen.join("\n"));
    assert_eq!(seen.last().map(String::as_str), Some("stopped: 1 told, 0 cut"));
    let cursor = std::fs::read(folder.path().join("data.cursor")).unwrap();
    assert_eq!(cursor.len(), 41);
    assert_eq!(&cursor[9..], branch.best().hash().as_bytes());
}

/// A reorganisation was printed, with blocks that went and blocks that came.
fn reorganised(lines: &[String]) -> bool {
    let Some(start) = lines.iter().position(|line| line.starts_with("reorg:")) else { return false };
    let mut after = lines[start + 1..].iter();
    after.next().is_some_and(|line| line.starts_with('-')) && after.any(|line| line.starts_with('+'))
}

#[test]
fn a_wait_ends_as_closed_when_another_thread_stops_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let program = build("rustock-ffi/tests/c/blocked_next.c", folder.path());
    succeed(sanitized(&program).arg(folder.path().join("data")));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
