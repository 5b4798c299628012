//! A supervised run with one blocked call, and the check of its end.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::EndBy;
use crate::support::http::get;
use crate::support::processes::{becomes_true, children, has_ended};
use crate::support::sys::send_signal;
use crate::support::{FakeContainer, FakeSts, Identity, Running, Xassume, probe};
use crate::tracer::MARK;

/// Of a session. It is refreshed after half of it.
const LIFETIME: Duration = Duration::from_secs(4);
/// A signal is handled within a second. The other second is for a machine that is busy with other runs.
const LIMIT: Duration = Duration::from_secs(2);
/// A hook that is stuck has a second between TERM and KILL.
const LIMIT_WITH_HOOK: Duration = Duration::from_secs(3);
/// How long a restart without a delay takes. The next restart comes later.
const SETTLING: Duration = Duration::from_secs(1);
/// The exit status of the command in all cases.
const STATUS: i32 = 7;

/// The name of the file of `--env-file`.
const VARIABLES: &str = "variables";

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const CONFIG: &str = "[profile p]\nrole_arn = arn:aws:iam::111111111111:role/R\nsource_profile = s\n";

const HANDOVER: &[&str] =
    &["-p", "p", "--listen", "0", "--on-expiry", "restart", "--restart-order", "start-first", "--ready", "notify"];
/// What the probe does, before it exits with [`STATUS`]: it answers requests, or prints its keys.
const SERVES: &[&str] = &["sockets", "then", "nonblocking-sockets", "then", "serve", "notify"];
const PRINTS: &[&str] = &[
    "env",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "then",
    "print-keys",
    "exit-on",
    "USR2",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// The roles and keys are in `~/.aws`, and the sessions are cached.
    Restart,
    /// The same, with a server and `--restart-order start-first`.
    Handover,
    Signal,
    File,
    Endpoint,
    Process,
    /// The keys come from a `credential_process`.
    Helper,
    /// The keys come from the endpoint of a container, whose token is in a file.
    Container,
    /// A hook runs after each session.
    Hook,
    /// `--serve`, with a hook: there is no command.
    Keeper,
    /// Three roles, whose sessions are written to one file.
    Also,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Restart => "restart",
            Self::Handover => "handover",
            Self::Signal => "signal",
            Self::File => "file",
            Self::Endpoint => "endpoint",
            Self::Process => "process",
            Self::Helper => "helper",
            Self::Container => "container",
            Self::Hook => "hook",
            Self::Keeper => "keeper",
            Self::Also => "also",
        })
    }
}

pub enum Outcome {
    /// The refresh ended before the call.
    NotReached,
    Good,
    Fault {
        call: String,
        what: String,
    },
}

impl Scenario {
    pub const ALL: [Self; 11] = [
        Self::Restart,
        Self::Handover,
        Self::Signal,
        Self::File,
        Self::Endpoint,
        Self::Process,
        Self::Helper,
        Self::Container,
        Self::Hook,
        Self::Keeper,
        Self::Also,
    ];

    /// What ends the runs.
    pub fn ends(self) -> &'static [EndBy] {
        match self {
            // Only here, the command could be started once more.
            Self::Restart | Self::Handover => &[EndBy::Term, EndBy::Exit, EndBy::Late],
            _ => &[EndBy::Term, EndBy::Exit],
        }
    }

    /// The calls of an undisturbed run that can be blocked, in order.
    pub fn calls(self, binary: &Path) -> Vec<String> {
        let (sts, container) = services();
        let (running, _) = self.start(binary, &sts, &container, 0);
        let refreshed = 2 * self.sessions();
        assert!(becomes_true(|| sts.requests().len() >= refreshed), "no refresh: {}", running.stderr.so_far());
        // The last steps of a refresh come after STS's answer, but before the next call of STS.
        becomes_true(|| sts.requests().len() > refreshed);
        let said = running.stderr.so_far();
        let calls = said.lines().filter_map(|line| line.split_once(&format!("{MARK}call "))?.1.split_once('\t'));
        // Without the errors and lengths.
        calls.filter_map(|(_, call)| Some(call.rsplitn(3, '\t').nth(2)?.replace('\t', " "))).collect()
    }

    /// Blocks one call, counted from 1, and checks the effect.
    pub fn run(self, binary: &Path, hold: usize, end_by: EndBy) -> Outcome {
        let (sts, container) = services();
        let (running, xassume) = self.start(binary, &sts, &container, hold);
        let held_call = || {
            let said = running.stderr.so_far();
            said.lines().find_map(|line| Some(line.split_once(&format!("{MARK}at "))?.1.to_owned()))
        };
        becomes_true(|| held_call().is_some() || sts.requests().len() > 2 * self.sessions());
        let Some(call) = held_call() else { return Outcome::NotReached };
        match self.judge(running, xassume, end_by) {
            Ok(()) => Outcome::Good,
            Err(what) => Outcome::Fault { call, what },
        }
    }

    fn judge(self, running: Running, xassume: i32, end_by: EndBy) -> Result<(), String> {
        if matches!(self, Self::Endpoint | Self::Container | Self::Keeper) {
            let said = match self {
                Self::Keeper => fs::read_to_string(variables(&running)).unwrap_or_default(),
                _ => running.stdout.so_far(),
            };
            let value = |name: &str| said.lines().rev().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            let url = value("AWS_CONTAINER_CREDENTIALS_FULL_URI=").unwrap_or_default();
            let token = value("AWS_CONTAINER_AUTHORIZATION_TOKEN=").unwrap_or_default();
            let asked = Instant::now();
            let answer = get(&url, &[("Authorization", &token)]);
            if asked.elapsed() > LIMIT || !answer.is_ok_and(|answer| answer.status == 200) {
                return Err("the endpoint does not answer".to_owned());
            }
        }
        if self == Self::Handover {
            let said = running.stdout.so_far();
            let address = said.lines().find_map(|line| line.strip_prefix("socket 3 listen ")?.split(' ').next());
            let url = format!("http://{}/", address.unwrap_or_default());
            let asked = Instant::now();
            let answer = get(&url, &[]);
            if asked.elapsed() > LIMIT || !answer.is_ok_and(|answer| answer.status == 200) {
                return Err("the server does not answer".to_owned());
            }
        }
        if self == Self::Keeper {
            // There is no command that could end.
            send_signal(xassume, if end_by == EndBy::Exit { libc::SIGINT } else { libc::SIGTERM });
            if !running.ends_within(LIMIT_WITH_HOOK) {
                return Err(format!("it does not end within {LIMIT_WITH_HOOK:?}"));
            }
            let (file, finished) = (variables(&running), running.wait());
            return match finished.code() {
                Some(0) if !file.exists() => Ok(()),
                _ => Err(format!("it ends with {}, or leaves its file", finished.status)),
            };
        }
        // A blocked message delays nothing: the restart that it announces continues, and ends before the next one.
        let begun = starts(&running).len();
        let restarted = || starts(&running).len() > begun;
        let waited = Instant::now();
        while matches!(self, Self::Restart | Self::Handover) && !restarted() && waited.elapsed() < SETTLING {
            std::thread::sleep(Duration::from_millis(5));
        }
        let starts = starts(&running);
        let command = starts.last().copied().unwrap_or_default();
        // Between the stop of one command and the start of the next there is no command to end.
        let is_ready = children(xassume).contains(&command);
        if end_by == EndBy::Term || !is_ready {
            send_signal(xassume, libc::SIGTERM);
        } else {
            send_signal(command, self.end_signal());
        }
        if end_by == EndBy::Late && is_ready {
            becomes_true(|| has_ended(command));
            send_signal(running.pid(), libc::SIGUSR2);
        }
        let limit = if self == Self::Hook { LIMIT_WITH_HOOK } else { LIMIT };
        if !running.ends_within(limit) {
            let is_again = starts_in(&running.stdout.so_far()).len() > starts.len();
            let again = if is_again { ", and starts the command once more" } else { "" };
            return Err(format!("it does not end within {limit:?}{again}"));
        }
        let finished = running.wait();
        let later = starts_in(&finished.stdout_text());
        if let Some(living) = later.iter().find(|&&pid| !has_ended(pid)) {
            return Err(format!("it ends before its command, pid {living}"));
        }
        if later.len() > starts.len() {
            return Err("the command was started once more".to_owned());
        }
        // A command that does not handle signals yet dies of it.
        let died_early = !is_ready && finished.signal() == Some(libc::SIGTERM);
        if finished.code() != Some(STATUS) && !died_early {
            return Err(format!("it ends otherwise than the command: {}", finished.status));
        }
        Ok(())
    }

    /// Starts a supervised run. Calls are counted from the time when the command is ready. Returns xassume's process ID
    /// too.
    fn start(self, binary: &Path, sts: &FakeSts, container: &FakeContainer, hold: usize) -> (Running, i32) {
        let this = std::env::current_exe().expect("a running program has a path");
        let xassume = Xassume::new(sts).program(this).args(["trace", &hold.to_string()]).arg(binary);
        let xassume = xassume.args(["-v", "--refresh-margin", "1h"]).args(self.flags());
        let Identity { access_key_id: id, secret_access_key: secret, .. } = Identity::user();
        let xassume = match self {
            Self::Restart | Self::Handover | Self::Signal => {
                let keys = format!("[s]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
                xassume.without_keys().file(".aws/config", CONFIG).file(".aws/credentials", keys)
            }
            Self::Helper => {
                let keys = format!(r#"{{"Version": 1, "AccessKeyId": "{id}", "SecretAccessKey": "{secret}"}}"#);
                let profile = format!("[profile s]\ncredential_process = echo '{keys}'\n");
                xassume.without_keys().file(".aws/config", format!("{CONFIG}{profile}"))
            }
            Self::Container => xassume
                .without_keys()
                .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
                .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", container.token_file()),
            Self::Keeper => {
                let file = xassume.sandbox().work().join(VARIABLES);
                xassume.arg("--env-file").arg(file)
            }
            Self::File | Self::Endpoint | Self::Process | Self::Hook | Self::Also => xassume,
        };
        if self == Self::Keeper {
            let running = xassume.spawn();
            running.error_line("serving credentials: ");
            return counted(running);
        }
        let works = if self == Self::Handover { SERVES } else { PRINTS };
        let ends = ["then", "exit", &STATUS.to_string()].map(str::to_owned);
        let running = xassume.arg("--").args(probe()).args(works).args(ends).spawn();
        running.line(" pid=");
        counted(running)
    }

    /// How many sessions are refreshed at nearly the same time.
    fn sessions(self) -> usize {
        if self == Self::Also { 3 } else { 1 }
    }

    /// The signal after which the command exits.
    fn end_signal(self) -> i32 {
        if self == Self::Handover { libc::SIGTERM } else { libc::SIGUSR2 }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Restart => &["-p", "p", "--on-expiry", "restart"],
            Self::Handover => HANDOVER,
            Self::Signal => &["-p", "p", "--on-expiry", "signal"],
            Self::File => &["-r", ROLE, "--via", "file"],
            Self::Endpoint | Self::Container => &["-r", ROLE, "--via", "endpoint"],
            Self::Process => &["-r", ROLE, "--via", "process"],
            Self::Helper => &["-p", "p", "--via", "endpoint"],
            Self::Hook => {
                &["-r", ROLE, "--via", "process", "--refresh-hook", "cat \"$AWS_SHARED_CREDENTIALS_FILE\" | cat"]
            }
            Self::Keeper => &["-r", ROLE, "--serve", "--refresh-hook", "true"],
            Self::Also => &["-r", ROLE, "--also", "a=222222222222:A", "--also", "b=333333333333:B", "--via", "file"],
        }
    }
}

/// The services of a run.
fn services() -> (FakeSts, FakeContainer) {
    (FakeSts::builder().lifetime(LIFETIME).start(), FakeContainer::start())
}

/// Counts the calls from now on. Returns xassume's process ID too.
fn counted(running: Running) -> (Running, i32) {
    send_signal(running.pid(), libc::SIGUSR1);
    let xassume = children(running.pid())[0];
    (running, xassume)
}

/// The file of `--env-file`.
fn variables(running: &Running) -> PathBuf {
    running.sandbox().work().join(VARIABLES)
}

/// The process IDs of all starts of the command so far.
fn starts(running: &Running) -> Vec<i32> {
    starts_in(&running.stdout.so_far())
}

/// The same in this output.
fn starts_in(said: &str) -> Vec<i32> {
    let ready = said.lines().filter_map(|line| line.strip_prefix("ready pid=").or(line.strip_prefix("serving pid=")));
    ready.filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}
