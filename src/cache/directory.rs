//! The directory in which sessions are cached. Only this user can access it. Its files are opened relative to the
//! directory's descriptor, not by path.
//!
//! A directory or file is not used if it belongs to another user, if other users have any permission on it, or if it is
//! a symbolic link or a special file.

use super::file::MAX_BYTES;
use super::key::Key;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The suffixes of the file names. Each file name begins with a key.
const SESSION: &str = "session";
const LOCK: &str = "lock";
const NEW: &str = "new";
/// The permission bits of all users except the owner.
const OTHERS: u32 = 0o077;
/// Reasons for not using a directory or a file.
const FOREIGN: &str = "it belongs to another user";
const NO_FILE: &str = "not a regular file";
/// The number of bytes that are reserved on the disk before STS is called. A session needs less.
const ROOM: usize = 8 << 10;

/// The path of a cache directory, and which missing directories may be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) make: Make,
}

impl Place {
    /// Checks whether this is a default directory that belongs to another user, as under `sudo`. It contains no sessions
    /// of this user.
    pub(super) fn is_of_other_user(&self) -> bool {
        let found = std::fs::symlink_metadata(&self.path);
        self.make != Make::Path && found.is_ok_and(|found| found.uid() != geteuid().as_raw())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    /// Creates only the last directory of the path. Its parent must exist and belong to this user.
    Directory,
    /// Creates each missing directory of the path, but only if the last existing directory belongs to this user. Under
    /// `sudo`, the home directory may belong to another user, who could not use directories that root creates there.
    OwnPath,
    /// Creates each missing directory of the path.
    Path,
}

/// An open directory. Since it was opened, another directory may have been put at its path.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    handle: File,
}

/// The kind of a file in the cache, according to the suffix of the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Session,
    Lock,
    New,
}

impl Directory {
    /// Opens an existing directory that only this user can access.
    ///
    /// # Errors
    /// Fails if the directory cannot be opened, belongs to another user, or has a mode that gives other users access.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let directory = Self::open_own(path)?;
        let mode = directory.handle.metadata()?.mode();
        if mode & OTHERS == 0 {
            Ok(directory)
        } else {
            Err(refused(format!("wrong mode {:03o} (expected 700)", mode & 0o777)))
        }
    }

    /// Opens a directory of this user, even if its mode gives other users access, so that files in it can be removed.
    pub(super) fn open_own(path: &Path) -> io::Result<Self> {
        let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let handle = opened.map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP | libc::ENOTDIR) => refused("not a directory".into()),
            _ => error,
        })?;
        if handle.metadata()?.uid() != geteuid().as_raw() {
            return Err(refused(FOREIGN.into()));
        }
        Ok(Self { path: path.to_owned(), handle })
    }

    /// Opens the directory at a place, and creates the directory if it is missing.
    pub(super) fn make(place: &Place) -> io::Result<Self> {
        match Self::open(&place.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        let around = place.path.ancestors().skip(1).find_map(|directory| std::fs::metadata(directory).ok());
        if place.make != Make::Path && around.is_none_or(|around| around.uid() != geteuid().as_raw()) {
            return Err(refused("not found, and the parent directory belongs to another user".into()));
        }
        let mut builder = DirBuilder::new();
        match builder.mode(0o700).recursive(place.make != Make::Directory).create(&place.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Self::open(&place.path),
        }
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks whether the path of this directory still leads to this directory.
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        let (here, there) = (self.handle.metadata()?, std::fs::symlink_metadata(&self.path));
        Ok(there.is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino())))
    }

    /// Returns the path of the file that contains the session of a key.
    pub(super) fn path_of(&self, key: &Key) -> PathBuf {
        self.path.join(name(key, SESSION))
    }

    /// Reads the file that contains the session of a key. Never blocks.
    ///
    /// # Errors
    /// `NotFound` if there is no such file. Other errors say why the file cannot be used.
    pub(super) fn read(&self, key: &Key) -> io::Result<Zeroizing<Vec<u8>>> {
        self.read_name(&name(key, SESSION))
    }

    pub(super) fn read_name(&self, name: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        let file = self.open_file(name, OFlag::O_RDONLY).map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => refused("it is a symlink".into()),
            Some(libc::ENXIO) => refused(NO_FILE.into()),
            _ => error,
        })?;
        let found = file.metadata()?;
        check_private(&found)?;
        let length = usize::try_from(found.len()).ok().filter(|length| *length <= MAX_BYTES);
        let length = length.ok_or_else(|| refused("too large for a session".into()))?;
        // The buffer is large enough from the start, because a buffer that grows would leave a copy of the secrets in
        // memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Opens the lock file of a key and creates it if it is missing. The lock file is always empty.
    pub(super) fn lock_file(&self, key: &Key) -> io::Result<File> {
        let file = self.open_file(&name(key, LOCK), OFlag::O_RDWR | OFlag::O_CREAT)?;
        check_private(&file.metadata()?).map_err(|error| refused(format!("lock file: {error}")))?;
        Ok(file)
    }

    /// Checks whether this open file is still the lock file of the key. A sweep may have removed the file, and another
    /// process may have created a new one with the same name.
    pub(super) fn is_lock(&self, key: &Key, file: &File) -> io::Result<bool> {
        let (held, named) = (file.metadata()?, self.status(&name(key, LOCK)));
        Ok(named.is_ok_and(|named| (named.st_dev, named.st_ino) == (held.dev(), held.ino())))
    }

    /// Creates a temporary file that is at least as large as a session, so that a full disk is noticed before STS is
    /// called.
    pub(super) fn reserve(&self, key: &Key) -> io::Result<Reserved> {
        let name = format!("{}.{:016x}.{NEW}", key.as_str(), random());
        let file = self.open_file(&name, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL)?;
        let mut reserved = Reserved { name, file };
        match reserved.file.write_all(&[0; ROOM]) {
            Ok(()) => Ok(reserved),
            Err(error) => {
                self.discard(&reserved);
                Err(error)
            }
        }
    }

    /// Replaces the session of a key. A reader sees the complete old file or the complete new file.
    pub(super) fn replace(&self, key: &Key, mut reserved: Reserved, bytes: &[u8]) -> io::Result<()> {
        let file = &mut reserved.file;
        let written =
            file.rewind().and_then(|()| file.write_all(bytes)).and_then(|()| file.set_len(bytes.len() as u64));
        let renamed = written.and_then(|()| {
            Ok(renameat(&self.handle, reserved.name.as_str(), &self.handle, name(key, SESSION).as_str())?)
        });
        renamed.inspect_err(|_| self.discard(&reserved))
    }

    pub(super) fn discard(&self, reserved: &Reserved) {
        // If the file cannot be removed, a later sweep removes it.
        let _ = self.remove(&reserved.name);
    }

    /// Returns the names and kinds of all files in this directory that belong to the cache.
    pub(super) fn names(&self) -> io::Result<Vec<(String, Kind)>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut entries = Dir::openat(&self.handle, ".", flags, Mode::empty())?;
        let named = entries.iter().flatten().filter_map(|entry| {
            let name = entry.file_name().to_str().ok()?;
            Some((name.to_owned(), kind(name)?))
        });
        Ok(named.collect())
    }

    pub(super) fn status(&self, name: &str) -> io::Result<FileStat> {
        Ok(fstatat(&self.handle, name, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// Removes the session of a key, if it exists.
    pub(super) fn remove_session(&self, key: &Key) -> io::Result<()> {
        self.remove(&name(key, SESSION)).map(drop)
    }

    /// Removes a file, if it exists. Returns whether it existed.
    pub(super) fn remove(&self, name: &str) -> io::Result<bool> {
        match unlinkat(&self.handle, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a file. Fails if the file is a symbolic link. Does not block if the file is a FIFO.
    pub(super) fn open_file(&self, name: &str, flags: OFlag) -> io::Result<File> {
        let always = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        Ok(openat(&self.handle, name, flags | always, Mode::S_IRUSR | Mode::S_IWUSR)?.into())
    }
}

/// A temporary file that reserves disk space and will become the file of a session.
#[derive(Debug)]
pub(super) struct Reserved {
    name: String,
    file: File,
}

fn name(key: &Key, suffix: &str) -> String {
    format!("{}.{suffix}", key.as_str())
}

fn kind(name: &str) -> Option<Kind> {
    let (key, rest) = name.split_once('.')?;
    let known = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    match rest.rsplit('.').next()? {
        _ if !known => None,
        SESSION => Some(Kind::Session),
        LOCK => Some(Kind::Lock),
        NEW => Some(Kind::New),
        _ => None,
    }
}

/// Rejects a file that is not a regular file, belongs to another user, or gives other users any permission.
fn check_private(found: &Metadata) -> io::Result<()> {
    let reason = if !found.is_file() {
        NO_FILE.to_owned()
    } else if found.uid() != geteuid().as_raw() {
        FOREIGN.to_owned()
    } else if found.mode() & OTHERS != 0 {
        format!("wrong mode {:03o} (expected 600)", found.mode() & 0o777)
    } else {
        return Ok(());
    };
    Err(refused(reason))
}

fn refused(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}

/// Returns a random number for file names and pauses. It must not be used for secrets.
pub(super) fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests;
