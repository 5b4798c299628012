//! The command's environment, and the changes to the environment that `--print` writes.

use super::Launch;
use crate::deliver::environment::{self, CommandCredentials, Inputs, Recipient};
use crate::print::EnvironmentChange;
use crate::session::Session;
use crate::vars::c_strings;
use std::ffi::CString;

impl Launch<'_> {
    /// Returns the environment for a command that gets this session.
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

    /// Returns the changes that turn the inherited environment into the environment of a command. The reader of the
    /// output of `--print` applies these changes itself.
    pub(crate) fn change(&self, session: &Session, instance_region: Option<&str>) -> EnvironmentChange {
        let profile_settings = self.planned.profile_settings();
        environment::change(&self.inputs(session, instance_region, &profile_settings))
    }

    /// Returns the region for the command. Returns `None` if no region is configured and the source returned none. A
    /// region that was chosen only to reach STS is not returned.
    pub(crate) fn region<'s>(&'s self, instance_region: Option<&'s str>) -> Option<&'s str> {
        self.planned.plan.region.as_ref().map(|region| region.name.as_str()).or(instance_region)
    }

    /// Returns what a command's environment is made of, with the session in environment variables.
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
