"""Logs as JSON lines, each with the one id that leads from a request to its jobs and mails."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_correlation: ContextVar[str] = ContextVar("correlation", default="")
#: A name of a secret with a mark behind it (`token=…`, `"password": "…"`), or a word that announces one in a header. The bare
#: words in a sentence ("the token server refused") are none.
_SECRET = re.compile(
    r"""(?ix) ( \b (?:[\w-]*(?:password|passwd|secret|token|api[_-]?key)) ["']? \s* [=:] \s* ["']?
              | \b authorization ["']? \s* [=:] \s* ["']? (?:(?:bearer|basic)\s+)?
              | \b bearer \s+ )
        ([^\s"',;&]+)"""
)
#: The key of a customer's link.
_LINK_KEY = re.compile(r"(/portal/open/\?k=)[\w.]+")
_PASSWORD_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s/@]+@")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def correlation_id() -> str:
    """The id of what is going on in this context; empty outside of any."""
    return _correlation.get()


@contextmanager
def correlated(identifier: str = "") -> Iterator[str]:
    """Runs a request, job or mail under `identifier` (a new one when empty) and gives it back."""
    value = identifier or uuid.uuid4().hex
    token = _correlation.set(value)
    try:
        yield value
    finally:
        _correlation.reset(token)


def redacted(text: str) -> str:
    """Blanks what looks like a secret, before it reaches a log or an error column."""
    text = _LINK_KEY.sub(r"\1[redacted]", text)
    return _SECRET.sub(r"\1[redacted]", _PASSWORD_IN_URL.sub(r"\1[redacted]@", text))


class JsonFormatter(logging.Formatter):
    """One JSON object a line; control characters of outsiders cannot break lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Renders the record with its extra fields."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if correlation_id():
            line["correlation_id"] = correlation_id()
        for key, value in record.__dict__.items():
            if key not in _STANDARD and key not in {"request", "status_code", "server_time"}:
                line[key] = value if isinstance(value, int | float | bool) else redacted(str(value))
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)
