"""Long-running programs: the sessions that boto3 uses when xassume restarts or signals its command."""

import contextlib
import signal
import subprocess

import harness
from cloud import ROLE
from harness import (
    PYTHON,
    Skipped,
    check,
    directory,
    end,
    expect,
    expect_equal,
    have_flag,
    session_env,
    tail,
    wait_until,
)
from sts import recording_sts

# Calls GetCallerIdentity and writes down the answer, at its start and at each HUP, until TERM.
DAEMON = """
import os, signal, sys
import boto3

def report(*_):
    session = boto3.Session()
    who = session.client("sts", region_name="us-east-1").get_caller_identity()["Arn"]
    with open(sys.argv[1], "a") as out:
        out.write(f"{os.getpid()} {session.get_credentials().access_key} {who}\\n")

signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
signal.signal(signal.SIGHUP, report)
report()
while True:
    signal.pause()
"""

# Long enough for boto3 to start and make a call, short enough for several sessions in one check.
LIFETIME = 10


@contextlib.contextmanager
def supervised(home, sts, *flags):
    """xassume with the daemon as its command; the daemon writes to the file `written`."""
    if not have_flag("--on-expiry"):
        raise Skipped("this xassume does not supervise yet")
    source = sts.issue("arn:aws:sts::222222222222:assumed-role/Source/me")
    env = session_env(home, sts.url, source)
    written, log = home / "written", home / "log"
    written.touch()
    words = [harness.XASSUME, "-v", "--role-arn", ROLE, "--role-session-name", "daemon", *flags, "--"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*words, PYTHON, "-c", DAEMON, str(written)],
            env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )
    try:
        yield process, written, log
    finally:
        end(process)


def lines(written):
    return [line.split() for line in written.read_text().splitlines()]


def three_generations(sts, flags):
    """Runs until the daemon has written three lines, then sends TERM to xassume; returns the daemon's lines."""
    with directory() as home, supervised(home, sts, *flags) as (process, written, log):
        wait_until(lambda: len(lines(written)) >= 3 or process.poll() is not None, 60, f"three sessions\n{tail(log)}")
        expect(process.poll() is None, f"xassume ended\n{tail(log)}")
        process.send_signal(signal.SIGTERM)
        expect_equal(process.wait(20), 3, f"status: the daemon's own, after TERM\n{tail(log)}")
        found = lines(written)
    keys = [key for _, key, _ in found]
    expect_equal(len(set(keys)), len(keys), f"each session is used once: {keys}")
    expect_equal(keys, sorted(keys), "sessions in the order in which STS issued them")
    expect_equal({who for _, _, who in found}, {"arn:aws:sts::521111111144:assumed-role/DeployMaster/daemon"}, "who")
    return found


@check("expiry: boto3 in a restarted command has a new session each time")
def _():
    with directory() as place, recording_sts(place) as sts:
        sts.lifetime = LIFETIME
        found = three_generations(sts, ["--on-expiry", "restart"])
        expect_equal(len({pid for pid, _, _ in found}), len(found), "one process for each session")


@check("expiry: boto3 in a signaled command reads the new session from the file")
def _():
    with directory() as place, recording_sts(place) as sts:
        sts.lifetime = LIFETIME
        found = three_generations(sts, ["--on-expiry", "signal"])
        expect_equal(len({pid for pid, _, _ in found}), 1, "one process")
