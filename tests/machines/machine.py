"""Virtual machines for checks: Debian's cloud kernel and a root directory of any distribution with apt, in qemu.

Neither KVM nor a network is needed; the machine has only its loopback interface. Making a root needs root's rights and
mmdebstrap, because packages are installed in it. Needs also: cpio, depmod (kmod), mke2fs (e2fsprogs), qemu-system.
A machine has a disk of its own, which stays between its boots, so that a reboot can be checked:

    system = machine.root("x86_64", "bookworm", ["systemd-sysv", "cron"])
    vm = machine.Machine("x86_64", machine.disk("x86_64", system, here / "disk"))
    status, output = vm.boot("systemctl is-active cron", limit=300)

    tests/machines/machine.py ARCHITECTURE [SUITE]      boots one and prints its kernel
"""

import ctypes
import fcntl
import hashlib
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or pathlib.Path(__file__).resolve().parents[2] / "target")
CACHE = TARGET / "machines"
# The kernel of a machine is independent of the suite of its root.
KERNEL_SUITE = "bookworm"
# Debian's name, the name in Debian's kernel packages, qemu's options, the serial port.
ARCHITECTURES = {
    "x86_64": ("amd64", "linux-image-cloud-amd64", ["-machine", "pc"], "ttyS0"),
    "aarch64": ("arm64", "linux-image-cloud-arm64", ["-machine", "virt", "-cpu", "cortex-a72"], "ttyAMA0"),
    # With pages of 16 KB, which cortex-a72 does not have.
    "aarch64-16k": ("arm64", "linux-image-arm64-16k", ["-machine", "virt", "-cpu", "neoverse-n1"], "ttyAMA0"),
}
# bookworm has no kernel with such pages, and no old ones.
KERNEL_SUITES = {"aarch64-16k": "trixie"}
for version, package, suite in (
    ("4.4", "linux-image-4.4.0-21-generic", "xenial"),
    ("4.15", "linux-image-4.15.0-1008-kvm", "bionic"),
    ("5.4", "linux-image-5.4.0-1009-kvm", "focal"),
    ("5.10", "linux-image-5.10.0-32-cloud-amd64", "bullseye"),
):
    ARCHITECTURES[f"x86_64-{version}"] = ("amd64", package, ["-machine", "pc"], "ttyS0")
    KERNEL_SUITES[f"x86_64-{version}"] = suite
# Other suites are Debian's.
UBUNTU = ("xenial", "bionic", "focal")
# What the initramfs needs to mount the disk.
DRIVERS = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"]
# Copies the files of this boot to the disk, and starts the init of the disk.
INIT = """#!/busybox sh
/busybox mkdir -p /proc /sys /dev /disk /bin
/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev
for module in $(cat /drivers); do insmod "/modules/$module"; done
tries=0
until [ -b /dev/vda ] || [ $tries = 100 ]; do tries=$((tries + 1)); sleep 0.1; done
mount -t ext4 /dev/vda /disk || exec poweroff -f
rm -rf /disk/machine
cp -a /payload/. /disk
cp /busybox /disk/machine/busybox
mkdir -p /disk/proc /disk/sys /disk/dev /disk/tmp /disk/run
mount --move /proc /disk/proc && mount --move /sys /disk/sys && mount --move /dev /disk/dev
exec switch_root /disk INIT
"""
# Without systemd: what a program expects of a system, then the script.
PLAIN = """#!/machine/busybox sh
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
b=/machine/busybox
$b mkdir -p /dev/pts /dev/shm /sys/fs/cgroup
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs -o mode=1777 shm /dev/shm
$b mount -t tmpfs -o mode=0755 run /run
$b mount -t tmpfs -o mode=1777 tmp /tmp
$b mount -t cgroup2 cgroup2 /sys/fs/cgroup
$b ip link set lo up
$b hostname machine
$b sh /machine/run
$b poweroff -f
"""
RUN = """exec </dev/null >/dev/console 2>&1
echo 'begin TOKEN'
/machine/script
echo "end TOKEN $?"
"""
UNIT = """[Unit]
Description=The script of the check
After=multi-user.target
[Service]
Type=exec
Environment=HOME=/root
ExecStart=/machine/busybox sh /machine/run
TimeoutStopSec=5
"""


class Unavailable(Exception):
    """The machine cannot be made here; the text has the refused command and its error."""


class Failed(Exception):
    """The script did not end: a time limit, or the machine stopped. The text has the end of its output."""


def call(*words, **more):
    """Runs a command that makes a part of a machine."""
    command = " ".join(map(str, words))
    try:
        done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    except OSError as error:
        raise Unavailable(f"{command}\n{error}") from None
    if done.returncode:
        raise Unavailable(f"{command}\n" + "\n".join(done.stdout.decode(errors="replace").splitlines()[-5:]))
    return done.stdout


def cached(words, make):
    """The path below target/machines for what `make(path)` makes, which is done once for the same words."""
    name = "-".join(words[:3]) + "-" + hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (CACHE / name).exists():
            part = CACHE / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            make(part)
            part.rename(CACHE / name)
    return CACHE / name


def root(arch, suite, packages, variant="minbase", options=(), sources=(), kind="root"):
    """A root directory with these packages, without documentation.

    `variant="extract"` only unpacks them, which works for every architecture: it is not a system that can boot systemd.
    """
    words = [kind, arch, suite, variant, *sorted(packages), "--", *options, *sources]
    if suite in UBUNTU:
        # Debian 13 has the keys of Ubuntu's archive.
        keys = root("x86_64", "trixie", ["ubuntu-keyring"], variant="extract") / "usr/share/keyrings"
        options = (*options, f"--keyring={keys}/ubuntu-archive-keyring.gpg", "--components=main,universe")
        sources = sources or ["http://archive.ubuntu.com/ubuntu"]

    def make(path):
        call(
            *("mmdebstrap", "--quiet", "--mode=root", f"--variant={variant}", f"--include={','.join(packages)}"),
            *(f"--architectures={ARCHITECTURES[arch][0]}", "--dpkgopt=path-exclude=/usr/share/doc/*"),
            *("--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*"),
            *(*options, suite, path, *sources),
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )
        for modules in path.glob("lib/modules/*"):
            call("depmod", "-b", path, modules.name)

    return cached(words, make)


def kernel(arch):
    """A directory with a kernel, its modules, and a static busybox."""
    # With base-files, `/lib` exists, which newer kernels do not contain.
    packages = [ARCHITECTURES[arch][1], "base-files", "busybox-static"]
    return root(arch, KERNEL_SUITES.get(arch, KERNEL_SUITE), packages, variant="extract", kind="kernel")


def disk(arch, system, path, megabytes=4096):
    """Makes an image with a copy of a root directory and the modules of the kernel. It is sparse."""
    with tempfile.TemporaryDirectory(dir=CACHE) as copy:
        # mke2fs keeps owners, so the copy must have them.
        call("cp", "-a", f"{system}/.", copy)
        modules = kernel(arch) / "lib" / "modules"
        (pathlib.Path(copy) / "lib" / "modules").mkdir(parents=True, exist_ok=True)
        call("cp", "-a", f"{modules}/.", f"{copy}/lib/modules/")
        path.unlink(missing_ok=True)
        call("mke2fs", "-q", "-t", "ext4", "-d", copy, path, f"{megabytes}M")
    return path


def write(top, name, content):
    """Puts a file or a directory at a path below `top`: a text, or a path of this system."""
    path = top / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pathlib.Path) and content.is_dir():
        shutil.copytree(content, path, symlinks=True, dirs_exist_ok=True)
    elif isinstance(content, pathlib.Path):
        shutil.copy(content, path)
    else:
        path.write_text(content)
        path.chmod(0o755 if content.startswith("#!") else 0o644)


def initramfs(arch, files, path, init):
    """Writes an initramfs with the drivers and the files of one boot."""
    source = kernel(arch)
    (modules,) = (source / "lib" / "modules").iterdir()
    needs = dict(line.split(":", 1) for line in (modules / "modules.dep").read_text().splitlines())
    named = {re.sub(r"\.ko.*", "", name.rsplit("/", 1)[-1]): name for name in needs}
    drivers = []
    for name in DRIVERS:
        # A driver that is no module is a part of the kernel. The list of a module's needs has the first ones last.
        for module in [*reversed(needs[named[name]].split()), named[name]] if name in named else []:
            if module not in drivers:
                drivers.append(module)
    umask = os.umask(0o022)
    try:
        with tempfile.TemporaryDirectory(dir=CACHE) as directory:
            top = pathlib.Path(directory)
            top.chmod(0o755)
            for module in drivers:
                write(top, f"modules/{module}", modules / module)
            write(top, "drivers", "\n".join(drivers) + "\n")
            write(top, "init", INIT.replace("INIT", init))
            write(top, "busybox", next(source.glob("**/bin/busybox")))
            for name, content in files.items():
                write(top, f"payload/{name.lstrip('/')}", content)
            names = sorted(str(item.relative_to(top)) for item in top.rglob("*"))
            words = ["cpio", "--create", "--format=newc", "--owner=0:0", "--null", "--quiet"]
            path.write_bytes(call(*words, cwd=top, input="\0".join(names).encode()))
    finally:
        os.umask(umask)


class Machine:
    def __init__(self, arch, image, memory=1024, processors=2):
        self.arch, self.image, self.memory, self.processors = arch, image, memory, processors

    def boot(self, script, limit, files=None, systemd=True, line=None):
        """Boots, runs a script (its first line names its interpreter), and returns its status and output.

        `files` are put on the disk first. `limit` is in seconds, for all of it. `line` is called with each line of
        the output at once. At the end, the machine loses its power: the script calls `sync` to keep what it wrote.
        """
        token = os.urandom(8).hex()
        files = {**(files or {}), "/machine/script": script, "/machine/run": RUN.replace("TOKEN", token)}
        if systemd:
            files["/etc/systemd/system/machine.service"] = UNIT
        else:
            files["/machine/init"] = PLAIN
        _, _, options, port = ARCHITECTURES[self.arch]
        (vmlinuz,) = (kernel(self.arch) / "boot").glob("vmlinuz-*")
        ramdisk = self.image.with_suffix(".initramfs")
        initramfs(self.arch, files, ramdisk, "/sbin/init" if systemd else "/machine/init")
        # Only errors of the kernel, so that its messages are not among those of the script.
        words = f"console={port} loglevel=4 panic=-1"
        if systemd:
            words += " systemd.show_status=0 systemd.wants=machine.service systemd.unit=multi-user.target"
            words += f" systemd.mask=serial-getty@{port}.service"
        command = [f"qemu-system-{self.arch.partition('-')[0]}", *options, "-accel", "tcg,thread=multi", "-smp", str(self.processors)]
        command += ["-m", str(self.memory), "-nodefaults", "-no-reboot", "-nic", "none", "-display", "none"]
        command += ["-serial", "stdio", "-kernel", vmlinuz, "-initrd", ramdisk, "-append", words]
        command += ["-drive", f"file={self.image},format=raw,if=virtio"]
        try:
            qemu = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=end_with_parent
            )
        except OSError as error:
            raise Unavailable(f"{command[0]}\n{error}") from None
        try:
            with open(self.image.with_suffix(".log"), "wb") as log:
                return watch(qemu, token, time.monotonic() + limit, line, log)
        finally:
            qemu.kill()
            qemu.wait()
            ramdisk.unlink()


def end_with_parent():
    """Ends this process when its parent ends, also if the parent is killed: prctl(PR_SET_PDEATHSIG, SIGKILL)."""
    ctypes.CDLL(None).prctl(1, 9)


def watch(qemu, token, deadline, line, log):
    """Reads the serial port until the script has ended."""
    seen, printed = "", 0
    while True:
        left = deadline - time.monotonic()
        chunk = b""
        if left > 0 and select.select([qemu.stdout], [], [], left)[0]:
            chunk = os.read(qemu.stdout.fileno(), 65536)
        if not chunk:
            why = "the machine has stopped" if time.monotonic() < deadline else "still running at the time limit"
            raise Failed(f"{why}\n" + "\n".join(seen.splitlines()[-40:]))
        log.write(chunk)
        log.flush()
        seen += chunk.decode(errors="replace").replace("\r", "")
        start = seen.find(f"begin {token}\n")
        if start < 0:
            continue
        output = seen[start + len(f"begin {token}\n") :]
        ended = re.search(rf"end {token} (\d+)\n", output)
        output = output[: ended.start()] if ended else output
        while line and "\n" in output[printed:]:
            next_line = output[printed : output.index("\n", printed)]
            printed += len(next_line) + 1
            line(next_line)
        if ended:
            return int(ended[1]), output


def main(arch, suite="bookworm"):
    system = root(arch, suite, ["base-files", "coreutils", "dash"], variant="extract")
    with tempfile.TemporaryDirectory() as here:
        vm = Machine(arch, disk(arch, system, pathlib.Path(here) / "disk", megabytes=1024))
        status, output = vm.boot("#!/bin/sh\nuname -a\n", 300, systemd=False)
    print(output, end="")
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
