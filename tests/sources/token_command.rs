//! Web identity tokens that a command prints.

use super::{ROLE, failed, ran};
use crate::support::{Answer, FakeSts, RoleRules, Xassume, probe};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// A command that prints another token in each run, and counts its runs.
const NEW_TOKEN: &str = "echo >>$HOME/runs; echo token.$(wc -l <$HOME/runs)";

fn with_command(sts: &FakeSts, command: &str) -> Xassume {
    Xassume::new(sts).without_keys().args(["--web-identity-token-command", command])
}

/// The tokens of all requests.
fn tokens(sts: &FakeSts) -> Vec<String> {
    sts.requests().iter().map(|request| request.param("WebIdentityToken").unwrap_or_default().to_owned()).collect()
}

fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("token.{number}")).collect()
}

fn refused(code: &str) -> Answer {
    Answer::error(400, code, "no")
}

#[test]
fn each_attempt_has_a_new_token() {
    for answers in [
        vec![Answer::throttling(), Answer::unavailable(), Answer::body(429, "text/html", "busy"), Answer::Reset],
        vec![refused("IDPCommunicationError"), refused("ExpiredTokenException"), refused("InvalidIdentityToken")],
        vec![refused("ExpiredTokenException"), refused("ExpiredTokenException"), Answer::ResetAfter(40)],
    ] {
        let sts = FakeSts::builder().script(answers.clone()).start();
        let found = ran(with_command(&sts, NEW_TOKEN));
        assert_eq!(tokens(&sts), numbered(answers.len() + 1), "{answers:?}");
        assert_eq!(found.variable("XASSUME_WEB_IDENTITY_TOKEN_COMMAND"), None);
        assert!(sts.requests().iter().all(|request| request.access_key_id.is_none()), "unsigned");
    }
}

#[test]
fn the_number_of_attempts_is_that_of_other_calls() {
    for (answer, attempts) in [
        (Answer::throttling(), 5),
        (refused("ExpiredTokenException"), 5),
        (refused("InvalidIdentityToken"), 2),
        (Answer::error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"), 1),
    ] {
        let sts = FakeSts::builder().script_forever([answer.clone()]).start();
        let error = failed(with_command(&sts, NEW_TOKEN));
        assert_eq!(tokens(&sts), numbered(attempts), "{answer:?}");
        assert!(error.starts_with("xassume: error: cannot assume "), "{error}");
    }
}

#[test]
fn a_refused_token_is_not_sent_again() {
    for code in ["ExpiredTokenException", "InvalidIdentityToken"] {
        let sts = FakeSts::builder().script_forever([refused(code)]).start();
        let error = failed(with_command(&sts, "echo the.same.token"));
        assert!(error.contains(code) && sts.requests().len() == 1, "{error}");
    }
}

#[test]
fn no_refused_token_is_sent_again_after_another_one() {
    let sts = FakeSts::builder().script_forever([refused("ExpiredTokenException")]).start();
    failed(with_command(&sts, "echo >>$HOME/runs; echo token.$(($(wc -l <$HOME/runs) % 2))"));
    assert_eq!(tokens(&sts), ["token.1", "token.0"]);
}

/// A command that has one token more than a session needs, and then fails.
#[test]
fn the_error_of_sts_remains_if_there_is_no_token_for_another_attempt() {
    let sts = FakeSts::builder().script_forever([Answer::unavailable()]).start();
    let error = failed(with_command(&sts, "test ! -e $HOME/ran && touch $HOME/ran && echo a.token"));
    let [of_sts, of_command] = ["ServiceUnavailable", " (not tried again: "].map(|text| error.find(text));
    assert!(of_sts.is_some() && of_sts < of_command && error.contains("exited with status 1)"), "{error}");
}

#[test]
fn a_cached_session_is_used_if_sts_is_down_and_the_command_fails() {
    let sts = FakeSts::builder().lifetime(Duration::from_mins(30)).start();
    let command = "echo >>$HOME/runs; test $(wc -l <$HOME/runs) -le 2 && echo a.token";
    let xassume = with_command(&sts, command).env("GITHUB_RUN_ID", "1").env("GITHUB_RUN_ATTEMPT", "1");
    let xassume = xassume.env("GITHUB_JOB", "test").args(["-r", ROLE]);
    xassume.clone().args(["--", "true"]).run().exited(0);
    sts.script_forever([Answer::unavailable()]);
    let stderr = xassume.args(["--min-ttl", "40m", "--", "true"]).run().exited(0).stderr;
    assert!(stderr.contains("ServiceUnavailable"), "{stderr}");
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn a_token_file_is_read_again_for_each_attempt() {
    let sts = FakeSts::builder().web_identity_tokens(&["new.token"]).script_forever([Answer::throttling()]).start();
    let xassume = Xassume::new(&sts).without_keys().file("token", "old.token");
    let (token, next) = (xassume.home().join("token"), xassume.home().join("next"));
    thread::scope(|scope| {
        scope.spawn(|| {
            sts.wait_for_requests(1);
            fs::write(&next, "new.token").and_then(|()| fs::rename(&next, &token)).expect("the home is ours");
            sts.script([]);
        });
        ran(xassume.arg("--web-identity-token-file").arg(&token));
    });
    let tokens = tokens(&sts);
    assert_eq!([tokens.first(), tokens.last()].map(Option::unwrap), ["old.token", "new.token"]);
}

#[test]
fn each_duration_is_requested_with_a_new_token() {
    let rules = RoleRules { max_session: Duration::from_hours(4), ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).start();
    ran(with_command(&sts, NEW_TOKEN).args(["--duration", "max"]));
    assert_eq!(tokens(&sts), numbered(3), "12, 8 and 4 hours");
}

#[test]
fn other_output_than_one_token_is_an_error_that_does_not_show_it() {
    let sts = FakeSts::start();
    for (command, reason) in [
        ("printf hid", "printed a word of 3 bytes"),
        ("echo hidden hidden", "printed 2 words instead of one token"),
        ("printf 'hidden\\0hidden'", "printed bytes that are not text"),
        ("printf 'hidden%020001d' 1", "printed a word of 20007 bytes"),
        ("printf 'hidden\\377'", "printed bytes that are not text"),
        ("echo '\"hidden\"'", "printed JSON instead of a token"),
        ("printf 'hidden%066000d' 1", "printed more than 65536 bytes"),
    ] {
        let error = failed(with_command(&sts, command));
        let lines: Vec<_> = error.lines().collect();
        assert!(lines.len() == 2 && lines[0].contains(reason) && !error.contains("hid"), "{command}: {error}");
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn the_key_of_a_profile_has_the_same_meaning() {
    let sts = FakeSts::start();
    let config = format!(
        "[profile ci]\nrole_arn = arn:aws:iam::222222222222:role/First\nweb_identity_token_process = {NEW_TOKEN}\n\
         [profile deploy]\nrole_arn = {ROLE}\nsource_profile = ci\n"
    );
    let xassume = Xassume::new(&sts).without_keys().file(".aws/config", config);
    xassume.args(["-p", "deploy", "--", "true"]).run().exited(0);
    let found: Vec<_> = sts.requests().iter().map(|request| request.action.clone()).collect();
    assert_eq!(found, ["AssumeRoleWithWebIdentity", "AssumeRole"]);
    let roles: Vec<_> = sts.requests().iter().map(|request| request.param("RoleArn").map(str::to_owned)).collect();
    assert_eq!(roles, ["arn:aws:iam::222222222222:role/First", ROLE].map(|role| Some(role.to_owned())));
}

#[test]
fn the_command_has_no_input_no_terminal_and_no_variable_of_its_own() {
    let sts = FakeSts::builder().web_identity_tokens(&["all.good"]).start();
    let command = "test -z \"$(cat)\" && ! (: </dev/tty) 2>/dev/null && test -z \"$XASSUME_WEB_IDENTITY_TOKEN_COMMAND\" \
                   && test \"$XASSUME_DEPTH\" = 1 && echo all.good";
    let xassume = Xassume::new(&sts).without_keys().env("XASSUME_WEB_IDENTITY_TOKEN_COMMAND", command).stdin("input");
    ran(xassume);
}

#[test]
fn the_command_and_sts_share_a_timeout_that_is_set() {
    let sts = FakeSts::builder().script([Answer::Hang]).start();
    let begun = Instant::now();
    let error = failed(with_command(&sts, "sleep 4; echo a.token").args(["--sts-timeout", "6s"]));
    let took = begun.elapsed();
    assert!(error.contains("timed out after ") && error.contains("cannot assume"), "{error}");
    assert!(took >= Duration::from_secs(6) && took < Duration::from_millis(9500), "6s for both, not 10s: {took:?}");
}

#[test]
fn a_command_that_needs_the_session_itself_is_an_error() {
    let sts = FakeSts::start();
    let program = crate::support::binary();
    let config = format!(
        "[profile loop]\nrole_arn = {ROLE}\nweb_identity_token_process = {} -p loop -- true\n",
        program.display()
    );
    let xassume = Xassume::new(&sts).without_keys().file(".aws/config", config).args(["-p", "loop", "--", "true"]);
    let error = xassume.clone().run().exited(125).stderr;
    assert!(error.contains("recursive web identity token command"), "{error}");
    let error = xassume.without_args().args(["-p", "loop", "--check"]).run().exited(125);
    assert!(error.stderr.contains("recursive web identity token command"), "{}", error.stderr);
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_printed_session_and_a_check_use_the_command() {
    let sts = FakeSts::start();
    let xassume = with_command(&sts, NEW_TOKEN).args(["-r", ROLE]);
    let printed = xassume.clone().args(["--print", "json"]).run().exited(0);
    assert!(printed.stdout_text().contains("ASIA"), "{}", printed.stdout_text());
    let checked = xassume.args(["--check"]).run().exited(0);
    assert!(checked.stdout_text().contains("web identity token from the command echo"), "{}", checked.stdout_text());
    assert_eq!(tokens(&sts), numbered(2));
}

#[test]
fn a_refresh_runs_the_command_again() {
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2))]).start();
    let xassume = with_command(&sts, NEW_TOKEN).args(["-r", ROLE, "--on-expiry", "restart", "--"]);
    let running = xassume.args(probe()).args(["print-signals"]).spawn();
    running.line("ready");
    running.line("ready");
    running.signal(libc::SIGTERM);
    running.wait();
    assert_eq!(tokens(&sts), numbered(2));
}
