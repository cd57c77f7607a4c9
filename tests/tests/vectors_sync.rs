//! The search for the connection point probes what rskj's own test says it probes.

use rustock_core::{BlockNumber, proto::sync::connection_point::ConnectionPointFinder};
use rustock_tests::vectors;
use serde_json::Value;

fn heights(value: &Value) -> Vec<u64> {
    value.as_array().map(|list| list.iter().filter_map(Value::as_u64).collect()).unwrap_or_default()
}

#[test]
fn the_connection_point_search_asks_for_rskjs_heights() {
    let entry = vectors::network_entry("connection_point_search");
    let cases = entry["cases"].as_array().expect("cases");
    assert!(!cases.is_empty());
    for case in cases {
        let number = |key| BlockNumber::new(vectors::number(case, key));
        let known = heights(&case["known"]);
        let mut finder = ConnectionPointFinder::new(number("start"), number("end"));
        let mut probes = Vec::new();
        while let Some(probe) = finder.probe() {
            probes.push(probe.get());
            finder.answer(known.contains(&probe.get()));
        }
        assert_eq!(finder.connection_point(), number("connection_point"));
        assert_eq!(probes, heights(&case["probe_heights"]));
    }
}
