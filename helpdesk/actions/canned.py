"""Canned responses: used in a draft, kept and forgotten by their owner, taken over from a file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from helpdesk import access, blobs, canned, events
from helpdesk.actions import BadInput
from helpdesk.mail.filenames import default_name, safe_name
from helpdesk.models import Actor, Attachment, CannedFile, CannedResponse, Team, Ticket
from helpdesk.now import now
from helpdesk.queries.canned import own_field_names, values_for

_OWN_AT_MOST = 500
_TEXT_AT_MOST = 50_000
_NO_SHORTCUT = re.compile(r"[^\w-]+")


@dataclass(frozen=True)
class Used:
    """What goes into the draft: the text with its values, the places left open, the files as uploads."""

    text: str
    missing: tuple[str, ...]
    uploads: list[Attachment]


@dataclass(frozen=True)
class Entry:
    """A response as somebody entered it, before it is checked."""

    name: str = ""
    text: str = ""
    shortcut: str = ""
    folder: str = ""
    language: str = ""


@transaction.atomic
def use_response(*, response: CannedResponse, ticket: Ticket, actor: Actor) -> Used:
    """Fills a response in for the ticket, counts its use, and lays its files beside the draft as uploads.

    A file that already waits beside this draft is not laid there twice.
    """
    access.ensure(actor, "canned.use", ticket)
    filled = canned.fill(response.text, values_for(ticket, actor))
    CannedResponse.objects.filter(pk=response.pk).update(use_count=F("use_count") + 1, last_used_at=now())
    waiting = set(
        Attachment.objects.filter(ticket=ticket, message__isnull=True, uploaded_by=actor.user).values_list(
            "sha256", "name"
        )
    )
    uploads = [
        Attachment.objects.create(
            ticket=ticket,
            uploaded_by=actor.user,
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            created_at=now(),
        )
        for file in response.files.all()
        if (file.sha256, file.name) not in waiting
    ]
    return Used(filled.text, filled.missing, uploads)


@transaction.atomic
def save_response(
    *,
    actor: Actor,
    entry: Entry,
    response: CannedResponse | None = None,
    uploads: Iterable[Attachment] = (),
) -> CannedResponse:
    """Keeps a response of one's own; its files are those of `uploads` (of one's draft) besides what it has.

    Raises BadInput with a sentence for a name, shortcut or text that will not do.
    """
    access.ensure(actor, "canned.save")
    if response is not None and response.owner_id != actor.id:
        raise access.NotAllowed(_("This response belongs to your team; a manager changes it in the administration."))
    values = checked(entry)
    mine = CannedResponse.objects.filter(owner=actor.user)
    twin = mine.filter(shortcut=values["shortcut"], language=values["language"], team__isnull=True)
    if (twin.exclude(pk=response.pk) if response is not None else twin).exists():
        raise BadInput(_("You have a response with the shortcut “/%(word)s” already.") % {"word": values["shortcut"]})
    if response is None:
        if mine.count() >= _OWN_AT_MOST:
            raise BadInput(_("You have %(n)s responses; delete one first.") % {"n": _OWN_AT_MOST})
        response = CannedResponse(owner=actor.user)
    for key, value in values.items():
        setattr(response, key, value)
    response.save()
    for upload in uploads:
        CannedFile.objects.create(
            response=response,
            name=upload.name,
            content_type=upload.content_type,
            size=upload.size,
            sha256=upload.sha256,
        )
    return response


def keep_file(file: CannedFile, *, name: str, content_type: str, data: Iterable[bytes]) -> None:
    """Keeps the bytes of an uploaded file and enters them in the row, which the caller saves."""
    file.sha256, file.size = blobs.put_chunks(data)
    file.name = safe_name(name) or default_name(content_type, 1)
    file.content_type = (content_type or "application/octet-stream")[:150]


def delete_response(*, response: CannedResponse, actor: Actor) -> None:
    """Forgets a response of one's own; what was sent with it stays as it was sent."""
    access.ensure(actor, "canned.save")
    if response.owner_id != actor.id:
        raise access.NotAllowed(_("This response belongs to your team; a manager changes it in the administration."))
    response.delete()


def checked(entry: Entry) -> dict[str, str]:
    """The columns of a response, tidied: a shortcut is made from the name when none is given. Raises BadInput."""
    name, text = " ".join(entry.name.split())[:120], entry.text.replace("\x00", "").replace("\r\n", "\n").strip()
    language = entry.language.strip()
    if not name:
        raise BadInput(_("Give the response a name."))
    if not text:
        raise BadInput(_("Write the text of the response."))
    if len(text) > _TEXT_AT_MOST:
        raise BadInput(_("A response has at most %(n)s characters.") % {"n": _TEXT_AT_MOST})
    strange = canned.unknown(text, fields=own_field_names())
    if strange:
        raise BadInput(
            _("There is no variable %(name)s; type {{ in the text to choose one.") % {"name": canned.place(strange[0])}
        )
    word = _NO_SHORTCUT.sub("-", (entry.shortcut or name).strip().lower()).strip("-")[:40].strip("-")
    if not word:
        raise BadInput(_("A shortcut is one word of letters and figures."))
    if not re.fullmatch(r"([A-Za-z]{2,3}([-_][A-Za-z]{2,8})?)?", language):
        raise BadInput(_("A language is a code such as en, fa or zh."))
    path = "/".join(part for piece in entry.folder.split("/") if (part := " ".join(piece.split())))[:120]
    return {"name": name, "text": text, "shortcut": word, "folder": path, "language": language}


def exported(responses: Iterable[CannedResponse]) -> list[dict[str, Any]]:
    """Responses as plain data for a file; files themselves stay behind, owners too."""
    return [
        {
            "name": row.name,
            "shortcut": row.shortcut,
            "folder": row.folder,
            "language": row.language,
            "team": row.team.name if row.team is not None else "",
            "text": row.text,
        }
        for row in responses
    ]


@transaction.atomic
def take_over(*, actor: Actor, rows: Any) -> tuple[int, int]:
    """Takes responses over from what `exported` made: one with the same shortcut, language and team is changed.

    Returns how many were made and how many changed. All or nothing: raises BadInput naming the entry that will not do.
    """
    access.ensure(actor, "canned.share")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(_("The file holds no list of responses."))
    teams = {team.name: team for team in Team.objects.all()}
    made = 0
    for place, row in enumerate(rows, start=1):
        try:
            texts = {key: str(row.get(key) or "") for key in ("name", "text", "shortcut", "folder", "language")}
            values = checked(Entry(**texts))
            team_name = str(row.get("team") or "")
            if team_name and team_name not in teams:
                raise BadInput(_("There is no team called “%(name)s”.") % {"name": team_name[:100]})
        except BadInput as problem:
            raise BadInput(_("Entry %(n)s: %(problem)s") % {"n": place, "problem": problem}) from None
        _response, is_new = CannedResponse.objects.update_or_create(
            owner=None,
            team=teams.get(team_name),
            shortcut=values.pop("shortcut"),
            language=values.pop("language"),
            defaults=values,
        )
        made += is_new
    events.audit(actor, "cannedresponse.imported", None, {"made": made, "changed": len(rows) - made})
    return made, len(rows) - made
