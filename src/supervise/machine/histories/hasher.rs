//! A fast hasher for the sets of models. The default one protects against chosen input, and takes most of the time of
//! these tests.

use std::hash::{BuildHasherDefault, Hasher};

pub(super) type Fast = BuildHasherDefault<FastHasher>;

/// The hash function of Firefox (`FxHasher`).
#[derive(Default)]
pub(super) struct FastHasher(u64);

impl FastHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.add(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.add(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    fn finish(&self) -> u64 {
        // The set uses the lowest and the highest bits.
        self.0 ^ self.0.rotate_left(32)
    }
}
