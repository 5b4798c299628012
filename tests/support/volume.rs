//! A file system that can be frozen. A process that writes to it then blocks until it is thawed, and cannot be killed.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::sys::{freeze, thaw};

/// Enough for ext4 without a journal.
const BYTES: u64 = 4 << 20;

/// A small ext4 on a loop device, mounted; unmounted when dropped.
#[derive(Debug)]
pub struct Volume {
    directory: TempDir,
    root: File,
}

/// The file system is frozen until this is dropped.
#[derive(Debug)]
pub struct Frozen {
    root: File,
}

impl Volume {
    /// # Errors
    /// Why no volume can be created: it needs root, `mkfs.ext4` and a loop device.
    pub fn new() -> Result<Self, String> {
        let directory = tempfile::Builder::new().prefix("xassume-volume-").tempdir_in("/tmp");
        let directory = directory.map_err(|error| error.to_string())?;
        let (image, mount) = (directory.path().join("image"), directory.path().join("mount"));
        let made = File::create(&image).and_then(|file| file.set_len(BYTES)).and_then(|()| fs::create_dir(&mount));
        made.map_err(|error| error.to_string())?;
        run(Command::new("mkfs.ext4").args(["-q", "-O", "^has_journal"]).arg(&image))?;
        // Without `noatime`, reading would write.
        run(Command::new("mount").args(["-o", "loop,noatime"]).args([&image, &mount]))?;
        let root = File::open(&mount).map_err(|error| error.to_string())?;
        Ok(Self { directory, root })
    }

    /// The mount point.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("mount")
    }

    /// # Panics
    /// Panics if the kernel does not freeze it.
    pub fn freeze(&self) -> Frozen {
        freeze(self.root.as_raw_fd()).expect("ext4 can be frozen");
        Frozen { root: self.root.try_clone().expect("a descriptor can be duplicated") }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = thaw(self.root.as_raw_fd());
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Lazily: a process that was just unblocked may still have a file open.
        let _ = run(Command::new("umount").arg("-l").arg(Path::new(&self.path())));
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
