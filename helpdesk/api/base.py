"""What every viewset has in common: rows of the matrix, known query parameters, UTC, answers given once, limits told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from functools import partial
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from helpdesk.api.authentication import actor_of
from helpdesk.api.idempotency import HEADER, answer_once
from helpdesk.api.parsers import BoundedJSONParser
from helpdesk.api.permissions import ByMatrix
from helpdesk.api.schema import HelpdeskSchema
from helpdesk.api.throttling import tell_allowance
from helpdesk.models import Actor, User


class OneRepresentation(BaseContentNegotiation):
    """Answers in JSON whatever Accept prefers: there is nothing else, and a file's bytes are what they are."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """By the Content-Type of the body; None is answered with 415."""
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The only one."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class ApiViewSet(GenericViewSet[Any]):
    """A noun of the API. Subclasses name their noun, matrix and query parameters as data; nothing is open that is not named."""

    noun: ClassVar[str] = ""
    #: what the noun shows, for the OpenAPI document
    model: ClassVar[type[Model]]
    #: action -> row of helpdesk.access.MATRIX
    matrix: ClassVar[Mapping[str, str]] = {}
    #: action -> query parameters it knows; any other is refused
    knows: ClassVar[Mapping[str, frozenset[str]]] = {}
    #: the order of lists, uniform in direction; the last name is unique
    keyset: ClassVar[tuple[str, ...]] = ("pk",)
    permission_classes = [ByMatrix]
    parser_classes = [BoundedJSONParser]
    content_negotiation_class = OneRepresentation
    http_method_names = ["get", "head", "post", "patch"]
    schema = HelpdeskSchema()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answers in UTC, whatever zone the person's pages are in."""
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After authentication, permissions and limits: refuses unknown parameters and makes POST repeatable."""
        super().initial(request, *args, **kwargs)
        action = self.action or ""
        unknown = sorted(set(request.query_params) - self.knows.get(action, frozenset()))
        if unknown and action:
            raise ValidationError({name[:100]: _("This parameter is unknown here.") for name in unknown})
        handler = getattr(self, "post", None)
        if request.method == "POST" and handler is not None and HEADER in request.headers:
            person = request.user
            assert isinstance(person, User)
            once = partial(answer_once, request, person, partial(handler, request, *args, **kwargs), self.look_again)
            self.post = lambda *_args, **_kwargs: once()

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Adds what is left of the limit."""
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        tell_allowance(request, final)
        return final

    def get_queryset(self) -> QuerySet[Any]:
        """Nothing: every handler reads through `visible_to`, and what forgets it shows no row."""
        return self.model._default_manager.none()

    @property
    def actor(self) -> Actor:
        """Who calls."""
        return actor_of(self.request)

    def look_again(self) -> None:
        """Raises Http404 when what the address names may no longer be seen; viewsets of one object say how."""

    def get_serializer_context(self) -> dict[str, Any]:
        """Serializers judge references by the actor."""
        signed_in = getattr(self, "request", None) is not None and isinstance(self.request.user, User)
        return {**super().get_serializer_context(), "actor": self.actor if signed_in else None}

    def order(self) -> tuple[str, ...]:
        """The order of the list being asked for."""
        return self.keyset

    def read(self, serializer_class: Any) -> dict[str, Any]:
        """The body, validated. Raises ValidationError."""
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values

    def show(self, serializer_class: Any, value: Any, *, many: bool = False) -> Any:
        """The value as the API shows it."""
        return serializer_class(value, many=many, context=self.get_serializer_context()).data

    def page(self, serializer_class: Any, queryset: Any) -> Response:
        """A page of a list."""
        rows = self.paginate_queryset(queryset)
        assert rows is not None
        return self.get_paginated_response(self.show(serializer_class, rows, many=True))
