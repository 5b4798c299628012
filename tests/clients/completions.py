"""The completions in their shells: bash and zsh on a terminal, fish with `complete -C`."""

import contextlib
import os
import pathlib
import re
import shlex
import shutil

from harness import ROOT, XASSUME, Skipped, Terminal, check, clean_env, directory, end, expect, expect_equal, run

COMPLETIONS = ROOT / "completions"
BASH_COMPLETION = pathlib.Path("/usr/share/bash-completion/bash_completion")

CONFIG = """
[default]
region = eu-west-1
[profile deploy]
role_arn = arn:aws:iam::521111111144:role/DeployMaster
source_profile = default
[profile "two words"]
role_arn = arn:aws:iam::222222222222:role/team/Reader
credential_process = sh -c 'echo run > "$HOME/was-run"'
"""
DESCRIBED = r"""
[profile colon:name]
role_arn = arn:aws:iam::521111111144:role/DeployMaster
[profile 'back\slash']
role_arn = arn:aws:iam::222222222222:role/team/Reader
[profile sso]
sso_account_id = 333333333333
sso_role_name = $(touch "$HOME/was-run")
[profile plain]
region = eu-west-1
[profile escape\x1b]
role_arn = arn:aws:iam::222222222222:role/X
""".replace("\\x1b", "\x1b")
ROLES_OF_PROFILES = {
    "colon:name": "521111111144:DeployMaster",
    "back\\slash": "arn:aws:iam::222222222222:role/team/Reader",
    "sso": '333333333333:$(touch "$HOME/was-run") (IAM Identity Center)',
}
PROFILES = {"default", "deploy", "keys", "two words"}
ROLES = {
    "arn:aws:iam::222222222222:role/team/Reader",
    "arn:aws:iam::521111111144:role/DeployMaster",
    "521111111144:DeployMaster",
}


@contextlib.contextmanager
def home():
    """A home with profiles and files, and `xassume` and two more commands on the PATH, one with its own completion."""
    with directory() as path:
        (path / ".aws").mkdir()
        (path / ".aws" / "config").write_text(CONFIG)
        (path / ".aws" / "credentials").write_text("[keys]\naws_access_key_id = A\naws_secret_access_key = S\n")
        (path / "bundle.pem").touch()
        (path / "bundles").mkdir()
        programs = path / "bin"
        programs.mkdir()
        (programs / "xassume").symlink_to(pathlib.Path(XASSUME).resolve())
        for name in ("frobnicate", "frobber"):
            (programs / name).write_text("#!/bin/sh\n")
            (programs / name).chmod(0o755)
        yield path
        expect(not (path / "was-run").exists(), "a credential_process was run")


# The lines for the shells' startup files.
PRINTED = {shell: f"source <(xassume --completions {shell})" for shell in ("bash", "zsh")}


def environment(path):
    return clean_env(path, PATH=f"{path}/bin:/usr/bin:/bin", TERM="dumb", ZDOTDIR=path, AWS_CONFIG_FILE="-")


class Shell(Terminal):
    """A shell on a terminal. A key prints the current line."""

    def __init__(self, words, path, setup):
        super().__init__(words, environment(path), path)
        self.path = path
        self.send(setup + "\necho 'rea''dy'\n")
        self.wait_for("ready")

    def line(self, typed, key):
        """The line after `typed` and `key`."""
        self.send(typed + key)
        # Ctrl-O prints the line, Ctrl-U clears it.
        self.send("\x0f")
        shown = self.wait_for("<<<(.*?)>>>")
        self.send("\x15")
        return shown.replace("\r", "").replace("\n", "")

    def completed(self, typed):
        """The line after a tab."""
        return self.line(typed, "\t")

    def candidates(self, typed):
        """All candidates for the last word."""
        whole = self.line(typed, "\x14")
        if whole == typed:
            return set()
        before = typed[: typed.rfind(" ") + 1]
        expect(whole.startswith(before), f"{typed!r} became {whole!r}")
        return set(shlex.split(whole[len(before) :]))

    def close(self):
        end(self.process)
        os.close(self.master)


class Bash(Shell):
    SETUP = r"""
PS1= PS2=
bind 'set enable-bracketed-paste off' 'set bell-style none' 'set completion-query-items 0' 'set page-completions off'
bind '"\C-t": insert-completions'
bind -x '"\C-o": printf "<<<%s>>>\n" "$READLINE_LINE"'
_frobnicate() { [[ $1 = frobnicate && $3 != bad ]] && mapfile -t COMPREPLY < <(compgen -W "north south --east=" -- "$2"); }
complete -F _frobnicate frobnicate
complete -W "up down" frobber
"""

    def __init__(self, path, package):
        source = f"source {BASH_COMPLETION}\nsource {COMPLETIONS}/xassume.bash" if package else PRINTED["bash"]
        super().__init__(["bash", "--norc", "--noprofile", "-i"], path, f"{source}\n{self.SETUP}")


class Zsh(Shell):
    SETUP = r"""
PS1= PS2= RPS1= PROMPT_EOL_MARK=
unsetopt BEEP; setopt NO_LIST_AMBIGUOUS
bindkey -e
autoload -U compinit; compinit -u -D
_frobnicate() { compadd -- north south --east= }
compdef _frobnicate frobnicate
_frobber() { compadd -- up down }
compdef _frobber frobber
show() { print -rn -- "<<<$BUFFER>>>" }
zle -N show; bindkey '^O' show
zle -C all complete-word _generic; bindkey '^T' all
zstyle ':completion:all:*' completer _all_matches _complete
zstyle ':completion:all:*' insert true
"""

    def __init__(self, path, printed):
        before, after = ("", PRINTED["zsh"]) if printed else (f"fpath=({COMPLETIONS} $fpath)", "")
        super().__init__(["zsh", "-f", "-i"], path, f"{before}\n{self.SETUP}\n{after}")

    def described(self, typed):
        """The candidates as they are listed, with their descriptions."""
        self.seen = ""
        self.send(typed + "\t\x0f")
        listed = self.wait_for("(.*)<<<.*?>>>")
        self.send("\x15")
        lines = (re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip() for line in listed.splitlines())
        return dict(re.split(r" +-- ", line, maxsplit=1) for line in lines if " -- " in line)


class Fish:
    """fish, which needs no terminal."""

    SETUP = """
complete -c frobnicate -f -a 'north south --east='
complete -c frobber -f -a 'up down'
"""

    def __init__(self, path):
        self.path = path

    def completed(self, typed):
        """The line with the only candidate."""
        found = self.candidates(typed)
        expect(len(found) == 1, f"{typed!r}: {found}")
        last = re.search(r"""(?:[^\s\\"]|\\.|"[^"]*"?)*$""", typed)
        return typed[: last.start()] + shlex.quote(found.pop())

    def candidates(self, typed):
        return {line.split("\t")[0] for line in self.lines(typed)}

    def described(self, typed):
        """The candidates with their descriptions. fish shows a flag's description for candidates that have none."""
        described = dict(line.split("\t") for line in self.lines(typed))
        return {name: text for name, text in described.items() if text != "AWS profile to use"}

    def lines(self, typed):
        # The program itself may be away later.
        script = self.path / "printed.fish"
        if not script.exists():
            script.write_text(run([XASSUME, "--completions", "fish"], environment(self.path)).stdout)
        commands = f"source {script}\n{self.SETUP}\ncomplete -C {shlex.quote(typed)}"
        result = run(["fish", "--no-config", "-c", commands], environment(self.path), cwd=self.path)
        expect(result.status == 0 and not result.stderr, str(result))
        return result.stdout.splitlines()

    def close(self):
        pass


@contextlib.contextmanager
def shell(kind, program, *more):
    if not shutil.which(program):
        raise Skipped(f"no {program}")
    with home() as path:
        this = kind(path, *more)
        try:
            yield this
        finally:
            this.close()


def offered(shell, typed):
    """The candidates, without the characters that some shells append to directories and to flags with a value."""
    return {candidate.rstrip("/=") for candidate in shell.candidates(typed)}


def expect_completions(this):
    """The expectations for every shell."""
    for typed, wanted in (
        ("xassume --v", {"--verbose", "--version", "--via"}),
        ("xassume --via env -v --v", {"--verbose", "--version"}),
        ("xassume -q --q", set()),
        ("xassume -r x --role-a", {"--role-arn"}),
        ("xassume --profile ", PROFILES),
        ("xassume -p ", PROFILES),
        ("xassume -vp d", {"default", "deploy"}),
        ("xassume --role-arn ", ROLES),
        ("xassume --role-arn 521111111144:DeployMaster -r ", ROLES),
        ("xassume --signal US", {"USR1", "USR2"}),
        ("xassume --stop-signal T", {"TERM", "TRAP", "TSTP", "TTIN", "TTOU"}),
        ("xassume --via ", {"env", "file", "endpoint", "process"}),
        ("xassume --on-expiry ", {"none", "restart", "signal"}),
        ("xassume --on-refresh-failure ", {"keep", "stop"}),
        ("xassume --process-group ", {"auto", "same", "new"}),
        ("xassume --log-format ", {"text", "json"}),
        ("xassume --keep-env HO", {"HOME"}),
        ("xassume --ca-bundle bu", {"bundle.pem", "bundles"}),
        ("xassume --cache-dir bu", {"bundles"}),
        ("xassume --region ", set()),
        # The command: its name, and the candidates of its own completion.
        ("xassume frob", {"frobber", "frobnicate"}),
        ("xassume --via env -r 521111111144:X -- frob", {"frobber", "frobnicate"}),
        ("xassume -- frobnicate ", {"north", "south", "--east"}),
        ("xassume frobnicate ", {"north", "south", "--east"}),
        ("xassume -v -- frobnicate x --via ", {"north", "south", "--east"}),
        ("xassume -r arn:aws:iam::521111111144:role/X -- frobnicate x n", {"north"}),
        ("xassume --via=env -p deploy frobber ", {"up", "down"}),
        ("xassume frobber --vi", set()),
        ("xassume -- ls bu", {"bundle.pem", "bundles"}),
    ):
        expect_equal(offered(this, typed), wanted, repr(typed))
    for typed, wanted in (
        ("xassume --role-arn 5", "521111111144:DeployMaster"),
        ("xassume --role-arn arn:aws:iam::5", "arn:aws:iam::521111111144:role/DeployMaster"),
        ("xassume -r 521111111144:", "521111111144:DeployMaster"),
        ("xassume --role-arn=arn:aws:iam::2", "--role-arn=arn:aws:iam::222222222222:role/team/Reader"),
        ("xassume --profile=k", "--profile=keys"),
        ("xassume --via=p", "--via=process"),
        ("AWS_REGION=x xassume -p k", "keys"),
    ):
        before = typed[: typed.rfind(" ") + 1]
        expect_equal(this.completed(typed).rstrip(), before + wanted, repr(typed))
    for typed in ("xassume --profile tw", "xassume --profile two\\ ", 'xassume --profile "two'):
        expect_equal(shlex.split(this.completed(typed))[2:], ["two words"], repr(typed))
    # A program that is not in PATH is run by the name that was typed.
    (this.path / "bin" / "xassume").rename(this.path / "xassume")
    expect_equal(this.completed("./xassume -p k").rstrip(), "./xassume -p keys", "by its path")
    expect_equal(this.completed("~/xassume -p k").rstrip(), "~/xassume -p keys", "in the home")
    # Broken files: no candidates and no messages.
    (this.path / ".aws" / "config").write_text("[profile x\n")
    expect_equal(offered(this, "./xassume --profile "), set(), "with a broken file")
    expect_equal(offered(this, "./xassume --via p"), {"process"}, "a flag's values, with a broken file")


def expect_roles(this):
    """The expectations for the shells that describe candidates."""
    (this.path / ".aws" / "config").write_text(DESCRIBED)
    described = this.described("./xassume --profile ")
    expect_equal(described, ROLES_OF_PROFILES, "the roles of the profiles")
    for typed, wanted in (
        ("./xassume -p col", "colon:name"),
        ("./xassume --profile=back", "--profile=back\\slash"),
        ("./xassume -p pl", "plain"),
    ):
        expect_equal(shlex.split(this.completed(typed))[-1], wanted, repr(typed))


@check("completions: bash, alone")
def _():
    with shell(Bash, "bash", False) as this:
        expect_completions(this)


@check("completions: bash, with the package bash-completion")
def _():
    if not BASH_COMPLETION.exists():
        raise Skipped("no bash-completion")
    with shell(Bash, "bash", True) as this:
        expect_completions(this)
        # Completions of the package: one that ours calls, and one that calls ours.
        expect_equal(offered(this, "./xassume -- kill -US"), {"-USR1", "-USR2"}, "of kill")
        expect_equal(offered(this, "nice ./xassume --via p"), {"process"}, "after nice")


@check("completions: zsh")
def _():
    with shell(Zsh, "zsh", False) as this:
        expect_completions(this)
        expect_roles(this)


@check("completions: zsh, with the printed script")
def _():
    with shell(Zsh, "zsh", True) as this:
        expect_completions(this)


@check("completions: fish")
def _():
    with shell(Fish, "fish") as this:
        expect_completions(this)
        expect_roles(this)
