#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rustock_fuzz_targets::snappy_frame::check(bytes));
