//! A job for which xassume no longer waits, and which must end before the next one begins.

use super::Job;
use std::cell::RefCell;
use std::io;
use std::os::fd::RawFd;

/// A place for such a job. Its child was killed, but the child may not have ended yet.
#[derive(Default)]
pub(crate) struct Unfinished(RefCell<Option<Job>>);

/// A job that is kept in the given place if this value is dropped.
struct Running<'a>(Option<Job>, &'a Unfinished);

impl Unfinished {
    /// Waits for the job in this place to end, and returns its answer. Returns `None` if there is no job.
    pub(crate) async fn earlier(&self) -> Option<io::Result<Vec<u8>>> {
        let job = self.take()?;
        Some(self.answer(job).await)
    }

    /// Waits for the job to end, and returns its answer. If the future is dropped before, the child is killed, and the
    /// job is put in this place. The child must run no programs, because these would keep running.
    ///
    /// # Errors
    /// The errors of [`Job::answered`].
    pub(crate) async fn answer(&self, job: Job) -> io::Result<Vec<u8>> {
        let mut running = Running(Some(job), self);
        let Running(Some(job), _) = &mut running else { return Ok(Vec::new()) };
        let answer = job.answered().await.map(<[u8]>::to_vec);
        running.0 = None;
        answer
    }

    pub(crate) fn take(&self) -> Option<Job> {
        self.0.take()
    }

    /// Returns the descriptor from which the answer of the job in this place is read.
    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        self.0.borrow().as_ref().map(Job::descriptor)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.0.take() {
            job.kill();
            self.1.0.replace(Some(job));
        }
    }
}
