//! Output of a process: a thread collects it, and a test waits for a text in it.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use super::log::{PATIENCE, lock};

/// All output of a stream so far, and the position up to which the test has read it.
#[derive(Debug, Clone, Default)]
pub struct Capture {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Seen {
    bytes: Vec<u8>,
    /// Everything before this position was already waited for.
    read: usize,
    ended: bool,
    /// Whether reading from the stream is suspended.
    paused: bool,
}

impl Capture {
    /// Reads the stream to its end on a new thread. Without a stream, the capture has already ended.
    pub fn of(stream: Option<impl Read + Send + 'static>) -> Self {
        let capture = Self::default();
        match stream {
            Some(mut stream) => {
                let writer = capture.clone();
                thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(count @ 1..) = stream.read(&mut buffer) {
                        writer.push(&buffer[..count]);
                        writer.wait_while_paused();
                    }
                    writer.end();
                });
            }
            None => capture.end(),
        }
        capture
    }

    pub fn push(&self, bytes: &[u8]) {
        lock(&self.inner.seen).bytes.extend_from_slice(bytes);
        self.inner.changed.notify_all();
    }

    pub fn end(&self) {
        lock(&self.inner.seen).ended = true;
        self.inner.changed.notify_all();
    }

    /// Stops reading from the stream. A read that has already begun still adds its bytes.
    pub fn pause(&self) {
        lock(&self.inner.seen).paused = true;
    }

    pub fn resume(&self) {
        lock(&self.inner.seen).paused = false;
        self.inner.changed.notify_all();
    }

    fn wait_while_paused(&self) {
        let seen = lock(&self.inner.seen);
        drop(self.inner.changed.wait_while(seen, |seen| seen.paused).unwrap_or_else(PoisonError::into_inner));
    }

    /// The next complete line that contains the text, without its line ending. Earlier lines are skipped. `None` if the
    /// stream ends first, or after [`PATIENCE`].
    pub fn line_with(&self, text: &str) -> Option<String> {
        self.wait(|seen| {
            let mut start = seen.read;
            while let Some(length) = seen.bytes[start..].iter().position(|&byte| byte == b'\n') {
                let line = String::from_utf8_lossy(&seen.bytes[start..start + length]).into_owned();
                start += length + 1;
                if line.contains(text) {
                    seen.read = start;
                    return Some(line.trim_end_matches('\r').to_owned());
                }
            }
            None
        })
    }

    /// All unread output up to and including the text, which may be in the middle of a line (a prompt).
    pub fn through(&self, text: &str) -> Option<String> {
        self.wait(|seen| {
            let unread = &seen.bytes[seen.read..];
            let found = unread.windows(text.len()).position(|window| window == text.as_bytes())?;
            let passed = String::from_utf8_lossy(&unread[..found + text.len()]).into_owned();
            seen.read += found + text.len();
            Some(passed)
        })
    }

    /// All output, after the stream has ended; `None` after [`PATIENCE`].
    pub fn to_the_end(&self) -> Option<Vec<u8>> {
        self.wait(|seen| seen.ended.then(|| seen.bytes.clone()))
    }

    /// All output so far, read or not.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&lock(&self.inner.seen).bytes).into_owned()
    }

    fn wait<T>(&self, mut find: impl FnMut(&mut Seen) -> Option<T>) -> Option<T> {
        let mut found = None;
        let seen = lock(&self.inner.seen);
        let waited = self.inner.changed.wait_timeout_while(seen, PATIENCE, |seen| {
            found = find(seen);
            found.is_none() && !seen.ended
        });
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        found
    }
}
