//! Gets credentials from the credentials endpoint of a container (ECS or EKS) with one request. The request has an
//! authorization token if one is configured.

use super::document;
use super::service::{Request, RetryPolicy, Service, all_addresses, can_be_sent};
use super::{SourceKeys, token_text};
use crate::error::{Answer, SourceError};
use crate::session::Secret;
use crate::sts::network::Network;
use crate::vars::Vars;
use hyper::Uri;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// The address of the ECS endpoint, for which `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` contains the path.
const ECS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
const EKS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);
const EKS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);

/// The number of attempts at the request, and the time limit of each attempt. Both are those of the SDK and of
/// botocore.
const RETRIES: RetryPolicy = RetryPolicy { timeout: Duration::from_secs(5), attempts: 3 };

/// The maximum size in bytes of the file that contains the authorization token. A longer token would not fit in an HTTP
/// header.
const MAX_TOKEN: usize = 20_000;

/// Returns the credentials of the ECS task or the EKS pod in which xassume runs.
///
/// # Errors
/// The environment variables do not contain a usable URL or token, or the endpoint returns no credentials.
pub(in crate::sts) async fn keys(network: &Network, vars: &Vars) -> Result<SourceKeys, SourceError> {
    let failed = |reason, answer| SourceError::Container { reason, answer };
    let url = url(vars).await.map_err(|reason| failed(reason, Answer::Refused(None)))?;
    let token = token(vars)?;
    let accept = ("accept", "application/json");
    let headers: Vec<_> = [accept].into_iter().chain(token.as_ref().map(|t| ("authorization", t.reveal()))).collect();
    let request = Request { method: "GET", url: &url, headers: &headers, body: None };
    let answer = Service::of_host(network, RETRIES).send(request).await;
    let reply = answer.map_err(|unanswered| failed(unanswered.to_string(), unanswered.answer()))?;
    if reply.status != 200 {
        let reason = format!("HTTP {}", reply.status);
        return Err(failed(reason, Answer::Refused(Some(reply.status))));
    }
    let keys = document::keys(&reply.body).map_err(|reason| failed(reason, Answer::Refused(None)));
    keys.map(|(keys, expiration)| SourceKeys {
        keys,
        validity: Some(reply.dated.validity(expiration)),
        account_id: None,
    })
}

/// Returns the URL of the endpoint. The authorization token may be sent over TLS, to this host, and to the endpoints of
/// ECS and EKS, but nowhere else. Any other URL is an error.
async fn url(vars: &Vars) -> Result<String, String> {
    if let Some(relative) = vars.text(RELATIVE) {
        let slash = if relative.starts_with('/') { "" } else { "/" };
        let url = format!("http://{ECS}{slash}{relative}");
        return url.parse::<Uri>().map(|_| url).map_err(|error| format!("{RELATIVE} is not a path: {error}"));
    }
    let url = vars.text(FULL).unwrap_or_default();
    let parsed: Uri = url.parse().map_err(|error| format!("{FULL} is not a URL: {error}"))?;
    let host = parsed.host().filter(|_| matches!(parsed.scheme_str(), Some("http" | "https")));
    let host = host.ok_or_else(|| format!("{FULL} is not an http or https URL: {url}"))?;
    if parsed.scheme_str() == Some("https") || all_addresses(host, is_own_address).await.unwrap_or(false) {
        Ok(url.to_owned())
    } else {
        Err(format!("{FULL} is an http URL of another host: {url}"))
    }
}

/// Checks whether an address belongs to this host (loopback) or to the ECS or EKS endpoint.
fn is_own_address(address: IpAddr) -> bool {
    address.is_loopback() || [IpAddr::V4(ECS), IpAddr::V4(EKS), IpAddr::V6(EKS_V6)].contains(&address)
}

/// Returns the authorization token, or `None` if none is configured. The token file takes precedence over the variable,
/// as in botocore.
fn token(vars: &Vars) -> Result<Option<Secret>, SourceError> {
    if let Some(path) = vars.nonempty(TOKEN_FILE) {
        let path = Path::new(path);
        let failed = |reason: String| SourceError::File {
            what: "container token file",
            path: path.to_owned(),
            named_by: TOKEN_FILE.into(),
            contents: Some("only the token, without a line break"),
            reason,
        };
        let text = token_text(path, MAX_TOKEN).map_err(failed)?;
        return match text.as_str() {
            "" => Err(failed("the file is empty".into())),
            text if can_be_sent(text) => Ok(Some(Secret::new(text))),
            _ => Err(failed(
                "the file contains a line break or another character that is not allowed in an HTTP header".into(),
            )),
        };
    }
    match vars.text(TOKEN) {
        Some(text) if can_be_sent(text) => Ok(Some(Secret::new(text))),
        Some(_) => Err(SourceError::ContainerToken),
        None => Ok(None),
    }
}
