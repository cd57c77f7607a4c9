//! The names of a header's fields, in wire order, and then those of its extension.
//!
//! No RSKIP. Mirrors rskj's `BlockHeaderIndex`.

use core::fmt;

macro_rules! header_fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// One field of a header or of its extension.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum HeaderField {
            $($(#[$doc])* $variant),+
        }

        impl HeaderField {
            /// Every field: those of a version-0 header in wire order, then those that later versions add.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The fields of a version-0 header, in wire order.
            pub fn of_version_0() -> &'static [Self] {
                &Self::ALL[..=Self::BitcoinCoinbase as usize]
            }

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
    /// Version and hash of the extension, in place of the logs bloom from version 1 on.
    ExtensionData = "extensionData",
    /// The header's version, in the full form.
    Version = "version",
    /// Where the transaction lists that can run in parallel end.
    Edges = "txExecutionSublistsEdges",
    /// What the bridge asks of the union bridge.
    BaseEvent = "baseEvent",
}

impl fmt::Display for HeaderField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
