#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xassume::hostile::time(bytes));
