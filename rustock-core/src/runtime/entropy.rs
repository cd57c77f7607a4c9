//! The only place that asks the system for randomness.

use crate::wire::rlpx::{entropy::HandshakeEntropy, keys::SecretKey};

/// Draws before giving up: each fails with a chance of about 2^-127, so a second is never needed in practice.
const DRAWS: usize = 4;

/// A fresh node key.
pub(crate) fn random_key() -> Result<SecretKey, String> {
    let mut bytes = [0; 32];
    for _ in 0..DRAWS {
        fill(&mut bytes)?;
        if let Ok(key) = SecretKey::from_bytes(&bytes) {
            return Ok(key);
        }
    }
    Err("no usable key in four draws".to_owned())
}

/// Fresh randomness for one handshake.
pub(crate) fn handshake_entropy() -> Result<HandshakeEntropy, String> {
    let mut bytes = [0; HandshakeEntropy::RANDOM_BYTES];
    for _ in 0..DRAWS {
        fill(&mut bytes)?;
        if let Ok(entropy) = HandshakeEntropy::from_random(&bytes) {
            return Ok(entropy);
        }
    }
    Err("no usable handshake keys in four draws".to_owned())
}

/// A seed for a machine's choices.
pub(crate) fn random_seed() -> Result<[u8; 32], String> {
    let mut seed = [0; 32];
    fill(&mut seed)?;
    Ok(seed)
}

fn fill(bytes: &mut [u8]) -> Result<(), String> {
    getrandom::fill(bytes).map_err(|error| error.to_string())
}
