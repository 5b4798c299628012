"""The deb, rpm and apk of a release: installed, used, upgraded and removed in root directories of their own.

XASSUME_DIST is the directory of the files; `.ci/release dist` sets it.
"""

import contextlib
import hashlib
import io
import os
import pathlib
import platform
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import zlib

from cloud import KEYS, REGION
from harness import PYTHON, ROOT, Failed, Skipped, check, clean_env, directory, expect, expect_equal, run
from sts import recording_sts

sys.path.append(str(ROOT / "tests" / "machines"))
import machine  # noqa: E402

# The names of an architecture in debs.
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
ROLE = "arn:aws:iam::521111111144:role/DeployMaster"
SESSION = "arn:aws:sts::521111111144:assumed-role/DeployMaster/packaged"
PROFILE = f"[profile packaged]\nrole_arn = {ROLE}\ncredential_source = Environment\nrole_session_name = packaged\n"
# The suite in which the shells and man find the files of a package.
SUITE = "bookworm"
TOOLS = "base-files bash coreutils dash diffutils dpkg findutils grep gzip libc-bin rpm sed tar".split()
READERS = "bash-completion fish man-db zsh".split()
# The oldest suites that can be had, with the names of their versions. Ubuntu 16.04 has the oldest dpkg and rpm.
UBUNTU = {"xenial": "Ubuntu 16.04", "bionic": "Ubuntu 18.04", "focal": "Ubuntu 20.04"}
DEBIANS = {"bullseye": "Debian 11", "bookworm": "Debian 12", "trixie": "Debian 13"}
# What package managers write, beside the files of a package.
OWN_FILES = ("var/lib/dpkg/", "var/lib/rpm/", "usr/lib/sysimage/rpm/", "var/log/", "var/cache/", "proc/", "run/", "tmp/", "home/")


def made(pattern, arch="x86_64"):
    """The file of XASSUME_DIST for this architecture, whose name matches the pattern."""
    place = os.environ.get("XASSUME_DIST")
    if not place:
        raise Skipped("no files of a release: see .ci/release")
    found = list(pathlib.Path(place).glob(pattern.format(arch=arch, debian=DEBIAN[arch])))
    if not found and arch != "x86_64":
        raise Skipped(f"no files for {arch} in {place}")
    expect_equal(len(found), 1, f"files for {arch} that match {pattern}")
    return found[0].resolve()


def deb(arch="x86_64"):
    return made("xassume_*_{debian}.deb", arch)


def rpm(arch="x86_64"):
    return made("xassume-*.{arch}.rpm", arch)


def apk(arch="x86_64"):
    return made("xassume_*_{arch}.apk", arch)


def system(suite, packages):
    """A root directory with packages of a suite of Debian or Ubuntu. They are unpacked, but not configured."""
    if os.getuid() != 0 or platform.machine() != "x86_64":
        raise Skipped("root directories need root and x86_64")
    try:
        return machine.root("x86_64", suite, packages, variant="extract")
    except machine.Unavailable as refused:
        raise Skipped(f"no root of {suite}: {': '.join(str(refused).splitlines())}") from None


class Tree:
    """A copy of a root directory, in which a package is installed."""

    def __init__(self, path):
        self.path = path

    def run(self, *words, **more):
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/user", "LANG": "C", "AWS_EC2_METADATA_DISABLED": "true"}
        return run([shutil.which("chroot"), self.path, *words], {**env, **more}, cwd="/")

    def good(self, *words, **more):
        result = self.run(*words, **more)
        expect_equal(result.status, 0, str(result))
        return result.stdout.strip()

    def copy(self, file):
        """Copies a file into the tree, and returns its path there. The path has a space."""
        place = self.path / "tmp" / "a package"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
        return f"/tmp/a package/{file.name}"

    def files(self):
        """All paths with their types, modes, owners and contents, but not what belongs to the package managers."""
        found = {}
        for top, directories, files in os.walk(self.path):
            directories[:] = [name for name in directories if not self.name(top, name).startswith(OWN_FILES)]
            for name in directories + files:
                path = pathlib.Path(top, name)
                about = path.lstat()
                content = hashlib.sha256(path.read_bytes()).digest() if stat.S_ISREG(about.st_mode) else None
                found[self.name(top, name).rstrip("/")] = (oct(about.st_mode), about.st_uid, about.st_gid, content)
        return found

    def name(self, top, name):
        return f"{pathlib.Path(top, name).relative_to(self.path)}/"


@contextlib.contextmanager
def tree(suite, more=()):
    source = system(suite, [*TOOLS, *more])
    with directory() as path:
        top = path / "root"
        subprocess.run(["cp", "-a", source, top], check=True)
        (top / "home/user/.aws").mkdir(parents=True)
        (top / "home/user/.aws/config").write_text(PROFILE)
        (top / "proc").mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "proc", "proc", top / "proc"], check=True)
        try:
            yield Tree(top)
        finally:
            subprocess.run(["umount", "--lazy", top / "proc"], check=True)


@contextlib.contextmanager
def older(kind):
    """A package of version 0.0.1 with one more file, and the name of this file."""
    if not shutil.which("nfpm"):
        raise Skipped("no nfpm: .ci/release dist installs it")
    with directory() as path:
        source = path / "source"
        for name in ("packaging", "completions", "docs", "examples"):
            shutil.copytree(ROOT / name, source / name)
        for file in ROOT.glob("*.md"):
            shutil.copy(file, source)
        for file in ROOT.glob("LICENSE-*"):
            shutil.copy(file, source)
        (source / "docs/obsolete.md").write_text("of the older version\n")
        words = [PYTHON, source / "packaging/package.py", "--binary", "/bin/true", "--arch", "x86_64", "--version", "0.0.1"]
        words += ["--epoch", "1700000000", "--out", path / "out", "--format", kind]
        run(words, {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}).expect_success()
        (package,) = (path / "out").iterdir()
        yield package, "usr/share/doc/xassume/docs/obsolete.md"


def version_of(package):
    return re.search(r"\d+\.\d+\.\d+", package.name)[0]


def used(tree):
    """Runs the installed program: a launch, a cached launch, and a supervised command."""
    with directory() as path, recording_sts(path) as sts:
        expect(tree.good("xassume", "--version").startswith("xassume "), "--version")
        words = ["xassume", "-p", "packaged", "--sts-endpoint", sts.url]
        env = {**KEYS, "AWS_REGION": REGION}
        for _ in range(2):
            result = tree.run(*words, "--", "sh", "-c", 'echo "$XASSUME_SESSION $AWS_ACCESS_KEY_ID"; exit 7', **env)
            expect_equal((result.status, result.stderr), (7, ""), str(result))
            expect_equal(result.stdout.split(), [SESSION, next(iter(sts.issued))], "the session")
        expect_equal(len(sts.take()), 1, "requests for two launches")
        for way in ("endpoint", "file", "process"):
            result = tree.run(*words, "--via", way, "--", "sh", "-c", "exit 8", TMPDIR="/tmp", **env)
            expect_equal((result.status, result.stderr), (8, ""), f"--via {way}\n{result}")


class Dpkg:
    """dpkg in a tree. It does not install the recommended packages."""

    def __init__(self, tree):
        self.tree = tree

    def install(self, package):
        # Roots without documentation exclude it when they are made.
        self.tree.good("dpkg", "--path-include=/usr/share/*", "--install", self.tree.copy(package))

    def version(self):
        return self.tree.run("dpkg-query", "--show", "--showformat=${Version}", "xassume").stdout.strip()

    def verify(self):
        return self.tree.good("dpkg", "--verify", "xassume")

    def listed(self):
        return self.tree.good("dpkg-query", "--listfiles", "xassume").splitlines()

    def remove(self):
        self.tree.good("dpkg", "--purge", "xassume")


class Rpm:
    def __init__(self, tree):
        self.tree = tree
        # rpm removes only directories that belong to a package. The others are in packages such as filesystem.
        for name in ("bash-completion/completions", "doc", "fish/vendor_completions.d", "licenses", "man/man1", "zsh/site-functions"):
            (tree.path / "usr/share" / name).mkdir(parents=True, exist_ok=True)
        tree.good("rpm", "--initdb")

    def install(self, package):
        name = self.tree.copy(package)
        # Exits with 1 if a digest is wrong.
        self.tree.good("rpm", "--checksig", "--nosignature", name)
        self.tree.good("rpm", "--upgrade", name)

    def version(self):
        result = self.tree.run("rpm", "--query", "--queryformat", "%{VERSION}", "xassume")
        return result.stdout.strip() if result.status == 0 else ""

    def verify(self):
        return self.tree.good("rpm", "--verify", "xassume")

    def listed(self):
        return self.tree.good("rpm", "--query", "--list", "xassume").splitlines()

    def remove(self):
        self.tree.good("rpm", "--erase", "xassume")


def life(tree, manager, package, before):
    """Installs, uses and removes a package, then does the same with an upgrade from an older version."""
    clean = tree.files()
    old, obsolete = before
    for upgrade in (False, True):
        if upgrade:
            manager.install(old)
            expect_equal(manager.version(), "0.0.1", "the older version")
            expect((tree.path / obsolete).exists(), "the older version has a file more")
        manager.install(package)
        expect_equal((manager.version(), manager.verify()), (version_of(package), ""), "the installed version, and changed files")
        new = {name: about for name, about in tree.files().items() if clean.get(name) != about}
        # The manager's list must have all files, and nothing else may have changed.
        listed = {name.strip("/") for name in manager.listed()}
        expect(set(new) <= listed, f"not in the list: {set(new) - listed}")
        missing = {name for name in listed if name not in tree.files() and name not in (".", "")}
        expect(not missing, f"in the list, but not there: {missing}")
        expect(obsolete not in new, "a file of the older version is left")
        for name, (mode, user, group, _) in new.items():
            directory_or_program = name == "usr/bin/xassume" or mode.startswith("0o40")
            expect_equal((mode[-3:], user, group), ("755" if directory_or_program else "644", 0, 0), f"mode and owners of {name}")
        used(tree)
        manager.remove()
        expect_equal(manager.version(), "", "the version after the removal")
        left = tree.files()
        # dpkg also removes empty directories that belong to no installed package. Here, no other package is installed.
        empty = {name for name, about in clean.items() if name not in left and about[0].startswith("0o40")}
        changed = {name for name in left.keys() | clean.keys() if left.get(name) != clean.get(name)}
        expect_equal(changed - empty, set(), "what is left, or removed in addition")


@check("packages: the deb is installed, used, upgraded and removed")
def _():
    package = deb()
    with tree(SUITE) as root, older("deb") as before:
        life(root, Dpkg(root), package, before)


@check("packages: the rpm is installed, used, upgraded and removed")
def _():
    package = rpm()
    with tree(SUITE) as root, older("rpm") as before:
        life(root, Rpm(root), package, before)


@check("packages: the shells and man find the files of the deb")
def _():
    package = deb()
    with tree(SUITE, READERS) as root:
        Dpkg(root).install(package)
        completed(root)
        expect("xassume" in root.good("man", "--where", "xassume"), "the man page")
        expect("temporary credentials" in root.good("man", "xassume", MANPAGER="cat"), "the text of the man page")


def completed(root):
    """Expects that each shell completes the profile in the home directory."""
    expect_equal(root.good("bash", "--norc", "--noprofile", "-ic", """
        source /usr/share/bash-completion/bash_completion
        COMP_WORDS=(xassume --profile "") COMP_CWORD=2 COMP_LINE="xassume --profile " COMP_POINT=18
        _completion_loader xassume
        _xassume xassume "" --profile
        printf "%s\\n" "${COMPREPLY[@]}"
    """), "packaged", "bash")
    zsh = "autoload -U compinit; compinit -u -D; echo $_comps[xassume]"
    expect_equal(root.good("zsh", "-fc", zsh), "_xassume", "zsh")
    expect(root.good("fish", "-c", 'complete -C "xassume --profile "').startswith("packaged"), "fish")


def streams(package):
    """The compressed and the plain bytes of each gzip stream of a file."""
    left, found = package.read_bytes(), []
    while left:
        reader = zlib.decompressobj(wbits=31)
        plain = reader.decompress(left)
        expect(reader.eof, f"{package.name} ends within a stream")
        found.append((left[: len(left) - len(reader.unused_data)], plain))
        left = reader.unused_data
    return found


def members(data):
    """The members of a tar archive by name, each with its content."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {f"/{member.name.strip('./')}": (member, archive.extractfile(member).read() if member.isfile() else None) for member in archive}


def contents(package):
    """The files of a package by name: mode, owners and content."""
    kind = package.suffix
    if kind == ".apk":
        found = members(streams(package)[-1][1])
    elif kind == ".deb":
        words = ["dpkg-deb", "--fsys-tarfile", package]
        found = members(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    else:
        with package.open("rb") as file:
            found = members(subprocess.run(["rpm2archive", "-n", "-"], stdin=file, stdout=subprocess.PIPE, check=True).stdout)
    files = {name: (oct(member.mode & 0o7777), member.uid, member.gid, data) for name, (member, data) in found.items() if data is not None}
    for name, (mode, *owners, data) in files.items():
        expect_equal((mode, owners), ("0o755" if name == "/usr/bin/xassume" else "0o644", [0, 0]), f"mode and owners of {name}")
        expect(data, f"{name} is empty")
    return files


# The Alpine package format: https://wiki.alpinelinux.org/wiki/Apk_spec
@check("packages: the apk has the format that apk reads, and no scripts")
def _():
    package = apk()
    parts = streams(package)
    # A signature would be the first of three.
    expect_equal(len(parts), 2, "gzip streams")
    (_, control), (compressed, data) = parts
    expect_equal(list(members(control)), ["/PKGINFO"], "files in the control stream: scripts would be here")
    # apk reads all streams as one archive, which only the last may end.
    expect(control[-512:] != bytes(512) and data[-1024:] == bytes(1024), "the end of the archive")
    lines = members(control)["/PKGINFO"][1].decode().splitlines()
    fields = dict(line.split(" = ", 1) for line in lines if " = " in line)
    wanted = {"pkgname": "xassume", "pkgver": version_of(package), "arch": "x86_64", "datahash": hashlib.sha256(compressed).hexdigest()}
    expect_equal({name: fields.get(name) for name in wanted}, wanted, "fields")
    for name, (member, content) in members(data).items():
        if content is not None:
            expect_equal(member.pax_headers.get("APK-TOOLS.checksum.SHA1"), hashlib.sha1(content).hexdigest(), f"the sum of {name}")


@check("packages: neither the deb nor the rpm has scripts, or depends on anything that an old system lacks")
def _():
    env = clean_env("/")
    for arch in DEBIAN:
        control = subprocess.run(["dpkg-deb", "--ctrl-tarfile", deb(arch)], stdout=subprocess.PIPE, check=True).stdout
        expect_equal(set(members(control)) - {"/"}, {"/control", "/md5sums"}, "files that control the deb")
        expect("Depends:" not in members(control)["/control"][1].decode().replace("Pre-Depends:", "Depends:"), "dependencies")
        names = run(["ar", "t", deb(arch)], env).expect_success().stdout.split()
        # dpkg reads zstd since 1.21.18 (Debian) or in Ubuntu since 18.04; rpm since 4.14.
        expect(all(re.fullmatch(r"debian-binary|(control|data)\.tar\.(gz|xz)", name) for name in names), f"parts of the deb: {names}")
        package = rpm(arch)
        expect_equal(run(["rpm", "-qp", "--scripts", "--triggers", package], env).stdout, "", "scripts of the rpm")
        needs = run(["rpm", "-qp", "--requires", package], env).stdout.split("\n")
        # The features of rpm 4.6.
        known = re.compile(r"(rpmlib\((CompressedFileNames|FileDigests|PayloadFilesHavePrefix|PayloadIsXz)\) <= .*)?")
        expect(all(known.fullmatch(need) for need in needs), f"requirements of the rpm: {needs}")


@check("packages: those for arm64 have the same files as those for x86_64, and a program for arm64")
def _():
    for kind in (deb, rpm, apk):
        ours, theirs = contents(kind()), contents(kind("aarch64"))
        expect_equal({name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}, {"/usr/bin/xassume"}, kind.__name__)
        for arch, files in (("x86_64", ours), ("aarch64", theirs)):
            program = files["/usr/bin/xassume"][-1]
            expect_equal((program[:6], int.from_bytes(program[18:20], "little")), (b"\x7fELF\x02\x01", ELF_MACHINES[arch]), f"ELF of {arch}")
            static_program(program)


def static_program(program):
    """Expects a program that the kernel can load on any distribution: no interpreter, no library, no versioned symbol.

    It has a dynamic section nevertheless: it is position-independent, so it relocates itself.
    """
    with directory() as path:
        (path / "program").write_bytes(program)
        words = ["readelf", "--wide", "--program-headers", "--dynamic", "--version-info", path / "program"]
        headers = run(words, clean_env(path)).expect_success().stdout
        found = [word for word in ("INTERP", "(NEEDED)", "GLIBC", "(VERNEED)") if word in headers]
        expect(not found, f"{found} in the program\n{headers}")
        expect(b"GLIBC_" not in program, "a version of glibc")


def lives(suites):
    """The deb and the rpm in each of these suites, with its own dpkg and rpm."""
    packages = (("deb", Dpkg, deb()), ("rpm", Rpm, rpm()))
    for suite, name in suites.items():
        for kind, manager, package in packages:
            with tree(suite) as root, older(kind) as before:
                program = "dpkg" if kind == "deb" else "rpm"
                print(f"    {name}: {root.good(program, '--version').splitlines()[0]}", flush=True)
                try:
                    life(root, manager(root), package, before)
                except Failed as error:
                    raise Failed(f"{name}, {kind}: {error}") from None


@check("oldest: the deb and rpm on Ubuntu since 16.04")
def _():
    lives(UBUNTU)


@check("oldest: the deb and rpm on Debian since 11")
def _():
    lives(DEBIANS)
