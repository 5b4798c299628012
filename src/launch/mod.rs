//! What the modes share: the plan, sessions from the cache or from STS, the command's environment.

pub(crate) mod context;
pub(crate) mod delivery;
mod environment;
mod plan_event;
pub(crate) mod refresh;
pub(crate) mod sessions;

use crate::error::{Error, reason_of};
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

/// One run, ready to call STS.
pub(crate) struct Launch<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) planned: Planned,
}

impl<'a> Launch<'a> {
    /// Reads the config files, decides the plan, and checks all that can be checked without a call.
    ///
    /// # Errors
    /// What is missing or wrong in the environment, the files or the flags.
    pub(crate) fn prepare(settings: &'a Settings, vars: &'a Vars, report: Report) -> Result<Self, Error> {
        depth(vars)?;
        let files = files::read(vars)?;
        let plan = plan(&settings.request, &files.profiles, vars);
        // A plan that succeeds contains them.
        let plan =
            plan.inspect_err(|_| files.profiles.notes().iter().for_each(|note| report.emit(note.clone().into())))?;
        Self::new(settings, vars, report, Planned { files, plan })
    }

    /// The launch of a plan.
    ///
    /// # Errors
    /// An MFA code that the plan cannot use, or no code on standard input.
    pub(crate) fn new(settings: &'a Settings, vars: &'a Vars, report: Report, planned: Planned) -> Result<Self, Error> {
        for warning in &settings.warnings {
            report.emit(RunEvent::warning(warning).into());
        }
        plan_event::emit(&planned.plan, settings, report);
        Ok(Self { context: Context::new(settings, vars, report, &planned.plan)?, planned })
    }

    /// A session that is not refreshed, for exec mode or to print. One from the cache needs no runtime.
    ///
    /// # Errors
    /// The source's failure, STS's, or a session in another account than the expected one.
    pub(crate) fn session(&self) -> Result<Session, Error> {
        let sessions = Sessions::new(&self.context, &self.planned)?;
        let need = sessions.need(Need::ThreeQuarters);
        let session = if let Some(cached) = sessions.cached(need) {
            cached
        } else {
            let runtime = runtime()?;
            let work = Box::pin(sessions.get(need, Outage::Bridge));
            let fetched = runtime.block_on(self.context.progress.during(work));
            // A plain drop would wait for a name that is still being resolved.
            runtime.shutdown_background();
            fetched?.0
        };
        self.context.settings.check_account(&session)?;
        self.context.report.emit(assumed(&session));
        Ok(session)
    }

    /// The first session for a supervised command, with as much left as it usually `need`s, and the kind of the source's
    /// keys if STS was called.
    ///
    /// # Errors
    /// As for [`Self::session`].
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

    /// A session for a refresh. Everything is read again, since keys may be rotated, a login renewed, a profile edited.
    /// Nothing prompts, even if the first session came from the cache.
    ///
    /// # Errors
    /// As for [`Self::first_session`], or files that are no longer valid.
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

/// The event of a first session.
pub(crate) fn assumed(session: &Session) -> Event {
    let Validity { expiration, lifetime, .. } = session.validity;
    SessionEvent::Assumed { role: session.role_arn().to_owned(), expiration, lifetime }.into()
}

/// A runtime without further threads.
///
/// # Errors
/// When no descriptors are left.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Error::Exhausted { what: "start", reason: reason_of(&error) })
}
