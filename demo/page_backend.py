"""What the customers' page does, apart from HTTP: who writes, their threads, sending, the tokens of its forms.

`demo.page` owns one `PageBackend` and calls it from the threads of its requests; deliveries run in the event loop of
the mail server.
"""

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from demo.accounts import ACCOUNTS
from demo.cast import CAST
from demo.letter_view import ThreadView, threads_of, view_of
from demo.letters import RefusedLetter, Writer, checked_address, checked_line
from demo.mailbox_store import MailStore
from demo.page_html import LANGUAGE_NAMES, PersonRow
from demo.post_office import PostOffice

DELIVERY_SECONDS = 20
_CAST_BY_ADDRESS = {member.email: member for member in CAST}
_STAFF_BY_ADDRESS = {account.email: account for account in ACCOUNTS}


def writer_of(address: str, name: str) -> Writer:
    """Who has this address: one of the cast, staff, or a person of the visitor's own making.

    Raises RefusedLetter when the address or the name cannot stand in a header.
    """
    address = checked_address(address).lower()
    if address in _CAST_BY_ADDRESS:
        member = _CAST_BY_ADDRESS[address]
        return Writer(member.name, address, member.language)
    if address in _STAFF_BY_ADDRESS:
        return Writer(_STAFF_BY_ADDRESS[address].name, address)
    return Writer(checked_line(name, "The name", 120) or address.partition("@")[0], address)


class PageBackend:
    """The mail of the people outside, as the page needs it. Safe to call from several threads."""

    def __init__(self, store: MailStore, office: PostOffice, loop: asyncio.AbstractEventLoop, desk_url: str) -> None:
        self.store = store
        self.desk_url = desk_url
        self._office = office
        self._loop = loop
        self._secret = store.secret()

    def token(self, address: str) -> str:
        """What a form must carry to be believed, good for one person; survives restarts."""
        return hmac.new(self._secret, b"form:" + address.lower().encode(), hashlib.sha256).hexdigest()

    def send(self, message: EmailMessage, *, envelope_sender: str, recipient: str, copy_for: str = "") -> int:
        """Hand a mail to the post office and keep a copy among the letters of `copy_for`; returns its id, or 0.

        Raises RefusedLetter when the helpdesk has no such address: customers write to nobody else here.
        """
        if not self._office.is_ours(recipient):
            raise RefusedLetter(f"{recipient} is no address of the helpdesk.")
        raw = message.as_bytes(policy=SMTP)
        delivery = self._office.deliver(
            raw,
            sender=envelope_sender,
            recipients=[recipient],
            came_by="the customers' page with HTTP",
            dmarc_pass=str(message["From"].addresses[0].domain),
        )
        asyncio.run_coroutine_threadsafe(delivery, self._loop).result(DELIVERY_SECONDS)
        if not copy_for:
            return 0
        return self.store.add_letter(copy_for, "sent", raw, envelope_sender, datetime.now(UTC))

    def threads(self, writer: Writer) -> list[ThreadView]:
        """The mail of one person, in threads, latest first."""
        return threads_of(view_of(letter) for letter in self.store.letters(writer.address))

    def people(self, writer: Writer) -> list[PersonRow]:
        """The cast of the page, then everybody else who has mail, then the person shown when new."""
        counts = {count.address: count for count in self.store.addresses()}
        shown = {member.email for member in CAST if member.on_page}
        rows = []
        for member in CAST:
            if member.on_page or member.email in counts or member.email == writer.address:
                shown.add(member.email)
                count = counts.get(member.email)
                detail = f"{LANGUAGE_NAMES.get(member.language, member.language)}, {member.tier}"
                who = Writer(member.name, member.email, member.language)
                rows.append(PersonRow(who, count.unread if count else 0, detail))
        for address, count in counts.items():
            if address not in shown:
                shown.add(address)
                staff = _STAFF_BY_ADDRESS.get(address)
                name = staff.name if staff else writer.name if address == writer.address else address
                rows.append(PersonRow(Writer(name, address), count.unread, "staff" if staff else address))
        if writer.address not in shown:
            rows.append(PersonRow(writer, 0, writer.address))
        return rows
