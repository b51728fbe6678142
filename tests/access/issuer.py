"""An OpenID provider on a loopback port, and the tokens it would make."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.builders import Clock, Json

RSA_KEY: Final = rsa.generate_private_key(65537, 2048)
EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
FOREIGN_KEY: Final = ec.generate_private_key(ec.SECP256R1())
DISCOVERY: Final = "/.well-known/openid-configuration"


class Issuer:
    """An OpenID provider on a loopback port; `pages` is what it says, and `asked` what for."""

    def __init__(self) -> None:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                issuer.answer(self)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.keys: list[Any] = [public(RSA_KEY, "rsa"), public(EC_KEY, "ec")]
        self.pages: dict[str, Any] = {
            DISCOVERY: {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
        }
        self.asked: list[str] = []
        self.raw: bytes | None = None

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        if self.raw is not None:
            to.wfile.write(self.raw)
            return
        page = self.pages.get(to.path, {"keys": self.keys} if to.path == "/keys" else None)
        body = page if isinstance(page, bytes) else json.dumps(page).encode()
        to.send_response(404 if page is None else 200)
        to.send_header("content-length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def public(key: Any, kid: str, **members: Any) -> Json:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    jwk: Json = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": kid, "use": "sig", **members}


class Badge:
    """Makes tokens as the issuer would; a good one unless something is changed."""

    def __init__(self, issuer: Issuer, clock: Clock) -> None:
        self._claims = {
            "iss": issuer.url,
            "aud": "leafcraft",
            "sub": "kim",
            "exp": clock.at // 1_000_000 + 600,
            "role": "admin",
        }

    def __call__(
        self, key: Any = EC_KEY, alg: str = "ES256", kid: str | None = "ec", **claims: Any
    ) -> str:
        whole = {
            name: value for name, value in {**self._claims, **claims}.items() if value is not None
        }
        return jwt.encode(whole, key, alg, headers={} if kid is None else {"kid": kid})
