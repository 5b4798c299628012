"""A launch as the kernel sees it: one process, which replaces itself with the command and changes nothing else."""

import json
import re
import shutil

from cloud import KEYS, cloud
from harness import PYTHON, XASSUME, Skipped, check, clean_env, directory, expect, expect_equal, run
from launch import ASSUME

OPEN = """
import json, os
def is_open(number):
    try:
        os.fstat(number)
        return True
    except OSError:
        return False
print(json.dumps([n for n in map(int, os.listdir("/proc/self/fd")) if is_open(n)]))
"""


def traced(words, env, home):
    """Runs under strace; returns the result and the lines of the trace as (pid, text)."""
    strace = shutil.which("strace")
    if not strace:
        raise Skipped("no strace (Debian's package strace)")
    log = home / "trace"
    result = run([strace, "-f", "-o", log, "-e", "trace=execve,execveat,exit_group", "-s", "4096", *words], env)
    if "ptrace" in result.stderr and "not permitted" in result.stderr:
        raise Skipped("ptrace is not permitted here")
    lines = [re.match(r"(\d+)\s+(.*)", line).groups() for line in log.read_text().splitlines()]
    return result, lines


@check("strace: one successful execve of the command, by the first process")
def _():
    with directory() as home:
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, AWS_REGION="us-east-1", **KEYS)
        marker = "the-command-itself"
        result, lines = traced([XASSUME, *ASSUME, "--", "echo", marker], env, home)
        expect_equal(result.expect_success().stdout, marker + "\n", "stdout")
        first = lines[0][0]
        execs = [(pid, text) for pid, text in lines if re.match(r"execve(at)?\(.*\)\s*= 0$", text)]
        shown = "\n".join(f"{pid} {text[:200]}" for pid, text in lines)
        expect_equal(len(execs), 2, f"successful execs: xassume's own and the command's\n{shown}")
        # Without root, strace shows addresses instead of strings, because xassume is not dumpable.
        named = marker in execs[1][1] or execs[1][1].startswith("execve(0x")
        expect(named and execs[1][0] == first, f"the process of the exec\n{shown}")
        # The command has the process ID of xassume, so only this process exits.
        expect_equal([pid for pid, text in lines if text.startswith("exit_group")], [first], f"the exit\n{shown}")


@check("no descriptor above 2 is open in the command")
def _():
    with directory() as home:
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, AWS_REGION="us-east-1", **KEYS)
        probe = [PYTHON, "-c", OPEN]
        expect_equal(json.loads(run(probe, env).stdout), [0, 1, 2], "control: without xassume")
        result = run([XASSUME, *ASSUME, "--", *probe], env).expect_success()
        expect_equal(json.loads(result.stdout), [0, 1, 2], "open descriptors")


STATE = """
import json, os
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(json.dumps({
    "threads": status["Threads"], "umask": status["Umask"], "no_new_privs": status["NoNewPrivs"],
    "nice": os.getpriority(os.PRIO_PROCESS, 0), "cwd": os.getcwd(), "leads its group": os.getpgrp() == os.getpid(),
    "children": open(f"/proc/self/task/{os.getpid()}/children").read(),
}))
"""


@check("mask, dispositions, umask, nice value, threads and children are as without xassume")
def _():
    with directory() as home:
        env = clean_env(home, AWS_ENDPOINT_URL=cloud().url, AWS_REGION="us-east-1", **KEYS)
        script = home / "state.py"
        script.write_text(STATE)
        # Ignored signals, umask and nice value differ from the defaults, so the comparison can find changes.
        around = ["sh", "-c", 'trap "" HUP USR1; umask 027; exec nice -n 3 "$@"', "sh"]
        # Python ignores SIGPIPE itself, so another program shows the signals.
        for probe in ([PYTHON, script], ["grep", "^Sig[BIC]", "/proc/self/status"]):
            plain = run([*around, *probe], env).expect_success()
            through = run([*around, XASSUME, *ASSUME, "--", *probe], env).expect_success()
            expect_equal(through.stdout, plain.stdout, "state of the process")
