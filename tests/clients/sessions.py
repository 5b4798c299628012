"""Short sessions for real clients, and an environment in which many other identities have left something.

The STS requires the token of each key, rejects expired keys and records the signers. Clients are installed into the cache.
"""

import datetime
import fcntl
import http.server
import os
import pathlib
import re
import shutil
import threading
import time
import urllib.parse

from harness import HERE, ROOT, Failed, Skipped, clean_env, run, stale_variables, token_of
from metadata import Handler

LOOPS = HERE / "loops"
CACHE = pathlib.Path(os.environ.get("XASSUME_CHECKS_CACHE", ROOT / "target" / "clients")) / "loops"
ROLE = "arn:aws:iam::521111111144:role/Long"
SOURCE = "AKIASOURCEKEYS000001"

# The lifetime of a session, and how much of it is left at a refresh, in seconds.
SHORT = (12, 6)


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
            result = run(words, dict(os.environ), timeout=600, cwd=place)
        except Failed as late:
            raise Skipped(f"{late}; is its registry reachable?") from None
        if result.status != 0:
            raise Skipped(f"{' '.join(map(str, words))}: {(result.stderr or result.stdout).strip()[-300:]}")
    (place / "stamp").write_text(stamp)
