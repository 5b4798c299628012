//! The costs of supervision: memory, wake-ups, and the time that it adds to a restart and to a signal.
//!
//! The command is the probe, which prints times of the monotonic clock. Memory is measured with TLS and the system's
//! root certificates, which take most of it.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::NamedTempFile;

use crate::measure::{Effort, Samples, between, let_pass, monotonic};
use crate::report::Report;
use crate::subject::{Sessions, Subject, TlsSts, on_path};
use crate::support::{FakeSts, Running, Xassume, probe, sys};

const HOUR: Duration = Duration::from_hours(1);
/// Number of concurrent supervisors.
pub(crate) const SIDE_BY_SIDE: usize = 10;

fn supervisor(world: Xassume) -> Running {
    world.args(["--on-expiry", "restart", "--"]).args(probe()).arg("print-times").spawn()
}

/// The time after `word` in the probe's next line with this word.
fn moment(running: &Running, word: &str) -> i64 {
    let line = running.line(word);
    line.split(' ').nth(1).and_then(|moment| moment.parse().ok()).expect("the probe prints a time")
}

pub(crate) fn memory(subject: &Subject, effort: Effort, report: &mut Report) {
    let tls = TlsSts::start();
    let settle = effort.choose(Duration::from_secs(5), Duration::from_secs(1));
    // Long enough for all of them to start, short enough to wait for their first refresh.
    tls.sts.set_lifetime(Duration::from_secs(12));
    let world = || subject.xassume(&tls.sts, Sessions::Cold).env("SSL_CERT_FILE", tls.bundle());
    let all: Vec<Running> = (0..SIDE_BY_SIDE).map(|_| supervisor(world())).collect();
    let begun = || all.iter().for_each(|running| drop(running.line("begun")));
    begun();
    tls.sts.set_lifetime(HOUR);
    let_pass(Duration::from_secs(1));
    report_memory("idle, before the first refresh", &all, report);
    begun();
    let_pass(settle);
    let anonymous = report_memory("idle, after the first refresh", &all, report);
    let peak = all.iter().map(|running| field(running.pid(), "status", "VmHWM"));
    report.memory("memory", "peak, resident with shared pages", peak);
    report.target("idle supervisor's anonymous memory after its first refresh", anonymous, 2.0, "MB");
}

/// Reports the memory of all of them; returns the median of the anonymous memory.
fn report_memory(when: &str, all: &[Running], report: &mut Report) -> f64 {
    let mut row = |what: &str, read: &dyn Fn(i32) -> Option<f64>| {
        report.memory("memory", &format!("{what}, {when}"), all.iter().map(|running| read(running.pid())))
    };
    row("PSS", &|pid| field(pid, "smaps_rollup", "Pss"));
    row("private", &private);
    row("anonymous", &anonymous).expect("every user can read the status")
}

/// The private memory in megabytes. `None` if this user cannot read it.
pub(crate) fn private(pid: i32) -> Option<f64> {
    Some(field(pid, "smaps_rollup", "Private_Clean")? + field(pid, "smaps_rollup", "Private_Dirty")?)
}

/// The anonymous memory in megabytes, which every user can read.
pub(crate) fn anonymous(pid: i32) -> Option<f64> {
    field(pid, "status", "RssAnon")
}

/// A field that the kernel gives in KiB, converted to megabytes. `None` if this user cannot read it.
fn field(pid: i32, file: &str, name: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: f64 = rest.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

pub(crate) fn idle(subject: &Subject, effort: Effort, report: &mut Report) {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(6)).start();
    // Only one of the two is traced.
    let [alone, traced] = [(); 2].map(|()| supervisor(subject.xassume(&sts, Sessions::Cold)));
    for running in [&alone, &traced] {
        running.line("begun");
    }
    sts.set_lifetime(HOUR);
    for running in [&alone, &traced] {
        running.line("begun");
    }
    // Threads that resolved a name exist for ten more seconds.
    let_pass(effort.choose(Duration::from_secs(12), Duration::from_secs(1)));
    let time = effort.choose(Duration::from_mins(1), Duration::from_secs(10));
    let seconds = time.as_secs();
    let trace = Trace::begin(traced.pid());
    let before = switches(alone.pid());
    let_pass(time);
    let woken = switches(alone.pid()) - before;
    report.figure("idle", &format!("wake-ups in {seconds} s, after the first refresh"), "", woken, "context switches");
    report.target(&format!("wake-ups of an idle supervisor in {seconds} s"), woken, 0.0, "");
    match trace.and_then(Trace::calls) {
        Ok(calls) => report.figure("idle", &format!("system calls in {seconds} s"), "", calls, "strace"),
        Err(reason) => report.skip("system calls of an idle supervisor", reason),
    }
}

/// The number of context switches of all threads of a process. There is one for each wake-up.
pub(crate) fn switches(pid: i32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let of_task = |status: String| {
        let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
        counts.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).sum::<f64>()
    };
    tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok()).map(of_task).sum()
}

/// strace(1) on a process.
struct Trace {
    strace: Child,
    output: NamedTempFile,
    /// Wall-clock time in seconds, like the times of strace. Calls before it are due to the attaching of strace.
    begun: f64,
}

impl Trace {
    fn begin(pid: i32) -> Result<Self, &'static str> {
        let path = on_path("strace").ok_or("strace is not on PATH")?;
        let output = NamedTempFile::new().expect("the temporary directory is writable");
        let mut strace = Command::new(path);
        strace.args(["-f", "-ttt", "-e", "signal=none", "-p", &pid.to_string(), "-o"]).arg(output.path());
        let strace = strace.stderr(Stdio::null()).spawn().map_err(|_| "strace does not start")?;
        let_pass(Duration::from_secs(1));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        Ok(Self { strace, output, begun: now.as_secs_f64() })
    }

    /// The system calls so far.
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    fn calls(mut self) -> Result<f64, &'static str> {
        let attached = matches!(self.strace.try_wait(), Ok(None));
        // Read before strace detaches, which causes further system calls in the process.
        let trace = fs::read_to_string(self.output.path()).unwrap_or_default();
        let _ = kill(Pid::from_raw(self.strace.id().cast_signed()), Signal::SIGINT);
        let _ = self.strace.wait();
        let moment = |line: &str| line.split_whitespace().nth(1)?.parse::<f64>().ok();
        let late = trace.lines().filter(|line| moment(line).is_some_and(|at| at >= self.begun));
        if attached { Ok(late.count() as f64) } else { Err("strace may not attach") }
    }
}

pub(crate) fn restarts(subject: &Subject, effort: Effort, report: &mut Report) {
    let starts = (0..effort.choose(40, 5)).map(|_| {
        let mut command = Command::new(&probe()[0]);
        command.arg(&probe()[1]).args(["print-start-time"]).stdin(Stdio::null());
        let begun = monotonic();
        let output = command.output().expect("the probe starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let first = text.split_whitespace().nth(1).and_then(|moment| moment.parse().ok());
        between(begun, first.expect("the probe prints a time"))
    });
    let starts = Samples::new(starts.collect());
    report.samples("restart", "floor: start of the same command", "ms", &starts, "spawn to first instruction");

    // Refreshed about every second.
    let sts = FakeSts::builder().lifetime(Duration::from_secs(2)).start();
    let count = effort.choose(4, 2);
    let all: Vec<Running> = (0..count).map(|_| supervisor(subject.xassume(&sts, Sessions::Cold))).collect();
    let mut gaps = Vec::new();
    for _ in 0..effort.choose(12, 3) {
        for running in &all {
            let ended = moment(running, "ended");
            gaps.push(between(ended, moment(running, "begun")));
        }
    }
    let gaps = Samples::new(gaps);
    report.samples("restart", "restart gap", "ms", &gaps, "old exit to first instruction of the new command");
    report.target("restart gap", gaps.median(), 5.0, "ms");

    let world = subject.xassume(&sts, Sessions::Cold).args(["--on-expiry", "restart", "--stop-timeout", "500ms", "--"]);
    let running = world.args(probe()).args(["fork-worker", "ignore-term", "then", "print-times"]).spawn();
    let gaps = (0..effort.choose(8, 2)).map(|_| between(moment(&running, "ended"), moment(&running, "begun")));
    let gaps = Samples::new(gaps.collect());
    let name = "restart gap, a process of its group ignores the stop signal";
    report.samples("restart", name, "ms", &gaps, "--stop-timeout 500ms");
}

pub(crate) fn signals(subject: &Subject, effort: Effort, report: &mut Report) {
    let sts = FakeSts::start();
    let running = supervisor(subject.xassume(&sts, Sessions::Cold));
    let line = running.line("begun");
    let child: i32 = line.split(' ').nth(2).and_then(|pid| pid.parse().ok()).expect("the probe prints its process ID");
    let (mut direct, mut forwarded) = (Vec::new(), Vec::new());
    for _ in 0..effort.choose(300, 20) {
        for (pid, figures) in [(child, &mut direct), (running.pid(), &mut forwarded)] {
            // By then both processes sleep again, as in normal use.
            let_pass(Duration::from_millis(5));
            let sent = monotonic();
            sys::send_signal(pid, libc::SIGUSR1);
            figures.push(between(sent, moment(&running, "USR1")));
        }
    }
    let (direct, forwarded) = (Samples::new(direct), Samples::new(forwarded));
    report.samples("signal", "floor: signal to the command", "ms", &direct, "sent to received");
    report.samples("signal", "signal to xassume", "ms", &forwarded, "sent to received by the command");
    report.target("added signal latency", forwarded.median() - direct.median(), 1.0, "ms");
}
