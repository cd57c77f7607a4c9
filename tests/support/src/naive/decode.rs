//! From bytes to a header: read leniently, write again, and refuse what comes out otherwise.

use num_bigint::{BigInt, Sign};

use super::{
    header::{NaiveExtension, NaiveHeader},
    params::{NaiveParams, active},
    rlp::Rlp,
};

/// A header as header responses carry it.
///
/// # Errors
/// When rskj would not read it, when it is not in the form in which rskj would write it, or when it is one of the
/// headers that this project refuses ([`refused_by_limits`]).
pub fn decode_wire(bytes: &[u8], params: &NaiveParams) -> Result<NaiveHeader, String> {
    let items = read_list(bytes)?;
    let number = number_of(&items)?;
    let umm = active(params.rskip_umm, number);
    let fields = 16 + usize::from(umm);
    if items.len() != fields && items.len() != fields + 3 {
        return Err(format!("{} elements in a compressed header", items.len()));
    }
    let version = expected_version(number, params);
    let version = match version {
        0 => 0,
        // Blocks of version 1 go on for a while where version 2 may lack its base event.
        2 if number < params.base_event_window_end && check_extension_data(item(&items, 6)?, 1).is_ok() => 1,
        _ => {
            check_extension_data(item(&items, 6)?, version)?;
            version
        }
    };
    let header = header_of(&items[..fields], &items[fields..], version, item(&items, 6)?.to_vec(), params)?;
    if header.encode_wire() != bytes {
        return Err("not in canonical form".into());
    }
    refused_by_limits(&header)?;
    Ok(header)
}

/// A header as blocks and bodies carry it, with the extension that version 1 and 2 have.
///
/// # Errors
/// As [`decode_wire`].
pub fn decode_full(
    bytes: &[u8],
    params: &NaiveParams,
) -> Result<(NaiveHeader, Option<NaiveExtension>), String> {
    let items = read_list(bytes)?;
    let number = number_of(&items)?;
    let version = expected_version(number, params);
    if version == 0 {
        return Ok((decode_wire(bytes, params)?, None));
    }

    let fields = 16 + usize::from(active(params.rskip_umm, number));
    let has_edges = active(params.rskip144, number);
    let extension_fields = 1 + usize::from(has_edges) + usize::from(version == 2);
    let may_lack_base_event = version == 2 && number < params.base_event_window_end;
    let (fields_without_mining, lacks_base_event) = match items.len().checked_sub(fields + extension_fields) {
        Some(0 | 3) => (fields + extension_fields, false),
        _ if may_lack_base_event
            && [0, 3].contains(&(items.len() + 1).wrapping_sub(fields + extension_fields)) =>
        {
            (fields + extension_fields - 1, true)
        }
        _ => return Err(format!("{} elements in a full header", items.len())),
    };

    if item(&items, fields)? != [version] {
        return Err(format!("a version other than {version}"));
    }
    let mut next = fields + 1;
    let mut edges = None;
    if has_edges {
        edges = Some(edges_of(item(&items, next)?));
        next += 1;
    }
    let mut base_event = None;
    if version == 2 {
        base_event = Some(if lacks_base_event { Vec::new() } else { item(&items, next)?.to_vec() });
    }
    let extension = NaiveExtension { version, logs_bloom: item(&items, 6)?.to_vec(), base_event, edges };

    let mining = &items[fields_without_mining..];
    let header = header_of(&items[..fields], mining, version, extension.extension_data(), params)?;
    let written = if lacks_base_event {
        header.encode_full(Some(&NaiveExtension { base_event: None, ..extension.clone() }))
    } else {
        header.encode_full(Some(&extension))
    };
    if written != bytes {
        return Err("not in canonical form".into());
    }
    refused_by_limits(&header)?;
    Ok((header, Some(extension)))
}

/// An extension as bodies carry it, for a header of this height.
///
/// # Errors
/// When the height has none, or the bytes are not the canonical form of one.
pub fn decode_extension(bytes: &[u8], number: u64, params: &NaiveParams) -> Result<NaiveExtension, String> {
    let version = expected_version(number, params);
    if version == 0 {
        return Err("this height has no extension".into());
    }
    let outer = read_list(bytes)?;
    let inner = read_list(item(&outer, 1)?)?;
    let mut next = 0;
    let mut take = || {
        next += 1;
        item(&inner, next - 1)
    };
    let extension = NaiveExtension {
        version,
        logs_bloom: take()?.to_vec(),
        base_event: if version == 2 { Some(take()?.to_vec()) } else { None },
        edges: if active(params.rskip144, number) { Some(edges_of(take()?)) } else { None },
    };
    if extension.encode_in_body() == bytes { Ok(extension) } else { Err("not in canonical form".into()) }
}

/// What this project refuses although rskj reads it: numbers too large for any real header and fields whose
/// length no honest encoder writes.
///
/// # Errors
/// With the field that is refused.
pub fn refused_by_limits(header: &NaiveHeader) -> Result<(), String> {
    let unsigned_end = BigInt::from(1) << 128;
    let signed_end = BigInt::from(1) << 127;
    if header.difficulty_bytes.is_empty() {
        return Err("an empty difficulty".into());
    }
    let gas_limit = BigInt::from_bytes_be(Sign::Plus, &header.gas_limit);
    for (name, value) in
        [("difficulty", &header.difficulty), ("paid fees", &header.paid_fees), ("gas limit", &gas_limit)]
    {
        if *value >= unsigned_end {
            return Err(format!("{name} beyond 128 bits"));
        }
    }
    if header.minimum_gas_price.as_ref().is_some_and(|price| *price >= signed_end || *price < -&signed_end) {
        return Err("minimum gas price beyond 128 bits".into());
    }
    for (name, field) in [
        ("parent hash", &header.parent_hash),
        ("uncles hash", &header.uncles_hash),
        ("state root", &header.state_root),
        ("transactions root", &header.transactions_root),
        ("receipts root", &header.receipts_root),
    ] {
        if field.len() != 32 {
            return Err(format!("{name} of {} bytes", field.len()));
        }
    }
    if header.version == 0 && header.bloom_or_extension_data.len() != 256 {
        return Err(format!("logs bloom of {} bytes", header.bloom_or_extension_data.len()));
    }
    Ok(())
}

/// A genesis has version 0 whatever its height says.
fn expected_version(number: u64, params: &NaiveParams) -> u8 {
    if number == 0 { 0 } else { params.version_at(number) }
}

fn read_list(bytes: &[u8]) -> Result<Vec<Rlp>, String> {
    Ok(Rlp::decode(bytes)?.list()?.to_vec())
}

fn item(items: &[Rlp], index: usize) -> Result<&[u8], String> {
    items.get(index).ok_or_else(|| format!("no element {index}"))?.bytes()
}

fn number_of(items: &[Rlp]) -> Result<u64, String> {
    long(item(items, 8)?)
}

/// The values of a header: its fields up to `ummRoot`, and none or three fields of proof.
fn header_of(
    fields: &[Rlp],
    mining: &[Rlp],
    version: u8,
    bloom_or_extension_data: Vec<u8>,
    params: &NaiveParams,
) -> Result<NaiveHeader, String> {
    let bytes = |index| item(fields, index).map(<[u8]>::to_vec);
    let coinbase = bytes(2)?;
    if !coinbase.is_empty() && coinbase.len() != 20 {
        return Err(format!("coinbase of {} bytes", coinbase.len()));
    }
    let difficulty_bytes = bytes(7)?;
    let difficulty = BigInt::from_signed_bytes_be(&difficulty_bytes);
    if difficulty.sign() == Sign::Minus {
        return Err("a negative difficulty".into());
    }
    let price = bytes(14)?;
    let header = NaiveHeader {
        version,
        parent_hash: bytes(0)?,
        uncles_hash: bytes(1)?,
        coinbase,
        state_root: bytes(3)?,
        transactions_root: bytes(4)?,
        receipts_root: bytes(5)?,
        bloom_or_extension_data,
        difficulty,
        difficulty_bytes,
        number: long(&bytes(8)?)?,
        gas_limit: bytes(9)?,
        gas_used: long(&bytes(10)?)?,
        timestamp: long(&bytes(11)?)?,
        extra_data: bytes(12)?,
        paid_fees: BigInt::from_bytes_be(Sign::Plus, &bytes(13)?),
        minimum_gas_price: (!price.is_empty()).then(|| BigInt::from_signed_bytes_be(&price)),
        uncle_count: int(&bytes(15)?)?,
        umm_root: if fields.len() > 16 { Some(bytes(16)?) } else { None },
        bitcoin_header: if mining.is_empty() { Vec::new() } else { item(mining, 0)?.to_vec() },
        merkle_proof: if mining.is_empty() { Vec::new() } else { item(mining, 1)?.to_vec() },
        compressed_coinbase: if mining.is_empty() { Vec::new() } else { item(mining, 2)?.to_vec() },
    };
    let sized = active(params.rskip98, header.number) && header.number != 0;
    if !mining.is_empty() && sized && header.bitcoin_header.len() != 80 {
        return Err(format!("Bitcoin header of {} bytes", header.bitcoin_header.len()));
    }
    Ok(header)
}

/// Exactly `[version, hash of 32 bytes]`.
fn check_extension_data(bytes: &[u8], version: u8) -> Result<(), String> {
    let items = read_list(bytes)?;
    let canonical = Rlp::List(items.clone()).encode() == bytes;
    let form = canonical && items.len() == 2 && item(&items, 0)? == [version] && item(&items, 1)?.len() == 32;
    if form { Ok(()) } else { Err(format!("not the extension data of version {version}")) }
}

/// Two bytes an edge, low byte first. A byte left over is dropped, which the canonical form then shows.
fn edges_of(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks().0.iter().map(|pair: &[u8; 2]| i16::from_le_bytes(*pair)).collect()
}

/// An unsigned number that fits a signed 64-bit one.
fn long(bytes: &[u8]) -> Result<u64, String> {
    let value = BigInt::from_bytes_be(Sign::Plus, bytes);
    i64::try_from(&value).map(i64::unsigned_abs).map_err(|_| format!("{value} does not fit 63 bits"))
}

/// An unsigned number that fits a signed 32-bit one.
fn int(bytes: &[u8]) -> Result<i32, String> {
    let value = BigInt::from_bytes_be(Sign::Plus, bytes);
    i32::try_from(&value).map_err(|_| format!("{value} does not fit 31 bits"))
}
