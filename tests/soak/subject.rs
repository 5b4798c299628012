//! One supervisor with an STS of its own: started, struck, looked at, and judged.

mod strikes;

use std::fs::File;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, unlockpt};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::journal::{Journal, Row};
use crate::plan::{MOST_STRANGERS, Plan, Reply};
use crate::support::capture::Capture;
use crate::support::processes::{becomes_true, children, pid_namespace, state_of};
use crate::support::sys::open_peer;
use crate::support::{FakeSts, Finished, Frozen, Running, Volume, Xassume, binary};
use crate::verdict::{Evidence, Verdict};
use crate::vitals::{Judgement, Vitals};
use crate::{Kind, Settings, verdict, vitals, worker};
use strikes::signal;

/// A command that is deaf to TERM costs that much at a restart.
const STOP_TIMEOUT: &str = "300ms";

pub struct Subject {
    pub kind: Kind,
    plan: Plan,
    lifetime: Duration,
    sts: FakeSts,
    running: Running,
    /// xassume itself; the program that was started may have put it into a namespace.
    pid: i32,
    arrivals: Vec<Instant>,
    /// The next strokes of the plan, and since when the generation of the first is there.
    next_stroke: usize,
    due_since: Option<Instant>,
    pauses: Vec<(Pid, Instant)>,
    /// The file system of the credentials file, and until when it is frozen.
    volume: Option<Volume>,
    frozen: Option<(Frozen, Instant)>,
    /// The terminal that is standard error.
    terminal: Option<File>,
    clogged_until: Option<Instant>,
    fifo_until: Option<Instant>,
    /// Connections of strangers, and until when they stay.
    strangers: Option<(Vec<TcpStream>, Instant)>,
    sent: usize,
    vitals: Vec<Vitals>,
    gone: Option<String>,
}

/// What is left to say when it has ended.
pub struct Report {
    pub kind: Kind,
    pub verdict: Verdict,
    pub requests: usize,
    pub strokes: usize,
    pub vitals: Judgement,
    pub wrong: Vec<String>,
    pub story: String,
}

impl Subject {
    pub fn start(kind: Kind, settings: &Settings, until: u64) -> Self {
        let plan = Plan::new(kind, settings.seed);
        let sts = FakeSts::builder().lifetime(settings.lifetime).start();
        sts.script(plan.replies.iter().map(|reply| reply.answer()));
        let xassume = Xassume::new(&sts);
        let namespace = if kind == Kind::Init { namespace() } else { Vec::new() };
        let xassume =
            if namespace.is_empty() { xassume } else { xassume.program("unshare").args(&namespace).arg(binary()) };
        // A hang costs the endpoint's clients as little as that.
        let (how, timeout) = match kind {
            Kind::Restart | Kind::Init => (["--on-expiry", "restart"], "700ms"),
            Kind::Signal => (["--on-expiry", "signal"], "700ms"),
            Kind::Endpoint => (["--via", "endpoint"], "400ms"),
        };
        // A signal to a command that has only just begun must not kill it: it is blocked from the first moment on.
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
            .args(["-r", "111111111111:Soak", "-v", "--sts-timeout", timeout, "--stop-timeout", STOP_TIMEOUT])
            // As early as any: at half the lifetime.
            .args(["--refresh-margin", "1h"])
            .args(how)
            .arg("--")
            .arg(this)
            .args(worker::words(kind, until))
            .spawn();
        if let Some(terminal) = &terminal {
            running.stderr = Capture::of(terminal.try_clone().ok());
        }
        running.line("ready");
        let pid = if namespace.is_empty() { running.pid() } else { children(running.pid())[0] };
        let mut subject = Self {
            kind,
            plan,
            lifetime: settings.lifetime,
            sts,
            running,
            pid,
            arrivals: Vec::new(),
            next_stroke: 0,
            due_since: None,
            pauses: Vec::new(),
            volume,
            frozen: None,
            terminal,
            clogged_until: None,
            fifo_until: None,
            strangers: None,
            sent: 0,
            vitals: Vec::new(),
            gone: None,
        };
        if kind == Kind::Endpoint {
            // As many as will ever be, so that memory has had its high tide before it is watched.
            subject.admit(MOST_STRANGERS);
        }
        subject
    }

    /// How many sessions the command has told of; one that it has told twice counts twice.
    pub fn told(&self) -> usize {
        self.running.stdout.so_far().matches("key=ASIA").count()
    }

    pub fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// Logs what STS did, and does what is due from outside.
    pub fn turn(&mut self, journal: &mut Journal) {
        for request in self.sts.requests_since(self.arrivals.len()) {
            self.arrivals.push(request.arrived);
            let reply = self.plan.replies[request.order];
            if reply != Reply::Good {
                journal.tell(self.kind, Row::Sts, self.plan.generation_at(request.order), &reply.to_string());
            }
        }
        let now = Instant::now();
        self.recover(now);
        let sessions = self.sts.issued_count();
        while let Some(&stroke) = self.plan.strokes.get(self.next_stroke) {
            if stroke.generation > sessions || *self.due_since.get_or_insert(now) + stroke.after > now {
                break;
            }
            self.due_since = None;
            self.next_stroke += 1;
            journal.tell(self.kind, Row::Outside, stroke.generation, &stroke.blow.to_string());
            self.strike(stroke.blow, now);
        }
    }

    pub fn look(&mut self) {
        match Vitals::of(self.pid, self.running.pid()) {
            // Strangers are held open by us.
            Ok(vitals) if self.strangers.is_none() => self.vitals.push(vitals),
            Ok(_) => {}
            Err(error) => self.gone = Some(format!("it is gone: {error}")),
        }
    }

    /// Stops it and judges.
    pub fn end(mut self) -> Report {
        let mut wrong: Vec<String> = self.gone.take().into_iter().collect();
        // Whatever lasts ends now.
        self.recover(Instant::now() + Duration::from_mins(1));
        if self.kind == Kind::Init && wrong.is_empty() {
            wrong.extend(self.zombies_that_stay());
        }
        self.tell_to_end();
        let sandbox = self.running.shared_sandbox();
        let finished = self.running.wait();
        self.arrivals.extend(self.sts.requests_since(self.arrivals.len()).iter().map(|request| request.arrived));
        let issued: Vec<String> = self.sts.issued().into_iter().map(|issued| issued.access_key_id).collect();
        let verdict = verdict::judge(&Evidence {
            kind: self.kind,
            plan: &self.plan,
            lifetime: self.lifetime,
            arrivals: &self.arrivals,
            issued: &issued,
            stdout: &finished.stdout_text(),
            stderr: &finished.stderr,
            sent: self.sent,
        });
        let vitals = vitals::judge(self.kind, &self.vitals, verdict.refreshes);
        wrong.extend(verdict.wrong.iter().chain(&vitals.wrong).cloned());
        if !ended_rightly(&finished) {
            wrong.push(format!("it ended with {}", finished.status));
        }
        let directories = sandbox.run_directories();
        if !directories.is_empty() {
            wrong.push(format!("folders are left: {directories:?}"));
        }
        // What a command leaves behind that ends by itself is left alone, except by PID 1; what earlier ones left was swept.
        let allowed = usize::from(matches!(self.kind, Kind::Restart | Kind::Init));
        if !becomes_true(|| finished.survivors().len() <= allowed) {
            wrong.push(format!("processes are left: {:?}", finished.survivors()));
        }
        let story = finished.describe();
        drop(finished);
        Report {
            kind: self.kind,
            verdict,
            requests: self.arrivals.len(),
            strokes: self.next_stroke,
            vitals,
            wrong,
            story,
        }
    }

    /// TERM, which cancels restarts; and another, should the command have been struck deaf to the first.
    fn tell_to_end(&self) {
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

    /// Zombies of PID 1, once everybody has had the time to die and to be reaped.
    fn zombies_that_stay(&self) -> Option<String> {
        let zombies =
            || -> Vec<i32> { children(self.pid).into_iter().filter(|&child| state_of(child) == Some('Z')).collect() };
        (!becomes_true(|| zombies().is_empty())).then(|| format!("zombies stay: {:?}", zombies()))
    }
}

/// As its command ended, or without one. A command that had only just begun dies of the TERM; one that was deaf when it
/// was to be restarted has been killed, and is not started again.
fn ended_rightly(finished: &Finished) -> bool {
    let of = |signal: i32| finished.signal() == Some(signal) || finished.code() == Some(128 + signal);
    let killed = || finished.stderr.contains("after the stop timeout: it was killed by SIGKILL");
    finished.code() == Some(0) || of(libc::SIGTERM) || of(libc::SIGKILL) && killed()
}

/// A file system to freeze; none, with the reason, where none can be made.
fn volume() -> Option<Volume> {
    let made = Volume::new();
    made.inspect_err(|why| println!("no file system can be frozen here: {why}")).ok()
}

/// A terminal: the side of the person, and that of the program.
fn terminal() -> (File, OwnedFd) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("there are terminals left");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("the terminal is ours");
    let slave = open_peer(&master).expect("an unlocked terminal can be opened");
    (OwnedFd::from(master).into(), slave)
}

/// How a pid namespace is had here; nothing, with a word on why, where there is none to be had.
fn namespace() -> Vec<&'static str> {
    let found = pid_namespace();
    if found.is_none() {
        println!("no pid namespace can be made here: what should be PID 1 runs as any other, and reaps no orphans");
    }
    found.unwrap_or_default()
}
