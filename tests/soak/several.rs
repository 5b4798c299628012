//! Commands with three roles (`--also`) under faults, one for each delivery.
//!
//! STS always answers requests for the default role. Requests for the other two get faults from the seed, and those for
//! `prod` also hang several times in a row. xassume is killed and started again. What the command could get is read all
//! the time, and checked by [`verdict`].

mod reader;
mod verdict;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use crate::plan::{Plan, PlannedAnswer};
use crate::resources::{self, Resources};
use crate::support::processes::becomes_true;
use crate::support::{FakeSts, Finished, Running, Xassume};
use crate::{Kind, Settings, TURN};
use verdict::{Log, Sight};

/// The profiles, and their roles.
const PROFILES: [(&str, &str); 3] = [
    ("default", "arn:aws:iam::111111111111:role/Soak"),
    ("prod", "arn:aws:iam::222222222222:role/Soak"),
    ("audit", "arn:aws:iam::333333333333:role/Soak"),
];
const PROD: usize = 1;

/// How many requests for `prod` hang in a row, and how many are between.
const OUTAGE: usize = 5;
const BETWEEN: usize = 12;
/// After this many sessions of the default role, xassume is killed.
const LIFE: usize = 25;
const STS_TIMEOUT: Duration = Duration::from_millis(700);
/// How often the resources are measured: often enough that some measurements are between the calls of an outage.
const LOOK: Duration = Duration::from_millis(200);

/// The answers to the requests for a role. The default role has no script.
fn replies(profile: usize, seed: u64) -> Vec<PlannedAnswer> {
    let planned = Plan::new(Kind::Signal, seed.wrapping_add(profile as u64)).replies;
    let outage = [PlannedAnswer::Hang; OUTAGE];
    match profile {
        0 => Vec::new(),
        PROD => planned.chunks(BETWEEN).flat_map(|part| part.iter().chain(&outage).copied()).collect(),
        _ => planned,
    }
}

/// The result for one delivery.
pub struct Outcome {
    pub name: &'static str,
    pub summary: String,
    /// Of the default role.
    pub refreshes: usize,
    pub wrong: Vec<String>,
    pub story: String,
}

impl Outcome {
    /// Prints the figures. Returns what is wrong, and writes the output of xassume beside the log then.
    pub fn complaints(&self, settings: &Settings, log: &Path) -> Vec<String> {
        println!("{}", self.summary);
        let mut wrong: Vec<String> =
            self.wrong.iter().map(|complaint| format!("three roles, {}: {complaint}", self.name)).collect();
        if self.refreshes < settings.refreshes {
            wrong.push(format!("{} refreshes, and {} were asked for", self.refreshes, settings.refreshes));
        }
        if !wrong.is_empty() {
            let story = log.with_extension(format!("three-roles-{}", self.name));
            std::fs::write(&story, &self.story).expect("the story can be written");
            println!("the output and log of three roles ({}) are in {}", self.name, story.display());
        }
        wrong
    }
}

/// The supervisors, each followed by a thread.
pub struct Several {
    ended: Arc<AtomicBool>,
    followed: [(Arc<AtomicUsize>, JoinHandle<Outcome>); 2],
}

impl Several {
    pub fn start(settings: &Settings) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let followed = ["file", "process"].map(|via| {
            let (ended, settings, refreshes) = (Arc::clone(&ended), *settings, Arc::new(AtomicUsize::new(0)));
            let counter = Arc::clone(&refreshes);
            (refreshes, thread::spawn(move || Follower::new(via, &settings, counter).follow(&ended)))
        });
        Self { ended, followed }
    }

    /// Whether each supervisor has refreshed the session of the default role this many times.
    pub fn have_made(&self, refreshes: usize) -> bool {
        self.followed.iter().all(|(made, _)| made.load(Ordering::Relaxed) >= refreshes)
    }

    pub fn end(self) -> Vec<Outcome> {
        self.ended.store(true, Ordering::Relaxed);
        self.followed.into_iter().map(|(_, thread)| thread.join().expect("the thread does not panic")).collect()
    }
}

/// A process of xassume.
struct Life {
    running: Running,
    /// The command's credentials file, as soon as there is a command.
    file: Option<PathBuf>,
    /// How many sessions of the default role there were before.
    sessions: usize,
    resources: Vec<Resources>,
    looked: Instant,
}

struct Follower {
    via: &'static str,
    sts: FakeSts,
    xassume: Xassume,
    log: Log,
    /// Of the default role.
    refreshes: Arc<AtomicUsize>,
    resources: Vec<Resources>,
    story: String,
}

impl Follower {
    fn new(via: &'static str, settings: &Settings, refreshes: Arc<AtomicUsize>) -> Self {
        // A process gets no session in its last second, so sessions last one second longer.
        let sts = FakeSts::builder().lifetime(settings.lifetime + Duration::from_secs(1)).start();
        let replies = [0, 1, 2].map(|profile| replies(profile, settings.seed));
        for ((_, role), replies) in PROFILES.iter().zip(&replies).skip(1) {
            sts.script_role(role, replies.iter().map(|reply| reply.answer()));
        }
        let seconds = (3 * settings.time).as_secs() + 300;
        let command = format!("echo \"file=$AWS_SHARED_CREDENTIALS_FILE\"; exec sleep {seconds}");
        let timeout = format!("{}ms", STS_TIMEOUT.as_millis());
        // The earliest possible refresh: at half the lifetime.
        let flags = ["-v", "--no-cache", "--refresh-margin", "1h", "--via", via, "--sts-timeout", &timeout];
        let xassume = Xassume::new(&sts).args(flags).args(["-r", PROFILES[0].1]);
        let xassume = PROFILES[1..]
            .iter()
            .fold(xassume, |xassume, (name, role)| xassume.arg("--also").arg(format!("{name}={role}")));
        let xassume = xassume.args(["--", "/bin/sh", "-c", &command]);
        Self { via, sts, xassume, log: Log::new(replies), refreshes, resources: Vec::new(), story: String::new() }
    }

    fn start(&self) -> Life {
        let (running, sessions) = (self.xassume.spawn(), self.log.issued[0].len());
        Life { running, file: None, sessions, resources: Vec::new(), looked: Instant::now() }
    }

    fn follow(mut self, ended: &AtomicBool) -> Outcome {
        let mut life = self.start();
        // The last process must have a command, which is ended in another way than the others.
        while !ended.load(Ordering::Relaxed) || life.file.is_none() {
            self.turn(&mut life);
            if life.running.ends_within(Duration::ZERO) {
                life = self.replace(life);
            } else if life.file.is_some() && self.log.issued[0].len() >= life.sessions + LIFE {
                life.running.signal(libc::SIGKILL);
                life = self.replace(life);
            }
            thread::sleep(TURN);
        }
        life.running.signal(libc::SIGTERM);
        let finished = self.finish(life);
        if finished.signal() != Some(libc::SIGTERM) {
            self.log.wrong.push(format!("it ended with {} after TERM", finished.status));
        }
        let directories = self.xassume.sandbox().run_directories();
        if !directories.is_empty() {
            self.log.wrong.push(format!("directories are left: {directories:?}"));
        }
        self.outcome()
    }

    /// Looks at everything once: first at the resources, because reading a session takes a connection for a moment.
    fn turn(&mut self, life: &mut Life) {
        if life.file.is_some() && life.looked.elapsed() >= LOOK {
            life.looked = Instant::now();
            life.resources.extend(Resources::of(life.running.pid(), life.running.pid()));
        }
        let said = life.running.stdout.so_far();
        life.file = life.file.take().or_else(|| Some(said.lines().next()?.strip_prefix("file=")?.into()));
        self.log.note_turn();
        self.note_sts();
        let Some(file) = &life.file else { return };
        for (profile, (name, _)) in PROFILES.iter().enumerate() {
            let at = SystemTime::now();
            match reader::shown(file, name) {
                Ok(key) => self.log.note(&Sight { profile, key, at }, self.via == "file"),
                Err(_) if life.running.ends_within(Duration::ZERO) => {}
                Err(error) => self.log.wrong.push(format!("{name}: {error}")),
            }
        }
        self.refreshes.store(self.log.refreshes()[0], Ordering::Relaxed);
    }

    fn note_sts(&mut self) {
        let place = |role: &str| PROFILES.iter().position(|(_, known)| *known == role);
        for request in self.sts.requests_since(self.log.requests) {
            self.log.requests += 1;
            let profile = request.param("RoleArn").and_then(place).expect("each request is for a known role");
            self.log.arrivals[profile].push(request.arrived);
        }
        let known: usize = self.log.issued.iter().map(Vec::len).sum();
        if self.sts.issued_count() > known {
            for issued in self.sts.issued().split_off(known) {
                let profile = place(&issued.role_arn).expect("each session is of a known role");
                self.log.note_issued(profile, issued);
            }
        }
    }

    /// Checks the end of a process that was killed or got no sessions, and starts the next one.
    fn replace(&mut self, life: Life) -> Life {
        let served = life.file.is_some();
        let finished = self.finish(life);
        let expected = if served {
            finished.signal() == Some(libc::SIGKILL)
        } else {
            finished.code() == Some(125) && finished.stderr.contains("xassume: error: ")
        };
        if !expected {
            self.log.wrong.push(format!("it ended with {}", finished.status));
        }
        self.start()
    }

    /// Waits for the end of a process, and keeps its log.
    fn finish(&mut self, life: Life) -> Finished {
        let finished = life.running.wait();
        if !becomes_true(|| finished.survivors().is_empty()) {
            self.log.wrong.push(format!("these processes are left: {:?}", finished.survivors()));
        }
        self.note_sts();
        self.log.end_life(&finished.stderr, life.file.is_some());
        self.story += &finished.describe();
        if life.resources.len() > self.resources.len() {
            self.resources = life.resources;
        }
        finished
    }

    fn outcome(mut self) -> Outcome {
        let counts = self.log.judge();
        let resources = resources::judge(Kind::Signal, &self.resources, counts.refreshes[0]);
        self.log.wrong.extend(resources.wrong);
        let summary = format!("{:<8} {counts}\n{:<8} {}", self.via, self.via, resources.summary);
        let Log { wrong, .. } = self.log;
        Outcome { name: self.via, summary, refreshes: counts.refreshes[0], wrong, story: self.story }
    }
}
