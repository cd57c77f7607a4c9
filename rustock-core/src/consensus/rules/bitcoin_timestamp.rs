//! A header's time and its Bitcoin header's are close.
//!
//! RSKIP-179; RSKIP-297 widens the bound on test networks. Mirrors rskj's
//! `BlockTimeStampValidationRule.isBitcoinTimestampValid`.

use core::time::Duration;

use crate::{
    consensus::{error::HeaderError, params::NetworkParams, rules::merged_mining::bitcoin_block},
    primitives::{
        header::Header,
        number::{BlockNumber, UnixTime},
    },
};

/// The time's place in a Bitcoin header.
const TIME: core::ops::Range<usize> = 68..72;

/// The two times are less than the bound apart, where the rule holds.
///
/// # Errors
/// [`HeaderError::BitcoinTimestamp`], also when there is no Bitcoin header, or none that can be read.
pub fn check(header: &Header, params: &NetworkParams) -> Result<(), HeaderError> {
    let Some(bound) = bound(params, header.number()) else { return Ok(()) };
    let timestamp = header.timestamp();
    let seen = bitcoin_time(header, params);
    let is_close = |seen: UnixTime| seen.as_secs().abs_diff(timestamp.as_secs()) < bound.as_secs();
    if seen.is_some_and(is_close) {
        Ok(())
    } else {
        Err(HeaderError::BitcoinTimestamp { timestamp, bound, seen })
    }
}

/// The bound at a height (exclusive), or `None` where the rule does not hold: before RSKIP-179, and on
/// networks whose timestamp rules are off.
fn bound(params: &NetworkParams, number: BlockNumber) -> Option<Duration> {
    if params.max_future.is_zero() || !params.activations.rskip179.is_active(number) {
        return None;
    }
    match params.bitcoin_time_bound_after_rskip297 {
        Some(wider) if params.activations.rskip297.is_active(number) => Some(wider),
        _ => Some(params.bitcoin_time_bound),
    }
}

/// The Bitcoin header's time. Where RSKIP-98 does not hold, which is so on made-up networks only, a whole Bitcoin
/// block has one too.
fn bitcoin_time(header: &Header, params: &NetworkParams) -> Option<UnixTime> {
    let field = header.proof()?.bitcoin_header;
    let bitcoin_header = bitcoin_block::header_of(field, params, header.number()).ok()?;
    let seconds = bitcoin_header[TIME].try_into().map(u32::from_le_bytes).expect("four bytes");
    Some(UnixTime::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consensus::test_headers,
        primitives::{
            activation::Activation,
            header::{BITCOIN_HEADER_SIZE, ProofFields},
        },
    };

    fn header(params: &NetworkParams, number: u64, own: u64, bitcoin: u32, rest: &[u8]) -> Header {
        test_headers::header(params, |fields| {
            fields.number = BlockNumber::new(number);
            fields.timestamp = UnixTime::from_secs(own);
            let mut bitcoin_header = vec![0; BITCOIN_HEADER_SIZE];
            bitcoin_header[TIME].copy_from_slice(&bitcoin.to_le_bytes());
            bitcoin_header.extend_from_slice(rest);
            fields.proof =
                Some(ProofFields { bitcoin_header, merkle_proof: Vec::new(), coinbase: Vec::new() });
        })
    }

    fn judge(params: &NetworkParams, number: u64, own: u64, bitcoin: u32) -> Result<(), HeaderError> {
        check(&header(params, number, own, bitcoin, &[]), params)
    }

    #[test]
    fn less_than_three_hundred_seconds_either_way() {
        let mainnet = NetworkParams::mainnet();
        for (own, bitcoin) in [(1_000, 1_000), (1_001, 1_300), (1_300, 1_001)] {
            assert_eq!(judge(&mainnet, 3_614_800, own, bitcoin), Ok(()));
        }
        for (own, bitcoin) in [(1_000, 1_300), (1_300, 1_000)] {
            let refusal = HeaderError::BitcoinTimestamp {
                timestamp: UnixTime::from_secs(own),
                bound: Duration::from_secs(300),
                seen: Some(UnixTime::from_secs(bitcoin.into())),
            };
            assert_eq!(judge(&mainnet, 3_614_800, own, bitcoin), Err(refusal));
        }
    }

    #[test]
    fn the_rule_starts_at_its_height() {
        let mainnet = NetworkParams::mainnet();
        assert_eq!(judge(&mainnet, 3_614_799, 1_000_000, 0), Ok(()));
        assert!(judge(&mainnet, 3_614_800, 1_000_000, 0).is_err());
    }

    #[test]
    fn rskip297_widens_the_bound_where_the_network_has_it() {
        let testnet = NetworkParams::testnet();
        assert!(judge(&testnet, 3_102_999, 10_000, 10_300).is_err());
        assert_eq!(judge(&testnet, 3_103_000, 10_000, 17_199), Ok(()));
        assert!(judge(&testnet, 3_103_000, 10_000, 17_200).is_err());
        assert!(judge(&NetworkParams::mainnet(), 4_598_500, 10_000, 10_300).is_err());
    }

    #[test]
    fn a_network_without_timestamp_rules_has_not_this_one_either() {
        let mut params = NetworkParams::simnet();
        assert!(judge(&params, 5, 1_000_000, 0).is_err());
        params.max_future = Duration::ZERO;
        assert_eq!(judge(&params, 5, 1_000_000, 0), Ok(()));
    }

    #[test]
    fn a_whole_bitcoin_block_has_its_headers_time_where_rskip98_does_not_hold() {
        let mut params = NetworkParams::simnet();
        params.activations.rskip98 = Activation::NEVER;
        let no_transactions = [0];
        let judge = |bitcoin, rest: &[u8]| check(&header(&params, 5, 1_000, bitcoin, rest), &params);
        assert_eq!(judge(1_299, &no_transactions), Ok(()));
        let late = judge(1_300, &no_transactions).expect_err("at the bound");
        assert!(matches!(late, HeaderError::BitcoinTimestamp { seen: Some(_), .. }), "{late}");
        let a_transaction_that_is_not_there = [1];
        let error = judge(1_000, &a_transaction_that_is_not_there).expect_err("parses as nothing");
        assert_eq!(error.seen(), "no bitcoin header");
    }

    #[test]
    fn a_header_without_a_proof_is_refused() {
        let params = NetworkParams::simnet();
        let header = test_headers::header(&params, |fields| fields.proof = None);
        let error = check(&header, &params).expect_err("nothing to compare with");
        assert_eq!(error.seen(), "no bitcoin header");
    }
}
