//! The directories of a test: home, temporary, runtime and working directory.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A new home directory, and the other directories of a login: temporary, runtime and working directory.
#[derive(Debug)]
pub struct Sandbox {
    directory: TempDir,
}

/// Where sandboxes are created, whatever `TMPDIR` is. The length of this path is fixed because messages wrap at a
/// width, and because the path of a socket is limited to 108 bytes.
const BASE: &str = "/tmp";

impl Sandbox {
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("xassume-test-").tempdir_in(BASE).expect("/tmp is writable");
        for name in ["home", "tmp", "run", "work"] {
            let made = fs::DirBuilder::new().mode(0o700).create(directory.path().join(name));
            made.expect("a fresh directory is writable");
        }
        Self { directory }
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub fn tmp(&self) -> PathBuf {
        self.directory.path().join("tmp")
    }

    /// `XDG_RUNTIME_DIR`.
    pub fn runtime(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// The private directories of runs. The cache is not one of them, since it outlives a run.
    pub fn run_directories(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.runtime()).expect("the sandbox is there");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.file_name().is_some_and(|name| name != "xassume")).collect()
    }

    /// The default working directory of commands.
    pub fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }
}
