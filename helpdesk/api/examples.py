"""The examples of the OpenAPI document, by operation. tests/api/test_examples.py makes the world they speak of and sends
each request as it stands, so an example that stops working fails the suite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TICKET = "8f14e45f-ceea-467f-a0e6-2b4c1d3e5f60"
CUSTOMER = "c9f0f895-fb98-4b91-9f2a-7c6d5e4f3a2b"
MESSAGE = "45c48cce-2e2d-4fbd-ae1a-fc51c7c6ad26"
ATTACHMENT = "d3d94468-02a4-4259-b55d-38e6d163e820"
OTHER_TICKET = "1f0e3dad-9990-4345-b743-9f8ffabdffc4"
MERGED_TICKET = "98f13708-2101-44c4-b568-7be6106a3b84"
PARENT_TICKET = "3c59dc04-8e88-4024-b8be-7c6d0d1c4a4f"
TWIN = "aab32389-22bc-4c25-af6f-6eb525ffdc56"
MERGED_CUSTOMER = "9bf31c7f-f062-436a-96d3-c8bd1f8f2ff3"
NOTE = "b6d767d2-f8ed-4d21-a44b-0e5886680cb9"
UPLOAD = "6512bd43-d9ca-46e0-8c99-0b0a82652dca"
QUEUE, OTHER_QUEUE, OWNER, ISSUE_TYPE = 3, 4, 12, 5


@dataclass(frozen=True)
class Example:
    """One call. `parameters` are path and query values by name; `status` is the answer's."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    request: Any = None
    status: int = 200
    response: Any = None


_ONE_TICKET = {"id": TICKET}
_CUSTOMER_SHOWN = {
    "id": CUSTOMER,
    "name": "Ann Example",
    "organisation": {"id": 7, "name": "Example Shop"},
    "tier": "gold",
    "language": "en",
    "time_zone": "Europe/Berlin",
    "country": "DE",
    "addresses": [{"kind": "email", "value": "ann@shop.example", "is_primary": True, "bounced_at": None}],
    "fields": {},
    "notes": "",
    "is_blocked": False,
    "created_at": "2026-03-02T08:15:00Z",
}
_TICKET_SHOWN = {
    "id": TICKET,
    "number": 1042,
    "url": "https://help.example.com/tickets/1042/",
    "subject": "The dock does not charge",
    "status": "open",
    "label": None,
    "priority": "normal",
    "channel": "mail",
    "language": "en",
    "queue": {"id": QUEUE, "name": "Hardware"},
    "owner": {"id": OWNER, "name": "Sara Agent"},
    "customer": {"id": CUSTOMER, "name": "Ann Example"},
    "issue_type": None,
    "tags": ["dock", "power"],
    "fields": {"serial": "HD-2204"},
    "merged_into": None,
    "snippet": "The light stays red whatever I plug in.",
    "message_count": 1,
    "seq": 7,
    "opened_at": "2026-03-02T08:15:00Z",
    "changed_at": "2026-03-02T08:21:40Z",
    "customer_wrote_at": "2026-03-02T08:15:00Z",
    "waiting_since_at": "2026-03-02T08:15:00Z",
    "first_replied_at": None,
    "snoozed_until_at": None,
    "resolved_at": None,
    "closed_at": None,
    "due_at": None,
    "included": None,
}
_FILE_SHOWN = {
    "id": ATTACHMENT,
    "message": MESSAGE,
    "name": "photo.jpg",
    "content_type": "image/jpeg",
    "size": 48213,
    "is_inline": False,
    "created_at": "2026-03-02T08:15:00Z",
    "content_url": f"/api/v1/attachments/{ATTACHMENT}/content/",
}
_EVENT_SHOWN = {
    "position": 90211,
    "ticket": TICKET,
    "number": 1042,
    "seq": 7,
    "type": "ticket.assigned",
    "is_public": True,
    "actor": {"kind": "agent", "user": OWNER, "customer": None},
    "at": "2026-03-02T08:21:40Z",
    "data": {"owner": OWNER, "previous": None},
}


def _page(*rows: Any, cursor: str | None = None) -> dict[str, Any]:
    return {"data": list(rows), "meta": {"has_more": False, "after_cursor": cursor}, "links": {"next": None}}


EXAMPLES: dict[str, Example] = {
    "tickets_list": Example(
        {"status": ["new", "open"], "queue": QUEUE, "owner": "none", "page[size]": 50, "include": ["customer"]}
    ),
    "tickets_retrieve": Example({**_ONE_TICKET, "include": ["customer", "messages"]}, response=_TICKET_SHOWN),
    "tickets_create": Example(
        request={
            "queue": QUEUE,
            "subject": "Broken zip",
            "text": "The zip of my bag broke on the first day.",
            "email": "ben@shop.example",
            "name": "Ben Buyer",
            "priority": "high",
        },
        status=201,
    ),
    "tickets_partial_update": Example(
        _ONE_TICKET,
        {"priority": "urgent", "add_tags": ["refund"], "fields": {"serial": "HD-2204"}, "issue_type": ISSUE_TYPE},
    ),
    "tickets_status": Example(_ONE_TICKET, {"status": "resolved"}),
    "tickets_assign": Example(_ONE_TICKET, {"owner": OWNER}),
    "tickets_unassign": Example(_ONE_TICKET),
    "tickets_move": Example(_ONE_TICKET, {"queue": OTHER_QUEUE}),
    "tickets_merge": Example(_ONE_TICKET, {"sources": [OTHER_TICKET]}),
    "tickets_unmerge": Example({"id": MERGED_TICKET}),
    "tickets_split": Example(_ONE_TICKET, {"messages": [NOTE], "subject": "The second question"}, 201),
    "tickets_move_messages": Example(_ONE_TICKET, {"messages": [NOTE], "ticket": OTHER_TICKET}),
    "tickets_links": Example(_ONE_TICKET),
    "tickets_link": Example(_ONE_TICKET, {"ticket": OTHER_TICKET, "kind": "related"}),
    "tickets_unlink": Example(_ONE_TICKET, {"ticket": PARENT_TICKET, "kind": "child"}),
    "messages_list": Example({**_ONE_TICKET, "with_total": "1"}),
    "messages_retrieve": Example({**_ONE_TICKET, "message": MESSAGE}),
    "messages_reply": Example(
        _ONE_TICKET,
        {
            "text": "Please try another cable; if the light stays red, we send a new dock.",
            "attachments": [UPLOAD],
            "then_status": "pending",
        },
        201,
    ),
    "messages_note": Example(_ONE_TICKET, {"text": "Third dock of this batch. Ask the supplier."}, 201),
    "attachments_create": Example(_ONE_TICKET, status=201),
    "attachments_retrieve": Example({"id": ATTACHMENT}, response=_FILE_SHOWN),
    "attachments_content": Example({"id": ATTACHMENT}),
    "customers_list": Example({"email": "ann@shop.example"}, response=_page(_CUSTOMER_SHOWN, cursor="WyJBbm4iLCI5Il0")),
    "customers_retrieve": Example({"id": CUSTOMER}, response=_CUSTOMER_SHOWN),
    "customers_partial_update": Example({"id": CUSTOMER}, {"tier": "vip", "time_zone": "Asia/Tehran"}),
    "customers_merge": Example({"id": CUSTOMER}, {"source": TWIN, "choices": {"name": "target"}}),
    "customers_unmerge": Example({"id": CUSTOMER}, {"source": MERGED_CUSTOMER}),
    "events_list": Example({"after": 0, "page[size]": 100}, response=_page(_EVENT_SHOWN, cursor="90211")),
    "ticket_routing_retrieve": Example(_ONE_TICKET),
    "ticket_events_list": Example({**_ONE_TICKET, "after": 0}),
    "queues_list": Example(
        response=_page(
            {"id": QUEUE, "name": "Hardware", "team": {"id": 2, "name": "Hardware"}, "is_active": True},
            cursor="WyIzIl0",
        )
    ),
    "tags_list": Example(response=_page({"id": 1, "name": "refund", "description": ""}, cursor="WyJyZWZ1bmQiLCIxIl0")),
    "issue_types_list": Example(response=_page({"id": ISSUE_TYPE, "name": "Power", "parent": None}, cursor="WyI1Il0")),
    "users_list": Example(response=_page({"id": OWNER, "name": "Sara Agent", "role": "agent"}, cursor="WyIxMiJd")),
    "users_me": Example(),
}
