#!/usr/bin/env python3
"""Runs the tests in an emulated machine with a kernel for arm64; xassume and the tests are builds for arm64.

    tests/machines/arm64.py XASSUME TESTS [FILTER...]   TESTS is the test binary `main`; default: the filters below

Each test must have a result. Those that skip themselves, and the reasons, are printed. Many tests need a program that
starts within a second or two, because their sessions are as short as that. Those that fail are repeated, one at a time, and
named even if they pass then.

Afterwards a few tests run on a kernel with pages of 16 KB. Debian has no kernel with pages of 64 KB: `arm64:` of
tests/clients checks that the program could be loaded there.

The status is 1 if a test fails or has no result, and 77 if the machine cannot be made here.
"""

import pathlib
import sys

import machine
import run_tests

# Launches, supervision and deliveries. An emulated machine is too slow for all tests.
TESTS = """
    also:: endpoint:: exec:: first_session:: gapless:: helper_programs:: hooks:: listening:: secrets::memory
    secrets::unreadable serve:: supervision:: via_process::
""".split()
# On the second kernel: memory, launches, deliveries, and one restart.
LARGE_PAGES = ["exec::", "secrets::memory", "secrets::unreadable", "endpoint::", "supervision::file", "supervision::restart"]


def main(xassume, tests, *filters):
    binaries = [pathlib.Path(path).resolve() for path in (xassume, tests)]
    try:
        good = run_tests.run("aarch64", binaries, filters or TESTS, 7200)
        if not filters:
            good = run_tests.run("aarch64-16k", binaries, LARGE_PAGES, 1800) and good
    except machine.Unavailable as refused:
        print(f"skipped: {refused}")
        return 77
    except machine.Failed as ended:
        print(f"failed: {ended}")
        return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
