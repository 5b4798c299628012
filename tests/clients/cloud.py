"""The AWS of the checks: moto's server, an independent implementation that xassume was not written against."""

import base64
import json
import subprocess
import threading
import urllib.request

import boto3

from harness import VENV_BIN, Failed, clean_env, directory, end, free_port, listens, tail, wait_until

ACCOUNT = "521111111144"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/DeployMaster"
SESSION_NAME = "project-dev-jenkins-deploy"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/DeployMaster/{SESSION_NAME}"
REGION = "us-east-1"
# moto does not know this key: without xassume the caller is arn:aws:sts::123456789012:user/moto.
KEYS = {"AWS_ACCESS_KEY_ID": "AKIASOURCEKEYS000001", "AWS_SECRET_ACCESS_KEY": "source/secret"}


class Cloud:
    """One moto server for all checks, with one instance in the account of the role."""

    def __init__(self):
        self.url = self.process = self.instance = None
        self.cleanup = directory()
        self.home = self.cleanup.__enter__()

    def start(self):
        log = self.home / "moto.log"
        for _ in range(3):
            port = free_port()
            env = clean_env(self.home, MOTO_RECORDER_FILEPATH=self.home / "recording", PYTHONDONTWRITEBYTECODE="1")
            with log.open("wb") as output:
                self.process = subprocess.Popen(
                    [VENV_BIN / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
                    env=env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    start_new_session=True,
                )
            self.url = f"http://127.0.0.1:{port}"
            try:
                wait_until(
                    lambda: self.process.poll() is not None or listens(self.process.pid, port), 60, "moto listens"
                )
            except Failed:
                end(self.process)
                raise
            if self.process.poll() is None:
                break
        else:
            raise Failed(f"moto did not start:\n{tail(log)}")
        self.instance = self._run_instance()
        return self

    def stop(self):
        if self.process is not None:
            end(self.process)
        self.cleanup.__exit__(None, None, None)

    def session_keys(self, role, name="setup"):
        """Credentials of a role, from moto's own STS."""
        answer = self._client("sts", dict(zip(("AccessKeyId", "SecretAccessKey"), KEYS.values()))).assume_role(
            RoleArn=role, RoleSessionName=name
        )
        return answer["Credentials"]

    def _client(self, service, keys):
        return boto3.Session().client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
        )

    def _run_instance(self):
        ec2 = self._client("ec2", self.session_keys(ROLE))
        image = ec2.describe_images()["Images"][0]["ImageId"]
        return ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]

    def _post(self, path):
        request = urllib.request.Request(self.url + path, data=b"", method="POST")
        return urllib.request.urlopen(request, timeout=10).read()

    def record(self):
        """Starts a new recording of the requests."""
        self._post("/moto-api/recorder/reset-recording")
        self._post("/moto-api/recorder/start-recording")

    def recorded(self):
        """The requests since `record`, in moto's form: method, url, headers, body."""
        self._post("/moto-api/recorder/stop-recording")
        with urllib.request.urlopen(self.url + "/moto-api/recorder/download-recording", timeout=10) as answer:
            requests = [json.loads(line) for line in answer.read().decode().splitlines() if line]
        for request in requests:
            if request.get("body_encoded"):
                request["body"] = base64.b64decode(request["body"]).decode(errors="replace")
        return requests


_lock = threading.Lock()
_cloud = None


def cloud():
    """The server, started by the first check that needs it."""
    global _cloud
    with _lock:
        if _cloud is None:
            _cloud = Cloud()
            _cloud.start()
        return _cloud


def stop():
    if _cloud is not None:
        _cloud.stop()
