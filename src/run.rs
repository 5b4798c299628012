//! From the arguments to one of the commands.

use crate::cli;
use crate::commands::{check, clear_cache, exec, list, print, supervise};
use crate::deliver::process;
use crate::error::Error;
use crate::files;
use crate::log_options::LogOptions;
use crate::process::End;
use crate::process::outcome::FAILED;
use crate::report::{self, Report, writer};
use crate::settings::{self, Host, Mode, Task};
use crate::sys::{panics, signals};
use crate::vars::Vars;
use clap::ArgMatches;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs xassume with these arguments, the first of which is its own name, in this environment.
///
/// Returns unless xassume replaces itself with the command.
#[must_use]
pub fn run(arguments: &[OsString], vars: &Vars) -> ExitCode {
    // No other process may read the secrets of this one. A command decides for itself.
    signals::forbid_core_dumps();
    // Run by the command's SDK, for `--via process`. Variables are ignored: they are meant for xassumes that the command runs.
    if let Some(socket) = cli::from_socket(arguments) {
        return ended(Report::new(LogOptions::usual(vars)), process::client::print(socket));
    }
    // Run by the completions of shells.
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
            panics::report_with(move |panic| report.panicked(panic));
            let done = panics::caught(|| dispatch(&matches, vars, log_options));
            (report, done.unwrap_or(Ok(End::Exited(FAILED))))
        }
        Err(error) => (Report::new(LogOptions::usual(vars)), Err(error)),
    };
    let outcome = result.unwrap_or_else(|error| {
        report.error(&error);
        End::Exited(error.status())
    });
    writer::finish();
    match outcome {
        End::Exited(status) => ExitCode::from(status),
        End::Killed(signal) => signals::die_of(signal),
    }
}

/// The status of a run without a command.
fn ended(report: Report, result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report.error(&error);
            ExitCode::from(error.status())
        }
    }
}

/// Reads the settings and runs one of the commands.
fn dispatch(matches: &ArgMatches, vars: &Vars, log_options: LogOptions) -> Result<End, Error> {
    let report = Report::new(log_options);
    signals::install_pid1_handlers();
    match settings::task(matches, vars, &host(), &files::read_text)? {
        Task::ClearCache(cache) => clear_cache::run(&cache, vars, report),
        Task::Print(settings, format) => print::run(&settings, format, vars, report),
        Task::Check(settings) => check::run(&settings, vars, report, log_options),
        Task::Run(settings) => match settings.mode {
            Mode::Exec => exec::run(&settings, vars, report),
            Mode::Supervise(policy) => supervise::run(&settings, policy, vars, report),
        },
    }
}

/// The parts of the default session name that are the system's.
fn host() -> Host {
    let host = nix::unistd::gethostname().unwrap_or_default();
    Host { uid: nix::unistd::getuid().as_raw(), host: host.to_string_lossy().into_owned() }
}
