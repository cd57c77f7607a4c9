//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use rustock_core::consensus::network::Network;

/// A Rootstock (RSK) light client: verify headers, follow a chain, look at what is stored.
#[derive(Debug, Parser)]
#[command(name = "rustock", version, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify a file of block headers, one 0x-hex header a line
    Verify(VerifyOptions),
}

/// `rustock verify`.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// One header a line: 0x and hex, wire or full form; blank lines and lines with # are skipped; - reads the
    /// standard input
    pub file: PathBuf,
    /// mainnet, testnet, regtest or simnet
    #[arg(long, value_name = "NETWORK")]
    pub network: Network,
    /// The headers are not consecutive: check what each can prove alone, and go on after a failure
    #[arg(long)]
    pub standalone: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
