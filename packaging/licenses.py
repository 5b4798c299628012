"""The license texts of the crates in the static programs. Most licenses require that a copy of the program has them."""

import json
import pathlib
import subprocess
import sys

from sbom import TRIPLES

NAMES = ("licen", "copying", "copyright", "notice", "unlicense")
# The libraries that rustc links, which are not crates of Cargo.lock.
RUST = """Rust's standard library: Apache-2.0 OR MIT. Copyright (c) The Rust Project Contributors
The C library musl: MIT. Copyright © 2005-2020 Rich Felker, et al.
The texts of these licenses are among those below.
"""


def third_party(source, bill):
    """Returns each license text once, with the crates that it applies to. The crates are those in the bill of materials."""
    words = ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", source / "Cargo.toml"]
    # Without the crates for other systems, which would be downloaded.
    words += [word for triple in TRIPLES for word in ("--filter-platform", triple)]
    found = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    packages = {(package["name"], package["version"]): package for package in found["packages"]}
    texts, expressions = {}, {}
    for name in sorted((part["name"], part["version"]) for part in json.loads(bill)["components"]):
        package, crate = packages[name], " ".join(name)
        expressions[crate] = package["license"] or sys.exit(f"{crate} has no license")
        for path in sorted(pathlib.Path(package["manifest_path"]).parent.iterdir()):
            if path.is_file() and path.name.lower().startswith(NAMES):
                text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip("\n")
                texts.setdefault(text, []).append(crate)
    lines = ["xassume contains these crates, whose licenses are:", ""]
    lines += [f"{crate}: {expression}" for crate, expression in expressions.items()]
    lines += ["", RUST]
    for text, crates in texts.items():
        lines += ["=" * 100, "", *(f"    {crate}" for crate in dict.fromkeys(crates)), "", text, ""]
    return "\n".join(lines).encode()
