//! The rows as a page.

use std::fmt::Write as _;

use rustock_core::{consensus::params::NetworkParams, primitives::activation::Activations};

use super::rows::{Effect, Holds, ROWS, Row};

const HEAD: &str = "\
# Every rule, where it holds, and what checks it

Made from the rows in `tests/tests/consensus_rules/rows.rs` and checked against the code; do not edit it by hand. Heights are those of
rskj 9.1.0. *Needs* says what a rule has to know besides the header; `verify` reports each rule that it could not apply for want of
it. Files are below `rustock-core/src/`. What decoding refuses, and what rskj's decoder lets pass, is in [leniencies.md](leniencies.md).

Beside the tests named here, every rule is compared with a second verifier that was written apart from it
(`tests/tests/second_verifier.rs`), with what a running rskj said of about a thousand made-up headers, uncle lists and imports
(`tests/tests/vectors_rules.rs`, `vectors_blocks.rs`, `vectors_versions.rs`), and with every bit flipped of real headers of every era
(`tests/tests/mutations.rs`).
";

const FOOT: &str = "
RSKIP-126 changes how state, transactions and receipts are hashed into the roots, and no rule of headers. Not checked at all, because
it takes executing the block: the roots themselves, the gas used, the fees paid, the logs bloom. Rules for transactions come with the check of
their root. A header's time may be before its
parent's (rskj imports such blocks, and the difficulty formula knows them): `verify` warns of it.
";

/// The whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for (title, of_bodies) in [("Headers", false), ("Bodies", true)] {
        let _ = write!(
            page,
            "\n## {title}\n\n| rule | what | needs | mainnet | testnet | regtest | RSKIP | rskj | file | tests |\n\
             |---|---|---|---|---|---|---|---|---|---|\n"
        );
        for row in ROWS.iter().filter(|row| row.needs.is_body() == of_bodies) {
            page.push_str(&line(row));
        }
    }
    page.push_str(FOOT);
    page
}

fn line(row: &Row) -> String {
    let networks = [NetworkParams::mainnet(), NetworkParams::testnet(), NetworkParams::regtest()];
    let [mainnet, testnet, regtest] = networks.map(|params| holds(row, &params));
    let rskips: Vec<String> = row.rskips.iter().map(|rskip| (*rskip).to_owned()).collect();
    let rskips = if rskips.is_empty() { "none".to_owned() } else { rskips.join(", ") };
    let classes: Vec<String> = row.rskj.split(", ").map(|class| format!("`{class}`")).collect();
    let tests: Vec<String> = row.tests.iter().map(|test| format!("`{}`", short(test))).collect();
    format!(
        "| `{}` | {} | {} | {mainnet} | {testnet} | {regtest} | {rskips} | {} | `{}` | {} |\n",
        row.rule,
        row.what,
        row.needs.shown(),
        classes.join(", "),
        row.file,
        tests.join(", "),
    )
}

/// A test without the folders that all of them share.
fn short(test: &str) -> &str {
    test.strip_prefix("rustock-core/src/consensus/")
        .or_else(|| test.strip_prefix("tests/tests/"))
        .unwrap_or(test)
}

fn holds(row: &Row, params: &NetworkParams) -> String {
    let has_effect = match row.effect {
        Effect::Always => true,
        Effect::OfTime => !params.max_future.is_zero(),
        Effect::Of290 => params.minimum_difficulty_after_rskip290.is_some(),
        Effect::Of297 => params.bitcoin_time_bound_after_rskip297.is_some(),
        Effect::Of156 => params.difficulty_divisor_after_rskip156 != params.difficulty_divisor,
    };
    if !has_effect {
        return "no effect".to_owned();
    }
    let first = |height: fn(&Activations) -> _| -> Option<u64> {
        let activation: rustock_core::primitives::activation::Activation = height(&params.activations);
        activation.first().map(|first| first.get())
    };
    match row.holds {
        Holds::Everywhere => "always".to_owned(),
        Holds::From(height) => match first(height) {
            None => "never".to_owned(),
            Some(0) => "always".to_owned(),
            Some(first) => format!("from {}", thousands(first)),
        },
        Holds::Below(height) => match first(height) {
            None => "always".to_owned(),
            Some(0) => "never".to_owned(),
            Some(first) => format!("below {}", thousands(first)),
        },
    }
}

/// A number as people read it.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
