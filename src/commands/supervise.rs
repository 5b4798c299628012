//! Supervised mode: runs the command, refreshes its session, and restarts or signals the command.
//!
//! The rules are in `supervise`. This file gives them what they need: the source of sessions, the delivery of sessions,
//! the command's process and the clocks.

use super::first_sessions::{check_all_unattended, first_sessions};
use crate::deliver::published::unwritten;
use crate::deliver::run_directory::RunDirectory;
use crate::error::{CHECK_LIMITS, Error, not_started};
use crate::event::{EventSink as _, Problem};
use crate::launch::delivery::Delivery;
use crate::launch::refresh;
use crate::launch::sockets::{CommandSockets, meant_for_another};
use crate::launch::{Launch, is_at_terminal, runtime, suggest};
use crate::process::End;
use crate::process::signal::Signal;
use crate::report::{Report, writer};
use crate::session::Session;
use crate::settings::Settings;
use crate::supervise::driver::{Notifier, PidFile, Ports, ProcessHost, dice, supervise};
use crate::supervise::hook::Hook;
use crate::supervise::machine::{Final, START_LIMIT};
use crate::supervise::notify::watchdog_interval;
use crate::supervise::policy::{GroupPolicy, Policy, ReadySign};
use crate::supervise::ports::{CacheUse, Deliver as _, SessionId, SessionSource, SignalNamed};
use crate::sys::clock::SystemClock;
use crate::sys::listen::ListenSockets;
use crate::sys::lookup::Command;
use crate::sys::memory;
use crate::sys::notify::ManagerSocket;
use crate::sys::offload::Offload;
use crate::sys::tty::Terminal;
use crate::vars::Vars;
use std::path::Path;
use tokio::runtime::Runtime;

/// Runs the command until it ends, and refreshes its session.
///
/// # Errors
/// No first session is available, the command cannot be started, or the session has expired and could not be refreshed.
pub(crate) fn run(settings: &Settings, policy: Policy, vars: &Vars, report: Report) -> Result<End, Error> {
    memory::zero_freed_memory();
    refuse_restarted_shell(settings)?;
    refuse_shared_terminal(policy)?;
    let command = suggest::find_command(settings, vars)?;
    let sockets = CommandSockets::reserve(&settings.listen, policy.ready_descriptor(), vars)?;
    let mut launch = Launch::prepare(settings, vars, report)?;
    launch.socket_variables = sockets.variables();
    if let Some(ignored) = meant_for_another(vars) {
        report.emit(ignored.into());
    }
    check_all_unattended(&launch, policy)?;
    // The lock of a Unix socket can block, so this is done while signals still end xassume.
    sockets.listen(report)?;
    // When the delivery is dropped, it removes its files. It must be dropped before xassume kills itself with the signal
    // that killed the command.
    let (runtime, offload, named, mut delivery) = opened(&launch)?;
    // The directory is removed when this value is dropped.
    let (_notify_directory, notifier) = notifier(vars, policy).unzip();
    let end = runtime.block_on(async {
        let end = supervised(&launch, (&command, &sockets, &offload), policy, (&mut delivery, &named, notifier)).await;
        drop(named);
        delivery.remove().await;
        sockets.remove_files(&offload).await;
        end
    });
    drop(offload);
    runtime.shutdown_background();
    match end? {
        // xassume ends in the same way as the command: with the same exit status, or killed by the same signal.
        Final::Ended(end) => Ok(end),
        Final::NotStarted { errno, .. } => {
            let gone = command.path.to_str().is_ok_and(|path| !Path::new(path).exists());
            Err(not_started(command.name(), errno, gone, START_LIMIT))
        }
        Final::Lapsed => Err(Error::Lapsed),
    }
}

/// Fails if the command is an interactive shell that would be restarted, because each restart would end the shell and the
/// programs in it.
fn refuse_restarted_shell(settings: &Settings) -> Result<(), Error> {
    match &settings.restart {
        Some(restart) if settings.is_shell && is_at_terminal() => Err(Error::Conflict {
            message: format!("{restart} cannot be used with an interactive shell, because each restart would end it"),
            hint: "use --via endpoint instead; the shell then gets new credentials without a restart".into(),
        }),
        _ => Ok(()),
    }
}

/// Fails if the two processes of a handover would share the terminal. The terminal has only one process group in its
/// foreground, and a process in the background cannot read from it.
fn refuse_shared_terminal(policy: Policy) -> Result<(), Error> {
    if policy.starts_first() && policy.process_group == GroupPolicy::Auto && Terminal::of_the_user().is_some() {
        return Err(Error::Conflict {
            message: "--restart-order start-first on a terminal requires --process-group new".into(),
            hint: "add --process-group new if the command does not read from the terminal".into(),
        });
    }
    Ok(())
}

/// Returns the notifier for the service manager, and the directory of its sockets. Returns `None` if there is no service
/// manager and no other need for notifications.
fn notifier(vars: &Vars, policy: Policy) -> Option<(Option<RunDirectory>, Notifier)> {
    let manager = vars.get("NOTIFY_SOCKET").and_then(ManagerSocket::at);
    if manager.is_none() && !(policy.starts_first() && policy.ready == Some(ReadySign::Notification)) {
        return None;
    }
    let watchdog = watchdog_interval(vars, nix::unistd::getpid().as_raw());
    let directory = RunDirectory::create_for_all_users();
    let path = directory.as_ref().map(|directory| directory.path().to_owned());
    Some((directory, Notifier::new(manager, path, watchdog, policy)))
}

async fn supervised(
    launch: &Launch<'_>,
    (command, sockets, offload): (&Command, &CommandSockets<'_>, &Offload),
    policy: Policy,
    (delivery, named, notifier): (&mut Delivery<'_, '_>, &Option<PidFile>, Option<Notifier>),
) -> Result<Final, Error> {
    // From here on, no signal ends xassume without a return from this function, so the socket files are removed.
    let mut host = host(Some(command.clone()), &sockets.held, policy.process_group)?;
    let start = async {
        let first = first_sessions(launch, policy).await?;
        delivery.set_instance_regions(&first.all())?;
        if let Some(publishing) = delivery.publish(&first.all(), &first.ids()) {
            publishing.await.map_err(|problem| unwritten(problem.text))?;
        }
        Ok(first)
    };
    let first = match until_signal(&host, start).await? {
        Ok(first) => first,
        Err(signal) => return Ok(Final::Ended(End::Killed(signal))),
    };
    let (clock, report) = (SystemClock::new(), launch.context.report);
    let source = Refreshes { launch, offload };
    let hook = hook(launch, &report);
    let named = named.as_ref().map(|named| named as &dyn SignalNamed);
    let (host, clock) = (&mut host, &clock);
    let ports = Ports { source: &source, delivery, host, clock, dice: dice(), named, notifier, hook, events: &report };
    Ok(supervise(policy, first, ports).await)
}

/// Creates what all supervisions need: the runtime, the starter of child processes, what signals the process of a pid
/// file, and the delivery.
///
/// # Errors
/// A file, an address or a socket cannot be created, or a process cannot be signaled by a pid file here.
pub(super) fn opened<'a, 'b>(
    launch: &'a Launch<'b>,
) -> Result<(Runtime, Offload, Option<PidFile>, Delivery<'a, 'b>), Error> {
    let runtime = runtime()?;
    let offload = Offload::new(writer::write, writer::use_directly);
    let named = launch.context.settings.signal_pid_file.clone();
    let named = named.map(|path| PidFile::new(path, offload.clone())).transpose()?;
    let delivery = {
        let _within = runtime.enter();
        Delivery::open(launch, offload.clone())?
    };
    Ok((runtime, offload, named, delivery))
}

/// Begins to read signals.
///
/// # Errors
/// No file descriptor is available.
pub(super) fn host(
    command: Option<Command>,
    sockets: &ListenSockets,
    group: GroupPolicy,
) -> Result<ProcessHost<'_>, Error> {
    let host = ProcessHost::prepare(command, sockets, group, writer::finish);
    host.map_err(|error| Error::cannot("receive signals", &error, CHECK_LIMITS))
}

/// Returns the result of `start`, or the signal that ends xassume before that.
///
/// # Errors
/// The errors of `start`.
pub(super) async fn until_signal<T>(
    host: &ProcessHost<'_>,
    start: impl Future<Output = Result<T, Error>>,
) -> Result<Result<T, Signal>, Error> {
    tokio::select! {
        biased;
        signal = host.fatal_signal() => Ok(Err(signal)),
        started = start => started.map(Ok),
    }
}

/// Returns the refresh hook, or `None` if there is none.
pub(super) fn hook<'a>(launch: &Launch<'a>, report: &'a Report) -> Option<Hook<'a>> {
    let profiles = launch.profiles().skip(1);
    launch.context.settings.hook.as_ref().map(|settings| Hook::new(settings, profiles, report))
}

/// Fetches the sessions for refreshes.
pub(super) struct Refreshes<'a, 'b> {
    pub(super) launch: &'a Launch<'b>,
    pub(super) offload: &'a Offload,
}

impl SessionSource for Refreshes<'_, '_> {
    async fn assume(&self, id: SessionId, cache: CacheUse) -> Result<Session, Problem> {
        refresh::next_session(self.launch.of(id), self.offload, cache).await
    }
}
