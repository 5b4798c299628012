//! Private folders for the files that are given to the command.
//!
//! In memory where there is one (`$XDG_RUNTIME_DIR`, `/dev/shm`), else in the temporary folder. A folder is used only
//! when it is a real folder, not a link, that belongs to this user and is closed to all others.

use super::replace::{SETTLED, new_file, replace};
use crate::error::{Error, told};
use crate::vars::Vars;
use nix::errno::Errno;
use nix::unistd::{geteuid, mkdtemp};
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The file that a living run holds locked, so that the next start knows the folders of killed runs.
const LOCK: &str = "lock";

/// A folder of one run, removed with all its files when dropped.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    /// Held until the folder is gone; closed on exec.
    lock: Option<File>,
}

impl RunFolder {
    /// Makes a new folder, after removing what killed runs of this user have left beside it.
    ///
    /// # Errors
    /// When no base folder can be written to.
    pub(crate) fn create(vars: &Vars) -> Result<Self, Error> {
        Self::create_below(vars, |_| Ok(()))
    }

    /// The same at a path that may stand in a command line as it is, for every SDK that reads one.
    ///
    /// # Errors
    /// When no such base folder can be written to.
    pub(crate) fn create_for_commands(vars: &Vars) -> Result<Self, Error> {
        Self::create_below(vars, check_plain)
    }

    fn create_below(vars: &Vars, check: impl Fn(&Path) -> io::Result<()>) -> Result<Self, Error> {
        first_base(vars, |base| {
            check(base)?;
            remove_stale(base);
            let path = mkdtemp(&base.join(format!("{}XXXXXX", prefix())))?;
            let locked = new_file(&path.join(LOCK), 0o600).and_then(|lock| lock.lock().map(|()| lock));
            match locked {
                Ok(lock) => Ok(Self { path, lock: Some(lock) }),
                Err(error) => {
                    // By path: there may be no descriptor left to look into it.
                    let _ = std::fs::remove_file(path.join(LOCK));
                    let _ = std::fs::remove_dir(&path);
                    Err(error)
                }
            }
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with all that is in it; whether it is gone. What cannot be removed is removed by the next start.
    pub(crate) fn remove(&self) -> bool {
        std::fs::remove_dir_all(&self.path).is_ok()
    }

    /// Writes a file of the folder for its owner only.
    ///
    /// # Errors
    /// When the folder is full or gone.
    pub(crate) fn write(&self, name: &str, contents: &[u8]) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        new_file(&path, 0o600).and_then(|mut file| file.write_all(contents)).map_err(|error| failed(&error))?;
        Ok(path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.remove() {
            // Looking into it takes a descriptor, and there may be none left but this one.
            self.lock = None;
            self.remove();
        }
    }
}

/// The config file that stands in for the user's own before an isolated command that xassume becomes.
///
/// Nobody is left to remove it, so its folder is named by its content: the same settings use the same folder. It holds
/// no secret.
///
/// # Errors
/// When no base folder can be written to, or somebody else has taken the folder's name.
pub(crate) fn isolated(vars: &Vars, config: &[u8]) -> Result<PathBuf, Error> {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(config);
    let hash = u128::from_be_bytes(std::array::from_fn(|at| digest[at]));
    first_base(vars, |base| {
        let folder = base.join(format!("{}config-{hash:032x}", prefix()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => check_private(&folder)?,
        }
        let config_file = folder.join("config");
        replace(&config_file, config, 0o600)?;
        Ok(config_file)
    })
}

/// Tries the base folders in their order and tells the last failure when none will do.
fn first_base<T>(vars: &Vars, make: impl Fn(&Path) -> io::Result<T>) -> Result<T, Error> {
    let temporary = vars.get("TMPDIR").filter(|path| !path.is_empty()).map_or_else(|| "/tmp".into(), PathBuf::from);
    let runtime = vars.get("XDG_RUNTIME_DIR").filter(|path| !path.is_empty()).map(PathBuf::from);
    let mut last = io::Error::from(Errno::ENOENT);
    let bases = runtime.into_iter().chain([PathBuf::from("/dev/shm"), temporary]);
    // The command may change its working folder, and a relative path would lead elsewhere.
    for base in bases.filter(|base| base.is_absolute()) {
        match make(&base) {
            Ok(result) => return Ok(result),
            Err(error) => last = error,
        }
    }
    Err(failed(&last))
}

fn failed(error: &io::Error) -> Error {
    Error::Missing {
        what: "keep a private folder in XDG_RUNTIME_DIR, /dev/shm or TMPDIR",
        reason: told(error),
        hint: "one of them must be a folder in which you can write",
    }
}

/// Refuses a path with a space, or with anything else that a shell, shlex or a parser of config files takes for
/// other than itself; and one below which a socket cannot be named (107 bytes, see unix(7)).
fn check_plain(path: &Path) -> io::Result<()> {
    let path = path.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@:,".contains(byte);
    let refused = if !path.iter().all(plain) {
        "has characters that cannot stand in a credential_process"
    } else if path.len() > 107 - LONGEST_BELOW {
        "is too long for a socket's path"
    } else {
        return Ok(());
    };
    let reason = format!("{} {refused}", String::from_utf8_lossy(path));
    Err(io::Error::new(io::ErrorKind::InvalidFilename, reason))
}

/// The longest name that follows: `/xassume-UID.XXXXXX/socket`.
const LONGEST_BELOW: usize = "/xassume-4294967295.XXXXXX/socket".len();

fn prefix() -> String {
    format!("xassume-{}.", geteuid())
}

/// Refuses what is not a folder of this user's alone.
fn check_private(path: &Path) -> io::Result<()> {
    let found = std::fs::symlink_metadata(path)?;
    if is_own_folder(&found) && found.mode() & 0o777 == 0o700 {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} is not a private folder of this user", path.display()),
        ))
    }
}

fn is_own_folder(found: &Metadata) -> bool {
    found.is_dir() && found.uid() == geteuid().as_raw()
}

/// Removes the folders of runs that were killed. Whatever cannot be told for certain is left.
fn remove_stale(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    let prefix = prefix();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(suffix) = name.to_str().and_then(|name| name.strip_prefix(&prefix)) else { continue };
        if suffix.len() == 6 && is_stale(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn is_stale(folder: &Path) -> bool {
    let Ok(found) = std::fs::symlink_metadata(folder) else { return false };
    if !is_own_folder(&found) {
        return false;
    }
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    match OpenOptions::new().write(true).custom_flags(flags).open(folder.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        // Its maker may be just about to make and lock it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            found.modified().ok().and_then(|made| made.elapsed().ok()).is_some_and(|age| age > SETTLED)
        }
        // No descriptor left, or not allowed: somebody may hold it.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn base() -> (tempfile::TempDir, Vars) {
        let base = tempfile::tempdir().expect("a folder");
        let vars = [("XDG_RUNTIME_DIR", base.path().to_str().expect("text"))].into_iter().collect();
        (base, vars)
    }

    fn entries(base: &tempfile::TempDir) -> usize {
        std::fs::read_dir(base.path()).expect("a folder").count()
    }

    #[test]
    fn a_run_folder_is_private_and_goes_with_the_run() {
        let (base, vars) = base();
        let folder = RunFolder::create(&vars).expect("a folder");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        let file = folder.write("credentials", b"x").expect("written");
        assert_eq!(mode(&file), 0o600);
        drop(folder);
        assert_eq!(entries(&base), 0);
    }

    #[test]
    fn folders_of_killed_runs_are_removed_and_those_of_living_ones_kept() {
        let (base, vars) = base();
        let living = RunFolder::create(&vars).expect("a folder");
        let killed = base.path().join(format!("{}abcdef", prefix()));
        std::fs::create_dir(&killed).expect("a folder");
        std::fs::write(killed.join(LOCK), "").expect("a lock that nobody holds");
        let young = base.path().join(format!("{}ghijkl", prefix()));
        std::fs::create_dir(&young).expect("a folder");
        let elsewhere = tempfile::tempdir().expect("a folder");
        symlink(elsewhere.path(), base.path().join(format!("{}mnopqr", prefix()))).expect("a link");
        let second = RunFolder::create(&vars).expect("a folder");
        assert!(living.path().exists() && second.path().exists() && young.exists() && elsewhere.path().exists());
        assert!(!killed.exists());
    }

    #[test]
    fn a_folder_whose_lock_cannot_be_looked_at_is_kept() {
        let (base, vars) = base();
        let old = std::time::SystemTime::now() - 2 * SETTLED;
        let folder = |suffix: &str, lock: Option<&Path>| {
            let path = base.path().join(format!("{}{suffix}", prefix()));
            std::fs::create_dir(&path).expect("a folder");
            if let Some(to) = lock {
                symlink(to, path.join(LOCK)).expect("a link, which is not followed");
            }
            let times = std::fs::FileTimes::new().set_modified(old);
            File::open(&path).and_then(|folder| folder.set_times(times)).expect("an old folder");
            path
        };
        let (left, closed) = (folder("abcdef", None), folder("ghijkl", Some(Path::new("/dev/null"))));
        let _new = RunFolder::create(&vars).expect("a folder");
        assert!(!left.exists() && closed.exists());
    }

    #[test]
    fn a_folder_for_commands_has_a_plain_path() {
        let base = tempfile::tempdir().expect("a folder");
        for (name, plain) in [("run", true), ("my run", false), ("it's", false), ("$HOME", false), ("ü", false)] {
            let runtime = base.path().join(name);
            std::fs::create_dir(&runtime).expect("a folder");
            let vars: Vars = [("XDG_RUNTIME_DIR", &runtime)].into_iter().collect();
            assert_eq!(check_plain(&runtime).is_ok(), plain, "{name}");
            // Another base takes the place of one that will not do.
            if let Ok(folder) = RunFolder::create_for_commands(&vars) {
                assert_eq!(folder.path().starts_with(&runtime), plain, "{name}");
            }
            assert!(RunFolder::create(&vars).expect("a folder").path().starts_with(&runtime));
        }
    }

    #[test]
    fn a_relative_base_is_passed_over() {
        let vars: Vars = [("XDG_RUNTIME_DIR", "."), ("TMPDIR", "/tmp")].into_iter().collect();
        assert!(RunFolder::create(&vars).expect("a folder").path().is_absolute());
    }

    #[test]
    fn an_isolated_config_is_shared_by_content_and_refuses_an_open_folder() {
        let (base, vars) = base();
        let config = isolated(&vars, b"[default]\n").expect("a file");
        assert_eq!(isolated(&vars, b"[default]\n").expect("the same file"), config);
        assert_eq!(std::fs::read(&config).expect("there"), b"[default]\n");
        assert_eq!(entries(&base), 1);
        let folder = config.parent().expect("a folder");
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        assert!(check_private(folder).is_err());
    }
}
