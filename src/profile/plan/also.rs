//! The plans for the sessions of `--also`.

use super::super::draft::Draft;
use super::super::hops::finish;
use super::super::label::label_of;
use super::super::request::{AlsoRole, Request};
use super::{Plan, Planner};
use crate::error::ConfigError;
use crate::flags::{DURATION, ROLE_SESSION_NAME};
use crate::role::HopOptions;
use crate::vars::Vars;

impl Planner<'_> {
    /// Fails if the plan is for the role of a profile, and the profile has none.
    pub(super) fn require_role(&self) -> Result<(), ConfigError> {
        if self.request.also == Some(AlsoRole::OfProfile) && !self.profile_has_role() {
            return Err(ConfigError::AlsoWithoutRole { profile: self.selected.name.to_owned() });
        }
        Ok(())
    }
}

impl Plan {
    /// Returns the plan for the session of `--also` that is requested, or this plan if none is requested. A given role is
    /// assumed with the same source credentials. Of the flags that are parameters of `AssumeRole`, only `--duration` and
    /// the session name apply to it.
    pub(super) fn of_also(self, request: &Request, vars: &Vars) -> Result<Self, ConfigError> {
        let Some(AlsoRole::Given(role)) = &request.also else { return Ok(self) };
        let last = self.hops.last();
        let options = HopOptions { duration: request.options.duration, ..HopOptions::default() };
        let mut request = Request {
            options,
            session_name: last.map(|last| last.session_name.clone()).or(request.session_name.clone()),
            ..request.clone()
        };
        request.origins.retain(|origin| [&DURATION, &ROLE_SESSION_NAME].contains(&origin.flag()));
        let mut notes = Vec::new();
        let hops = finish(vec![Draft::plain(role.clone())], self.source.is_web_identity(), &request, vars, &mut notes)?;
        let label = label_of(hops.last(), "");
        Ok(Self { hops, label, notes, inherits_role: false, device: None, mfa_process: None, ..self })
    }
}
