//! Errors of a sign-in to IAM Identity Center.

use super::quoted;
use std::path::PathBuf;
use thiserror::Error;

/// Identifies a token without revealing it: the first bytes of its hash.
pub(crate) type TokenId = [u8; 8];

/// Why a sign-in failed.
#[derive(Debug, Error)]
pub(crate) enum SignInFailure {
    #[error("the request was denied in the browser")]
    Denied,
    #[error("the code has expired")]
    CodeExpired,
    /// The service named a page that is neither https nor on this host, or that cannot be shown.
    #[error("the sign-in page is not an https URL of at most 2048 printable ASCII characters: {}", quoted(.0))]
    UnsafeUrl(String),
    #[error("{0}")]
    Unanswered(String),
    /// The service refused a request or sent an invalid answer.
    #[error("{0}")]
    Failed(String),
    /// The token cannot be stored.
    #[error("cannot write {}: {reason}", .path.display())]
    NotStored { path: PathBuf, reason: String },
}
