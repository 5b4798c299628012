//! What authenticates a call to STS.

use super::source::web_identity::Tokens;
use crate::session::Keys;
use std::rc::Rc;

/// What authenticates a call to STS.
#[derive(Debug, Clone)]
pub(super) enum Proof<'a> {
    Keys(Keys),
    /// A web identity token, which is a new one in each request. The requests are not signed.
    Tokens(Rc<Tokens<'a>>),
}

impl Proof<'_> {
    pub(super) fn keys(&self) -> Option<&Keys> {
        match self {
            Self::Keys(keys) => Some(keys),
            Self::Tokens(_) => None,
        }
    }
}
