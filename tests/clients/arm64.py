"""The build for arm64, run with qemu-user: launches, the cache, deliveries, one restart, statuses and signals.

XASSUME_ARM64 is its path; `.ci/run` builds it and sets the variable. Only xassume is emulated: the commands are this
system's, because qemu passes execve(2) to the kernel. `.ci/release arm64` runs more, on a kernel for arm64.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

from cloud import KEYS, REGION
from harness import PYTHON, Skipped, check, clean_env, directory, end, expect, expect_equal, run, tail, wait_until
from sts import recording_sts

ROLE = "arn:aws:iam::521111111144:role/DeployMaster"
SESSION = "arn:aws:sts::521111111144:assumed-role/DeployMaster/arm64"
ASSUME = ["--role-arn", ROLE, "--role-session-name", "arm64"]
# In Debian's package qemu-user-static, and elsewhere.
EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")


class Emulated:
    """xassume for arm64, with a recording STS."""

    def __init__(self, home, sts, words):
        self.home, self.sts, self.words = home, sts, words
        self.env = clean_env(home, AWS_ENDPOINT_URL=sts.url, AWS_REGION=REGION, XDG_RUNTIME_DIR=home, **KEYS)

    def run(self, *words):
        return run([*self.words, *words], self.env)

    @contextlib.contextmanager
    def start(self, *words):
        """Starts it in the background; yields the process, and a function that returns its output so far."""
        log = self.home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self.words, *map(str, words)], env=self.env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True,
            )
        try:
            yield process, lambda: tail(log, 100)
        finally:
            end(process)


@contextlib.contextmanager
def emulated():
    binary = os.environ.get("XASSUME_ARM64")
    if not binary:
        raise Skipped("no build for arm64: see .ci/run")
    emulator = next(filter(None, map(shutil.which, EMULATORS)), None)
    if not emulator:
        raise Skipped("no qemu-aarch64-static (Debian's package qemu-user-static)")
    with directory() as home, recording_sts(home) as sts:
        yield Emulated(home, sts, [emulator, binary])


@check("arm64: the binary is static, and can be loaded with pages of 4, 16 and 64 KB")
def _():
    with emulated() as arm:
        headers = run(["readelf", "--wide", "--file-header", "--program-headers", arm.words[1]], arm.env).expect_success()
        expect(re.search(r"Machine: +AArch64\n", headers.stdout) and " INTERP " not in headers.stdout, str(headers))
        alignments = [int(line.split()[-1], 16) for line in headers.stdout.splitlines() if line.split()[:1] == ["LOAD"]]
        expect(alignments and not any(alignment % 0x10000 for alignment in alignments), str(headers))
        expect(arm.run("--version").expect_success().stdout.startswith("xassume "), "--version")


@check("arm64: a launch assumes the role, and the next one uses the cache")
def _():
    with emulated() as arm:
        show = ["--", "sh", "-c", 'echo "$XASSUME_SESSION $AWS_ACCESS_KEY_ID $#"; exit 7', "sh", "", "two words"]
        for _ in range(2):
            result = arm.run(*ASSUME, *show)
            expect_equal((result.status, result.stderr), (7, ""), str(result))
            expect_equal(result.stdout.split(), [SESSION, next(iter(arm.sts.issued)), "2"], "the session")
        expect_equal([request["role"] for request in arm.sts.take()], [ROLE], "calls to STS")


@check("arm64: --print and --check")
def _():
    with emulated() as arm:
        document = json.loads(arm.run(*ASSUME, "--print", "json").expect_success().stdout)
        expect_equal(document["AccessKeyId"], next(iter(arm.sts.issued)), "the printed access key")
        result = arm.run(*ASSUME, "--via", "endpoint", "--check").expect_success()
        expect(SESSION in result.stdout and re.search(r"^ok +delivery ", result.stdout, re.MULTILINE), str(result))


FETCH = """
import os, sys, urllib.request
token = {"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]} if sys.argv[1:] else {}
request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers=token)
print(urllib.request.urlopen(request, timeout=20).read().decode())
"""


@check("arm64: --via endpoint and --via file")
def _():
    with emulated() as arm:
        fetched = arm.run(*ASSUME, "--via", "endpoint", "--", PYTHON, "-c", FETCH, "with the token").expect_success()
        key = next(iter(arm.sts.issued))
        expect_equal(json.loads(fetched.stdout)["AccessKeyId"], key, "the access key at the endpoint")
        refused = arm.run(*ASSUME, "--via", "endpoint", "--", PYTHON, "-c", FETCH)
        expect(refused.status == 1 and "HTTP Error 401" in refused.stderr, f"without the token\n{refused}")
        file = arm.run(*ASSUME, "--via", "file", "--", "sh", "-c", 'cat "$AWS_SHARED_CREDENTIALS_FILE"').expect_success()
        expect(f"aws_access_key_id = {key}\n" in file.stdout, str(file))


@check("arm64: --on-expiry restart restarts the command with the next session, and forwards TERM to it")
def _():
    with emulated() as arm:
        arm.sts.lifetime = 20
        command = 'trap "exit 3" TERM; echo "started $AWS_ACCESS_KEY_ID"; while :; do sleep 0.1; done'
        flags = ["--no-cache", "--on-expiry", "restart", "--refresh-margin", "15s"]
        with arm.start(*ASSUME, *flags, "--", "sh", "-c", command) as (process, output):
            wait_until(lambda: output().count("started ") >= 2 or process.poll() is not None, 60, f"a restart\n{output()}")
            process.send_signal(signal.SIGTERM)
            expect_equal(process.wait(20), 3, f"the status of the command after TERM\n{output()}")
            used = re.findall("started (.*)", output())
            expect_equal(used, list(arm.sts.issued)[: len(used)], "the sessions of the command")


@check("arm64: exit statuses, and a command that a signal ends")
def _():
    with emulated() as arm:
        (arm.home / "not-executable").write_text("")
        wrong = ["--", "true"]
        for words, status in [
            ([*ASSUME, "--", arm.home / "nowhere"], 127),
            ([*ASSUME, "--", arm.home / "not-executable"], 126),
            (["--no-such-flag", *wrong], 125),
            (["--sts-endpoint", "http://127.0.0.1:1", "--sts-timeout", "2s", *ASSUME, *wrong], 125),
            ([*ASSUME, "--via", "file", "--", "sh", "-c", "exit 9"], 9),
            ([*ASSUME, "--via", "file", "--", "sh", "-c", "kill -KILL $$"], -signal.SIGKILL),
            ([*ASSUME, "--", "sh", "-c", "kill -KILL $$"], -signal.SIGKILL),
        ]:
            result = arm.run(*words)
            expect_equal(result.status, status, str(result))
