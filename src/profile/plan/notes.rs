//! The notes about settings that are ignored.

use super::Planner;
use super::selected::NamedBy;
use crate::event::Ignored;

impl Planner<'_> {
    pub(super) fn note(&mut self, setting: impl std::fmt::Display, reason: impl Into<String>) {
        self.notes.push(Ignored::new(setting, reason));
    }

    /// Adds a note for `AWS_PROFILE` or `AWS_DEFAULT_PROFILE` if a variable with precedence names another profile.
    pub(super) fn note_names(&mut self) {
        let NamedBy::Variable(chosen) = self.selected.by else { return };
        for other in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            let name = self.selected.name;
            if let Some(passed_over) = self.vars.text(other).filter(|other| *other != name) {
                self.note(format_args!("{other}={passed_over}"), format!("conflicts with {chosen}={name}"));
            }
        }
    }

    /// Adds a note that the source credentials do not come from the profile. There is no note if no profile was named and
    /// `[default]` has no role.
    pub(super) fn note_source_passed_over(&mut self, reason: impl Into<String>) {
        if self.selected.by != NamedBy::Default || self.profile_has_role() {
            let name = self.selected.name;
            self.note(format_args!("profile {name} as source"), reason);
        }
    }
}
