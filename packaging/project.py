"""What the programs here read from the project."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read(path):
    """Returns the bytes of a file. Exits with one line if it cannot be read."""
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")


def setting(key, manifest=None):
    """Returns the value of a key in Cargo.toml, or in the text of another manifest. A text has no quotes."""
    if manifest is None:
        manifest = read(ROOT / "Cargo.toml").decode()
    return re.search(rf"^{key} = (.*)$", manifest, re.MULTILINE).group(1).strip('"')
