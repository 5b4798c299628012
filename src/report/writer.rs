//! Writes to standard error. Once xassume supervises, a thread does it, so that a standard error that is not read (a full
//! pipe, a terminal that is held by ^S) blocks nothing else.
//!
//! The queue is bounded, see `queue`. Descriptor 2 is shared with the command, so its flags are not changed. Asking poll(2)
//! before a write would not help: the command writes to the same pipe.

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

/// How long [`finish`] waits: so many steps of this time. Steps, so that a time in which xassume is stopped (SIGTTOU) counts
/// as one of them.
const STEPS: u32 = 10;
const STEP: Duration = Duration::from_millis(10);
/// The least pause between two tries to write to a descriptor that does not block.
const PAUSE: Duration = Duration::from_millis(10);

/// Says how many messages were dropped; `None` where it is not wanted.
type Notice = Box<dyn Fn(u32) -> Option<String> + Send + Sync>;

/// Looked at before any lock: a process that was forked has no thread, and the queue may be locked there for ever.
static DIRECTLY: AtomicBool = AtomicBool::new(true);
static QUEUE: Mutex<Queue> = Mutex::new(Queue::new());
/// There is a message to write.
static MORE: Condvar = Condvar::new();
/// All messages are written.
static DONE: Condvar = Condvar::new();
static NOTICE: OnceLock<Notice> = OnceLock::new();

/// From now on a thread writes. Called once, when the signals that xassume reads are blocked.
///
/// # Errors
/// The thread cannot be started; then writes still block.
pub(super) fn start(notice: Notice) -> io::Result<()> {
    let _ = NOTICE.set(notice);
    thread::without_signals("stderr", work)?;
    DIRECTLY.store(false, Ordering::Release);
    Ok(())
}

/// From now on writes block again, and take no lock: for a process that was forked and does not become a program.
pub(crate) fn use_directly() {
    DIRECTLY.store(true, Ordering::Release);
}

/// Writes a message, or leaves it to the thread.
pub(crate) fn write(message: &[u8]) {
    put(message, Manner::Usual);
}

/// The same for what is drawn on the terminal: a background job is not stopped for it.
pub(super) fn draw(message: &[u8]) {
    put(message, Manner::Drawn);
}

/// Waits until everything is written, but 100 ms at most: before the command starts, and before xassume ends.
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

/// Not by std: its lock could be held by another thread at a fork. That stderr is closed or broken is harmless: the message
/// is lost, and the command's status must survive.
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
