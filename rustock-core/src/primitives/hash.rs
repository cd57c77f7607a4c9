//! Fixed-size byte values: hashes, addresses, node ids, and the Keccak-256 that makes most of them.
//!
//! No RSKIP. Mirrors rskj's `Keccak256`, `RskAddress` and `NodeID`.

use core::{fmt, str::FromStr};

use sha3::{Digest, Keccak256};

/// Why a piece of text is not a fixed-size value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseHexError {
    /// A character outside `0-9a-fA-F` after the optional `0x`.
    #[error("not hexadecimal")]
    NotHex,
    /// The right alphabet, the wrong number of bytes.
    #[error("expected {expected} bytes of hex, found {actual}")]
    WrongLength {
        /// Bytes the type holds.
        expected: usize,
        /// Bytes the text holds.
        actual: usize,
    },
}

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $size:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $size]);

        impl $name {
            /// Number of bytes.
            pub const SIZE: usize = $size;
            /// All bytes zero.
            pub const ZERO: Self = Self([0; $size]);

            /// Wraps the bytes as they are.
            pub const fn new(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }

            /// The bytes, in the order they have on the wire.
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }
        }

        impl From<[u8; $size]> for $name {
            fn from(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = core::array::TryFromSliceError;
            fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
                bytes.try_into().map(Self)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "0x{}", hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}(0x{})", stringify!($name), hex::encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = ParseHexError;
            /// Reads hexadecimal, with or without a leading `0x`.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text))
                    .map_err(|_| ParseHexError::NotHex)?;
                bytes.as_slice().try_into().map_err(|_| ParseHexError::WrongLength {
                    expected: $size,
                    actual: bytes.len(),
                })
            }
        }
    };
}

fixed_bytes!(
    /// The Keccak-256 that names a block: the hash of its header's hashed encoding.
    BlockHash, 32
);
fixed_bytes!(
    /// The Keccak-256 of a transaction's encoding.
    TransactionHash, 32
);
fixed_bytes!(
    /// Any other 32-byte commitment in a header: a trie root, the uncles hash.
    Hash256, 32
);
fixed_bytes!(
    /// A 20-byte account address.
    Address, 20
);
fixed_bytes!(
    /// A peer's identity: its uncompressed secp256k1 public key without the leading `04`.
    NodeId, 64
);

/// Keccak-256 with the original padding (not SHA3-256) over the concatenation of `parts`.
pub fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keccak_uses_the_original_padding() {
        assert_eq!(
            hex::encode(keccak256(&[b"ho", b"rse"])),
            "c87f65ff3f271bf5dc8643484f66b200109caffe4bf98c4cb393dc35740b28c0"
        );
    }

    #[test]
    fn text_of_the_wrong_size_or_alphabet_is_refused_with_the_reason() {
        assert_eq!("0x12".parse::<Address>(), Err(ParseHexError::WrongLength { expected: 20, actual: 1 }));
        assert_eq!("zz".parse::<BlockHash>(), Err(ParseHexError::NotHex));
        let hash = BlockHash::new([7; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
    }
}
