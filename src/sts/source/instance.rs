//! Gets the credentials of the instance's role, and the instance's region, from instance metadata.
//!
//! Three requests are sent: for a token (`IMDSv2`), for the name of the role, and for the credentials of the role. If
//! no token can be fetched, the other requests are sent without one (`IMDSv1`), as the AWS CLI does, unless the
//! settings forbid this. The SDK's client is not used, because it panics if the name of the role is not valid in a URL,
//! and because it has one time limit for all requests together.

use super::service::{Reply, Request, RetryPolicy, Service, Unanswered};
use super::{SourceKeys, document};
use crate::error::{MetadataFailure, SourceError, TriedSources};
use crate::profile::Metadata;
use crate::sts::network::Network;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
/// The header with which the request for a token asks for a lifetime of six hours, as botocore does. The value is in
/// seconds.
const TOKEN_TTL: (&str, &str) = ("x-aws-ec2-metadata-token-ttl-seconds", "21600");
const TOKEN: &str = "x-aws-ec2-metadata-token";

/// The metadata service of this instance. The token is fetched once, and sent with all requests.
pub(in crate::sts) struct Instance<'a> {
    service: Service,
    settings: &'a Metadata,
    /// The token, or the reason why there is none. If there is none, requests are sent without a token.
    token: OnceCell<Result<Zeroizing<String>, MetadataFailure>>,
}

impl<'a> Instance<'a> {
    pub(in crate::sts) fn new(network: &Network, settings: &'a Metadata) -> Self {
        let policy = RetryPolicy { timeout: settings.timeout, attempts: settings.attempts };
        Self { service: Service::of_host(network, policy), settings, token: OnceCell::new() }
    }

    /// Returns the credentials of the instance's role.
    ///
    /// # Errors
    /// The metadata service does not answer, the instance has no role, or an answer cannot be used.
    pub(in crate::sts) async fn keys(&self) -> Result<SourceKeys, SourceError> {
        let last_resort: &Option<Box<TriedSources>> = &self.settings.last_resort;
        let failed = |failure| SourceError::InstanceMetadata { failure, last_resort: last_resort.clone() };
        self.keys_of_role().await.map_err(failed)
    }

    async fn keys_of_role(&self) -> Result<SourceKeys, MetadataFailure> {
        let roles = match self.get(ROLES, "the role").await {
            Err(MetadataFailure::Status { status: 404, .. }) => return Err(MetadataFailure::NoRole),
            answer => answer?,
        };
        let role = role_name(&roles.body).map_err(MetadataFailure::Unusable)?;
        let answer = self.get(&format!("{ROLES}{role}"), "the role's credentials").await?;
        let (keys, expiration) = document::keys(&answer.body).map_err(MetadataFailure::Unusable)?;
        Ok(SourceKeys { keys, validity: Some(answer.dated.validity(expiration)), account_id: None })
    }

    /// Returns the instance's region. Returns `None` if the metadata service does not return it.
    pub(in crate::sts) async fn region(&self) -> Option<String> {
        let answer = self.get("/latest/meta-data/placement/region", "the region").await.ok()?;
        let region = std::str::from_utf8(&answer.body).ok()?.trim();
        (!region.is_empty()).then(|| region.to_owned())
    }

    async fn get(&self, path: &str, what: &'static str) -> Result<Reply, MetadataFailure> {
        let token = self.token.get_or_try_init(|| self.new_token()).await?;
        let url = format!("{}{path}", self.settings.endpoint);
        let header = token.as_ref().ok().map(|token| (TOKEN, token.as_str()));
        let request = Request { method: "GET", url: &url, headers: header.as_slice(), body: None };
        match (self.succeeded(self.service.send(request).await, what), token) {
            // The request was sent without a token, but the service requires one. So the error says why there is no
            // token, and not that this request was rejected.
            (Err(MetadataFailure::Status { status: 401, .. }), Err(reason)) => Err(reason.clone()),
            (answer, _) => answer,
        }
    }

    async fn new_token(&self) -> Result<Result<Zeroizing<String>, MetadataFailure>, MetadataFailure> {
        let url = format!("{}/latest/api/token", self.settings.endpoint);
        let request = Request { method: "PUT", url: &url, headers: &[TOKEN_TTL], body: None };
        let answer = self.service.send(request).await;
        // A service that does not support tokens answers with one of several statuses or closes the connection. If the
        // service answers with a token, the network may drop that answer because of its hop limit. In these cases,
        // requests without a token may still succeed. If no connection was made, a second request would fail as well.
        let may_do_without = match &answer {
            Ok(reply) => !matches!(reply.status, 200 | 400),
            Err(unanswered) => matches!(unanswered, Unanswered::Silent(_) | Unanswered::Broken(_)),
        };
        let reply = match answer {
            Err(Unanswered::Silent(_)) => Err(self.silent("the request for a token timed out".into())),
            Ok(Reply { status: status @ 403..=405, .. }) if !self.settings.v1 => Err(MetadataFailure::NoToken(status)),
            answer => self.succeeded(answer, "a token"),
        };
        let reply = match reply {
            Err(failure) if may_do_without && self.settings.v1 => return Ok(Err(failure)),
            reply => reply?,
        };
        let token = std::str::from_utf8(&reply.body).ok().map(str::trim);
        let token = token.filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
        let unusable =
            || MetadataFailure::Unusable("the token contains characters that are not allowed in a request".into());
        token.map(|token| Ok(Zeroizing::new(token.to_owned()))).ok_or_else(unusable)
    }

    fn succeeded(&self, answer: Result<Reply, Unanswered>, what: &'static str) -> Result<Reply, MetadataFailure> {
        match answer {
            Ok(reply) if reply.status == 200 => Ok(reply),
            Ok(reply) => Err(MetadataFailure::Status { what, status: reply.status }),
            Err(unanswered @ (Unanswered::TooLarge(_) | Unanswered::Unsendable(_))) => {
                Err(MetadataFailure::Unusable(unanswered.to_string()))
            }
            Err(unanswered) => Err(self.silent(unanswered.to_string())),
        }
    }

    fn silent(&self, reason: String) -> MetadataFailure {
        MetadataFailure::Silent { endpoint: self.settings.endpoint.clone(), reason }
    }
}

/// Returns the name of the role, which is the first line of the list that is not empty. The white space around the name
/// is removed.
///
/// # Errors
/// The line is not a valid role name. The name must be valid, because it becomes a part of the URL of the next request.
pub(in crate::sts) fn role_name(list: &[u8]) -> Result<&str, String> {
    /// The maximum length of the name of an instance profile. A longer name is not accepted. The name of a role has at
    /// most 64 characters.
    const LONGEST: usize = 128;
    let text = std::str::from_utf8(list).map_err(|_| "the list of roles is not text")?;
    let name = text.lines().map(str::trim).find(|line| !line.is_empty()).ok_or("the list of roles is empty")?;
    let in_set = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if name.len() <= LONGEST && name.bytes().all(in_set) && name.bytes().any(|byte| byte != b'.') {
        Ok(name)
    } else {
        Err("the list of roles does not start with a role name".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_the_list_is_the_role() {
        for list in ["Role", "Role\n", " Role \r\n", "\nRole\nOther\n", "Role\n\n<html>"] {
            assert_eq!(role_name(list.as_bytes()), Ok("Role"), "{list:?}");
        }
        assert_eq!(role_name(b"a+b=c,d.e@f-g_h"), Ok("a+b=c,d.e@f-g_h"));
    }

    #[test]
    fn a_text_that_is_not_the_name_of_a_role_is_an_error() {
        let none = "the list of roles does not start with a role name";
        for (list, reason) in [
            (&b""[..], "the list of roles is empty"),
            (b" \r\n\n", "the list of roles is empty"),
            (b"\xff", "the list of roles is not text"),
            (b"<!DOCTYPE html>\n", none),
            (b"two words", none),
            (b"../../user-data", none),
            (b"..", none),
            (b"role?x", none),
            ("r\u{f6}le".as_bytes(), none),
        ] {
            assert_eq!(role_name(list), Err(reason.into()), "{list:?}");
        }
        assert_eq!(role_name("a".repeat(129).as_bytes()), Err(none.into()));
    }
}
