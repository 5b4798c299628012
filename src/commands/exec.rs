//! Exec mode: replaces xassume with the command, so that no process of xassume is left.

use crate::deliver::environment::{CommandCredentials, Recipient};
use crate::deliver::isolated;
use crate::error::{CommandError, CommandFault, Error};
use crate::launch::sockets::CommandSockets;
use crate::launch::{Launch, suggest};
use crate::process::End;
use crate::report::Report;
use crate::settings::Settings;
use crate::sys::exec;
use crate::vars::Vars;

/// Gets a session and replaces xassume with the command. Does not return on success.
///
/// # Errors
/// No session is available, or the command cannot be run.
pub(crate) fn run(settings: &Settings, vars: &Vars, report: Report) -> Result<End, Error> {
    let command = suggest::find_command(settings, vars)?;
    let sockets = CommandSockets::reserve(&settings.listen, None, vars)?;
    let mut launch = Launch::prepare(settings, vars, report)?;
    // The files of Unix sockets are removed only if the command does not start.
    sockets.listen(report)?;
    launch.socket_variables = sockets.variables();
    let session = launch.session()?;
    let isolate = settings.delivery.isolate;
    let config_file =
        isolate.then(|| isolated::config_file(vars, &launch.config_copy(&launch.known_regions()))).transpose()?;
    let credentials = CommandCredentials::Env { config_file: config_file.as_deref() };
    let region = launch.region(session.instance_region.as_deref());
    let environment = launch.environment(&session, region, credentials, Recipient::Exec);
    let errno = exec::replace(&command, &environment, &sockets.held);
    Err(CommandError::new(command.name(), CommandFault::of_execve(errno as i32)).into())
}
