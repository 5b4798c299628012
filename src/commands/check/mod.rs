//! `--check`: walks the way to a session as a launch would, and says of each step how it stands.
//!
//! Here the walk is made. What it has found is a [`Findings`]; `steps`, with `facts` and `outlook`, words it, `page`
//! writes it, and these are pure. STS is asked each time: no role's session is taken from the cache, which would
//! prove nothing. What is obtained is kept there, so that the next launch need not ask again, nor for another MFA code.

mod facts;
mod findings;
pub(crate) mod leftovers;
mod outlook;
mod page;
mod steps;

use crate::cache::{CacheMode, Key};
use crate::error::Error;
use crate::files;
use crate::launch::context::{Planned, depth};
use crate::launch::delivery;
use crate::launch::sessions::Sessions;
use crate::launch::{Launch, runtime};
use crate::log_options::LogOptions;
use crate::mfa::mode::{KeyKind, unattended};
use crate::process::outcome::Outcome;
use crate::profile::plan;
use crate::report::Report;
use crate::report::output;
use crate::session::Session;
use crate::settings::{Mode, Settings};
use crate::sts::{self, Heard, Sts};
use crate::supervise::policy::Duty;
use crate::sys::boot::boottime;
use crate::sys::screen;
use crate::terminal::Screen;
use crate::vars::Vars;
use findings::{Findings, FoundMfa, FoundSource, MfaFrom, Presence, Unkept, is_fatal};
use std::cell::RefCell;
use std::io::{ErrorKind, IsTerminal as _};

/// Walks, and prints the steps on standard output.
///
/// # Errors
/// Flags that do not go together, as for a launch. What fails on the way is a step, and the status.
pub(crate) fn run(settings: &Settings, vars: &Vars, report: Report, log_options: LogOptions) -> Result<Outcome, Error> {
    settings.check_keep()?;
    output::expect_open()?;
    depth(vars)?;
    let mut findings = Findings::new(settings, vars, look(vars));
    let files = match files::read(vars) {
        Ok(files) => files,
        Err(error) => {
            findings.failure = Some(error);
            return tell(&findings, log_options);
        }
    };
    let plan = match plan(&settings.request, &files.profiles, vars) {
        Ok(plan) => plan,
        Err(error) => {
            findings.profiles = Some(&files.profiles);
            findings.failure = Some(error.into());
            return tell(&findings, log_options);
        }
    };
    let launch = Launch::new(settings, vars, report, Planned { files, plan })?;
    findings.profiles = Some(&launch.planned.files.profiles);
    findings.plan = Some(&launch.planned.plan);
    findings.endpoint = sts::endpoint(&launch.planned.plan, settings.sts.endpoint.as_deref(), None);
    walk(&launch, &mut findings)?;
    tell(&findings, log_options)
}

/// Asks the source and STS.
fn walk(launch: &Launch<'_>, findings: &mut Findings<'_>) -> Result<(), Error> {
    let sessions = Sessions::new(&launch.context, &launch.planned)?;
    let runtime = runtime()?;
    let asked = boottime();
    let key = sessions.key();
    let work = sessions.fetch_unlocked(key.as_ref(), async |sts| steps_to_session(launch, sts, findings).await);
    let walked = runtime.block_on(launch.context.progress.beside(work)).and_then(|walked| walked);
    if walked.is_ok() || findings.mfa.is_some() {
        findings.unkept = unkept(launch, &sessions, key.as_ref());
    }
    match walked {
        Ok(session) => {
            sessions.store_unlocked(key.as_ref(), &session, asked);
            findings.failure = launch.context.settings.check_account(&session).err();
            if findings.failure.is_none() {
                let _within = runtime.enter();
                findings.undelivered = delivery::rehearse(launch).err();
            }
        }
        Err(error) => {
            findings.failure = Some(error);
            findings.name_caller();
        }
    }
    runtime.shutdown_background();
    Ok(())
}

/// Why what was obtained is not kept for later runs, if it is not.
fn unkept(launch: &Launch<'_>, sessions: &Sessions<'_>, key: Option<&Key>) -> Option<Unkept> {
    match (launch.context.settings.cache.mode, key) {
        (CacheMode::Off(_), _) => Some(Unkept::ByWish),
        (_, None) => Some(Unkept::Unnamed),
        (_, Some(key)) => sessions.try_to_store(key).err().map(|passed| {
            let fault = passed.iter().find(|passed| passed.fault);
            Unkept::NoDirectory(fault.map(|fault| (fault.to_string(), fault.hint())))
        }),
    }
}

/// Each step in its turn, until one fails.
async fn steps_to_session(launch: &Launch<'_>, sts: &Sts<'_>, findings: &mut Findings<'_>) -> Result<Session, Error> {
    let source = sts.source().await?;
    findings.endpoint =
        sts::endpoint(&launch.planned.plan, launch.context.settings.sts.endpoint.as_deref(), Some(source.region()));
    findings.source = Some(FoundSource {
        access_key_id: source.keys().map(|keys| keys.access_key_id.clone()),
        kind: source.kind(),
        region: source.region().to_owned(),
        instance_region: source.instance_region.clone(),
    });
    // A launch would be refused for it, so it must not cost a code either.
    check_unattended(launch, source.kind())?;
    let caller = sts.caller(&source).await;
    findings.skew_secs = source.skew_secs();
    if let Some(Err(error)) = &caller
        && is_fatal(error)
    {
        return Err(error.clone().into());
    }
    findings.caller = caller;
    let (mfa, granted) = (RefCell::new(None), RefCell::new(Vec::new()));
    let found_mfa = |session: &Session, from| FoundMfa {
        access_key_id: session.keys.access_key_id.clone(),
        ends: session.validity.local_end(),
        from,
    };
    let obtained = sts
        .session(&source, &|heard| match heard {
            Heard::KeptMfaSession(session) => *mfa.borrow_mut() = Some(found_mfa(session, MfaFrom::Cache)),
            Heard::NewMfaSession(session) => *mfa.borrow_mut() = Some(found_mfa(session, MfaFrom::Code)),
            Heard::Granted(hop) => granted.borrow_mut().push(hop.clone()),
        })
        .await;
    findings.skew_secs = source.skew_secs();
    findings.mfa = mfa.into_inner();
    findings.granted = granted.into_inner();
    obtained
}

/// Refuses what a launch would refuse: refreshes that nobody would be there for.
fn check_unattended(launch: &Launch<'_>, keys: KeyKind) -> Result<(), Error> {
    match launch.context.settings.mode {
        Mode::Supervise(policy) if policy.duty() == Duty::Refresh => {
            unattended(&launch.planned.plan, &launch.context.settings.mfa, Some(keys))?;
            Ok(())
        }
        Mode::Supervise(_) | Mode::Exec => Ok(()),
    }
}

/// The shared files, and whether they are there.
fn look(vars: &Vars) -> Vec<(std::path::PathBuf, Presence)> {
    let presence =
        |path: &std::path::Path| if path.exists() && !path.is_dir() { Presence::There } else { Presence::Missing };
    files::places(vars).into_iter().flatten().map(|path| (path.clone(), presence(&path))).collect()
}

fn tell(findings: &Findings<'_>, mut log_options: LogOptions) -> Result<Outcome, Error> {
    if !std::io::stdout().is_terminal() {
        log_options.screen = Screen::Dumb;
    }
    let steps = steps::steps(findings);
    match output::print(page::page(&steps, log_options, screen::columns(std::io::stdout())).as_bytes()) {
        // Who stops reading knows enough; the status is the check's all the same.
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(Outcome::Exited(page::status(&steps)))
}
