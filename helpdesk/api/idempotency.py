"""Idempotency-Key on POST: the same request again gets the same answer and changes nothing.

Key, change and answer are one transaction. A crash leaves none of them, a second request that comes while the first is
running waits for it at the unique index, and a refused request keeps nothing, so it may be mended and sent again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk.api.problems import KeyReused
from helpdesk.models import IdempotencyKey, User
from helpdesk.now import now

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def answer_once(
    request: Request, person: User, handler: Callable[[], Response], again: Callable[[], object]
) -> Response:
    """The answer of `handler`, or the one kept under the request's key.

    Before a kept answer is given, `again` is asked whether its object may still be seen (it raises Http404 otherwise).
    Raises KeyReused when the key came with another request, ValidationError for a key that is none.
    """
    key = request.headers.get(HEADER, "")
    if not _KEY.fullmatch(key):
        raise ValidationError({HEADER: _("1 to 200 printable ASCII characters without blanks, such as a UUID.")})
    digest = _digest(request)
    with transaction.atomic():
        kept, made = IdempotencyKey.objects.get_or_create(
            owner=person, key=key, defaults={"request_digest": digest, "created_at": now()}
        )
        if not made:
            if kept.request_digest != digest:
                raise KeyReused(_("This key was already used for another request. Take a new one."))
            again()
            return Response(kept.body, status=kept.status_code, headers={"Idempotent-Replayed": "true"})
        response = handler()
        kept.status_code = response.status_code
        kept.body = json.loads(JSONRenderer().render(response.data))
        kept.save(update_fields=["status_code", "body"])
    return response


def _digest(request: Request) -> str:
    """What makes two requests the same: method, address and content, files by their bytes."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    files: dict[str, Any] = dict(getattr(request, "FILES", {}))
    for name in sorted(files):
        for file in files[name]:
            digest.update(f"{name}\n{getattr(file, 'name', '')}\n".encode("utf-8", "surrogatepass"))
            if isinstance(file, UploadedFile):
                for chunk in file.chunks():
                    digest.update(chunk)
                file.seek(0)
    data: Any = request.data
    body = {name: data.getlist(name) for name in data if name not in files} if files else data
    digest.update(json.dumps(body, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
