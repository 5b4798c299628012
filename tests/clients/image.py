"""The container image of `.ci/release dist`: its layout, and containers of runc and podman that run it.

XASSUME_DIST is the directory with the image; `.ci/release dist` sets it.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import time

from cloud import KEYS, REGION
from harness import ROOT, Skipped, check, clean_env, directory, end, expect, expect_equal, run, tail, wait_until
from sts import recording_sts

ROLE = "arn:aws:iam::521111111144:role/DeployMaster"
SESSION = "arn:aws:sts::521111111144:assumed-role/DeployMaster/image"
ASSUME = ["-r", ROLE, "--role-session-name", "image", "--sts-timeout", "10s"]
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
HERE = {machine: arch for arch, machine in MACHINES.items()}.get(os.uname().machine)
USER = 65532
DIRECTORIES = {
    "etc", "etc/ssl", "etc/ssl/certs", "home", "home/xassume", "tmp", "usr", "usr/bin", "usr/share", "usr/share/doc",
    "usr/share/doc/ca-certificates", "usr/share/doc/xassume",
}
FILES = {
    "etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "usr/bin/xassume",
    "usr/share/doc/ca-certificates/LICENSE", "usr/share/doc/ca-certificates/ORIGIN",
    *(f"usr/share/doc/xassume/{name}" for name in ("LICENSE-APACHE", "LICENSE-MIT", "LICENSE-THIRD-PARTY", "xassume.cdx.json")),
}
# The authorities that sign the certificates of AWS: https://www.amazontrust.com/repository/
AUTHORITIES = {f"Amazon Root CA {number}" for number in range(1, 5)} | {"Starfield Services Root Certificate Authority - G2"}


def archive():
    place = os.environ.get("XASSUME_DIST")
    if not place:
        raise Skipped("no packages: see .ci/release dist")
    (image,) = pathlib.Path(place).resolve().glob("xassume-*-oci.tar")
    return image


def needed(program):
    path = shutil.which(program)
    if not path:
        raise Skipped(f"no {program} (Debian's package {program})")
    return path


class Layout:
    """The archive, read as the OCI specification describes it; checks each descriptor that it follows."""

    def __init__(self, path):
        with tarfile.open(path) as tar:
            self.files = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}
        expect_equal(json.loads(self.files["oci-layout"]), {"imageLayoutVersion": "1.0.0"}, "oci-layout")
        self.used = {"oci-layout", "index.json"}
        top = json.loads(self.files["index.json"])
        (descriptor,) = top["manifests"]
        self.name = descriptor["annotations"]["org.opencontainers.image.ref.name"]
        self.digest = descriptor["digest"]
        self.index = json.loads(self.blob(descriptor, "index.v1+json"))
        self.images = {}
        for entry in self.index["manifests"]:
            manifest = json.loads(self.blob(entry, "manifest.v1+json"))
            config = json.loads(self.blob(manifest["config"], "config.v1+json"))
            layers = [self.blob(layer, "layer.v1.tar+gzip") for layer in manifest["layers"]]
            platform = {key: config[key] for key in ("architecture", "os", "variant") if key in config}
            expect_equal(entry["platform"], platform, "platform")
            tars = [gzip.decompress(layer) for layer in layers]
            expect_equal(config["rootfs"]["diff_ids"], [digest(tar) for tar in tars], "layers of the configuration")
            expect_equal(len(config["history"]), len(layers), "history")
            opened = [tarfile.open(fileobj=io.BytesIO(tar)) for tar in tars]
            self.images[config["architecture"]] = (manifest, config, opened)
        expect_equal(self.used, set(self.files), "files that a descriptor refers to")

    def blob(self, descriptor, kind):
        expect_equal(descriptor["mediaType"], f"application/vnd.oci.image.{kind}", "media type")
        name = "blobs/" + descriptor["digest"].replace(":", "/")
        data = self.files[name]
        self.used.add(name)
        expect_equal((descriptor["digest"], descriptor["size"]), (digest(data), len(data)), name)
        return data


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def contents(layers):
    """The members of all layers by name, and the data of the files."""
    members, data = {}, {}
    for layer in layers:
        for member in layer:
            members[member.name] = member
            if member.isfile():
                data[member.name] = layer.extractfile(member).read()
    return members, data


@check("image: the layout follows the OCI specification")
def _():
    layout = Layout(archive())
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    expect_equal(layout.name, f"xassume:{version}", "name")
    shared = set()
    for arch, (manifest, config, layers) in layout.images.items():
        run_as = config["config"]
        expect_equal(
            (run_as["User"], run_as["Entrypoint"], run_as["StopSignal"], run_as.get("Cmd")),
            (f"{USER}:{USER}", ["/usr/bin/xassume"], "SIGTERM", None), arch,
        )
        labels = run_as["Labels"]
        expect_equal((labels, labels), (manifest["annotations"], layout.index["annotations"]), "annotations")
        expect_equal(labels["org.opencontainers.image.version"], version, "version")
        expect(re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"]), f"revision: {labels}")
        expect_equal(labels["org.opencontainers.image.created"], config["created"], "time")
        expect("://" not in json.dumps(labels), f"an address in the labels: {labels}")
        shared.add(manifest["layers"][0]["digest"])
        members, data = contents(layers)
        expect_equal({name for name in members if members[name].isdir()}, DIRECTORIES, "directories")
        expect_equal({name for name in members if members[name].isfile()}, FILES, "files")
        expect_equal(len(members), len(DIRECTORIES | FILES), "other kinds of files")
        modes = {name: member.mode for name, member in members.items()}
        expect_equal({(member.uid, member.gid) for member in members.values()}, {(0, 0)}, "owners")
        expect_equal((modes.pop("tmp"), modes.pop("usr/bin/xassume")), (0o1777, 0o755), "modes")
        for name, mode in modes.items():
            expect_equal(mode, 0o755 if name in DIRECTORIES else 0o644, f"mode of {name}")
        users = data["etc/passwd"].decode().splitlines()
        expect(f"xassume:x:{USER}:{USER}:xassume:/home/xassume:/sbin/nologin" in users, users)
        # e_machine of the ELF header.
        expect_equal(data["usr/bin/xassume"][18], {"amd64": 62, "arm64": 183}[arch], f"the program for {arch}")
        expect_equal(json.loads(data["usr/share/doc/xassume/xassume.cdx.json"])["bomFormat"], "CycloneDX", "SBOM")
    expect_equal(len(shared), 1, "the layer with the certificates is the same for all architectures")
    expect(HERE in layout.images, f"architectures: {list(layout.images)}")


@check("image: the root certificates are those of ORIGIN, can be read, and include those of AWS")
def _():
    layout = Layout(archive())
    for _, config, layers in layout.images.values():
        _, data = contents(layers)
        pem, origin = data["etc/ssl/certs/ca-certificates.crt"], data["usr/share/doc/ca-certificates/ORIGIN"].decode()
        expect(hashlib.sha256(pem).hexdigest() in origin, origin)
        expect_equal(origin.split("\n")[0], config["config"]["Labels"]["xassume.certificates"], "label")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=pem.decode())
        known = context.get_ca_certs()
        expect(f" contains {len(known)} certificates" in origin, f"{len(known)}: {origin}")
        names = {dict(pair for part in one["subject"] for pair in part).get("commonName") for one in known}
        expect(AUTHORITIES <= names, f"missing: {AUTHORITIES - names}")
        # Mozilla removes roots before they expire, so an expired one means that the bundle is old.
        expired = [one["notAfter"] for one in known if ssl.cert_time_to_seconds(one["notAfter"]) < time.time()]
        expect(not expired, f"update packaging/certificates.txt; expired: {expired}")


@check("image: skopeo copies the image of each architecture, with the same digest")
def _():
    skopeo, path = needed("skopeo"), archive()
    layout = Layout(path)
    with directory() as home:
        env = clean_env(home)
        run([skopeo, "copy", "--quiet", "--all", f"oci-archive:{path}", f"oci:{home}/copy:all"], env).expect_success()
        (copied,) = json.loads((home / "copy/index.json").read_text())["manifests"]
        expect_equal(copied["digest"], layout.digest, "digest of the index")
        for arch, (_, config, _) in layout.images.items():
            words = [skopeo, f"--override-arch={arch}", "inspect", "--config", f"oci-archive:{path}"]
            expect_equal(json.loads(run(words, env).expect_success().stdout)["rootfs"], config["rootfs"], arch)


class Container:
    """The image, unpacked into a bundle of runc, with `/busybox` as the user's command.

    Containers have a read-only root directory, no capability, and the network of this system, where the fake STS is.
    """

    def __init__(self, home):
        skopeo, umoci, self.runc = needed("skopeo"), needed("umoci"), needed("runc")
        busybox = needed("busybox")
        if os.getuid() != 0:
            raise Skipped("containers of other users need root")
        if run(["ldd", busybox], clean_env("/")).status == 0:
            raise Skipped("no static busybox (Debian's package busybox-static)")
        self.home, self.env, self.bundle, self.count = home, clean_env(home), home / "bundle", 0
        run([skopeo, "copy", "--quiet", f"oci-archive:{archive()}", f"oci:{home}/image:this"], self.env).expect_success()
        run([umoci, "unpack", "--image", f"{home}/image:this", self.bundle], self.env).expect_success()
        self.template = json.loads((self.bundle / "config.json").read_text())
        # An absolute path: runc makes the file of a mount point before the root directory is read-only.
        self.mounts = [bind(busybox, "/busybox")]

    def prepare(self, words, env, mounts, tmp, user):
        """Writes the configuration; returns the command that runs the container, and its name. `user`: not the image's."""
        config = json.loads(json.dumps(self.template))
        process = config["process"]
        process.update(terminal=False, args=[*process["args"], *map(str, words)], rlimits=[], noNewPrivileges=True)
        process["capabilities"] = {kind: [] for kind in process["capabilities"]}
        if user is not None:
            process["user"] = {"uid": user, "gid": user}
        variables = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": REGION, **KEYS, **env}
        process["env"] += [f"{name}={value}" for name, value in variables.items()]
        config["root"]["readonly"] = True
        config["mounts"] += [*self.mounts, *mounts]
        if tmp:
            # Like `--tmpfs /tmp`, without a mode: that of the image's directory applies.
            config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["noexec"]})
        spaces = config["linux"]["namespaces"]
        config["linux"]["namespaces"] = [space for space in spaces if space["type"] != "network"]
        (self.bundle / "config.json").write_text(json.dumps(config))
        self.count += 1
        name = f"xassume-{os.getpid()}-{self.count}"
        return [self.runc, "--root", self.home / "runc", "run", "--bundle", self.bundle, name], name

    def run(self, *words, env=(), mounts=(), tmp=False, user=None):
        command, _ = self.prepare(words, dict(env), mounts, tmp, user)
        return run(command, self.env, cwd=self.home)

    @contextlib.contextmanager
    def started(self, *words):
        """A container in the background: its process, its name, and a function that returns its output."""
        command, name = self.prepare(words, {}, (), False, None)
        out = self.home / "out"
        with out.open("wb") as output:
            process = subprocess.Popen(
                command, env=self.env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield process, name, lambda: tail(out, 100)
        finally:
            if process.poll() is None:
                run([self.runc, "--root", self.home / "runc", "kill", name, "KILL"], self.env, cwd=self.home)
            end(process)

    def zombies(self, name):
        """The processes of the container that have exited but that their parent, process 1, has not reaped."""
        listed = run([self.runc, "--root", self.home / "runc", "ps", name], self.env, cwd=self.home)
        return [line for line in listed.expect_success().stdout.splitlines() if "defunct" in line]

    def kill(self, name, signal):
        run([self.runc, "--root", self.home / "runc", "kill", name, signal], self.env, cwd=self.home).expect_success()


def bind(source, destination, *options):
    return {"destination": destination, "type": "bind", "source": str(source), "options": ["rbind", "ro", *options]}


@contextlib.contextmanager
def container():
    """A container and an STS."""
    archive()
    with directory() as home, recording_sts(home) as sts:
        # The user of the container reads the authority's certificate there.
        home.chmod(0o755)
        yield Container(home), sts


SHELL = ["--", "/busybox", "sh", "-c"]
# The state of the command: user, process ID, capabilities, no_new_privs, and the directories in which it can write.
STATE = """id=/busybox; $id id -u; $id id -g; echo $$; echo "$HOME $XASSUME_SESSION"
while read -r name value; do case $name in CapEff:|CapBnd:|NoNewPrivs:) echo $name $value; esac; done </proc/self/status
for place in / /tmp /usr/bin "$HOME"; do (: >"$place/new") 2>/dev/null && echo "can write $place"; done
exit 7"""


@check("image: runc runs a command as the user of the image, as process 1, without any privileges")
def _():
    with container() as (box, sts):
        result = box.run("--version")
        expect(result.expect_success().stdout.startswith("xassume "), str(result))
        words = ["--sts-endpoint", sts.url, *ASSUME, *SHELL, STATE]
        wanted = [
            str(USER), str(USER), "1", f"/home/xassume {SESSION}",
            "CapBnd: 0000000000000000", "CapEff: 0000000000000000", "NoNewPrivs: 1",
        ]
        for tmp in (False, True):
            result = box.run(*words, tmp=tmp)
            expect_equal((result.status, result.stderr), (7, ""), str(result))
            lines = [line for line in result.stdout.splitlines() if not line.startswith("can write")]
            expect_equal(sorted(lines), sorted(wanted), str(result))
            expect_equal("can write /tmp" in result.stdout, tmp, str(result))
            expect_equal(result.stdout.count("can write"), int(tmp), str(result))


@check("image: exit statuses: the command's, 125, 126 and 127")
def _():
    with container() as (box, sts):
        words = ["--sts-endpoint", sts.url, *ASSUME]
        expect_equal(box.run(*words, *SHELL, "exit 3").status, 3, "the command's")
        expect_equal(box.run(*words, *SHELL, "kill -INT $$").status, 130, "after a signal")
        result = box.run(*words, "--", "nowhere")
        expect(result.status == 127 and "nowhere" in result.stderr, str(result))
        result = box.run(*words, "--", "/etc/passwd")
        expect(result.status == 126, str(result))
        result = box.run("--sts-endpoint", "http://127.0.0.1:1", *ASSUME, *SHELL, "exit 0")
        expect(result.status == 125 and result.stderr.startswith("xassume: "), str(result))
        expect(not sts.requests or all(request["role"] == ROLE for request in sts.requests), "requests")


@check("image: TLS trusts the image's root certificates, and those of AWS_CA_BUNDLE in addition")
def _():
    with container() as (box, sts):
        words = [*ASSUME, *SHELL, "exit 0"]
        # The proxy plays AWS with a certificate of an unknown authority.
        result = box.run(*words, env={"HTTPS_PROXY": sts.url})
        expect(result.status == 125 and "certificate" in result.stderr, str(result))
        expect("no root certificates" not in result.stderr, f"the bundle was not read\n{result}")
        mounts = [bind(sts.authority.bundle, "/authority.pem")]
        result = box.run(*words, env={"HTTPS_PROXY": sts.url, "AWS_CA_BUNDLE": "/authority.pem"}, mounts=mounts)
        expect_equal((result.status, result.stderr), (0, ""), str(result))


@check("image: a profile of the user's ~/.aws, and a cache in a tmpfs")
def _():
    with container() as (box, sts):
        own = box.home / "aws"
        own.mkdir(mode=0o700)
        (own / "config").write_text(f"[profile production]\nrole_arn = {ROLE}\nsource_profile = me\nregion = {REGION}\n")
        (own / "credentials").write_text("[me]\naws_access_key_id = AKIAOWN\naws_secret_access_key = s\n")
        for path in (own, *own.iterdir()):
            os.chown(path, 1234, 1234)
        words = ["--sts-endpoint", sts.url, "-p", "production", "--role-session-name", "image"]
        words += [*SHELL, 'echo "$XASSUME_SESSION"']
        more = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        result = box.run(*words, env=more, mounts=[bind(own, "/home/xassume/.aws")], user=1234)
        expect_equal((result.status, result.stdout.strip(), result.stderr), (0, SESSION, ""), str(result))
        expect_equal([request["signer"] for request in sts.take()], ["AKIAOWN"], "requests")
        # The command runs xassume twice, with the source credentials.
        box.mounts.append(bind(needed("busybox"), "/bin/sh"))
        twice = f"for i in 1 2; do /usr/bin/xassume --sts-endpoint {sts.url} {' '.join(ASSUME)} -- /busybox true || exit; done"
        outer = ["--sts-endpoint", sts.url, "-p", "plain", *SHELL, twice]
        (own / "config").write_text("[profile plain]\n")
        (own / "credentials").write_text("[plain]\naws_access_key_id = AKIAOWN\naws_secret_access_key = s\n")
        for env, tmp, requests in (({}, False, 2), ({"XASSUME_CACHE_DIR": "/tmp/xassume"}, True, 1)):
            result = box.run(*outer, env={**more, **env}, tmp=tmp, mounts=[bind(own, "/home/xassume/.aws")], user=1234)
            expect_equal((result.status, result.stderr), (0, ""), str(result))
            expect_equal(len(sts.take()), requests, f"requests with {env}")


# The orphan's parent is process 1.
WAITS = """trap 'echo stopping; exit 9' TERM
(/busybox sh -c '/busybox sleep 0.2; echo orphan' &)
echo "as $$"
while :; do /busybox sleep 0.1; done"""


@check("image: as process 1, xassume forwards TERM and reaps orphans")
def _():
    with container() as (box, sts):
        words = ["--sts-endpoint", sts.url, *ASSUME]
        # Without supervision the command itself is process 1.
        for more in ([], ["--via", "endpoint"], ["--on-expiry", "restart"], ["--via", "file"]):
            with box.started(*words, *more, *SHELL, WAITS) as (process, name, output):
                wait_until(lambda: "as " in output() or process.poll() is not None, 20, f"the command starts: {output()}")
                expect(process.poll() is None, f"{more}: {output()}")
                expect_equal("as 1" in output().split("\n"), not more, output())
                if more:
                    wait_until(lambda: "orphan" in output(), 20, f"the orphan ends: {output()}")
                    wait_until(lambda: not box.zombies(name), 10, "xassume reaps it")
                box.kill(name, "TERM")
                expect_equal(process.wait(15), 9, f"{more}: {output()}")
                expect("stopping" in output(), output())


class Podman:
    """Podman with a storage of its own, as `docker` in the scripts of the documents."""

    def __init__(self, home):
        podman = needed("podman")
        if os.getuid() != 0:
            raise Skipped("tested as root only")
        self.home, self.bin = home, home / "bin"
        self.bin.mkdir()
        self.env = clean_env(home, PATH=f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin", TMPDIR=home)
        stores = f"--root {home}/store --runroot {home}/run --storage-driver vfs"
        stores += " --events-backend file --cgroup-manager cgroupfs"
        # The system's limits: by default Podman asks for higher ones. The network is that of the fake STS.
        limits = "--network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024"
        variables = " ".join(f"-e {name}" for name in ("AWS_ENDPOINT_URL", *KEYS, "AWS_REGION"))
        for runtime in ("crun", "runc"):
            script = self.bin / "docker"
            script.write_text(
                f"#!/bin/sh\nword=$1\nshift\n[ $word != run ] || set -- {limits} {variables} \"$@\"\n"
                f'exec {podman} {stores} --runtime {runtime} "$word" "$@"\n'
            )
            script.chmod(0o755)
            loaded = self.run(f"docker load --input {archive()}")
            if loaded.status != 0:
                raise Skipped(f"podman does not run here: {loaded.stderr.strip().splitlines()[-1]}")
            self.image = loaded.stdout.strip().rsplit(" ", 1)[-1]
            self.first = self.run(f"docker run --rm {self.image} --version")
            if self.first.status == 0 and self.first.stdout.startswith("xassume "):
                self.runtime = runtime
                return
        raise Skipped(f"podman runs no container here: {self.first.stderr.strip().splitlines()[-1]}")

    def run(self, script, **env):
        script = script.replace("REGISTRY/xassume:V", getattr(self, "image", ""))
        return run(["sh", "-ec", script], {**self.env, **env}, timeout=120, cwd=self.home)


def section():
    """The part of the recipes on the image: its Dockerfile and its scripts."""
    text = (ROOT / "docs/recipes.md").read_text()
    part = text[text.index("### The xassume image") :].split("\n## ")[0]
    (dockerfile,) = re.findall(r"^```dockerfile\n(.*?)^```", part, re.M | re.S)
    volume, alone = re.findall(r"^```sh\n(.*?)^```", part, re.M | re.S)
    return dockerfile, volume, alone


@check("image: podman loads it, and the recipes work: a Dockerfile, a volume, the image alone")
def _():
    archive()
    dockerfile, volume, alone = section()
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(directory())
        sts = stack.enter_context(recording_sts(home))
        podman = Podman(home)
        # After a failure, a container may still run.
        stack.callback(podman.run, "docker rm --force --all")
        expect_equal(podman.image, f"localhost/{Layout(archive()).name}", "name")
        # The user's command is a script: the image of the recipe gets a shell for it.
        (home / "worker").write_text(WORKER)
        (home / "worker").chmod(0o755)
        shutil.copy(needed("busybox"), home / "sh")
        shell = "COPY sh /bin/sh\n"
        without = re.sub(r"COPY --from.*\n|ENTRYPOINT.*\n", "", dockerfile) + shell
        for name, text in (("built", dockerfile.replace("REGISTRY/xassume:V", podman.image) + shell), ("worker", without)):
            (home / "Dockerfile").write_text(text)
            podman.run(f"docker build --quiet -t {name} -f Dockerfile .").expect_success()
        env = {**KEYS, "AWS_ENDPOINT_URL": sts.url, "AWS_REGION": REGION, "XASSUME_ROLE_ARN": ROLE}
        result = podman.run("docker run --rm -e XASSUME_ROLE_ARN built", **env)
        expect_equal((result.status, result.stdout.split("/")[0]), (5, f"{USER} 1 {SESSION.split('/')[0]}"), str(result))
        # With supervision and a read-only root directory. `docker stop` ends the command and then xassume.
        start = "docker run --detach --read-only --name worker -e XASSUME_ROLE_ARN -e XASSUME_VIA=file built worker wait"
        podman.run(start, **env).expect_success()
        wait_until(lambda: "waiting" in podman.run("docker logs worker").stdout, 20, "the worker starts")
        result = podman.run("docker stop -t 9 worker; docker wait worker; docker logs worker; docker rm worker").expect_success()
        expect(result.stdout.split("\n")[1] == "9" and "stopping" in result.stdout, str(result))
        # The volume: the program is that of the image, and the container's image does not contain it.
        expect_equal(podman.run("docker run --rm worker").stdout.strip(), f"{USER} 1", "control: without xassume")
        result = podman.run(volume, **env)
        expect_equal(result.status, 5, str(result))
        expect(re.search(rf"^{USER} 1 {re.escape(SESSION.rsplit('/', 1)[0])}/", result.stdout, re.M), str(result))
        # The image alone, with the files of a user.
        own = home / ".aws"
        own.mkdir(mode=0o700)
        (own / "config").write_text(f"[profile production]\nrole_arn = {ROLE}\nsource_profile = me\n")
        (own / "credentials").write_text("[me]\naws_access_key_id = AKIAOWN\naws_secret_access_key = s\n")
        for path in (own, *own.iterdir()):
            os.chown(path, 1234, 1234)
        (podman.bin / "id").write_text("#!/bin/sh\necho 1234\n")
        (podman.bin / "id").chmod(0o755)
        sts.take()
        result = podman.run(alone, AWS_ENDPOINT_URL=sts.url, AWS_REGION=REGION)
        expect(result.status == 0 and SESSION.rsplit("/", 1)[0] in result.stdout + result.stderr, str(result))
        expect_equal({request["signer"] for request in sts.take()}, {"AKIAOWN"}, "requests")
        print(f"    by podman with {podman.runtime}", flush=True)


WORKER = """#!/bin/sh
if [ "$1" = wait ]; then
    trap 'echo stopping; exit 9' TERM
    echo waiting
    while :; do /bin/sh -c 'exec -a sleep /bin/sh 0.1'; done
fi
echo $(exec -a id /bin/sh -u) $$ $XASSUME_SESSION
[ -z "$XASSUME_SESSION" ] || exit 5
"""


@check("image: each invalid input is reported in one line, and no image is written")
def _():
    source = ROOT / "packaging"
    with directory() as home:
        env = clean_env(home, PIP_NO_INDEX="1", PYTHONDONTWRITEBYTECODE="1")
        dynamic = pathlib.Path(sys.executable).resolve()
        # The header of a static program of 64 bytes.
        static = home / "a static program"
        static.write_bytes(dynamic.read_bytes()[:54] + bytes(10))
        (home / "cut off").write_bytes(dynamic.read_bytes()[:64])
        (home / "text").write_text("text")
        arch = os.uname().machine
        other = next(machine for machine in MACHINES.values() if machine != arch)

        def made(*binaries, sbom=home / "text", place=source, **more):
            words = [word for binary in binaries for word in ("--binary", binary)]
            words += ["--version", "1.0.0", "--revision", "0" * 40, "--epoch", "0", "--sbom", sbom, "--out", home / "out.tar"]
            return run([sys.executable, place / "image.py", *words], {**env, **more}, timeout=180)

        for result, message in (
            (made(arch), "expected ARCH=PATH"),
            (made(f"sparc={static}"), "x86_64, aarch64"),
            (made(f"{arch}={static}", f"{arch}={static}"), "the same architecture twice"),
            (made(f"{arch}={home}/nowhere"), "nowhere: No such file or directory"),
            (made(f"{arch}={home}/text"), "text: not a 64-bit ELF program"),
            (made(f"{arch}={home}/cut off"), "cut off: truncated"),
            (made(f"{arch}={dynamic}"), "not a static program"),
            (made(f"{other}={static}"), f"not a program for {other}"),
            (made(f"{arch}={static}", sbom=home / "nowhere"), "nowhere: No such file or directory"),
            (made(f"{arch}={static}"), "cannot download the root certificates"),
        ):
            expect(message in result.stderr.splitlines()[-1], str(result))
            expect(result.status == 2 or result.status == 1 and result.stderr.count("\n") == 1, str(result))
            expect(not (home / "out.tar").exists(), f"a file in spite of the error\n{result}")
        # Control: with the certificates, this program is accepted. With another hash, it is not.
        made(f"{arch}={static}", PIP_NO_INDEX="").expect_success()
        (home / "out.tar").unlink()
        copy = home / "a copy" / "packaging"
        shutil.copytree(source, copy)
        shutil.copy(ROOT / "Cargo.toml", copy.parent)
        for path in ROOT.glob("LICENSE-*"):
            shutil.copy(path, copy.parent)
        pinned = (copy / "certificates.txt").read_text()
        (copy / "certificates.txt").write_text(re.sub(r"sha256:\w", lambda found: "sha256:" + "01"[found[0][-1] == "0"], pinned))
        result = made(f"{arch}={static}", place=copy, PIP_NO_INDEX="")
        expect(result.status == 1 and "DO NOT MATCH THE HASHES" in result.stderr, str(result))
        expect(not (home / "out.tar").exists(), str(result))
