"""A service for each client: STS with short sessions, an S3 with one object, ECR, and the receiver of signed URLs.

It records the signer of each request. Listings of the bucket `endless` have a next page until `enough` is set, so one
process of a command-line client sends signed requests for as long as a check needs.
"""

import re
import time
import urllib.parse

from harness import token_of
from sessions import ROLE, SOURCE, ShortSts, Sts

OBJECT = b"a\n1\n"
ETAG = '"b026324c6904b2a9cb4b88d6d61c81d1"'
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
DATE = "2026-01-01T00:00:00.000Z"


class Service(Sts):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode(errors="replace")
        self.handle_request(dict(urllib.parse.parse_qsl(body)))

    def do_GET(self):
        self.handle_request({})

    do_HEAD = do_GET

    def handle_request(self, form):
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True))
        signed = re.search(r"Credential=([^,]+)", self.headers.get("Authorization", ""))
        # The key, the date, the Region and the service.
        scope = (signed.group(1) if signed else query.get("X-Amz-Credential", "")).split("/")
        key = scope[0]
        token = self.headers.get("X-Amz-Security-Token") or query.get("X-Amz-Security-Token")
        action = form.get("Action") or query.get("Action")
        with self.server.lock:
            if action == "AssumeRole" and form.get("RoleArn") == ROLE and key == SOURCE and not token:
                self.server.names.append(form["RoleSessionName"])
                return self.grant(action, ROLE)
            verdict = self.verdict(key, token)
            self.server.calls.append((verdict, key))
            self.server.regions.add(scope[2] if len(scope) > 2 else None)
        if verdict != "session":
            return self.denied()
        if self.headers.get("X-Amz-Target", "").endswith(".GetAuthorizationToken"):
            data = {"authorizationToken": "QVdTOnBhc3N3b3Jk", "expiresAt": time.time() + 43200}
            endpoint = "https://521111111144.dkr.ecr.us-east-1.amazonaws.com"
            return self.answer(200, {"authorizationData": [{**data, "proxyEndpoint": endpoint}]}, "application/json")
        if action:
            arn = "arn:aws:sts::521111111144:assumed-role/Long/me"
            return self.result(action, f"<Arn>{arn}</Arn><UserId>ID</UserId><Account>521111111144</Account>")
        return self.s3(address.path.strip("/"), query)

    def verdict(self, key, token):
        _, expires = self.server.issued.get(key, (None, None))
        if not key:
            return "unsigned"
        if expires is None:
            return "other"
        if token != token_of(key):
            return "other"
        # A call that was signed just before the expiry may arrive just after it.
        return "session" if expires + 1 > time.time() else "expired"

    def denied(self):
        if self.command == "POST":
            return self.refuse()
        error = "<Error><Code>InvalidAccessKeyId</Code><Message>no such session</Message></Error>"
        return self.answer(403, error, "application/xml")

    def s3(self, path, query):
        bucket, _, key = path.partition("/")
        if key:
            return self.object()
        if "location" in query:
            return self.answer(200, f"<LocationConstraint {NAMESPACE}></LocationConstraint>", "application/xml")
        if not bucket or self.command == "HEAD":
            buckets = f"<Buckets><Bucket><Name>bucket</Name><CreationDate>{DATE}</CreationDate></Bucket></Buckets>"
            owner = "<Owner><ID>me</ID></Owner>"
            body = f"<ListAllMyBucketsResult {NAMESPACE}>{owner}{buckets}</ListAllMyBucketsResult>"
            return self.answer(200, body, "application/xml")
        return self.listing(bucket, query)

    def listing(self, bucket, query):
        more = bucket == "endless" and not self.server.enough
        if more:
            time.sleep(0.2)
        # Clients reject a listing that repeats itself.
        name = f"{query.get('prefix', '')}{time.time_ns()}"
        following = f"<NextContinuationToken>{name}</NextContinuationToken><NextMarker>{name}</NextMarker>" if more else ""
        body = (
            f"<ListBucketResult {NAMESPACE}><Name>{bucket}</Name><Prefix>{query.get('prefix', '')}</Prefix>"
            f"<KeyCount>1</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>{following}"
            f"<Contents><Key>{name}</Key><LastModified>{DATE}</LastModified><ETag>{ETAG}</ETag>"
            f"<Size>{len(OBJECT)}</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>"
        )
        return self.answer(200, body, "application/xml")

    def object(self):
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        first, last = 0, len(OBJECT) - 1
        if asked and asked.group(1):
            first, last = int(asked.group(1)), min(int(asked.group(2) or last), last)
        elif asked:
            first = max(0, len(OBJECT) - int(asked.group(2)))
        body = OBJECT[first : last + 1]
        self.send_response(206 if asked else 200)
        for name, value in {
            "Content-Length": len(body),
            "Content-Type": "text/csv",
            "ETag": ETAG,
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            "Accept-Ranges": "bytes",
            **({"Content-Range": f"bytes {first}-{last}/{len(OBJECT)}"} if asked else {}),
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Services(ShortSts):
    def __init__(self, lifetime):
        super().__init__(lifetime)
        self.RequestHandlerClass = Service
        # The verdict on the signer of each request, and its key; the session names that xassume has sent.
        self.calls, self.names, self.regions = [], [], set()
        self.enough = False

    def signers_as(self, verdict):
        """The keys with this verdict, in the order of their first request."""
        return list(dict.fromkeys(key for its, key in list(self.calls) if its == verdict))
