//! Supervised mode: runs the command, refreshes its session, and restarts or signals the command.
//!
//! The rules are in `supervise`. This file gives them what they need: the source of sessions, the delivery of sessions,
//! the command's process and the clocks.

use crate::deliver::published::unwritten;
use crate::deliver::run_directory::RunDirectory;
use crate::error::{CHECK_LIMITS, Error, not_started};
use crate::event::{EventSink as _, Problem, RefreshEvent, RunEvent};
use crate::launch::delivery::Delivery;
use crate::launch::refresh;
use crate::launch::sockets::{CommandSockets, meant_for_another};
use crate::launch::{Launch, is_at_terminal, runtime, suggest};
use crate::mfa::mode::{KeyKind, Unattended, unattended};
use crate::process::End;
use crate::process::signal::Signal;
use crate::report::{Report, writer};
use crate::session::{Need, Session, Validity};
use crate::settings::Settings;
use crate::supervise::driver::{FirstSessions, Notifier, PidFile, Ports, ProcessHost, supervise};
use crate::supervise::hook::Hook;
use crate::supervise::machine::{Final, START_LIMIT};
use crate::supervise::notify::watchdog_interval;
use crate::supervise::policy::{Duty, GroupPolicy, OnExpiry, Policy, ReadySign};
use crate::supervise::ports::{CacheUse, Deliver as _, SessionId, SessionSource, SignalNamed};
use crate::sys::boot::boottime;
use crate::sys::clock::SystemClock;
use crate::sys::listen::ListenSockets;
use crate::sys::lookup::Command;
use crate::sys::memory;
use crate::sys::notify::ManagerSocket;
use crate::sys::offload::Offload;
use crate::sys::tty::Terminal;
use crate::vars::Vars;
use std::iter::once;
use std::path::Path;
use std::time::Duration;
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
    let ports = Ports { source: &source, delivery, host, clock, named, notifier, hook, events: &report };
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

/// Gets the first sessions, one after the other, so that at most one cache key is locked at a time.
///
/// # Errors
/// A session is not available, or each refresh would need an MFA code.
pub(super) async fn first_sessions(launch: &Launch<'_>, policy: Policy) -> Result<FirstSessions, Error> {
    launch.context.report.write_by_a_thread();
    let fetch = async |one: &Launch<'_>| {
        let session = first_session(one, policy).await.map_err(|error| one.named(error))?;
        Ok::<_, Error>((session, boottime()))
    };
    let default = fetch(launch).await?;
    let mut others = Vec::new();
    for other in launch.others_in_turn() {
        others.push((other, fetch(other).await?));
    }
    // The later ones may have taken long, for example because of a prompt.
    let now = boottime();
    let aged = |(session, at): (Session, Duration)| session.after(now.saturating_sub(at));
    let mut default = aged(default);
    let is_late = |validity: &Validity| validity.left < policy.margin(validity.lifetime);
    if !others.is_empty() && default.validity.as_ref().is_some_and(is_late) {
        default = first_session(launch, policy).await?;
    }
    launch.report_to_shell(&default);
    let others = others.into_iter().map(|(other, fetched)| (other.profile, aged(fetched))).collect();
    Ok(FirstSessions { default, others })
}

/// Gets the first session of this launch.
///
/// # Errors
/// No session is available, or each refresh would need an MFA code.
async fn first_session(launch: &Launch<'_>, policy: Policy) -> Result<Session, Error> {
    let (first, source_keys) = launch.first_session(need(launch, policy)).await?;
    // The kind of access keys that a credential_process returns is not known before the first session, so this check
    // could not be done earlier.
    if let Some(keys) = source_keys
        && KeyKind::expected(&launch.planned.plan.source).is_none()
    {
        check_unattended(launch, policy, Some(keys))?;
    }
    launch.report_first(&first, source_keys);
    Ok(first)
}

/// Returns how much of its lifetime the first session must have left. A command that is restarted for each new session
/// needs most of a lifetime, because otherwise the first restart would come soon. Any other command needs little,
/// because its session is refreshed while it runs.
fn need(launch: &Launch<'_>, policy: Policy) -> Need {
    match policy.on_expiry {
        OnExpiry::Restart => Need::ThreeQuarters,
        OnExpiry::None | OnExpiry::Signal(_) => {
            Need::AtLeast(policy.margin(launch.planned.plan.hops.longest_lifetime()))
        }
    }
}

/// Calls [`check_unattended`] for each session, before the first call to STS.
///
/// # Errors
/// The errors of [`check_unattended`], with the profile.
pub(super) fn check_all_unattended(launch: &Launch<'_>, policy: Policy) -> Result<(), Error> {
    once(launch).chain(&launch.others).try_for_each(|one| {
        let keys = KeyKind::expected(&one.planned.plan.source);
        check_unattended(one, policy, keys).map_err(|error| one.named(error))
    })
}

/// Fails if a refresh would need an MFA code that the user must type. Otherwise, if refreshes are possible only until a
/// certain time, reports that time.
fn check_unattended(launch: &Launch<'_>, policy: Policy, keys: Option<KeyKind>) -> Result<(), Error> {
    if policy.duty() != Duty::Refresh {
        return Ok(());
    }
    match unattended(&launch.planned.plan, &launch.context.settings.mfa, keys)? {
        Unattended::Always => {}
        Unattended::ForMfaSession(time) => {
            launch.context.report.emit(RefreshEvent::Limited { within: time }.into());
        }
        Unattended::WhileKeysHold => {
            let text = match launch.context.vars.text("AWS_CREDENTIAL_EXPIRATION") {
                Some(time) => format!("the source credentials are temporary (expire at {time}); no refresh after that"),
                None => "the source credentials are temporary; no refresh after their expiry".to_owned(),
            };
            launch.context.report.emit(RunEvent::warning(text).into());
        }
    }
    Ok(())
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
