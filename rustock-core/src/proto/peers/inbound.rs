//! Who may connect to us: rskj's rules of admission, at the same two moments.
//!
//! When the connection is accepted: no address that was told less than ten seconds ago that there is no place, no
//! subnet that has sixteen connections, nobody banned. When the session is established: no node that is connected
//! already, and no more than there are places. Trusted peers need no place.

use core::net::IpAddr;
use std::collections::BTreeMap;

use super::REFUSAL;
use crate::proto::time::Timestamp;

/// Addresses that were told that there is no place. The oldest goes when there are more: it is the nearest to
/// being listened to again.
pub const MAX_REFUSED: usize = 256;

/// Who was told that there is no place, and when.
#[derive(Debug, Default)]
pub(super) struct RecentRefusals(BTreeMap<IpAddr, Timestamp>);

impl RecentRefusals {
    pub fn insert(&mut self, now: Timestamp, ip: IpAddr) {
        self.0.retain(|_, time| now.since(*time) < REFUSAL);
        if self.0.len() >= MAX_REFUSED
            && let Some(oldest) = self.0.iter().min_by_key(|(ip, time)| (**time, **ip)).map(|(ip, _)| *ip)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(ip.to_canonical(), now);
    }

    pub fn contains(&self, now: Timestamp, ip: IpAddr) -> bool {
        self.0.get(&ip.to_canonical()).is_some_and(|time| now.since(*time) < REFUSAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_address_is_not_listened_to_for_ten_seconds() {
        let mut refusals = RecentRefusals::default();
        let ip: IpAddr = "203.0.113.7".parse().expect("an address");
        refusals.insert(Timestamp::from_millis(5_000), ip);
        assert!(refusals.contains(Timestamp::from_millis(14_999), ip));
        assert!(!refusals.contains(Timestamp::from_millis(15_000), ip));
        for index in 0..1_000u32 {
            refusals.insert(Timestamp::from_millis(15_000), IpAddr::from(index.to_be_bytes()));
        }
        assert_eq!(refusals.0.len(), MAX_REFUSED);
    }
}
