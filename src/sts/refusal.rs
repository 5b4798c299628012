//! Finds out what an STS error means: converts its code and its message to a [`Refusal`].
//!
//! All functions here are pure. The codes and messages are those of the STS API reference and of the error messages
//! that AWS has published. An unknown message is shown unchanged.

use crate::error::{PolicyDenial, PolicyEffect, PolicyKind, Refusal, TokenRefusal};
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
        "Throttling" | "RequestLimitExceeded" | "TooManyRequests" => Refusal::Throttled,
        _ => Refusal::Other,
    }
}

/// Returns the refusal that a code and a message mean in the answer to a call with a web identity token. This call is
/// not signed, so an expired token is the web identity token.
pub(crate) fn token_refusal(code: &str, message: &str) -> Refusal {
    let of_token = match code.strip_suffix("Exception").unwrap_or(code) {
        "AccessDenied" => match denial(message) {
            // Another policy denies the call explicitly, so a statement in the trust policy does not help.
            Some(PolicyDenial { policy, effect: PolicyEffect::Deny }) if policy != PolicyKind::Trust => {
                return refusal(code, message);
            }
            _ => TokenRefusal::NotTrusted,
        },
        "ExpiredToken" => TokenRefusal::Expired,
        "IDPCommunicationError" => TokenRefusal::IssuerUnreachable,
        "IDPRejectedClaim" => TokenRefusal::ClaimRejected,
        "InvalidIdentityToken" if message.contains("No OpenIDConnect provider found") => TokenRefusal::NoProvider,
        "InvalidIdentityToken" if message.contains("Incorrect token audience") => TokenRefusal::Audience,
        "InvalidIdentityToken" if message.contains("retrieve verification key") => TokenRefusal::IssuerUnreachable,
        "InvalidIdentityToken" if message.contains("thumbprint") => TokenRefusal::Thumbprint,
        "InvalidIdentityToken" => TokenRefusal::Invalid,
        _ => return refusal(code, message),
    };
    Refusal::Token(of_token)
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
            ("Throttling", "Rate exceeded", Refusal::Throttled),
            ("SomethingNew", "new", Refusal::Other),
        ] {
            assert_eq!(refusal(code, message), expected, "{code}: {message}");
        }
    }

    #[test]
    fn every_known_refusal_of_a_token_is_read() {
        let of_token = |code, message| match token_refusal(code, message) {
            Refusal::Token(refusal) => refusal,
            other => panic!("{other:?}"),
        };
        let no_provider =
            "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com";
        // STS writes two spaces.
        let no_key = "Couldn't retrieve verification key from your identity provider,  please reference \
                      AssumeRoleWithWebIdentity documentation for requirements";
        let no_thumbprint = "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint";
        let expired = "Token expired: current date/time 1626271164 must be before the expiration date/time1626191469";
        for (code, message, expected) in [
            ("InvalidIdentityToken", no_provider, TokenRefusal::NoProvider),
            ("InvalidIdentityToken", "Incorrect token audience", TokenRefusal::Audience),
            ("InvalidIdentityToken", no_key, TokenRefusal::IssuerUnreachable),
            ("InvalidIdentityToken", no_thumbprint, TokenRefusal::Thumbprint),
            ("InvalidIdentityToken", "Missing a required claim: aud", TokenRefusal::Invalid),
            ("InvalidIdentityTokenException", "something new", TokenRefusal::Invalid),
            ("IDPCommunicationError", "no", TokenRefusal::IssuerUnreachable),
            ("IDPRejectedClaim", "no", TokenRefusal::ClaimRejected),
            ("ExpiredTokenException", expired, TokenRefusal::Expired),
            ("ExpiredTokenException", "Token too old: 441398", TokenRefusal::Expired),
            ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", TokenRefusal::NotTrusted),
        ] {
            assert_eq!(of_token(code, message), expected, "{code}: {message}");
        }
        let denied = "Not authorized to perform sts:AssumeRoleWithWebIdentity with an explicit deny in a";
        for policy in [" service control policy", " resource control policy", " VPC endpoint policy"] {
            let refusal = token_refusal("AccessDenied", &format!("{denied}{policy}"));
            assert!(matches!(refusal, Refusal::AccessDenied { denial: Some(_), .. }), "{refusal:?}");
        }
        assert_eq!(of_token("AccessDenied", &format!("{denied} role trust policy")), TokenRefusal::NotTrusted);
        assert_eq!(token_refusal("Throttling", "Rate exceeded"), Refusal::Throttled);
        assert_eq!(token_refusal("PackedPolicyTooLarge", "no"), Refusal::PackedPolicy);
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
