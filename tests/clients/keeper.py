"""`--serve` in the network of a task: a keeper and the SDK of a container are in two network namespaces.

A veth pair joins the namespaces. Its one end has the addresses of the credentials endpoints of ECS and EKS.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from harness import PYTHON, XASSUME, Failed, Skipped, check, clean_env, directory, end, expect, expect_equal, run, wait_until
from metadata import served
from sessions import ROLE, SHORT, SOURCE, ShortSts

ADDRESSES = ("169.254.170.2:80", "[fd00:ec2::23]:80")
# Sets up this end, which is the keeper's, and the other end, whose process is $1.
JOIN = """
set -e
ip link set lo up
ip link add name keeper type veth peer name app netns "$1"
ip address add 169.254.170.2/24 dev keeper
ip address add fd00:ec2::23/64 dev keeper nodad
ip link set keeper up
for words in "link set lo up" "address add 169.254.170.3/24 dev app" "address add fd00:ec2::3/64 dev app nodad" \\
    "link set app up"; do
    nsenter --net="/proc/$1/ns/net" ip $words
done
"""
# Prints the keys that boto3 gets, and the answers to three other requests.
CLIENT = """
import http.client, json, os, sys, time, botocore.session
address, limit = sys.argv[1], time.time() + 60
def status(path, host):
    connection = http.client.HTTPConnection(address.rsplit(":", 1)[0].strip("[]"), 80, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    return connection.getresponse().status
answers = [status("/health", address), status("/health", "localhost"), status("/credentials", address)]
keys = []
while len(keys) < 3 and time.time() < limit:
    credentials = botocore.session.Session().get_credentials()
    key = credentials.get_frozen_credentials().access_key
    if key not in keys:
        keys.append(key)
    time.sleep(0.5)
print(json.dumps({"method": credentials.method, "keys": keys, "answers": answers}))
"""


def namespaces(env):
    """The command that runs a program in a network namespace of its own, as root there."""
    words = [shutil.which("unshare"), "--net", *([] if os.getuid() == 0 else ["--map-root-user"])]
    for program in ("unshare", "nsenter", "ip"):
        if not shutil.which(program, path=env["PATH"]):
            raise Skipped(f"no {program}")
    if (refused := run([*words, "true"], env)).status != 0:
        raise Skipped(f"new network namespaces are not allowed here: {refused.stderr.strip()}")
    if (refused := run([*words, "ip", "link", "add", "name", "one", "type", "veth", "peer", "name", "other"], env)).status != 0:
        raise Skipped(f"veth pairs are not available here: {refused.stderr.strip()}")
    return words


@check("keeper: boto3 in another network namespace gets three sessions at the addresses of ECS and EKS")
def _():
    with directory() as place:
        env = clean_env(place, PYTHONDONTWRITEBYTECODE="1", XASSUME=XASSUME)
        result = run([*namespaces(env), PYTHON, __file__, str(place)], env, timeout=180)
        expect_equal(result.status, 0, str(result))
        for address, found in json.loads(result.stdout).items():
            expect_equal(found["client"]["method"], "container-role", f"the source of credentials\n{result}")
            keys = found["client"]["keys"]
            expect(len(keys) == 3 and set(keys) <= set(found["issued"]), f"the keys at {address}\n{result}")
            expect_equal(found["client"]["answers"], [200, 403, 401], f"other answers at {address}\n{result}")
            expect_equal((found["status"], found["left"]), (0, []), f"the end of the keeper\n{result}")


def inside(place):
    """Runs in the namespace of the keeper."""
    other = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        expect_equal(other.stdout.readline(), b"ready\n", "the other namespace")
        joined = run(["sh", "-c", JOIN, "sh", str(other.pid)], clean_env(place))
        expect_equal(joined.status, 0, str(joined))
        return {address: serve_at(address, place / f"at-{number}", other.pid) for number, address in enumerate(ADDRESSES)}
    finally:
        end(other)


def serve_at(address, place, other):
    place.mkdir()
    lifetime, margin = SHORT
    with served(ShortSts(lifetime)) as sts:
        keys = {"AWS_ACCESS_KEY_ID": SOURCE, "AWS_SECRET_ACCESS_KEY": f"secret-of-{SOURCE}"}
        env = clean_env(place, AWS_ENDPOINT_URL=sts.url, AWS_REGION="us-east-1", **keys)
        token, variables = place / "token", place / "variables"
        words = [XASSUME, "--serve", "--refresh-margin", f"{margin}s", "-r", ROLE, "--endpoint-address", address]
        words += ["--endpoint-token-file", token, "--env-file", variables]
        keeper = subprocess.Popen([str(word) for word in words], env=env, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_until(lambda: variables.exists() or keeper.poll() is not None, 30, "the file of the keeper")
            expect(keeper.poll() is None, f"the keeper has ended with status {keeper.returncode}")
            client = clean_env(place, **dict(line.split("=", 1) for line in variables.read_text().splitlines()))
            if address.startswith("169.254.170.2:"):
                # What the agent of ECS sets.
                del client["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
                client["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/credentials"
            enter = ["nsenter", f"--net=/proc/{other}/ns/net", PYTHON, "-c", CLIENT, address]
            result = run(enter, client, timeout=90)
            expect_equal(result.status, 0, str(result))
        finally:
            keeper.terminate()
            status = keeper.wait(10)
        left = [path.name for path in (token, variables) if path.exists()]
        return {"client": json.loads(result.stdout), "issued": list(sts.issued), "status": status, "left": left}


if __name__ == "__main__":
    try:
        print(json.dumps(inside(pathlib.Path(sys.argv[1]))))
    except Failed as failed:
        sys.exit(str(failed))
