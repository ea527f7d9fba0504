"""`python -m demo.mailserver`: IMAP, SMTP and the customers' page in one process, on loopback, for trying the helpdesk.

Started by `make run` and by tests. Settings come from the environment and may be overridden by options:
HELPDESK_DATA_DIR (default `var`), HELPDESK_DEMO_IMAP_PORT (8143), HELPDESK_DEMO_SMTP_PORT (8025),
HELPDESK_DEMO_PAGE_PORT (SMTP port + 1), HELPDESK_DEMO_DESK_URL (linked on the page). Port 0 takes any free one.

When all three listen it prints one line `demo mail ready imap=N smtp=N page=N` on standard output. Exit codes:
0 after SIGTERM or SIGINT, 2 when a port or the folder is in use or an option is wrong, with one sentence on stderr.
"""

import argparse
import asyncio
import errno
import fcntl
import ipaddress
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.accounts import AUTHSERV_ID, MAILBOX_PASSWORD, MAILBOXES
from demo.imap_backend import DemoImap
from demo.mailbox_store import MailStore
from demo.page import PageServer
from demo.page_backend import PageBackend
from demo.post_office import MAX_MAIL_BYTES, PostOffice, SmtpDoor, TolerantSmtp

USERS = {mailbox.user: MAILBOX_PASSWORD for mailbox in MAILBOXES}


class CannotStart(Exception):
    """The server cannot run here; the text is one sentence for the person who started it."""


@dataclass(frozen=True)
class Settings:
    """Where to listen and where to keep the mail; port 0 means any free port."""

    host: str
    imap_port: int
    smtp_port: int
    page_port: int
    folder: Path
    desk_url: str


def read_settings(arguments: Sequence[str]) -> Settings:
    """Options over environment over defaults. Exits with code 2 and a sentence when a value makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m demo.mailserver", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default: 127.0.0.1)")
    for name, default in (("imap", "8143"), ("smtp", "8025"), ("page", "")):
        variable = f"HELPDESK_DEMO_{name.upper()}_PORT"
        shown = default or "the SMTP port + 1"
        parser.add_argument(
            f"--{name}-port", default=os.environ.get(variable) or default, help=f"default: ${variable}, else {shown}"
        )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("HELPDESK_DATA_DIR") or "var"),
        help="mail is kept in demo-mail/ under this folder (default: $HELPDESK_DATA_DIR, else var)",
    )
    options = parser.parse_args(arguments)
    host = "127.0.0.1" if options.host == "localhost" else options.host
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        parser.error(f"--host {options.host} is not a loopback address; the passwords of this server are public.")

    def port(text: str, option: str) -> int:
        if not text.isdecimal() or int(text) > 65535:
            parser.error(f"{option} must be a number from 0 to 65535, not {text!r}.")
        return int(text)

    smtp_port = port(options.smtp_port, "--smtp-port")
    return Settings(
        host=host,
        imap_port=port(options.imap_port, "--imap-port"),
        smtp_port=smtp_port,
        page_port=port(options.page_port or str(smtp_port + 1 if smtp_port else 0), "--page-port"),
        folder=options.data_dir / "demo-mail",
        desk_url=os.environ.get("HELPDESK_DEMO_DESK_URL", ""),
    )


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the folder for this process: a second server would give out the same UIDs."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise CannotStart(f"The folder {folder} cannot be used: {error.strerror or error}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart(f"Another demo mail server is using {folder}; stop it first.") from error
        yield


def _cannot_listen(error: OSError, host: str, port: int, name: str) -> CannotStart:
    variable = f"HELPDESK_DEMO_{name.upper()}_PORT"
    if error.errno == errno.EADDRINUSE:
        return CannotStart(f"Port {port} on {host} ({name}) is taken by another program; set {variable} to a free one.")
    return CannotStart(f"Cannot listen on port {port} of {host} ({name}): {error.strerror or error}.")


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises CannotStart when a port is taken."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    store = MailStore(settings.folder)
    servers: list[asyncio.Server] = []
    page: PageServer | None = None
    try:
        imap = DemoImap(store, USERS)
        office = PostOffice(store, imap)
        door = SmtpDoor(office, USERS)

        def smtp() -> TolerantSmtp:
            return TolerantSmtp(
                door,
                data_size_limit=MAX_MAIL_BYTES,
                enable_SMTPUTF8=True,
                hostname=AUTHSERV_ID,
                ident="Halden demo",
                auth_require_tls=False,
                authenticator=door.authenticate,
                loop=loop,
            )

        try:
            servers.append(await imap.start(settings.host, settings.imap_port))
        except OSError as error:
            raise _cannot_listen(error, settings.host, settings.imap_port, "imap") from error
        try:
            servers.append(await loop.create_server(smtp, settings.host, settings.smtp_port))
        except OSError as error:
            raise _cannot_listen(error, settings.host, settings.smtp_port, "smtp") from error
        try:
            page = PageServer(settings.host, settings.page_port, PageBackend(store, office, loop, settings.desk_url))
        except OSError as error:
            raise _cannot_listen(error, settings.host, settings.page_port, "page") from error
        page.start()
        ports = [server.sockets[0].getsockname()[1] for server in servers]
        print(f"demo mail ready imap={ports[0]} smtp={ports[1]} page={page.port}", flush=True)
        await stop.wait()
    finally:
        for server in servers:
            server.close()
        if page is not None:
            await asyncio.to_thread(page.stop)
        store.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    settings = read_settings(sys.argv[1:] if arguments is None else arguments)
    try:
        with _only_one(settings.folder):
            asyncio.run(serve(settings))
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
