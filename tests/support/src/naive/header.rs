//! A header as plain values, its encodings and its hashes.

use num_bigint::{BigInt, Sign};

use super::{
    hashes::keccak,
    last_position,
    params::{NaiveParams, active},
    rlp::Rlp,
};

/// The text before the hash for merged mining in a Bitcoin coinbase.
pub const RSK_TAG: &[u8] = b"RSKBLOCK:";

/// A header, as its compressed encoding has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NaiveHeader {
    /// Version 0, 1 or 2.
    pub version: u8,
    /// Hash of the parent: 32 bytes.
    pub parent_hash: Vec<u8>,
    /// Hash of the list of uncles: 32 bytes.
    pub uncles_hash: Vec<u8>,
    /// Who is paid: 20 bytes, or none.
    pub coinbase: Vec<u8>,
    /// Root of the state: 32 bytes.
    pub state_root: Vec<u8>,
    /// Root of the transactions: 32 bytes.
    pub transactions_root: Vec<u8>,
    /// Root of the receipts: 32 bytes.
    pub receipts_root: Vec<u8>,
    /// The logs bloom of version 0, the extension data of later versions.
    pub bloom_or_extension_data: Vec<u8>,
    /// Difficulty.
    pub difficulty: BigInt,
    /// Difficulty as it was written: only a genesis may have other bytes than its difficulty needs.
    pub difficulty_bytes: Vec<u8>,
    /// Height.
    pub number: u64,
    /// Gas limit, as it was written.
    pub gas_limit: Vec<u8>,
    /// Gas used.
    pub gas_used: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Whatever the miner wrote.
    pub extra_data: Vec<u8>,
    /// Fees paid in the block, in wei.
    pub paid_fees: BigInt,
    /// Minimum gas price; `None` when the field is empty, which is not zero.
    pub minimum_gas_price: Option<BigInt>,
    /// How many uncles the header says there are.
    pub uncle_count: i32,
    /// Root for the miner's own use, where the height has the field.
    pub umm_root: Option<Vec<u8>>,
    /// The Bitcoin header, or a signature; empty when absent.
    pub bitcoin_header: Vec<u8>,
    /// From the coinbase to the merkle root; empty when absent.
    pub merkle_proof: Vec<u8>,
    /// State of a SHA-256 and the rest of the coinbase; empty when absent.
    pub compressed_coinbase: Vec<u8>,
}

/// What a header of version 1 or 2 commits to by hash only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NaiveExtension {
    /// Version 1 or 2.
    pub version: u8,
    /// The logs bloom.
    pub logs_bloom: Vec<u8>,
    /// The base event, where the version has it.
    pub base_event: Option<Vec<u8>>,
    /// The edges of parallel execution, where the height has them.
    pub edges: Option<Vec<i16>>,
}

impl NaiveHeader {
    /// The gas limit as a number; `None` when the field is empty.
    pub fn gas_limit_value(&self) -> Option<BigInt> {
        (!self.gas_limit.is_empty()).then(|| BigInt::from_bytes_be(Sign::Plus, &self.gas_limit))
    }

    /// At least one of the three fields of the proof is there.
    pub fn has_mining_fields(&self) -> bool {
        [&self.bitcoin_header, &self.merkle_proof, &self.compressed_coinbase].iter().any(|it| !it.is_empty())
    }

    /// The encoding of header responses.
    pub fn encode_wire(&self) -> Vec<u8> {
        let mut fields = self.fields(&self.bloom_or_extension_data);
        if self.has_mining_fields() {
            fields.extend(self.mining_fields());
        }
        Rlp::List(fields).encode()
    }

    /// The encoding in blocks, in bodies and in the preimage of the uncles hash. `extension` is given for headers
    /// of version 1 and 2 only.
    pub fn encode_full(&self, extension: Option<&NaiveExtension>) -> Vec<u8> {
        let Some(extension) = extension else { return self.encode_wire() };
        let mut fields = self.fields(&extension.logs_bloom);
        fields.push(Rlp::of(&[extension.version]));
        fields.extend(extension.edges.as_deref().map(edges_element));
        fields.extend(extension.base_event.as_deref().map(Rlp::of));
        if self.has_mining_fields() {
            fields.extend(self.mining_fields());
        }
        Rlp::List(fields).encode()
    }

    /// What the block hash is the hash of.
    pub fn hash_preimage(&self, params: &NaiveParams) -> Vec<u8> {
        let mut fields = self.fields(&self.bloom_or_extension_data);
        if self.has_mining_fields() {
            let [bitcoin_header, merkle_proof, compressed_coinbase] = self.mining_fields();
            fields.push(bitcoin_header);
            if !active(params.rskip92, self.number) {
                fields.push(merkle_proof);
                fields.push(compressed_coinbase);
            }
        }
        Rlp::List(fields).encode()
    }

    /// The block hash.
    pub fn block_hash(&self, params: &NaiveParams) -> [u8; 32] {
        keccak(&self.hash_preimage(params))
    }

    /// What the base hash for merged mining begins with.
    pub fn merged_mining_preimage(&self) -> Vec<u8> {
        Rlp::List(self.fields(&self.bloom_or_extension_data)).encode()
    }

    /// The hash for merged mining as it is before fork-detection data takes the place of its end.
    ///
    /// # Errors
    /// When there is an `ummRoot` of another length than 20 bytes.
    pub fn base_hash_for_merged_mining(&self) -> Result<[u8; 32], String> {
        let hash = keccak(&self.merged_mining_preimage());
        match self.umm_root.as_deref() {
            None | Some([]) => Ok(hash),
            Some(umm_root) if umm_root.len() == 20 => Ok(keccak(&[&hash[..20], umm_root].concat())),
            Some(umm_root) => Err(format!("ummRoot of {} bytes", umm_root.len())),
        }
    }

    /// The fork-detection data that the miner wrote in the coinbase; `None` where the height has none.
    ///
    /// # Errors
    /// When it is not to be found.
    pub fn fork_detection_data(&self, params: &NaiveParams) -> Result<Option<[u8; 12]>, String> {
        if !params.has_fork_detection_data(self.number) {
            return Ok(None);
        }
        let base = self.base_hash_for_merged_mining()?;
        let marker = [RSK_TAG, &base[..20]].concat();
        let start = last_position(&self.compressed_coinbase, &marker)
            .ok_or("the coinbase does not have the tag with the beginning of the hash")?;
        let data = self.compressed_coinbase[start + marker.len()..].first_chunk();
        Ok(Some(*data.ok_or("the coinbase ends within the fork-detection data")?))
    }

    /// What a Bitcoin miner commits to.
    ///
    /// # Errors
    /// As [`Self::base_hash_for_merged_mining`] and [`Self::fork_detection_data`].
    pub fn hash_for_merged_mining(&self, params: &NaiveParams) -> Result<[u8; 32], String> {
        let mut hash = self.base_hash_for_merged_mining()?;
        if let Some(data) = self.fork_detection_data(params)? {
            hash[20..].copy_from_slice(&data);
        }
        Ok(hash)
    }

    /// Indexes 0 to 15, and 16 where there is an `ummRoot`.
    fn fields(&self, index_6: &[u8]) -> Vec<Rlp> {
        let mut fields = vec![
            Rlp::of(&self.parent_hash),
            Rlp::of(&self.uncles_hash),
            Rlp::of(&self.coinbase),
            Rlp::of(&self.state_root),
            Rlp::of(&self.transactions_root),
            Rlp::of(&self.receipts_root),
            Rlp::of(index_6),
            self.difficulty_element(),
            unsigned_element(&BigInt::from(self.number)),
            Rlp::of(&self.gas_limit),
            unsigned_element(&BigInt::from(self.gas_used)),
            unsigned_element(&BigInt::from(self.timestamp)),
            Rlp::of(&self.extra_data),
            unsigned_element(&self.paid_fees),
            self.minimum_gas_price.as_ref().map_or(Rlp::of(&[]), signed_element),
            unsigned_element(&BigInt::from(self.uncle_count)),
        ];
        fields.extend(self.umm_root.as_deref().map(Rlp::of));
        fields
    }

    /// A genesis keeps the bytes of its file, every other header writes the number.
    fn difficulty_element(&self) -> Rlp {
        if self.number == 0 { Rlp::of(&self.difficulty_bytes) } else { signed_element(&self.difficulty) }
    }

    fn mining_fields(&self) -> [Rlp; 3] {
        [&self.bitcoin_header, &self.merkle_proof, &self.compressed_coinbase].map(|field| Rlp::of(field))
    }
}

impl NaiveExtension {
    /// `RLP[bloom, base event, edges]`: the base event comes before the edges here.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(&self.logs_bloom)
    }

    /// `RLP[version, RLP(extension)]`, as the extension stands in a body.
    pub fn encode_in_body(&self) -> Vec<u8> {
        Rlp::List(vec![Rlp::of(&[self.version]), Rlp::of(&self.encode())]).encode()
    }

    /// The hash of the extension: of its encoding with the hash of the bloom in place of the bloom.
    pub fn hash(&self) -> [u8; 32] {
        keccak(&self.encode_with(&keccak(&self.logs_bloom)))
    }

    /// What a header of this extension has at index 6.
    pub fn extension_data(&self) -> Vec<u8> {
        Rlp::List(vec![Rlp::of(&[self.version]), Rlp::of(&self.hash())]).encode()
    }

    fn encode_with(&self, bloom: &[u8]) -> Vec<u8> {
        let mut fields = vec![Rlp::of(bloom)];
        fields.extend(self.base_event.as_deref().map(Rlp::of));
        fields.extend(self.edges.as_deref().map(edges_element));
        Rlp::List(fields).encode()
    }
}

/// Zero is the empty string; no leading zeros, no sign.
fn unsigned_element(value: &BigInt) -> Rlp {
    if value.sign() == Sign::NoSign { Rlp::of(&[]) } else { Rlp::Bytes(value.to_bytes_be().1) }
}

/// Zero is one zero byte; the shortest two's complement.
fn signed_element(value: &BigInt) -> Rlp {
    Rlp::Bytes(value.to_signed_bytes_be())
}

/// One string of 16-bit numbers, low byte first.
fn edges_element(edges: &[i16]) -> Rlp {
    Rlp::Bytes(edges.iter().flat_map(|edge| edge.to_le_bytes()).collect())
}
