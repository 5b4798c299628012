"""What each client does with each delivery, in an environment with the leftovers of other identities.

One process of the client sends signed requests to a service that records the signers. Sessions are so short that the
client must fetch new ones. The results of all clients are in results.json; docs/clients.md contains what they generate.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import re
import subprocess
import time

from clients import CLIENTS
from harness import HERE, PYTHON, ROOT, XASSUME, Skipped, check, directory, end, expect, expect_equal, run, tail
from metadata import served
from service import Services
from sessions import LOOPS, ROLE, hostile

RESULTS = HERE / "results.json"
PAGE = ROOT / "docs/clients.md"
DELIVERIES = ("env", "file", "endpoint", "process")
# How many sessions a process must use: it has then gone on through two refreshes.
SESSIONS = 3
# What the table says. Another identity is worse than none.
WORDS = {"on": "yes", "once": "one session", "none": "no", "other": "**another identity**"}
# The Region of the profile in AWS_PROFILE, which `hostile` writes; [default] has another one.
REGION = "eu-north-1"


@dataclasses.dataclass
class Cell:
    """What a client did: one of WORDS, and what shows it."""

    outcome: str
    detail: str


def leftovers(home, sts):
    """The leftovers of `hostile`, and those that only some clients read."""
    env = hostile(home, sts)
    keys = "aws_access_key_id = AKIAOLDPROFILES00001\naws_secret_access_key = stale\n"
    (home / "profiles").write_text(f"[default]\n{keys}")
    config = (home / ".aws" / "config").read_text()
    (home / ".aws" / "config").write_text(config.replace("[default]\n", "[default]\nregion = eu-west-3\n"))
    # The config file of MinIO's client, which minio-go reads.
    (home / ".mc").mkdir()
    alias = {"url": sts.url, "accessKey": "AKIAMINIOALIAS000001", "secretKey": "stale", "api": "S3v4"}
    (home / ".mc" / "config.json").write_text(json.dumps({"version": "10", "aliases": {"s3": alias}}))
    # xassume uses these two itself. Without them, the profile's Region and the default session name count.
    del env["AWS_REGION"], env["AWS_ROLE_SESSION_NAME"]
    return env | {
        "AWS_CREDENTIAL_PROFILES_FILE": str(home / "profiles"),
        "BOTO_CONFIG": str(home / ".boto"),
        "MINIO_ACCESS_KEY": "AKIAMINIO00000000001",
        "MINIO_SECRET_KEY": "stale",
        "MINIO_ROOT_USER": "AKIAMINIO00000000002",
        "MINIO_ROOT_PASSWORD": "stale",
        # Otherwise these SDKs print notices of their age.
        "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1",
        "AWS_JAVA_V1_DISABLE_DEPRECATION_ANNOUNCEMENT": "true",
        # Otherwise a helper of Docker returns the token of another session.
        "AWS_ECR_DISABLE_CACHE": "true",
    }


def measure(client, delivery, *more):
    """Runs the client until it has used enough sessions, or exits."""
    lifetime, margin = client.timing
    wanted = 1 if delivery == "env" else SESSIONS
    with directory() as place, served(Services(lifetime)) as sts, contextlib.ExitStack() as cleanup:
        enough, log = place / "enough", place / "log"
        flags = ["--no-cache", "--via", delivery, "-r", ROLE, *more]
        if delivery != "env":
            flags += ["--refresh-margin", f"{margin}s"]
        if delivery == "endpoint" and os.geteuid() == 0:
            flags += ["--endpoint-token-file", str(place / "token")]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [XASSUME, *flags, "--", *client.words(sts.url, enough)],
                env=leftovers(place / "home", sts) | client.variables,
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        cleanup.callback(end, process)
        limit = time.monotonic() + 3 * lifetime + 60
        while len(sts.signers_as("session")) < wanted and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.1)
        sts.enough = True
        enough.touch()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        text = tail(log, 40)
        status, used = process.poll(), {verdict: sts.signers_as(verdict) for verdict in ("session", "other", "expired")}
        detail = f"{client.name} {client.note} with {delivery}: status {status}, signers {used}\n{text}"
        if used["other"]:
            return Cell("other", detail)
        if not used["session"]:
            return Cell("none", detail)
        regions = sts.regions - {None}
        expect(not client.region or regions == {REGION}, f"Regions of the signatures: {regions}\n{detail}")
        # A changed name would be another principal, for example for Kafka.
        expect(len(set(sts.names)) == 1 and len(sts.names) >= len(used["session"]), f"session names {sts.names}\n{detail}")
        failed = used["expired"] or status != (client.lists or 0) or "xassume:" in text
        expect(delivery != "env" or not failed, detail)
        return Cell("once" if failed or len(used["session"]) < SESSIONS else "on", detail)


def title(client):
    return f"{client.name}, {client.note}" if client.note else client.name


def known_cell(client, delivery, known):
    """Measures again if the outcome is not the known one, because the machine may be busy."""
    cell = measure(client, delivery)
    if known.get(title(client), {}).get(delivery, cell.outcome) != cell.outcome:
        cell = measure(client, delivery)
    if delivery == "env":
        isolated = measure(client, delivery, "--isolate")
        expect_equal(isolated.outcome, cell.outcome, f"with --isolate\n{isolated.detail}")
    return cell


def missing(client):
    """Installs the client. Returns the reason if it cannot be had."""
    try:
        client.make()
    except Skipped as reason:
        return str(reason)
    return None if client.current_version() else f"no Debian package {client.version}"


def rows(clients, known):
    """Measures many cells at a time, because they mostly wait. Returns the results, and details of new ones."""
    for client in clients:
        if client.large:
            missing(client)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        reasons = dict(zip(map(title, clients), pool.map(missing, clients)))
    had = [client for client in clients if reasons[title(client)] is None]
    # Those that take longest begin first.
    pairs = sorted(((client, delivery) for client in had for delivery in DELIVERIES), key=lambda pair: -pair[0].timing[0])
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        cells = list(pool.map(lambda pair: known_cell(*pair, known), pairs))
    found = {name: {"not run": reason} for name, reason in reasons.items() if reason}
    found |= {title(client): {"version": client.current_version()} for client in had}
    details = []
    for (client, delivery), cell in zip(pairs, cells):
        if known.get(title(client), {}).get(delivery) != cell.outcome:
            details.append(cell.detail)
        found[title(client)][delivery] = cell.outcome
    return {title(client): found[title(client)] for client in clients}, "\n".join(details)


def generated(results):
    """The table, and the reasons below it."""
    lines = ["| client | version | `env` | `file` | `endpoint` | `process` |", "|---|---|---|---|---|---|"]
    reasons = ["| client | delivery | why not, and what works |", "|---|---|---|"]
    for client in CLIENTS:
        result = results[title(client)]
        if "not run" in result:
            lines.append(f"| {title(client)} | not run: {result['not run']} | – | – | – | – |")
            continue
        cells = " | ".join(WORDS[result[delivery]] for delivery in DELIVERIES)
        lines.append(f"| {title(client)} | {result['version']} | {cells} |")
        bad = {name for name in DELIVERIES if result[name] in ("none", "other")}
        # A process reads variables and a file only once; this is explained for all clients.
        bad |= {name for name in ("endpoint", "process") if result[name] == "once"}
        expect_equal({name for names in client.reasons for name in names}, bad, f"deliveries with a reason, {title(client)}")
        for names, reason in client.reasons.items():
            reasons.append(f"| {title(client)} | {', '.join(f'`{name}`' for name in names)} | {reason} |")
    return "\n".join([*lines, "", *reasons])


def page(results):
    """The page with what these results generate."""
    marks = "<!-- Written by .ci/release clients -->", "<!-- End of the written part -->"
    pattern = f"{re.escape(marks[0])}\n.*{re.escape(marks[1])}"
    text = "\n".join([marks[0], generated(results), marks[1]])
    written, count = re.subn(pattern, lambda _: text, PAGE.read_text(), flags=re.DOTALL)
    expect_equal(count, 1, f"written parts of {PAGE}")
    return written


def stored():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def outcomes(results, versions):
    """Without versions, or at least without those of Debian's packages, which depend on the machine."""
    debian = {title(client) for client in CLIENTS if client.is_debian()}
    return {
        name: {key: value for key, value in result.items() if key != "version" or versions and name not in debian}
        for name, result in results.items()
    }


@check("matrix: control: without xassume boto3 finds no valid credentials")
def _():
    with directory() as place, served(Services(60)) as sts:
        env = leftovers(place / "home", sts) | {"AWS_REGION": REGION}
        result = run([PYTHON, LOOPS / "loop.py", "boto3", place / "enough"], env)
        expect("the refreshed credentials are still expired" in result.stderr and not sts.calls, str(result))


@check("matrix: docs/clients.md contains what results.json generates, and no other results")
def _():
    results = stored()
    expect_equal(list(results), [title(client) for client in CLIENTS], "clients with results")
    expect(sum("not run" not in result for result in results.values()) >= 20, "fewer than 20 clients have run")
    expect_equal(PAGE.read_text(), page(results), "docs/clients.md")


@check("matrix: the chosen few do what the table says")
def _():
    if os.environ.get("XASSUME_CHECKS_CLIENTS"):
        raise Skipped("all clients are measured")
    known = stored()
    found, details = rows([client for client in CLIENTS if client.few], known)
    absent = {name: result["not run"] for name, result in found.items() if "not run" in result}
    ran = {name: result for name, result in found.items() if name not in absent}
    expect(len(ran) >= 3, f"not run: {absent}")
    wanted = outcomes({name: known[name] for name in ran}, versions=True)
    expect_equal(outcomes(ran, versions=True), wanted, f"results; if the change is right, run .ci/release clients\n{details}")
    if absent:
        raise Skipped(f"without {absent}")


@check("matrix: all, whose results are written")
def _():
    if not os.environ.get("XASSUME_CHECKS_CLIENTS"):
        raise Skipped("see .ci/release clients")
    known = stored()
    found, details = rows(CLIENTS, known)
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page(found))
    expect_equal(outcomes(found, versions=False), outcomes(known, versions=False), f"results, which are written\n{details}")
