//! Staying beside the command: the supervision, put together from a launch.
//!
//! What happens when is decided in `supervise`; here it gets its parties: STS as the source of sessions, the
//! environment, a file, the endpoint or the socket as their delivery, the process and the clocks of this machine.

use crate::deliver::published::unwritten;
use crate::error::{Error, reason_of};
use crate::event::{EventSink as _, Problem};
use crate::launch::delivery::Handover;
use crate::launch::refresh;
use crate::launch::{Launch, assumed, runtime};
use crate::mfa::mode::{KeyKind, Unattended, unattended};
use crate::process::End;
use crate::process::outcome::Outcome;
use crate::report::writer;
use crate::session::{Need, Session};
use crate::supervise::driver::{Parties, ProcessHost, supervise};
use crate::supervise::machine::{Final, START_LIMIT};
use crate::supervise::policy::{Duty, OnExpiry, Policy};
use crate::supervise::ports::{Delivery, Publishing, SessionSource};
use crate::sys::clock::SystemClock;
use crate::sys::exec;
use crate::sys::lookup::Command;
use crate::sys::offload::Offload;
use nix::errno::Errno;
use std::path::Path;

/// Runs the command to its end, and keeps its session fresh.
///
/// # Errors
/// What stood in the way of the first session or of a start, or that the session could not be kept.
pub(crate) fn attend(launch: &Launch<'_>, command: &Command, policy: Policy) -> Result<Outcome, Error> {
    warn(launch);
    check_unattended(launch, policy, KeyKind::expected(&launch.plan.source))?;
    let runtime = runtime()?;
    let offload = Offload::new(writer::write, writer::use_directly);
    let mut handover = {
        let _within = runtime.enter();
        // The files go with this value: before xassume dies of whatever the command died of.
        Handover::prepare(launch, offload.clone())?
    };
    let end = runtime.block_on(async {
        let end = stay(launch, command, policy, &mut handover).await;
        handover.remove().await;
        end
    });
    drop(offload);
    runtime.shutdown_background();
    match end? {
        Final::Ended(End::Exited(status)) => Ok(Outcome::Exited(status)),
        Final::Ended(End::Killed(signal)) => Ok(Outcome::Killed(signal)),
        Final::NotStarted { errno, .. } => Err(not_started(command, errno)),
        Final::Lapsed => Err(Error::Lapsed),
    }
}

async fn stay(
    launch: &Launch<'_>,
    command: &Command,
    policy: Policy,
    handover: &mut Handover<'_, '_>,
) -> Result<Final, Error> {
    let host = ProcessHost::prepare(command.clone(), policy.process_group);
    let mut host = host.map_err(|error| Error::Exhausted { what: "receive signals", reason: reason_of(&error) })?;
    launch.report.write_by_a_thread();
    let first = tokio::select! {
        biased;
        signal = host.fatal_signal() => return Ok(Final::Ended(End::Killed(signal))),
        first = launch.first_session(need(launch, policy)) => first?,
    };
    // A credential_process tells only now what kind of keys it gives.
    if let Some(asked) = first.asked
        && KeyKind::expected(&launch.plan.source).is_none()
    {
        check_unattended(launch, policy, Some(asked.source_keys))?;
    }
    let mut report = launch.report;
    report.emit(&assumed(&first.session));
    handover.region_of_the_instance.clone_from(&first.instance_region);
    let published = match handover.publish(&first.session) {
        Publishing::Done(published) => published,
        Publishing::Begun(publishing) => tokio::select! {
            biased;
            signal = host.fatal_signal() => return Ok(Final::Ended(End::Killed(signal))),
            published = publishing => published,
        },
    };
    published.map_err(|problem| unwritten(problem.text))?;
    let clock = SystemClock::new();
    let offload = handover.offload.clone();
    let source = Refreshes { launch, offload };
    let parties =
        Parties { source: &source, delivery: handover, host: &mut host, clock: &clock, narrator: &mut report };
    Ok(supervise(policy, first.session, parties).await)
}

/// What the first session must have left: a restart with one that is nearly over would be wasted, the others are
/// refreshed in good time.
fn need(launch: &Launch<'_>, policy: Policy) -> Need {
    match policy.on_expiry {
        OnExpiry::Restart => Need::ThreeQuarters,
        OnExpiry::None | OnExpiry::Signal(_) => {
            Need::AtLeast(policy.timing().margin(launch.plan.hops.longest_lifetime()))
        }
    }
}

/// What the user should know before anything is asked of AWS.
fn warn(launch: &Launch<'_>) {
    if launch.vars.text("LISTEN_FDS").is_some() {
        launch.report.warning("socket activation (LISTEN_FDS) does not reach a command that xassume stays with");
    }
}

/// Refuses what could not be refreshed with nobody there, and tells how long it can be.
fn check_unattended(launch: &Launch<'_>, policy: Policy, keys: Option<KeyKind>) -> Result<(), Error> {
    if policy.duty() != Duty::Refresh {
        return Ok(());
    }
    match unattended(&launch.plan, &launch.settings.mfa, keys)? {
        Unattended::Always => {}
        Unattended::ForMfaSession(time) => launch.report.detail(format_args!(
            "the session can be refreshed for {}: then a new MFA code is needed",
            humantime::format_duration(time)
        )),
        Unattended::WhileKeysHold => {
            let end = launch.vars.text("AWS_CREDENTIAL_EXPIRATION").map(|end| format!(" (at {end})"));
            launch.report.warning(format_args!(
                "the keys in the environment are a session's: when it ends{}, the role cannot be assumed again",
                end.unwrap_or_default()
            ));
        }
    }
    Ok(())
}

/// Why a command that was found did not start; a file that is gone since is 127, as if it had never been there. That the
/// system has no process, memory or descriptor to spare, or that a file system gives no answer, says nothing about the
/// command: 125.
fn not_started(command: &Command, errno: i32) -> Error {
    let errno = Errno::from_raw(errno);
    let gone = command.path.to_str().is_ok_and(|path| !Path::new(path).exists());
    if errno == Errno::ENOENT && gone {
        return Error::CommandNotFound { name: command.name() };
    }
    if errno == Errno::ETIMEDOUT {
        let reason = format!("its file was not read within {}s", START_LIMIT.as_secs());
        return Error::Missing { what: "start the command", reason, hint: "look at the file system that it is on" };
    }
    if [Errno::EAGAIN, Errno::ENOMEM, Errno::EMFILE, Errno::ENFILE].contains(&errno) {
        return Error::Exhausted { what: "start the command", reason: errno.desc().to_owned() };
    }
    exec::not_runnable(command, errno)
}

/// Sessions for refreshes.
struct Refreshes<'a, 'b> {
    launch: &'a Launch<'b>,
    offload: Offload,
}

impl SessionSource for Refreshes<'_, '_> {
    async fn assume(&self) -> Result<Session, Problem> {
        refresh::next_session(self.launch, &self.offload).await
    }
}
