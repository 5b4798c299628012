//! What all modes share: the plan, sessions from the cache or from STS, and the command's environment.

pub(crate) mod context;
pub(crate) mod delivery;
mod environment;
mod others;
mod plan_event;
pub(crate) mod refresh;
mod removal;
pub(crate) mod sessions;
mod socket_file;
pub(crate) mod sockets;
pub(crate) mod suggest;

use crate::deliver::Via;
use crate::error::{CHECK_LIMITS, Error};
use crate::event::{EventSink as _, FirstSession, RunEvent, SessionEvent};
use crate::files;
use crate::mfa::mode::KeyKind;
use crate::profile::{DEFAULT, plan};
use crate::report::Report;
use crate::session::{Need, Session, Title};
use crate::settings::Settings;
use crate::supervise::ports::CacheUse;
use crate::vars::Vars;
pub(crate) use context::Planned;
use context::{Context, depth};
use sessions::{Outage, Sessions};
use std::ffi::OsString;
use std::io::IsTerminal as _;
use tokio::runtime::{Builder, Runtime};

/// One run that is ready to call STS.
pub(crate) struct Launch<'a> {
    /// The name of the command's profile for this session.
    pub(crate) profile: &'static str,
    pub(crate) context: Context<'a>,
    pub(crate) planned: Planned,
    /// The sessions of `--also`, in the order of their IDs.
    pub(crate) others: Vec<Self>,
    /// The variables that describe the listening sockets to the command. Empty if there are no sockets.
    pub(crate) socket_variables: Vec<(OsString, OsString)>,
}

impl<'a> Launch<'a> {
    /// Reads the config files, makes the plan, and checks everything that can be checked without calling a service.
    ///
    /// # Errors
    /// Something is missing or wrong in the environment, the files or the flags.
    pub(crate) fn prepare(settings: &'a Settings, vars: &'a Vars, report: Report) -> Result<Self, Error> {
        depth(vars)?;
        let files = files::read(vars)?;
        let plan = plan(&settings.request, &files.profiles, vars);
        // If there is a plan, it contains the notes about the config files, and they are reported with it. If there is
        // no plan, they are reported here.
        let plan =
            plan.inspect_err(|_| files.profiles.notes.iter().for_each(|note| report.emit(note.clone().into())))?;
        Self::new(settings, vars, report, Planned { files: files.into(), plan })
    }

    /// Creates a launch for a plan that has already been made.
    ///
    /// # Errors
    /// xassume is nested too deeply, an MFA code is given but the plan has no device, or there is no code on standard
    /// input.
    pub(crate) fn new(settings: &'a Settings, vars: &'a Vars, report: Report, planned: Planned) -> Result<Self, Error> {
        for warning in &settings.warnings {
            report.emit(RunEvent::warning(warning).into());
        }
        let default = Self::one(DEFAULT, settings, vars, report, planned)?;
        let others = Self::others(settings, vars, report, &default.planned)?;
        Ok(Self { others, ..default })
    }

    fn one(
        profile: &'static str,
        settings: &'a Settings,
        vars: &'a Vars,
        report: Report,
        planned: Planned,
    ) -> Result<Self, Error> {
        let report = report.of_profile(settings.request.also.as_ref().map(|_| profile));
        plan_event::emit(&planned.plan, settings, report);
        let context = Context::new(settings, vars, report, &planned.plan)?;
        Ok(Self { profile, context, planned, others: Vec::new(), socket_variables: Vec::new() })
    }

    /// Returns a session that will not be refreshed, for exec mode or for `--print`. If the cache has a session with
    /// enough time left, no Tokio runtime is started.
    ///
    /// # Errors
    /// The source gives no credentials, STS grants no session, or the session is in an account other than the expected
    /// one.
    pub(crate) fn session(&self) -> Result<Session, Error> {
        let sessions = Sessions::new(&self.context, &self.planned)?;
        let need = sessions.need(Need::ThreeQuarters);
        let (session, source_keys) = match sessions.cached(need).map(|cached| sessions.with_known_account(cached)) {
            Some(cached) if cached.account_id.is_some() || self.context.settings.expect_account.is_none() => {
                (cached, None)
            }
            cached => block_on(self.context.progress.during(Box::pin(self.first(&sessions, cached, need))))??,
        };
        self.check(&session)?;
        self.report_first(&session, source_keys);
        self.report_to_shell(&session);
        Ok(session)
    }

    /// Returns `cached`, or a new session if it is `None`, with its account. Also returns the kind of the source's keys, or
    /// `None` if the source was not used.
    async fn first(
        &self,
        sessions: &Sessions<'_>,
        cached: Option<Session>,
        need: Need,
    ) -> Result<(Session, Option<KeyKind>), Error> {
        let (session, source_keys) = match cached {
            Some(cached) => (cached, None),
            None => sessions.get(need, Outage::Bridge).await?,
        };
        Ok((sessions.with_account(session).await?, source_keys))
    }

    /// Checks the first session before the command gets it.
    ///
    /// # Errors
    /// The session is in an account other than the expected one, or a flag or variable requires a session that expires.
    pub(crate) fn check(&self, session: &Session) -> Result<(), Error> {
        let settings = self.context.settings;
        if session.validity.is_none() {
            settings.request.allow_no_expiry(&self.planned.plan.source, KeyKind::of(&session.keys))?;
        }
        settings.check_account(session)
    }

    /// Returns the first session for a supervised command. The session has as much time left as `--min-ttl` requires,
    /// or as `need` requires if `--min-ttl` is not set. Also returns the kind of the source's keys, or `None` if the
    /// source was not used.
    ///
    /// # Errors
    /// The same errors as for [`Self::session`].
    pub(crate) async fn first_session(&self, need: Need) -> Result<(Session, Option<KeyKind>), Error> {
        let sessions = Sessions::new(&self.context, &self.planned)?;
        let need = sessions.need(need);
        let cached = sessions.cached(need);
        let first = self.context.progress.during(Box::pin(self.first(&sessions, cached, need))).await?;
        self.check(&first.0)?;
        Ok(first)
    }

    /// Returns a session for a refresh. Reads the config files and gets the source credentials again, because keys may
    /// have been rotated, a login renewed, or a profile edited. The user is never asked for an MFA code, not even if
    /// none has been needed so far because the first session came from the cache.
    ///
    /// # Errors
    /// The same errors as for [`Self::first_session`]. Also fails if the files are no longer valid.
    pub(crate) async fn next_session(&self, cache: CacheUse) -> Result<Session, Error> {
        let Context { settings, vars, codes, .. } = &self.context;
        codes.end_of_start();
        let files = files::read(vars)?;
        let plan = plan(&settings.request, &files.profiles, vars)?;
        let planned = Planned { files: files.into(), plan };
        let sessions = Sessions::new(&self.context, &planned)?.using(cache);
        let (session, _) = sessions.get(Need::ThreeQuarters, Outage::Fail).await?;
        let session = sessions.with_account(session).await?;
        settings.check_account(&session)?;
        Ok(session)
    }

    /// Reports that the first session is available. `source_keys` is `None` if the session comes from the cache.
    pub(crate) fn report_first(&self, session: &Session, source_keys: Option<KeyKind>) {
        let report = self.context.report;
        if !report.wants_first_session() {
            return;
        }
        if let Some(region) = &session.instance_region {
            report.emit(SessionEvent::InstanceRegion { region: region.clone() }.into());
        }
        let plan = &self.planned.plan;
        let (source, validity) = (plan.source.to_string(), session.validity.clone());
        let first = FirstSession { source, is_cached: source_keys.is_none(), validity };
        report.emit(match (plan.hops.last(), &session.assumed_role_arn) {
            (Some(hop), Some(session)) => {
                SessionEvent::Assumed { role: hop.role.to_string(), session: session.clone(), first }.into()
            }
            _ => SessionEvent::Obtained { account: session.account().map(str::to_owned), first }.into(),
        });
    }

    /// If the log does not show the first session, shows a line about it to a user who opens a shell, before the first
    /// prompt.
    pub(crate) fn report_to_shell(&self, session: &Session) {
        let Context { settings, report, .. } = &self.context;
        if !settings.is_shell || report.wants_first_session() || !is_at_terminal() {
            return;
        }
        let title = Title { account: session.account().map(str::to_owned), ..self.planned.plan.title() };
        let until = session.validity.as_ref().map(|validity| (validity.local_expiration(), validity.left));
        report.emit(SessionEvent::Shell { title, until, is_refreshed: settings.delivery.via != Via::Env }.into());
    }
}

/// Checks whether a shell would be interactive. According to POSIX, standard input and standard error must be terminals.
pub(crate) fn is_at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Returns a Tokio runtime that runs on the current thread.
///
/// # Errors
/// The system has no more file descriptors for the runtime.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Error::cannot("start", &error, CHECK_LIMITS))
}

/// Runs a future to its end on a new runtime.
///
/// # Errors
/// The same errors as for [`runtime`].
fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = runtime()?;
    let result = runtime.block_on(work);
    // Dropping the runtime would wait until a host name is resolved, even if the result is no longer needed.
    runtime.shutdown_background();
    Ok(result)
}
