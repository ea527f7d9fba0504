"""API tokens: issued, revoked, recognised. The secret exists only in the answer that issued it; a row keeps its hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput
from helpdesk.models import Actor, ActorKind, ApiToken, Role, Scope, User
from helpdesk.now import now

#: What every token begins with, so that scanners of repositories and logs recognise a leaked one.
PREFIX = "hd_"
_HINT_LENGTH = 11
_LONGEST = timedelta(days=366)
_NOTE_USE_EVERY = timedelta(minutes=1)


def digest_of(secret: str) -> str:
    """The sha256, in hex, under which a token is kept. 256 random bits need no slow hash and no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@transaction.atomic
def issue_token(
    *, owner: User, name: str, scopes: Iterable[str], expires_at: datetime, actor: Actor
) -> tuple[ApiToken, str]:
    """Makes a token for `owner` and returns it with its secret, which nobody can read again.

    The token never does more than its owner may. Raises NotAllowed for those who may not issue tokens or would give
    rights above their own, BadInput for a missing name, unknown scope, inactive owner, or an end past or a year ahead.
    """
    access.ensure(actor, "token.issue")
    if _is_above(owner, actor):
        raise access.NotAllowed(_("Only an administrator can issue a token with an administrator's rights."))
    wanted = sorted(set(scopes))
    if not wanted or not set(wanted) <= set(Scope.values):
        raise BadInput(_("Choose what the token may do: read, or read and write."))
    name = " ".join(name.split())[:80]
    if not name:
        raise BadInput(_("Give the token a name that says what uses it."))
    if not owner.is_active:
        raise BadInput(_("%(name)s is switched off; a token needs an active owner.") % {"name": owner})
    at = now()
    if not at < expires_at <= at + _LONGEST:
        raise BadInput(_("A token ends at a time that is ahead, within a year."))
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        owner=owner,
        name=name,
        digest=digest_of(secret),
        hint=secret[:_HINT_LENGTH],
        scopes=wanted,
        expires_at=expires_at,
        created_at=at,
    )
    events.audit(
        actor, "token.issued", token, {"owner": owner.pk, "scopes": wanted, "expires_at": expires_at.isoformat()}
    )
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: Actor) -> ApiToken:
    """Ends a token at once. Its owner may, and those who may issue it; twice changes nothing. Raises NotAllowed."""
    if actor.scopes is not None or actor.user is None or actor.user.pk != token.owner_id:
        access.ensure(actor, "token.issue")
        if _is_above(token.owner, actor):
            raise access.NotAllowed(_("Only an administrator can revoke an administrator's token."))
    if ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now()) == 1:
        events.audit(actor, "token.revoked", token, {"owner": token.owner_id})
    token.refresh_from_db()
    return token


def _is_above(owner: User, actor: Actor) -> bool:
    """Whether the owner's role holds rights the actor lacks; the system (a command on the server) lacks none."""
    return owner.role == Role.ADMIN and actor.kind != ActorKind.SYSTEM and access.role_of(actor) != "admin"


def live_token(secret: str) -> ApiToken | None:
    """The token with this secret, with its owner, if it still counts: not revoked, not expired, the owner active.

    Found by its digest, so no comparison of secrets takes time that tells anything; an empty secret finds nothing.
    """
    if not secret.startswith(PREFIX):
        return None
    return (
        ApiToken.objects.select_related("owner")
        .filter(digest=digest_of(secret), revoked_at__isnull=True, expires_at__gt=now(), owner__is_active=True)
        .first()
    )


def note_use(token: ApiToken) -> None:
    """Keeps when the token was last used, written at most once a minute."""
    at = now()
    if token.last_used_at is not None and at - token.last_used_at < _NOTE_USE_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=at - _NOTE_USE_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=at)
