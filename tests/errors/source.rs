//! Sources that return no credentials.

use super::page::{Page, ROLE, Scene, page, user_without_sts};
use crate::support::github::REQUEST_TOKEN;
use crate::support::http::Response;
use crate::support::{
    FakeContainer, FakeGitHub, FakeImds, FakeSignIn, FakeSso, FakeSts, LOGIN_SESSION, Login, RefusedPort, Xassume,
    write_end, write_login, write_sign_in,
};
use std::time::Duration;

const SSO: &str = "sso_account_id = 222222222222\nsso_role_name = Developer\n";
const LOGIN: &str = "login_session = arn:aws:iam::222222222222:user/alice\nregion = eu-west-1\n";
const START: &str = "https://example.awsapps.com/start";

/// A profile with these credentials settings, used for the role.
fn with_profile(lines: &str) -> Xassume {
    let xassume = user_without_sts().without_keys().file(".aws/config", format!("[profile dev]\n{lines}"));
    xassume.args(["-p", "dev", "-r", ROLE, "--", "true"])
}

/// A profile whose `credential_process` is this script.
fn with_credential_process(name: &'static str, script: &'static str) -> Page {
    page(name, move || {
        let xassume = with_profile("credential_process = sh ~/keys.sh --token hidden\n");
        Scene::new(xassume.file("keys.sh", script))
    })
}

fn in_container(container: &FakeContainer) -> Xassume {
    let xassume = user_without_sts().without_keys().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri());
    xassume.args(["-r", ROLE, "--", "true"])
}

/// A console login whose refresh fails with this code.
fn signed_in(code: &'static str) -> Scene {
    let (xassume, sign_in) = (with_profile(LOGIN), FakeSignIn::start());
    write_sign_in(&xassume.home(), LOGIN_SESSION, Duration::ZERO);
    sign_in.refuse(code);
    Scene::new(xassume.env("AWS_ENDPOINT_URL_SIGNIN", sign_in.url())).with(sign_in)
}

pub(super) fn pages() -> Vec<Page> {
    [services(), instances(), token_files(), github()].into_iter().flatten().collect()
}

fn token_files() -> Vec<Page> {
    vec![
        page("source-token-file-missing", || {
            let args = ["--web-identity-token-file", "/var/run/no/token", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("source-token-file-of-a-variable-missing", || {
            let xassume = user_without_sts().without_keys().env("XASSUME_WEB_IDENTITY_TOKEN_FILE", "/var/run/no/token");
            Scene::new(xassume.args(["-r", ROLE, "--", "true"]))
        }),
        page("source-token-file-of-a-profile-missing", || {
            let config = format!("[profile web]\nrole_arn = {ROLE}\nweb_identity_token_file = /var/run/no/token\n");
            Scene::new(user_without_sts().without_keys().file(".aws/config", config).args(["-p", "web", "--", "true"]))
        }),
        page("source-token-command-failed", || {
            let args = ["--web-identity-token-command", "echo 'no login' >&2; exit 3", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("source-token-command-of-a-profile-prints-words", || {
            let config = format!("[profile web]\nrole_arn = {ROLE}\nweb_identity_token_process = echo please log in\n");
            Scene::new(user_without_sts().without_keys().file(".aws/config", config).args(["-p", "web", "--", "true"]))
        }),
        page("source-token-command-of-an-unset-variable", || {
            let args = ["--web-identity-token-command", "printenv AWS_ID_TOKEN", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("source-token-command-of-an-unset-variable-of-bitbucket", || {
            let args = ["--web-identity-token-command", "printenv BITBUCKET_STEP_OIDC_TOKEN", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("source-token-command-of-an-empty-variable", || {
            let args = ["--web-identity-token-command", "printenv AWS_ID_TOKEN", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().env("AWS_ID_TOKEN", "").args(args))
        }),
        page("source-token-command-without-quotes", || {
            let args = ["-r", ROLE, "--web-identity-token-command", "printenv", "AWS_ID_TOKEN", "--", "true"];
            Scene::new(user_without_sts().args(args)).status(127)
        }),
        page("source-token-command-prints-nothing", || {
            let args = ["--web-identity-token-command", "echo $AWS_ID_TOKEN", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("source-token-command-prints-json", || {
            let args = ["--web-identity-token-command", r#"echo '"e30.e30.c2ln"'"#, "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("source-token-command-hangs", || {
            let args = ["--web-identity-token-command", "sleep 60", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().env("XASSUME_STS_TIMEOUT", "300ms").args(args))
        }),
        page("source-none-in-a-job-of-github", || {
            let url = "https://actions.example/idtoken?api-version=2.0";
            let xassume = user_without_sts().without_keys().env("ACTIONS_ID_TOKEN_REQUEST_URL", url);
            Scene::new(xassume.args(["-r", ROLE, "--", "true"]))
        }),
        page("source-none-with-an-empty-variable", || {
            let xassume = user_without_sts().without_keys().env("XASSUME_WEB_IDENTITY_PROVIDER", "");
            Scene::new(xassume.args(["-r", ROLE, "--", "true"]))
        }),
        page("source-none-with-an-audience", || {
            let xassume = user_without_sts().without_keys().env("XASSUME_WEB_IDENTITY_AUDIENCE", "sts.amazonaws.com");
            Scene::new(xassume.args(["-r", ROLE, "--", "true"]))
        }),
        page("source-token-command-endless", || {
            let args = ["--web-identity-token-command", "yes", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("source-token-command-silent", || {
            let args = ["--web-identity-token-command", "sleep 60", "--sts-timeout", "300ms", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("source-token-file-empty", || {
            let sts = FakeSts::start();
            let xassume = Xassume::new(&sts).without_keys().file("token", "\n");
            let token = xassume.home().join("token");
            let xassume = xassume.env("AWS_WEB_IDENTITY_TOKEN_FILE", token).env("AWS_ROLE_ARN", ROLE);
            Scene::new(xassume.args(["--", "true"])).with(sts)
        }),
    ]
}

/// A job of GitHub Actions with these variables.
fn in_job(variables: &[(&str, &str)]) -> Scene {
    let xassume = user_without_sts().without_keys().env("GITHUB_ACTIONS", "true");
    let xassume = variables.iter().fold(xassume, |xassume, (name, value)| xassume.env(name, value));
    Scene::new(xassume.args(["--web-identity-provider", "github", "-r", ROLE, "--", "true"]))
}

/// A job that may request tokens from this service.
fn with_request(github: FakeGitHub, token: &str) -> Scene {
    let url = format!("{}/idtoken?api-version=2.0", github.url());
    in_job(&[("ACTIONS_ID_TOKEN_REQUEST_URL", &url), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token)]).with(github)
}

fn github() -> Vec<Page> {
    let with_reply = |response: Response| {
        move || {
            let response = response.clone();
            with_request(FakeGitHub::replying(move |_| response.clone().into()), REQUEST_TOKEN)
        }
    };
    let with_url = |host: &'static str| {
        move || {
            let url = ("ACTIONS_ID_TOKEN_REQUEST_URL", &*format!("{host}/idtoken?api-version=2.0"));
            in_job(&[url, ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)])
        }
    };
    vec![
        page("source-github-outside-a-job", || in_job(&[("GITHUB_ACTIONS", "")])),
        page("source-github-without-permission", || in_job(&[("GITHUB_EVENT_NAME", "push")])),
        page("source-github-in-a-pull-request", || in_job(&[("GITHUB_EVENT_NAME", "pull_request")])),
        page("source-github-without-request-token", || {
            in_job(&[("ACTIONS_ID_TOKEN_REQUEST_URL", "https://actions.example/idtoken?api-version=2.0")])
        }),
        page("source-github-url", with_url("ftp://actions.example")),
        page("source-github-other-host", with_url("http://192.0.2.1")),
        page("source-github-request-token", || with_request(FakeGitHub::start(), "two\nlines")),
        page("source-github-expired", || with_request(FakeGitHub::start(), "expired")),
        page("source-github-fails", with_reply(Response::text(503, "busy"))),
        page("source-github-not-found", with_reply(Response::text(404, "no such job"))),
        page("source-github-no-json", with_reply(Response::text(200, "<html>Sign in</html>"))),
        page("source-github-unreachable", with_url("http://127.0.0.1:1")),
    ]
}

/// Programs and network services.
fn services() -> Vec<Page> {
    let with_session =
        format!("sso_session = corp\n{SSO}[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = {START}\n");
    let without_session = format!("sso_region = eu-west-1\nsso_start_url = {START}\n{SSO}");
    let [missing, expired, revoked, ill, away, silent] = [0; 6].map(|_| with_session.clone());
    vec![
        with_credential_process("source-process-failed", "echo 'the vault is sealed' >&2; exit 3"),
        with_credential_process("source-process-no-json", "echo please log in"),
        with_credential_process(
            "source-process-version",
            r#"echo '{"Version":2,"AccessKeyId":"AKIA","SecretAccessKey":"s"}'"#,
        ),
        with_credential_process(
            "source-process-expired",
            r#"echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t","Expiration":"2020-01-01T00:00:00Z"}'"#,
        ),
        with_credential_process(
            "source-process-no-time",
            r#"echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t","Expiration":"soon"}'"#,
        ),
        with_credential_process("source-process-endless", "yes"),
        page("source-process-silent", || {
            Scene::new(with_profile("credential_process = sleep 60\n").env("XASSUME_STS_TIMEOUT", "300ms"))
        }),
        with_credential_process(
            "source-process-key-empty",
            r#"echo '{"Version":1,"AccessKeyId":"","SecretAccessKey":"s","SessionToken":"t"}'"#,
        ),
        page("source-process-missing", || {
            Scene::new(with_profile("credential_process = /no/such/program 2>/dev/null\n"))
        }),
        page("source-sso-missing", move || Scene::new(with_profile(&missing))),
        page("source-sso-expired", move || {
            let xassume = with_profile(&expired);
            write_login(&xassume.home(), "corp", Login::Expired);
            Scene::new(xassume)
        }),
        page("source-sso-revoked", move || {
            let (xassume, sso) = (with_profile(&revoked), FakeSso::start());
            write_login(&xassume.home(), "corp", Login::Revoked);
            Scene::new(xassume.env("AWS_ENDPOINT_URL_SSO", sso.url())).with(sso)
        }),
        page("source-sso-without-session-missing", move || Scene::new(with_profile(&without_session))),
        page("source-sso-refuses", move || {
            let (xassume, sso) = (with_profile(&ill), FakeSso::start());
            write_login(&xassume.home(), "corp", Login::Valid);
            sso.fail(403);
            Scene::new(xassume.env("AWS_ENDPOINT_URL_SSO", sso.url())).with(sso)
        }),
        page("source-sso-unreachable", move || {
            let (xassume, port) = (with_profile(&away), RefusedPort::reserve());
            write_login(&xassume.home(), "corp", Login::Valid);
            Scene::new(xassume.env("AWS_ENDPOINT_URL_SSO", port.url())).with(port)
        }),
        page("source-sso-silent", move || {
            let (xassume, sso) = (with_profile(&silent).env("XASSUME_STS_TIMEOUT", "300ms"), FakeSso::start());
            write_login(&xassume.home(), "corp", Login::Valid);
            sso.hang();
            Scene::new(xassume.env("AWS_ENDPOINT_URL_SSO", sso.url())).with(sso)
        }),
        page("source-login-missing", || Scene::new(with_profile(LOGIN))),
        page("source-login-file-unusable", || {
            let xassume = with_profile(LOGIN);
            let login = write_sign_in(&xassume.home(), LOGIN_SESSION, Duration::ZERO);
            write_end(&login, &["accessToken", "expiresAt"], "soon");
            Scene::new(xassume)
        }),
        page("source-login-expired", || signed_in("TOKEN_EXPIRED")),
        page("source-login-denied", || signed_in("INSUFFICIENT_PERMISSIONS")),
        page("source-container-token", || {
            let container = FakeContainer::start();
            Scene::new(in_container(&container)).with(container)
        }),
        page("source-container-token-with-a-line-break", || {
            let container = FakeContainer::start();
            Scene::new(in_container(&container).env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token\n")).with(container)
        }),
        page("source-container-token-file-missing", || {
            let container = FakeContainer::start();
            let xassume = in_container(&container).env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/var/run/no/token");
            Scene::new(xassume).with(container)
        }),
        page("source-container-gone", || {
            let container = FakeContainer::start();
            container.die();
            Scene::new(in_container(&container)).with(container)
        }),
        page("source-container-elsewhere", || {
            let xassume =
                user_without_sts().without_keys().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/keys");
            Scene::new(xassume.args(["-r", ROLE, "--", "true"]))
        }),
    ]
}

fn instances() -> Vec<Page> {
    let on_instance = |imds: &FakeImds| user_without_sts().without_keys().with_metadata_at(&imds.url());
    let badly_set = move |variable, value| {
        let imds = FakeImds::start();
        Scene::new(on_instance(&imds).env(variable, value).args(["-r", ROLE, "--", "true"])).with(imds)
    };
    vec![
        page("source-instance-timeout", move || badly_set("AWS_METADATA_SERVICE_TIMEOUT", "0.5")),
        page("source-instance-mode", move || badly_set("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "v6")),
        page("source-instance-silent", || {
            let port = RefusedPort::reserve();
            let xassume = user_without_sts().without_keys().with_metadata_at(&port.url());
            Scene::new(xassume.args(["-r", ROLE, "--", "true"])).with(port)
        }),
        page("source-instance-without-role", move || {
            let imds = FakeImds::start();
            imds.set_identity(None);
            Scene::new(on_instance(&imds).args(["-r", ROLE, "--", "true"])).with(imds)
        }),
        page("source-instance-expired", move || {
            let imds = FakeImds::start();
            imds.set_end("2020-01-01T00:00:00Z");
            let config = "[profile here]\ncredential_source = Ec2InstanceMetadata\n";
            Scene::new(on_instance(&imds).file(".aws/config", config).args(["-p", "here", "--", "true"])).with(imds)
        }),
        page("source-instance-fails", move || {
            let imds = FakeImds::start();
            imds.fail(403);
            Scene::new(on_instance(&imds).args(["-r", ROLE, "--", "true"])).with(imds)
        }),
        page("source-instance-fails-with-unused-profiles", move || {
            let imds = FakeImds::start();
            imds.fail(403);
            let config = format!("[profile dev]\n{LOGIN}[profile other]\nregion = eu-west-1\n");
            let xassume = on_instance(&imds).file(".aws/config", config);
            Scene::new(xassume.args(["-r", ROLE, "--", "true"])).with(imds)
        }),
        page("source-instance-without-token", move || {
            let imds = FakeImds::start();
            imds.refuse_tokens(403);
            let xassume = on_instance(&imds).env("AWS_EC2_METADATA_V1_DISABLED", "true");
            Scene::new(xassume.args(["-r", ROLE, "--", "true"])).with(imds)
        }),
        page("source-instance-lists-no-role", move || {
            let imds = FakeImds::start();
            imds.set_roles("<html>\n");
            Scene::new(on_instance(&imds).args(["-r", ROLE, "--", "true"])).with(imds)
        }),
    ]
}
