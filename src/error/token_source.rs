//! Hints about the commands that print a web identity token.

use super::process::{ProcessFailure, TokenFlaw};

/// Returns the hint for a failed command. `name` is the flag, the variable or the key of a profile. `variable` is the
/// environment variable that the command prints, if it does nothing else.
pub(super) fn command_hint(name: &str, variable: Option<&str>, failure: &ProcessFailure) -> String {
    match (failure, variable) {
        (ProcessFailure::TimedOut(_, None), _) => format!(
            "does it wait for input? it has no standard input and no terminal; else raise the limit for {name} with \
             --sts-timeout"
        ),
        (ProcessFailure::Ended(_), Some(variable)) if variable.starts_with("BITBUCKET_") => {
            format!("{variable} is not set: in Bitbucket Pipelines, set `oidc: true` for this step")
        }
        (ProcessFailure::Ended(_), Some(variable)) => {
            format!("{variable} is not set: in GitLab CI/CD, declare it under `id_tokens` of this job")
        }
        (ProcessFailure::BadToken(TokenFlaw::Empty), Some(variable)) => format!("{variable} is empty"),
        (ProcessFailure::BadToken(TokenFlaw::Empty), None) => {
            "is its variable empty? the token must go to standard output".into()
        }
        (ProcessFailure::BadToken(TokenFlaw::Json), _) => {
            "the command must print the token without quotes: with jq, use -r".into()
        }
        (ProcessFailure::BadToken(_), _) => "the command must print one OIDC token and nothing else".into(),
        // The hint does not contain the command, because its arguments may contain secrets.
        _ => failure.limit_hint(name).unwrap_or_else(|| "run it in this job: sh -c '…'".into()),
    }
}
