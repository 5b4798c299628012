"""The formats of `--print`, read by their programs: shells, docker, systemd, dotenv libraries, SDKs.

The values are hostile, the environment has conflicting credentials, and the STS requires the token of each key.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import threading

import dotenv
import tree_sitter
import tree_sitter_pwsh

from harness import (
    CLI_V1,
    CLI_V2,
    PYTHON,
    XASSUME,
    Skipped,
    check,
    clean_env,
    directory,
    expect,
    expect_equal,
    run,
    token_of,
)
from metadata import Handler, Server, served
from sessions import installed
from sts import recording_sts

ROLE = "arn:aws:iam::111111111111:role/Printed"
ME = "arn:aws:sts::111111111111:assumed-role/Printed/me"
SOURCE = "AKIASOURCEKEYS000001"
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"

# Settings of a profile that are exported as variables. No format and no shell may change them.
HOSTILE = {
    "sdk_ua_app_id": ("AWS_SDK_UA_APP_ID", "it's \"so\" $HOME $(touch owned) `touch owned` \\n\\' ‘’‚‛“” ü😀 % !! ~ * {a,b}"),
    "data_path": ("AWS_DATA_PATH", "'first'\nsecond' \\\n\"third"),
}
# The same, as far as docker and systemd can represent it.
LINES = {
    "sdk_ua_app_id": ("AWS_SDK_UA_APP_ID", "it's \"so\" $HOME `id` ‘’ ü😀 % %s !! ~ * {a,b} x;y &z |a <b>"),
    "data_path": ("AWS_DATA_PATH", "=/a b#c:/d="),
}
# The same, as far as the dotenv libraries agree.
DOTENV = {
    "sdk_ua_app_id": ("AWS_SDK_UA_APP_ID", "\"so\" $HOME $(id) `id` ‘’ ü😀 % %s !! ~ * {a,b} x;y &z |a <b>"),
    "data_path": ("AWS_DATA_PATH", "=/a b#c:/d=\nand#a second = line"),
    "csm_host": ("AWS_CSM_HOST", "it's"),
}

# Each would select other credentials or invalidate the session.
STALE = {
    name: "stale"
    for name in """
    AWS_ACCESS_KEY AWS_SECRET_KEY SECRET_ACCESS_KEY AWS_SECRET_KEY_ID AWS_SECURITY_TOKEN AWS_DELEGATION_TOKEN
    AWS_SESSION_EXPIRATION AWS_CREDENTIAL_SCOPE AWS_ACCOUNT_ID AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_CREDENTIAL_FILE AWS_CREDENTIAL_PROFILES_FILE AWS_TOKEN AWS_PROFILE
    AWS_DEFAULT_PROFILE AMAZON_ACCESS_KEY_ID AMAZON_SECRET_ACCESS_KEY AMAZON_SESSION_TOKEN XASSUME_EXTERNAL_ID
    """.split()
}


class World:
    """A user with access keys in environment variables, and a profile `hostile` with these settings."""

    def __init__(self, place, sts, settings, **more):
        self.home, self.sts = place / "home", sts
        (self.home / ".aws").mkdir(parents=True)
        lines = [f"{key} = " + value.replace("\n", "\n    ") for key, (_, value) in settings.items()]
        self.config = self.home / ".aws" / "config"
        self.config.write_text(
            f"[profile hostile]\nrole_arn = {ROLE}\nrole_session_name = me\ncredential_source = Environment\n"
            + "\n".join(lines) + "\n[profile stale]\nregion = eu-north-1\n"
        )
        keys = {"AWS_ACCESS_KEY_ID": SOURCE, "AWS_SECRET_ACCESS_KEY": f"secret-of-{SOURCE}"}
        self.env = clean_env(
            self.home, AWS_ENDPOINT_URL=sts.url, AWS_REGION="us-east-1", X=XASSUME, PYTHON=PYTHON, **keys, **more
        )
        self.wanted = {name: value for name, value in settings.values()}

    def print(self, name):
        return run([XASSUME, "-p", "hostile", "--print", name], self.env).expect_success().stdout

    def expect_session(self, found, what):
        """Expects the session and the settings in the variables that a reader has found."""
        key = found.get("AWS_ACCESS_KEY_ID")
        expect_equal(self.sts.issued.get(key), ME, f"{what}: owner of the key {key}")
        wanted = {
            "AWS_SECRET_ACCESS_KEY": f"secret-of-{key}",
            "AWS_SESSION_TOKEN": token_of(key),
            "AWS_ACCOUNT_ID": ME.split(":")[4],
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "XASSUME_SESSION": ME,
            **self.wanted,
        }
        expect_equal({name: found.get(name) for name in wanted}, wanted, what)
        expect("AWS_CREDENTIAL_EXPIRATION" in found, f"{what}: no expiry")


@contextlib.contextmanager
def world(settings, **more):
    with directory() as place, recording_sts(place) as sts:
        yield World(place, sts, settings, **more)


POSIX = 'text=$("$X" -p hostile --print export) && eval "$text" || exit 9; '
FISH = "$X -p hostile --print fish | source; or exit 9; "
POWERSHELL = "& $Env:X -p hostile --print powershell | Invoke-Expression; "
SHELLS = {
    "sh": (["sh", "-eu", "-c"], POSIX),
    "dash": (["dash", "-c"], POSIX),
    "bash": (["bash", "--norc", "-c"], POSIX),
    "zsh": (["zsh", "-f", "-c"], POSIX),
    "zsh with rcquotes": (["zsh", "-f", "-o", "rcquotes", "-c"], POSIX),
    "fish": (["fish", "-c"], FISH),
    "PowerShell": (["pwsh", "-NoProfile", "-Command"], POWERSHELL),
}


def shell_check(name, words, script):
    @check(f"print: {name} gets every value, conflicting variables are removed, and the AWS CLI is the role")
    def _():
        if not shutil.which(words[0]):
            raise Skipped(f"no {words[0]}")
        with world(HOSTILE, **STALE) as around:
            exports = " ".join(("$Env:PYTHON" if name == "PowerShell" else "$PYTHON", f"-c '{SHOW}'"))
            call = "& " if name == "PowerShell" else ""
            result = run([*words, script + call + exports], around.env).expect_success()
            found = json.loads(result.stdout)
            around.expect_session(found, name)
            expect_equal([left for left in STALE if found.get(left) == "stale"], [], "conflicting variables")
            expect("XASSUME_DEPTH" not in found, "there is no nested xassume")
            expect(not list(around.home.glob("owned*")), "a value was executed")
            around.sts.take()
            result = run([*words, script + call + f"{CLI_V1} sts get-caller-identity"], around.env).expect_success()
            expect_equal(json.loads(result.stdout)["Arn"], ME, "identity of the AWS CLI")


for shell, (command, text) in SHELLS.items():
    shell_check(shell, command, text)


@check("print: control: without --print the AWS CLI is not the role in this environment")
def _():
    with world(HOSTILE, **STALE) as around:
        expect(run([CLI_V1, "sts", "get-caller-identity"], around.env).status != 0, "the credentials are not stale")


def leaves(node):
    """The strings and numbers of a PowerShell value, in order."""
    if node.type in ("string_literal", "hexadecimal_integer_literal"):
        return [node.text.decode()]
    return [leaf for child in node.children for leaf in leaves(child)]


@check("print: powershell, with the grammar of tree-sitter, since PowerShell may be missing")
def _():
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_pwsh.language()))
    control = parser.parse(b"$Env:A = 'x'y'\n").root_node
    expect(control.has_error, "control: the grammar accepts an unbalanced quote")
    with world(HOSTILE) as around:
        text = around.print("powershell")
        root = parser.parse(text.encode()).root_node
        expect(not root.has_error, f"not PowerShell:\n{text}")
        statements = root.children[0].children
        expect(statements[0].text.startswith(b"Remove-Item "), f"first: {statements[0].text}")
        found = {}
        for statement in statements[1:]:
            assignment = statement.children[0]
            expect_equal(assignment.type, "assignment_expression", "a statement")
            name = assignment.children[0].text.decode().removeprefix("$Env:")
            units = b""
            for leaf in leaves(assignment.child_by_field_name("value")):
                if leaf.startswith("'"):
                    units += leaf[1:-1].replace("''", "'").encode("utf-16-le")
                else:
                    units += int(leaf, 16).to_bytes(2, "little")
            found[name] = units.decode("utf-16-le")
        around.expect_session(found, "PowerShell's grammar")


class Docker(Handler):
    """The part of the docker daemon that `docker create` needs to send the container's environment."""

    def do_HEAD(self):
        self.answer(200, "")

    def do_GET(self):
        self.answer(200, "OK", API_Version="1.44", OSType="linux")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.seen.append((self.path, json.loads(body)))
        self.answer(500, {"message": "that was all"}, "application/json")


@check("print: env, with docker --env-file")
def _():
    if not shutil.which("docker"):
        raise Skipped("no docker")
    with world(LINES) as around, served(Server(Docker)) as daemon:
        file = around.home / "variables"
        file.write_text(around.print("env"))
        host = "tcp://" + daemon.url.removeprefix("http://")
        env = {**clean_env(around.home, DOCKER_HOST=host), "PATH": os.environ["PATH"]}
        result = run(["docker", "create", "--pull", "never", "--env-file", file, "image"], env)
        expect("that was all" in result.stderr, str(result))
        variables = daemon.seen[0][1]["Env"]
        around.expect_session(dict(variable.split("=", 1) for variable in variables), "docker")
        expect_equal(len(variables), len(file.read_text().splitlines()), "variables")


GENERATOR = pathlib.Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")


@check("print: env, with systemd's parser")
def _():
    if not GENERATOR.exists():
        raise Skipped(f"no {GENERATOR}")
    # The generator uses the parser of EnvironmentFile=, but also expands `$`, which EnvironmentFile= does not.
    settings = {key: (name, value.replace("$", "")) for key, (name, value) in LINES.items()}
    with world(settings) as around:
        place = around.home / "config" / "environment.d"
        place.mkdir(parents=True)
        (place / "xassume.conf").write_text(around.print("env"))
        found = {}
        for line in run([GENERATOR], clean_env(around.home, XDG_CONFIG_HOME=place.parent)).expect_success().stdout.splitlines():
            name, value = line.split("=", 1)
            found[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        around.expect_session(found, "systemd")


@check("print: dotenv, with python-dotenv")
def _():
    with world(DOTENV) as around:
        file = around.home / "variables"
        file.write_text(around.print("dotenv"))
        around.expect_session(dotenv.dotenv_values(file), "python-dotenv")


NODE = """
const fs = require("node:fs");
const text = fs.readFileSync(process.argv[2], "utf8");
console.log(JSON.stringify(process.argv[3] === "dotenv" ? require("dotenv").parse(text) : process.env));
"""


@check("print: dotenv, with JavaScript's dotenv and with node itself")
def _():
    wanted = "dotenv@18.0.10"
    install = ["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", ".", wanted]
    place = installed("dotenv", "npm", [install], wanted)
    script = place / "read.cjs"
    script.write_text(NODE)
    with world(DOTENV) as around:
        file = around.home / "variables"
        file.write_text(around.print("dotenv"))
        env = clean_env(around.home)
        found = run(["node", script, file, "dotenv"], env).expect_success().stdout
        around.expect_session(json.loads(found), "JavaScript's dotenv")
        found = run(["node", f"--env-file={file}", script, file, "node"], env).expect_success().stdout
        around.expect_session(json.loads(found), "node --env-file")


@check("print: json, with a script")
def _():
    with world(HOSTILE) as around:
        document = json.loads(around.print("json"))
        key = document["AccessKeyId"]
        expect_equal(around.sts.issued[key], ME, "owner of the key")
        expiration = document.pop("Expiration")
        expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", expiration), expiration)
        wanted = {
            "AccessKeyId": key,
            "SecretAccessKey": f"secret-of-{key}",
            "SessionToken": token_of(key),
            "AssumedRoleArn": ME,
            "AccountId": "111111111111",
            "Region": "us-east-1",
        }
        expect_equal(document, wanted, "the document")


BOTO3 = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
JAVASCRIPT = """
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
console.log((await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn);
"""


class Served:
    """A user without access keys. Profile `served` runs xassume, with profile `base` as the source."""

    def __init__(self, place, sts, by):
        self.home, self.sts = place / "home", sts
        (self.home / ".aws").mkdir(parents=True)
        line = f"{XASSUME} --print credential-process --profile base -r {ROLE} --role-session-name me"
        keys = f"aws_access_key_id = {SOURCE}\naws_secret_access_key = secret-of-{SOURCE}\n"
        config = f"[profile served]\ncredential_process = {line}\nregion = us-east-1\n[profile base]\n{keys}"
        (self.home / ".aws" / "config").write_text(config)
        self.env = clean_env(self.home, AWS_ENDPOINT_URL=sts.url, **by)

    def calls(self):
        return [request["role"] for request in self.sts.take() if request["action"] == "AssumeRole"]


@contextlib.contextmanager
def served_profile(**by):
    with directory() as place, recording_sts(place) as sts:
        yield Served(place, sts, by)


def identities(around, javascript):
    """The name of each client, and the command that prints its identity."""
    yield "AWS CLI v1", [CLI_V1, "--query", "Arn", "--output", "text", "sts", "get-caller-identity"]
    if pathlib.Path(CLI_V2).exists():
        # The AWS CLI v2 of Debian 12 is older than AWS_ENDPOINT_URL.
        to = ["--endpoint-url", around.sts.url]
        yield "AWS CLI v2", [CLI_V2, *to, "--query", "Arn", "--output", "text", "sts", "get-caller-identity"]
    yield "boto3", [PYTHON, "-c", BOTO3]
    if javascript:
        yield "SDK for JavaScript", ["node", "--no-warnings", javascript]


@check("print: credential-process, with the AWS CLI, boto3 and the SDK for JavaScript: one session for all")
def _():
    wanted = "@aws-sdk/client-sts@3.1173.0"
    install = ["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", ".", wanted]
    try:
        javascript = installed("js", "npm", [install], wanted) / "whoami.mjs"
        javascript.write_text(JAVASCRIPT)
    except Skipped as reason:
        print(f"    without the SDK for JavaScript: {reason}", flush=True)
        javascript = None
    # A user may set the profile for the whole shell: xassume inherits the variable.
    with served_profile(AWS_PROFILE="served") as around:
        for name, words in identities(around, javascript):
            result = run(words, around.env)
            expect(result.status == 0, f"{name}: {result}")
            expect_equal(result.stdout.strip(), ME, f"identity of {name}")
        expect_equal(around.calls(), [ROLE], "calls of AssumeRole")


@check("print: credential-process, with twenty concurrent clients: one call")
def _():
    with served_profile(AWS_PROFILE="served") as around:
        problems = []

        def ask():
            result = run([PYTHON, "-c", BOTO3], around.env, timeout=120)
            if result.status != 0 or result.stdout.strip() != ME:
                problems.append(str(result))

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(not problems, "\n".join(problems))
        expect_equal(around.calls(), [ROLE], "calls of AssumeRole")


@check("print: credential-process, a recursive profile fails at once, with the AWS CLI")
def _():
    with served_profile(AWS_PROFILE="served") as around:
        config = around.home / ".aws" / "config"
        config.write_text(config.read_text().replace("--profile base ", ""))
        result = run([CLI_V1, "sts", "get-caller-identity"], around.env, timeout=30)
        expect(result.status != 0 and "recursive credential_process" in result.stderr, str(result))
        expect_equal(around.calls(), [], "calls of AssumeRole")
