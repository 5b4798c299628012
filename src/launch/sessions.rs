//! A session for a plan: from the cache where one will do, else from STS, and then for everybody.
//!
//! The choreography of `cache` and `sts`. A launch first tries [`Sessions::cached`], which starts nothing and waits for
//! nobody; [`Sessions::obtain`] is for a launch that found nothing, and for refreshes.

mod mfa_store;
mod uncached;

use crate::cache::{
    Cache, Entry, Found, Key, LockGuard, LockOutcome, Moment, Reach, Skipped, Stamp, Surroundings, surroundings,
};
use crate::error::{Error, reason_of};
use crate::files::ConfigFiles;
use crate::launch::Launch;
use crate::mfa::{Codes, KeptInProcess};
use crate::profile::{Plan, Source, exported_settings};
use crate::report::waiting::Awaited;
use crate::report::{Progress, Report};
use crate::session::{Need, Session, whole_seconds};
use crate::settings::{CacheMode, Settings};
use crate::sts::source::Helpers;
use crate::sts::{BundleError, Mfa, Network, Obtained, Sts, read_bundle};
use crate::supervise::schedule::REFRESH_ATTEMPTS;
use crate::sys::boot::boottime;
use crate::sys::panics::contained;
use crate::vars::Vars;
use mfa_store::Kept;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Tells programs that xassume runs for itself which keys are locked for their answer, so that a circle is noticed.
const HELD: &str = "XASSUME_HELD";

/// What to do when STS cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    /// Use a cached session that is still valid, though with less left than is asked for, and say so.
    Bridge,
    /// Fail: what is cached is what the command has already.
    Fail,
}

impl Outage {
    /// How often STS is called for one hop. Somebody waits for a first session, and nothing else tries again; a failed
    /// refresh is tried again by the schedule.
    fn attempts(self) -> u32 {
        match self {
            Self::Bridge => 5,
            Self::Fail => REFRESH_ATTEMPTS,
        }
    }
}

/// All that a session depends on. It outlives the sessions: each is obtained anew from it.
pub(crate) struct Sessions<'a> {
    plan: &'a Plan,
    files: &'a ConfigFiles,
    settings: &'a Settings,
    vars: &'a Vars,
    depth: u32,
    codes: &'a Codes<'a>,
    /// The MFA sessions of this run.
    bought: &'a KeptInProcess,
    report: Report,
    progress: &'a Progress,
    cache: Cache,
    /// `--min-ttl`.
    least: Option<Duration>,
    cache_warned: &'a AtomicBool,
}

impl<'a> Sessions<'a> {
    /// # Errors
    /// When `--min-ttl` asks for more than a session will have.
    pub(crate) fn new(launch: &'a Launch<'_>, plan: &'a Plan, files: &'a ConfigFiles) -> Result<Self, Error> {
        let Launch { settings, vars, depth, codes, bought, cache_warned, report, progress, .. } = launch;
        let mut notes = Vec::new();
        let least = settings.cache.min_ttl(&plan.hops, &mut notes)?;
        for note in &notes {
            report.detail(note);
        }
        let cache = Cache::new(&settings.cache, vars);
        let (depth, report) = (*depth, *report);
        Ok(Self { plan, files, settings, vars, depth, codes, bought, report, progress, cache, least, cache_warned })
    }

    /// What a use needs, unless `--min-ttl` says otherwise.
    pub(crate) fn need(&self, usual: Need) -> Need {
        self.least.map_or(usual, Need::AtLeast)
    }

    /// A cached session with enough left, at once: no network, no runtime, no lock.
    pub(crate) fn cached(&self, need: Need) -> Option<Obtained> {
        if self.settings.cache.mode != CacheMode::Used {
            return None;
        }
        let key = self.key()?;
        let search = self.cache.find(&key, &|found| found.entry.validity.has(need));
        for passed in &search.sessions {
            self.report.detail(format_args!("cache: miss: {passed}"));
        }
        let Some(found) = search.found else {
            if search.sessions.is_empty() {
                self.report.detail("cache: miss: no session is kept for this request");
            }
            return None;
        };
        let validity = &found.entry.validity;
        let (left, lifetime) = (whole_seconds(validity.left), whole_seconds(validity.lifetime));
        if validity.has(need) {
            // On a miss it is told by whoever looks for a directory to keep the session in.
            self.report_skipped(&search.directories);
            self.report.detail(format_args!("cache: hit: {left} left of {lifetime}"));
            return Some(obtained(found));
        }
        let needed = whole_seconds(validity.needed(need));
        self.report.detail(format_args!("cache: miss: {left} left of {lifetime}, and {needed} are asked for"));
        None
    }

    /// A session with enough left: a cached one, that of another xassume which is asking already, or a new one.
    ///
    /// `--sts-timeout` is for the wait for the other one, the source and the calls to STS together.
    ///
    /// # Errors
    /// Why there is no session.
    pub(crate) async fn obtain(&self, need: Need, outage: Outage) -> Result<Obtained, Error> {
        let limit = self.settings.sts.timeout;
        if let CacheMode::Off(word) = self.settings.cache.mode {
            self.report.detail(format_args!("cache: not used: {word}"));
            return self.ask(limit, outage.attempts(), None).await;
        }
        if let CacheMode::Refreshed(word) = self.settings.cache.mode {
            self.report.detail(format_args!("cache: a new session is asked for: {word}"));
        }
        let Some(key) = self.key() else { return self.ask(limit, outage.attempts(), None).await };
        self.check_circle(&key)?;
        match self.obtain_for(&key, need, limit, outage.attempts()).await {
            Err(error)
                if error.is_outage() && outage == Outage::Bridge && self.settings.cache.mode == CacheMode::Used =>
            {
                let Some(found) = self.cache.find(&key, &|_| true).found else { return Err(error) };
                let left = whole_seconds(found.entry.validity.left);
                self.report.warning(format_args!("{error}; the cached session is used, with {left} left"));
                Ok(obtained(found))
            }
            result => result,
        }
    }

    async fn obtain_for(&self, key: &Key, need: Need, limit: Duration, attempts: u32) -> Result<Obtained, Error> {
        let begun = boottime();
        let mode = self.settings.cache.mode;
        let accepts = |found: &Found| {
            let new = found.asked.is_some_and(|asked| asked >= begun);
            (mode == CacheMode::Used || new) && found.entry.validity.has(need)
        };
        let role = || self.plan.hops.last().role.to_string();
        self.progress.waits_for(Awaited::Another { role: role() });
        let (turn, passed) = self.cache.turn(key, limit, &accepts).await;
        if !matches!(turn, LockOutcome::Alone) {
            self.report_skipped(&passed);
        }
        let mut held = match turn {
            LockOutcome::Answered(found) => {
                self.report.detail("cache: hit: another xassume has just obtained the session");
                return Ok(obtained(found));
            }
            LockOutcome::TimeUp => {
                return Err(Error::Waited { role: role(), limit });
            }
            LockOutcome::Alone => {
                self.report_unusable(&passed);
                return self.ask(limit, attempts, None).await;
            }
            LockOutcome::Ours(held) => held,
        };
        let asked = boottime();
        let obtained = self.ask(limit.saturating_sub(held.waited), attempts, Some(key)).await?;
        self.keep(&mut held, key, &obtained, asked);
        Ok(obtained)
    }

    /// Says why no directory can be used: once, and as a warning where a user would mend it.
    fn report_unusable(&self, passed: &[Skipped]) {
        let reasons = |passed: &mut dyn Iterator<Item = &Skipped>| {
            let reasons: Vec<_> = passed.map(ToString::to_string).collect();
            if reasons.is_empty() { "no folder is named".to_owned() } else { reasons.join("; ") }
        };
        match passed.iter().find(|passed| passed.fault) {
            Some(_) if self.cache_warned.swap(true, Ordering::Relaxed) => {}
            Some(fault) => self.report.mendable(
                format_args!("the cache cannot be used: {}", reasons(&mut passed.iter().filter(|passed| passed.fault))),
                format!("{}; until then each run asks STS, and for an MFA code where one is needed", fault.hint()),
            ),
            None => self.report.detail(format_args!("cache: not used: {}", reasons(&mut passed.iter()))),
        }
    }

    fn report_skipped(&self, directories: &[Skipped]) {
        for passed in directories {
            self.report.detail(format_args!("cache: passed over: {passed}"));
        }
    }

    /// What cannot be kept is of use to this run all the same.
    fn keep(&self, held: &mut LockGuard, key: &Key, obtained: &Obtained, asked: Duration) {
        let (entry, stamp) = entry(obtained, asked);
        if let Err(error) = held.keep(key, &entry, &stamp)
            && !self.cache_warned.swap(true, Ordering::Relaxed)
        {
            self.report.warning(format_args!("the session cannot be kept in the cache: {}", reason_of(&error)));
        }
    }

    /// The session's name in the cache; none when sessions of this source cannot be told apart.
    pub(crate) fn key(&self) -> Option<Key> {
        self.key_by(|source, around, reach| Key::of_role(source, around, reach, &self.plan.hops))
    }

    /// A key of this plan's source and of the way to STS, and of what `make` adds.
    fn key_by(&self, make: impl FnOnce(&Source, &Surroundings, Reach<'_>) -> Key) -> Option<Key> {
        let (plan, flags) = (self.plan, &self.settings.sts);
        let profile = plan.profile.as_deref();
        let configured = profile.map(|name| exported_settings(&self.files.profiles, name)).unwrap_or_default();
        match surroundings(&plan.source, self.vars, &configured) {
            Ok(around) => {
                let reach = Reach {
                    region: plan.region.as_ref().map(|region| region.name.as_str()),
                    endpoint: flags.endpoint.as_deref().or(plan.network.endpoint_url.as_deref()),
                    fips: plan.network.fips,
                    dualstack: plan.network.dualstack,
                };
                Some(make(&plan.source, &around, reach))
            }
            Err(reason) => {
                self.report.detail(format_args!("cache: not used: {reason}"));
                None
            }
        }
    }

    /// Notices when this run is part of the answer that it would wait for.
    fn check_circle(&self, key: &Key) -> Result<(), Error> {
        let held = self.vars.text(HELD).unwrap_or_default();
        if held.split(' ').any(|held| held == key.as_str()) {
            return Err(Error::Missing {
                what: "obtain the session",
                reason: "this xassume was started to help obtain the very session that it is to obtain".into(),
                hint: "in a credential_process, give xassume another profile as its source: --profile NAME",
            });
        }
        Ok(())
    }

    /// Asks STS, with source credentials that are resolved anew; `held` is locked meanwhile.
    async fn ask(&self, limit: Duration, attempts: u32, held: Option<&Key>) -> Result<Obtained, Error> {
        let obtain = async |sts: &Sts<'_>| contained(Box::pin(sts.obtain())).await;
        self.with_sts(limit, attempts, held, obtain).await?.unwrap_or_else(|_| {
            Err(Error::System { what: "obtain a session", reason: "an internal error, reported above".into() })
        })
    }

    /// Puts together all that calls to STS take.
    async fn with_sts<T>(
        &self,
        limit: Duration,
        attempts: u32,
        held: Option<&Key>,
        steps: impl AsyncFnOnce(&Sts<'_>) -> T,
    ) -> Result<T, Error> {
        let network = self.network()?;
        let environment = helper_environment(self.vars, self.depth, held);
        let helpers = Helpers { environment: &environment, attendance: self.codes.attendance() };
        let kept = Kept { sessions: self };
        let mfa = Mfa { codes: self.codes, sessions: &kept, session_duration: self.settings.mfa.session_duration };
        let limits_programs = self.settings.sts.timeout_given;
        let Self { plan, vars, report, progress, .. } = *self;
        let sts =
            Sts { plan, network: &network, helpers, mfa, attempts, limit, limits_programs, vars, report, progress };
        Ok(steps(&sts).await)
    }

    /// How STS is reached: flags before the plan's variables and profile. Certificates are read anew for each session.
    fn network(&self) -> Result<Network, Error> {
        let (flags, plan) = (&self.settings.sts, &self.plan.network);
        let ca_bundle = match flags.ca_bundle.as_ref().or(plan.ca_bundle.as_ref()) {
            Some(path) => Some(read_bundle(path).map_err(|error| match error {
                BundleError::Unreadable(reason) => {
                    Error::File { what: "the certificates in".into(), path: path.clone(), reason }
                }
                BundleError::Unusable(reason) => Error::Certificates { path: path.clone(), reason },
            })?),
            None => None,
        };
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

/// What programs that xassume runs for itself inherit: everything, with the depth counted on.
pub(crate) fn helper_environment(vars: &Vars, depth: u32, held: Option<&Key>) -> Vec<CString> {
    let others = vars.iter().filter(|(name, _)| *name != "XASSUME_DEPTH" && *name != HELD);
    let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let outer = vars.text(HELD).into_iter().chain(held.map(Key::as_str));
    let held = outer.collect::<Vec<_>>().join(" ");
    let held = (!held.is_empty()).then(|| (HELD.into(), held.into()));
    c_strings(others.chain([("XASSUME_DEPTH".into(), depth.to_string().into())]).chain(held))
}

/// Variables as execve(2) takes them. None can hold a NUL byte: they come from such a list, or from text without one.
pub(crate) fn c_strings(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<CString> {
    let joined = variables.into_iter().map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        name.into_vec()
    });
    joined.filter_map(|variable| CString::new(variable).ok()).collect()
}

/// The session as the cache keeps it.
fn entry(obtained: &Obtained, asked: Duration) -> (Entry, Stamp) {
    let now = Moment::now();
    let Obtained { session, instance_region, asked: _ } = obtained;
    let Session { keys, validity, assumed_role_arn } = session.clone();
    let entry = Entry { keys, validity, arn: assumed_role_arn, region: instance_region.clone() };
    let boot_id = now.boot_id.unwrap_or_default();
    (entry, Stamp { boot_id, asked, answered: now.boottime, wall: now.wall })
}

fn obtained(found: Found) -> Obtained {
    let Entry { keys, validity, arn, region } = found.entry;
    let session = Session { keys, validity, assumed_role_arn: arn };
    Obtained { session, instance_region: region, asked: None }
}
