//! What a supervisor with three roles did, and whether that is right.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use super::{PROD, PROFILES, STS_TIMEOUT};
use crate::plan::PlannedAnswer;
use crate::support::sts::Issued;

/// A session must be delivered within this time after the answer of STS.
const GRACE: Duration = Duration::from_secs(2);
/// If a turn takes longer, the machine is busy.
const STALL: Duration = Duration::from_millis(500);
/// With so many requests that hang, some must overlap with a refresh of another session.
const MANY: usize = 20;

/// What was read for a profile.
pub(super) struct Sight {
    pub(super) profile: usize,
    pub(super) key: Option<String>,
    /// Before it was read.
    pub(super) at: SystemTime,
}

/// Everything that was seen. The lists have an entry for each profile.
pub(super) struct Log {
    replies: [Vec<PlannedAnswer>; 3],
    /// The number of requests to STS.
    pub(super) requests: usize,
    pub(super) arrivals: [Vec<Instant>; 3],
    /// The sessions, and when each was noticed.
    pub(super) issued: [Vec<(Issued, Instant)>; 3],
    /// The places of the sessions that were delivered in each life, and when.
    sights: [Vec<(usize, Instant)>; 3],
    /// The sessions that were not delivered in time: profile and place.
    missed: BTreeSet<(usize, usize)>,
    /// How many sessions were delivered, according to xassume.
    logged: [usize; 3],
    failures: usize,
    timeouts: usize,
    lives: usize,
    turned: Instant,
    stalled: Option<Instant>,
    stalls: usize,
    pub(super) wrong: Vec<String>,
}

/// The figures of a soak.
pub(super) struct Counts {
    pub(super) refreshes: [usize; 3],
    requests: usize,
    failures: usize,
    lives: usize,
    overlaps: (usize, usize),
    stalls: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [default, prod, audit] = self.refreshes;
        let Self { requests, failures, lives, overlaps: (overlaps, hangs), stalls, .. } = self;
        write!(f, "three roles: {default}, {prod} and {audit} refreshes, {requests} STS calls, {failures} failures, ")?;
        write!(f, "{lives} processes, {overlaps} refreshes of others in {hangs} hangs, {stalls} stalls")
    }
}

impl Log {
    pub(super) fn new(replies: [Vec<PlannedAnswer>; 3]) -> Self {
        Self {
            replies,
            requests: 0,
            arrivals: Default::default(),
            issued: Default::default(),
            sights: Default::default(),
            missed: BTreeSet::new(),
            logged: [0; 3],
            failures: 0,
            timeouts: 0,
            lives: 0,
            turned: Instant::now(),
            stalled: None,
            stalls: 0,
            wrong: Vec::new(),
        }
    }

    pub(super) fn note_turn(&mut self) {
        if self.turned.elapsed() > STALL {
            self.stalled = Some(Instant::now());
            self.stalls += 1;
        }
        self.turned = Instant::now();
    }

    pub(super) fn note_issued(&mut self, profile: usize, issued: Issued) {
        self.issued[profile].push((issued, Instant::now()));
    }

    pub(super) fn note(&mut self, sight: &Sight, is_file: bool) {
        let (name, profile) = (PROFILES[sight.profile].0, sight.profile);
        let newest = self.newest(profile);
        let Some(key) = &sight.key else {
            let ends = newest.map(|place| self.issued[profile][place].0.expiration);
            // A session is not given in its last second.
            if ends.is_some_and(|end| end > sight.at + Duration::from_secs(1)) {
                self.missed.extend(newest.map(|place| (profile, place)));
            }
            return;
        };
        let place = self.issued[profile].iter().position(|(issued, _)| issued.access_key_id == *key);
        let Some(place) = place else {
            // It may have been issued after the last look at STS.
            return self.note_unknown(name, key);
        };
        if !is_file && self.issued[profile][place].0.expiration <= sight.at {
            self.wrong.push(format!("{name}: session {place} was given after its end"));
        }
        match self.sights[profile].last() {
            Some((last, _)) if *last == place => {}
            Some((last, _)) if *last > place => {
                self.wrong.push(format!("{name}: session {place} was delivered after session {last}"));
            }
            _ => self.sights[profile].push((place, Instant::now())),
        }
        self.missed.extend(newest.filter(|newest| place < *newest).map(|newest| (profile, newest)));
    }

    /// A key of another role, or of none, is wrong. A new key is looked at in the next turn.
    fn note_unknown(&mut self, name: &str, key: &str) {
        if self.issued.iter().flatten().any(|(issued, _)| issued.access_key_id == key) {
            self.wrong.push(format!("{name}: the session of another role was delivered: {key}"));
        }
    }

    /// The newest session that must have been delivered by now. `None` if the machine is too busy to say so.
    fn newest(&self, profile: usize) -> Option<usize> {
        if self.stalled.is_some_and(|at| at.elapsed() < 2 * GRACE) {
            return None;
        }
        let is_due = |(place, (_, since)): &(usize, &(Issued, Instant))| {
            since.elapsed() > GRACE && self.reply_of(profile, *place) == PlannedAnswer::Good
        };
        self.issued[profile].iter().enumerate().rev().find(is_due).map(|(place, _)| place)
    }

    /// The answer that issued a session.
    fn reply_of(&self, profile: usize, place: usize) -> PlannedAnswer {
        let mut issuing = self.replies[profile].iter().filter(|reply| reply.issues());
        issuing.nth(place).copied().unwrap_or(PlannedAnswer::Good)
    }

    /// Reads the log of a process that has ended.
    pub(super) fn end_life(&mut self, stderr: &str, served: bool) {
        self.lives += 1;
        for ((name, _), logged) in PROFILES.iter().zip(&mut self.logged) {
            let of = if *name == "default" { String::new() } else { format!("{name}: ") };
            let refreshed = stderr.matches(&format!("xassume: {of}session refreshed: expires at ")).count();
            *logged += refreshed + usize::from(served);
        }
        let failures = stderr.lines().filter(|line| line.contains("refresh failed"));
        let timed_out = |line: &&str| line.contains("timed out after") || line.contains("the last one timed out");
        self.timeouts += failures.clone().filter(timed_out).count();
        self.failures += failures.count();
        let harm = ["xassume: refresh failed", "xassume: warning: refresh failed", "xassume: warning: the session has"];
        let is_harm = |line: &&str| harm.iter().any(|harm| line.starts_with(harm));
        // STS itself is late on a busy machine.
        let is_late = |line: &&str| self.stalls > 0 && timed_out(line);
        let harmed = stderr.lines().filter(|line| is_harm(line) && !is_late(line));
        self.wrong.extend(harmed.map(|line| format!("a fault of another role has affected the default role: {line}")));
    }

    pub(super) fn judge(&mut self) -> Counts {
        let hangs = self.hangs();
        let late = self.timeouts.saturating_sub(hangs.len()) + self.lives;
        if self.missed.len() > late {
            let missed = &self.missed;
            self.wrong
                .push(format!("sessions were not delivered: {missed:?} (profile, place); at most {late} were late"));
        }
        for (((name, _), seen), logged) in PROFILES.iter().zip(&self.sights).zip(self.logged) {
            let seen = seen.len();
            // The last session of a process may have been logged, but not read.
            if logged.abs_diff(seen) > self.lives + self.stalls {
                self.wrong.push(format!("{name}: {logged} sessions were delivered by the log, {seen} were read"));
            }
            if seen < 2 {
                self.wrong.push(format!("{name}: no session was refreshed"));
            }
        }
        let (requests, sessions) = (self.arrivals[0].len(), self.issued[0].len());
        if requests != sessions {
            self.wrong.push(format!("default: {requests} requests for {sessions} sessions"));
        }
        let others =
            || self.sights.iter().enumerate().filter(|(profile, _)| *profile != PROD).flat_map(|(_, seen)| seen);
        let is_in = |begun: &Instant, at: &Instant| *at > *begun && *at < *begun + STS_TIMEOUT;
        let overlaps = others().filter(|(_, at)| hangs.iter().any(|begun| is_in(begun, at))).count();
        if hangs.len() >= MANY && overlaps == 0 {
            self.wrong.push(format!("no other session was refreshed during {} hangs of one role", hangs.len()));
        }
        Counts {
            refreshes: self.refreshes(),
            requests: self.requests,
            failures: self.failures,
            lives: self.lives,
            overlaps: (overlaps, hangs.len()),
            stalls: self.stalls,
        }
    }

    /// How often the session of each role was refreshed.
    pub(super) fn refreshes(&self) -> [usize; 3] {
        self.sights.each_ref().map(|seen| seen.len().saturating_sub(1))
    }

    /// The arrivals of requests for `prod` that hang.
    fn hangs(&self) -> Vec<Instant> {
        let replies = self.arrivals[PROD].iter().zip(&self.replies[PROD]);
        replies.filter(|(_, reply)| **reply == PlannedAnswer::Hang).map(|(at, _)| *at).collect()
    }
}
