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
        region: Option<&str>,
        credentials: CommandCredentials<'_>,
        recipient: Recipient<'_>,
    ) -> Vec<CString> {
        let profile_settings = self.planned.profile_settings();
        let inputs = self.inputs(session, region, &profile_settings);
        c_strings(environment::environment(&Inputs { credentials, recipient, ..inputs }))
    }

    /// Returns the changes that turn the inherited environment into the environment of a command. `--print` writes
    /// these changes, and the program that reads them applies them.
    pub(crate) fn change(&self, session: &Session, instance_region: Option<&str>) -> EnvironmentChange {
        let profile_settings = self.planned.profile_settings();
        environment::change(&self.inputs(session, self.region(instance_region), &profile_settings))
    }

    /// Returns the region for the command: the configured region, or else the region of the EC2 instance. Returns
    /// `None` if there is neither. xassume may then have chosen a region for its own calls to STS, but the command does
    /// not get that one.
    pub(crate) fn region<'s>(&'s self, instance_region: Option<&'s str>) -> Option<&'s str> {
        self.planned.plan.region.as_ref().map(|region| region.name.as_str()).or(instance_region)
    }

    /// Returns the values from which a command's environment is made, for a session in environment variables.
    fn inputs<'s>(
        &'s self,
        session: &'s Session,
        region: Option<&'s str>,
        profile_settings: &'s [(String, String)],
    ) -> Inputs<'s> {
        Inputs {
            inherited: self.context.vars,
            session,
            label: &self.planned.plan.label,
            region,
            credentials: CommandCredentials::Env { config_file: None },
            recipient: Recipient::Print,
            depth: self.context.depth,
            profile_settings,
            isolate: self.context.settings.delivery.isolate,
            sockets: &self.socket_variables,
            keep: &self.context.settings.delivery.keep,
        }
    }
}
