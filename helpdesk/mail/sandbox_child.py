"""The process that reads mails: started by sandbox.py as `python -m helpdesk.mail.sandbox_child`, never imported by
others.

It holds no secret, no connection and no open file. Mails come on its standard input, answers go to what was its
standard output; it ends when the input does. A mail that takes too much memory or raises is answered as failed; one
that takes too much processor time ends the process, and the parent starts another.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import traceback
from pathlib import Path
from typing import BinaryIO, Protocol

from helpdesk.mail import wire
from helpdesk.mail.message import ParsedMail, UnreadableMail
from helpdesk.mail.parse import Limits, parse_mail


def _limit(which: int, value: int) -> None:
    """Lower a limit for good; one that is already lower stays."""
    _soft, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _allow_cpu(seconds: int) -> None:
    """Processor time from now on; beyond it the kernel ends the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _read(source: BinaryIO) -> bytes | None:
    """The next request, None when the parent is gone."""
    head = source.read(wire.REQUEST.size)
    if len(head) < wire.REQUEST.size:
        return None
    (size,) = wire.REQUEST.unpack(head)
    body = source.read(size)
    return body if len(body) == size else None


def _answer(target: BinaryIO, kind: int, head: bytes, contents: list[bytes]) -> None:
    target.write(wire.ANSWER.pack(kind, len(head), len(contents)))
    target.write(b"".join(wire.SIZE.pack(len(content)) for content in contents))
    target.write(head)
    for content in contents:
        target.write(content)
    target.flush()


def _where(error: BaseException) -> str:
    """Kind and place of an error, without anything the mail wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    place = f" in {Path(last.filename).name}:{last.lineno}" if last else ""
    return f"{type(error).__name__}{place}"


class Reader(Protocol):
    """What reads a mail: `parse_mail`, or what a test puts in its place."""

    def __call__(self, raw: bytes, *, limits: Limits, our_addresses: frozenset[str]) -> ParsedMail: ...


def main(reader: Reader = parse_mail) -> None:
    """Read requests until the input ends. The first one is the settings as JSON."""
    target = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)  # a library that prints must not write into the answers
    source = os.fdopen(0, "rb", buffering=1 << 20)
    first = _read(source)
    if first is None:
        return
    settings = json.loads(first)
    limits = Limits(**settings["limits"])
    our_addresses = frozenset(settings["our_addresses"])
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, 64)
    _limit(resource.RLIMIT_AS, settings["max_memory_bytes"])
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    while (raw := _read(source)) is not None:
        _allow_cpu(settings["max_cpu_seconds"])
        try:
            head, contents = wire.encode(reader(raw, limits=limits, our_addresses=our_addresses))
            kind = wire.PARSED
        except UnreadableMail as error:
            kind, head, contents = wire.UNREADABLE, error.reason.encode("utf-8", "replace"), []
        except MemoryError:
            _answer(target, wire.EXHAUSTED, b"Reading the mail needs more memory than it may take.", [])
            return  # what is left of the heap is not worth trusting
        except Exception as error:  # noqa: BLE001 - a mail nobody foresaw is quarantined, the next one is read
            kind, head, contents = wire.FAILED, f"Reading the mail failed: {_where(error)}.".encode(), []
        del raw
        _answer(target, kind, head, contents)


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)
