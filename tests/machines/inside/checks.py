"""The checks of linux.py, in the machine: those before or after the power cut, by the first word of their names."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, "/opt/xassume/tests/clients")

from harness import Failed, check, clean_env, expect, expect_equal, run, run_checks

EXAMPLES = pathlib.Path("/opt/xassume/examples")
UNITS = pathlib.Path("/etc/systemd/system")
WORKER = pathlib.Path("/var/lib/worker")
BUSYBOX = "/machine/busybox"
ENDPOINT = "http://127.0.0.1:4566"
ROLE = "arn:aws:iam::521111111144:role/DeployMaster"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAWORKER0000000001", "AWS_SECRET_ACCESS_KEY": "worker/secret"}
# An emulated machine on a busy system is slow: a limit is for a failure, not for a figure.
PATIENCE = 120
# A session of this time is refreshed after half of it.
SHORT = 16
SERVICES = ["xassume-notify", "xassume-reload", "xassume-worker", "xassume@reports"]


def shell(line, timeout=PATIENCE):
    return run(["sh", "-c", line], clean_env("/root"), timeout)


def ok(line, timeout=PATIENCE):
    """Runs a line of shell, which must succeed, and returns its output."""
    result = shell(line, timeout)
    expect_equal(result.status, 0, str(result))
    return result.stdout.strip()


def shows(unit, name):
    return ok(f"systemctl show --value --property {name} '{unit}'")


def log(unit):
    """The output of a unit since it was started."""
    return ok(f"journalctl -b -o cat _SYSTEMD_INVOCATION_ID=\"$(systemctl show --value -p InvocationID '{unit}')\"")


def starts(unit):
    """The access key of each start of the unit's program."""
    return re.findall(r"^serves with (\S+)", log(unit), re.MULTILINE)


def until(condition, what, unit=None):
    limit = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > limit:
            raise Failed(f"timed out after {PATIENCE} s: {what}\n{log(unit) if unit else ''}")
        # The programs that look are slow in an emulated machine.
        time.sleep(0.5)


def lifetime(seconds):
    """Sets the lifetime of the sessions from now on."""
    pathlib.Path("/run/aws/lifetime").write_text(str(seconds))


def sessions(name=None):
    """The sessions that STS has issued, or those with this session name: seconds since the boot, and the key."""
    lines = [json.loads(line) for line in pathlib.Path("/run/aws/sessions").read_text().splitlines()]
    return [(boot, key) for boot, _, _, key, owner in lines if name is None or owner.endswith("/" + name)]


def boottime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def start(unit):
    ok(f"systemctl start '{unit}'", 2 * PATIENCE)
    until(lambda: starts(unit), f"{unit} serves", unit)


def stop(unit):
    invocation = shows(unit, "InvocationID")
    ok(f"systemctl stop '{unit}'")
    output = ok(f"journalctl -b -o cat _SYSTEMD_INVOCATION_ID={invocation}")
    expect_equal((shows(unit, "Result"), shows(unit, "ActiveState")), ("success", "inactive"), output)
    expect("stopped" in output.splitlines(), f"the program got the stop signal\n{output}")


def refreshed(unit, name):
    """Waits until a unit has been restarted twice by xassume, and expects that systemd has seen one service."""
    main = shows(unit, "MainPID")
    until(lambda: len(starts(unit)) >= 3, "two restarts", unit)
    expect_equal(
        [shows(unit, name) for name in ("ActiveState", "SubState", "NRestarts", "MainPID")],
        ["active", "running", "0", main],
        log(unit),
    )
    keys, issued = starts(unit), [key for _, key in sessions(name)]
    expect(len(set(keys)) == len(keys) and set(keys) <= set(issued), f"each start has a session of its own: {keys} {issued}")
    expect_equal(os.readlink(f"/proc/{main}/exe"), "/usr/bin/xassume", "the main process")


@check("before: the units of examples/systemd are valid")
def _():
    for name in ("server", "worker", "reports", "web-server"):
        shutil.copy("/opt/xassume/inside/server.py", f"/usr/local/bin/{name}")
    ok(f"useradd --system --create-home --home-dir {WORKER} worker")
    for unit in (EXAMPLES / "systemd").iterdir():
        shutil.copy(unit, UNITS)
    # The README of each unit: settings in its environment file, or in that of its instance.
    for service in ("notify", "reload", "worker", "web"):
        pathlib.Path(f"/etc/default/xassume-{service}").write_text(f"XASSUME_ROLE_SESSION_NAME={service}\n")
    config = pathlib.Path("/etc/xassume/config")
    config.parent.mkdir()
    text = (EXAMPLES / "systemd" / "xassume@.service").read_text()
    (example,) = re.findall(r"<<'END'\n(.*?)^# +END$", text, re.MULTILINE | re.DOTALL)
    config.write_text(re.sub(r"^# +", "", example, flags=re.MULTILINE))
    pathlib.Path("/etc/xassume/reports.env").write_text("AWS_REGION=us-east-1\nXASSUME_ROLE_SESSION_NAME=reports\n")
    old = int(ok("systemctl --version").split()[1]) < 253
    if old:
        # docs/systemd.md: what to do before Type=notify-reload.
        drop_in = UNITS / "xassume-reload.service.d" / "old.conf"
        drop_in.parent.mkdir()
        drop_in.write_text("[Service]\nType=notify\nExecReload=kill -HUP $MAINPID\n")
    ok("systemctl daemon-reload")
    known = [f"'{service}.service'" for service in [*SERVICES, "xassume-web"] if not (old and "reload" in service)]
    result = shell(f"systemd-analyze verify --man=no --recursive-errors=no xassume-web.socket {' '.join(known)}")
    expect_equal((result.status, result.stderr), (0, ""), str(result))


@check("before: cron runs examples/cron/crontab in its minute")
def _():
    lifetime(3600)
    report = pathlib.Path("/usr/local/bin/nightly-report")
    report.write_text('#!/bin/sh\n{ env; echo "arguments=$*"; } >/tmp/report.part && mv /tmp/report.part /tmp/report\n')
    report.chmod(0o755)
    # STS of the machine; the source is the instance role.
    crontab = pathlib.Path("/tmp/crontab")
    crontab.write_text(f"AWS_ENDPOINT_URL_STS={ENDPOINT}\n" + (EXAMPLES / "cron" / "crontab").read_text())
    ok("systemctl stop cron")
    ok("crontab -u worker /tmp/crontab")
    # A job without the variables of the example: a mail that says what is missing.
    line = "17 3 * * * root xassume -- true >/tmp/lacking 2>&1; echo status $? >>/tmp/lacking"
    pathlib.Path("/etc/cron.d/lacking").write_text(line + "\n")
    ok("date -s \"$(date +%F) 03:16:55\"")
    ok("systemctl start cron")
    until(lambda: pathlib.Path("/tmp/report").exists(), "the job runs", "cron")
    got = dict(line.split("=", 1) for line in pathlib.Path("/tmp/report").read_text().splitlines() if "=" in line)
    expect_equal(got["arguments"], "--yesterday", "arguments")
    expect_equal(got["AWS_ACCESS_KEY_ID"], sessions("nightly-report")[0][1], "the session")
    expect_equal((got["HOME"], got["LOGNAME"], got["AWS_REGION"]), (str(WORKER), "worker", "us-east-1"), "the environment")
    until(lambda: "status" in pathlib.Path("/tmp/lacking").read_text(), "the second job ends", "cron")
    lacking = pathlib.Path("/tmp/lacking").read_text()
    expect(lacking.endswith("status 125\n") and "XASSUME_ROLE_ARN" in lacking, lacking)
    # cron would mail any output.
    until(lambda: "CMD (" in log("cron"), "cron's log")
    expect("MAIL" not in log("cron") and "discarding output" not in log("cron"), log("cron"))
    ok("crontab -u worker -r && rm /etc/cron.d/lacking && systemctl stop cron")


@check("before: xassume-notify is ready, is restarted at the expiry, and stops")
def _():
    lifetime(SHORT)
    unit = "xassume-notify"
    start(unit)
    expect_equal([shows(unit, name) for name in ("Type", "NotifyAccess")], ["notify", "main"], "the unit")
    refreshed(unit, "notify")
    # Between a restart and READY=1, the status is only that of the session.
    shown = re.compile(
        r"Active: active \(running\).*"
        r'Status: "serving; session until \d\d:\d\d, next refresh \d\d:\d\d UTC"', re.DOTALL)
    until(lambda: shown.search(ok(f"systemctl status {unit}")), "the status", unit)
    expect("cannot store" not in log(unit) and os.listdir("/var/cache/xassume-notify"), "the unit's cache can be written")
    stop(unit)


@check("before: xassume-reload reloads, also while it is restarted")
def _():
    lifetime(SHORT)
    unit = "xassume-reload"
    start(unit)
    for count in (1, 2, 3):
        until(lambda: len(starts(unit)) >= count, "the next start", unit)
        ok(f"systemctl reload {unit}")
        until(lambda: shows(unit, "StatusText").startswith("reloaded; session until "), "the status", unit)
    refreshed(unit, "reload")
    stop(unit)


@check("before: xassume-worker and an instance of xassume@ run, and a program that is missing is not retried")
def _():
    lifetime(SHORT)
    start("xassume@reports")
    start("xassume-worker")
    refreshed("xassume@reports", "reports")
    refreshed("xassume-worker", "worker")
    stop("xassume-worker")
    stop("xassume@reports")
    with open("/etc/xassume/config", "a") as config:
        config.write(f"[profile nowhere]\nrole_arn = {ROLE}\ncredential_source = Ec2InstanceMetadata\n")
    shell("systemctl start xassume@nowhere")
    until(lambda: shows("xassume@nowhere", "ActiveState") == "failed", "it fails", "xassume@nowhere")
    expect_equal([shows("xassume@nowhere", name) for name in ("ExecMainStatus", "NRestarts")], ["127", "0"], "no restart")
    # Its own cause, not that the unit could not be set up.
    expect("/usr/local/bin/nowhere" in log("xassume@nowhere"), log("xassume@nowhere"))


def ask():
    """Makes one request without a retry, and returns the process ID of the web server."""
    with socket.create_connection(("127.0.0.1", 8080), timeout=PATIENCE) as to:
        to.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while chunk := to.recv(4096):
            answer += chunk
    found = re.fullmatch(rb"HTTP/1.0 200 OK\r\n\r\n(\d+) web", answer)
    expect(found, f"no answer: {answer}")
    return int(found[1])


@check("before: xassume-web starts at the first connection, and refuses none during restarts")
def _():
    lifetime(SHORT)
    socket_unit, unit = "xassume-web.socket", "xassume-web.service"
    ok(f"systemctl start {socket_unit}")
    expect_equal(shows(unit, "ActiveState"), "inactive", "nothing has connected")
    servers, main, begun = {ask()}, shows(unit, "MainPID"), time.monotonic()
    while len(servers) < 3:
        expect(time.monotonic() - begun < PATIENCE, log(unit))
        servers.add(ask())
    expect(int(main) not in servers, "xassume is the main process")
    expect_equal([shows(unit, name) for name in ("MainPID", "NRestarts")], [main, "0"], "the service is the same")
    stop(unit)
    expect_equal(shows(socket_unit, "ActiveState"), "active", "the socket outlives the service")
    expect(ask() not in servers and shows(unit, "MainPID") != main, "the next connection starts the service again")
    stop(unit)
    ok(f"systemctl stop {socket_unit}")


@check("before: the watchdog of xassume-notify finds a server that hangs, and systemd restarts it")
def _():
    lifetime(3600)
    unit = "xassume-notify"
    shutil.rmtree("/var/cache/xassume-notify", ignore_errors=True)
    start(unit)
    expect_equal(shows(unit, "WatchdogUSec"), "30s", "the unit")
    hang = pathlib.Path("/run/hang")
    hang.touch()
    until(lambda: "Watchdog timeout" in ok(f"journalctl -b -o cat -u {unit}"), "the watchdog", unit)
    hang.unlink()
    until(lambda: shows(unit, "NRestarts") == "1" and shows(unit, "ActiveState") == "active", "systemd restarts it", unit)
    stop(unit)


def transient(name, line):
    """A command as a service."""
    ok(f"systemd-run --quiet --unit={name} --uid=worker -E AWS_REGION=us-east-1 -E HOME={WORKER} {line}")
    until(lambda: "serves with" in log(name), f"{name} serves", name)


VIA_FILE = f"/usr/bin/xassume -v --via file --no-cache -r {ROLE} --role-session-name via-file -- /usr/local/bin/server"


def credentials_file(unit):
    (pid,) = ok(f"pgrep -P {shows(unit, 'MainPID')} -f local/bin/server").split()
    env = dict(text.split("=", 1) for text in pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0") if text)
    return pathlib.Path(env["AWS_SHARED_CREDENTIALS_FILE"])


@contextlib.contextmanager
def two_services(seconds):
    """A service that is restarted and one with a credentials file, with new sessions of this lifetime."""
    shutil.rmtree("/var/cache/xassume-notify", ignore_errors=True)
    lifetime(seconds)
    start("xassume-notify")
    transient("via-file", VIA_FILE)
    yield {"xassume-notify": "notify", "via-file": "via-file"}
    for unit in ("xassume-notify", "via-file"):
        expect_equal([shows(unit, name) for name in ("ActiveState", "NRestarts")], ["active", "0"], log(unit))
        stop(unit)


def since(name, moment):
    return [boot - moment for boot, _ in sessions(name) if boot >= moment]


def refreshed(services, moment, limit):
    """Waits for a refresh of each service after `moment`, and expects it within `limit` seconds."""
    for unit, name in services.items():
        until(lambda: since(name, moment), "a refresh", unit)
        expect(since(name, moment)[0] < limit, f"{unit}: a refresh after {since(name, moment)[0]:.1f} s")


@check("before: a step of the clock by an hour causes one refresh at once, and a step back delays none")
def _():
    with two_services(3600) as services:
        # The session that the step forward requests is due at the latest after this time.
        lifetime(60)
        moment = boottime()
        ok("date -s '+1 hour'")
        refreshed(services, moment, 10)
        lifetime(3600)
        back = boottime()
        ok("date -s '-3 hours'")
        refreshed(services, back, 60)
        for unit, name in services.items():
            taken = since(name, moment)
            expect(len(taken) <= 3, f"{unit}: refreshes after {taken} s")
            print("   ", unit, "refreshes after", [f"{seconds:.1f} s" for seconds in taken])
        unit = "xassume-notify"
        until(lambda: len(starts(unit)) == len(since("notify", moment)) + 1, "a start for each refresh", unit)
        key = sessions("via-file")[-1][1]
        until(lambda: key in credentials_file("via-file").read_text(), "the file has the newest session", "via-file")


@check("before: sessions that expired during a suspend are refreshed at the resume")
def _():
    with two_services(40) as services:
        # The next refresh is due 20 to 40 seconds after the last one.
        begun = boottime()
        until(lambda: since("notify", begun), "a refresh", "xassume-notify")
        awake = time.clock_gettime(time.CLOCK_MONOTONIC)
        before = boottime()
        ok("rtcwake -m mem -s 45", 180)
        slept = (boottime() - before) - (time.clock_gettime(time.CLOCK_MONOTONIC) - awake)
        expect(slept >= 40, f"the machine has slept for {slept:.1f} s")
        resumed = before + slept
        lifetime(3600)
        for unit, name in services.items():
            until(lambda: since(name, resumed), "a refresh", unit)
            print("   ", unit, "refreshes after", [f"{seconds:.1f} s" for seconds in since(name, resumed)])
            expect(since(name, resumed)[0] < 10, f"{unit}: a refresh after {since(name, resumed)[0]:.1f} s")
        key = sessions("via-file")[-1][1]
        until(lambda: key in credentials_file("via-file").read_text(), "the file has the newest session", "via-file")


# The command of a container. In it are no single quotes.
COMMAND = (
    'trap "exit 7" TERM; trap "echo reloaded" HUP; '
    "echo serves with $AWS_ACCESS_KEY_ID as $$; while :; do sleep 1; done"
)


def container(name):
    """Options for `podman run`: only what the image needs, and a shell, which it does not have."""
    shared = f"--volume {BUSYBOX}:/bin/sh:ro"
    keys = " ".join(f"--env {key}={value}" for key, value in KEYS.items())
    aws = f"--env AWS_ENDPOINT_URL_STS={ENDPOINT} --env AWS_REGION=us-east-1 {keys}"
    return f"--name {name} --network host --read-only --cap-drop all {shared} {aws}"


def image():
    return ok("podman images --quiet --no-trunc").splitlines()[0]


@check("before: the image runs with podman as its own user, with a read-only root")
def _():
    lifetime(3600)
    # Without D-Bus in the machine, podman makes cgroups itself.
    settings = pathlib.Path("/etc/containers/containers.conf")
    engine = '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    settings.write_text(f'{engine}[containers]\nlog_driver = "k8s-file"\n')
    ok("podman load --quiet --input /opt/xassume/image.tar", 2 * PATIENCE)
    expect_equal(len(ok("podman images --quiet").splitlines()), 1, "images for this architecture")
    expect(ok(f"podman run --rm --read-only {image()} --version", 2 * PATIENCE).startswith("xassume "), "--version")
    script = "sleep 0; id; grep Uid /proc/self/status; touch /x; echo $AWS_ACCESS_KEY_ID; exit 9"
    words = f"-r {ROLE} --role-session-name image -- sh -c '{script}'"
    result = shell(f"podman run --rm {container('once')} {image()} {words}")
    expect_equal(result.status, 9, str(result))
    expect(re.search(r"^Uid:\s65532\s65532\s65532\s65532$", result.stdout, re.MULTILINE), str(result))
    expect("Read-only file system" in result.stderr and "xassume:" not in result.stderr, str(result))
    expect_equal(result.stdout.splitlines()[-1], sessions("image")[-1][1], str(result))
    for via in ("file", "endpoint", "process"):
        # Supervised, the command is not process 1, which the kernel does not let itself kill.
        words = f"--via {via} -r {ROLE} -- sh -c 'kill -KILL $$'"
        result = shell(f"podman run --rm {container(via)} {image()} {words}")
        expect_equal((result.status, result.stderr), (137, ""), str(result))


@check("before: as process 1 of podman's container, xassume restarts at the expiry, forwards signals, and stops")
def _():
    lifetime(SHORT)
    options = f"-v -r {ROLE} --role-session-name podman --on-expiry restart --stop-timeout 8s"
    ok(f"podman run --detach {container('worker')} {image()} {options} -- sh -c '{COMMAND}'")

    def seen():
        return ok("podman logs worker 2>&1")

    def keys():
        return re.findall(r"serves with (\S+) as", seen())

    until(lambda: len(keys()) >= 3, "two restarts")
    lifetime(3600)
    expect(len(set(keys())) == len(keys()), f"each start has a session of its own\n{seen()}")
    expect(" as 1\n" not in seen(), "xassume is process 1")
    last = sessions("podman")[-1][1]
    until(lambda: sessions("podman")[-1][1] == keys()[-1], f"the newest session {last}\n{seen()}")
    until(lambda: shell("podman kill --signal HUP worker").status == 0 and "reloaded" in seen(), "HUP reaches the command")
    begun = time.monotonic()
    ok("podman stop --time 60 worker")
    expect(time.monotonic() - begun < 40, "podman stop has waited for its own limit")
    expect_equal(ok("podman inspect --format '{{.State.ExitCode}}' worker"), "7", f"the status of the command\n{seen()}")
    ok("podman rm worker")


@check("before: the image runs with crun")
def _():
    lifetime(SHORT)
    bundle = pathlib.Path("/run/bundle")
    bundle.mkdir()
    # A copy, because crun makes the directories for its mounts in it. The container itself cannot write.
    ok(f"cp -a $(podman image mount {image()}) {bundle}/rootfs && podman image unmount {image()}")
    config = json.loads(ok(f"podman image inspect {image()}"))[0]["Config"]
    user = [int(number) for number in config["User"].split(":")]
    ok(f"cd {bundle} && crun spec")
    spec = json.loads((bundle / "config.json").read_text())
    options = ["-r", ROLE, "--role-session-name", "crun", "--on-expiry", "restart", "--stop-timeout", "8s"]
    spec["process"].update(
        args=[*config["Entrypoint"], *options, "--", BUSYBOX, "sh", "-c", COMMAND],
        env=[*config["Env"], f"AWS_ENDPOINT_URL_STS={ENDPOINT}", "AWS_REGION=us-east-1", *map("=".join, KEYS.items())],
        user={"uid": user[0], "gid": user[1]},
        terminal=False,
    )
    # In the network of the machine.
    spec["linux"]["namespaces"] = [one for one in spec["linux"]["namespaces"] if one["type"] != "network"]
    spec["root"] = {"path": "rootfs", "readonly": True}
    spec["mounts"].append({"destination": "/machine", "type": "bind", "source": "/machine", "options": ["bind", "ro"]})
    (bundle / "config.json").write_text(json.dumps(spec))
    output = bundle / "output"
    with open(output, "wb") as to:
        crun = subprocess.Popen(["crun", "run", "--bundle", bundle, "once"], stdin=subprocess.DEVNULL, stdout=to, stderr=to)
    try:
        until(lambda: output.read_text().count("serves with") >= 2 or crun.poll() is not None, "a restart")
        expect(crun.poll() is None, output.read_text())
        until(lambda: shell("crun kill once HUP").status == 0 and "reloaded" in output.read_text(), "HUP")
        ok("crun kill once TERM")
        expect_equal(crun.wait(PATIENCE), 7, output.read_text())
    finally:
        shell("crun delete --force once")
        crun.wait(PATIENCE)


LEFT = pathlib.Path("/root/left.json")
CACHE = WORKER / "cache"
RUN = WORKER / "run"
# Files on the disk, which survive a loss of power. Usually they are in memory.
LEFT_UNIT = """[Unit]
After=network-online.target
[Service]
User=worker
Environment=XDG_RUNTIME_DIR={run} AWS_REGION=us-east-1 {keys}
ExecStart=/usr/bin/xassume -v --no-cache {options} -r {role} --role-session-name {name} -- /usr/local/bin/server
[Install]
WantedBy=multi-user.target
"""
LEAVING = {
    "left-file": f"--via file --listen unix:{WORKER}/web.sock",
    "left-process": "--via process",
    "left-signal": "--on-expiry signal --signal HUP",
}
# Stores sessions all the time, so that the loss of power comes in the middle of it.
STORING = f"""#!/bin/sh
while :; do /usr/bin/xassume --force-refresh --cache-dir {CACHE} -r {ROLE} --role-session-name storing -- true; done
"""


def as_worker(line):
    keys = " ".join(f"{name}={value}" for name, value in KEYS.items())
    env = f"env HOME={WORKER} AWS_REGION=us-east-1 AWS_ENDPOINT_URL_STS={ENDPOINT} {keys}"
    return shell(f"setpriv --reuid worker --regid worker --clear-groups {env} {line}")


def cached_run(name):
    """A cached run with this session name: its result, with the access key in the output."""
    words = f"-v --cache-dir {CACHE} -r {ROLE} --role-session-name {name}"
    return as_worker(f"xassume {words} -- printenv AWS_ACCESS_KEY_ID")


@check("before: services, files and sockets are there when the power is cut")
def _():
    lifetime(3600)
    # The clock that the machine has after its start. A session of a clock that was ahead would not count.
    ok(f"{BUSYBOX} hwclock --hctosys --utc")
    RUN.mkdir(mode=0o700)
    shutil.chown(RUN, "worker", "worker")
    keys = " ".join(f"{name}={value}" for name, value in KEYS.items())
    for name, options in LEAVING.items():
        text = LEFT_UNIT.format(run=RUN, keys=keys, options=options, role=ROLE, name=name)
        (UNITS / f"{name}.service").write_text(text)
    program = pathlib.Path("/usr/local/bin/storing")
    program.write_text(STORING)
    program.chmod(0o755)
    ok("systemctl daemon-reload")
    names = [*LEAVING, *SERVICES]
    ok("systemctl --quiet enable " + " ".join(f"'{name}'" for name in [*names, "xassume-web.socket"]))
    for name in names:
        start(name)
    ok("systemctl start xassume-web.socket")
    ask()
    for name in ("kept", "torn", "empty"):
        before = set(CACHE.glob("*")) if CACHE.exists() else set()
        result = cached_run(name)
        expect_equal(result.status, 0, str(result))
        (entry,) = [path for path in set(CACHE.glob("*")) - before if path.stat().st_size]
        if name != "kept":
            os.truncate(entry, entry.stat().st_size // 2 if name == "torn" else 0)
    files = sorted(str(path) for path in RUN.rglob("*"))
    expect(len([path for path in RUN.iterdir()]) == len(LEAVING), f"a directory for each: {files}")
    expect((WORKER / "web.sock").is_socket(), "the socket")
    keys = [key for _, key in sessions()]
    LEFT.write_text(json.dumps({"files": files, "keys": keys, "kept": sessions("kept")[-1][1]}))
    ok("sync")
    count = len(sessions("storing"))
    environment = " ".join(f"-E {name}={value}" for name, value in {**KEYS, "AWS_REGION": "us-east-1"}.items())
    ok(f"systemd-run --quiet --unit=storing --uid=worker {environment} /usr/local/bin/storing")
    until(lambda: len(sessions("storing")) >= count + 3, "sessions are stored", "storing")


@check("after: the services run again, with new sessions")
def _():
    left = json.loads(LEFT.read_text())
    for unit in [*SERVICES, *LEAVING]:
        until(lambda: starts(unit), f"{unit} serves", unit)
        got = [shows(unit, name) for name in ("ActiveState", "NRestarts")]
        expect_equal(got, ["active", "0"], ok(f"journalctl -b -u '{unit}' -u aws -o short-monotonic"))
    for unit in SERVICES:
        key = starts(unit)[-1]
        expect(key not in left["keys"] and key in [key for _, key in sessions()], f"{unit}: {key}")
    expect_equal(shows("xassume-web.service", "ActiveState"), "inactive", "nothing has connected")
    ask()


@check("after: the files and sockets of the last boot are gone or replaced")
def _():
    left = json.loads(LEFT.read_text())
    now = sorted(str(path) for path in RUN.rglob("*"))
    expect_equal(set(now) & set(left["files"]), set(), "files of the last boot")
    expect_equal(len([path for path in RUN.iterdir()]), len(LEAVING), f"a directory for each: {now}")
    contents = b"".join(path.read_bytes() for path in RUN.rglob("*") if path.is_file())
    expect(b"ASIA" in contents and not [key for key in left["keys"] if key.encode() in contents], "keys of the last boot")
    with socket.socket(socket.AF_UNIX) as to:
        to.settimeout(PATIENCE)
        to.connect(str(WORKER / "web.sock"))
        to.sendall(b"GET / HTTP/1.0\r\n\r\n")
        expect(b" 200 OK" in to.recv(4096), "the server behind --listen")


@check("after: the cache has what was stored, and ignores a torn entry")
def _():
    left = json.loads(LEFT.read_text())
    result = cached_run("kept")
    expect_equal((result.status, result.stdout.strip()), (0, left["kept"]), f"the session of the last boot\n{result}")
    for name in ("torn", "empty", "storing"):
        first = cached_run(name)
        expect(first.status == 0, str(first))
        key = sessions(name)[-1][1] if sessions(name) else first.stdout.strip()
        expect_equal(first.stdout.strip(), key, f"{name}: a new session\n{first}")
        expect(name == "storing" or sessions(name), f"{name}: the entry was used\n{first}")
        expect_equal(cached_run(name).stdout.strip(), key, f"{name}: the session is cached again")
    listed = as_worker(f"xassume --list-sessions --cache-dir {CACHE}")
    expect(listed.status == 0 and len(listed.stdout.splitlines()) == 5, str(listed))
    cleared = as_worker(f"xassume --clear-cache --cache-dir {CACHE}")
    expect_equal((cleared.status, os.listdir(CACHE)), (0, []), str(cleared))


if __name__ == "__main__":
    sys.exit(run_checks(sys.argv[1:]))
