//! Replacing a credentials file by a separate process, which may hang with its file system.
//!
//! There is one such process at a time: if the one before hangs, it is waited for first, or an older session could
//! replace a newer one. Each sends the identity of its file before the rename, so that the file can be removed at the
//! end even if no answer came.

use super::replace::{Identity, not_replaced, replace_by};
use crate::error::reason_of;
use crate::event::Problem;
use crate::session::Secret;
use crate::sys::offload::{Job, Life, Offload};
use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// The time limit for writing, syncing and renaming a file; a busy disk takes seconds.
const LIMIT: Duration = Duration::from_secs(10);
/// An answer is an identity, if there is a file, and the outcome. Each begins with one of these marks.
const IDENTITY: u8 = b'i';
const DONE: u8 = b'd';
const FAILED: u8 = b'f';
const MAX_BYTES: usize = 4 << 10;

/// A file to be written.
pub(super) struct WriteJob {
    pub(super) path: PathBuf,
    /// This process chooses the name, not the one that writes: the next one removes what that leaves.
    pub(super) temporary: PathBuf,
    pub(super) contents: Secret,
    pub(super) mode: u32,
}

/// The files that were written.
#[derive(Default)]
pub(super) struct Put {
    /// One of these is in place: the last that was confirmed, or one of the later ones that were not.
    files: Vec<Identity>,
    /// A process that was no longer waited for. It was killed; it may not have ended.
    pub(super) unfinished: Option<Job>,
}

impl WriteJob {
    /// The work of the child.
    fn run(&self, answer: &mut impl Write) {
        let Self { path, temporary, contents, mode } = self;
        let announce = |identity: Identity| {
            answer.write_all(&[IDENTITY])?;
            answer.write_all(&identity.to_bytes())
        };
        let _ = std::fs::remove_file(temporary);
        let written = replace_by(temporary, path, contents.reveal().as_bytes(), *mode, announce);
        // A parent that is gone needs no answer.
        let _ = match written {
            Ok(()) => answer.write_all(&[DONE]),
            Err(error) => answer.write_all(&[&[FAILED], reason_of(&error).as_bytes()].concat()),
        };
    }
}

impl Put {
    /// Records a whole answer.
    ///
    /// # Errors
    /// Why the file is not in place; or that it may be, and the process ended before it said so.
    fn note(&mut self, answer: &[u8]) -> Result<(), String> {
        let announced = answer.strip_prefix(&[IDENTITY]).and_then(|rest| rest.split_first_chunk());
        let identity = announced.map(|(identity, _)| Identity::from_bytes(*identity));
        match announced.map_or(answer, |(_, rest)| rest) {
            [DONE] => {
                self.files = identity.into_iter().collect();
                Ok(())
            }
            [FAILED, reason @ ..] => Err(String::from_utf8_lossy(reason).into_owned()),
            _ => {
                self.files.extend(identity);
                Err("the process that writes it was killed".into())
            }
        }
    }

    /// Whether one of these files is in place.
    pub(super) fn is_there(&self) -> bool {
        !self.files.is_empty()
    }

    /// Removes the file that is in place, if it is one of these.
    pub(super) fn remove(&self, path: &Path) {
        for identity in &self.files {
            identity.remove(path);
        }
    }

    /// The same at the end, in a child: it first waits for the unfinished process, and removes the file that that left
    /// at `temporary`.
    pub(super) fn remove_at_last(&mut self, path: &Path, temporary: &Path) {
        if let Some(mut job) = self.unfinished.take() {
            let _ = self.note(job.answered_here());
            let _ = std::fs::remove_file(temporary);
        }
        self.remove(path);
    }
}

/// A running process. If it is no longer waited for, it is killed and kept.
struct Running {
    job: Option<Job>,
    put: Rc<RefCell<Put>>,
}

impl Running {
    fn new(job: Job, put: &Rc<RefCell<Put>>) -> Self {
        Self { job: Some(job), put: Rc::clone(put) }
    }

    /// Waits for its end.
    async fn finish(mut self) -> Result<(), String> {
        let Some(job) = &mut self.job else { return Ok(()) };
        let noted = match job.answered().await {
            Ok(answer) => self.put.borrow_mut().note(answer),
            Err(error) => Err(reason_of(&error)),
        };
        self.job = None;
        noted
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            job.kill();
            self.put.borrow_mut().unfinished = Some(job);
        }
    }
}

/// Writes the file.
///
/// # Errors
/// Errors of the file system, or no answer from it. The previous file is then still in place.
pub(super) async fn publish(job: WriteJob, put: Rc<RefCell<Put>>, offload: Offload) -> Result<(), Problem> {
    let written = async {
        let earlier = put.borrow_mut().unfinished.take();
        if let Some(job) = earlier {
            // Its result is recorded. It was reported as a failure before.
            let _ = Running::new(job, &put).finish().await;
        }
        match offload.start(Life::Bound, MAX_BYTES, |answer| job.run(answer)) {
            Ok(job) => Running::new(job, &put).finish().await,
            // Before the first start: starting the command will fail for the same reason and report it.
            Err(_) if put.borrow().files.is_empty() => {
                let mut answer = Vec::new();
                job.run(&mut answer);
                put.borrow_mut().note(&answer)
            }
            Err(error) => Err(reason_of(&error)),
        }
    };
    let (reason, hint) = match tokio::time::timeout(LIMIT, written).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(reason)) => (reason, "the previous file is still there; is its file system full?"),
        Err(_) => (
            format!("its file system did not answer within {}", humantime::format_duration(LIMIT)),
            "is its file system frozen, or its server unreachable?",
        ),
    };
    Err(Problem { text: not_replaced(&job.path, &reason), hint: Some(hint.into()) })
}
