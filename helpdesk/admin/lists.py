"""Form fields for rows that hold lists: one entry a line instead of JSON. Used by the forms of this package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _


class LinesField(forms.CharField):
    """A list of words, one a line. `check` raises ValidationError for an entry that will not do, or gives it cleaned."""

    def __init__(self, *, check: Callable[[str], str] | None = None, **options: Any) -> None:
        options.setdefault("widget", forms.Textarea(attrs={"rows": 3}))
        super().__init__(**options)
        self.check = check

    def prepare_value(self, value: Any) -> Any:
        """A list becomes lines."""
        return "\n".join(str(entry) for entry in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Lines become a list, without empty ones and repetitions."""
        if isinstance(value, list):
            return value
        lines = [line.strip() for line in str(value or "").splitlines()]
        return list(dict.fromkeys(line for line in lines if line))

    def clean(self, value: Any) -> Any:
        """Each entry by itself, so that the error names it."""
        entries = self.to_python(value)
        if self.required and not entries:
            raise ValidationError(self.error_messages["required"], code="required")
        return [self.check(entry) for entry in entries] if self.check is not None else entries

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compares lists, not their writing."""
        return bool(self.to_python(initial) != self.to_python(data))


def mail_address(entry: str) -> str:
    """A mail address in lower case."""
    EmailValidator(_("%(value)s is no mail address.") % {"value": entry})(entry)
    return entry.lower()


def mail_domain(entry: str) -> str:
    """A domain in lower case, without the @ that people put before it."""
    domain = entry.lower().removeprefix("@")
    try:
        EmailValidator()(f"postmaster@{domain}")
    except ValidationError as problem:
        raise ValidationError(_("%(value)s is no mail domain, such as example.com.") % {"value": entry}) from problem
    return domain
