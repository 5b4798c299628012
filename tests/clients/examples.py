"""The files in examples/: each is run, or parsed by the program that it is for, as far as the system allows."""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

from cloud import ACCOUNT, KEYS, REGION, ROLE, cloud
from harness import (
    PYTHON,
    ROOT,
    VENV_BIN,
    XASSUME,
    Failed,
    Skipped,
    check,
    clean_env,
    directory,
    end,
    expect,
    expect_equal,
    have_flag,
    run,
    tail,
    wait_until,
)

EXAMPLES = ROOT / "examples"
UNIT = EXAMPLES / "systemd" / "xassume-worker.service"
ENTRYPOINT = EXAMPLES / "container" / "entrypoint.sh"
DOCKERFILE = EXAMPLES / "container" / "Dockerfile"
DISTROLESS = EXAMPLES / "container" / "Dockerfile.distroless"
CRONTAB = EXAMPLES / "cron" / "crontab"
JENKINSFILE = EXAMPLES / "jenkins" / "Jenkinsfile"
# Run by recipes.py, web_identity.py and daemons.py.
OTHERS = [
    EXAMPLES / name
    for name in ("kubernetes/worker.yaml", "kubernetes/sidecar.yaml", "container/compose.yaml", "github/deploy.yml",
                 "gitlab/gitlab-ci.yml", "terraform/apply.sh", "systemd/prometheus.service.d/credentials.conf")
] + [path for path in sorted(UNIT.parent.iterdir()) if path.is_file() and path != UNIT]  # Run by tests/systemd.
# The directory in which `run` installs programs that the system does not have.
CACHE = pathlib.Path(os.environ.get("XASSUME_CHECKS_CACHE", ROOT / "target" / "clients"))

PROBE = """#!{python}
import json, os, sys
with open({out!r} + ".part", "w") as out:
    json.dump({{"pid": os.getpid(), "args": sys.argv[1:], "env": dict(os.environ)}}, out)
os.rename({out!r} + ".part", {out!r})
"""


def replaced(text, pattern, replacement):
    """Replaces exactly one match: a check must fail if its example has changed."""
    text, count = re.subn(pattern, lambda _: replacement, text, flags=re.MULTILINE)
    expect_equal(count, 1, f"places in the example for {pattern}")
    return text


def session(name, account=ACCOUNT, role="DeployMaster"):
    return f"arn:aws:sts::{account}:assumed-role/{role}/{name}"


def probe(home, name):
    """A program that writes down its arguments and environment; returns its path and the path of its output."""
    path, out = home / name, home / f"{name}.json"
    path.write_text(PROBE.format(python=PYTHON, out=str(out)))
    path.chmod(0o755)
    return path, out


def with_xassume(home):
    """A PATH in which the examples find `xassume` and `aws`."""
    programs = home / "bin"
    programs.mkdir()
    (programs / "xassume").symlink_to(pathlib.Path(XASSUME).resolve())
    return f"{programs}:{VENV_BIN}:/usr/bin:/bin"


@check("examples: every XASSUME_ variable in them is a flag's")
def _():
    if not have_flag("--on-expiry"):
        raise Skipped("this xassume does not supervise yet")
    with directory() as home:
        known = run([XASSUME, "--help"], clean_env(home)).expect_success().stdout
    for path in (UNIT, ENTRYPOINT, DOCKERFILE, DISTROLESS, CRONTAB, JENKINSFILE, *OTHERS):
        for name in sorted(set(re.findall(r"XASSUME_([A-Z_]+)", path.read_text())) - {"SESSION"}):
            flag = "--" + name.lower().replace("_", "-")
            expect(re.search(rf"{flag}\b", known), f"{path.name}: XASSUME_{name}, but no {flag}")


@check("examples: the systemd unit, by systemd-analyze verify")
def _():
    systemd = shutil.which("systemd-analyze")
    if not systemd:
        raise Skipped("no systemd-analyze")
    with directory() as home:
        # The programs that the unit starts are not installed here.
        text = replaced(UNIT.read_text(), r"/usr/bin/xassume", XASSUME)
        copy = home / UNIT.name
        copy.write_text(text)
        words = [systemd, "verify", "--man=no", "--recursive-errors=no"]
        result = run([*words, copy], clean_env(home))
        expect(result.status == 0 and not result.stderr, str(result))
        # The parser only warns of unknown values, so check that it reports a mistake.
        copy.write_text(text.replace("KillMode=mixed", "KillMode=mxed"))
        control = run([*words, copy], clean_env(home))
        expect("mxed" in control.stderr, f"a wrong KillMode is not reported\n{control}")


@check("examples: the systemd unit's environment and command line")
def _():
    if not have_flag("--on-expiry"):
        raise Skipped("this xassume does not supervise yet")
    text = UNIT.read_text()
    with directory() as home:
        program, out = probe(home, "worker")
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, **KEYS)
        for word in re.findall(r"^Environment=(.*)$", text, re.MULTILINE):
            name, value = word.split("=", 1)
            env[name] = value
        line = shlex.split(re.search(r"^ExecStart=(.*)$", text, re.MULTILINE).group(1))
        words = {"/usr/bin/xassume": XASSUME, "/usr/local/bin/worker": program}
        result = run([words.get(word, word) for word in line], env)
        expect_equal(result.status, 0, str(result))
        got = json.loads(out.read_text())["env"]
        expect(got["XASSUME_SESSION"].startswith(session("")), got["XASSUME_SESSION"])


def as_process_one(words, env):
    unshare = shutil.which("unshare")
    refused = not unshare or run([unshare, "--pid", "--fork", "--mount-proc", "true"], env).status != 0
    if refused:
        raise Skipped("new process namespaces are not allowed here")
    return [unshare, "--pid", "--fork", "--mount-proc", *words]


def container(home, **more):
    return clean_env(
        home, AWS_ENDPOINT_URL=cloud().url, AWS_REGION=REGION, PATH=with_xassume(home), **KEYS, **more
    )


@check("examples: the container's entrypoint, its syntax and its errors")
def _():
    with directory() as home:
        env = container(home)
        expect(os.access(ENTRYPOINT, os.X_OK), "it is not executable")
        run(["sh", "-n", ENTRYPOINT], env).expect_success()
        for words, more, reason in (
            (["true"], {}, "XASSUME_ROLE_ARN"),
            ([], {"XASSUME_ROLE_ARN": ROLE}, "no command"),
        ):
            result = run([ENTRYPOINT, *words], {**env, **more})
            expect(result.status == 125 and reason in result.stderr and not result.stdout, str(result))


@check("examples: the container's entrypoint, the command becomes process 1")
def _():
    with directory() as home:
        env = container(home, XASSUME_ROLE_ARN=ROLE, XASSUME_ROLE_SESSION_NAME="in-a-container")
        program, out = probe(home, "job")
        run(as_process_one([ENTRYPOINT, program, "two words", ""], env), env).expect_success()
        got = json.loads(out.read_text())
        expect_equal(got["pid"], 1, "pid of the command")
        expect_equal(got["args"], ["two words", ""], "arguments")
        expect_equal(got["env"]["XASSUME_SESSION"], session("in-a-container"), "session")
        result = run(as_process_one([ENTRYPOINT, "sh", "-c", "exit 7"], env), env)
        expect_equal(result.status, 7, str(result))


@check("examples: the container's entrypoint, xassume is process 1 and forwards TERM")
def _():
    if not have_flag("--on-expiry"):
        raise Skipped("this xassume does not supervise yet")
    with directory() as home:
        env = container(home, XASSUME_ROLE_ARN=ROLE)
        # The variables that the Dockerfile sets.
        env.update(re.findall(r"(XASSUME_[A-Z_]+)=(\S+)", DOCKERFILE.read_text().split("\nENV ", 1)[1]))
        # The command creates the file `ready`, then waits for TERM; without forwarding it would hang.
        ready = home / "ready"
        script = 'trap "exit 5" TERM; echo $$ > "$1.part"; mv "$1.part" "$1"; while :; do sleep 0.1; done'
        words = as_process_one([ENTRYPOINT, "sh", "-c", script, "sh", ready], env)
        process = subprocess.Popen(
            [str(word) for word in words], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )
        try:
            wait_until(lambda: ready.exists() or process.poll() is not None, 30, "the command is ready")
            expect(process.poll() is None, "xassume exited too early")
            expect(ready.read_text().strip() != "1", "the command is process 1, so xassume does not supervise")
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGTERM)
            expect_equal(process.wait(20), 5, "status: the command's own, after TERM")
        finally:
            end(process)


def instructions(path):
    """The instructions of a Dockerfile as (word, rest). Checks that each is known and that its source files exist."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = []
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        word, rest = line.split(None, 1)
        expect(word in "FROM WORKDIR COPY RUN ENV STOPSIGNAL USER ENTRYPOINT CMD".split(), line)
        if word in ("ENTRYPOINT", "CMD"):
            json.loads(rest)
        if word == "COPY" and "--from=" not in rest:
            source = [part for part in rest.split() if not part.startswith("--")][0]
            expect((ROOT / source).exists(), line)
        if word == "RUN":
            run(["sh", "-n", "-c", rest], clean_env("/")).expect_success()
        found.append((word, rest))
    expect_equal(found[0][0], "FROM", "the first instruction")
    minimum = re.search(r'^rust-version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
    expect(found[0][1].startswith(f"rust:{minimum}-"), f"the image's Rust is not rust-version {minimum}")
    return found


@check("examples: the Dockerfiles copy existing files, and their entrypoints are ours")
def _():
    plain = dict(instructions(DOCKERFILE))
    expect_equal(json.loads(plain["ENTRYPOINT"]), ["/usr/local/bin/entrypoint.sh"], "entrypoint")
    expect("ca-certificates" in plain["RUN"], "the image has no certificates")
    distroless = instructions(DISTROLESS)
    entrypoint = json.loads(dict(distroless)["ENTRYPOINT"])
    placed = [rest.split()[-1] for word, rest in distroless if word == "COPY" and "--from=build" in rest]
    expect(entrypoint[0] in placed, f"no instruction copies {entrypoint[0]} into the image")
    expect(json.loads(dict(distroless)["CMD"])[0] in placed, "no instruction copies the command into the image")
    built = " ".join(rest for word, rest in distroless if word == "RUN")
    expect("-unknown-linux-musl" in built and "--target" in built, "the build is not static")
    expect("distroless/static" in dict(distroless)["FROM"], "the base image has no certificates")


@check("examples: the distroless image's entrypoint and command, as process 1")
def _():
    with directory() as home:
        words = dict(instructions(DISTROLESS))
        # Replace the image's paths; any shell works for the command.
        line = [*json.loads(words["ENTRYPOINT"]), *json.loads(words["CMD"])]
        line[-1] = replaced(line[-1], r"exec busybox sleep 86400$", "echo as $$")
        names = {"/usr/local/bin/xassume": XASSUME, "/usr/local/bin/busybox": "env"}
        env = container(home, XASSUME_ROLE_ARN=ROLE, XASSUME_ROLE_SESSION_NAME="distroless")
        env.update(re.findall(r"(XASSUME_[A-Z_]+)=(\S+)", words["ENV"]))
        result = run(as_process_one([names.get(word, word) for word in line], env), env).expect_success()
        expect(f"running as {session('distroless')}\n" in result.stdout, str(result))
        expect(not result.stdout.endswith("as 1\n"), f"the command is process 1, so xassume does not supervise\n{result}")


PRIVATE_CRON = """
set -e
# A separate spool directory without other crontabs: the system's jobs must not run here, nor this job there.
mount -t tmpfs -o mode=755 tmpfs /var/spool
mkdir -p -m 755 /var/spool/cron
mkdir -m 700 /var/spool/cron/crontabs
cp "$1/crontab" /var/spool/cron/crontabs/root
chmod 600 /var/spool/cron/crontabs/root
mkdir "$1/empty"
if [ -d /etc/cron.d ]; then mount --bind "$1/empty" /etc/cron.d; fi
if [ -e /etc/crontab ]; then mount --bind /dev/null /etc/crontab; fi
# The daemon writes its process ID there.
mount -t tmpfs tmpfs /run
exec "$2" -f
"""


@check("examples: the crontab line, with a real cron daemon")
def _():
    installed = [path for path in (pathlib.Path("/usr/sbin/cron"), CACHE / "cron/usr/sbin/cron") if path.exists()]
    if not installed:
        raise Skipped("no cron daemon (Debian's package cron)")
    if os.getuid() != 0 or run(["unshare", "--mount", "true"], clean_env("/")).status != 0:
        raise Skipped("new mount namespaces are not allowed here")
    with directory() as home:
        program, out = probe(home, "nightly-report")
        text = replaced(CRONTAB.read_text(), r"^\s*17\s+3\s+\*\s+\*\s+\*\s", "* * * * * ")
        text = replaced(text, r"/usr/local/bin/nightly-report(?= --yesterday$)", str(program))
        # xassume must print nothing on success, or each run would send a mail.
        text = replaced(text, r"(?<= --yesterday)$", f" > {home}/mail 2>&1")
        text = replaced(text, r"^MAILTO=.*$", 'MAILTO=""')
        text = replaced(text, r"^PATH=.*$", f"PATH={with_xassume(home)}")
        # The source credentials and moto's address; on a real system, the instance role or ~/.aws.
        more = {"AWS_ENDPOINT_URL": cloud().url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1/", **KEYS}
        added = "".join(f"{name}={value}\n" for name, value in more.items())
        (home / "crontab").write_text(added + text)
        log = home / "cron.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", PRIVATE_CRON, "sh", str(home), str(installed[0])],
                env=clean_env(home), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )
        try:
            # cron starts jobs once a minute.
            wait_until(lambda: out.exists() or process.poll() is not None, 90, f"the job runs\n{tail(home / 'mail')}")
            expect(process.poll() is None, f"cron ended\n{tail(log)}")
        finally:
            end(process)
        got = json.loads(out.read_text())
        expect_equal(got["args"], ["--yesterday"], "arguments")
        expect_equal(got["env"]["XASSUME_SESSION"], session("nightly-report"), "session")
        expect_equal(got["env"]["AWS_REGION"], REGION, "AWS_REGION")
        expect_equal((home / "mail").read_text(), "", "the mail")


def groovy():
    jars = sorted((CACHE / "groovy").glob("groovy-*.jar"))
    if not shutil.which("java"):
        raise Skipped("no java")
    if not jars:
        raise Skipped("no groovy: mvn could not download it")
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", jars[-1]]


@check("examples: the Jenkinsfile, its brackets and its steps")
def _():
    text = re.sub(r"//.*", "", JENKINSFILE.read_text())
    quoted = re.findall(r"'([^']*)'", text)
    expect_equal(text.count("'"), 2 * len(quoted), "quotes")
    bare = re.sub(r"'[^']*'", "", text)
    expect_equal(bare.count("{"), bare.count("}"), "brackets")
    steps = re.findall(r"\bsh '([^']*)'", text)
    expect(steps and all(step.startswith("xassume ") for step in steps), f"steps: {steps}")


@check("examples: the Jenkinsfile compiles as Groovy, and its steps run")
def _():
    with directory() as home:
        java = groovy()
        env = clean_env(
            home,
            AWS_ENDPOINT_URL=cloud().url,
            PATH=with_xassume(home),
            JOB_NAME="project/deploy",
            BUILD_NUMBER="118",
            **KEYS,
        )
        classes = home / "classes"
        compiler = "org.codehaus.groovy.tools.FileSystemCompiler"
        run([*java, compiler, "-d", classes, JENKINSFILE], env, timeout=120).expect_success()
        program, out = probe(home, "deploy.sh")
        runner = pathlib.Path(__file__).with_name("jenkins.groovy")
        result = run([*java, "groovy.ui.GroovyMain", runner, JENKINSFILE], env, timeout=120, cwd=home)
        expect_equal(result.status, 0, str(result))
        # Both stages have the default session name of Jenkins.
        expect(session("project-deploy-118") in result.stdout, str(result))
        got = json.loads(out.read_text())["env"]["XASSUME_SESSION"]
        expect_equal(got, session("project-deploy-118"), "session of deploy.sh")


@check("examples: every file has a check")
def _():
    known = {UNIT, ENTRYPOINT, DOCKERFILE, DISTROLESS, CRONTAB, JENKINSFILE, *OTHERS}
    extra = {path for path in EXAMPLES.rglob("*") if path.is_file()} - known
    # cargo builds the Rust examples.
    extra = {path for path in extra if path.suffix != ".rs"}
    if extra:
        raise Failed("no check for " + ", ".join(sorted(str(path.relative_to(EXAMPLES)) for path in extra)))
