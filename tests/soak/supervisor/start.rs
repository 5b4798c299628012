//! Starts a supervisor.

use std::fs::File;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, unlockpt};

use super::Supervisor;
use super::keeper::Keeper;
use crate::clients::Clients;
use crate::plan::Plan;
use crate::support::capture::Capture;
use crate::support::processes::{children, pid_namespace};
use crate::support::sys::open_peer;
use crate::support::{FakeSts, Running, Volume, Xassume, binary};
use crate::{Kind, Settings, worker};

impl Supervisor {
    pub fn start(kind: Kind, settings: &Settings, until: u64) -> Self {
        let plan = Plan::new(kind, settings.seed);
        let sts = FakeSts::builder().lifetime(kind.lifetime(settings.lifetime)).start();
        sts.script(plan.replies.iter().map(|reply| reply.answer()));
        let volume = if matches!(kind, Kind::Signal | Kind::Files) { volume() } else { None };
        let xassume = Xassume::new(&sts);
        let (keeper, (running, pid, terminal)) = if kind.is_keeper() {
            let keeper = Keeper::new(kind, xassume.args(flags(kind)), volume.as_ref(), &sts, until);
            let running = keeper.first();
            let pid = running.pid();
            (Some(keeper), (running, pid, None))
        } else {
            (None, command(kind, xassume, volume.as_ref(), until))
        };
        let address = (kind == Kind::Handover).then(|| address(&running.error_line("listening on ")));
        Self {
            kind,
            plan,
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
            hang_ups_until: None,
            fifo_until: None,
            unauthorized: None,
            clients: address.map(Clients::start),
            keeper,
            sent: 0,
            resources: Vec::new(),
            measured: Vec::new(),
            gone: None,
        }
    }
}

fn flags(kind: Kind) -> Vec<&'static str> {
    // The earliest possible refresh: at half the lifetime.
    [vec!["-r", "111111111111:Soak", "-v", "--refresh-margin", "1h"], kind.flags()].concat()
}

/// Starts xassume with a command, which gets ready. Returns the started program, the process ID of xassume, which is another one in a
/// namespace, and the terminal that is its standard error.
fn command(kind: Kind, xassume: Xassume, volume: Option<&Volume>, until: u64) -> (Running, i32, Option<File>) {
    let namespace = if kind == Kind::Init { namespace() } else { Vec::new() };
    let xassume =
        if namespace.is_empty() { xassume } else { xassume.program("unshare").args(&namespace).arg(binary()) };
    let xassume = match volume {
        Some(volume) => xassume.arg("--credentials-file").arg(volume.path().join("credentials")),
        None => xassume,
    };
    let (xassume, terminal) = if kind == Kind::Endpoint {
        let (master, slave) = terminal();
        (xassume.stderr(slave), Some(master))
    } else {
        (xassume, None)
    };
    // These signals must not kill a command that has just started, so they are blocked from its start.
    let xassume = xassume.blocking(&worker::TAKEN.map(|signal| signal as i32)).args(flags(kind));
    let mut running = xassume.arg("--").arg(this()).args(worker::words(kind, until)).spawn();
    if let Some(terminal) = &terminal {
        running.stderr = Capture::of(terminal.try_clone().ok());
    }
    running.line("ready");
    let pid = if namespace.is_empty() { running.pid() } else { children(running.pid())[0] };
    (running, pid, terminal)
}

/// The path of this program.
pub(super) fn this() -> std::path::PathBuf {
    std::env::current_exe().expect("a running program has a path")
}

/// The address in xassume's message about its socket.
fn address(line: &str) -> SocketAddr {
    let address = line.split_once("listening on ").and_then(|(_, rest)| rest.split(' ').next());
    address.and_then(|address| address.parse().ok()).expect("an address")
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
