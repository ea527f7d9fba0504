"""Starts the real demo mail server as a process of its own, on free ports and in a folder of the test."""

import re
import smtplib
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer with its text; redirects are not followed."""

    status: int
    text: str
    headers: dict[str, str]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


@dataclass
class RunningServer:
    """The process and how to talk to it."""

    process: subprocess.Popen[str]
    imap_port: int
    smtp_port: int
    page_port: int

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(10)

    def imap(self, user: str = "support@halden.example", password: str = "demo") -> IMAPClient:
        client = IMAPClient("127.0.0.1", self.imap_port, ssl=False, timeout=10)
        client.login(user, password)
        return client

    def inbox(self, user: str = "support@halden.example") -> dict[int, bytes]:
        """UIDs and raw mails of a mailbox."""
        with self.imap(user) as client:
            client.select_folder("INBOX", readonly=True)
            uids = client.search()
            return {uid: mail[b"BODY[]"] for uid, mail in client.fetch(uids, ["BODY.PEEK[]"]).items()} if uids else {}

    def smtp(self, message: EmailMessage, *, sender: str, recipients: list[str]) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10) as client:
            client.send_message(message, from_addr=sender, to_addrs=recipients)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.page_port}"

    def get(self, path: str, **headers: str) -> Answer:
        return self._open(urllib.request.Request(self.origin + path, headers=headers))

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        body = urllib.parse.urlencode(fields).encode()
        return self._open(
            urllib.request.Request(self.origin + path, data=body, headers={"Origin": self.origin, **headers})
        )

    def _open(self, request: urllib.request.Request) -> Answer:
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=10) as response:
                return Answer(response.status, response.read().decode("utf-8", "replace"), dict(response.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode("utf-8", "replace"), dict(error.headers))

    def token(self, address: str) -> str:
        """The token in the form for this person."""
        found = re.search(r'name="token" value="([0-9a-f]+)"', self.get(f"/write?as={address}").text)
        assert found
        return found[1]

    def write(self, address: str, **fields: str) -> Answer:
        """Send the write form as this person."""
        form = {"token": self.token(address), "as": address, "to": "support@halden.example", **fields}
        return self.post("/send", form)

    def thread(self, address: str, path: str) -> str:
        """The text of a page of this person without its markup."""
        return unescape(re.sub(r"<[^>]+>", " ", self.get(path).text))


def start_on(folder: Path) -> RunningServer:
    """Start a server that keeps its mail in this folder; whoever starts one ends it with `end`."""
    command = [sys.executable, "-m", "demo.mailserver", "--data-dir", str(folder)]
    command += ["--imap-port", "0", "--smtp-port", "0", "--page-port", "0"]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ports = dict(pair.split("=") for pair in process.stdout.readline().split()[3:])
    return RunningServer(process, int(ports["imap"]), int(ports["smtp"]), int(ports["page"]))


def end(server: RunningServer) -> None:
    """Kill the process if it still runs."""
    server.process.kill()
    server.process.wait(10)
    if server.process.stdout is not None:
        server.process.stdout.close()


StartServer = Callable[[], RunningServer]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start the server, as often as the test likes, always on the same folder."""
    started: list[RunningServer] = []

    def start() -> RunningServer:
        started.append(start_on(tmp_path))
        return started[-1]

    yield start
    for server in started:
        end(server)


@pytest.fixture
def server(start_server: StartServer) -> RunningServer:
    """One running server."""
    return start_server()
