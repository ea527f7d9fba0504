"""Errors of the API: one shape, problem+json (RFC 9457), for everything from 400 to 500. Named by settings.REST_FRAMEWORK.

`type` is about:blank, so `title` is the phrase of the status; `code` tells programs the case, `detail` tells people.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response

from helpdesk.actions import BadInput
from helpdesk.actions.conversation import UnseenMessages
from helpdesk.actions.files import FileNotKept, FileTooLarge
from helpdesk.actions.merging import CustomersDiffer
from helpdesk.blobs import BlobMissing, StorageFull
from helpdesk.models import IllegalTransition

log = logging.getLogger("helpdesk.api")
CONTENT_TYPE = "application/problem+json"
#: Left to DatabaseOutageMiddleware, which answers 503 for pages and API alike.
_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)


class Changed(exceptions.APIException):
    """The ticket is not what If-Match says any more."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_code = "changed"


class KeyReused(exceptions.APIException):
    """An Idempotency-Key came again with another request."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"


class BodyTooLarge(exceptions.APIException):
    """The body of the request is larger than the API reads."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


def problem(status: int, code: str, detail: str, **more: Any) -> Response:
    """An answer in problem+json. `more` are extension members."""
    title = HTTPStatus(status).phrase
    data = {"type": "about:blank", "title": title, "status": int(status), "code": code, "detail": _text(detail), **more}
    return Response(data, status=status, content_type=CONTENT_TYPE)


def problem_response(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """The answer to an exception of a view; None hands a lost database on to the middleware."""
    if isinstance(exc, _DATABASE_AWAY):
        return None
    response = _of_the_house(exc) or _of_the_framework(exc)
    if response is not None:
        return response
    log.exception("an API request failed", exc_info=exc)
    request = context.get("request")
    got_request_exception.send(sender=problem_response, request=getattr(request, "_request", None))
    return problem(500, "internal", _("Something went wrong on our side. It was written down; nothing was changed."))


def _of_the_house(exc: Exception) -> Response | None:
    """What actions refuse."""
    if isinstance(exc, UnseenMessages):
        unseen = [str(message.public_id) for message in exc.messages]
        return problem(409, "unseen_messages", str(exc), unseen=unseen)
    if isinstance(exc, IllegalTransition):
        return problem(409, "illegal_transition", str(exc))
    if isinstance(exc, FileTooLarge):
        return problem(413, "too_large", str(exc))
    if isinstance(exc, FileNotKept | StorageFull):
        return problem(
            507, "storage_full", _("The file could not be kept: the server's disk is full. Try again later.")
        )
    if isinstance(exc, CustomersDiffer):
        return problem(409, "customers_differ", str(exc))
    if isinstance(exc, BadInput):
        return problem(422, "bad_input", str(exc))
    if isinstance(exc, BlobMissing):
        return problem(404, "file_missing", _("The bytes of this file are not on the server."))
    return None


def _of_the_framework(exc: Exception) -> Response | None:
    """What Django and the framework refuse."""
    if isinstance(exc, Http404 | exceptions.NotFound):
        return problem(404, "not_found", _("There is nothing here, or nothing you may see."))
    if isinstance(exc, exceptions.ValidationError):
        return problem(400, "invalid", _("The request cannot be read as it stands."), errors=_fields(exc.detail))
    if isinstance(exc, PermissionDenied):
        return problem(403, "not_allowed", str(exc) or _("You may not do this."))
    if isinstance(exc, RequestDataTooBig):
        return problem(413, "too_large", _("The request is larger than the API reads."))
    if isinstance(exc, SuspiciousOperation | RecursionError):
        return problem(400, "invalid", _("The request cannot be read as it stands."))
    if isinstance(exc, exceptions.APIException):
        codes: Any = exc.get_codes()
        response = problem(exc.status_code, codes if isinstance(codes, str) else exc.default_code, str(exc.detail))
        wait: float | None = getattr(exc, "wait", None)
        if wait is not None:
            response["Retry-After"] = str(max(1, int(wait)))
        header = getattr(exc, "auth_header", None)
        if header:
            response["WWW-Authenticate"] = header
        return response
    return None


def _fields(detail: Any, path: str = "") -> list[dict[str, str]]:
    """Each complaint with the field it is about, nested ones by dots: `recipients.0.email`."""
    if isinstance(detail, Mapping):
        found: list[dict[str, str]] = []
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            found += _fields(value, ".".join(part for part in (path, name) if part))
        return found
    if isinstance(detail, list):
        found = []
        for index, item in enumerate(detail):
            found += _fields(item, path if isinstance(item, str) else f"{path}.{index}")
        return found
    return [{"field": _text(path), "message": _text(str(detail))}]


def _text(words: str) -> str:
    """Words that may quote the request: halves of surrogate pairs, which no UTF-8 holds, become question marks."""
    return words.encode("utf-8", "replace").decode()
