"""The AWS of the machine, as a service: STS, and instance metadata at their own address (169.254.169.254).

/run/aws/lifetime has the seconds for which a session is valid. Each session is written to /run/aws/sessions, as one line:
the clocks of the moment (seconds since the boot with and without suspends, and the time), its key and its name.
"""

import json
import os
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, "/opt/xassume/tests/clients")

from harness import token_of
from metadata import instance
from sts import StsServer

PLACE = pathlib.Path("/run/aws")
# The role of the instance profile, whose credentials are the source of all sessions.
PROFILE = "arn:aws:sts::222222222222:assumed-role/AssumeRoleInA/i-0123456789abcdef0"


class Recorded(StsServer):
    lifetime = property(lambda self: int((PLACE / "lifetime").read_text()), lambda self, _: None)

    def issue(self, owner):
        # Keys are not reused after a reboot: a command of the last boot must not be taken for one of this boot.
        key = f"ASIA{os.urandom(8).hex().upper()}"
        self.issued[key] = owner
        clocks = [time.clock_gettime(clock) for clock in (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC, time.CLOCK_REALTIME)]
        with open(PLACE / "sessions", "a") as sessions:
            sessions.write(json.dumps([*clocks, key, owner]) + "\n")
        return key


def main():
    PLACE.joinpath("lifetime").write_text("3600")
    sts = Recorded(PLACE, ("127.0.0.1", 4566))
    key = sts.issue(PROFILE)
    keys = {"AccessKeyId": key, "SecretAccessKey": f"secret-of-{key}", "SessionToken": token_of(key)}
    metadata = instance(keys, address=("169.254.169.254", 80))
    threading.Thread(target=metadata.serve_forever, daemon=True).start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    sts.serve_forever()


main()
