#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xassume::hostile::web_identity_token(bytes));
