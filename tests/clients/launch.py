"""The main use: clients run with the role, and with no other credentials."""

import json
import pathlib

import harness
from cloud import ACCOUNT, KEYS, REGION, ROLE, SESSION, SESSION_NAME, cloud
from harness import (
    CLI_V1,
    CLI_V2,
    PYTHON,
    Skipped,
    check,
    clean_env,
    directory,
    expect,
    expect_equal,
    session_env,
    stale_variables,
    xassume,
)
from sts import recording_sts

ASSUME = ["--role-arn", ROLE, "--role-session-name", SESSION_NAME]

BOTO3_INSTANCES = """
import boto3
for reservation in boto3.client("ec2", region_name="us-east-1").describe_instances()["Reservations"]:
    for instance in reservation["Instances"]:
        print(instance["InstanceId"])
"""

BOTO3_IDENTITY = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


def cli_v2():
    if not pathlib.Path(CLI_V2).exists():
        raise Skipped(f"no {CLI_V2} (Debian's package awscli)")
    # The AWS CLI v2 of Debian 12 is older than AWS_ENDPOINT_URL.
    return [CLI_V2, "--endpoint-url", cloud().url]


def describe(cli):
    return [*cli, "ec2", "describe-instances", "--region", REGION]


def instances(result):
    answer = json.loads(result.expect_success().stdout)
    return [instance["InstanceId"] for part in answer["Reservations"] for instance in part["Instances"]]


def identity(result):
    return json.loads(result.expect_success().stdout)["Arn"]


def keys_only(home):
    return clean_env(home, AWS_ENDPOINT_URL=cloud().url, **KEYS)


@check("control: without xassume the same command sees no instance and another identity")
def _():
    with directory() as home:
        env = keys_only(home)
        expect_equal(instances(harness.run(describe([CLI_V1]), env)), [], "instances of the source account")
        got = identity(harness.run([CLI_V1, "sts", "get-caller-identity", "--region", REGION], env))
        expect(ACCOUNT not in got, got)


@check("the AWS CLI v1 lists the instance in the role's account")
def _():
    with directory() as home:
        expect_equal(
            instances(xassume(*ASSUME, "--", *describe(["aws"]), env=keys_only(home))),
            [cloud().instance],
            "instances",
        )


@check("the AWS CLI v2 lists the instance in the role's account")
def _():
    with directory() as home:
        expect_equal(
            instances(xassume(*ASSUME, "--", *describe(cli_v2()), env=keys_only(home))),
            [cloud().instance],
            "instances",
        )


@check("boto3 lists the instance in the role's account")
def _():
    with directory() as home:
        result = xassume(*ASSUME, "--", PYTHON, "-c", BOTO3_INSTANCES, env=keys_only(home))
        expect_equal(result.expect_success().stdout.split(), [cloud().instance], "instances")


@check("the AWS CLI v1, v2 and boto3 are the assumed role, with the requested session name")
def _():
    with directory() as home:
        env = {**keys_only(home), "AWS_REGION": REGION}
        who = ["sts", "get-caller-identity"]
        expect_equal(identity(xassume(*ASSUME, "--", "aws", *who, env=env)), SESSION, "AWS CLI v1")
        result = xassume(*ASSUME, "--", PYTHON, "-c", BOTO3_IDENTITY, env=env)
        expect_equal(result.expect_success().stdout.strip(), SESSION, "boto3")
        expect_equal(identity(xassume(*ASSUME, "--", *cli_v2(), *who, env=env)), SESSION, "AWS CLI v2")


@check("the role from XASSUME_ROLE_ARN, without any flag")
def _():
    with directory() as home:
        env = {**keys_only(home), "XASSUME_ROLE_ARN": ROLE, "AWS_REGION": REGION}
        result = xassume("--", "aws", "ec2", "describe-instances", env=env)
        expect_equal(instances(result), [cloud().instance], "instances")


@check("a chain of two roles ends in the second")
def _():
    with directory() as home:
        env = {**keys_only(home), "AWS_REGION": REGION}
        hub = "arn:aws:iam::333333333333:role/Hub"
        result = xassume("--role-arn", hub, *ASSUME, "--", "aws", "sts", "get-caller-identity", env=env)
        expect_equal(identity(result), SESSION, "identity")


def hostile(home, sts, source):
    """Stale variables and files, as earlier tools may leave them, with valid keys of `source`."""
    aws = home / ".aws"
    aws.mkdir()
    (aws / "config").write_text("[profile stale]\nregion = eu-north-1\noutput = text\n")
    (aws / "credentials").write_text(
        "[stale]\naws_access_key_id = AKIASTALEPROFILE0001\naws_secret_access_key = stale\naws_session_token = stale\n"
    )
    return session_env(home, sts.url, source, **stale_variables(home))


@check("hostile environment: the AWS CLI v1, v2 and boto3 are still the assumed role")
def _():
    # This STS requires the token of the key, so it rejects a mixture of old and new variables.
    with directory() as place, recording_sts(place) as sts:
        home = place / "home"
        home.mkdir()
        env = hostile(home, sts, sts.issue("arn:aws:sts::222222222222:assumed-role/Source/me"))
        control = harness.run([CLI_V1, "sts", "get-caller-identity"], env)
        expect(control.status != 0, f"the environment is not hostile: without xassume the CLI works\n{control}")
        who = ["sts", "get-caller-identity", "--output", "json"]
        text = [PYTHON, "-c", BOTO3_IDENTITY]
        expect_equal(identity(xassume(*ASSUME, "--", "aws", *who, env=env)), SESSION, "AWS CLI v1")
        expect_equal(xassume(*ASSUME, "--", *text, env=env).expect_success().stdout.strip(), SESSION, "boto3")
        signers = {request["signer"] for request in sts.take()}
        expect_equal(signers, {"arn:aws:sts::222222222222:assumed-role/Source/me"}, "who signed AssumeRole")
        if pathlib.Path(CLI_V2).exists():
            v2 = [CLI_V2, "--endpoint-url", sts.url, *who]
            expect_equal(identity(xassume(*ASSUME, "--", *v2, env=env)), SESSION, "AWS CLI v2")
