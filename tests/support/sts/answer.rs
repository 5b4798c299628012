//! The answers that a script can contain: normal ones, and ones that break STS's rules.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::http::{Reply, Response};
use super::request::StsRequest;
use super::world::World;
use super::xml::{self, Fault};

/// How to answer one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Normally, which may be an error.
    Ok,
    /// Normally, but the session has this lifetime.
    Lifetime(Duration),
    /// Normally, after the test has called `release()`.
    Held,
    /// Normally, after a delay.
    Slow(Duration),
    /// Normally, with this delay before each byte.
    Drip(Duration),
    /// An error in STS's format.
    Error { status: u16, code: String, message: String },
    /// Any status and body.
    Body { status: u16, content_type: String, bytes: Vec<u8> },
    /// 200 and this many spaces.
    Flood(u64),
    /// Not at all; the connection stays open.
    Hang,
    /// With RST.
    Reset,
    /// With RST after this many bytes of a normal answer.
    ResetAfter(usize),
    /// With these bytes, which need not be HTTP.
    Raw(Vec<u8>),
}

impl Answer {
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::Error { status, code: code.to_owned(), message: message.to_owned() }
    }

    /// STS throttles with status 400, not 429.
    pub fn throttling() -> Self {
        Self::error(400, "Throttling", "Rate exceeded")
    }

    pub fn unavailable() -> Self {
        Self::error(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")
    }

    pub fn access_denied(caller: &str, role: &str) -> Self {
        Self::error(403, "AccessDenied", &xml::not_authorized(caller, role))
    }

    pub fn expired_token() -> Self {
        Self::error(403, "ExpiredToken", "The security token included in the request is expired")
    }

    pub fn region_disabled(account: &str) -> Self {
        let message = format!(
            "STS is not activated in this region for account:{account}. \
             Your account administrator can activate STS in this region using the IAM Console."
        );
        Self::error(403, "RegionDisabledException", &message)
    }

    pub fn body(status: u16, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::Body { status, content_type: content_type.to_owned(), bytes: bytes.into() }
    }
}

/// How requests are answered after the end of the script.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Afterwards {
    #[default]
    ByTheRules,
    TheLastAgain,
}

#[derive(Default)]
pub(super) struct Script {
    answers: VecDeque<Answer>,
    afterwards: Afterwards,
}

impl Script {
    pub(super) fn set(&mut self, answers: impl IntoIterator<Item = Answer>, afterwards: Afterwards) {
        *self = Self { answers: answers.into_iter().collect(), afterwards };
    }

    pub(super) fn next(&mut self) -> Answer {
        if self.afterwards == Afterwards::TheLastAgain && self.answers.len() == 1 {
            return self.answers[0].clone();
        }
        self.answers.pop_front().unwrap_or(Answer::Ok)
    }
}

pub(super) fn carry_out(answer: Answer, world: &mut World, request: &StsRequest) -> Reply {
    match answer {
        Answer::Ok | Answer::Held => world.respond(request, None).into(),
        Answer::Lifetime(lifetime) => world.respond(request, Some(lifetime)).into(),
        Answer::Slow(delay) => Reply::After(delay, Box::new(world.respond(request, None).into())),
        Answer::Drip(per_byte) => Reply::Drip { response: world.respond(request, None), per_byte },
        Answer::Error { status, code, message } => {
            world.add_headers(xml::refusal(&Fault { status, code, message })).into()
        }
        Answer::Body { status, content_type, bytes } => {
            world.add_headers(Response::new(status, &content_type, bytes)).into()
        }
        Answer::Flood(bytes) => Reply::Flood { response: world.add_headers(Response::new(200, "text/xml", "")), bytes },
        Answer::Hang => Reply::Hang,
        // The client gets no answer, so no session is issued.
        Answer::Reset => Reply::Reset { response: Response::text(200, ""), after: 0 },
        Answer::ResetAfter(after) => Reply::Reset { response: world.respond(request, None), after },
        Answer::Raw(bytes) => Reply::Raw(bytes),
    }
}
