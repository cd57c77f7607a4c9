//! The skeletons of rskj's own tests, from the peer that our tests are served by.

use rustock_core::{
    primitives::number::BlockNumber,
    wire::rsk::{RequestId, RskMessage, SkeletonRequest},
};
use rustock_test_support::{
    chainkit::ChainBuilder,
    peer::{ServedChain, answer},
};
use rustock_tests::vectors::{network_entry, number};

#[test]
fn skeletons_are_those_of_rskjs_own_tests() {
    let entry = network_entry("skeleton_serving");
    let cases = entry["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let chain = ChainBuilder::simnet().build(number(case, "best"));
        let served = ServedChain::new(chain.headers().to_vec()).expect("linked");
        let id = RequestId::new(1).expect("small");
        let start = BlockNumber::new(number(case, "start"));
        let request = RskMessage::SkeletonRequest(SkeletonRequest { id, start });
        let Some(RskMessage::SkeletonResponse(response)) = answer(&served, &request) else {
            panic!("no skeleton for {case}")
        };
        let numbers: Vec<_> = response.identifiers.iter().map(|entry| entry.number.get()).collect();
        let expected: Vec<_> = case["numbers"]
            .as_array()
            .expect("numbers")
            .iter()
            .filter_map(|number| number.as_u64())
            .collect();
        assert_eq!(numbers, expected, "{case}");
        for entry in response.identifiers {
            assert_eq!(Some(entry.hash), chain.header(entry.number.get()).map(|header| header.hash()));
        }
    }
}
