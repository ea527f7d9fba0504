"""Prints the tables of the benches, and the machine they were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; numbers to the right, floats with a sensible number of digits."""
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(head), *cells]) for i in range(len(head))]
    numeric = [all(isinstance(row[i], int | float) or row[i] in {"", None} for row in rows) for i in range(len(head))]
    lines = [list(head), ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(
            c.rjust(w) if right else c.ljust(w) for c, w, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def machine() -> str:
    """One line: processors, load, Python."""
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} processors, load {load:.1f}, Python {platform.python_version()}"


def verdict(name: str, value: float, bar: float, *, at_least: bool) -> bool:
    """Prints whether a figure holds its bar; returns it."""
    good = value >= bar if at_least else value <= bar
    word = "at least" if at_least else "at most"
    print(f"{'ok  ' if good else 'MISS'} {name}: {_text(float(value))} ({word} {_text(float(bar))})")
    return good
