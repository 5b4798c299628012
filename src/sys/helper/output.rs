//! The output of a helper, which is read as it arrives, up to a limit.

use crate::error::ProcessFailure;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

/// The output so far, in a buffer that is never reallocated.
pub(in crate::sys) struct HelperOutput {
    /// This buffer is one byte longer than the limit, so that output that is too long can be detected.
    buffer: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl HelperOutput {
    pub(in crate::sys) fn new(max_bytes: usize) -> Self {
        Self { buffer: Zeroizing::new(vec![0; max_bytes.saturating_add(1)]), filled: 0 }
    }

    /// Waits for more output and reads it. Returns `Break` at the end of the output.
    pub(in crate::sys) async fn read(&mut self, output: &AsyncFd<File>) -> Result<ControlFlow<()>, ProcessFailure> {
        loop {
            let mut ready = output.readable().await?;
            match self.read_once(output.get_ref())? {
                Some(more) => return Ok(more),
                None => ready.clear_ready(),
            }
        }
    }

    /// Reads once, without waiting. Returns `None` if no output is available yet, else the same as [`Self::read`].
    pub(in crate::sys) fn read_once(&mut self, mut output: &File) -> Result<Option<ControlFlow<()>>, ProcessFailure> {
        match output.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Ok(Some(ControlFlow::Break(()))),
            Ok(got) => {
                self.filled += got;
                if self.filled == self.buffer.len() {
                    return Err(ProcessFailure::TooMuchOutput(self.filled - 1));
                }
                Ok(Some(ControlFlow::Continue(())))
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Ok(None),
                io::ErrorKind::Interrupted => Ok(Some(ControlFlow::Continue(()))),
                _ => Err(error.into()),
            },
        }
    }

    pub(in crate::sys) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    pub(in crate::sys) fn into_bytes(mut self) -> Vec<u8> {
        self.buffer.truncate(self.filled);
        std::mem::take(&mut *self.buffer)
    }
}
