//! Messages on standard error, as text or JSON, with one message for each event.
//!
//! `writer` writes each message with a single write(2), because the command writes to standard error too. `progress`
//! shows a line that says what a launch waits for. `style` contains the colors, `wrap` breaks long lines, `output`
//! writes to standard output, and `usage` shows clap's messages.

pub(crate) mod output;
mod progress;
mod style;
pub(crate) mod usage;
pub(crate) mod waiting;
pub(crate) mod wrap;
pub(crate) mod writer;

pub(crate) use progress::Progress;

use crate::error::{Error, one_line, plain_json};
use crate::event::{Event, EventSink, Field, Level, Problem, Record, RunEvent, SessionEvent};
use crate::flags::USAGE;
use crate::log_options::{LogFormat, LogOptions};
use crate::session::rfc3339;
use crate::sys::{clock, screen};
use crate::terminal::Screen;
#[cfg(any(test, fuzzing))]
use crate::vars::Vars;
use serde_json::{Value, json};
use std::io::IsTerminal as _;
use std::panic::Location;
use style::Mark;

/// The maximum length of a line in a message, in characters. The longest usual line is a policy statement with its
/// ARNs, which has a few hundred characters.
const LONGEST: usize = 2048;

/// Shows events as text or JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    log_options: LogOptions,
    /// The profile of `--also` to whose session the events belong.
    profile: Option<&'static str>,
}

impl Report {
    /// Creates a report. There are no colors if standard error is not a terminal. A later check of this would be wrong
    /// in a child process that uses the report, because there standard error is a pipe.
    pub(crate) fn new(mut log_options: LogOptions) -> Self {
        if log_options.screen == Screen::Colored && !std::io::stderr().is_terminal() {
            log_options.screen = Screen::Dumb;
        }
        Self { log_options, profile: None }
    }

    /// Returns a report for events about the session of a profile.
    pub(crate) fn of_profile(self, profile: Option<&'static str>) -> Self {
        Self { profile, ..self }
    }

    pub(crate) fn progress(self) -> Progress {
        Progress::new(self.log_options)
    }

    /// Starts a thread that writes the messages from now on, so that messages do not block xassume. Must be called
    /// after the signal reader was created, because the reader must exist before any other thread (see
    /// `sys::signals::reader`).
    pub(crate) fn write_by_a_thread(self) {
        let notice = move |messages| self.message(&RunEvent::MessagesDropped { messages }.into());
        if let Err(error) = writer::start(Box::new(notice)) {
            self.emit(RunEvent::NoWriterThread { error: error.to_string() }.into());
        }
    }

    /// Checks whether events of this level are shown. If not, a caller may skip the work for such an event.
    pub(crate) fn wants(self, level: Level) -> bool {
        level <= self.log_options.verbosity
    }

    /// Checks whether the event about the first session is shown.
    pub(crate) fn wants_first_session(self) -> bool {
        self.log_options.first_session || self.wants(Level::Info)
    }

    /// Reports the error that ends the run.
    pub(crate) fn error(self, error: &Error) {
        self.emit(failed(error));
        if matches!(error, Error::Usage { .. }) && self.log_options.format == LogFormat::Text {
            put(&style::line(self.log_options.screen, Mark::USAGE, USAGE));
        }
    }

    /// Returns the text that the user sees for an error.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn shown(error: &Error) -> String {
        Self::new(LogOptions::usual(&Vars::default())).message(&failed(error)).unwrap_or_default()
    }

    /// Reports a panic, which is always a bug.
    pub(crate) fn panicked(self, place: Option<&Location<'_>>, message: Option<&'static str>) {
        let place = place.map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let message = message.map(|message| format!(": {message}")).unwrap_or_default();
        let text = format!("internal error{place}{message}");
        self.emit(RunEvent::Panicked { text }.into());
    }

    /// Returns the message of an event, or `None` if events of its level are not shown.
    fn message(self, event: &Event) -> Option<String> {
        let Record { level, name, message, fields, hint } = event.record();
        let is_shown = match event.without_profile() {
            Event::Session(SessionEvent::Assumed { .. } | SessionEvent::Obtained { .. }) => self.wants_first_session(),
            _ => self.wants(level),
        };
        if !is_shown {
            return None;
        }
        let text = match event {
            Event::Session(SessionEvent::Plan { .. }) => harmless(&message),
            _ => one_line(&message, LONGEST),
        };
        let hint = hint.as_deref().map(harmless);
        Some(match self.log_options.format {
            LogFormat::Text => as_text(self.log_options.screen, level, &text, hint.as_deref()),
            LogFormat::Json => {
                let time = rfc3339(clock::wall());
                let first = [("time", json!(time)), ("level", json!(level)), ("event", json!(name))];
                let fields = fields.into_iter().map(|(key, field)| (key, value(field)));
                let last = hint.map(|hint| ("hint", json!(hint)));
                let pairs = first.into_iter().chain([("message", json!(text))]).chain(fields).chain(last);
                plain_json(&pairs.collect()) + "\n"
            }
        })
    }
}

impl EventSink for Report {
    fn emit(&self, event: Event) {
        if let Some(message) = self.message(&event.of_profile(self.profile)) {
            put(&message);
        }
    }
}

fn as_text(screen: Screen, level: Level, text: &str, hint: Option<&str>) -> String {
    let mark = match level {
        Level::Error => Mark::ERROR,
        Level::Warning => Mark::WARNING,
        Level::Notice | Level::Info | Level::Debug => Mark::DETAIL,
    };
    let width = screen::columns(std::io::stderr());
    let line = |mark: Mark, text| style::line(screen, mark, &wrap::lines(text, mark.columns(), width));
    line(mark, text) + &hint.map(|hint| line(Mark::HINT, hint)).unwrap_or_default()
}

fn failed(error: &Error) -> Event {
    let (of, profile) = match error {
        Error::OfProfile { profile, error } => (&**error, Some(*profile)),
        _ => (error, None),
    };
    let problem = Problem { hint: error.hint(), ..of.into() };
    Event::from(RunEvent::Failed { problem, status: error.status() }).of_profile(profile)
}

/// Replaces the characters that a terminal would act on, but keeps the line breaks. The text may quote services and
/// files, which may be malicious.
fn harmless(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| one_line(line, LONGEST)).collect();
    lines.join("\n")
}

fn value(field: Field) -> Value {
    match field {
        Field::Text(text) => json!(text),
        Field::Number(number) => json!(number),
        Field::Time(moment) => json!(rfc3339(moment)),
        // The value is rounded to milliseconds, because nobody needs a more exact value.
        Field::Seconds(span) => json!((span.as_secs_f64() * 1000.0).round() / 1000.0),
    }
}

fn put(text: &str) {
    writer::write(format!("{}{text}", progress::erased()).as_bytes());
}
