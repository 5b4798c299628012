//! Writes to standard error. In supervised mode a thread does it, so that a standard error that is not read (a full pipe,
//! a terminal stopped by ^S) blocks nothing else.
//!
//! The queue is bounded, see `queue`. Descriptor 2 is shared with the command, so its flags are not changed. A poll(2)
//! before each write would not help: the command writes to the same pipe.

mod queue;

use crate::sys::{screen, thread};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use queue::{Manner, Queue};
use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// [`finish`] waits for this many steps. A time in which xassume is stopped (SIGTTOU) counts as one step.
const STEPS: u32 = 10;
const STEP: Duration = Duration::from_millis(10);
/// The pause between two writes to a descriptor that does not block.
const PAUSE: Duration = Duration::from_millis(10);

/// The message about dropped messages; `None` with `-q`.
type Notice = Box<dyn Fn(u32) -> Option<String> + Send + Sync>;

/// Checked before any lock: a forked process has no thread, and its copy of the queue may be locked forever.
static DIRECTLY: AtomicBool = AtomicBool::new(true);
static QUEUE: Mutex<Queue> = Mutex::new(Queue::new());
/// There is a message to write.
static MORE: Condvar = Condvar::new();
/// All messages are written.
static DONE: Condvar = Condvar::new();
static NOTICE: OnceLock<Notice> = OnceLock::new();

/// From now on a thread writes. Called once, after the signals are blocked.
///
/// # Errors
/// The thread cannot be started; writes still block.
pub(super) fn start(notice: Notice) -> io::Result<()> {
    let _ = NOTICE.set(notice);
    thread::without_signals("stderr", work)?;
    DIRECTLY.store(false, Ordering::Release);
    Ok(())
}

/// From now on writes block again, and take no lock: for a forked process that does not call execve(2).
pub(crate) fn use_directly() {
    DIRECTLY.store(true, Ordering::Release);
}

/// Writes a message, or queues it for the thread.
pub(crate) fn write(message: &[u8]) {
    put(message, Manner::Usual);
}

/// The same for the progress line: it does not stop a background job.
pub(super) fn draw(message: &[u8]) {
    put(message, Manner::Drawn);
}

/// Waits until everything is written, at most 100 ms: before the command starts, and before xassume exits.
pub(crate) fn finish() {
    if DIRECTLY.load(Ordering::Acquire) {
        return;
    }
    let mut queue = locked();
    for _ in 0..STEPS {
        if queue.is_empty() {
            return;
        }
        queue = DONE.wait_timeout(queue, STEP).unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn put(bytes: &[u8], manner: Manner) {
    if bytes.is_empty() {
        return;
    }
    if DIRECTLY.load(Ordering::Acquire) {
        return send(bytes, manner);
    }
    locked().push(bytes, manner, notice);
    MORE.notify_one();
}

/// The thread.
fn work() {
    let mut queue = locked();
    loop {
        if let Some(message) = queue.next() {
            drop(queue);
            send(&message.bytes, message.manner);
            queue = locked();
            queue.written(&message, notice);
        } else {
            DONE.notify_all();
            queue = MORE.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn locked() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn notice(dropped: u32) -> Option<String> {
    NOTICE.get().and_then(|notice| notice(dropped))
}

fn send(bytes: &[u8], manner: Manner) {
    match manner {
        Manner::Usual => write_all(bytes),
        Manner::Drawn => screen::undisturbed(|| write_all(bytes)),
    }
}

/// Without std's lock, which another thread could hold at a fork. If stderr is closed, the message is lost and the run
/// goes on.
fn write_all(mut bytes: &[u8]) {
    let stderr = io::stderr();
    while !bytes.is_empty() {
        match nix::unistd::write(&stderr, bytes) {
            Ok(0) => return,
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::EINTR) => {}
            // Another process has set O_NONBLOCK. The pause is for a terminal that another process is writing to.
            Err(Errno::EAGAIN) => {
                let _ = poll(&mut [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE);
                std::thread::sleep(PAUSE);
            }
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_process_takes_no_lock() {
        let _held = locked();
        use_directly();
        write(b"\n");
        finish();
    }
}
