//! Peers and bans to bytes and back. Integers are big-endian; `docs/store-format.md` has the offsets.

use core::net::IpAddr;

use crate::primitives::{
    hash::NodeId,
    number::UnixTime,
    peer::{Ban, BanSubject, PeerAddress, PeerHost, PeerRecord, PeerSource},
};

/// Kinds of hosts. The number of an IP version, or 0 for a name.
const NAME: u8 = 0;
const IPV4: u8 = 4;
const IPV6: u8 = 6;
/// Kinds of subjects. None is zero, so a zeroed key is none.
const NODE: u8 = 1;
const ADDRESS_V4: u8 = 2;
const ADDRESS_V6: u8 = 3;

fn source_code(source: PeerSource) -> u8 {
    match source {
        PeerSource::Configured => 1,
        PeerSource::Bundled => 2,
        PeerSource::Discovered => 3,
        PeerSource::Inbound => 4,
    }
}

fn source_of(code: u8) -> Option<PeerSource> {
    [PeerSource::Configured, PeerSource::Bundled, PeerSource::Discovered, PeerSource::Inbound]
        .into_iter()
        .find(|source| source_code(*source) == code)
}

/// What is remembered of a peer, without its id, which is the key.
pub(super) fn encode_peer(record: &PeerRecord) -> Vec<u8> {
    let seconds = |time: Option<UnixTime>| time.map_or(0, UnixTime::as_secs).to_be_bytes();
    let mut bytes = vec![source_code(record.source)];
    bytes.extend_from_slice(&seconds(record.last_success));
    bytes.extend_from_slice(&seconds(record.last_failure));
    bytes.extend_from_slice(&record.attempts.to_be_bytes());
    bytes.extend_from_slice(&record.penalty.to_be_bytes());
    bytes.extend_from_slice(&record.verified_headers.to_be_bytes());
    bytes.extend_from_slice(&record.bytes_per_second.to_be_bytes());
    bytes.extend_from_slice(&record.latency_millis.to_be_bytes());
    bytes.extend_from_slice(&record.address.port.to_be_bytes());
    match &record.address.host {
        PeerHost::Ip(IpAddr::V4(ip)) => {
            bytes.push(IPV4);
            bytes.extend_from_slice(&ip.octets());
        }
        PeerHost::Ip(IpAddr::V6(ip)) => {
            bytes.push(IPV6);
            bytes.extend_from_slice(&ip.octets());
        }
        PeerHost::Name(name) => {
            bytes.push(NAME);
            bytes.extend_from_slice(name.as_bytes());
        }
    }
    bytes
}

/// A record whose checksum held; `None` when it is no record all the same.
pub(super) fn decode_peer(id: NodeId, bytes: &[u8]) -> Option<PeerRecord> {
    let mut reader = Reader { rest: bytes };
    let time = |seconds: [u8; 8]| match u64::from_be_bytes(seconds) {
        0 => None,
        seconds => Some(UnixTime::from_secs(seconds)),
    };
    let [source] = reader.take()?;
    let last_success = time(reader.take()?);
    let last_failure = time(reader.take()?);
    let attempts = u32::from_be_bytes(reader.take()?);
    let penalty = u32::from_be_bytes(reader.take()?);
    let verified_headers = u64::from_be_bytes(reader.take()?);
    let bytes_per_second = u32::from_be_bytes(reader.take()?);
    let latency_millis = u32::from_be_bytes(reader.take()?);
    let port = u16::from_be_bytes(reader.take()?);
    let [kind] = reader.take()?;
    let address = match kind {
        IPV4 => PeerAddress::from_ip(<[u8; 4]>::try_from(reader.rest).ok()?.into(), port),
        IPV6 => PeerAddress::from_ip(<[u8; 16]>::try_from(reader.rest).ok()?.into(), port),
        NAME => PeerAddress::new(core::str::from_utf8(reader.rest).ok()?, port)?,
        _ => return None,
    };
    let source = source_of(source)?;
    Some(PeerRecord {
        id,
        address,
        source,
        last_success,
        last_failure,
        attempts,
        penalty,
        verified_headers,
        bytes_per_second,
        latency_millis,
    })
    .filter(|record| record.address.port != 0)
}

/// The key of a ban.
pub(super) fn encode_subject(subject: &BanSubject) -> Vec<u8> {
    let (kind, rest) = match subject {
        BanSubject::Node(id) => (NODE, id.as_bytes().to_vec()),
        BanSubject::Ip4(ip) => (ADDRESS_V4, ip.octets().to_vec()),
        BanSubject::Ip6(prefix) => (ADDRESS_V6, prefix.to_vec()),
    };
    let mut key = vec![kind];
    key.extend(rest);
    key
}

fn decode_subject(key: &[u8]) -> Option<BanSubject> {
    let (kind, rest) = key.split_first()?;
    match *kind {
        NODE => NodeId::try_from(rest).ok().map(BanSubject::Node),
        ADDRESS_V4 => <[u8; 4]>::try_from(rest).ok().map(|octets| BanSubject::Ip4(octets.into())),
        ADDRESS_V6 => <[u8; 8]>::try_from(rest).ok().map(BanSubject::Ip6),
        _ => None,
    }
}

/// A ban, without its subject, which is the key.
pub(super) fn encode_ban(ban: &Ban) -> Vec<u8> {
    let mut bytes = ban.until.as_secs().to_be_bytes().to_vec();
    bytes.extend_from_slice(&ban.strikes.to_be_bytes());
    bytes.push(u8::from(ban.by_user));
    let reason = &ban.reason[..ban.reason.floor_char_boundary(Ban::MAX_REASON_BYTES)];
    bytes.extend_from_slice(reason.as_bytes());
    bytes
}

/// A ban whose checksum held; `None` when it is none all the same.
pub(super) fn decode_ban(key: &[u8], bytes: &[u8]) -> Option<Ban> {
    let mut reader = Reader { rest: bytes };
    let until = UnixTime::from_secs(u64::from_be_bytes(reader.take()?));
    let strikes = u32::from_be_bytes(reader.take()?);
    let [by_user @ (0 | 1)] = reader.take()? else { return None };
    let reason = core::str::from_utf8(reader.rest).ok()?;
    if reason.len() > Ban::MAX_REASON_BYTES {
        return None;
    }
    let subject = decode_subject(key)?;
    Some(Ban { subject, until, strikes, by_user: by_user == 1, reason: reason.to_owned() })
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const SIZE: usize>(&mut self) -> Option<[u8; SIZE]> {
        let (field, rest) = self.rest.split_first_chunk::<SIZE>()?;
        self.rest = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: NodeId = NodeId::new([7; 64]);

    fn record(host: &str) -> PeerRecord {
        PeerRecord {
            last_success: Some(UnixTime::from_secs(1)),
            last_failure: None,
            attempts: 2,
            penalty: 3,
            verified_headers: u64::MAX,
            bytes_per_second: 5,
            latency_millis: 6,
            ..PeerRecord::new(ID, PeerAddress::new(host, 5050).expect("valid"), PeerSource::Bundled)
        }
    }

    #[test]
    fn records_come_back_whatever_their_host_is() {
        for host in ["203.0.113.7", "2001:db8::1", "bootstrap01.rsk.co"] {
            let bytes = encode_peer(&record(host));
            assert_eq!(decode_peer(ID, &bytes), Some(record(host)));
            assert_eq!(decode_peer(ID, &bytes[..43]), None, "cut short");
        }
        let mut bytes = encode_peer(&record("203.0.113.7"));
        assert_eq!(bytes.len(), 48);
        bytes.push(0);
        assert_eq!(decode_peer(ID, &bytes), None, "a byte too many");
    }

    #[test]
    fn bans_come_back_whoever_they_are_of() {
        let subjects =
            [BanSubject::Node(ID), BanSubject::Ip4([203, 0, 113, 7].into()), BanSubject::Ip6([9; 8])];
        for subject in subjects {
            let ban = Ban {
                subject,
                until: Ban::FOREVER,
                strikes: 4,
                by_user: true,
                reason: "by the user".to_owned(),
            };
            let (key, bytes) = (encode_subject(&subject), encode_ban(&ban));
            assert_eq!(decode_ban(&key, &bytes), Some(ban));
            assert_eq!(decode_ban(&key[1..], &bytes), None, "no subject");
            assert_eq!(decode_ban(&key, &bytes[..12]), None, "cut short");
        }
    }
}
