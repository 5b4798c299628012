//! The type for texts that must not be shown.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// A secret text. It is zeroed when it is dropped, and `Debug` shows `…` instead. It is serialized only to be sent to
/// another process of the same run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Appends text. If the buffer is too small, a larger one replaces it, and the memory of the old buffer is zeroed.
    pub(crate) fn append(&mut self, more: &str) {
        let length = self.0.len() + more.len();
        if self.0.capacity() < length {
            let mut larger = Zeroizing::new(String::with_capacity(2 * length));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        self.0.push_str(more);
    }

    /// Returns the text. Callers may send it only to AWS or pass it to the command.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
