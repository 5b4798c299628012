//! Gets an OIDC token from GitHub Actions. GitHub gives a job with the permission `id-token: write` a URL, and a request
//! token that is valid as long as the job. A request with both returns an OIDC token that is valid for a few minutes.

use super::service::{Request, RetryPolicy, Service, Unanswered, all_addresses, can_be_sent, encoded};
use crate::claims::MAX_TOKEN;
use crate::error::{GitHubFailure, reason_of};
use crate::profile::Audience;
use crate::session::Secret;
use crate::sts::answer::rounded;
use crate::sts::failure::UNTRUSTED;
use crate::sts::network::Network;
use crate::vars::Vars;
use hyper::Uri;
use serde::Deserialize;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The number of attempts at the request, and the time limit of each attempt.
const RETRIES: RetryPolicy = RetryPolicy { timeout: Duration::from_secs(10), attempts: 3 };

/// The maximum size in bytes of an answer. Tokens of GitHub have about two kilobytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Requests a token for `audience`. `limit` is the time limit for the answer.
///
/// # Errors
/// The environment variables do not contain a usable URL or request token, or the request returns no token.
pub(super) async fn token(
    audience: &Audience,
    vars: &Vars,
    network: &Network,
    limit: Duration,
) -> Result<Secret, GitHubFailure> {
    let begun = Instant::now();
    let (url, request_token) = request(vars)?;
    let url = with_audience(url, audience.as_str()).ok_or(GitHubFailure::Url)?;
    let target: Uri = url.parse().map_err(|_| GitHubFailure::Url)?;
    let policy = RetryPolicy { timeout: RETRIES.timeout.min(limit), ..RETRIES };
    let host = host_of(&target);
    let service = match (target.scheme_str(), target.host()) {
        _ if !has_valid_port(&target) => return Err(GitHubFailure::Url),
        (Some("https"), Some(_)) => Service::new(network, policy),
        // Without TLS, the request token must not leave this host, so no proxy is used either.
        (Some("http"), Some(name)) => {
            let local = all_addresses(name, |address| address.is_loopback());
            let local = tokio::time::timeout(limit, local).await.map_err(|_| Unanswered::Silent(rounded(limit)));
            let local = local.and_then(|local| local.map_err(|error| Unanswered::Unreached(reason_of(&error))));
            if !local.map_err(|unanswered| failed(&unanswered, &host))? {
                return Err(GitHubFailure::OtherHost);
            }
            Service::of_host(network, policy)
        }
        _ => return Err(GitHubFailure::Url),
    };
    let service = service.limited(MAX_ANSWER);
    let authorization = Zeroizing::new(["Bearer ", request_token].concat());
    if !can_be_sent(&authorization) {
        return Err(GitHubFailure::RequestToken);
    }
    let headers = [("accept", "application/json"), ("authorization", authorization.as_str())];
    let request = Request { method: "GET", url: &url, headers: &headers, body: None };
    let left = limit.saturating_sub(begun.elapsed());
    let reply = match tokio::time::timeout(left, service.send(request)).await {
        Ok(answer) => answer.map_err(|unanswered| failed(&unanswered, &host))?,
        Err(_) => return Err(failed(&Unanswered::Silent(rounded(limit)), &host)),
    };
    match reply.status {
        200 => token_in(&reply.body).map_err(GitHubFailure::Response),
        status => Err(GitHubFailure::Status { host, status }),
    }
}

/// Returns the URL and the request token of the job.
fn request(vars: &Vars) -> Result<(&str, &str), GitHubFailure> {
    // For example `pull_request`, `pull_request_review`. A job of `pull_request_target` can get a token.
    let event = vars.text("GITHUB_EVENT_NAME").unwrap_or_default();
    let pull_request = event.starts_with("pull_request") && event != "pull_request_target";
    match (vars.nonempty(URL), vars.nonempty(REQUEST_TOKEN)) {
        (Some(url), Some(token)) => {
            let url = url.to_str().ok_or(GitHubFailure::Url)?;
            Ok((url, token.to_str().ok_or(GitHubFailure::RequestToken)?))
        }
        (None, None) if vars.is_true("GITHUB_ACTIONS") => Err(GitHubFailure::NotPermitted { pull_request }),
        (None, None) => Err(GitHubFailure::NotInJob),
        (None, Some(_)) => Err(GitHubFailure::Unset(URL)),
        (Some(_), None) => Err(GitHubFailure::Unset(REQUEST_TOKEN)),
    }
}

/// Adds the audience to the query of the URL. Returns `None` if the URL has a fragment, because the audience would
/// become a part of it.
fn with_audience(url: &str, audience: &str) -> Option<String> {
    let separator = if url.contains('?') { '&' } else { '?' };
    (!url.contains('#')).then(|| format!("{url}{separator}audience={}", encoded(audience)))
}

fn failed(unanswered: &Unanswered, host: &str) -> GitHubFailure {
    let reason = unanswered.at(host);
    let untrusted = reason.contains(UNTRUSTED);
    GitHubFailure::Unanswered { reason, answer: unanswered.answer(), untrusted }
}

/// Checks the port of a URL. A URL without a port is valid. The HTTP client would ignore an invalid port.
fn has_valid_port(url: &Uri) -> bool {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let port = authority.rsplit('@').next().and_then(|address| address.strip_prefix(url.host()?));
    port.is_some_and(|port| matches!(port, "" | ":") || url.port_u16().is_some())
}

/// Returns the scheme, the host and the port of a URL.
fn host_of(url: &Uri) -> String {
    let host = url.host().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", url.scheme_str().unwrap_or_default())
}

/// Reads the token from the body of an answer.
///
/// # Errors
/// The body contains no usable token. The text says why, and begins with a verb.
fn token_in(body: &[u8]) -> Result<Secret, &'static str> {
    let answered = serde_json::from_slice::<Answered>(body);
    let answered = answered.map_err(|error| if error.is_data() { NO_TOKEN } else { "is not JSON" })?;
    // The parser also accepts an array with the values of the fields.
    let value = answered.value.filter(|value| !value.is_empty() && body.trim_ascii_start().starts_with(b"{"));
    let value = value.ok_or(NO_TOKEN)?;
    if is_jwt(&value) { Ok(Secret::new(value.as_str())) } else { Err(NOT_A_TOKEN) }
}

/// Checks the form of a token. A JSON Web Token has three parts in base64url (RFC 7515, section 3.1).
fn is_jwt(token: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    token.len() <= MAX_TOKEN && token.split('.').count() == 3 && token.split('.').all(is_part)
}

const NOT_A_TOKEN: &str = "contains a value that is not a token";
const NO_TOKEN: &str = "contains no token";

#[derive(Deserialize)]
struct Answered {
    value: Option<Zeroizing<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(vars: &[(&str, &str)]) -> Result<String, GitHubFailure> {
        let vars: Vars = vars.iter().copied().collect();
        request(&vars).map(|(url, token)| format!("{url} {token}"))
    }

    #[test]
    fn the_variables_tell_why_there_is_no_token() {
        let (url, token, job) = ((URL, "https://h/"), (REQUEST_TOKEN, "t"), ("GITHUB_ACTIONS", "true"));
        assert_eq!(requested(&[url, token]), Ok("https://h/ t".into()));
        assert_eq!(requested(&[]), Err(GitHubFailure::NotInJob));
        assert_eq!(requested(&[url, job]), Err(GitHubFailure::Unset(REQUEST_TOKEN)));
        assert_eq!(requested(&[(URL, ""), token]), Err(GitHubFailure::Unset(URL)));
        for (event, pull_request) in
            [("push", false), ("pull_request", true), ("pull_request_review", true), ("pull_request_target", false)]
        {
            let failure = GitHubFailure::NotPermitted { pull_request };
            assert_eq!(requested(&[job, ("GITHUB_EVENT_NAME", event)]), Err(failure), "{event}");
        }
    }

    #[test]
    fn the_audience_is_added_to_the_query() {
        for (url, audience, expected) in [
            (
                "https://h/t?api-version=2.0",
                "sts.amazonaws.com",
                "https://h/t?api-version=2.0&audience=sts.amazonaws.com",
            ),
            ("https://h/t", "a b&c=d/é", "https://h/t?audience=a%20b%26c%3Dd%2F%C3%A9"),
        ] {
            assert_eq!(with_audience(url, audience).as_deref(), Some(expected));
        }
        assert_eq!(with_audience("https://h/t#part", "a"), None);
    }

    #[test]
    fn the_host_is_shown_without_a_user_and_a_path() {
        for (url, host) in [
            ("https://me:secret@h.example:8443/a?b=c", "https://h.example:8443"),
            ("https://h?b=c", "https://h"),
            ("http://[::1]:80/", "http://[::1]:80"),
        ] {
            assert_eq!(host_of(&url.parse().expect("a URL")), host);
        }
    }

    #[test]
    fn only_a_token_is_taken_from_an_answer() {
        let answer = |body: &str| token_in(body.as_bytes()).map(|token| token.reveal().to_owned());
        assert_eq!(answer(r#"{"count":2,"value":"a.b.c"}"#), Ok("a.b.c".into()));
        for (body, reason) in [
            ("", "is not JSON"),
            ("<html>sign in</html>", "is not JSON"),
            (r#"{"value":"a.b.c"} x"#, "is not JSON"),
            ("[]", NO_TOKEN),
            (r#"["a.b.c"]"#, NO_TOKEN),
            ("{}", NO_TOKEN),
            (r#"{"value":null}"#, NO_TOKEN),
            (r#"{"value":5}"#, NO_TOKEN),
            (r#"{"value":""}"#, NO_TOKEN),
            (r#"{"value":"a.b c.d"}"#, NOT_A_TOKEN),
            (r#"{"value":"a.b.c\n"}"#, NOT_A_TOKEN),
            (r#"{"value":"a.b"}"#, NOT_A_TOKEN),
            (r#"{"value":"a..c"}"#, NOT_A_TOKEN),
            (&format!(r#"{{"value":"a.b.{}"}}"#, "a".repeat(MAX_TOKEN)), NOT_A_TOKEN),
        ] {
            assert_eq!(answer(body), Err(reason), "{}", &body[..body.len().min(80)]);
        }
        assert!(token_in(b"{\"value\":\"\xff\xff\xff\xff\"}").is_err());
    }
}
