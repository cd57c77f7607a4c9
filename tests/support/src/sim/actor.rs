//! One simulated peer: its blocks over time, its behaviour, its link, its connection.

use core::time::Duration;

use rustock_core::proto::{
    sync::{PeerFault, PeerId},
    time::Timestamp,
};

use super::{
    behaviour::Behaviour,
    served::{MainChain, Served},
};
use crate::chainkit::Random;

/// How messages travel, in each direction. Their order is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The shortest and the longest delay.
    pub latency: (Duration, Duration),
    /// Requests out of a thousand that are dropped without a word, as a full node with too much to do does.
    pub loss_per_mille: u64,
}

impl Link {
    /// A link of this much delay, give or take half, that loses nothing.
    pub fn of(latency: Duration) -> Self {
        Self { latency: (latency / 2, latency * 3 / 2), loss_per_mille: 0 }
    }

    pub(super) fn draw_latency(&self, random: &mut Random) -> Duration {
        let (least, most) = self.latency;
        Duration::from_micros(random.between(least.as_micros() as u64, most.as_micros() as u64))
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::of(Duration::from_millis(60))
    }
}

/// What changes at a peer, and when.
#[derive(Debug, Clone)]
pub enum Change {
    /// Another main chain: growth or a reorganisation. It is announced.
    MainChain(MainChain),
    /// Blocks are served by hash from this height on.
    Lowest(u64),
    /// It behaves in another way.
    Behaviour(Behaviour),
    /// The connection breaks.
    Drop,
}

/// The script of a peer.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its blocks at first.
    pub served: Served,
    /// What it does.
    pub behaviour: Behaviour,
    /// How it is reached.
    pub link: Link,
    /// When it connects first.
    pub connects_at: Timestamp,
    /// How long after the end of a connection it comes back; `None` is never.
    pub comes_back_after: Option<Duration>,
    /// How often it repeats its status.
    pub status_interval: Duration,
    /// What changes over time.
    pub changes: Vec<(Timestamp, Change)>,
}

impl Script {
    /// An honest peer that is there from the start, with these blocks.
    pub fn honest(main: MainChain) -> Self {
        Self {
            served: Served::new(main),
            behaviour: Behaviour::Honest,
            link: Link::default(),
            connects_at: Timestamp::ZERO,
            comes_back_after: Some(Duration::from_secs(15)),
            status_interval: Duration::from_secs(47),
            changes: Vec::new(),
        }
    }

    /// A peer that behaves in this way.
    pub fn behaving(main: MainChain, behaviour: Behaviour) -> Self {
        Self { behaviour, ..Self::honest(main) }
    }

    /// Something changes at a time.
    pub fn then(mut self, at: Timestamp, change: Change) -> Self {
        self.changes.push((at, change));
        self
    }

    /// Reached over this link.
    pub fn over(mut self, link: Link) -> Self {
        self.link = link;
        self
    }

    /// It connects at this time.
    pub fn connecting_at(mut self, at: Timestamp) -> Self {
        self.connects_at = at;
        self
    }

    /// Nothing below this height is served by hash.
    pub fn serving_from(mut self, lowest: u64) -> Self {
        self.served.lowest = lowest;
        self
    }

    /// It does not come back.
    pub fn once(mut self) -> Self {
        self.comes_back_after = None;
        self
    }
}

/// Which peer of a simulation, in the order they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor(pub usize);

/// A peer as it runs.
#[derive(Debug)]
pub(super) struct ActorState {
    pub script: Script,
    pub connection: Option<PeerId>,
    /// When the last message in each direction arrives: to the peer, to the client.
    pub last_arrival: (Timestamp, Timestamp),
    pub answers_with_headers: u32,
    pub faults: Vec<(Timestamp, PeerFault)>,
    /// What it has counts when the best chain is looked for.
    pub is_trusted: bool,
}

impl ActorState {
    pub fn new(script: Script) -> Self {
        let is_trusted = matches!(script.behaviour, Behaviour::Honest | Behaviour::Asking);
        Self {
            script,
            is_trusted,
            connection: None,
            last_arrival: (Timestamp::ZERO, Timestamp::ZERO),
            answers_with_headers: 0,
            faults: Vec::new(),
        }
    }
}
