//! Every interval and bound of discovery in one place.

use core::time::Duration;

/// Distances there are, and so buckets.
pub const BUCKETS: usize = 256;
/// Nodes in a bucket, as rskj's `KademliaOptions.BUCKET_SIZE`.
pub const BUCKET_SIZE: usize = 16;
/// Nodes of one subnet in the whole table, so that whoever owns one cannot own the table.
pub const SUBNET_IN_TABLE: usize = 10;
/// Nodes of one subnet in one bucket.
pub const SUBNET_IN_BUCKET: usize = 2;

/// Nodes in an answer, as rskj's `MAX_NODES_PER_MSG`; a larger answer counts as this many less one.
pub const NODES_IN_ANSWER: usize = 20;
/// Nodes asked in a refresh, as rskj's `MAX_NODES_TO_ASK`.
pub const NODES_ASKED: usize = 24;
/// Nodes pinged in a refresh to see if they are still there, as rskj's `MAX_NODES_TO_CHECK`.
pub const NODES_CHECKED: usize = 16;
/// How many of the answer, and of those asked, are chosen at random when there are too many.
pub const RANDOM_NODES: usize = 5;
/// The same for those checked.
pub const RANDOM_NODES_CHECKED: usize = 10;

/// Between two refreshes, as in rskj.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(60);
/// Between two rounds of the boot nodes while nobody has answered.
pub const BOOT_INTERVAL: Duration = Duration::from_secs(10);
/// A find-node that comes before the node has understood our pong is lost, so it waits this long after the pong.
pub const ASK_AFTER_PONG: Duration = Duration::from_millis(100);
/// How long to wait for a ping of a node that has answered ours; nodes that still know us send none.
pub const ASK_WITHOUT_PING: Duration = Duration::from_millis(1500);

/// How long to wait, after the first node is found, for anybody to tell us of others. Doubled each time in vain after
/// the first few: one lost packet keeps a node from pinging us for 15 seconds, so a try may fail by chance.
pub const KEY_PAUSE: Duration = Duration::from_secs(4);
/// Tries before it is doubled.
pub const KEY_TRIES: u32 = 3;
/// How often it is doubled at most.
pub const KEY_PAUSE_DOUBLINGS: u32 = 6;
/// A key this near to a node, or nearer, falls into a bucket of that node that is hardly ever full: one node in 512
/// belongs there. One key in 256 is.
pub const FREE_DISTANCE: u16 = 248;

/// Pings of our own that may be unanswered, to addresses that others told of.
pub const PENDING_HINTS: usize = 128;
/// Pings that may be unanswered to nodes of the table.
pub const PENDING_CHECKS: usize = 64;
/// Pings that may be unanswered to nodes that pinged us; the oldest gives way.
pub const PENDING_ANSWERS: usize = 256;
/// Find-nodes that may be unanswered; the oldest gives way.
pub const PENDING_FIND_NODES: usize = 256;

/// Addresses that may wait for a ping; the oldest gives way.
pub const WAITING_HINTS: usize = 512;
/// How many of them may be in one subnet.
pub const WAITING_IN_SUBNET: usize = 16;
/// Addresses remembered because they were pinged lately.
pub const REMEMBERED_ADDRESSES: usize = 2048;
/// How long an address that was pinged is not pinged again because somebody tells of it.
pub const HINT_AGAIN: Duration = Duration::from_secs(300);
/// Pings to such addresses: how many a second, and how many at once.
pub const HINT_RATE: Rate = Rate { per_second: 40, burst: 64 };

/// Names that may wait for their addresses, or were asked for lately.
pub const REMEMBERED_NAMES: usize = 64;
/// Names asked for because a node told of them.
pub const NAME_RATE: Rate = Rate { per_second: 1, burst: 8 };
/// How long a name is not asked for again.
pub const NAME_AGAIN: Duration = Duration::from_secs(300);
/// Ports of one name, and addresses of it, that are tried.
pub const TRIED_FOR_NAME: usize = 4;
/// The longest name that DNS allows.
pub const NAME_BYTES: usize = 253;
/// Boot nodes that are taken from the configuration.
pub const BOOT_NODES: usize = 64;

/// Sources whose packets are counted one by one.
pub const COUNTED_SOURCES: usize = 1024;
/// Packets of one source that are looked at.
pub const SOURCE_RATE: Rate = Rate { per_second: 8, burst: 32 };
/// Packets of all sources we know nothing of. Recovering a signer takes about a tenth of a millisecond.
pub const STRANGER_RATE: Rate = Rate { per_second: 200, burst: 400 };
/// Packets of all nodes in the table and of all addresses we wait for.
pub const KNOWN_RATE: Rate = Rate { per_second: 500, burst: 1000 };
/// Actions that may wait to be taken.
pub const WAITING_ACTIONS: usize = 1024;

/// So many a second in the long run, so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// When a request is sent again, and when it is given up: seconds and milliseconds after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The sendings after the first.
    pub again: &'static [Duration],
    /// No answer is taken from here on.
    pub expiry: Duration,
}

/// Somebody told of the address, or it is a boot node's. Quick, since a newcomer waits for it.
pub const HINT_SCHEDULE: Schedule =
    Schedule { again: &[Duration::from_secs(2), Duration::from_secs(6)], expiry: Duration::from_secs(15) };
/// A node of the table. As slow as rskj, so that a short break of the network loses nobody.
pub const CHECK_SCHEDULE: Schedule =
    Schedule { again: &[Duration::from_secs(15), Duration::from_secs(30)], expiry: Duration::from_secs(45) };
/// A node that pinged us: once more at most, as whoever is at that address may never have pinged.
pub const ANSWER_SCHEDULE: Schedule =
    Schedule { again: &[Duration::from_secs(4)], expiry: Duration::from_secs(15) };
/// A find-node.
pub const FIND_NODE_SCHEDULE: Schedule = Schedule {
    again: &[Duration::from_millis(900), Duration::from_secs(3)],
    expiry: Duration::from_secs(15),
};
