"""Shared by all checks: the report, the program under test, a clean environment, processes with a time limit.

Nothing here is specific to AWS. Every server listens on 127.0.0.1. Every process has a time limit and is ended by its
process ID.
"""

import collections
import concurrent.futures
import contextlib
import fcntl
import multiprocessing.util
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
XASSUME = os.environ.get("XASSUME", str(ROOT / "target" / "debug" / "xassume"))
VENV_BIN = pathlib.Path(sys.executable).parent
PYTHON = sys.executable
# The AWS CLI of the virtual environment is version 1; Debian's package is version 2.
CLI_V1 = str(VENV_BIN / "aws")
CLI_V2 = "/usr/bin/aws"

CHECKS = []


class Failed(Exception):
    """A check failed; the text says why."""


class Skipped(Exception):
    """A check cannot be done on this system; the text says why."""


def check(name):
    """Registers a function as the check `name`; checks run in the order in which they were written."""

    def register(function):
        CHECKS.append((name, function))
        return function

    return register


def run_checks(only, finish):
    """Runs the checks whose name contains one of the words in `only` (without words: all); returns the exit status.

    The checks of a module run in their order. Because most of them wait, as many modules run at a time as there are
    processors, each in a process of its own. Such a process calls `finish` at its end.
    """
    modules = {}
    for index, (name, function) in enumerate(CHECKS):
        if not only or any(word in name for word in only):
            modules.setdefault(function.__module__, []).append(index)
    counts = collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(
        max_workers=os.cpu_count(),
        mp_context=multiprocessing.get_context("fork"),
        initializer=lambda: multiprocessing.util.Finalize(None, finish, exitpriority=1),
    ) as pool:
        for outcomes in pool.map(_outcomes, modules.values()):
            counts.update(outcomes)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    # A filter that matches nothing must not look like success.
    return 1 if counts["failed"] or not counts["passed"] else 0


def _outcomes(indices):
    return [_outcome(*CHECKS[index]) for index in indices]


def _outcome(name, function):
    """Runs a check and prints its outcome with one call, because several processes print."""
    started = time.monotonic()
    try:
        function()
    except Skipped as reason:
        print(f"skipped {name}: {reason}", flush=True)
        return "skipped"
    except Exception as error:
        detail = str(error) if isinstance(error, Failed) else traceback.format_exc()
        print(f"FAILED {name}\n    " + detail.rstrip().replace("\n", "\n    "), flush=True)
        return "failed"
    print(f"ok {name} ({time.monotonic() - started:.1f} s)", flush=True)
    return "passed"


def expect(condition, text):
    if not condition:
        raise Failed(text)


def expect_equal(got, wanted, what):
    if got != wanted:
        raise Failed(f"{what}\n  got:    {got!r}\n  wanted: {wanted!r}")


class Result:
    """The status and the output of a process."""

    def __init__(self, command, status, stdout, stderr, seconds):
        self.command, self.status, self.stdout, self.stderr = command, status, stdout, stderr
        self.seconds = seconds

    def __str__(self):
        words = " ".join(map(str, self.command))
        return f"$ {words}\nstatus {self.status}\nstdout: {self.stdout.strip()}\nstderr: {self.stderr.strip()}"

    def expect_success(self, in_ci=False):
        """Expects status 0, and no message from xassume on stderr, but in a CI job one line about the session."""
        expect(self.status == 0, str(self))
        lines = [line for line in self.stderr.splitlines() if line.startswith("xassume:")]
        if in_ci:
            expect(len(lines) == 1 and lines[0].startswith("xassume: assumed arn:"), f"the line about the session\n{self}")
        else:
            expect(not lines, f"xassume printed messages\n{self}")
        return self


def end(process):
    """Ends a process that was started with its own process group, and the whole group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
    process.wait()


def run(command, env, timeout=60, cwd=None):
    """Runs a command with exactly the environment `env` until it exits."""
    started = time.monotonic()
    process = subprocess.Popen(
        [str(word) for word in command],
        env=env,
        cwd=cwd or env.get("HOME"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        end(process)
        raise Failed(f"still running after {timeout} s: {' '.join(map(str, command))}") from None
    return Result(command, process.returncode, stdout, stderr, time.monotonic() - started)


class Terminal:
    """A process on a terminal."""

    def __init__(self, words, env, cwd):
        master, slave = os.openpty()
        # So wide that no line wraps.
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 4000, 0, 0))

        def control():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            words, env=env, cwd=cwd, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=control
        )
        os.close(slave)
        self.master, self.seen = master, ""

    def send(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, pattern):
        """Waits for output that matches the pattern, and returns the match."""
        limit = time.monotonic() + 30
        while not (found := re.search(pattern, self.seen, re.DOTALL)):
            expect(time.monotonic() < limit, f"timed out waiting for: {pattern}\n{self.seen[-2000:]}")
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
        self.seen = self.seen[found.end() :]
        return found.group(1) if found.groups() else found.group()


def xassume(*words, env, timeout=60):
    return run([XASSUME, *words], env, timeout)


def tail(path, lines=15):
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""


@contextlib.contextmanager
def directory():
    """A private directory, removed at the end. Not in TMPDIR, because the length of the path affects line breaks."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="xassume-clients-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def clean_env(home, **more):
    """An environment that inherits nothing: PATH, HOME, a locale, and no access to instance metadata.

    Nothing listens on port 1, so an unwanted request for instance metadata fails at once.
    """
    env = {
        "PATH": f"{VENV_BIN}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1/",
        # Otherwise the AWS CLI v2 starts a pager.
        "AWS_PAGER": "",
    }
    env.update({name: str(value) for name, value in more.items()})
    return {name: value for name, value in env.items() if value != "-"}


def token_of(key):
    """The session token of a key. It has the length of the longest tokens of AWS."""
    return f"token-of-{key}".ljust(4096, "+")


def session_env(home, url, key, **more):
    """A clean environment with the session of that key, for the STS at `url`, which requires the token of that key."""
    keys = {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": f"secret-of-{key}",
        "AWS_SESSION_TOKEN": token_of(key),
    }
    return clean_env(home, AWS_ENDPOINT_URL=url, AWS_REGION="us-east-1", **keys, **more)


def stale_variables(home):
    """Invalid variables, as an earlier tool, a shell's startup file or a container may leave them."""
    return {
        "AWS_SECURITY_TOKEN": "stale",
        "AWS_DELEGATION_TOKEN": "stale",
        "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z",
        "AWS_SESSION_EXPIRATION": "2020-01-01T00:00:00Z",
        "AWS_CREDENTIAL_SCOPE": "stale",
        "AWS_ACCOUNT_ID": "000000000000",
        "AWS_ACCESS_KEY": "AKIASTALEALIAS000001",
        "AWS_SECRET_KEY": "stale",
        "SECRET_ACCESS_KEY": "stale",
        "AWS_PROFILE": "stale",
        "AWS_DEFAULT_PROFILE": "stale",
        "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/Stale",
        "AWS_ROLE_SESSION_NAME": "stale",
        "AWS_WEB_IDENTITY_TOKEN_FILE": home / "no-such-token",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/stale",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/stale",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "stale",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": home / "no-such-token",
        "AWS_CREDENTIAL_FILE": home / "no-such-file",
        "AWS_CREDENTIAL_PROFILES_FILE": home / "no-such-file",
        "AMAZON_ACCESS_KEY_ID": "AKIAAMAZON0000000001",
        "AMAZON_SECRET_ACCESS_KEY": "stale",
        "AMAZON_SESSION_TOKEN": "stale",
        "AWS_TOKEN": "stale",
        "AWS_SECRET_KEY_ID": "stale",
    }


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def listens(pid, port):
    """Whether the process `pid` itself listens on 127.0.0.1:port; another process may answer there."""
    wanted = f"0100007F:{port:04X}"
    inodes = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == wanted and fields[3] == "0A":
            inodes.add(f"socket:[{fields[9]}]")
    try:
        return any(os.readlink(link) in inodes for link in pathlib.Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def wait_until(condition, seconds, what):
    limit = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < limit, f"timed out after {seconds} s: {what}")
        time.sleep(0.05)


def have_flag(flag):
    """Whether this xassume has a flag; some examples need flags that an older binary does not have."""
    with directory() as home:
        return flag in run([XASSUME, "--help"], clean_env(home)).stdout
