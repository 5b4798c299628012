"""A sign-in to IAM Identity Center by xassume, whose files the AWS CLI and boto3 then use; and the other way round."""

import datetime
import json
import os
import pathlib

import harness
from harness import CLI_V1, CLI_V2, PYTHON, Terminal, check, clean_env, directory, expect, expect_equal, run
from profiles import BOTO3, role, through_proxy
from sts import recording_sts

CONFIG = """
[profile person]
sso_session = company
sso_account_id = 444444444444
sso_role_name = Admin
[sso-session company]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
sso_registration_scopes = sso:account:access
"""
LEGACY = """
[profile person]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
sso_account_id = 444444444444
sso_role_name = Admin
"""
IDENTITY = "sso 444444444444 Admin"


def signed_out(home, sts, config):
    """The environment of a user who has not signed in."""
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text(config)
    endpoints = {f"AWS_ENDPOINT_URL_{name}": sts.url for name in ("STS", "SSO", "SSO_OIDC")}
    return clean_env(home, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1", TERM="dumb", **endpoints)


def sign_in(env):
    """Signs in by xassume."""
    words = [harness.XASSUME, "--no-cache", "--profile", "person", "--role-arn", role("Target"), "--", "echo", "it ran"]
    terminal = Terminal(words, env, env["HOME"])
    try:
        terminal.wait_for(r"\[Y/n\] ")
        terminal.send("\n")
        terminal.wait_for(r"code: WXYZ-1234.*it ran")
    finally:
        harness.end(terminal.process)
        os.close(terminal.master)


def programs(env, sts):
    """The programs that use the sign-in: name, command, environment."""
    identity = ["sts", "get-caller-identity", "--profile", "person", "--query", "Arn", "--output", "text"]
    yield "boto3", [PYTHON, "-c", BOTO3, "person"], env
    yield "AWS CLI v1", [CLI_V1, *identity], env
    if pathlib.Path(CLI_V2).exists():
        yield "AWS CLI v2", [CLI_V2, *identity], through_proxy(env, sts)


def expect_used(env, sts):
    for name, command, its_env in programs(env, sts):
        result = run(command, its_env)
        expect_equal((result.status, result.stdout.strip()), (0, IDENTITY), f"{name}\n{result}")


def signs_in(config):
    with directory() as place, recording_sts(place) as sts:
        env = signed_out(place / "home", sts, config)
        sign_in(env)
        expect_used(env, sts)
        paths = [path for path, _ in sts.sign_ins]
        expect_equal(paths, ["/client/register", "/device_authorization", "/token", "/token"], "requests of the sign-in")
        if pathlib.Path(CLI_V2).exists():
            # The AWS CLI finds the registration, too.
            login = [CLI_V2, "sso", "login", "--profile", "person", "--no-browser"]
            result = run(login, through_proxy(env, sts))
            expect_equal(result.status, 0, f"aws sso login\n{result}")
            paths = [path for path, _ in sts.sign_ins[4:]]
            expect_equal(paths[0], "/device_authorization", "the first request of aws sso login")


@check("sign-in: the AWS CLI and boto3 use the token and the registration, with an sso-session")
def _():
    signs_in(CONFIG)


@check("sign-in: the same without an sso-session")
def _():
    signs_in(LEGACY)


@check("sign-in: boto3 refreshes the token")
def _():
    with directory() as place, recording_sts(place) as sts:
        env = signed_out(place / "home", sts, CONFIG)
        sign_in(env)
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)
        for path in (place / "home" / ".aws" / "sso" / "cache").glob("*.json"):
            document = json.loads(path.read_text())
            if "accessToken" in document:
                path.write_text(json.dumps({**document, "expiresAt": soon.strftime("%Y-%m-%dT%H:%M:%SZ")}))
        name, command, its_env = next(programs(env, sts))
        result = run(command, its_env)
        expect_equal((result.status, result.stdout.strip()), (0, IDENTITY), f"{name}\n{result}")
        path, request = sts.sign_ins[-1]
        expect_equal((path, request.get("refreshToken")), ("/token", "sso-refresh-token"), "the refresh")


@check("sign-in: xassume uses a sign-in and a registration of the AWS CLI")
def _():
    if not pathlib.Path(CLI_V2).exists():
        raise harness.Skipped(f"no {CLI_V2}")
    with directory() as place, recording_sts(place) as sts:
        env = signed_out(place / "home", sts, CONFIG)
        result = run([CLI_V2, "sso", "login", "--profile", "person", "--no-browser"], through_proxy(env, sts))
        expect_equal(result.status, 0, f"aws sso login\n{result}")
        words = ["--profile", "person", "--role-arn", role("Target"), "--", "echo", "it ran"]
        result = harness.xassume(*words, env=env).expect_success()
        expect("it ran" in result.stdout, str(result))
        cache = place / "home" / ".aws" / "sso" / "cache"
        tokens = [path for path in cache.glob("*.json") if "accessToken" in path.read_text()]
        expect_equal(len(tokens), 1, "tokens")
        tokens[0].unlink()
        before = len(sts.sign_ins)
        sign_in(env)
        expect_equal(sts.sign_ins[before][0], "/device_authorization", "the first request of the second sign-in")
