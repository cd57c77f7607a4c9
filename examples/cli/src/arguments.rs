//! The command line, as clap reads it.

use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use std::{path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand, ValueEnum};
use rustock_core::{
    Network,
    primitives::{hash::BlockHash, number::BlockNumber, peer::BanSubject},
    proto::discovery::BootNode,
    wire::rlpx::enode::Enode,
};

use crate::sync::PATIENCE;

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
    /// Follow the chain of one peer or more into a data directory
    Sync(SyncOptions),
    /// Show a stored header
    Header(HeaderOptions),
    /// Show what a data directory holds
    Status(StatusOptions),
    /// Show the peers and bans that a data directory remembers
    Peers(PeersOptions),
    /// Ban a node or an address in a data directory
    Ban(BanOptions),
    /// Lift a ban in a data directory
    Unban(UnbanOptions),
    /// Look for what keeps a client from its peers
    #[command(subcommand)]
    Doctor(DoctorCommand),
    /// Serve headers as an rskj node would: a peer for tests and offline work
    Serve(ServeOptions),
    /// Show what works: real headers over real sockets, a sync that is resumed, a reorganisation
    Demo,
}

/// `rustock verify`.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// One header a line: 0x and hex, wire or full form; blank lines and lines with # are skipped; - reads the
    /// standard input
    pub file: PathBuf,
    /// mainnet, testnet, regtest or simnet; or the path of a parameters file
    #[arg(long, value_name = "NETWORK|FILE")]
    pub network: NetworkChoice,
    /// The headers are not consecutive: check what each can prove alone, and go on after a failure
    #[arg(long)]
    pub standalone: bool,
    /// Take the first header as context only: nothing of it is checked but its form
    #[arg(long, conflicts_with = "standalone")]
    pub trust_first: bool,
    /// The time of day, in seconds since 1970; the machine's clock otherwise
    #[arg(long, value_name = "SECONDS")]
    pub now: Option<u64>,
    /// Bodies to check with the headers, one a line: the block's hash and the body in hex
    #[arg(long, value_name = "FILE")]
    pub bodies: Option<PathBuf>,
    /// Print what became of each header, one a line, before the report
    #[arg(long)]
    pub each: bool,
    /// Print JSON: the report is one object, and with --each every header is one more
    #[arg(long)]
    pub json: bool,
}

/// `rustock sync`.
#[derive(Debug, Args)]
pub struct SyncOptions {
    /// mainnet, testnet, regtest or simnet
    #[arg(long, value_name = "NETWORK")]
    pub network: Network,
    /// A peer, as enode://<node id>@<host>:<port>; may be given several times. Without one, peers are looked for
    #[arg(long = "peer", value_name = "ENODE")]
    pub peers: Vec<String>,
    /// Where to start looking for peers, instead of at the network's boot nodes; may be given several times
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "peers")]
    pub boot: Vec<BootNode>,
    /// Where the chain is kept; made if need be
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: PathBuf,
    /// Start a new chain from the block in this checkpoint file instead of the bundled one
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Ask as fast as it goes; only for peers you own, any other stops answering
    #[arg(long)]
    pub unpaced: bool,
    /// End once level with a peer
    #[arg(long)]
    pub until_synced: bool,
    /// With --until-synced: end with 4 after this long without progress
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = Seconds(PATIENCE))]
    pub patience: Seconds,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `rustock header`.
#[derive(Debug, Args)]
pub struct HeaderOptions {
    /// A height, or a block hash as 0x and 64 digits
    #[arg(value_name = "NUMBER|HASH")]
    pub block: BlockName,
    /// Where the chain is kept
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `rustock status`.
#[derive(Debug, Args)]
pub struct StatusOptions {
    /// Where the chain is kept
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: PathBuf,
    /// Walk the whole store: every checksum, link and index entry
    #[arg(long)]
    pub check: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `rustock peers`.
#[derive(Debug, Args)]
pub struct PeersOptions {
    /// Where the client keeps what it remembers; it must not be running
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `rustock ban`.
#[derive(Debug, Args)]
pub struct BanOptions {
    /// A node by its id or enode; or an IPv4 address, or an IPv6 address, which stands for its /64
    #[arg(value_name = "SUBJECT")]
    pub subject: Subject,
    /// How long: a number with s, m, h or d behind it; for ever otherwise
    #[arg(long = "for", value_name = "DURATION", value_parser = ban_duration)]
    pub duration: Option<Duration>,
    /// Where the client keeps what it remembers; it must not be running
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: PathBuf,
}

/// `rustock unban`.
#[derive(Debug, Args)]
pub struct UnbanOptions {
    /// A node by its id or enode; or an IPv4 address, or an IPv6 address, which stands for its /64
    #[arg(value_name = "SUBJECT")]
    pub subject: Subject,
    /// Where the client keeps what it remembers; it must not be running
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: PathBuf,
}

/// The examinations.
#[derive(Debug, Subcommand)]
pub enum DoctorCommand {
    /// Look up the boot nodes, find nodes by UDP and dial a few. Not tested against the public networks so far
    Peers(DoctorPeersOptions),
}

/// `rustock doctor peers`.
#[derive(Debug, Args)]
pub struct DoctorPeersOptions {
    /// mainnet, testnet, regtest or simnet
    #[arg(long, value_name = "NETWORK", default_value = "mainnet")]
    pub network: Network,
    /// Start here instead of at the network's boot nodes; may be given several times
    #[arg(long, value_name = "HOST:PORT")]
    pub boot: Vec<BootNode>,
    /// The longest that looking for nodes may take, and dialling them after that
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = Seconds(Duration::from_secs(20)))]
    pub patience: Seconds,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `rustock serve`.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Consecutive headers, one 0x-hex header a line; the served chain begins at the first
    #[arg(required_unless_present = "generate", conflicts_with = "generate")]
    pub file: Option<PathBuf>,
    /// Serve a chain of this many generated blocks above genesis; needs --network simnet
    #[arg(long, value_name = "BLOCKS")]
    pub generate: Option<u64>,
    /// The seed of the generated chain
    #[arg(long, value_name = "SEED", default_value_t = 0, requires = "generate")]
    pub seed: u64,
    /// mainnet, testnet, regtest or simnet
    #[arg(long, value_name = "NETWORK")]
    pub network: Network,
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// rskj: 1,001 messages per wall-clock minute, then silence; one reply per 10 ms. none: as fast as it goes
    #[arg(long, value_name = "PACE", default_value = "rskj")]
    pub pace: PaceName,
    /// Show the chain up to this height at first, then one block more every --every milliseconds
    #[arg(long, value_name = "HEIGHT", requires = "every")]
    pub reveal_from: Option<u64>,
    /// Milliseconds between two blocks
    #[arg(long, value_name = "MILLISECONDS", requires = "reveal_from", value_parser = clap::value_parser!(u64).range(1..))]
    pub every: Option<u64>,
    /// Switch to the branch in FILE when the chain would grow above HEIGHT; without FILE, with --generate, to a
    /// generated one that leaves two blocks below HEIGHT
    #[arg(long, value_name = "FILE@HEIGHT", requires = "reveal_from")]
    pub fork: Option<ForkChoice>,
    /// Take no part in discovery. Otherwise the peer answers by UDP at the port of its connections
    #[arg(long)]
    pub no_udp: bool,
    /// A node of the network to join, by UDP; may be given several times
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "no_udp")]
    pub boot: Vec<BootNode>,
    /// Do wrong: silent says nothing at all, lying breaks the proof in each answer, flooding announces without end
    #[arg(long, value_name = "HOW")]
    pub misbehave: Option<MisbehaviourName>,
    /// Print the enode as a JSON object
    #[arg(long)]
    pub json: bool,
}

/// A network by name or by parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkChoice {
    /// One that is known by name.
    Known(Network),
    /// One whose parameters stand in a file.
    File(PathBuf),
}

impl FromStr for NetworkChoice {
    type Err = String;

    /// A text that names no network is a path when it looks like one, or when there is such a file.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = match text.parse() {
            Ok(network) => return Ok(Self::Known(network)),
            Err(unknown) => unknown,
        };
        let path = PathBuf::from(text);
        let is_path = text.contains(['/', '.', std::path::MAIN_SEPARATOR]) || path.exists();
        if is_path {
            Ok(Self::File(path))
        } else {
            Err(format!("{unknown}, or the path of a parameters file"))
        }
    }
}

/// A block by height or by hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockName {
    /// By height.
    Number(BlockNumber),
    /// By hash.
    Hash(BlockHash),
}

impl FromStr for BlockName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("0x") {
            return text.parse().map(Self::Hash).map_err(|_| "a block hash is 0x and 64 hex digits");
        }
        match text.parse() {
            Ok(number) => Ok(Self::Number(BlockNumber::new(number))),
            Err(_) => Err("neither a height nor a block hash that starts with 0x"),
        }
    }
}

/// A node or an address, for a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject(pub BanSubject);

impl FromStr for Subject {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(enode) = text.parse::<Enode>() {
            return Ok(Self(BanSubject::Node(enode.node_id())));
        }
        if let Ok(node) = text.parse() {
            return Ok(Self(BanSubject::Node(node)));
        }
        let (address, is_prefix) = match text.strip_suffix("/64") {
            Some(address) => (address, true),
            None => (text, false),
        };
        match address.parse::<IpAddr>() {
            Ok(ip) if ip.is_ipv6() || !is_prefix => Ok(Self(BanSubject::of_ip(ip))),
            _ => Err("a node id of 128 hex digits, an enode, an IPv4 or an IPv6 address is expected"),
        }
    }
}

/// What a served peer does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MisbehaviourName {
    /// It accepts connections and says nothing.
    Silent,
    /// Its headers have broken proofs.
    Lying,
    /// It announces blocks without end.
    Flooding,
}

/// Whose pace to serve at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PaceName {
    /// A running rskj's.
    Rskj,
    /// As fast as it goes.
    None,
}

/// The branch to switch to, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkChoice {
    /// The branch's headers; generated when there is no file.
    pub file: Option<PathBuf>,
    /// The height above which the branch takes over.
    pub height: BlockNumber,
}

impl FromStr for ForkChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (file, height) = text.rsplit_once('@').ok_or("FILE@HEIGHT is expected")?;
        let height = height.parse().map_err(|_| "a height is expected after the @")?;
        let file = (!file.is_empty()).then(|| PathBuf::from(file));
        Ok(Self { file, height: BlockNumber::new(height) })
    }
}

/// A duration in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl core::fmt::Display for Seconds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.as_secs().fmt(f)
    }
}

/// `90s`, `15m`, `2h`, `7d`.
fn ban_duration(text: &str) -> Result<Duration, &'static str> {
    const WANTED: &str = "a whole number, 1 or more, with s, m, h or d behind it";
    let unit = match text.as_bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3_600,
        Some(b'd') => 86_400,
        _ => return Err(WANTED),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| WANTED)?;
    let seconds = number.checked_mul(unit).filter(|seconds| *seconds > 0).ok_or(WANTED)?;
    Ok(Duration::from_secs(seconds))
}

fn seconds(text: &str) -> Result<Seconds, &'static str> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number of seconds, 1 or more"),
        Ok(seconds) => Ok(Seconds(Duration::from_secs(seconds))),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_block_is_named_by_height_or_by_whole_hash() {
        assert_eq!("17".parse(), Ok(BlockName::Number(BlockNumber::new(17))));
        let hash = BlockHash::new([0xab; 32]);
        assert_eq!(hash.to_string().parse(), Ok(BlockName::Hash(hash)));
        for text in ["", "-1", "0x12", "abc", "0x"] {
            assert!(text.parse::<BlockName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_is_a_name_or_what_looks_like_a_path() {
        assert_eq!("mainnet".parse(), Ok(NetworkChoice::Known(Network::Mainnet)));
        for path in ["./mainnet", "mine.json", "a/b"] {
            assert_eq!(path.parse(), Ok(NetworkChoice::File(path.into())));
        }
        let unknown: Result<NetworkChoice, String> = "mainnett".parse();
        assert_eq!(
            unknown.unwrap_err(),
            "unknown network \"mainnett\": use mainnet, testnet, regtest or simnet, or the path of a parameters file"
        );
    }

    #[test]
    fn a_ban_is_for_a_node_or_an_address_and_for_a_number_of_some_unit() {
        let id = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
                  483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
        let node: Subject = id.parse().unwrap();
        for text in [format!("0x{id}"), format!("enode://{id}@192.0.2.1:5050")] {
            assert_eq!(text.parse(), Ok(node));
        }
        for (text, shown) in
            [("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "2001:db8::/64"), ("2001:db8::/64", "2001:db8::/64")]
        {
            assert_eq!(text.parse::<Subject>().unwrap().0.to_string(), shown);
        }
        for text in ["", "192.0.2.7/64", "192.0.2", "0x12", "localhost", "enode://12@192.0.2.1:5050"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
        for (text, seconds) in [("1s", 1), ("15m", 900), ("2h", 7_200), ("7d", 604_800)] {
            assert_eq!(ban_duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "s", "0s", "5", "-1s", "1.5h", "1w", "99999999999999999d", "é"] {
            assert!(ban_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_height_of_a_fork_follows_the_last_at_sign() {
        let fork: ForkChoice = "a@b.txt@12".parse().unwrap();
        assert_eq!(fork, ForkChoice { file: Some("a@b.txt".into()), height: BlockNumber::new(12) });
        assert_eq!("@7".parse::<ForkChoice>().unwrap().file, None);
        for text in ["b.txt", "b.txt@", "b.txt@x"] {
            assert!(text.parse::<ForkChoice>().is_err(), "{text}");
        }
    }
}
