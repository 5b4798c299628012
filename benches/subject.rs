//! The program that is measured, and its features: a bench also runs on builds without some of the flags.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::{NamedTempFile, TempDir};

use crate::support::{Certificate, FakeSts, Xassume, binary};

pub(crate) const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";

/// Where distributions keep the trusted CA certificates.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

pub(crate) struct Subject {
    pub(crate) program: PathBuf,
    help: String,
    /// The directory of the copy.
    _installed: TempDir,
}

/// Whether sessions can come from the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sessions {
    Cold,
    Cached,
}

impl Subject {
    /// Measures `program`, or else a copy of the build. A copy, as an installer makes it: the page cache keeps a file
    /// that the linker wrote in smaller pieces, which costs each launch more page faults.
    pub(crate) fn new(program: Option<PathBuf>) -> Self {
        let installed = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("cargo's directory for tests is writable");
        let program = program.unwrap_or_else(|| {
            let copy = installed.path().join("xassume");
            fs::copy(binary(), &copy).expect("the program can be copied");
            copy
        });
        let program = program.canonicalize().expect("the program exists");
        let help = Command::new(&program).arg("--help").output().expect("the program can be run");
        Self { program, help: String::from_utf8_lossy(&help.stdout).into_owned(), _installed: installed }
    }

    pub(crate) fn knows(&self, word: &str) -> bool {
        self.help.contains(word)
    }

    /// Whether it has a session cache.
    pub(crate) fn has_cache(&self) -> bool {
        self.knows("--no-cache")
    }

    /// An invocation with the role, to which further flags and the command can be added.
    pub(crate) fn xassume(&self, sts: &FakeSts, sessions: Sessions) -> Xassume {
        let xassume = Xassume::new(sts).program(&self.program).args(["-r", ROLE]);
        if sessions == Sessions::Cold && self.has_cache() { xassume.arg("--no-cache") } else { xassume }
    }
}

/// An STS over TLS, and a file with its CA certificate and the system's.
pub(crate) struct TlsSts {
    pub sts: FakeSts,
    bundle: NamedTempFile,
}

impl TlsSts {
    pub(crate) fn start() -> Self {
        let sts = FakeSts::builder().tls(Certificate::Good).start();
        let bundle = NamedTempFile::new().expect("the temporary directory is writable");
        let system = SYSTEM_ROOTS.iter().find_map(|path| fs::read(path).ok()).unwrap_or_default();
        let own = fs::read(sts.ca_file()).expect("the fake STS has a certificate");
        fs::write(bundle.path(), [system, own].concat()).expect("the new file is writable");
        Self { sts, bundle }
    }

    pub(crate) fn bundle(&self) -> &Path {
        self.bundle.path()
    }
}

/// The path of a program in `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}
