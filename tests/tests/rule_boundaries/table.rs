//! The table of upgrades: each kind of header that an upgrade makes right or wrong, and where it does.

use rustock_core::{
    consensus::error::Rule,
    primitives::{
        activation::{Activation, HeaderVersion},
        number::Difficulty,
    },
};
use rustock_test_support::chainkit::{Signer, Signing, TreePlace};

use crate::{
    Case, FAR,
    Heights::{Always, At, Idle, Never},
    Network::{Eras, Mainnet, Regtest, Testnet},
    setting::{MINIMUM_AFTER_RSKIP290, PARENT_DIFFICULTY, Setting},
};

const VALID: Option<Rule> = None;

/// The table.
pub const CASES: [Case; 22] = [
    Case {
        rule: "RSKIP-92",
        header: "has a path of hashes",
        make: |setting| setting.draft.mining.tree = None,
        before: Some(Rule::MerkleProofFormat),
        after: VALID,
        activation: |rules| rules.rskip92,
        on: [(Mainnet, At(729_000)), (Testnet, Always), (Regtest, Always), (Eras, At(100))],
    },
    Case {
        rule: "RSKIP-92",
        header: "has a partial merkle tree",
        make: |setting| setting.draft.mining.tree = Some(TreePlace { transactions: 2, place: 0 }),
        before: VALID,
        after: Some(Rule::MerkleProofFormat),
        activation: |rules| rules.rskip92,
        on: [(Mainnet, At(729_000)), (Testnet, Always), (Regtest, Always), (Eras, At(100))],
    },
    Case {
        rule: "RSKIP-97",
        header: "comes after 600 s with the minimum difficulty",
        make: |setting| {
            setting.after(600);
            setting.of_difficulty(minimum(setting));
        },
        before: VALID,
        after: Some(Rule::Difficulty),
        activation: |rules| rules.rskip97,
        on: [(Mainnet, At(729_000)), (Testnet, Never), (Regtest, Never), (Eras, At(100))],
    },
    Case {
        rule: "RSKIP-97",
        header: "comes after 600 s with a difficulty one step down",
        make: |setting| {
            setting.after(600);
            setting.of_difficulty(PARENT_DIFFICULTY - PARENT_DIFFICULTY / divisor(setting));
        },
        before: Some(Rule::Difficulty),
        after: VALID,
        activation: |rules| rules.rskip97,
        on: [(Mainnet, At(729_000)), (Testnet, Never), (Regtest, Never), (Eras, At(100))],
    },
    Case {
        rule: "RSKIP-98",
        header: "has a whole Bitcoin block, without transactions",
        make: |setting| setting.draft.mining.bitcoin_block_rest = vec![0],
        before: VALID,
        after: Some(Rule::Decode),
        activation: |rules| rules.rskip98,
        on: [(Mainnet, At(729_000)), (Testnet, Always), (Regtest, Always), (Eras, At(100))],
    },
    Case {
        rule: "RSKIP-98",
        header: "is signed by the federation",
        make: |setting| {
            setting.parent.difficulty = Difficulty::new(1_000);
            setting.of_difficulty(1_000);
            let is_even = setting.number().get().is_multiple_of(2);
            let signer = if is_even { Signer::Even } else { Signer::Odd };
            setting.draft.signing = Some(Signing { signer, damage: None });
        },
        before: VALID,
        after: Some(Rule::Decode),
        activation: |rules| rules.rskip98,
        on: [(Mainnet, At(729_000)), (Testnet, Always), (Regtest, Always), (Eras, At(100))],
    },
    Case {
        rule: "RSKIP-110",
        header: "commits to twelve other bytes than the end of its hash",
        make: |setting| setting.draft.fork_data = Some([0xfd; 12]),
        before: Some(Rule::MergedMiningCommitment),
        after: VALID,
        activation: |rules| carried_from(rules.rskip110),
        on: [(Mainnet, At(1_591_000)), (Testnet, At(449)), (Regtest, At(449)), (Eras, At(449))],
    },
    Case {
        rule: "RSKIP-156",
        header: "comes early with a difficulty one step of before up",
        make: |setting| {
            setting.after(1);
            let step = PARENT_DIFFICULTY / u128::from(setting.params.difficulty_divisor);
            setting.of_difficulty(PARENT_DIFFICULTY + step);
        },
        before: VALID,
        after: Some(Rule::Difficulty),
        activation: |rules| rules.rskip156,
        on: [
            (Mainnet, At(2_392_700)),
            (Testnet, At(863_000)),
            (Regtest, Idle(&[1, FAR], VALID)),
            (Eras, At(280)),
        ],
    },
    Case {
        rule: "RSKIP-156",
        header: "comes early with a difficulty one step of after up",
        make: |setting| {
            setting.after(1);
            let step = PARENT_DIFFICULTY / u128::from(setting.params.difficulty_divisor_after_rskip156);
            setting.of_difficulty(PARENT_DIFFICULTY + step);
        },
        before: Some(Rule::Difficulty),
        after: VALID,
        activation: |rules| rules.rskip156,
        on: [
            (Mainnet, At(2_392_700)),
            (Testnet, At(863_000)),
            (Regtest, Idle(&[1, FAR], VALID)),
            (Eras, At(280)),
        ],
    },
    Case {
        rule: "RSKIP-179",
        header: "has a Bitcoin header that is 300 s later",
        make: |setting| setting.bitcoin_apart(300),
        before: VALID,
        after: Some(Rule::BitcoinTimestamp),
        activation: |rules| rules.rskip179,
        on: [
            (Mainnet, At(3_614_800)),
            (Testnet, At(2_060_500)),
            (Regtest, Idle(&[1, FAR], VALID)),
            (Eras, At(340)),
        ],
    },
    Case {
        rule: "RSKIP-180",
        header: "has a path of 31 hashes",
        make: |setting| setting.draft.mining.siblings = vec![[0x77; 32]; 31],
        before: VALID,
        after: Some(Rule::MerkleProofFormat),
        activation: |rules| rules.rskip180,
        on: [(Mainnet, At(3_614_800)), (Testnet, At(2_060_500)), (Regtest, Always), (Eras, At(340))],
    },
    Case {
        rule: "RSKIP-290",
        header: "comes late, and keeps a difficulty at the minimum of before",
        make: |setting| late_at_the_minimum(setting, setting.params.minimum_difficulty.get()),
        before: VALID,
        after: Some(Rule::Difficulty),
        activation: |rules| rules.rskip290,
        on: [
            (Mainnet, Idle(&[4_598_499, 4_598_500], VALID)),
            (Testnet, At(2_581_800)),
            (Regtest, Idle(&[1, FAR], VALID)),
            (Eras, Idle(&[399, 400], VALID)),
        ],
    },
    Case {
        rule: "RSKIP-290",
        header: "comes late, and rises from the minimum of before to that of after",
        make: |setting| late_at_the_minimum(setting, MINIMUM_AFTER_RSKIP290),
        before: Some(Rule::Difficulty),
        after: VALID,
        activation: |rules| rules.rskip290,
        on: [
            (Mainnet, Idle(&[4_598_499, 4_598_500], Some(Rule::Difficulty))),
            (Testnet, At(2_581_800)),
            (Regtest, Idle(&[1, FAR], Some(Rule::Difficulty))),
            (Eras, Idle(&[399, 400], Some(Rule::Difficulty))),
        ],
    },
    Case {
        rule: "RSKIP-297",
        header: "has a Bitcoin header that is 7,199 s earlier",
        make: |setting| setting.bitcoin_apart(-7_199),
        before: Some(Rule::BitcoinTimestamp),
        after: VALID,
        activation: |rules| rules.rskip297,
        on: [
            (Mainnet, Idle(&[4_598_499, 4_598_500], Some(Rule::BitcoinTimestamp))),
            (Testnet, At(3_103_000)),
            (Regtest, Idle(&[1, FAR], VALID)),
            (Eras, Idle(&[399, 400], Some(Rule::BitcoinTimestamp))),
        ],
    },
    Case {
        rule: "RSKIP-351",
        header: "is laid out as version 0",
        make: |setting| setting.set_layout(HeaderVersion::V0),
        before: VALID,
        after: Some(Rule::Decode),
        activation: |rules| rules.rskip351,
        on: [(Mainnet, Never), (Testnet, At(7_139_600)), (Regtest, Always), (Eras, At(500))],
    },
    Case {
        rule: "RSKIP-351",
        header: "is laid out as version 1",
        make: |setting| setting.set_layout(HeaderVersion::V1),
        before: Some(Rule::Decode),
        after: VALID,
        activation: |rules| rules.rskip351,
        on: [
            (Mainnet, Never),
            (Testnet, At(7_139_600)),
            (Regtest, Idle(&[1, FAR], Some(Rule::Decode))),
            (Eras, At(500)),
        ],
    },
    Case {
        rule: "RSKIP-535",
        header: "is laid out as version 1",
        make: |setting| setting.set_layout(HeaderVersion::V1),
        before: VALID,
        after: Some(Rule::Decode),
        activation: |rules| rules.rskip535,
        on: [
            (Mainnet, Idle(&[1, FAR], Some(Rule::Decode))),
            // Nodes that did not know the upgrade yet went on with version 1 for a while, and rskj reads it.
            (Testnet, Idle(&[7_604_199, 7_604_200, 7_799_999], VALID)),
            (Regtest, Always),
            (Eras, At(560)),
        ],
    },
    Case {
        rule: "RSKIP-535, base event required",
        header: "is laid out as version 1",
        make: |setting| setting.set_layout(HeaderVersion::V1),
        before: VALID,
        after: Some(Rule::Decode),
        activation: |rules| rules.base_event_required,
        on: [
            (Mainnet, Idle(&[1, FAR], Some(Rule::Decode))),
            (Testnet, At(7_800_000)),
            (Regtest, Always),
            (Eras, Idle(&[560, FAR], Some(Rule::Decode))),
        ],
    },
    Case {
        rule: "RSKIP-535",
        header: "is laid out as version 2",
        make: |setting| setting.set_layout(HeaderVersion::V2),
        before: Some(Rule::Decode),
        after: VALID,
        activation: |rules| rules.rskip535,
        on: [(Mainnet, Never), (Testnet, At(7_604_200)), (Regtest, Always), (Eras, At(560))],
    },
    Case {
        rule: "RSKIP-UMM",
        header: "has no ummRoot",
        make: |setting| setting.draft.fields.umm_root = None,
        before: VALID,
        after: Some(Rule::Decode),
        activation: |rules| rules.rskip_umm,
        on: [(Mainnet, At(2_392_700)), (Testnet, At(863_000)), (Regtest, Always), (Eras, At(280))],
    },
    Case {
        rule: "RSKIP-UMM",
        header: "has an empty ummRoot",
        make: |setting| setting.draft.fields.umm_root = Some(Vec::new()),
        before: Some(Rule::Decode),
        after: VALID,
        activation: |rules| rules.rskip_umm,
        on: [(Mainnet, At(2_392_700)), (Testnet, At(863_000)), (Regtest, Always), (Eras, At(280))],
    },
    Case {
        rule: "RSKIP-UMM",
        header: "has an ummRoot of 20 bytes, which its commitment covers",
        make: |setting| setting.draft.fields.umm_root = Some(vec![9; 20]),
        before: Some(Rule::Decode),
        after: VALID,
        activation: |rules| rules.rskip_umm,
        on: [(Mainnet, At(2_392_700)), (Testnet, At(863_000)), (Regtest, Always), (Eras, At(280))],
    },
];

/// The data is carried from height 449 on, however early the rule holds.
fn carried_from(rskip110: Activation) -> Activation {
    Activation::at(rskip110.first().map_or(u64::MAX, |first| first.get().max(449)))
}

/// The least difficulty at the setting's height.
fn minimum(setting: &Setting) -> u128 {
    let params = &setting.params;
    let after = params.minimum_difficulty_after_rskip290;
    let after = after.filter(|_| params.activations.rskip290.is_active(setting.number()));
    after.unwrap_or(params.minimum_difficulty).get()
}

/// What a step of the difficulty is divided by at the setting's height.
fn divisor(setting: &Setting) -> u128 {
    let params = &setting.params;
    u128::from(match params.activations.rskip156.is_active(setting.number()) {
        true => params.difficulty_divisor_after_rskip156,
        false => params.difficulty_divisor,
    })
}

/// A block that comes too late, on a parent at the minimum of before RSKIP-290.
fn late_at_the_minimum(setting: &mut Setting, difficulty: u128) {
    setting.parent.difficulty = setting.params.minimum_difficulty;
    setting.after(i64::from(setting.params.target_block_seconds) + 1);
    setting.of_difficulty(difficulty);
}
