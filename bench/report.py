"""What a benchmark says at its end: a table for people, and the same and more as JSON."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench.figures import Figure

PACKAGES: Final = ("fastapi", "starlette", "uvicorn", "uvloop", "pydantic", "sqlalchemy", "asyncmy")


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table, so that it can be read here and copied into the documents."""
    rows = [("figure", "measured (runs)", "goal", "reached")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def write_json(
    path: Path,
    figures: Sequence[Figure],
    samples: Mapping[str, Sequence[float]],
    context: Mapping[str, Any],
) -> None:
    """Every figure, every sample, and the machine they came from."""
    report = {
        "machine": machine(),
        **context,
        "figures": [figure.as_json() for figure in figures],
        "samples": {name: [round(one, 3) for one in runs] for name, runs in samples.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")


def machine() -> dict[str, Any]:
    """Where a figure comes from is a part of the figure."""
    return {
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _row(figure: Figure) -> tuple[str, str, str, str]:
    runs = " ".join(_short(ratio) for ratio in figure.ratios)
    sides = f"{_short(figure.of_median)} : {_short(figure.against_median)}"
    goal = f"{'≤' if figure.claim.at_most else '≥'} {figure.claim.goal:g}"
    measured = f"{_short(figure.ratio)} ({runs}; {sides})"
    return figure.claim.title, measured, goal, "yes" if figure.reached else "NO"


def _short(number: float) -> str:
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return f"| {' | '.join(cells)} |"
