//! One supervisor with its own STS: starts it, injects faults, measures it and checks the result.

mod keeper;
mod outside_faults;
mod start;

use std::fs::File;
use std::net::TcpStream;
use std::time::Instant;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::clients::Clients;
use crate::journal::{FaultSource, Journal};
use crate::plan::{Plan, PlannedAnswer};
use crate::resources::{ResourceCheck, Resources};
use crate::support::processes::{becomes_true, children, state_of};
use crate::support::{FakeSts, Finished, Frozen, Running, Volume};
use crate::verdict::{Life, Observations, Verdict};
use crate::{Kind, resources, verdict, worker};
use keeper::Keeper;
use outside_faults::signal;

pub struct Supervisor {
    pub kind: Kind,
    plan: Plan,
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
    hang_ups_until: Option<Instant>,
    /// Connections without the token, and until when they stay open.
    unauthorized: Option<(Vec<TcpStream>, Instant)>,
    /// The clients of a command that is a server.
    clients: Option<Clients>,
    /// What else belongs to a keeper.
    keeper: Option<Keeper>,
    /// How many USR1 were sent; to a keeper, how many HUP.
    sent: usize,
    resources: Vec<Resources>,
    /// The measurements of the earlier processes of a keeper.
    measured: Vec<Vec<Resources>>,
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
    /// How many sessions the command has reported, or the client. It may report one twice.
    pub fn reported(&self) -> usize {
        let consumer = self.keeper.as_ref().map_or(&self.running, |keeper| &keeper.client);
        consumer.stdout.so_far().matches("key=ASIA").count()
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
        self.follow_keeper();
        let sessions = self.sts.issued_count();
        while let Some(&fault) = self.plan.outside_faults.get(self.next_fault) {
            if !self.is_serving()
                || fault.generation > sessions
                || *self.due_since.get_or_insert(now) + fault.after > now
            {
                break;
            }
            self.due_since = None;
            self.next_fault += 1;
            journal.log(self.kind, FaultSource::Outside, fault.generation, &fault.action.to_string());
            self.inject(fault.action, now);
        }
    }

    pub fn measure(&mut self) {
        if !self.is_serving() {
            return;
        }
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
        self.recover_all();
        self.wait_until_serving();
        if (self.kind == Kind::Init || self.kind.is_keeper()) && wrong.is_empty() {
            wrong.extend(self.zombies_that_stay());
        }
        // The last server may end before it has accepted all connections.
        let requests = self.clients.take().map(Clients::end);
        if self.kind.is_keeper() {
            self.stop_keeper();
        } else {
            self.stop();
        }
        let sandbox = self.running.shared_sandbox();
        let finished = self.running.wait();
        let (mut stdout, mut story) = (finished.stdout_text(), finished.describe());
        let mut lives = vec![Life { first_request: 0, stderr: finished.stderr.clone() }];
        if let Some(mut keeper) = self.keeper.take() {
            keeper.keep_last(&finished);
            (stdout, lives) = (keeper.end_client(), keeper.lives);
            story = format!("{}\n--- client:\n{stdout}", keeper.story);
            wrong.extend(keeper.wrong);
        }
        let stderr: String = lives.iter().map(|life| life.stderr.as_str()).collect();
        self.arrivals.extend(self.sts.requests_since(self.arrivals.len()).iter().map(|request| request.arrived));
        let verdict = verdict::judge(&Observations {
            kind: self.kind,
            plan: &self.plan,
            arrivals: &self.arrivals,
            issued: &self.sts.issued(),
            stdout: &stdout,
            stderr: &stderr,
            lives: &lives,
            sent: self.sent,
            requests: requests.as_ref(),
        });
        self.measured.push(self.resources);
        // The summary is that of the process that ran longest.
        self.measured.sort_by_key(|process| std::cmp::Reverse(process.len()));
        let checks = self.measured.iter().map(|process| resources::judge(self.kind, process, verdict.refreshes));
        let resources = checks.reduce(ResourceCheck::and).expect("there is at least one process");
        wrong.extend(verdict.wrong.iter().chain(&resources.wrong).cloned());
        if !self.kind.is_keeper() && !ended_as_expected(&finished) {
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

/// Whether xassume ended like its command, or without one. A command that has just started dies of TERM. One that
/// ignored TERM before a restart was killed, and is not started again.
fn ended_as_expected(finished: &Finished) -> bool {
    let of = |signal: i32| finished.signal() == Some(signal) || finished.code() == Some(128 + signal);
    let killed = || finished.stderr.contains("within the stop timeout and was killed by SIGKILL");
    finished.code() == Some(0) || of(libc::SIGTERM) || of(libc::SIGKILL) && killed()
}
