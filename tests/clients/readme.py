"""The README: every command in it is run by something, and its transcripts show what really happens.

A transcript (```console) is typed into a bash on a terminal, with the real AWS CLI and moto; its output must be the one
that the README shows. The other lines with xassume are run by recipes.py. The rest is run by the gate.
"""

import os
import pathlib
import re
import shutil

import recipes
from cloud import KEYS, REGION, cloud
from harness import ROOT, VENV_BIN, XASSUME, Skipped, Terminal, check, clean_env, directory, end, expect, run

README = (ROOT / "README.md").read_text()
# What runs the commands that do more than calling xassume: a script, and the text that must be in it.
GATE, RELEASE = ".ci/run", ".ci/release"
LITERALLY = (RELEASE, 'XASSUME_CHECKS_INSTALL=1 bounded 90 tests/clients/run "readme: the install commands"')
RUN_BY = {
    "cargo install --path . --locked": (GATE, "cargo install --path . --locked"),
    ".ci/release dist": LITERALLY,
    "sudo apt install ./target/dist/xassume_*_amd64.deb": LITERALLY,
    "cargo run --example demo": (GATE, "cargo run --locked --example demo"),
    "cargo test --locked": (GATE, 'step "tests" bounded 30 cargo test --locked'),
    "cargo bench": (RELEASE, "cargo bench --locked"),
}
# A command within the text begins with one of these.
INLINE = r"apt|apt-get|aws|cargo|curl|docker|git|rustup|sudo|xassume|\w+=\$\(xassume"
# The README only names these; recipes.py and sign_in.py run what follows from them.
NAMES = {"aws configure sso", "aws sts assume-role", "docker run"}
# The languages of the other code blocks.
OTHER_KINDS = {"ini", "json", "mermaid", "console"}
# The label of the role is in front of the dollar.
PROMPT = r"(?:\[[^\]\s]+\] )?\$ "
ANY_PROMPT = rf"(?:^|(?<=\n)){PROMPT}$"
STARTUP = "PS1='${XASSUME_LABEL:+[$XASSUME_LABEL] }$ '\nset +o emacs\n"


def blocks(kind, text=README):
    """The code blocks of this kind; an indented block has none."""
    if kind is None:
        bare = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        return re.findall(r"(?:^ {4,}\S.*\n)+", bare, re.M)
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)


def commands(text=README):
    """The commands in a text, except in transcripts."""
    scripts = blocks(None, text) + blocks("sh", text)
    lines = [line.strip() for script in scripts for line in re.sub(r"\\\n", " ", script).splitlines()]
    lines = [re.sub(r"(?:^|\s+)#\s.*", "", line) for line in lines]
    lines += re.findall(rf"`((?:{INLINE}) [^`]+)`", text)
    return [part.strip() for line in lines for part in line.split(" && ") if part.strip() and part not in NAMES]


@check("readme: every command is run by a check or by a step of the gate")
def _():
    ran = "\n".join(unit.script for unit in recipes.UNITS if unit.place.startswith("README.md:"))
    typed = [command for block in blocks("console") for command in typed_in(block)]
    found = commands()
    expect(len(found) > 3, f"only {found}")
    kinds = set(re.findall(r"^ *```(\w+)$", README, re.M))
    expect(kinds <= {"sh", *OTHER_KINDS}, f"are there commands in a block of {kinds}?")
    for command in found:
        if command in RUN_BY:
            script, text = RUN_BY[command]
            lines = [line for line in (ROOT / script).read_text().splitlines() if not line.lstrip().startswith("#")]
            expect(any(text in line for line in lines), f"{script} no longer runs: {command}")
        else:
            expect(command in ran or command in typed, f"nothing runs: {command}")
    unused = [command for command in RUN_BY if command not in found]
    expect(not unused, f"no longer in the README: {unused}")


def typed_in(block):
    """The commands of a transcript."""
    return re.findall(rf"^{PROMPT}(.*)$", block, re.M)


def normal(text):
    """The words of a text; times, generated IDs and the names of the user and the machine are made equal."""
    for found, replacement in (
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        (r"\(\d+[dhms]( \d+[dhms])* left\)", "(SPAN left)"),
        (r"\bAROA\w+", "AROA"),
        (r"\bxassume-[\w.-]+@[\w.-]+", "xassume-USER@HOST"),
    ):
        text = re.sub(found, replacement, text)
    return " ".join(text.split())


def is_shown(block, output):
    """Whether a transcript shows this output. Lines may break elsewhere, and `…` stands for any text."""
    return re.fullmatch(".*?".join(map(re.escape, normal(block).split("…"))), normal(output))


def user(home):
    """The user of the transcripts: with the profiles of the README, keys, and the real AWS CLI."""
    (home / "bin").mkdir()
    (home / "bin/xassume").symlink_to(pathlib.Path(XASSUME).resolve())
    (home / ".aws").mkdir()
    config = "\n".join(body for body in blocks("ini") if "[profile" in body) or recipes.PROFILES
    (home / ".aws/config").write_text(config)
    keys = "".join(f"{name.lower()} = {value}\n" for name, value in KEYS.items())
    (home / ".aws/credentials").write_text(f"[me]\n{keys}")
    (home / ".bashrc").write_text(STARTUP)
    (home / ".hushlogin").touch()
    return clean_env(
        home, PATH=f"{home}/bin:{VENV_BIN}:/usr/bin:/bin", AWS_ENDPOINT_URL=cloud().url, AWS_REGION=REGION,
        SHELL="/bin/bash", TERM="dumb",
    )


def transcript(block):
    """Types the commands of a transcript, and returns what the terminal showed."""
    with directory() as home:
        terminal = Terminal(["bash", "-i"], user(home), home)
        try:
            shown = terminal.wait_for(ANY_PROMPT)
            for command in typed_in(block):
                terminal.send(command + "\n")
                shown += command + terminal.wait_for(r"\r\n(?s:.*)" + ANY_PROMPT)
            return shown.replace("\r\n", "\n").removesuffix("$ ").strip()
        finally:
            end(terminal.process)
            os.close(terminal.master)


@check("readme: its transcripts show what happens")
def _():
    found = blocks("console")
    expect(found, "no transcript")
    for block in found:
        shown = transcript(block)
        expect(is_shown(block, shown), f"the README shows:\n{block}\nbut it is:\n{shown}")


@check("readme: the install commands, in a new copy of the last commit")
def _():
    if not os.environ.get("XASSUME_CHECKS_INSTALL"):
        raise Skipped("it builds releases and installs a package: XASSUME_CHECKS_INSTALL=1 runs it")
    if os.getuid() != 0 or not shutil.which("apt-get") or run(["dpkg-query", "-W", "xassume"], clean_env("/")).status == 0:
        raise Skipped("needs root, apt-get, and no installed package xassume")
    section = README.split("\n## Install\n", 1)[1].split("\n## ", 1)[0]
    with directory() as home:
        env = {**os.environ, "CARGO_INSTALL_ROOT": str(home / "cargo"), "APT_CONFIG": str(home / "apt.conf")}
        env["PATH"] = f"{home}/cargo/bin:{env['PATH']}:{home}/bin"
        (home / "apt.conf").write_text('APT::Get::Assume-Yes "true";\nAPT::Sandbox::User "root";\n')
        # For containers, where root has no sudo.
        (home / "bin").mkdir()
        (home / "bin/sudo").write_text('#!/bin/sh\nexec "$@"\n')
        (home / "bin/sudo").chmod(0o755)
        run(["git", "clone", "-q", ROOT, home / "copy"], env).expect_success()
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        (home / "copy/target").symlink_to(target)
        env.pop("CARGO_TARGET_DIR", None)
        try:
            # The gate runs the demo and the tests.
            for command in [command for command in commands(section) if not re.match("cargo (run|test) ", command)]:
                result = run(["bash", "-e", "-c", command], env, timeout=3600, cwd=home / "copy")
                expect(result.status == 0, str(result))
            for program in (home / "cargo/bin/xassume", "/usr/bin/xassume"):
                run([program, "--version"], clean_env(home)).expect_success()
        finally:
            run(["dpkg", "--purge", "xassume"], env)
