"""One transaction for all that waits: shared by neighbours, disturbed by none of them."""

import asyncio
from collections.abc import Sequence

import pytest

from leafcraft import writer as writers
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal
from tests.writer.workshop import BY, Recorder, Workshop, all_of, marks, same, until

pytestmark = pytest.mark.anyio

TOLD_NOTHING_CHANGED = "Something went wrong; nothing changed."


async def test_commands_of_one_moment_share_one_transaction(workshop: Workshop) -> None:
    record = Recorder()
    assert await all_of(workshop.writer, record, range(20)) == list(range(20))
    assert record.batches == [list(range(20))]
    ((moments,),) = await workshop.rows("SELECT COUNT(DISTINCT occurred_at) FROM events")
    assert moments == 1


async def test_what_queues_while_a_transaction_commits_shares_the_next_one(
    workshop: Workshop,
) -> None:
    record = Recorder()
    first = asyncio.create_task(workshop.writer.submit(record, "first", same))
    await until(lambda: bool(record.batches))
    rest = all_of(workshop.writer, record, ["second", "third"])
    assert (await first, await rest) == ("first", ["second", "third"])
    assert ["first"] in record.batches
    assert sorted(command for batch in record.batches for command in batch) == [
        "first",
        "second",
        "third",
    ]


async def test_a_lone_command_does_not_wait_for_company(workshop: Workshop) -> None:
    record = Recorder()
    for command in ("one", "two"):
        assert await workshop.writer.submit(record, command, same) == command
    assert record.batches == [["one"], ["two"]]


async def test_a_transaction_takes_no_more_than_its_weight(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "WEIGHT_PER_TRANSACTION_MAX", 10)
    record = Recorder()
    weights = [4, 4, 4, 10, 25, 1, 1]
    await asyncio.gather(
        *(
            workshop.writer.submit(record, place, same, weight=weight)
            for place, weight in enumerate(weights)
        )
    )
    assert record.batches == [[0, 1, 2], [3], [4], [5, 6]]


async def test_a_refusal_is_an_answer_and_its_neighbours_commit(workshop: Workshop) -> None:
    scarce = await workshop.product(stock=3)
    ids = [await workshop.order((scarce, 2)) for _ in range(2)]
    answers = await asyncio.gather(
        *(workshop.confirm(order_id) for order_id in (ids[0], 999, ids[1], ids[0]))
    )
    assert [answer.body for answer in answers] == [
        str(ids[0]).encode(),
        b"not_found",
        b"insufficient_stock",
        b"order_not_pending",
    ]
    assert await workshop.level(scarce) == (3, 2)
    await workshop.assert_sound()


async def test_a_command_that_breaks_fails_alone(workshop: Workshop) -> None:
    record = Recorder(fails_on="bad")
    outcomes = await all_of(workshop.writer, record, ["a", "b", "bad", "c"])
    assert [outcome for outcome in outcomes if not isinstance(outcome, Refusal)] == ["a", "b", "c"]
    assert outcomes[2].code is Code.INTERNAL_ERROR
    assert outcomes[2].detail == TOLD_NOTHING_CHANGED
    assert await marks(workshop) == ["a", "b", "c"]


async def test_a_command_that_breaks_does_not_harm_those_of_other_actions(
    workshop: Workshop,
) -> None:
    tea = await workshop.product(stock=5)
    order_id = await workshop.order((tea, 5))
    broken = asyncio.create_task(workshop.writer.submit(Recorder(fails_on="bad"), "bad", same))
    assert (await workshop.confirm(order_id)).status == 200
    with pytest.raises(Refusal):
        await broken
    assert await workshop.level(tea) == (5, 5)
    await workshop.assert_sound()


async def test_a_render_that_breaks_leaves_no_effect_behind(workshop: Workshop) -> None:
    def broken(_outcome: object) -> object:
        raise ValueError("can't be told")

    with pytest.raises(Refusal) as refusal:
        await workshop.writer.submit(Recorder(), "mute", broken)
    assert refusal.value.code is Code.INTERNAL_ERROR
    assert await marks(workshop) == []


async def test_a_full_queue_refuses_at_once_and_keeps_what_it_has(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "QUEUE_COMMANDS_MAX", 3)
    record = Recorder()
    outcomes = await all_of(workshop.writer, record, range(5))
    assert outcomes[:3] == [0, 1, 2]
    assert [refusal.code for refusal in outcomes[3:]] == [Code.OVERLOADED] * 2
    assert await marks(workshop) == ["0", "1", "2"]
    assert await workshop.writer.submit(record, "later", same) == "later"


async def test_a_stop_finishes_what_is_queued_and_takes_no_more(workshop: Workshop) -> None:
    record = Recorder()
    waiting = [
        asyncio.create_task(workshop.writer.submit(record, place, same)) for place in range(7)
    ]
    await asyncio.sleep(0)  # every task has put its command into the queue
    await workshop.writer.stop()
    assert [task.result() for task in waiting] == list(range(7))
    with pytest.raises(Refusal) as refusal:
        await workshop.writer.submit(record, "late", same)
    assert refusal.value.code is Code.OVERLOADED
    assert await marks(workshop) == [str(place) for place in range(7)]


async def test_a_caller_that_goes_away_changes_nothing(workshop: Workshop) -> None:
    record = Recorder()
    gone = asyncio.create_task(workshop.writer.submit(record, "gone", same))
    await until(lambda: bool(record.batches))
    gone.cancel()
    assert await workshop.writer.submit(record, "here", same) == "here"
    assert await marks(workshop) == ["gone", "here"]


async def test_perform_raises_what_submit_would_return(workshop: Workshop) -> None:
    async def refuse(_tx: Transaction, commands: Sequence[str]) -> Sequence[str | Refusal]:
        return [Refusal(Code.CONFLICT, command) for command in commands]

    with pytest.raises(Refusal) as refusal:
        await workshop.writer.perform(refuse, "no")
    assert refusal.value.detail == "no"


async def test_what_happens_is_written_down_with_its_cause(workshop: Workshop) -> None:
    product_id = await workshop.product()
    rows = await workshop.rows("SELECT type, subject_id, actor, request_id, address FROM events")
    assert rows == [("product.created", product_id, *BY)]
