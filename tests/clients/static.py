"""A static xassume in an empty root directory: no shared libraries, no system files.

XASSUME_STATIC is its path; `.ci/release musl` builds it and sets the variable.
"""

import contextlib
import os
import shutil
import socket
import socketserver
import struct
import threading
import time

from cloud import KEYS, REGION
from harness import Skipped, check, clean_env, directory, expect, expect_equal, run
from sts import recording_sts

ROLE = "arn:aws:iam::521111111144:role/DeployMaster"
SESSION = "arn:aws:sts::521111111144:assumed-role/DeployMaster/static"
ASSUME = ["-r", ROLE, "--role-session-name", "static", "--sts-timeout", "10s"]


@contextlib.contextmanager
def empty_root():
    """A directory with only xassume and a static command, and a function that runs xassume there."""
    binary = os.environ.get("XASSUME_STATIC")
    if not binary:
        raise Skipped("no static build: see .ci/release")
    # `true`, `env` and a shell in one static binary.
    busybox = shutil.which("busybox")
    if not busybox or run(["ldd", busybox], clean_env("/")).status == 0:
        raise Skipped("no static busybox (Debian's package busybox-static)")
    enter = ["chroot"] if os.getuid() == 0 else ["unshare", "--map-root-user", "chroot"]
    with directory() as path:
        shutil.copy(binary, path / "xassume")
        shutil.copy(busybox, path / "busybox")

        def inside(*words, **more):
            env = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": REGION, **KEYS, **more}
            return run([shutil.which(enter[0]), *enter[1:], path, "/xassume", *words], env, cwd="/")

        yield path, inside


@check("static: the binary needs no interpreter and no library")
def _():
    with empty_root() as (path, inside):
        headers = run(["readelf", "--program-headers", "--dynamic", path / "xassume"], clean_env(path)).expect_success()
        expect("INTERP" not in headers.stdout and "(NEEDED)" not in headers.stdout, str(headers))
        expect(inside("--version").expect_success().stdout.startswith("xassume "), "--version")
        expect_equal(inside("-r", ROLE, "--", "nowhere").status, 127, "a command that does not exist")


@check("static: a launch, with an address and with a name in /etc/hosts")
def _():
    with empty_root() as (path, inside), recording_sts(path) as sts:
        port = sts.server_address[1]
        words = [*ASSUME, "--no-cache", "--", "/busybox", "sh", "-c", 'echo "$XASSUME_SESSION $AWS_ACCESS_KEY_ID"; exit 7']
        result = inside("--sts-endpoint", sts.url, *words)
        expect_equal((result.status, result.stderr), (7, ""), str(result))
        expect_equal(result.stdout.split(), [SESSION, next(iter(sts.issued))], "the session")
        result = inside("--sts-endpoint", sts.url, *ASSUME, "--via", "file", "--", "/busybox", "true", TMPDIR="/")
        expect_equal((result.status, result.stderr), (0, ""), f"supervised\n{result}")
        named = ["--sts-endpoint", f"http://sts.test:{port}", *words]
        result = inside(*named)
        expect(result.status == 125 and "cannot resolve" in result.stderr, f"an unknown name\n{result}")
        (path / "etc").mkdir()
        (path / "etc" / "hosts").write_text("127.0.0.1 sts.test\n")
        result = inside(*named)
        expect_equal((result.status, result.stdout.split()[:1]), (7, [SESSION]), str(result))


@contextlib.contextmanager
def name_server(place, **answers):
    """Runs a name server on an address of its own, writes a resolv.conf for it and returns the list of queries.

    It uses port 53, because resolv.conf cannot set another. `answers` maps a label of a name to one of the words below,
    and the last of these labels counts. The address is 127.0.0.1. Other names do not exist.
    """
    address = "127.83.65.53"
    asked = []

    def answer(query, tcp):
        end = query.index(b"\0", 12)
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode(errors="replace"))
            at += 1 + query[at]
        (kind,) = struct.unpack("!H", query[end + 1 : end + 3])
        asked.append((".".join(labels), kind, tcp))
        found = b"\xc0\x0c" + struct.pack("!HHIH4B", 1, 1, 60, 4, 127, 0, 0, 1) if kind == 1 else b""
        # The flags "truncated" (0x200) and the response codes SERVFAIL (2), NXDOMAIN (3) and REFUSED (5).
        word = next((answers[label] for label in reversed(labels) if label in answers), "unknown")
        count, flags = {
            "address": (int(kind == 1), 0),
            "many": (int(kind == 1) * 60, 0),
            "only IPv4": (1, 0) if kind == 1 else (0, 3),
            "empty": (0, 0),
            "refused": (0, 5),
            "failure": (0, 2),
            "unknown": (0, 3),
        }[word]
        if word == "many" and not tcp:
            count, flags = 0, 0x200
        return query[:2] + struct.pack("!HHHHH", 0x8180 | flags, 1, count, 0, 0) + query[12 : end + 5] + found * count

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self):
            query, server = self.request
            server.sendto(answer(query, False), self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self):
            while head := self.rfile.read(2):
                reply = answer(self.rfile.read(int.from_bytes(head, "big")), True)
                self.wfile.write(len(reply).to_bytes(2, "big") + reply)

    class Streams(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    with contextlib.ExitStack() as stack:
        try:
            servers = [stack.enter_context(socketserver.UDPServer((address, 53), Datagram))]
            servers.append(stack.enter_context(Streams((address, 53), Stream)))
        except OSError as error:
            raise Skipped(f"no name server at {address}: {error}") from None
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        (place / "etc").mkdir(exist_ok=True)
        (place / "etc" / "resolv.conf").write_text(f"nameserver {address}\n")
        yield asked


def assumes_by_name(inside, sts, name="sts.example.test"):
    """Expects that xassume assumes the role with the STS that has this name in DNS."""
    endpoint = f"http://{name}:{sts.server_address[1]}"
    result = inside("--sts-endpoint", endpoint, *ASSUME, "--no-cache", "--", "/busybox", "env")
    expect_equal((result.status, result.stderr), (0, ""), str(result))
    expect(f"XASSUME_SESSION={SESSION}" in result.stdout.split(), str(result))


@check("static: a name is resolved through DNS with only /etc/resolv.conf")
def _():
    with empty_root() as (path, inside), recording_sts(path) as sts, name_server(path, sts="address") as asked:
        assumes_by_name(inside, sts)
        expect(("sts.example.test", 1, False) in asked, str(asked))


@check("static: an answer of DNS that is truncated is requested again over TCP")
def _():
    with empty_root() as (path, inside), recording_sts(path) as sts, name_server(path, sts="many") as asked:
        assumes_by_name(inside, sts)
        expect(("sts.example.test", 1, True) in asked, str(asked))


@check("static: a name server that does not answer delays nothing, if another one answers")
def _():
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with silent, empty_root() as (path, inside), recording_sts(path) as sts, name_server(path, sts="address"):
        silent.bind(("127.83.65.54", 53))
        settings = path / "etc" / "resolv.conf"
        settings.write_text(f"nameserver 127.83.65.54\n{settings.read_text()}")
        begun = time.monotonic()
        assumes_by_name(inside, sts)
        expect(time.monotonic() - begun < 4, f"{time.monotonic() - begun:.1f} s")


@check("static: search domains are used, and one that fails does not hide a name that exists")
def _():
    searched = {"failing": "failure", "refusing": "refused", "void": "empty"}
    names = {"nowhere": "unknown", "short": "address", "sts": "address", "four": "only IPv4"}
    with empty_root() as (path, inside), recording_sts(path) as sts, name_server(path, **searched, **names) as asked:
        settings, port = path / "etc" / "resolv.conf", sts.server_address[1]
        server = settings.read_text()
        settings.write_text(f"{server}search nowhere.test found.test\noptions edns0 trust-ad rotate ndots:2\n")
        assumes_by_name(inside, sts, "short")
        expect(("short.found.test", 1, False) in asked, str(asked))
        for domain in searched:
            settings.write_text(f"{server}search {domain}.test\noptions ndots:5\n")
            assumes_by_name(inside, sts)
        settings.write_text(server)
        proxy = {"HTTPS_PROXY": f"http://four.example.test:{port}", "SSL_CERT_FILE": "/authority.pem"}
        result = inside(*ASSUME, "--no-cache", "--", "/busybox", "true", **proxy)
        expect_equal((result.status, result.stderr), (0, ""), f"a name without IPv6 addresses\n{result}")


@check("static: TLS needs certificates, from SSL_CERT_FILE, a bundle or the usual path")
def _():
    with empty_root() as (path, inside), recording_sts(path) as sts:
        authority = sts.authority.bundle.read_bytes()
        sts.authority.bundle.unlink()
        words = [*ASSUME, "--no-cache", "--", "/busybox", "true"]
        result = inside(*words, HTTPS_PROXY=sts.url)
        expect(result.status == 125 and "certificates" in result.stderr and "SSL_CERT_FILE" in result.stderr, str(result))
        (path / "authority.pem").write_bytes(authority)
        for more in ({"SSL_CERT_FILE": "/authority.pem"}, {"AWS_CA_BUNDLE": "/authority.pem"}):
            result = inside(*words, HTTPS_PROXY=sts.url, **more)
            expect_equal((result.status, result.stderr), (0, ""), f"{more}\n{result}")
        certificates = path / "etc" / "ssl" / "certs"
        certificates.mkdir(parents=True)
        (path / "authority.pem").rename(certificates / "ca-certificates.crt")
        result = inside(*words, HTTPS_PROXY=sts.url)
        expect_equal((result.status, result.stderr), (0, ""), f"the path that distributions use\n{result}")
        expect_equal(set(sts.proxied), {f"sts.{REGION}.amazonaws.com"}, "hosts that were requested from the proxy")
