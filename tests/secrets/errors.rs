//! No error message contains a secret.

use super::search::Secrets;
use super::{ROLE, user, xassume};
use crate::support::http::{Reply, Response, Server};
use crate::support::{Answer, DeniedCall, FakeSts, Finished, Running, Tokens, Xassume, probe};

const SECRET: &str = "sentinel+of/something+that/AWS/keeps/to/itself";

/// A run with each of the two log formats.
struct InBothFormats {
    case: String,
    running: [Running; 2],
}

fn start(case: impl Into<String>, xassume: &Xassume) -> InBothFormats {
    let running = ["text", "json"].map(|format| {
        let world = xassume.clone().args(["--no-cache", "--log-format", format, "--sts-timeout", "1s", "--"]);
        world.args(probe()).args(["say", "ran"]).spawn()
    });
    InBothFormats { case: case.into(), running }
}

impl InBothFormats {
    /// Asserts that the output contains no secret.
    fn assert_no_secret(self) -> [Finished; 2] {
        let mut secrets = Secrets::default();
        secrets.add_identity(&user());
        secrets.add("what is secret", SECRET);
        self.running.map(|running| {
            let finished = running.wait();
            secrets.assert_absent(&self.case, finished.stderr.as_bytes());
            finished
        })
    }

    /// The same for runs that must fail.
    fn must_be_errors(self) {
        let case = self.case.clone();
        for finished in self.assert_no_secret() {
            assert_eq!(finished.exited(125).stdout_text(), "", "{case}");
        }
    }
}

fn assert_no_secret(case: impl Into<String>, xassume: &Xassume) {
    start(case, xassume).must_be_errors();
}

/// An answer of STS that contains a secret and was damaged in some flags.
fn damaged_answers() -> Vec<String> {
    let whole = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>A:b</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/R/me</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{SECRET}</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    let replaced = [
        ("2099-01-01T00:00:00Z", SECRET),
        ("2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        ("<SessionToken>", "<SessionToken"),
        ("</SessionToken>", "</Other>"),
        ("<SecretAccessKey>", "<SecretAccessKey>&amp;&nonsense;"),
        ("<SecretAccessKey>", "<SecretAccessKey>&#1;"),
        ("</Credentials>", ""),
        ("<AccessKeyId>ASIAX</AccessKeyId>", ""),
        ("<Arn>arn:aws:sts::1:assumed-role/R/me</Arn>", "<Arn>a\u{1b}[0mb</Arn>"),
    ];
    let mut all: Vec<_> = replaced.map(|(from, to)| whole.replacen(from, to, 1)).into();
    let at = whole.find(SECRET).expect("it is in there");
    all.extend([at + 5, at + SECRET.len(), at + SECRET.len() + 3, whole.len() - 9].map(|end| whole[..end].to_owned()));
    all.push(format!("{{\"SecretAccessKey\":\"{SECRET}\"}}"));
    all.push(SECRET.to_owned());
    all
}

#[test]
fn invalid_answers_of_sts() {
    for body in damaged_answers() {
        for status in [200, 400] {
            let sts = FakeSts::builder().script_forever([Answer::body(status, "text/xml", body.clone())]).start();
            // Some of these are still valid answers: the part after the credentials is not needed.
            for finished in start(format!("{status} {body}"), &xassume(&sts)).assert_no_secret() {
                assert!([Some(0), Some(125)].contains(&finished.code()), "{body}: {}", finished.describe());
            }
        }
    }
}

#[test]
fn errors_of_sts() {
    let answers = [
        Answer::error(403, "AccessDenied", "no"),
        Answer::expired_token(),
        Answer::throttling(),
        Answer::unavailable(),
        Answer::error(403, "InvalidClientTokenId", "no"),
        Answer::error(403, "SignatureDoesNotMatch", "no"),
        Answer::Reset,
        Answer::Hang,
    ];
    let output = answers.map(|answer| {
        let sts = FakeSts::builder().script_forever([answer.clone()]).start();
        (start(format!("{answer:?}"), &xassume(&sts)), sts)
    });
    for (output, _sts) in output {
        output.must_be_errors();
    }
}

#[test]
fn answers_of_a_container_or_of_instance_metadata() {
    let sts = FakeSts::start();
    let world = || xassume(&sts).without_keys();
    let mut all = Vec::new();
    let keys = format!(r#""AccessKeyId":"ASIAX","SecretAccessKey":"{SECRET}""#);
    for body in [
        format!("{{{keys}"),
        format!("{{{keys}}}"),
        format!(r#"{{{keys},"Token":["{SECRET}"]}}"#),
        format!(r#"{{{keys},"Token":"{SECRET}","Expiration":"{SECRET}"}}"#),
        SECRET.to_owned(),
    ] {
        for status in [200, 500] {
            let body = body.clone();
            let server = Server::start(move |request| match request.path() {
                "/latest/api/token" => {
                    Reply::from(Response::text(200, SECRET).header("x-aws-ec2-metadata-token-ttl-seconds", "60"))
                }
                "/latest/meta-data/iam/security-credentials/" => Response::text(200, "Role").into(),
                _ => Response::new(status, "application/json", body.clone()).into(),
            });
            let container = world()
                .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url() + "/get")
                .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", SECRET);
            let metadata = world().with_metadata_at(&server.url());
            all.push((start("a container", &container), start("metadata", &metadata), server));
        }
    }
    for (container, metadata, _server) in all {
        container.must_be_errors();
        metadata.must_be_errors();
    }
    // A token that is not a valid header value.
    let token = format!("{SECRET}\n{SECRET}");
    let server = Server::start(|_| Response::text(200, "").into());
    let container = world().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url());
    assert_no_secret("a token of two lines", &container.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", token));
}

#[test]
fn damaged_files() {
    let sts = FakeSts::start();
    let world = || xassume(&sts).without_keys();
    for file in [".aws/credentials", ".aws/config"] {
        for text in [
            format!("[default]\naws_access_key_id = AKIAX\naws_secret_access_key {SECRET}\n"),
            format!("[default\naws_secret_access_key = {SECRET}\n"),
            format!("aws_secret_access_key = {SECRET}\n[default]\n"),
            format!("[default]\naws_secret_access_key = {SECRET}\n"),
            format!("[default]\naws_access_key_id = AKIAX\naws_secret_access_key =\n  {SECRET}\n"),
            format!("[default]\naws_session_token = {SECRET}\nrole_arn = {ROLE}\n"),
        ] {
            assert_no_secret(format!("{file}: {text}"), &world().file(file, &text));
        }
    }
    for token in [format!("{SECRET} {SECRET}"), SECRET.repeat(500)] {
        let world = world().file("token", token);
        let token = world.home().join("token");
        assert_no_secret("a token file", &world.clone().arg("--web-identity-token-file").arg(token));
        let by_command = world.args(["--web-identity-token-command", "cat $HOME/token"]);
        assert_no_secret("a command that prints no token", &by_command);
    }
    let sts = FakeSts::builder().web_identity_tokens(&["good"]).start();
    let refused = xassume(&sts).without_keys().file("token", SECRET);
    let token = refused.home().join("token");
    assert_no_secret("a token that is refused", &refused.arg("--web-identity-token-file").arg(token));
}

#[test]
fn refused_tokens_whose_claims_are_shown() {
    let token = Tokens::new().claim("jti", SECRET).claim("email", SECRET).mint();
    let (message, _) = token.rsplit_once('.').expect("a signature");
    let token = format!("{message}.{SECRET}");
    for (status, code, message) in [
        (400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://ci.example.com"),
        (400, "InvalidIdentityToken", "Incorrect token audience"),
        (400, "ExpiredTokenException", "Token expired"),
        (403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
    ] {
        let sts = FakeSts::builder().script_forever([Answer::error(status, code, message)]).start();
        let refused = xassume(&sts).without_keys().file("token", &token);
        let command = format!("cat {}", refused.home().join("token").display());
        assert_no_secret(message, &refused.args(["-vv", "--web-identity-token-command", &command]));
    }
}

#[test]
fn codes_and_helpers() {
    let sts = FakeSts::start();
    let mut code = Secrets::default();
    code.add("the code", "735196");
    let world = || xassume(&sts).args(["--mfa-serial", "arn:aws:iam::222222222222:mfa/x"]);
    for (case, world) in [
        ("a wrong code", world().args(["--mfa-token", "735196"])),
        ("a code of seven digits", world().args(["--mfa-token", "-"]).stdin("7351960\n")),
        ("a code with words", world().args(["--mfa-command", "echo the code is 735196"])),
        ("a command that fails", world().args(["--mfa-command", "echo 735196; exit 3"])),
    ] {
        for format in ["text", "json"] {
            let finished = world.clone().args(["--log-format", format, "--", "true"]).run().exited(125);
            code.assert_absent(case, finished.stderr.as_bytes());
        }
    }
    for script in [
        "echo $WORD".to_owned(),
        r#"echo "{\"Version\":\"$WORD\"}""#.to_owned(),
        r#"echo "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"$WORD\",\"Expiration\":\"$WORD\"}""#
            .to_owned(),
        r#"printf '{"Version":1,"SecretAccessKey":"%s"' $WORD"#.to_owned(),
        "echo $WORD; exit 1".to_owned(),
        "while :; do echo $WORD; done".to_owned(),
    ] {
        let config = format!("[default]\ncredential_process = {script}\n");
        assert_no_secret(
            script.as_str(),
            &xassume(&sts).without_keys().env("WORD", SECRET).file(".aws/config", config),
        );
    }
}

/// A panic in a library during a run: the runtime may not wait for events.
#[test]
fn a_panic_is_one_line_with_its_location_and_no_data() {
    let sts = FakeSts::start();
    let waits = [
        #[cfg(target_arch = "x86_64")]
        DeniedCall::Call(libc::SYS_epoll_wait, libc::EPERM),
        DeniedCall::Call(libc::SYS_epoll_pwait, libc::EPERM),
    ];
    let world = || xassume(&sts).denying(&waits);
    for flags in [&[][..], &["--on-expiry", "restart"]] {
        assert_no_secret("a panic", &world().args(flags));
        let finished = world().args(flags).args(["--", "true"]).run().exited(125).left_no_process();
        assert!(finished.stderr.contains("xassume: error: internal error at "), "{}", finished.stderr);
        assert!(!finished.stderr.contains("panicked at"), "{}", finished.stderr);
    }
}
