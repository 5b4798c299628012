//! Measurements: wall-clock times of whole processes, contenders in turn, medians and quartiles.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// How many times and how long to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// `--long`: for a release.
    Long,
    Full,
    /// `--quick`: only to check that everything works.
    Quick,
}

impl Effort {
    pub(crate) fn choose<T>(self, full: T, quick: T) -> T {
        match self {
            Self::Long | Self::Full => full,
            Self::Quick => quick,
        }
    }
}

/// Figures of the same kind, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// # Panics
    /// Panics if there is no figure.
    pub(crate) fn new(mut figures: Vec<f64>) -> Self {
        assert!(!figures.is_empty(), "nothing was measured");
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(50.0)
    }

    pub(crate) fn quartiles(&self) -> (f64, f64) {
        (self.quantile(25.0), self.quantile(75.0))
    }

    /// The percentile: the figure that `percent` of all figures do not exceed.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
    pub(crate) fn quantile(&self, percent: f64) -> f64 {
        let rank = (percent / 100.0 * self.0.len() as f64).ceil() as usize;
        self.0[rank.saturating_sub(1).min(self.0.len() - 1)]
    }
}

/// A command that is measured in turn with others.
pub(crate) struct Contender<'a> {
    pub(crate) name: String,
    command: Box<dyn Fn() -> Command + 'a>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new(name: impl Into<String>, command: impl Fn() -> Command + 'a) -> Self {
        Self { name: name.into(), command: Box::new(command) }
    }

    /// The command, without input and output.
    fn command(&self) -> Command {
        let mut command = (self.command)();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs it until it exits; returns milliseconds.
    ///
    /// # Panics
    /// Panics if it fails: the time of a failure is not a valid figure.
    fn run(&self) -> f64 {
        let mut command = self.command();
        let begun = Instant::now();
        let status = command.status().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let time = milliseconds(begun.elapsed());
        assert!(status.success(), "{}: {status}: {command:?}", self.name);
        time
    }

    /// Runs `count` of them concurrently, until the last one exits; returns milliseconds.
    fn run_many(&self, count: usize) -> f64 {
        let mut commands: Vec<Command> = (0..count).map(|_| self.command()).collect();
        let begun = Instant::now();
        let children: Vec<_> = commands.iter_mut().map(|command| command.spawn().expect("it starts")).collect();
        let ends = children.into_iter().map(|mut child| child.wait().expect("it ends").success());
        let well = ends.filter(|&success| success).count();
        let time = milliseconds(begun.elapsed());
        assert_eq!(well, count, "{}: some of them failed", self.name);
        time
    }
}

/// Runs each in turn, so other load affects all of them equally. The first round is a warm-up.
pub(crate) fn in_turn(contenders: &[Contender<'_>], rounds: usize) -> Vec<Samples> {
    all_in_turn(contenders, rounds, Contender::run)
}

/// The same for crowds.
pub(crate) fn crowds_in_turn(contenders: &[Contender<'_>], rounds: usize, count: usize) -> Vec<Samples> {
    all_in_turn(contenders, rounds, |contender| contender.run_many(count))
}

fn all_in_turn<'a>(contenders: &[Contender<'a>], rounds: usize, run: impl Fn(&Contender<'a>) -> f64) -> Vec<Samples> {
    let mut figures = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, figures) in contenders.iter().zip(&mut figures) {
            let figure = run(contender);
            if round > 0 {
                figures.push(figure);
            }
        }
    }
    figures.into_iter().map(Samples::new).collect()
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// `CLOCK_MONOTONIC`, the same for all processes of the system, in nanoseconds.
pub(crate) fn monotonic() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the clock is there");
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}

/// The time between two such times, in milliseconds.
#[allow(clippy::cast_precision_loss, reason = "differences are small")]
pub(crate) fn between(from: i64, to: i64) -> f64 {
    (to - from) as f64 / 1e6
}

/// Waits while something is measured.
pub(crate) fn let_pass(time: Duration) {
    thread::sleep(time);
}
