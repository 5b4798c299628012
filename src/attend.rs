//! Staying beside the command: the supervision, put together from a launch.
//!
//! What happens when is decided in `supervise`; here it gets its parties: STS as the source of sessions, the
//! environment, a file, the endpoint or the socket as their delivery, the process and the clocks of this machine.

use crate::deliver::config_copy;
use crate::deliver::endpoint::Endpoint;
use crate::deliver::environment::{Delivery as By, Mode};
use crate::deliver::file;
use crate::deliver::folder::RunFolder;
use crate::deliver::process::Process;
use crate::deliver::published::{PublishedFile, unwritten};
use crate::deliver::token_file;
use crate::error::{Error, told};
use crate::launch::{Launch, assumed, runtime};
use crate::mfa::way::{KeyKind, Unattended, unattended};
use crate::outcome::Outcome;
use crate::refresh;
use crate::report::writer;
use crate::session::{Need, Session};
use crate::settings::Via;
use crate::sts::Obtained;
use crate::supervise::driver::{Parties, ProcessHost, supervise};
use crate::supervise::happening::{Narrator as _, Problem};
use crate::supervise::machine::{Final, START_LIMIT};
use crate::supervise::policy::{Duty, OnExpiry, Policy};
use crate::supervise::ports::{Delivery, Publishing, SessionSource};
use crate::supervise::process::End;
use crate::sys::clock::SystemClock;
use crate::sys::lookup::Command;
use crate::sys::offload::{Life, Offload};
use crate::sys::{exec, program};
use nix::errno::Errno;
use std::ffi::CString;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

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
    let mut host = host.map_err(|error| Error::Exhausted { what: "receive signals", reason: told(&error) })?;
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
    report.tell(&assumed(&first.session));
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

/// How sessions reach the command, and the files that this takes.
struct Handover<'a, 'b> {
    launch: &'a Launch<'b>,
    offload: Offload,
    /// Stands before the folder: what is dropped first is removed first.
    road: Road,
    /// Holds the command's copy of the config file; none where the command sees the user's own.
    folder: Option<RunFolder>,
    region_of_the_instance: Option<String>,
}

/// The delivery, in being.
enum Road {
    Environment,
    File(PublishedFile),
    Endpoint(Endpoint),
    Process(Process),
}

/// How long the end waits for files to be removed.
const REMOVAL: Duration = Duration::from_millis(500);

/// The name of the config file's copy in the run's folder.
const CONFIG: &str = "config";

impl<'a, 'b> Handover<'a, 'b> {
    fn prepare(launch: &'a Launch<'b>, offload: Offload) -> Result<Self, Error> {
        let folder = furnished(launch)?;
        let road = match &folder {
            Some(folder) => Road::open(&launch.settings.delivery.via, folder)?,
            None => Road::Environment,
        };
        Ok(Self { launch, offload, road, folder, region_of_the_instance: None })
    }

    /// Removes all files, by a process that is left behind if their file system does not answer.
    async fn remove(self) {
        let file = match &self.road {
            Road::File(file) => Some(file),
            Road::Endpoint(endpoint) => endpoint.token_file(),
            Road::Environment | Road::Process(_) => None,
        };
        if file.is_none() && self.folder.is_none() {
            return;
        }
        let started = self.offload.start(Life::Free(file.and_then(PublishedFile::unread)), 1, |answer| {
            if let Some(file) = file {
                file.remove_at_last();
            }
            let removed = self.folder.as_ref().is_none_or(RunFolder::remove);
            // A parent that is gone needs no answer.
            let _ = answer.write_all(if removed { b"." } else { b"" });
        });
        if let Ok(mut job) = started {
            match tokio::time::timeout(REMOVAL, job.answered()).await {
                // Ended before its work was done: the values that are dropped here do it.
                Ok(Ok(b"") | Err(_)) => return,
                Ok(Ok(_)) => {}
                // It goes on.
                Err(_) => std::mem::forget(job),
            }
            std::mem::forget(self);
        }
    }
}

impl Road {
    /// Within a runtime of tokio.
    fn open(via: &Via, folder: &RunFolder) -> Result<Self, Error> {
        Ok(match via {
            Via::Env => Self::Environment,
            Via::File { path: Some(path), mode } => Self::File(file::at(path, *mode)?),
            Via::File { path: None, mode } => Self::File(file::within(folder, *mode)?),
            Via::Endpoint { token_file } => Self::Endpoint(Endpoint::open(folder, token_file.as_deref())?),
            Via::Process => Self::Process(Process::open(folder, &program::own()?)?),
        })
    }
}

/// The run's folder with the command's copy of the config file; none where the command sees the user's own.
fn furnished(launch: &Launch<'_>) -> Result<Option<RunFolder>, Error> {
    let delivery = &launch.settings.delivery;
    let folder = match delivery.via {
        Via::Env if !delivery.isolate => return Ok(None),
        Via::Env | Via::File { .. } | Via::Endpoint { .. } => RunFolder::create(launch.vars)?,
        Via::Process => RunFolder::create_for_commands(launch.vars)?,
    };
    let copy = config_copy::filter(&launch.files.config_text, launch.plan.profile.as_deref());
    folder.write(CONFIG, &copy)?;
    Ok(Some(folder))
}

/// Makes all that a launch makes before its first session, and removes it: folder, file, address or socket. A command
/// that xassume becomes has its copy of the config file in a folder that stays; for it, one beside that is made.
/// Within a runtime of tokio.
///
/// # Errors
/// Those that a launch would end with.
pub(crate) fn rehearse(launch: &Launch<'_>) -> Result<(), Error> {
    let Some(folder) = furnished(launch)? else { return Ok(()) };
    match &launch.settings.delivery.via {
        Via::File { path: Some(path), mode } => file::try_at(path, *mode),
        Via::Endpoint { token_file: Some(path) } => {
            token_file::try_at(path)?;
            Endpoint::open(&folder, None).map(drop)
        }
        via => Road::open(via, &folder).map(drop),
    }
}

impl Delivery for Handover<'_, '_> {
    fn environment(&self, session: &Session) -> Vec<CString> {
        let obtained =
            Obtained { session: session.clone(), instance_region: self.region_of_the_instance.clone(), asked: None };
        let config_file = self.folder.as_ref().map(|folder| folder.path().join(CONFIG));
        let by = match (&self.road, config_file.as_deref()) {
            (Road::Environment, Some(config_file)) => By::EnvIsolated { config_file },
            (Road::File(file), Some(config_file)) => By::File { credentials_file: file.path(), config_file },
            (Road::Endpoint(endpoint), Some(config_file)) => endpoint.delivery(config_file),
            (Road::Process(process), Some(config_file)) => process.delivery(config_file),
            (_, None) => By::Env,
        };
        self.launch.environment(&obtained, by, Mode::Supervise)
    }

    fn publish(&mut self, session: &Session) -> Publishing {
        match &self.road {
            Road::Environment => {}
            Road::File(file) => return Publishing::Begun(Box::pin(file::put(file, session, &self.offload))),
            Road::Endpoint(endpoint) => {
                endpoint.put(session);
                if let Some(written) = endpoint.publish_token(&self.offload) {
                    return Publishing::Begun(Box::pin(written));
                }
            }
            Road::Process(process) => process.put(session),
        }
        Publishing::Done(Ok(()))
    }
}
