//! A keeper: it is started again after each end, and has a client, which xassume has not started.
//!
//! Nothing here waits for longer than a turn, because faults of other supervisors end in turns, too.

use std::fs;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::Supervisor;
use super::outside_faults::signal;
use super::start::this;
use crate::plan::Ending;
use crate::support::log::PATIENCE;
use crate::support::processes::{all_processes, becomes_true, state_of};
use crate::support::{FakeSts, Finished, Running, Volume, Xassume};
use crate::verdict::{Life, SERVING};
use crate::{Kind, TURN, worker};

/// The most turns from TERM to the end: two seconds. A busy machine makes the turns longer, too.
const MOST_TURNS: u128 = 2000 / TURN.as_millis();
/// The most turns until the processes that hooks have left behind have ended.
const PATIENT_TURNS: u128 = PATIENCE.as_millis() / TURN.as_millis();

/// A keeper without its process, which is that of the supervisor.
pub struct Keeper {
    /// How it is started.
    xassume: Xassume,
    pub client: Running,
    pub address: SocketAddr,
    /// The files that exist only while it has a session.
    files: Vec<PathBuf>,
    /// Whether the files of a killed process remain until the next session. With a fixed address, they are removed
    /// first.
    keeps_files: bool,
    /// Whether a process was killed, and there has been no session since.
    was_killed: bool,
    step: Step,
    /// How many requests STS had got when the process was started.
    first_request: usize,
    /// The processes that have ended.
    pub lives: Vec<Life>,
    pub wrong: Vec<String>,
    pub story: String,
}

enum Step {
    /// It does not have its first session yet.
    Starting,
    Serving,
    /// It ends for this reason, and has done so for this many turns.
    Ending(Reason, u128),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Asked(Ending),
    /// It could not get a first session.
    Refused,
    /// There is no reason.
    Unknown,
}

impl Keeper {
    /// Prepares a keeper, and starts its client. `xassume` has the flags without a path.
    pub fn new(kind: Kind, xassume: Xassume, volume: Option<&Volume>, sts: &FakeSts, until: u64) -> Self {
        let work = xassume.sandbox().work();
        let [variables, token, pid] = ["variables", "token", "pid"].map(|name| work.join(name));
        let credentials = volume.map_or(work.clone(), Volume::path).join("credentials");
        // Each start needs the same port, so it is one of an address that no other program uses.
        let [_, second, third, last] = std::process::id().to_be_bytes();
        let socket = TcpListener::bind((Ipv4Addr::new(127, second | 128, third, last.max(1)), 0));
        let address = socket.and_then(|socket| socket.local_addr()).expect("each loopback address can be bound");
        let xassume = xassume.arg("--env-file").arg(&variables);
        let (xassume, file) = if kind == Kind::Keeper {
            let xassume = xassume.arg("--endpoint-address").arg(address.to_string());
            (xassume.arg("--endpoint-token-file").arg(&token), token)
        } else {
            let xassume = xassume.arg("--credentials-file").arg(&credentials);
            (xassume.arg("--signal-pid-file").arg(&pid), credentials)
        };
        let client = Xassume::new(sts).program(this()).args(worker::words(kind, until));
        let client =
            client.env(worker::VARIABLES, &variables).blocking(&worker::TAKEN.map(|signal| signal as i32)).spawn();
        client.line("ready");
        fs::write(&pid, client.pid().to_string()).expect("the working directory is writable");
        Self {
            xassume,
            client,
            address,
            files: vec![variables, file],
            keeps_files: kind == Kind::Files,
            was_killed: false,
            step: Step::Serving,
            first_request: 0,
            lives: Vec::new(),
            wrong: Vec::new(),
            story: String::new(),
        }
    }

    /// Starts it for the first time, and waits for its session.
    pub fn first(&self) -> Running {
        let running = self.xassume.spawn();
        running.error_line(SERVING);
        running
    }

    /// Continues its start or its end. Returns why it has ended, if no process is left.
    fn turn(&mut self, running: &Running) -> Option<Reason> {
        let ended = running.ends_within(Duration::ZERO);
        match &mut self.step {
            Step::Starting if running.stderr.so_far().contains(SERVING) => {
                (self.step, self.was_killed) = (Step::Serving, false);
            }
            Step::Starting if ended => self.step = Step::Ending(Reason::Refused, 0),
            Step::Serving if ended => self.step = Step::Ending(Reason::Unknown, 0),
            Step::Starting | Step::Serving => {}
            Step::Ending(reason, turns) => {
                *turns += 1;
                let (reason, turns) = (*reason, *turns);
                if turns == MOST_TURNS && !ended {
                    self.wrong.push(format!("it runs {MOST_TURNS} turns of {TURN:?} after TERM"));
                }
                let strays = self.strays(running);
                // It could not end its hook. Other processes must end by themselves.
                if reason == Reason::Asked(Ending::Kill) || turns == PATIENT_TURNS {
                    strays.iter().filter(|&&pid| !is_of_xassume(pid)).for_each(|&pid| kill(pid));
                }
                if turns == PATIENT_TURNS {
                    self.wrong.push(format!("these processes are left: {strays:?}"));
                }
                return (ended && (strays.is_empty() || turns > PATIENT_TURNS)).then_some(reason);
            }
        }
        None
    }

    /// Checks the files that are there after the end of a process.
    fn check_files(&mut self, reason: Reason) {
        let is_kill = reason == Reason::Asked(Ending::Kill);
        self.was_killed |= is_kill;
        let may_stay = is_kill || self.was_killed && self.keeps_files;
        let left: Vec<_> = self.files.iter().filter(|file| file.exists()).collect();
        if !may_stay && !left.is_empty() {
            self.wrong.push(format!("files are left: {left:?}"));
        }
    }

    /// Ends the client. Returns its output.
    pub fn end_client(&self) -> String {
        self.client.signal(libc::SIGTERM);
        String::from_utf8_lossy(&self.client.stdout.to_the_end().unwrap_or_default()).into_owned()
    }

    /// Checks the end of a process after TERM, and keeps its log.
    pub fn keep_last(&mut self, finished: &Finished) {
        self.keep(Reason::Asked(Ending::Term), finished);
    }

    /// Checks the end of a process, and keeps its log.
    fn keep(&mut self, reason: Reason, finished: &Finished) {
        let expected = match reason {
            Reason::Asked(Ending::Term) => finished.code() == Some(0),
            Reason::Asked(Ending::Kill) => true,
            Reason::Refused => finished.code() == Some(125),
            Reason::Unknown => false,
        };
        if !expected {
            self.wrong.push(format!("it ended with {}, because of {reason:?}", finished.status));
        }
        self.lives.push(Life { first_request: self.first_request, stderr: finished.stderr.clone() });
        self.story += &finished.describe();
    }

    /// The living processes of the keeper, its hooks and their children.
    fn strays(&self, running: &Running) -> Vec<i32> {
        let home = format!("HOME={}", self.xassume.home().display());
        let is_stray = |&pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = environment.split(|&byte| byte == 0);
            variables.any(|variable| variable == home.as_bytes()) && !matches!(state_of(pid), None | Some('Z' | 'X'))
        };
        all_processes().filter(|&pid| pid != running.pid()).filter(is_stray).collect()
    }
}

fn is_of_xassume(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "xassume")
}

fn kill(pid: i32) {
    signal(Pid::from_raw(pid), Signal::SIGKILL);
}

impl Supervisor {
    /// Whether xassume runs and has a session. Only then it gets faults.
    pub(super) fn is_serving(&self) -> bool {
        self.keeper.as_ref().is_none_or(|keeper| matches!(keeper.step, Step::Serving))
    }

    /// Ends the process of a keeper. It is started again when it has ended.
    pub(super) fn end_keeper(&mut self, ending: Ending) {
        self.recover_all();
        let by = if ending == Ending::Kill { Signal::SIGKILL } else { Signal::SIGTERM };
        signal(Pid::from_raw(self.pid), by);
        if let Some(keeper) = &mut self.keeper {
            keeper.step = Step::Ending(Reason::Asked(ending), 0);
        }
    }

    /// Continues the start or the end of a keeper. Starts it again if it has ended.
    pub(super) fn follow_keeper(&mut self) {
        let Some(keeper) = &mut self.keeper else { return };
        let Some(reason) = keeper.turn(&self.running) else { return };
        keeper.check_files(reason);
        let next = keeper.xassume.spawn();
        let finished = mem::replace(&mut self.running, next).wait();
        keeper.keep(reason, &finished);
        keeper.step = Step::Starting;
        keeper.first_request = self.sts.requests().len();
        self.pid = self.running.pid();
        self.measured.push(mem::take(&mut self.resources));
    }

    /// Waits until a keeper serves.
    pub(super) fn wait_until_serving(&mut self) {
        let serves = becomes_true(|| {
            self.follow_keeper();
            self.is_serving()
        });
        if let Some(keeper) = self.keeper.as_mut().filter(|_| !serves) {
            keeper.wrong.push("it does not serve at the end".to_owned());
        }
    }

    /// Ends a keeper for good.
    pub(super) fn stop_keeper(&mut self) {
        self.end_keeper(Ending::Term);
        let Some(keeper) = &mut self.keeper else { return };
        while keeper.turn(&self.running).is_none() {
            sleep(TURN);
        }
        keeper.check_files(Reason::Asked(Ending::Term));
    }
}
