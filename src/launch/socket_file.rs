//! The file of a Unix socket. A file that a killed run has left is replaced, and a file that is in use is not.
//!
//! Between bind(2) and listen(2) a socket refuses connections, so it looks like one that a killed run has left. And
//! between a check and the removal of a file, another run may replace the file. So all steps are taken under a lock.

use crate::error::{SocketRefusal, reason_of};
use crate::sys::boot::boottime;
use nix::unistd::geteuid;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{File, OpenOptions, TryLockError, remove_file, symlink_metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for the lock, which other runs have for milliseconds only.
const LOCK_LIMIT: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

const OTHER_PATH: &str = "use another path, in a directory in which only you can create files";

/// The file of a socket of this run.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Removes a socket that a killed run has left at the path, and then calls `listen`, which creates the socket.
    ///
    /// # Errors
    /// The path is in use, another file is there, or the file system reports an error.
    pub(super) fn create(path: &Path, listen: impl FnOnce() -> io::Result<()>) -> Result<Self, SocketRefusal> {
        let _lock = PathLock::take(path)?;
        remove_left(path)?;
        listen()?;
        let created = symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), device: created.dev(), inode: created.ino() })
    }

    /// Removes the file, unless another file is there now. Returns whether no file of this run is left.
    pub(super) fn remove(&self) -> bool {
        let Ok(_lock) = PathLock::take(&self.path) else { return false };
        match symlink_metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == (self.device, self.inode) => remove_file(&self.path).is_ok(),
            _ => true,
        }
    }
}

/// Removes a socket of this user on which no process listens. Succeeds if there is no file.
fn remove_left(path: &Path) -> Result<(), SocketRefusal> {
    let found = match symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(SocketRefusal::new("a file that is not a socket has this path", OTHER_PATH));
    }
    if found.uid() != geteuid().as_raw() {
        let reason = format!("a socket of another user (uid {}) has this path", found.uid());
        return Err(SocketRefusal::new(reason, OTHER_PATH));
    }
    let client = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // If the other process does not accept connections, a blocking connect(2) would wait for it.
    client.set_nonblocking(true)?;
    match client.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(remove_file(path)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(()) | Err(_) => {
            Err(SocketRefusal::new("another process uses this socket", "stop that process, or use another path"))
        }
    }
}

/// The lock file beside a socket. It exists only while it is locked.
struct PathLock {
    path: PathBuf,
    _file: File,
}

impl PathLock {
    fn take(socket: &Path) -> Result<Self, SocketRefusal> {
        let mut path = socket.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let unusable = |error: &io::Error| {
            SocketRefusal::new(format!("cannot lock {}: {}", path.display(), reason_of(error)), OTHER_PATH)
        };
        let begun = boottime();
        loop {
            let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
            let opening = OpenOptions::new().write(true).create(true).mode(0o600).custom_flags(flags).open(&path);
            // If there is no such file, the directory is the problem.
            let file = opening
                .map_err(|error| if symlink_metadata(&path).is_ok() { unusable(&error) } else { error.into() })?;
            let opened = file.metadata()?;
            if !opened.is_file() || opened.uid() != geteuid().as_raw() {
                let reason = format!("{} is not a regular file that belongs to you", path.display());
                return Err(SocketRefusal::new(reason, OTHER_PATH));
            }
            match file.try_lock() {
                // The process that had the lock has removed the file, unless this is still the file at the path.
                Ok(()) => {
                    let found = symlink_metadata(&path);
                    if found.is_ok_and(|found| (found.dev(), found.ino()) == (opened.dev(), opened.ino())) {
                        return Ok(Self { path, _file: file });
                    }
                }
                Err(TryLockError::WouldBlock) if boottime().saturating_sub(begun) < LOCK_LIMIT => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    let reason = format!("another process has {} locked", path.display());
                    return Err(SocketRefusal::new(reason, "end that process, or use another path"));
                }
                Err(TryLockError::Error(error)) => return Err(unusable(&error)),
            }
        }
    }
}

impl Drop for PathLock {
    fn drop(&mut self) {
        // Fields are dropped after this, so the file is removed while it is locked.
        let _ = remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    fn create(path: &Path) -> Result<(SocketFile, UnixListener), String> {
        let mut listener = None;
        let file = SocketFile::create(path, || {
            listener = Some(UnixListener::bind(path)?);
            Ok(())
        });
        file.map(|file| (file, listener.expect("bound"))).map_err(|refusal| refusal.reason)
    }

    fn entries(directory: &tempfile::TempDir) -> Vec<String> {
        let entries = std::fs::read_dir(directory.path()).expect("a directory");
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_socket_that_a_killed_run_has_left_is_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        drop(UnixListener::bind(&path).expect("bound"));
        let (file, _listener) = create(&path).expect("replaced");
        assert_eq!(entries(&directory), ["s"], "the lock file is gone");
        assert!(file.remove());
        assert_eq!(entries(&directory), [""; 0]);
    }

    #[test]
    fn a_socket_in_use_and_other_files_are_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        let _used = UnixListener::bind(at("used")).expect("bound");
        let _datagrams = UnixDatagram::bind(at("datagrams")).expect("bound");
        std::fs::write(at("file"), "x").expect("written");
        std::os::unix::fs::symlink("nowhere", at("link")).expect("a link");
        for (name, reason) in [
            ("used", "another process uses this socket"),
            ("datagrams", "another process uses this socket"),
            ("file", "a file that is not a socket has this path"),
            ("link", "a file that is not a socket has this path"),
            (".", "a file that is not a socket has this path"),
        ] {
            assert_eq!(create(&at(name)).err().as_deref(), Some(reason), "{name}");
        }
        assert_eq!(entries(&directory).len(), 4, "{:?}", entries(&directory));
    }

    #[test]
    fn a_socket_that_has_been_replaced_is_not_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let (old, _listener) = create(&path).expect("created");
        remove_file(&path).expect("there");
        let (new, _other) = create(&path).expect("created");
        assert!(old.remove() && path.exists());
        assert!(new.remove() && !path.exists());
    }

    #[test]
    fn a_lock_file_that_cannot_be_used_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let lock = directory.path().join("s.lock");
        let refusal = || SocketFile::create(&path, || Ok(())).expect_err("refused");
        let cannot_lock =
            |reason: &str| SocketRefusal::new(format!("cannot lock {}: {reason}", lock.display()), OTHER_PATH);
        std::os::unix::fs::symlink("nowhere", &lock).expect("a link");
        assert_eq!(refusal(), cannot_lock("Too many levels of symbolic links"));
        remove_file(&lock).expect("there");
        nix::unistd::mkfifo(&lock, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        assert_eq!(refusal(), cannot_lock("No such device or address"));
        remove_file(&lock).expect("there");
        std::fs::create_dir(&lock).expect("a directory");
        assert_eq!(refusal(), cannot_lock("Is a directory"));
        std::fs::remove_dir(&lock).expect("there");
        let held = File::create(&lock).expect("a file");
        held.lock().expect("locked");
        assert!(create(&path).expect_err("locked").contains("locked"));
    }

    #[test]
    fn of_many_that_start_together_one_gets_the_path() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        let won = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| create(&path))).collect();
            let results: Vec<_> = all.into_iter().map(|one| one.join().expect("no panic")).collect();
            results.iter().filter(|result| result.is_ok()).count()
        });
        assert_eq!(won, 1);
    }
}
