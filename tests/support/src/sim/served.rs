//! What a simulated peer has, and what a full node with those blocks answers: by hash it serves every block it
//! ever had, by height its main chain, and to everything else it is silent.

use std::{collections::HashMap, sync::Arc};

use rustock_core::{
    primitives::{
        block::Body,
        hash::BlockHash,
        header::Header,
        number::{BlockNumber, CumulativeDifficulty},
    },
    wire::rsk::{BlockIdentifier, RawList, Status},
};

use crate::chainkit::Chain;

/// Headers in one answer, and blocks between two entries of a skeleton.
const STEP: u64 = 192;
/// Steps that one skeleton spans at most.
const SKELETON_STEPS: u64 = 20;

/// The main chain of a peer at some time: a chain up to a height.
#[derive(Debug, Clone)]
pub struct MainChain {
    /// The chain.
    pub chain: Arc<Chain>,
    /// How much of it.
    pub height: u64,
}

impl MainChain {
    /// A whole chain.
    pub fn whole(chain: &Arc<Chain>) -> Self {
        Self::up_to(chain, chain.height())
    }

    /// A chain up to a height.
    ///
    /// # Panics
    /// When the chain does not reach up to it.
    pub fn up_to(chain: &Arc<Chain>, height: u64) -> Self {
        assert!(height <= chain.height(), "the chain ends at {}", chain.height());
        Self { chain: Arc::clone(chain), height }
    }

    /// The header at a height.
    pub fn header(&self, number: u64) -> Option<&Header> {
        self.chain.header(number).filter(|_| number <= self.height)
    }

    /// The highest header.
    pub fn best(&self) -> &Header {
        self.chain.header(self.height).expect("the chain reaches up to the height")
    }

    /// Sum of the header difficulties.
    pub fn weight(&self) -> CumulativeDifficulty {
        self.chain.header_difficulty_sum(self.height)
    }
}

/// The blocks of one peer.
#[derive(Debug, Clone)]
pub struct Served {
    main: MainChain,
    stored: HashMap<BlockHash, Header>,
    bodies: HashMap<BlockHash, Arc<Body>>,
    /// Nothing below this height is served by hash.
    pub lowest: u64,
}

impl Served {
    /// The blocks of a chain.
    pub fn new(main: MainChain) -> Self {
        let mut served =
            Self { main: main.clone(), stored: HashMap::new(), bodies: HashMap::new(), lowest: 0 };
        served.adopt(main);
        served
    }

    /// Another main chain. The blocks of the old one stay stored.
    pub fn adopt(&mut self, main: MainChain) {
        for header in main.chain.headers()[..=main.height as usize].iter().rev() {
            if self.stored.insert(header.hash(), header.clone()).is_some() {
                break;
            }
            if let Some(body) = main.chain.body(header.number().get()) {
                self.bodies.insert(header.hash(), Arc::clone(body));
            }
        }
        self.main = main;
    }

    /// The main chain.
    pub fn main(&self) -> &MainChain {
        &self.main
    }

    /// The best block.
    pub fn best(&self) -> BlockIdentifier {
        let best = self.main.best();
        BlockIdentifier { hash: best.hash(), number: best.number() }
    }

    /// What the peer says of itself.
    pub fn status(&self) -> Status {
        let best = self.main.best();
        Status {
            number: best.number(),
            best_hash: best.hash(),
            parent_hash: best.parent_hash(),
            total_difficulty: self.main.weight(),
        }
    }

    /// The main chain's block at a height; height 0 is not answered.
    pub fn hash_at(&self, height: BlockNumber) -> Option<BlockHash> {
        (height != BlockNumber::GENESIS).then(|| self.main.header(height.get()).map(Header::hash)).flatten()
    }

    /// Headers down from `hash`: `count` of them, 0 standing for 1, or as many as are stored.
    pub fn headers(&self, hash: &BlockHash, count: u32) -> Option<Vec<RawList>> {
        if u64::from(count) > STEP {
            return None;
        }
        let mut headers = Vec::new();
        let mut next = *hash;
        while headers.len() < count.max(1) as usize {
            let Some(header) = self.stored.get(&next).filter(|header| header.number().get() >= self.lowest)
            else {
                break;
            };
            headers.push(RawList::new(header.raw().to_vec()).expect("a header is a list"));
            next = header.parent_hash();
        }
        (!headers.is_empty()).then_some(headers)
    }

    /// The body of a stored block, if the chain it came with had bodies.
    pub fn body(&self, hash: &BlockHash) -> Option<&Body> {
        self.stored.get(hash).filter(|header| header.number().get() >= self.lowest)?;
        self.bodies.get(hash).map(Arc::as_ref)
    }

    /// Every 192nd block from `start` on.
    pub fn skeleton(&self, start: BlockNumber) -> Option<Vec<BlockIdentifier>> {
        self.main.header(start.get())?;
        let first = start.get() / STEP * STEP;
        let stop = self.main.height.min(first + STEP * SKELETON_STEPS);
        let mut heights: Vec<u64> = (first..stop).step_by(STEP as usize).collect();
        heights.push(self.main.height.min(first + heights.len() as u64 * STEP));
        let identifier = |height: u64| {
            let header = self.main.header(height)?;
            Some(BlockIdentifier { hash: header.hash(), number: header.number() })
        };
        heights.into_iter().map(identifier).collect()
    }
}
