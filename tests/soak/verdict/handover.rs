//! Checks the handovers of a server, and its answers.

use super::{Observations, Verdict, count};
use crate::clients::Requests;
use crate::worker::{FAILS, UNHEARD};

/// What xassume logs when it starts a new process beside the command, and when a process is ready.
const BESIDE: &str = "starting a new process beside pid ";
const READY: &str = "the command is ready, pid ";

/// Whether xassume has heard that the process with this first line (`ready pid=…`) is ready.
pub(super) fn is_ready(evidence: &Observations<'_>, line: &str) -> bool {
    let pid = line.trim_start_matches("ready pid=").trim();
    let ready = evidence.stderr.lines().filter_map(|line| line.split_once(READY));
    ready.map(|(_, heard)| heard).any(|heard| heard == pid)
}

/// How many sessions reached no process that got ready: a handover to an earlier session lasted too long, or the new
/// processes with this session failed.
pub(super) fn handovers(evidence: &Observations<'_>, obtained: usize, seen: usize, verdict: &mut Verdict) -> usize {
    // The first process is not in the log.
    let (mut ready, mut failures) = (1, 0);
    // The sessions of handovers by their expiry, and whether one with the newest has failed.
    let (mut begun, mut unready, mut newest) = (0, 0, ("", false));
    for line in evidence.stderr.lines() {
        if let Some((_, expiry)) = line.split_once(BESIDE).and_then(|(_, rest)| rest.split_once("expires at ")) {
            if expiry != newest.0 {
                (begun, unready, newest) = (begun + 1, unready + usize::from(newest.1), (expiry, false));
            }
        } else if line.contains(READY) {
            (ready, newest.1) = (ready + 1, false);
        } else if line.contains("; the old process keeps running; retrying in ") {
            (failures, newest.1) = (failures + 1, true);
        }
    }
    if ready != seen {
        verdict.wrong.push(format!("{ready} processes were ready, {seen} say so"));
    }
    // The last one may have been stopped at the end.
    let failing = evidence.stdout.lines().filter(|&line| line == FAILS).count();
    if failing > failures + 1 {
        verdict.wrong.push(format!("{failing} new processes failed, {failures} failures were logged"));
    }
    (obtained - 1).saturating_sub(begun) + unready + usize::from(newest.1)
}

/// Each request is answered. Only a server that is killed may leave one without an answer, unless it was deaf: then it
/// accepted nothing more.
pub(super) fn answers(evidence: &Observations<'_>, requests: &Requests, verdict: &mut Verdict) {
    let deaf = evidence.stdout.lines().filter(|&line| line == UNHEARD).count();
    let excused = count(evidence.stderr, "was killed by SIGKILL").saturating_sub(deaf);
    let Requests { answered, errors } = requests;
    if *answered == 0 || errors.len() > excused {
        let first: Vec<_> = errors.iter().take(3).collect();
        verdict.wrong.push(format!("{answered} requests were answered, {} were not: {first:?}", errors.len()));
    }
}
