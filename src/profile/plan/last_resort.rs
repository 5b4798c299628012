//! The container and the EC2 instance, which are the source if nothing else has credentials.

use super::super::metadata::{Metadata, metadata};
use super::super::source::{self, Source};
use super::Planner;
use crate::error::ConfigError;

impl Planner<'_> {
    /// Returns the container, or else the EC2 instance, or `None` if neither is available.
    pub(super) fn surroundings(&self) -> Option<Source> {
        if source::has_container(self.vars) {
            Some(Source::Container)
        } else {
            source::has_instance_metadata(self.vars).then_some(Source::InstanceMetadata)
        }
    }

    /// Returns the settings for requests to instance metadata. If instance metadata is only the last resort, the settings
    /// contain the sources that were tried before. `named` says that the profile names instance metadata, which is then
    /// not the last resort.
    pub(super) fn metadata(&self, source: &Source, named: bool) -> Result<Metadata, ConfigError> {
        if *source != Source::InstanceMetadata {
            return Ok(Metadata::default());
        }
        let last_resort = (!named && !self.profile_has_role()).then(|| self.selected.tried(self.profiles, None));
        Ok(Metadata { last_resort, ..metadata(&self.settings())? })
    }
}
