//! The memory of supervisors with one role and with three (`--also`), after their sessions were fetched.
//!
//! It is measured with TLS and the system's root certificates, which take most of it.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::measure::{Effort, let_pass};
use crate::report::Report;
use crate::subject::{ROLE, Sessions, Subject, TlsSts};
use crate::supervise::{SIDE_BY_SIDE, anonymous, private};
use crate::support::processes::eventually;
use crate::support::{Running, Xassume};

const GROUP: &str = "roles";
const OTHERS: [&str; 2] = ["arn:aws:iam::222222222222:role/Prod", "arn:aws:iam::333333333333:role/Audit"];
const ALSO: [&str; 4] = ["--also", "prod=222222222222:Prod", "--also", "audit=333333333333:Audit"];
/// The command says where its profiles are.
const COMMAND: [&str; 3] = ["/bin/sh", "-c", "echo \"file=$AWS_SHARED_CREDENTIALS_FILE\"; exec sleep 600"];
/// How many times each session is fetched.
const FETCHES: usize = 5;
/// Long enough for all of them to start, short enough to wait for their first refresh.
const SHORT: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_hours(1);

/// Supervisors that are measured in the same way, each with the programs of its profiles.
struct Contender {
    name: &'static str,
    all: Vec<(Running, Vec<String>)>,
}

impl Contender {
    fn start(name: &'static str, world: impl Fn() -> Xassume, also: &[&str]) -> Self {
        let all: Vec<Running> = (0..SIDE_BY_SIDE)
            .map(|_| world().args(["--via", "process"]).args(also).arg("--").args(COMMAND).spawn())
            .collect();
        let with_programs = |running: Running| {
            let line = running.line("file=");
            let text =
                fs::read_to_string(line.trim_start_matches("file=")).expect("the file exists while xassume runs");
            let programs = text.lines().filter_map(|line| line.strip_prefix("credential_process = "));
            let programs: Vec<String> = programs.map(str::to_owned).collect();
            assert_eq!(programs.len(), 1 + also.len() / 2, "there is one for each role");
            (running, programs)
        };
        Self { name, all: all.into_iter().map(with_programs).collect() }
    }

    /// Fetches each session as an SDK does.
    fn fetch(&self) {
        for program in self.all.iter().flat_map(|(_, programs)| programs).flat_map(|one| [one; FETCHES]) {
            let status = Command::new("/bin/sh").args(["-c", program]).stdout(Stdio::null()).status();
            assert!(status.expect("sh runs").success(), "{program}");
        }
    }

    /// Reports the memory of each; returns the median of the private memory. `None` if this user cannot read it.
    fn report(&self, when: &str, report: &mut Report) -> Option<f64> {
        let mut row = |what: &str, read: &dyn Fn(i32) -> Option<f64>| {
            let name = format!("{what} {when}, {}", self.name);
            report.memory(GROUP, &name, self.all.iter().map(|(running, _)| read(running.pid())))
        };
        row("anonymous", &anonymous);
        row("private", &private)
    }
}

pub(crate) fn memory(subject: &Subject, effort: Effort, report: &mut Report) {
    let tls = TlsSts::start();
    tls.sts.set_lifetime(SHORT);
    let world = || subject.xassume(&tls.sts, Sessions::Cold).env("SSL_CERT_FILE", tls.bundle());
    let mut contenders = vec![Contender::start("one role", world, &[])];
    if subject.knows("--also") {
        contenders.push(Contender::start("three roles", world, &ALSO));
    } else {
        report.skip(GROUP, "this build has one role for a command");
    }
    tls.sts.set_lifetime(HOUR);
    contenders.iter().for_each(Contender::fetch);
    let mut memory = |when: &str| -> Option<Vec<f64>> {
        contenders.iter().map(|contender| contender.report(when, report)).collect()
    };
    memory("after a fetch of each first session");
    let issued = |role: &str| tls.sts.issued().iter().filter(|issued| issued.role_arn == role).count();
    eventually("each session is refreshed", || {
        let others = OTHERS.iter().all(|role| contenders.len() == 1 || issued(role) >= 2 * SIDE_BY_SIDE);
        others && issued(ROLE) >= 2 * SIDE_BY_SIDE * contenders.len()
    });
    contenders.iter().for_each(Contender::fetch);
    // Threads that resolved a name exist for ten seconds.
    let_pass(effort.choose(Duration::from_secs(12), Duration::from_secs(1)));
    if let Some([one, three]) = memory("after a refresh and a fetch of each").as_deref() {
        report.target("private memory of three roles over that of one", three - one, 0.2, "MB");
    }
}
