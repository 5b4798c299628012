"""A static xassume in an empty root directory: no shared libraries, no system files.

XASSUME_STATIC is its path; `.ci/release static` builds it and sets the variable.
"""

import contextlib
import os
import shutil
import socket
import struct
import threading

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
def name_server(address):
    """Answers every query for an IPv4 address with 127.0.0.1. Uses port 53, because resolv.conf cannot set another."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked = []

    def serve():
        while True:
            query, client = server.recvfrom(512)
            if not query:
                return
            end = query.index(b"\0", 12)
            asked.append(query[13:end].decode(errors="replace"))
            (kind,) = struct.unpack("!H", query[end + 1 : end + 3])
            question = query[12 : end + 5]
            head = query[:2] + struct.pack("!HHHHH", 0x8580, 1, int(kind == 1), 0, 0)
            answer = b"\xc0\x0c" + struct.pack("!HHIH4B", 1, 1, 60, 4, 127, 0, 0, 1) if kind == 1 else b""
            server.sendto(head + question + answer, client)

    with server:
        try:
            server.bind((address, 53))
        except OSError as error:
            raise Skipped(f"no name server at {address}: {error}") from None
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield asked
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (address, 53))
            thread.join(5)


@check("static: a name is resolved through DNS with only /etc/resolv.conf")
def _():
    address = "127.83.65.53"
    with empty_root() as (path, inside), recording_sts(path) as sts, name_server(address) as asked:
        (path / "etc").mkdir()
        (path / "etc" / "resolv.conf").write_text(f"nameserver {address}\n")
        endpoint = f"http://sts.example.test:{sts.server_address[1]}"
        result = inside("--sts-endpoint", endpoint, *ASSUME, "--no-cache", "--", "/busybox", "env")
        expect_equal((result.status, result.stderr), (0, ""), str(result))
        expect(f"XASSUME_SESSION={SESSION}" in result.stdout.split(), str(result))
        expect(asked, "the name server got no query")


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
