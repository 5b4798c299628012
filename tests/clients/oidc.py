"""OpenID Connect: an issuer of signed tokens, GitHub's service for jobs, and an STS that checks the tokens."""

import json
import secrets
import time
import urllib.parse

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from metadata import Handler, Server
from sessions import ShortSts, Sts

AUDIENCE = "sts.amazonaws.com"


class Issuer:
    """Signs tokens. Each is valid for some seconds and has its own `jti`."""

    URL = "https://ci.example.com"

    def __init__(self, lifetime=300):
        self.key, self.lifetime = ECKey.generate_key("P-256"), lifetime

    def token(self, audience=AUDIENCE):
        now = time.time()
        claims = {"iss": self.URL, "aud": audience, "sub": "repo:octo-org/octo-repo:ref:refs/heads/main"}
        claims |= {"iat": now, "exp": now + self.lifetime, "jti": secrets.token_hex(16)}
        return jwt.encode({"alg": "ES256"}, claims, self.key)


class GitHub(Server):
    """GitHub Actions: returns a token for the request token of the job. A GET of `/any` needs no request token."""

    def __init__(self, issuer=None):
        class Answer(Handler):
            def do_GET(self):
                self.server.seen.append(self.path)
                address = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(address.query))
                token = issuer.token(query.get("audience", AUDIENCE)) if issuer else "an.oidc.token"
                if address.path == "/any":
                    return self.answer(200, token)
                if self.headers.get("Authorization") != "Bearer the-jobs-own":
                    return self.answer(401, "no")
                return self.answer(200, {"count": len(token), "value": token}, "application/json")

        super().__init__(Answer)

    def variables(self):
        """The variables of a job that may request tokens, and those of other systems that contain a token."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-jobs-own",
            "GITHUB_ACTIONS": "true",
            "GITHUB_RUN_ID": "16712348901",
            "GITHUB_RUN_ATTEMPT": "1",
            "AWS_ID_TOKEN": "an.oidc.token",
        }


class Checking(Sts):
    def decide(self, request, key, token):
        if request.get("Action") != "AssumeRoleWithWebIdentity":
            return super().decide(request, key, token)
        sts = self.server
        sts.tokens.append(request["WebIdentityToken"])
        if sts.down:
            # The connection is closed without an answer.
            self.close_connection = True
            return None
        if refusal := sts.refusal(request["WebIdentityToken"]):
            sts.refused.append(refusal)
            code, message = refusal
            error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            return self.answer(400, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>", "text/xml")
        return self.grant(request["Action"], request["RoleArn"])


class TokenSts(ShortSts):
    """Accepts each token of the issuer once. While it is `down`, it gives no new session."""

    def __init__(self, lifetime, issuer):
        super().__init__(lifetime)
        self.RequestHandlerClass = Checking
        self.issuer, self.down, self.tokens, self.used = issuer, False, [], set()

    def refusal(self, token):
        """The code and the text of the error, or None for a good token."""
        try:
            claims = jwt.decode(token, self.issuer.key, algorithms=["ES256"]).claims
        except (JoseError, ValueError) as error:
            return "InvalidIdentityToken", f"not signed by the issuer: {type(error).__name__}"
        if (claims["iss"], claims["aud"]) != (Issuer.URL, AUDIENCE):
            return "InvalidIdentityToken", f"Incorrect token audience or issuer: {json.dumps(claims)}"
        if claims["exp"] <= time.time():
            return "ExpiredTokenException", "Token expired"
        if claims["jti"] in self.used:
            return "InvalidIdentityToken", "The token was used before"
        self.used.add(claims["jti"])
        return None
