"""The life of an order, as the document draws it, is the life of an order as the code has it."""

import os
from pathlib import Path
from typing import Final

from leafcraft.errors import Code
from leafcraft.orders.rules import LIFE, Status, Step, Verb

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "orders.md"
BEGIN: Final = "<!-- drawn from rules.LIFE by tests/orders/test_drawn.py -->\n"
END: Final = "<!-- end -->\n"
UPDATE: Final = "UPDATE_DOCS"


def drawn() -> str:
    """A diagram of the steps that lead from one state to another, and the whole table."""
    return f"\n{diagram()}\n{table()}\n"


def diagram() -> str:
    arrows: dict[tuple[Status, Status], list[str]] = {}
    for verb, row in LIFE.items():
        for before, step in row.items():
            for after in () if isinstance(step, Code) else step:
                if after is not before:
                    arrows.setdefault((before, after), []).append(verb.value)
    steps = [f"    {a.value} --> {b.value}: {', '.join(verbs)}" for (a, b), verbs in arrows.items()]
    ends = "    Pending --> Expired: the hold ends"
    return "\n".join(
        ["```mermaid", "stateDiagram-v2", "    [*] --> Pending", *steps, ends, "```", ""]
    )


def table() -> str:
    head = f"| | {' | '.join(status.value for status in Status)} |"
    rows = [
        f"| **{verb.value}** | {' | '.join(cell(LIFE[verb][status]) for status in Status)} |"
        for verb in Verb
    ]
    return "\n".join([head, f"|{' --- |' * (len(Status) + 1)}", *rows, ""])


def cell(step: Step) -> str:
    if isinstance(step, Code):
        return f"`{step.word}`"
    return " or ".join(status.value for status in step)


def test_the_life_of_an_order_is_drawn_from_the_code() -> None:
    """After a change on purpose: UPDATE_DOCS=1 python -m pytest tests/orders/test_drawn.py"""
    written = DOCUMENT.read_text()
    before, rest = written.split(BEGIN)
    _, after = rest.split(END)
    expected = f"{before}{BEGIN}{drawn()}{END}{after}"
    if os.environ.get(UPDATE) == "1":
        DOCUMENT.write_text(expected)
        written = expected
    assert written == expected


def test_every_verb_has_an_answer_in_every_state() -> None:
    assert LIFE.keys() == set(Verb)
    assert all(row.keys() == set(Status) for row in LIFE.values())
