//! The bounds that hold at every height, or within an era: the last value that passes and the first that does not,
//! judged by the whole verifier on mined headers of today.

use rustock_core::{
    consensus::error::Rule,
    primitives::number::{Difficulty, GasLimit, GasPrice, UnixTime},
};
use rustock_test_support::chainkit::{Signer, Signing};

use crate::{
    Network::{self, Eras, Mainnet, Regtest, Testnet},
    setting::{PARENT_DIFFICULTY, PARENT_GAS_LIMIT, PARENT_GAS_PRICE, PARENT_TIME, Setting},
};

/// A height of today.
const MAINNET_TODAY: u64 = 8_900_000;
const TESTNET_TODAY: u64 = 8_000_000;

/// A bound: on which network, at which height, what is set, and each value with its verdict.
struct Bound {
    what: &'static str,
    on: (Network, u64),
    set: fn(&mut Setting, i64),
    passes: &'static [i64],
    fails: &'static [i64],
    rule: Rule,
}

const TODAY: (Network, u64) = (Mainnet, MAINNET_TODAY);

const BOUNDS: [Bound; 31] = [
    Bound {
        what: "gas limit after 6,800,000: a step of 1/1024 down or up",
        on: TODAY,
        set: |setting, limit| setting.draft.fields.gas_limit = GasLimit::new(0, limit as u128),
        passes: &[6_793_359, PARENT_GAS_LIMIT as i64, 6_806_640],
        fails: &[6_793_358, 6_806_641],
        rule: Rule::GasLimit,
    },
    Bound {
        what: "gas limit within a step of its parent's: not below 3,000,000",
        on: TODAY,
        set: |setting, limit| {
            setting.parent.gas_limit = GasLimit::new(0, 3_000_500);
            setting.draft.fields.gas_limit = GasLimit::new(0, limit as u128);
        },
        passes: &[3_000_000, 3_000_500],
        fails: &[2_999_999],
        rule: Rule::GasLimit,
    },
    Bound {
        what: "minimum gas price after 60,000,000: 1 % down or up",
        on: TODAY,
        set: |setting, price| {
            setting.draft.fields.minimum_gas_price = Some(GasPrice::new(price.into()));
        },
        passes: &[59_400_000, PARENT_GAS_PRICE as i64, 60_600_000],
        fails: &[59_399_999, 60_600_001],
        rule: Rule::MinimumGasPrice,
    },
    Bound {
        what: "minimum gas price after 0: 0 or 1 wei",
        on: TODAY,
        set: |setting, price| {
            setting.parent.minimum_gas_price = Some(GasPrice::new(0));
            setting.draft.fields.minimum_gas_price = Some(GasPrice::new(price.into()));
        },
        passes: &[0, 1],
        fails: &[-1, 2],
        rule: Rule::MinimumGasPrice,
    },
    Bound {
        what: "bytes of extra data",
        on: TODAY,
        set: |setting, size| setting.draft.fields.extra_data = vec![7; size as usize],
        passes: &[0, 32],
        fails: &[33],
        rule: Rule::ExtraData,
    },
    Bound {
        what: "gas used of 6,800,000",
        on: TODAY,
        set: |setting, gas| setting.draft.fields.gas_used = gas as u64,
        passes: &[0, PARENT_GAS_LIMIT as i64],
        fails: &[PARENT_GAS_LIMIT as i64 + 1],
        rule: Rule::GasUsed,
    },
    Bound {
        what: "bytes of the ummRoot",
        on: TODAY,
        set: |setting, size| setting.draft.fields.umm_root = Some(vec![9; size as usize]),
        passes: &[0, 20],
        fails: &[1, 19, 21],
        rule: Rule::UmmRoot,
    },
    Bound {
        what: "difficulty one second before the target: a step up",
        on: TODAY,
        set: |setting, difficulty| at(setting, 13, difficulty),
        passes: &[4_010],
        fails: &[4_009, 4_011, 4_000, 3_990],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty at the target: the parent's",
        on: TODAY,
        set: |setting, difficulty| at(setting, 14, difficulty),
        passes: &[PARENT_DIFFICULTY as i64],
        fails: &[3_999, 4_001, 4_010, 3_990],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty one second after the target: a step down",
        on: TODAY,
        set: |setting, difficulty| at(setting, 15, difficulty),
        passes: &[3_990],
        fails: &[3_989, 3_991, 4_000, 4_010],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty one second before the target of two uncles: a step up",
        on: TODAY,
        set: |setting, difficulty| with_two_uncles_at(setting, 41, difficulty),
        passes: &[4_010],
        fails: &[4_000, 3_990],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty at the target of two uncles: the parent's",
        on: TODAY,
        set: |setting, difficulty| with_two_uncles_at(setting, 42, difficulty),
        passes: &[4_000],
        fails: &[4_010, 3_990],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty one second after the target of two uncles: a step down",
        on: TODAY,
        set: |setting, difficulty| with_two_uncles_at(setting, 43, difficulty),
        passes: &[3_990],
        fails: &[4_010, 4_000],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty in the parent's second: a step up",
        on: TODAY,
        set: |setting, difficulty| at(setting, 0, difficulty),
        passes: &[4_010],
        fails: &[4_000],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty one second before the parent: the parent's",
        on: TODAY,
        set: |setting, difficulty| at(setting, -1, difficulty),
        passes: &[4_000],
        fails: &[4_010, 3_990],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty a step down from just above the minimum of 500",
        on: TODAY,
        set: |setting, difficulty| {
            setting.parent.difficulty = Difficulty::new(501);
            at(setting, 15, difficulty);
        },
        passes: &[500],
        fails: &[499, 501],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty a step down from the minimum of 500",
        on: TODAY,
        set: |setting, difficulty| {
            setting.parent.difficulty = Difficulty::new(500);
            at(setting, 15, difficulty);
        },
        passes: &[500],
        fails: &[499],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty after 599 s where late blocks have the minimum: a step down",
        on: (Testnet, TESTNET_TODAY),
        set: |setting, difficulty| at(setting, 599, difficulty),
        passes: &[3_990],
        fails: &[800, 500],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty after 600 s where late blocks have the minimum of 800",
        on: (Testnet, TESTNET_TODAY),
        set: |setting, difficulty| at(setting, 600, difficulty),
        passes: &[800],
        fails: &[799, 801, 3_990],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "difficulty after 600 s where late blocks have the minimum of 1",
        on: (Regtest, 100),
        set: |setting, difficulty| at(setting, 600, difficulty),
        passes: &[1],
        fails: &[2, 3_999],
        rule: Rule::Difficulty,
    },
    Bound {
        what: "seconds between the Bitcoin header and the header",
        on: TODAY,
        set: |setting, seconds| setting.bitcoin_apart(seconds),
        passes: &[-299, 0, 299],
        fails: &[-300, 300],
        rule: Rule::BitcoinTimestamp,
    },
    Bound {
        what: "seconds between the Bitcoin header and the header, from RSKIP-297 on",
        on: (Testnet, TESTNET_TODAY),
        set: |setting, seconds| setting.bitcoin_apart(seconds),
        passes: &[-7_199, 0, 7_199],
        fails: &[-7_200, 7_200],
        rule: Rule::BitcoinTimestamp,
    },
    Bound {
        what: "seconds ahead of the clock, on mainnet",
        on: TODAY,
        set: ahead,
        passes: &[-1_000, 0, 60],
        fails: &[61],
        rule: Rule::FutureTimestamp,
    },
    Bound {
        what: "seconds ahead of the clock, on testnet",
        on: (Testnet, TESTNET_TODAY),
        set: ahead,
        passes: &[-1_000, 0, 540],
        fails: &[541],
        rule: Rule::FutureTimestamp,
    },
    Bound {
        what: "hashes of the merkle proof: 960 bytes and 992",
        on: TODAY,
        set: |setting, hashes| setting.draft.mining.siblings = vec![[0x77; 32]; hashes as usize],
        passes: &[0, 1, 30],
        fails: &[31],
        rule: Rule::MerkleProofFormat,
    },
    Bound {
        what: "where the tag starts in the tail",
        on: TODAY,
        set: |setting, place| {
            setting.draft.mining.coinbase_before = vec![5; place as usize];
            setting.draft.mining.coinbase_after = vec![6; 40];
            // All of it stays in the tail.
            setting.draft.mining.blocks_kept = 2;
        },
        passes: &[0, 63],
        fails: &[64, 100],
        rule: Rule::MergedMiningTagPosition,
    },
    Bound {
        what: "bytes after the commitment",
        on: TODAY,
        set: |setting, size| setting.draft.mining.coinbase_after = vec![6; size as usize],
        passes: &[0, 128],
        fails: &[129],
        rule: Rule::MergedMiningTagPosition,
    },
    Bound {
        what: "bytes of the Bitcoin coinbase, with a tail that says it all",
        on: TODAY,
        set: |setting, size| {
            setting.draft.mining.coinbase_before = Vec::new();
            setting.draft.mining.coinbase_after = vec![6; size as usize - 41];
        },
        passes: &[65],
        fails: &[41, 64],
        rule: Rule::MergedMiningCoinbase,
    },
    Bound {
        what: "bytes of the Bitcoin coinbase, with a midstate",
        on: TODAY,
        set: |setting, size| {
            setting.draft.mining.coinbase_before = vec![5; 64];
            setting.draft.mining.coinbase_after = vec![6; size as usize - 105];
        },
        passes: &[105, 106],
        fails: &[],
        rule: Rule::MergedMiningCoinbase,
    },
    Bound {
        what: "difficulty of a signed block: at most 1,000",
        on: (Eras, 50),
        set: |setting, difficulty| {
            setting.parent.difficulty = Difficulty::new(difficulty as u128);
            setting.of_difficulty(difficulty as u128);
            setting.draft.signing = Some(Signing { signer: Signer::Even, damage: None });
        },
        passes: &[999, 1_000],
        // One that need not be signed is one without a merkle proof.
        fails: &[1_001],
        rule: Rule::MerkleProofFormat,
    },
    Bound {
        what: "whose turn it is to sign: the even key at even heights",
        on: (Eras, 50),
        set: |setting, parity| {
            setting.parent.difficulty = Difficulty::new(1_000);
            setting.of_difficulty(1_000);
            let signer = if parity == 0 { Signer::Even } else { Signer::Odd };
            setting.draft.signing = Some(Signing { signer, damage: None });
        },
        passes: &[0],
        fails: &[1],
        rule: Rule::FallbackSignature,
    },
];

fn at(setting: &mut Setting, seconds: i64, difficulty: i64) {
    setting.after(seconds);
    setting.of_difficulty(difficulty as u128);
}

fn with_two_uncles_at(setting: &mut Setting, seconds: i64, difficulty: i64) {
    setting.draft.fields.uncle_count = 2;
    at(setting, seconds, difficulty);
}

/// Sets the clock so that the header is so many seconds ahead of it.
fn ahead(setting: &mut Setting, seconds: i64) {
    let own = setting.draft.fields.timestamp.as_secs();
    setting.now = UnixTime::from_secs(own.checked_add_signed(-seconds).expect("far from zero"));
}

#[test]
fn each_bound_is_where_it_is_and_not_one_further() {
    for bound in &BOUNDS {
        let (network, height) = bound.on;
        let judge = |value: i64| {
            let mut setting = Setting::at(network, height);
            (bound.set)(&mut setting, value);
            setting.broken_rule()
        };
        for value in bound.passes {
            assert_eq!(judge(*value), None, "{}, {network:?} #{height}: {value}", bound.what);
        }
        for value in bound.fails {
            assert_eq!(judge(*value), Some(bound.rule), "{}, {network:?} #{height}: {value}", bound.what);
        }
    }
}

#[test]
fn a_compressed_coinbase_of_40_bytes_is_one_that_commits_to_nothing() {
    use rustock_core::{
        consensus::verify::{Context, verify_header},
        primitives::header::{Header, HeaderFields},
    };
    for (size, rule) in [(39, Rule::MergedMiningCoinbase), (40, Rule::MergedMiningCommitment)] {
        let setting = Setting::at(Mainnet, MAINNET_TODAY);
        let header = Header::decode(&setting.draft.mine_bytes(), &setting.params.activations).expect("one");
        let mut fields = HeaderFields::of(&header);
        fields.proof.as_mut().expect("mined").coinbase.truncate(size);
        let cut = Header::decode(&fields.encode(), &setting.params.activations).expect("the form is right");
        let now = UnixTime::from_secs(PARENT_TIME + 14);
        let error = verify_header(cut, &Context::standalone(now), &setting.params).expect_err("cut");
        assert_eq!(error.rule(), rule, "{size} bytes");
    }
}

#[test]
fn regtest_has_no_clock() {
    let mut setting = Setting::at(Regtest, 100);
    ahead(&mut setting, 1_000_000_000);
    setting.bitcoin_apart(-1_000_000_000);
    assert_eq!(setting.broken_rule(), None);
}
