#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xassume::hostile::role_list(bytes));
