"""The files of a release, as packaging/dist.py makes them. XASSUME_DIST is their directory; `.ci/release dist` sets it."""

import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import tarfile

from harness import PYTHON, ROOT, Skipped, check, clean_env, directory, expect, expect_equal, run

TEXT = (ROOT / "packaging/README.md").read_text()
DIST = ROOT / "packaging/dist.py"


def release():
    path = os.environ.get("XASSUME_DIST")
    if not path:
        raise Skipped("no files of a release: see .ci/release")
    return pathlib.Path(path)


def documented(begin):
    """The commands of packaging/README.md that begin with this text."""
    found = re.findall(rf"^    ({re.escape(begin)}.*)$", TEXT, re.M)
    expect_equal(len(found), 1, f"lines with {begin}")
    return found[0]


def key(path, *kind):
    """Writes a new private key to a file."""
    run(["openssl", "genpkey", *kind, "-out", path], clean_env("/")).expect_success()


def public_key(path):
    return run(["openssl", "pkey", "-in", path, "-pubout"], clean_env("/")).expect_success().stdout


RSA = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")


@check("dist: all files have their sum and a name that is documented")
def _():
    files = {path.name: path for path in release().iterdir()}
    for name in files:
        # A name in the table, with the version, the architecture and other parts left out.
        parts = [part for part in re.split(r"\d+(?:\.\d+)+|x86_64|aarch64|amd64|arm64", name) if len(part) > 4]
        expect(all(part in TEXT for part in parts[:1]), f"{name} is not documented")
    sums = dict(reversed(line.split("  ")) for line in files["SHA256SUMS"].read_text().splitlines())
    expect_equal(sorted(sums), sorted(set(files) - {"SHA256SUMS", "SHA256SUMS.sig"}), "the files in the list")
    for name, wanted in sums.items():
        expect_equal(hashlib.sha256(files[name].read_bytes()).hexdigest(), wanted, name)


@check("dist: a user verifies the files with the documented commands, and they find a changed byte")
def _():
    env = clean_env("/")
    with directory() as path:
        work = path / "files"
        shutil.copytree(release(), work)
        if not (work / "xassume.pub").exists():
            # Made without a key.
            key(path / "key.pem", *RSA)
            (work / "xassume.pub").write_text(public_key(path / "key.pem"))
            words = ["openssl", "dgst", "-sha256", "-sign", path / "key.pem", "-out", work / "SHA256SUMS.sig", work / "SHA256SUMS"]
            run(words, env).expect_success()
        verify, compare = documented("openssl dgst -sha256 -verify xassume.pub"), documented("sha256sum --check --ignore-missing")

        def ends(command):
            return run(["sh", "-c", command], env, cwd=work).status == 0

        expect(ends(verify) and ends(compare), "the files as they were made")
        tarball = next(work.glob("xassume-*-musl.tar.gz"))
        with tarball.open("r+b") as file:
            file.seek(1000)
            byte = file.read(1)[0]
            file.seek(1000)
            file.write(bytes([byte ^ 1]))
        expect(not ends(compare), "a changed archive")
        sums = (work / "SHA256SUMS").read_text()
        (work / "SHA256SUMS").write_text(sums.replace("a", "b", 1))
        expect(not ends(verify), "a changed list")


@check("dist: the archive for this processor has what it should have, and runs")
def _():
    arch = platform.machine()
    found = list(release().glob(f"xassume-*-{arch}-unknown-linux-musl.tar.gz"))
    expect_equal(len(found), 1, f"archives for {arch}")
    top = found[0].name.removesuffix(".tar.gz")
    with tarfile.open(found[0]) as archive, directory() as path:
        members = {member.name: member for member in archive}
        names = {name.removeprefix(f"{top}/") for name in members}
        wanted = {"xassume", "xassume.1", "README.md", "completions/xassume.bash", "completions/_xassume"}
        wanted |= {"LICENSE-APACHE", "LICENSE-MIT", "LICENSE-THIRD-PARTY"}
        expect(wanted <= names, f"missing: {wanted - names}")
        modes = {name: member.mode for name, member in members.items() if member.isfile()}
        expect_equal({name for name, mode in modes.items() if mode != 0o644}, {f"{top}/xassume"}, "files with another mode")
        licenses = archive.extractfile(f"{top}/LICENSE-THIRD-PARTY").read().decode()
        bill = json.loads(next(release().glob("*.cdx.json")).read_text())
        missing = {part["name"] for part in bill["components"] if f"{part['name']} {part['version']}: " not in licenses}
        expect(not missing and "Brian Smith" in licenses, f"crates without a license: {missing}")
        archive.extract(f"{top}/xassume", path)
        version = run([path / top / "xassume", "--version"], clean_env(path)).expect_success().stdout
        commit = run(["git", "-C", ROOT, "rev-parse", "HEAD"], clean_env("/")).expect_success().stdout[:12]
        expect(f"commit: {commit} " in version and "musl, static" in version, version)


@check("dist: a key that cannot sign, or an address that is none, is one line before anything is built")
def _():
    if not shutil.which("openssl"):
        raise Skipped("no openssl")
    with directory() as path:
        key(path / "ed25519.pem", "-algorithm", "ed25519")
        key(path / "locked.pem", *RSA, "-aes256", "-pass", "pass:secret")
        key(path / "rsa.pem", *RSA)
        (path / "public.pem").write_text(public_key(path / "rsa.pem"))
        (path / "text.pem").write_text("no key\n")
        for tool in ("nfpm", "cargo-cyclonedx"):
            (path / tool).touch(0o755)
        env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}
        for more in (
            *({"XASSUME_SIGNING_KEY": str(path / f"{name}.pem")} for name in ("ed25519", "locked", "public", "text", "absent")),
            {"XASSUME_RELEASE_URL": "ftp://example.com/files"},
            {"XASSUME_RELEASE_URL": "http://example.com/files"},
            {"XASSUME_RELEASE_URL": "https://example.com/'; reboot #"},
        ):
            result = run([PYTHON, DIST, "--build", path / "build", "--out", path / "out"], {**env, **more})
            (name, value), = more.items()
            lines = result.stderr.splitlines()
            expect(result.status == 1 and len(lines) == 1 and lines[0].startswith(f"{name}: {value} is not "), str(result))
            expect(not (path / "out").exists() and not (path / "build").exists(), "nothing is built")
