//! Finds out what an STS error means: converts its code and its message to a [`Refusal`].
//!
//! All functions here are pure. The codes and messages are those of the STS API reference and of the error messages
//! that AWS has published. An unknown message is shown unchanged.

use crate::error::{PolicyDenial, PolicyEffect, PolicyKind, Refusal};
use crate::session::{difference, parse_time};

/// Returns the refusal that a code and a message mean. STS has only a few codes, so the message is needed as well.
pub(crate) fn refusal(code: &str, message: &str) -> Refusal {
    // Some servers of AWS append `Exception` to an error code.
    match code.strip_suffix("Exception").unwrap_or(code) {
        "AccessDenied" if message.contains("invalid MFA one time pass code") => Refusal::MfaCode,
        "AccessDenied" if message.contains("MultiFactorAuthentication failed") => Refusal::MfaDevice,
        "AccessDenied" if message.contains("assumed by root accounts") => Refusal::RootUser,
        "AccessDenied" => Refusal::AccessDenied {
            caller: word_after(message, "User: ").filter(|caller| caller.starts_with("arn:")),
            action: word_after(message, "not authorized to perform: "),
            denial: denial(message),
        },
        "ExpiredToken" => Refusal::SourceExpired,
        "InvalidClientTokenId" | "UnrecognizedClient" => Refusal::SourceUnknown,
        "SignatureDoesNotMatch" | "RequestExpired" | "RequestTimeTooSkewed" => {
            Refusal::Signature { clock_off_secs: clock_off(message) }
        }
        "ValidationError" if message.contains("role chaining") => Refusal::DurationAboveChaining,
        "ValidationError" if message.contains("MaxSessionDuration") => Refusal::DurationAboveRole,
        "RegionDisabled" => Refusal::RegionDisabled,
        "MalformedPolicyDocument" => Refusal::BadPolicy,
        "PackedPolicyTooLarge" => Refusal::PackedPolicy,
        "InvalidIdentityToken" | "IDPRejectedClaim" => Refusal::TokenRejected,
        "Throttling" | "RequestLimitExceeded" | "TooManyRequests" => Refusal::Throttled,
        _ => Refusal::Other,
    }
}

/// Returns the policy that the message of a denial names in `because no TYPE policy allows the ACTION action`, or in
/// `with an explicit deny in a TYPE policy`. If the message names several policies, the first one is returned. Returns
/// `None` if the message names no known policy.
fn denial(message: &str) -> Option<PolicyDenial> {
    let (effect, named) = match (message.split_once("because no "), message.split_once("explicit deny in ")) {
        (Some((_, rest)), _) => (PolicyEffect::NoAllow, rest.split(" allow").next()?),
        (None, Some((_, rest))) => (PolicyEffect::Deny, rest),
        (None, None) => return None,
    };
    let kinds = [
        ("identity-based policy", PolicyKind::Identity),
        ("trust policy", PolicyKind::Trust),
        ("resource-based policy", PolicyKind::Trust),
        ("service control policy", PolicyKind::ServiceControl),
        ("resource control policy", PolicyKind::ResourceControl),
        ("permissions boundary", PolicyKind::Boundary),
        // The IAM User Guide uses both spellings in the messages of STS.
        ("session policy", PolicyKind::Session),
        ("sessions policy", PolicyKind::Session),
        ("VPC endpoint policy", PolicyKind::VpcEndpoint),
    ];
    let places = kinds.iter().filter_map(|(name, policy)| Some((named.find(name)?, *policy)));
    places.min_by_key(|(at, _)| *at).map(|(_, policy)| PolicyDenial { policy, effect })
}

/// Returns the word after a phrase. A period or comma at the end of the word is removed.
fn word_after(message: &str, phrase: &str) -> Option<String> {
    let (_, rest) = message.split_once(phrase)?;
    let word = rest.split_whitespace().next()?;
    Some(word.trim_end_matches(['.', ',']).to_owned())
}

/// Returns the server's clock minus the local clock, in seconds, if the message contains both times: `Signature
/// expired: T1 is now earlier than T2 (T3 - …)` or `Signature not yet current: T1 is still later than T2 (T3 + …)`. T1
/// is the local time and T3 is the server's time. Returns `None` for any other message.
fn clock_off(message: &str) -> Option<i64> {
    let signed = parse_time(&word_after(message, "current: ").or_else(|| word_after(message, "expired: "))?)?;
    let (_, in_brackets) = message.rsplit_once('(')?;
    Some(difference(parse_time(in_brackets.split_whitespace().next()?)?, signed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_refusal_of_sts_is_read() {
        let denied = "User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::2:role/r";
        for (code, message, expected) in [
            (
                "AccessDenied",
                denied,
                Refusal::AccessDenied {
                    caller: Some("arn:aws:iam::1:user/a".into()),
                    action: Some("sts:AssumeRole".into()),
                    denial: None,
                },
            ),
            ("AccessDenied", "Access denied", Refusal::AccessDenied { caller: None, action: None, denial: None }),
            ("AccessDenied", "Roles may not be assumed by root accounts.", Refusal::RootUser),
            (
                "AccessDenied",
                "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
                Refusal::MfaCode,
            ),
            (
                "AccessDenied",
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is \
                 valid and associated with this user.",
                Refusal::MfaDevice,
            ),
            ("ExpiredToken", "The security token included in the request is expired", Refusal::SourceExpired),
            ("ExpiredTokenException", "Token expired", Refusal::SourceExpired),
            ("InvalidClientTokenId", "The security token included in the request is invalid.", Refusal::SourceUnknown),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
                Refusal::DurationAboveRole,
            ),
            (
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
                Refusal::DurationAboveChaining,
            ),
            ("ValidationError", "1 validation error detected", Refusal::Other),
            ("RegionDisabledException", "STS is not activated in this region", Refusal::RegionDisabled),
            ("MalformedPolicyDocument", "Syntax errors in policy.", Refusal::BadPolicy),
            ("PackedPolicyTooLarge", "Packed policy consumes 157% of allotted space", Refusal::PackedPolicy),
            ("InvalidIdentityToken", "No OpenIDConnect provider found", Refusal::TokenRejected),
            ("IDPRejectedClaim", "no", Refusal::TokenRejected),
            ("Throttling", "Rate exceeded", Refusal::Throttled),
            ("SomethingNew", "new", Refusal::Other),
        ] {
            assert_eq!(refusal(code, message), expected, "{code}: {message}");
        }
    }

    #[test]
    fn the_policy_of_a_denial_is_read() {
        let denied = |why: &str| {
            let message = format!("User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole{why}");
            match refusal("AccessDenied", &message) {
                Refusal::AccessDenied { action, denial, .. } => {
                    assert_eq!(action.as_deref(), Some("sts:AssumeRole"), "{why}");
                    denial
                }
                other => panic!("{other:?}"),
            }
        };
        let on = " on resource: arn:aws:iam::2:role/r";
        assert_eq!(denied(on), None);
        for (named, policy) in [
            ("identity-based policy", PolicyKind::Identity),
            ("role trust policy", PolicyKind::Trust),
            ("resource-based policy", PolicyKind::Trust),
            ("service control policy", PolicyKind::ServiceControl),
            ("permissions boundary", PolicyKind::Boundary),
            ("session policy", PolicyKind::Session),
            ("VPC endpoint policy", PolicyKind::VpcEndpoint),
        ] {
            let why = format!("{on} because no {named} allows the sts:AssumeRole action");
            assert_eq!(denied(&why), Some(PolicyDenial { policy, effect: PolicyEffect::NoAllow }), "{why}");
        }
        for (named, policy) in [
            ("n identity-based policy", PolicyKind::Identity),
            (" resource control policy", PolicyKind::ResourceControl),
            (" sessions policy", PolicyKind::Session),
            (" VPC endpoint policy transitively through a service control policy", PolicyKind::VpcEndpoint),
        ] {
            let why = format!("{on} with an explicit deny in a{named}");
            assert_eq!(denied(&why), Some(PolicyDenial { policy, effect: PolicyEffect::Deny }), "{why}");
        }
        let trust = Some(PolicyDenial { policy: PolicyKind::Trust, effect: PolicyEffect::Deny });
        assert_eq!(denied(" with an explicit deny in the role trust policy"), trust);
        assert_eq!(denied(" because of something new"), None);
    }

    #[test]
    fn the_clock_skew_is_read() {
        let off = |message| match refusal("SignatureDoesNotMatch", message) {
            Refusal::Signature { clock_off_secs } => clock_off_secs,
            other => panic!("{other:?}"),
        };
        let behind =
            "Signature expired: 20160609T184512Z is now earlier than 20160610T013008Z (20160610T014508Z - 15 min.)";
        assert_eq!(off(behind), Some(6 * 3600 + 59 * 60 + 56));
        let ahead = "Signature not yet current: 20160610T020000Z is still later than 20160610T011500Z (20160610T010000Z + 15 min.)";
        assert_eq!(off(ahead), Some(-3600));
        assert_eq!(off("The request signature we calculated does not match the signature you provided."), None);
        assert_eq!(off("Signature expired: é is now earlier than x (y)"), None);
    }
}
