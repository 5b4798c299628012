//! Exec mode: replaces xassume with the command, so that no process of xassume is left.

use crate::deliver::environment::{CommandCredentials, Recipient};
use crate::deliver::{config_copy, isolated};
use crate::error::{CommandError, CommandFault, Error};
use crate::launch::Launch;
use crate::process::End;
use crate::report::Report;
use crate::settings::Settings;
use crate::sys::{exec, lookup};
use crate::vars::Vars;

/// Gets a session and replaces xassume with the command. Does not return on success.
///
/// # Errors
/// No session is available, or the command cannot be run.
pub(crate) fn run(settings: &Settings, vars: &Vars, report: Report) -> Result<End, Error> {
    settings.delivery.check_keep()?;
    let command = lookup::find(&settings.command, vars.get("PATH"))?;
    let launch = Launch::prepare(settings, vars, report)?;
    let session = launch.session()?;
    let config_file = if settings.delivery.isolate {
        let planned = &launch.planned;
        let copy = config_copy::filter(&planned.files.config_text, planned.plan.profile.as_deref());
        Some(isolated::config_file(vars, &copy)?)
    } else {
        None
    };
    let credentials = config_file
        .as_deref()
        .map_or(CommandCredentials::Env, |config_file| CommandCredentials::EnvIsolated { config_file });
    let region = session.instance_region.as_deref();
    let environment = launch.environment(&session, region, credentials, Recipient::Exec);
    let errno = exec::replace(&command, &environment);
    Err(CommandError { name: command.name(), fault: CommandFault::of_execve(errno as i32) }.into())
}
