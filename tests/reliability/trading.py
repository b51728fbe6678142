"""How the state machine asks the service, and compares what it shows with what the model has."""

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from httpx2 import Response
from hypothesis.stateful import RuleBasedStateMachine

from leafcraft import times
from leafcraft.db import Database
from leafcraft.verify import verify
from tests.builders import Clock, Json, Shop, found, signed_in
from tests.orders.holding import sweep
from tests.reliability.depot import Depot
from tests.reliability.shelves import Entry, Outcome, Shelves, Told

T = TypeVar("T")
FINAL = {200, 201, 409}
"""The statuses whose answers are kept with their keys."""


class World:
    """The service in this process, kept running on a loop of its own for all examples."""

    def __init__(self, runner: asyncio.Runner, shop: Shop, clock: Clock) -> None:
        self.shop = shop
        self.clock = clock
        self._runner = runner
        self._database = Database(shop.settings.database_url, shop.settings.data_dir, clock)
        self._names = itertools.count(1)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def name(self, what: str) -> str:
        return f"{what}-{next(self._names)}"

    def sign_in(self) -> None:
        """Anew for each example, because time passes."""
        token = found(self.run(self.shop.sign_in()))["access_token"]
        self.shop.client.headers.update(signed_in(token))

    def sweep(self) -> int:
        return self.run(sweep(self.shop))

    def assert_sound(self) -> None:
        findings = self.run(verify(self._database))
        assert [finding for finding in findings if finding.discrepancies] == []

    def close(self) -> None:
        self.run(self._database.close())


class Desk(RuleBasedStateMachine):
    """Asks, remembers what was answered, and compares."""

    def __init__(self, world: World) -> None:
        super().__init__()
        world.sign_in()
        self.world = world
        self.model = Depot(Shelves(world.clock.at))
        self.answered: list[tuple[tuple[str, str, Any, str], Response]] = []

    def ask(self, method: str, path: str, body: Any = None) -> Response:
        """Every request has a key, and its answer is remembered."""
        request = (method, path, body, self.world.name("key"))
        answer = self.send(*request)
        self.answered.append((request, answer))
        return answer

    def send(self, method: str, path: str, body: Any = None, key: str = "") -> Response:
        headers = {"idempotency-key": key} if key else {}
        client = self.world.shop.client
        content = {} if body is None else {"json": body}
        return self.world.run(client.request(method, path, headers=headers, **content))

    def at_once(self, asked: Sequence[tuple[str, str, Any]]) -> list[Response]:
        """In one transaction, in this order."""
        client = self.world.shop.client

        async def together() -> list[Response]:
            requests = [client.request(method, path, json=body) for method, path, body in asked]
            return list(await asyncio.gather(*requests))

        return self.world.run(together())

    def rows(self, path: str) -> list[Json]:
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.text
        shown: list[Json] = answer.json()
        return shown

    def advance(self, moment: int) -> None:
        self.world.clock.at = moment
        self.model.advance(moment)

    def moved(self, answer: Response, expected: Outcome) -> None:
        """What was written by hand, or why nothing was."""
        body = answer.json()
        if expected.status == 201:
            assert answer.status_code == 201, answer.text
            self.written(body.get("movements", [body]), expected.entries)
        else:
            assert (answer.status_code, body["code"]) == (expected.status, expected.code)

    def moved_many(self, answer: Response, expected: Sequence[Outcome]) -> None:
        results = found(answer)["results"]
        assert [one["index"] for one in results] == list(range(len(expected)))
        for result, outcome in zip(results, expected, strict=True):
            code = result.get("problem", {}).get("code", "")
            assert (result["status_code"], code) == (outcome.status, outcome.code)
            self.written(result.get("movements", []), outcome.entries)

    def written(self, movements: Sequence[Json], entries: Sequence[Entry]) -> None:
        assert [entry_of(one) for one in movements] == list(entries)
        if entries:
            self.model.shelves.note([one["id"] for one in movements], entries)


def entry_of(movement: Json) -> Entry:
    moment = micros(movement["occurred_at"])
    told = {name: movement[name] for name in Entry._fields if name != "occurred_at"}
    return Entry(**told, occurred_at=moment)


def micros(text: str) -> int:
    return times.read(datetime.fromisoformat(text))


def moment_of(text: str | None) -> int | None:
    return None if text is None else micros(text)


def told(answer: Response) -> Told:
    """The status, and the order's status or the problem's code."""
    body = answer.json()
    order = body.get("order", body)
    return answer.status_code, body["code"] if "code" in body else order["status"]


def short(answer: Response) -> list[Json]:
    """The shortages as the model names them."""
    return [{k: v for k, v in one.items() if k != "sku"} for one in answer.json()["shortages"]]
