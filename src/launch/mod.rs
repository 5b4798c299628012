//! What a run has worked out before there is a session, and what follows from it: sessions, the environment.

pub(crate) mod delivery;
pub(crate) mod refresh;
pub(crate) mod sessions;

use crate::deliver::environment::{self, Change, Delivery, Inputs, Recipient};
use crate::error::{Error, reason_of};
use crate::event::Event;
use crate::files::{self, ConfigFiles};
use crate::launch::sessions::{Outage, Sessions, c_strings, helper_environment};
use crate::mfa::{Codes, KeptInProcess, mode};
use crate::profile::{Plan, exported_settings, plan};
use crate::report::{Progress, Report};
use crate::session::{Need, Session, Validity};
use crate::settings::Settings;
use crate::sts::{self, Obtained};
use crate::vars::Vars;
use std::ffi::CString;
use std::sync::atomic::AtomicBool;
use tokio::runtime::{Builder, Runtime};

/// The most xassumes that may lie around one another; more are a `credential_process` that calls itself.
const MOST_DEPTH: u32 = 8;

/// The environment that xassume was given, and what follows from it for others.
pub(crate) struct Inherited<'a> {
    vars: &'a Vars,
    /// How deep the command will be nested.
    depth: u32,
    /// What programs that xassume runs for itself inherit.
    for_helpers: Vec<CString>,
}

impl<'a> Inherited<'a> {
    /// # Errors
    /// When too many xassumes lie around this one.
    pub(crate) fn new(vars: &'a Vars) -> Result<Self, Error> {
        let depth = depth(vars)?;
        Ok(Self { vars, depth, for_helpers: helper_environment(vars, depth, None) })
    }
}

/// One run, ready to ask STS.
pub(crate) struct Launch<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) vars: &'a Vars,
    pub(crate) report: Report,
    pub(crate) files: ConfigFiles,
    pub(crate) plan: Plan,
    pub(crate) depth: u32,
    /// The MFA codes of this run.
    pub(crate) codes: Codes<'a>,
    /// The MFA sessions of this run.
    pub(crate) bought: KeptInProcess,
    /// Whether the user was warned of the cache in this run.
    pub(crate) cache_warned: AtomicBool,
    /// What is waited for, as long as the command does not have the terminal.
    pub(crate) progress: Progress,
}

impl<'a> Launch<'a> {
    /// Reads the config files, decides the plan, and checks whatever can be checked without a call.
    ///
    /// # Errors
    /// What is missing or wrong in the environment, the files or the flags.
    pub(crate) fn prepare(settings: &'a Settings, inherited: &'a Inherited<'a>, report: Report) -> Result<Self, Error> {
        let files = files::read(inherited.vars)?;
        let plan = plan(&settings.request, &files.profiles, inherited.vars);
        // A plan that is made has them as its own.
        let plan = plan.inspect_err(|_| files.profiles.notes().iter().for_each(|note| report.detail(note)))?;
        Self::planned(settings, inherited, report, files, plan)
    }

    /// The launch of a plan that was decided already.
    ///
    /// # Errors
    /// A code that does not go with the plan, or that standard input should have held.
    pub(crate) fn planned(
        settings: &'a Settings,
        inherited: &'a Inherited<'a>,
        report: Report,
        files: ConfigFiles,
        plan: Plan,
    ) -> Result<Self, Error> {
        let Inherited { vars, depth, for_helpers } = inherited;
        for warning in &settings.warnings {
            report.warning(warning);
        }
        report.plan(&plan, settings, || sts::endpoint(&plan, settings.sts.endpoint.as_deref(), None));
        let device = mode::device(&plan.hops).map(|(_, _, serial)| serial);
        let codes = Codes::new(&settings.mfa.code, device, for_helpers)?;
        let (bought, cache_warned, progress) = (KeptInProcess::default(), AtomicBool::default(), report.progress());
        Ok(Self { settings, vars, report, files, plan, depth: *depth, codes, bought, cache_warned, progress })
    }

    /// A session that nobody will refresh: for a command that xassume becomes, or to print. From the cache without a
    /// runtime.
    ///
    /// # Errors
    /// The source's failure, STS's, or a session in another account than the expected one.
    pub(crate) fn session(&self) -> Result<Obtained, Error> {
        let sessions = self.sessions(&self.plan, &self.files)?;
        let need = sessions.need(Need::ThreeQuarters);
        if let Some(cached) = sessions.cached(need) {
            return self.checked(cached);
        }
        let runtime = runtime()?;
        let obtained = runtime.block_on(self.progress.beside(Box::pin(sessions.obtain(need, Outage::Bridge))));
        // The runtime lives no longer than the call. A name that is still being resolved would hold up a plain drop.
        runtime.shutdown_background();
        self.checked(obtained?)
    }

    /// The first session for a command that xassume stays with, with as much left as it usually `need`s.
    ///
    /// # Errors
    /// As for [`Self::session`].
    pub(crate) async fn first_session(&self, need: Need) -> Result<Obtained, Error> {
        let sessions = self.sessions(&self.plan, &self.files)?;
        let need = sessions.need(need);
        let obtained = match sessions.cached(need) {
            Some(cached) => cached,
            None => self.progress.beside(Box::pin(sessions.obtain(need, Outage::Bridge))).await?,
        };
        self.checked(obtained)
    }

    /// A session for a refresh, with everything read anew: rotated keys, a new login, an edited profile. Nobody is asked
    /// for anything any more, though the first session may have come from the cache.
    ///
    /// # Errors
    /// As for the first one; and what became wrong in the files since.
    pub(crate) async fn next_session(&self) -> Result<Obtained, Error> {
        self.codes.end_of_start();
        let files = files::read(self.vars)?;
        let plan = plan(&self.settings.request, &files.profiles, self.vars)?;
        self.checked(self.sessions(&plan, &files)?.obtain(Need::ThreeQuarters, Outage::Fail).await?)
    }

    pub(crate) fn sessions<'s>(&'s self, plan: &'s Plan, files: &'s ConfigFiles) -> Result<Sessions<'s>, Error> {
        Sessions::new(self, plan, files)
    }

    fn checked(&self, obtained: Obtained) -> Result<Obtained, Error> {
        self.settings.check_account(&obtained.session)?;
        Ok(obtained)
    }

    /// The command's environment, with this session delivered in this way.
    pub(crate) fn environment(&self, obtained: &Obtained, delivery: Delivery<'_>, mode: Recipient) -> Vec<CString> {
        let profile_settings = self.profile_settings();
        c_strings(environment::environment(&self.inputs(obtained, delivery, mode, &profile_settings)))
    }

    /// The difference between the inherited environment and a command's, for somebody else to make.
    pub(crate) fn change(&self, obtained: &Obtained) -> Change {
        let profile_settings = self.profile_settings();
        environment::change(&self.inputs(obtained, Delivery::Env, Recipient::Print, &profile_settings))
    }

    /// The region that goes with the session; none where one was used only to reach STS.
    pub(crate) fn region<'s>(&'s self, obtained: &'s Obtained) -> Option<&'s str> {
        let region = self.plan.region.as_ref().map(|region| region.name.as_str());
        region.or(obtained.instance_region.as_deref())
    }

    /// What the used profile configures besides identity.
    fn profile_settings(&self) -> Vec<(String, String)> {
        let used = self.plan.profile.as_deref();
        used.map(|name| exported_settings(&self.files.profiles, name)).unwrap_or_default()
    }

    fn inputs<'s>(
        &'s self,
        obtained: &'s Obtained,
        delivery: Delivery<'s>,
        mode: Recipient,
        profile_settings: &'s [(String, String)],
    ) -> Inputs<'s> {
        Inputs {
            inherited: self.vars,
            session: &obtained.session,
            region: self.region(obtained),
            delivery,
            mode,
            depth: self.depth,
            profile_settings,
            keep: &self.settings.delivery.keep,
        }
    }
}

/// What there is to tell of a first session.
pub(crate) fn assumed(session: &Session) -> Event {
    let Validity { expiration, lifetime, .. } = session.validity;
    Event::Assumed { role: session.assumed_role_arn.clone(), expiration, lifetime }
}

/// A runtime on this thread alone.
///
/// # Errors
/// When the system has no descriptors left.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Error::Exhausted { what: "start", reason: reason_of(&error) })
}

/// How deep the command will be nested.
fn depth(vars: &Vars) -> Result<u32, Error> {
    let outer = vars.text("XASSUME_DEPTH").and_then(|depth| depth.parse().ok()).unwrap_or(0_u32);
    if outer >= MOST_DEPTH {
        return Err(Error::Missing {
            what: "start",
            reason: format!("xassume is nested {outer} deep (XASSUME_DEPTH)"),
            hint: "does a credential_process, or the command itself, call xassume in a circle?",
        });
    }
    Ok(outer + 1)
}
