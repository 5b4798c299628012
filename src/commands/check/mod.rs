//! `--check`: does everything that a launch does before the command starts, and reports each step.
//!
//! This file makes the calls and collects [`Findings`]. `steps` (with `session_steps` and `command_steps`) describes
//! the findings, and `page` prints the steps. STS is always called, because a cached session would prove nothing. The
//! new session is cached, so that the next launch needs neither a call nor another MFA code.

mod also_step;
mod command_steps;
mod findings;
mod page;
mod session_steps;
mod step;
mod steps;
mod token_step;

use crate::cache::{CacheMode, Key};
use crate::error::Error;
use crate::event::{Event, EventSink, MfaSessionFrom, SessionEvent};
use crate::files;
use crate::launch::context::{Planned, depth};
use crate::launch::sessions::Sessions;
use crate::launch::{Launch, delivery, runtime};
use crate::log_options::LogOptions;
use crate::mfa::mode::unattended;
use crate::process::End;
use crate::profile::{Plan, Source, plan};
use crate::report::Report;
use crate::report::output;
use crate::session::{Need, Session};
use crate::settings::Settings;
use crate::sts::Sts;
use crate::supervise::driver::rehearse_signal;
use crate::sys::boot::boottime;
use crate::sys::screen;
use crate::terminal::Screen;
use crate::vars::Vars;
use findings::{Findings, FoundSession, FoundSource, Place, Uncached, is_fatal, refreshes};
use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Runs the check, and prints its steps on standard output.
///
/// # Errors
/// The settings are invalid (as for a launch), or standard output cannot be written. Every other failure becomes a
/// failed step and sets the exit status.
pub(crate) fn run(settings: &Settings, vars: &Vars, report: Report, log_options: LogOptions) -> Result<End, Error> {
    output::expect_open()?;
    depth(vars)?;
    let mut findings = Findings {
        settings,
        vars,
        files: look(vars),
        profiles: None,
        plan: None,
        source: None,
        login_end: None,
        events: Vec::new(),
        session: None,
        others: Vec::new(),
        named: None,
        uncached: None,
        failure: None,
    };
    let files = match files::read(vars) {
        Ok(files) => files,
        Err(error) => {
            findings.fail(error);
            return print(&findings, log_options);
        }
    };
    let plan = match plan(&settings.request, &files.profiles, vars) {
        Ok(plan) => plan,
        Err(error) => {
            findings.profiles = Some(&files.profiles);
            findings.fail(error.into());
            return print(&findings, log_options);
        }
    };
    let launch = Launch::new(settings, vars, report, Planned { files: files.into(), plan })?;
    findings.profiles = Some(&launch.planned.files.profiles);
    findings.plan = Some(&launch.planned.plan);
    rehearse(&launch, &mut findings)?;
    print(&findings, log_options)
}

/// Does what a launch does before the command starts: gets the source credentials, assumes the roles, and opens the
/// delivery.
fn rehearse(launch: &Launch<'_>, findings: &mut Findings<'_>) -> Result<(), Error> {
    let sessions = Sessions::new(&launch.context, &launch.planned)?;
    let runtime = runtime()?;
    let asked = boottime();
    let key = sessions.key().ok();
    let work =
        sessions.fetch_unlocked(key.as_ref(), async |sts| steps_to_session(launch, &sessions, sts, findings).await);
    let result = runtime.block_on(launch.context.progress.during(work)).and_then(|result| result);
    // The credentials of a profile have a key only after the user has signed in.
    let key = sessions.key().ok();
    if result.is_ok() || findings.mfa_session().is_some() {
        findings.uncached = uncached(launch, &sessions, key.as_ref());
    }
    match result {
        Ok(session) => {
            sessions.store_unlocked(key.as_ref(), &session, asked);
            let session = sessions.with_known_account(session);
            findings.session = Some(FoundSession::from(&session));
            let _within = runtime.enter();
            if let Err(error) = launch.check(&session) {
                findings.fail(error);
            } else if let Err(error) = runtime.block_on(launch.context.progress.during(others(launch, findings))) {
                findings.failure = Some((Place::Also(findings.others.len()), error));
            } else if let Err(error) = delivery::rehearse(launch) {
                findings.failure = Some((Place::Delivery, error));
            } else if let Some(path) = &launch.context.settings.signal_pid_file {
                match rehearse_signal(path) {
                    Ok(found) => findings.named = Some(found),
                    Err(error) => findings.failure = Some((Place::Expiry, error)),
                }
            }
        }
        Err(error) => findings.fail(error),
    }
    runtime.shutdown_background();
    Ok(())
}

/// Gets the sessions of `--also`, until one is not available.
///
/// # Errors
/// A session is not available.
async fn others(launch: &Launch<'_>, findings: &mut Findings<'_>) -> Result<(), Error> {
    for other in launch.others_in_turn() {
        let sessions = Sessions::new(&other.context, &other.planned)?;
        let (asked, key) = (boottime(), sessions.key().ok());
        let (settings, plan) = (other.context.settings, &other.planned.plan);
        let fetch = async |sts: &Sts<'_>| {
            let source = sts.source().await?;
            if refreshes(settings) {
                unattended(plan, &settings.mfa, Some(source.kind()))?;
            }
            sts.session(&source, &launch.context.report).await
        };
        let session = sessions.fetch_unlocked(key.as_ref(), fetch).await??;
        sessions.store_unlocked(key.as_ref(), &session, asked);
        other.check(&session)?;
        findings.others.push(FoundSession::from(&session));
    }
    Ok(())
}

/// Returns why the session will not be cached, or `None` if it will be cached.
fn uncached(launch: &Launch<'_>, sessions: &Sessions<'_>, key: Option<&Key>) -> Option<Uncached> {
    match (launch.context.settings.cache.mode, key) {
        (CacheMode::Off(_), _) => Some(Uncached::Disabled),
        (_, None) => Some(Uncached::Impossible(None)),
        (_, Some(key)) => sessions.cache.can_store(key).err().map(|passed| {
            let fault = passed.iter().find(|passed| passed.fault);
            Uncached::Impossible(fault.map(|fault| (fault.to_string(), fault.hint(", or --no-cache"))))
        }),
    }
}

/// Makes the calls to AWS that a launch makes, in order, until one of them fails. Also asks STS for the caller.
async fn steps_to_session(
    launch: &Launch<'_>,
    sessions: &Sessions<'_>,
    sts: &Sts<'_>,
    findings: &mut Findings<'_>,
) -> Result<Session, Error> {
    let (settings, plan) = (launch.context.settings, &launch.planned.plan);
    let recorder = Recorder { report: launch.context.report, events: RefCell::default() };
    let source = match sts.source().await {
        Err(error) => {
            Box::pin(sessions.sign_in_after(error, &recorder)).await?;
            findings.events.clone_from(&recorder.events.borrow());
            sts.source().await?
        }
        Ok(source) => source,
    };
    if let Source::Sso { session, .. } = &plan.source {
        findings.login_end = session.login_end(launch.context.vars);
    }
    let found = findings.source.insert(FoundSource {
        access_key_id: source.keys().map(|keys| keys.access_key_id.clone()),
        kind: source.kind(),
        region: source.region().to_owned(),
        instance_region: source.instance_region.clone(),
        caller: None,
        skew_secs: None,
    });
    // A launch fails if each refresh would need a code from the user. The check then fails, too. It does so here,
    // before a code is used for nothing.
    if refreshes(settings) {
        unattended(plan, &settings.mfa, Some(source.kind()))?;
    }
    let needs_sts = !plan.hops.is_empty() || plan.device.is_some() || settings.expect_account.is_some();
    if needs_sts {
        sts.check_proxy(source.region())?;
    }
    let caller = sts.caller(&source).await;
    found.skew_secs = source.skew_secs();
    if let Some(Err(error)) = &caller
        && is_fatal(error, needs_sts)
    {
        return Err(error.clone().into());
    }
    let account_id = caller.as_ref().and_then(|caller| Some(caller.as_ref().ok()?.account.clone()));
    found.caller = caller;
    let fetched = match cached_mfa_session(plan, sessions, &recorder) {
        Some(cached) => Ok(cached),
        None => sts.session(&source, &recorder).await,
    };
    found.skew_secs = source.skew_secs();
    findings.events = recorder.events.into_inner();
    // Without a role, the session belongs to the caller.
    fetched.map(|session| if plan.hops.is_empty() { Session { account_id, ..session } } else { session })
}

/// Returns the MFA session in the cache. As in a launch, it is used because a new one would need a code. Returns `None` if
/// the plan requests no MFA session for the command, or if the cache has none.
fn cached_mfa_session(plan: &Plan, sessions: &Sessions<'_>, recorder: &Recorder) -> Option<Session> {
    plan.device.as_ref()?;
    let cached = sessions.cached(sessions.need(Need::ThreeQuarters))?;
    if let Some(event) = SessionEvent::mfa_session(&cached, MfaSessionFrom::Cache) {
        recorder.emit(event.into());
    }
    Some(cached)
}

/// Reports events, and also keeps them for the page.
struct Recorder {
    report: Report,
    events: RefCell<Vec<Event>>,
}

impl EventSink for Recorder {
    fn emit(&self, event: Event) {
        self.report.emit(event.clone());
        self.events.borrow_mut().push(event);
    }
}

/// Returns the paths of the shared config file and credentials file, and whether each of them exists.
fn look(vars: &Vars) -> Vec<(PathBuf, bool)> {
    let present = |path: &PathBuf| path.exists() && !path.is_dir();
    files::places(vars).into_iter().flatten().map(|path| (path.clone(), present(&path))).collect()
}

fn print(findings: &Findings<'_>, mut log_options: LogOptions) -> Result<End, Error> {
    if !std::io::stdout().is_terminal() {
        log_options.screen = Screen::Dumb;
    }
    let steps = steps::steps(findings);
    // If the reader of standard output has closed the pipe, the exit status is still the result of the check.
    output::print_until_closed(page::page(&steps, log_options, screen::columns(std::io::stdout())).as_bytes())?;
    Ok(End::Exited(page::status(&steps)))
}
