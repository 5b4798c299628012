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


def third_party(source):
    """Returns the texts, each once, with the crates that it is for."""
    words = ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", source / "Cargo.toml"]
    words += [word for triple in TRIPLES for word in ("--filter-platform", triple)]
    found = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in found["packages"]}
    texts, expressions = {}, {}
    for package in sorted((packages[name] for name in built(found)), key=lambda package: (package["name"], package["version"])):
        crate = f"{package['name']} {package['version']}"
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


def built(found):
    """Returns the crates that are linked: those that xassume needs, directly or not, to run and not to be built."""
    needs = {
        node["id"]: [need["pkg"] for need in node["deps"] if any(kind["kind"] is None for kind in need["dep_kinds"])]
        for node in found["resolve"]["nodes"]
    }
    seen, left = set(), [found["resolve"]["root"]]
    while left:
        for name in needs[left.pop()]:
            if name not in seen:
                seen.add(name)
                left.append(name)
    return seen
