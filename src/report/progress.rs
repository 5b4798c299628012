//! The progress line, which shows what a launch waits for. It appears only on a terminal, and only after a second.
//!
//! No thread is needed, because a timer runs in the same task as the work. All other output of xassume to the terminal
//! begins with [`erased`]. While a program (`credential_process`, `--mfa-command`) or a prompt uses the terminal, there
//! is no progress line, because erasing it could erase the output of the program or the prompt.

use super::writer;
use crate::event::Level;
use crate::log_options::{LogFormat, LogOptions};
use crate::report::waiting::{Awaited, line};
use crate::sys::boot::boottime;
use crate::sys::screen::{self, ERASE};
use crate::terminal::Screen;
use std::convert::Infallible;
use std::io::IsTerminal as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a launch waits before the line appears.
const DELAY: Duration = Duration::from_secs(1);
/// How often the line is updated.
const TICK: Duration = Duration::from_millis(200);

/// The progress of one launch.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Whether the line may be shown. In addition, standard error must be a terminal.
    wanted: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the launch waits for, or `None` if there is nothing to show. `since` is when this wait began, by the boot
    /// clock.
    awaited: Option<Awaited>,
    since: Duration,
    drawn: String,
}

impl Progress {
    pub(super) fn new(log_options: LogOptions) -> Self {
        let LogOptions { verbosity, format, screen, .. } = log_options;
        let wanted = verbosity > Level::Error && format == LogFormat::Text && screen != Screen::Dumb;
        Self { wanted, state: Mutex::default() }
    }

    /// Does the work, and shows the line while the work is running.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        if !self.wanted {
            return work.await;
        }
        let _erased = EraseAtEnd;
        tokio::select! {
            biased;
            answer = work => answer,
            never = self.draw() => match never {},
        }
    }

    /// Sets what the launch waits for.
    pub(crate) fn waits_for(&self, awaited: Awaited) {
        let mut state = self.state();
        if state.awaited.is_none() {
            state.since = boottime();
        }
        state.awaited = Some(awaited);
    }

    /// Erases the line, and then lets another program or a prompt use the terminal. The time that `other` takes does
    /// not count as waiting.
    pub(crate) async fn aside<T>(&self, other: impl Future<Output = T>) -> T {
        self.state().awaited = None;
        erase();
        other.await
    }

    async fn draw(&self) -> Infallible {
        tokio::time::sleep(DELAY).await;
        if !std::io::stderr().is_terminal() {
            std::future::pending::<()>().await;
        }
        loop {
            tokio::time::sleep(self.look()).await;
        }
    }

    /// Draws the line if it is due and has changed. Returns how long to wait before the next call.
    fn look(&self) -> Duration {
        let mut state = self.state();
        let Some(awaited) = &state.awaited else { return TICK };
        let early = DELAY.saturating_sub(boottime().saturating_sub(state.since));
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

/// Erases the line when this value is dropped, even if the work is dropped before its end.
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
        // This waits until the line is erased, because erasing it later could erase the output of another program.
        writer::finish();
    }
}

/// Returns the text that erases the progress line, and records that there is no progress line any more. Returns an
/// empty text if there was no progress line. Also returns an empty text if xassume is in the background, because the
/// current line of the terminal then belongs to the shell.
pub(super) fn erased() -> &'static str {
    if screen::line_is_gone() && screen::is_ours() { ERASE } else { "" }
}
