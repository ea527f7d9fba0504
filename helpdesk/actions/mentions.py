"""People named in a note: `@` and the name of a colleague who may see the ticket. Called by the writing of notes."""

from __future__ import annotations

import unicodedata

from helpdesk.models import Mention, Message, Ticket, User
from helpdesk.queries.colleagues import people_who_see

_AT_MOST = 50


def mentioned_in(text: str, ticket: Ticket) -> list[User]:
    """The colleagues named in the text, in order of their names' length: “@Ann Lee” is not also “@Ann”.

    Who may not see the ticket is nobody here; two of the same name are both meant.
    """
    if "@" not in text:
        return []
    rest = _folded(text)
    found: list[User] = []
    people = sorted(people_who_see(ticket), key=lambda person: (-len(person.name), person.pk))
    for name in dict.fromkeys(_folded(person.name) for person in people if person.name.strip()):
        if _names(rest, name):
            rest = rest.replace(f"@{name}", "\0")
            found += [person for person in people if _folded(person.name) == name]
    return found[:_AT_MOST]


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _names(text: str, name: str) -> bool:
    """Whether `@name` stands in the text as a word of its own."""
    at = text.find(f"@{name}")
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(name) + 1 :][:1]
        if not (before.isalnum() or after.isalnum() or after == "_"):
            return True
        at = text.find(f"@{name}", at + 1)
    return False


def write_mentions(message: Message, people: list[User]) -> None:
    """Keeps who was named in a note just written; each is told once, however often he is named."""
    Mention.objects.bulk_create(
        [Mention(user=person, ticket=message.ticket, message=message, at=message.created_at) for person in people],
        ignore_conflicts=True,
    )
