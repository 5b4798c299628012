//! The client of a keeper. It finds the session as any program does: by the variables in the keeper's file.

use std::fs;
use std::time::{Duration, SystemTime};

use super::{Worker, say};
use crate::support::http::{Received, get};

/// The variable with the path of the keeper's file of variables.
pub const VARIABLES: &str = "SOAK_VARIABLES";
/// What it prints when it finds no keeper.
pub const AWAY: &str = "away";
/// What it prints before the whole session, whenever that changes.
pub const WHOLE: &str = "whole ";
/// What it prints before the access key in the file, when it gets the signal.
pub const SIGNALED: &str = "signaled ";

/// A session must be served until this time before its expiry: an endpoint does not serve the last second, and
/// `Expiration` has whole seconds.
const LAST: Duration = Duration::from_secs(2);
/// By how much two times may differ that are computed with the clock of STS, which has whole seconds.
const PRECISION: Duration = Duration::from_secs(1);

/// What a client knows about the keeper.
#[derive(Default)]
pub(super) struct Client {
    is_away: bool,
    session: String,
    /// The token with which the session was got, and its expiry.
    token: String,
    until: Option<SystemTime>,
}

impl Worker {
    /// Asks the endpoint for its health and its session.
    pub(super) fn ask_keeper(&mut self) {
        let url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let token = fs::read_to_string(variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")).unwrap_or_default();
        if token.is_empty() {
            return self.find_nothing();
        }
        let begun = SystemTime::now();
        let health = get(&url.replace("/credentials", "/health"), &[]);
        let received = get(&url, &[("Authorization", &token)]);
        match (health, received) {
            // The token is that of an earlier process if it is not accepted.
            (Ok(health), Ok(received)) if received.status != 403 => {
                self.client.is_away = false;
                // A session of an earlier process need not be served by this one.
                if self.client.token != token {
                    (self.client.token, self.client.until) = (token, None);
                }
                self.judge_health(&health, begun);
                self.judge_session(&received, begun);
            }
            _ => self.find_nothing(),
        }
    }

    fn judge_health(&mut self, health: &Received, begun: SystemTime) {
        let until = document(health)["expiration"].as_str().and_then(|text| humantime::parse_rfc3339(text).ok());
        match (health.status, until) {
            (200, Some(until)) if until > begun => self.lasts(until),
            (503, None) if health.text() == "{}" => self.must_have_expired("the keeper is not healthy"),
            (status, _) => say(&format!("odd: the health is {status} {}", health.text())),
        }
    }

    fn judge_session(&mut self, received: &Received, begun: SystemTime) {
        if received.status == 503 {
            self.must_have_expired("the keeper has no session");
            if !std::mem::replace(&mut self.gap, true) {
                say("gap");
            }
            return;
        }
        let session = document(received);
        let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
        let until = humantime::parse_rfc3339(&text("Expiration")).ok();
        match (received.status, until) {
            (200, Some(until)) if until > begun => self.lasts(until),
            (status, until) => return say(&format!("odd: the keeper answered {status}, valid until {until:?}")),
        }
        self.gap = false;
        self.find(["AccessKeyId", "SecretAccessKey", "Token"].map(text));
    }

    /// Notes that the keeper's session lasts until then.
    fn lasts(&mut self, until: SystemTime) {
        if self.client.until.is_some_and(|earlier| until + PRECISION < earlier) {
            say(&format!("odd: a session until {until:?} came after one until {:?}", self.client.until));
        }
        self.client.until = Some(until);
    }

    fn must_have_expired(&self, what: &str) {
        let now = SystemTime::now();
        if let Some(until) = self.client.until.filter(|&until| until > now + LAST) {
            let left = until.duration_since(now).unwrap_or_default();
            say(&format!("odd: {what}, and its last session is valid for {left:?}"));
        }
    }

    /// Reads the credentials file.
    pub(super) fn read_file(&mut self) {
        match fs::read_to_string(variable("AWS_SHARED_CREDENTIALS_FILE")) {
            Ok(text) => {
                self.client.is_away = false;
                let value = |name: &str| {
                    let mut pairs = text.lines().filter_map(|line| line.split_once(" = "));
                    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
                };
                self.find(["aws_access_key_id", "aws_secret_access_key", "aws_session_token"].map(value));
            }
            Err(_) => self.find_nothing(),
        }
    }

    /// Handles the signal, which comes after the file was replaced.
    pub(super) fn take_signal(&mut self) {
        self.read_file();
        say(&format!("{SIGNALED}{}", self.key));
    }

    fn find(&mut self, session: [String; 3]) {
        let whole = session.join(" ");
        if whole != self.client.session {
            say(&format!("{WHOLE}{whole}"));
            let [key, ..] = session;
            say(&format!("key={key}"));
            (self.key, self.client.session) = (key, whole);
        }
    }

    fn find_nothing(&mut self) {
        if !std::mem::replace(&mut self.client.is_away, true) {
            say(AWAY);
        }
    }
}

/// The document in an answer; null if there is none.
fn document(received: &Received) -> serde_json::Value {
    serde_json::from_slice(&received.body).unwrap_or_default()
}

/// The value of a variable in the keeper's file; empty if there is none.
fn variable(name: &str) -> String {
    let text = fs::read_to_string(std::env::var_os(VARIABLES).unwrap_or_default()).unwrap_or_default();
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
}
