#!/usr/bin/env python3
"""Makes the files of a release twice, on one system, and compares every byte.

    packaging/reproducible.py DIRECTORY

The two runs have different directories (one with a space), umasks, time zones and languages, and share no build. No file,
and nothing that is packed in one, may contain a path of this system.
"""

import gzip
import io
import lzma
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

from project import ROOT

RUNS = {
    "one": (0o022, {"TZ": "UTC", "LC_ALL": "C"}),
    "another directory/deeper": (0o077, {"TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8"}),
}
XZ = b"\xfd7zXZ\0"


def make(work, umask, env):
    """Makes the files from a clone of the last commit, and returns their contents by name."""
    source, out = work / "source", work / "out"
    clone = ["git", "clone", "-q", ROOT, source]
    for words in (clone, [source / "packaging/dist.py", "--build", work / "target", "--out", out]):
        done = subprocess.run(words, env={**os.environ, **env}, umask=umask)
        if done.returncode != 0:
            sys.exit(done.returncode)
    files = {path.name: path.read_bytes() for path in sorted(out.iterdir())}
    shutil.rmtree(work)
    return files


def unpacked(data):
    """Yields the data and, if it is an archive or compressed, what is packed in it."""
    yield data
    parts = []
    if data[:3] == b"\x1f\x8b\x08":
        parts = [gzip.decompress(data)]
    elif data[: len(XZ)] == XZ:
        parts = [lzma.decompress(data)]
    elif data[:4] == b"\xed\xab\xee\xdb":
        # An rpm: headers, and a compressed cpio archive.
        parts = [lzma.decompress(data[data.index(XZ) :])]
    elif data[:4] == b"PK\3\4":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
    elif data[:8] == b"!<arch>\n":
        # A deb: members with a header of 60 bytes, padded to an even size.
        at = 8
        while at < len(data):
            size = int(data[at + 48 : at + 58])
            parts.append(data[at + 60 : at + 60 + size])
            at += 60 + size + size % 2
    elif data[257:262] == b"ustar":
        # An apk consists of several archives.
        with tarfile.open(fileobj=io.BytesIO(data), ignore_zeros=True) as archive:
            parts = [archive.extractfile(member).read() for member in archive if member.isfile()]
    for part in parts:
        yield from unpacked(part)


def main():
    base = pathlib.Path(sys.argv[1]).resolve()
    base.mkdir(parents=True)
    if not os.environ.get("XASSUME_SIGNING_KEY"):
        # RSA signatures are always the same, unlike those of elliptic curves.
        os.environ["XASSUME_SIGNING_KEY"] = str(base / "key.pem")
        subprocess.run(["openssl", "genrsa", "-out", base / "key.pem", "3072"], check=True, stderr=subprocess.DEVNULL)
    one, other = (make(base / name, *how) for name, how in RUNS.items())
    home = os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo")
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    paths = [str(path).encode() for path in (base, home, sysroot)]
    wrong = [f"{name} is in one run only" for name in sorted(set(one) ^ set(other))]
    for name in sorted(set(one) & set(other)):
        parts = list(unpacked(one[name]))
        wrong += [f"{name} contains {path.decode()}" for path in paths if any(path in part for part in parts)]
        if name.endswith((".deb", ".rpm", ".apk", ".whl", "-oci.tar", "musl.tar.gz")):
            # A program that is not found was not searched.
            wrong += [] if any(b"\x7fELF" in part for part in parts) else [f"{name}: no program found in it"]
        if one[name] != other[name]:
            wrong.append(f"{name} differs")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(one)} files are identical")


if __name__ == "__main__":
    main()
