"""Hostile markup for the tests of the cleaner: the third-party lists, each line also inside the places where it would
bite.

None of the lists is part of this project; `payloads()` is empty where they are absent, and the tests skip.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from tests.corpora import CORPORA

_FOLDER = CORPORA / "html"
_WRITTEN_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")


def payloads() -> Iterator[str]:
    """Every payload as it stands and with written escapes (`\\x20`) decoded; short ones also as attribute values."""
    if not _FOLDER.is_dir():
        return
    seen: set[str] = set()
    for payload in _read():
        decoded = _WRITTEN_ESCAPE.sub(lambda found: chr(int(found[1], 16)), payload)
        for variant in (payload, decoded):
            if variant not in seen:
                seen.add(variant)
                yield variant
                if len(variant) < 200:
                    yield from _as_values(variant)


def _read() -> Iterator[str]:
    for name in sorted(_FOLDER.iterdir()):
        if name.name in ("h5sc.json", "dompurify-expect.json"):
            for case in json.loads(name.read_text(encoding="utf-8")):
                yield str(case["payload"])
        elif name.suffix == ".txt":
            yield from _lines(name)
        elif name.is_dir():
            for file in sorted(name.iterdir()):
                yield file.read_text(encoding="utf-8", errors="replace")
    naughty = CORPORA / "urls" / "blns.json"
    if naughty.is_file():
        yield from json.loads(naughty.read_text(encoding="utf-8"))


def _lines(path: Path) -> Iterator[str]:
    yield from (line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip())


def _as_values(payload: str) -> Iterator[str]:
    value = escape(payload)
    yield f'<a href="{value}">link</a>'
    yield f'<img src="{value}" alt="{value}">'
    yield f'<p style="{value}">text</p>'
    yield f'<table background="{value}"><tr><td style="background:{value}">cell</table>'
