//! `rustock header`: one stored header, by height or by hash.

use core::fmt;

use rustock_core::{
    primitives::{header::Header, number::BlockNumber},
    store::{HashLookup, StoreView},
};
use serde::Serialize;

use crate::{
    arguments::{BlockName, HeaderOptions},
    exit::{Exit, Failure},
    output,
    stored::Stored,
};

/// Prints the header.
pub fn run(options: &HeaderOptions) -> Result<Exit, Failure> {
    let stored = Stored::open(&options.data_dir)?;
    let number = match options.block {
        BlockName::Number(number) => number,
        BlockName::Hash(hash) => {
            match stored.store.find(&hash).map_err(|error| Failure::new(error.to_string()))? {
                HashLookup::Canonical(number) => number,
                HashLookup::Abandoned(number) => {
                    let sentence = format!("{hash} at height {number} was abandoned by a reorganisation");
                    return Err(Failure::new(sentence));
                }
                HashLookup::NotIndexed => {
                    let sentence = format!(
                        "{hash} is not among the newest blocks, and only those are found by hash: ask by height"
                    );
                    return Err(Failure::new(sentence));
                }
                _ => return Err(Failure::new(format!("{hash} is not in the store"))),
            }
        }
    };
    let Some(header) = stored.header(number)? else {
        return Err(Failure::new(not_stored(&stored, number)?));
    };
    let shown = Shown::from(&header);
    if options.json {
        output::json_line(&shown)?
    } else {
        output::line(&shown.to_string())?
    }
    Ok(Exit::Success)
}

fn not_stored(stored: &Stored, number: BlockNumber) -> Result<String, Failure> {
    let head = stored.store.head().map_err(|error| Failure::new(error.to_string()))?;
    let base = stored.identity.base.number;
    Ok(format!("height {number} is not in the store, which goes from {base} to {}", head.number))
}

/// A header, for programs and for people. Numbers of more than 64 bits are texts.
#[derive(Debug, Serialize)]
struct Shown {
    number: u64,
    hash: String,
    parent_hash: String,
    timestamp: u64,
    difficulty: String,
    gas_limit: String,
    gas_used: u64,
    minimum_gas_price: Option<String>,
    paid_fees: String,
    uncle_count: u32,
    coinbase: Option<String>,
    state_root: String,
    transactions_root: String,
    receipts_root: String,
    uncles_hash: String,
    extra_data: String,
    raw: String,
}

impl From<&Header> for Shown {
    fn from(header: &Header) -> Self {
        Self {
            number: header.number().get(),
            hash: header.hash().to_string(),
            parent_hash: header.parent_hash().to_string(),
            timestamp: header.timestamp().as_secs(),
            difficulty: header.difficulty().to_string(),
            gas_limit: header.gas_limit().to_string(),
            gas_used: header.gas_used(),
            minimum_gas_price: header.minimum_gas_price().map(|price| price.to_string()),
            paid_fees: header.paid_fees().to_string(),
            uncle_count: header.uncle_count(),
            coinbase: header.coinbase().map(|address| address.to_string()),
            state_root: header.state_root().to_string(),
            transactions_root: header.transactions_root().to_string(),
            receipts_root: header.receipts_root().to_string(),
            uncles_hash: header.uncles_hash().to_string(),
            extra_data: format!("0x{}", hex::encode(header.extra_data())),
            raw: format!("0x{}", hex::encode(header.raw())),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = "none";
        writeln!(f, "number             {}", self.number)?;
        writeln!(f, "hash               {}", self.hash)?;
        writeln!(f, "parent hash        {}", self.parent_hash)?;
        writeln!(f, "timestamp          {} ({})", self.timestamp, output::utc(self.timestamp))?;
        writeln!(f, "difficulty         {}", self.difficulty)?;
        writeln!(f, "gas limit          {}", self.gas_limit)?;
        writeln!(f, "gas used           {}", self.gas_used)?;
        writeln!(f, "minimum gas price  {}", self.minimum_gas_price.as_deref().unwrap_or(none))?;
        writeln!(f, "paid fees          {}", self.paid_fees)?;
        writeln!(f, "uncle count        {}", self.uncle_count)?;
        writeln!(f, "coinbase           {}", self.coinbase.as_deref().unwrap_or(none))?;
        writeln!(f, "state root         {}", self.state_root)?;
        writeln!(f, "transactions root  {}", self.transactions_root)?;
        writeln!(f, "receipts root      {}", self.receipts_root)?;
        writeln!(f, "uncles hash        {}", self.uncles_hash)?;
        writeln!(f, "extra data         {}", self.extra_data)?;
        write!(f, "size               {} bytes", self.raw.len() / 2 - 1)
    }
}
