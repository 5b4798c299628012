"""The prompts in docs/prompt.md show XASSUME_LABEL: in bash, zsh and fish on a terminal, and in starship, if it is
installed. No shell runs or interprets the label, not even one that another program sets."""

import os
import re
import shutil
import subprocess

from harness import ROOT, Skipped, Terminal, check, clean_env, directory, end, expect, expect_equal

LABEL = "521111111144:DeployMaster"
# xassume replaces all of these characters. The snippets do not rely on that.
HOSTILE = "a$(touch owned)`touch owned`%F{red}%n%d\\w\\u\\$!1 ~"


def snippet(language):
    return re.search(rf"^```{language}\n(.*?)^```", (ROOT / "docs/prompt.md").read_text(), re.M | re.S)[1]


def prompted(words, path, setup, more):
    """Expects that the prompt after the setup begins with each label."""
    if not shutil.which(words[0]):
        raise Skipped(f"no {words[0]}")
    for label, shown in ((LABEL, f"[{LABEL}]"), (HOSTILE, f"[{HOSTILE}]"), ("", ""), (None, "")):
        env = clean_env(path, TERM="dumb", ZDOTDIR=path, **more)
        if label is not None:
            env["XASSUME_LABEL"] = label
        terminal = Terminal(words, env, path)
        try:
            terminal.send(setup + "\necho 'be''gin'\n")
            terminal.wait_for("begin\r?\n")
            found = terminal.wait_for(r"(.*?)ready> ").replace("\r", "")
            expect_equal(found.strip(), shown, f"{words[0]}: the prompt with {label!r}")
        finally:
            # An interactive shell ignores TERM.
            terminal.send("exit\n")
            end(terminal.process)
            os.close(terminal.master)
        expect(not (path / "owned").exists(), f"{words[0]} has run {label!r}")


@check("prompts: bash")
def _():
    with directory() as path:
        words = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
        prompted(words, path, f"stty -echo; PS1='ready> '\n{snippet('bash')}", {})


@check("prompts: zsh, with and without PROMPT_SUBST")
def _():
    for options in ("PROMPT_SUBST PROMPT_BANG", "NO_PROMPT_SUBST", "KSH_ARRAYS"):
        with directory() as path:
            setup = f"setopt {options}; PROMPT_EOL_MARK= PROMPT='ready> '\n{snippet('zsh')}"
            prompted(["zsh", "-f", "-i", "-o", "NO_ZLE"], path, setup, {})


@check("prompts: fish")
def _():
    if not shutil.which("fish"):
        raise Skipped("no fish")
    for label, shown in ((LABEL, f"[{LABEL}]"), (HOSTILE, f"[{HOSTILE}]"), ("", ""), (None, "")):
        with directory() as path:
            functions = path / ".config/fish/functions"
            functions.mkdir(parents=True)
            (functions / "fish_right_prompt.fish").write_text(snippet("fish"))
            env = clean_env(path, **({} if label is None else {"XASSUME_LABEL": label}))
            run = subprocess.run(["fish", "-c", "fish_right_prompt"], env=env, cwd=path, capture_output=True, text=True)
            expect_equal((run.stdout, run.stderr), (shown, ""), f"fish: the prompt with {label!r}")
            expect(not (path / "owned").exists(), f"fish has run {label!r}")


@check("prompts: starship")
def _():
    if not shutil.which("starship"):
        raise Skipped("no starship")
    for label, shown in ((LABEL, f"[{LABEL}]"), (None, "")):
        with directory() as path:
            (path / "starship.toml").write_text(f"add_newline = false\nformat = '$env_var'\n{snippet('toml')}")
            env = clean_env(path, STARSHIP_CONFIG=path / "starship.toml", TERM="xterm", STARSHIP_SHELL="sh")
            env |= {} if label is None else {"XASSUME_LABEL": label}
            env["PATH"] = os.environ["PATH"]
            run = subprocess.run(["starship", "prompt"], env=env, cwd=path, capture_output=True, text=True)
            text = re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", run.stdout).strip()
            expect_equal((text, run.stderr), (shown, ""), f"starship: the prompt with {label!r}")
