//! The twelve bytes about the recent past that miners put in the coinbase since RSKIP-110.

use super::{hashes::double_sha256, header::NaiveHeader};

/// How many ancestors must be at hand.
pub const ANCESTORS_NEEDED: usize = 449;

/// What the block at `number` on top of `ancestors` (newest last) must carry.
///
/// # Errors
/// When there are fewer than 449 ancestors, one that is read is missing or has no Bitcoin header, or the uncles
/// add up to more than 32 bits can hold.
pub fn expected(number: u64, ancestors: &[NaiveHeader]) -> Result<[u8; 12], String> {
    if ancestors.len() < ANCESTORS_NEEDED {
        return Err(format!("{} ancestors where {ANCESTORS_NEEDED} are needed", ancestors.len()));
    }
    let ancestor = |height: i128| {
        ancestors
            .iter()
            .rev()
            .find(|header| i128::from(header.number) == height)
            .ok_or_else(|| format!("no ancestor at {height}"))
    };
    let number = i128::from(number);
    let mut data = [0; 12];

    let start = (number - 1) / 64 * 64;
    for (index, byte) in (0..).zip(&mut data[..7]) {
        let header = &ancestor(start - 64 * index)?.bitcoin_header;
        let first_80 = header.get(..80).ok_or("an ancestor without a Bitcoin header")?;
        *byte = double_sha256(first_80)[0];
    }

    let mut uncles = 0_i32;
    for back in 1..=32 {
        uncles = uncles.wrapping_add(ancestor(number - back)?.uncle_count);
    }
    data[7] = u8::try_from(uncles.min(255)).map_err(|_| "the number of uncles overflows")?;

    data[8..].copy_from_slice(&(number as u32).to_be_bytes());
    Ok(data)
}
