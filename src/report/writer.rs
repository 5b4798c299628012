//! Writes to standard error. In supervised mode a thread does this, so that nothing else blocks while standard error is
//! not read (because of a full pipe, or a terminal stopped by ^S).
//!
//! The queue of messages is bounded, see `queue`. Descriptor 2 is shared with the command, so its flags are not
//! changed. A poll(2) before each write would not prevent blocking, because the command writes to the same pipe.

mod queue;

use crate::sys::{screen, thread};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use queue::Queue;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// The maximum number of steps that [`finish`] waits. It waits in steps, because xassume may be stopped while it waits
/// (SIGTTOU). A single longer wait would also count the time during which xassume is stopped.
const STEPS: u32 = 10;
/// How many more steps [`finish_at_exit`] waits while standard error is writable.
const STEPS_AT_EXIT: u32 = 100;
const STEP: Duration = Duration::from_millis(10);
/// The pause between two writes to a descriptor in non-blocking mode.
const PAUSE: Duration = Duration::from_millis(10);

/// A function that returns the message about a number of dropped messages, or `None` with `-q`.
type Notice = Box<dyn Fn(u32) -> Option<String> + Send + Sync>;

/// Whether messages are written without the thread. This is checked before any lock is taken: a forked process has no
/// such thread, and its copy of the queue may be locked forever.
static DIRECTLY: AtomicBool = AtomicBool::new(true);
static QUEUE: Mutex<Queue> = Mutex::new(Queue::new());
/// Notified when there is a message to write.
static MORE: Condvar = Condvar::new();
/// Notified when all messages are written.
static DONE: Condvar = Condvar::new();
static NOTICE: OnceLock<Notice> = OnceLock::new();

/// Starts a thread that writes the messages from now on. Must be called only once, after the signal reader was created
/// (see `sys::signals::reader`).
///
/// # Errors
/// The thread cannot be started. In that case, writing a message may still block.
pub(super) fn start(notice: Notice) -> io::Result<()> {
    let _ = NOTICE.set(notice);
    thread::without_signals("stderr", work)?;
    DIRECTLY.store(false, Ordering::Release);
    Ok(())
}

/// From now on, messages are written without the thread and without a lock, so writing may block. Must be called in a
/// forked process that does not call execve(2).
pub(crate) fn use_directly() {
    DIRECTLY.store(true, Ordering::Release);
}

/// Writes a message, or queues it for the thread.
pub(crate) fn write(message: &[u8]) {
    put(message, false);
}

/// Writes or queues the progress line. Unlike `write`, this never stops xassume as a background job (SIGTTOU).
pub(super) fn draw(message: &[u8]) {
    put(message, true);
}

/// Waits until everything is written, but at most 100 ms. Called before the command starts.
pub(crate) fn finish() {
    wait(STEPS, || true);
}

/// Like [`finish`], but waits up to a second longer while standard error is writable: on a busy system the thread may not
/// run within 100 ms, and the last message often says why xassume exits.
pub(crate) fn finish_at_exit() {
    wait(STEPS, || true);
    wait(STEPS_AT_EXIT, is_writable);
}

/// Waits until everything is written, at most this number of steps and while the condition is true.
fn wait(steps: u32, condition: fn() -> bool) {
    if DIRECTLY.load(Ordering::Acquire) {
        return;
    }
    let mut queue = locked();
    for _ in 0..steps {
        if queue.is_empty() || !condition() {
            return;
        }
        queue = DONE.wait_timeout(queue, STEP).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Whether a write to standard error would probably not block. Does not wait.
fn is_writable() -> bool {
    let stderr = io::stderr();
    let mut polled = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready == 1)
}

fn put(bytes: &[u8], undisturbed: bool) {
    if bytes.is_empty() {
        return;
    }
    if DIRECTLY.load(Ordering::Acquire) {
        return send(bytes, undisturbed);
    }
    locked().push(bytes, undisturbed, notice);
    MORE.notify_one();
}

/// Writes the messages of the queue. This is the work of the thread.
fn work() {
    let mut queue = locked();
    loop {
        if let Some(message) = queue.next() {
            drop(queue);
            send(&message.bytes, message.undisturbed);
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

fn send(bytes: &[u8], undisturbed: bool) {
    if undisturbed { screen::undisturbed(|| write_all(bytes)) } else { write_all(bytes) }
}

/// Writes without the lock of the standard library, because another thread could hold that lock at a fork. If standard
/// error is closed, the message is lost and the run continues.
fn write_all(mut bytes: &[u8]) {
    let stderr = io::stderr();
    while !bytes.is_empty() {
        match nix::unistd::write(&stderr, bytes) {
            Ok(0) => return,
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::EINTR) => {}
            // Another process has set O_NONBLOCK on the terminal or pipe, which is full. poll(2) may return before
            // there is room, because other processes write too. So there is also a pause, which prevents a busy loop.
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
        finish_at_exit();
    }
}
