//! Gets web identity tokens: reads a file, runs a command, or asks the provider of a CI system.

use super::process::Helpers;
use super::{github, token_text};
use crate::claims::MAX_TOKEN;
use crate::error::{ProcessFailure, SourceError, TokenFlaw, TokenPlace};
use crate::profile::{TokenFrom, TokenSource};
use crate::report::Progress;
use crate::session::Secret;
use crate::sts::limits::Limits;
use crate::sts::network::Network;
use crate::sys::helper::{self, Attendance, ProgramLimit};
use crate::vars::Vars;
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The maximum size in bytes of the output of a command.
const MAX_OUTPUT: usize = 64 << 10;

/// The web identity tokens for one session. Each request to STS gets a new token, because many tokens are valid for a
/// few minutes only, and some for one request only.
#[derive(Debug)]
pub(in crate::sts) struct Tokens<'a> {
    pub(in crate::sts) source: &'a TokenSource,
    pub(in crate::sts) from: &'a TokenFrom,
    pub(in crate::sts) vars: &'a Vars,
    pub(in crate::sts) network: &'a Network,
    pub(in crate::sts) helpers: Helpers<'a>,
    pub(in crate::sts) limits: Limits,
    /// The token that was fetched before the first request, so that an error of the source is found before STS is
    /// called. `None` if the token has been used.
    pub(in crate::sts) first: RefCell<Option<Secret>>,
    /// How long the command has run so far, in all its runs.
    pub(in crate::sts) ran: Cell<Duration>,
}

impl Tokens<'_> {
    /// Returns a token that has not been returned before, and the deadline for the calls that follow. The deadline is
    /// later than `deadline` by the time that the command took, unless the user has set `--sts-timeout`.
    ///
    /// # Errors
    /// The file cannot be read, the command fails, the provider gives no token, or what they give is not one token.
    pub(in crate::sts) async fn next(
        &self,
        deadline: Instant,
        progress: &Progress,
    ) -> Result<(Secret, Instant), SourceError> {
        if let Some(first) = self.first.take() {
            return Ok((first, deadline));
        }
        let begun = Instant::now();
        let left = deadline.saturating_duration_since(begun);
        match self.source {
            TokenSource::File(path) => Ok((of_file(path, self.from)?, deadline)),
            TokenSource::GitHub { audience } => {
                let token = github::token(audience, self.vars, self.network, left).await;
                Ok((token.map_err(SourceError::GitHub)?, deadline))
            }
            TokenSource::Command(command) => {
                // The command may write to the terminal, so the progress line is not shown while it runs.
                let token = progress.aside(self.of_command(command, left)).await;
                self.ran.set(self.ran.get() + begun.elapsed());
                Ok((token?, self.limits.deadline_after(begun, deadline)))
            }
        }
    }

    /// Runs the command. It has no terminal, because it also runs while the command of the user has the terminal.
    async fn of_command(&self, command: &str, left: Duration) -> Result<Secret, SourceError> {
        let failed = |failure| SourceError::TokenCommand {
            named_by: self.from.to_string(),
            variable: self.source.variable().map(str::to_owned),
            failure,
        };
        let limit = match self.limits.program_timeout {
            Some(_) => self.limits.of_program(left),
            None => default_limit(self.ran.get()),
        };
        let environment = self.helpers.environment;
        let output = helper::run_shell(command, environment, Attendance::Detached, limit, MAX_OUTPUT).await;
        let output = Zeroizing::new(output.map_err(failed)?);
        let text = std::str::from_utf8(&output).map_err(|_| TokenFlaw::NotText);
        text.and_then(one_token).map_err(|flaw| failed(ProcessFailure::BadToken(flaw)))
    }

    /// Returns the place that contains the same token until the user changes it, or `None` if there is none.
    pub(in crate::sts) fn place(&self) -> Option<TokenPlace> {
        match self.source {
            TokenSource::File(path) => Some(TokenPlace::File(path.clone())),
            source => source.variable().map(|name| TokenPlace::Variable(name.to_owned())),
        }
    }
}

/// Returns the limit of a run of the command if the user has not set a limit. `ran` is how long it has run so far.
fn default_limit(ran: Duration) -> ProgramLimit {
    let left = ProgramLimit::ALL_RUNS.left.saturating_sub(ran);
    if left < ProgramLimit::OWN.left { ProgramLimit { left, ..ProgramLimit::ALL_RUNS } } else { ProgramLimit::OWN }
}

/// Reads a token from a file that contains only the token.
fn of_file(path: &Path, from: &TokenFrom) -> Result<Secret, SourceError> {
    let failed = |reason: String| SourceError::File {
        what: "web identity token file",
        path: path.to_owned(),
        named_by: from.to_string(),
        contents: Some("one OIDC token"),
        reason,
    };
    let text = token_text(path, 2 * MAX_TOKEN).map_err(failed)?;
    one_token(&text).map_err(|flaw| {
        failed(match flaw {
            TokenFlaw::Empty => "the file is empty".into(),
            flaw => format!("the file contains {flaw}"),
        })
    })
}

/// Returns the token in a text that contains only the token and white space around it.
///
/// # Errors
/// The text contains anything else, or STS would not accept a token of this length.
fn one_token(text: &str) -> Result<Secret, TokenFlaw> {
    let token = text.trim();
    match token.split_whitespace().count() {
        0 => Err(TokenFlaw::Empty),
        _ if token.contains('\0') => Err(TokenFlaw::NotText),
        _ if token.starts_with(['"', '{', '[']) => Err(TokenFlaw::Json),
        1 if (4..=MAX_TOKEN).contains(&token.len()) => Ok(Secret::new(token)),
        1 => Err(TokenFlaw::Length(token.len() as u64)),
        words => Err(TokenFlaw::Words(words as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_a_minute_and_all_runs_have_two() {
        for (ran, left, of) in [(0, 60, 60), (60, 60, 60), (70, 50, 120), (120, 0, 120), (130, 0, 120)] {
            let [ran, left, of] = [ran, left, of].map(Duration::from_secs);
            assert_eq!(default_limit(ran), ProgramLimit { left, of, by: None });
        }
    }

    #[test]
    fn a_token_is_one_word_that_sts_accepts() {
        let longest = "t".repeat(MAX_TOKEN);
        for text in ["abcd", " \r\n\u{a0}abcd\n", &longest] {
            assert_eq!(one_token(text), Ok(Secret::new(text.trim())));
        }
        for (text, flaw) in [
            ("", TokenFlaw::Empty),
            (" \n", TokenFlaw::Empty),
            ("abc", TokenFlaw::Length(3)),
            (&format!("{longest}t"), TokenFlaw::Length(20_001)),
            ("ab cd", TokenFlaw::Words(2)),
            ("ab\ncd", TokenFlaw::Words(2)),
            ("ab\0cd", TokenFlaw::NotText),
            ("\"a.b.c\"", TokenFlaw::Json),
            ("{\"token\": \"a.b.c\"}", TokenFlaw::Json),
            ("[\"a.b.c\"]", TokenFlaw::Json),
        ] {
            assert_eq!(one_token(text), Err(flaw), "{flaw:?}");
        }
    }
}
