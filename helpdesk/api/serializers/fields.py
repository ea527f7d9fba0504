"""Bodies without unknown keys, references limited to what the actor may see, and the words of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from helpdesk.models import Actor, Priority

Visible = Callable[[Actor], QuerySet[Any]]
_UNKNOWN = "There is none with this id that you may see."
_BIGGEST = 2**63 - 1


class StrictSerializer(serializers.Serializer[Any]):
    """A body in which an unknown key is an error: a mistyped name must not be silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Raises ValidationError naming each unknown key."""
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = {str(key)[:100]: [_("This field is unknown here.")] for key in data if key not in known}
            if unknown:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


class VisibleId(serializers.IntegerField):
    """The number of a row the actor may see; becomes the row. One out of sight is refused like one that never was."""

    default_error_messages: ClassVar[dict[str, Any]] = {"does_not_exist": _UNKNOWN}

    def __init__(self, visible: Visible, **kwargs: Any) -> None:
        self.visible = visible
        super().__init__(min_value=1, max_value=_BIGGEST, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """The row, after the number itself was found good."""
        number = super().run_validation(data)
        return number if number is None or isinstance(number, Model) else self._row(number)

    def _row(self, number: int) -> Model:
        row: Model | None = self.visible(self.context["actor"]).filter(pk=number).first()
        if row is None:
            self.fail("does_not_exist")
        return row


class VisiblePublicId(serializers.UUIDField):
    """The public id of a row the actor may see; becomes the row."""

    default_error_messages: ClassVar[dict[str, Any]] = {"does_not_exist": _UNKNOWN}

    def __init__(self, visible: Visible, **kwargs: Any) -> None:
        self.visible = visible
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """The row. Raises ValidationError."""
        row = self.visible(self.context["actor"]).filter(public_id=super().to_internal_value(data)).first()
        if row is None:
            self.fail("does_not_exist")
        return row


class PriorityField(serializers.ChoiceField):
    """Priorities by their words, since numbers would have to be looked up."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[p.name.lower() for p in Priority], **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """The number the rows hold."""
        return Priority[str(super().to_internal_value(data)).upper()].value

    def to_representation(self, value: Any) -> str:
        """The word."""
        return Priority(value).name.lower()


class LineField(serializers.CharField):
    """One line of text: line breaks and runs of blanks become one blank."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """The text on one line. Raises ValidationError."""
        value = super().run_validation(data)
        return " ".join(value.split()) if isinstance(value, str) else value


@extend_schema_field(
    {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"], "maxLength": 2000}}
)
class OwnFields(serializers.Field[dict[str, Any], Any, dict[str, Any], Any]):
    """Values of the company's own fields: short texts, numbers, yes or no, nothing nested."""

    _TEXT_AT_MOST = 2000

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The values. Raises ValidationError naming the field."""
        if not isinstance(data, dict):
            raise serializers.ValidationError(_("An object of field keys and their values."))
        for key, value in data.items():
            if not (_is_line(key) and self._is_value(value)):
                message = _("A text of at most %(n)s characters in one line, a number, true, false or null.")
                raise serializers.ValidationError({key[:100]: message % {"n": self._TEXT_AT_MOST}})
        return data

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        """As they are kept."""
        return value

    def _is_value(self, value: object) -> bool:
        if isinstance(value, str):
            return len(value) <= self._TEXT_AT_MOST and _is_line(value)
        if isinstance(value, bool) or value is None:
            return True
        return isinstance(value, int | float) and abs(value) < 10**15


def _is_line(text: str) -> bool:
    """Neither control characters nor halves of surrogate pairs, which no database takes."""
    return not any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in text)
