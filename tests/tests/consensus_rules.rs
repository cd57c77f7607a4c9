//! `docs/consensus-rules.md` is the table of every rule. Its rows are here, checked against the code, and the page is
//! made from them: `RUSTOCK_UPDATE_DOCS=1 cargo test -p rustock-tests --test consensus_rules` writes it anew.

#[path = "consensus_rules/page.rs"]
mod page;
#[path = "consensus_rules/rows.rs"]
mod rows;

use std::{collections::BTreeSet, fs, path::Path};

use rustock_core::{
    consensus::{body_error::BodyRule, error::Rule, params::NetworkParams},
    primitives::activation::{Activation, Activations},
};
use rustock_tests::vectors::{repository, repository_text};

use rows::{Holds, ROWS};

#[test]
fn the_page_is_the_one_that_the_rows_make() {
    let path = repository().join("docs/consensus-rules.md");
    let page = page::page();
    if std::env::var_os("RUSTOCK_UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("a writable page");
    }
    let committed = fs::read_to_string(&path).expect("the page is there");
    assert!(
        committed == page,
        "docs/consensus-rules.md is not what the rows make: see the head of this file"
    );
}

#[test]
fn every_rule_of_the_code_has_a_row_and_every_row_a_rule() {
    let rules = Rule::ALL.iter().map(|rule| rule.name());
    let rules: BTreeSet<&str> = rules.chain(BodyRule::ALL.iter().map(|rule| rule.name())).collect();
    let listed: BTreeSet<&str> = ROWS.iter().map(|row| row.rule).collect();
    assert_eq!(listed, rules);
}

#[test]
fn every_file_of_rules_has_a_row() {
    let root = repository().join("rustock-core/src");
    let mut files = BTreeSet::new();
    rule_files(&root, &root.join("consensus/rules"), &mut files);
    let listed: BTreeSet<String> = ROWS.iter().map(|row| row.file.to_owned()).collect();
    let missing: Vec<_> = files.difference(&listed).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}

fn rule_files(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            rule_files(root, &path, found);
        } else if name != "mod.rs" && name != "tests.rs" {
            let below = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            found.insert(below);
        }
    }
}

#[test]
fn every_file_opens_with_the_rskips_and_the_class_of_its_rows() {
    for row in ROWS {
        let source = repository_text(&format!("rustock-core/src/{}", row.file));
        let opening: Vec<&str> = source.lines().take_while(|line| line.starts_with("//!")).collect();
        let opening = opening.join(" ");
        for rskip in row.rskips {
            assert!(names_rskip(&opening, rskip), "{} does not open with RSKIP-{rskip}", row.file);
        }
        for class in row.rskj.split(", ") {
            let class = class.split('.').next().expect("a class");
            assert!(opening.contains(class), "{} does not open with {class}", row.file);
        }
    }
}

/// True when the text names the RSKIP, alone or in a list as `RSKIP-97, 98`.
fn names_rskip(text: &str, rskip: &str) -> bool {
    let words = text.split(|character: char| !character.is_alphanumeric());
    words.into_iter().any(|word| word == rskip)
}

#[test]
fn every_test_of_a_row_is_there() {
    for row in ROWS {
        assert!(!row.tests.is_empty(), "{}: {} has no test", row.rule, row.what);
        for test in row.tests {
            let (file, name) = test.split_once("::").expect("file::test");
            let source = repository_text(file);
            let declared = format!("fn {name}(");
            let place = source.find(&declared).unwrap_or_else(|| panic!("{file} has no test {name}"));
            assert!(source[..place].trim_end().ends_with("#[test]"), "{file}: {name} is no test");
        }
    }
}

/// Every upgrade height there is. A field more in [`Activations`], and this no longer compiles.
fn heights(rules: &Activations) -> Vec<(&'static str, Activation)> {
    let Activations {
        rskip92,
        rskip97,
        rskip98,
        rskip110,
        rskip126: _unused_by_headers,
        rskip144,
        rskip156,
        rskip179,
        rskip180,
        rskip290,
        rskip297,
        rskip351,
        rskip535,
        rskip_umm,
        base_event_required,
    } = rules.clone();
    vec![
        ("92", rskip92),
        ("97", rskip97),
        ("98", rskip98),
        ("110", rskip110),
        ("144", rskip144),
        ("156", rskip156),
        ("179", rskip179),
        ("180", rskip180),
        ("290", rskip290),
        ("297", rskip297),
        ("351", rskip351),
        ("535", rskip535),
        ("UMM", rskip_umm),
        ("base event", base_event_required),
    ]
}

#[test]
fn every_upgrade_that_touches_headers_decides_a_row() {
    // A network on which every upgrade has a height of its own tells them apart.
    let mut rules = Activations::NONE;
    for (place, height) in [
        &mut rules.rskip92,
        &mut rules.rskip97,
        &mut rules.rskip98,
        &mut rules.rskip110,
        &mut rules.rskip144,
        &mut rules.rskip156,
        &mut rules.rskip179,
        &mut rules.rskip180,
        &mut rules.rskip290,
        &mut rules.rskip297,
        &mut rules.rskip351,
        &mut rules.rskip535,
        &mut rules.rskip_umm,
        &mut rules.base_event_required,
    ]
    .into_iter()
    .enumerate()
    {
        *height = Activation::at(1_000 + place as u64);
    }
    let decisive: Vec<Activation> = ROWS
        .iter()
        .filter_map(|row| match row.holds {
            Holds::Everywhere => None,
            Holds::From(height) | Holds::Below(height) => Some(height(&rules)),
        })
        .collect();
    for (name, height) in heights(&rules) {
        assert!(decisive.contains(&height), "RSKIP-{name} decides no row");
    }
}

#[test]
fn the_heights_of_the_page_are_those_of_the_networks() {
    let page = repository_text("docs/consensus-rules.md");
    let fallback = page.lines().find(|line| line.starts_with("| `fallback_signature` |")).expect("a row");
    let orchid = NetworkParams::mainnet().activations.rskip98.first().expect("a height").get();
    assert!(fallback.contains(&format!("below {}", page::thousands(orchid))), "{fallback}");
}
