//! The sessions of `--also`.

use super::{Launch, Planned};
use crate::deliver::config_copy::{self, OtherProfile};
use crate::error::Error;
use crate::files;
use crate::mfa::CodeSource;
use crate::mfa::mode::{KeyKind, MfaMode, code_source, device, mfa_mode};
use crate::profile::{AlsoRole, DEFAULT, Plan, plan};
use crate::report::Report;
use crate::settings::{Also, Settings};
use crate::supervise::ports::SessionId;
use crate::vars::Vars;
use std::iter::once;
use std::sync::atomic::Ordering;

impl<'a> Launch<'a> {
    /// Prepares the launches for the sessions of `--also`. `default` belongs to the default session.
    ///
    /// # Errors
    /// The same errors as for [`Launch::prepare`]. Also fails if two sessions need the code of `--mfa-token`.
    pub(super) fn others(
        settings: &'a Settings,
        vars: &'a Vars,
        report: Report,
        default: &Planned,
    ) -> Result<Vec<Self>, Error> {
        let other = |Also { profile, settings: own }: &'a Also| {
            let files = files::read(vars)?;
            let mut plan = plan(&own.request, &files.profiles, vars)?;
            plan.notes.retain(|note| !default.plan.notes.contains(note));
            if needs_second_code((settings, &default.plan), (own, &plan)) {
                return Err(Error::Conflict {
                    message: format!("profile {profile} (--also) needs another MFA code than that of --mfa-token"),
                    hint: "use --mfa-command, or mfa_process in the profile".into(),
                });
            }
            Self::one(Some(profile), own, vars, report, Planned { files, plan })
        };
        settings.also.iter().map(other).collect()
    }

    /// Returns the launch for a session.
    pub(crate) fn of(&self, id: SessionId) -> &Self {
        id.0.checked_sub(1).map_or(self, |place| &self.others[place])
    }

    /// Returns the names of the command's profiles, in the order of the IDs of their sessions.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = &'a str> {
        once(DEFAULT).chain(self.others.iter().filter_map(|other| other.profile))
    }

    /// Takes over what an earlier launch of this run has found out. Must be called before the first session.
    pub(crate) fn follow(&self, earlier: &Self) {
        self.context.mfa_sessions.replace(earlier.context.mfa_sessions.stored());
        self.context.cache_warned.store(earlier.context.cache_warned.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Returns the command's copy of the config file, which contains no credentials.
    pub(crate) fn config_copy(&self) -> Vec<u8> {
        let others = self.others.iter().filter_map(|other| {
            let (used, region) = match other.context.settings.request.also {
                Some(AlsoRole::OfProfile) => (other.planned.used_profiles(), None),
                Some(AlsoRole::Given(_)) | None => (Vec::new(), other.region(None)),
            };
            Some(OtherProfile { name: other.profile?, used, region })
        });
        let others: Vec<_> = others.collect();
        config_copy::filter(&self.planned.files.config_text, &self.planned.used_profiles(), &others)
    }

    /// Returns the region for the variables of the command, as [`Self::region`] does. Returns `None` if a profile of
    /// `--also` has another region, because SDKs would use the region in the variable for that profile, too. The command
    /// then finds all regions in its config file.
    pub(crate) fn region_variable<'s>(&'s self, instance_region: Option<&'s str>) -> Option<&'s str> {
        let own = self.planned.plan.region.as_ref().map(|region| &region.name);
        let other = |other: &Self| other.planned.plan.region.as_ref().map(|region| &region.name) != own;
        self.region(instance_region).filter(|_| own.is_none() || !self.others.iter().any(other))
    }
}

/// Checks whether another session needs an MFA code, but the only code is that of `--mfa-token`, which is for the default
/// session. If both sessions use the same MFA session, one code is enough.
fn needs_second_code(default: (&Settings, &Plan), other: (&Settings, &Plan)) -> bool {
    let has_one_code = matches!(default.0.mfa.code, CodeSource::Typed(_) | CodeSource::StandardInput);
    let uses_session = |plan: &Plan| {
        let keys = KeyKind::expected(&plan.source).unwrap_or(KeyKind::LongTerm);
        matches!(mfa_mode(plan, keys), MfaMode::Session(_))
    };
    let serial = |plan| device(plan).map(|(_, serial)| serial.clone());
    let is_shared = default.1.source == other.1.source
        && serial(default.1) == serial(other.1)
        && uses_session(default.1)
        && uses_session(other.1);
    has_one_code && device(other.1).is_some() && !code_source(other.1, &other.0.mfa).is_program() && !is_shared
}
