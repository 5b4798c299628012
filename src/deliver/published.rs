//! A file that is replaced atomically, and removed at the end of the run unless another run has replaced it.

use super::publish::{Replaced, publish};
use super::replace::{not_replaced, remove_leftovers, temporary, try_replace};
use super::trusted::GroupWrite;
use crate::deliver::location::{FileKind, locate};
use crate::error::{Error, reason_of};
use crate::event::Problem;
use crate::session::Secret;
use crate::sys::offload::Offload;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A file that this run writes. Dropping this value removes the file, unless another run has replaced it.
pub(crate) struct PublishedFile(Rc<Replaced>);

impl PublishedFile {
    /// Prepares a file at a path from the user, without writing it. Removes the temporary files that killed runs have
    /// left, because they may contain a secret.
    ///
    /// # Errors
    /// The same errors as for [`locate`]. Also fails if the kernel gives no random bytes.
    pub(crate) fn at(path: &Path, kind: &FileKind, mode: u32) -> Result<Self, Error> {
        let path = locate(path, kind, GroupWrite::of_mode(mode))?;
        remove_leftovers(&path);
        Self::new(path, mode)
    }

    /// Checks whether a file could be written at this path, and returns its absolute path. An existing file is neither
    /// replaced nor removed, because another run may use it.
    ///
    /// # Errors
    /// The same errors as for [`Self::at`] and for the first call of [`Self::put`].
    pub(crate) fn try_at(path: &Path, kind: &FileKind, mode: u32) -> Result<PathBuf, Error> {
        let path = locate(path, kind, GroupWrite::of_mode(mode))?;
        let tried = try_replace(&path, kind.max_bytes, mode);
        tried.map_err(|error| unwritten(not_replaced(&path, &reason_of(&error))))?;
        Ok(path)
    }

    /// Prepares a file in a private directory, without writing it.
    ///
    /// # Errors
    /// The kernel gives no random bytes.
    pub(crate) fn new(path: PathBuf, mode: u32) -> Result<Self, Error> {
        let temporary = temporary(&path).map_err(|error| unwritten(not_replaced(&path, &reason_of(&error))))?;
        Ok(Self(Rc::new(Replaced::new(path, temporary, mode))))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Removes the file of an earlier run, which must have ended.
    pub(crate) fn remove_earlier(&self) {
        // An error is ignored, because writing the file then fails too, or replaces it.
        let _ = std::fs::remove_file(self.path());
    }

    /// Checks whether a file of this run is in place.
    pub(crate) fn is_there(&self) -> bool {
        self.0.is_there()
    }

    /// Replaces the contents of the file. If the future is dropped early, either the old or the new contents may be in
    /// place.
    ///
    /// # Errors
    /// The file system reports an error or does not answer in time.
    pub(crate) fn put(&self, contents: Secret, offload: &Offload) -> impl Future<Output = Result<(), Problem>> + use<> {
        publish(Rc::clone(&self.0), contents, offload.clone())
    }

    /// Returns the descriptor from which [`Self::remove_at_last`] will read the answer of a process that has not
    /// finished. Returns `None` if there is no such process.
    pub(crate) fn unread(&self) -> Option<RawFd> {
        self.0.unfinished.descriptor()
    }

    /// Removes the file and the temporary file. Must be called in a child that was started with `Life::Free` and with
    /// the descriptor from [`Self::unread`].
    pub(crate) fn remove_at_last(&self) {
        self.0.remove_at_last();
    }
}

impl Drop for PublishedFile {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// Returns the error for a file that cannot be written when the first session is delivered.
pub(crate) fn unwritten(reason: String) -> Error {
    let hint = "check that files can be created in the directory, and that its file system is not full or read-only";
    Error::Cannot { what: "deliver the session", reason, hint: Some(hint) }
}
