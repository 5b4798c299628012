"""Long-running programs: what boto3 sees when xassume restarts or signals its command before the session expires."""

import contextlib
import signal
import subprocess

import harness
from cloud import ROLE
from harness import (
    PYTHON,
    Skipped,
    check,
    end,
    expect,
    expect_equal,
    folder,
    have_flag,
    session_env,
    tail,
    wait_until,
)
from sts import recording_sts

# Tells STS who it is and writes the answer down, at its start and at each HUP, until TERM.
DAEMON = """
import os, signal, sys
import boto3

def tell(*_):
    session = boto3.Session()
    who = session.client("sts", region_name="us-east-1").get_caller_identity()["Arn"]
    with open(sys.argv[1], "a") as out:
        out.write(f"{os.getpid()} {session.get_credentials().access_key} {who}\\n")

signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
signal.signal(signal.SIGHUP, tell)
tell()
while True:
    signal.pause()
"""

# Long enough for boto3 to start and ask, short enough for several in one check.
LIFETIME = 10


@contextlib.contextmanager
def supervised(home, sts, *flags):
    """xassume with the daemon as its command; what the daemon wrote is in `told`."""
    if not have_flag("--on-expiry"):
        raise Skipped("this xassume does not supervise yet")
    source = sts.issue("arn:aws:sts::222222222222:assumed-role/Source/me")
    env = session_env(home, sts.url, source)
    told, log = home / "told", home / "log"
    told.touch()
    words = [harness.XASSUME, "-v", "--role-arn", ROLE, "--role-session-name", "daemon", *flags, "--"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*words, PYTHON, "-c", DAEMON, str(told)],
            env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )
    try:
        yield process, told, log
    finally:
        end(process)


def lines(told):
    return [line.split() for line in told.read_text().splitlines()]


def three_generations(sts, flags):
    """Runs until the daemon has spoken three times, ends xassume with TERM; returns the daemon's lines."""
    with folder() as home, supervised(home, sts, *flags) as (process, told, log):
        wait_until(lambda: len(lines(told)) >= 3 or process.poll() is not None, 60, f"three sessions\n{tail(log)}")
        expect(process.poll() is None, f"xassume ended\n{tail(log)}")
        process.send_signal(signal.SIGTERM)
        expect_equal(process.wait(20), 3, f"status: the daemon's own, after TERM\n{tail(log)}")
        said = lines(told)
    keys = [key for _, key, _ in said]
    expect_equal(len(set(keys)), len(keys), f"each session seen once: {keys}")
    expect_equal(keys, sorted(keys), "sessions in the order in which STS gave them")
    expect_equal({who for _, _, who in said}, {"arn:aws:sts::521111111144:assumed-role/DeployMaster/daemon"}, "who")
    return said


@check("expiry: boto3 in a restarted command has a new session each time")
def _():
    with folder() as place, recording_sts(place) as sts:
        sts.lifetime = LIFETIME
        said = three_generations(sts, ["--on-expiry", "restart"])
        expect_equal(len({pid for pid, _, _ in said}), len(said), "a process each")


@check("expiry: boto3 in a signalled command reads the new session from the file")
def _():
    with folder() as place, recording_sts(place) as sts:
        sts.lifetime = LIFETIME
        said = three_generations(sts, ["--on-expiry", "signal"])
        expect_equal(len({pid for pid, _, _ in said}), 1, "one process")
