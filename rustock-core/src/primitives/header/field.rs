//! The names of a header's fields, in wire order.
//!
//! No RSKIP. Mirrors rskj's `BlockHeaderIndex`.

use core::fmt;

macro_rules! header_fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// One field of a header.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum HeaderField {
            $($(#[$doc])* $variant),+
        }

        impl HeaderField {
            /// Every field, in wire order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The field's name, as rskj spells it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

header_fields! {
    /// Hash of the block below.
    ParentHash = "parentHash",
    /// Hash of the list of uncle headers.
    UnclesHash = "unclesHash",
    /// Address that the block's fees go to.
    Coinbase = "coinbase",
    /// Root of the state after the block.
    StateRoot = "stateRoot",
    /// Root of the block's transactions.
    TransactionsRoot = "txTrieRoot",
    /// Root of the block's receipts.
    ReceiptsRoot = "receiptTrieRoot",
    /// Bloom filter of the block's logs.
    LogsBloom = "logsBloom",
    /// Work the header claims.
    Difficulty = "difficulty",
    /// Height.
    Number = "number",
    /// Most gas the block may use.
    GasLimit = "gasLimit",
    /// Gas the block used.
    GasUsed = "gasUsed",
    /// Seconds since the epoch.
    Timestamp = "timestamp",
    /// Free bytes of the miner.
    ExtraData = "extraData",
    /// Fees paid in the block.
    PaidFees = "paidFees",
    /// Least gas price the block accepts.
    MinimumGasPrice = "minimumGasPrice",
    /// Number of uncles the header speaks of.
    UncleCount = "uncleCount",
    /// Root of merged mining with other chains.
    UmmRoot = "ummRoot",
    /// The 80 bytes of the Bitcoin header.
    BitcoinHeader = "bitcoinMergedMiningHeader",
    /// Path from the Bitcoin coinbase to the Bitcoin merkle root.
    MerkleProof = "bitcoinMergedMiningMerkleProof",
    /// Bitcoin coinbase transaction, compressed to a hash midstate and a tail.
    BitcoinCoinbase = "bitcoinMergedMiningCoinbaseTransaction",
}

impl fmt::Display for HeaderField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
