//! The committed header is the one the sources make, compiles everywhere, and agrees with the code table, the
//! guide and the library's symbols.

mod common;

use std::{collections::BTreeSet, env, fs, path::Path, process::Command};

use cbindgen::{Builder, Config};
use common::{compiler, exports, library, read, sources, succeed, workspace};
use rustock::error::{RUSTOCK_STATUS_NULL_OUT, TABLE};

#[test]
fn the_committed_header_is_the_one_the_sources_make() {
    let config =
        Config::from_file(workspace().join("rustock-ffi/cbindgen.toml")).expect("the config is valid");
    let crate_folder = workspace().join("rustock-ffi");
    let bindings = Builder::new().with_crate(crate_folder).with_config(config).generate();
    let mut made = Vec::new();
    bindings.expect("the sources make a header").write(&mut made);
    let made = String::from_utf8(made).expect("a header is text");
    let path = workspace().join("include/rustock.h");
    if env::var_os("RUSTOCK_UPDATE_HEADER").is_some() {
        fs::write(&path, &made).expect("the header can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let difference = committed.lines().zip(made.lines()).enumerate().find(|(_, (old, new))| old != new);
    assert!(
        committed == made,
        "include/rustock.h is not what rustock-ffi/src makes: run `./run header` and commit it. First difference \
         (line, committed, made): {difference:?}"
    );
}

#[test]
fn the_header_compiles_alone_and_twice_in_every_standard() {
    let folder = tempfile::tempdir().unwrap();
    let program = "#include \"rustock.h\"\n#include \"rustock.h\"\nint main(void) {\n\
                   rustock_hash hash = {{0}};\n\
                   return rustock_abi_version() == ((RUSTOCK_ABI_MAJOR << 16) | RUSTOCK_ABI_MINOR) ? hash.bytes[0] \
                   : 1;\n}\n";
    for (variable, default, file, standards) in [
        ("CC", "cc", "alone.c", ["c99", "c11", "c17"].as_slice()),
        ("CXX", "c++", "alone.cpp", ["c++11", "c++17"].as_slice()),
    ] {
        let source = folder.path().join(file);
        fs::write(&source, program).unwrap();
        for standard in standards {
            let mut compile = compiler(variable, default);
            compile.arg(format!("-std={standard}"));
            compile.args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-I"]);
            succeed(compile.arg(workspace().join("include")).arg(&source));
        }
    }
}

#[test]
fn every_export_runs_in_the_panic_guard_and_nothing_else() {
    for export in exports() {
        let context = format!("{} in {}", export.name, export.file);
        assert!(export.file.starts_with("rustock-ffi/src/c_api/"), "{context}: exports belong to c_api");
        assert!(export.name.starts_with("rustock_"), "{context}: exports are named rustock_…");
        let body = export.body.trim_end_matches(';');
        assert!(body.starts_with("guard(") || body.starts_with("guard_value("), "{context}: no guard");
        assert_eq!(end_of_first_call(body), Some(body.len()), "{context}: code outside the guard");
    }
}

#[test]
fn the_guard_check_sees_code_outside_of_it() {
    assert_eq!(end_of_first_call("guard(|| f(1))"), Some(14));
    assert_eq!(end_of_first_call("guard(|| f(1)) + g()"), Some(14));
    assert_eq!(end_of_first_call("guard(|| f(1)"), None);
}

/// Where the call that a text starts with ends.
fn end_of_first_call(body: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, character) in body.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 1 => return Some(at + 1),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[test]
fn unsafe_code_is_in_c_api_alone() {
    for (file, source) in sources() {
        let exempt = file.starts_with("rustock-ffi/src/c_api/") || file == "rustock-ffi/src/lib.rs";
        assert!(exempt || !source.contains("unsafe"), "{file} says unsafe");
        assert!(
            !source.contains("export_name"),
            "{file}: exports are made by no_mangle, which the suite looks for"
        );
    }
    let front = read("rustock-ffi/src/lib.rs");
    assert!(front.contains("#![deny(unsafe_code)]"));
    assert_eq!(front.matches("allow(unsafe_code)").count(), 1);
}

#[test]
fn sources_header_and_library_have_the_same_functions() {
    let in_sources: BTreeSet<String> = exports().into_iter().map(|export| export.name).collect();
    let in_header: BTreeSet<String> =
        declarations(&read("include/rustock.h")).into_iter().map(|function| function.name).collect();
    assert_eq!(in_header, in_sources);

    let listing = Command::new("nm").args(["-D", "--defined-only"]).arg(library("librustock.so")).output();
    let listing = listing.expect("nm is there: it comes with the linker");
    let listing = String::from_utf8(listing.stdout).unwrap();
    let in_library: BTreeSet<String> =
        listing.lines().filter_map(|line| line.split(' ').next_back()).map(str::to_owned).collect();
    assert_eq!(in_library, in_sources);
}

#[test]
fn every_function_says_in_the_header_who_may_call_it() {
    for function in declarations(&read("include/rustock.h")) {
        let sentence = function.comment.lines().filter(|line| line.trim().starts_with("* Threads: ")).count();
        assert_eq!(sentence, 1, "{} has no sentence that starts with \"Threads:\"", function.name);
    }
}

#[test]
fn header_table_and_guide_have_the_same_codes() {
    let table: Vec<(i32, String)> =
        TABLE.iter().map(|(code, name)| (*code, name.to_str().unwrap().to_owned())).collect();

    let mut in_header = Vec::new();
    for line in read("include/rustock.h").lines() {
        if let Some(definition) = line.strip_prefix("#define RUSTOCK_STATUS_") {
            let (name, code) = definition.split_once(' ').expect("a name and a number");
            in_header.push((code.parse().unwrap(), format!("RUSTOCK_STATUS_{name}")));
        }
    }
    assert_eq!(in_header, table);

    let mut in_guide = Vec::new();
    for line in read("docs/c-api.md").lines() {
        if let [_, code, name, ..] = line.split('|').map(str::trim).collect::<Vec<_>>()[..]
            && let Some(name) = name.strip_prefix("`RUSTOCK_STATUS_").and_then(|name| name.strip_suffix('`'))
        {
            in_guide.push((code.parse().unwrap(), format!("RUSTOCK_STATUS_{name}")));
        }
    }
    assert_eq!(in_guide, table);
}

#[test]
fn outcomes_are_below_the_first_failure() {
    assert_eq!(RUSTOCK_STATUS_NULL_OUT, 100);
    assert_eq!(TABLE.iter().filter(|(code, _)| *code < 100).count(), 3);
}

#[test]
fn no_profile_turns_panics_into_aborts() {
    for manifest in ["Cargo.toml", "rustock-ffi/Cargo.toml"] {
        assert!(!read(Path::new(manifest)).contains("abort"), "{manifest}");
    }
}

/// A function of the header and the comment above it.
struct Declaration {
    name: String,
    comment: String,
}

fn declarations(header: &str) -> Vec<Declaration> {
    let mut found = Vec::new();
    let mut comment = String::new();
    for paragraph in header.split("/**").skip(1) {
        let (text, code) = paragraph.split_once("*/").expect("comments end");
        comment.clear();
        comment.push_str(text);
        let code = code.trim_start();
        let is_function = !code.starts_with('#') && !code.starts_with("typedef");
        if let (true, Some((before, _))) = (is_function, code.split_once('(')) {
            let name = before.rsplit([' ', '*']).next().unwrap_or_default();
            if name.starts_with("rustock_") && !before.contains(';') {
                found.push(Declaration { name: name.to_owned(), comment: comment.clone() });
            }
        }
    }
    found
}
