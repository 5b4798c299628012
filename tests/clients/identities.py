"""SDKs use the session in an environment with conflicting credentials: older SDKs, and Rust's object_store.

Each makes one signed call with each `--via`. The service accepts only calls with the session of xassume, and records
the Region of each signature.
"""

import os
import re
import shutil

from harness import PYTHON, XASSUME, check, directory, expect, expect_equal, run
from metadata import served
from refresh import LOOPS, ROLE, ShortSts, Sts, hostile, installed

# The Region of the profile in AWS_PROFILE, which `hostile` writes; [default] has another one.
REGION = "eu-north-1"
# object_store reads one object; it has no other call.
OBSTORE = """
import os
from obstore.store import S3Store
store = S3Store("bucket", endpoint=os.environ["AWS_ENDPOINT_URL"], client_options={"allow_http": True})
print(bytes(store.get("key").bytes()).decode())
"""


class Service(Sts):
    """STS, and an S3 with one object."""

    def decide(self, request, key, token):
        found = re.search(r"Credential=[^/]+/\d+/([^/]+)/", self.headers.get("Authorization", ""))
        self.server.regions.append(found and found.group(1))
        return super().decide(request, key, token)

    def do_GET(self):
        found = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        with self.server.lock:
            self.decide({"Action": "GetObject"}, found and found.group(1), self.headers.get("X-Amz-Security-Token"))


class Services(ShortSts):
    def __init__(self):
        super().__init__(3600)
        self.RequestHandlerClass, self.regions = Service, []


def leftovers(home, sts):
    """The leftovers of `hostile`, and those that only old SDKs read."""
    env = hostile(home, sts)
    keys = "aws_access_key_id = AKIAOLDPROFILES00001\naws_secret_access_key = stale\n"
    (home / "profiles").write_text(f"[default]\n{keys}")
    config = (home / ".aws" / "config").read_text()
    (home / ".aws" / "config").write_text(config.replace("[default]\n", "[default]\nregion = eu-west-3\n"))
    del env["AWS_REGION"]
    return env | {
        "AWS_CREDENTIAL_PROFILES_FILE": str(home / "profiles"),
        "BOTO_CONFIG": str(home / ".boto"),
        # Otherwise these SDKs print notices of their age.
        "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1",
        "AWS_JAVA_V1_DISABLE_DEPRECATION_ANNOUNCEMENT": "true",
    }


def signs_as_the_session(words, *deliveries):
    """Runs the command with each delivery. As a control, it must fail without xassume."""
    for delivery in deliveries:
        with directory() as place, served(Services()) as sts:
            env = leftovers(place / "home", sts)
            control = run(words, env)
            expect(control.status != 0 and not sts.signers, f"control, without xassume\n{control}")
            sts.refused.clear(), sts.regions.clear()
            flags = ["--no-cache", "-r", ROLE, *delivery]
            if "endpoint" in delivery and os.geteuid() == 0:
                flags += ["--endpoint-token-file", place / "token"]
            result = run([XASSUME, *flags, "--", *words], env, timeout=120)
            shown = f"{' '.join(delivery) or 'env'}: refused {sts.refused}\n{result}"
            expect_equal((result.status, sts.refused), (0, []), shown)
            expect(sts.signers and set(sts.signers) <= set(sts.issued), shown)
            # The first call is xassume's own.
            expect_equal(set(sts.regions), {REGION}, f"regions, {shown}")


FILE, ENDPOINT, PROCESS = (["--via", via] for via in ("file", "endpoint", "process"))
ALL = [[], ["--isolate"], FILE, ENDPOINT, PROCESS]


@check("identities: SDK for Java v1")
def _():
    pom = (LOOPS / "pom.xml").read_text()
    pom = re.sub(r"<dependency>.*</dependency>", old_java("1.12.797"), pom, flags=re.DOTALL)
    copy = ["mvn", "-B", "-q", "-f", "pom.xml", "dependency:copy-dependencies", "-DoutputDirectory=lib"]
    place = installed("java1", "mvn", [["sh", "-c", 'printf %s "$1" > pom.xml', "sh", pom], copy], pom)
    isolated = [[*delivery, "--isolate"] for delivery in (FILE, ENDPOINT, PROCESS)]
    signs_as_the_session(["java", "-cp", f"{place}/lib/*", LOOPS / "Old.java"], *ALL, *isolated)


def old_java(version):
    artifact = "<groupId>com.amazonaws</groupId><artifactId>aws-java-sdk-sts</artifactId>"
    return f"<dependency>{artifact}<version>{version}</version></dependency>"


@check("identities: SDK for JavaScript v2")
def _():
    wanted = "aws-sdk@2.1693.0"
    install = ["npm", "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", ".", wanted]
    place = installed("js2", "npm", [install], wanted)
    shutil.copy(LOOPS / "old.js", place)
    signs_as_the_session(["node", "--no-warnings", place / "old.js"], *ALL)


@check("identities: SDK for Go v1")
def _():
    wanted, source = "github.com/aws/aws-sdk-go@v1.55.8", LOOPS / "old.go"
    make = [["cp", source, "."], ["go", "mod", "init", "old"], ["go", "get", wanted], ["go", "build", "-o", "old", "."]]
    place = installed("go1", "go", make, wanted + source.read_text())
    signs_as_the_session([place / "old"], *ALL)


@check("identities: Rust's object_store, through obstore")
def _():
    # It reads no shared files, so only these two deliveries work.
    signs_as_the_session([PYTHON, "-c", OBSTORE], [], ENDPOINT)
