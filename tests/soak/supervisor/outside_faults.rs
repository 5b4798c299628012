//! Injects the outside faults into a supervisor and its command.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use super::Subject;
use crate::plan::Blow;
use crate::support::processes::children;

/// Ctrl-S and Ctrl-Q.
const STOP: &[u8] = b"\x13";
const START: &[u8] = b"\x11";
/// What fills a pipe.
const FILLER: [u8; 64] = [b'\n'; 64];

/// How long connections without the token stay open.
const STAY: Duration = Duration::from_millis(700);

impl Subject {
    pub(super) fn strike(&mut self, blow: Blow, now: Instant) {
        let xassume = Pid::from_raw(self.pid);
        match blow {
            Blow::Usr1 => {
                self.sent += 1;
                signal(xassume, Signal::SIGUSR1);
            }
            Blow::Hup => drop(signal(xassume, Signal::SIGHUP)),
            Blow::Deaf => drop(signal(xassume, Signal::SIGALRM)),
            Blow::Orphans => drop(signal(xassume, Signal::SIGUSR2)),
            Blow::Pause(milliseconds) => {
                if let Some(command) =
                    self.command().map(Pid::from_raw).and_then(|command| signal(command, Signal::SIGSTOP))
                {
                    self.pauses.push((command, now + Duration::from_millis(milliseconds)));
                }
            }
            Blow::NoCache => drop(fs::remove_dir_all(self.running.sandbox().runtime().join("xassume"))),
            Blow::Touch => {
                for directory in self.running.sandbox().run_directories() {
                    let foreign = directory.join("foreign");
                    let _ = fs::write(&foreign, "nobody's").and_then(|()| fs::remove_file(&foreign));
                }
            }
            Blow::Strangers(count) => self.admit(count),
            Blow::Clog(milliseconds) => {
                self.clog();
                self.clogged_until = Some(now + Duration::from_millis(milliseconds));
            }
            Blow::Fifo(milliseconds) => {
                let config = self.running.sandbox().home().join(".aws/config");
                let _ = fs::create_dir_all(config.parent().expect("a directory of its own"));
                let _ = mkfifo(&config, Mode::S_IRWXU);
                self.fifo_until = Some(now + Duration::from_millis(milliseconds));
            }
            Blow::Freeze(milliseconds) => {
                if let Some(volume) = &self.volume {
                    self.frozen = Some((volume.freeze(), now + Duration::from_millis(milliseconds)));
                }
            }
        }
    }

    /// Makes standard error block: the pipe is full and not read, or the terminal has got Ctrl-S.
    fn clog(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            let _ = terminal.write_all(STOP);
            return;
        }
        self.running.stderr.pause();
        let path = format!("/proc/{}/fd/2", self.pid);
        let Ok(pipe) = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path) else { return };
        let _ = fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(4096));
        // The reader may have begun another read.
        for _ in 0..3 {
            while (&pipe).write_all(&FILLER).is_ok() {}
            std::thread::sleep(crate::TURN);
        }
    }

    fn unclog(&mut self) {
        match &mut self.terminal {
            Some(terminal) => drop(terminal.write_all(START)),
            None => self.running.stderr.resume(),
        }
    }

    /// Opens connections to the endpoint; every second one sends half a request.
    pub(super) fn admit(&mut self, count: u64) {
        let environment = self.command().and_then(|child| fs::read(format!("/proc/{child}/environ")).ok());
        let environment = String::from_utf8_lossy(&environment.unwrap_or_default()).into_owned();
        let url =
            environment.split('\0').find_map(|pair| pair.strip_prefix("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://"));
        let address = url.and_then(|url| url.split('/').next()).unwrap_or_default();
        let mut open: Vec<TcpStream> = (0..count).filter_map(|_| TcpStream::connect(address).ok()).collect();
        for stranger in open.iter_mut().step_by(2) {
            let _ = stranger.write_all(b"GET / HTTP/1.1\r\nHost: ");
        }
        self.strangers = Some((open, Instant::now() + STAY));
    }

    /// Ends the faults whose time is up.
    pub(super) fn recover(&mut self, now: Instant) {
        for (command, _) in self.pauses.extract_if(.., |(_, until)| *until <= now) {
            signal(command, Signal::SIGCONT);
        }
        self.strangers = self.strangers.take().filter(|(_, until)| now < *until);
        self.frozen = self.frozen.take().filter(|(_, until)| now < *until);
        if self.clogged_until.take_if(|until| *until <= now).is_some() {
            self.unclog();
        }
        if self.fifo_until.take_if(|until| *until <= now).is_some() {
            let _ = fs::remove_file(self.running.sandbox().home().join(".aws/config"));
        }
    }

    /// The process that runs the command. Processes that it left behind may be siblings.
    fn command(&self) -> Option<i32> {
        let start = format!("\0worker\0{}\0", self.kind);
        children(self.pid).into_iter().find(|child| {
            let words = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(&start)
        })
    }
}

/// Sends a signal; `None` if the process does not exist any more.
pub(super) fn signal(pid: Pid, signal: Signal) -> Option<Pid> {
    match kill(pid, signal) {
        Ok(()) => Some(pid),
        Err(Errno::ESRCH) => None,
        Err(error) => panic!("kill({pid}, {signal}): {error}"),
    }
}
