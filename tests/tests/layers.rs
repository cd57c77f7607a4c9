//! The layers of `rustock-core` hold, and the checker that says so notices when they do not.

use std::path::Path;

use rustock_tests::{
    layers::{Violation, check_source},
    vectors::repository,
};

/// Every Rust file below `folder`, as a path relative to `root` and its text.
fn sources(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            sources(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            found.push((name, std::fs::read_to_string(&path).expect("a readable file")));
        }
    }
}

fn complaints(file: &str, source: &str) -> Vec<String> {
    check_source(file, source).into_iter().map(|violation| violation.what).collect()
}

#[test]
fn every_source_keeps_to_its_layer() {
    let root = repository().join("rustock-core/src");
    let mut files = Vec::new();
    sources(&root, &root, &mut files);
    assert!(files.iter().any(|(name, _)| name == "lib.rs"), "looked in the wrong folder");
    assert!(files.iter().any(|(name, _)| name.starts_with("wire/")), "looked in the wrong folder");
    let violations: Vec<Violation> =
        files.iter().flat_map(|(name, source)| check_source(name, source)).collect();
    let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(lines.is_empty(), "{} violations:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn an_import_from_a_higher_layer_is_noticed_however_it_is_written() {
    for source in [
        "use crate::store::Store;",
        "use crate::{\n    primitives::hash,\n    store::{Batch, Store},\n};",
        "pub(crate) use crate::primitives::rlp;\nfn f() -> crate::store::Store { g() }",
        "use {crate::store as primitives};",
        "macro_rules! m { () => { $crate::store::open() } }",
        "#[cfg(test)]\nmod tests {\n    use crate::store::Store;\n}",
        "fn f() { let x = '\"'; crate::store::open(x); let y = \"\"; }",
    ] {
        assert_eq!(complaints("chain/tree.rs", source), ["chain must not import store"], "{source}");
    }
    assert_eq!(check_source("chain/tree.rs", "// one\n\nuse crate::store::Store;")[0].line, 3);
}

#[test]
fn what_the_table_allows_and_what_is_no_code_is_left_alone() {
    for source in [
        "use crate::primitives::hash::BlockHash;",
        "use crate::{chain::reorg, consensus::{rules, verify as check}, primitives};",
        "// use crate::store::Store;\n/* crate::store /* nested */ crate::wire */",
        "const TEXT: &str = \"use crate::store;\";\nconst RAW: &str = r#\"crate::wire \" std::fs\"#;",
        "/// See [`crate::store`].\npub(crate) fn f<'a>(x: &'a str) -> char { '\\'' }",
        "use std::{collections::BTreeMap, time::Duration};\nuse core::net::SocketAddr;",
        "fn f<'a>() -> impl Iterator<Item = u8> + use<'a> { let x = { 1; 2 }; once(x) }",
        "use {a; b};",
    ] {
        assert!(
            complaints("chain/tree.rs", source).is_empty(),
            "{source}: {:?}",
            complaints("chain/tree.rs", source)
        );
    }
    assert!(complaints("store/redb/open.rs", "use std::fs::File;").is_empty());
    assert!(
        complaints("runtime/tcp.rs", "use std::net::TcpStream; async fn f() { tokio::spawn(g()).await }")
            .is_empty()
    );
}

#[test]
fn the_whole_crate_and_unknown_modules_are_refused() {
    assert_eq!(complaints("chain/tree.rs", "use crate::*;"), ["imports the whole crate: write out the path"]);
    assert_eq!(
        complaints("chain/tree.rs", "use crate::{*};"),
        ["imports the whole crate: write out the path"]
    );
    assert_eq!(
        complaints("chain/tree.rs", "use crate as core;"),
        ["imports the whole crate: write out the path"]
    );
    assert_eq!(complaints("chain/tree.rs", "use crate::Header;"), ["crate::Header is no known layer"]);
    assert_eq!(
        complaints("chain/tree.rs", "use rustock_core::store;"),
        ["names its own crate: write crate::…"]
    );
    assert_eq!(complaints("util/misc.rs", ""), ["belongs to no known layer"]);
    assert_eq!(complaints("util.rs", ""), ["belongs to no known layer"]);
    assert_eq!(complaints("lib.rs", "pub mod chain;\nmod util;"), ["module util is no known layer"]);
    assert_eq!(
        complaints("chain/tree.rs", "#[path = \"../store/mod.rs\"]\nmod x;"),
        ["a path attribute hides where a module is"]
    );
}

#[test]
fn super_may_climb_to_the_layer_and_no_further() {
    assert!(complaints("chain/tree.rs", "use super::reorg;").is_empty());
    assert_eq!(complaints("chain/tree.rs", "use super::super::store;"), ["2 steps of super leave the layer"]);
    assert_eq!(
        complaints("chain/tree.rs", "use super::{super::store, reorg};"),
        ["2 steps of super leave the layer"]
    );
    assert_eq!(complaints("chain/mod.rs", "use super::store;"), ["1 steps of super leave the layer"]);
    assert!(complaints("chain/a/mod.rs", "use super::tree;").is_empty());
    assert!(complaints("chain/tree.rs", "mod tests {\n    use super::super::reorg;\n}").is_empty());
    assert_eq!(
        complaints("chain/tree.rs", "mod tests { fn f() { super::super::super::store::open() } }"),
        ["3 steps of super leave the layer"]
    );
}

#[test]
fn clocks_sockets_files_threads_and_hidden_randomness_are_noticed_in_pure_layers() {
    for (source, complaint) in [
        ("use std::net::TcpStream;", "std::net"),
        ("use std::{fmt, fs};", "std::fs"),
        ("fn f() { std::thread::yield_now() }", "std::thread"),
        ("use std::time::Instant;", "Instant"),
        ("fn f() -> std::time::SystemTime { g() }", "SystemTime"),
        ("use std::collections::{BTreeMap, HashMap};", "HashMap"),
        ("fn f() { tokio::spawn(g()); }", "tokio"),
        ("pub async fn f() {}", "async"),
    ] {
        let found = complaints("proto/node.rs", source);
        assert_eq!(found.len(), 1, "{source}: {found:?}");
        assert!(found[0].starts_with(&format!("{complaint} in a pure layer")), "{source}: {found:?}");
    }
    assert_eq!(complaints("store/memory.rs", "use std::fs::File;").len(), 1);
}

#[test]
fn rules_and_codecs_must_say_what_they_follow() {
    for file in ["wire/p2p.rs", "consensus/rules/gas_limit.rs"] {
        assert!(complaints(file, "//! Gas.\n//!\n//! No RSKIP. Mirrors rskj's `GasLimitRule`.\n").is_empty());
        assert!(
            complaints(file, "//! RSKIP-92. Mirrors rskj's `GasLimitRule`.\nuse core::fmt;\n").is_empty()
        );
        assert_eq!(
            complaints(file, "//! Mirrors rskj's `GasLimitRule`.\n\n// No RSKIP.\n"),
            ["opens without naming an RSKIP or saying \"No RSKIP\""]
        );
        assert_eq!(
            complaints(file, "//! No RSKIP.\n"),
            ["opens without naming the class of rskj it mirrors"]
        );
        assert_eq!(complaints(file, "use core::fmt;\n").len(), 2);
    }
    assert!(complaints("wire/rsk/tests.rs", "").is_empty());
}
