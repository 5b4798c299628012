"""`--listen` with real servers: they are restarted while a client sends requests, and no connection is refused.

The client opens a connection for each request and never retries. Each answer contains the process ID of the server.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from harness import (
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
    free_port,
    wait_until,
)
from metadata import served
from sessions import ROLE, SOURCE, ShortSts, installed

SERVERS = HERE / "servers"
CACHE = pathlib.Path(os.environ.get("XASSUME_CHECKS_CACHE", ROOT / "target" / "clients"))
# How many starts of the server must answer.
STARTS = 3


def ask(address):
    """Sends a request on a new connection; returns the body of the answer, which ends with the connection."""
    try:
        connection = socket.create_connection(address, 30)
    except OSError as error:
        raise Failed(f"a connection failed: {error}") from None
    with connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    expect(head.startswith(b"HTTP/1.1 200 "), f"not an answer: {answer!r}")
    # Go and Node may send chunks.
    return re.search(rb"\d{2,}", body)[0]


def restarted(words, *flags, port=0, answers_all=True, env=()):
    """Runs the server under xassume until STARTS starts of it have answered."""
    with directory() as place, served(ShortSts(4)) as sts, contextlib.ExitStack() as cleanup:
        words = [str(word).replace("PLACE", str(place)) for word in words]
        keys = {"AWS_ACCESS_KEY_ID": SOURCE, "AWS_SECRET_ACCESS_KEY": f"secret-of-{SOURCE}"}
        environment = clean_env(place, AWS_ENDPOINT_URL=sts.url, AWS_REGION="us-east-1", **keys, **dict(env))
        # The directory of the servers is part of the source.
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        log = place / "log"
        command = [XASSUME, "-v", "--no-cache", "--on-expiry", "restart", "--stop-timeout", "40s", *flags]
        command += ["--listen", str(port), "-r", ROLE, "--", *words]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=environment, cwd=SERVERS, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )
        cleanup.callback(end, process)

        def text():
            return log.read_text(errors="replace")

        def address():
            return re.search(r"listening on 127\.0\.0\.1:(\d+)", text())

        wait_until(lambda: address() or process.poll() is not None, 30, "the address in the log")
        expect(address(), text())
        at = ("127.0.0.1", int(address()[1]))
        seen, lost, asked, limit = [], [], 0, time.monotonic() + 60
        while len(set(seen)) < STARTS:
            expect(time.monotonic() < limit and process.poll() is None, f"only {set(seen)} of {asked}\n{text()}")
            asked += 1
            try:
                seen.append(ask(at))
            except Failed as error:
                expect("a connection failed" not in str(error), f"{error}\n{text()}")
                lost.append(str(error))
            except OSError as error:
                lost.append(repr(error))
            time.sleep(0.002)
        expect(not lost or not answers_all, f"{len(lost)} of {asked} requests had no answer: {lost[:3]}\n{text()}")
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        # uvicorn finishes, and then dies of the signal.
        expect(process.returncode in (0, -signal.SIGTERM), f"status {process.returncode}\n{text()}")


def python_servers():
    wanted = ["gunicorn==27.0.1", "uvicorn==0.54.0"]
    make = [[PYTHON, "-m", "venv", "."], ["bin/pip", "install", "-q", *wanted, "click==8.5.1", "h11==0.16.0"]]
    return installed("servers", PYTHON, make, " ".join(wanted)) / "bin"


@check("sockets: gunicorn takes the socket, and no request fails during restarts")
def _():
    restarted([python_servers() / "gunicorn", "--workers", "2", "app:wsgi"])


@check("sockets: uvicorn takes the socket, and no connection is refused during restarts")
def _():
    # When it is stopped, uvicorn closes connections whose requests it has not read yet.
    restarted([python_servers() / "uvicorn", "--fd", "3", "app:asgi"], answers_all=False)


@check("sockets: Go, net.FileListener")
def _():
    source = SERVERS / "server.go"
    place = installed("go-server", "go", [["go", "build", "-o", "server", source]], source.read_text())
    restarted([place / "server"])


@check("sockets: Node.js, listen({fd: 3})")
def _():
    node = shutil.which("node")
    if not node:
        raise Skipped("no node")
    restarted([node, SERVERS / "server.mjs"])


@check("sockets: nginx takes the socket by NGINX")
def _():
    found = [path for path in (pathlib.Path("/usr/sbin/nginx"), CACHE / "nginx/usr/sbin/nginx") if path.exists()]
    if not found:
        raise Skipped("no nginx (Debian's package)")
    port = free_port()
    with directory() as place:
        config = place / "nginx.conf"
        config.write_text((SERVERS / "nginx.conf").read_text().replace("PLACE", str(place)).replace("PORT", str(port)))
        words = [found[0], "-e", "stderr", "-c", config, "-g", "daemon off;"]
        # With TERM, nginx closes the connections that it has accepted.
        restarted(words, "--stop-signal", "QUIT", port=port, env={"NGINX": "3;"})


@check("sockets: the page names what these servers use")
def _():
    page = (ROOT / "docs/sockets.md").read_text()
    for text, source in (
        ("net.FileListener(os.NewFile(3, \"\"))", SERVERS / "server.go"),
        ("server.listen({fd: 3})", SERVERS / "server.mjs"),
        ("take_tcp_listener(0)", ROOT / "tests/support/probe/sockets.rs"),
        ("NGINX=3;", HERE / "sockets.py"),
        ("uvicorn --fd 3", HERE / "sockets.py"),
    ):
        expect(text in page, f"docs/sockets.md does not contain {text}")
        words = re.findall(r"\w+", text)
        expect(all(word in source.read_text() for word in words), f"{source} does not use {text}")
