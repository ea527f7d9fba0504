"""Template word for the rows of a list: a row is rendered once for what stands in it.

The lists of a desk are drawn again with every change, and nearly all of their rows are what they were. The template sees
nothing but the row's own words and marks, and all of these, with their kinds and the language, are the key: who may not see
a row has no such words, and whoever has them would get the very same markup.
"""

from __future__ import annotations

import functools
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()
_ROWS_KEPT = 4096


@register.simple_tag
def list_row(row: dict[str, Any], open_number: int | str | None = None) -> SafeString:
    """The row as desk/_row.html shows it; `open_number` is that of the ticket shown beside the list."""
    is_open = row["number"] == open_number
    return _list_row(get_language() or "", is_open, tuple(row), *row.values())


@functools.lru_cache(maxsize=_ROWS_KEPT, typed=True)
def _list_row(language: str, is_open: bool, names: tuple[str, ...], *values: Any) -> SafeString:
    """`language` is the active one; it is an argument because it tells the kept copies apart."""
    row = dict(zip(names, values, strict=True))
    return render_to_string("desk/_row.html", {"row": row, "ticket": {"number": row["number"] if is_open else None}})
