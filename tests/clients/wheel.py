"""The wheels of `.ci/release dist`: installed and removed by pip and uv, and what they install.

XASSUME_DIST is the directory with the wheels; `.ci/release dist` sets it.
"""

import base64
import csv
import hashlib
import io
import os
import pathlib
import re
import signal
import subprocess
import sys
import zipfile

from cloud import KEYS, REGION
from harness import Skipped, check, clean_env, directory, end, expect, expect_equal, run
from sts import recording_sts

# With twine and uv: see run.
TOOLS = pathlib.Path(os.environ["XASSUME_CHECKS_CACHE"], "wheel", "bin")
ROLE = "arn:aws:iam::521111111144:role/DeployMaster"
# The first version that knows the tag manylinux2014.
OLD_PIP = "19.3.1"
PROGRAM = "data/scripts/xassume"


def wheels():
    """The wheels by architecture."""
    place = os.environ.get("XASSUME_DIST")
    if not place:
        raise Skipped("no packages: see .ci/release dist")
    paths = pathlib.Path(place).resolve().glob("*.whl")
    found = {re.search("musllinux_1_1_(.*).whl", path.name).group(1): path for path in paths}
    expect(os.uname().machine in found, f"wheels: {found}")
    return found


def own_wheel():
    return wheels()[os.uname().machine]


def program(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(PROGRAM))
        return archive.read(name)


@check("wheel: names, tags, modes and sums are as the format requires")
def _():
    for arch, wheel in wheels().items():
        name, version, *tags = wheel.stem.split("-")
        with zipfile.ZipFile(wheel) as archive:
            files = {member.filename: archive.read(member) for member in archive.infolist()}
            modes = {member.filename: oct(member.external_attr >> 16) for member in archive.infolist()}
        info = f"{name}-{version}.dist-info"
        lines = files[f"{info}/WHEEL"].decode().splitlines()
        python, abi, platforms = tags
        wanted = {f"Tag: {python}-{abi}-{platform}" for platform in platforms.split(".")}
        expect_equal(wanted, {line for line in lines if line.startswith("Tag: ")}, "tags")
        expect_equal({platform.split(f"_{arch}")[1] for platform in platforms.split(".")}, {""}, platforms)
        recorded = list(csv.reader(io.StringIO(files[f"{info}/RECORD"].decode())))
        sums = {path: (path.endswith("/RECORD") and ("", "")) or summed(data) for path, data in files.items()}
        expect_equal({path: (digest, size) for path, digest, size in recorded}, sums, "RECORD")
        expect_equal(modes.pop(f"{name}-{version}.{PROGRAM}"), "0o100755", "mode of the program")
        expect_equal(set(modes.values()), {"0o100644"}, "modes of the others")
        described = files[f"{info}/METADATA"].decode()
        expect_equal(re.findall(r"\]\((?!https?:|#)[^)]*\)", described), [], "links that lead nowhere on an index")
    twine = TOOLS / "twine"
    with directory() as home:
        result = run([twine, "check", "--strict", *wheels().values()], clean_env(home)).expect_success()
        expect_equal(result.stdout.count("PASSED"), len(wheels()), str(result))


def summed(data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}", str(len(data))


def files_of(place):
    return {path for path in place.rglob("*") if "__pycache__" not in path.parts}


def installed(home, pip=None):
    """A virtual environment in which pip, in this version, has installed the wheel; its files before that."""
    venv = home / "environment of pip"
    env = clean_env(home, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_CACHE_DIR="1")
    run([sys.executable, "-m", "venv", venv], env, timeout=180).expect_success()
    if pip:
        run([venv / "bin/python", "-m", "pip", "install", "--quiet", f"pip=={pip}"], env, timeout=120).expect_success()
        shown = run([venv / "bin/python", "-m", "pip", "--version"], env).expect_success().stdout
        expect(shown.startswith(f"pip {pip} "), shown)
    before = files_of(venv)
    run([venv / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", own_wheel()], env).expect_success()
    return venv, env, before


@check("wheel: pip installs the program itself, and removes it")
def _():
    own_wheel()
    with directory() as home:
        venv, env, before = installed(home)
        path = venv / "bin/xassume"
        expect_equal(path.read_bytes(), program(own_wheel()), "the program")
        expect(run([path, "--version"], env).expect_success().stdout.startswith("xassume "), "--version")
        run([venv / "bin/python", "-m", "pip", "uninstall", "--quiet", "--yes", "xassume"], env).expect_success()
        expect_equal(files_of(venv) - before, set(), "files that are left")


@check(f"wheel: pip {OLD_PIP} installs it")
def _():
    own_wheel()
    if sys.version_info >= (3, 12):
        raise Skipped(f"pip {OLD_PIP} does not run with Python {sys.version.split()[0]}")
    with directory() as home:
        venv, env, _ = installed(home, OLD_PIP)
        expect(run([venv / "bin/xassume", "--version"], env).expect_success().stdout.startswith("xassume "), "--version")


@check("wheel: pip rejects the wheel of another architecture")
def _():
    own, others = own_wheel(), [path for arch, path in wheels().items() if arch != os.uname().machine]
    if not others:
        raise Skipped(f"only {own.name}")
    with directory() as home:
        env = clean_env(home, PIP_DISABLE_PIP_VERSION_CHECK="1")
        result = run([sys.executable, "-m", "pip", "download", "--no-index", "--dest", home / "out", others[0]], env)
        expect(result.status != 0 and "not a supported wheel" in result.stderr, str(result))


@check("wheel: no process is between the signals and the command")
def _():
    own_wheel()
    with directory() as home, recording_sts(home) as sts:
        venv, env, _ = installed(home)
        words = ["--sts-endpoint", sts.url, "-r", ROLE, "--", "sh", "-c", "echo $$; exec sleep 60"]
        process = subprocess.Popen(
            [venv / "bin/xassume", *words], env={**env, "AWS_REGION": REGION, **KEYS}, cwd=home,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
        )
        try:
            expect_equal(int(process.stdout.readline()), process.pid, "process ID of the command")
            process.terminate()
            expect_equal(process.wait(10), -signal.SIGTERM, "status")
        finally:
            end(process)


@check("wheel: uv runs it, installs it as a tool and removes it")
def _():
    wheel, uv = own_wheel(), TOOLS / "uv"
    with directory() as home:
        env = clean_env(
            home, UV_OFFLINE="1", UV_NO_CONFIG="1", UV_PYTHON=sys.executable, UV_TOOL_BIN_DIR=home / "bin",
            UV_CACHE_DIR=home / "cache",
        )
        result = run([uv, "tool", "run", "--from", wheel, "xassume", "--version"], env).expect_success()
        expect(result.stdout.startswith("xassume "), str(result))
        run([uv, "tool", "install", wheel], env).expect_success()
        expect_equal((home / "bin/xassume").read_bytes(), program(wheel), "the program")
        run([uv, "tool", "uninstall", "xassume"], env).expect_success()
        expect_equal(list((home / "bin").iterdir()), [], "files that are left")
