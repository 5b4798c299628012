"""packaging/: the Jenkins library, the GitHub Action and the GitLab template, as far as they run outside these systems."""

import itertools
import json
import pathlib
import re
import shutil

import yaml

from cloud import KEYS, REGION, ROLE, cloud
from examples import groovy, probe, session, with_xassume
from harness import ROOT, VENV_BIN, Skipped, check, clean_env, directory, expect, expect_equal, run
from installer import SUMS, World, Release, members, release, served_release
from sts import Authority, recording_sts

PACKAGING = ROOT / "packaging"
LIBRARY = PACKAGING / "jenkins"
BUILD = {"JENKINS_URL": "http://127.0.0.1:1/", "JOB_NAME": "project/deploy", "BUILD_NUMBER": "118"}


class Agent:
    """A workspace with a space in its path, and a profile with the source credentials. Runs pipelines."""

    def __init__(self, home, url):
        self.home, self.workspace = home, home / "work space"
        self.workspace.mkdir()
        self.temporary = home / "work space@tmp"
        self.temporary.mkdir()
        (home / ".aws").mkdir()
        keys = "".join(f"{name.lower()} = {value}\n" for name, value in KEYS.items())
        (home / ".aws/credentials").write_text(f"[default]\n{keys}")
        self.env = clean_env(home, AWS_ENDPOINT_URL=url, AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION, PATH=with_xassume(home), **BUILD)
        self.java = groovy()

    def run(self, pipeline, **env):
        path = self.home / "pipeline.groovy"
        path.write_text(pipeline)
        runner = pathlib.Path(__file__).with_name("library.groovy")
        words = [*self.java, "groovy.ui.GroovyMain", runner, LIBRARY, self.workspace, path]
        result = run(words, {**self.env, **env}, timeout=120, cwd=self.home)
        expect_equal(list(self.temporary.iterdir()), [], f"files that remain\n{result}")
        return result


# Only as a value with spaces, quotes and a star.
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
CALLER = f"{VENV_BIN}/aws sts get-caller-identity --query Arn --output text"


@check("withXassume: the block has the role, with and without an SDK, and no secret is in its environment or log")
def _():
    with directory() as home:
        agent = Agent(home, cloud().url)
        program, out = probe(home, "no-sdk.sh")
        result = agent.run(f"""
            def result = withXassume(role: '{ROLE}', expectAccount: '521111111144', region: 'eu-west-1') {{
                sh '{CALLER}; env; echo "region $AWS_REGION"'
                sh 'xassume -q -- {program}'
                sh 'cat "$AWS_SHARED_CREDENTIALS_FILE" "$AWS_CONFIG_FILE" "${{AWS_CONFIG_FILE%/*}}"/*'
                'the result'
            }}
            echo "block: ${{result}}"
            sh '{CALLER}; echo "file ${{AWS_SHARED_CREDENTIALS_FILE-none}}"'
        """)
        expect_equal(result.status, 0, str(result))
        name = session("project-deploy-118")
        expect_equal(re.findall(r"^arn:\S+", result.stdout, re.M)[0], name, str(result))
        expect(re.findall(r"^arn:\S+", result.stdout, re.M)[1] != name, "the role outside the block")
        for text in ("region eu-west-1\n", "block: the result\n", "file none\n"):
            expect(text in result.stdout, f"expected: {text}{result}")
        got = json.loads(out.read_text())["env"]
        expect(got["AWS_ACCESS_KEY_ID"] != KEYS["AWS_ACCESS_KEY_ID"], "access key of a program without an SDK")
        log = result.stdout + result.stderr
        for secret in (got["AWS_SECRET_ACCESS_KEY"], got["AWS_SESSION_TOKEN"], KEYS["AWS_SECRET_ACCESS_KEY"]):
            expect(secret not in log, f"a secret is in the log: {secret}")
        expect("AWS_SECRET_ACCESS_KEY" not in log and "AWS_SESSION_TOKEN" not in log, "a variable with a secret")


@check("withXassume: chains, a token file, the role of the environment, and a block that outlives its session")
def _():
    with directory() as home, recording_sts(home) as sts:
        agent = Agent(home, sts.url)
        token = home / "token"
        token.write_text("an.oidc.token")
        result = agent.run(f"""
            def caller = '{CALLER} | sed "s/^/session /"'
            withXassume(role: '111111111111:Hub') {{
                withXassume(role: '222222222222:Target', duration: '30m') {{ sh caller }}
                sh caller
            }}
            withXassume(role: ['333333333333:Hub', '444444444444:Target'], policy: '{POLICY}') {{ sh caller }}
            withEnv(['XASSUME_ROLE_ARN={ROLE}', 'AWS_WEB_IDENTITY_TOKEN_FILE={token}', 'AWS_ROLE_ARN=arn:aws:iam::555555555555:role/Pod']) {{
                withXassume {{ sh caller + '; env | grep -c AWS_WEB_IDENTITY_TOKEN_FILE || true' }}
            }}
        """)
        expect_equal(result.status, 0, str(result))
        build = "project-deploy-118"
        arns = [session(build, *of) for of in (("222222222222", "Target"), ("111111111111", "Hub"), ("444444444444", "Target"))]
        expect_equal(re.findall("^session (.*)", result.stdout, re.M), [*arns, session(build)], str(result))
        expect("\n0\n" in result.stdout, f"the token file in the block\n{result}")
        got = [(r["role"].split(":")[4], r["signer"].split(":")[4] if ":" in r["signer"] else "") for r in sts.take() if r["signer"]]
        wanted = [("111111111111", ""), ("222222222222", "111111111111"), ("333333333333", ""), ("444444444444", "333333333333"), ("521111111144", "555555555555")]
        expect_equal(got, wanted, f"roles and who assumed them\n{result}")

        sts.lifetime = 8
        result = agent.run(f"""
            withXassume(role: '666666666666:Short') {{
                sh '{CALLER} && sleep 9 && {CALLER}'
                sh 'xassume -q -- {CALLER}'
            }}
        """)
        expect_equal(result.status, 0, str(result))
        expect_equal(re.findall("^arn:.*", result.stdout, re.M), [session(build, "666666666666", "Short")] * 3, str(result))
        expect(len(sts.take()) >= 2, "no new session")


@check("withXassume: the recipe")
def _():
    (text,) = re.findall(r"^```groovy\n(@Library.*?)^```", (ROOT / "docs" / "recipes.md").read_text(), re.M | re.S)
    with directory() as home:
        agent = Agent(home, cloud().url)
        (agent.workspace / "no-sdk.sh").write_text('#!/bin/sh\necho "key ${AWS_ACCESS_KEY_ID%%[A-Z0-9]}"\n')
        (agent.workspace / "no-sdk.sh").chmod(0o755)
        # An annotation for Jenkins, and the block of an agent.
        text, count = re.subn(r"^@Library\('xassume'\) _\nnode (?=\{)", "def node = ", text)
        expect_equal(count, 1, "the first lines of the recipe")
        result = agent.run(f"{text}node()")
        expect(result.status == 0 and session("project-deploy-118") in result.stdout and "key ASIA" in result.stdout, str(result))


@check("withXassume: failures of the role, of the block, of the agent and of the settings")
def _():
    keys = ", ".join(f"'{name}={value}'" for name, value in KEYS.items())
    # What runs, the exception, and what is on standard error.
    cases = [
        (f"withXassume(role: '{ROLE}', expectAccount: '999999999999') {{ echo 'in the block' }}", "script returned exit code 125", "xassume: error: "),
        (f"withXassume(role: '{ROLE}') {{ sh 'exit 7' }}", "script returned exit code 7", ""),
        (f"withXassume(role: '{ROLE}') {{ error 'of the block' }}", "of the block", ""),
        ("withXassume(rol: 'x') { echo 'in the block' }", "withXassume: 'rol' is not a setting", ""),
        ("withXassume(role: '') { echo 'in the block' }", "withXassume: role is empty", ""),
        ("withXassume(region: null) { echo 'in the block' }", "withXassume: region is empty", ""),
        (f"withEnv([{keys}]) {{ withXassume(role: '{ROLE}') {{ echo 'in the block' }} }}", "script returned exit code 1", "access keys in the environment"),
        (f"withEnv(['PATH=/usr/bin:/bin']) {{ withXassume(role: '{ROLE}') {{ echo 'in the block' }} }}", "script returned exit code 127", "xassume is not in PATH"),
    ]
    with directory() as home:
        agent = Agent(home, cloud().url)
        result = agent.run("".join(f"try {{ {text} }} catch (Exception e) {{ echo \"caught: ${{e.message}}\" }}\n" for text, _, _ in cases))
        expect_equal(result.status, 0, str(result))
        caught = re.findall("^caught: (.*)", result.stdout, re.M)
        expect_equal(len(caught), len(cases), f"exceptions\n{result}")
        for (text, message, shown), got in zip(cases, caught):
            expect(got.startswith(message) and shown in result.stderr, f"{text}: {message}, {shown}\n{result}")
        expect("in the block" not in result.stdout, f"a block ran\n{result}")


@check("withXassume: settings take precedence over variables of the job, and variables of the agent are refused")
def _():
    with directory() as home, recording_sts(home) as sts:
        agent = Agent(home, sts.url)
        token = home / "token"
        token.write_text("an.oidc.token")
        with open(home / ".aws/credentials", "a") as credentials:
            credentials.write("[p]\nrole_arn = arn:aws:iam::222222222222:role/P\nsource_profile = default\n")
        result = agent.run(f"""
            def caller = '{CALLER} | sed "s/^/session /"'
            def command = 'xassume -q -- {CALLER} | sed "s/^/session /"'
            withEnv(['XASSUME_ROLE_ARN=111111111111:Job', 'XASSUME_DURATION=2h', 'XASSUME_POLICY={POLICY}', 'XASSUME_WEB_IDENTITY_TOKEN_COMMAND=exit 9']) {{
                withXassume(role: ['333333333333:Hub', '444444444444:It'], webIdentityTokenFile: '{token}', roleSessionName: '118') {{ sh caller; sh command }}
            }}
            withEnv(['XASSUME_ROLE_ARN=111111111111:Job', 'XASSUME_POLICY_ARN=arn:aws:iam::aws:policy/ReadOnlyAccess']) {{
                withXassume(profile: 'p', policy: '{POLICY}') {{ sh caller; sh command }}
            }}
        """)
        expect_equal(result.status, 0, str(result))
        wanted = [session("118", "444444444444", "It")] * 2 + [session("project-deploy-118", "222222222222", "P")] * 2
        expect_equal(re.findall("^session (.*)", result.stdout, re.M), wanted, str(result))
        for name, value in (("XASSUME_ROLE_ARN", ROLE), ("XASSUME_POLICY", "{}"), ("AWS_WEB_IDENTITY_TOKEN_FILE", token)):
            result = agent.run("withXassume(role: '444444444444:It') { echo 'in the block' }", **{name: str(value)})
            expect(result.status != 0 and "in the block" not in result.stdout and name in result.stderr, str(result))


ACTION = PACKAGING / "github" / "action.yml"


def action_run(home, **inputs):
    """Runs the step of the action as the runner does; returns the result and the directory of the job."""
    action = yaml.safe_load(ACTION.read_text())
    expect_equal(action["runs"]["using"], "composite", "using")
    (step,) = action["runs"]["steps"]
    expect_equal(step["shell"], "sh", "shell")
    given = {f"inputs.{name}": str(value) for name, value in inputs.items()} | {"github.action_path": str(ACTION.parent)}
    expect_equal(set(given), {f"inputs.{name}" for name in action["inputs"]} | {"github.action_path"}, "inputs")
    expect("${{" not in step["run"], "an expression in the script")
    temporary = home / "runner temp"
    temporary.mkdir(exist_ok=True)
    env = {name: re.fullmatch(r"\$\{\{ (.*) \}\}", value).group(1) for name, value in step["env"].items()}
    env = {name: given[value] for name, value in env.items()}
    files = {name: home / name for name in ("GITHUB_PATH", "GITHUB_OUTPUT")}
    script = home / "step.sh"
    script.write_text(step["run"])
    result = run(["sh", "-e", script], clean_env(home, RUNNER_TEMP=temporary, **env, **files, PATH="/usr/bin:/bin"))
    return result, {name: path.read_text() if path.exists() else "" for name, path in files.items()}


@check("GitHub Action: installs a release and adds it to PATH, or annotates the one error")
def _():
    with served_release() as (world, server):
        version, key = release().version, release().key.read_text()
        result, files = action_run(world.home, version=version, address=f"{server.url}/v{{version}}", key=key)
        expect_equal((result.status, result.stderr), (0, ""), str(result))
        expect("PATH" not in result.stdout, str(result))
        prefix = world.home / "runner temp" / "xassume"
        world.expect_installed(prefix)
        expect_equal(files, {"GITHUB_PATH": f"{prefix}/bin\n", "GITHUB_OUTPUT": f"path={prefix}/bin/xassume\n"}, "files")
        for changed, message in (
            ({"version": "9.9.9"}, "has no xassume 9.9.9"),
            ({"version": "1; touch x"}, "'1; touch x' is not a version"),
            ({"address": "http://example.com/"}, "is not https"),
            ({"key": "none"}, "not a public key"),
        ):
            result, files = action_run(world.home, **{"version": version, "address": server.url, "key": key, **changed})
            expect_equal(result.status, 1, str(result))
            expect(result.stdout.startswith("::error title=xassume::") and message in result.stdout.splitlines()[0], str(result))
            expect_equal(result.stdout.count("\n"), 1, str(result))
        expect(not (world.home / "x").exists(), "an input was run")


@check("GitHub Action: actionlint, the example and the inputs of the action")
def _():
    actionlint = shutil.which("actionlint")
    if not actionlint:
        raise Skipped("no actionlint: `run` builds it if there is Go")
    with directory() as home:
        # As a local action, so that actionlint reads its inputs.
        workflows = home / ".github" / "workflows"
        workflows.mkdir(parents=True)
        run(["git", "init", "-q", home], clean_env(home)).expect_success()
        shutil.copytree(ACTION.parent, home / "packaging" / "github")
        text = (ROOT / "examples" / "github" / "deploy.yml").read_text()
        local, count = re.subn(r"uses: \S+/packaging/github@\S+", "uses: ./packaging/github", text)
        expect_equal(count, 1, "steps with the action")
        for content, message in (
            (text, ""), (local, ""),
            (re.sub(r"^ +version: .*\n", "", local, flags=re.M), 'missing input "version"'),
            (local.replace("version:", "vershion:"), 'input "vershion" is not defined'),
        ):
            (workflows / "deploy.yml").write_text(content)
            result = run([actionlint, "-no-color", "-shellcheck=", "-pyflakes="], clean_env(home), cwd=home)
            expect(result.status == 0 if not message else message in result.stdout, f"expected: {message}\n{result}")


@check("GitLab: the template installs a release, and only if the key has signed the installer")
def _():
    (script,) = yaml.safe_load((PACKAGING / "gitlab" / "xassume.yml").read_text())[".xassume"]["before_script"]
    version, files = members()
    installer = (PACKAGING / "install.sh").read_bytes()
    with directory() as home:
        made = Release(home / "release", version, files.items())
        (made.place / "install.sh").write_bytes(installer)
        import hashlib

        made.sign("".join(f"{hashlib.sha256((made.place / name).read_bytes()).hexdigest()}  {name}\n" for name in (made.archive.name, "install.sh")))
        authority = Authority(home)
        version, key = made.version, str(made.key)
        for shell, (changed, variables, message) in itertools.product((["sh"], ["bash"], *([["busybox", "sh"]] if shutil.which("busybox") else [])), (
            ({}, {}, ""),
            ({"install.sh": installer + b"touch evil\n"}, {}, "WARNING"),
            ({f"{SUMS}.sig": b"x"}, {}, ""),
            # An older release of the same signer.
            ({}, {"RELEASE_VERSION": "9.9.9"}, "has no xassume 9.9.9"),
            ({}, {"RELEASE_VERSION": ""}, "RELEASE_VERSION"),
            ({}, {"RELEASE_KEY": made.key.read_text()}, "RELEASE_KEY is not a variable of the type File"),
            ({}, {"RELEASE_ADDRESS": "http://127.0.0.1:1"}, "rotocol"),
        )):
            with served_release(made) as (world, server):
                server.socket = authority.context("localhost").wrap_socket(server.socket, server_side=True)
                server.files.update(changed)
                address = f"https://localhost:{server.server_address[1]}/v{{version}}"
                env = {**world.env, "PATH": "/usr/bin:/bin", "CI_PROJECT_DIR": f"{world.home}/a project", "CURL_CA_BUNDLE": str(authority.bundle)}
                env |= {"RELEASE_VERSION": version, "RELEASE_ADDRESS": address, "RELEASE_KEY": key, **variables}
                # GitLab runs before_script and script in one shell that ends at an error.
                result = run([shutil.which(shell[0]), *shell[1:], "-e", "-c", f"{script}\ncommand -v xassume"], env)
                expect_equal(result.status == 0, not changed and not variables, f"{shell} {list(changed)} {variables}\n{result}")
                expect(message in result.stderr, f"expected: {message}\n{result}")
                if result.status == 0:
                    expect(result.stdout.endswith(f"{world.home}/a project.tmp/xassume/bin/xassume\n"), str(result))
                    expect("PATH" not in result.stdout and f"/v{version}/install.sh" in server.seen, f"{server.seen}\n{result}")
                else:
                    expect("bin/xassume" not in result.stdout, str(result))
