//! Random answers of an STS, from a seed.

use crate::support::Answer;
use std::time::Duration;

/// A stream of answers; the same seed gives the same stream.
pub struct Faults {
    state: u64,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The first is an answer by the rules; of the others three in four are.
    pub fn answers(&mut self, count: usize) -> Vec<Answer> {
        let mut answers = vec![Answer::Ok];
        answers.extend((1..count).map(|_| self.answer()));
        answers
    }

    fn answer(&mut self) -> Answer {
        match self.next() % 32 {
            0 => Answer::throttling(),
            1 => Answer::unavailable(),
            2 => Answer::Reset,
            3 => Answer::Hang,
            4 => Answer::error(403, "AccessDenied", "the trust policy is being edited"),
            5 => Answer::body(200, "text/html", "<html>a proxy's page</html>"),
            6 => Answer::Slow(Duration::from_millis(300)),
            7 => Answer::Drip(Duration::from_micros(100)),
            _ => Answer::Ok,
        }
    }

    /// SplitMix64: spreads any seed well enough for choosing faults.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
