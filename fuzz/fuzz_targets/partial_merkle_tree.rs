#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rustock_fuzz_targets::partial_merkle_tree::check(bytes));
