"""Web identity tokens of CI systems: the recipes, and refreshes with tokens that are valid for two seconds."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import time

import yaml

from cloud import ROLE
from examples import session
from harness import (
    HERE,
    PYTHON,
    ROOT,
    XASSUME,
    Skipped,
    check,
    clean_env,
    directory,
    end,
    expect,
    expect_equal,
    run,
    stale_variables,
    wait_until,
)
from metadata import served
from oidc import GitHub, Issuer, TokenSts
from recipes import EXAMPLES, UNITS, World
from sessions import CACHE, LOOPS, ROLE as LONG, installed
from sts import recording_sts

# Sessions and tokens have these lifetimes in seconds.
SESSION, TOKEN = 5, 2
RECIPES = (ROOT / "docs/recipes.md").read_text()


def token_requests(sts):
    return [(request["action"], request["role"], request["web_identity"]) for request in sts.take()]


@check("web identity: each recipe sends its token to STS")
def _():
    units = [unit for unit in UNITS if re.search("(?i)web.identity.(provider|token.command)", unit.script)]
    expect(len(units) >= 6, [str(unit) for unit in units])
    for unit in units:
        with directory() as home, recording_sts(home) as sts, served(GitHub()) as github:
            world = World(home, unit.script, unit.config, url=sts.url)
            result = world.run(unit.script, XASSUME_ROLE_ARN=ROLE, **github.variables()).expect_success()
            # A page may have another command in the same block.
            requests = [request for request in token_requests(sts) if request[0] != "AssumeRole"]
            expect_equal(requests, [("AssumeRoleWithWebIdentity", ROLE, "an.oidc.token")], f"{unit}\n{result}")
            for tool in ("buildkite-agent", "circleci", "spire-agent"):
                called = tool in [call["name"] for call in world.calls()]
                expect_equal(called, tool in unit.script, f"{tool} runs\n{unit}")


@check("web identity: GitHub Actions, the example")
def _():
    workflow = yaml.safe_load((EXAMPLES / "github/deploy.yml").read_text())
    expect_equal(workflow["permissions"]["id-token"], "write", "permission for a token")
    (job,) = workflow["jobs"].values()
    steps = [step["run"] for step in job["steps"] if "run" in step]
    with directory() as home, recording_sts(home) as sts, served(GitHub()) as github:
        world = World(home, "\n".join(steps), url=sts.url)
        for step in steps:
            world.run(step, **job["env"], **github.variables()).expect_success()
        expect_equal(set(github.seen), {"/token?api-version=2.0&audience=sts.amazonaws.com"}, "requests to GitHub")
        expect_equal(set(token_requests(sts)), {("AssumeRoleWithWebIdentity", ROLE, "an.oidc.token")}, "requests to STS")
        name = session("github-16712348901-1")
        calls = [(call["name"], call["session"], call["endpoint"]) for call in world.calls()]
        expect_equal(calls, [("deploy.sh", name, ""), ("six-hours.sh", name, "endpoint")], "calls")
        # Without the permission, the job fails with the line to add.
        variables = {name: "" for name in github.variables() if name.startswith("ACTIONS_")}
        refused = world.run(steps[0], **job["env"], **{**github.variables(), **variables}, XASSUME_NO_CACHE=1)
        expect(refused.status == 125 and "id-token: write" in refused.stderr, str(refused))


@check("web identity: GitLab, the example")
def _():
    job = yaml.safe_load((EXAMPLES / "gitlab/gitlab-ci.yml").read_text())["deploy"]
    expect_equal(job["id_tokens"], {"AWS_ID_TOKEN": {"aud": "sts.amazonaws.com"}}, "token of the job")
    (script,) = job["script"]
    with directory() as home, recording_sts(home) as sts:
        world = World(home, script, url=sts.url)
        result = world.run(script, **job["variables"], CI="true", CI_JOB_ID="118", AWS_ID_TOKEN="an.oidc.token")
        result.expect_success(in_ci=True)
        expect_equal(token_requests(sts), [("AssumeRoleWithWebIdentity", ROLE, "an.oidc.token")], "requests to STS")
        expect_equal([(call["name"], call["endpoint"]) for call in world.calls()], [("deploy.sh", "endpoint")], "calls")


@check("web identity: Jenkins, with a stand-in for the plugin that writes the token file")
def _():
    (text,) = re.findall(r"^```groovy\n(environment .*?)^```", RECIPES, re.M | re.S)
    roles = dict(re.findall(r"(\w+) = '(.*)'", text))
    files = dict(re.findall(r"(\w+) = credentials\('(.*)'\)", text))
    expect_equal(list(files), ["XASSUME_WEB_IDENTITY_TOKEN_FILE"], "credentials")
    (step,) = re.findall(r"sh '(.*)'", text)
    with directory() as home, recording_sts(home) as sts:
        world = World(home, step, url=sts.url)
        token = home / "secret-file"
        token.write_text("an.oidc.token")
        files = dict.fromkeys(files, token)
        build = {"JOB_NAME": "project/deploy", "BUILD_NUMBER": "118", "BUILD_TAG": "jenkins-project-deploy-118"}
        world.run(step, **roles, **files, **build).expect_success()
        expect_equal(token_requests(sts), [("AssumeRoleWithWebIdentity", ROLE, "an.oidc.token")], "requests to STS")
        expect_equal([call["session"] for call in world.calls()], [session("project-deploy-118")], "calls")


def spire_agent():
    """A spire-agent on PATH, or one that was built earlier. Building it takes several minutes of CPU time."""
    built = CACHE / "spire/spire-agent"
    if agent := shutil.which("spire-agent") or (str(built) if built.exists() else None):
        return agent
    if not os.environ.get("XASSUME_CHECKS_SPIRE"):
        raise Skipped("no spire-agent on PATH; XASSUME_CHECKS_SPIRE=1 builds one")
    module = "github.com/spiffe/spire"
    make = [
        ["go", "mod", "init", "spire"],
        ["go", "get", "-tool", f"{module}/cmd/spire-agent@v1.13.3"],
        ["go", "build", "-o", ".", f"{module}/cmd/spire-agent"],
    ]
    return str(installed("spire", "go", make, module) / "spire-agent")


@check("web identity: SPIFFE, the real spire-agent and a fake Workload API")
def _():
    agent = spire_agent()
    source = HERE / "workload.go"
    wanted = ["github.com/spiffe/go-spiffe/v2@v2.6.0", "google.golang.org/grpc@v1.76.0"]
    make = [
        ["cp", source, "."],
        ["go", "mod", "init", "workload"],
        ["go", "get", *wanted],
        ["go", "build", "-o", "workload", "."],
    ]
    api = installed("workload", "go", make, "\n".join([*wanted, source.read_text()])) / "workload"
    (unit,) = [unit for unit in UNITS if "spire-agent" in unit.script]
    issuer = Issuer()
    with directory() as home, served(GitHub(issuer)) as tokens, served(TokenSts(SESSION, issuer)) as sts:
        socket = home / "agent.sock"
        world = World(home, unit.script, unit.config, url=sts.url)
        (world.bin / "spire-agent").unlink()
        (world.bin / "spire-agent").symlink_to(agent)
        process = subprocess.Popen([api, socket, f"{tokens.url}/any"], start_new_session=True)
        try:
            wait_until(socket.exists, 10, "the Workload API listens")
            expect("/run/spire/agent.sock" in unit.script, unit.script)
            world.run(unit.script.replace("/run/spire/agent.sock", str(socket))).expect_success()
        finally:
            end(process)
        expect_equal((len(sts.tokens), sts.refused), (1, []), "tokens")
        # Without the Workload API, the error names the setting.
        failed = world.run(unit.script.replace("/run/spire/agent.sock", str(socket)), XASSUME_NO_CACHE=1)
        expect(failed.status == 125 and "XASSUME_WEB_IDENTITY_TOKEN_COMMAND" in failed.stderr, str(failed))


@contextlib.contextmanager
def boto3_running(lifetime, flags):
    """boto3 in a loop under `--via endpoint`. Yields the STS, the process, the file that ends the loop, and the log."""
    issuer = Issuer(TOKEN)
    with directory() as home, served(GitHub(issuer)) as github, served(TokenSts(lifetime, issuer)) as sts:
        enough, log = home / "enough", home / "log"
        env = clean_env(home, AWS_ENDPOINT_URL=sts.url, AWS_REGION="us-east-1", CI="true", **github.variables())
        env |= {name: str(value) for name, value in stale_variables(home).items() if "PROFILE" not in name}
        words = [word.replace("{any}", f"{github.url}/any") for word in flags]
        command = [XASSUME, "--via", "endpoint", *words, "-r", LONG, "--", PYTHON, LOOPS / "loop.py", "boto3", enough]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(word) for word in command], env=env, cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=output, start_new_session=True,
            )
        try:
            yield sts, process, enough, log
        finally:
            end(process)


def used(sts):
    """The number of sessions with which boto3 has made calls."""
    return len(set(sts.signers))


def ended(process, enough, sts):
    """Ends the loop. No call of boto3 has failed, and no token was sent twice."""
    enough.touch()
    expect_equal(process.wait(30), 0, "status of the loop, which ends at the first failed call")
    expect_equal(sts.refused, [], "refused calls")
    expect_equal(len(set(sts.tokens)), len(sts.tokens), "tokens that were sent once")


@check("web identity: boto3 runs through five refreshes with tokens of two seconds")
def _():
    with boto3_running(SESSION, ["--web-identity-provider", "github"]) as (sts, process, enough, log):
        wait_until(lambda: used(sts) >= 6 or process.poll() is not None, 90, "six sessions")
        expect(process.poll() is None, log.read_text(errors="replace"))
        ended(process, enough, sts)
        lines = log.read_text(errors="replace").splitlines()
        expect(len(lines) == 1 and lines[0].startswith("xassume: assumed arn:"), f"the line about the session\n{lines}")


@check("web identity: boto3 recovers with a new token after an outage of STS")
def _():
    # The session lasts longer than the outage, so no call fails.
    command = shlex.join([PYTHON, "-c", "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"])
    flags = ["--refresh-margin", "15s", "--web-identity-token-command", f"{command} {{any}}"]
    with boto3_running(30, flags) as (sts, process, enough, log):
        wait_until(lambda: used(sts) == 1 or process.poll() is not None, 30, "the first session")
        sts.down = True
        before = len(sts.tokens)
        wait_until(lambda: len(sts.tokens) > before or process.poll() is not None, 30, "a refresh that fails")
        time.sleep(2 * TOKEN)
        during = len(sts.tokens)
        sts.down = False
        wait_until(lambda: used(sts) >= 2 or process.poll() is not None, 30, "a second session")
        expect(process.poll() is None, log.read_text(errors="replace"))
        expect(len(sts.tokens) > during, "a new token was sent")
        ended(process, enough, sts)


@check("web identity: control: the STS of these checks accepts no token twice and none that is expired")
def _():
    issuer = Issuer(TOKEN)
    with served(TokenSts(SESSION, issuer)) as sts:
        token = issuer.token()
        expect_equal(sts.refusal(token), None, "a good token")
        for bad, code in ((token, "InvalidIdentityToken"), (token[:-4] + "AAAA", "InvalidIdentityToken"),
                          (Issuer().token(), "InvalidIdentityToken"), (issuer.token("other"), "InvalidIdentityToken"),
                          (Issuer.token(Expired(issuer)), "ExpiredTokenException")):
            expect_equal((sts.refusal(bad) or ("",))[0], code, f"code for {bad}")


class Expired:
    """An issuer with the key of another, whose tokens have expired when they are issued."""

    URL, lifetime = Issuer.URL, -1

    def __init__(self, issuer):
        self.key = issuer.key
