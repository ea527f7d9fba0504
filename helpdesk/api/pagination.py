"""Pages by cursor: no page is slower for being deep, and rows that come or go meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it imports the classes that settings name, so not at run time

PAGE_SIZE = 25
PAGE_SIZE_AT_MOST = 100
_BIGGEST = 2**63 - 1
_JOINS_IN_ONE_STATEMENT = 5


class CursorPages(BasePagination):
    """`page[size]` rows after `page[after]`, in the order the viewset's `keyset` names; the last name is unique.

    Without `with_total=1` nothing is counted.
    """

    cursor_param: ClassVar[str] = "page[after]"
    params: ClassVar[frozenset[str]] = frozenset({"page[size]", "page[after]", "with_total"})

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        """One page. Raises ValidationError for a size or cursor that is none."""
        self.request = request
        self.keyset: Sequence[str] = view.order()  # type: ignore[union-attr]
        size = self._size(request)
        self.total = queryset.count() if _yes(request, "with_total") else None
        found = self._after(queryset, request).order_by(*self.keyset)
        joined = queryset.query.select_related
        if isinstance(joined, dict) and len(joined) > _JOINS_IN_ONE_STATEMENT:
            # keys first: joined before it is cut, a long list costs the reading of whole tables
            found = found.filter(pk__in=list(found.values_list("pk", flat=True)[: size + 1]))
        rows = list(found[: size + 1])
        self.has_more = len(rows) > size
        rows = rows[:size]
        self.after_cursor = self._cursor_of(rows[-1]) if rows else self._given(request)
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """The page with what is needed to ask for the next."""
        following = None
        if self.has_more and self.after_cursor is not None:
            following = replace_query_param(self.request.build_absolute_uri(), self.cursor_param, self.after_cursor)
        meta: dict[str, Any] = {"has_more": self.has_more, "after_cursor": self.after_cursor}
        if self.total is not None:
            meta["total"] = self.total
        return Response({"data": data, "meta": meta, "links": {"next": following}})

    def _size(self, request: Request) -> int:
        text = request.query_params.get("page[size]", "")
        if text == "":
            return PAGE_SIZE
        if text.isdecimal() and text.isascii() and len(text) < 5 and 1 <= int(text) <= PAGE_SIZE_AT_MOST:
            return int(text)
        raise ValidationError({"page[size]": _("A whole number from 1 to %(n)s.") % {"n": PAGE_SIZE_AT_MOST}})

    def _given(self, request: Request) -> str | None:
        return request.query_params.get(self.cursor_param) or None

    def _after(self, queryset: QuerySet[Any], request: Request) -> QuerySet[Any]:
        given = self._given(request)
        if given is None:
            return queryset
        values = self._decoded(given, queryset.model)
        key, way = self.keyset[-1].lstrip("-"), "lt" if self.keyset[-1].startswith("-") else "gt"
        if len(self.keyset) == 1:
            return queryset.filter(**{f"{key}__{way}": values[0]})
        name = self.keyset[0].lstrip("-")
        # one range over the first column that an index serves, less the rows of its edge that were shown already
        shown = Q(**{name: values[0], f"{key}__{'gte' if way == 'lt' else 'lte'}": values[1]})
        return queryset.filter(**{f"{name}__{way}e": values[0]}).exclude(shown)

    def _decoded(self, cursor: str, model: type[Model]) -> list[Any]:
        """The values of a cursor of ours. Raises ValidationError."""
        try:
            parts = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=="))
            if not isinstance(parts, list) or len(parts) != len(self.keyset) or not all(type(p) is str for p in parts):
                raise ValueError
            values = [_field(model, name).to_python(part) for name, part in zip(self.keyset, parts, strict=True)]
            if any(
                v is None or (isinstance(v, str) and "\x00" in v) or (isinstance(v, int) and v > _BIGGEST)
                for v in values
            ):
                raise ValueError
            if any(isinstance(v, datetime) and v.tzinfo is None for v in values):
                raise ValueError
            values = [v.astimezone(UTC) if isinstance(v, datetime) else v for v in values]
        except (ValueError, OverflowError, RecursionError, binascii.Error, DjangoValidationError):
            raise ValidationError({self.cursor_param: _("Take the cursor from the page before.")}) from None
        return values

    def _cursor_of(self, row: Model) -> str:
        names = [name.lstrip("-") for name in self.keyset]
        parts = [v.isoformat() if hasattr(v := getattr(row, name), "isoformat") else str(v) for name in names]
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """The parameters in the OpenAPI document."""
        cursor = {"type": "string", "minLength": 1}
        return [
            _parameter(
                "page[size]",
                {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_AT_MOST, "default": PAGE_SIZE},
                "Rows a page.",
            ),
            _parameter("page[after]", cursor, "`meta.after_cursor` of the page before."),
            _parameter("with_total", {"type": "string", "enum": ["0", "1"]}, "1 counts all rows into `meta.total`."),
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The page in the OpenAPI document."""
        return {
            "type": "object",
            "required": ["data", "meta", "links"],
            "additionalProperties": False,
            "properties": {
                "data": schema,
                "meta": {
                    "type": "object",
                    "required": ["has_more", "after_cursor"],
                    "additionalProperties": False,
                    "properties": {
                        "has_more": {"type": "boolean"},
                        "after_cursor": {"type": ["string", "null"]},
                        "total": {"type": "integer"},
                    },
                },
                "links": {
                    "type": "object",
                    "required": ["next"],
                    "additionalProperties": False,
                    "properties": {"next": {"type": ["string", "null"]}},
                },
            },
        }


class FeedPages(CursorPages):
    """Pages of a stream that only grows: `after` is a plain number, the `seq` or `position` of the last event read.

    The cursor stays what it was when nothing is new, so that a client simply asks again with it.
    """

    cursor_param = "after"
    params = frozenset({"page[size]", "after"})

    def _decoded(self, cursor: str, model: type[Model]) -> list[Any]:
        if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
            raise ValidationError({"after": _("A whole number: the place of the last event read, or 0.")})
        return [int(cursor)]

    def _cursor_of(self, row: Model) -> str:
        return str(getattr(row, self.keyset[0]))

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """The parameters in the OpenAPI document."""
        size, _cursor, _total = super().get_schema_operation_parameters(view)
        after = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
        return [size, _parameter("after", after, "The place of the last event read; 0 or nothing begins at the first.")]


def _parameter(name: str, schema: dict[str, Any], words: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": words}


def _yes(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "0")
    if value not in {"0", "1"}:
        raise ValidationError({name: _("0 or 1.")})
    return value == "1"


def _field(model: type[Model], name: str) -> Any:
    name = name.lstrip("-")
    return model._meta.pk if name == "pk" else model._meta.get_field(name)
