//! Gets a session for a plan. It comes from the cache if a cached session has enough time left, and otherwise from STS.
//! A session from STS is stored in the cache.
//!
//! A launch first tries [`Sessions::cached`], which starts no Tokio runtime, opens no connection and waits for no lock.
//! [`Sessions::get`] is for refreshes, and for a launch that found no session in the cache.

mod fetch;
mod mfa_store;
mod sign_in;

use crate::cache::{Cache, CacheMode, Found, Key, LockGuard, LockOutcome, Skipped, SourceScope, Stamp, source_scope};
use crate::error::{Error, reason_of};
use crate::event::{CacheEvent, EventSink as _, RunEvent};
use crate::flags::FORCE_REFRESH;
use crate::launch::context::{Context, Planned};
use crate::mfa::mode::KeyKind;
use crate::origin::Origin;
use crate::profile::{Plan, Source};
use crate::report::waiting::Awaited;
use crate::role::{MfaSerial, SessionDuration};
use crate::session::{Need, Session, Title, Validity, whole_seconds};
use crate::supervise::ports::CacheUse;
use crate::supervise::schedule::REFRESH_ATTEMPTS;
use crate::sys::boot::boottime;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What to do if STS cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    /// Use a cached session that is still valid but has less time left than needed, and emit a warning.
    Bridge,
    /// Fail. This is for a refresh, because the command already has the session that is in the cache.
    Fail,
}

impl Outage {
    /// Returns the maximum number of attempts at a call to STS. The first session gets more attempts than a refresh,
    /// because a user waits for it, and because a launch that fails is not repeated. A refresh that fails is repeated
    /// by the refresh schedule.
    fn attempts(self) -> u32 {
        match self {
            Self::Bridge => 5,
            Self::Fail => REFRESH_ATTEMPTS,
        }
    }
}

/// Gets sessions for one plan.
pub(crate) struct Sessions<'a> {
    context: &'a Context<'a>,
    planned: &'a Planned,
    pub(crate) cache: Cache,
    mode: CacheMode,
    /// How much time a cached session must have left (`--min-ttl`). `None` if the flag is not set or is ignored.
    min_ttl: Option<Duration>,
}

impl<'a> Sessions<'a> {
    /// Opens the cache for a plan.
    ///
    /// # Errors
    /// `--min-ttl` is as long as the longest session that the plan can give, or longer.
    pub(crate) fn new(context: &'a Context<'_>, planned: &'a Planned) -> Result<Self, Error> {
        let mut notes = Vec::new();
        let min_ttl = context.settings.cache.min_ttl(longest_lifetime(context, &planned.plan), &mut notes)?;
        for ignored in notes {
            context.report.emit(ignored.into());
        }
        let cache = Cache::new(context.settings.cache.directory.as_deref(), context.vars);
        Ok(Self { context, planned, cache, mode: context.settings.cache.mode, min_ttl })
    }

    /// Uses no cached session if `cache` says so, as with `--force-refresh`.
    pub(crate) fn using(self, cache: CacheUse) -> Self {
        let mode = match (cache, self.mode) {
            (CacheUse::Skipped, CacheMode::Used) => CacheMode::Refreshed(Origin::Flag(&FORCE_REFRESH)),
            (CacheUse::Skipped | CacheUse::Allowed, mode) => mode,
        };
        Self { mode, ..self }
    }

    /// Returns how much time a session must have left. This is `--min-ttl` if the flag is set, and otherwise `usual`. If
    /// the command gets an MFA session, 45 minutes are enough (or three quarters of a lifetime below one hour), because
    /// the user must enter a code for a new MFA session.
    pub(crate) fn need(&self, usual: Need) -> Need {
        let plan = &self.planned.plan;
        let of_mfa =
            plan.device.as_ref().map(|_| longest_lifetime(self.context, plan).min(SessionDuration::HOUR) * 3 / 4);
        self.min_ttl.or(of_mfa).map_or(usual, Need::AtLeast)
    }

    /// Returns a cached session that has enough time left. Returns `None` if there is none, or if the settings forbid
    /// the use of cached sessions.
    pub(crate) fn cached(&self, need: Need) -> Option<Session> {
        if self.mode != CacheMode::Used {
            return None;
        }
        let report = self.context.report;
        let key = self.key().ok()?;
        let search = self.cache.find(&key, &|found| found.validity.has(need));
        if search.found.is_none() && search.sessions.is_empty() {
            report.emit(CacheEvent::Miss.into());
        }
        for reason in search.sessions {
            report.emit(CacheEvent::MissUnusable { reason }.into());
        }
        let Found { session, validity, .. } = search.found?;
        let Validity { left, lifetime, .. } = validity;
        if validity.has(need) {
            // This function returns the cached session, so it also reports the skipped directories. If it returns no
            // session, `get_locked` reports them.
            self.report_skipped(&search.directories);
            report.emit(CacheEvent::Hit { left, lifetime, waited: false }.into());
            return Some(session);
        }
        report.emit(CacheEvent::MissTooShort { left, needed: validity.needed(need) }.into());
        None
    }

    /// Returns a session that has enough time left. It is a cached session, a session that another xassume process is
    /// already requesting, or a new session. Also returns the kind of the source's keys, or `None` if this process did
    /// not call STS. The user is not asked to sign in.
    ///
    /// `--sts-timeout` limits the time for all steps together: waiting for the other process, getting the source
    /// credentials and calling STS. If the user has not set it, the time of helper programs is added.
    ///
    /// # Errors
    /// No session is available. The error says why.
    async fn get_once(&self, need: Need, outage: Outage) -> Result<(Session, Option<KeyKind>), Error> {
        let (settings, report) = (self.context.settings, self.context.report);
        let limit = settings.sts.timeout;
        match self.mode {
            CacheMode::Off(origin) => {
                report.emit(CacheEvent::Disabled { reason: origin.to_string() }.into());
                return self.fetch(limit, outage.attempts(), None).await;
            }
            CacheMode::Refreshed(origin) => {
                report.emit(CacheEvent::Skipped { reason: origin.to_string() }.into());
            }
            CacheMode::Used => {}
        }
        let key = match self.key() {
            Ok(key) => key,
            Err(reason) => {
                report.emit(CacheEvent::Disabled { reason }.into());
                return self.fetch(limit, outage.attempts(), None).await;
            }
        };
        self.check_recursion(&key)?;
        match self.get_locked(&key, need, outage.attempts()).await {
            Err(error) if error.is_outage() && outage == Outage::Bridge && self.mode == CacheMode::Used => {
                let Some(found) = self.cache.find(&key, &|_| true).found else { return Err(error) };
                let left = whole_seconds(found.validity.left);
                report.emit(RunEvent::warning(format_args!("{error}; using the cached session ({left} left)")).into());
                Ok((found.session, None))
            }
            result => result,
        }
    }

    /// Gets a session while the cache key is locked, so that concurrent runs share one call to STS.
    async fn get_locked(&self, key: &Key, need: Need, attempts: u32) -> Result<(Session, Option<KeyKind>), Error> {
        let Context { settings, report, progress, .. } = self.context;
        let (begun, timeout) = (boottime(), settings.sts.timeout);
        // The other process may take as long as this one.
        let limit = timeout + self.context.program_time(&self.planned.plan);
        let accepts = |found: &Found| {
            let new = found.asked.is_some_and(|asked| asked >= begun);
            (self.mode == CacheMode::Used || new) && found.validity.has(need)
        };
        let plan = &self.planned.plan;
        let session = || plan.hops.last().map_or_else(|| plan.source.to_string(), |last| last.role.to_string());
        progress.waits_for(Awaited::Another { session: session() });
        let (outcome, skipped) = self.cache.lock(key, limit, &accepts).await;
        if !matches!(outcome, LockOutcome::Alone) {
            self.report_skipped(&skipped);
        }
        let mut lock = match outcome {
            LockOutcome::Answered(found) => {
                let Validity { left, lifetime, .. } = found.validity;
                report.emit(CacheEvent::Hit { left, lifetime, waited: true }.into());
                return Ok((found.session, None));
            }
            LockOutcome::TimeUp => return Err(Error::Waited { session: session(), limit }),
            LockOutcome::Alone => {
                self.report_unusable(&skipped);
                return self.fetch(timeout, attempts, None).await;
            }
            LockOutcome::Ours(lock) => lock,
        };
        let asked = boottime();
        // The time for programs is added later, when they have run.
        let fetched = self.fetch(limit.saturating_sub(lock.waited).min(timeout), attempts, Some(key)).await?;
        self.store(&mut lock, key, &fetched.0, asked);
        Ok(fetched)
    }

    /// Reports why no cache directory can be used. If the reason is something that the user should fix, this is a
    /// warning, which is emitted only once in a run.
    fn report_unusable(&self, skipped: &[Skipped]) {
        let Context { report, cache_warned, .. } = self.context;
        let reasons = |faults_only: bool| {
            let reported = skipped.iter().filter(|skipped| skipped.fault || !faults_only);
            reported.map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        match skipped.iter().find(|skipped| skipped.fault) {
            Some(_) if cache_warned.swap(true, Ordering::Relaxed) => {}
            Some(fault) => {
                let text = format!("the cache cannot be used: {}", reasons(true));
                let hint = format!(
                    "{}; until then each run calls STS, and asks for an MFA code if one is needed",
                    fault.hint(", or --no-cache")
                );
                report.emit(RunEvent::Warning { text, hint: Some(hint) }.into());
            }
            None => {
                let reason = if skipped.is_empty() { "no usable HOME or XDG directory".into() } else { reasons(false) };
                report.emit(CacheEvent::Disabled { reason }.into());
            }
        }
    }

    fn report_skipped(&self, directories: &[Skipped]) {
        for Skipped { path, reason, .. } in directories {
            let (path, reason) = (path.clone(), reason.clone());
            self.context.report.emit(CacheEvent::DirectorySkipped { path, reason }.into());
        }
    }

    /// Stores a session in the cache. If the session cannot be stored, a warning is emitted, and this run uses the
    /// session anyway.
    fn store(&self, lock: &mut LockGuard, key: &Key, session: &Session, asked: Duration) {
        if let Err(error) = lock.store(key, &self.title(), session, &Stamp::answered_now(asked))
            && !self.context.cache_warned.swap(true, Ordering::Relaxed)
        {
            let text = format!("cannot store the session in the cache: {}", reason_of(&error));
            self.context.report.emit(RunEvent::warning(text).into());
        }
    }

    /// Returns the key under which the session is cached.
    ///
    /// Without a role, only the credentials of IAM Identity Center and MFA sessions are cached. The other sources cache
    /// their credentials themselves, as the AWS CLI expects of a `credential_process`, or have no known expiry.
    ///
    /// # Errors
    /// Sessions of this source are not cached, or it cannot be known in advance whose credentials the source returns,
    /// for example because the web identity token cannot be read. A session that was cached for such a source could be
    /// that of another identity. The text says why.
    pub(crate) fn key(&self) -> Result<Key, String> {
        let Plan { source, hops, device, .. } = &self.planned.plan;
        match (device, source) {
            _ if !hops.is_empty() => self.key_by(Key::of_role),
            (Some(serial), _) => self.mfa_key(serial, self.context.settings.mfa.session_duration),
            // Cached credentials are not used after a logout, as in the AWS CLI, or with another login.
            (None, Source::Sso { session, .. }) => {
                let token = session.token_id(self.context.vars).ok_or("there is no login")?;
                Ok(Key::of_source(source, token))
            }
            (None, source) if source.static_kind().is_some() => Err("credentials without an expiry".into()),
            (None, _) => Err("the source keeps its credentials itself".into()),
        }
    }

    /// Returns the title under which the session of the plan is stored.
    fn title(&self) -> Title {
        let plan = &self.planned.plan;
        plan.device.as_ref().map_or_else(|| plan.title(), mfa_store::title)
    }

    /// Returns the key of an MFA session.
    ///
    /// # Errors
    /// The same errors as for [`Self::key`].
    fn mfa_key(&self, serial: &MfaSerial, duration: Duration) -> Result<Key, String> {
        self.key_by(|plan, scope, endpoint| Key::of_mfa(plan, scope, endpoint, serial, Some(duration)))
    }

    /// Returns the key that `make` builds from the plan, the scope of its source, and the URL of STS if the user has
    /// set one.
    ///
    /// # Errors
    /// The same errors as for [`Self::key`].
    fn key_by(&self, make: impl FnOnce(&Plan, &SourceScope, Option<&str>) -> Key) -> Result<Key, String> {
        let (plan, flags) = (&self.planned.plan, &self.context.settings.sts);
        let scope = source_scope(&plan.source, self.context.vars, &self.planned.profile_settings())?;
        Ok(make(plan, &scope, flags.endpoint.as_deref().or(plan.network.endpoint_url.as_deref())))
    }
}

/// Returns the longest lifetime that a session of this plan may have.
fn longest_lifetime(context: &Context<'_>, plan: &Plan) -> Duration {
    match &plan.device {
        Some(_) => context.settings.mfa.session_duration,
        None if plan.hops.is_empty() => SessionDuration::MOST,
        None => plan.hops.longest_lifetime(),
    }
}
