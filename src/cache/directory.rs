//! The directory of kept sessions: private to this user, and every access by its descriptor.
//!
//! It knows names, owners and modes, not what is in a file. A directory or a file that is somebody else's, open to
//! others, a link or no plain file is not used.

use super::file::MOST_BYTES;
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

/// What stands behind a key in the names of files.
const SESSION: &str = "session";
const LOCK: &str = "lock";
const NEW: &str = "new";
/// What others than the owner may do.
const OTHERS: u32 = 0o077;
/// What is wrong with a directory or a file.
const FOREIGN: &str = "it belongs to another user";
const NO_FILE: &str = "not a regular file";
/// How much room is made sure of before STS is asked: more than a session takes.
const ROOM: usize = 8 << 10;

/// Where a directory may be, and what of its path may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) make: Make,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    /// The directory alone, in a directory of this user's that is there already.
    Directory,
    /// Every missing directory of the path, from a directory of this user's on. With `sudo` the home may be another's, and
    /// what root made there would shut its owner out.
    OwnPath,
    /// Every missing directory of the path, wherever it begins.
    Path,
}

/// An open directory. It stays the same one even when its path leads elsewhere by now.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    handle: File,
}

/// What the name of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Session,
    Lock,
    New,
}

impl Directory {
    /// Opens a directory that is there and is this user's alone.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let directory = Self::open_own(path)?;
        let mode = directory.handle.metadata()?.mode();
        if mode & OTHERS == 0 {
            Ok(directory)
        } else {
            Err(refused(format!("wrong mode {:03o} (expected 700)", mode & 0o777)))
        }
    }

    /// Opens a directory that belongs to this user, whoever else may look into it: good enough to remove files.
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

    /// Opens the directory of a place, made first if need be.
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

    /// Whether its path still leads to it.
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        let (here, there) = (self.handle.metadata()?, std::fs::symlink_metadata(&self.path));
        Ok(there.is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino())))
    }

    /// Where a key's session is, or would be.
    pub(super) fn path_of(&self, key: &Key) -> PathBuf {
        self.path.join(session(key))
    }

    /// The bytes of a key's session. Waits for nobody, whatever it is.
    ///
    /// # Errors
    /// `NotFound`, or why the file cannot be trusted.
    pub(super) fn read(&self, key: &Key) -> io::Result<Zeroizing<Vec<u8>>> {
        self.read_name(&session(key))
    }

    pub(super) fn read_name(&self, name: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        let file = self.open_file(name, OFlag::O_RDONLY).map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => refused("it is a symlink".into()),
            Some(libc::ENXIO) => refused(NO_FILE.into()),
            _ => error,
        })?;
        let found = file.metadata()?;
        check_private(&found)?;
        let length = usize::try_from(found.len()).ok().filter(|length| *length <= MOST_BYTES);
        let length = length.ok_or_else(|| refused("too large for a session".into()))?;
        // Large enough from the start: a buffer that grows would leave its old self behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The file that is locked for a key; it is never written to.
    pub(super) fn lock_file(&self, key: &Key) -> io::Result<File> {
        let file = self.open_file(&lock(key), OFlag::O_RDWR | OFlag::O_CREAT)?;
        check_private(&file.metadata()?).map_err(|error| refused(format!("lock file: {error}")))?;
        Ok(file)
    }

    /// Whether the key's lock is still that file: another may have been made after a sweep.
    pub(super) fn is_lock(&self, key: &Key, file: &File) -> io::Result<bool> {
        let (held, named) = (file.metadata()?, self.status(&lock(key)));
        Ok(named.is_ok_and(|named| (named.st_dev, named.st_ino) == (held.dev(), held.ino())))
    }

    /// A new file that already takes the room of a session, so that a full disk is noticed before STS is asked.
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

    /// Puts the bytes in the place of the key's session: readers see the old one or the new one, never a part.
    pub(super) fn replace(&self, key: &Key, reserved: &mut Reserved, bytes: &[u8]) -> io::Result<()> {
        let file = &mut reserved.file;
        file.rewind()?;
        file.write_all(bytes)?;
        file.set_len(bytes.len() as u64)?;
        renameat(&self.handle, reserved.name.as_str(), &self.handle, session(key).as_str())?;
        Ok(())
    }

    pub(super) fn discard(&self, reserved: &Reserved) {
        // What stays is swept later.
        let _ = self.remove(&reserved.name);
    }

    /// The files of the cache, by name. Others are not looked at.
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

    /// Removes a key's session, if there is one.
    pub(super) fn forget(&self, key: &Key) -> io::Result<()> {
        self.remove(&session(key))
    }

    /// Removes a file; one that is gone already is no error.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.handle, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens without following a link and without waiting for the other end of a pipe.
    pub(super) fn open_file(&self, name: &str, flags: OFlag) -> io::Result<File> {
        let always = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        Ok(openat(&self.handle, name, flags | always, Mode::S_IRUSR | Mode::S_IWUSR)?.into())
    }
}

/// A file on its way to becoming a session.
#[derive(Debug)]
pub(super) struct Reserved {
    name: String,
    file: File,
}

fn session(key: &Key) -> String {
    format!("{}.{SESSION}", key.as_str())
}

fn lock(key: &Key) -> String {
    format!("{}.{LOCK}", key.as_str())
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

/// Refuses what is no plain file of this user's, or what others may read or write.
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

/// Different for each call and each process; good enough for names and for waiting times, not for secrets.
pub(super) fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests;
