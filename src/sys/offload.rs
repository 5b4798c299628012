//! Work that may block for ever, done by a process that can be left behind.
//!
//! A thread that is stuck in a file system cannot be ended, and a process that has one is not reaped. So this is fork(2)
//! without execve(2): the child has a copy of this process's memory, does the work, sends its answer through a pipe and
//! ends. It has its own session, and no descriptor of xassume's but that pipe and the one for messages. It never uses the
//! runtime of its parent.
//!
//! A child that is not wanted any more is not waited for: it is sent a signal to end, killed a little later, and reaped when
//! it ends.

#![allow(unsafe_code)]

mod child;

use super::helper::{HelperOutput, More, ended};
use super::poll::polled;
use super::reap::HelperEntry;
use super::signals;
use crate::process::signal::{Signal, SignalSet};
use crate::process::{Pid, ProcessGroup};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;
use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// How long a child that was asked to end may take to end the programs that it runs: `helper` gives them one second.
const GRACE: Duration = Duration::from_secs(2);
/// As much as is read at a time of what children write to standard error.
const MESSAGES: usize = 4 << 10;
/// As much as a pipe holds by default.
const PIPE: usize = 64 << 10;

/// Starts children, and passes on what they write to standard error. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Offload(Rc<Shared>);

struct Shared {
    pass_on: fn(&[u8]),
    in_child: fn(),
    /// Made for the first child and kept: programs that children leave behind may hold it.
    messages: OnceCell<Messages>,
}

/// The pipe that is standard error for all children.
struct Messages {
    writer: OwnedFd,
    reader: Arc<AsyncFd<File>>,
}

/// How long a child may live.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Life {
    /// It ends with xassume.
    Bound,
    /// It may outlive xassume. It keeps the [`Job::descriptor`] of another one.
    Free(Option<RawFd>),
}

/// A child at work. Dropped before it has answered, it is ended; it is reaped in any case.
pub(crate) struct Job {
    pid: Pid,
    entry: Arc<HelperEntry>,
    output: AsyncFd<File>,
    answer: HelperOutput,
    has_answered: bool,
    offload: Offload,
}

impl Offload {
    /// `pass_on` is given what children write to standard error; `in_child` is called in each of them before its work.
    pub(crate) fn new(pass_on: fn(&[u8]), in_child: fn()) -> Self {
        Self(Rc::new(Shared { pass_on, in_child, messages: OnceCell::new() }))
    }

    /// Has the work done by a child, which writes an answer of so many bytes at the most. Within a runtime of tokio, and
    /// on the main thread: the child ends with the thread that starts it.
    ///
    /// The work may use all that it borrows, but not a runtime that was made before: it makes another, in a new thread.
    ///
    /// # Errors
    /// The system gives no process or no descriptor.
    pub(crate) fn start(&self, life: Life, most: usize, work: impl FnOnce(&mut File)) -> io::Result<Job> {
        let messages = self.messages()?;
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let output = polled(File::from(reader))?;
        let setup = child::Setup {
            parent: nix::unistd::getpid().as_raw(),
            is_bound: matches!(life, Life::Bound),
            answer: writer.as_raw_fd(),
            messages: messages.writer.as_raw_fd(),
            reads: match life {
                Life::Free(reads) => reads,
                Life::Bound => None,
            },
        };
        // No handler of ours may run in the child before it is set up.
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
        tokio::spawn(reaped(pid, Arc::clone(&entry)));
        let answer = HelperOutput::new(most);
        Ok(Job { pid, entry, output, answer, has_answered: false, offload: self.clone() })
    }

    /// Passes on what children have written by now.
    pub(crate) fn pass_on_messages(&self) {
        if let Some(messages) = self.0.messages.get() {
            // Until there is nothing more; but what never stops writing is not waited for.
            let reads = 0..PIPE / MESSAGES;
            reads.map(|_| pass_on(messages.reader.get_ref(), self.0.pass_on)).take_while(Result::is_ok).for_each(drop);
        }
    }

    fn messages(&self) -> io::Result<&Messages> {
        if let Some(messages) = self.0.messages.get() {
            return Ok(messages);
        }
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let reader = Arc::new(polled(File::from(reader))?);
        tokio::spawn(pass_on_all(Arc::clone(&reader), self.0.pass_on));
        Ok(self.0.messages.get_or_init(|| Messages { writer, reader }))
    }
}

async fn reaped(pid: Pid, entry: Arc<HelperEntry>) {
    ended(pid, &entry).await;
}

async fn pass_on_all(reader: Arc<AsyncFd<File>>, to: fn(&[u8])) {
    while let Ok(mut ready) = reader.readable().await {
        // The runtime sees to it that a program which never stops writing leaves time for others.
        let _ = ready.try_io(|reader| pass_on(reader.get_ref(), to));
    }
}

/// Passes on what the pipe holds.
fn pass_on(mut reader: &File, to: fn(&[u8])) -> io::Result<()> {
    let mut bytes = [0; MESSAGES];
    let length = reader.read(&mut bytes)?;
    to(&bytes[..length]);
    Ok(())
}

impl Job {
    /// The whole answer: all that the child has written when it ends. What it wrote to standard error is passed on first.
    ///
    /// # Errors
    /// There is more of it than is allowed, or it cannot be read.
    pub(crate) async fn answered(&mut self) -> io::Result<&[u8]> {
        while self.answer.read(&self.output).await.map_err(io::Error::other)? == More::Perhaps {}
        self.has_answered = true;
        self.offload.pass_on_messages();
        Ok(self.answer.bytes())
    }

    /// What it answers through.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.output.get_ref().as_raw_fd()
    }

    /// The same as [`Self::answered`] in another child, which was given the [`Self::descriptor`] and may block.
    pub(crate) fn answered_here(&mut self) -> &[u8] {
        let mut ready = libc::pollfd { fd: self.descriptor(), events: libc::POLLIN, revents: 0 };
        loop {
            match self.answer.read_once(self.output.get_ref()) {
                Ok(Some(More::Perhaps)) => {}
                Ok(None) => {
                    // SAFETY: the pointer is to one `pollfd` that outlives the call.
                    unsafe { libc::poll(&raw mut ready, 1, -1) };
                }
                Ok(Some(More::Never)) | Err(_) => return self.answer.bytes(),
            }
        }
    }

    /// Ends the child at once: one that runs no programs.
    pub(crate) fn kill(&self) {
        kill(self.pid, &self.entry);
    }
}

/// Its id is its own as long as it is in the books and not reaped, which happens on this thread alone.
fn kill(pid: Pid, entry: &HelperEntry) {
    if !entry.has_ended() {
        let _ = signals::send(pid, ProcessGroup::Shared, Signal::KILL);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.has_answered || self.entry.has_ended() {
            return;
        }
        let _ = signals::send(self.pid, ProcessGroup::Shared, child::ending_signal());
        if let Ok(runtime) = Handle::try_current() {
            let (pid, entry) = (self.pid, Arc::clone(&self.entry));
            runtime.spawn(async move {
                tokio::time::sleep(GRACE).await;
                kill(pid, &entry);
            });
        }
    }
}
