//! Where things are, and the C compiler.

#![allow(dead_code, reason = "each suite uses a part of it")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the workspace").to_owned()
}

/// Reads a text file of the workspace.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = workspace().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// The sources below `rustock-ffi/src`, by their path in the workspace, sorted.
pub fn sources() -> Vec<(String, String)> {
    let mut folders = vec![workspace().join("rustock-ffi/src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(workspace()).expect("it is inside").display().to_string();
            found.push((relative.clone(), read(relative)));
        }
    }
    found.sort();
    found
}

/// An exported function as its source has it.
#[derive(Debug)]
pub struct Export {
    pub file: String,
    pub name: String,
    pub body: String,
}

/// Every function that is exported, found by the attribute that exports it.
pub fn exports() -> Vec<Export> {
    let mut found = Vec::new();
    for (file, source) in sources() {
        for item in source.split("#[unsafe(no_mangle)]").skip(1) {
            let name =
                item.split_once(" fn ").and_then(|(_, rest)| rest.split_once('(')).expect("a function").0;
            let end = item.find("\n}\n").expect("the body ends at the margin");
            let start = item.find("{\n").expect("the body starts on a line of its own") + 2;
            let body = item[start..end].trim().to_owned();
            found.push(Export { file: file.clone(), name: name.to_owned(), body });
        }
    }
    assert!(!found.is_empty());
    found
}

/// Where cargo put this crate's libraries: beside the test itself.
pub fn library(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a running test has a path");
    let path = test.parent().expect("it lies in a folder").join(name);
    assert!(path.is_file(), "{} was not built", path.display());
    path
}

/// A command for the C compiler (`CC`, else `cc`) or the C++ one (`CXX`, else `c++`).
pub fn compiler(variable: &str, default: &str) -> Command {
    let name = env::var(variable).unwrap_or_else(|_| default.to_owned());
    Command::new(name)
}

/// Runs a command that must succeed; shows what it wrote if it does not.
pub fn succeed(command: &mut Command) {
    let shown = format!("{command:?}");
    let output =
        command.output().unwrap_or_else(|error| panic!("cannot run {shown}: {error}; is it installed?"));
    assert!(
        output.status.success(),
        "{shown} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
