"""Values of the company's own fields, as people enter them. `fields` of tickets and customers hold what this returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from django.utils.translation import gettext as _

from helpdesk.actions import BadInput
from helpdesk.models import CustomField, FieldKind

Value = str | int | float | bool


def entered_values(fields: Iterable[CustomField], entered: Mapping[str, str]) -> dict[str, Value]:
    """The entered texts as values by key; a field that was not sent is left out, an empty one becomes "".

    Raises BadInput naming the field whose text does not fit its kind.
    """
    return {field.key: _value(field, entered[field.key].strip()) for field in fields if field.key in entered}


def _value(field: CustomField, text: str) -> Value:
    if field.kind == FieldKind.YES_NO:
        return text in {"on", "yes", "1", "true"}
    if not text:
        return ""
    if field.kind == FieldKind.NUMBER:
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            raise BadInput(_("“%(label)s” takes a number.") % {"label": field.label}) from None
        return int(number) if number.is_integer() else number
    if field.kind == FieldKind.DATE:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise BadInput(_("“%(label)s” takes a date.") % {"label": field.label}) from None
    if field.kind == FieldKind.CHOICE and text not in {str(choice) for choice in field.choices}:
        raise BadInput(_("“%(label)s” takes one of its choices.") % {"label": field.label})
    return text[:500]
