"""An IMAP server of a few lines that misbehaves on purpose: drips, stalls, hangs up, refuses a mail."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from types import TracebackType

_COMMAND = re.compile(rb"(\S+) (UID )?([A-Za-z]+) ?(.*)\r\n")


class StubImap:
    """Serves `mails` (UID -> raw) in INBOX to anybody. `behaviour`:

    `good`, `silent` (accepts and says nothing), `drip` (greets one byte a second), `stall` (good until the first FETCH of a
    body, then nothing), `hangup` (the line ends in the middle of a body), `refuse` (says NO whenever UID `bad` is asked for),
    `empty` (answers for UID `bad` without a body).
    """

    def __init__(self, mails: dict[int, bytes], behaviour: str = "good", *, bad: int = 0, uidvalidity: int = 1) -> None:
        self.mails, self.behaviour, self.bad, self.uidvalidity = mails, behaviour, bad, uidvalidity
        self.commands: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._over = threading.Event()

    def __enter__(self) -> StubImap:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _peer = self._listener.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), line:
            if self.behaviour == "silent":
                self._over.wait(120)
                return
            if self.behaviour == "drip":
                for byte in b"* OK " + b"x" * 500:
                    line.sendall(bytes([byte]))
                    if self._over.wait(0.2):
                        return
            line.sendall(b"* OK ready\r\n")
            file = line.makefile("rb")
            while (said := file.readline()) and not self._over.is_set():
                match = _COMMAND.match(said)
                if match is None:
                    return
                tag, _uid, verb, rest = match.groups()
                self.commands.append(f"{verb.decode().upper()} {rest.decode()}")
                if not self._answer(line, tag, verb.upper(), rest):
                    return

    def _answer(self, line: socket.socket, tag: bytes, verb: bytes, rest: bytes) -> bool:
        said: list[bytes] = []
        following = max(self.mails, default=0) + 1
        if verb == b"CAPABILITY":
            said.append(b"* CAPABILITY IMAP4rev1")
        elif verb == b"STATUS":
            said.append(b"* STATUS INBOX (UIDVALIDITY %d UIDNEXT %d)" % (self.uidvalidity, following))
        elif verb in {b"SELECT", b"EXAMINE"}:
            said += [b"* %d EXISTS" % len(self.mails), b"* OK [UIDVALIDITY %d] x" % self.uidvalidity]
            said.append(b"* OK [UIDNEXT %d] x" % following)
        elif verb == b"SEARCH":
            said.append(b"* SEARCH " + b" ".join(b"%d" % uid for uid in sorted(self.mails)))
        elif verb == b"FETCH":
            return self._fetch(line, tag, rest)
        elif verb == b"LOGOUT":
            line.sendall(b"* BYE\r\n" + tag + b" OK\r\n")
            return False
        line.sendall(b"".join(part + b"\r\n" for part in said) + tag + b" OK done\r\n")
        return True

    def _fetch(self, line: socket.socket, tag: bytes, rest: bytes) -> bool:
        words, _space, what = rest.partition(b" ")
        uids = [int(word) for word in re.findall(rb"\d+", words)] if b":" not in words else _span(words)
        uids = [uid for uid in uids if uid in self.mails]
        if b"BODY" in what:
            if self.behaviour == "stall":
                self._over.wait(120)
                return False
            if self.behaviour == "refuse" and self.bad in uids:
                line.sendall(tag + b" NO [SERVERBUG] Internal error occurred\r\n")
                return True
        for uid in uids:
            number = sorted(self.mails).index(uid) + 1
            mail = self.mails[uid]
            if b"BODY" not in what:
                line.sendall(b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (number, uid, len(mail)))
            elif self.behaviour == "empty" and uid == self.bad:
                line.sendall(b"* %d FETCH (UID %d FLAGS ())\r\n" % (number, uid))
            elif self.behaviour == "hangup":
                line.sendall(b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (number, uid, len(mail)) + mail[: len(mail) // 2])
                time.sleep(0.05)
                return False
            else:
                line.sendall(b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (number, uid, len(mail)) + mail + b")\r\n")
        line.sendall(tag + b" OK done\r\n")
        return True


def _span(words: bytes) -> list[int]:
    found: list[int] = []
    for part in words.split(b","):
        first, _colon, last = part.partition(b":")
        found += range(int(first), int(last or first) + 1)
    return found
