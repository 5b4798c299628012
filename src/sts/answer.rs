//! Reads the successful answers of STS. An answer that cannot be used is an error.

use super::date::Dated;
use super::route::Route;
use crate::error::{Cause, NetworkFailure};
use crate::session::{CallerIdentity, Keys, Secret, Validity};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials};
use std::time::{Duration, SystemTime};

/// Returns the ARN of the assumed role.
pub(super) fn arn(user: Option<AssumedRoleUser>) -> Result<String, Cause> {
    let user = user.ok_or_else(|| garbage("no assumed-role user"))?;
    if is_text(&user.arn) { Ok(user.arn) } else { Err(garbage("the assumed-role ARN is missing or not text")) }
}

/// Returns the temporary keys in an answer, and their validity, which is computed from the `Date` of the answer.
pub(super) fn temporary_keys(
    credentials: Option<Credentials>,
    dated: Dated,
    route: &Route,
) -> Result<(Keys, Validity), Cause> {
    let credentials = credentials.ok_or_else(|| garbage("no credentials"))?;
    let fields = [&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token];
    if !fields.into_iter().all(|field| is_text(field)) {
        return Err(garbage("the credentials are empty or not text"));
    }
    let expiration =
        SystemTime::try_from(credentials.expiration).map_err(|_| garbage("the expiration is out of range"))?;
    let validity = dated.validity(expiration);
    if validity.lifetime.is_zero() {
        return Err(garbage("the session has already expired"));
    }
    if validity.left.is_zero() {
        return Err(Cause::Network(NetworkFailure::TimedOut { host: route.to_string(), after: rounded(dated.age()) }));
    }
    let keys = Keys {
        access_key_id: credentials.access_key_id,
        secret_access_key: Secret::new(credentials.secret_access_key),
        session_token: Some(Secret::new(credentials.session_token)),
    };
    Ok((keys, validity))
}

/// Returns the identity of the caller in an answer to `GetCallerIdentity`.
pub(super) fn identity(answer: GetCallerIdentityOutput) -> Result<CallerIdentity, Cause> {
    let texts = [answer.arn, answer.account].map(|field| field.filter(|field| is_text(field)));
    match texts {
        [Some(arn), Some(account)] => Ok(CallerIdentity { arn, account }),
        _ => Err(garbage("no ARN or no account")),
    }
}

fn garbage(reason: &str) -> Cause {
    Cause::Unexpected(reason.to_owned())
}

/// Checks whether a field is text that can be the value of an environment variable.
fn is_text(field: &str) -> bool {
    !field.is_empty() && !field.contains(char::is_control)
}

/// Rounds a duration for a message. A duration of 0.95 s or more is rounded to whole seconds, and a shorter one to
/// hundredths of a second, but at least to 0.01 s.
pub(super) fn rounded(time: Duration) -> Duration {
    let unit = if time < Duration::from_millis(950) { 10 } else { 1000 };
    let units = (time + Duration::from_millis(unit / 2)).as_nanos() / Duration::from_millis(unit).as_nanos();
    Duration::from_millis(u64::try_from(units).unwrap_or(u64::MAX).max(1).saturating_mul(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_to_seconds_or_hundredths() {
        for (milliseconds, expected) in
            [(0, 10), (4, 10), (297, 300), (944, 940), (950, 1000), (1499, 1000), (1500, 2000), (30_004, 30_000)]
        {
            assert_eq!(rounded(Duration::from_millis(milliseconds)), Duration::from_millis(expected), "{milliseconds}");
        }
    }
}
