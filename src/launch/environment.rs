//! The command's environment, and the change that `--print` writes.

use super::Launch;
use crate::deliver::environment::{self, CommandCredentials, Inputs, Recipient};
use crate::print::EnvironmentChange;
use crate::profile::exported_settings;
use crate::session::Session;
use crate::vars::c_strings;
use std::ffi::CString;

impl Launch<'_> {
    /// The command's environment with this session.
    pub(crate) fn environment(
        &self,
        session: &Session,
        instance_region: Option<&str>,
        credentials: CommandCredentials<'_>,
        recipient: Recipient,
    ) -> Vec<CString> {
        let profile_settings = self.profile_settings();
        let inputs = self.inputs(session, &profile_settings);
        let region = self.region(instance_region);
        c_strings(environment::environment(&Inputs { region, credentials, recipient, ..inputs }))
    }

    /// The difference between the inherited environment and a command's, for a reader that makes the change itself.
    pub(crate) fn change(&self, session: &Session, instance_region: Option<&str>) -> EnvironmentChange {
        let profile_settings = self.profile_settings();
        let inputs = self.inputs(session, &profile_settings);
        environment::change(&Inputs { region: self.region(instance_region), ..inputs })
    }

    /// The region for the command; none where one was used only to reach STS.
    pub(crate) fn region<'s>(&'s self, instance_region: Option<&'s str>) -> Option<&'s str> {
        self.planned.plan.region.as_ref().map(|region| region.name.as_str()).or(instance_region)
    }

    /// The settings other than credentials of the profile that is used.
    fn profile_settings(&self) -> Vec<(String, String)> {
        let used = self.planned.plan.profile.as_deref();
        used.map(|name| exported_settings(&self.planned.files.profiles, name)).unwrap_or_default()
    }

    fn inputs<'s>(&'s self, session: &'s Session, profile_settings: &'s [(String, String)]) -> Inputs<'s> {
        Inputs {
            inherited: self.context.vars,
            session,
            region: None,
            credentials: CommandCredentials::Env,
            recipient: Recipient::Print,
            depth: self.context.depth,
            profile_settings,
            keep: &self.context.settings.delivery.keep,
        }
    }
}
