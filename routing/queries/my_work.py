"""What an agent's own state bar shows: state, load by channel, wrap-ups, his break, the end of his shift."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from helpdesk.models import User
from helpdesk.now import now
from routing.models import (
    AgentPresence,
    Assignment,
    BreakRequest,
    ContactChannel,
    Disposition,
    NotReadyReason,
    Offer,
    Shift,
)
from routing.queries.standing import Standing, standing_of

_OPEN_BREAKS = (BreakRequest.State.ASKED, BreakRequest.State.APPROVED, BreakRequest.State.TAKEN)


@dataclass(frozen=True, slots=True)
class ChannelLoad:
    """A channel: how many contacts of it the agent has, his most at once, and whether he accepts more."""

    name: str
    words: str
    count: int
    cap: int | None
    is_on: bool


@dataclass(frozen=True, slots=True)
class WrapUp:
    """A contact that is over but for the note. Seconds are None where no clock runs or it has run out."""

    assignment: Assignment
    seconds_left: int | None
    whole_seconds: int
    dispositions: list[Disposition]


@dataclass(frozen=True, slots=True)
class MyWork:
    """All of the bar."""

    standing: Standing
    seconds: int | None
    channels: list[ChannelLoad]
    wrapups: list[WrapUp]
    reasons: list[NotReadyReason]
    breaks: list[NotReadyReason]
    asked_break: BreakRequest | None
    shift_ends_at: datetime | None


def my_work(user: User) -> MyWork:
    """The state bar of `user`. Seven queries at most, however much he does."""
    at = now()
    presence = AgentPresence.objects.select_related("reason").filter(user=user).first() or AgentPresence(
        user=user, since_at=at, accepts=list(ContactChannel.values)
    )
    held = list(
        Assignment.objects.filter(agent=user, done_at__isnull=True)
        .select_related("item__ticket__customer", "item__queue")
        .order_by("begun_at", "pk")
    )
    offered = sum(Offer.objects.filter(agent=user, state=Offer.State.PENDING).values_list("units", flat=True))
    standing = standing_of(presence, held, offered)
    reasons = list(NotReadyReason.objects.filter(is_active=True))
    live = Counter(row.channel for row in held if row.ended_at is None)
    shift = Shift.objects.filter(user=user, starts_at__lte=at, ends_at__gt=at).order_by("-ends_at").first()
    return MyWork(
        standing=standing,
        seconds=int((at - presence.since_at).total_seconds()) if presence.pk else None,
        channels=[
            ChannelLoad(value, str(label), live[value], presence.caps.get(value), value in presence.accepts)
            for value, label in ContactChannel.choices
        ],
        wrapups=_wrapups([row for row in held if row.ended_at is not None], at),
        reasons=[reason for reason in reasons if not reason.is_break],
        breaks=[reason for reason in reasons if reason.is_break],
        asked_break=BreakRequest.objects.filter(user=user, state__in=_OPEN_BREAKS).select_related("reason").first(),
        shift_ends_at=shift.ends_at if shift else None,
    )


def _wrapups(rows: list[Assignment], at: datetime) -> list[WrapUp]:
    if not rows:
        return []
    known = list(Disposition.objects.filter(is_active=True))
    return [
        WrapUp(
            assignment=row,
            seconds_left=_left(row, at),
            whole_seconds=int((row.wrapup_until_at - row.ended_at).total_seconds())
            if row.wrapup_until_at and row.ended_at
            else 0,
            dispositions=[one for one in known if one.queue_id in {None, row.item.queue_id}],
        )
        for row in rows
    ]


def _left(row: Assignment, at: datetime) -> int | None:
    if row.wrapup_until_at is None or row.wrapup_until_at <= at:
        return None
    return int((row.wrapup_until_at - at).total_seconds())
