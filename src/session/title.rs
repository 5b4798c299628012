//! The label, account and role of a session, for lists and messages.

/// The label of a session, its account and its role. None of them is secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Title {
    /// The value of `XASSUME_LABEL`.
    pub(crate) label: String,
    /// `None` if the account is not known.
    pub(crate) account: Option<String>,
    /// The name of the role, without its path. `None` if no role is known, as for an MFA session.
    pub(crate) role: Option<String>,
}
