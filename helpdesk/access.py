"""The authorisation matrix as data, and the questions asked of it.

What somebody may *see* is decided by `visible_to(actor)` on the querysets: outside it an object does not exist (404). What he
may *do* with something he sees is a row here (403). tests/security walks every address, API action, socket and command
against both.
"""

from __future__ import annotations

from typing import Literal

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from helpdesk.models import Actor, ActorKind, Participant, Role, Scope, Ticket, User

RoleName = Literal["light", "agent", "lead", "manager", "admin", "customer", "participant"]

_COLUMNS: tuple[RoleName, ...] = ("light", "agent", "lead", "manager", "admin", "customer", "participant")
#: Row -> may (x) or may not (-), in the order of the columns above; then what an API token's owner needs as scope.
_TABLE = """
ticket.view        x x x x x x x  read
ticket.create      x x x x x x x  write
ticket.reply       - x x x x x x  write
ticket.forward     - x x x x - -  write
ticket.note        x x x - x - -  write
ticket.read_notes  x x x x x - -  read
ticket.update      - x x x x - -  write
ticket.assign      - x x x x - -  write
ticket.close       - x x x x x -  write
ticket.reopen      - x x x x x -  write
ticket.move        - x x x x - -  write
ticket.spam        - x x x x - -  write
attachment.get     x x x x x x x  read
attachment.upload  x x x x x x x  write
customer.view      x x x x x - -  read
customer.edit      x x x x x - -  write
customer.merge     - x x x x - -  write
tag.view           x x x x x - -  read
queue.view         x x x x x - -  read
colleague.view     x x x x x - -  read
event.view         x x x x x - -  read
raw_mail.view      - x x x x - -  never
canned.use         x x x x x - -  never
canned.save        x x x x x - -  never
canned.share       - - - x x - -  never
macro.run          x x x x x - -  never
macro.save         x x x x x - -  never
view.save          x x x x x - -  never
presence.view      - x x x x - -  never
view.share         - - x x x - -  never
ticket.transfer    - x x x x - -  write
ticket.why         x x x x x - -  read
agent.own_state    - x x x x - -  never
agent.set_state    - - x x x - -  never
break.decide       - - x x x - -  never
offer.answer       - x x x x - -  never
work.pull          - x x x x - -  never
work.move          - - x x x - -  never
board.view         - - x x x - -  never
callback.ask       - x x x x x -  write
what_if.run        - - - x x - -  never
token.issue        - - - x x - -  never
staff.change       - - - x x - -  never
setup.change       - - - x x - -  never
"""

MATRIX: dict[str, frozenset[RoleName]] = {}
TOKEN_SCOPE: dict[str, str] = {}
for _line in _TABLE.strip().splitlines():
    _name, *_cells, _scope = _line.split()
    MATRIX[_name] = frozenset(column for column, cell in zip(_COLUMNS, _cells, strict=True) if cell == "x")
    TOKEN_SCOPE[_name] = _scope


class NotAllowed(PermissionDenied):
    """The actor sees the object but may not do this; the message says so."""


def role_of(actor: Actor, ticket: Ticket | None = None) -> RoleName | None:
    """The column of the matrix the actor stands in, for this ticket; None for somebody deactivated or unknown."""
    if actor.customer is not None:
        if ticket is None or ticket.customer_id == actor.customer.pk:
            return "customer"
        joined = Participant.objects.filter(ticket=ticket, customer=actor.customer).exists()
        return "participant" if joined else None
    user = actor.user
    if user is None or not user.is_active:
        return None
    if user.role == Role.ADMIN:
        return "admin"
    if user.role == Role.MANAGER:
        return "manager"
    if user.role == Role.LIGHT:
        return "light"
    leads = actor.led_team_ids()
    if ticket is None:
        return "lead" if leads else "agent"
    team_id = ticket.queue.team_id
    if team_id in leads:
        return "lead"
    return "agent" if team_id in actor.team_ids() else None


def may(actor: Actor, row: str, ticket: Ticket | None = None) -> bool:
    """Whether `actor` may do `row` (a key of MATRIX) to a ticket that he sees. KeyError for an unknown row."""
    allowed = MATRIX[row]
    if actor.kind in {ActorKind.SYSTEM, ActorKind.RULE}:
        return True
    if actor.scopes is not None:
        needed = TOKEN_SCOPE[row]
        if needed == "never" or (needed == Scope.WRITE and Scope.WRITE not in actor.scopes) or not actor.scopes:
            return False
    return role_of(actor, ticket) in allowed


def ensure(actor: Actor, row: str, ticket: Ticket | None = None) -> None:
    """Raises NotAllowed unless `may`."""
    if not may(actor, row, ticket):
        raise NotAllowed(_refusal(row))


def _refusal(row: str) -> str:
    from django.utils.translation import gettext as _

    return _("You may see this, but your role does not allow: %(action)s.") % {"action": row.replace(".", " ")}


def actor_of(request: HttpRequest) -> Actor:
    """The actor behind a signed-in request, made once per request so that memberships are read once."""
    cached: Actor | None = getattr(request, "_actor", None)
    if cached is not None:
        return cached
    if not isinstance(request.user, User):
        raise PermissionDenied
    actor = Actor.of(request.user)
    request._actor = actor  # type: ignore[attr-defined]
    return actor
