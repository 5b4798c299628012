"""Self-refreshing credentials: real SDKs in a loop with `--via endpoint` and `--via process`.

Sessions are so short that each client must fetch new ones. The STS requires the token of each key, rejects expired keys
and records the signers. Clients that cannot be installed are skipped, with the reason.
"""

import contextlib
import datetime
import fcntl
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
import urllib.parse

from harness import (
    CLI_V1,
    CLI_V2,
    HERE,
    PYTHON,
    ROOT,
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
    token_of,
)
from metadata import Handler, served

LOOPS = HERE / "loops"
CACHE = pathlib.Path(os.environ.get("XASSUME_CHECKS_CACHE", ROOT / "target" / "clients")) / "loops"
ROLE = "arn:aws:iam::521111111144:role/Long"
INNER = "arn:aws:iam::333333333333:role/Inner"
SOURCE = "AKIASOURCEKEYS000001"
VIAS = ("endpoint", "process")

# The lifetime of a session, and how much of it is left at a refresh, in seconds.
SHORT = (12, 6)
# Go's SDK uses the credentials of a credential_process until their expiry: a late refresh makes it use every session.
LAST_MOMENT = (12, 3)
# If a session has less than a minute left when Java's SDK fetches it, the SDK keeps it for up to ten more minutes.
JAVA = (140, 70)


class Sts(Handler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        request = dict(urllib.parse.parse_qsl(body))
        found = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        with self.server.lock:
            self.decide(request, found and found.group(1), self.headers.get("X-Amz-Security-Token"))

    def decide(self, request, key, token):
        sts, action, now = self.server, request.get("Action"), time.time()
        role, expires = sts.issued.get(key, (None, 0))
        # A call that was signed just before the expiry may arrive just after it.
        good = key == SOURCE and not token or expires + 1 > now and token == token_of(key)
        if not good:
            sts.refused.append(f"{action} by {key}, {'expired' if role else 'unknown'}")
            return self.refuse()
        if role == ROLE:
            sts.signers.append(key)
        if action != "AssumeRole":
            arn = "arn:aws:sts::521111111144:assumed-role/Long/me"
            return self.result(action, f"<Arn>{arn}</Arn><UserId>ID</UserId><Account>521111111144</Account>")
        return self.grant(action, request["RoleArn"])

    def grant(self, action, role_arn):
        """Answers with a new session of the role."""
        sts, now = self.server, time.time()
        seconds = sts.lifetime if role_arn == ROLE else 3600
        key = f"ASIACHECKS{len(sts.issued) + 1:010d}"
        # `Expiration` has whole seconds.
        expires = int(now) + seconds
        sts.issued[key] = (role_arn, expires)
        account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[1]
        until = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc)
        return self.result(
            action,
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret-of-{key}</SecretAccessKey>"
            f"<SessionToken>{token_of(key)}</SessionToken><Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
            f"</Credentials><AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId>"
            f"<Arn>arn:aws:sts::{account}:assumed-role/{name}/me</Arn></AssumedRoleUser>",
        )

    def result(self, action, inside):
        self.answer(
            200,
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{inside}'
            f"</{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>",
            "text/xml",
        )

    def refuse(self):
        self.answer(
            403,
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
            "<Code>InvalidClientTokenId</Code><Message>no such session</Message></Error></ErrorResponse>",
            "text/xml",
        )


class ShortSts(http.server.ThreadingHTTPServer):
    """Not at 127.0.0.1, so NO_PROXY can contain one address without the other."""

    daemon_threads = True

    def __init__(self, lifetime):
        super().__init__(("127.0.0.2", 0), Sts)
        self.url = f"http://127.0.0.2:{self.server_address[1]}"
        self.lifetime, self.lock = lifetime, threading.Lock()
        self.issued, self.signers, self.refused = {}, [], []

    def handle_error(self, request, client_address):
        """No traceback if a client disconnects; the client reports that itself."""


def hostile(home, sts):
    """A home and an environment with conflicting credentials and the source's valid keys. No proxy works."""
    aws = home / ".aws"
    aws.mkdir(parents=True)
    keys = "aws_access_key_id = AKIAFILEDEFAULT00001\naws_secret_access_key = stale\naws_session_token = stale\n"
    role = "role_arn = arn:aws:iam::999999999999:role/Hijack\nsource_profile = stale\n"
    profile = "[profile stale]\ncredential_process = /bin/false\nregion = eu-north-1\n"
    (aws / "config").write_text(f"[default]\n{role}{profile}")
    (aws / "credentials").write_text(f"[default]\n{keys}[stale]\n{keys}")
    boto = "[Credentials]\naws_access_key_id = AKIABOTO000000000001\naws_secret_access_key = stale\n"
    (home / ".boto").write_text(boto)
    proxies = {name: "http://127.0.0.1:1" for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY")}
    return clean_env(
        home,
        AWS_ENDPOINT_URL=sts.url,
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID=SOURCE,
        AWS_SECRET_ACCESS_KEY=f"secret-of-{SOURCE}",
        NO_PROXY="127.0.0.2",
        **proxies,
        **stale_variables(home),
    )


def refreshes(via, words, timing, limit):
    """Runs the command until it has used three sessions. It exits when the file in its last argument exists."""
    lifetime, margin = timing
    with directory() as place, served(ShortSts(lifetime)) as sts, contextlib.ExitStack() as cleanup:
        enough, log = place / "enough", place / "log"
        command = [XASSUME, "--via", via, "--refresh-margin", f"{margin}s", "-r", ROLE, "--", *words(sts), str(enough)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=hostile(place / "home", sts),
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )
        cleanup.callback(end, process)

        def state():
            mine = [key for key, (role, _) in sts.issued.items() if role == ROLE]
            said = log.read_text(errors="replace").strip()
            return f"with --via {via}: {len(sts.signers)} calls by {sorted(set(sts.signers))} of {mine}\n{said}"

        begun = time.monotonic()
        while len(set(sts.signers)) < 3 and process.poll() is None:
            expect(time.monotonic() < begun + limit, f"not three sessions within {limit} s, {state()}")
            time.sleep(0.1)
        enough.touch()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        expect_equal(process.poll(), 0, f"status, {state()}")
        # Go's SDK sometimes warns of a connection that the recording STS has closed after its answer.
        lines = [line for line in log.read_text(errors="replace").splitlines() if "WARN failed to discard" not in line]
        expect_equal(lines, [], f"stderr, {state()}")
        expect_equal(sts.refused, [], f"refused calls, {state()}")
        mine = [key for key, (role, _) in sts.issued.items() if role == ROLE]
        used = list(dict.fromkeys(sts.signers))
        # The last session may have been issued after the last call.
        expect(used in (mine, mine[:-1]), f"sessions used, in order, {state()}")
        return len(sts.signers), len(used)


def with_each(words, timing=SHORT, limit=120):
    """Runs both concurrently, since they mostly wait."""
    problems, threads = [], []

    def follow(via):
        try:
            calls, sessions = refreshes(via, words, timing, limit)
            print(f"    with --via {via}: {calls} calls with {sessions} sessions", flush=True)
        except Failed as problem:
            problems.append(str(problem))

    for via in VIAS:
        threads.append(threading.Thread(target=follow, args=(via,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    expect(not problems, "\n".join(problems))


def repeated(*command):
    """A shell that repeats the command until the file exists: for clients that make one call."""
    return ["sh", LOOPS / "loop.sh", *command]


def installed(name, program, make, stamp):
    """A directory in the cache with the results of `make`; skipped, with the reason, if that fails."""
    if not shutil.which(program):
        raise Skipped(f"no {program}")
    place = CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w") as lock:
        # The checks of another module may need the same directory.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(place, make, stamp)
    return place


def _install(place, make, stamp):
    if (place / "stamp").exists() and (place / "stamp").read_text() == stamp:
        return
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for words in make:
        try:
            result = subprocess.run(
                words, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400, check=False
            )
        except subprocess.TimeoutExpired:
            raise Skipped(f"{words[0]} was still running after 400 s; is its registry reachable?") from None
        if result.returncode != 0:
            raise Skipped(f"{' '.join(map(str, words))}: {(result.stderr or result.stdout).strip()[-300:]}")
    (place / "stamp").write_text(stamp)


@check("refresh: control: without xassume boto3 finds no valid credentials in the environment")
def _():
    with directory() as place, served(ShortSts(60)) as sts:
        result = run([PYTHON, LOOPS / "loop.py", place / "enough"], hostile(place / "home", sts))
        expect(result.status != 0 and not sts.signers, str(result))


@check("refresh: boto3, one process")
def _():
    with_each(lambda sts: [PYTHON, LOOPS / "loop.py"])


@check("refresh: AWS CLI v1, call by call")
def _():
    with_each(lambda sts: repeated(CLI_V1, "sts", "get-caller-identity"))


@check("refresh: AWS CLI v2, call by call")
def _():
    if not pathlib.Path(CLI_V2).exists():
        raise Skipped(f"no {CLI_V2} (Debian's package awscli)")
    # The AWS CLI v2 of Debian 12 is older than AWS_ENDPOINT_URL.
    with_each(lambda sts: repeated(CLI_V2, "--endpoint-url", sts.url, "sts", "get-caller-identity"))


@check("refresh: AWS SDK for Rust (xassume itself), call by call")
def _():
    with_each(lambda sts: repeated(XASSUME, "--no-cache", "-r", INNER, "--", "true"))


@check("refresh: AWS SDK for JavaScript v3, one process")
def _():
    wanted = "@aws-sdk/client-sts@3.1173.0"
    install = ["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", ".", wanted]
    place = installed("js", "npm", [install], wanted)
    # Node looks for modules in the directory of the importing file.
    shutil.copy(LOOPS / "loop.mjs", place)
    # Node 20 works, but warns that its support ends.
    with_each(lambda sts: ["node", "--no-warnings", place / "loop.mjs"])


@check("refresh: AWS SDK for Go v2, one process")
def _():
    sdk = "github.com/aws/aws-sdk-go-v2"
    wanted = [f"{sdk}/config@v1.33.16", f"{sdk}/service/sts@v1.51.9"]
    source = LOOPS / "loop.go"
    make = [
        ["cp", source, "."],
        ["go", "mod", "init", "loop"],
        ["go", "get", *wanted],
        ["go", "build", "-o", "loop", "."],
    ]
    place = installed("go", "go", make, "\n".join([*wanted, source.read_text()]))
    with_each(lambda sts: [place / "loop"], LAST_MOMENT)


@check("refresh: AWS SDK for Java v2, one process")
def _():
    wanted = "2.57.8"
    pom = (LOOPS / "pom.xml").read_text().replace("SDK_VERSION", wanted)
    copy = ["mvn", "-B", "-q", "-f", "pom.xml", "dependency:copy-dependencies", "-DoutputDirectory=lib"]
    place = installed("java", "mvn", [["sh", "-c", 'printf %s "$1" > pom.xml', "sh", pom], copy], pom)
    with_each(lambda sts: ["java", "-cp", f"{place}/lib/*", LOOPS / "Loop.java"], JAVA, 400)
