//! A started program, and the result of a finished one.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::capture::Capture;
use super::log::PATIENCE;
use super::processes::{Process, session_members};
use super::sandbox::Sandbox;
use super::sys;

/// The text on one line: every run of white space becomes a space.
pub fn on_one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A program that leads its session. Dropping it kills all processes of that session.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    process: Process,
    pub stdout: Capture,
    pub stderr: Capture,
    reaped: Option<ExitStatus>,
    /// The directories must outlive the program.
    sandbox: Arc<Sandbox>,
}

impl Running {
    pub(super) fn watch(mut child: Child, sandbox: Arc<Sandbox>) -> Self {
        let stdout = Capture::of(child.stdout.take());
        Self::watch_output(child, stdout, sandbox)
    }

    /// The same for a program whose standard output is already captured.
    pub(super) fn watch_output(mut child: Child, stdout: Capture, sandbox: Arc<Sandbox>) -> Self {
        let process = Process::open(pid_of(&child)).expect("a child that was not reaped exists");
        let stdin = child.stdin.take();
        let stderr = Capture::of(child.stderr.take());
        Self { child, stdin, process, stdout, stderr, reaped: None, sandbox }
    }

    pub fn pid(&self) -> i32 {
        pid_of(&self.child)
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The same, to look into after the program has ended.
    pub fn shared_sandbox(&self) -> Arc<Sandbox> {
        Arc::clone(&self.sandbox)
    }

    /// Sends a signal to this process only, as `kill` does.
    pub fn signal(&self, signal: i32) {
        sys::send_signal(self.pid(), signal);
    }

    /// The next line on standard output that contains the text.
    ///
    /// # Panics
    /// Panics and shows all output if the line does not come.
    #[track_caller]
    pub fn line(&self, text: &str) -> String {
        self.stdout.line_with(text).unwrap_or_else(|| panic!("no line {text:?}\n{}", self.so_far()))
    }

    /// The next line on standard error that contains the text.
    #[track_caller]
    pub fn error_line(&self, text: &str) -> String {
        self.stderr.line_with(text).unwrap_or_else(|| panic!("no line {text:?}\n{}", self.so_far()))
    }

    /// Writes to standard input and leaves it open.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("standard input was opened by stdin_open()");
        stdin.write_all(bytes).expect("the program reads its standard input");
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Writes the bytes and closes standard input, in the background: a program that does not read must not block the
    /// test.
    pub(super) fn feed(&mut self, bytes: Vec<u8>) {
        if let Some(mut stdin) = self.stdin.take() {
            thread::spawn(move || stdin.write_all(&bytes));
        }
    }

    /// Whether it ends within that time. It is not reaped.
    pub fn ends_within(&self, time: Duration) -> bool {
        self.process.ends_within(time)
    }

    /// Waits until the program and its output have ended.
    ///
    /// # Panics
    /// Panics and shows all output if the program does not end, or if another process keeps its output open.
    #[track_caller]
    pub fn wait(mut self) -> Finished {
        assert!(self.ends_within(PATIENCE), "pid {} does not end\n{}", self.pid(), self.so_far());
        // Look them up before the leader is reaped: until then, no other process can get the ID of the session.
        let survivors = session_members(self.pid()).into_iter().filter_map(Survivor::open).collect();
        self.stdin = None;
        let status = self.child.wait().expect("the child was not reaped before");
        self.reaped = Some(status);
        let (Some(stdout), Some(stderr)) = (self.stdout.to_the_end(), self.stderr.to_the_end()) else {
            panic!("it has ended ({status}), but another process has its output open\n{}", self.so_far());
        };
        Finished { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned(), survivors }
    }

    fn so_far(&self) -> String {
        format!("--- stdout:\n{}\n--- stderr:\n{}\n---", self.stdout.so_far(), self.stderr.so_far())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.reaped.is_some() {
            return;
        }
        // Descendants first: they can be found only while the leader of their session exists.
        let survivors: Vec<_> = session_members(self.pid()).into_iter().filter_map(Survivor::open).collect();
        let _ = self.child.kill();
        drop(survivors);
        let _ = self.child.wait();
    }
}

/// A process of the session that was alive when the leader had ended. Dropping it kills the process.
#[derive(Debug)]
struct Survivor {
    pid: i32,
    process: Process,
}

impl Survivor {
    fn open(pid: i32) -> Option<Self> {
        Process::open(pid).map(|process| Self { pid, process })
    }
}

impl Drop for Survivor {
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// The beginning of the line about a restart.
pub const RESTART: &str = "xassume: restarting the command: session refreshed, expires at ";

/// How a program ended, and its output.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
    survivors: Vec<Survivor>,
}

impl Finished {
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that killed it.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output as JSON, such as the probe's `state`.
    #[track_caller]
    pub fn stdout_json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.describe()))
    }

    /// Standard output split at NUL bytes, such as the probe's `environ`.
    pub fn stdout_fields(&self) -> Vec<Vec<u8>> {
        let fields = self.stdout.strip_suffix(b"\0").unwrap_or(&self.stdout);
        if fields.is_empty() { Vec::new() } else { fields.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect() }
    }

    /// The value of a variable in the output of the probe's `environ`.
    pub fn variable(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}=");
        let fields = self.stdout_fields();
        let value = fields.iter().find_map(|field| field.strip_prefix(prefix.as_bytes()));
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Asserts the exit status.
    #[track_caller]
    pub fn exited(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{}", self.describe());
        self
    }

    /// Asserts that this signal killed it.
    #[track_caller]
    pub fn killed_by(self, signal: i32) -> Self {
        assert_eq!(self.signal(), Some(signal), "{}", self.describe());
        self
    }

    /// Living processes of its session. They are killed when this is dropped.
    pub fn survivors(&self) -> Vec<i32> {
        self.survivors.iter().filter(|survivor| !ended(survivor, Duration::ZERO)).map(|survivor| survivor.pid).collect()
    }

    /// Asserts that all processes of its session end soon. (A process that was killed last may take a moment.)
    #[track_caller]
    pub fn left_no_process(self) -> Self {
        for survivor in &self.survivors {
            assert!(ended(survivor, PATIENCE), "pid {} lives on\n{}", survivor.pid, self.describe());
        }
        self
    }

    /// Standard error without the lines about restarts, which are always logged.
    pub fn stderr_besides_restarts(&self) -> String {
        self.stderr.split_inclusive('\n').filter(|line| !line.starts_with(RESTART)).collect()
    }

    pub fn describe(&self) -> String {
        format!("{}\n--- stdout:\n{}\n--- stderr:\n{}\n---", self.status, self.stdout_text(), self.stderr)
    }
}

fn ended(survivor: &Survivor, within: Duration) -> bool {
    survivor.process.ends_within(within)
}

fn pid_of(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("a pid is positive")
}
