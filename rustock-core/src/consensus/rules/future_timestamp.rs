//! A header cannot be much ahead of the clock, yet.
//!
//! No RSKIP. Mirrors rskj's `BlockTimeStampValidationRule.isValid(header)`. The clock is an argument.

use crate::{
    consensus::{error::HeaderError, params::NetworkParams},
    primitives::{header::Header, number::UnixTime},
};

/// The header's time is at most `max_future` after `now`. There is no bound on the past; a `max_future` of
/// zero switches the rule off, as in rskj.
///
/// # Errors
/// [`HeaderError::NotYetValid`], the one error that time heals.
pub fn check(header: &Header, params: &NetworkParams, now: UnixTime) -> Result<(), HeaderError> {
    let seen = header.timestamp();
    let max_future = params.max_future.as_secs();
    let until = UnixTime::from_secs(seen.as_secs().saturating_sub(max_future));
    if max_future == 0 || until <= now { Ok(()) } else { Err(HeaderError::NotYetValid { until, now, seen }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::test_headers;

    #[test]
    fn sixty_seconds_ahead_and_no_more_on_mainnet() {
        let header = test_headers::child(|_| {});
        let seen = header.timestamp();
        let mainnet = NetworkParams::mainnet();
        let until = UnixTime::from_secs(seen.as_secs() - 60);
        assert_eq!(check(&header, &mainnet, until), Ok(()));
        assert_eq!(check(&header, &mainnet, UnixTime::from_secs(u64::MAX)), Ok(()));
        let now = UnixTime::from_secs(until.as_secs() - 1);
        assert_eq!(check(&header, &mainnet, now), Err(HeaderError::NotYetValid { until, now, seen }));
    }

    #[test]
    fn zero_switches_the_rule_off() {
        let header = test_headers::child(|_| {});
        assert_eq!(check(&header, &NetworkParams::regtest(), UnixTime::from_secs(0)), Ok(()));
    }
}
