//! Runs the mode that the arguments select.

use crate::cli;
use crate::commands::{check, clear_cache, exec, help, list, list_sessions, print, serve, supervise};
use crate::deliver::process;
use crate::error::Error;
use crate::event::{EventSink as _, RunEvent};
use crate::files;
use crate::launch::suggest;
use crate::log_options::{LogFormat, LogOptions};
use crate::process::End;
use crate::process::outcome::FAILED;
use crate::report::{Report, output, usage, writer};
use crate::settings::{self, FlagValues, Host, Mode, Task};
use crate::sys::{panics, signals};
use crate::vars::Vars;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs xassume with these arguments in this environment, and returns its exit status. The first argument is the name
/// of the program.
///
/// Does not return if xassume replaces itself with the command.
#[must_use]
pub fn run(arguments: &[OsString], vars: &Vars) -> ExitCode {
    // Without core dumps, no secret is written to disk. The same setting prevents the user's other processes from
    // reading the secrets in the memory of this process. The command is not affected, because execve(2) resets the
    // setting.
    signals::forbid_core_dumps();
    let usual = Report::new(LogOptions::usual(vars));
    let printed = |result: Result<(), Error>| ended(usual, result.map(|()| End::Exited(0)));
    // With `--via process`, an SDK in the command runs xassume with these arguments to get credentials. The variables
    // of flags are ignored here, because they are meant for an xassume that the command itself starts.
    if let Some(socket) = cli::from_socket(arguments) {
        return printed(process::client::print(socket));
    }
    // The completion scripts of shells run xassume with `--list`.
    if let Some(word) = cli::list(arguments) {
        return printed(list::print(word, vars));
    }
    let unparsed = || Report::new(settings::log_options_of_unparsed(arguments, vars));
    let mut flags = match settings::parse(arguments) {
        Ok(matches) => FlagValues::new(&matches, vars),
        Err(answer) => {
            let printed = match cli::requested_form(&answer) {
                Some(form) => help::print(form, vars),
                None => usage::print_clap_message(&answer),
            };
            return ended(unparsed(), printed.map(|()| End::Exited(0)));
        }
    };
    let log_options = match settings::log_options(&mut flags, vars) {
        Ok(log_options) => log_options,
        Err(error) => return ended(unparsed(), Err(error)),
    };
    if arguments.len() <= 1 && log_options.format == LogFormat::Text {
        help::overview(vars);
        return ended(usual, Ok(End::Exited(FAILED)));
    }
    let report = Report::new(log_options);
    panics::report_with(move |place, message| report.panicked(place, message));
    let done = panics::caught(|| dispatch(flags, vars, report, log_options));
    ended(report, done.unwrap_or(Ok(End::Exited(FAILED))))
}

/// Reports the error if the run failed, and returns the exit status. If a signal killed the command, kills xassume with
/// the same signal instead.
fn ended(report: Report, result: Result<End, Error>) -> ExitCode {
    let outcome = result.unwrap_or_else(|error| {
        report.error(&error);
        End::Exited(error.status())
    });
    writer::finish_at_exit();
    match outcome {
        End::Exited(status) => ExitCode::from(status),
        End::Killed(signal) => signals::die_of(signal),
    }
}

/// Reads the settings and runs the mode that they select.
fn dispatch(flags: FlagValues, vars: &Vars, report: Report, log_options: LogOptions) -> Result<End, Error> {
    signals::install_pid1_handlers();
    let task = settings::task(flags, vars, &host(), &files::read_text);
    // A variable without effect may be the cause of an error. A completion script is printed whenever a shell starts.
    if !matches!(task, Ok(Task::Completions(_))) {
        settings::unknown_variables(vars).for_each(|warning| report.emit(RunEvent::warning(&warning).into()));
    }
    match task.map_err(|error| suggest::suggest_profile(error, vars))? {
        Task::Completions(script) => output::print_until_closed(script.as_bytes()).map(|()| End::Exited(0)),
        Task::ListSessions(cache) => list_sessions::run(&cache, vars, report, log_options),
        Task::ClearCache(cache) => clear_cache::run(&cache, vars, report),
        Task::Print(settings, format) => print::run(&settings, format, vars, report),
        Task::Check(settings) => check::run(&settings, vars, report, log_options),
        Task::Run(settings) => {
            let ended = match settings.mode {
                Mode::Exec => exec::run(&settings, vars, report),
                Mode::Supervise(policy) => supervise::run(&settings, policy, vars, report),
                Mode::Serve(policy) => serve::run(&settings, policy, vars, report),
            };
            ended.map_err(|error| suggest::suggest_command_line(error, &settings, vars))
        }
    }
}

/// Returns the user ID and the host name, from which the default session name is made.
fn host() -> Host {
    let host = nix::unistd::gethostname().unwrap_or_default();
    Host { uid: nix::unistd::getuid().as_raw(), host: host.to_string_lossy().into_owned() }
}
