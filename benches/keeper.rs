//! The costs of a keeper (`--serve`), compared with a supervisor whose command only sleeps: memory and wake-ups.
//!
//! Memory is measured with TLS and the system's root certificates, which take most of it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::measure::{Effort, let_pass};
use crate::report::Report;
use crate::subject::{Sessions, Subject, TlsSts};
use crate::supervise::{SIDE_BY_SIDE, anonymous, private, switches};
use crate::support::http::get;
use crate::support::processes::eventually;
use crate::support::{Running, Xassume};

const GROUP: &str = "keeper";
/// How many times each of the session and the health is fetched.
const FETCHES: usize = 100;

/// Processes that are measured in the same way.
struct Contender {
    name: &'static str,
    all: Vec<(Running, PathBuf)>,
}

impl Contender {
    fn start(name: &'static str, world: impl Fn() -> Xassume, words: &[&str]) -> Self {
        let start = || {
            let xassume = world();
            let variables = xassume.sandbox().work().join("variables");
            let running = xassume.arg("--env-file").arg(&variables).args(words).spawn();
            eventually("the session can be fetched", || variables.exists());
            (running, variables)
        };
        Self { name, all: (0..SIDE_BY_SIDE).map(|_| start()).collect() }
    }

    /// Fetches the session and the health of each.
    fn fetch(&self) {
        for (_, variables) in &self.all {
            let text = fs::read_to_string(variables).expect("it exists while xassume runs");
            let value = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
                line.expect("it is an endpoint").to_owned()
            };
            let url = value("AWS_CONTAINER_CREDENTIALS_FULL_URI");
            let token = value("AWS_CONTAINER_AUTHORIZATION_TOKEN");
            let (host, _) = url.trim_start_matches("http://").split_once('/').expect("it has a path");
            for _ in 0..FETCHES {
                for (url, token) in [(url.as_str(), token.as_str()), (&format!("http://{host}/health"), "")] {
                    let answer = get(url, &[("Authorization", token)]).expect("it listens");
                    assert_eq!(answer.status, 200, "{}", answer.text());
                }
            }
        }
    }

    /// Reports a figure of each process; returns the median. `None` if this user cannot read it.
    fn report(&self, what: &str, read: impl Fn(i32) -> Option<f64>, report: &mut Report) -> Option<f64> {
        let name = format!("{what}, {}", self.name);
        report.memory(GROUP, &name, self.all.iter().map(|(running, _)| read(running.pid())))
    }
}

pub(crate) fn keepers(subject: &Subject, effort: Effort, report: &mut Report) {
    if !subject.knows("--serve") {
        report.skip(GROUP, "this build has no keeper");
        return;
    }
    let tls = TlsSts::start();
    let world = || subject.xassume(&tls.sts, Sessions::Cold).env("SSL_CERT_FILE", tls.bundle());
    let contenders = [
        Contender::start("--serve", world, &["--serve"]),
        Contender::start("--via endpoint -- sleep", world, &["--via", "endpoint", "--", "sleep", "600"]),
    ];
    let memory = |when: &str, report: &mut Report| {
        contenders.each_ref().map(|contender| {
            contender.report(&format!("anonymous {when}"), anonymous, report);
            contender.report(&format!("private {when}"), private, report)
        })
    };
    let settle = effort.choose(Duration::from_secs(5), Duration::from_secs(1));
    let_pass(settle);
    memory("after the first session", report);
    contenders.iter().for_each(Contender::fetch);
    // Threads that resolved a name exist for ten seconds.
    let_pass(effort.choose(Duration::from_secs(12), Duration::from_secs(1)));
    let [keeper, _] = memory(&format!("after {FETCHES} fetches of each kind"), report);
    let time = effort.choose(Duration::from_secs(30), Duration::from_secs(5));
    let woken = |contender: &Contender| contender.all.iter().map(|(running, _)| switches(running.pid())).sum::<f64>();
    let before = contenders.each_ref().map(woken);
    let_pass(time);
    for ((contender, before), after) in contenders.iter().zip(before).zip(contenders.each_ref().map(woken)) {
        let name = format!("wake-ups of ten in {} s, {}", time.as_secs(), contender.name);
        report.figure(GROUP, &name, "", after - before, "context switches, no fetch");
        report.target(&name, after - before, 0.0, "");
    }
    if let Some(keeper) = keeper {
        report.target("idle keeper's private memory after fetches", keeper, 1.0, "MB");
    }
}
