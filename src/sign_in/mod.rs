//! Signs the user in to IAM Identity Center at the terminal, so that a run whose session has expired can go on.
//!
//! `sts` makes the requests and stores the token. This module talks with the user: it asks one question, shows the page
//! and the code, and opens a browser. It uses the terminal directly, because standard input and standard output are for
//! the command. It does not change the mode of the terminal, so a signal such as that of ^C ends xassume as usual.

mod browser;

use crate::error::{SourceError, TokenId, one_line, shortened};
use crate::profile::SsoSession;
use crate::sts::{DeviceGrant, LoginContext};
use crate::sys::keyboard::Keyboard;
use nix::unistd::{getpgrp, tcgetpgrp};
use std::time::SystemTime;

/// The maximum length in bytes of an answer to the question.
const MAX_ANSWER: usize = 64;
/// The maximum length in characters of a code that is shown. The codes of IAM Identity Center have 9.
const MAX_CODE: usize = 40;
/// The maximum length in characters of a start URL that is shown.
const MAX_URL: usize = 256;

/// Asks the user at the terminal whether to sign in, and signs in. Returns the time at which the session expires. Returns
/// `None` if the user declines.
///
/// Only one xassume signs in to a session at a time. The others wait and then use its token. `refused` is the token that
/// the access portal has refused, or `None` if it has refused no token.
///
/// # Errors
/// The sign-in fails, or the file of the session cannot be used.
pub(crate) async fn sign_in(
    session: &SsoSession,
    context: LoginContext<'_>,
    refused: Option<TokenId>,
    terminal: &Keyboard,
) -> Result<Option<SystemTime>, SourceError> {
    let waits = async || {
        let name = shortened(session.identifier());
        // A progress line is not used here, because it could erase the question of the other xassume on the same
        // terminal.
        let _ = terminal.show(&format!("Waiting for another xassume to sign in to {name}\n")).await;
    };
    let _lock = session.lock(&context, refused, waits).await?;
    match session.valid_until(refused, &context)? {
        Some(end) => Ok(Some(end)),
        None => converse(session, context, refused, terminal).await,
    }
}

/// Opens the terminal if the user may see the question there. In the background, the kernel would stop xassume when it
/// reads the answer.
///
/// # Errors
/// Returns why the user cannot be asked.
pub(crate) fn terminal() -> Result<Keyboard, &'static str> {
    let terminal = Keyboard::open().map_err(|_| "there is no terminal")?;
    if is_in_foreground(&terminal) { Ok(terminal) } else { Err("xassume runs in the background") }
}

fn is_in_foreground(terminal: &Keyboard) -> bool {
    tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())
}

/// Asks the question, signs in, and returns the time at which the session expires. Returns `None` if the user declines or
/// closes the terminal.
async fn converse(
    session: &SsoSession,
    context: LoginContext<'_>,
    refused: Option<TokenId>,
    terminal: &Keyboard,
) -> Result<Option<SystemTime>, SourceError> {
    let (profile, url) = (shortened(&session.profile), one_line(&session.start_url, MAX_URL));
    let question =
        format!("The SSO session of profile '{profile}' has expired or was never started.\nSign in at {url}? [Y/n] ");
    if !is_accepted(terminal, &question).await {
        return Ok(None);
    }
    // The user may have signed in with another program in the meantime.
    if let Ok(Some(end)) = session.valid_until(refused, &context) {
        return Ok(Some(end));
    }
    let grant = DeviceGrant::begin(session, context).await?;
    let code = one_line(&grant.user_code, MAX_CODE);
    let page = format!(
        "Open this page in a browser, and confirm the code if the page shows the same one:\n\n  {}\n  code: {code}\n\n\
         Waiting for the sign-in (^C to cancel)\n",
        grant.url
    );
    // An error is ignored: if the terminal was closed, SIGHUP ends xassume.
    let _ = terminal.show(&page).await;
    browser::open(&grant.url, context.vars).await;
    let end = grant.finish().await?;
    let _ = terminal.show("Signed in\n").await;
    Ok(Some(end))
}

/// Asks a question whose usual answer is yes, and asks once more if the answer is neither yes nor no. The end of the input
/// means no.
async fn is_accepted(terminal: &Keyboard, question: &str) -> bool {
    for question in [question, "Answer y or n: "] {
        // What was typed before the question does not answer it. The wait for the lock may have been long, so xassume may
        // be in the background by now. Then the kernel stops it when it reads the answer.
        if is_in_foreground(terminal) && terminal.discard_input().is_err() || terminal.show(question).await.is_err() {
            return false;
        }
        let answer = terminal.line(MAX_ANSWER).await.unwrap_or_default();
        if !answer.ends_with(b"\n") {
            // The next text must begin on a new line.
            let _ = terminal.show("\n").await;
        }
        match answer.trim_ascii().to_ascii_lowercase().as_slice() {
            b"" => return !answer.is_empty(),
            b"y" | b"yes" => return true,
            b"n" | b"no" => return false,
            // The answer was longer than `MAX_ANSWER`.
            _ if answer.starts_with(b"\0") => return false,
            _ => {}
        }
    }
    false
}
