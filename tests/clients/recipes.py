"""The README and docs/: each command line in them is run, with stubs for the programs that it starts.

A recipe is a script and is run as a whole; a line or a table's cell is run separately. AWS is moto; the stubs for
`aws`, `docker`, `terraform` and others record their calls and identities. The commands in the examples for Kubernetes
and Terraform are run in the same way.
"""

import hashlib
import json
import pathlib
import re
import shlex
import stat
import time

import yaml

from cloud import KEYS, REGION, ROLE, cloud
from harness import HERE, ROOT, XASSUME, Skipped, check, clean_env, directory, expect, expect_equal, free_port, have_flag, run
from metadata import Handler, Server, in_one_hour, served
from oidc import GitHub
from sessions import installed
from sts import recording_sts

EXAMPLES = ROOT / "examples"
DOCUMENTS = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]

# Records a call: its name, the session, whether it has keys and an endpoint, and its arguments.
STUB = """#!/bin/sh
printf '%s\\t%s\\t%s\\t%s\\t%s\\n' "${{0##*/}}" "$XASSUME_SESSION" "${{AWS_ACCESS_KEY_ID:+keys}}" \\
    "${{AWS_CONTAINER_CREDENTIALS_FULL_URI:+endpoint}}" "$*" >>'{calls}'
{more}
"""
# Ends a keeper when its file and the file `until` are there, and keeps a copy of its file.
ENDED_KEEPER = """#!/bin/sh
case " $* " in *" --serve "*) ;; *) exec {xassume} "$@" ;; esac
for word; do
    case $before in --credentials-file | --endpoint-token-file | --env-file) file=$word ;; esac
    before=$word
done
{xassume} "$@" &
while kill -0 $! && ! {{ cp -p "$file" "$HOME/kept" && test -e {until}; }}; do /bin/sleep 0.05; done 2>/dev/null
kill $! 2>/dev/null
wait $!
"""
KEYRING = {"Version": 1, "AccessKeyId": "AKIAVAULT00000000001", "SecretAccessKey": "s"}
# Reads the env file, which may be a pipe.
READS_ENV_FILE = """for word; do
    if [ "$before" = --env-file ]; then cat "$word" >/dev/null; fi
    before=$word
done"""
# The output of the programs of the recipes.
ANSWERS = {
    "aws": "", "docker": READS_ENV_FILE, "terraform": "", "worker": "", "sleep": "", "shell": "",
    "gunicorn": "", "uvicorn": "", "nginx": "", "kubectl": "", "vector": "",
    "ykman": "echo 123456",
    "aws-vault": f"echo '{json.dumps(KEYRING)}'",
    "buildkite-agent": "echo an.oidc.token", "circleci": "echo an.oidc.token",
    "spire-agent": f"echo '{json.dumps([{'svids': [{'svid': 'an.oidc.token'}]}, {'bundles': {}}])}'",
}
# They print a code, keys or a token for xassume.
HELPERS = {"aws-vault", "ykman", "buildkite-agent", "circleci", "spire-agent"}
# The profiles `production` and `audit`, unless a document defines profiles.
PROFILES = "".join(
    f"[profile {name}]\nrole_arn = {ROLE}\nsource_profile = me\n" for name in ["production", "audit"]
)
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}


class World:
    """A home with profiles, a directory with the scripts that a recipe starts, and stubs that record their calls."""

    def __init__(self, home, text, config=PROFILES, url=None, answers=(), until="/"):
        self.home, self.calls_file = home, home / "calls"
        self.bin, self.work = home / "bin", home / "work"
        for path in (self.bin, self.work, home / ".aws", home / "shared"):
            path.mkdir()
        real = pathlib.Path(XASSUME).resolve()
        if "--serve" in text:
            (self.bin / "xassume").write_text(ENDED_KEEPER.format(xassume=real, until=until))
            (self.bin / "xassume").chmod(0o755)
        else:
            (self.bin / "xassume").symlink_to(real)
        for name, more in {**ANSWERS, **dict(answers)}.items():
            self.stub(self.bin / name, more)
        for name in set(re.findall(r"(?<=\s)\./([\w.-]+)", text)):
            self.stub(self.work / name)
        (self.work / "read-only.json").write_text(json.dumps(POLICY))
        (home / ".aws/config").write_text(config)
        keys = "".join(f"{name.lower()} = {value}\n" for name, value in KEYS.items())
        in_keyring = "credential_process = aws-vault" in config
        if "sso_session" in config:
            self.log_in("corp")
        (home / ".aws/credentials").write_text("" if in_keyring else f"[me]\n{keys}")
        self.env = clean_env(
            home, PATH=f"{self.bin}:/usr/bin:/bin", AWS_ENDPOINT_URL=url or cloud().url, AWS_REGION=REGION,
            SHELL=self.bin / "shell", XASSUME_MFA_COMMAND="ykman oath accounts code -s aws", **KEYS,
        )

    def log_in(self, session):
        """Writes what `aws sso login` writes."""
        path = self.home / ".aws/sso/cache" / f"{hashlib.sha1(session.encode()).hexdigest()}.json"
        path.parent.mkdir(parents=True)
        login = {"startUrl": "https://corp.awsapps.com/start", "region": "eu-west-1", "accessToken": Portal.TOKEN}
        path.write_text(json.dumps({**login, "expiresAt": in_one_hour()}))

    def stub(self, path, more=""):
        path.write_text(STUB.format(calls=self.calls_file, more=more))
        path.chmod(0o755)

    def run(self, script, **more):
        """Runs a bash script with `-e`; /shared is a directory of this world, and ports are free ones."""
        script = script.replace("/shared", str(self.home / "shared")).replace("--listen 8080", "--listen 0")
        script = script.replace("127.0.0.1:9911", f"127.0.0.1:{free_port()}")
        env = {**self.env, **{name: str(value) for name, value in more.items()}}
        return run(["bash", "-e", "-o", "pipefail", "-c", script], env, cwd=self.work)

    def calls(self):
        text = self.calls_file.read_text() if self.calls_file.exists() else ""
        fields = ("name", "session", "keys", "endpoint", "args")
        return [dict(zip(fields, line.split("\t"))) for line in text.splitlines()]


def inner_commands(script):
    """The programs that the xassumes of a script start."""
    script = re.sub(r"\\\n", " ", script)
    lines = [re.sub(r"\s#\s.*", "", line) for line in script.splitlines()]
    found = [re.search(r"(?:^|\s)xassume\s(?:.*?\s)?--\s+(\S+)", line) for line in lines]
    return [match.group(1).replace("$SHELL", "shell").rsplit("/", 1)[-1] for match in found if match]


class Unit:
    """A script: its place in a document, its text, and the profiles in its section."""

    def __init__(self, place, script, config):
        self.place, self.script, self.config = place, script, config

    def without_role(self):
        """Whether the commands get the credentials of a profile itself."""
        sections = dict(re.findall(r"^\[profile (\w+)\]\n([^\[]*)", self.config, re.M))
        profiles = re.findall(r"xassume -p (\w+)", self.script)
        return " -r " not in self.script and any("role_arn" not in sections.get(name, "role_arn") for name in profiles)

    def __str__(self):
        first = next(line for line in self.script.splitlines() if "xassume" in line)
        return f"{self.place}: {re.sub(r'[ ]{2,}#.*', '', first)}"


def sections(text):
    """The parts between headings, with the number of the line before each."""
    number = 0
    # In a code block, a line that starts with # is not a heading.
    text = re.sub(r"^```.*?^```", lambda block: block[0].replace("\n#", "\n\0"), text, flags=re.M | re.S)
    for part in re.split(r"^(?=#+ )", text, flags=re.M):
        yield number, part.replace("\n\0", "\n#")
        number += part.count("\n")


def units():
    for path in DOCUMENTS:
        for start, part in sections((ROOT / path).read_text()):
            fences = [(m.start(2), m[1], m[2]) for m in re.finditer(r"^```(\w+)\n(.*?)^```", part, re.M | re.S)]
            config = "\n".join(body for _, kind, body in fences if kind == "ini" and "[profile" in body) or PROFILES
            scripts = [(at, body) for at, kind, body in fences if kind == "sh"]
            bare = re.sub(r"^```.*?^```", lambda m: re.sub(r"[^\n]", " ", m[0]), part, flags=re.M | re.S)
            scripts += [(m.start(), m[0]) for m in re.finditer(r"(?:^ {4,}\S.*\n)+", bare, re.M)]
            scripts += [(m.start(), m[1]) for m in re.finditer(r"`((?:\w+=\$\()?xassume [^`]+)`", bare)]
            for at, script in sorted(scripts):
                if re.search(r"(?:^|\s|\()xassume\s", script):
                    place = f"{path}:{start + part.count(chr(10), 0, at) + 1}"
                    yield Unit(place, "\n".join(line.strip() for line in script.splitlines()), config)


UNITS = list(units())


def run_unit(unit):
    for flag in ("--check", "--print", "--serve"):
        if flag in unit.script and not have_flag(flag):
            raise Skipped(f"this xassume has no {flag} yet")
    with directory() as home, served(GitHub()) as tokens, served(Portal()) as portal:
        world = World(home, unit.script, unit.config)
        role = ROLE if "-p " not in unit.script else ""
        result = world.run(
            unit.script, XASSUME_ROLE_ARN=role, AWS_ENDPOINT_URL_SSO=portal.url, **tokens.variables()
        )
        expect_equal(result.status, 0, str(result))
        # `-v`, `--check` and `--clear-cache` print messages.
        if not re.search(r"xassume (-v|--check|--list-sessions|--clear-cache)", unit.script):
            result.expect_success()
        called = {call["name"]: call for call in world.calls()}
        for name in inner_commands(unit.script):
            expect(name in called, f"{name} was not started\n{result}\n{world.calls()}")
            if unit.without_role():
                call = called[name]
                expect(call["session"] == "" and (call["keys"] or call["endpoint"]), f"{call}\n{result}")
                continue
            expect(re.match(r"arn:aws:sts::\d{12}:assumed-role/", called[name]["session"]), f"{called[name]}\n{result}")


def run_refused(unit):
    """Without a session, no command may run with other credentials, and the script must fail."""
    with directory() as home, served(GitHub()) as tokens, served(Refusing()) as sts:
        # All services have this URL, so the portal of IAM Identity Center refuses, too.
        world = World(home, unit.script, unit.config, url=sts.url, answers={"aws-vault": "exit 1"})
        # Without `-e`: the commands after xassume must not hide its failure.
        words = ["bash", "-c", unit.script.replace("/shared", str(home / "shared"))]
        role = {"XASSUME_ROLE_ARN": ROLE if "-p " not in unit.script else ""}
        result = run(words, {**world.env, **role, **tokens.variables()}, cwd=world.work)
        expect(result.status not in (0, None), f"{unit}\n{result}")
        calls = [call for call in world.calls() if not call["args"].startswith("sso login ")]
        started = {call["name"] for call in calls} - HELPERS
        expect(not started, f"{unit} started {started}\n{result}")


def register(unit):
    check(f"documents: {unit}")(lambda: run_unit(unit))


for _unit in UNITS:
    register(_unit)


@check("documents: the profile of an aws-vault user needs no flag, and its mfa_process gives the code")
def _():
    config = next(unit.config for unit in UNITS if "mfa_process" in unit.config)
    with directory() as home:
        world = World(home, "", config)
        (home / ".aws/config").write_text(config)
        world.run("xassume -p work -- worker", XASSUME_MFA_COMMAND="").expect_success()
        called = {call["name"]: call for call in world.calls()}
        expect_equal(called["ykman"]["args"], "oath accounts code -s aws", "mfa_process")
        expect(":assumed-role/DeployMaster/" in called["worker"]["session"], str(called["worker"]))
        shown = world.run("xassume -v -p work --no-cache -- worker", XASSUME_MFA_COMMAND="")
        expect("source identity alice" in shown.stderr and "2 tags" in shown.stderr, shown.stderr)


@check("documents: without a session each script fails and starts nothing")
def _():
    # These commands need no session.
    for unit in (unit for unit in UNITS if not re.search(r"--(list-sessions|clear-cache|completions|help|version)", unit.script)):
        run_refused(unit)


@check("documents: both commands of the MFA recipe need only one code")
def _():
    (unit,) = [unit for unit in UNITS if "ykman" in unit.script and "\n" in unit.script.strip()]
    with directory() as home:
        world = World(home, unit.script, unit.config)
        world.run(unit.script).expect_success()
        expect_equal([call["name"] for call in world.calls()], ["ykman", "deploy.sh", "shell"], "calls")


@check("documents: each recipe of a hook runs its programs with the session")
def _():
    ecr = "521111111144.dkr.ecr.us-east-1.amazonaws.com"
    # The programs of the hook, in any order, because those of a pipe start at the same time. The last ones read their input.
    wanted = [
        {"aws": ["ecr get-login-password"], "docker": [f"login --username AWS --password-stdin {ecr}"]},
        {"kubectl": ["apply --filename -", "create secret generic aws-credentials --from-file=credentials=FILE "
                     "--dry-run=client --output yaml"]},
        {"nginx": ["-s reload"]},
    ]
    found = [unit for unit in UNITS if unit.place.startswith("docs/recipes.md") and "--refresh-hook" in unit.script]
    expect_equal(len(found), len(wanted), "recipes of a hook")
    for unit, programs in zip(found, wanted):
        with directory() as home:
            input_file = home / "input"
            reads = f'case "$*" in *stdin*|*"filename -"*) cat >{input_file}.new; mv {input_file}.new {input_file};; esac'
            writes = 'case "$*" in *get-login-password*|*create*) echo from-the-first-program;; esac'
            done = input_file if "|" in unit.script else home / "reloaded"
            # The command of the recipe, or its keeper, ends when the hook has done its work.
            waits = f"for _ in $(seq 300); do [ ! -e {done} ] || exit 0; sleep 0.1; done; exit 1"
            answers = {"aws": writes, "docker": reads, "kubectl": f"{writes}\n{reads}", "nginx": f"touch {home}/reloaded"}
            world = World(home, unit.script, unit.config, answers=answers, until=done)
            for path in world.work.glob("*.sh"):
                world.stub(path, waits.replace("sleep", "/bin/sleep"))
            world.run(unit.script, XASSUME_ROLE_ARN="").expect_success()
            calls = [call for call in world.calls() if call["name"] in programs]
            for name, lines in programs.items():
                said = sorted(re.sub(r"(=credentials=)\S+", r"\1FILE", call["args"]) for call in calls if call["name"] == name)
                expect_equal(said, lines, f"calls of {name} in {unit}")
            expect(all(":assumed-role/DeployMaster/" in call["session"] for call in calls), str(calls))
            if "|" in unit.script:
                expect_equal(input_file.read_text(), "from-the-first-program\n", f"the input of the last program in {unit}")


@check("documents: the scripts and the commands in them are found")
def _():
    per_page = {path: sum(unit.place.startswith(path) for unit in UNITS) for path in DOCUMENTS}
    expect(per_page["README.md"] >= 12 and per_page["docs/recipes.md"] >= 18, per_page)
    lines = "A=1 xassume -v --x y -- ./a.sh b -- c   # d -- e\ndocker <(xassume --print env) w\nxassume \\\n -- $SHELL"
    expect_equal(inner_commands(lines), ["a.sh", "shell"], "programs")


@check("documents: quoted lines of an example occur in an example")
def _():
    def lines(text):
        return [" ".join(line.split()) for line in text.splitlines() if line.strip()]

    known = {line for path in EXAMPLES.rglob("*") if path.is_file() for line in lines(path.read_text())}
    text = (ROOT / "docs/recipes.md").read_text()
    quoted = [body for kind, body in re.findall(r"^```(\w+)\n(.*?)^```", text, re.M | re.S)
              if kind in ("crontab", "yaml") or (kind == "ini" and "[Service]" in body)]
    expect_equal(len(quoted), 6, "quotations")
    for line in (line for body in quoted for line in lines(body)):
        expect(line in known, f"no example contains: {line}")


class Refusing(Server):
    """An STS that denies everything."""

    def __init__(self):
        class Answer(Handler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                error = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>"
                self.answer(403, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>", "text/xml")

        super().__init__(Answer)


class Portal(Server):
    """The access portal of IAM Identity Center."""

    TOKEN = "the-token-of-the-login"

    def __init__(self):
        class Answer(Handler):
            def do_GET(self):
                self.server.seen.append(self.path)
                if self.headers.get("x-amz-sso_bearer_token") != Portal.TOKEN:
                    return self.answer(401, {"message": "no"}, "application/json")
                keys = {"accessKeyId": "ASIASSO0000000000001", "secretAccessKey": "s", "sessionToken": "t"}
                credentials = {**keys, "expiration": int(time.time() + 3600) * 1000}
                return self.answer(200, {"roleCredentials": credentials}, "application/json")

        super().__init__(Answer)


def only(documents, kind):
    found = [document for document in documents if document["kind"] == kind]
    expect_equal(len(found), 1, f"documents of kind {kind}")
    return found[0]


def kubernetes(name):
    return list(yaml.safe_load_all((EXAMPLES / "kubernetes" / name).read_text()))


def environment(container):
    return {entry["name"]: entry["value"] for entry in container.get("env", [])}


def irsa(home, sts, role="arn:aws:iam::222222222222:role/Worker"):
    """The variables that EKS sets in a pod's containers; no access keys."""
    token = home / "token"
    token.write_text("an.oidc.token")
    none = {name: "-" for name in KEYS}
    return {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ENDPOINT_URL": sts.url, **none}


def in_pod(world, container, **more):
    words = [str(word).replace("/shared", str(world.home / "shared")) for word in container["command"]]
    env = {**world.env, **environment(container), **{name: str(value) for name, value in more.items()}}
    return run(words, {name: value for name, value in env.items() if value != "-"}, cwd=world.work)


@check("examples: Kubernetes, the worker of a service account assumes a second role")
def _():
    documents = kubernetes("worker.yaml")
    account, pod = only(documents, "ServiceAccount"), only(documents, "Deployment")["spec"]["template"]["spec"]
    expect_equal(pod["serviceAccountName"], account["metadata"]["name"], "service account")
    (container,) = pod["containers"]
    timeout = container["command"][container["command"].index("--stop-timeout") + 1]
    expect(pod["terminationGracePeriodSeconds"] > int(timeout.removesuffix("s")), "the grace period is too short")
    role = account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
    with directory() as home, recording_sts(home) as sts:
        world = World(home, "")
        in_pod(world, container, **irsa(home, sts, role)).expect_success()
        requests = [(request["action"], request["role"], request["web_identity"]) for request in sts.take()]
        wanted = [("AssumeRoleWithWebIdentity", role, "an.oidc.token"), ("AssumeRole", ROLE, None)]
        expect_equal(requests, wanted, "requests to STS")
        expect_equal([call["name"] for call in world.calls()], ["worker"], "calls")


@check("examples: Kubernetes, the sidecar writes a file that its group can read")
def _():
    (pod,) = kubernetes("sidecar.yaml")
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    (sticky, sidecar), (reports,) = pod["spec"]["initContainers"], pod["spec"]["containers"]
    expect_equal(sidecar["restartPolicy"], "Always", "restart policy of a sidecar")
    for container in (sticky, sidecar, reports):
        expect({mount["name"] for mount in container["volumeMounts"]} <= volumes, f"volumes of {container['name']}")
    expect_equal(pod["metadata"]["annotations"]["eks.amazonaws.com/skip-containers"], reports["name"], "skipped container")
    with directory() as home, recording_sts(home) as sts:
        world = World(home, "--serve")
        shared = environment(reports)["AWS_SHARED_CREDENTIALS_FILE"]
        expect_equal(sidecar["startupProbe"]["exec"]["command"], ["test", "-s", shared], "the probe")
        expect_equal(sidecar["command"][sidecar["command"].index("--credentials-file") + 1], shared, "the file")
        # The mode of an emptyDir with an fsGroup.
        (home / "shared").chmod(0o2777)
        refused = in_pod(world, sidecar, **irsa(home, sts))
        expect(refused.status == 125 and "all users can write to" in refused.stderr, str(refused))
        in_pod(world, sticky).expect_success()
        in_pod(world, sidecar, **irsa(home, sts)).expect_success()
        kept = home / "kept"
        key = re.search(r"aws_access_key_id = (\S+)", kept.read_text())
        expect(key and ":assumed-role/DeployMaster/" in sts.issued[key.group(1)], kept.read_text())
        expect_equal(kept.stat().st_mode & 0o777, 0o640, "mode")
        expect(not (home / "shared" / pathlib.Path(shared).name).exists(), "the file outlives xassume")


@check("examples: Compose, the worker finds the keeper's address and token")
def _():
    services = yaml.safe_load((EXAMPLES / "container/compose.yaml").read_text())["services"]
    keeper, worker = services["credentials"], services["worker"]
    words = keeper["entrypoint"]
    address, token = (words[words.index(flag) + 1] for flag in ("--endpoint-address", "--endpoint-token-file"))
    expect_equal(worker["environment"]["AWS_CONTAINER_CREDENTIALS_FULL_URI"], f"http://{address}/credentials", "address")
    expect_equal(worker["environment"]["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"], token, "token")
    expect_equal(keeper["healthcheck"]["test"], ["CMD", "test", "-s", token], "the probe")
    expect_equal((worker["network_mode"], worker["user"]), ("service:credentials", keeper["user"]), "network and user")
    with directory() as home:
        world = World(home, "--serve")
        role = keeper["environment"]["XASSUME_ROLE_ARN"]
        world.run(shlex.join(words), XASSUME_ROLE_ARN=role).expect_success()
        expect(re.fullmatch(r"[0-9a-f]{64}", (home / "kept").read_text()), "the token")
        expect_equal(list((home / "shared").iterdir()), [], "what outlives xassume")


@check("examples: Terraform, each step has the endpoint and no keys")
def _():
    script = EXAMPLES / "terraform/apply.sh"
    with directory() as home:
        world = World(home, "")
        expect(script.stat().st_mode & stat.S_IXUSR, "it is not executable")
        refused = run([script], world.env)
        expect(refused.status == 2 and "usage" in refused.stderr, str(refused))
        run([script, "production.tfvars"], world.env, cwd=world.work).expect_success()
        calls = world.calls()
        expect_equal([call["args"].split()[0] for call in calls], ["init", "plan", "apply"], "steps")
        for call in calls:
            expect_equal((call["keys"], call["endpoint"]), ("", "endpoint"), f"credentials of {call}")


@check("documents: Mermaid parses the diagrams with the right states and arrows")
def _():
    packages = ["mermaid@11.17.2", "jsdom@29.1.1"]
    install = ["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", ".", *packages]
    place = installed("mermaid", "npm", [install], " ".join(packages))
    texts = []
    for path in DOCUMENTS:
        texts += re.findall(r"^```mermaid\n(.*?)^```", (ROOT / path).read_text(), re.M | re.S)
    script = place / "pictures.mjs"
    script.write_text((HERE / "pictures.mjs").read_text())

    def seen_in(texts):
        (place / "texts.json").write_text(json.dumps(texts))
        return run(["node", "--no-warnings", script, place / "texts.json"], clean_env(place))

    result = seen_in(texts)
    expect_equal(result.status, 0, str(result))
    pictures = json.loads(result.stdout)
    types = sorted(picture["type"] for picture in pictures)
    expect_equal(types, ["stateDiagram", "timeline", "timeline"], "diagrams")
    for text, picture in zip(texts, pictures):
        if picture["type"] == "timeline":
            expect_equal(len(picture["events"]), 4, "times")
            continue
        # Mermaid would parse a wrong label as additional states.
        arrows = [list(match) for match in re.findall(r"^\s*(\w+) --> (\w+)", text, re.M)]
        expect_equal(picture["arrows"], arrows, "arrows")
        expect_equal(sorted(picture["states"]), sorted({state for arrow in arrows for state in arrow}), "states")
    control = seen_in(["stateDiagram-v2\n    A -->\n"])
    expect(control.status != 0 and "Parse error" in control.stderr, f"a mistake is not reported\n{control}")
