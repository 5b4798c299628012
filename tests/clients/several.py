"""Several roles for one command (`--also`): clients that select profiles, in one process, while sessions are replaced.

The server knows by the path, which may begin with a bucket, which profile a request is for. The newest or the second
newest session of that profile's role must have signed it, and must not have expired. Instead of Terraform, the library
runs with which its AWS provider selects credentials.
"""

import concurrent.futures
import contextlib
import pathlib
import re
import shutil
import subprocess
import time

from harness import (
    CLI_V1,
    CLI_V2,
    PYTHON,
    XASSUME,
    Failed,
    Skipped,
    check,
    clean_env,
    directory,
    end,
    expect,
    expect_equal,
    run,
    stale_variables,
    tail,
    token_of,
)
from metadata import served
from sessions import LOOPS, installed
from sts import Sts, StsServer

SOURCE = "AKIASOURCEKEYS000001"
ROLES = {
    "default": "arn:aws:iam::111111111111:role/Main",
    "prod": "arn:aws:iam::222222222222:role/Prod",
    "audit": "arn:aws:iam::333333333333:role/Audit",
}
# The first session, and three refreshes.
SESSIONS = 4

# The lifetime of each session, and how much of it is left at a refresh, in seconds.
SHORT = (12, 6)
# Go's SDK uses the credentials of a credential_process until their expiry: a late refresh makes it use every session.
LAST_MOMENT = (12, 3)

# Calls the AWS CLI with each profile until the file exists: a program, and the file.
CALLS = """
for profile in default prod audit; do
    flag="--profile $profile"
    [ $profile != default ] || flag=
    while ! [ -e "$2" ]; do
        "$1" $flag --endpoint-url "$AWS_ENDPOINT_URL/$profile" sts get-caller-identity >/dev/null || exit
    done &
    all="$all $!"
done
for one in $all; do wait "$one" || exit; done
"""


class Accounts(Sts):
    """STS, and an S3 with a bucket for each profile."""

    def do_POST(self):
        if self.path.strip("/"):
            self.signed()
        else:
            super().do_POST()

    def do_GET(self):
        self.signed()

    do_PUT = do_GET

    def signed(self):
        """A request of a profile, which is the first part of the path."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        profile = self.path.split("/")[1]
        found = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        key = found and found.group(1)
        with self.server.lock:
            problem = self.server.problem(profile, key, self.headers.get("X-Amz-Security-Token"))
            if problem:
                self.server.refused.append(f"{self.command} for {profile} by {key}: {problem}")
                return self._error(403, "AccessDenied", problem)
            self.server.signers[profile].append(key)
            if self.command == "POST":
                return self._decide({"Action": "GetCallerIdentity"}, key, None)
            if self.command == "PUT":
                self.server.written[profile] = body.decode()
                return self.answer(200, "")
        return self.answer(200, self.server.data)


class AccountsServer(StsServer):
    data = "the object of the account prod"

    def __init__(self, place, lifetime):
        super().__init__(place)
        self.RequestHandlerClass = Accounts
        self.lifetime = lifetime
        self.ends, self.refused, self.written = {}, [], {}
        # The keys that have signed requests, in order.
        self.signers = {profile: [] for profile in ROLES}

    def issue(self, owner):
        key = super().issue(owner)
        self.ends[key] = int(time.time()) + self.lifetime
        return key

    def issued_to(self, profile):
        """The keys of the profile's role, in order."""
        account, name = re.search(r"::(\d+):role/(.*)", ROLES[profile]).groups()
        prefix = f"arn:aws:sts::{account}:assumed-role/{name}/"
        return [key for key, owner in self.issued.items() if owner.startswith(prefix)]

    def problem(self, profile, key, token):
        """Why this session must not sign a request of the profile."""
        mine = self.issued_to(profile)
        if key not in mine:
            return f"a session of {self.issued.get(key)}"
        if token != token_of(key):
            return "the token of another session"
        if key not in mine[-2:]:
            return f"session {mine.index(key) + 1} of {len(mine)}"
        # A call that was signed just before the expiry may arrive just after it.
        return "expired" if self.ends[key] + 1 < time.time() else None

    def used(self, profile):
        return list(dict.fromkeys(self.signers[profile]))

    def counts(self):
        def count(profile):
            used, issued = len(self.used(profile)), len(self.issued_to(profile))
            return f"{profile} {len(self.signers[profile])} requests with {used} of {issued} sessions"

        return ", ".join(map(count, ROLES))


def hostile(home, server):
    """Profiles with the same names and stale credentials, in a home with other stale identities. The keys are valid."""
    aws = home / ".aws"
    aws.mkdir(parents=True)
    keys = "aws_access_key_id = AKIASTALEPROFILE0001\naws_secret_access_key = stale\naws_session_token = stale\n"
    (aws / "credentials").write_text("".join(f"[{profile}]\n{keys}" for profile in ROLES))
    stale = "credential_process = /bin/false\nregion = eu-north-1\n"
    role = f"role_arn = {ROLES['audit']}\ncredential_source = Environment\nregion = us-west-2\n"
    others = "".join(f"[profile {name}]\n{stale}" for name in ("prod", "stale"))
    (aws / "config").write_text(f"[default]\n{stale}{others}[profile audit]\n{role}")
    return clean_env(
        home,
        AWS_ENDPOINT_URL=server.url,
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID=SOURCE,
        AWS_SECRET_ACCESS_KEY=f"secret-of-{SOURCE}",
        **stale_variables(home),
    )


def through_refreshes(via, words, timing):
    """Runs the command until it has used `SESSIONS` sessions of each role. It exits when its last argument exists."""
    lifetime, margin = timing
    with directory() as place, served(AccountsServer(place, lifetime)) as server, contextlib.ExitStack() as cleanup:
        enough, log = place / "enough", place / "log"
        roles = ["-r", ROLES["default"], "--also", f"prod={ROLES['prod']}", "--also", "audit"]
        flags = ["--via", via, "--refresh-margin", f"{margin}s", *roles]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [XASSUME, *flags, "--", *words, str(enough)],
                env=hostile(place / "home", server),
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )
        cleanup.callback(end, process)

        def state():
            return f"with --via {via}: {server.counts()}\n{tail(log)}"

        begun = time.monotonic()
        while any(len(server.used(profile)) < SESSIONS for profile in ROLES) and process.poll() is None:
            expect(not server.refused, f"refused: {server.refused}, {state()}")
            expect(time.monotonic() < begun + 150, f"not {SESSIONS} sessions of each role within 150 s, {state()}")
            time.sleep(0.1)
        enough.touch()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        expect_equal(process.poll(), 0, f"status, refused: {server.refused}, {state()}")
        # Go's SDK sometimes warns of a connection that the server has closed after its answer.
        lines = [line for line in log.read_text(errors="replace").splitlines() if "WARN failed to discard" not in line]
        expect_equal(lines, [], f"stderr, {state()}")
        expect_equal(server.refused, [], f"refused requests, {state()}")
        print(f"    with --via {via}: {server.counts()}", flush=True)
        return server


def with_each(words, timing=SHORT):
    """Runs both deliveries concurrently, since they mostly wait. Clients of static keys must read the file again."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        ways = {"process": "once", "file": "again"}
        runs = [pool.submit(through_refreshes, via, words(way), timing) for via, way in ways.items()]
    problems = [str(run.exception()) for run in runs if isinstance(run.exception(), Failed)]
    expect(not problems, "\n".join(problems))
    return [run.result() for run in runs]


@check("several: control: without xassume boto3 gets no answer")
def _():
    with directory() as place, served(AccountsServer(place, 60)) as server:
        words = [PYTHON, LOOPS / "profiles.py", "identities", "once", place / "enough"]
        result = run(words, hostile(place / "home", server))
        expect(result.status != 0 and not any(server.signers.values()), str(result))


@check("several: boto3, one process with sessions of three roles")
def _():
    with_each(lambda way: [PYTHON, LOOPS / "profiles.py", "identities", way])


@check("several: boto3, one process copies from a bucket to those of two other accounts")
def _():
    for server in with_each(lambda way: [PYTHON, LOOPS / "profiles.py", "copy", way]):
        expect_equal(server.written, {"default": server.data, "audit": server.data}, "the copies")


@check("several: AWS CLI v1, call by call with and without --profile")
def _():
    with_each(lambda way: ["sh", "-c", CALLS, "sh", CLI_V1])


@check("several: AWS CLI v2, call by call with and without --profile")
def _():
    if not pathlib.Path(CLI_V2).exists():
        raise Skipped(f"no {CLI_V2} (Debian's package awscli)")
    with_each(lambda way: ["sh", "-c", CALLS, "sh", CLI_V2])


def go():
    """The program for Go, with the SDK and Terraform's library."""
    sdk = "github.com/aws/aws-sdk-go-v2"
    terraform = "github.com/hashicorp/aws-sdk-go-base/v2@v2.0.0-beta.74"
    wanted = [f"{sdk}/config@v1.33.16", f"{sdk}/service/sts@v1.51.9", terraform]
    source = LOOPS / "profiles.go"
    make = [
        ["cp", source, "."],
        ["go", "mod", "init", "profiles"],
        ["go", "get", *wanted],
        ["go", "build", "-o", "profiles", "."],
    ]
    return installed("go-profiles", "go", make, "\n".join([*wanted, source.read_text()])) / "profiles"


@check("several: AWS SDK for Go v2, one process with three profiles")
def _():
    program = go()
    with_each(lambda way: [program, "sdk", way], LAST_MOMENT)


@check("several: the library of Terraform's AWS provider, one process with three profiles")
def _():
    program = go()
    with_each(lambda way: [program, "terraform", way], LAST_MOMENT)


@check("several: AWS SDK for JavaScript v3, one process with three profiles")
def _():
    wanted = "@aws-sdk/client-sts@3.1173.0"
    install = ["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", ".", wanted]
    place = installed("js-profiles", "npm", [install], wanted)
    # Node looks for modules in the directory of the importing file.
    shutil.copy(LOOPS / "profiles.mjs", place)
    # Node 20 works, but warns that its support ends.
    with_each(lambda way: ["node", "--no-warnings", place / "profiles.mjs", way])
