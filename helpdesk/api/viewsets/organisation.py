"""What bodies refer to: queues, tags, issue types, colleagues. Read only; managers change them in the admin."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Prefetch, prefetch_related_objects
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk.api.base import ApiViewSet
from helpdesk.api.pagination import CursorPages
from helpdesk.api.serializers.organisation import (
    ColleagueSerializer,
    IssueTypeSerializer,
    MeSerializer,
    QueueSerializer,
    TagSerializer,
)
from helpdesk.models import IssueType, Queue, Tag, TeamMembership, User
from helpdesk.queries.colleagues import colleagues_of

_LIST: dict[str, frozenset[str]] = {"list": CursorPages.params}


class QueueViewSet(ApiViewSet):
    """The queues one works in."""

    noun = "queues"
    model = Queue
    matrix: ClassVar[dict[str, str]] = {"list": "queue.view"}
    knows = _LIST

    @extend_schema(summary="Queues you see", responses=QueueSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of queues with their teams."""
        return self.page(QueueSerializer, Queue.objects.visible_to(self.actor).select_related("team"))


class TagViewSet(ApiViewSet):
    """All tags."""

    noun = "tags"
    model = Tag
    matrix: ClassVar[dict[str, str]] = {"list": "tag.view"}
    knows = _LIST
    keyset = ("name", "pk")

    @extend_schema(summary="Tags by name", responses=TagSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of tags."""
        return self.page(TagSerializer, Tag.objects.all())


class IssueTypeViewSet(ApiViewSet):
    """All issue types."""

    noun = "issue_types"
    model = IssueType
    matrix: ClassVar[dict[str, str]] = {"list": "tag.view"}
    knows = _LIST

    @extend_schema(summary="Issue types", responses=IssueTypeSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of issue types; `parent` is the one it is part of."""
        return self.page(IssueTypeSerializer, IssueType.objects.all())


class UserViewSet(ApiViewSet):
    """Oneself and one's colleagues."""

    noun = "users"
    model = User
    matrix: ClassVar[dict[str, str]] = {"list": "colleague.view", "me": "colleague.view"}
    knows = _LIST

    @extend_schema(summary="Colleagues you work with", responses=ColleagueSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of active colleagues of your teams; managers see all."""
        return self.page(ColleagueSerializer, colleagues_of(self.actor))

    @extend_schema(summary="Who you are", responses={200: MeSerializer})
    def me(self, request: Request) -> Response:
        """The owner of the token or session, with teams and scopes."""
        person = request.user
        assert isinstance(person, User)
        teams = TeamMembership.objects.select_related("team").order_by("team__name")
        prefetch_related_objects([person], Prefetch("memberships", queryset=teams))
        return Response(self.show(MeSerializer, person))
