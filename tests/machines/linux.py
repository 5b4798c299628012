#!/usr/bin/env python3
"""Checks the released deb and image on a Linux of their own: systemd, cron, the clock, a suspend, a power cut, podman.

    tests/machines/linux.py DIRECTORY           the directory with the deb and the image, such as target/dist
    tests/machines/linux.py DIRECTORY WORD...   only the first check and those whose name contains one of the words

The checks are in `inside`. Nothing of this system is changed. If no machine can be made, the status is 77.
"""

import pathlib
import re
import signal
import sys
import tempfile

import machine

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SUITE = "bookworm"
PACKAGES = ["systemd-sysv", "udev", "kmod", "procps", "cron", "python3-cryptography", "podman", "crun"]
AWS = """[Unit]
Description=The AWS of the machine
Before=network-online.target
[Service]
Type=notify
RuntimeDirectory=aws
ExecStartPre=/machine/busybox ip addr add 169.254.169.254/32 dev lo
ExecStart=/usr/bin/python3 /opt/xassume/inside/aws.py
TimeoutStartSec=300
[Install]
WantedBy=network-online.target
"""
# For all services: STS, as in a network with an endpoint of its own. The limit for metadata, one second by default, is
# too short when an emulated machine starts all services at once.
ENVIRONMENT = """[Manager]
DefaultEnvironment=AWS_ENDPOINT_URL_STS=http://127.0.0.1:4566 AWS_METADATA_SERVICE_TIMEOUT=30
"""
# In seconds, for one boot with its checks.
LIMIT = 2400


def script(*words):
    chosen = " ".join(f"'{word}'" for word in words)
    return f"""#!/bin/sh
if [ ! -e /usr/bin/xassume ]; then dpkg -i /opt/xassume/xassume.deb >/dev/null || exit; fi
systemctl --quiet enable --now aws || exit
systemctl start network-online.target
XASSUME=/usr/bin/xassume exec python3 -B /opt/xassume/inside/checks.py {chosen}
"""


def found(directory, pattern):
    paths = sorted(directory.glob(pattern))
    if len(paths) != 1:
        sys.exit(f"{directory} must have one {pattern}: run .ci/release dist first")
    return paths[0]


def main(directory, *words):
    directory = pathlib.Path(directory)
    files = {
        "/opt/xassume/xassume.deb": found(directory, "xassume_*_amd64.deb"),
        "/opt/xassume/image.tar": found(directory, "xassume-*-oci.tar"),
        "/opt/xassume/examples": ROOT / "examples",
        "/opt/xassume/inside": HERE / "inside",
        "/etc/systemd/system/aws.service": AWS,
        "/etc/systemd/system.conf.d/aws.conf": ENVIRONMENT,
    }
    for name in ("harness", "metadata", "sts"):
        files[f"/opt/xassume/tests/clients/{name}.py"] = ROOT / "tests" / "clients" / f"{name}.py"
    counts, statuses = [0, 0, 0], []

    def line(text):
        summary = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", text)
        if summary:
            counts[:] = [total + int(more) for total, more in zip(counts, summary.groups())]
        else:
            print(text, flush=True)

    # Makes the directory above the cache, too.
    system = machine.root("x86_64", SUITE, PACKAGES)
    with tempfile.TemporaryDirectory(prefix="xassume-linux-", dir=machine.CACHE.parent) as here:
        vm = machine.Machine("x86_64", machine.disk("x86_64", system, pathlib.Path(here) / "disk"), memory=1536)
        # "after" is the second boot, which follows a loss of power.
        first = ["are valid", *(word for word in words if word != "after")] if words else ["before"]
        for part in [first, *([["after"]] if not words or "after" in words else [])]:
            status, _ = vm.boot(script(*part), LIMIT, files, line=line)
            statuses.append(status)
    print(f"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped", flush=True)
    return 1 if any(statuses) or counts[1] or counts[2] else 0


if __name__ == "__main__":
    # So that the disk is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(*sys.argv[1:]))
    except machine.Unavailable as refused:
        print(f"no machine can be made here:\n{refused}")
        sys.exit(77)
    except machine.Failed as failed:
        sys.exit(f"FAILED: {failed}")
