#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rustock_fuzz_targets::discovery_packet::check(bytes));
