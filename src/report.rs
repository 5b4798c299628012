//! What xassume says, on stderr and nowhere else: stdout is the command's.
//!
//! A message is written with one call, so that it is not torn among other writers: `writer` does it. `progress` is the
//! line that says what is waited for, `style` the colors, `wrap` the layout of errors.

pub(crate) mod output;
mod progress;
mod style;
pub(crate) mod waiting;
pub(crate) mod wrap;
pub(crate) mod writer;

pub(crate) use progress::Progress;

use crate::error::{Error, one_line, plain_json};
use crate::event::{Event, EventSink, Field, Level};
use crate::flags::USAGE;
use crate::log_options::{LogFormat, LogOptions, Verbosity};
use crate::mfa::mode;
use crate::process::outcome::FAILED;
use crate::profile::{Plan, Region};
use crate::session::{Keys, Session, rfc3339};
use crate::settings::Settings;
use crate::sys::panics::PanicFacts;
use crate::sys::{clock, screen};
use crate::terminal::Screen;
#[cfg(any(test, fuzzing))]
use crate::vars::Vars;
use serde_json::{Map, Value, json};
use std::fmt::{Display, Write as _};
use std::io::ErrorKind;
use std::process::ExitCode;
use style::Mark;

/// The longest line of a message, in characters; a policy statement with its ARNs has some hundred.
const LONGEST: usize = 2048;

/// Writes the messages of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    log_options: LogOptions,
}

/// One message: a level and an event as programs know them, a sentence, and what belongs to it.
struct Message<'a> {
    level: &'a str,
    event: &'a str,
    text: String,
    hint: Option<String>,
    fields: Map<String, Value>,
}

impl Report {
    /// Looks at standard error now: a child that reports in xassume's place has another one.
    pub(crate) fn new(log_options: LogOptions) -> Self {
        Self { log_options: LogOptions { screen: style::screen(log_options), ..log_options } }
    }

    /// For a launch that may have to wait.
    pub(crate) fn progress(self) -> Progress {
        Progress::new(self.log_options)
    }

    /// From now on no message blocks. Called when the signals that xassume reads are blocked.
    pub(crate) fn write_by_a_thread(self) {
        let notice = move |messages| self.shown_happening(&Event::Dropped { messages });
        if let Err(error) = writer::start(Box::new(notice)) {
            self.detail(format_args!(
                "no thread for messages could be started, so each message waits until it is read: {error}"
            ));
        }
    }

    /// What ends the run.
    pub(crate) fn error(self, error: &Error) {
        self.write(failed(error));
        if error.shows_usage() && self.log_options.format == LogFormat::Text {
            put(&style::line(self.log_options.screen, Mark::Usage, USAGE));
        }
    }

    /// What a user sees of an error.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn shown(error: &Error) -> String {
        Self::new(LogOptions::usual(&Vars::default())).form(failed(error))
    }

    /// A panic, which is always a bug.
    pub(crate) fn panicked(self, panic: &PanicFacts<'_>) {
        let place = panic.place.map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let message = panic.message.map(|message| format!(": {message}")).unwrap_or_default();
        let text = format!("internal error{place}{message}");
        let hint = Some("this is a bug in xassume: please report it with the command line".to_owned());
        self.write(Message { level: "error", event: "panicked", text, hint, fields: Map::new() });
    }

    /// Something is wrong, and the run goes on.
    pub(crate) fn warning(self, text: impl Display) {
        if self.log_options.verbosity >= Verbosity::Normal {
            self.write(plain("warning", "warning", text));
        }
    }

    /// Something is wrong that the hint mends, and the run goes on.
    pub(crate) fn mendable(self, text: impl Display, hint: String) {
        if self.log_options.verbosity >= Verbosity::Normal {
            self.write(Message { hint: Some(hint), ..plain("warning", "warning", text) });
        }
    }

    /// What is done, with `-v`.
    pub(crate) fn detail(self, text: impl Display) {
        if self.log_options.verbosity >= Verbosity::Verbose {
            self.write(plain("info", "detail", text));
        }
    }

    /// The plan, with `-v`: the source, each hop, the device, how STS is reached. Its endpoint is worked out only then.
    pub(crate) fn plan(self, plan: &Plan, settings: &Settings, endpoint: impl FnOnce() -> Option<String>) {
        if self.log_options.verbosity < Verbosity::Verbose {
            return;
        }
        for note in settings.notes.iter().chain(&plan.notes) {
            self.detail(note);
        }
        let mut block = format!("the plan\n  source: {}", plan.source);
        let of = plan.hops.len();
        for (at, hop) in plan.hops.iter().enumerate() {
            let _ = write!(block, "\n  role {} of {of}: {hop}", at + 1);
        }
        if let Some((_, _, serial)) = mode::device(&plan.hops) {
            let _ = write!(block, "\n  MFA: device {serial}, its code from {}", settings.mfa.code);
        }
        let _ = match &plan.region {
            Some(Region { name, from }) => write!(block, "\n  region: {name} ({from})"),
            None => write!(block, "\n  region: none named"),
        };
        let endpoint = endpoint();
        let _ = write!(block, "\n  endpoint: {}", endpoint.as_deref().unwrap_or("that of the instance's region"));
        let ca_bundle = settings.sts.ca_bundle.is_some() || plan.network.ca_bundle.is_some();
        let variants = [
            (plan.network.fips, ", FIPS"),
            (plan.network.dualstack, ", dual-stack"),
            (ca_bundle, ", further certificates trusted"),
        ];
        block.extend(variants.iter().filter(|(on, _)| *on).map(|(_, what)| *what));
        let _ = match endpoint.map(|url| plan.network.proxies.of_request(&url)) {
            Some(Ok(Some(proxy))) => write!(block, "\n  proxy: {proxy}"),
            // A launch from the cache needs none, and does not fail.
            Some(Err(error)) => write!(block, "\n  proxy: {error}"),
            Some(Ok(None)) | None => Ok(()),
        };
        self.write(Message { text: block, ..plain("info", "plan", "") });
    }

    /// The keys that the plan's source gave, with `-v`.
    pub(crate) fn source(self, keys: &Keys) {
        let kind = if keys.session_token.is_some() { "temporary" } else { "long-term" };
        self.detail(format_args!("source credentials: {} ({kind})", keys.access_key_id));
    }

    /// The MFA session that signs the first call, with `-v`.
    pub(crate) fn mfa_session(self, session: &Session) {
        let ends = rfc3339(session.validity.expiration);
        self.detail(format_args!("MFA session: {}, ends at {ends}", session.keys.access_key_id));
    }

    fn write(self, message: Message<'_>) {
        put(&self.form(message));
    }

    fn form(self, mut message: Message<'_>) -> String {
        message.text = harmless(&message.text);
        message.hint = message.hint.as_deref().map(harmless);
        match self.log_options.format {
            LogFormat::Text => message.as_text(self.log_options.screen, screen::columns(std::io::stderr())),
            LogFormat::Json => {
                let mut object = Map::new();
                object.insert("time".into(), json!(rfc3339(clock::wall())));
                object.insert("level".into(), json!(message.level));
                object.insert("event".into(), json!(message.event));
                object.insert("message".into(), json!(message.text));
                object.extend(message.fields);
                if let Some(hint) = message.hint {
                    object.insert("hint".into(), json!(hint));
                }
                plain_json(&Value::Object(object)) + "\n"
            }
        }
    }
}

impl Message<'_> {
    fn as_text(&self, screen: Screen, width: Option<usize>) -> String {
        let mark = match self.level {
            "error" => Mark::Error,
            "warning" => Mark::Warning,
            _ => Mark::Detail,
        };
        let line = |mark: Mark, text| style::line(screen, mark, &wrap::lines(text, mark.columns(), width));
        line(mark, &self.text) + &self.hint.as_deref().map(|hint| line(Mark::Hint, hint)).unwrap_or_default()
    }
}

fn failed(error: &Error) -> Message<'_> {
    let fields = [("status".to_owned(), json!(error.status()))].into_iter().collect();
    let text = one_line(&error.to_string(), LONGEST);
    Message { level: "error", event: "failed", text, hint: error.hint(), fields }
}

fn plain<'a>(level: &'a str, event: &'a str, text: impl Display) -> Message<'a> {
    Message { level, event, text: one_line(&text.to_string(), LONGEST), hint: None, fields: Map::new() }
}

/// A text of several lines without what a terminal would act on: it quotes services and files, which may be malicious.
fn harmless(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| one_line(line, LONGEST)).collect();
    lines.join("\n")
}

impl EventSink for Report {
    fn emit(&mut self, event: &Event) {
        if let Some(text) = self.shown_happening(event) {
            put(&text);
        }
    }
}

impl Report {
    /// The text of a event; none below the level that the user wants.
    fn shown_happening(self, event: &Event) -> Option<String> {
        let (least, level) = match event.level() {
            Level::Warning => (Verbosity::Normal, "warning"),
            Level::Detail => (Verbosity::Verbose, "info"),
            Level::Trace => (Verbosity::Everything, "debug"),
        };
        if self.log_options.verbosity < least {
            return None;
        }
        let fields = event.fields().into_iter().map(|(key, field)| (key.to_owned(), value(field))).collect();
        let text = one_line(&event.to_string(), LONGEST);
        Some(self.form(Message { level, event: event.name(), text, hint: event.hint(), fields }))
    }
}

fn value(field: Field) -> Value {
    match field {
        Field::Text(text) => json!(text),
        Field::Number(number) => json!(number),
        Field::Time(moment) => json!(rfc3339(moment)),
        // Milliseconds are as much as a schedule is worth.
        Field::Seconds(span) => json!((span.as_secs_f64() * 1000.0).round() / 1000.0),
    }
}

/// Prints clap's message: `--help` and `--version` on standard output, a usage error in the form of xassume's errors.
pub(crate) fn print_clap_message(answer: &clap::Error, log_options: LogOptions) -> ExitCode {
    if !answer.use_stderr() {
        return match output::print(answer.render().to_string().as_bytes()) {
            // A pager that was closed.
            Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                Report::new(log_options).error(&error);
                ExitCode::from(error.status())
            }
            Ok(()) => ExitCode::SUCCESS,
        };
    }
    let text = answer.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let tip = lines.find_map(|line| line.strip_prefix("tip: "));
    // Such a value would be the command.
    let tip = tip.filter(|tip| !tip.contains("as a value, use"));
    let hint = tip.unwrap_or("see xassume --help; put the command after --");
    Report::new(log_options).error(&Error::usage(message, hint));
    ExitCode::from(FAILED)
}

fn put(text: &str) {
    writer::write(format!("{}{text}", progress::erased()).as_bytes());
}
