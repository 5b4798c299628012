//! The command's environment, and the change that `--print` writes.

use super::Launch;
use crate::deliver::environment::{self, CommandCredentials, Inputs, Recipient};
use crate::print::EnvironmentChange;
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
        let profile_settings = self.planned.profile_settings();
        let inputs = self.inputs(session, instance_region, &profile_settings);
        c_strings(environment::environment(&Inputs { credentials, recipient, ..inputs }))
    }

    /// The difference between the inherited environment and a command's, for a reader that makes the change itself.
    pub(crate) fn change(&self, session: &Session, instance_region: Option<&str>) -> EnvironmentChange {
        let profile_settings = self.planned.profile_settings();
        environment::change(&self.inputs(session, instance_region, &profile_settings))
    }

    /// The region for the command; none where one was used only to reach STS.
    pub(crate) fn region<'s>(&'s self, instance_region: Option<&'s str>) -> Option<&'s str> {
        self.planned.plan.region.as_ref().map(|region| region.name.as_str()).or(instance_region)
    }

    /// What a command's environment consists of, with the session in variables.
    fn inputs<'s>(
        &'s self,
        session: &'s Session,
        instance_region: Option<&'s str>,
        profile_settings: &'s [(String, String)],
    ) -> Inputs<'s> {
        Inputs {
            inherited: self.context.vars,
            session,
            region: self.region(instance_region),
            credentials: CommandCredentials::Env,
            recipient: Recipient::Print,
            depth: self.context.depth,
            profile_settings,
            keep: &self.context.settings.delivery.keep,
        }
    }
}
