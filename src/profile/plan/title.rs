//! The label, account and role of a plan's session, for lists and messages.

use super::super::source::Source;
use super::Plan;
use crate::session::Title;

impl Plan {
    /// Returns what identifies the session of this plan.
    pub(crate) fn title(&self) -> Title {
        let role = self.hops.last().map(|hop| &hop.role);
        let (account, name) = match (role, &self.source) {
            (Some(role), _) => (Some(role.account()), Some(role.name())),
            (None, Source::Sso { role_name, .. }) => (self.source.account(), Some(role_name.as_str())),
            (None, source) => (source.account(), None),
        };
        Title { label: self.label.clone(), account: account.map(str::to_owned), role: name.map(str::to_owned) }
    }
}
