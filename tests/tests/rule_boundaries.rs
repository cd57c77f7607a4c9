//! Every upgrade that changes what a header may be, on every network, one height before it and at it: the verdict of
//! the whole verifier on a mined header that is right on one side and wrong on the other. And every bound of a rule that
//! holds at all heights, on both sides.
//!
//! Heights and bounds are written out here and compared with the parameters, so that neither can drift alone. The
//! bounds of uncle lists are in `uncles.rs`.

#[path = "rule_boundaries/bounds.rs"]
mod bounds;
#[path = "rule_boundaries/layouts.rs"]
mod layouts;
#[path = "rule_boundaries/setting.rs"]
mod setting;
#[path = "rule_boundaries/table.rs"]
mod table;

use rustock_core::{
    consensus::error::Rule,
    primitives::{
        activation::{Activation, Activations},
        header::ProofFields,
        number::Difficulty,
    },
};

use Heights::{Always, At, Idle, Never};
use Network::{Eras, Mainnet, Regtest, Testnet};
use setting::{MINIMUM, Network, Setting};
use table::CASES;

/// A height far above every upgrade.
const FAR: u64 = 20_000_000;

/// Where a rule begins on a network, and so which heights are tried.
enum Heights {
    /// The last height without the rule and the first one with it.
    At(u64),
    /// With the rule from the first block on: height 1.
    Always,
    /// Without the rule for ever: heights 1 and 20,000,000.
    Never,
    /// The rule has nothing to act on here: at all of these heights, the same verdict.
    Idle(&'static [u64], Option<Rule>),
}

/// One kind of header, and what becomes of it on each network.
struct Case {
    rule: &'static str,
    header: &'static str,
    make: fn(&mut Setting),
    /// The rule that refuses it before the upgrade.
    before: Option<Rule>,
    /// The rule that refuses it from the upgrade on.
    after: Option<Rule>,
    activation: fn(&Activations) -> Activation,
    on: [(Network, Heights); 4],
}

impl Case {
    fn judge(&self, network: Network, height: u64) -> Option<Rule> {
        let mut setting = Setting::at(network, height);
        (self.make)(&mut setting);
        setting.broken_rule()
    }

    /// The heights to try on a network, each with the verdict.
    fn expected(&self, heights: &Heights) -> Vec<(u64, Option<Rule>)> {
        match heights {
            At(first) => vec![(first - 1, self.before), (*first, self.after)],
            Always => vec![(1, self.after)],
            Never => vec![(1, self.before), (FAR, self.before)],
            Idle(heights, verdict) => heights.iter().map(|height| (*height, *verdict)).collect(),
        }
    }

    /// The heights of the table are those of the parameters.
    fn check_heights(&self, network: Network, heights: &Heights) {
        let first = (self.activation)(&network.params().activations).first().map(|first| first.get());
        let agrees = match heights {
            At(height) => first == Some(*height),
            Always => first.is_some_and(|first| first <= 1),
            Never => first.is_none(),
            Idle(..) => true,
        };
        assert!(agrees, "{}, {network:?}: the parameters have {first:?}", self.rule);
    }
}

#[test]
fn each_upgrade_begins_at_its_height_on_each_network() {
    let (mut accepted, mut refused) = (0, 0);
    for case in &CASES {
        for (network, heights) in &case.on {
            case.check_heights(*network, heights);
            for (height, expected) in case.expected(heights) {
                let verdict = case.judge(*network, height);
                assert_eq!(
                    verdict, expected,
                    "{}, {network:?} #{height}: a header that {}",
                    case.rule, case.header
                );
                if expected.is_none() { accepted += 1 } else { refused += 1 }
            }
        }
    }
    assert_eq!((accepted, refused), (76, 85));
}

#[test]
fn a_header_that_breaks_no_rule_is_accepted_on_both_sides_of_every_upgrade() {
    let upgrades = CASES.iter().flat_map(|case| &case.on);
    for (network, heights) in upgrades {
        let heights = match heights {
            At(first) => vec![first - 1, *first, first + 1],
            Always => vec![1, 2],
            Never => vec![1, FAR],
            Idle(heights, _) => heights.to_vec(),
        };
        for height in heights {
            assert_eq!(Setting::at(*network, height).broken_rule(), None, "{network:?} #{height}");
        }
    }
}

#[test]
fn from_rskip_92_on_the_block_hash_leaves_the_proof_and_the_coinbase_out() {
    use rustock_core::primitives::header::{Header, HeaderFields};
    for (network, height, is_covered) in [
        (Mainnet, 728_999, true),
        (Mainnet, 729_000, false),
        (Testnet, 1, false),
        (Regtest, 1, false),
        (Eras, 99, true),
        (Eras, 100, false),
    ] {
        let setting = Setting::at(network, height);
        let activations = setting.params.activations.clone();
        let header = Header::decode(&setting.draft.mine_bytes(), &activations).expect("a header");
        let hash_with = |edit: fn(&mut ProofFields)| {
            let mut fields = HeaderFields::of(&header);
            edit(fields.proof.as_mut().expect("mined"));
            Header::decode(&fields.encode(), &activations).expect("a header").hash()
        };
        let at = format!("{network:?} #{height}");
        assert_eq!(hash_with(|proof| proof.merkle_proof[7] ^= 1) != header.hash(), is_covered, "{at}");
        assert_eq!(hash_with(|proof| proof.coinbase[50] ^= 1) != header.hash(), is_covered, "{at}");
        assert_ne!(hash_with(|proof| proof.bitcoin_header[7] ^= 1), header.hash(), "{at}");
    }
}

#[test]
fn the_difficulties_of_the_table_are_the_only_numbers_that_are_not_the_networks() {
    use rustock_core::consensus::params::NetworkParams;
    for (network, public) in [(Mainnet, NetworkParams::mainnet()), (Testnet, NetworkParams::testnet())] {
        let params = network.params();
        assert_eq!(params.minimum_difficulty, Difficulty::new(MINIMUM));
        let restored = NetworkParams {
            minimum_difficulty: public.minimum_difficulty,
            minimum_difficulty_after_rskip290: public.minimum_difficulty_after_rskip290,
            fallback_keys: public.fallback_keys,
            ..params
        };
        assert_eq!(restored, public);
    }
    assert_eq!(Regtest.params(), NetworkParams::regtest());
}
