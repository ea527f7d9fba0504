"""How a page answers: bundles of fragments that the script merges, toasts, and sentences instead of error pages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.blobs import BlobMissing
from helpdesk.models import IllegalTransition

View = Callable[..., HttpResponseBase]


def bundle(
    request: HttpRequest, templates: Sequence[str], context: dict[str, Any], *, status: int = 200, extra: str = ""
) -> HttpResponse:
    """Fragments one after the other; js/merge.js puts each in the place of the element with its id."""
    parts = [render_to_string(name, context, request=request) for name in templates]
    response = HttpResponse("".join(parts) + extra, status=status)
    response["HX-Merge"] = "1"
    return response


def toast(words: str, *, level: str = "info", undo_url: str = "", seconds: int = 8) -> SafeString:
    """A toast for a bundle; with `undo_url` it carries a button that takes the change back."""
    return format_html(
        "{}",
        SafeString(
            render_to_string(
                "desk/_toast.html", {"words": words, "level": level, "undo_url": undo_url, "seconds": seconds}
            )
        ),
    )


def is_partial(request: HttpRequest) -> bool:
    """Whether the desk's script asks for fragments instead of a page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def in_sentences(view: View) -> View:
    """Shows refusals of the actions as a sentence: a toast in the desk, a message on the page before elsewhere."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except (BadInput, IllegalTransition, NotAllowed, BlobMissing) as refusal:
            status = 403 if isinstance(refusal, NotAllowed) else 404 if isinstance(refusal, BlobMissing) else 422
            if is_partial(request):
                return bundle(request, [], {}, status=status, extra=toast(str(refusal), level="error"))
            if request.method == "GET" or isinstance(refusal, NotAllowed):
                return HttpResponse(str(refusal), status=status, content_type="text/plain; charset=utf-8")
            messages.error(request, str(refusal))
            return HttpResponseRedirect(_back(request))

    return guarded


def _back(request: HttpRequest) -> str:
    number = request.resolver_match.kwargs.get("number") if request.resolver_match else None
    return f"/tickets/{number}/" if number else "/"
