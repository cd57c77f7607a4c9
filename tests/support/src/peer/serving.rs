//! What rskj answers to a request, and what it meets with silence: it never gives a negative answer.
//!
//! Mirrors rskj's `NodeBlockProcessor`, read at 9.1.0, for a node whose store begins at the served chain's first
//! block and holds bodies only where it was given them.

use rustock_core::{
    primitives::{block::Body, header::Header, number::BlockNumber},
    wire::rsk::{
        BlockHashRequest, BlockHashResponse, BlockHeadersRequest, BlockHeadersResponse, BlockIdentifier,
        BodyResponse, MAX_HEADERS, RawList, RequestId, RskMessage, SkeletonRequest, SkeletonResponse,
    },
};

use super::served_chain::ServedChain;

/// Blocks between two entries of a skeleton.
const SKELETON_STEP: u64 = 192;
/// Steps of a skeleton; there is one entry more.
const SKELETON_STEPS: u64 = 20;

/// The answer to a message; `None` is silence.
pub fn answer(chain: &ServedChain, message: &RskMessage) -> Option<RskMessage> {
    match message {
        RskMessage::BlockHeadersRequest(request) => {
            headers(chain, request).map(RskMessage::BlockHeadersResponse)
        }
        RskMessage::BlockHashRequest(request) => {
            block_hash(chain, request).map(RskMessage::BlockHashResponse)
        }
        RskMessage::SkeletonRequest(request) => skeleton(chain, request).map(RskMessage::SkeletonResponse),
        RskMessage::BodyRequest(request) => {
            chain.body(&request.hash).map(|body| RskMessage::BodyResponse(body_response(request.id, body)))
        }
        _ => None,
    }
}

/// The requested header first, then its ancestors for as long as there are any. Nothing at all for too many.
fn headers(chain: &ServedChain, request: &BlockHeadersRequest) -> Option<BlockHeadersResponse> {
    let count = request.count as usize;
    if count > MAX_HEADERS {
        return None;
    }
    let mut headers = Vec::with_capacity(count.max(1));
    let mut next = Some(chain.by_hash(&request.hash)?);
    while let Some(header) = next {
        headers.push(raw_list(header));
        if headers.len() >= count {
            break;
        }
        next = chain.by_hash(&header.parent_hash());
    }
    Some(BlockHeadersResponse { id: request.id, headers })
}

fn block_hash(chain: &ServedChain, request: &BlockHashRequest) -> Option<BlockHashResponse> {
    if request.height == BlockNumber::GENESIS {
        return None;
    }
    chain.at(request.height).map(|header| BlockHashResponse { id: request.id, hash: header.hash() })
}

/// Every 192nd block from the multiple of 192 at or below the start, and the one after the last step, or the
/// best block if that is lower. An entry below the first served block ends in silence.
fn skeleton(chain: &ServedChain, request: &SkeletonRequest) -> Option<SkeletonResponse> {
    chain.at(request.start)?;
    let best = chain.best().number().get();
    let mut next = request.start.get() / SKELETON_STEP * SKELETON_STEP;
    let stop = best.min(next + SKELETON_STEP * SKELETON_STEPS);
    let mut identifiers = Vec::new();
    while next < stop {
        identifiers.push(identifier(chain, next)?);
        next += SKELETON_STEP;
    }
    identifiers.push(identifier(chain, best.min(next))?);
    Some(SkeletonResponse { id: request.id, identifiers })
}

fn identifier(chain: &ServedChain, number: u64) -> Option<BlockIdentifier> {
    let header = chain.at(BlockNumber::new(number))?;
    Some(BlockIdentifier { hash: header.hash(), number: header.number() })
}

/// A body as an answer.
pub(crate) fn body_response(id: RequestId, body: &Body) -> BodyResponse {
    let list = |bytes: Vec<u8>| RawList::new(bytes).expect("what was decoded is one list");
    let mut transactions = rlp::RlpStream::new_list(body.transactions.len());
    for transaction in &body.transactions {
        transactions.append_raw(transaction.raw(), 1);
    }
    BodyResponse {
        id,
        transactions: list(transactions.out().to_vec()),
        uncles: body.uncles.iter().map(|uncle| list(uncle.encode())).collect(),
        extension: body.extension.as_ref().map(|extension| list(extension.encode_in_body())),
    }
}

fn raw_list(header: &Header) -> RawList {
    RawList::new(header.raw().to_vec()).expect("a decoded header is one list")
}

#[cfg(test)]
mod tests {
    use rustock_core::{
        primitives::hash::BlockHash,
        wire::rsk::{BodyRequest, GetBlock},
    };

    use super::*;
    use crate::chainkit::{Chain, ChainBuilder};

    const ID: RequestId = RequestId::new(7).unwrap();

    fn served(chain: &Chain, first: usize) -> ServedChain {
        ServedChain::new(chain.headers()[first..].to_vec()).unwrap()
    }

    fn ask_headers(chain: &ServedChain, hash: BlockHash, count: u32) -> Option<Vec<RawList>> {
        let request = BlockHeadersRequest { id: ID, hash, count };
        match answer(chain, &RskMessage::BlockHeadersRequest(request)) {
            Some(RskMessage::BlockHeadersResponse(response)) => {
                assert_eq!(response.id, ID);
                Some(response.headers)
            }
            None => None,
            other => panic!("{other:?}"),
        }
    }

    fn ask_skeleton(chain: &ServedChain, start: u64) -> Option<Vec<u64>> {
        let request = SkeletonRequest { id: ID, start: BlockNumber::new(start) };
        match answer(chain, &RskMessage::SkeletonRequest(request)) {
            Some(RskMessage::SkeletonResponse(response)) => {
                for entry in &response.identifiers {
                    assert_eq!(chain.at(entry.number).unwrap().hash(), entry.hash);
                }
                Some(response.identifiers.iter().map(|entry| entry.number.get()).collect())
            }
            None => None,
            other => panic!("{other:?}"),
        }
    }

    fn ask_hash(chain: &ServedChain, height: u64) -> Option<BlockHash> {
        let request = BlockHashRequest { id: ID, height: BlockNumber::new(height) };
        match answer(chain, &RskMessage::BlockHashRequest(request)) {
            Some(RskMessage::BlockHashResponse(response)) => Some(response.hash),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    fn raw(headers: &[Header]) -> Vec<RawList> {
        headers.iter().rev().map(raw_list).collect()
    }

    #[test]
    fn headers_come_newest_first_from_the_requested_one() {
        let chain = ChainBuilder::simnet().build(400);
        let served = served(&chain, 0);
        let hash = chain.header(300).unwrap().hash();
        assert_eq!(ask_headers(&served, hash, 5), Some(raw(&chain.headers()[296..=300])));
        assert_eq!(ask_headers(&served, hash, 192), Some(raw(&chain.headers()[109..=300])));
        assert_eq!(ask_headers(&served, hash, 193), None);
    }

    #[test]
    fn a_count_of_zero_is_one() {
        let chain = ChainBuilder::simnet().build(3);
        let hash = chain.best().hash();
        for count in [0, 1] {
            assert_eq!(ask_headers(&served(&chain, 0), hash, count), Some(raw(&chain.headers()[3..])));
        }
    }

    #[test]
    fn headers_are_fewer_where_the_store_ends() {
        let chain = ChainBuilder::simnet().build(30);
        let hash = chain.best().hash();
        assert_eq!(ask_headers(&served(&chain, 0), hash, 100), Some(raw(chain.headers())));
        assert_eq!(ask_headers(&served(&chain, 20), hash, 100), Some(raw(&chain.headers()[20..])));
        assert_eq!(ask_headers(&served(&chain, 20), chain.header(19).unwrap().hash(), 1), None);
    }

    #[test]
    fn abandoned_blocks_are_served_by_hash_and_not_by_height() {
        let chain = ChainBuilder::simnet().build(20);
        let branch = chain.fork_at(15, 1).extended(8);
        let mut served =
            served(&chain, 0).forking_at(BlockNumber::new(20), branch.headers().to_vec()).unwrap();
        served.grow().unwrap();
        let old_best = chain.best().hash();
        assert_eq!(ask_headers(&served, old_best, 7), Some(raw(&chain.headers()[14..])));
        assert_eq!(ask_hash(&served, 20), Some(branch.header(20).unwrap().hash()));
        assert_eq!(ask_skeleton(&served, 0), Some(vec![0, 23]));
    }

    #[test]
    fn hashes_are_told_of_shown_blocks_except_genesis() {
        let chain = ChainBuilder::simnet().build(20);
        let whole = served(&chain, 0);
        assert_eq!(ask_hash(&whole, 0), None);
        assert_eq!(ask_hash(&whole, 1), Some(chain.header(1).unwrap().hash()));
        assert_eq!(ask_hash(&whole, 20), Some(chain.best().hash()));
        assert_eq!(ask_hash(&whole, 21), None);
        assert_eq!(ask_hash(&served(&chain, 10), 9), None);
        assert_eq!(ask_hash(&served(&chain, 10), 10), Some(chain.header(10).unwrap().hash()));
    }

    #[test]
    fn skeletons_are_those_of_rskjs_own_tests() {
        // `skeleton_serving`, from rskj's NodeBlockProcessorTest.
        let chain = ChainBuilder::simnet().build(400);
        for (best, start, numbers) in
            [(96, 5, vec![0, 96]), (300, 5, vec![0, 192, 300]), (400, 197, vec![192, 384, 400])]
        {
            let served = served(&chain, 0).revealed_up_to(BlockNumber::new(best)).unwrap();
            assert_eq!(ask_skeleton(&served, start), Some(numbers));
        }
    }

    #[test]
    fn skeletons_have_one_entry_at_the_best_block_and_21_far_below_it() {
        let chain = ChainBuilder::simnet().merkle_depth(0..=0).build(4_100);
        let whole = served(&chain, 0);
        let far = ask_skeleton(&whole, 100).unwrap();
        assert_eq!((far.len(), far[20]), (21, 3_840));
        assert_eq!(ask_skeleton(&whole, 192).unwrap().last(), Some(&4_032));
        assert_eq!(ask_skeleton(&whole, 300).unwrap().last(), Some(&4_032));
        assert_eq!(ask_skeleton(&whole, 384).unwrap().last(), Some(&4_100));
        let at_multiple = whole.clone().revealed_up_to(BlockNumber::new(384)).unwrap();
        assert_eq!(ask_skeleton(&at_multiple, 384), Some(vec![384]));
        assert_eq!(ask_skeleton(&at_multiple, 385), None);
    }

    #[test]
    fn a_skeleton_entry_below_the_first_block_is_silence() {
        let chain = ChainBuilder::simnet().build(400);
        let from_200 = served(&chain, 200);
        assert_eq!(ask_skeleton(&from_200, 383), None);
        assert_eq!(ask_skeleton(&from_200, 384), Some(vec![384, 400]));
        assert_eq!(ask_skeleton(&from_200, 199), None);
        assert_eq!(ask_skeleton(&served(&chain, 192), 200), Some(vec![192, 384, 400]));
    }

    #[test]
    fn bodies_of_every_version_are_served_to_who_asks_by_hash() {
        let chain = ChainBuilder::eras().with_bodies().build(570);
        let served = ServedChain::of(&chain).unwrap();
        for height in [0, 1, 499, 500, 560, 570] {
            let header = chain.header(height).unwrap();
            let request = RskMessage::BodyRequest(BodyRequest { id: ID, hash: header.hash() });
            let Some(RskMessage::BodyResponse(response)) = answer(&served, &request) else {
                panic!("no body at {height}")
            };
            assert_eq!(response.id, ID);
            let body = response.decode_body(&chain.params().activations, header.number()).unwrap();
            assert_eq!(Some(&body), chain.body(height).map(|body| &**body));
        }
        let unknown = RskMessage::BodyRequest(BodyRequest { id: ID, hash: BlockHash::ZERO });
        assert_eq!(answer(&served, &unknown), None);
    }

    #[test]
    fn whole_blocks_bodies_and_announcements_are_met_with_silence() {
        let chain = ChainBuilder::simnet().build(3);
        let served = served(&chain, 0);
        let hash = chain.best().hash();
        for message in [
            RskMessage::GetBlock(GetBlock { hash }),
            RskMessage::BodyRequest(BodyRequest { id: ID, hash }),
            RskMessage::Status(served.status()),
        ] {
            assert_eq!(answer(&served, &message), None);
        }
    }
}
