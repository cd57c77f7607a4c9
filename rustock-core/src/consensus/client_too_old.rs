//! A header that an upgrade may have laid out anew, after this release was made.
//!
//! No RSKIP. rskj has nothing like it: an old node takes such headers for broken ones. Blaming peers for what is
//! our own age would leave the client alone, so it says instead that it has to be updated.

use super::params::NetworkParams;
use crate::primitives::{header::HeaderDecodeError, number::BlockNumber, rlp::Item};

/// Fields of a header before its height.
const FIELDS_BEFORE_NUMBER: usize = 8;

/// A header from an upgrade that this release may not know. It is neither valid nor invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this release knows no upgrade above height {last_known_upgrade} and cannot read the header at height \
     {number}: it is too old for the network and must be updated"
)]
pub struct ClientTooOld {
    /// The height that the header claims.
    pub number: BlockNumber,
    /// [`NetworkParams::last_known_upgrade`].
    pub last_known_upgrade: BlockNumber,
}

/// Whether a newer layout would explain that `raw` does not decode: another number of fields, another size of
/// the seventh (the logs bloom, or what stands for it), another header version, at the height of the last known
/// upgrade or above. Below that height nothing can be new.
pub fn explains(raw: &[u8], error: &HeaderDecodeError, params: &NetworkParams) -> Option<ClientTooOld> {
    if !error.may_be_of_newer_layout() {
        return None;
    }
    let last_known_upgrade = params.last_known_upgrade;
    let number = claimed_number(raw).filter(|number| *number >= last_known_upgrade)?;
    Some(ClientTooOld { number, last_known_upgrade })
}

/// The height, read without knowing the layout: it has stood in the same place since the first block.
fn claimed_number(raw: &[u8]) -> Option<BlockNumber> {
    let mut fields = Item::decode(raw).ok()?.list().ok()?;
    for _ in 0..FIELDS_BEFORE_NUMBER {
        fields.next_item().ok()?;
    }
    fields.next_item().ok()?.unsigned().ok().map(BlockNumber::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consensus::test_headers,
        primitives::{
            header::{Header, HeaderFields},
            number::GasLimit,
            rlp::list_prefix,
        },
    };

    fn mainnet_fields(number: u64) -> HeaderFields {
        let mainnet = NetworkParams::mainnet();
        HeaderFields::of(&test_headers::header(&mainnet, |fields| fields.number = BlockNumber::new(number)))
    }

    /// The header with one more field at its end.
    fn with_a_field_more(number: u64) -> Vec<u8> {
        let raw = mainnet_fields(number).encode();
        let mut fields = Item::decode(&raw).expect("an item").list().expect("a list").rest().to_vec();
        fields.push(0x80);
        let (prefix, used) = list_prefix(fields.len());
        [&prefix[..used], &fields].concat()
    }

    fn judge(raw: &[u8]) -> Option<u64> {
        let mainnet = NetworkParams::mainnet();
        let error = Header::decode(raw, &mainnet.activations).expect_err("does not decode");
        explains(raw, &error, &mainnet).map(|too_old| too_old.number.get())
    }

    #[test]
    fn another_number_of_fields_from_the_last_known_upgrade_on() {
        assert_eq!(judge(&with_a_field_more(8_804_199)), None);
        assert_eq!(judge(&with_a_field_more(8_804_200)), Some(8_804_200));
        assert_eq!(judge(&with_a_field_more(20_000_000)), Some(20_000_000));
    }

    #[test]
    fn another_size_of_the_logs_field_from_the_last_known_upgrade_on() {
        let with_a_short_bloom = |number| {
            let raw = mainnet_fields(number).encode();
            let mut rest = Item::decode(&raw).expect("an item").list().expect("a list");
            let payload = rest.rest();
            for _ in 0..6 {
                rest.next_item().expect("a field");
            }
            let before = payload.len() - rest.rest().len();
            rest.next_item().expect("the bloom");
            let string_of_35 = 0x80 + 35;
            let fields = [&payload[..before], &[string_of_35], &[7; 35], rest.rest()].concat();
            let (prefix, used) = list_prefix(fields.len());
            [&prefix[..used], &fields].concat()
        };
        assert_eq!(judge(&with_a_short_bloom(8_804_199)), None);
        assert_eq!(judge(&with_a_short_bloom(8_804_200)), Some(8_804_200));
    }

    #[test]
    fn what_no_upgrade_explains_stays_a_fault() {
        let mut fields = mainnet_fields(8_804_200);
        fields.gas_limit = GasLimit::new(0, 1);
        let mut raw = fields.encode();
        raw.push(0);
        assert_eq!(judge(&raw), None, "bytes after the list");
        assert_eq!(judge(&[0xc0]), None, "an empty list");
        assert_eq!(judge(&[]), None);
        let mut raw = mainnet_fields(8_804_200).encode();
        let parent_hash_prefix = 3;
        raw[parent_hash_prefix] = 0x9f;
        assert_eq!(judge(&raw), None, "a parent hash of 31 bytes");
    }

    #[test]
    fn the_sentence_says_to_update() {
        let too_old = ClientTooOld {
            number: BlockNumber::new(9_000_000),
            last_known_upgrade: BlockNumber::new(8_804_200),
        };
        assert!(too_old.to_string().ends_with("must be updated"));
    }
}
