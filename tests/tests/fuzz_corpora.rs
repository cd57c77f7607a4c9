//! Every input that fuzzing found worth keeping, through its target's body, without the fuzzer.

use std::{collections::BTreeSet, fs, path::Path};

use rustock_fuzz_targets::TARGETS;
use rustock_tests::vectors::{repository, repository_text};

/// The names in a folder, without their extension.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let stem = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    entries.map(|entry| stem(&entry.expect("a readable entry").path())).collect()
}

#[test]
fn every_target_has_a_binary_and_a_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&repository().join("fuzz/fuzz_targets")), targets);
    assert_eq!(names(&repository().join("fuzz/corpus")), targets);
    let manifest = repository_text("fuzz/Cargo.toml");
    for name in targets {
        assert!(manifest.contains(&format!("\npath = \"fuzz_targets/{name}.rs\"\n")), "no binary {name}");
        let binary = repository_text(&format!("fuzz/fuzz_targets/{name}.rs"));
        assert!(
            binary.contains(&format!("rustock_fuzz_targets::{name}::check(bytes)")),
            "{name} runs another"
        );
    }
}

#[test]
fn every_kept_input_goes_through_its_target() {
    for (name, check) in TARGETS {
        let corpus = repository().join("fuzz/corpus").join(name);
        let inputs = names(&corpus);
        assert!(inputs.len() > 5, "{name} has next to nothing to go through");
        for input in inputs {
            let bytes = fs::read(corpus.join(&input)).expect("a readable input");
            // The harness shows this line only when the input panics.
            println!("fuzz/corpus/{name}/{input}");
            check(&bytes);
        }
    }
}
