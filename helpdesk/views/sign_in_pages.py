"""The pages of allauth that are otherwise in this house. Named by helpdesk.urls before allauth's own."""

from __future__ import annotations

import logging
from collections.abc import Callable

from allauth.socialaccount.providers.openid_connect import views as company
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from requests import RequestException

_Page = Callable[[HttpRequest, str], HttpResponseBase]
log = logging.getLogger("helpdesk.sign_in")


def shut(request: HttpRequest) -> HttpResponse:
    """There is no such page."""
    raise Http404


@login_not_required
def company_login(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """On to the company's sign-in; a sentence when it is away."""
    return _or_a_sentence(request, provider_id, company.login)


@login_not_required
def company_callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Back from the company's sign-in; a sentence when it went away meanwhile."""
    return _or_a_sentence(request, provider_id, company.callback)


def _or_a_sentence(
    request: HttpRequest, provider_id: str, page: Callable[[HttpRequest, str], HttpResponseBase]
) -> HttpResponseBase:
    try:
        answer: HttpResponseBase = page(request, provider_id)
    except RequestException as problem:
        log.warning("the company's sign-in is away", extra={"problem": type(problem).__name__})
        messages.error(request, _("The company's sign-in cannot be reached just now. Try again, or use your password."))
        answer = redirect("account_login")
    return answer
