//! The children that run the command, and what the supervision waits for.

use super::ProcessHost;
use crate::process::{Arrival, ChildChange, Pid};
use crate::supervise::machine::CommandInput;
use crate::sys::child::Child;
use crate::sys::ready::ReadyPipe;
use std::future::{pending, poll_fn};
use std::io;
use std::task::Poll;

/// A child that runs the command.
#[derive(Debug)]
pub(super) struct RunningChild {
    pub(super) child: Child,
    /// Whether its exit was returned. It is then a zombie until it is reaped.
    pub(super) ended: bool,
    /// The pipe of `--ready fd:N`, until the child has closed it without a newline.
    pub(super) ready: Option<ReadyPipe>,
    /// Whether the child has written a newline to the pipe.
    pub(super) is_ready: bool,
}

impl RunningChild {
    pub(super) fn change(&mut self) -> Option<ChildChange> {
        if self.ended {
            return None;
        }
        let change = self.child.change();
        self.ended = matches!(change, Some(ChildChange::Ended(_)));
        change
    }
}

impl ProcessHost<'_> {
    /// Waits for the outcome of execve(2). Never returns if no child is starting.
    pub(super) async fn outcome(&self) -> io::Result<Child> {
        match &self.starting {
            Some((starting, _)) => starting.outcome().await,
            None => pending().await,
        }
    }

    /// Waits for a signal. If a child is starting, first waits a little for its outcome only.
    pub(super) async fn arrival(&self) -> io::Result<Arrival> {
        if let Some((starting, _)) = &self.starting {
            starting.outcome_only().await;
        }
        self.signal_reader.next().await
    }

    /// Waits until a child has written a newline to its pipe of `--ready fd:N`, or has closed the pipe before. Returns
    /// which it is, and whether there was a newline. Meanwhile reads what other children write after their newline.
    pub(super) async fn readiness(&self) -> (Pid, bool) {
        let newline = async |running: &RunningChild| match &running.ready {
            Some(pipe) if running.is_ready => match pipe.drain().await {},
            Some(pipe) => pipe.has_newline().await,
            None => pending().await,
        };
        let with_pipe = self.running.iter().filter(|running| running.ready.is_some());
        let mut waiting: Vec<_> = with_pipe.map(|running| (running.child.pid(), Box::pin(newline(running)))).collect();
        poll_fn(|context| {
            let ready = waiting.iter_mut().find_map(|(pid, pipe)| match pipe.as_mut().poll(context) {
                Poll::Ready(has_newline) => Some((*pid, has_newline)),
                Poll::Pending => None,
            });
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Returns the input for [`Self::readiness`].
    pub(super) fn readiness_input(&mut self, (pid, has_newline): (Pid, bool)) -> CommandInput {
        if let Some(running) = self.running.iter_mut().find(|running| running.child.pid() == pid) {
            running.is_ready = has_newline;
            running.ready.take_if(|_| !has_newline);
        }
        match self.sockets.ready() {
            Some(descriptor) if !has_newline => CommandInput::ReadyClosed(pid, descriptor),
            Some(_) | None => CommandInput::Ready(pid),
        }
    }
}

/// Returns the child with this process ID.
pub(super) fn child(running: &mut [RunningChild], pid: Pid) -> Option<&mut Child> {
    running.iter_mut().map(|running| &mut running.child).find(|child| child.pid() == pid)
}
