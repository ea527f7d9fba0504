"""What a browser has to fetch for the desk: all scripts and all styles, as they leave the server compressed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import django_htmx

from helpdesk.static_files import lighter

STATIC = Path(__file__).resolve().parents[2] / "helpdesk" / "static" / "helpdesk"
JS_BYTES, CSS_BYTES = 60_000, 25_000

_MODULE = re.compile(r"""^(?:import|export)[^'";]*['"](\./[^'"]+)['"]""", re.M)
_SHEET = re.compile(r'@import url\("([^"]+)"\)')


def modules_of(entry: Path) -> set[Path]:
    """A module and all it imports."""
    found: set[Path] = set()
    waiting = [entry]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        waiting += [(file.parent / name).resolve() for name in _MODULE.findall(file.read_text(encoding="utf-8"))]
    return found


def test_a_script_loses_comments_and_indentation_and_nothing_else() -> None:
    script = "// Says what.\n/** And why. */\nexport const a = 1;  // stays\n\n  b('//');\n"
    assert lighter(script) == "export const a = 1;  // stays\nb('//');\n"


def weight(data: bytes) -> int:
    """Bytes on the line, as gzip of middling effort makes them."""
    return len(gzip.compress(data, compresslevel=6))


def test_all_scripts_of_the_desk_stay_under_their_budget_htmx_included() -> None:
    files = modules_of(STATIC / "js" / "desk.js") | {STATIC / "js" / "zones_early.js"}
    htmx = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
    total = sum(weight(lighter(file.read_text(encoding="utf-8")).encode()) for file in files) + weight(
        htmx.read_bytes()
    )
    assert len(files) > 10
    assert total < JS_BYTES, f"{total} bytes in {len(files) + 1} files"


def test_the_style_sheet_of_the_desk_stays_under_its_budget() -> None:
    entry = STATIC / "css" / "desk.css"
    parts = _SHEET.findall(entry.read_text(encoding="utf-8"))
    whole = b"\n".join((entry.parent / part).read_bytes() for part in parts)
    assert len(parts) > 10
    assert weight(whole) < CSS_BYTES, f"{weight(whole)} bytes"
