"""Tags, queues, issue types and colleagues."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from helpdesk.api.serializers.fields import StrictSerializer
from helpdesk.models import Actor, Queue, Role, TeamRole, User


class NamedSerializer(StrictSerializer):
    """A reference by id, with the name people know."""

    id = serializers.IntegerField(source="pk", read_only=True)
    name = serializers.CharField(read_only=True)


class TagSerializer(NamedSerializer):
    """A word hung on tickets."""

    description = serializers.CharField(read_only=True)


class IssueTypeSerializer(NamedSerializer):
    """What a ticket may be about."""

    parent = serializers.IntegerField(source="parent_id", read_only=True, allow_null=True)  # type: ignore[assignment]


class QueueSerializer(NamedSerializer):
    """Where tickets wait."""

    team = NamedSerializer(read_only=True)
    is_active = serializers.BooleanField(read_only=True)


class ColleagueSerializer(NamedSerializer):
    """A colleague, by name and role only."""

    role = serializers.ChoiceField(choices=Role.choices, read_only=True)


class MembershipSerializer(StrictSerializer):
    """One's place in a team."""

    id = serializers.IntegerField(source="team_id", read_only=True)
    name = serializers.CharField(source="team.name", read_only=True)
    role = serializers.ChoiceField(choices=TeamRole.choices, read_only=True)


class MeSerializer(ColleagueSerializer):
    """The person who calls."""

    email = serializers.EmailField(read_only=True)
    language = serializers.CharField(read_only=True)
    time_zone = serializers.CharField(read_only=True)
    teams = MembershipSerializer(source="memberships", many=True, read_only=True)
    scopes = serializers.SerializerMethodField()

    def get_scopes(self, person: User) -> list[str] | None:
        """The token's scopes; null in a session."""
        actor: Actor = self.context["actor"]
        return None if actor.scopes is None else sorted(actor.scopes)


def visible_queues(actor: Actor) -> Any:
    """The queues a body may name."""
    return Queue.objects.visible_to(actor)
