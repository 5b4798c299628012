#!/usr/bin/env python3
"""Makes the deb, rpm and apk of a binary of xassume, with nfpm and packaging/nfpm.yaml.

    packaging/package.py --binary PATH --arch x86_64 --version 1.2.3 --epoch SECONDS --out DIRECTORY [--format deb]...
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

from archive import gzip_bytes
from project import ROOT

# The names of the architectures in nfpm, which are Debian's too.
NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
FORMATS = {
    "deb": lambda version, arch: f"xassume_{version}_{NAMES[arch]}.deb",
    "rpm": lambda version, arch: f"xassume-{version}-1.{arch}.rpm",
    "apk": lambda version, arch: f"xassume_{version}_{arch}.apk",
}


def stage(binary, epoch, source, to):
    """Copies the files of a package. Their modes and times do not depend on this system."""
    copies = {
        "doc": ["README.md", "SECURITY.md", "docs/*", "examples/*/**/*", "packaging/README.md"],
        "licenses": ["LICENSE-*"],
        ".": ["CHANGELOG.md", "completions/*xassume*"],
    }
    files = {
        f"{directory}/{path.relative_to(source)}": path.read_bytes()
        for directory, patterns in copies.items()
        for pattern in patterns
        for path in source.glob(pattern)
        if path.is_file()
    }
    files["copyright"] = (source / "packaging/copyright").read_bytes()
    files["changelog.gz"] = gzip_bytes((source / "CHANGELOG.md").read_bytes())
    files["xassume.1.gz"] = gzip_bytes((source / "completions/xassume.1").read_bytes())
    files["xassume"] = pathlib.Path(binary).read_bytes()
    for name, data in files.items():
        path = to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755 if name == "xassume" else 0o644)
    for path in [to, *to.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (epoch, epoch))


def package(binary, arch, version, epoch, out, source=ROOT, formats=tuple(FORMATS)):
    """Writes a file for each format and returns their paths. The documents come from the directory `source`."""
    out = pathlib.Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory(prefix="xassume-package-") as work:
        stage(binary, epoch, source, pathlib.Path(work))
        env = {
            **os.environ, "XASSUME_ARCH": NAMES[arch], "XASSUME_VERSION": version, "XASSUME_STAGE": work,
            "SOURCE_DATE_EPOCH": str(epoch),
        }
        for kind in formats:
            made.append(out / FORMATS[kind](version, arch))
            words = ["nfpm", "package", "--config", source / "packaging/nfpm.yaml"]
            words += ["--packager", kind, "--target", made[-1]]
            # It prints its errors to standard output.
            done = subprocess.run(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                sys.exit(f"nfpm cannot make {made[-1].name}: {' '.join(done.stdout.split())}")
    return made


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("binary", "version", "out"):
        arguments.add_argument(f"--{name}", required=True)
    arguments.add_argument("--epoch", required=True, type=int)
    arguments.add_argument("--arch", required=True, choices=NAMES)
    arguments.add_argument("--format", action="append", choices=FORMATS)
    options = arguments.parse_args()
    made = package(options.binary, options.arch, options.version, options.epoch, options.out, formats=options.format or FORMATS)
    print(*made, sep="\n")


if __name__ == "__main__":
    main()
