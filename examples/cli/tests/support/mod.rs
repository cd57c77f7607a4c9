//! Runs the real binary.

#![allow(dead_code, reason = "each suite uses a part of it")]

pub mod chains;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// A process that has ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The one JSON value that was printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {:?} {:?}", self.stdout, self.stderr))
    }

    /// The JSON values that were printed, one a line.
    pub fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The binary, ready to be given arguments.
pub fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rustock"))
}

/// Runs it to its end.
pub fn rustock(arguments: &[&str]) -> Ended {
    command().args(arguments).stdin(Stdio::null()).output().unwrap().into()
}

/// Runs it with this on its standard input.
pub fn rustock_with_input(arguments: &[&str], input: &str) -> Ended {
    let mut child = command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A `rustock serve` that runs until dropped.
pub struct Served {
    child: Child,
    pub enode: String,
}

impl Served {
    /// Starts one with these arguments and waits until it listens.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = command()
            .arg("serve")
            .args(arguments)
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut enode = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut enode).unwrap();
        let enode = enode.trim().to_owned();
        assert!(enode.starts_with("enode://"), "serve printed {enode:?}");
        Self { child, enode }
    }

    /// The same peer under another node id.
    pub fn enode_with_another_key(&self) -> String {
        // The public key of the secret key 1: on the curve, and not the peer's.
        let point = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
                     483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
        let address = self.enode.split_once('@').unwrap().1;
        format!("enode://{point}@{address}")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
