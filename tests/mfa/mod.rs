//! Multi-factor authentication: the sources of a code, the request that it is sent with, and where it must not appear.

use crate::support::{Answer, FakeSts, Finished, Identity, RoleRules, Terminal, Xassume, probe};
use std::time::{Duration, Instant};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const DEVICE: &str = "arn:aws:iam::222222222222:mfa/alice";
const CODE: &str = "314159";
const PROMPT: &str = "MFA code of arn:aws:iam::222222222222:mfa/alice: ";

/// An STS whose role wants MFA, and whose devices accept these codes.
fn sts_with_mfa(codes: &[&str]) -> FakeSts {
    let rules = RoleRules { mfa_required: true, ..RoleRules::default() };
    FakeSts::builder().role(ROLE, rules).mfa_codes(codes).start()
}

fn with_device(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["-r", ROLE, "--mfa-serial", DEVICE])
}

fn with_command(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

fn ran(xassume: Xassume) -> Finished {
    let finished = with_command(xassume, &["say", "ran"]).run().exited(0);
    assert_eq!(finished.stdout_text(), "ran\n");
    finished
}

#[track_caller]
fn failed(xassume: Xassume) -> String {
    let finished = with_command(xassume, &["say", "ran"]).run().exited(125);
    assert_eq!(finished.stdout_text(), "", "the command must not start");
    assert!(finished.stderr.contains("\nhint: "), "{}", finished.stderr);
    finished.stderr
}

/// Each request: its action, who signed it, and device and code if it carries them.
fn notation_of_requests(sts: &FakeSts) -> Vec<String> {
    let user = Identity::user().access_key_id;
    let told = |request: crate::support::StsRequest| {
        let signer = request.access_key_id.clone().unwrap_or_default().replace(&user, "user");
        let mfa = ["SerialNumber", "TokenCode"].map(|name| request.param(name).unwrap_or("-").to_owned());
        format!("{} by {signer} {} {}", request.action, mfa[0], mfa[1])
    };
    sts.requests().into_iter().map(told).collect()
}

#[test]
fn with_long_term_keys_the_code_starts_an_mfa_session() {
    let sts = sts_with_mfa(&[CODE]);
    ran(with_device(&sts).args(["--mfa-token", CODE]));
    let bought = &sts.issued()[0].access_key_id;
    assert_eq!(
        notation_of_requests(&sts),
        [format!("GetSessionToken by user {DEVICE} {CODE}"), format!("AssumeRole by {bought} - -")]
    );
    assert_eq!(sts.requests()[0].param("DurationSeconds"), Some("43200"));
    assert_eq!(sts.issued()[1].role_arn, ROLE);
}

#[test]
fn the_mfa_session_has_the_requested_duration() {
    let sts = sts_with_mfa(&[CODE]);
    ran(with_device(&sts).args(["--mfa-token", CODE, "--mfa-session-duration", "36h"]));
    assert_eq!(sts.requests()[0].param("DurationSeconds"), Some("129600"));
    for bad in ["14m", "37h", "1ms", "long"] {
        let error = failed(with_device(&sts).args(["--mfa-token", CODE, "--mfa-session-duration", bad]));
        assert!(error.contains(&format!("--mfa-session-duration `{bad}` ")), "{error}");
    }
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn the_flag_overrides_the_device_of_the_profile() {
    let config = format!("[default]\nrole_arn = {ROLE}\ncredential_source = Environment\nmfa_serial = {DEVICE}\n");
    for (args, device) in [(&[][..], DEVICE), (&["--mfa-serial", "GAHT12345678"], "GAHT12345678")] {
        let sts = sts_with_mfa(&[CODE]);
        ran(Xassume::new(&sts).file(".aws/config", &config).args(["--mfa-token", CODE]).args(args));
        assert_eq!(notation_of_requests(&sts)[0], format!("GetSessionToken by user {device} {CODE}"));
    }
}

#[test]
fn with_temporary_keys_the_code_is_sent_with_the_role() {
    let (sts, task) = (sts_with_mfa(&[CODE]), Identity::task());
    ran(with_device(&sts).with_keys_of(&task).args(["--mfa-token", CODE]));
    assert_eq!(notation_of_requests(&sts), [format!("AssumeRole by {} {DEVICE} {CODE}", task.access_key_id)]);
}

#[test]
fn for_more_than_an_hour_the_code_is_sent_with_the_role() {
    let sts = sts_with_mfa(&[CODE]);
    ran(with_device(&sts).args(["--mfa-token", CODE, "--duration", "2h"]));
    assert_eq!(notation_of_requests(&sts), [format!("AssumeRole by user {DEVICE} {CODE}")]);
    assert_eq!(sts.requests()[0].param("DurationSeconds"), Some("7200"));
}

#[test]
fn duration_max_conflicts_with_a_code() {
    let sts = sts_with_mfa(&[CODE]);
    let error = failed(with_device(&sts).args(["--mfa-token", CODE, "--duration", "max"]));
    assert!(error.contains("each try would take an MFA code"), "{error}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn one_code_is_enough_for_a_chain() {
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::333333333333:role/Last\nsource_profile = hub\nmfa_serial = GAHT12345678\n\
         [profile hub]\nrole_arn = {ROLE}\ncredential_source = Environment\nmfa_serial = {DEVICE}\n"
    );
    let sts = sts_with_mfa(&[CODE]);
    let finished = ran(Xassume::new(&sts).file(".aws/config", config).args(["-v", "--mfa-token", CODE]));
    let issued = sts.issued();
    assert_eq!(
        notation_of_requests(&sts),
        [
            format!("GetSessionToken by user {DEVICE} {CODE}"),
            format!("AssumeRole by {} - -", issued[0].access_key_id),
            format!("AssumeRole by {} - -", issued[1].access_key_id),
        ]
    );
    assert!(finished.stderr.contains("mfa_serial is not used for arn:aws:iam::333333333333:role/Last"));
}

#[test]
fn after_a_web_identity_the_code_is_sent_with_the_second_role() {
    let sts = sts_with_mfa(&[CODE]);
    let xassume = Xassume::new(&sts).without_keys().file("token", "token.of.pod");
    let token = xassume.home().join("token");
    let xassume = xassume.env("AWS_WEB_IDENTITY_TOKEN_FILE", token);
    let xassume = xassume.env("AWS_ROLE_ARN", "arn:aws:iam::222222222222:role/Pod");
    ran(xassume.args(["-r", ROLE, "--mfa-serial", DEVICE, "--mfa-token", CODE]));
    let pod = &sts.issued()[0].access_key_id;
    assert_eq!(
        notation_of_requests(&sts),
        ["AssumeRoleWithWebIdentity by  - -".to_owned(), format!("AssumeRole by {pod} {DEVICE} {CODE}")]
    );
}

#[test]
fn a_wrong_code_is_sent_once_and_never_shown() {
    for args in [&[][..], &["--duration", "2h"]] {
        let sts = sts_with_mfa(&[]);
        let error = failed(with_device(&sts).args(["-vv", "--mfa-token", CODE]).args(args));
        assert!(error.contains("AccessDenied: MultiFactorAuthentication failed"), "{error}");
        assert!(error.contains(&format!("hint: give the current code of {DEVICE}")), "{error}");
        assert!(!error.contains(CODE), "{error}");
        assert_eq!(sts.requests().len(), 1);
    }
}

#[test]
fn each_launch_needs_its_own_code() {
    let sts = sts_with_mfa(&[CODE, "271828"]);
    ran(with_device(&sts).args(["--mfa-token", CODE]));
    let error = failed(with_device(&sts).args(["--mfa-token", CODE]));
    assert!(error.contains("each code works once"), "{error}");
    ran(with_device(&sts).args(["--mfa-token", "271828"]));
}

#[test]
fn a_role_that_requires_a_code_hints_at_mfa_serial() {
    let sts = sts_with_mfa(&[CODE]);
    let error = failed(Xassume::new(&sts).args(["-r", ROLE]));
    assert!(error.contains("AccessDenied") && error.contains("--mfa-serial"), "{error}");
}

#[test]
fn an_invalid_code_is_rejected_before_any_call() {
    let sts = sts_with_mfa(&[CODE]);
    for bad in ["31415", "3141592", "31415x"] {
        let error = failed(with_device(&sts).args(["--mfa-token", bad]));
        assert!(error.contains("--mfa-token is not a code of six digits"), "{error}");
        assert!(!error.contains(bad), "{error}");
    }
    let error = failed(Xassume::new(&sts).args(["-r", ROLE, "--mfa-serial", "short", "--mfa-token", CODE]));
    assert!(error.contains("--mfa-serial `short` has 5 characters"), "{error}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_code_without_a_device_is_a_usage_error() {
    let sts = FakeSts::start();
    let error = failed(Xassume::new(&sts).args(["-r", ROLE, "--mfa-token", CODE]));
    assert!(error.contains("no MFA device is named") && error.contains("\nusage: "), "{error}");
    assert_eq!(sts.requests().len(), 0);
    // The variable may be set for the roles that need a code.
    ran(Xassume::new(&sts).args(["-r", ROLE]).env("XASSUME_MFA_COMMAND", "exit 1"));
}

#[test]
fn a_token_and_a_command_conflict_if_both_are_typed() {
    let sts = sts_with_mfa(&[CODE]);
    let error = failed(with_device(&sts).args(["--mfa-token", CODE, "--mfa-command", "true"]));
    assert!(error.contains("--mfa-command does not go with --mfa-token: a code comes from one place\n"), "{error}");
    assert_eq!(sts.requests().len(), 0);
    let finished = ran(with_device(&sts).args(["-v", "--mfa-token", CODE]).env("XASSUME_MFA_COMMAND", "exit 1"));
    assert!(finished.stderr.contains("xassume: XASSUME_MFA_COMMAND is not used: it does not go with --mfa-token\n"));
}

#[test]
fn a_code_in_the_environment_is_not_read() {
    let sts = sts_with_mfa(&[CODE]);
    let error = failed(with_device(&sts).arg("-v").env("XASSUME_MFA_TOKEN", CODE));
    assert!(error.contains("XASSUME_MFA_TOKEN is not read"), "{error}");
    assert!(error.contains("there is no terminal") && !error.contains(CODE), "{error}");
}

#[test]
fn variables_can_set_the_device_and_the_command() {
    let sts = sts_with_mfa(&[CODE]);
    let xassume = Xassume::new(&sts).args(["-r", ROLE]).env("XASSUME_MFA_SERIAL", DEVICE);
    let xassume = xassume.env("XASSUME_MFA_COMMAND", format!("echo {CODE}"));
    let shown = with_command(xassume.env("XASSUME_MFA_SESSION_DURATION", "1h"), &["environ"]).run().exited(0);
    assert_eq!(sts.requests()[0].param("DurationSeconds"), Some("3600"));
    for name in ["XASSUME_MFA_SERIAL", "XASSUME_MFA_COMMAND", "XASSUME_MFA_SESSION_DURATION"] {
        assert_eq!(shown.variable(name), None, "{name} must not reach the command");
    }
}

#[test]
fn only_the_first_line_of_standard_input_is_read() {
    for lines in ["314159\nrest\nof it\n", " 314159 \r\nrest\nof it\n"] {
        let sts = sts_with_mfa(&[CODE]);
        let finished =
            with_command(with_device(&sts).args(["--mfa-token", "-"]).stdin(lines), &["cat"]).run().exited(0);
        assert_eq!(finished.stdout_text(), "rest\nof it\n");
    }
    let sts = sts_with_mfa(&[CODE]);
    ran(with_device(&sts).args(["--mfa-token", "-"]).stdin(CODE));
    for (input, complaint) in
        [("", "standard input gave none: it is empty"), ("\n314159", "standard input gave is not")]
    {
        let error = failed(with_device(&sts).args(["--mfa-token", "-"]).stdin(input));
        assert!(error.contains(complaint) && !error.contains(CODE), "{error}");
    }
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn without_a_terminal_the_error_lists_the_other_sources() {
    let sts = sts_with_mfa(&[CODE]);
    let begun = Instant::now();
    let error = failed(with_device(&sts).stdin(format!("{CODE}\n")));
    assert!(error.contains(&format!("no MFA code of {DEVICE}: there is no terminal")), "{error}");
    assert!(error.contains("--mfa-command") && error.contains("--mfa-token"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn the_terminal_shows_a_prompt() {
    let sts = sts_with_mfa(&[CODE]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["read-tty"]));
    terminal.through(PROMPT);
    assert!(terminal.is_cooked());
    terminal.keys("what\n");
    terminal.through("a code has six digits");
    terminal.through(PROMPT);
    terminal.keys("314159\n");
    terminal.through("314159\r\n");
    terminal.keys("the command's own line\n");
    terminal.line("read the command's own line");
    assert!(terminal.is_cooked());
    terminal.wait().exited(0);
    assert_eq!(notation_of_requests(&sts)[0], format!("GetSessionToken by user {DEVICE} {CODE}"));
}

#[test]
fn the_time_at_the_prompt_does_not_count_towards_the_timeout() {
    for args in [&[][..], &["--duration", "2h"]] {
        let sts = sts_with_mfa(&[CODE]);
        let terminal =
            Terminal::run(&with_command(with_device(&sts).args(["--sts-timeout", "1s"]).args(args), &["exit", "0"]));
        terminal.through(PROMPT);
        // A limit that begins only now is over: so would be one that had begun before the question.
        let hanging = FakeSts::builder().script([Answer::Hang]).start();
        let late = Xassume::new(&hanging).args(["-r", ROLE, "--sts-timeout", "1s", "--", "true"]).run().exited(125);
        assert!(late.stderr.contains("gave no answer within "), "{}", late.stderr);
        terminal.keys("314159\n");
        terminal.wait().exited(0);
    }
}

#[test]
fn three_invalid_codes_or_the_end_of_input_end_the_prompt() {
    let sts = sts_with_mfa(&[CODE]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    for answer in ["1\n", "12345x\n", "\n"] {
        terminal.through(PROMPT);
        terminal.keys(answer);
    }
    let finished = terminal.wait().exited(125);
    assert!(finished.stdout_text().contains("what the terminal gave is not a code of six digits"));

    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    terminal.through(PROMPT);
    terminal.keys("\x04");
    let finished = terminal.wait().exited(125);
    assert!(finished.stdout_text().contains("the terminal gave none: it was closed"), "{}", finished.describe());
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_signal_ends_the_prompt_and_restores_the_terminal() {
    let sts = sts_with_mfa(&[CODE]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    terminal.through(PROMPT);
    terminal.keys("\x03");
    terminal.wait().killed_by(libc::SIGINT);

    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    terminal.through(PROMPT);
    terminal.signal(libc::SIGTERM);
    terminal.wait().killed_by(libc::SIGTERM);

    let bash = Terminal::bash(&Xassume::new(&sts));
    bash.keys(&format!("$BIN -r {ROLE} --mfa-serial {DEVICE} -- true\n"));
    bash.through(PROMPT);
    bash.keys("\x03");
    bash.through("prompt> ");
    assert!(bash.is_cooked());
    assert!(bash.command("echo status $?").contains("status 130"));
}

#[test]
fn a_shell_stops_and_continues_the_prompt() {
    let sts = sts_with_mfa(&[CODE]);
    let bash = Terminal::bash(&Xassume::new(&sts));
    bash.keys(&format!("$BIN -r {ROLE} --mfa-serial {DEVICE} -- echo it ran\n"));
    bash.through(PROMPT);
    bash.keys("\x1a");
    bash.through("Stopped");
    bash.through("prompt> ");
    bash.keys("fg\n");
    bash.through("echo it ran");
    bash.keys("314159\n");
    bash.line("it ran");
}

#[test]
fn a_refresh_never_prompts_even_after_a_cached_session() {
    let sts = sts_with_mfa(&[CODE]);
    sts.script([Answer::Ok, Answer::Lifetime(Duration::from_secs(8))]);
    let world = with_device(&sts);
    ran(world.clone().args(["--mfa-token", CODE]));
    // No MFA session of this length was bought.
    let staying = world.args(["--mfa-session-duration", "1h", "--via", "file", "--min-ttl", "1s"]);
    let terminal = Terminal::run(&with_command(staying, &["say", "it runs", "then", "read-tty"]));
    terminal.line("it runs");
    let line = terminal.line("cannot refresh the session");
    assert!(line.contains("a refresh needs a new one, and nobody is asked after the start"), "{line}");
    terminal.keys("hello\n");
    terminal.line("read hello");
    terminal.wait().exited(0);
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn a_command_prints_the_code_and_its_stderr_is_shown() {
    let sts = sts_with_mfa(&[CODE]);
    let finished = ran(with_device(&sts).args(["--mfa-command", &format!("echo a word >&2; echo ' {CODE} '")]));
    assert_eq!(finished.stderr, "a word\n");
}

/// Prints a code of a list each time, and the last one from then on.
const NEXT_CODE: &str = "n=$(($(cat $HOME/n 2>/dev/null || echo 0) + 1)); echo $n >$HOME/n; \
                      sed -n ${n}p $HOME/codes | grep . || tail -n 1 $HOME/codes";

/// Restarts at each refresh, without a cache, with the codes 111111 and 222222.
fn restarting_with_codes(sts: &FakeSts) -> crate::support::Running {
    let world = with_device(sts).env("XASSUME_NO_CACHE", "true").file("codes", "111111\n222222\n");
    with_command(world.args(["--mfa-command", NEXT_CODE, "--on-expiry", "restart"]), &["print-keys"]).spawn()
}

#[test]
fn an_mfa_session_from_a_refresh_is_used_by_the_next_one() {
    let sts = sts_with_mfa(&["111111", "222222"]);
    let brief = || Answer::Lifetime(Duration::from_secs(2));
    sts.script([brief(), brief(), Answer::Ok, brief(), Answer::Ok]);
    let running = restarting_with_codes(&sts);
    (0..3).for_each(|_| drop(running.line("ready")));
    let bought = [0, 2].map(|place| sts.issued()[place].access_key_id.clone());
    let buys = |code| format!("GetSessionToken by user {DEVICE} {code}");
    let assumes = |key| format!("AssumeRole by {key} - -");
    let expected = [buys("111111"), assumes(&bought[0]), buys("222222"), assumes(&bought[1]), assumes(&bought[1])];
    assert_eq!(notation_of_requests(&sts), expected);
}

#[test]
fn a_used_code_is_not_sent_again_at_the_next_refresh() {
    let sts = sts_with_mfa(&["111111", "222222"]);
    sts.script([(); 4].map(|()| Answer::Lifetime(Duration::from_secs(2))));
    let running = restarting_with_codes(&sts);
    (0..2).for_each(|_| drop(running.line("ready")));
    let line = running.error_line("cannot refresh the session");
    assert!(line.contains(&format!("no MFA code of {DEVICE}: ")), "{line}");
    running.error_line("hint: a device shows its next code within 30 seconds");
    assert_eq!(sts.requests().len(), 4);
}

#[test]
fn a_command_without_a_code_is_reported_without_its_output() {
    let sts = sts_with_mfa(&[CODE]);
    for (command, complaint) in [
        ("echo 314159; exit 3", "--mfa-command: it"),
        ("/no/such/program", "--mfa-command: it"),
        ("true", "what --mfa-command gave is not a code of six digits"),
        ("echo 3141592653", "what --mfa-command gave is not a code"),
        ("echo your code: 314159", "what --mfa-command gave is not a code"),
        ("printf '\\377\\376'", "what --mfa-command gave is not a code"),
        ("yes 314159 | head -c 5000", "--mfa-command: it printed more than 4096 bytes"),
    ] {
        let error = failed(with_device(&sts).args(["--mfa-command", command]));
        let told = error.lines().filter(|line| line.starts_with("xassume: ")).collect::<String>();
        assert!(told.contains(complaint), "{command}: {error}");
        assert!(!error.contains("314159"), "{command}: {error}");
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_signal_ends_the_wait_for_a_command_that_hangs() {
    let sts = sts_with_mfa(&[CODE]);
    let running = with_command(with_device(&sts), &["say", "ran"]);
    let running = Xassume::spawn(&running.env("XASSUME_MFA_COMMAND", "echo it hangs >&2; exec sleep 600"));
    running.error_line("it hangs");
    running.signal(libc::SIGTERM);
    // Its output is still held open by the command, so only the end itself is awaited.
    assert!(running.ends_within(Duration::from_secs(30)));
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_code_is_neither_in_arguments_nor_in_a_log() {
    // No other test types it.
    let code = "662607";
    let sts = sts_with_mfa(&[code]);
    sts.script([Answer::Held]);
    let xassume = with_device(&sts).args(["-vv", "--mfa-command", "cat code"]);
    std::fs::write(xassume.sandbox().work().join("code"), code).expect("the directory is writable");
    let running = with_command(xassume, &["say", "ran"]).spawn();
    sts.wait_for_requests(1);
    for entry in std::fs::read_dir("/proc").expect("/proc is there").flatten() {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&words).contains(code), "{}", entry.path().display());
    }
    sts.release();
    let finished = running.wait().exited(0);
    assert!(!finished.stderr.contains(code), "{}", finished.stderr);
}

#[test]
fn the_use_of_the_code_is_logged() {
    let sts = sts_with_mfa(&[CODE]);
    let finished = ran(with_device(&sts).args(["-v", "--mfa-token", CODE]));
    let issued = sts.issued();
    for line in [
        format!("\n  MFA: device {DEVICE}, its code from --mfa-token\n"),
        format!("\nxassume: MFA session: {}, ends at ", issued[0].access_key_id),
    ] {
        assert!(finished.stderr.contains(&line), "{line}: {}", finished.stderr);
    }
}
