//! Work that may block forever, in a process that can be abandoned.
//!
//! A thread that is stuck in a file system cannot be ended, and a process with such a thread cannot be reaped. So this
//! is fork(2) without execve(2): the child has a copy of this process's memory, does the work, writes its answer to a
//! pipe and exits. It has its own session, and of xassume's descriptors only that pipe and the one for messages. It
//! never uses its parent's runtime.
//!
//! A child that is no longer needed is not waited for: it gets a signal, later SIGKILL, and is reaped when it exits.

#![allow(unsafe_code)]

mod child;

pub(crate) use child::Life;

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

/// The time between that signal and SIGKILL: the child ends its own programs, for which `helper` takes up to one
/// second.
const GRACE: Duration = Duration::from_secs(2);
/// The size of one read of messages.
const MESSAGES: usize = 4 << 10;
/// The default size of a pipe.
const PIPE: usize = 64 << 10;

/// Starts children, and passes on their standard error. Clones are the same instance.
#[derive(Clone)]
pub(crate) struct Offload(Rc<Shared>);

struct Shared {
    pass_on: fn(&[u8]),
    in_child: fn(),
    /// Created for the first child and kept: programs that outlive a child may have it open.
    messages: OnceCell<Messages>,
}

/// The standard error of all children.
struct Messages {
    writer: OwnedFd,
    reader: Arc<AsyncFd<File>>,
}

/// A child at work. If it is dropped before the answer, the child is ended. It is reaped in any case.
pub(crate) struct Job {
    entry: Arc<HelperEntry>,
    output: AsyncFd<File>,
    answer: HelperOutput,
    has_answered: bool,
    offload: Offload,
}

impl Offload {
    /// `pass_on` gets the standard error of children; `in_child` runs in each child before its work.
    pub(crate) fn new(pass_on: fn(&[u8]), in_child: fn()) -> Self {
        Self(Rc::new(Shared { pass_on, in_child, messages: OnceCell::new() }))
    }

    /// Does the work in a child, whose answer has at most this many bytes. To be called within a tokio runtime and on
    /// the main thread: the child ends with the thread that starts it.
    ///
    /// The work may use everything that it borrows, except an existing runtime: it creates its own, in a new thread.
    ///
    /// # Errors
    /// The system gives no process or no descriptor.
    pub(crate) fn start(&self, life: Life, most: usize, work: impl FnOnce(&mut File)) -> io::Result<Job> {
        let messages = self.messages()?;
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        let output = polled_pipe(reader)?;
        let setup = child::Setup {
            parent: nix::unistd::getpid().as_raw(),
            life,
            answer: writer.as_raw_fd(),
            messages: messages.writer.as_raw_fd(),
        };
        // No handler of ours may run in the child before its setup.
        let mask = signals::set_mask(SignalSet::FULL);
        // SAFETY: the child does not return from `child::run`. Other threads of this process do not exist in it; the C
        // library makes the allocator usable in it, and `in_child` sees to what is written.
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
            // Until the pipe is empty; but a program that never stops writing is not waited for.
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
        // The runtime's budget leaves time for other tasks, even if a program never stops writing.
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
    /// The whole answer: all output until the child exits. Its standard error is passed on first.
    ///
    /// # Errors
    /// The answer is too long, or cannot be read.
    pub(crate) async fn answered(&mut self) -> io::Result<&[u8]> {
        while self.answer.read(&self.output).await.map_err(io::Error::other)?.is_continue() {}
        self.has_answered = true;
        self.offload.pass_on_messages();
        Ok(self.answer.bytes())
    }

    /// The descriptor of the answer.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.output.get_ref().as_raw_fd()
    }

    /// As [`Self::answered`], in another child, which got the [`Self::descriptor`] and may block.
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

    /// Kills the child at once; for a child that runs no programs.
    pub(crate) fn kill(&self) {
        self.entry.signal(Signal::KILL);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.has_answered || self.entry.has_ended() {
            return;
        }
        self.entry.signal(child::ending_signal());
        if let Ok(runtime) = Handle::try_current() {
            let entry = Arc::clone(&self.entry);
            runtime.spawn(async move {
                tokio::time::sleep(GRACE).await;
                entry.signal(Signal::KILL);
            });
        }
    }
}
