//! The results: a table for people, a JSON file for programs, and the comparison with the targets.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::measure::Samples;
use crate::support::times;

/// All results of a run.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    targets: Vec<Target>,
    skipped: Vec<(String, String)>,
}

/// One line of the table.
struct Row {
    group: &'static str,
    name: String,
    unit: &'static str,
    median: f64,
    quartiles: Option<(f64, f64)>,
    count: usize,
    note: String,
}

/// A figure and its limit.
struct Target {
    name: String,
    figure: f64,
    limit: f64,
    unit: &'static str,
}

impl Target {
    fn met(&self) -> bool {
        self.figure <= self.limit
    }

    fn verdict(&self) -> &'static str {
        if self.met() { "ok" } else { "MISSED" }
    }
}

impl Report {
    /// Adds a figure that was measured many times.
    pub(crate) fn samples(
        &mut self,
        group: &'static str,
        name: &str,
        unit: &'static str,
        samples: &Samples,
        note: &str,
    ) {
        self.push(Row {
            group,
            name: name.to_owned(),
            unit,
            median: samples.median(),
            quartiles: (samples.count() > 1).then(|| samples.quartiles()),
            count: samples.count(),
            note: note.to_owned(),
        });
    }

    /// Adds a figure that was measured once.
    pub(crate) fn figure(&mut self, group: &'static str, name: &str, unit: &'static str, figure: f64, note: &str) {
        let (name, note) = (name.to_owned(), note.to_owned());
        self.push(Row { group, name, unit, median: figure, quartiles: None, count: 1, note });
    }

    /// Compares a figure with its limit. A missed target is reported, but is not a failure: benches measure, tests
    /// assert.
    pub(crate) fn target(&mut self, name: &str, figure: f64, limit: f64, unit: &'static str) {
        self.targets.push(Target { name: name.to_owned(), figure, limit, unit });
    }

    /// Adds a figure that was not measured, and the reason.
    /// Reports the memory of processes side by side; returns the median. `None` if this user cannot read it.
    pub(crate) fn memory(
        &mut self,
        group: &'static str,
        name: &str,
        figures: impl Iterator<Item = Option<f64>>,
    ) -> Option<f64> {
        let Some(figures) = figures.collect() else {
            self.skip(name, "only root can read it, because the process is not dumpable");
            return None;
        };
        let samples = Samples::new(figures);
        self.samples(group, name, "MB", &samples, "ten side by side");
        Some(samples.median())
    }

    pub(crate) fn skip(&mut self, name: &str, reason: &str) {
        eprintln!("  {name}: skipped, {reason}");
        self.skipped.push((name.to_owned(), reason.to_owned()));
    }

    fn push(&mut self, row: Row) {
        eprintln!("  {}: {} {}", row.name, number(row.median), row.unit);
        self.rows.push(row);
    }

    /// The table, as Markdown.
    pub(crate) fn table(&self, machine: &Machine) -> String {
        let mut text = format!("{}\n\n", machine.line());
        text += "| | measure | median | quartiles | n | |\n|---|---|---:|---:|---:|---|\n";
        for (at, row) in self.rows.iter().enumerate() {
            let first = at == 0 || self.rows[at - 1].group != row.group;
            let group = if first { row.group } else { "" };
            let quartiles = row.quartiles.map(|(low, high)| format!("{} – {}", number(low), number(high)));
            let (median, quartiles) = (number(row.median), quartiles.unwrap_or_default());
            let Row { name, unit, count, note, .. } = row;
            let _ = writeln!(text, "| {group} | {name} | {median} {unit} | {quartiles} | {count} | {note} |");
        }
        text += "\n| target | at most | measured | |\n|---|---:|---:|---|\n";
        for target in &self.targets {
            let Target { name, figure, limit, unit } = target;
            let (limit, figure) = (number(*limit), number(*figure));
            let _ = writeln!(text, "| {name} | {limit} {unit} | {figure} {unit} | {} |", target.verdict());
        }
        for (name, reason) in &self.skipped {
            let _ = write!(text, "\nNot measured: {name} ({reason}).");
        }
        text
    }

    /// Writes the file; returns its path.
    pub(crate) fn save(&self, machine: &Machine) -> PathBuf {
        let rows = self.rows.iter().map(|row| {
            let Row { group, name, unit, median, quartiles, count, note } = row;
            json!({ "group": group, "name": name, "unit": unit, "median": median, "quartiles": quartiles,
                    "count": count, "note": note })
        });
        let targets = self.targets.iter().map(|target| {
            let Target { name, figure, limit, unit } = target;
            json!({ "name": name, "unit": unit, "limit": limit, "figure": figure, "met": target.met() })
        });
        let skipped = self.skipped.iter().map(|(name, reason)| json!({ "name": name, "reason": reason }));
        let document = json!({
            "machine": machine.json(),
            "rows": rows.collect::<Vec<_>>(),
            "targets": targets.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
        });
        let path = target_directory().join("bench.json");
        let text = serde_json::to_string_pretty(&document).expect("plain values are JSON");
        fs::write(&path, text + "\n").expect("the target directory is writable");
        path
    }
}

/// Formats with three significant digits.
fn number(figure: f64) -> String {
    match figure.abs() {
        0.0 => "0".to_owned(),
        size if size >= 99.95 => format!("{figure:.0}"),
        size if size >= 9.995 => format!("{figure:.1}"),
        size if size >= 0.0995 => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

/// The system and the date of the measurement.
pub(crate) struct Machine {
    date: String,
    processor: String,
    processors: usize,
    kernel: String,
    /// Load average of the minute before.
    load: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            date: times::iso(SystemTime::now()),
            processor: model.map_or("unknown processor", |(_, name)| name).to_owned(),
            processors: std::thread::available_parallelism().map_or(1, Into::into),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    fn line(&self) -> String {
        let Self { date, processor, processors, kernel, load } = self;
        let profile = if cfg!(debug_assertions) { "; DEBUG BUILD" } else { "" };
        format!("{date}, {processors} × {processor}, Linux {kernel}, load before the start {load}{profile}")
    }

    fn json(&self) -> Value {
        let Self { date, processor, processors, kernel, load } = self;
        json!({ "date": date, "processor": processor, "processors": processors, "kernel": kernel, "load": load,
                "debug_build": cfg!(debug_assertions) })
    }
}

/// The directory that Cargo builds into: this program is `target/<profile>/deps/bench-…`.
pub(crate) fn target_directory() -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    this.ancestors().nth(3).map_or_else(|| PathBuf::from("."), Path::to_owned)
}
