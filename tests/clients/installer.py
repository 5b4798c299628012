"""packaging/install.sh: installs a small release, made here and signed with a key of this run, from a server on the
loopback interface; and rejects releases, servers and systems that are not as they should be.

With XASSUME_DIST, the directory that `.ci/release dist` writes, its release is installed too.
"""

import atexit
import contextlib
import functools
import gzip
import hashlib
import io
import itertools
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import tarfile
import threading

from harness import ROOT, VENV_BIN, XASSUME, Skipped, check, clean_env, directory, end, expect, expect_equal, run
from metadata import Handler, Server, served
from sts import Authority

SCRIPT = ROOT / "packaging" / "install.sh"
MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
TARGET = f"{MACHINE}-unknown-linux-musl"
SUMS = "SHA256SUMS"
# Where the script installs the files of the archive.
FILES = {
    "xassume": "bin/xassume",
    "xassume.1": "share/man/man1/xassume.1",
    "completions/xassume.bash": "share/bash-completion/completions/xassume",
    "completions/_xassume": "share/zsh/site-functions/_xassume",
    "completions/xassume.fish": "share/fish/vendor_completions.d/xassume.fish",
}
# The programs that the script may need besides a shell, curl or wget.
NEEDED = "cat chmod gzip head id mkdir mktemp mv openssl printf rm rmdir sed tar timeout tr uname".split()
SHELLS = {
    " ".join((name, *more)): [path, *more]
    for name, *more in (["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"], ["mksh"], ["ksh"])
    if (path := shutil.which(name))
}


def openssl(*words):
    if not shutil.which("openssl"):
        raise Skipped("no openssl")
    run(["openssl", *words], clean_env("/")).expect_success()


class Release:
    """A directory with a release, and its key."""

    def __init__(self, place, version, members, kind="ec"):
        place.mkdir()
        self.place, self.version, self.key = place, version, place / "xassume.pub"
        self.name = f"xassume-{version}-{TARGET}"
        self.archive = place / f"{self.name}.tar.gz"
        with gzip.open(self.archive, "wb", compresslevel=1) as out, tarfile.open(fileobj=out, mode="w") as archive:
            for name, data in members:
                part = tarfile.TarInfo(name if name.startswith(("/", "../")) else f"{self.name}/{name}")
                if isinstance(data, str):
                    part.type, part.linkname, data = tarfile.SYMTYPE, data, b""
                part.size, part.mode = len(data), 0o644
                archive.addfile(part, io.BytesIO(data))
        self.private = place.with_name(f"{place.name}.pem")
        how = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["-algorithm", "RSA"]
        openssl("genpkey", *how, "-out", self.private)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.key)
        self.sign()

    def sign(self, sums=None):
        sums = sums or f"{hashlib.sha256(self.archive.read_bytes()).hexdigest()}  {self.archive.name}\n"
        (self.place / SUMS).write_text(f"{'0' * 64}  xassume-{self.version}.tar.gz\n{sums}")
        words = ["-sha256", "-sign", self.private, "-out", self.place / f"{SUMS}.sig", self.place / SUMS]
        openssl("dgst", *words)

    def data(self):
        """The files by their names; a check may change them on their way."""
        return {path.name: path.read_bytes() for path in self.place.iterdir() if path.is_file()}


@functools.cache
def place():
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    path = stack.enter_context(directory())
    # Also for a user without rights.
    path.chmod(0o755)
    return path


@functools.cache
def members():
    """The version and the files of the archive. The program is a script, because debug builds are large."""
    version = run([XASSUME, "-V"], clean_env("/")).expect_success().stdout.split()[1]
    program = f"#!/bin/sh\necho xassume {version}\n".encode().ljust(100_000, b"#")
    texts = {name: (ROOT / "completions" / pathlib.Path(name).name).read_bytes() for name in FILES if name != "xassume"}
    return version, {"xassume": program, **texts, "README.md": b"xassume\n"}


@functools.cache
def release():
    version, files = members()
    return Release(place() / "release", version, files.items())


@functools.cache
def real_release():
    """With the program under test and another kind of key."""
    version, files = members()
    program = place() / "xassume"
    # Debug builds are large.
    if not shutil.which("strip") or run(["strip", "-o", program, XASSUME], clean_env("/")).status != 0:
        shutil.copy(XASSUME, program)
    return Release(place() / "real", version, {**files, "xassume": program.read_bytes()}.items(), "rsa")


class Files(Server):
    """Serves files, or answers of another kind: a function that gets the handler."""

    def __init__(self, files):
        class Answer(Handler):
            def do_CONNECT(self):
                self.server.seen.append(self.path)
                self.answer(403, "")

            def do_GET(self):
                # A request to a proxy has the whole address.
                name = self.path.rpartition("/")[2]
                self.server.seen.append(self.path)
                data = self.server.files.get(name)
                if callable(data):
                    data(self)
                elif data is None:
                    self.answer(404, "<html>There is no such page.</html>\n", "text/html")
                else:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

        super().__init__(Answer)
        self.files = files


@functools.cache
def programs(*names):
    """A PATH with only the programs that the script needs, and these. `busybox` stands for all of its applets."""
    path = place() / "-".join(("path", *names))
    path.mkdir()
    if names == ("busybox",):
        run(["busybox", "--install", "-s", path], clean_env("/")).expect_success()
        # It has no openssl. A link of this name must not stand for the real wget.
        names = ("openssl",)
    else:
        names = (*NEEDED, *names)
    for name in names:
        program = shutil.which(name)
        if not program:
            raise Skipped(f"no {name}")
        (path / name).unlink(missing_ok=True)
        (path / name).symlink_to(program)
    return path


class World:
    """A home, a directory for temporary files, and a prefix with a space and a quote in its path."""

    def __init__(self, home, path=None):
        self.home, self.temporary, self.prefix = home, home / "tmp dir", home / "it's a prefix"
        home.chmod(0o755)
        self.temporary.mkdir()
        self.env = clean_env(home, PATH=path or programs("curl"), TMPDIR=self.temporary, XDG_CACHE_HOME=home / "cache")

    def install(self, *words, shell="dash", before=(), script=SCRIPT, timeout=60, **env):
        """Runs the script in a shell; `before` is a program that runs the shell."""
        env = {name: value for name, value in {**self.env, **env}.items() if value != "-"}
        result = run([*before, *SHELLS[shell], script, *words], {k: str(v) for k, v in env.items()}, timeout, cwd=self.home)
        expect(not any(self.temporary.iterdir()), f"files remain in {self.temporary}\n{result}")
        return result

    def words(self, address, made=None, prefix=None):
        return ["--from", address, "--key", (made or release()).key, "--prefix", prefix or self.prefix]

    def installed(self, prefix=None):
        prefix = prefix or self.prefix
        walk = os.walk(prefix, followlinks=True)
        return {os.path.relpath(os.path.join(top, name), prefix): pathlib.Path(top, name) for top, _, names in walk for name in names}

    def expect_installed(self, prefix=None):
        found = self.installed(prefix)
        expect_equal(sorted(found), sorted(FILES.values()), "files")
        _, files = members()
        for name, path in FILES.items():
            expect(found[path].read_bytes() == files[name], f"{path} has other contents")
            expect_equal(found[path].stat().st_mode & 0o7777, 0o755 if name == "xassume" else 0o644, f"mode of {path}")


@contextlib.contextmanager
def served_release(made=None, **changed):
    """A world and a server with the files of a release; an underscore in a name stands for the dot."""
    made = made or release()
    names = {"sums": SUMS, "signature": f"{SUMS}.sig", "archive": made.archive.name}
    with directory() as home, served(Files({**made.data(), **{names[k]: v for k, v in changed.items()}})) as server:
        yield World(home), server


def expect_refused(result, world, message, hint=""):
    """One error with the text, and nothing is installed."""
    lines = result.stderr.splitlines()
    expect_equal(result.status, 1, str(result))
    expect(lines and lines[0].startswith("install.sh: error: ") and message in lines[0], f"expected: {message}\n{result}")
    expect(len(lines) <= 2 and all(line.startswith("hint: ") for line in lines[1:]), f"an error and a hint\n{result}")
    expect(hint in "".join(lines[1:]), f"expected the hint: {hint}\n{result}")
    expect_equal(world.installed(), {}, f"installed files\n{result}")


@check("installer: in each shell, with curl, with wget and with BusyBox only")
def _():
    done = []
    for (shell, _), tool in itertools.product(SHELLS.items(), ("curl", "wget", "busybox")):
        with contextlib.suppress(Skipped), served_release(made := release()) as (world, server):
            world.env["PATH"] = str(programs(tool))
            words = world.words(server.url, made)
            result = world.install(*words, shell=shell)
            expect_equal((result.status, result.stderr), (0, ""), f"{shell}, {tool}\n{result}")
            expect(f"installed xassume {made.version}: {world.prefix}/bin/xassume\n" in result.stdout, str(result))
            expect_equal(sorted(server.seen), sorted(f"/{name}" for name in (SUMS, f"{SUMS}.sig", made.archive.name)), "requests")
            world.expect_installed()
            # A second run replaces the files.
            old = world.installed()["bin/xassume"].stat().st_ino
            expect_equal(world.install(*words, shell=shell).status, 0, "the second run")
            expect(world.installed()["bin/xassume"].stat().st_ino != old, "the file was overwritten, not replaced")
            world.expect_installed()
            result = world.install("--uninstall", f"--prefix={world.prefix}", shell=shell)
            expect_equal((result.status, result.stderr, world.installed()), (0, "", {}), str(result))
            expect_equal(result.stdout.count("install.sh: removed "), len(FILES), str(result))
            done.append((shell, tool))
    expect({"curl", "wget", "busybox"} == {tool for _, tool in done} or os.getuid() != 0, f"only with {done}")
    if not done:
        raise Skipped("no openssl, or neither curl nor wget")


@check("installer: the program under test is installed and runs")
def _():
    made = real_release()
    with served_release(made) as (world, server):
        result = world.install(*world.words(server.url, made), "--version", made.version)
        expect_equal((result.status, result.stderr), (0, ""), str(result))
        program = world.prefix / "bin" / "xassume"
        expect(program.read_bytes() == (place() / "xassume").read_bytes(), "another program")
        shown = run([program, "--version"], world.env).expect_success()
        expect(shown.stdout.startswith(f"xassume {made.version}\n"), str(shown))


@check("installer: a script that is cut off anywhere does nothing")
def _():
    text = SCRIPT.read_bytes()
    lines = list(itertools.accumulate(len(line) for line in text.splitlines(keepends=True)))[:-1]
    # Each byte of the first commands and of the last ones; each line of all.
    first, last = text.index(b"say()"), text.index(b"main() {")
    places = {*lines, *range(first + 200), *range(len(text) - 300, len(text) - 1)}
    expect(first < last and len(text) - 300 > last, "the script has another order")
    with directory() as home:
        world = World(home)
        part = home / "part.sh"
        words = world.words(release().place)
        for shell in SHELLS:
            some = {"dash": places, "bash": lines, "busybox sh": lines}.get(shell, range(len(text) - 40, len(text) - 1))
            for end_of_part in sorted(some):
                # The last line break is not needed.
                if text[end_of_part:].strip():
                    part.write_bytes(text[:end_of_part])
                    result = world.install(*words, shell=shell, script=part)
                    expect(not result.stdout and not world.prefix.exists(), f"{end_of_part} bytes in {shell}\n{result}")
        # As in `curl … | sh -s -- …`.
        for end_of_part in (*lines[-20:], len(text)):
            program = f'head -c {end_of_part} "$0" | sh -s -- "$@"'
            piped = run(["sh", "-c", program, SCRIPT, *words], {**world.env, "PATH": "/usr/bin:/bin"}, cwd=home)
            expect_equal(world.prefix.exists(), end_of_part == len(text), f"{end_of_part} bytes\n{piped}")
        world.expect_installed()


def html(handler):
    handler.answer(200, "<html>Please sign in.</html>\n", "text/html")


def cut_off(data, announced=True):
    """Ends the answer after two thirds, with or without a length."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header(*(("Content-Length", str(len(data))) if announced else ("Connection", "close")))
        handler.end_headers()
        handler.wfile.write(data[: len(data) * 2 // 3])
        handler.close_connection = True

    return answer


def endless(handler):
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    # More than any limit; the client ends the connection.
    for _ in range(1024):
        handler.wfile.write(b"a" * 2**20)


@check("installer: answers that are incomplete, wrong or not from the signer")
def _():
    made, other = release(), real_release()
    data = made.data()
    archive = data[made.archive.name]
    changed = bytearray(archive)
    changed[len(changed) // 2] ^= 1
    sums = data[SUMS]
    cases = [
        ({"sums": None}, f"/{SUMS}: ", "check the address"),
        ({"sums": html}, "is not a list of SHA-256 sums", "check the address"),
        ({"sums": b""}, "is not a list of SHA-256 sums", ""),
        ({"sums": endless}, "", ""),
        ({"sums": sums + b"\n"}, "the signature", "do not use this release"),
        ({"sums": sums[:-1]}, "the signature", "do not use this release"),
        ({"signature": None}, f"/{SUMS}.sig: ", "without a signature"),
        ({"signature": html}, "the signature", ""),
        ({"signature": b""}, "the signature", ""),
        ({"signature": other.data()[f"{SUMS}.sig"]}, "the signature", "--key FILE"),
        ({"archive": None}, f"/{made.archive.name}: ", ""),
        ({"archive": html}, "does not have the signed sum", "try again"),
        ({"archive": bytes(changed)}, "does not have the signed sum", ""),
        ({"archive": archive[:-1]}, "does not have the signed sum", ""),
        ({"archive": cut_off(archive)}, "", ""),
        ({"archive": cut_off(archive, announced=False)}, "does not have the signed sum", ""),
        ({"archive": other.archive.read_bytes() + b"0"}, "does not have the signed sum", ""),
        ({"archive": endless}, "", ""),
    ]
    for tool, (answers, message, hint) in itertools.product(("curl", "wget", "busybox"), cases):
        with served_release(**answers) as (world, server):
            try:
                world.env["PATH"] = str(programs(tool))
            except Skipped:
                continue
            # GNU wget requests the rest of an incomplete answer, waits, and would request the whole again.
            expect_refused(world.install(*world.words(server.url)), world, message, hint)


@check("installer: a signed release that is another one, or whose archive is hostile")
def _():
    version, files = members()
    with directory() as home:
        made = Release(home / "old", "0.0.1", files.items())
        world = World(home)
        words = world.words(made.place, made)
        refused = world.install(*words, "--version", "0.0.2")
        expect_refused(refused, world, f"no xassume 0.0.2 for {MACHINE}, but version 0.0.1", "--version")
        # The name in the list is signed, but the program is another version.
        expect_refused(world.install(*words), world, f"xassume 0.0.1 does not run on this system: xassume {version}")
        line = (made.place / SUMS).read_text().splitlines()[1]
        made.sign(f"{line}\n{line.replace('0.0.1-', '0.0.2-')}\n")
        expect_refused(world.install(*words), world, "several versions", "--version")
        # Twice the same, without a line break at the end.
        made.sign(f"{line}\n{line}")
        expect_refused(world.install(*words, OPENSSL_CONF=SCRIPT), world, "xassume 0.0.1 does not run on this system")
        made.sign(line)
        expect_refused(world.install(*words), world, "xassume 0.0.1 does not run on this system")
        made.sign(f"{line.replace('0.0.1-', '../0.0.1-')}\n")
        expect_refused(world.install(*words), world, "'../0.0.1' is not a version")
        made.sign(f"{line.replace(MACHINE, 'sparc')}\n")
        expect_refused(world.install(*words), world, f"no xassume for {MACHINE}")

        victim = home / "victim"
        victim.write_text("untouched")
        changes = [
            ([("xassume", str(victim))], "cannot extract xassume "),
            ([("xassume", "../../victim")], "cannot extract xassume "),
            ([("completions", str(home)), ("completions/_xassume", b"changed")], "cannot extract xassume "),
            ([("xassume", b"")], "cannot extract xassume "),
            ([("xassume", b"#!/nowhere\n")], f"xassume {version} does not run on this system"),
            ([("xassume", b"\x7fELF\2\1\1" + bytes(57))], f"xassume {version} does not run on this system"),
        ]
        texts = [(name, data) for name, data in files.items() if name != "xassume"]
        for number, (change, message) in enumerate(changes):
            made = Release(home / f"changed{number}", version, [*change, *texts])
            expect_refused(world.install(*world.words(made.place, made)), world, message)
        # Other names in the archive are never written.
        more = [("../victim", b"x"), (f"../../../../{victim}", b"x"), (str(victim), b"x"), ("../../victim", b"x")]
        made = Release(home / "more", version, [*more, *files.items()])
        for path in (programs("curl"), programs("busybox") if shutil.which("busybox") else programs("curl")):
            result = world.install(*world.words(made.place, made), PATH=path)
            expect_equal((result.status, result.stderr), (0, ""), str(result))
            world.expect_installed()
        expect_equal(victim.read_text(), "untouched", "a file outside")
        expect_equal(sorted(home.rglob("victim")), [victim], "files outside")


@check("installer: only https, http of this host, or a directory; redirects and proxies")
def _():
    with served_release() as (world, server), directory() as certificates:
        port = server.server_address[1]
        for address in (
            "http://example.com/", f"http://127.0.0.1@example.com:{port}", f"http://127.0.0.1:{port}@example.com",
            "http://127.0.0.1.example.com", "http://localhost:80.example.com/", "http://0.0.0.0:1", "HTTP://localhost",
            "ftp://127.0.0.1/", "https://", "file://host/x", "-o/x", "", "/nowhere", "example.com/release",
        ):
            expect_refused(world.install(*world.words(address)), world, "--from is empty" if not address else "address" if ":" in address else "directory")
        expect_equal(server.seen, [], "requests")
        refused = world.install(*world.words(f"{server.url}/{{version}}"))
        expect_refused(refused, world, "needs a version", "--version")
        for address in (f"{server.url}/{{version}}/x/", f"http://localhost:{port}/v{{version}}", f"file://{release().place}", "../release"):
            if address.startswith(".."):
                address = os.path.relpath(release().place, world.home)
            result = world.install(*world.words(address), "--version", f"v{release().version}")
            expect_equal((result.status, result.stderr), (0, ""), str(result))
            shutil.rmtree(world.prefix)
        expect(f"/{release().version}/x/{SUMS}" in server.seen, f"the version in the address: {server.seen}")

        # https with an authority of this run; a redirect to http is not followed, not even on this host.
        authority = Authority(certificates)
        with served(Files(release().data())) as secure:
            secure.socket = authority.context("localhost").wrap_socket(secure.socket, server_side=True)
            words = world.words(f"https://localhost:{secure.server_address[1]}")
            expect_refused(world.install(*words), world, "certificate")
            trusted = {"CURL_CA_BUNDLE": authority.bundle}
            expect_equal(world.install(*words, **trusted).status, 0, "https")
            shutil.rmtree(world.prefix)
            secure.files[SUMS] = lambda handler: handler.answer(302, "", Location=f"{server.url}/{SUMS}")
            expect_refused(world.install(*words, **trusted), world, "http")
            secure.files[SUMS] = lambda handler: handler.answer(302, "", Location=f"{words[1]}/moved/other")
            secure.files["other"] = release().data()[SUMS]
            expect_equal(world.install(*words, **trusted).status, 0, "a redirect to https")
            shutil.rmtree(world.prefix)

        # A proxy gets requests to other hosts, but none to this one.
        for tool in ("curl", "wget", "busybox"):
            with contextlib.suppress(Skipped):
                server.seen.clear()
                path = programs(tool)
                proxies = dict.fromkeys(("http_proxy", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
                result = world.install(*world.words(server.url), PATH=path, **proxies)
                expect_equal((result.status, result.stderr, len(server.seen)), (0, "", 3), f"{tool}\n{result}")
                shutil.rmtree(world.prefix)
                if tool != "busybox":
                    expect_refused(world.install(*world.words("https://example.com/x"), PATH=path, https_proxy=server.url), world, "cannot get https://example.com/x/")
                    expect_equal(set(server.seen[3:]), {"example.com:443"}, f"the proxy of {tool}")


def unprivileged():
    """Words that run a program as a user without rights."""
    if os.getuid() != 0:
        return []
    if not shutil.which("setpriv"):
        raise Skipped("no setpriv")
    return [shutil.which("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"]


@check("installer: without root, and where it cannot write")
def _():
    with directory() as home:
        world = World(home)
        key, address, before = release().key, release().place, unprivileged()
        script = home / "install.sh"
        shutil.copy(SCRIPT, script)
        for path in (home, world.temporary):
            os.chown(path, 65534 if before else -1, -1)
        words = ["--from", address, "--key", key]
        result = world.install(*words, before=before, script=script)
        expect_equal((result.status, result.stderr), (0, ""), str(result))
        world.expect_installed(home / ".local")
        expect(f'export PATH="{home}/.local/bin:$PATH"' in result.stdout, str(result))
        result = world.install(*words, before=before, script=script, PATH=f"{home}/.local/bin:{world.env['PATH']}")
        expect("PATH" not in result.stdout, str(result))
        result = world.install("--uninstall", before=before, script=script, HOME=f"{home}/other")
        expect_refused(result, world, f"not installed below {home}/other/.local", "--prefix")
        expect_equal(world.install("--uninstall", before=before, script=script).status, 0, "--uninstall")
        expect_equal(world.installed(home / ".local"), {}, "files")
        expect_refused(world.install(*words, before=before, script=script, HOME="-"), world, "HOME is not set", "--prefix")
        # A path below a directory of root, or one without write permission.
        closed = home / "closed"
        closed.mkdir(0o555)
        for prefix in (closed, "/usr/local"):
            result = world.install(*words, "--prefix", prefix, before=before, script=script)
            if os.access("/usr/local", os.W_OK) and not before and prefix != closed:
                continue
            expect_refused(result, world, f"cannot {'create' if prefix == closed else 'write to'} {prefix}/bin: ", "--prefix")
        closed.chmod(0o755)
        expect_equal(list(closed.iterdir()), [], "files")


@check("installer: umasks, links, a running program, and another program in the way")
def _():
    with directory() as home:
        world = World(home)
        words = world.words(release().place)
        for mask in ("000", "077", "777"):
            program = f'umask {mask}; exec "$@"'
            result = world.install(*words, before=["/bin/sh", "-c", program, "sh"])
            expect_equal((result.status, result.stderr), (0, ""), f"umask {mask}\n{result}")
            world.expect_installed()
            modes = {path.stat().st_mode & 0o7777 for path in (world.prefix, *world.prefix.rglob("*")) if path.is_dir()}
            expect_equal(modes, {0o755}, f"modes of directories with umask {mask}")
            shutil.rmtree(world.prefix)
        # A link to a directory is followed; a link to a file is replaced.
        (home / "real").mkdir()
        world.prefix.mkdir()
        (world.prefix / "bin").symlink_to(home / "real")
        (home / "victim").write_text("untouched")
        (home / "real" / "xassume").symlink_to(home / "victim")
        expect_equal(world.install(*words).status, 0, "with links")
        world.expect_installed()
        expect_equal((home / "victim").read_text(), "untouched", "the file that the link names")
        # The program is running.
        shutil.copy(shutil.which("sleep"), home / "real" / "xassume")
        with subprocess.Popen([home / "real" / "xassume", "30"]) as process:
            try:
                expect_equal(world.install(*words).status, 0, "while the program runs")
                expect(process.poll() is None, "the running program ended")
            finally:
                process.kill()
        world.expect_installed()
        # Relative, with the program in the way.
        other = home / "other"
        (other / "bin" / "xassume").mkdir(parents=True)
        words = world.words(release().place, prefix="other")
        result = world.install(*words)
        expect(result.status == 1 and f"{other}/bin/xassume is a directory" in result.stderr, str(result))
        expect_equal([path for path in other.rglob("*") if not path.is_dir()], [], "files")
        for prefix, message in (("~/x", "did not expand ~"), ("", "--prefix is empty")):
            result = world.install(*words, "--prefix", prefix)
            expect(result.status == 1 and message in result.stderr, str(result))
        # Elsewhere in PATH.
        result = world.install(*world.words(release().place), PATH=f"{home}/shadow:{world.prefix}/bin:{world.env['PATH']}")
        expect("PATH" not in result.stdout, str(result))
        (home / "shadow").mkdir()
        shutil.copy(SCRIPT, home / "shadow" / "xassume")
        (home / "shadow" / "xassume").chmod(0o755)
        result = world.install(*world.words(release().place), PATH=f"{home}/shadow:{world.prefix}/bin:{world.env['PATH']}")
        expect(f"PATH has another xassume first: {home}/shadow/xassume" in result.stdout, str(result))


@check("installer: a full disk")
def _():
    unshare = [shutil.which("unshare"), "--mount", *([] if os.getuid() == 0 else ["--map-root-user"])]
    if not unshare[0] or run([*unshare, "true"], clean_env("/")).status != 0:
        raise Skipped("new mount namespaces are not allowed here")
    size = len(members()[1]["xassume"])
    with directory() as home:
        world = World(home)
        small = home / "small"
        small.mkdir()
        left = home / "left"
        # The program does not fit, but other files do; then the first answer does not fit.
        for kilobytes in (size // 2048, 4):
            program = f'mount -t tmpfs -o size={kilobytes}k tmpfs "{small}" && {{ "$@"; status=$?; find "{small}" -mindepth 1 >"{left}"; exit $status; }}'
            words = world.words(release().place, prefix=small)
            before = [*unshare, shutil.which("sh"), "-c", program, "sh"]
            path = f"{world.env['PATH']}:/usr/bin:/bin"
            result = world.install(*words, before=before, PATH=path)
            # GNU tar says how much it wrote.
            expect_refused(result, world, "Wrote only" if "Wrote only" in result.stderr else "No space left on device")
            expect("check the address" not in result.stderr, f"the hint\n{result}")
            expect_equal(left.read_text(), "", f"files that remain in {small}\n{result}")


@check("installer: stopped by a signal at any time, it leaves nothing")
def _():
    def slow(handler):
        data = handler.server.slowed
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:1000])
        handler.wfile.flush()
        handler.server.reached.set()
        handler.server.go_on.wait(20)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE)
    # As Ctrl-C in a terminal does, to the whole group; and only to the shell.
    sent = [*((number, os.killpg) for number in numbers), (signal.SIGTERM, os.kill)]
    for (number, send), shell in itertools.product(sent, SHELLS):
        with served_release(archive=slow) as (world, server):
            server.slowed, server.reached, server.go_on = b"x" * 10_000, threading.Event(), threading.Event()
            words = [*SHELLS[shell], SCRIPT, *world.words(server.url)]
            process = subprocess.Popen(
                words, env=world.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, preexec_fn=lambda: [signal.signal(s, signal.SIG_DFL) for s in numbers],
            )
            try:
                expect(server.reached.wait(20), "the archive is requested")
                send(process.pid, number)
                shown = process.communicate(timeout=5)
            finally:
                server.go_on.set()
                end(process)
            expect_equal((process.returncode, shown), (128 + number, (b"", b"")), f"{shell}, {send.__name__}, {number!r}")
            expect(not any(world.temporary.iterdir()), f"{shell}, signal {number}: files remain in {world.temporary}")
            expect(not world.prefix.exists(), "something was installed")


def drip(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(100):
            handler.wfile.write(b"a")
            handler.wfile.flush()
            handler.server.go_on.wait(0.1)
    handler.close_connection = True


@check("installer: a server that sends a byte now and then, and files that never end")
def _():
    for tool in ("curl", "wget", "busybox"):
        with contextlib.suppress(Skipped), served_release(archive=drip) as (world, server):
            server.go_on = threading.Event()
            # The limit of ten minutes becomes one second.
            fakes = world.home / "fakes"
            fakes.mkdir()
            (fakes / "timeout").write_text(f'#!/bin/sh\n[ $1 != 600 ] || {{ shift; set -- 1 "$@"; }}\nexec {shutil.which("timeout")} "$@"\n')
            (fakes / "timeout").chmod(0o755)
            path = f"{fakes}:{programs(tool)}"
            # BusyBox runs its own applet otherwise.
            shell = "bash" if tool == "busybox" else "dash"
            expect_refused(world.install(*world.words(server.url), PATH=path, shell=shell, timeout=20), world, "it takes more than 10 minutes")
            server.go_on.set()
            (world.home / "release").mkdir()
            os.mkfifo(world.home / "release" / SUMS)
            for more, message in ((["--key", world.home / "release" / SUMS], "is not a file"), (["--from", world.home / "release"], "more than 10 minutes")):
                result = world.install(*world.words(server.url), *more, PATH=path, shell=shell, timeout=20)
                expect_refused(result, world, message)


@check("installer: a file that cannot be replaced or removed, and the program remains")
def _():
    unshare = [shutil.which("unshare"), "--mount", *([] if os.getuid() == 0 else ["--map-root-user"])]
    if not unshare[0] or run([*unshare, "true"], clean_env("/")).status != 0:
        raise Skipped("new mount namespaces are not allowed here")
    with directory() as home:
        world = World(home)
        expect_equal(world.install(*world.words(release().place)).status, 0, "the first installation")
        program = world.prefix / "bin/xassume"
        program.write_text("the old program")
        busy = world.prefix / FILES["completions/xassume.fish"]
        # The file is a mount, so that it cannot be replaced or removed.
        before = [*unshare, shutil.which("sh"), "-c", f'mount --bind "{busy}" "{busy}" && exec "$@"', "sh"]
        path = f"{world.env['PATH']}:/usr/bin:/bin"
        result = world.install(*world.words(release().place), before=before, PATH=path)
        expect(result.status == 1 and f"error: cannot replace {busy}: " in result.stderr, str(result))
        expect_equal(program.read_text(), "the old program", "the program")
        expect_equal(sorted(world.installed()), sorted(FILES.values()), "files")
        result = world.install("--uninstall", "--prefix", world.prefix, before=before, PATH=path)
        expect(result.status == 1 and f"error: cannot remove {busy}: " in result.stderr, str(result))
        expect_equal(sorted(world.installed()), [FILES["completions/xassume.fish"]], "files that remain")


@check("installer: files and links of another user in a directory that all can write, and no temporary files elsewhere")
def _():
    if os.getuid() != 0 or not shutil.which("strace"):
        raise Skipped("no root, or no strace")
    with directory() as home:
        world = World(home)
        log = home / "log"
        (world.prefix / "bin").mkdir(parents=True)
        (world.prefix / "bin").chmod(0o777)
        (home / "victim").write_text("untouched")
        (world.prefix / "bin" / ".xassume").symlink_to(home / "victim")
        world.temporary.chmod(0o777)
        before = [shutil.which("strace"), "-f", "-qq", "-o", log, "-e", "trace=openat,mkdir,mkdirat"]
        result = world.install(*world.words(release().place), before=before)
        expect_equal((result.status, result.stderr), (0, ""), str(result))
        text = log.read_text()
        expect(str(world.temporary) not in text, "something was opened in TMPDIR")
        made = re.findall(r'mkdir.*"(.*/bin/\.xassume-install\.[^/"]*)", (\d+)', text)
        expect_equal([mode for _, mode in made], ["0700"], "the directory for temporary files")
        # Written files have no path, so no other user can lead them elsewhere, or they are devices.
        written = set(re.findall(r'"(/[^"]*)", O_(?:WRONLY|RDWR)', text))
        expect_equal({path for path in written if not path.startswith("/dev/")}, set(), "written files")
        # Another user's directory in the place of the script's.
        fakes = home / "fakes"
        fakes.mkdir()
        (fakes / "mktemp").write_text(f'#!/bin/sh\nmade=$({shutil.which("mktemp")} "$@") && chown 65534 "$made" && echo "$made"\n')
        (fakes / "mktemp").chmod(0o755)
        result = world.install(*world.words(release().place), PATH=f"{fakes}:{world.env['PATH']}:/usr/bin:/bin")
        expect(result.status == 1 and "another user has changed" in result.stderr, str(result))


@check("installer: an output that cannot be written")
def _():
    for program, wanted in (('"$@" >/dev/full 2>/dev/null', 0), ('"$@" | true', None), ('"$@" >&- 2>&-', 0)):
        with directory() as home:
            world = World(home)
            result = world.install(*world.words(release().place), before=["/bin/sh", "-c", program, "sh"])
            expect(wanted is None or result.status == wanted, f"{program}\n{result}")
            found = sorted(world.installed())
            # With a pipe that is closed, all or nothing.
            expect(found == sorted(FILES.values()) or wanted is None and not found and not world.prefix.exists(), f"{program}: {found}\n{result}")


@check("installer: other systems, missing programs, wrong options and keys")
def _():
    with directory() as home:
        world = World(home)
        words = world.words(release().place)
        fakes = home / "fakes"
        fakes.mkdir()
        uname = fakes / "uname"
        for system, machine, message in (
            ("Darwin", "arm64", "xassume runs on Linux only, and this system is Darwin"),
            ("MINGW64_NT-10.0", "x86_64", "this system is MINGW64_NT-10.0"),
            ("FreeBSD", "amd64", "this system is FreeBSD"),
            ("Linux", "i686", "no release of xassume for the processor 'i686'"),
            ("Linux", "armv7l", "no release of xassume for the processor 'armv7l'"),
            ("Linux", "armv8l", "no release of xassume for the processor 'armv8l'"),
            ("Linux", "riscv64", "no release of xassume for the processor 'riscv64'"),
            ("Linux", {"x86_64": "arm64", "aarch64": "amd64"}[MACHINE], "has no xassume for "),
        ):
            uname.write_text(f'#!/bin/sh\ncase $1 in -s) echo {system} ;; -m) echo {machine} ;; esac\n')
            uname.chmod(0o755)
            expect_refused(world.install(*words, PATH=f"{fakes}:{world.env['PATH']}"), world, message)
        uname.unlink()
        if MACHINE == "x86_64" and shutil.which("setarch"):
            # As in a 32-bit container that says so.
            expect_refused(world.install(*words, before=[shutil.which("setarch"), "i686"]), world, "'i686'", "cargo install")
        for missing, hint in (("openssl", "apt-get, dnf"), ("tar", "package tar"), ("gzip", "package gzip")):
            path = home / f"without-{missing}"
            shutil.copytree(programs("curl"), path, symlinks=True)
            (path / missing).unlink()
            expect_refused(world.install(*words, PATH=path), world, f"{missing} is not installed", hint)
        path = home / "without-curl"
        shutil.copytree(programs("curl"), path, symlinks=True)
        (path / "curl").unlink()
        expect_refused(world.install(*world.words("https://example.com"), PATH=path), world, "neither curl nor wget", "--from DIR")

        for more, message in (
            (["--nonsense"], "unknown option '--nonsense'"), (["word"], "unknown option 'word'"), (["--prefix"], "--prefix needs a value"),
            (["--version", "../1"], "'../1' is not a version"), (["--version", "1/.."], "is not a version"), (["--version", "x"], "is not a version"),
            (["--key", "/nowhere"], "cannot read the key"), (["--prefix", "~root/x"], "did not expand ~"), (["--key", SCRIPT], "not a public key"), (["--key", release().private], "not a public key"),
        ):
            expect_refused(world.install(*words, *more), world, message)
        expect_refused(world.install("--from", release().place), world, "does not contain the key", "xassume.pub")
        expect_refused(world.install("--key", release().key), world, "does not contain the address", "--from URL")
        shown = world.install("--help")
        expect_equal((shown.status, shown.stderr), (0, ""), str(shown))
        options = set(re.findall(r"^  (--[a-z]+)", shown.stdout, re.M))
        expect_equal(options, {"--prefix", "--version", "--from", "--key", "--uninstall", "--help"}, "options")


@check("installer: a script with the address and the key of a release needs no option")
def _():
    with served_release() as (world, server):
        text = SCRIPT.read_text()
        values = {"version": release().version, "address": f"{server.url}/{{version}}", "key": release().key.read_text().strip()}
        for name, value in values.items():
            expect_equal(text.count(f"\n{name}=''\n"), 1, f"lines for the {name}")
            text = text.replace(f"\n{name}=''\n", f"\n{name}='{value}'\n")
        script = world.home / "install.sh"
        script.write_text(text)
        result = world.install("--prefix", world.prefix, script=script)
        expect_equal((result.status, result.stderr), (0, ""), str(result))
        world.expect_installed()
        # It does not accept an older release of the same signer.
        shutil.rmtree(world.prefix)
        result = world.install("--prefix", world.prefix, "--version", "0.0.1", script=script)
        expect_refused(result, world, f"no xassume 0.0.1 for {MACHINE}, but version {release().version}")
        script.write_text(text.replace(f"version='{release().version}'", "version='9.9.9'"))
        expect_refused(world.install("--prefix", world.prefix, script=script), world, "no xassume 9.9.9")


@check("installer: shellcheck, with the scripts of the Jenkins library")
def _():
    run([VENV_BIN / "shellcheck", "--shell=sh", SCRIPT, *ROOT.glob("packaging/jenkins/resources/*/*.sh")], clean_env("/")).expect_success()


@check("installer: the release of .ci/release dist")
def _():
    if not os.environ.get("XASSUME_DIST"):
        raise Skipped("no XASSUME_DIST: see .ci/release dist")
    made = pathlib.Path(os.environ["XASSUME_DIST"]).resolve()
    if not (made / f"{SUMS}.sig").exists():
        raise Skipped("the release has no signature: see .ci/release dist")
    (archive,) = made.glob(f"xassume-*-{TARGET}.tar.gz")
    with tarfile.open(archive) as parts:
        contents = {part.name.partition("/")[2]: parts.extractfile(part).read() for part in parts if part.isfile()}
    files = {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()}
    for tool in ("curl", "wget", "busybox"):
        with directory() as home, served(Files(files)) as server:
            world = World(home, programs(tool))
            # The key is in the script; the address may be one that does not exist yet.
            words = ["--from", server.url, "--prefix", world.prefix]
            for shell in {"dash", "busybox sh"} & set(SHELLS):
                result = world.install(*words, shell=shell, script=made / "install.sh")
                expect_equal((result.status, result.stderr), (0, ""), f"{tool}\n{result}")
                found = {name: path.read_bytes() for name, path in world.installed().items()}
                expect(found == {path: contents[name] for name, path in FILES.items()}, f"other files than in the archive: {sorted(found)}")
                version = run([world.prefix / "bin/xassume", "-V"], clean_env(home)).expect_success().stdout.split()[1]
                expect_equal(archive.name, f"xassume-{version}-{TARGET}.tar.gz", "the version")
                shutil.rmtree(world.prefix)
