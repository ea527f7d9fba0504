"""Rows of the past as time would have left them: mails at their own hours, replies as delivered. Nothing is sent.

Called by `demo.seed_week`.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from django.db import connection

from demo.seed_letters import Said
from helpdesk import events
from helpdesk.actions import lock
from helpdesk.mail import compose
from helpdesk.mail.tokens import plus_address
from helpdesk.models import SYSTEM, Kind, Message, OutgoingMail
from helpdesk.now import now

#: Tables whose rows a batch of mails wrote, the column of the hour, and what leads from a row to its mail's row `r`.
_HOURS = (
    ("helpdesk_rawmail", "received_at", "x.id = r.id"),
    ("helpdesk_ticket", "changed_at", "x.id = r.ticket_id"),
    ("helpdesk_ticketevent", "at", "x.ticket_id = r.ticket_id"),
    ("helpdesk_participant", "added_at", "x.ticket_id = r.ticket_id"),
    ("helpdesk_notification", "at", "x.ticket_id = r.ticket_id"),
    (
        "helpdesk_attachment",
        "created_at",
        "x.message_id IN (SELECT m.id FROM helpdesk_message m WHERE m.raw_mail_id = r.id)",
    ),
)


def set_hours(hours: dict[int, datetime], wrong: datetime) -> None:
    """What a batch wrote at the hour `wrong` was written at each mail's own hour (RawMail key -> hour). History only."""
    with connection.cursor() as cursor:
        for table, column, way in _HOURS:
            cursor.execute(
                f"UPDATE {table} x SET {column} = v.at FROM helpdesk_rawmail r, "  # noqa: S608 - constants of this file
                f"unnest(%s::bigint[], %s::timestamptz[]) v(id, at) WHERE r.id = v.id AND {way} AND x.{column} = %s",
                [list(hours), list(hours.values()), wrong],
            )


def note_as_sent(message: Message) -> Said:
    """Puts a reply's outbox row as the outbox leaves it after a delivery, at this hour of the clock. Nothing is sent."""
    outgoing = OutgoingMail.objects.select_related("mailbox", "ticket__customer", "message__author_user").get(
        message=message
    )
    mime = compose.build(outgoing, now())
    outgoing.mime, outgoing.mime_sha256 = mime, hashlib.sha256(mime).hexdigest()
    outgoing.state, outgoing.sent_at, outgoing.attempts = OutgoingMail.State.SENT, now(), 1
    outgoing.recipients = [{**r, "state": "sent", "answer": "250 2.0.0 Stored"} for r in outgoing.recipients]
    outgoing.save()
    data = {
        "message": message.pk,
        "outgoing": outgoing.pk,
        "recipients": len(outgoing.recipients),
        "may_be_doubled": False,
    }
    events.record(lock(outgoing.ticket), Kind.DELIVERED, actor=SYSTEM, data=data)
    box = outgoing.mailbox
    return Said(
        sender=f"{message.sender_name} ({box.from_name})",
        answer_to=plus_address(box.address, outgoing.ticket.number),
        mailbox=box.address,
        subject=outgoing.headers["Subject"],
        identifier=outgoing.identifier,
        references=tuple(re.findall(r"<([^>]+)>", outgoing.headers.get("References", ""))),
        text=compose.body_text(outgoing.message, box),
        at=now(),
        mime=mime,
    )
