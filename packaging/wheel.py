#!/usr/bin/env python3
"""Writes a wheel with the program: `pip install`, `pipx` and `uv tool install` put it into a `bin` directory.

    packaging/wheel.py --binary PATH --arch ARCH --version V --epoch N --sbom FILE --out DIR

The installed file is the program itself, so no Python process runs between a signal and xassume. The binary is static.
It needs no C library, and the tags of the wheel have the oldest versions of glibc and musl for which both architectures
have a tag.

Format: https://packaging.python.org/specifications/binary-distribution-format/
"""

import argparse
import base64
import hashlib
import io
import pathlib
import re
import sys
import time
import zipfile

from program import MACHINES, read_program
from project import ROOT, read, setting

# manylinux2014 is another name of manylinux_2_17: pip 19.3 knows only this one.
TAGS = ("manylinux_2_17", "manylinux2014", "musllinux_1_1")
# The pre-releases of Cargo.toml, as PEP 440 spells them.
PRE_RELEASES = {"alpha": "a", "beta": "b", "rc": "rc"}


def main():
    parser = argparse.ArgumentParser(description="Write a wheel with the program.", allow_abbrev=False)
    for name in ("--binary", "--version", "--sbom", "--out"):
        parser.add_argument(name, required=True)
    parser.add_argument("--arch", required=True, choices=MACHINES)
    parser.add_argument("--epoch", type=int, required=True, help="time of all files, in seconds since 1970")
    options = parser.parse_args()
    version = python_version(options.version)
    tags = [f"{tag}_{options.arch}" for tag in TAGS]
    info = f"xassume-{version}.dist-info"
    files = {
        f"xassume-{version}.data/scripts/xassume": read_program(options.binary, options.arch),
        f"{info}/METADATA": metadata(version).encode(),
        f"{info}/WHEEL": "\n".join(
            ["Wheel-Version: 1.0", "Generator: xassume", "Root-Is-Purelib: false"]
            + [f"Tag: py3-none-{tag}" for tag in tags]
            + [""]
        ).encode(),
        **{f"{info}/licenses/{path.name}": read(path) for path in sorted(ROOT.glob("LICENSE-*"))},
        # The place that PEP 770 reserves.
        f"{info}/sboms/xassume.cdx.json": read(options.sbom),
    }
    record = f"{info}/RECORD"
    lines = [f"{name},{digest(data)},{len(data)}\n" for name, data in files.items()]
    files[record] = "".join([*lines, f"{record},,\n"]).encode()
    out = pathlib.Path(options.out, f"xassume-{version}-py3-none-{'.'.join(tags)}.whl")
    try:
        out.write_bytes(zip_bytes(files, options.epoch))
    except OSError as error:
        sys.exit(f"{out}: {error.strerror}")
    print(out)


def python_version(version):
    found = re.fullmatch(r"(\d+\.\d+\.\d+)(?:-(alpha|beta|rc)\.(\d+))?", version)
    if not found:
        sys.exit(f"version {version}: expected MAJOR.MINOR.PATCH, optionally with -alpha.N, -beta.N or -rc.N")
    release, kind, number = found.groups()
    return f"{release}{PRE_RELEASES[kind]}{number}" if kind else release


def metadata(version):
    """The metadata in version 2.1, which every pip that accepts the tags can read."""
    head = [
        "Metadata-Version: 2.1",
        "Name: xassume",
        f"Version: {version}",
        f"Summary: {setting('description')}",
        "Keywords: " + ",".join(re.findall('"(.*?)"', setting("keywords"))),
        f"License: {setting('license')}",
        "Classifier: Environment :: Console",
        "Classifier: License :: OSI Approved :: Apache Software License",
        "Classifier: License :: OSI Approved :: MIT License",
        "Classifier: Operating System :: POSIX :: Linux",
        "Classifier: Programming Language :: Rust",
        "Classifier: Topic :: System :: Systems Administration",
        "Description-Content-Type: text/markdown; variant=GFM",
    ]
    return "\n".join(head) + "\n\n" + readme()


def readme():
    """The README without the links and images that lead to files of the repository, which are not in the wheel."""
    text = read(ROOT / "README.md").decode()
    text = re.sub(r"^!\[[^\]]*\]\((?!https?:)[^)]*\)\n\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]*\)", r"\1", text)


def digest(data):
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def zip_bytes(files, epoch):
    """Returns a zip archive in which all files have the same time. The time of a zip archive begins in 1980."""
    date = time.gmtime(max(epoch, 315532800))[:6]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            head = zipfile.ZipInfo(name, date)
            # Unix, so that the modes are used.
            head.create_system = 3
            head.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
            head.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(head, data, compresslevel=9)
    return out.getvalue()


if __name__ == "__main__":
    main()
