"""Text fields that the admin's script shows as rows of small controls (static/helpdesk/js/admin_lines.js)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from django import forms
from django.utils.encoding import force_str
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise
Column = dict[str, Any]


def column(
    kind: Literal["text", "time", "date", "number", "select"], label: Words, options: Sequence[tuple[str, Words]] = ()
) -> Column:
    """One control of a row; `options` for a select. Values hold no `between` of their field."""
    return {"kind": kind, "label": label, "options": options}


class _Lines:
    """Puts what the script needs into the field's attributes, in the language of the request."""

    columns: Sequence[Column]
    between: str
    rows: str
    add: Words
    none: Words

    def describe(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """The attributes of the field with `data-lines`."""
        columns = [
            {**one, "label": force_str(one["label"]), "options": [[key, force_str(w)] for key, w in one["options"]]}
            for one in self.columns
        ]
        words = {"add": force_str(self.add), "remove": force_str(_("Remove")), "none": force_str(self.none)}
        plain = {"columns": columns, "between": self.between, "rows": self.rows, **words}
        return {**attributes, "data-lines": json.dumps(plain, ensure_ascii=False)}

    class Media:
        js = (forms.Script("helpdesk/js/admin_lines.js", type="module"),)


class LineInput(_Lines, forms.TextInput):
    """Entries with commas between them in one line: the hours of a day."""

    def __init__(self, columns: Sequence[Column], *, between: str, add: Words, none: Words = "") -> None:
        super().__init__()
        self.columns, self.between, self.rows, self.add, self.none = columns, between, ", ", add, none

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """With the description."""
        return super().get_context(name, value, self.describe(dict(attrs or {})))


class LinesArea(_Lines, forms.Textarea):
    """An entry a line, its parts with `between` between them."""

    def __init__(
        self, columns: Sequence[Column], *, add: Words, between: str = " ", none: Words = "", rows: int = 4
    ) -> None:
        super().__init__(attrs={"rows": rows})
        self.columns, self.between, self.rows, self.add, self.none = columns, between, "\n", add, none

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """With the description."""
        return super().get_context(name, value, self.describe(dict(attrs or {})))
