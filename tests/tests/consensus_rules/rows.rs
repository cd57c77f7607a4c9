//! The rows: one for each thing that is checked, where it holds, and where code and tests are. The file is long because it
//! is a table; a row is found by its rule.

use rustock_core::primitives::activation::{Activation, Activations};

/// What a rule has to know besides the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    Parent,
    Ancestors,
    Clock,
    Body,
    BodyAndAncestors,
}

impl Needs {
    pub fn shown(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Parent => "parent",
            Self::Ancestors => "449 ancestors",
            Self::Clock => "clock",
            Self::Body => "body",
            Self::BodyAndAncestors => "body, ancestors and their uncles",
        }
    }

    pub fn is_body(self) -> bool {
        matches!(self, Self::Body | Self::BodyAndAncestors)
    }
}

/// At which heights a row holds.
#[derive(Clone, Copy)]
pub enum Holds {
    Everywhere,
    From(fn(&Activations) -> Activation),
    Below(fn(&Activations) -> Activation),
}

/// What else must be so of a network for the row to make a difference there.
#[derive(Clone, Copy)]
pub enum Effect {
    Always,
    /// The network has rules of time: its allowance for the future is not zero.
    OfTime,
    /// It has the higher minimum of RSKIP-290.
    Of290,
    /// It has the wider bound of RSKIP-297.
    Of297,
    /// Its difficulty steps change with RSKIP-156.
    Of156,
}

pub struct Row {
    pub rule: &'static str,
    pub what: &'static str,
    pub needs: Needs,
    pub holds: Holds,
    pub effect: Effect,
    pub rskips: &'static [&'static str],
    /// Classes of rskj, separated by commas.
    pub rskj: &'static str,
    /// Below `rustock-core/src/`.
    pub file: &'static str,
    /// `file::test` below the repository's root.
    pub tests: &'static [&'static str],
}

/// A row without a height and without a condition.
const PLAIN: Row = Row {
    rule: "",
    what: "",
    needs: Needs::Nothing,
    holds: Holds::Everywhere,
    effect: Effect::Always,
    rskips: &[],
    rskj: "",
    file: "",
    tests: &[],
};

macro_rules! rule_test {
    ($file:literal, $name:literal) => {
        concat!("rustock-core/src/consensus/rules/", $file, ".rs::", $name)
    };
}

macro_rules! header_test {
    ($file:literal, $name:literal) => {
        concat!("rustock-core/src/primitives/header/", $file, ".rs::", $name)
    };
}

macro_rules! suite {
    ($file:literal, $name:literal) => {
        concat!("tests/tests/", $file, ".rs::", $name)
    };
}

pub const ROWS: &[Row] = &[
    Row {
        rule: "decode",
        what: "canonical RLP, each field in the form that is hashed",
        rskj: "BlockFactory.decodeHeader",
        file: "primitives/header/decode.rs",
        tests: &[
            header_test!("tests", "unsigned_integers_have_no_leading_zero_and_fit_their_java_type"),
            suite!("vectors_versions", "rskjs_decoder_and_ours_agree_but_for_listed_leniencies"),
        ],
        ..PLAIN
    },
    Row {
        rule: "decode",
        what: "16 or 19 fields",
        holds: Holds::Below(|rules| rules.rskip_umm),
        rskips: &["UMM"],
        rskj: "BlockFactory.canBeDecoded",
        file: "primitives/header/decode.rs",
        tests: &[header_test!("tests", "the_height_decides_the_number_of_fields")],
        ..PLAIN
    },
    Row {
        rule: "decode",
        what: "17 or 20 fields: `ummRoot`",
        holds: Holds::From(|rules| rules.rskip_umm),
        rskips: &["UMM"],
        rskj: "BlockFactory.canBeDecoded",
        file: "primitives/header/decode.rs",
        tests: &[header_test!("tests", "the_height_decides_the_number_of_fields")],
        ..PLAIN
    },
    Row {
        rule: "decode",
        what: "a Bitcoin header, where there is a proof, has 80 bytes",
        holds: Holds::From(|rules| rules.rskip98),
        rskips: &["98"],
        rskj: "BlockFactory",
        file: "primitives/header/decode.rs",
        tests: &[header_test!("tests", "from_rskip98_on_the_bitcoin_header_has_80_bytes")],
        ..PLAIN
    },
    Row {
        rule: "decode",
        what: "the block hash covers proof and coinbase",
        holds: Holds::Below(|rules| rules.rskip92),
        rskips: &["92"],
        rskj: "BlockFactory",
        file: "primitives/header/decode.rs",
        tests: &[header_test!("tests", "a_proof_changes_the_hash_only_before_rskip92")],
        ..PLAIN
    },
    Row {
        rule: "decode",
        what: "the seventh field is version and hash of an extension, the version that of the height (on testnet below 7,800,000 version 1 too)",
        holds: Holds::From(|rules| rules.rskip351),
        rskips: &["351"],
        rskj: "BlockFactory",
        file: "primitives/header/decode.rs",
        tests: &[
            header_test!("tests/versions", "the_height_decides_what_stands_in_the_place_of_the_bloom"),
            header_test!("tests/versions", "extension_data_is_the_heights_version_and_a_hash"),
        ],
        ..PLAIN
    },
    Row {
        rule: "decode",
        what: "the full form and the extension have edges, where there is an extension",
        holds: Holds::From(|rules| rules.rskip144),
        rskips: &["144"],
        rskj: "BlockHeaderExtensionV1",
        file: "primitives/header/extension.rs",
        tests: &[header_test!(
            "tests/versions",
            "the_height_decides_the_fields_of_the_full_form_and_of_the_extension"
        )],
        ..PLAIN
    },
    Row {
        rule: "decode",
        what: "version 2: the full form and the extension have a base event",
        holds: Holds::From(|rules| rules.rskip535),
        rskips: &["535"],
        rskj: "BlockHeaderExtensionV2",
        file: "primitives/header/extension.rs",
        tests: &[header_test!(
            "tests/versions",
            "the_height_decides_the_fields_of_the_full_form_and_of_the_extension"
        )],
        ..PLAIN
    },
    Row {
        rule: "decode",
        what: "the base event of the full form may not be missing",
        holds: Holds::From(|rules| rules.base_event_required),
        rskips: &["535"],
        rskj: "BlockFactory.isInBaseEventRecoveryWindow",
        file: "primitives/header/full.rs",
        tests: &[header_test!(
            "tests/versions",
            "a_missing_base_event_is_read_as_empty_below_the_height_that_requires_it"
        )],
        ..PLAIN
    },
    Row {
        rule: "genesis",
        what: "a header at height 0 is the network's genesis; no other rule is asked",
        rskj: "BlockChainLoader",
        file: "consensus/rules/genesis.rs",
        tests: &[
            rule_test!("genesis", "each_network_accepts_its_own_genesis_only"),
            suite!("vectors_rules", "genesis_blocks_are_the_recorded_ones"),
        ],
        ..PLAIN
    },
    Row {
        rule: "linkage",
        what: "the parent hash is the parent's hash",
        needs: Needs::Parent,
        rskj: "BlockValidatorImpl",
        file: "consensus/rules/linkage.rs",
        tests: &[rule_test!("linkage", "the_parent_hash_must_be_the_parents")],
        ..PLAIN
    },
    Row {
        rule: "number",
        what: "one above the parent's",
        needs: Needs::Parent,
        rskj: "BlockParentNumberRule",
        file: "consensus/rules/number.rs",
        tests: &[rule_test!("number", "one_more_than_the_parent_and_nothing_else")],
        ..PLAIN
    },
    Row {
        rule: "gas_limit",
        what: "within 1/1024 of the parent's, both ends included",
        needs: Needs::Parent,
        rskj: "BlockParentGasLimitRule",
        file: "consensus/rules/gas_limit.rs",
        tests: &[rule_test!("gas_limit", "both_ends_of_the_step_are_allowed_and_nothing_beyond")],
        ..PLAIN
    },
    Row {
        rule: "gas_limit",
        what: "at least 3,000,000",
        rskj: "GasLimitRule",
        file: "consensus/rules/gas_limit.rs",
        tests: &[rule_test!("gas_limit", "three_million_is_the_least")],
        ..PLAIN
    },
    Row {
        rule: "minimum_gas_price",
        what: "within 1 % or one wei of the parent's, never negative, never missing",
        needs: Needs::Parent,
        rskj: "PrevMinGasPriceRule, BlockGasPriceRange",
        file: "consensus/rules/minimum_gas_price.rs",
        tests: &[
            rule_test!("minimum_gas_price", "one_percent_or_one_wei_both_ends_allowed"),
            rule_test!("minimum_gas_price", "a_missing_price_is_refused_in_the_header_and_in_the_parent"),
        ],
        ..PLAIN
    },
    Row {
        rule: "extra_data",
        what: "at most 32 bytes",
        rskj: "ExtraDataRule",
        file: "consensus/rules/extra_data.rs",
        tests: &[rule_test!("extra_data", "thirty_two_bytes_and_no_more")],
        ..PLAIN
    },
    Row {
        rule: "gas_used",
        what: "at most the gas limit",
        rskj: "ValidGasUsedRule",
        file: "consensus/rules/gas_used.rs",
        tests: &[rule_test!("gas_used", "up_to_the_limit_and_no_further")],
        ..PLAIN
    },
    Row {
        rule: "difficulty",
        what: "one step up, down or none, by the time since the parent and the uncle count",
        needs: Needs::Parent,
        rskj: "DifficultyCalculator, DifficultyRule",
        file: "consensus/rules/difficulty.rs",
        tests: &[
            rule_test!("difficulty", "up_before_the_target_down_after_it_unchanged_on_it"),
            rule_test!("difficulty", "a_step_never_ends_below_the_minimum"),
            suite!("vectors_rules", "difficulty_cases"),
        ],
        ..PLAIN
    },
    Row {
        rule: "difficulty",
        what: "the minimum, 600 seconds after the parent or later",
        needs: Needs::Parent,
        holds: Holds::Below(|rules| rules.rskip97),
        rskips: &["97"],
        rskj: "DifficultyCalculator",
        file: "consensus/rules/difficulty.rs",
        tests: &[rule_test!("difficulty", "rskip97_ends_the_fall_to_the_minimum")],
        ..PLAIN
    },
    Row {
        rule: "difficulty",
        what: "steps of 1/400 instead of 1/50",
        needs: Needs::Parent,
        holds: Holds::From(|rules| rules.rskip156),
        effect: Effect::Of156,
        rskips: &["156"],
        rskj: "DifficultyCalculator",
        file: "consensus/rules/difficulty.rs",
        tests: &[rule_test!("difficulty", "rskip156_shrinks_the_step_from_its_height_on")],
    },
    Row {
        rule: "difficulty",
        what: "a minimum of 550,000,000",
        needs: Needs::Parent,
        holds: Holds::From(|rules| rules.rskip290),
        effect: Effect::Of290,
        rskips: &["290"],
        rskj: "DifficultyCalculator",
        file: "consensus/rules/difficulty.rs",
        tests: &[rule_test!("difficulty", "rskip290_raises_the_minimum_of_networks_that_have_it")],
    },
    Row {
        rule: "bitcoin_timestamp",
        what: "less than 300 seconds from the Bitcoin header's time",
        holds: Holds::From(|rules| rules.rskip179),
        effect: Effect::OfTime,
        rskips: &["179"],
        rskj: "BlockTimeStampValidationRule.isBitcoinTimestampValid",
        file: "consensus/rules/bitcoin_timestamp.rs",
        tests: &[
            rule_test!("bitcoin_timestamp", "less_than_three_hundred_seconds_either_way"),
            rule_test!("bitcoin_timestamp", "the_rule_starts_at_its_height"),
        ],
        ..PLAIN
    },
    Row {
        rule: "bitcoin_timestamp",
        what: "less than 7,200 seconds instead",
        holds: Holds::From(|rules| rules.rskip297),
        effect: Effect::Of297,
        rskips: &["297"],
        rskj: "BlockTimeStampValidationRule.isBitcoinTimestampValid",
        file: "consensus/rules/bitcoin_timestamp.rs",
        tests: &[rule_test!("bitcoin_timestamp", "rskip297_widens_the_bound_where_the_network_has_it")],
        ..PLAIN
    },
    Row {
        rule: "umm_root",
        what: "empty or 20 bytes",
        holds: Holds::From(|rules| rules.rskip_umm),
        rskips: &["UMM"],
        rskj: "BlockHeader.getBaseHashForMergedMining",
        file: "consensus/rules/merged_mining/umm_root.rs",
        tests: &[rule_test!("merged_mining/umm_root", "empty_or_twenty_bytes")],
        ..PLAIN
    },
    Row {
        rule: "fallback_signature",
        what: "a block without proof, of at most the fallback difficulty, is signed by the key of its parity",
        holds: Holds::Below(|rules| rules.rskip98),
        rskips: &["98"],
        rskj: "ProofOfWorkRule.isFallbackMiningPossibleAndBlockSigned",
        file: "consensus/rules/merged_mining/fallback_signature.rs",
        tests: &[
            rule_test!("merged_mining/fallback_signature/tests", "the_key_of_the_heights_parity_signs"),
            rule_test!(
                "merged_mining/fallback_signature/tests",
                "signing_is_for_low_difficulties_without_proof_before_rskip98"
            ),
            rule_test!("merged_mining/fallback_signature/tests", "s_is_below_half_of_the_order"),
        ],
        ..PLAIN
    },
    Row {
        rule: "merkle_proof_format",
        what: "a partial merkle tree of the size it declares",
        holds: Holds::Below(|rules| rules.rskip92),
        rskips: &["92"],
        rskj: "GenesisMerkleProofValidator, PartialMerkleTreeFormatUtils",
        file: "consensus/rules/merged_mining/partial_merkle_tree.rs",
        tests: &[rule_test!("merged_mining/partial_merkle_tree/tests", "the_size_is_the_one_declared")],
        ..PLAIN
    },
    Row {
        rule: "merkle_proof_format",
        what: "a whole number of hashes",
        holds: Holds::From(|rules| rules.rskip92),
        rskips: &["92"],
        rskj: "Rskip92MerkleProofValidator",
        file: "consensus/rules/merged_mining/merkle_proof.rs",
        tests: &[rule_test!(
            "merged_mining/merkle_proof/tests",
            "the_proof_is_whole_hashes_and_thirty_at_most_from_rskip180_on"
        )],
        ..PLAIN
    },
    Row {
        rule: "merkle_proof_format",
        what: "at most 960 bytes",
        holds: Holds::From(|rules| rules.rskip180),
        rskips: &["180"],
        rskj: "Rskip92MerkleProofValidator",
        file: "consensus/rules/merged_mining/merkle_proof.rs",
        tests: &[rule_test!(
            "merged_mining/merkle_proof/tests",
            "the_proof_is_whole_hashes_and_thirty_at_most_from_rskip180_on"
        )],
        ..PLAIN
    },
    Row {
        rule: "bitcoin_header",
        what: "80 bytes, or a whole Bitcoin block",
        holds: Holds::Below(|rules| rules.rskip98),
        rskips: &["98"],
        rskj: "BtcBlock",
        file: "consensus/rules/merged_mining/bitcoin_block.rs",
        tests: &[rule_test!("merged_mining/bitcoin_block", "eighty_bytes_or_a_block_before")],
        ..PLAIN
    },
    Row {
        rule: "bitcoin_header",
        what: "exactly 80 bytes",
        holds: Holds::From(|rules| rules.rskip98),
        rskips: &["98"],
        rskj: "BtcBlock",
        file: "consensus/rules/merged_mining/bitcoin_block.rs",
        tests: &[rule_test!("merged_mining/bitcoin_block", "exactly_eighty_bytes_from_rskip98_on")],
        ..PLAIN
    },
    Row {
        rule: "proof_of_work",
        what: "the Bitcoin header's hash is at most ⌊2²⁵⁶ / difficulty⌋, with difficulties below 3 as 3",
        rskj: "ProofOfWorkRule, DifficultyUtils.difficultyToTarget",
        file: "consensus/rules/merged_mining/proof_of_work.rs",
        tests: &[
            rule_test!("merged_mining/proof_of_work", "difficulties_up_to_two_count_as_three"),
            suite!("vectors_rules", "target_cases"),
        ],
        ..PLAIN
    },
    Row {
        rule: "merged_mining_coinbase",
        what: "there, 40 bytes or more, of a transaction of more than 64 bytes",
        rskj: "ProofOfWorkRule",
        file: "consensus/rules/merged_mining/coinbase.rs",
        tests: &[
            rule_test!("merged_mining/coinbase", "forty_bytes_are_the_least"),
            rule_test!("merged_mining/coinbase", "the_transaction_has_more_than_64_bytes"),
        ],
        ..PLAIN
    },
    Row {
        rule: "merged_mining_commitment",
        what: "`RSKBLOCK:` and the hash for merged mining",
        rskips: &["UMM"],
        rskj: "ProofOfWorkRule, BlockHeader.getHashForMergedMining",
        file: "consensus/rules/merged_mining/commitment.rs",
        tests: &[rule_test!("merged_mining/commitment", "each_fixed_byte_counts")],
        ..PLAIN
    },
    Row {
        rule: "merged_mining_commitment",
        what: "from height 449, the first 20 bytes of the hash, then 12 of fork-detection data",
        holds: Holds::From(|rules| rules.rskip110),
        rskips: &["110"],
        rskj: "BlockHeader.getHashForMergedMining",
        file: "consensus/rules/merged_mining/commitment.rs",
        tests: &[
            rule_test!("merged_mining/commitment", "below_449_all_32_bytes_are_the_hash"),
            rule_test!("merged_mining/commitment", "all_twelve_data_bytes_are_there"),
        ],
        ..PLAIN
    },
    Row {
        rule: "merged_mining_tag_position",
        what: "the tag starts before byte 64 of the tail, is the last one, and at most 128 bytes follow",
        rskj: "ProofOfWorkRule",
        file: "consensus/rules/merged_mining/commitment.rs",
        tests: &[
            rule_test!("merged_mining/commitment", "the_tag_starts_before_byte_64"),
            rule_test!("merged_mining/commitment", "at_most_128_bytes_follow"),
            rule_test!("merged_mining/commitment", "no_other_tag_follows_and_an_earlier_one_does_no_harm"),
        ],
        ..PLAIN
    },
    Row {
        rule: "merkle_root",
        what: "the partial merkle tree has the root of the Bitcoin header and proves the coinbase",
        holds: Holds::Below(|rules| rules.rskip92),
        rskips: &["92"],
        rskj: "GenesisMerkleProofValidator",
        file: "consensus/rules/merged_mining/partial_merkle_tree.rs",
        tests: &[
            rule_test!(
                "merged_mining/partial_merkle_tree/tests",
                "a_tree_proves_the_transactions_that_it_matches_and_no_others"
            ),
            rule_test!("merged_mining/partial_merkle_tree/tests", "nothing_may_be_missing_or_left_over"),
            suite!("vectors_rules", "partial_merkle_tree_cases"),
        ],
        ..PLAIN
    },
    Row {
        rule: "merkle_root",
        what: "the path leads from the coinbase to the root of the Bitcoin header",
        holds: Holds::From(|rules| rules.rskip92),
        rskips: &["92"],
        rskj: "Rskip92MerkleProofValidator",
        file: "consensus/rules/merged_mining/merkle_proof.rs",
        tests: &[
            rule_test!("merged_mining/merkle_proof/tests", "a_path_must_end_at_the_root"),
            suite!("vectors_rules", "merkle_cases"),
        ],
        ..PLAIN
    },
    Row {
        rule: "merkle_root",
        what: "no pair of hashes on the way reads as a 64-byte transaction",
        rskj: "MerkleTreeUtils",
        file: "consensus/rules/merged_mining/merkle_proof.rs",
        tests: &[
            rule_test!(
                "merged_mining/merkle_proof/tests",
                "the_guard_sees_every_shape_of_a_64_byte_transaction"
            ),
            rule_test!(
                "merged_mining/merkle_proof/tests",
                "the_guard_lets_through_what_misses_one_condition"
            ),
        ],
        ..PLAIN
    },
    Row {
        rule: "fork_detection",
        what: "from height 450, the fork-detection data is that of the ancestors",
        needs: Needs::Ancestors,
        holds: Holds::From(|rules| rules.rskip110),
        rskips: &["110"],
        rskj: "ForkDetectionDataRule",
        file: "consensus/rules/fork_detection.rs",
        tests: &[
            rule_test!("fork_detection", "every_byte_counts"),
            rule_test!("fork_detection", "it_is_carried_from_449_and_required_from_450"),
        ],
        ..PLAIN
    },
    Row {
        rule: "future_timestamp",
        what: "at most 60 (mainnet) or 540 seconds ahead of the clock: not yet valid, rather than invalid",
        needs: Needs::Clock,
        effect: Effect::OfTime,
        rskj: "BlockTimeStampValidationRule.isValid",
        file: "consensus/rules/future_timestamp.rs",
        tests: &[
            rule_test!("future_timestamp", "sixty_seconds_ahead_and_no_more_on_mainnet"),
            rule_test!("future_timestamp", "zero_switches_the_rule_off"),
        ],
        ..PLAIN
    },
    Row {
        rule: "uncles_hash",
        what: "the hash of the list of uncles, each in its full form",
        needs: Needs::Body,
        rskj: "BlockUnclesHashValidationRule",
        file: "consensus/rules/uncles_hash.rs",
        tests: &[
            rule_test!("uncles_hash", "order_number_and_the_proofs_of_uncles_are_covered"),
            suite!("vectors_blocks", "no_body_passes_for_another_and_none_can_be_changed"),
        ],
        ..PLAIN
    },
    Row {
        rule: "extension",
        what: "the extension is the one whose hash the header has",
        needs: Needs::Body,
        holds: Holds::From(|rules| rules.rskip351),
        rskips: &["351"],
        rskj: "BlockHeader.setExtension",
        file: "consensus/rules/extension.rs",
        tests: &[rule_test!("extension", "it_is_there_from_rskip_351_on_and_not_before")],
        ..PLAIN
    },
    Row {
        rule: "edges",
        what: "at most two, above zero, ascending, within the transactions",
        needs: Needs::Body,
        holds: Holds::From(|rules| rules.rskip144),
        rskips: &["144"],
        rskj: "ValidTxExecutionSublistsEdgesRule",
        file: "consensus/rules/edges.rs",
        tests: &[
            rule_test!("edges", "two_and_no_more"),
            rule_test!("edges", "they_ascend_strictly"),
            rule_test!("edges", "the_last_is_at_most_the_number_of_transactions_less_one"),
        ],
        ..PLAIN
    },
    Row {
        rule: "uncle_list_limit",
        what: "at most ten",
        needs: Needs::Body,
        rskj: "BlockUnclesValidationRule",
        file: "consensus/rules/uncles.rs",
        tests: &[rule_test!("uncles/tests", "ten_uncles_and_no_more")],
        ..PLAIN
    },
    Row {
        rule: "duplicate_uncle",
        what: "each once, told by the hash",
        needs: Needs::Body,
        rskj: "BlockUnclesValidationRule",
        file: "consensus/rules/uncles.rs",
        tests: &[rule_test!("uncles/tests", "an_uncle_that_differs_in_its_proof_alone_is_the_same_one")],
        ..PLAIN
    },
    Row {
        rule: "uncle_generation",
        what: "of the last six heights",
        needs: Needs::Body,
        rskj: "BlockUnclesValidationRule",
        file: "consensus/rules/uncles.rs",
        tests: &[rule_test!("uncles/tests", "uncles_are_of_the_last_six_heights")],
        ..PLAIN
    },
    Row {
        rule: "uncle_is_ancestor",
        what: "no ancestor",
        needs: Needs::BodyAndAncestors,
        rskj: "BlockUnclesValidationRule",
        file: "consensus/rules/uncles.rs",
        tests: &[rule_test!("uncles/tests", "an_ancestor_is_no_uncle")],
        ..PLAIN
    },
    Row {
        rule: "used_uncle",
        what: "named by no ancestor",
        needs: Needs::BodyAndAncestors,
        rskj: "BlockUnclesValidationRule",
        file: "consensus/rules/uncles.rs",
        tests: &[rule_test!("uncles/tests", "an_uncle_is_named_once")],
        ..PLAIN
    },
    Row {
        rule: "uncle_parent",
        what: "the child of an ancestor",
        needs: Needs::BodyAndAncestors,
        rskj: "BlockUnclesValidationRule",
        file: "consensus/rules/uncles.rs",
        tests: &[rule_test!("uncles/tests", "an_uncle_of_a_stranger_is_none")],
        ..PLAIN
    },
    Row {
        rule: "uncle_timestamp",
        what: "after its parent's",
        needs: Needs::BodyAndAncestors,
        effect: Effect::OfTime,
        rskj: "BlockTimeStampValidationRule.isValid",
        file: "consensus/rules/timestamp.rs",
        tests: &[
            rule_test!(
                "uncles/tests",
                "its_time_is_after_its_parents_unless_the_network_has_no_rules_for_time"
            ),
            suite!("uncles", "an_uncles_time_is_after_its_parents_which_no_other_headers_must_be"),
        ],
        ..PLAIN
    },
    Row {
        rule: "uncle_header",
        what: "a header that keeps every rule on top of its parent, but for extra data and the least gas limit",
        needs: Needs::BodyAndAncestors,
        rskj: "BlockUnclesValidationRule, RskContext",
        file: "consensus/rules/uncles.rs",
        tests: &[
            suite!("uncles", "an_uncle_breaks_the_rules_of_headers_like_any_header"),
            suite!("uncles", "nobody_asks_for_an_uncles_extra_data_or_the_least_gas_limit"),
            suite!("vectors_blocks", "every_list_of_uncles_is_judged_as_rskj_judged_it"),
        ],
        ..PLAIN
    },
    Row {
        rule: "transactions_root",
        what: "**not applied yet**, and so no rule for transactions (REMASC's last, gas prices, field sizes): `verify` says so of every body",
        needs: Needs::Body,
        rskj: "BlockValidatorImpl",
        file: "consensus/verify_body.rs",
        tests: &[suite!("uncles", "what_cannot_be_applied_is_said_and_not_skipped")],
        ..PLAIN
    },
];
