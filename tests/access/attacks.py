"""What has been tried on services with tokens: headers that must open nothing, and what each hears."""

import json
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from leafcraft.access.tokens import TOKEN_CHARS_MAX
from tests.access.forge import ORDER, TYPE, Forge, decoded, encoded, es256

Attack = Callable[[Forge], str]
"""Gives the token; the header is `Bearer` and it."""

DEEP: Final = "[" * 2000 + "]" * 2000


def _head(**changes: Any) -> Attack:
    """A good token but for its header, signed by the right key."""
    return lambda forge: forge.signed(forge.head(**changes))


def _body(**changes: Any) -> Attack:
    """A good token but for its claims, signed by the right key."""
    return lambda forge: forge.signed(body=forge.body(**changes))


def _sealed(signature: bytes, **changes: Any) -> Attack:
    return lambda forge: forge.sealed(signature, forge.head(**changes))


def _parts(forge: Forge, place: int, part: str) -> str:
    """A good token with one of its three parts replaced."""
    parts = forge.token.split(".")
    parts[place] = part
    return ".".join(parts)


def _nudged(part: str) -> str:
    middle = len(part) // 2
    return f"{part[:middle]}{'A' if part[middle] != 'A' else 'B'}{part[middle + 1 :]}"


def _split(forge: Forge, by: str) -> str:
    signature = forge.token.split(".")[2]
    return f"{signature[:10]}{by}{signature[10:]}"


def _signature(forge: Forge) -> bytes:
    return decoded(forge.token.split(".")[2])


def _flipped(forge: Forge) -> bytes:
    raw = _signature(forge)
    return raw[:-1] + bytes([raw[-1] ^ 1])


def _der(forge: Forge) -> str:
    text, r, s = forge.numbers()
    return f"{text}.{encoded(encode_dss_signature(r, s))}"


def _twice(forge: Forge, second: str) -> bytes:
    """The header with one more member, which stands after the one of the same name."""
    return f"{json.dumps(forge.head())[:-1]},{second}}}".encode()


def _swapped(forge: Forge, **changes: str) -> str:
    """A good token with other claims under its old signature."""
    return _parts(forge, 1, encoded(json.dumps(forge.body(**changes)).encode()))


ALGORITHMS: Final[dict[str, Attack]] = {
    **{
        f"alg {alg!r} without a signature": _sealed(b"", alg=alg)
        for alg in ("none", "None", "NONE", "nOnE", "", "null")
    },
    **{
        f"alg {alg!r} over a good signature": _head(alg=alg)
        for alg in ("none", "es256", "ES256 ", "ES256K", "ES384", "ES512", "RS256", "PS256")
    },
    "alg EdDSA": _sealed(bytes(64), alg="EdDSA"),
    "alg HS256 with the public key as its secret": lambda f: f.hashed(
        f.head(alg="HS256"), f.public(Encoding.PEM)
    ),
    "alg HS256 with the raw public key as its secret": lambda f: f.hashed(
        f.head(alg="HS256"), f.public(Encoding.DER)
    ),
    "alg HS256 with nothing as its secret": lambda f: f.hashed(f.head(alg="HS256"), b""),
    "alg HS256 with the master secret": lambda f: f.hashed(f.head(alg="HS256"), f.secret.encode()),
    "alg ES256 in the header, a keyed hash as its signature": lambda f: f.hashed(
        f.head(), f.public(Encoding.PEM)
    ),
    "alg is a list": _head(alg=["ES256"]),
    "alg is null": _head(alg=None),
    "no alg": _head(without=["alg"]),
    "alg twice, the second is none": lambda f: f.sealed(b"", _twice(f, '"alg":"none"')),
}

KEYS: Final[dict[str, Attack]] = {
    "somebody else's key under the right kid": lambda f: f.signed(key=f.stranger),
    "a kid that is unknown": _head(kid="0" * 16),
    "no kid": _head(without=["kid"]),
    "a kid in capitals": lambda f: f.signed(f.head(kid=f"{f.kid}".swapcase() + "A")),
    "an attached key": lambda f: f.signed(f.head(jwk=f.strangers_jwk()), key=f.stranger),
    "an attached key, signed by the right one": lambda f: f.signed(f.head(jwk={})),
    **{
        f"kid {name}": _head(kid=kid)
        for name, kid in {
            "empty": "",
            "null": None,
            "a number": 0,
            "a list": ["x"],
            "an object": {"x": 1},
            "huge": "k" * 2500,
            "a path": "../../../../dev/null",
            "an address": "https://example.com/key.pem",
            "SQL": "x' UNION SELECT 'k' -- ",
            "with a NUL": "x\0",
            "a lone surrogate": "\ud800",
        }.items()
    },
    **{
        f"{name} in the header": _head(**{name: value})
        for name, value in {
            "jku": "https://example.com/jwks.json",
            "x5u": "https://example.com/cert.pem",
            "x5c": ["MIIB"],
            "x5t": "x",
            "crit": ["exp"],
            "b64": False,
            "zip": "DEF",
            "cty": "JWT",
            "epk": {},
        }.items()
    },
}

HEADERS: Final[dict[str, Attack]] = {
    "no typ": _head(without=["typ"]),
    **{
        f"typ {typ!r}": _head(typ=typ)
        for typ in ("JWT", "AT+JWT", "rt+jwt", f"application/{TYPE}", "", None, [TYPE])
    },
    "a header that is a list": lambda f: f.signed(["ES256"]),
    "a header that is a word": lambda f: f.signed("ES256"),
    "a header that is null": lambda f: f.signed(b"null"),
    "a header that is no JSON": lambda f: f.signed(b"{"),
    "a header that is no UTF-8": lambda f: f.signed(b"\xff\xfe"),
    "a header that is empty": lambda f: f.signed(b""),
    "a header nested deeply": lambda f: f.signed(f'{{"alg":{DEEP[1000:-1000]}}}'.encode()),
    "a header nested even deeper": lambda f: f.signed(f'{{"kid":{DEEP}}}'.encode()),
}

CLAIMS: Final[dict[str, Attack]] = {
    **{
        f"no {name}": _body(without=[name])
        for name in ("iss", "aud", "sub", "sid", "iat", "exp", "jti")
    },
    **{
        f"{name} is null": _body(**{name: None})
        for name in ("iss", "aud", "sub", "sid", "iat", "exp", "jti")
    },
    **{
        f"{name} {value!r}": _body(**{name: value})
        for name, values in {
            "iss": ("elsewhere", "Leafcraft", "leafcraft/", ["leafcraft"], 1),
            "aud": ("elsewhere", "", ["leafcraft"], ["leafcraft", "elsewhere"], []),
            "sub": (1, -1, "-1", "0", 0, "", "1 ", " 1", "+1", "1.0", "1e0", "0x1", 1.0, True),
            "sid": (1, "0", "-1", "1 ", "\uff11", 1.0, True, [], {"a": 1}, "9" * 19),
            "exp": ("9999999999", 9999999999.5, 1e30, float("inf"), float("nan"), True, [], {}),
            "jti": (5, [], {}),
            "nbf": (10**12, "x"),
        }.items()
        for value in values
    },
    "sub in other digits": _body(sub="\uff11"),
    "sub ² ": _body(sub="²"),
    "sub beyond every id": _body(sub=str(2**63)),
    "sub of thousands of digits": _body(sub="9" * 2000),
    "sub an e-mail address": _body(sub="admin@example.com"),
    "claims that are a list": lambda f: f.signed(body=[f.claims]),
    "claims that are null": lambda f: f.signed(body=b"null"),
    "claims that are no JSON": lambda f: f.signed(body=b"{"),
    "claims nested deeply": lambda f: f.signed(body=f'{{"a":{DEEP[800:-800]}}}'.encode()),
    "claims of another, not signed again": lambda f: _swapped(f, sub="2"),
}

ENDED: Final[dict[str, Attack]] = {
    "another user's session": lambda f: f.signed(body=f.body(sid=f.others["sid"])),
    "another user's number": lambda f: f.signed(body=f.body(sub=f.others["sub"])),
    "a session that never was": lambda f: f.signed(body=f.body(sid=str(2**62))),
    "a user who never was": lambda f: f.signed(body=f.body(sub=str(2**62))),
}

LATE: Final[dict[str, Attack]] = {
    "exp a second ago": lambda f: f.signed(body=f.body(exp=f.claims["iat"] - 1)),
    "exp zero": _body(exp=0),
    "exp negative": _body(exp=-(2**63)),
}

SHAPES: Final[dict[str, Attack]] = {
    "one segment": lambda f: f.token.split(".")[0],
    "two segments": lambda f: f.token.rpartition(".")[0],
    "four segments": lambda f: f"{f.token}.x",
    "five segments, as if encrypted": lambda f: f"{f.token}.x.x",
    "an empty header": lambda f: "." + f.token.partition(".")[2],
    "empty claims": lambda f: _parts(f, 1, ""),
    "an empty signature": lambda f: _parts(f, 2, ""),
    "dots alone": lambda _: "..",
    "a header with one letter changed": lambda f: _parts(f, 0, _nudged(f.token.split(".")[0])),
    "claims with one letter changed": lambda f: _parts(f, 1, _nudged(f.token.split(".")[1])),
    "a signature with one letter changed": lambda f: _parts(f, 2, _nudged(f.token.split(".")[2])),
    "one padding sign": lambda f: f"{f.token}=",
    "too much padding": lambda f: f"{f.token}====",
    "a space inside": lambda f: _parts(f, 2, _split(f, " ")),
    "a line break inside": lambda f: _parts(f, 2, _split(f, "\n")),
    "a NUL inside": lambda f: _parts(f, 2, _split(f, "\0")),
    "signs that are not base64 inside": lambda f: _parts(f, 2, _split(f, "!!!!")),
    "signs that are not ASCII": lambda f: _parts(f, 2, _split(f, "é")),
    "quotation marks around it": lambda f: f'"{f.token}"',
    "itself twice, with a comma": lambda f: f"{f.token}, Bearer {f.token}",
    "the scheme twice": lambda f: f"Bearer {f.token}",
    "a scheme that is glued on": lambda f: f"={f.token}",
    "more than fits": lambda f: f.signed(body=f.body(extra="x" * TOKEN_CHARS_MAX)),
    "only the number of the session": lambda f: str(f.claims["sid"]),
}

SIGNATURES: Final[dict[str, Attack]] = {
    "a signature of nothing": lambda f: f.sealed(b""),
    "a signature of zeros": lambda f: f.sealed(bytes(64)),
    "a signature of r = 0": lambda f: f.sealed(bytes(32) + (1).to_bytes(32, "big")),
    "a signature of r and s beyond the curve": lambda f: f.sealed(ORDER.to_bytes(32, "big") * 2),
    "a signature in DER": _der,
    "a signature cut off": lambda f: _parts(f, 2, encoded(_signature(f)[:-1])),
    "a signature cut in half": lambda f: _parts(f, 2, encoded(_signature(f)[:32])),
    "a signature with a byte more": lambda f: _parts(f, 2, encoded(_signature(f) + b"\0")),
    "a signature twice": lambda f: _parts(f, 2, encoded(_signature(f) * 2)),
    "a signature with its last bit flipped": lambda f: _parts(f, 2, encoded(_flipped(f))),
    "a signature over the claims alone": lambda f: _parts(
        f, 2, encoded(es256(f.token.split(".")[1].encode(), f.key))
    ),
}

NOT_OURS: Final = ALGORITHMS | KEYS | HEADERS | CLAIMS | SHAPES | SIGNATURES
