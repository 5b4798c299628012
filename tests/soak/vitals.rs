//! What a supervisor holds of the system, and whether it grows.

use std::fs;
use std::io;

/// One look at a process.
#[derive(Debug, Clone, Copy)]
pub struct Vitals {
    descriptors: usize,
    /// Anonymous memory in KiB.
    memory: u64,
    zombies: usize,
}

impl Vitals {
    pub fn of(pid: i32) -> io::Result<Self> {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let memory = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let memory = memory.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let zombies = children.split_whitespace().filter(|child| is_zombie(child)).count();
        Ok(Self { descriptors, memory, zombies })
    }
}

fn is_zombie(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// The middle of a row: single looks catch calls in flight.
fn middle(vitals: &[Vitals], what: impl Fn(&Vitals) -> u64) -> u64 {
    let mut values: Vec<u64> = vitals.iter().map(what).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// The second quarter of the time, when everything has been used once, and the last.
fn early_and_late(vitals: &[Vitals]) -> (&[Vitals], &[Vitals]) {
    let quarter = vitals.len() / 4;
    (&vitals[quarter..2 * quarter], &vitals[3 * quarter..])
}

pub fn summary(vitals: &[Vitals]) -> String {
    let (early, late) = early_and_late(vitals);
    format!(
        "descriptors {} then {}, memory {} then {} KiB in the middle",
        middle(early, |vitals| vitals.descriptors as u64),
        middle(late, |vitals| vitals.descriptors as u64),
        middle(early, |vitals| vitals.memory),
        middle(late, |vitals| vitals.memory),
    )
}

/// What has grown.
pub fn complaints(vitals: &[Vitals]) -> Vec<String> {
    let (early, late) = early_and_late(vitals);
    let mut wrong = Vec::new();
    // A look during a call to STS sees its connection as well; the middle does not.
    let (before, after) = (middle(early, |v| v.descriptors as u64), middle(late, |v| v.descriptors as u64));
    if after > before {
        wrong.push(format!("descriptors grew from {before} to {after}"));
    }
    let (before, after) = (middle(early, |v| v.memory), middle(late, |v| v.memory));
    if after > before + 1024 {
        wrong.push(format!("memory grew from {before} to {after} KiB"));
    }
    // A child that has just ended is a zombie for a moment; one that is there in two looks was forgotten.
    if vitals.windows(2).any(|pair| pair.iter().all(|look| look.zombies > 0)) {
        wrong.push("a zombie was left".to_owned());
    }
    wrong
}
