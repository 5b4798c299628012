//! One supervisor with its own STS: starts it, injects faults, measures it and checks the result.

mod outside_faults;

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, unlockpt};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::clients::Clients;
use crate::journal::{FaultSource, Journal};
use crate::plan::{MOST_UNAUTHORIZED, Plan, PlannedAnswer};
use crate::resources::{ResourceCheck, Resources};
use crate::support::capture::Capture;
use crate::support::processes::{becomes_true, children, pid_namespace, state_of};
use crate::support::sys::open_peer;
use crate::support::{FakeSts, Finished, Frozen, Running, Volume, Xassume, binary};
use crate::verdict::{Observations, Verdict};
use crate::{Kind, Settings, resources, verdict, worker};
use outside_faults::signal;

pub struct Supervisor {
    pub kind: Kind,
    plan: Plan,
    lifetime: Duration,
    sts: FakeSts,
    running: Running,
    /// xassume itself. With `unshare`, the started program is its parent.
    pid: i32,
    arrivals: Vec<Instant>,
    /// The next outside fault, and since when its generation exists.
    next_fault: usize,
    due_since: Option<Instant>,
    pauses: Vec<(Pid, Instant)>,
    /// The file system of the credentials file, and until when it is frozen.
    volume: Option<Volume>,
    frozen: Option<(Frozen, Instant)>,
    /// The terminal that is standard error.
    terminal: Option<File>,
    blocked_until: Option<Instant>,
    fifo_until: Option<Instant>,
    /// Connections without the token, and until when they stay open.
    unauthorized: Option<(Vec<TcpStream>, Instant)>,
    /// The clients of a command that is a server.
    clients: Option<Clients>,
    sent: usize,
    resources: Vec<Resources>,
    gone: Option<String>,
}

/// The result after the end.
pub struct Report {
    pub kind: Kind,
    pub verdict: Verdict,
    pub requests: usize,
    pub outside_faults: usize,
    pub resources: ResourceCheck,
    pub wrong: Vec<String>,
    pub story: String,
}

impl Supervisor {
    pub fn start(kind: Kind, settings: &Settings, until: u64) -> Self {
        let plan = Plan::new(kind, settings.seed);
        let sts = FakeSts::builder().lifetime(settings.lifetime).start();
        sts.script(plan.replies.iter().map(|reply| reply.answer()));
        let xassume = Xassume::new(&sts);
        let namespace = if kind == Kind::Init { namespace() } else { Vec::new() };
        let xassume =
            if namespace.is_empty() { xassume } else { xassume.program("unshare").args(&namespace).arg(binary()) };
        // These signals must not kill a command that has just started, so they are blocked from its start.
        let blocked = worker::TAKEN.map(|signal| signal as i32);
        let this = std::env::current_exe().expect("a running program has a path");
        let volume = if kind == Kind::Signal { volume() } else { None };
        let xassume = match &volume {
            Some(volume) => xassume.arg("--credentials-file").arg(volume.path().join("credentials")),
            None => xassume,
        };
        let (xassume, terminal) = if kind == Kind::Endpoint {
            let (master, slave) = terminal();
            (xassume.stderr(slave), Some(master))
        } else {
            (xassume, None)
        };
        let mut running = xassume
            .blocking(&blocked)
            .args(["-r", "111111111111:Soak", "-v"])
            // The earliest possible refresh: at half the lifetime.
            .args(["--refresh-margin", "1h"])
            .args(kind.flags())
            .arg("--")
            .arg(this)
            .args(worker::words(kind, until))
            .spawn();
        if let Some(terminal) = &terminal {
            running.stderr = Capture::of(terminal.try_clone().ok());
        }
        let address = (kind == Kind::Handover).then(|| address(&running.error_line("listening on ")));
        running.line("ready");
        let pid = if namespace.is_empty() { running.pid() } else { children(running.pid())[0] };
        let mut supervisor = Self {
            kind,
            plan,
            lifetime: settings.lifetime,
            sts,
            running,
            pid,
            arrivals: Vec::new(),
            next_fault: 0,
            due_since: None,
            pauses: Vec::new(),
            volume,
            frozen: None,
            terminal,
            blocked_until: None,
            fifo_until: None,
            unauthorized: None,
            clients: address.map(Clients::start),
            sent: 0,
            resources: Vec::new(),
            gone: None,
        };
        if kind == Kind::Endpoint {
            // Open the maximum of connections once, so that memory reaches its peak before it is measured.
            supervisor.connect_unauthorized(MOST_UNAUTHORIZED);
        }
        supervisor
    }

    /// How many sessions the command has reported. It may report one twice.
    pub fn reported(&self) -> usize {
        self.running.stdout.so_far().matches("key=ASIA").count()
    }

    pub fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// Logs the answers of STS and injects the outside faults that are due.
    pub fn inject_due(&mut self, journal: &mut Journal) {
        for request in self.sts.requests_since(self.arrivals.len()) {
            self.arrivals.push(request.arrived);
            let reply = self.plan.replies[request.order];
            if reply != PlannedAnswer::Good {
                journal.log(self.kind, FaultSource::Sts, self.plan.generation_at(request.order), &reply.to_string());
            }
        }
        let now = Instant::now();
        self.recover(now);
        let sessions = self.sts.issued_count();
        while let Some(&fault) = self.plan.outside_faults.get(self.next_fault) {
            if fault.generation > sessions || *self.due_since.get_or_insert(now) + fault.after > now {
                break;
            }
            self.due_since = None;
            self.next_fault += 1;
            journal.log(self.kind, FaultSource::Outside, fault.generation, &fault.action.to_string());
            self.inject(fault.action, now);
        }
    }

    pub fn measure(&mut self) {
        match Resources::of(self.pid, self.running.pid()) {
            // Connections without the token are open in this process too.
            Ok(resources) if self.unauthorized.is_none() => self.resources.push(resources),
            Ok(_) => {}
            Err(error) => self.gone = Some(format!("it is gone: {error}")),
        }
    }

    /// Ends the supervisor and checks the result.
    pub fn end(mut self) -> Report {
        let mut wrong: Vec<String> = self.gone.take().into_iter().collect();
        // End all faults that last for a while.
        self.recover(Instant::now() + Duration::from_mins(1));
        if self.kind == Kind::Init && wrong.is_empty() {
            wrong.extend(self.zombies_that_stay());
        }
        // The last server may end before it has accepted all connections.
        let requests = self.clients.take().map(Clients::end);
        self.stop();
        let sandbox = self.running.shared_sandbox();
        let finished = self.running.wait();
        self.arrivals.extend(self.sts.requests_since(self.arrivals.len()).iter().map(|request| request.arrived));
        let issued: Vec<String> = self.sts.issued().into_iter().map(|issued| issued.access_key_id).collect();
        let verdict = verdict::judge(&Observations {
            kind: self.kind,
            plan: &self.plan,
            lifetime: self.lifetime,
            arrivals: &self.arrivals,
            issued: &issued,
            stdout: &finished.stdout_text(),
            stderr: &finished.stderr,
            sent: self.sent,
            requests: requests.as_ref(),
        });
        let resources = resources::judge(self.kind, &self.resources, verdict.refreshes);
        wrong.extend(verdict.wrong.iter().chain(&resources.wrong).cloned());
        if !ended_as_expected(&finished) {
            wrong.push(format!("it ended with {}", finished.status));
        }
        let directories = sandbox.run_directories();
        if !directories.is_empty() {
            wrong.push(format!("directories are left: {directories:?}"));
        }
        // Only PID 1 ends processes that the command left behind and that will end anyway. Those of earlier starts were
        // killed.
        let allowed = usize::from(matches!(self.kind, Kind::Restart | Kind::Init | Kind::Handover));
        let servers = finished.survivors().into_iter().filter(|&pid| worker::is_worker(pid, self.kind)).count();
        if servers > 0 || !becomes_true(|| finished.survivors().len() <= allowed) {
            wrong.push(format!("{servers} commands and these processes are left: {:?}", finished.survivors()));
        }
        let story = finished.describe();
        drop(finished);
        Report {
            kind: self.kind,
            verdict,
            requests: self.arrivals.len(),
            outside_faults: self.next_fault,
            resources,
            wrong,
            story,
        }
    }

    /// Sends TERM, which cancels restarts. Sends a second one if the command ignores the first.
    fn stop(&self) {
        let xassume = Pid::from_raw(self.pid);
        let unheard = || self.running.stdout.so_far().lines().filter(|&line| line == worker::UNHEARD).count();
        let mut before = unheard();
        signal(xassume, Signal::SIGTERM);
        let ends = || self.running.ends_within(crate::TURN);
        while becomes_true(|| ends() || unheard() > before) && !ends() {
            before = unheard();
            signal(xassume, Signal::SIGTERM);
        }
    }

    /// Zombies of PID 1, after all processes had time to die and to be reaped.
    fn zombies_that_stay(&self) -> Option<String> {
        let zombies =
            || -> Vec<i32> { children(self.pid).into_iter().filter(|&child| state_of(child) == Some('Z')).collect() };
        (!becomes_true(|| zombies().is_empty())).then(|| format!("zombies stay: {:?}", zombies()))
    }
}

/// The address in xassume's message about its socket.
fn address(line: &str) -> SocketAddr {
    let address = line.split_once("listening on ").and_then(|(_, rest)| rest.split(' ').next());
    address.and_then(|address| address.parse().ok()).expect("an address")
}

/// Whether xassume ended like its command, or without one. A command that has just started dies of TERM. One that
/// ignored TERM before a restart was killed, and is not started again.
fn ended_as_expected(finished: &Finished) -> bool {
    let of = |signal: i32| finished.signal() == Some(signal) || finished.code() == Some(128 + signal);
    let killed = || finished.stderr.contains("within the stop timeout and was killed by SIGKILL");
    finished.code() == Some(0) || of(libc::SIGTERM) || of(libc::SIGKILL) && killed()
}

/// A file system to freeze; `None`, with a message, where it cannot be created.
fn volume() -> Option<Volume> {
    let made = Volume::new();
    made.inspect_err(|why| println!("no file system can be frozen on this machine: {why}")).ok()
}

/// A terminal: the test's side, and the program's side.
fn terminal() -> (File, OwnedFd) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("there are terminals left");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("the terminal is ours");
    let slave = open_peer(&master).expect("an unlocked terminal can be opened");
    (OwnedFd::from(master).into(), slave)
}

/// The arguments of `unshare` that create a pid namespace; empty, with a message, where that is not possible.
fn namespace() -> Vec<&'static str> {
    let found = pid_namespace();
    if found.is_none() {
        println!("no pid namespace can be created here: the supervisor is not PID 1, and reaps no orphans");
    }
    found.unwrap_or_default()
}
