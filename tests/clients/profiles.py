"""The same ~/.aws through the AWS CLI v2, boto3 and xassume, against one STS: they must send the same requests.

Compared for each role: the role ARN, external ID, session name, duration, web identity token, and the credentials that
signed the request. Default session names differ between the programs, so only their presence is compared.
"""

import dataclasses
import datetime
import hashlib
import json
import pathlib
import re

import harness
import metadata
from harness import CLI_V2, PYTHON, Failed, Skipped, check, clean_env, directory, expect, expect_equal, run, token_of
from sts import recording_sts

KEYS = "aws_access_key_id = AKIAPROFILEKEYS00001\naws_secret_access_key = profile/secret\n"


@dataclasses.dataclass
class Row:
    """One variant of ~/.aws. {dir}, {sts} and {python} in the texts are replaced."""

    name: str
    config: str
    credentials: str = ""
    env: dict = dataclasses.field(default_factory=dict)
    profile: str = "target"
    # How the profile is selected: the name of a variable, "nothing", or (by default) the flag.
    by: str = "flag"
    # The number of requests. It is checked, because a comparison of no requests would always pass.
    hops: int = 1
    # The reason for skipping the (old) AWS CLI v2.
    not_v2: str = ""


SOURCE_KEYS = "[profile keys]\n" + KEYS
ENV_KEYS = {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT00001", "AWS_SECRET_ACCESS_KEY": "environment/secret"}


def role(name, account="111111111111"):
    return f"arn:aws:iam::{account}:role/{name}"


ROWS = [
    Row("source_profile", f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = keys\n{SOURCE_KEYS}"),
    Row(
        "a chain of three by source_profile",
        f"""
        [profile target]
        role_arn = {role('Target')}
        source_profile = middle
        [profile middle]
        role_arn = {role('path/to/Middle', '222222222222')}
        source_profile = first
        [profile first]
        role_arn = {role('First', '333333333333')}
        source_profile = keys
        """
        + SOURCE_KEYS,
        hops=3,
    ),
    Row(
        "each role with its own external_id, role_session_name and duration_seconds",
        f"""
        [profile target]
        role_arn = {role('Target')}
        source_profile = middle
        external_id = of/target:1
        role_session_name = name-of-target
        duration_seconds = 1800
        [profile middle]
        role_arn = {role('Middle')}
        source_profile = keys
        external_id = of-middle
        role_session_name = name-of-middle
        duration_seconds = 900
        """
        + SOURCE_KEYS,
        hops=2,
    ),
    Row(
        "external_id and role_session_name",
        f"""
        [profile target]
        role_arn={role('Target')}
        source_profile=keys
        external_id=a@b,c
        role_session_name=me@example.com
        """
        + SOURCE_KEYS,
    ),
    Row(
        "duration_seconds",
        f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = keys\nduration_seconds = 43200\n"
        + SOURCE_KEYS,
    ),
    Row(
        "the source in the credentials file",
        f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = keys\n",
        credentials="[keys]\n" + KEYS,
    ),
    Row(
        "the whole profile in the credentials file",
        "[default]\nregion = eu-west-1\n",
        credentials=f"[target]\nrole_arn = {role('Target')}\nsource_profile = keys\n[keys]\n" + KEYS,
    ),
    Row(
        "a profile that is its own source",
        f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = target\n",
        credentials="[target]\n" + KEYS,
    ),
    Row(
        "source_profile = default",
        f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = default\n",
        credentials="[default]\n" + KEYS,
    ),
    Row(
        "credential_source = Environment",
        f"[profile target]\nrole_arn = {role('Target')}\ncredential_source = Environment\n",
        env=ENV_KEYS,
    ),
    Row(
        "a chain that begins with credential_source = Environment",
        f"""
        [profile target]
        role_arn = {role('Target')}
        source_profile = first
        [profile first]
        role_arn = {role('First')}
        credential_source = Environment
        """,
        env=ENV_KEYS,
        hops=2,
    ),
    Row(
        "credential_source = Ec2InstanceMetadata",
        f"[profile target]\nrole_arn = {role('Target')}\ncredential_source = Ec2InstanceMetadata\n",
        env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": "{imds}"},
    ),
    Row(
        "credential_source = EcsContainer",
        f"[profile target]\nrole_arn = {role('Target')}\ncredential_source = EcsContainer\n",
        env={
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{container}/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token",
        },
    ),
    Row(
        "region of the profile",
        f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = keys\nregion = eu-central-1\n{SOURCE_KEYS}",
        env={"AWS_REGION": "-", "AWS_DEFAULT_REGION": "-"},
    ),
    Row(
        "endpoint_url of the profile",
        f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = keys\nendpoint_url = {{sts}}\n{SOURCE_KEYS}",
        env={"AWS_ENDPOINT_URL_STS": "-"},
        not_v2="endpoint_url in a profile is newer than Debian's AWS CLI v2",
    ),
    Row(
        "services section",
        f"""
        [profile target]
        role_arn = {role('Target')}
        source_profile = keys
        services = here
        [services here]
        sts =
          endpoint_url = {{sts}}
        s3 =
          endpoint_url = http://127.0.0.1:1
        """
        + SOURCE_KEYS,
        env={"AWS_ENDPOINT_URL_STS": "-"},
        not_v2="services sections are newer than Debian's AWS CLI v2",
    ),
    Row(
        "web identity",
        f"""
        [profile target]
        role_arn = {role('Target')}
        web_identity_token_file = {{dir}}/web-token
        role_session_name = pod-1
        """,
    ),
    Row(
        "web identity without a session name",
        f"[profile target]\nrole_arn = {role('Target')}\nweb_identity_token_file = {{dir}}/web-token\n",
    ),
    Row(
        "a chain that begins with a web identity",
        f"""
        [profile target]
        role_arn = {role('Target')}
        source_profile = pod
        external_id = after-the-pod
        [profile pod]
        role_arn = {role('Pod')}
        web_identity_token_file = {{dir}}/web-token
        """,
        hops=2,
    ),
    Row(
        "credential_process",
        f"""
        [profile target]
        role_arn = {role('Target')}
        source_profile = vault
        [profile vault]
        credential_process = {{python}} {{dir}}/vault.py read "a key" plain
        """,
    ),
    Row(
        "sso-session",
        f"""
        [profile target]
        role_arn = {role('Target')}
        source_profile = person
        [profile person]
        sso_session = company
        sso_account_id = 444444444444
        sso_role_name = Admin
        [sso-session company]
        sso_region = us-east-1
        sso_start_url = https://example.awsapps.com/start
        sso_registration_scopes = sso:account:access
        """,
        not_v2="Debian's AWS CLI v2 finds no token for an sso-session below a source_profile",
    ),
    Row(
        "sso_* without a section of its own",
        f"""
        [profile target]
        role_arn = {role('Target')}
        source_profile = person
        [profile person]
        sso_start_url = https://example.awsapps.com/old
        sso_region = us-east-1
        sso_account_id = 444444444444
        sso_role_name = ReadOnly
        """,
    ),
    Row(
        "comments, blank lines, nested settings, spaces in the name",
        f"""
        # a comment
        ; another

        [profile "my target"]
        role_arn   =   {role('Target')}
        s3 =
          addressing_style = path
          max_concurrent_requests = 20
        # between
        source_profile=keys   
        external_id = id
        output = json
        """
        + SOURCE_KEYS,
        profile="my target",
    ),
    Row(
        "AWS_PROFILE",
        f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = keys\n{SOURCE_KEYS}",
        by="AWS_PROFILE",
    ),
    Row(
        "AWS_DEFAULT_PROFILE",
        f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = keys\n{SOURCE_KEYS}",
        by="AWS_DEFAULT_PROFILE",
    ),
    Row(
        "[default] with role_arn",
        f"[default]\nrole_arn = {role('Target')}\nsource_profile = keys\n{SOURCE_KEYS}",
        by="nothing",
    ),
    Row(
        "a profile by flag overrides access keys in environment variables",
        f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = keys\n{SOURCE_KEYS}",
        env=ENV_KEYS,
    ),
    Row(
        "AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
        f"[profile target]\nrole_arn = {role('Wrong')}\nsource_profile = keys\n{SOURCE_KEYS}",
        env={"AWS_CONFIG_FILE": "{dir}/other-config", "AWS_SHARED_CREDENTIALS_FILE": "{dir}/other-credentials"},
    ),
]

BOTO3 = """
import boto3, sys
session = boto3.Session(profile_name=sys.argv[1] or None)
print(session.client("sts").get_caller_identity()["Arn"])
"""

VAULT = """
import json, sys
assert sys.argv[1:] == ["read", "a key", "plain"], sys.argv
print(json.dumps({"Version": 1, "AccessKeyId": "AKIAFROMAPROCESS0001", "SecretAccessKey": "process/secret"}))
"""


def sso_token(home, name):
    """A login in the form of `aws sso login`."""
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)
    document = {
        "accessToken": "sso-access-token",
        "expiresAt": later.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "startUrl": "https://example.awsapps.com/start",
    }
    (cache / (hashlib.sha1(name.encode()).hexdigest() + ".json")).write_text(json.dumps(document))


def prepare(row, home, places):
    """Writes the row's files to `home`; returns the environment for the programs."""
    places = {"dir": home, "python": PYTHON, **places}

    def fill(text):
        return re.sub(r"\{(dir|sts|python|imds|container)\}", lambda found: str(places[found.group(1)]), text)

    aws = home / ".aws"
    aws.mkdir(parents=True)
    # Some of the texts above are indented by eight spaces; nested settings keep their two spaces.
    config = "\n".join(line[8:] if line.startswith(" " * 8) else line for line in row.config.splitlines())
    (aws / "config").write_text(fill(config) + "\n")
    if row.credentials:
        (aws / "credentials").write_text(fill(row.credentials))
    (home / "web-token").write_text("header.payload.signature")
    (home / "vault.py").write_text(VAULT)
    (home / "other-config").write_text(f"[profile target]\nrole_arn = {role('Target')}\nsource_profile = keys\n")
    (home / "other-credentials").write_text("[keys]\n" + KEYS)
    for name in ("company", "https://example.awsapps.com/old"):
        sso_token(home, name)
    more = {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_STS": places["sts"],
        "AWS_ENDPOINT_URL_SSO": places["sts"],
        **{name: fill(value) for name, value in row.env.items()},
    }
    if row.by.startswith("AWS_"):
        more[row.by] = row.profile
    return clean_env(home, **more)


def through_proxy(env, sts):
    """For programs without an endpoint setting: AWS's own host names, through the proxy."""
    env = {name: value for name, value in env.items() if not name.startswith("AWS_ENDPOINT_URL")}
    return {**env, "HTTPS_PROXY": sts.url, "AWS_CA_BUNDLE": str(sts.authority.bundle)}


def compared(requests):
    """The compared parts of the requests."""
    kept = ("action", "role", "external_id", "session_name", "duration", "web_identity", "signer")
    hops = [{name: request[name] for name in kept} for request in requests]
    for hop in hops:
        for name in ("session_name", "signer"):
            # The default names of botocore and xassume, also in the ARN of the session that signed.
            hop[name] = hop[name] and re.sub(r"(^|/)(botocore-session-\d+|xassume-[^/]+)$", r"\1DEFAULT", hop[name])
    return hops


def own_name(arn):
    return re.sub(r"/(botocore-session-\d+|xassume-[^/]+)$", "/DEFAULT", arn.strip())


def programs(row, env, sts):
    """The programs of the comparison: name, command, environment."""
    chosen = row.profile if row.by == "flag" else ""
    flag = ["--profile", row.profile] if chosen else []
    yield "boto3", [PYTHON, "-c", BOTO3, chosen], env
    if pathlib.Path(CLI_V2).exists() and not row.not_v2:
        text = ["--query", "Arn", "--output", "text"]
        yield "AWS CLI v2", [CLI_V2, "sts", "get-caller-identity", *flag, *text], through_proxy(env, sts)
    yield "xassume", [harness.XASSUME, *flag, "--", "sh", "-c", 'echo "$XASSUME_SESSION"'], env


def compare(row):
    with directory() as place, recording_sts(place) as sts:
        owner = sts.issue("the instance's role")
        keys = {"AccessKeyId": owner, "SecretAccessKey": f"secret-of-{owner}", "SessionToken": token_of(owner)}
        with metadata.served(metadata.instance(keys)) as imds, metadata.served(
            metadata.container(keys, "container-token")
        ) as container:
            places = {"sts": sts.url, "imds": imds.url + "/", "container": container.url}
            env = prepare(row, place / "home", places)
            seen = {}
            for name, command, its_env in programs(row, env, sts):
                result = run(command, its_env)
                requests = sts.take()
                if result.status != 0:
                    raise Failed(f"{name}\n{result}\nrequests: {json.dumps(requests, indent=1)}")
                seen[name] = (compared(requests), own_name(result.stdout), [request["region"] for request in requests])
    hops, arn, regions = seen["boto3"]
    expect_equal(len(hops), row.hops, "hops that boto3 sent")
    for name, (its_hops, its_arn, its_regions) in seen.items():
        expect(its_hops == hops, difference(name, its_hops, hops))
        expect_equal(its_arn, arn, f"the final identity, {name} and boto3")
        expect_equal(its_regions, regions, f"the regions that signed, {name} and boto3")


def difference(name, its_hops, hops):
    return f"{name} sent\n{json.dumps(its_hops, indent=1)}\nboto3 sent\n{json.dumps(hops, indent=1)}"


def register(row):
    @check(f"profiles: {row.name}")
    def _():
        compare(row)


for _row in ROWS:
    _row.config = _row.config.strip("\n")
    register(_row)


@check("profiles: most rows include the AWS CLI v2")
def _():
    if not pathlib.Path(CLI_V2).exists():
        raise Skipped(f"no {CLI_V2}: the profiles were compared only with boto3")
    left_out = [f"{row.name}: {row.not_v2}" for row in ROWS if row.not_v2]
    expect(len(left_out) * 5 < len(ROWS), "too many rows without the AWS CLI v2\n" + "\n".join(left_out))


@check("a company's network: HTTPS proxy and private certificate authority, AWS's own host name")
def _():
    with directory() as place, recording_sts(place) as sts:
        env = through_proxy(clean_env(place, AWS_REGION="eu-west-1", **ENV_KEYS), sts)
        words = ["--role-arn", role("Target"), "--", "sh", "-c", 'echo "$XASSUME_SESSION $HTTPS_PROXY $AWS_CA_BUNDLE"']
        result = harness.xassume(*words, env=env).expect_success()
        expect_equal(sts.proxied, ["sts.eu-west-1.amazonaws.com"], "hosts that were requested from the proxy")
        expect_equal(result.stdout.split()[1:], [sts.url, str(sts.authority.bundle)], "variables of the command")
        # Without the session that the first run has cached.
        stranger = {**env, "AWS_CA_BUNDLE": "-", "XASSUME_NO_CACHE": "true"}
        refused = harness.xassume(*words, env={n: v for n, v in stranger.items() if v != "-"})
        expect_equal(refused.status, 125, f"without the authority\n{refused}")
