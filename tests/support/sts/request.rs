//! A request to STS, as it is logged.

use std::time::Instant;

use super::super::http::{Request, decode_form};

#[derive(Debug, Clone)]
pub struct StsRequest {
    /// The index in the order of arrival, from 0.
    pub order: usize,
    pub arrived: Instant,
    /// `AssumeRole`, …; empty if there was none.
    pub action: String,
    /// All parameters in the order of the request, including `Action` and `Version`.
    pub params: Vec<(String, String)>,
    /// From the signature; `None` for an unsigned request.
    pub access_key_id: Option<String>,
    /// The Region in the signature.
    pub region: Option<String>,
    pub session_token: Option<String>,
    /// `X-Amz-Date`: the client's time, perhaps after a correction of the clock skew.
    pub amz_date: Option<String>,
    /// `amz-sdk-request`: the number of the attempt, as in `attempt=2; max=3`.
    pub attempt: Option<String>,
    pub user_agent: Option<String>,
    pub host: Option<String>,
    pub target: String,
    pub tls: bool,
}

impl StsRequest {
    pub(super) fn read(request: &Request, order: usize) -> Self {
        let header = |name: &str| request.header(name).map(str::to_owned);
        let mut params = request.query();
        params.extend(decode_form(&String::from_utf8_lossy(&request.body)));
        let scope: Vec<&str> = request
            .header("authorization")
            .and_then(|value| value.split_once("Credential=")?.1.split(',').next())
            .map_or_else(Vec::new, |scope| scope.split('/').collect());
        Self {
            order,
            arrived: Instant::now(),
            action: find(&params, "Action").unwrap_or_default().to_owned(),
            access_key_id: scope.first().map(ToString::to_string),
            region: scope.get(2).map(ToString::to_string),
            session_token: header("x-amz-security-token"),
            amz_date: header("x-amz-date"),
            attempt: header("amz-sdk-request"),
            user_agent: header("user-agent"),
            host: header("host"),
            target: request.target.clone(),
            tls: request.tls,
            params,
        }
    }

    /// The value of a parameter, by its name in the protocol: `RoleArn`, `Tags.member.1.Key`.
    pub fn param(&self, name: &str) -> Option<&str> {
        find(&self.params, name)
    }

    /// Whether the name of any parameter has this prefix: `Tags.`, `PolicyArns.`.
    pub fn has_params(&self, prefix: &str) -> bool {
        self.params.iter().any(|(name, _)| name.starts_with(prefix))
    }
}

fn find<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
