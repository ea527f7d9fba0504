"""Every door of the house and what stands behind it: the table the authorisation walk walks.

A route is named by its pattern as Django prints it. `row` is a row of helpdesk.access.MATRIX, or one of the words below. A new
route, API action, socket frame or command without a line here fails the walk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from helpdesk.models import Message
from helpdesk.now import now
from routing.models import BreakRequest, NotReadyReason, WorkItem
from tests.security.rooms import Rooms

Side = Literal["own", "foreign", "missing"]
Arguments = Callable[[Rooms, Side], dict[str, Any]]
Wants = Arguments | None

PUBLIC = "public"  # anybody
SIGNED_IN = "signed in"  # anybody of the staff, about himself only
MANAGERS = "managers"  # the admin
ADMINS = "administrators"
METRICS = "metrics"  # a token or loopback
PORTAL = "portal"  # a customer by his own cookie; nobody of the staff (customers: test_portal_walk.py)


@dataclass(frozen=True)
class Door:
    """One method of one address. `body` is what a well-meaning client sends."""

    row: str
    body: dict[str, Any] = field(default_factory=dict)
    wants: Wants = None


@dataclass(frozen=True)
class Address:
    """An address with its methods; `arguments` gives the URL's parts for an object on either side of the wall."""

    methods: dict[str, Door]
    arguments: Arguments | None = None


def _number(rooms: Rooms, side: Side) -> dict[str, Any]:
    return {
        "number": {"own": rooms.world.ticket.number, "foreign": rooms.world.foreign.number, "missing": 999_999}[side]
    }


def _message(rooms: Rooms, side: Side) -> dict[str, Any]:
    return {"public_id": {"own": rooms.message, "foreign": rooms.foreign_message, "missing": rooms.nobody}[side]}


def _reply(rooms: Rooms, side: Side) -> dict[str, Any]:
    return {"public_id": {"own": rooms.reply, "foreign": rooms.foreign_reply, "missing": rooms.nobody}[side]}


def _file(rooms: Rooms, side: Side) -> dict[str, Any]:
    return {"public_id": {"own": rooms.file, "foreign": rooms.foreign_file, "missing": rooms.nobody}[side]}


def _customer(rooms: Rooms, side: Side) -> dict[str, Any]:
    customer = {"own": rooms.customer, "foreign": rooms.foreign_customer, "missing": rooms.nobody}[side]
    return {**_number(rooms, side), "public_id": customer}


def _no_notification(rooms: Rooms, side: Side) -> dict[str, Any]:
    """Notifications are one's own: their walls are tested in tests/desk/test_notifications.py."""
    return {"pk": 999_999}


def _said(rooms: Rooms, side: Side) -> dict[str, Any]:
    """A reply of ours in the ticket."""
    return {"message": str(_reply(rooms, side)["public_id"])}


def _twin(rooms: Rooms, side: Side) -> dict[str, Any]:
    """Another ticket on the same side, by the mail that lies in its mailbox."""
    key = rooms.foreign_message if side == "foreign" else rooms.message
    return {"other": Message.objects.get(public_id=key).ticket.number, "confirmed": "1"}


def _person(rooms: Rooms, side: Side) -> dict[str, Any]:
    return {"public_id": {"own": rooms.person, "foreign": rooms.foreign_customer, "missing": rooms.nobody}[side]}


def _own_queue(rooms: Rooms, side: Side) -> dict[str, Any]:
    return {"queue": (rooms.world.queue_b if side == "foreign" else rooms.world.queue_a).pk}


def _ticket(row: str, method: str = "POST", wants: Wants = None, **body: Any) -> Address:
    return Address({method: Door(row, body, wants)}, _number)


ADDRESSES: dict[str, Address] = {
    "healthz": Address({"GET": Door(PUBLIC)}),
    "readyz": Address({"GET": Door(PUBLIC)}),
    "metrics": Address({"GET": Door(METRICS)}),
    "": Address({"GET": Door(SIGNED_IN)}),
    "me/desk/": Address({"GET": Door(SIGNED_IN), "POST": Door(SIGNED_IN, {"undo_seconds": "5"})}),
    "me/zones/": Address({"POST": Door(SIGNED_IN)}),
    "me/recent/": Address({"GET": Door(SIGNED_IN)}),
    "styleguide/": Address({"GET": Door(SIGNED_IN)}),
    "profile/": Address({"GET": Door(SIGNED_IN), "POST": Door(SIGNED_IN)}),
    "inbox/find/": Address({"GET": Door(SIGNED_IN)}),
    "inbox/<slug:slug>/": Address({"GET": Door(SIGNED_IN)}, lambda rooms, side: {"slug": "team"}),
    "inbox/<slug:slug>/rows/": Address({"GET": Door(SIGNED_IN)}, lambda rooms, side: {"slug": "team"}),
    "inbox/count/": Address({"GET": Door(SIGNED_IN)}),
    "inbox/<slug:slug>/filter/": Address({"GET": Door(SIGNED_IN)}, lambda rooms, side: {"slug": "team"}),
    "inbox/<slug:slug>/selection/": Address({"GET": Door(SIGNED_IN)}, lambda rooms, side: {"slug": "team"}),
    "views/restore/": Address({"POST": Door("view.save")}),
    "views/": Address({"POST": Door("view.save", {"name": "High", "priority": "3"})}),
    "views/<int:pk>/": Address(
        {"POST": Door("view.save", {"name": "Other"})},
        lambda rooms, side: {"pk": {"own": rooms.shared_view, "foreign": rooms.private_view, "missing": 999_999}[side]},
    ),
    "canned/": Address(
        {"GET": Door("canned.save"), "POST": Door("canned.save", {"name": "Thanks", "text": "Thank you."})}
    ),
    "canned/<int:pk>/": Address(
        {"POST": Door("canned.save", {"name": "Thanks", "text": "Thank you."})},
        lambda rooms, side: {"pk": 999_999 if side == "missing" else rooms.private_response},
    ),
    "macros/": Address(
        {
            "GET": Door("macro.save"),
            "POST": Door("macro.save", {"name": "Look", "step-do": "note", "step-text": "Looked at."}),
        }
    ),
    "macros/<int:pk>/": Address(
        {"GET": Door("macro.save"), "POST": Door("macro.save", {"name": "Look", "step-do": "assign_me"})},
        lambda rooms, side: {"pk": 999_999 if side == "missing" else rooms.private_macro},
    ),
    "bulk/": Address({"POST": Door(SIGNED_IN, {"change": "open"})}),
    "bulk/menus/": Address({"GET": Door(SIGNED_IN)}),
    "bulk/undo/": Address({"POST": Door(SIGNED_IN)}),
    "tickets/new/": Address(
        {
            "GET": Door("ticket.create"),
            "POST": Door("ticket.create", {"name": "Cara Call", "subject": "A call", "text": "It hums."}),
        }
    ),
    "tickets/<int:number>/": _ticket("ticket.view", "GET"),
    "tickets/<int:number>/changes/": _ticket("ticket.view", "GET"),
    "tickets/<int:number>/earlier/": _ticket("ticket.view", "GET"),
    "tickets/<int:number>/complete/": _ticket("canned.use", "GET", kind="canned"),
    "tickets/<int:number>/canned/<int:pk>/": Address(
        {"POST": Door("canned.use")}, lambda rooms, side: {**_number(rooms, side), "pk": rooms.shared_response}
    ),
    "tickets/<int:number>/macros/": _ticket("macro.run", "GET"),
    "tickets/<int:number>/macros/<int:pk>/": Address(
        {"GET": Door("macro.run"), "POST": Door("macro.run")},
        lambda rooms, side: {**_number(rooms, side), "pk": rooms.shared_macro},
    ),
    "tickets/<int:number>/recipients/": _ticket("ticket.view", "GET"),
    "tickets/<int:number>/status/": _ticket("ticket.update", status="open"),
    "tickets/<int:number>/owner/": _ticket("ticket.assign", wants=lambda rooms, side: {"owner": rooms.world.agent.pk}),
    "tickets/<int:number>/queue/": _ticket("ticket.move", wants=_own_queue),
    "tickets/<int:number>/priority/": _ticket("ticket.update", priority="3"),
    "tickets/<int:number>/subject/": _ticket("ticket.update", subject="Other words"),
    "tickets/<int:number>/tags/": _ticket("ticket.update", add="urgent"),
    "tickets/<int:number>/type/": _ticket("ticket.update", wants=lambda rooms, side: {"issue_type": rooms.issue_type}),
    "tickets/<int:number>/fields/": _ticket("ticket.update"),
    "undo/": Address({"POST": Door(SIGNED_IN)}),  # takes back what oneself did, else nothing
    "bulk/merge/": Address({"GET": Door(SIGNED_IN), "POST": Door(SIGNED_IN)}),
    "tickets/<int:number>/merge/": Address(
        {"GET": Door("ticket.update"), "POST": Door("ticket.update", wants=_twin)}, _number
    ),
    "tickets/<int:number>/merge/found/": _ticket("ticket.view", "GET", q="dock"),
    "tickets/<int:number>/unmerge/": _ticket("ticket.update"),
    "tickets/<int:number>/part/": Address(
        {"GET": Door("ticket.update"), "POST": Door("ticket.update", {"to": "new"}, _said)}, _number
    ),
    "tickets/<int:number>/links/": Address(
        {"GET": Door("ticket.update"), "POST": Door("ticket.update", {"kind": "related"}, _twin)}, _number
    ),
    "tickets/<int:number>/unlink/": _ticket("ticket.update", wants=_twin, kind="related"),
    "tickets/<int:number>/send/": _ticket("ticket.reply", mode="reply", text="Hello"),
    "tickets/<int:number>/draft/": _ticket("ticket.reply", mode="reply", text="Hel"),
    "tickets/<int:number>/draft/discard/": _ticket("ticket.view", mode="reply"),
    "tickets/<int:number>/read/": _ticket("ticket.view", seq="1"),
    "tickets/<int:number>/unread/": _ticket("ticket.view"),
    "tickets/<int:number>/follow/": _ticket("ticket.view", follow="1"),
    "presence/rows/": Address({"GET": Door("presence.view", {"number": "1"})}),
    "notifications/": Address({"GET": Door(SIGNED_IN)}),
    "notifications/bell/": Address({"GET": Door(SIGNED_IN)}),
    "notifications/read/": Address({"POST": Door(SIGNED_IN)}),
    "notifications/choose/": Address({"POST": Door(SIGNED_IN, {"reason": "mentioned"})}),
    "notifications/<int:pk>/read/": Address({"POST": Door(SIGNED_IN)}, _no_notification),
    "notifications/<int:pk>/answer/": Address({"POST": Door(SIGNED_IN, {"text": "Yes."})}, _no_notification),
    "tickets/<int:number>/files/": _ticket("attachment.upload"),
    "tickets/<int:number>/side/": Address(
        {
            "GET": Door("ticket.forward"),
            "POST": Door("ticket.forward", {"to": "sven@supplier.example", "subject": "Known?", "text": "Is it?"}),
        },
        _number,
    ),
    "tickets/<int:number>/checklist/": _ticket("ticket.update", do="add", text="Ask for a photo"),
    "tickets/<int:number>/people/": _ticket("ticket.update", do="copy", email="boss@shop.example"),
    "tickets/<int:number>/times/": _ticket("ticket.view", "GET"),
    "tickets/<int:number>/customer/": Address(
        {
            "GET": Door("ticket.update"),
            "POST": Door("ticket.update", wants=lambda rooms, side: {"source": str(rooms.customer)}),
        },
        _number,
    ),
    "customers/": Address({"GET": Door("customer.view")}),
    "customers/<uuid:public_id>/": Address({"GET": Door("customer.view")}, _person),
    "customers/<uuid:public_id>/journey/": Address({"GET": Door("customer.view")}, _person),
    "customers/<uuid:public_id>/edit/": Address(
        {"GET": Door("customer.edit"), "POST": Door("customer.edit", {"name": "Ann", "tier": "gold"})}, _person
    ),
    "customers/<uuid:public_id>/addresses/": Address(
        {"POST": Door("customer.edit", {"do": "add", "value": "ann@home.example"})}, _person
    ),
    "customers/<uuid:public_id>/blocked/": Address({"POST": Door("customer.edit", {"blocked": "1"})}, _person),
    "customers/<uuid:public_id>/merge/": Address(
        {"GET": Door("customer.merge"), "POST": Door("customer.merge")}, _person
    ),
    "customers/<uuid:public_id>/unmerge/": Address({"POST": Door("customer.merge")}, _person),
    "tickets/<int:number>/customer/<uuid:public_id>/": Address(
        {"GET": Door("customer.view"), "POST": Door("customer.edit", {"name": "Ann", "tier": "gold"})}, _customer
    ),
    "messages/<uuid:public_id>/frame/": Address({"GET": Door("ticket.view")}, _message),
    "messages/<uuid:public_id>/whole/": Address({"GET": Door("ticket.view")}, _message),
    "messages/<uuid:public_id>/source/": Address({"GET": Door("raw_mail.view")}, _message),
    "messages/<uuid:public_id>/undo/": Address({"POST": Door("ticket.reply")}, _reply),
    "messages/<uuid:public_id>/schedule/": Address({"POST": Door("ticket.reply", {"send_at": "now"})}, _reply),
    "messages/<uuid:public_id>/resend/": Address({"POST": Door("ticket.reply")}, _reply),
    "files/<uuid:public_id>/": Address({"GET": Door("attachment.get")}, _file),
    "files/<uuid:public_id>/picture/": Address({"GET": Door("attachment.get")}, _file),
    "files/<uuid:public_id>/discard/": Address(
        {"POST": Door(SIGNED_IN)}, _file
    ),  # forgets one's own upload, else nothing
    "files/inline/<str:token>/": Address({"GET": Door(PUBLIC)}, lambda rooms, side: {"token": "forged"}),
}


def _public_ticket(rooms: Rooms, side: Side) -> dict[str, Any]:
    world = rooms.world
    return {
        "public_id": {"own": world.ticket.public_id, "foreign": world.foreign.public_id, "missing": rooms.nobody}[side]
    }


def _portal(method: str, arguments: Arguments, **body: Any) -> Address:
    return Address({method: Door(PORTAL, body)}, arguments)


#: The customers' own pages: to the staff, and to anybody without the portal's cookie, all of them say "sign in".
ADDRESSES |= {
    "portal/": Address({"GET": Door(PORTAL)}),
    "portal/open/": Address({"GET": Door(PUBLIC)}),
    "portal/ended/": Address({"GET": Door(PUBLIC), "POST": Door(PUBLIC)}),
    "portal/sign-in/": Address({"GET": Door(PUBLIC), "POST": Door(PUBLIC, {"email": "nobody@shop.example"})}),
    "portal/code/": Address({"GET": Door(PUBLIC), "POST": Door(PUBLIC, {"code": "12345678"})}),
    "portal/sign-out/": Address({"POST": Door(PORTAL)}),
    "portal/new/": Address({"GET": Door(PORTAL), "POST": Door(PORTAL, {"subject": "New", "text": "Words"})}),
    "portal/tickets/<uuid:public_id>/": _portal("GET", _public_ticket),
    "portal/tickets/<uuid:public_id>/said/": _portal("GET", _public_ticket),
    "portal/tickets/<uuid:public_id>/reply/": _portal("POST", _public_ticket, text="Hello"),
    "portal/tickets/<uuid:public_id>/close/": _portal("POST", _public_ticket),
    "portal/tickets/<uuid:public_id>/reopen/": _portal("POST", _public_ticket),
    "portal/tickets/<uuid:public_id>/wait/": _portal("GET", _public_ticket),
    "portal/tickets/<uuid:public_id>/callback/": _portal("POST", _public_ticket, do="ask", phone="+493012345"),
    "portal/callback/<str:token>/": Address(
        {"GET": Door(PUBLIC), "POST": Door(PUBLIC, {"do": "cancel"})}, lambda rooms, side: {"token": "forged"}
    ),
    "portal/messages/<uuid:public_id>/frame/": _portal("GET", _message),
    "portal/files/<uuid:public_id>/": _portal("GET", _file),
    "portal/files/<uuid:public_id>/picture/": _portal("GET", _file),
    "portal/files/inline/<str:token>/": Address({"GET": Door(PUBLIC)}, lambda rooms, side: {"token": "forged"}),
}

#: Offers and wrap-ups are one's own: their walls are tested in tests/routing/test_desk_bar.py.
ADDRESSES |= {
    "routing/why/<int:number>/": _ticket("ticket.why", "GET"),
    "routing/tickets/<int:number>/callback/": _ticket("callback.ask", phone="+493012345"),
    "routing/tickets/<int:number>/callback/cancel/": _ticket("callback.ask"),
    "routing/tickets/<int:number>/callback/result/": _ticket("offer.answer", result="reached"),
    "routing/what-if/": Address({"GET": Door("what_if.run")}),
    "routing/what-if/simulate/": Address({"GET": Door("what_if.run"), "POST": Door("what_if.run", {"do": "make"})}),
    "routing/what-if/staffing/": Address({"GET": Door("what_if.run")}),
    "routing/what-if/dry-run/": Address({"GET": Door("what_if.run"), "POST": Door("what_if.run")}),
    "routing/bar/": Address({"GET": Door("agent.own_state")}),
    "routing/state/": Address({"POST": Door("agent.own_state", {"state": "ready"})}),
    "routing/channels/": Address({"POST": Door("agent.own_state", {"channel": "mail"})}),
    "routing/sound/": Address({"POST": Door("agent.own_state", {"ring": "1"})}),
    "routing/break/": Address({"POST": Door("agent.own_state")}),
    "routing/break/end/": Address({"POST": Door("agent.own_state")}),
    "routing/wrapups/<int:pk>/done/": Address({"POST": Door(SIGNED_IN)}, _no_notification),
    "routing/wrapups/<int:pk>/extend/": Address({"POST": Door(SIGNED_IN)}, _no_notification),
    "routing/offers/<int:pk>/accept/": Address({"POST": Door(SIGNED_IN)}, _no_notification),
    "routing/offers/<int:pk>/decline/": Address({"POST": Door(SIGNED_IN)}, _no_notification),
    "routing/next/": Address({"POST": Door("work.pull")}),
    "routing/colleagues/": Address({"GET": Door("presence.view")}),
    "routing/tickets/<int:number>/transfer/": Address(
        {
            "GET": Door("ticket.transfer"),
            "POST": Door(
                "ticket.transfer",
                {"why": "Ask her"},
                lambda rooms, side: {
                    "to": f"agent-{(rooms.world.other_agent if side == 'foreign' else rooms.world.agent).pk}"
                },
            ),
        },
        _number,
    ),
}


def _item(rooms: Rooms, side: Side) -> dict[str, Any]:
    """The work item of the ticket on that side."""
    ticket = {"own": rooms.world.ticket, "foreign": rooms.world.foreign}.get(side)
    item = WorkItem.objects.filter(ticket=ticket).order_by("-pk").first() if ticket is not None else None
    return {"pk": item.pk if item is not None else 999_999}


def _agent(rooms: Rooms, side: Side) -> dict[str, Any]:
    return {"pk": {"own": rooms.world.agent.pk, "foreign": rooms.world.other_agent.pk, "missing": 999_999}[side]}


def _break(rooms: Rooms, side: Side) -> dict[str, Any]:
    """A break that the agent on that side has asked for."""
    if side == "missing":
        return {"pk": 999_999}
    reason, _made = NotReadyReason.objects.get_or_create(code="walk", defaults={"name": "Walk", "is_break": True})
    asked, _made = BreakRequest.objects.get_or_create(
        user_id=_agent(rooms, side)["pk"],
        state=BreakRequest.State.ASKED,
        defaults={"reason": reason, "minutes": 10, "asked_at": now()},
    )
    return {"pk": asked.pk}


#: The leads' board: its own page, for those who lead a team.
ADDRESSES |= {
    "board/": Address({"GET": Door("board.view")}),
    "board/parts/": Address({"GET": Door("board.view")}),
    "board/items/<int:pk>/": Address(
        {
            "GET": Door("work.move"),
            "POST": Door("work.move", wants=lambda rooms, side: {"agent": _agent(rooms, side)["pk"], "force": "1"}),
        },
        _item,
    ),
    "board/agents/<int:pk>/": Address(
        {"GET": Door("agent.set_state"), "POST": Door("agent.set_state", {"state": "ready"})}, _agent
    ),
    "board/breaks/<int:pk>/": Address({"POST": Door("break.decide", {"approve": "1"})}, _break),
}

#: Whole branches that answer for themselves: prefix -> who may come in. Each is walked too, by GET.
BRANCHES: dict[str, str] = {
    "accounts/": "allauth: public pages before sign-in, one's own account after it",
    "admin/": MANAGERS,
    "api/": "walked by tests/security/test_api_walk.py",
}

#: Frames of the staff socket -> what they need.
SOCKET_FRAMES: dict[str, str] = {"watch": "ticket.view", "unwatch": SIGNED_IN, "ping": SIGNED_IN, "beat": SIGNED_IN}
SOCKETS = {"ws/agent/"}

#: Commands are for those who have a shell on the server; they act as the system.
COMMANDS = {
    "audit_verify",
    "dispatcher",
    "explain_route",
    "import_mail",
    "poll_mail",
    "reindex_search",
    "seed_demo",
    "seed_volume",
    "simulate",
    "staffing",
    "run_worker",
}
