//! A file that is put in its place as a whole, again and again, and removed at the end if it is still the run's.

use super::publish::{Order, Put, publish};
use super::replace::{remove_leftovers, temporary, try_replace};
use super::trusted::Group;
use crate::deliver::location::{Kind, place};
use crate::error::{Error, reason_of};
use crate::event::Problem;
use crate::session::Secret;
use crate::sys::offload::{Job, Offload};
use std::cell::RefCell;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The file; removed when dropped, unless another run has put one in its place.
pub(crate) struct PublishedFile {
    path: PathBuf,
    /// What stands beside it while it is written.
    temporary: PathBuf,
    mode: u32,
    /// What was put there.
    put: Rc<RefCell<Put>>,
}

impl PublishedFile {
    /// A file at a path that the user chose, after removing what killed runs have left beside it: it may hold a secret.
    /// Nothing is written yet.
    ///
    /// # Errors
    /// When its directory is missing, is a link, or one in which another user could exchange the file.
    pub(super) fn at(path: &Path, kind: &Kind, mode: u32) -> Result<Self, Error> {
        let path = place(path, kind, Group::of_mode(mode))?;
        remove_leftovers(&path);
        Self::new(path, mode)
    }

    /// Finds out whether so many bytes could be kept at such a path. A file that is there is neither replaced nor removed:
    /// it may be that of another run.
    ///
    /// # Errors
    /// Those of [`Self::at`], else those of the first [`Self::put`].
    pub(super) fn try_at(path: &Path, kind: &Kind, mode: u32, length: usize) -> Result<(), Error> {
        let path = place(path, kind, Group::of_mode(mode))?;
        try_replace(&path, length, mode).map_err(|error| unwritten(not_replaced(&path, &reason_of(&error))))
    }

    /// A file in a directory of the run's.
    ///
    /// # Errors
    /// The kernel gives no random bytes.
    pub(super) fn new(path: PathBuf, mode: u32) -> Result<Self, Error> {
        let temporary = temporary(&path).map_err(|error| unwritten(not_replaced(&path, &reason_of(&error))))?;
        Ok(Self { temporary, path, mode, put: Rc::default() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether something was put there.
    pub(super) fn is_there(&self) -> bool {
        self.put.borrow().is_there()
    }

    /// Puts these contents in the place of those before. Drop the future, and they may be there or not.
    ///
    /// # Errors
    /// Those of the file system; the file before is then still there. Or that it does not answer.
    pub(super) fn put(&self, contents: Secret, offload: &Offload) -> impl Future<Output = Result<(), Problem>> + use<> {
        let (path, temporary) = (self.path.clone(), self.temporary.clone());
        publish(Order { path, temporary, contents, mode: self.mode }, Rc::clone(&self.put), offload.clone())
    }

    /// The answer of a process that was not waited for: [`Self::remove_at_last`] reads it.
    pub(crate) fn unread(&self) -> Option<RawFd> {
        self.put.borrow().unfinished.as_ref().map(Job::descriptor)
    }

    /// Removes the file and what stands beside it, in a child of `Life::Free` that was given [`Self::unread`].
    pub(crate) fn remove_at_last(&self) {
        self.put.borrow_mut().remove_at_last(&self.path, &self.temporary);
    }
}

impl Drop for PublishedFile {
    fn drop(&mut self) {
        self.put.borrow().remove(&self.path);
    }
}

/// Why the first session cannot be put into a file.
pub(crate) fn unwritten(reason: String) -> Error {
    Error::Serve { what: "by a file", reason, hint: "is its file system full, or one in which no file can be made?" }
}

pub(super) fn not_replaced(path: &Path, reason: &str) -> String {
    format!("cannot replace {}: {reason}", path.display())
}
