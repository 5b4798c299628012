//! Instance metadata (`IMDSv2`): the credentials of the instance's role, and its region.

use super::http::Proxy;
use super::{Network, failure, source};
use crate::error::{MetadataFailure, SourceError};
use crate::session::Keys;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What is spent on an instance that does not answer: a start off EC2, or in a container that is one network hop too
/// far away, must take no longer than two seconds.
const PATIENCE: Duration = Duration::from_millis(1500);

/// This instance: one client, so that its token is fetched once, and one limit for all questions.
pub(super) struct Instance {
    client: imds::Client,
    deadline: Instant,
}

impl Instance {
    pub(super) fn new(network: &Network) -> Self {
        let client = imds::Client::builder()
            .configure(&source::provider_config(network, Proxy::Never, ""))
            .max_attempts(2)
            .connect_timeout(Duration::from_secs(1))
            .read_timeout(Duration::from_secs(1))
            .operation_timeout(PATIENCE)
            .build();
        Self { client, deadline: Instant::now() + PATIENCE }
    }

    /// The credentials of its role.
    ///
    /// # Errors
    /// When nothing answers in time, or the instance has no role.
    pub(super) async fn keys(&self) -> Result<Keys, SourceError> {
        let provider = ImdsCredentialsProvider::builder().imds_client(self.client.clone()).build();
        match timeout_at(self.deadline, source::provided(provider)).await {
            Ok(answer) => answer.map_err(|error| failure(&error)),
            Err(_) => Err(silent()),
        }
    }

    /// Its region; `None` where metadata does not tell it in time.
    pub(super) async fn region(&self) -> Option<String> {
        let question = self.client.get("/latest/meta-data/placement/region");
        let answer = timeout_at(self.deadline, question).await.ok()?.ok()?;
        let region = answer.as_ref().trim();
        (!region.is_empty()).then(|| region.to_owned())
    }
}

fn silent() -> SourceError {
    let reason = "nothing answers at the instance's address".into();
    SourceError::InstanceMetadata { reason, failure: MetadataFailure::Silent }
}

fn failure(error: &CredentialsError) -> SourceError {
    let texts = failure::chain(error);
    let says = |word: &str| texts.iter().any(|text| text.contains(word));
    let not_there = matches!(error, CredentialsError::CredentialsNotLoaded(_)) && !says("404");
    if not_there || says("timed out") || says("timeout") {
        return silent();
    }
    let (reason, failure) = if says("404") {
        ("the instance has no role".into(), MetadataFailure::NoRole)
    } else {
        let reason = texts.last().map(|text| text.trim_end_matches('.').to_owned());
        (reason.unwrap_or_default(), MetadataFailure::Refused)
    };
    SourceError::InstanceMetadata { reason, failure }
}
