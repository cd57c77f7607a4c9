//! Runs the real binary.

#![allow(dead_code, reason = "each suite uses a part of it")]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
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
