"""Systems without access keys in environment variables: an EC2 instance, an ECS task, an EKS pod."""

import json
import re

import launch
import metadata
from cloud import KEYS, REGION, SESSION, cloud
from harness import CLI_V1, PYTHON, check, clean_env, directory, expect, expect_equal, run, xassume

INSTANCE_ROLE = "arn:aws:iam::222222222222:role/AssumeRoleInA"
DUMP = "import json, os; print(json.dumps(dict(os.environ)))"

# The variables of a session in the command's environment.
SESSION_NAMES = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ACCOUNT_ID",
    "AWS_CREDENTIAL_EXPIRATION",
    "XASSUME_SESSION",
    "XASSUME_DEPTH",
    "XASSUME_LABEL",
}


def dump(words, env):
    """The environment that the command sees."""
    return json.loads(xassume(*words, "--", PYTHON, "-c", DUMP, env=env).expect_success().stdout)


def expect_environment(got, env, removed, added):
    """Expects `env` without `removed`, with the session and `added`, and no other difference."""
    kept = {name: value for name, value in env.items() if name not in removed}
    changed = {name for name in set(got) | set(kept) if got.get(name) != kept.get(name)}
    # CPython may set LC_CTYPE itself.
    expect_equal(changed - {"LC_CTYPE"}, SESSION_NAMES | set(added), "variables that differ from the inherited ones")
    for name, value in added.items():
        expect_equal(got.get(name), value, name)
    expect_equal(got["XASSUME_SESSION"], SESSION, "XASSUME_SESSION")
    expect_equal(got["AWS_ACCOUNT_ID"], SESSION.split(":")[4], "AWS_ACCOUNT_ID")


def source_of_assume_role(recording):
    """The access key that signed each AssumeRole that moto received."""
    keys = []
    for request in recording:
        if re.search(r"\bAction=AssumeRole\b", str(request.get("body"))):
            found = re.search(r"Credential=(\w+)/", str(request["headers"].get("Authorization")))
            keys.append(found.group(1) if found else None)
    return keys


def expect_role_in_clients(env):
    """Expects that the three clients list the instance and are the assumed role."""
    words = launch.ASSUME
    for name, cli in (("AWS CLI v1", ["aws"]), ("AWS CLI v2", launch.cli_v2())):
        result = xassume(*words, "--", *cli, "ec2", "describe-instances", "--region", REGION, env=env)
        expect_equal(launch.instances(result), [cloud().instance], f"instances, {name}")
        result = xassume(*words, "--", *cli, "sts", "get-caller-identity", "--region", REGION, env=env)
        expect_equal(launch.identity(result), SESSION, f"identity, {name}")
    result = xassume(*words, "--", PYTHON, "-c", launch.BOTO3_INSTANCES, env=env)
    expect_equal(result.expect_success().stdout.split(), [cloud().instance], "instances, boto3")


@check("EC2 instance: only IMDSv2 has credentials, the clients are the assumed role")
def _():
    keys = cloud().session_keys(INSTANCE_ROLE, "i-0123456789abcdef0")
    with directory() as home, metadata.served(metadata.instance(keys)) as imds:
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, AWS_EC2_METADATA_SERVICE_ENDPOINT=imds.url + "/")
        control = run([CLI_V1, "sts", "get-caller-identity", "--region", REGION, "--query", "Arn"], env)
        expect("assumed-role/AssumeRoleInA/i-0123456789abcdef0" in control.stdout, f"without xassume\n{control}")
        cloud().record()
        got = dump(launch.ASSUME, env)
        signers = source_of_assume_role(cloud().recorded())
        expect_equal(signers, [keys["AccessKeyId"]], "access keys that signed AssumeRole")
        # The command gets the instance's Region, so it needs no --region.
        expect_environment(got, env, set(), {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"})
        result = xassume(*launch.ASSUME, "--", "aws", "ec2", "describe-instances", env=env)
        expect_equal(launch.instances(result), [cloud().instance], "instances without --region")
        expect("PUT /latest/api/token" in imds.seen, "\n".join(imds.seen))
        expect_role_in_clients(env)


@check("EC2 instance: the URL of the metadata service without a trailing slash")
def _():
    keys = cloud().session_keys(INSTANCE_ROLE)
    with directory() as home, metadata.served(metadata.instance(keys, region="eu-west-3")) as imds:
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, AWS_EC2_METADATA_SERVICE_ENDPOINT=imds.url)
        expect_equal(dump(launch.ASSUME, env)["AWS_REGION"], "eu-west-3", "AWS_REGION")


@check("EC2 instance: the user's Region overrides the instance's")
def _():
    keys = cloud().session_keys(INSTANCE_ROLE)
    with directory() as home, metadata.served(metadata.instance(keys, region="eu-west-3")) as imds:
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, AWS_EC2_METADATA_SERVICE_ENDPOINT=imds.url)
        got = dump([*launch.ASSUME, "--region", "us-west-2"], env)
        expect_environment(got, env, set(), {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-2"})


@check("EC2 instance: with too many hops the token never arrives; an error within seconds, status 125")
def _():
    with directory() as home, metadata.served(metadata.instance({}, hops=2)) as imds:
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, AWS_EC2_METADATA_SERVICE_ENDPOINT=imds.url)
        result = xassume(*launch.ASSUME, "--", "true", env=env)
        expect_equal(result.status, 125, str(result))
        expect("hint:" in result.stderr and not result.stdout, str(result))
        expect("PUT /latest/api/token" in imds.seen, "\n".join(imds.seen))
        expect(result.seconds < 10, f"{result.seconds:.1f} s\n{result}")


@check("no credentials anywhere and no metadata service: an error within seconds, status 125")
def _():
    with directory() as home:
        result = xassume(*launch.ASSUME, "--", "true", env=clean_env(home, AWS_ENDPOINT_URL=cloud().url))
        expect_equal(result.status, 125, str(result))
        expect("hint:" in result.stderr and not result.stdout, str(result))
        expect(result.seconds < 10, f"{result.seconds:.1f} s\n{result}")


@check("ECS task: the container endpoint's variables do not reach the command")
def _():
    keys = cloud().session_keys(INSTANCE_ROLE, "task")
    with directory() as home, metadata.served(metadata.container(keys, "Bearer of-the-task")) as endpoint:
        token = home / "token"
        # No newline: SDKs send the contents of the file unchanged.
        token.write_text("Bearer of-the-task")
        own = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.url + "/v2/credentials/task",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
        }
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, **own)
        cloud().record()
        got = dump(launch.ASSUME, env)
        signers = source_of_assume_role(cloud().recorded())
        expect_equal(signers, [keys["AccessKeyId"]], "access keys that signed AssumeRole")
        expect_environment(got, env, set(own), {})
        expect_role_in_clients(env)


@check("ECS task: the token in a variable")
def _():
    keys = cloud().session_keys(INSTANCE_ROLE, "task")
    with directory() as home, metadata.served(metadata.container(keys, "of-the-task")) as endpoint:
        own = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.url + "/v2/credentials/task",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "of-the-task",
        }
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, AWS_REGION=REGION, **own)
        expect_environment(dump(launch.ASSUME, env), env, set(own), {"AWS_DEFAULT_REGION": REGION})


def pod(home):
    token = home / "web-token"
    token.write_text("header.payload.signature")
    return {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_ARN": "arn:aws:iam::222222222222:role/Pod",
        "AWS_ROLE_SESSION_NAME": "pod-1",
    }


@check("EKS pod: the pod's role with web identity, then the requested role; its variables do not reach the command")
def _():
    with directory() as home:
        own = pod(home)
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, **own)
        cloud().record()
        got = dump(launch.ASSUME, env)
        actions = [
            action
            for request in cloud().recorded()
            for action in re.findall(r"Action=(AssumeRole\w*)", str(request.get("body")))
        ]
        expect_equal(actions, ["AssumeRoleWithWebIdentity", "AssumeRole"], "requests")
        expect_environment(got, env, set(own), {})
        expect_role_in_clients(env)


@check("EKS pod: with no other role, the web identity's role is the session")
def _():
    with directory() as home:
        own = pod(home)
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, AWS_REGION=REGION, **own)
        result = xassume("--", "aws", "sts", "get-caller-identity", env=env)
        wanted = "arn:aws:sts::222222222222:assumed-role/Pod/pod-1"
        expect_equal(launch.identity(result), wanted, "identity")


@check("a user's access keys in environment variables")
def _():
    with directory() as home:
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, **KEYS)
        expect_environment(dump(launch.ASSUME, env), env, set(KEYS), {})
        expect_role_in_clients(env)
