//! The sessions of `--also`.

use super::sessions::Sessions;
use super::{Launch, Planned};
use crate::deliver::config_copy::{self, OtherProfile};
use crate::error::{Error, MfaError, MfaFailure};
use crate::mfa::CodeSource;
use crate::mfa::mode::{KeyKind, MfaMode, code_source, device, mfa_mode};
use crate::profile::{AlsoRole, Plan, plan};
use crate::report::Report;
use crate::settings::{Also, Settings};
use crate::supervise::ports::SessionId;
use crate::sys::tty::Terminal;
use crate::vars::Vars;
use std::iter::once;
use std::sync::atomic::Ordering;

/// The regions of the sessions in the order of their IDs. `None` for a session without a region.
pub(crate) type Regions = Vec<Option<String>>;

impl<'a> Launch<'a> {
    /// Prepares the launches for the sessions of `--also`. `default` belongs to the default session.
    ///
    /// # Errors
    /// The same errors as for [`Launch::prepare`]. Also fails if a session needs an MFA code that cannot be given.
    pub(super) fn others(
        settings: &'a Settings,
        vars: &'a Vars,
        report: Report,
        default: &Planned,
    ) -> Result<Vec<Self>, Error> {
        let other = |Also { profile, settings: own }: &'a Also| {
            let files = default.files.clone();
            let mut plan = plan(&own.request, &files.profiles, vars)?;
            plan.notes.retain(|note| !default.plan.notes.contains(note));
            let shares_code = uses_same_mfa_session(&default.plan, &plan);
            let launch = Self::one(profile, own, vars, report, Planned { files, plan })?;
            if !shares_code {
                launch.check_code(&settings.mfa.code).map_err(|error| launch.named(error))?;
            }
            Ok(launch)
        };
        settings.also.iter().map(other).collect()
    }

    /// Returns the launches for the sessions of `--also`, one after the other. Each must be used before the next one is
    /// taken, because it gets the MFA session that an earlier one may have fetched.
    pub(crate) fn others_in_turn(&self) -> impl Iterator<Item = &Self> {
        self.others.iter().zip(once(self).chain(&self.others)).map(|(other, earlier)| {
            let (state, earlier) = (&other.context, &earlier.context);
            state.mfa_sessions.replace(earlier.mfa_sessions.stored());
            state.cache_warned.store(earlier.cache_warned.load(Ordering::Relaxed), Ordering::Relaxed);
            other
        })
    }

    /// Fails if this session needs an MFA code, and no one can be given. `of_default` is where the code of the default
    /// session comes from.
    fn check_code(&self, of_default: &CodeSource) -> Result<(), Error> {
        let (plan, settings) = (&self.planned.plan, self.context.settings);
        let Some((_, serial)) = device(plan).filter(|_| !code_source(plan, &settings.mfa).is_program()) else {
            return Ok(());
        };
        let has_one_code = matches!(of_default, CodeSource::Typed(_) | CodeSource::StandardInput);
        let reason = if has_one_code {
            "--mfa-token has only one code, for the first role"
        } else if Terminal::of_the_user().is_none() {
            "xassume was not started from a terminal"
        } else {
            return Ok(());
        };
        if Sessions::new(&self.context, &self.planned)?.are_stored() {
            return Ok(());
        }
        Err(MfaError { serial: serial.to_string(), kind: MfaFailure::NoTerminal { reason: reason.into() } }.into())
    }

    /// Returns the launch for the session with this ID.
    pub(crate) fn of(&self, id: SessionId) -> &Self {
        id.0.checked_sub(1).map_or(self, |place| &self.others[place])
    }

    /// Returns the names of the command's profiles, in the order of the IDs of their sessions.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = &'static str> {
        once(self).chain(&self.others).map(|launch| launch.profile)
    }

    /// Returns the error, with the profile if this is a session of `--also`.
    pub(crate) fn named(&self, error: Error) -> Error {
        match self.context.settings.request.also {
            Some(_) => Error::OfProfile { profile: self.profile, error: Box::new(error) },
            None => error,
        }
    }

    /// Returns the command's copy of the config file, which contains no credentials.
    pub(crate) fn config_copy(&self, regions: &Regions) -> Vec<u8> {
        let region =
            |at: usize, launch: &Self| match (&launch.planned.plan.region, &launch.context.settings.request.also) {
                // The region is one of the settings of the profile.
                (Some(_), Some(AlsoRole::OfProfile) | None) => None,
                (Some(_), Some(AlsoRole::Given(_))) | (None, _) => regions.get(at)?.clone(),
            };
        let others = self.others.iter().enumerate().map(|(at, other)| {
            let used = match other.context.settings.request.also {
                Some(AlsoRole::OfProfile) => other.planned.used_profiles(),
                Some(AlsoRole::Given(_)) | None => Vec::new(),
            };
            OtherProfile { name: other.profile, used, region: region(at + 1, other) }
        });
        let used = self.planned.used_profiles();
        config_copy::filter(&self.planned.files.config_text, (&used, region(0, self)), &others.collect::<Vec<_>>())
    }

    /// Returns the regions of the sessions before there are sessions, so those of EC2 instances are missing.
    pub(crate) fn known_regions(&self) -> Regions {
        once(self).chain(&self.others).map(|launch| launch.region(None).map(str::to_owned)).collect()
    }
}

/// Returns the region for the variables of the command: that of the default session. Returns `None` if another session has
/// another region, because SDKs would use the region in the variable for each profile. The command then finds all regions
/// in its config file.
pub(super) fn region_variable(regions: &Regions) -> Option<&str> {
    let mut known = regions.iter().flatten();
    let default = regions.first()?.as_deref()?;
    known.all(|region| region == default).then_some(default)
}

/// Checks whether both sessions are made from the same MFA session, so that one code is enough.
fn uses_same_mfa_session(default: &Plan, other: &Plan) -> bool {
    let uses_session = |plan: &Plan| {
        let keys = KeyKind::expected(&plan.source).unwrap_or(KeyKind::LongTerm);
        matches!(mfa_mode(plan, keys), MfaMode::Session(_))
    };
    let serial = |plan| device(plan).map(|(_, serial)| serial.clone());
    default.source == other.source && serial(default) == serial(other) && uses_session(default) && uses_session(other)
}
