//! How a simulated peer departs from what a full node does.

use rustock_core::{
    primitives::{
        hash::{BlockHash, keccak256},
        number::BlockNumber,
    },
    wire::rsk::{
        BlockHashResponse, BlockHeadersResponse, BlockIdentifier, NewBlockHashes, RawList, RequestId,
        RskMessage, SkeletonResponse,
    },
};

use super::served::Served;
use crate::{chainkit::Random, peer::body_response};

/// What a peer does. Which blocks it has is another matter: a peer with a spoiled chain or another network's
/// behaves honestly with what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers as a full node does.
    Honest,
    /// Sends its status and answers nothing.
    Silent,
    /// Claims and announces blocks that it does not have, this many above its own.
    LyingHeight(u64),
    /// Closes the connection instead of giving its n-th answer with headers.
    DisconnectsAtAnswer(u32),
    /// Sends announcements and answers nobody asked for, many to each honest message.
    Flooding,
    /// Leaves out the last header of every answer that has more than one.
    ShortAnswers,
    /// Repeats the last header of every answer.
    LongAnswers,
    /// Leaves out the first header of every answer that has more than one.
    WrongFirstHeader,
    /// Swaps two headers in every answer that has more than two.
    BrokenOrder,
    /// Answers with lists that are not headers.
    NotHeaders,
    /// Its headers have a field more than any layout known.
    AnotherLayout,
    /// Its skeletons name other blocks than it shared a moment before.
    ContradictorySkeleton,
    /// Its skeletons have wrong heights.
    CrookedSkeleton,
    /// Its skeletons are empty.
    EmptySkeleton,
    /// Gives the right id with the wrong kind of answer.
    WrongKind,
    /// Asks for headers and bodies with ids that are ours, between honest answers.
    Asking,
}

impl Behaviour {
    /// What it answers to `request`, if anything. Several messages arrive in this order.
    pub fn answer(self, served: &Served, request: &RskMessage, random: &mut Random) -> Vec<RskMessage> {
        let honest = honest_answer(served, request);
        let spoiled = match (self, honest) {
            (Self::Silent, _) | (_, None) => None,
            (_, Some(answer)) => Some(self.spoil(answer)),
        };
        let mut messages = Vec::new();
        match self {
            Self::Flooding => {
                messages.extend((0..random.between(1, 20)).map(|_| unasked(random)));
                messages.extend(spoiled);
                messages.extend((0..random.between(1, 20)).map(|_| unasked(random)));
            }
            Self::Asking => {
                messages.extend(request.request_id().map(question));
                messages.extend(spoiled);
            }
            _ => messages.extend(spoiled),
        }
        messages
    }

    fn spoil(self, answer: RskMessage) -> RskMessage {
        match answer {
            RskMessage::BlockHeadersResponse(mut answer) => {
                self.spoil_headers(&mut answer.headers);
                if self == Self::WrongKind {
                    return RskMessage::BlockHashResponse(BlockHashResponse {
                        id: answer.id,
                        hash: BlockHash::ZERO,
                    });
                }
                RskMessage::BlockHeadersResponse(answer)
            }
            RskMessage::SkeletonResponse(mut answer) => {
                self.spoil_skeleton(&mut answer.identifiers);
                RskMessage::SkeletonResponse(answer)
            }
            answer => answer,
        }
    }

    fn spoil_headers(self, headers: &mut Vec<RawList>) {
        let count = headers.len();
        match self {
            Self::ShortAnswers if count > 1 => headers.truncate(count - 1),
            Self::LongAnswers => headers.extend_from_within(count - 1..),
            Self::WrongFirstHeader if count > 1 => {
                // As many as asked for, so that it is not the count that gives it away.
                headers.remove(0);
                headers.extend_from_within(count - 2..);
            }
            Self::BrokenOrder if count > 2 => headers.swap(1, 2),
            Self::NotHeaders => headers.fill(RawList::empty()),
            Self::AnotherLayout => headers.iter_mut().for_each(add_field),
            _ => {}
        }
    }

    fn spoil_skeleton(self, entries: &mut Vec<BlockIdentifier>) {
        match self {
            Self::ContradictorySkeleton => {
                for entry in entries {
                    entry.hash = invented(entry.number.get());
                }
            }
            Self::CrookedSkeleton => {
                for entry in entries {
                    entry.number = entry.number.saturating_add(7);
                }
            }
            Self::EmptySkeleton => entries.clear(),
            _ => {}
        }
    }
}

/// Puts an empty field behind the last one.
fn add_field(header: &mut RawList) {
    // Any header has more than 255 bytes and less than 65,536, so its size takes two.
    let fields = &header.as_bytes()[3..];
    let [.., high, low] = (fields.len() + 1).to_be_bytes();
    *header = RawList::new([&[0xf9, high, low], fields, &[0x80]].concat()).expect("a list");
}

/// What a full node with these blocks answers.
fn honest_answer(served: &Served, request: &RskMessage) -> Option<RskMessage> {
    Some(match request {
        RskMessage::BlockHeadersRequest(request) => RskMessage::BlockHeadersResponse(BlockHeadersResponse {
            id: request.id,
            headers: served.headers(&request.hash, request.count)?,
        }),
        RskMessage::BlockHashRequest(request) => RskMessage::BlockHashResponse(BlockHashResponse {
            id: request.id,
            hash: served.hash_at(request.height)?,
        }),
        RskMessage::SkeletonRequest(request) => RskMessage::SkeletonResponse(SkeletonResponse {
            id: request.id,
            identifiers: served.skeleton(request.start)?,
        }),
        RskMessage::BodyRequest(request) => {
            RskMessage::BodyResponse(body_response(request.id, served.body(&request.hash)?))
        }
        _ => return None,
    })
}

/// A hash that is nobody's, always the same for a number.
pub fn invented(number: u64) -> BlockHash {
    BlockHash::new(keccak256(&[b"nobody", &number.to_be_bytes()]))
}

/// An announcement of one block.
pub fn announcement(block: BlockIdentifier) -> RskMessage {
    RskMessage::NewBlockHashes(NewBlockHashes { identifiers: vec![block], ignored: 0 })
}

/// A request of the peer's own, whose id happens to be that of one of ours.
fn question(id: RequestId) -> RskMessage {
    use rustock_core::wire::rsk::BlockHeadersRequest;
    RskMessage::BlockHeadersRequest(BlockHeadersRequest { id, hash: invented(id.get()), count: 1 })
}

/// Something nobody asked for.
fn unasked(random: &mut Random) -> RskMessage {
    let id = RequestId::new(random.between(0, 1 << 40)).expect("small enough for an id");
    let number = random.between(0, 2_000);
    match random.between(0, 3) {
        0 => RskMessage::BlockHeadersResponse(BlockHeadersResponse { id, headers: vec![RawList::empty()] }),
        1 => RskMessage::SkeletonResponse(SkeletonResponse { id, identifiers: Vec::new() }),
        2 => RskMessage::BlockHashResponse(BlockHashResponse { id, hash: invented(number) }),
        _ => {
            let identifiers = (0..random.between(1, 200))
                .map(|above| number + above)
                .map(|number| BlockIdentifier { hash: invented(number), number: BlockNumber::new(number) })
                .collect();
            RskMessage::NewBlockHashes(NewBlockHashes { identifiers, ignored: 0 })
        }
    }
}
