"""Logs: one JSON object a line on standard error, with the request id where there is one."""

import asyncio
import logging
import sys
from typing import Any

import orjson

from leafcraft import times

_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """Time, level, logger and message, and whatever was passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": times.write(int(record.created * times.MICROS_PER_SECOND)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((name, value) for name, value in vars(record).items() if name not in _STANDARD)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=repr).decode()


class RequestLines:
    """A line for every request, written for all of one turn of the event loop at once: going
    through `logging` would cost more than all else that is done for a cached read."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("leafcraft.access")
        self._waiting: list[bytes] = []

    def add(self, **line: Any) -> None:
        if not self._logger.isEnabledFor(logging.INFO):
            return
        head = {"time": times.write(times.now()), "level": "info", "logger": self._logger.name}
        self._waiting.append(orjson.dumps(head | line, option=orjson.OPT_APPEND_NEWLINE))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        lines, self._waiting = self._waiting, []
        sys.stderr.write(b"".join(lines).decode())
        sys.stderr.flush()


def set_up(level: str) -> None:
    """Sends every logger's lines, uvicorn's included, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("alembic").setLevel("WARNING")
    logging.getLogger("asyncmy").setLevel("ERROR")  # it repeats the server's own warnings
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"  # the front writes a better line itself
