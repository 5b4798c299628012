//! Runs the real binary in a sandbox with its own home and environment, so that the developer's configuration has no
//! effect.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::{OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::identities::Identity;
use super::programs;
use super::running::{Finished, Running};
use super::sandbox::Sandbox;
use super::seccomp::DeniedCall;
use super::sts::FakeSts;
use super::sys::{self, Inheritance, ProcessSession, inherit};

/// The program under test. Cargo sets its path for integration tests and benches; an example looks in its own target
/// directory. `XASSUME_UNDER_TEST` selects another build, for example a static one.
pub fn binary() -> PathBuf {
    let other = std::env::var_os("XASSUME_UNDER_TEST").map(PathBuf::from);
    other.or_else(|| option_env!("CARGO_BIN_EXE_xassume").map(PathBuf::from)).unwrap_or_else(next_to_this_program)
}

/// Gives the texts of glibc to errors that musl words differently, so that a test also passes with a static build.
pub fn in_words_of_glibc(text: &str) -> String {
    [
        ("Address in use", "Address already in use"),
        ("Address not available", "Cannot assign requested address"),
        ("No file descriptors available", "Too many open files"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (musl, glibc)| text.replace(musl, glibc))
}

fn next_to_this_program() -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    // target/<profile>/examples/demo
    let path = this.parent().and_then(Path::parent).expect("cargo puts examples into a directory").join("xassume");
    assert!(path.exists(), "{} does not exist: run `cargo build` first", path.display());
    path
}

/// An invocation that has not been started. A clone shares the sandbox: the same user runs xassume again.
#[derive(Debug, Clone)]
pub struct Xassume {
    sandbox: Arc<Sandbox>,
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    cwd: PathBuf,
    stdin: Input,
    /// Where standard error goes, if not to a pipe that the test reads.
    stderr: Option<Arc<OwnedFd>>,
    inheritance: Inheritance,
}

#[derive(Debug, Clone)]
enum Input {
    Nothing,
    Bytes(Vec<u8>),
    Open,
}

impl Xassume {
    /// A user with long-term keys in the environment. STS is the fake.
    pub fn new(sts: &FakeSts) -> Self {
        Self::at(&sts.url())
    }

    /// The same, but nothing listens at the STS endpoint.
    pub fn without_sts() -> Self {
        Self::at("http://127.0.0.1:1")
    }

    /// The same with any STS endpoint.
    pub fn at(sts_url: &str) -> Self {
        let sandbox = Sandbox::new();
        let user = Identity::user();
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        // A directory without search permission changes the message about a command that was not found.
        let searchable = std::env::split_paths(&path).filter(|directory| directory.join(".").exists());
        let path = std::env::join_paths(searchable).expect("they were joined before");
        let xassume = Self {
            program: binary(),
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: sandbox.work(),
            stdin: Input::Nothing,
            stderr: None,
            inheritance: Inheritance { session: ProcessSession::New, ..Inheritance::default() },
            sandbox: Arc::new(sandbox),
        };
        let (home, tmp, runtime) = (xassume.sandbox.home(), xassume.sandbox.tmp(), xassume.sandbox.runtime());
        xassume
            .env("PATH", path)
            .env("HOME", home)
            .env("TMPDIR", tmp)
            .env("XDG_RUNTIME_DIR", runtime)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL_STS", sts_url)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", user.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", user.secret_access_key)
    }

    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The same sandbox and environment, without arguments.
    #[must_use]
    pub fn without_args(mut self) -> Self {
        self.args.clear();
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.remove(name.as_ref());
        self
    }

    /// Without the user's keys: credentials must come from another source.
    #[must_use]
    pub fn without_keys(self) -> Self {
        self.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY")
    }

    /// With the keys of another identity in the environment.
    #[must_use]
    pub fn with_keys_of(self, identity: &Identity) -> Self {
        let keyed = self
            .env("AWS_ACCESS_KEY_ID", &identity.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &identity.secret_access_key);
        match &identity.session_token {
            Some(token) => keyed.env("AWS_SESSION_TOKEN", token),
            None => keyed.env_remove("AWS_SESSION_TOKEN"),
        }
    }

    /// With instance metadata, at this address.
    #[must_use]
    pub fn with_metadata_at(self, url: &str) -> Self {
        self.env_remove("AWS_EC2_METADATA_DISABLED").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
    }

    #[must_use]
    pub fn cwd(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cwd = directory.into();
        self
    }

    /// The contents of standard input. The default is `/dev/null`.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Input::Bytes(bytes.into());
        self
    }

    /// Standard input is a pipe that the test writes to, through [`Running::write`].
    #[must_use]
    pub fn stdin_open(mut self) -> Self {
        self.stdin = Input::Open;
        self
    }

    /// Standard error goes to this descriptor, which the test does not read here.
    #[must_use]
    pub fn stderr(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.stderr = Some(Arc::new(descriptor.into()));
        self
    }

    /// Signals that are ignored at the start, for example by `nohup`.
    #[must_use]
    pub fn ignoring(mut self, signals: &[i32]) -> Self {
        self.inheritance.ignored = signals.to_vec();
        self
    }

    /// Signals that are blocked at the start.
    #[must_use]
    pub fn blocking(mut self, signals: &[i32]) -> Self {
        self.inheritance.blocked = signals.to_vec();
        self
    }

    /// A descriptor other than 0 to 2 that is inherited under this number, like a socket from systemd.
    #[must_use]
    pub fn descriptor(mut self, number: RawFd, descriptor: impl Into<OwnedFd>) -> Self {
        // Use a high number that no test asks for: a descriptor cannot be passed on under the number that it already
        // has.
        let descriptor = sys::duplicate_above(&descriptor.into(), 500).expect("a descriptor can be duplicated");
        self.inheritance.descriptors.push((number, Arc::new(descriptor)));
        self
    }

    /// Starts the program with these calls denied by a seccomp filter.
    #[must_use]
    pub fn denying(mut self, calls: &[DeniedCall]) -> Self {
        self.inheritance.denied_calls = calls.to_vec();
        self
    }

    /// Runs this program instead, in the same sandbox: a shell, or `xassume` under another name.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// Writes a file below the home directory, and creates its parent directories.
    #[must_use]
    pub fn file(self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Self {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().expect("a file has a directory")).expect("the home is writable");
        fs::write(&path, contents).expect("the home is writable");
        self
    }

    /// Writes an executable file below the home directory, and creates its parent directories.
    #[must_use]
    #[track_caller]
    pub fn script(self, path: impl AsRef<Path>, text: &str) -> Self {
        programs::write_script(&self.home().join(path), text);
        self
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// For objects that must not outlive the directories.
    pub(super) fn shared_sandbox(&self) -> Arc<Sandbox> {
        Arc::clone(&self.sandbox)
    }

    pub fn home(&self) -> PathBuf {
        self.sandbox.home()
    }

    /// The invocation as a `Command`, for tests that start it differently (on a terminal). It is in the session of the
    /// tests and inherits their standard streams.
    pub fn command(&self) -> Command {
        self.command_with(&self.args)
    }

    /// The same sandbox and program, with these arguments instead.
    pub fn command_with(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).env_clear().envs(&self.env).current_dir(&self.cwd);
        command
    }

    pub fn inheritance(&self, session: ProcessSession) -> Inheritance {
        Inheritance { session, ..self.inheritance.clone() }
    }

    /// Starts it in a new session without a terminal, even if the tests themselves run on one.
    #[track_caller]
    pub fn spawn(&self) -> Running {
        let mut command = self.command();
        inherit(&mut command, self.inheritance.clone());
        let stdin = if matches!(self.stdin, Input::Nothing) { Stdio::null() } else { Stdio::piped() };
        let stderr = self.stderr.as_ref().map_or_else(Stdio::piped, |descriptor| {
            Stdio::from(descriptor.try_clone().expect("a descriptor can be duplicated"))
        });
        command.stdin(stdin).stdout(Stdio::piped()).stderr(stderr);
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let mut running = Running::watch(child, Arc::clone(&self.sandbox));
        if let Input::Bytes(bytes) = &self.stdin {
            running.feed(bytes.clone());
        }
        running
    }

    /// Runs it until it ends.
    #[track_caller]
    pub fn run(&self) -> Finished {
        self.spawn().wait()
    }
}
