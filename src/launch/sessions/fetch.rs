//! Calls STS, with the network settings, helper programs and MFA codes that a call may need.

use super::{Outage, Sessions};
use crate::cache::{CacheMode, Key, Stamp};
use crate::error::{Error, reason_of};
use crate::event::{CacheEvent, EventSink as _};
use crate::launch::context::{HELD, helper_environment};
use crate::mfa::mode::KeyKind;
use crate::profile::{Source, TokenSource};
use crate::session::{Session, Title};
use crate::sts::{Helpers, Limits, Mfa, Network, Sts, read_bundle};
use std::time::Duration;

impl Sessions<'_> {
    /// Fetches the source credentials, and with them a new session. Returns the session and the kind of the source's
    /// keys. `locked` is the cache key that is locked meanwhile, or `None` if no key is locked.
    pub(super) async fn fetch(
        &self,
        limit: Duration,
        attempts: u32,
        locked: Option<&Key>,
    ) -> Result<(Session, Option<KeyKind>), Error> {
        self.program().map_or(Ok(()), |key| self.check_recursion(&key))?;
        let fetch = async |sts: &Sts<'_>| Box::pin(sts.new_session()).await;
        let (session, source_keys) = self.with_sts(limit, attempts, locked, fetch).await??;
        Ok((session, Some(source_keys)))
    }

    /// Returns the session with its account, if the account is known without a call to STS.
    pub(crate) fn with_known_account(&self, session: Session) -> Session {
        let account_id = session.account().or(self.planned.plan.source.account()).map(str::to_owned);
        Session { account_id, ..session }
    }

    /// Returns the session with its account. Asks STS if `--expect-account` is set, and the account is not known or only
    /// a `credential_process` names it.
    ///
    /// # Errors
    /// The call to STS fails.
    pub(crate) async fn with_account(&self, session: Session) -> Result<Session, Error> {
        let session = self.with_known_account(session);
        let plan = &self.planned.plan;
        let is_known =
            session.account_id.is_some() && (!plan.hops.is_empty() || !matches!(plan.source, Source::Process { .. }));
        if is_known || self.context.settings.expect_account.is_none() {
            return Ok(session);
        }
        let (limit, attempts) = (self.context.settings.sts.timeout, Outage::Bridge.attempts());
        let ask = async |sts: &Sts<'_>| Box::pin(sts.identity(&session.keys)).await;
        let identity = self.with_sts(limit, attempts, None, ask).await??;
        Ok(Session { account_id: Some(identity.account), ..session })
    }

    /// Runs `steps`, in which the caller makes the calls to STS. Does not read the cache, and locks no cache key.
    ///
    /// # Errors
    /// The CA certificates cannot be used, or another run that needs the same session has started this run and waits
    /// for it. If `steps` fails, its error is in the value that it returns.
    pub(crate) async fn fetch_unlocked<T>(
        &self,
        key: Option<&Key>,
        steps: impl AsyncFnOnce(&Sts<'_>) -> T,
    ) -> Result<T, Error> {
        key.into_iter().chain(&self.program()).try_for_each(|key| self.check_recursion(key))?;
        self.with_sts(self.context.settings.sts.timeout, Outage::Fail.attempts(), key, steps).await
    }

    /// Stores the session of the plan in the cache for later runs, unless the cache is off. `asked` is when STS was
    /// called (boot clock).
    pub(crate) fn store_unlocked(&self, key: Option<&Key>, session: &Session, asked: Duration) {
        self.store_as("session", &self.title(), key, session, asked);
    }

    /// Stores a session in the cache for later runs, unless the cache is off. `what` names the session in messages.
    pub(super) fn store_as(
        &self,
        what: &'static str,
        title: &Title,
        key: Option<&Key>,
        session: &Session,
        asked: Duration,
    ) {
        if let (CacheMode::Used | CacheMode::Refreshed(_), Some(key)) = (self.context.settings.cache.mode, key)
            && let Err(error) = self.cache.store(key, title, session, &Stamp::answered_now(asked))
        {
            self.context.report.emit(CacheEvent::NotStored { what, error: reason_of(&error) }.into());
        }
    }

    /// Returns the key of the program that gives the source's credentials or its web identity token, or `None` if the
    /// source runs no program.
    fn program(&self) -> Option<Key> {
        let source = &self.planned.plan.source;
        let runs =
            matches!(source, Source::Process { .. } | Source::WebIdentity { token: TokenSource::Command(_), .. });
        runs.then(|| Key::of_program(source))
    }

    /// Fails if this run is a helper program of another run that has this key. If it is the key of a session, each of
    /// the two runs would wait for the other. If it is the key of a program, the program would run itself without end.
    pub(super) fn check_recursion(&self, key: &Key) -> Result<(), Error> {
        let held = self.context.vars.text(HELD).unwrap_or_default();
        if held.split(' ').any(|held| held == key.as_str()) {
            let command = match self.planned.plan.source {
                Source::WebIdentity { .. } => "web identity token command",
                _ => "credential_process",
            };
            let reason = format!("recursive {command}: xassume was started to get the session that it needs itself");
            let hint = "in a command that xassume runs, use another profile as the source: xassume --profile NAME";
            return Err(Error::Cannot { what: "get the session", reason, hint: Some(hint) });
        }
        Ok(())
    }

    async fn with_sts<T>(
        &self,
        limit: Duration,
        attempts: u32,
        locked: Option<&Key>,
        steps: impl AsyncFnOnce(&Sts<'_>) -> T,
    ) -> Result<T, Error> {
        let context = self.context;
        let network = self.network()?;
        let program = self.program();
        let environment = helper_environment(context.vars, context.depth, locked.into_iter().chain(&program));
        let sts_settings = &context.settings.sts;
        let program_timeout = sts_settings.timeout_by.map(|by| (sts_settings.timeout, by));
        let sts = Sts {
            plan: &self.planned.plan,
            vars: context.vars,
            network: &network,
            limits: Limits { attempts, time: limit, program_timeout },
            helpers: Helpers { environment: &environment, attendance: context.codes.attendance() },
            mfa: Mfa { codes: &context.codes, sessions: self, session_duration: context.settings.mfa.session_duration },
            report: context.report,
            progress: &context.progress,
        };
        Ok(steps(&sts).await)
    }

    /// Returns the settings with which STS is reached. Flags take precedence over the variables and the profile, whose
    /// settings are in the plan. The certificates are read again for each session.
    pub(super) fn network(&self) -> Result<Network, Error> {
        let (flags, plan) = (&self.context.settings.sts, &self.planned.plan.network);
        let ca_bundle = flags.ca_bundle.as_ref().or(plan.ca_bundle.as_ref());
        let ca_bundle = ca_bundle.map(|path| read_bundle(path)).transpose()?;
        Ok(Network {
            endpoint: flags.endpoint.clone().or_else(|| plan.endpoint_url.clone()),
            ca_bundle,
            fips: plan.fips,
            dualstack: plan.dualstack,
            proxies: plan.proxies.clone(),
            timeout: flags.timeout,
        })
    }
}
