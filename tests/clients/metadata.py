"""Fakes of the credentials services of AWS: instance metadata (IMDSv2) and the container endpoint."""

import contextlib
import datetime
import http.server
import json
import secrets
import threading
import time


def in_one_hour():
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler, address=("127.0.0.1", 0)):
        super().__init__(address, handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.seen = []

    def handle_error(self, request, client_address):
        """No traceback if a client disconnects or rejects the certificate; the client reports that itself."""


@contextlib.contextmanager
def served(server):
    """Serves until the end of the `with` block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="text/plain", **headers):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def instance(keys, role="AssumeRoleInA", region="us-east-1", hops=1, hop_limit=1, address=("127.0.0.1", 0)):
    """An instance whose instance profile contains `role`. Requests without a token (IMDSv1) get 401.

    `hops` is the distance of the caller, for example from a container: beyond the limit the token never arrives.
    """
    token = secrets.token_urlsafe(32)

    class Imds(Handler):
        def do_PUT(self):
            self.server.seen.append(f"PUT {self.path}")
            if self.path != "/latest/api/token" or not self.headers.get("X-aws-ec2-metadata-token-ttl-seconds"):
                return self.answer(400, "Bad Request")
            if hops > hop_limit:
                time.sleep(20)
                self.close_connection = True
                return None
            if self.headers.get("X-Forwarded-For"):
                return self.answer(403, "Forbidden")
            return self.answer(200, token, X_aws_ec2_metadata_token_ttl_seconds="21600")

        def do_GET(self):
            self.server.seen.append(f"GET {self.path}")
            if self.headers.get("X-aws-ec2-metadata-token") != token:
                return self.answer(401, "Unauthorized")
            base = "/latest/meta-data/iam/security-credentials"
            texts = {
                f"{base}/": role,
                "/latest/meta-data/placement/region": region,
                "/latest/meta-data/placement/availability-zone": region + "a",
            }
            objects = {
                f"{base}/{role}": {
                    "Code": "Success",
                    "Type": "AWS-HMAC",
                    "LastUpdated": in_one_hour(),
                    "AccessKeyId": keys["AccessKeyId"],
                    "SecretAccessKey": keys["SecretAccessKey"],
                    "Token": keys["SessionToken"],
                    "Expiration": in_one_hour(),
                },
                "/latest/dynamic/instance-identity/document": {"region": region, "accountId": "222222222222"},
            }
            if self.path in texts:
                return self.answer(200, texts[self.path])
            if self.path in objects:
                return self.answer(200, objects[self.path])
            return self.answer(404, "Not Found")

    return Server(Imds, address)


def container(keys, token):
    """The credentials endpoint of a task or pod; it requires the right Authorization header."""

    class Endpoint(Handler):
        def do_GET(self):
            self.server.seen.append(f"GET {self.path}")
            if self.headers.get("Authorization") != token:
                return self.answer(401, {"code": "Unauthorized", "message": "wrong token"}, "application/json")
            document = {
                "AccessKeyId": keys["AccessKeyId"],
                "SecretAccessKey": keys["SecretAccessKey"],
                "Token": keys["SessionToken"],
                "Expiration": in_one_hour(),
                "AccountId": "222222222222",
            }
            return self.answer(200, document, "application/json")

    return Server(Endpoint)
