//! Checks that every session reached the command, in order and once. It compares generations, not times.
//!
//! On a busy machine anything may be late. Two logs distinguish late from lost: xassume logs what it received and did,
//! and the worker logs when it could not run.

mod handover;
mod keeper;

use std::time::{Duration, Instant, SystemTime};

use crate::Kind;
use crate::clients::Requests;
use crate::plan::{Plan, PlannedAnswer};
use crate::support::sts::Issued;
use handover::{answers, handovers, is_ready};

/// What xassume logs when it serves its first session, and when it has got another one.
pub const SERVING: &str = "xassume: serving credentials: ";
const REFRESHED: &str = "xassume: session refreshed: expires at ";

/// An endpoint does not serve the last second of a session.
const UNSERVED: Duration = Duration::from_secs(1);
/// How long a session may take from the request for it to the client.
const DELIVERY: Duration = Duration::from_millis(250);

/// What a soak knows about one supervisor at the end.
pub struct Observations<'a> {
    pub kind: Kind,
    pub plan: &'a Plan,
    /// The arrival times of all requests.
    pub arrivals: &'a [Instant],
    /// In order.
    pub issued: &'a [Issued],
    /// The output of the worker.
    pub stdout: &'a str,
    /// The log of xassume, of all its processes.
    pub stderr: &'a str,
    /// The processes of a keeper; otherwise one.
    pub lives: &'a [Life],
    /// How many USR1 were sent; to a keeper, how many HUP.
    pub sent: usize,
    /// What the clients of the command got, if it is a server.
    pub requests: Option<&'a Requests>,
}

/// One process of xassume.
#[derive(Debug)]
pub struct Life {
    /// The number of requests before it was started.
    pub first_request: usize,
    /// Its log.
    pub stderr: String,
}

/// The result of the check.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Sessions that the command received, without the first.
    pub refreshes: usize,
    /// Series of failed refreshes.
    pub failures: usize,
    /// Sessions that STS issued but xassume did not receive: cut off, or too late.
    pub lost_on_the_way: usize,
    /// Sessions that arrived while the command was being stopped, or while the worker could not look.
    pub overtaken: usize,
    pub stalls: usize,
    /// Times without credentials.
    pub gaps: usize,
    pub wrong: Vec<String>,
}

/// A session that the worker saw, by its index in the order of issue.
struct Sighting {
    place: usize,
    /// Whether the worker had just been unable to run.
    stalled: bool,
    gaps: usize,
}

pub fn judge(evidence: &Observations<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let sightings = sightings(evidence, &mut verdict);
    verdict.failures = count(evidence.stderr, "refresh failed (session ");
    verdict.refreshes = sightings.len().saturating_sub(1);
    if evidence.kind.is_keeper() {
        keeper::judge(evidence, &sightings, &mut verdict);
        return verdict;
    }
    let obtained = 1 + count(evidence.stderr, REFRESHED);
    arrival(evidence, obtained, &sightings, &mut verdict);
    delivery(evidence, obtained, &sightings, &mut verdict);
    gaps(evidence, &sightings, &mut verdict);
    if let Some(requests) = evidence.requests {
        answers(evidence, requests, &mut verdict);
    }
    if evidence.kind == Kind::Init {
        hooks(evidence, &mut verdict);
    }
    if matches!(evidence.kind, Kind::Signal | Kind::Endpoint) {
        let reported = evidence.stdout.lines().filter(|&line| line == "USR1").count();
        // Two pending signals of the same number are one. The last one may have arrived with TERM.
        if reported > evidence.sent || reported + verdict.stalls + 1 < evidence.sent {
            verdict.wrong.push(format!("{} USR1 were sent, {reported} arrived", evidence.sent));
        }
    }
    verdict
}

/// One hook runs at a time, each for a later session than the one before, and each but the last one ends.
fn hooks(evidence: &Observations<'_>, verdict: &mut Verdict) {
    let (mut last, mut runs) = (None, false);
    for line in evidence.stderr.lines() {
        if let Some((_, rest)) = line.split_once("started the refresh hook for session ") {
            let session: Option<u32> = rest.split(',').next().and_then(|number| number.parse().ok());
            if runs || session <= last {
                verdict.wrong.push(format!("the hook was started for session {session:?} after {last:?}"));
            }
            (last, runs) = (session, true);
        } else if ["the refresh hook has finished", "the refresh hook exited", "the refresh hook timed out"]
            .iter()
            .any(|end| line.contains(end))
        {
            runs = false;
        }
    }
    let started = count(evidence.stderr, "started the command, pid ");
    if last.is_none() || 2 * count(evidence.stderr, "started the refresh hook") < started {
        verdict.wrong.push(format!("the hook was run for session {last:?} last, with {started} starts"));
    }
}

/// The requests with which sessions were issued, in the order of issue.
fn issuing(evidence: &Observations<'_>) -> Vec<usize> {
    (0..evidence.arrivals.len()).filter(|&request| evidence.plan.replies[request].issues()).collect()
}

/// Parses the output of the worker. Each session must appear once, in order.
fn sightings(evidence: &Observations<'_>, verdict: &mut Verdict) -> Vec<Sighting> {
    let mut sightings: Vec<Sighting> = Vec::new();
    let mut stalled = false;
    for line in evidence.stdout.lines() {
        if let Some((start, key)) = line.split_once("key=").filter(|(_, key)| !key.is_empty()) {
            // A new process that was ready too late does not count: another one gets the session. That the first process
            // is ready is not logged.
            if evidence.kind == Kind::Handover && !sightings.is_empty() && !is_ready(evidence, start) {
                continue;
            }
            let place = evidence.issued.iter().position(|issued| issued.access_key_id == key);
            match (place, sightings.last_mut()) {
                (None, _) => verdict.wrong.push(format!("the command saw {key:?}, which was never issued")),
                (Some(place), Some(last)) if place < last.place => {
                    verdict.wrong.push(format!("the command saw session {place} after session {}", last.place));
                }
                // The worker was late, saw the next session, and then got the signal for it.
                (Some(place), Some(last)) if place == last.place => {
                    if !last.stalled && !stalled {
                        verdict.wrong.push(format!("the command saw session {place} twice"));
                    }
                }
                (Some(place), _) => sightings.push(Sighting { place, stalled: std::mem::take(&mut stalled), gaps: 0 }),
            }
        } else if line == "stall" {
            verdict.stalls += 1;
            stalled = true;
        } else if line == "gap" {
            verdict.gaps += 1;
            if let Some(last) = sightings.last_mut() {
                last.gaps += 1;
            }
        } else if line.starts_with("odd") {
            verdict.wrong.push(line.to_owned());
        }
    }
    sightings
}

/// Between STS and xassume: only sessions that were cut off or late may be missing.
fn arrival(evidence: &Observations<'_>, obtained: usize, sightings: &[Sighting], verdict: &mut Verdict) {
    let issuing = issuing(evidence);
    let broken = |place: usize| {
        let request = issuing.get(place);
        request.is_some_and(|&request| matches!(evidence.plan.replies[request], PlannedAnswer::Cut(_)))
    };
    if let Some(sight) = sightings.iter().find(|sight| broken(sight.place)) {
        verdict.wrong.push(format!("the answer with session {} was broken off, but the command has it", sight.place));
    }
    let whole = (0..evidence.issued.len()).filter(|&place| !broken(place)).count();
    let hangs =
        evidence.plan.replies[..evidence.arrivals.len()].iter().filter(|&&reply| reply == PlannedAnswer::Hang).count();
    // The warnings about the expiry repeat the last failure.
    let is_failure = |line: &&str| line.contains("refresh failed") || line.contains("xassume: error: ");
    let failures: String = evidence.stderr.lines().filter(is_failure).collect();
    let silent = ["timed out after", "the last one timed out"].map(|words| count(&failures, words));
    // The last session of a process may have arrived after the end had begun.
    let late = silent.iter().sum::<usize>().saturating_sub(hangs) + evidence.lives.len();
    if whole < obtained || whole > obtained + late {
        verdict.wrong.push(format!("{whole} sessions were sent, {obtained} obtained; at most {late} were late"));
    }
    verdict.lost_on_the_way = evidence.issued.len().saturating_sub(obtained);
}

/// Between xassume and the command: a session may be missing only if the next one replaced it.
fn delivery(evidence: &Observations<'_>, obtained: usize, sightings: &[Sighting], verdict: &mut Verdict) {
    verdict.overtaken = obtained.saturating_sub(sightings.len());
    let excused = match evidence.kind {
        // A session that arrives during a stop is for the next start.
        Kind::Restart | Kind::Init => {
            (obtained - 1).saturating_sub(count(evidence.stderr, "restarting the command: ")) + killed_early(evidence)
        }
        Kind::Signal => {
            let signaled = count(evidence.stderr, "sent SIGHUP to the command");
            if signaled + 1 != obtained {
                verdict.wrong.push(format!("{obtained} sessions were obtained, {signaled} signals sent"));
            }
            stalls_between(sightings)
        }
        Kind::Endpoint => stalls_between(sightings),
        Kind::Handover => handovers(evidence, obtained, sightings.len(), verdict),
        // A client that finds no keeper gets the next session.
        Kind::Keeper | Kind::Files => stalls_between(sightings) + evidence.lives.len(),
    };
    // The last session may have been on its way at the end.
    if verdict.overtaken > excused + 1 {
        verdict.wrong.push(format!(
            "{obtained} sessions were obtained, {} delivered; {excused} were overtaken",
            sightings.len()
        ));
    }
}

/// How many commands were killed before their first line. On a busy machine the next restart and its stop timeout may
/// come first.
fn killed_early(evidence: &Observations<'_>) -> usize {
    let starts = evidence.stderr.split("xassume: started the command, pid ").skip(1);
    let is_silent = |start: &&str| {
        let pid = start.lines().next().unwrap_or_default();
        !evidence.stdout.contains(&format!("ready pid={pid} "))
    };
    starts.filter(is_silent).filter(|start| start.contains("within the stop timeout and was killed by SIGKILL")).count()
}

/// How many sessions may have come and gone while the worker did not run.
fn stalls_between(sightings: &[Sighting]) -> usize {
    let pairs = sightings.windows(2).filter(|pair| pair[1].stalled);
    pairs.map(|pair| pair[1].place.saturating_sub(pair[0].place + 1)).sum()
}

/// A time without credentials is allowed only if STS failed, or was asked late for the next session.
fn gaps(evidence: &Observations<'_>, sightings: &[Sighting], verdict: &mut Verdict) {
    let issuing = issuing(evidence);
    let at = |instant: Instant| SystemTime::now() - instant.elapsed();
    for (number, sight) in sightings.iter().enumerate().filter(|(_, sight)| sight.gaps > 0) {
        let Some(&request) = issuing.get(sight.place) else { continue };
        let Some(next) = evidence.arrivals.get(request + 1) else { continue };
        let late = at(*next) + DELIVERY > evidence.issued[sight.place].expiration - UNSERVED;
        let failed = !matches!(
            evidence.plan.replies[request + 1],
            PlannedAnswer::Good | PlannedAnswer::Slow(_) | PlannedAnswer::Drip(_)
        );
        let unobtained = sightings.get(number + 1).is_none_or(|after| after.place > sight.place + 1);
        if !late && !failed && !unobtained {
            verdict.wrong.push(format!("no credentials after session {}, though STS gave the next", sight.place));
        }
    }
}

fn count(text: &str, said: &str) -> usize {
    text.matches(said).count()
}
