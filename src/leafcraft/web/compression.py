"""Answers made smaller for those who take them so."""

import gzip

from leafcraft.idempotency import Answer
from leafcraft.web.call import Call

PACKED_FROM_BYTES = 500
LEVEL = 6


def takes_gzip(accepted: str) -> bool:
    """Whether the client names gzip without a weight, as browsers do; any other gets it plain."""
    return "gzip" in (coding.strip().lower() for coding in accepted.split(","))


def packed(answer: Answer, call: Call) -> Answer:
    if len(answer.body) < PACKED_FROM_BYTES or not takes_gzip(
        call.header(b"accept-encoding") or ""
    ):
        return answer
    body = gzip.compress(answer.body, LEVEL, mtime=0)
    return answer._replace(body=body, headers=(*answer.headers, ("content-encoding", "gzip")))
