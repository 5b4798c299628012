"""A small STS that records each request and requires the token of each key, which moto does not.

Clients reach it at a plain address. Programs without an endpoint setting use the real host names through an HTTPS proxy
on the loopback interface, with certificates of a private authority (as in a company's network).
"""

import contextlib
import datetime
import json
import pathlib
import re
import ssl
import threading
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness import token_of
from metadata import Handler, Server, served

ACTIONS = ("AssumeRole", "AssumeRoleWithWebIdentity", "GetSessionToken")


class Authority:
    """Issues a certificate for each host that a client requests from the proxy."""

    def __init__(self, place):
        self.place = pathlib.Path(place)
        self.bundle = self.place / "authority.pem"
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "xassume checks")])
        usage = {
            name: name in ("key_cert_sign", "crl_sign")
            for name in (
                "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
                "key_cert_sign crl_sign encipher_only decipher_only"
            ).split()
        }
        certificate = (
            self._builder(self.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.contexts, self.lock = {}, threading.Lock()

    def _builder(self, subject, key):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    def context(self, host):
        with self.lock:
            if host not in self.contexts:
                key = ec.generate_private_key(ec.SECP256R1())
                subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
                certificate = (
                    self._builder(subject, key)
                    .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
                    .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                    .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
                    .sign(self.key, hashes.SHA256())
                )
                pem = self.place / f"{host}.pem"
                pem.write_bytes(
                    key.private_bytes(
                        serialization.Encoding.PEM,
                        serialization.PrivateFormat.PKCS8,
                        serialization.NoEncryption(),
                    )
                    + certificate.public_bytes(serialization.Encoding.PEM)
                )
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(pem)
                self.contexts[host] = context
            return self.contexts[host]


class Sts(Handler):
    host = None

    def do_CONNECT(self):
        """Acts as the proxy: this server plays every host of AWS."""
        self.host = self.path.rsplit(":", 1)[0]
        if not re.search(r"\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$", self.host):
            return self.answer(403, "only AWS")
        self.server.proxied.append(self.host)
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.authority.context(self.host).wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False
        return None

    def do_GET(self):
        """The portal of IAM Identity Center: returns credentials of a permission set for a bearer token."""
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        if address.path != "/federation/credentials":
            return self.answer(404, "not here")
        if self.headers.get("x-amz-sso_bearer_token") != "sso-access-token":
            return self.answer(401, {"message": "Session token not found or invalid"}, "application/json")
        with self.server.lock:
            key = self.server.issue(f"sso {query.get('account_id')} {query.get('role_name')}")
        hour = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        credentials = {
            "accessKeyId": key,
            "secretAccessKey": f"secret-of-{key}",
            "sessionToken": token_of(key),
            "expiration": int(hour.timestamp() * 1000),
        }
        return self.answer(200, {"roleCredentials": credentials}, "application/json")

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length).decode()
        if self.path in ("/client/register", "/device_authorization", "/token"):
            return self._sign_in(json.loads(body))
        request = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        found = re.search(r"Credential=([^/]+)/\d+/([^/]+)/", self.headers.get("Authorization", ""))
        key, region = found.groups() if found else (None, None)
        with self.server.lock:
            return self._decide(request, key, region)

    def _sign_in(self, request):
        """The OIDC service of IAM Identity Center. The user confirms each code before the second request for the token."""
        with self.server.lock:
            self.server.sign_ins.append((self.path, request))
            asked = sum(path == "/token" for path, _ in self.server.sign_ins)
        if self.path == "/client/register":
            later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=90)
            client = {"clientId": "sso-client", "clientSecret": "sso-secret"}
            return self.answer(200, {**client, "clientSecretExpiresAt": int(later.timestamp())}, "application/json")
        if (request.get("clientId"), request.get("clientSecret")) != ("sso-client", "sso-secret"):
            return self.answer(401, {"error": "invalid_client"}, "application/json")
        if self.path == "/device_authorization":
            page = "https://device.sso.us-east-1.amazonaws.com/"
            answer = {
                "deviceCode": "device-code",
                "userCode": "WXYZ-1234",
                "verificationUri": page,
                "verificationUriComplete": f"{page}?user_code=WXYZ-1234",
                "expiresIn": 600,
                "interval": 1,
            }
            return self.answer(200, answer, "application/json")
        proof = request.get("deviceCode") or request.get("refreshToken")
        if proof not in ("device-code", "sso-refresh-token"):
            return self.answer(400, {"error": "invalid_grant"}, "application/json")
        if proof == "device-code" and asked % 2:
            pending = {"error": "authorization_pending"}
            return self.answer(400, pending, "application/json", x_amzn_ErrorType="AuthorizationPendingException")
        token = {"accessToken": "sso-access-token", "refreshToken": "sso-refresh-token", "expiresIn": 28800}
        return self.answer(200, {**token, "tokenType": "Bearer"}, "application/json")

    def _decide(self, request, key, region):
        action = request.get("Action")
        signer = self.server.issued.get(key, key)
        if action in ACTIONS:
            self.server.requests.append(
                {
                    "action": action,
                    "role": request.get("RoleArn"),
                    "external_id": request.get("ExternalId"),
                    "session_name": request.get("RoleSessionName"),
                    "duration": request.get("DurationSeconds"),
                    "web_identity": request.get("WebIdentityToken"),
                    "signer": signer,
                    "region": region,
                    "host": self.host,
                }
            )
        # The key of a session requires its own token, so stale variables cause an error.
        wanted = token_of(key) if key in self.server.issued else None
        unsigned = action == "AssumeRoleWithWebIdentity"
        if unsigned == bool(key) or (key and self.headers.get("X-Amz-Security-Token") != wanted):
            return self._error(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if action == "GetCallerIdentity":
            arn = signer if key in self.server.issued else f"arn:aws:iam::222222222222:user/{key}"
            account = arn.split(":")[4] if arn.startswith("arn:") else "222222222222"
            return self._result(action, f"<Arn>{arn}</Arn><UserId>ID</UserId><Account>{account}</Account>")
        if action in ("AssumeRole", "AssumeRoleWithWebIdentity"):
            role = request["RoleArn"].split(":")
            name = role[5].rsplit("/", 1)[-1]
            arn = f"arn:{role[1]}:sts::{role[4]}:assumed-role/{name}/{request['RoleSessionName']}"
            key = self.server.issue(arn)
            seconds = self.server.lifetime or int(request.get("DurationSeconds", "3600"))
            return self._result(
                action,
                self._credentials(key, seconds)
                + f"<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser>",
            )
        return self._error(400, "InvalidAction", f"Could not find operation {action}")

    @staticmethod
    def _credentials(key, seconds):
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        return (
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret-of-{key}</SecretAccessKey>"
            f"<SessionToken>{token_of(key)}</SessionToken>"
            f"<Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
        )

    def _result(self, action, inside):
        self.answer(
            200,
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{inside}'
            f"</{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>",
            "text/xml",
        )

    def _error(self, status, code, message):
        self.answer(
            status,
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
            f"<Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>",
            "text/xml",
        )


class StsServer(Server):
    def __init__(self, place, address=("127.0.0.1", 0)):
        super().__init__(Sts, address)
        self.authority = Authority(place)
        self.requests, self.issued, self.proxied, self.lock = [], {}, [], threading.Lock()
        # The requests of sign-ins to IAM Identity Center: path and body.
        self.sign_ins = []
        # The lifetime of every session in seconds, instead of the requested one.
        self.lifetime = None

    def issue(self, owner):
        """Issues a new access key of `owner`."""
        key = f"ASIACHECKS{len(self.issued) + 1:010d}"
        self.issued[key] = owner
        return key

    def take(self):
        """The requests since the last call."""
        with self.lock:
            taken, self.requests[:] = list(self.requests), []
            return taken


@contextlib.contextmanager
def recording_sts(place):
    with served(StsServer(place)) as server:
        yield server
