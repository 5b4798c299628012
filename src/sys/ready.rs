//! The pipe of `--ready fd:N`: a process that is ready writes a newline to it.

use super::poll::{polled_pipe, read_when_ready};
use nix::fcntl::OFlag;
use std::convert::Infallible;
use std::fs::File;
use std::future::pending;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// The read end of the pipe.
#[derive(Debug)]
pub(crate) struct ReadyPipe(AsyncFd<File>);

impl ReadyPipe {
    /// Creates a pipe, and returns both ends. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// No file descriptor is available.
    pub(crate) fn new() -> io::Result<(Self, OwnedFd)> {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        Ok((Self(polled_pipe(reader)?), writer))
    }

    /// Reads and drops all that follows the newline. Never returns. Without this, a process that writes more would get
    /// SIGPIPE, or would block.
    pub(crate) async fn drain(&self) -> Infallible {
        while self.has_newline().await {
            tokio::task::yield_now().await;
        }
        pending().await
    }

    /// Waits for a newline, and returns `true`. Returns `false` if all processes that have the write end have closed it
    /// without writing a newline. Nothing is lost if the future is dropped.
    pub(crate) async fn has_newline(&self) -> bool {
        loop {
            let mut text = [0; 512];
            match read_when_ready(&self.0, |mut pipe| pipe.read(&mut text)).await {
                Ok(0) | Err(_) => return false,
                Ok(length) if text.iter().take(length).any(|byte| *byte == b'\n') => return true,
                // A process that writes other text without an end must not keep the runtime busy.
                Ok(_) => tokio::task::yield_now().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_newline_counts_in_any_text_and_the_end_alone_does_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        for (texts, is_ready) in
            [(&["\n"][..], true), (&["not yet", "; ready\nmore"], true), (&["no"], false), (&[], false)]
        {
            let found = runtime.block_on(async {
                let (pipe, writer) = ReadyPipe::new().unwrap();
                let mut writer = File::from(writer);
                for text in texts {
                    writer.write_all(text.as_bytes()).unwrap();
                    if !text.contains('\n') {
                        let waiting = async { pipe.has_newline().await };
                        tokio::select! {
                            biased;
                            _ = waiting => panic!("{text:?} is not a newline"),
                            () = async { for _ in 0..3 { tokio::task::yield_now().await } } => {}
                        }
                    }
                }
                drop(writer);
                pipe.has_newline().await
            });
            assert_eq!(found, is_ready, "{texts:?}");
        }
    }
}
