"""The staff: who is here, what role and teams they have, and how their doors are shut. Called by the admin and by commands.

Nobody gives a role above his own, changes an administrator without being one, or changes his own role or activity. Each
change that touches rights ends what rested on the old ones and rings at the person's sockets (`rights.changed`).
"""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events, jobs, realtime
from helpdesk.actions import BadInput
from helpdesk.actions.tokens import revoke_token
from helpdesk.models import UNFINISHED, Actor, ApiToken, Role, Team, TeamMembership, Ticket, User
from helpdesk.now import now

_RANK: dict[str, int] = {Role.LIGHT: 0, Role.AGENT: 1, Role.MANAGER: 2, Role.ADMIN: 3}
_PROFILE = ("email", "name", "language", "time_zone")


def roles_to_give(actor: Actor) -> list[str]:
    """The roles the actor may give, weakest first: none above his own."""
    if not access.may(actor, "staff.change"):
        return []
    ceiling = _RANK[actor.user.role] if actor.user is not None else _RANK[Role.ADMIN]
    return [role for role, rank in _RANK.items() if rank <= ceiling]


def may_change(actor: Actor, user: User) -> bool:
    """Whether the actor may change this person at all: managers may not touch administrators."""
    return user.role in roles_to_give(actor)


def ensure_may_change(actor: Actor, user: User) -> None:
    """Raises NotAllowed unless `may_change`."""
    if not may_change(actor, user):
        raise access.NotAllowed(_("Only an administrator may change %(name)s.") % {"name": user})


@transaction.atomic
def create_user(
    *, email: str, name: str, role: str, actor: Actor, language: str = "en", time_zone: str = "UTC"
) -> User:
    """Enters somebody of the staff, without a password: a mailed link or single sign-on lets him in. Raises NotAllowed."""
    _ensure_may_give(actor, role)
    user = User.objects.create_user(email, None, name=name, role=role, language=language, time_zone=time_zone)
    events.audit(actor, "user.added", user, {"role": role})
    return user


@transaction.atomic
def change_profile(*, user: User, actor: Actor, **values: str) -> User:
    """Changes `email`, `name`, `language` or `time_zone`. A new address ends the old one's doors and the old one is told.

    Raises NotAllowed, and TypeError for any other field.
    """
    if not set(values) <= set(_PROFILE):
        raise TypeError(f"a profile has {', '.join(_PROFILE)}")
    if actor.user is None or actor.user.pk != user.pk:
        ensure_may_change(actor, user)
    user = _locked(user)
    if "email" in values:
        values["email"] = User.objects.normalize_email(values["email"]).lower()
    changed = {key: value for key, value in values.items() if getattr(user, key) != value}
    if not changed:
        return user
    old_email = user.email
    for key, value in changed.items():
        setattr(user, key, value)
    user.save(update_fields=list(changed))
    if "email" in changed:
        EmailAddress.objects.filter(user=user).delete()
        end_sessions(user)
        jobs.enqueue("helpdesk.tasks.tell_of_new_address", user.pk, old_email)
    events.audit(actor, "user.changed", user, {"fields": sorted(changed)})
    return user


@transaction.atomic
def change_role(*, user: User, role: str, actor: Actor) -> User:
    """Gives another role; the person signs in again. Raises NotAllowed, or BadInput for oneself and the last administrator."""
    user = _locked(user)
    ensure_may_change(actor, user)
    _ensure_may_give(actor, role)
    if user.role == role:
        return user
    _ensure_somebody_else(actor, user)
    if user.role == Role.ADMIN:
        _ensure_not_last(user)
    previous, user.role = user.role, role
    user.save(update_fields=["role", "is_superuser"])
    events.audit(actor, "user.role_changed", user, {"role": [previous, role]})
    end_sessions(user)
    tell_rights_changed(user)
    return user


@transaction.atomic
def deactivate_user(*, user: User, actor: Actor) -> int:
    """Shuts every door at once: sessions, API tokens, sockets, memory of sign-ins. The history keeps the name.

    Returns how many unfinished tickets the person still owns, so that somebody takes them. Raises NotAllowed or BadInput.
    """
    user = _locked(user)
    ensure_may_change(actor, user)
    _ensure_somebody_else(actor, user)
    if user.is_active:
        if user.role == Role.ADMIN:
            _ensure_not_last(user)
        user.is_active = False
        user.save(update_fields=["is_active"])
        for token in ApiToken.objects.select_related("owner").filter(owner=user, revoked_at__isnull=True):
            revoke_token(token=token, actor=actor)
        events.audit(actor, "user.deactivated", user)
        end_sessions(user)
        tell_rights_changed(user)
    return Ticket.objects.visible_to(actor).filter(owner=user, status__in=UNFINISHED).count()


@transaction.atomic
def activate_user(*, user: User, actor: Actor) -> User:
    """Lets somebody in again. His old sessions and tokens stay ended. Raises NotAllowed."""
    user = _locked(user)
    ensure_may_change(actor, user)
    if not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active"])
        events.audit(actor, "user.activated", user)
        tell_rights_changed(user)
    return user


@transaction.atomic
def join_team(*, user: User, team: Team, role: str, actor: Actor) -> TeamMembership:
    """Makes somebody member or lead of a team, or changes which of the two. Raises NotAllowed."""
    ensure_may_change(actor, user)
    before = TeamMembership.objects.filter(user=user, team=team).values_list("role", flat=True).first()
    membership, _made = TeamMembership.objects.update_or_create(user=user, team=team, defaults={"role": role})
    if before != role:
        events.audit(actor, "user.team_changed", user, {"team": team.pk, "role": [before, role]})
        tell_rights_changed(user)
    return membership


@transaction.atomic
def leave_team(*, user: User, team: Team, actor: Actor) -> None:
    """Takes somebody out of a team; what only this team sees closes to him at once. Raises NotAllowed."""
    ensure_may_change(actor, user)
    if TeamMembership.objects.filter(user=user, team=team).delete()[0]:
        events.audit(actor, "user.team_changed", user, {"team": team.pk, "role": ["in", None]})
        tell_rights_changed(user)


@transaction.atomic
def reset_second_factor(*, user: User, actor: Actor) -> int:
    """Forgets authenticator apps, security keys and recovery codes of somebody who lost them; returns how many.

    For administrators alone, and never for oneself: whoever sits at an open session must not shed the factor by it.
    """
    if access.role_of(actor) != "admin":
        raise access.NotAllowed(_("Only an administrator may reset somebody's second factor."))
    _ensure_somebody_else(actor, user)
    count = int(Authenticator.objects.filter(user=user).delete()[0])
    events.audit(actor, "user.second_factor_reset", user, {"removed": count})
    end_sessions(user)
    tell_rights_changed(user)
    return count


@transaction.atomic
def mail_password_link(*, user: User, actor: Actor) -> None:
    """Mails a link by which the person sets his password, once, within the days of PASSWORD_RESET_TIMEOUT. Raises NotAllowed."""
    if actor.user is None or actor.user.pk != user.pk:
        ensure_may_change(actor, user)
    if not user.is_active:
        raise BadInput(_("%(name)s is switched off: switch on first.") % {"name": user})
    jobs.enqueue("helpdesk.tasks.mail_password_link", user.pk)
    events.audit(actor, "user.password_link_mailed", user)


def end_sessions(user: User) -> int:
    """Ends every session of the person; returns how many. Reads all live sessions: they carry no owner one could ask for."""
    ended = [
        row.pk
        for row in Session.objects.filter(expire_date__gt=now()).iterator()
        if str(row.get_decoded().get(SESSION_KEY, "")) == str(user.pk)
    ]
    Session.objects.filter(pk__in=ended).delete()
    return len(ended)


def tell_rights_changed(user: User) -> None:
    """Rings at the person's sockets: each reads its rights anew, or closes."""
    frame: dict[str, Any] = {"type": "rights.changed"}
    realtime.publish(realtime.user_group(user.pk), frame)


def _locked(user: User) -> User:
    return User.objects.select_for_update().get(pk=user.pk)


def _ensure_may_give(actor: Actor, role: str) -> None:
    if role not in roles_to_give(actor):
        raise access.NotAllowed(_("Nobody gives a role above his own."))


def _ensure_somebody_else(actor: Actor, user: User) -> None:
    if actor.user is not None and actor.user.pk == user.pk:
        raise BadInput(_("You cannot do this to yourself: ask a colleague with the same role."))


def _ensure_not_last(user: User) -> None:
    others = User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk)
    if not others.exists():
        raise BadInput(_("%(name)s is the only active administrator: make another one first.") % {"name": user})
