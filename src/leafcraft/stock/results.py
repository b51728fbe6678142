"""What comes of moving stock, as answers: one thing, the halves of a transfer, or many."""

from collections.abc import Mapping, Sequence
from typing import Any

from leafcraft.errors import Refusal
from leafcraft.idempotency import Answer
from leafcraft.stock import schemas
from leafcraft.stock.actions import Entries
from leafcraft.web import problems, wire
from leafcraft.web.call import Call


def one(written: Entries) -> Answer:
    """One movement as itself, the two of a transfer in a list."""
    if len(written) > 1:
        return pair(written)
    return Answer(201, wire.dump(schemas.entries(written)[0]))


def pair(written: Entries) -> Answer:
    return Answer(201, wire.dump({"movements": schemas.entries(written)}))


def many(call: Call, outcomes: Sequence[Entries | Refusal]) -> Answer:
    """One result for each, by its place in the list."""
    results = [_result(call, index, outcome) for index, outcome in enumerate(outcomes)]
    return Answer(200, wire.dump({"results": results}))


def _result(call: Call, index: int, outcome: Entries | Refusal) -> dict[str, Any]:
    if not isinstance(outcome, Refusal):
        return {"index": index, "status_code": 201, "movements": schemas.entries(outcome)}
    problem = problems.document(outcome, call.path, call.request_id)
    if "errors" in problem:
        problem["errors"] = [_in_list(index, error) for error in problem["errors"]]
    return {"index": index, "status_code": problem["status"], "problem": problem}


def _in_list(index: int, error: Mapping[str, str]) -> dict[str, str]:
    """The body is the list, so what is wrong is at a place of the list."""
    return {**error, "pointer": f"/{index}{error['pointer']}"}
