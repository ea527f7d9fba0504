"""Sentences of the pure cores: English with the message and its parts kept beside it, so that the edge can translate them.

A core raises `Refused(gettext_noop("%(where)s is no date."), where=…)`. Commands and logs print it as it stands; pages say it in
the reader's language by helpdesk.said. Pure: no Django. `gettext_noop` is the mark by which messages are collected.
"""

from __future__ import annotations

from typing import Any


def gettext_noop(message: str) -> str:
    """Marks a message for the catalogues and gives it back as it is."""
    return message


class Phrase(str):
    """A text that knows the message and the parts it was made of; parts may be phrases again."""

    __slots__ = ("message", "params")
    message: str
    params: dict[str, Any]

    def __new__(cls, message: str, **params: Any) -> Phrase:
        """`message` with its places %(name)s filled."""
        made = super().__new__(cls, message % params)
        made.message, made.params = message, params
        return made


class Refused(ValueError):
    """What somebody wrote cannot be used; `phrase` says why and what to do."""

    def __init__(self, message: str, **params: Any) -> None:
        self.phrase = Phrase(message, **params)
        super().__init__(str(self.phrase))
