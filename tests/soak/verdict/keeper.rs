//! Checks a keeper: what its client found, how often it called STS, and its hooks and signals.

use std::time::{Duration, Instant};

use super::{Life, Observations, REFRESHED, SERVING, Sighting, Verdict, arrival, count, delivery, gaps, issuing};
use crate::Kind;
use crate::plan::PlannedAnswer;
use crate::worker::{AWAY, SIGNALED, WHOLE};

/// The shortest time between two refreshes.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// How late a request may be on a busy machine if its session was obtained. A later one has timed out.
const LATEST: Duration = Duration::from_secs(2);

pub(super) fn judge(evidence: &Observations<'_>, sightings: &[Sighting], verdict: &mut Verdict) {
    // A process whose first session was in the cache has obtained nothing before its first refresh.
    let obtained = count(evidence.stderr, "xassume: assumed ") + count(evidence.stderr, REFRESHED);
    arrival(evidence, obtained, sightings, verdict);
    delivery(evidence, obtained, sightings, verdict);
    gaps(evidence, sightings, verdict);
    sessions(evidence, verdict);
    requests(evidence, sightings, verdict);
    for life in evidence.lives {
        hooks(life, verdict);
    }
    if evidence.kind == Kind::Files {
        signals(evidence, verdict);
    }
}

/// The client found whole sessions, and a keeper at all times but before, between and after its processes.
fn sessions(evidence: &Observations<'_>, verdict: &mut Verdict) {
    for found in evidence.stdout.lines().filter_map(|line| line.strip_prefix(WHOLE)) {
        let is_found = |session: [&str; 3]| session.join(" ") == found;
        if !evidence.issued.iter().any(|of| is_found([&of.access_key_id, &of.secret_access_key, &of.session_token])) {
            let key = found.split(' ').next().unwrap_or_default();
            verdict.wrong.push(format!("the client found a session with the key {key:?} that was never issued"));
        }
    }
    let (away, most) = (lines(evidence, AWAY), evidence.lives.len() + 1);
    if away > most {
        verdict.wrong.push(format!("the client found no keeper {away} times, at most {most} were expected"));
    }
}

/// Each HUP is one refresh at most, and there is at most one refresh a second.
fn requests(evidence: &Observations<'_>, sightings: &[Sighting], verdict: &mut Verdict) {
    let requested = count(evidence.stderr, "xassume: refresh requested (SIGHUP)");
    // The end of a process may come before its answer to the last HUP.
    if requested > evidence.sent || requested == 0 && evidence.sent > evidence.lives.len() {
        verdict.wrong.push(format!("{} HUP were sent, {requested} refreshes requested", evidence.sent));
    }
    let issuing = issuing(evidence);
    let obtained: Vec<usize> = sightings.iter().filter_map(|sight| issuing.get(sight.place).copied()).collect();
    let ends = evidence.lives.iter().skip(1).map(|life| life.first_request).chain([evidence.arrivals.len()]);
    for (life, end) in evidence.lives.iter().zip(ends) {
        let first = life.first_request;
        // A call that failed for a while is repeated sooner, within the same refresh.
        let begins = (first..end).filter(|&at| at == first || is_final(evidence.plan.replies[at - 1]));
        // The refresh from which the seconds are counted: its number, and when it began at the earliest.
        let mut since: Option<(u32, Instant)> = None;
        for (number, request) in (0..).zip(begins) {
            let arrival = evidence.arrivals[request];
            let due = since.map(|(earlier, begun)| begun + MIN_INTERVAL * (number - earlier));
            if let Some(due) = due.filter(|&due| arrival < due) {
                let text = format!("request {request} came {:?} too soon for one refresh a second", due - arrival);
                return verdict.wrong.push(text);
            }
            let begun = arrival.checked_sub(LATEST).unwrap_or(arrival);
            if obtained.contains(&request) && due.is_none_or(|due| begun > due) {
                since = Some((number, begun));
            }
        }
    }
}

/// Whether an answer ends a call.
fn is_final(reply: PlannedAnswer) -> bool {
    match reply {
        PlannedAnswer::Good | PlannedAnswer::Slow(_) | PlannedAnswer::Drip(_) | PlannedAnswer::Denied => true,
        PlannedAnswer::Throttled
        | PlannedAnswer::Unavailable
        | PlannedAnswer::Page
        | PlannedAnswer::Reset
        | PlannedAnswer::Cut(_)
        | PlannedAnswer::Hang => false,
    }
}

/// The hook runs once for each session, in order. Sessions during a run are joined into one run for the newest.
fn hooks(life: &Life, verdict: &mut Verdict) {
    let (mut newest, mut last, mut runs) = (None, None, false);
    for line in life.stderr.lines() {
        if line.contains(SERVING) {
            newest = Some(0);
        } else if line.contains(REFRESHED) {
            if !runs && last != newest {
                verdict.wrong.push(format!("the hook was not run for session {newest:?}, but for {last:?}"));
            }
            newest = newest.map(|number: u32| number + 1);
        } else if let Some((_, rest)) = line.split_once("started the refresh hook for session ") {
            let number = rest.split(',').next().and_then(|number| number.parse().ok());
            if runs || number != newest || number == last {
                verdict.wrong.push(format!("the hook was run for session {number:?} of {newest:?} after {last:?}"));
            }
            (last, runs) = (number, true);
        } else if line.contains("the refresh hook has finished")
            || line.contains("the refresh hook exited with ")
            || line.contains("the refresh hook timed out ")
        {
            runs = false;
        }
    }
}

/// Each refreshed session was signaled to the client once, after it was in the file.
fn signals(evidence: &Observations<'_>, verdict: &mut Verdict) {
    let mut last = None;
    for key in evidence.stdout.lines().filter_map(|line| line.strip_prefix(SIGNALED)) {
        if last == Some(key) {
            verdict.wrong.push(format!("the client was signaled twice for {key}"));
        }
        last = Some(key);
    }
    let sent = count(evidence.stderr, "sent SIGHUP to the process in the pid file");
    let (refreshed, received) = (count(evidence.stderr, REFRESHED), lines(evidence, SIGNALED));
    // A signal may have been on its way when a process ended, and two pending ones are one.
    let ends = evidence.lives.len();
    if sent > refreshed || sent + ends < refreshed || received > sent + ends || received + verdict.stalls + ends < sent
    {
        verdict.wrong.push(format!("{refreshed} sessions were refreshed, {sent} signals sent, {received} received"));
    }
}

/// How many lines of the worker begin with this text.
fn lines(evidence: &Observations<'_>, begin: &str) -> usize {
    evidence.stdout.lines().filter(|line| line.starts_with(begin)).count()
}
