//! Replacing a credentials file in a separate process, because a file system may block a process forever.
//!
//! There is only one such process at a time. If an earlier process is still running, xassume waits for it first,
//! because the earlier process could otherwise replace the newer session with its older one. Each process sends the
//! identity of its new file before the rename, so that the file can be removed at the end even if the rest of the
//! answer does not come.

use super::replace::{Identity, not_replaced, replace_by};
use crate::error::{Reason, reason_of};
use crate::event::Problem;
use crate::session::Secret;
use crate::sys::offload::{Life, Offload, Unfinished};
use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// The time limit for writing, syncing and renaming a file. A busy disk takes several seconds.
const LIMIT: Duration = Duration::from_secs(10);
/// The marks in an answer. An answer consists of the identity of the new file (if there is a file) and then the
/// outcome. Each of the two parts begins with one of these marks.
const IDENTITY: u8 = b'i';
const DONE: u8 = b'd';
const FAILED: u8 = b'f';
const MAX_BYTES: usize = 4 << 10;

/// A path to which files are written, and the files that were written to it.
pub(super) struct Replaced {
    pub(super) path: PathBuf,
    /// The path of the temporary file in the same directory. It is chosen by the process that starts the writer and not
    /// by the writer, so that the next writer can remove the file if this one leaves it.
    temporary: PathBuf,
    mode: u32,
    /// The files that may be at the path now: the newest file whose writing was confirmed, and all later files, whose
    /// writing was not confirmed.
    files: RefCell<Vec<Identity>>,
    /// The process for which xassume no longer waits.
    pub(super) unfinished: Unfinished,
}

impl Replaced {
    pub(super) fn new(path: PathBuf, temporary: PathBuf, mode: u32) -> Self {
        Self { path, temporary, mode, files: RefCell::default(), unfinished: Unfinished::default() }
    }

    /// Writes a file, and writes its identity and the outcome to `answer`. Usually runs in a child process.
    fn write(&self, contents: &Secret, answer: &mut impl Write) {
        let announce = |identity: Identity| {
            answer.write_all(&[IDENTITY])?;
            answer.write_all(&identity.to_bytes())
        };
        let _ = std::fs::remove_file(&self.temporary);
        let written = replace_by(&self.temporary, &self.path, contents.reveal().as_bytes(), self.mode, announce);
        // An error is ignored, because it means that the parent is gone, and then the answer is not needed.
        let _ = match written {
            Ok(()) => answer.write_all(&[DONE]),
            Err(error) => answer.write_all(&[&[FAILED], reason_of(&error).as_bytes()].concat()),
        };
    }

    /// Records which file a process has written, according to the whole answer of that process.
    ///
    /// # Errors
    /// Returns the reason why the file is not in place. If the process ended before it sent the outcome, the file may
    /// be in place anyway.
    fn note(&self, answer: &[u8]) -> Result<(), String> {
        let announced = answer.strip_prefix(&[IDENTITY]).and_then(|rest| rest.split_first_chunk());
        let identity = announced.map(|(identity, _)| Identity::from_bytes(*identity));
        match announced.map_or(answer, |(_, rest)| rest) {
            [DONE] => {
                self.files.replace(identity.into_iter().collect());
                Ok(())
            }
            [FAILED, reason @ ..] => Err(String::from_utf8_lossy(reason).into_owned()),
            _ => {
                self.files.borrow_mut().extend(identity);
                Err("the process that writes it was killed".into())
            }
        }
    }

    /// Does the same for an answer that may not have been received.
    fn note_answer(&self, answer: io::Result<Vec<u8>>) -> Result<(), String> {
        self.note(&answer.map_err(|error| reason_of(&error))?)
    }

    /// Returns whether xassume has written a file and not yet removed it.
    pub(super) fn is_there(&self) -> bool {
        !self.files.borrow().is_empty()
    }

    /// Removes the file at the path if xassume wrote it, and the temporary file of a process that was killed. A file
    /// from another program stays.
    pub(super) fn remove(&self) {
        let _ = std::fs::remove_file(&self.temporary);
        for identity in self.files.borrow().iter() {
            identity.remove(&self.path);
        }
    }

    /// Does the same as [`Self::remove`] at the end of the run, in a child process. If there is an unfinished process,
    /// first waits for it.
    pub(super) fn remove_at_last(&self) {
        if let Some(mut job) = self.unfinished.take() {
            let _ = self.note(job.answered_here());
        }
        self.remove();
    }
}

/// Writes the file in a child process.
///
/// # Errors
/// The file system reports an error, or does not answer within [`LIMIT`]. After an error of the file system, the
/// previous file is still in place. After a timeout, either the previous or the new file may be in place.
pub(super) async fn publish(file: Rc<Replaced>, contents: Secret, offload: Offload) -> Result<(), Problem> {
    let written = async {
        if let Some(answer) = file.unfinished.earlier().await {
            // The result of the earlier process is recorded, but not reported, because it has already been reported as
            // a failure.
            let _ = file.note_answer(answer);
        }
        match offload.start(Life::Bound, MAX_BYTES, |answer| file.write(&contents, answer)) {
            Ok(job) => file.note_answer(file.unfinished.answer(job).await),
            // No process can be started, and no file has been written yet. So the file is written in this process. The
            // error is not reported here, because starting the command will fail for the same reason, and then it is
            // reported.
            Err(_) if !file.is_there() => {
                let mut answer = Vec::new();
                file.write(&contents, &mut answer);
                file.note(&answer)
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
    Err(Problem::new(Reason::File, not_replaced(&file.path, &reason)).with_hint(hint))
}
