//! The supervised command, or a keeper's client. It prints its session when that changes, and when it could not run.
//!
//! Its lines: `ready pid=… key=…` at the start, `key=…` for another session, `USR1` and `HUP` for signals, [`UNHEARD`]
//! for a TERM that it ignored, `stall` when it did not run for a while, `gap` when the endpoint has no session,
//! [`FAILS`] for a new process that will not be ready, `odd …` for what must not happen; and those of [`client`].

mod client;

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use crate::Kind;
use crate::plan::Beginning;
use crate::support::processes::{children, state_of};
use crate::support::{datagrams, http};
use client::Client;
pub use client::{AWAY, SIGNALED, VARIABLES, WHOLE};

/// How often it looks for a new session.
const TICK: u16 = 50;
/// Sessions are at least a second apart. A worker that looks more often than this sees each session, and gets each
/// signal separately.
const STALL: Duration = Duration::from_millis(500);
/// How long a process lives that a restarted command leaves behind: longer than a generation, shorter than a test
/// waits.
const LEFTOVER: &str = "20000";
/// How many orphans there are at a time.
const ORPHANS: usize = 10;

/// The signals that it handles, which are blocked when it starts.
pub const TAKEN: [Signal; 5] = [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGALRM, Signal::SIGTERM];

/// What it prints when it ignores a TERM. The next TERM ends it.
pub const UNHEARD: &str = "unheard";
/// What it prints if it will not be ready.
pub const FAILS: &str = "fails";

/// The arguments that start a worker. `until` is a time in seconds at which it ends, even if the soak was killed.
pub fn words(kind: Kind, until: u64) -> Vec<String> {
    ["worker".to_owned(), kind.to_string(), until.to_string()].into()
}

/// Whether that process is a worker of this kind.
pub fn is_worker(pid: i32, kind: Kind) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    // xassume itself has these words too, but after its flags.
    let mut words = words.split('\0').skip(1);
    words.next() == Some("worker") && words.next() == Some(&kind.to_string())
}

/// The file that says how the next new process begins, in the home directory.
pub fn beginning(home: &Path) -> PathBuf {
    home.join("beginning")
}

/// Whether that process was left behind for a restart to kill.
pub fn is_leftover(pid: i32) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words.ends_with(format!("\0worker\0leaf\0{LEFTOVER}\0").as_bytes())
}

/// Runs as its arguments say.
pub fn run(words: &[String]) -> ExitCode {
    match words {
        [leaf, milliseconds] if leaf == "leaf" => {
            std::thread::sleep(Duration::from_millis(milliseconds.parse().expect("a time")));
        }
        [parent, milliseconds] if parent == "parent" => start(&["leaf", milliseconds]),
        [kind, until] => {
            let kind = Kind::ALL.into_iter().find(|known| known.to_string() == *kind).expect("a kind");
            let until = UNIX_EPOCH + Duration::from_secs(until.parse().expect("a time"));
            return Worker::new(kind).work(until);
        }
        unknown => panic!("a worker does not know {unknown:?}"),
    }
    ExitCode::SUCCESS
}

/// Starts another process of this program without waiting for it.
fn start(words: &[&str]) {
    let this = std::env::current_exe().expect("a running program has a path");
    let null = || Stdio::null();
    let started = Command::new(this).arg("worker").args(words).stdin(null()).stdout(null()).stderr(null()).spawn();
    if let Err(error) = started {
        say(&format!("odd: no process can be started: {error}"));
    }
}

fn say(line: &str) {
    // At once, because KILL may come next. Without a reader (the soak was killed) there is nothing to do.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}

struct Worker {
    kind: Kind,
    /// The socket on which it answers requests.
    socket: Option<TcpListener>,
    key: String,
    deaf: bool,
    gap: bool,
    client: Client,
}

impl Worker {
    fn new(kind: Kind) -> Self {
        Self { kind, socket: None, key: String::new(), deaf: false, gap: false, client: Client::default() }
    }

    fn work(mut self, until: SystemTime) -> ExitCode {
        let taken: SigSet = TAKEN.into_iter().collect();
        taken.thread_block().expect("signals can be blocked");
        let signals = SignalFd::with_flags(&taken, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
        let signals = signals.expect("signals can be read");
        match self.kind {
            Kind::Restart | Kind::Init | Kind::Handover => {
                self.key = std::env::var("AWS_ACCESS_KEY_ID").unwrap_or_default();
            }
            Kind::Signal => self.key = key_in_file(),
            Kind::Endpoint | Kind::Keeper | Kind::Files => {}
        }
        if self.leaves_process() {
            start(&["leaf", LEFTOVER]);
        }
        match (self.kind, if self.kind == Kind::Handover { take_beginning() } else { None }) {
            (Kind::Handover, Some(Beginning::Exit)) => {
                say(FAILS);
                return ExitCode::from(3);
            }
            (Kind::Handover, Some(Beginning::Hang)) => say(FAILS),
            (Kind::Handover, beginning) => {
                if let Some(Beginning::Slow(milliseconds)) = beginning {
                    std::thread::sleep(Duration::from_millis(milliseconds));
                }
                self.serve();
            }
            _ => self.say_ready(),
        }
        let mut looked = Instant::now();
        loop {
            let sources = std::iter::once(signals.as_fd()).chain(self.socket.as_ref().map(AsFd::as_fd));
            let mut fds: Vec<PollFd<'_>> = sources.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            let _ = poll(&mut fds, PollTimeout::from(TICK));
            if looked.elapsed() > STALL {
                say("stall");
            }
            looked = Instant::now();
            while let Ok(Some(arrived)) = signals.read_signal() {
                let signal = i32::try_from(arrived.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok());
                if let Some(end) = signal.and_then(|signal| self.take(signal)) {
                    return end;
                }
            }
            match self.kind {
                Kind::Endpoint => self.ask(),
                Kind::Keeper => self.ask_keeper(),
                Kind::Files => self.read_file(),
                Kind::Restart | Kind::Signal | Kind::Init | Kind::Handover => {}
            }
            while let Some(Ok((client, _))) = self.socket.as_ref().map(TcpListener::accept) {
                answer(client);
            }
            // It reaps the processes that it started itself.
            while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive) {}
            if SystemTime::now() > until {
                return ExitCode::from(9);
            }
        }
    }

    fn say_ready(&self) {
        say(&format!("ready pid={} key={}", std::process::id(), self.key));
    }

    /// Gets ready to answer requests. There may be one other server, which is the older one.
    fn serve(&mut self) {
        let parent = i32::try_from(std::os::unix::process::parent_id()).expect("a process ID");
        let is_alive = |pid: i32| !matches!(state_of(pid), None | Some('Z' | 'X'));
        let servers = children(parent).into_iter().filter(|&pid| is_worker(pid, self.kind) && is_alive(pid)).count();
        if servers > 2 {
            say(&format!("odd: there are {servers} servers"));
        }
        let socket = listenfd::ListenFd::from_env().take_tcp_listener(0).ok().flatten();
        // Another server may accept the connection first.
        if socket.as_ref().is_none_or(|socket| socket.set_nonblocking(true).is_err()) {
            say("odd: there is no socket");
        }
        self.socket = socket;
        self.say_ready();
        let manager = datagrams::address(&std::env::var_os("NOTIFY_SOCKET").unwrap_or_default());
        if let Err(error) = datagrams::send(&manager, b"READY=1", &[], true) {
            say(&format!("odd: READY=1 cannot be sent: {error}"));
        }
    }

    /// Whether it leaves a process behind that a restart must kill.
    fn leaves_process(&self) -> bool {
        match self.kind {
            Kind::Restart | Kind::Init | Kind::Handover => true,
            Kind::Signal | Kind::Endpoint | Kind::Keeper | Kind::Files => false,
        }
    }

    /// Handles a signal. Returns whether it ends the worker.
    fn take(&mut self, signal: Signal) -> Option<ExitCode> {
        match signal {
            Signal::SIGTERM if self.deaf => {
                self.deaf = false;
                // It accepts nothing more, so KILL interrupts no answer.
                self.socket = None;
                say(UNHEARD);
            }
            Signal::SIGTERM => return Some(ExitCode::SUCCESS),
            Signal::SIGALRM => self.deaf = true,
            // Without PID 1, another process of the system would have to reap them.
            Signal::SIGUSR2 if std::os::unix::process::parent_id() != 1 => {}
            Signal::SIGUSR2 => (0..ORPHANS).for_each(|_| start(&["parent", "100"])),
            Signal::SIGHUP if self.kind == Kind::Signal => {
                self.key = key_in_file();
                say(&format!("key={}", self.key));
            }
            Signal::SIGHUP if self.kind == Kind::Files => self.take_signal(),
            other => say(other.as_str().trim_start_matches("SIG")),
        }
        None
    }

    /// Calls the endpoint as an SDK does.
    fn ask(&mut self) {
        let variable = |name| std::env::var(name).unwrap_or_default();
        let (url, token) =
            (variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"), variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
        let begun = SystemTime::now();
        match http::get(&url, &[("Authorization", &token)]) {
            Ok(received) if received.status == 200 => {
                let document = received.json();
                let key = document["AccessKeyId"].as_str().unwrap_or("none").to_owned();
                let until = document["Expiration"].as_str().and_then(|text| humantime::parse_rfc3339(text).ok());
                if until.is_none_or(|until| until <= begun) {
                    say(&format!("odd: {key} was given after its expiry, {until:?}"));
                }
                if key != self.key {
                    self.key = key;
                    say(&format!("key={}", self.key));
                }
                self.gap = false;
            }
            Ok(received) if received.status == 503 => {
                if !std::mem::replace(&mut self.gap, true) {
                    say("gap");
                }
            }
            Ok(received) => say(&format!("odd: the endpoint answered {}", received.status)),
            Err(error) => say(&format!("odd: the endpoint did not answer: {error}")),
        }
    }
}

/// How this process begins, if a fault says that. Each fault is for one process.
fn take_beginning() -> Option<Beginning> {
    let file = beginning(Path::new(&std::env::var_os("HOME")?));
    let text = fs::read_to_string(&file).ok()?;
    fs::remove_file(&file).ok()?;
    Beginning::parse(&text)
}

/// Answers one request.
fn answer(mut client: TcpStream) {
    let _ = client.set_nonblocking(false).and_then(|()| client.set_read_timeout(Some(Duration::from_secs(5))));
    // SIGSTOP and SIGCONT interrupt a read with a timeout, see signal(7). A `BufReader` then reads on.
    if let Ok(Some(_)) = http::Request::read(&mut BufReader::new(&client), false) {
        let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
}

/// The access key in the delivered file.
fn key_in_file() -> String {
    let text = fs::read_to_string(std::env::var_os("AWS_SHARED_CREDENTIALS_FILE").unwrap_or_default());
    let text = text.unwrap_or_default();
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.find(|(name, _)| name.trim() == "aws_access_key_id").map_or("none".into(), |(_, key)| key.trim().to_owned())
}
