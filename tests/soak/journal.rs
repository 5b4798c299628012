//! The log of a soak. It contains every fault with its time and generation, and the settings to repeat the soak.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::plan::Plan;
use crate::{Kind, Settings};

/// Which list of a plan a fault is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultSource {
    Sts,
    Outside,
}

impl FaultSource {
    const ALL: [Self; 2] = [Self::Sts, Self::Outside];

    fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Outside => "outside",
        }
    }
}

/// The faults of each supervisor, in order, in the form `generation: fault`.
pub type Faults = BTreeMap<(Kind, FaultSource), Vec<String>>;

/// A log that is being written.
pub struct Journal {
    pub path: PathBuf,
    file: File,
    begun: Instant,
}

impl Journal {
    /// Creates the log. An older log of the same name is replaced.
    pub fn create(path: PathBuf, settings: &Settings) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = File::create(&path)?;
        writeln!(file, "{settings}")?;
        Ok(Self { path, file, begun: Instant::now() })
    }

    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Logs a fault when it happens.
    pub fn log(&mut self, kind: Kind, source: FaultSource, generation: usize, fault: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        let line = format!("{at:>9.3} {:<8} {:<7} {generation}: {fault}\n", kind.to_string(), source.name());
        self.file.write_all(line.as_bytes()).expect("the log can be written");
    }
}

/// Reads a log: the settings and the faults.
pub fn read(path: &Path) -> io::Result<(Settings, Faults)> {
    let text = fs::read_to_string(path)?;
    let broken = |line: &str| io::Error::other(format!("{}: not a line of a soak: {line:?}", path.display()));
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let settings = Settings::parse(head).ok_or_else(|| broken(head))?;
    let mut faults = Faults::new();
    for line in lines {
        let mut words = line.split_whitespace().skip(1);
        let kind = words.next().and_then(|name| Kind::ALL.into_iter().find(|kind| kind.to_string() == name));
        let source = words.next().and_then(|name| FaultSource::ALL.into_iter().find(|source| source.name() == name));
        let (Some(kind), Some(source)) = (kind, source) else { return Err(broken(line)) };
        faults.entry((kind, source)).or_default().push(words.collect::<Vec<_>>().join(" "));
    }
    Ok((settings, faults))
}

/// All faults of a plan, in the form of the log.
pub fn planned(kind: Kind, plan: &Plan) -> Faults {
    let mut generation = 0;
    let mut sts = Vec::new();
    for reply in &plan.replies {
        if *reply != crate::plan::PlannedAnswer::Good {
            sts.push(format!("{generation}: {reply}"));
        }
        generation += usize::from(reply.issues());
    }
    let outside = plan.outside_faults.iter().map(|fault| format!("{}: {}", fault.generation, fault.action)).collect();
    [((kind, FaultSource::Sts), sts), ((kind, FaultSource::Outside), outside)].into()
}

/// The first difference between two soaks, up to the end of the shorter one.
pub fn difference(one: &Faults, other: &Faults) -> Option<String> {
    one.iter().find_map(|(of, mine)| {
        let theirs = other.get(of)?;
        let (mine, theirs) = mine.iter().zip(theirs).find(|(mine, theirs)| mine != theirs)?;
        Some(format!("{}, {}: {mine:?} and {theirs:?}", of.0, of.1.name()))
    })
}
