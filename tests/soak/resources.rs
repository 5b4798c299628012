//! The resources that a supervisor uses, and whether they grow.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use crate::support::processes::{children, descriptors, session_members, state_of};
use crate::{Kind, worker};

/// The time is divided into this many parts, and this many of them are for warming up: everything must have been used
/// once.
const PARTS: usize = 8;
const WARM_UP: usize = 2;
/// The fewest measurements per part that distinguish a trend from temporary use. A shorter soak checks no growth.
const LOOKS: usize = 4;
/// How much memory may grow after warming up, in KiB: the allocator takes some more pages.
const ALLOWANCE: u64 = 160;
/// The same for the endpoint, which gets up to sixteen connections at a time. After them the allocator either keeps
/// their 300 KiB or returns them to the kernel.
const ALLOWANCE_OF_CROWDS: u64 = 512;
/// How much memory may grow per refresh in addition, in KiB: less than the size of a session.
const PER_REFRESH: f64 = 0.25;
/// An older zombie was forgotten. Zombies are reaped at once, but on a busy machine a process may wait for a processor.
const FORGOTTEN: Duration = Duration::from_secs(15);

/// The resources of a process at one time.
#[derive(Debug, Clone)]
pub struct Resources {
    at: Instant,
    descriptors: u64,
    threads: u64,
    /// Anonymous memory, in KiB. Private memory would be wrong: the process of a refresh shares it.
    anonymous: u64,
    zombies: Vec<i32>,
    /// Living processes that commands have left behind.
    leftovers: u64,
}

impl Resources {
    /// Measures a process in the session that `leader` leads.
    pub fn of(pid: i32, leader: i32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        // A kernel without this file has a part of it in `status`.
        let memory = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let anonymous = field(&status, "RssAnon:").unwrap_or_default();
        Ok(Self {
            at: Instant::now(),
            descriptors: descriptors(pid)?.unwrap_or_default() as u64,
            threads: field(&status, "Threads:").unwrap_or_default(),
            anonymous: field(&memory, "Anonymous:").unwrap_or(anonymous),
            zombies: children(pid).into_iter().filter(|&child| state_of(child) == Some('Z')).collect(),
            leftovers: session_members(leader).into_iter().filter(|&pid| worker::is_leftover(pid)).count() as u64,
        })
    }
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// One figure over time: the lowest of each part. A measurement while something is in progress is higher.
struct Series(Vec<u64>);

impl Series {
    fn of(resources: &[Resources], figure: impl Fn(&Resources) -> u64) -> Self {
        let length = (resources.len() / PARTS).max(1);
        // A part of a few measurements would show what is in progress, so all parts are equal.
        Self(resources.chunks_exact(length).filter_map(|part| part.iter().map(&figure).min()).collect())
    }

    /// The value after warming up, and the last one.
    fn ends(&self) -> (u64, u64) {
        let last = self.0.last().copied().unwrap_or_default();
        (self.0.get(WARM_UP).copied().unwrap_or(last), last)
    }

    /// The slope of the best line after warming up, in units per hour.
    #[allow(clippy::cast_precision_loss, reason = "figures of a process are small")]
    fn slope(&self, time: Duration) -> f64 {
        let points: Vec<(f64, f64)> =
            self.0.iter().enumerate().skip(WARM_UP).map(|(x, &y)| (x as f64, y as f64)).collect();
        let count = points.len() as f64;
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
        let product: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let square: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
        let per_part = if square == 0.0 { 0.0 } else { product / square };
        per_part * PARTS as f64 * 3600.0 / time.as_secs_f64().max(1.0)
    }
}

/// The check of all measurements of one process, and its summary.
pub struct ResourceCheck {
    pub summary: String,
    pub wrong: Vec<String>,
}

impl ResourceCheck {
    /// Adds what was wrong with another process.
    pub fn and(mut self, other: Self) -> Self {
        self.wrong.extend(other.wrong);
        self
    }
}

/// `refreshes`: how many there were in that time.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a limit in KiB"
)]
pub fn judge(kind: Kind, resources: &[Resources], refreshes: usize) -> ResourceCheck {
    let mut wrong = Vec::new();
    let allowance = if matches!(kind, Kind::Endpoint | Kind::Keeper) { ALLOWANCE_OF_CROWDS } else { ALLOWANCE };
    let time = resources.first().zip(resources.last()).map(|(first, last)| last.at - first.at).unwrap_or_default();
    let mut reported = Vec::new();
    for (name, course, allowed) in [
        ("descriptors", Series::of(resources, |sample| sample.descriptors), 0),
        ("threads", Series::of(resources, |sample| sample.threads), 0),
        (
            "anonymous KiB",
            Series::of(resources, |sample| sample.anonymous),
            allowance + (PER_REFRESH * refreshes as f64) as u64,
        ),
    ] {
        let (early, late) = course.ends();
        // Every process uses some of each, so zero means that reading was not permitted.
        reported.push(if late == 0 {
            format!("{name}: visible to root only")
        } else {
            format!("{name} {early} to {late}")
        });
        if late > early + allowed && resources.len() >= PARTS * LOOKS {
            wrong.push(format!("{name} grew: {:?}", course.0));
        }
    }
    // Only what the running command has left, or both commands of a handover.
    let (_, leftovers) = Series::of(resources, |sample| sample.leftovers).ends();
    if leftovers > 1 + u64::from(kind == Kind::Handover) {
        wrong.push(format!("{leftovers} processes live that earlier commands left behind"));
    }
    reported.push(format!("anonymous {:+.0} KiB/h", Series::of(resources, |sample| sample.anonymous).slope(time)));
    let most = resources.iter().map(|sample| sample.zombies.len()).max().unwrap_or_default();
    reported.push(format!("zombies {most} at most"));
    wrong.extend(forgotten(resources).map(|zombie| format!("pid {zombie} was a zombie for {FORGOTTEN:?}")));
    ResourceCheck { summary: reported.join(", "), wrong }
}

/// A process that was a zombie in every measurement for too long.
fn forgotten(resources: &[Resources]) -> Option<i32> {
    let mut since: Vec<(i32, Instant)> = Vec::new();
    for sample in resources {
        since.retain(|(zombie, _)| sample.zombies.contains(zombie));
        for &zombie in &sample.zombies {
            match since.iter().find(|(known, _)| *known == zombie) {
                Some((_, first)) if sample.at - *first > FORGOTTEN => return Some(zombie),
                Some(_) => {}
                None => since.push((zombie, sample.at)),
            }
        }
    }
    None
}
