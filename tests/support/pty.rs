//! Runs a program on a new pseudo-terminal. The test types the keys.

use std::io::{self, PipeWriter};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::process::Stdio;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{PtyMaster, grantpt, posix_openpt, unlockpt};
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::capture::Capture;
use super::command::{Xassume, binary};
use super::probe::probe;
use super::running::{Finished, Running};
use super::sys::{ProcessSession, inherit, open_peer, set_window_size};

/// What `bash` prints when it is ready for the next command.
pub const PROMPT: &str = "prompt> ";

/// A terminal, and the leader of the session that it controls. Dropping it kills the session and then closes the
/// terminal.
#[derive(Debug)]
pub struct Terminal {
    running: Running,
    master: Option<Arc<PtyMaster>>,
    reader: Option<Reader>,
}

#[derive(Debug)]
struct Reader {
    thread: JoinHandle<()>,
    /// The thread ends when this is dropped.
    stop: PipeWriter,
}

impl Terminal {
    /// Runs the command with the terminal as its standard streams, with 40 rows and 132 columns.
    #[track_caller]
    pub fn run(xassume: &Xassume) -> Self {
        Self::of_columns(xassume, 132)
    }

    /// The same on a terminal of this width.
    #[track_caller]
    pub fn of_columns(xassume: &Xassume, columns: u16) -> Self {
        let master =
            posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("there are terminals left");
        grantpt(&master).expect("the terminal is ours");
        unlockpt(&master).expect("the terminal is ours");
        set_window_size(&master, 40, columns).expect("a terminal has a size");
        let slave = open_peer(&master).expect("an unlocked terminal can be opened");
        let stream = || Stdio::from(slave.try_clone().expect("a descriptor can be duplicated"));
        let mut command = xassume.command();
        command.stdin(stream()).stdout(stream()).stderr(stream());
        inherit(&mut command, xassume.inheritance(ProcessSession::OnTerminal));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // The command still has our copies of the other side open. They would prevent the end of the output.
        drop((command, slave));

        let master = Arc::new(master);
        let output = Capture::default();
        let reader = Reader::start(Arc::clone(&master), output.clone());
        let running = Running::watch_output(child, output, xassume.shared_sandbox());
        Self { running, master: Some(master), reader: Some(reader) }
    }

    /// An interactive bash with job control, at its prompt. `$BIN` is the program under test, and `$PROBE` the probe.
    #[track_caller]
    pub fn bash(world: &Xassume) -> Self {
        let [this, mark] = probe();
        let probe = [this.as_os_str(), mark.as_os_str()].join(" ".as_ref());
        let shell = world.clone().program("bash").args(["--noprofile", "--norc", "--noediting", "-i"]);
        let shell = shell.env("PS1", PROMPT).env("TERM", "dumb").env("BIN", binary()).env("PROBE", probe);
        let terminal = Self::run(&shell);
        terminal.through(PROMPT);
        terminal
    }

    /// Types these characters: a line ends with `
    /// `, and `\x03` is Ctrl-C.
    pub fn keys(&self, text: &str) {
        let mut left = text.as_bytes();
        while !left.is_empty() {
            let written = nix::unistd::write(self.master(), left).expect("the terminal takes input");
            left = &left[written..];
        }
    }

    /// Types a command into the shell and waits for the next prompt. Returns all output, including the echo.
    #[track_caller]
    pub fn command(&self, line: &str) -> String {
        self.keys(&format!("{line}\n"));
        self.through(PROMPT)
    }

    /// All unread output up to and including the text.
    ///
    /// # Panics
    /// Panics and shows all output if the text does not come.
    #[track_caller]
    pub fn through(&self, text: &str) -> String {
        let passed = self.running.stdout.through(text);
        passed.unwrap_or_else(|| panic!("no {text:?} on the terminal:\n{}", self.running.stdout.so_far()))
    }

    /// Changes the size; the foreground process group gets SIGWINCH.
    pub fn resize(&self, rows: u16, columns: u16) {
        set_window_size(self.master(), rows, columns).expect("a terminal has a size");
    }

    /// The foreground process group.
    pub fn foreground(&self) -> i32 {
        nix::unistd::tcgetpgrp(self.master()).expect("the terminal controls a session").as_raw()
    }

    /// Whether line editing and echo are on.
    pub fn is_cooked(&self) -> bool {
        let mode = tcgetattr(self.master()).expect("a terminal has a mode");
        mode.local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    /// Closes the terminal: the session gets SIGHUP.
    pub fn hang_up(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.end();
        }
        self.master = None;
    }

    /// Waits until the leader and the output have ended. `stdout` is what the terminal showed.
    #[track_caller]
    pub fn wait(self) -> Finished {
        let Self { running, master, reader } = self;
        let finished = running.wait();
        drop((reader, master));
        finished
    }

    fn master(&self) -> &Arc<PtyMaster> {
        self.master.as_ref().expect("the terminal was not hung up")
    }
}

impl Deref for Terminal {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl Reader {
    fn start(master: Arc<PtyMaster>, output: Capture) -> Self {
        let (stopped, stop) = io::pipe().expect("a pipe can be made");
        let thread = thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let mut fds = [&*master as &dyn AsFd, &stopped].map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN));
                match poll(&mut fds, PollTimeout::NONE) {
                    Ok(_) if fds[1].any() == Some(true) => break,
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(error) => panic!("poll: {error}"),
                }
                // EIO: no process has the other side open.
                match nix::unistd::read(&*master, &mut buffer) {
                    Ok(count @ 1..) => output.push(&buffer[..count]),
                    Ok(0) | Err(_) => break,
                }
            }
            output.end();
        });
        Self { thread, stop }
    }

    fn end(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_terminal(verbs: &[&str]) -> Terminal {
        let [program, mark] = probe();
        Terminal::run(&Xassume::without_sts().program(program).arg(mark).args(verbs))
    }

    #[test]
    fn keys_and_sizes_reach_the_program() {
        let terminal = on_terminal(&[
            "winsize",
            "then",
            "print-signals",
            "exit-on",
            "WINCH",
            "then",
            "winsize",
            "then",
            "read-tty",
        ]);
        assert_eq!(terminal.line("rows"), "rows=40 columns=132");
        terminal.line("ready");
        terminal.keys("\x03");
        assert_eq!(terminal.line("INT"), "^CINT code=SI_KERNEL pid=0");
        terminal.resize(24, 80);
        assert_eq!(terminal.line("rows"), "rows=24 columns=80");
        terminal.line("ready");
        terminal.keys("hello\n");
        terminal.line("read hello");
        terminal.wait().exited(0);
    }

    #[test]
    fn closing_the_window_hangs_up() {
        let mut terminal = on_terminal(&["say", "ready", "then", "read-tty"]);
        terminal.line("ready");
        terminal.hang_up();
        assert!(terminal.ends_within(super::super::log::PATIENCE));
    }

    #[test]
    fn a_shell_has_job_control() {
        let bash = Terminal::bash(&Xassume::without_sts());
        bash.keys("$PROBE print-signals default TSTP\n");
        bash.line("ready");
        assert_ne!(bash.foreground(), bash.pid());
        bash.keys("\x1a");
        bash.through("Stopped");
        bash.through(PROMPT);
        assert_eq!(bash.foreground(), bash.pid());
        bash.keys("fg\n");
        bash.line("CONT");
        bash.keys("\x03");
        bash.line("INT code=SI_KERNEL");
        bash.keys("\x1a");
        bash.through(PROMPT);
        bash.command("kill %1; wait %1");
        bash.keys("$PROBE raw-tty then print-signals\n");
        bash.line("ready");
        assert!(!bash.is_cooked());
    }
}
