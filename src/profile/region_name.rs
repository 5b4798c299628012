//! Checks the names of Regions.

use crate::role::Invalid;

/// Checks the name of a Region. The name must be a label of a host name, as in botocore's `validate_region_name`. It
/// must be in lower case, because signatures contain it.
///
/// # Errors
/// Fails if the name is invalid.
pub(crate) fn region_name(text: &str) -> Result<String, Invalid> {
    let is_label = (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    let lower = text.to_ascii_lowercase();
    let invalid = Invalid::new("not a region name");
    match is_label {
        true if lower == text => Ok(lower),
        true if lower.contains('-') => Err(invalid.hint(format!("did you mean {lower}?"))),
        _ => Err(invalid.hint("regions look like eu-west-1 or us-gov-east-1")),
    }
}
