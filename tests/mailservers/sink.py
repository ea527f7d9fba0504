"""An SMTP server that keeps what it is given and follows a script of refusals."""

from __future__ import annotations

import asyncio
import email
import ssl
import threading
import time
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass(frozen=True)
class Caught:
    """A mail the sink accepted: envelope and the bytes as they came after dot-unstuffing."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        """Parsed."""
        parsed = email.message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def identifier(self) -> str:
        """Message-ID without brackets."""
        return str(self.mail["Message-ID"]).strip().strip("<>")


@dataclass
class Script:
    """What the sink does. Answers are SMTP lines; empty ones mean consent."""

    mail_from: str = ""
    recipients: dict[str, str] = field(default_factory=dict)  # address -> answer to RCPT
    data: str = ""  # answer after the dot
    greylist: bool = False  # every recipient is put off the first time
    hang_up_after_dot: bool = False  # keeps the mail and answers nothing
    hang_up_in_data: bool = False  # the line ends as soon as DATA begins
    slow_seconds: float = 0.0  # thinks this long after the dot
    mails_a_connection: int = 0  # then closes it


class Sink:
    """Listens on `port`; `caught` is what was accepted, in order. `script` may be changed at any time.

    With a certificate (files of certificate and key) it wants STARTTLS, or TLS from the first byte, and a sign-in.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        certificate: tuple[Path, Path] | None = None,
        tls_at_once: bool = False,
        smtputf8: bool = False,
    ) -> None:
        self.caught: list[Caught] = []
        self.script = Script()
        self.connections = 0
        self.hung_up = threading.Event()  # the line of `hang_up_in_data` is closed
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        outer = self

        class Server(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                outer.connections += 1
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                super().connection_lost(error)
                if outer.script.hang_up_in_data:
                    self.loop.call_soon(outer.hung_up.set)  # the socket itself is closed right after this call

            async def smtp_MAIL(self, arg: str) -> None:
                # our own demand for a sign-in: aiosmtpd takes a line that is TLS from its first byte for a plain one
                if login is not None and self.session is not None and not self.session.authenticated:
                    await self.push("530 5.7.0 Authentication required")
                    return
                await super().smtp_MAIL(arg)

            async def smtp_DATA(self, arg: str) -> None:
                if outer.script.hang_up_in_data:
                    await self.push("354 go on")
                    assert self.transport is not None
                    self.transport.close()
                    return
                await super().smtp_DATA(arg)

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
        if context is not None and certificate is not None:
            context.load_cert_chain(*certificate)
        offered = None if tls_at_once else context
        login = self._authenticate if certificate else None

        class Door(Controller):
            def factory(self) -> SMTP:
                return Server(
                    self.handler,
                    hostname="sink",
                    decode_data=False,
                    data_size_limit=None,
                    enable_SMTPUTF8=smtputf8,
                    tls_context=offered,
                    require_starttls=offered is not None,
                    authenticator=login,
                    auth_require_tls=offered is not None,
                )

        more: dict[str, Any] = {"ssl_context": context} if tls_at_once else {}
        self._controller = Door(self, hostname="127.0.0.1", port=port, ready_timeout=10, **more)
        self._controller.port = port

    def _authenticate(self, _server: Any, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        """Anybody with the password `correct-horse`."""
        return AuthResult(success=getattr(data, "password", b"") == b"correct-horse", handled=False)

    def __enter__(self) -> Sink:
        from tests.mailservers.ports import free_port

        self._controller.port = self._controller.port or free_port()
        self._controller.start()
        self.connections = 0  # the controller tries its own door
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    def by_identifier(self) -> dict[str, int]:
        """How often each Message-ID was accepted."""
        counts: dict[str, int] = {}
        for caught in list(self.caught):
            counts[caught.identifier] = counts.get(caught.identifier, 0) + 1
        return counts

    def wait_for(self, count: int, seconds: float = 30) -> None:
        """Returns when so many mails were accepted. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while len(self.caught) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.caught)} of {count} mails came")
            time.sleep(0.05)

    async def handle_MAIL(
        self, _server: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.script.mail_from:
            return self.script.mail_from
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if answer := self.script.recipients.get(address):
            return answer
        if self.script.greylist and address not in self._seen:
            self._seen.add(address)
            return "451 4.7.1 Greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Session, envelope: Envelope) -> str:
        if self.script.slow_seconds:
            await asyncio.sleep(self.script.slow_seconds)
        if self.script.data:
            return self.script.data
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        with self._lock:
            self.caught.append(Caught(envelope.mail_from or "", list(envelope.rcpt_tos), content))
        if self.script.hang_up_after_dot:
            server.transport.close()
            return "250 OK"
        if self.script.mails_a_connection and len(self.caught) % self.script.mails_a_connection == 0:
            asyncio.get_running_loop().call_later(0.01, server.transport.close)
        return "250 2.0.0 kept"
