#!/usr/bin/env python3
"""Makes the files of a release from the last commit. packaging/README.md describes them.

    packaging/dist.py --build DIRECTORY --out DIRECTORY

`--build` is cargo's target directory, and keeps the dependencies for the next run. `--out` must be empty or not exist.
The files depend on the commit and on the versions of Rust, gcc, nfpm, Python and zlib only: not on directories, the umask, the
time or its zone.

XASSUME_SIGNING_KEY   a file with a private key in PEM format, which signs the sums
XASSUME_RELEASE_URL   the URL of the directory from which install.sh will download the files; {version} is replaced
"""

import argparse
import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

import licenses
import package
import sbom
from archive import Entry, gzip_bytes, tar_bytes
from project import ROOT, setting

# The architectures, and the compilers for the C code of ring: .cargo/config.toml selects the same.
COMPILERS = {"x86_64": "gcc", "aarch64": "aarch64-linux-gnu-gcc"}
# Without it there is no release.
REQUIRED = "x86_64"


class Refused(Exception):
    """A command failed, for a reason that is outside of this project. The text has the command and its error."""


def output(*words, given=b""):
    """Runs a command and returns its standard output. Its error must be the last line of its standard error."""
    try:
        done = subprocess.run(words, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise Refused(f"{words[0]}: {error.strerror}") from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"]
        raise Refused(f"{' '.join(map(str, words))}: {lines[-1].strip()}")
    return done.stdout


def text(*words):
    return output(*words).decode().strip()


# --- The source ----------------------------------------------------------------------------------------------------


def source_archive(revision, to):
    """Unpacks the commit in the directory `to`, and returns its version and its archive."""
    # The modes in the archive would depend on the user's setting.
    archive = ["-C", ROOT, "-c", "tar.umask=0022", "archive", "--format=tar"]
    version = setting("version", text("git", "-C", ROOT, "show", f"{revision}:Cargo.toml"))
    packed = output("git", *archive, f"--prefix=xassume-{version}/", revision)
    # With the present time: cargo rebuilds what is newer than the last build, and the commit may be older.
    output("tar", "--extract", "--touch", "--directory", to, given=packed)
    return version, gzip_bytes(packed)


# --- The binaries --------------------------------------------------------------------------------------------------


def can_build(arch):
    """Finds out whether the compiler and Rust's target are there, and adds the target if rustup can."""
    compiler, triple = COMPILERS[arch], f"{arch}-unknown-linux-musl"
    made_for = text(compiler, "-dumpmachine")
    if not made_for.startswith(arch):
        raise Refused(f"{compiler} -dumpmachine: {made_for}, not {arch}")
    library = pathlib.Path(text("rustc", "--print", "target-libdir", "--target", triple))
    if not any(library.glob("libstd-*")):
        output("rustup", "target", "add", triple)


def build(arch, source, target, revision):
    """Builds the binary and returns its path. It must contain the commit, and no paths of this system."""
    triple = f"{arch}-unknown-linux-musl"
    home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo")).resolve()
    library = pathlib.Path(text("rustc", "--print", "sysroot")) / "lib/rustlib/src/rust"
    commit = re.search("^commit-hash: (.*)$", text("rustc", "-vV"), re.M).group(1)
    # Panic messages contain the paths of source files: relative ones of this package, absolute ones of the others. Without
    # rust-src, those of the standard library are like this.
    paths = {home: "/cargo", target: "/target", library: f"/rustc/{commit}"}
    flags = [f"--remap-path-prefix={ours}={theirs}" for ours, theirs in paths.items()]
    words = ["cargo", "build", "--release", "--locked", "--quiet", "--target", triple, "--target-dir", target]
    # As an option, because RUSTFLAGS would replace the flags in .cargo/config.toml.
    words += ["--config", f"target.{triple}.rustflags = {json.dumps(flags)}"]
    flags_of_user = ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CFLAGS")
    env = {name: value for name, value in os.environ.items() if name not in flags_of_user}
    subprocess.run(words, cwd=source, env=env, stdin=subprocess.DEVNULL, check=True)
    binary = target / triple / "release/xassume"
    data = binary.read_bytes()
    found = [str(path) for path in (source, target, home, library) if str(path).encode() in data]
    if found or revision[:12].encode() not in data:
        sys.exit(f"{binary} contains {', '.join(found)}" if found else f"{binary} does not contain the commit {revision}")
    return binary


def tarball(binary, arch, version, epoch, source):
    """Returns the name and the contents of an archive for any distribution."""
    name = f"xassume-{version}-{arch}-unknown-linux-musl"
    entries = [Entry(f"{name}/", mode=0o755), Entry(f"{name}/completions/", mode=0o755)]
    entries.append(Entry(f"{name}/xassume", binary.read_bytes(), 0o755))
    completions = [path for path in source.glob("completions/*") if path.suffix != ".1"]
    others = [source / "README.md", source / "completions/xassume.1", *source.glob("LICENSE-*")]
    entries += [Entry(f"{name}/completions/{path.name}", path.read_bytes()) for path in completions]
    entries += [Entry(f"{name}/{path.name}", path.read_bytes()) for path in others]
    return f"{name}.tar.gz", gzip_bytes(tar_bytes(entries, epoch))


# --- The signature -------------------------------------------------------------------------------------------------


def public_key(key):
    """Returns the public key of a private key that can sign, or ends with the reason why it cannot."""
    try:
        # An empty passphrase, because openssl would ask for one.
        public = output("openssl", "pkey", "-in", key, "-passin", "pass:", "-pubout")
        sign(key, b"")
    except Refused as error:
        wanted = "a private RSA or EC key in PEM format without a passphrase"
        sys.exit(f"XASSUME_SIGNING_KEY: {key} is not {wanted} ({error})")
    return public


def sign(key, data):
    return output("openssl", "dgst", "-sha256", "-passin", "pass:", "-sign", key, given=data)


def installer(source, version, address, public):
    """Returns install.sh with the version, the address and the key of this release."""
    script = (source / "packaging/install.sh").read_text()
    for name, value in (("version", version), ("address", address), ("key", public.decode().strip())):
        if script.count(f"\n{name}=''\n") != 1:
            sys.exit(f"packaging/install.sh must have one line {name}=''")
        script = script.replace(f"\n{name}=''\n", f"\n{name}='{value}'\n")
    return script


# --- All of it -----------------------------------------------------------------------------------------------------


def timed(name, function, *words):
    """Calls the function, and prints the name before and the time after it."""
    started = time.monotonic()
    print(f"{name} …", flush=True)
    result = function(*words)
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return result


def make(target, out, source_root, key, address):
    """Writes all files and returns the reasons of those that could not be made."""
    started, skipped, binaries = time.monotonic(), [], {}
    for tool in ("nfpm", "cargo-cyclonedx"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed: .ci/release dist installs it")
    public = public_key(key) if key else b""
    revision = text("git", "-C", ROOT, "rev-parse", "HEAD")
    epoch = int(text("git", "-C", ROOT, "log", "-1", "--no-show-signature", "--format=%ct", revision))
    print(f"commit {revision}\n{text('rustc', '-V')}\nPython {platform.python_version()}, zlib {zlib.ZLIB_RUNTIME_VERSION}", flush=True)
    version, archive = source_archive(revision, source_root)
    source = source_root / f"xassume-{version}"
    for arch in COMPILERS:
        try:
            can_build(arch)
        except Refused as refused:
            if arch == REQUIRED:
                raise
            skipped.append(f"the files for {arch}: {refused}")
            continue
        print(text(COMPILERS[arch], "--version").splitlines()[0], flush=True)
        binaries[arch] = timed(f"binary for {arch}", build, arch, source, target, revision)
    out.mkdir(parents=True, exist_ok=True)
    files = {f"xassume-{version}.tar.gz": archive}
    bill = out / f"xassume-{version}.cdx.json"
    bill.write_bytes(timed("bill of materials", sbom.bill, source, epoch))
    (source / "LICENSE-THIRD-PARTY").write_bytes(timed("licenses", licenses.third_party, source, bill.read_bytes()))
    for arch, binary in binaries.items():
        files.update([tarball(binary, arch, version, epoch, source)])
        timed(f"packages for {arch}", package.package, binary, arch, version, epoch, out, source)
        words = ["--binary", binary, "--arch", arch, "--version", version, "--epoch", str(epoch), "--sbom", bill, "--out", out]
        timed(f"wheel for {arch}", output, sys.executable, source / "packaging/wheel.py", *words)
    words = [word for arch, binary in binaries.items() for word in ("--binary", f"{arch}={binary}")]
    words += ["--version", version, "--revision", revision, "--epoch", str(epoch), "--sbom", bill]
    words += ["--out", out / f"xassume-{version}-oci.tar"]
    timed("image", output, sys.executable, source / "packaging/image.py", *words)
    files["install.sh"] = installer(source, version, address, public).encode()
    if key:
        files["xassume.pub"] = public
    for name, data in files.items():
        (out / name).write_bytes(data)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(out.iterdir())]
    sums = "".join(lines).encode()
    (out / "SHA256SUMS").write_bytes(sums)
    if key:
        (out / "SHA256SUMS.sig").write_bytes(sign(key, sums))
        words = ["-sha256", "-verify", out / "xassume.pub", "-signature", out / "SHA256SUMS.sig", out / "SHA256SUMS"]
        print(text("openssl", "dgst", *words), flush=True)
    for path in sorted(out.iterdir()):
        path.chmod(0o755 if path.name == "install.sh" else 0o644)
        print(f"{path.stat().st_size:>9} {path.name}")
    print(f"{len(os.listdir(out))} files in {time.monotonic() - started:.0f} s")
    return skipped


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", required=True, type=pathlib.Path)
    arguments.add_argument("--out", required=True, type=pathlib.Path)
    options = arguments.parse_args()
    key, address = os.environ.get("XASSUME_SIGNING_KEY", ""), os.environ.get("XASSUME_RELEASE_URL", "")
    # It will be in quotes in install.sh, which accepts http only for this host.
    if address and not re.fullmatch(r"(https:/|http://(localhost|127\.0\.0\.1)(:\d+)?)/([\w.~:/@%+-]|\{version\})+", address, re.A):
        sys.exit(f"XASSUME_RELEASE_URL: {address} is not an https URL without a query")
    if options.out.exists() and any(options.out.iterdir()):
        sys.exit(f"{options.out} is not empty")
    try:
        with tempfile.TemporaryDirectory(prefix="xassume-dist-") as work:
            work = pathlib.Path(work).resolve()
            skipped = make(options.build.resolve(), options.out.resolve(), work, key, address.rstrip("/"))
    except Refused as refused:
        sys.exit(str(refused))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} {error.cmd[1]} failed with status {error.returncode}")
    if not key:
        print("not signed: XASSUME_SIGNING_KEY is not set")
    for reason in skipped:
        print(f"skipped: {reason}")


if __name__ == "__main__":
    main()
