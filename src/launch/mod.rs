//! What all modes share: the plan, sessions from the cache or from STS, and the command's environment.

pub(crate) mod context;
pub(crate) mod delivery;
mod environment;
mod plan_event;
pub(crate) mod refresh;
pub(crate) mod sessions;

use crate::error::{CHECK_LIMITS, Error};
use crate::event::{Event, EventSink as _, RunEvent, SessionEvent};
use crate::files;
use crate::mfa::mode::KeyKind;
use crate::profile::plan;
use crate::report::Report;
use crate::session::{Need, Session, Validity};
use crate::settings::Settings;
use crate::vars::Vars;
pub(crate) use context::Planned;
use context::{Context, depth};
use sessions::{Outage, Sessions};
use tokio::runtime::{Builder, Runtime};

/// One run that is ready to call STS.
pub(crate) struct Launch<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) planned: Planned,
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
        Self::new(settings, vars, report, Planned { files, plan })
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
        plan_event::emit(&planned.plan, settings, report);
        Ok(Self { context: Context::new(settings, vars, report, &planned.plan)?, planned })
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
        let session = match sessions.cached(need) {
            Some(cached) => cached,
            None => block_on(self.context.progress.during(Box::pin(sessions.get(need, Outage::Bridge))))??.0,
        };
        self.context.settings.check_account(&session)?;
        self.context.report.emit(assumed(&session));
        Ok(session)
    }

    /// Returns the first session for a supervised command. The session has as much time left as `--min-ttl` requires,
    /// or as `need` requires if `--min-ttl` is not set. Also returns the kind of the source's keys, or `None` if STS
    /// was not called, because the source was then not used.
    ///
    /// # Errors
    /// The same errors as for [`Self::session`].
    pub(crate) async fn first_session(&self, need: Need) -> Result<(Session, Option<KeyKind>), Error> {
        let sessions = Sessions::new(&self.context, &self.planned)?;
        let need = sessions.need(need);
        let (session, source_keys) = match sessions.cached(need) {
            Some(cached) => (cached, None),
            None => self.context.progress.during(Box::pin(sessions.get(need, Outage::Bridge))).await?,
        };
        self.context.settings.check_account(&session)?;
        Ok((session, source_keys))
    }

    /// Returns a session for a refresh. Reads the config files and gets the source credentials again, because keys may
    /// have been rotated, a login renewed, or a profile edited. The user is never asked for an MFA code, not even if
    /// none has been needed so far because the first session came from the cache.
    ///
    /// # Errors
    /// The same errors as for [`Self::first_session`]. Also fails if the files are no longer valid.
    pub(crate) async fn next_session(&self) -> Result<Session, Error> {
        let Context { settings, vars, codes, .. } = &self.context;
        codes.end_of_start();
        let files = files::read(vars)?;
        let plan = plan(&settings.request, &files.profiles, vars)?;
        let planned = Planned { files, plan };
        let (session, _) = Sessions::new(&self.context, &planned)?.get(Need::ThreeQuarters, Outage::Fail).await?;
        settings.check_account(&session)?;
        Ok(session)
    }
}

/// Returns the event which says that the first session is available.
pub(crate) fn assumed(session: &Session) -> Event {
    let Validity { expiration, lifetime, .. } = session.validity;
    SessionEvent::Assumed { role: session.role_arn().to_owned(), expiration, lifetime }.into()
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
