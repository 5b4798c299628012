//! The line that says what a launch waits for: on a terminal, once it has taken a second, until it is over.
//!
//! There is no thread: a timer runs beside the work, and the line is drawn when the work lets it. Whatever else is
//! written to the terminal comes after [`erased`]. While a program of the user's choice may write there
//! (`credential_process`, `--mfa-command`), or a person is asked, there is no line: it could neither be told from
//! theirs nor be erased without theirs.

use super::writer;
use crate::log_options::{LogFormat, LogOptions, Verbosity};
use crate::report::waiting::{Awaited, line};
use crate::sys::boot::boottime;
use crate::sys::screen::{self, ERASE};
use crate::terminal::Screen;
use std::convert::Infallible;
use std::io::IsTerminal as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is over sooner needs no line.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon a line follows what it tells.
const TICK: Duration = Duration::from_millis(200);

/// The progress of one launch.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: Shown,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    OnTerminals,
    Never,
}

#[derive(Debug, Default)]
struct State {
    /// What is waited for, and since when anything is.
    awaited: Option<Awaited>,
    since: Duration,
    drawn: String,
}

impl Progress {
    pub(super) fn new(log_options: LogOptions) -> Self {
        let LogOptions { verbosity, format, screen } = log_options;
        let never = verbosity == Verbosity::Quiet || format == LogFormat::Json || screen == Screen::Dumb;
        Self { shown: if never { Shown::Never } else { Shown::OnTerminals }, state: Mutex::default() }
    }

    /// Does the work, with the line beside it. What is told outside of this is not shown.
    pub(crate) async fn beside<T>(&self, work: impl Future<Output = T>) -> T {
        if self.shown == Shown::Never {
            return work.await;
        }
        let _erased = EraseAtEnd;
        tokio::select! {
            biased;
            answer = work => answer,
            never = self.draw() => match never {},
        }
    }

    /// Tells what is waited for from now on.
    pub(crate) fn waits_for(&self, awaited: Awaited) {
        let mut state = self.state();
        if state.awaited.is_none() {
            state.since = boottime();
        }
        state.awaited = Some(awaited);
    }

    /// Lets somebody else have the terminal meanwhile. The time that they take does not count.
    pub(crate) async fn aside<T>(&self, other: impl Future<Output = T>) -> T {
        self.state().awaited = None;
        erase();
        other.await
    }

    async fn draw(&self) -> Infallible {
        tokio::time::sleep(PATIENCE).await;
        if !std::io::stderr().is_terminal() {
            std::future::pending::<()>().await;
        }
        loop {
            tokio::time::sleep(self.look()).await;
        }
    }

    /// Draws the line if it is time and it is not there yet; when to look again.
    fn look(&self) -> Duration {
        let mut state = self.state();
        let Some(awaited) = &state.awaited else { return TICK };
        let early = PATIENCE.saturating_sub(boottime().saturating_sub(state.since));
        if !early.is_zero() {
            return early;
        }
        if screen::is_ours() {
            let line = line(awaited, screen::columns(std::io::stderr()).unwrap_or(80));
            if !screen::has_line() || line != state.drawn {
                screen::line_stands();
                writer::draw(format!("{ERASE}{line}").as_bytes());
                state.drawn = line;
            }
        }
        TICK
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// However the work ends, be it dropped.
struct EraseAtEnd;

impl Drop for EraseAtEnd {
    fn drop(&mut self) {
        erase();
    }
}

fn erase() {
    let erased = erased();
    if !erased.is_empty() {
        writer::draw(erased.as_bytes());
        // What others write to the terminal now must not be erased with it.
        writer::finish();
    }
}

/// What makes room for other words on the terminal: nothing, where no line of ours is in their way. A line that was
/// left behind by going to the background is the shell's.
pub(super) fn erased() -> &'static str {
    if screen::line_is_gone() && screen::is_ours() { ERASE } else { "" }
}
