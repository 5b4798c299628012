//! What a helper writes: read as it comes, and no more than is allowed.

use super::error::HelperError;
use std::fs::File;
use std::io::{self, Read as _};
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::sys) enum More {
    Perhaps,
    Never,
}

/// What a helper wrote so far, in a place that never moves.
pub(in crate::sys) struct HelperOutput {
    /// One byte longer than what is allowed.
    place: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl HelperOutput {
    pub(in crate::sys) fn new(max_bytes: usize) -> Self {
        Self { place: Zeroizing::new(vec![0; max_bytes.saturating_add(1)]), filled: 0 }
    }

    pub(in crate::sys) async fn read(&mut self, output: &AsyncFd<File>) -> Result<More, HelperError> {
        loop {
            let mut ready = output.readable().await.map_err(HelperError::Spawn)?;
            match self.read_once(output.get_ref())? {
                Some(more) => return Ok(more),
                None => ready.clear_ready(),
            }
        }
    }

    /// Takes what is there: `None` when that is nothing yet.
    pub(in crate::sys) fn read_once(&mut self, mut output: &File) -> Result<Option<More>, HelperError> {
        match output.read(&mut self.place[self.filled..]) {
            Ok(0) => Ok(Some(More::Never)),
            Ok(got) => {
                self.filled += got;
                if self.filled == self.place.len() {
                    return Err(HelperError::TooLarge(self.filled - 1));
                }
                Ok(Some(More::Perhaps))
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Ok(None),
                io::ErrorKind::Interrupted => Ok(Some(More::Perhaps)),
                _ => Err(HelperError::Spawn(error)),
            },
        }
    }

    /// What there is so far.
    pub(in crate::sys) fn bytes(&self) -> &[u8] {
        &self.place[..self.filled]
    }

    pub(in crate::sys) fn into_bytes(mut self) -> Vec<u8> {
        self.place.truncate(self.filled);
        std::mem::take(&mut *self.place)
    }
}
