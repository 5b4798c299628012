"""Runs the tests in an emulated machine, on any kernel."""

import pathlib
import re
import subprocess
import tempfile

import machine

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = "trixie"
# What the tests use: shells, tools for namespaces and file systems. Unpacked only, so nothing of it is configured.
PACKAGES = (
    "base-files bash busybox-static coreutils dash diffutils e2fsprogs findutils fish grep hostname kmod libc-bin mawk mount "
    "passwd perl-base procps sed util-linux zsh"
).split()
# Threads that run tests: with more, the two emulated processors are too slow for the time limits of some tests.
THREADS = 2
FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "/etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
SCRIPT = """#!/bin/sh
# No message of the kernel may be in the middle of a line.
dmesg -n 1
modprobe loop
# udev makes this link elsewhere; bash needs it.
ln -s /proc/self/fd /dev/fd
FIRST
uname -srm
echo "pages of $(getconf PAGESIZE) bytes"
export HOME=/root XASSUME_TESTS_AS_ROOT=1 XASSUME_UNDER_TEST=/checks/xassume
mkdir -p "$HOME" && cd DIRECTORY
/checks/tests --list ARGUMENTS
/checks/tests --test-threads THREADS --show-output ARGUMENTS | tee /log
failed=$(sed -n 's/^test \\([^ ]*\\) .*FAILED$/\\1/p' /log)
[ "$failed" ] || exit 0
echo "again, one at a time:"
exec /checks/tests --test-threads 1 --show-output --exact $failed
"""


def sources():
    """The files of this repository that tests read, at the paths that they were compiled with."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    return {f"{ROOT}/{name}": ROOT / name for name in listed.split("\0") if name and not name.startswith(("fuzz/", "src/"))}


def run(arch, binaries, arguments, limit, first=""):
    """Runs the tests on one kernel, and prints the results; returns whether all is well. `first` is a part of the script."""
    system = machine.root(arch.partition("-")[0], SUITE, PACKAGES, variant="extract")
    words = " ".join(f"'{word}'" for word in arguments)
    script = SCRIPT.replace("DIRECTORY", f"'{ROOT}'").replace("ARGUMENTS", words).replace("THREADS", str(THREADS)).replace("FIRST", first)
    files = {**FILES, **sources(), "/checks/xassume": binaries[0], "/checks/tests": binaries[1]}
    with tempfile.TemporaryDirectory(dir=machine.CACHE) as here:
        image = machine.disk(arch, system, pathlib.Path(here) / "disk")
        vm = machine.Machine(arch, image, memory=3072)
        status, output = vm.boot(script, limit, files=files, systemd=False, line=lambda text: print(text, flush=True))
    listed = set(re.findall(r"^(\S+): test$", output, re.MULTILINE))
    # The result of a test that was repeated comes later.
    found = re.findall(r"^test (\S+)(?: - should panic)? \.\.\. (\w+)", output, re.MULTILINE)
    results = dict(found)
    failed = sorted(name for name, result in results.items() if result != "ok")
    missing = sorted(listed - set(results))
    reasons = re.findall(r"^---- (\S+) stdout ----\nskipped: (.*)", output, re.MULTILINE)
    print(f"{len(listed)} tests: {len(results) - len(failed)} ok, of these {len(reasons)} skipped themselves")
    for name, why in reasons:
        print(f"skipped: {name}: {why}")
    for name, result in found:
        if result != results[name]:
            print(f"passed only when it ran alone: {name}")
    for name in failed:
        print(f"failed: {name}")
    for name in missing:
        print(f"without a result: {name}")
    return status == 0 and bool(listed) and not failed and not missing
