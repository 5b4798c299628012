//! The story of a run, on one page: settings, plan, session, command.
//!
//! Each step is told in its own module; this one only puts them in their order, so that whatever can fail without a
//! call to STS fails before it.

use crate::cache::Cache;
use crate::cli;
use crate::commands::check;
use crate::commands::list;
use crate::commands::supervise;
use crate::deliver::environment::{Delivery, Recipient};
use crate::deliver::{config_copy, isolated, process};
use crate::error::{Error, reason_of};
use crate::event::EventSink as _;
use crate::files;
use crate::launch::{Inherited, Launch, assumed};
use crate::log_options::LogOptions;
use crate::print::{self, Format};
use crate::process::outcome::{FAILED, Outcome};
use crate::report::output;
use crate::report::{self, Report, writer};
use crate::settings::{self, CacheSettings, Host, Mode, Settings, Task};
use crate::sys::lookup::{self, Command};
use crate::sys::panics;
use crate::sys::{exec, memory, signals};
use crate::vars::Vars;
use clap::ArgMatches;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// Runs xassume with these arguments, the first being its own name, in this environment.
///
/// Comes back when there is no command to become, or when the command that it stayed with has ended.
#[must_use]
pub fn run(arguments: &[OsString], vars: &Vars) -> ExitCode {
    // Nobody may read the secrets of this process; the command is as open as it makes itself.
    signals::forbid_core_dumps();
    // Run by the command's SDK, for `--via process`. It heeds no variable: they are the command's, for runs of its own.
    if let Some(socket) = cli::from_socket(arguments) {
        return ended(Report::new(LogOptions::usual(vars)), process::client::print(socket));
    }
    // Run by the shells' completions.
    if let Some(word) = cli::list(arguments) {
        return ended(Report::new(LogOptions::usual(vars)), list::print(word, vars));
    }
    let matches = match settings::parse(arguments) {
        Ok(matches) => matches,
        Err(answer) => return report::print_clap_message(&answer, LogOptions::usual(vars)),
    };
    let (report, result) = match settings::log_options(&matches, vars) {
        Ok(log_options) => {
            let report = Report::new(log_options);
            panics::report_with(report);
            let done = panics::caught(|| command(&matches, vars, log_options));
            (report, done.unwrap_or(Ok(Outcome::Exited(FAILED))))
        }
        Err(error) => (Report::new(LogOptions::usual(vars)), Err(error)),
    };
    let outcome = result.unwrap_or_else(|error| {
        report.error(&error);
        Outcome::Exited(error.status())
    });
    writer::finish();
    match outcome {
        Outcome::Exited(status) => ExitCode::from(status),
        Outcome::Killed(signal) => signals::die_of(signal),
    }
}

/// The status of a run that has no command, or no longer one.
fn ended(report: Report, result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report.error(&error);
            ExitCode::from(error.status())
        }
    }
}

/// From the words to the command's end.
fn command(matches: &ArgMatches, vars: &Vars, log_options: LogOptions) -> Result<Outcome, Error> {
    let report = Report::new(log_options);
    signals::install_pid1_handlers();
    let settings = match settings::task(matches, vars, &machine(), &files::read_text)? {
        Task::ClearCache(cache) => return clear_cache(&cache, vars, report),
        Task::Print(settings, format) => return print_session(&settings, format, vars, report),
        Task::Check(settings) => return check::check(&settings, vars, report, log_options),
        Task::Run(settings) => settings,
    };
    settings.check_keep()?;
    if let Mode::Supervise(_) = settings.mode {
        memory::zero_what_is_freed();
    }
    let command = lookup::find(&settings.command, vars.get("PATH"))?;
    let inherited = Inherited::new(vars)?;
    let launch = Launch::prepare(&settings, &inherited, report)?;
    match settings.mode {
        Mode::Exec => Err(become_command(&launch, &command)?),
        Mode::Supervise(policy) => supervise::attend(&launch, &command, policy),
    }
}

/// Obtains a session and becomes the command; comes back only with the reason why it could not.
fn become_command(launch: &Launch<'_>, command: &Command) -> Result<Error, Error> {
    let obtained = launch.session()?;
    let mut report = launch.report;
    report.emit(&assumed(&obtained.session));
    let config_file = if launch.settings.delivery.isolate {
        let copy = config_copy::filter(&launch.files.config_text, launch.plan.profile.as_deref());
        Some(isolated::config_file(launch.vars, &copy)?)
    } else {
        None
    };
    let delivery = config_file.as_deref().map_or(Delivery::Env, |config_file| Delivery::EnvIsolated { config_file });
    Ok(exec::replace(command, &launch.environment(&obtained, delivery, Recipient::Exec)))
}

/// Obtains a session and prints it.
fn print_session(settings: &Settings, format: Format, vars: &Vars, report: Report) -> Result<Outcome, Error> {
    settings.check_keep()?;
    output::expect_open()?;
    let inherited = Inherited::new(vars)?;
    let launch = Launch::prepare(settings, &inherited, report)?;
    let obtained = launch.session()?;
    let mut report = launch.report;
    report.emit(&assumed(&obtained.session));
    let text = print::text(format, &obtained.session, launch.region(&obtained), &launch.change(&obtained))?;
    if std::io::stdout().is_terminal() {
        report.warning("standard output is a terminal, which now shows the secrets of the session");
    }
    output::print(&text)?;
    Ok(Outcome::Exited(0))
}

/// Removes the cached sessions of this user.
fn clear_cache(settings: &CacheSettings, vars: &Vars, report: Report) -> Result<Outcome, Error> {
    let cleared = Cache::new(settings, vars).clear();
    let cleared = cleared.map_err(|(directory, error)| Error::Cache { directory, reason: reason_of(&error) })?;
    for directory in &cleared {
        report.detail(format_args!("sessions removed from {}: {}", directory.directory.display(), directory.sessions));
    }
    if cleared.is_empty() {
        report.detail("there is no cache to clear");
    }
    Ok(Outcome::Exited(0))
}

/// What the default session name tells of this machine.
fn machine() -> Host {
    let host = nix::unistd::gethostname().unwrap_or_default();
    Host { uid: nix::unistd::getuid().as_raw(), host: host.to_string_lossy().into_owned() }
}
