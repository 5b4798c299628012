//! How a source of credentials or tokens answered.

/// How a source that gave no credentials answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The source gave no answer.
    None,
    /// The source answered, but without credentials. The field is the HTTP status, if the answer has one.
    Refused(Option<u16>),
}

impl Answer {
    /// Checks whether a later request may get a different answer.
    pub(super) fn is_outage(self) -> bool {
        match self {
            Self::None => true,
            Self::Refused(status) => status.is_some_and(is_passing),
        }
    }
}

/// Checks whether a service that answers with this HTTP status may answer differently later.
pub(crate) fn is_passing(status: u16) -> bool {
    status == 429 || status >= 500
}
