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

use super::Supervisor;
use crate::plan::Action;
use crate::support::processes::children;
use crate::worker;

/// Ctrl-S and Ctrl-Q.
const STOP: &[u8] = b"\x13";
const START: &[u8] = b"\x11";
/// What fills a pipe.
const FILLER: [u8; 64] = [b'\n'; 64];

/// How long connections without the token stay open.
const STAY: Duration = Duration::from_millis(700);

impl Supervisor {
    pub(super) fn inject(&mut self, action: Action, now: Instant) {
        let xassume = Pid::from_raw(self.pid);
        match action {
            Action::Usr1 => {
                self.sent += usize::from(!self.kind.is_keeper());
                signal(xassume, Signal::SIGUSR1);
            }
            Action::Hup => self.hang_up(),
            Action::IgnoreTerm => drop(signal(xassume, Signal::SIGALRM)),
            Action::Orphans => drop(signal(xassume, Signal::SIGUSR2)),
            Action::Pause(milliseconds) => {
                if let Some(command) =
                    self.command().map(Pid::from_raw).and_then(|command| signal(command, Signal::SIGSTOP))
                {
                    self.pauses.push((command, now + Duration::from_millis(milliseconds)));
                }
            }
            Action::NoCache => drop(fs::remove_dir_all(self.running.sandbox().runtime().join("xassume"))),
            Action::Touch => {
                for directory in self.running.sandbox().run_directories() {
                    let foreign = directory.join("foreign");
                    let _ = fs::write(&foreign, "nobody's").and_then(|()| fs::remove_file(&foreign));
                }
            }
            Action::HangUps(milliseconds) => self.hang_ups_until = Some(now + Duration::from_millis(milliseconds)),
            Action::Replace(ending) => self.end_keeper(ending),
            Action::Unauthorized(count) => self.connect_unauthorized(count),
            Action::BlockStderr(milliseconds) => {
                self.block_stderr();
                self.blocked_until = Some(now + Duration::from_millis(milliseconds));
            }
            Action::Fifo(milliseconds) => {
                let config = self.running.sandbox().home().join(".aws/config");
                let _ = fs::create_dir_all(config.parent().expect("the file is in a directory"));
                let _ = mkfifo(&config, Mode::S_IRWXU);
                self.fifo_until = Some(now + Duration::from_millis(milliseconds));
            }
            Action::Begin(beginning) => {
                // A new process must not read half of it.
                let file = worker::beginning(&self.running.sandbox().home());
                let part = file.with_extension("part");
                fs::write(&part, beginning.to_string())
                    .and_then(|()| fs::rename(part, file))
                    .expect("HOME is writable");
            }
            Action::Freeze(milliseconds) => {
                let until = now + Duration::from_millis(milliseconds);
                match (&mut self.frozen, &self.volume) {
                    // A frozen file system cannot be frozen again, so it stays frozen for longer.
                    (Some((_, end)), _) => *end = until.max(*end),
                    (None, Some(volume)) => self.frozen = Some((volume.freeze(), until)),
                    (None, None) => {}
                }
            }
        }
    }

    /// Makes standard error block: the pipe is full and not read, or the terminal has got Ctrl-S.
    fn block_stderr(&mut self) {
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

    fn unblock_stderr(&mut self) {
        match &mut self.terminal {
            Some(terminal) => drop(terminal.write_all(START)),
            None => self.running.stderr.resume(),
        }
    }

    /// Opens connections to the endpoint.
    fn connect_unauthorized(&mut self, count: u64) {
        if let Some(keeper) = &self.keeper {
            self.unauthorized = Some(connections(&keeper.address.to_string(), count));
            return;
        }
        let environment = self.command().and_then(|child| fs::read(format!("/proc/{child}/environ")).ok());
        let environment = String::from_utf8_lossy(&environment.unwrap_or_default()).into_owned();
        let url =
            environment.split('\0').find_map(|pair| pair.strip_prefix("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://"));
        let address = url.and_then(|url| url.split('/').next()).unwrap_or_default();
        self.unauthorized = Some(connections(address, count));
    }

    /// Ends all faults that last for a while.
    pub(super) fn recover_all(&mut self) {
        self.recover(Instant::now() + Duration::from_mins(1));
    }

    /// Ends the faults whose time is up, and continues the others.
    pub(super) fn recover(&mut self, now: Instant) {
        for (command, _) in self.pauses.extract_if(.., |(_, until)| *until <= now) {
            signal(command, Signal::SIGCONT);
        }
        self.unauthorized = self.unauthorized.take().filter(|(_, until)| now < *until);
        self.frozen = self.frozen.take().filter(|(_, until)| now < *until);
        if self.blocked_until.take_if(|until| *until <= now).is_some() {
            self.unblock_stderr();
        }
        if self.fifo_until.take_if(|until| *until <= now).is_some() {
            let _ = fs::remove_file(self.running.sandbox().home().join(".aws/config"));
        }
        if self.hang_ups_until.take_if(|until| *until <= now).is_none() && self.hang_ups_until.is_some() {
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        self.sent += usize::from(self.kind.is_keeper());
        signal(Pid::from_raw(self.pid), Signal::SIGHUP);
    }

    /// The process that runs the command, or a keeper's client. Processes that a command left behind may be siblings.
    fn command(&self) -> Option<i32> {
        if let Some(keeper) = &self.keeper {
            return Some(keeper.client.pid());
        }
        children(self.pid).into_iter().find(|&child| worker::is_worker(child, self.kind))
    }
}

/// Opens connections; every second one sends half a request. Returns them, and until when they stay open.
fn connections(address: &str, count: u64) -> (Vec<TcpStream>, Instant) {
    let mut open: Vec<TcpStream> = (0..count).filter_map(|_| TcpStream::connect(address).ok()).collect();
    for connection in open.iter_mut().step_by(2) {
        let _ = connection.write_all(b"GET / HTTP/1.1\r\nHost: ");
    }
    (open, Instant::now() + STAY)
}

/// Sends a signal; `None` if the process does not exist any more.
pub(super) fn signal(pid: Pid, signal: Signal) -> Option<Pid> {
    match kill(pid, signal) {
        Ok(()) => Some(pid),
        Err(Errno::ESRCH) => None,
        Err(error) => panic!("kill({pid}, {signal}): {error}"),
    }
}
