#!/usr/bin/env python3
"""Writes the container image as a tar archive of an OCI image layout: one index, with an image for each architecture.

    packaging/image.py --binary x86_64=PATH --binary aarch64=PATH --version V --revision COMMIT --epoch N --sbom FILE \\
        --out FILE.tar

The image contains no other program than xassume. The first layer has the root certificates and the user. It is the same
for all architectures, and for all versions with the same certificates. pip downloads the certificates: the version and
the hash are in certificates.txt. The bytes depend only on the arguments, these files and the version of zlib.

Formats: https://github.com/opencontainers/image-spec
"""

import argparse
import datetime
import hashlib
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import venv
import zipfile

from archive import Entry, gzip_bytes, tar_bytes
from program import MACHINES, read_program
from project import ROOT, read, setting

MEDIA = "application/vnd.oci.image."
PLATFORMS = {
    "x86_64": {"architecture": "amd64", "os": "linux"},
    "aarch64": {"architecture": "arm64", "os": "linux", "variant": "v8"},
}
# The ID that distroless images use for their user `nonroot`. It is a number in the configuration, because Kubernetes
# accepts only a number for runAsNonRoot.
USER = 65532
HOME = "/home/xassume"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DOC = "usr/share/doc"


def main():
    options = arguments()
    programs = {arch: program_entries(options, arch) for arch in MACHINES if arch in options.binary}
    certificates = Certificates()
    blobs, manifests = {}, []
    base = layer(blobs, base_entries(certificates), certificates.epoch, "root certificates, user and directories")
    labels = {
        "org.opencontainers.image.title": "xassume",
        "org.opencontainers.image.description": setting("description"),
        "org.opencontainers.image.version": options.version,
        "org.opencontainers.image.revision": options.revision,
        "org.opencontainers.image.created": moment(options.epoch),
        # xassume's, and that of the root certificates.
        "org.opencontainers.image.licenses": "(Apache-2.0 OR MIT) AND MPL-2.0",
        "xassume.certificates": certificates.name,
    }
    for arch, entries in programs.items():
        program = layer(blobs, entries, options.epoch, f"xassume {options.version}")
        manifests.append({**manifest(blobs, [base, program], labels, arch), "platform": PLATFORMS[arch]})
    index = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": manifests, "annotations": labels}
    image = put(blobs, "index.v1+json", as_json(index))
    # `podman load` and `docker load` use this as the image's name. It contains no registry.
    image["annotations"] = {"org.opencontainers.image.ref.name": f"xassume:{options.version}"}
    top = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": [image]}
    layout = [
        *(Entry(name, mode=0o755) for name in ("blobs/", "blobs/sha256/")),
        *(Entry(f"blobs/sha256/{digest}", data) for digest, data in blobs.items()),
        Entry("index.json", as_json(top)),
        Entry("oci-layout", as_json({"imageLayoutVersion": "1.0.0"})),
    ]
    try:
        pathlib.Path(options.out).write_bytes(tar_bytes(layout, options.epoch))
    except OSError as error:
        sys.exit(f"{options.out}: {error.strerror}")


def arguments():
    parser = argparse.ArgumentParser(description="Write the container image as an OCI archive.", allow_abbrev=False)
    parser.add_argument("--binary", action="append", required=True, metavar="ARCH=PATH")
    for name in ("--version", "--revision", "--sbom", "--out"):
        parser.add_argument(name, required=True)
    parser.add_argument("--epoch", type=int, required=True, help="time of all files, in seconds since 1970")
    options = parser.parse_args()
    pairs = [binary.partition("=")[::2] for binary in options.binary]
    for arch, path in pairs:
        if arch not in MACHINES or not path:
            parser.error(f"--binary {arch}={path}: expected ARCH=PATH, with ARCH one of {', '.join(MACHINES)}")
    options.binary = dict(pairs)
    if len(options.binary) != len(pairs):
        parser.error("--binary: the same architecture twice")
    return options


class Certificates:
    """The root certificates, their license and their origin, from the wheel of certifi in certificates.txt."""

    def __init__(self):
        with tempfile.TemporaryDirectory() as place:
            python = sys.executable
            if importlib.util.find_spec("pip") is None:
                venv.create(f"{place}/venv", with_pip=True)
                python = f"{place}/venv/bin/python"
            words = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
            words += ["--only-binary", ":all:", "--requirement", ROOT / "packaging/certificates.txt", "--dest", place]
            done = subprocess.run([python, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"cannot download the root certificates: {' '.join(done.stderr.split())}")
            (wheel,) = pathlib.Path(place).glob("certifi-*.whl")
            version = wheel.name.split("-")[1]
            with zipfile.ZipFile(wheel) as archive:
                self.pem = archive.read("certifi/cacert.pem")
                self.license = archive.read(f"certifi-{version}.dist-info/licenses/LICENSE")
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        # The version is the date of the release.
        year, month, day = map(int, version.split(".")[:3])
        date = datetime.datetime(year, month, day, tzinfo=datetime.timezone.utc)
        self.epoch = int(date.timestamp())
        self.name = f"Mozilla root certificates of {date:%Y-%m-%d} (certifi {version})"
        count = self.pem.count(b"-----BEGIN CERTIFICATE-----")
        self.origin = (
            f"{self.name}\n\n"
            f"/etc/ssl/certs/ca-certificates.crt contains {count} certificates. It is the unchanged file\n"
            f"certifi/cacert.pem of the Python package certifi {version} (https://pypi.org/project/certifi/).\n\n"
            f"SHA-256 of the file:  {hashlib.sha256(self.pem).hexdigest()}\n"
            f"SHA-256 of the wheel: {digest}\n"
        ).encode()


def base_entries(certificates):
    users = f"root:x:0:0:root:/:/sbin/nologin\nxassume:x:{USER}:{USER}:xassume:{HOME}:/sbin/nologin\n"
    return [
        Entry("etc/passwd", users.encode()),
        Entry("etc/group", f"root:x:0:\nxassume:x:{USER}:\n".encode()),
        Entry("etc/ssl/certs/ca-certificates.crt", certificates.pem),
        Entry(f"{DOC}/ca-certificates/LICENSE", certificates.license),
        Entry(f"{DOC}/ca-certificates/ORIGIN", certificates.origin),
        # Root's: in the container's own layer, xassume must not store a session.
        Entry(f"{HOME[1:]}/", mode=0o755),
        # A tmpfs that is mounted here without options gets the mode of this directory (runc, crun).
        Entry("tmp/", mode=0o1777),
    ]


def program_entries(options, arch):
    return [
        Entry("usr/bin/xassume", read_program(options.binary[arch], arch), 0o755),
        Entry(f"{DOC}/xassume/xassume.cdx.json", read(options.sbom)),
        *(Entry(f"{DOC}/xassume/{path.name}", read(path)) for path in ROOT.glob("LICENSE-*")),
    ]


def layer(blobs, entries, epoch, comment):
    """Stores a layer with the entries and the directories above them."""
    names = {entry.name for entry in entries}
    above = {f"{parent}/" for name in names for parent in pathlib.PurePosixPath(name).parents} - {"./"} - names
    tar = tar_bytes([*entries, *(Entry(name, mode=0o755) for name in above)], epoch)
    history = {"created": moment(epoch), "created_by": "packaging/image.py", "comment": comment}
    return {
        "descriptor": put(blobs, "layer.v1.tar+gzip", gzip_bytes(tar)),
        "diff_id": f"sha256:{hashlib.sha256(tar).hexdigest()}",
        "history": history,
    }


def manifest(blobs, layers, labels, arch):
    """Stores the configuration and the manifest of one image."""
    config = {
        "created": labels["org.opencontainers.image.created"],
        **PLATFORMS[arch],
        "config": {
            "User": f"{USER}:{USER}",
            # HOME is set so that it is the same for every user of `docker run --user`.
            "Env": [f"PATH={PATH}", f"HOME={HOME}"],
            "Entrypoint": ["/usr/bin/xassume"],
            "WorkingDir": "/",
            "Labels": labels,
            "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": [layer["diff_id"] for layer in layers]},
        "history": [layer["history"] for layer in layers],
    }
    document = {
        "schemaVersion": 2,
        "mediaType": MEDIA + "manifest.v1+json",
        "config": put(blobs, "config.v1+json", as_json(config)),
        "layers": [layer["descriptor"] for layer in layers],
        "annotations": labels,
    }
    return put(blobs, "manifest.v1+json", as_json(document))


def put(blobs, kind, data):
    """Stores a blob under its digest and returns its descriptor."""
    digest = hashlib.sha256(data).hexdigest()
    blobs[digest] = data
    return {"mediaType": MEDIA + kind, "digest": f"sha256:{digest}", "size": len(data)}


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def moment(epoch):
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    main()
