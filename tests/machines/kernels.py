#!/usr/bin/env python3
"""Runs tests of the static xassume on old kernels, in emulated machines.

    tests/machines/kernels.py XASSUME TESTS [VERSION...]   TESTS is the test binary `main`; default: all versions

The status is 1 if a test fails or has no result, and 77 if a machine could not be made.
"""

import pathlib
import sys

import machine
import run_tests

# Ubuntu 16.04, Ubuntu 18.04 (Amazon Linux 2 has 4.14, RHEL 8 has 4.18), Ubuntu 20.04, Debian 11 (Amazon Linux 2).
VERSIONS = ("4.4", "4.15", "5.4", "5.10")
# What depends on the kernel: processes, signals, timers, descriptors, sockets, files in memory. An emulated machine is too slow
# for all tests. `supervision::pid_file` is left out: `--signal-pid-file` needs pidfd_open(2), so it is refused before Linux 5.3.
TESTS = """
    also:: cache::a_second_run cache::files::files_are_private endpoint::refreshes::each endpoint::the_ exec::
    faults::hanging_files helper_programs:: hooks:: listening::inherited listening::restarts listening::the_ serve::
    supervision::cleanup supervision::file supervision::forwarding supervision::inheritance supervision::lifecycle
    supervision::notify::term supervision::notify::the supervision::pid_1 supervision::restart supervision::signal
    supervision::statuses supervision::stopping
""".split()
LIMIT = 3600
# An emulated machine has no source of random numbers, so before Linux 5.4 getrandom(2) would block for minutes. This passes
# 512 bytes to the kernel as random, several times, because a kernel distributes them to its pools in turn (RNDADDENTROPY).
RANDOM = """
for round in 1 2 3 4; do
    perl -e 'open R, ">/dev/random"; $b = pack("ii", 4096, 512) . "x" x 512; ioctl(R, 0x40085203, $b) or die "$!\\n"'
    sleep 0.2
done
"""


def main(xassume, tests, *versions):
    binaries = [pathlib.Path(path).resolve() for path in (xassume, tests)]
    good, refused = True, []
    for version in versions or VERSIONS:
        try:
            good = run_tests.run(f"x86_64-{version}", binaries, TESTS, LIMIT, RANDOM) and good
        except machine.Unavailable as error:
            # On one line, for .ci/release.
            refused.append(f"Linux {version}: {': '.join(str(error).splitlines())}")
        except machine.Failed as error:
            print(f"Linux {version}: {error}")
            good = False
    for text in refused:
        print(f"skipped: {text}")
    return 1 if not good else 77 if refused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
