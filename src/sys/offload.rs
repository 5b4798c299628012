//! Runs work that may block forever in a separate process, which can be abandoned.
//!
//! A thread that is stuck in a file system cannot be ended, and a process with such a thread cannot be reaped. So the
//! work runs after a fork(2) without an execve(2): the child has a copy of this process's memory, does the work, writes
//! its answer to a pipe and exits. The child has its own session. Of xassume's descriptors, the child keeps only the
//! answer pipe and the pipe for messages. The child never uses the runtime of its parent.
//!
//! xassume does not wait for a child that is no longer needed. Such a child gets a signal that ends it
//! (`child::ending_signal`), and SIGKILL after [`GRACE`]. It is reaped when it exits.

#![allow(unsafe_code)]

mod child;
mod unfinished;

pub(crate) use child::Life;
pub(crate) use unfinished::Unfinished;

use super::helper::{HelperOutput, ended};
use super::poll::polled_pipe;
use super::reap::HelperEntry;
use super::signals;
use crate::process::signal::{Signal, SignalSet};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;
use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// The time between the signal that ends a child and SIGKILL. During this time the child ends its helpers, which takes
/// up to one second.
const GRACE: Duration = Duration::from_secs(2);
/// The number of bytes in one read of messages.
const MESSAGES: usize = 4 << 10;
/// The default size of a pipe in bytes.
const PIPE: usize = 64 << 10;

/// Starts child processes, and forwards what they write to their standard error. All clones share one state.
#[derive(Clone)]
pub(crate) struct Offload(Rc<Shared>);

struct Shared {
    pass_on: fn(&[u8]),
    in_child: fn(),
    /// The pipe for messages. It is created for the first child and never closed, because programs that outlive a child
    /// may have it open.
    messages: OnceCell<Messages>,
}

/// The pipe to which all children write their standard error.
struct Messages {
    writer: OwnedFd,
    reader: Arc<AsyncFd<File>>,
}

/// A child that is doing its work. If the value is dropped before the answer has arrived, the child is ended. The child
/// is reaped in either case.
pub(crate) struct Job {
    entry: Arc<HelperEntry>,
    output: AsyncFd<File>,
    answer: HelperOutput,
    has_answered: bool,
    offload: Offload,
}

impl Offload {
    /// Creates an instance. `pass_on` gets what children write to standard error. `in_child` runs in each child before
    /// its work.
    pub(crate) fn new(pass_on: fn(&[u8]), in_child: fn()) -> Self {
        Self(Rc::new(Shared { pass_on, in_child, messages: OnceCell::new() }))
    }

    /// Does the work in a child, whose answer may have at most `most` bytes. Must be called within a Tokio runtime and
    /// on the main thread, because the child gets its parent-death signal when the thread that started it exits.
    ///
    /// The work may use everything that it borrows, except an existing runtime. If it needs a runtime, it must create
    /// one in a new thread.
    ///
    /// # Errors
    /// Fails if no process or no file descriptor is available.
    pub(crate) fn start(&self, life: Life, most: usize, work: impl FnOnce(&mut File)) -> io::Result<Job> {
        let messages = self.messages()?;
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        let output = polled_pipe(reader)?;
        let setup =
            child::Setup { parent: nix::unistd::getpid().as_raw(), life, messages: messages.writer.as_raw_fd() };
        // No signal handler of xassume may run in the child before its setup.
        let mask = signals::set_mask(SignalSet::FULL);
        // SAFETY: the child does not return from `child::run`. The other threads of this process do not exist in the
        // child, so a lock that one of them held is never released there. The C library keeps the allocator usable
        // nevertheless, and after `in_child` messages are written without a lock.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            child::run(&setup, self.0.in_child, File::from(writer), work);
        }
        let error = io::Error::last_os_error();
        signals::set_mask(mask);
        if pid < 0 {
            return Err(error);
        }
        let entry = Arc::new(HelperEntry::new(pid));
        let reaped = Arc::clone(&entry);
        tokio::spawn(async move { ended(&reaped).await });
        let answer = HelperOutput::new(most);
        Ok(Job { entry, output, answer, has_answered: false, offload: self.clone() })
    }

    /// Passes on the messages that children have written so far.
    pub(crate) fn pass_on_messages(&self) {
        if let Some(messages) = self.0.messages.get() {
            // This reads until the pipe is empty, but the number of reads is limited because a program may never stop
            // writing.
            let reads = 0..PIPE / MESSAGES;
            reads.map(|_| pass_on(messages.reader.get_ref(), self.0.pass_on)).take_while(Result::is_ok).for_each(drop);
        }
    }

    fn messages(&self) -> io::Result<&Messages> {
        if let Some(messages) = self.0.messages.get() {
            return Ok(messages);
        }
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        let reader = Arc::new(polled_pipe(reader)?);
        tokio::spawn(pass_on_all(Arc::clone(&reader), self.0.pass_on));
        Ok(self.0.messages.get_or_init(|| Messages { writer, reader }))
    }
}

async fn pass_on_all(reader: Arc<AsyncFd<File>>, to: fn(&[u8])) {
    while let Ok(mut ready) = reader.readable().await {
        // If a program never stops writing, other tasks still get their turn, because Tokio limits how long a task
        // runs.
        let _ = ready.try_io(|reader| pass_on(reader.get_ref(), to));
    }
}

fn pass_on(mut reader: &File, to: fn(&[u8])) -> io::Result<()> {
    let mut bytes = [0; MESSAGES];
    let length = reader.read(&mut bytes)?;
    to(&bytes[..length]);
    Ok(())
}

impl Job {
    /// Waits until the child exits, and returns its whole answer. Passes on the child's messages before it returns.
    ///
    /// # Errors
    /// Fails if the answer is too long or cannot be read.
    pub(crate) async fn answered(&mut self) -> io::Result<&[u8]> {
        while self.answer.read(&self.output).await.map_err(io::Error::other)?.is_continue() {}
        self.has_answered = true;
        self.offload.pass_on_messages();
        Ok(self.answer.bytes())
    }

    /// Returns the descriptor from which the answer is read.
    fn descriptor(&self) -> RawFd {
        self.output.get_ref().as_raw_fd()
    }

    /// Returns the same as [`Self::answered`], but blocks. This method is for code that runs in another child, which
    /// has kept the [`Self::descriptor`] open. If there is an error, returns what has been read so far.
    pub(crate) fn answered_here(&mut self) -> &[u8] {
        loop {
            match self.answer.read_once(self.output.get_ref()) {
                Ok(Some(ControlFlow::Continue(()))) => {}
                Ok(None) => {
                    let _ =
                        poll(&mut [PollFd::new(self.output.get_ref().as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
                }
                Ok(Some(ControlFlow::Break(()))) | Err(_) => return self.answer.bytes(),
            }
        }
    }

    /// Kills the child at once. Must be used only for a child that runs no programs, because these would keep running.
    fn kill(&self) {
        self.entry.signal(Signal::KILL);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.has_answered || self.entry.has_ended() {
            return;
        }
        self.entry.signal(child::ending_signal());
        // A program that the child runs may have stopped the child. It handles the signal only after it is continued.
        self.entry.signal(Signal::CONT);
        if let Ok(runtime) = Handle::try_current() {
            let entry = Arc::clone(&self.entry);
            runtime.spawn(async move {
                tokio::time::sleep(GRACE).await;
                entry.signal(Signal::KILL);
            });
        }
    }
}
