"""The bill of materials (CycloneDX) of the static builds."""

import json
import os
import subprocess
import sys

TRIPLES = ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl")


def merged(bills):
    """Returns one bill with the crates of all, which were made for different targets."""
    whole = bills[0]
    whole["metadata"]["properties"] = [entry for bill in bills for entry in bill["metadata"]["properties"]]
    components = {entry["bom-ref"]: entry for bill in bills for entry in bill["components"]}
    whole["components"] = [components[ref] for ref in sorted(components)]
    depends = {}
    for entry in (entry for bill in bills for entry in bill["dependencies"]):
        depends.setdefault(entry["ref"], set()).update(entry.get("dependsOn", []))
    whole["dependencies"] = [{"ref": ref, "dependsOn": sorted(depends[ref])} for ref in sorted(depends)]
    return whole


def bill(source, epoch):
    """Returns the bill for all architectures. It must contain every crate of the builds."""
    # With the time of the commit, and without a random serial number.
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    bills, built = [], set()
    for triple in TRIPLES:
        words = ["cargo-cyclonedx", "cyclonedx", "--format", "json", "--no-build-deps", "--target", triple]
        subprocess.run([*words, "--override-filename", triple], cwd=source, env=env, check=True)
        text = (source / f"{triple}.json").read_text()
        # An identifier of this package, and not a path that anyone else has.
        bills.append(json.loads(text.replace(source.as_uri(), "file:///xassume")))
        words = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--target", triple]
        lines = subprocess.run(words, cwd=source, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        built |= {" ".join(line.split()[:2]) for line in lines if line.strip() and not line.startswith("xassume ")}
    whole = merged(bills)
    listed = {f"{part['name']} v{part['version']}" for part in whole["components"]}
    print(f"{len(listed)} crates in the bill, {len(built)} in the program")
    if built - listed:
        sys.exit(f"not in the bill: {sorted(built - listed)}")
    return (json.dumps(whole, indent=1) + "\n").encode()
