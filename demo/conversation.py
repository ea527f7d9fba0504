"""The shape of a conversation of the demo week, and short words to write one down.

Times are hours: a conversation opened `hours_ago` before the seeding, each turn is `hours` after that opening, so the
demo always looks like the week that has just passed. Used by the `demo.week_*` files; readers take `demo.week`.
"""

from dataclasses import dataclass
from typing import Literal

Priority = Literal["low", "normal", "high", "urgent"]
Status = Literal["new", "open", "pending", "on_hold", "snoozed", "resolved", "closed", "spam"]
Queue = Literal["Hardware", "Billing", "Orders and delivery", "Returns"]
Channel = Literal["mail", "form", "phone"]
Kind = Literal["public", "note"]

CUSTOMER = "customer"

TAGS: tuple[str, ...] = (
    "charging",
    "firmware",
    "battery",
    "screen",
    "audio",
    "wifi",
    "warranty",
    "refund",
    "invoice",
    "charged twice",
    "payment failed",
    "delivery late",
    "damaged",
    "wrong item",
    "address change",
    "return",
    "exchange",
    "may leave",
    "praise",
    "how to",
)


@dataclass(frozen=True)
class Turn:
    """One message. `author` is CUSTOMER or the first name of one of `demo.accounts`; a note stays inside."""

    author: str
    hours: float
    text: str
    kind: Kind = "public"
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conversation:
    """One ticket of the week. `customer` is a key of `demo.cast`; `owner` a first name, empty for nobody."""

    customer: str
    subject: str
    language: str
    queue: Queue
    hours_ago: float
    turns: tuple[Turn, ...]
    status: Status
    owner: str = ""
    priority: Priority = "normal"
    tags: tuple[str, ...] = ()
    channel: Channel = "mail"


def asks(hours: float, text: str, *files: str) -> Turn:
    """The customer writes."""
    return Turn(CUSTOMER, hours, text, files=files)


def says(author: str, hours: float, text: str, *files: str) -> Turn:
    """A member of staff answers the customer."""
    return Turn(author, hours, text, files=files)


def notes(author: str, hours: float, text: str) -> Turn:
    """A member of staff writes to colleagues."""
    return Turn(author, hours, text, "note")
