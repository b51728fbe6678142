"""Idempotency keys in the write path: one effect, one answer, however often and wherever it is asked for."""

import asyncio

import pytest

from leafcraft import idempotency, times
from leafcraft.errors import Refusal
from leafcraft.idempotency import Key, Sweep
from leafcraft.writer import Writer
from tests.writer.workshop import BY, Recorder, Workshop, key, link_to, marks, told

pytestmark = pytest.mark.anyio


async def test_a_retry_gets_the_first_answer_again(workshop: Workshop) -> None:
    tea = await workshop.product()
    first = await workshop.place((tea, 1), key=key("k"))
    again = await workshop.place((tea, 1), key=key("k"))
    assert again == first._replace(replayed=True)
    assert await workshop.count("orders") == 1


async def test_retries_in_one_batch_get_one_answer(workshop: Workshop) -> None:
    tea = await workshop.product()
    answers = await asyncio.gather(*(workshop.place((tea, 1), key=key("k")) for _ in range(10)))
    assert {answer.body for answer in answers} == {b"1"}
    assert [answer.replayed for answer in answers] == [False] + [True] * 9
    assert await workshop.count("orders") == 1


async def test_a_key_belongs_to_its_first_request(workshop: Workshop) -> None:
    tea = await workshop.product()
    other = key("k", "another request")
    in_one_batch = await asyncio.gather(
        workshop.place((tea, 1), key=key("k")), workshop.place((tea, 2), key=other)
    )
    later = await workshop.place((tea, 2), key=other)
    assert [answer.status for answer in (*in_one_batch, later)] == [201, 422, 422]
    assert later.body == b"idempotency_key_reused"
    assert await workshop.count("orders") == 1


async def test_the_same_key_of_another_caller_is_another_key(workshop: Workshop) -> None:
    tea = await workshop.product()
    callers = ("user:1", "user:2", "user:1")
    answers = [await workshop.place((tea, 1), key=key("k", caller=caller)) for caller in callers]
    assert [answer.body for answer in answers] == [b"1", b"2", b"1"]


async def test_a_conflict_is_final_and_told_again(workshop: Workshop) -> None:
    tea = await workshop.product(stock=1)
    first, second = [await workshop.order((tea, 1)) for _ in range(2)]
    await workshop.confirm(first)
    refused = await workshop.confirm(second, key("k"))
    assert refused.body == b"insufficient_stock"
    await workshop.cancel(first)
    assert await workshop.confirm(second, key("k")) == refused._replace(replayed=True)
    assert (await workshop.confirm(second, key("a new attempt"))).status == 200


async def test_what_a_caller_can_mend_is_not_kept(workshop: Workshop) -> None:
    assert (await workshop.place((1, 1), key=key("k"))).body == b"product_not_found"
    tea = await workshop.product()
    answer = await workshop.place((tea, 1), key=key("k"))
    assert (answer.status, answer.replayed) == (201, False)


async def test_a_command_that_breaks_keeps_no_key(workshop: Workshop) -> None:
    with pytest.raises(Refusal):
        await workshop.writer.submit(Recorder(fails_on=1), 1, told(201), key=key("k"))
    tea = await workshop.product()
    assert (await workshop.place((tea, 1), key=key("k"))).replayed is False


async def test_a_key_that_is_used_again_does_not_disturb_its_neighbours(
    workshop: Workshop,
) -> None:
    tea = await workshop.product()
    await workshop.order((tea, 1), key=key("k0"))
    answers = await asyncio.gather(
        *(workshop.place((tea, 1), key=key(f"k{n % 4}")) for n in range(8))
    )
    bodies = [answer.body for answer in answers]
    assert bodies[:4] == bodies[4:]
    assert await workshop.count("orders") == 4


async def test_two_processes_that_race_on_keys_have_one_effect_each(workshop: Workshop) -> None:
    tea = await workshop.product(stock=1000)
    order_ids = await asyncio.gather(*(workshop.order((tea, 1)) for _ in range(40)))
    writers = [Writer(workshop.database) for _ in range(3)]
    shops = [workshop.beside(writer) for writer in writers]
    try:
        found = await asyncio.gather(
            *(
                shop.confirm(order_id, key(f"confirm {order_id}"))
                for order_id in order_ids
                for shop in shops
            ),
            *(shop.place((tea, 1), key=key(f"new {n}")) for n in range(40) for shop in shops),
        )
    finally:
        await asyncio.gather(*(writer.stop() for writer in writers))
    bodies = [{answer.body for answer in found[n : n + 3]} for n in range(0, len(found), 3)]
    assert [len(of_one_key) for of_one_key in bodies] == [1] * 80
    assert {answer.status for answer in found} == {200, 201}
    assert await workshop.count("orders") == 80
    assert await workshop.level(tea) == (1000, 40)
    await workshop.assert_sound()


async def test_a_stored_answer_comes_back_as_it_was_sent(workshop: Workshop) -> None:
    stored = idempotency.Answer(201, "ü€\0…".encode(), '"1.ab"', "/orders/1")
    answers = [
        await workshop.writer.submit(Recorder(), 1, lambda _: stored, key=key("k"))
        for _ in range(2)
    ]
    assert answers == [stored, stored._replace(replayed=True)]


async def test_keys_are_forgotten_when_their_time_is_over_and_not_before(
    workshop: Workshop,
) -> None:
    tea = await workshop.product()
    for name in ("old", "new"):
        await workshop.order((tea, 1), key=key(name))
    sql = "UPDATE idempotency_keys SET created_at = 0 WHERE digest = %s"
    async with link_to(workshop.database) as link:
        assert await link.run(lambda: link.change(sql, (key("old").digest,))) == 1
    before = times.now() - times.MICROS_PER_HOUR
    swept = [await workshop.writer.perform(idempotency.sweep, Sweep(before, BY)) for _ in range(2)]
    assert swept == [1, 0]
    assert (await workshop.place((tea, 1), key=key("new"))).replayed
    assert not (await workshop.place((tea, 1), key=key("old"))).replayed


async def test_a_sweep_takes_a_bounded_number_of_keys(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "SWEPT_KEYS_MAX", 3)
    tea = await workshop.product()
    for n in range(5):
        await workshop.order((tea, 1), key=key(f"k{n}"))
    swept = [
        await workshop.writer.perform(idempotency.sweep, Sweep(times.now() + 1, BY))
        for _ in range(3)
    ]
    assert swept == [3, 2, 0]


def test_a_key_is_as_long_as_a_digest_whatever_it_was_made_from() -> None:
    long = Key.of("user:1", "k" * 255, b"x" * 10_000, secret=b"s")
    assert (len(long.digest), len(long.fingerprint)) == (32, 32)


def test_a_caller_and_its_key_cannot_be_taken_for_another_caller_and_key() -> None:
    one, other = (
        Key.of(caller, key, b"", secret=b"s")
        for caller, key in (("user:1", "1 k"), ("user:11", " k"))
    )
    assert one.digest != other.digest


def test_a_fingerprint_tells_nothing_without_the_service_s_secret() -> None:
    one, other = (Key.of("user:1", "k", b"a password", secret=secret) for secret in (b"s", b"t"))
    assert one.digest == other.digest
    assert one.fingerprint != other.fingerprint


async def test_marks_of_one_key_are_made_once(workshop: Workshop) -> None:
    record = Recorder()
    answer = idempotency.Answer(200, b"")
    for _ in range(3):
        await workshop.writer.submit(record, "mark", lambda _: answer, key=key("k"))
    assert await marks(workshop) == ["mark"]
