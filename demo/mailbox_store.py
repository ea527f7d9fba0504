"""What the demo mail server keeps on disk: one SQLite file with the IMAP folders and the letters of the outside world.

A *mailbox* here is one IMAP folder of one user, with its UIDVALIDITY and its last UID; its mails never change but for
their flags. A *letter* is a mail as a person outside sees it: received (what the helpdesk sent out) or sent (what was
written on the page). Used by `demo.imap_backend`, `demo.post_office` and `demo.page`, the last from another thread,
hence the lock. A mail is on disk when `add_mail` or `add_letter` returns, so SMTP may answer 250 after it.
"""

import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

Direction = Literal["received", "sent"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mailbox (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, folder TEXT NOT NULL,
    uid_validity INTEGER NOT NULL, last_uid INTEGER NOT NULL DEFAULT 0, UNIQUE (owner, folder));
CREATE TABLE IF NOT EXISTS mail (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE, uid INTEGER NOT NULL,
    received_at TEXT NOT NULL, flags TEXT NOT NULL DEFAULT '', raw BLOB NOT NULL, PRIMARY KEY (mailbox_id, uid));
CREATE TABLE IF NOT EXISTS letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL, direction TEXT NOT NULL, return_path TEXT NOT NULL,
    arrived_at TEXT NOT NULL, read INTEGER NOT NULL DEFAULT 0, raw BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS letter_by_address ON letter (address, id);
"""


@dataclass(frozen=True)
class MailboxRow:
    """One IMAP folder: its numbers as RFC 3501 section 2.3.1.1 means them."""

    id: int
    owner: str
    folder: str
    uid_validity: int
    last_uid: int


@dataclass(frozen=True)
class MailRow:
    """One mail in an IMAP folder; `flags` are IMAP flags such as \\Seen."""

    uid: int
    received_at: datetime
    flags: frozenset[str]
    raw: bytes


@dataclass(frozen=True)
class Letter:
    """One mail of a person outside; `return_path` is the envelope sender, empty for <>."""

    id: int
    address: str
    direction: Direction
    return_path: str
    arrived_at: datetime
    read: bool
    raw: bytes


@dataclass(frozen=True)
class AddressCount:
    """An outside address with the number of its letters that came in, and of those not opened yet."""

    address: str
    received: int
    unread: int


class MailStore:
    """The SQLite file. Safe to use from several threads; raises sqlite3.Error when the disk refuses."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "mail.sqlite3", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Fold the journal into the file and close it; the store is not usable afterwards."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def secret(self) -> bytes:
        """A secret made once for this store, so that an open page still works after a restart."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secrets.token_hex(32),))
            row = db.execute("SELECT value FROM meta WHERE key = 'secret'").fetchone()
        return bytes.fromhex(row[0])

    # IMAP folders

    def open_mailbox(self, owner: str, folder: str) -> MailboxRow:
        """The folder with this name, made with a fresh UIDVALIDITY when it is missing."""
        with self._transaction() as db:
            query = "SELECT id, owner, folder, uid_validity, last_uid FROM mailbox WHERE owner = ? AND folder = ?"
            row = db.execute(query, (owner, folder)).fetchone()
            if row is None:
                last = db.execute("SELECT value FROM meta WHERE key = 'uid_validity'").fetchone()
                fresh = max(int(datetime.now(UTC).timestamp()), int(last[0]) + 1 if last else 0)
                db.execute("INSERT OR REPLACE INTO meta VALUES ('uid_validity', ?)", (str(fresh),))
                db.execute("INSERT INTO mailbox (owner, folder, uid_validity) VALUES (?, ?, ?)", (owner, folder, fresh))
                row = db.execute(query, (owner, folder)).fetchone()
        return MailboxRow(*row)

    def folders(self, owner: str) -> list[str]:
        """Names of the folders this user has."""
        with self._lock:
            rows = self._db.execute("SELECT folder FROM mailbox WHERE owner = ? ORDER BY id", (owner,)).fetchall()
        return [row[0] for row in rows]

    def delete_mailbox(self, owner: str, folder: str) -> None:
        """Remove a folder and its mails; one of the same name made later gets a higher UIDVALIDITY."""
        with self._transaction() as db:
            db.execute("DELETE FROM mailbox WHERE owner = ? AND folder = ?", (owner, folder))

    def rename_mailbox(self, owner: str, before: str, after: str) -> None:
        """Rename a folder, keeping its UIDs and UIDVALIDITY. Raises sqlite3.IntegrityError when `after` is taken."""
        with self._transaction() as db:
            db.execute("UPDATE mailbox SET folder = ? WHERE owner = ? AND folder = ?", (after, owner, before))

    def add_mail(self, mailbox_id: int, raw: bytes, received_at: datetime, flags: Iterable[str] = ()) -> int:
        """Store a mail and return its UID. UIDs only grow, also over restarts and deletions."""
        with self._transaction() as db:
            row = db.execute(
                "UPDATE mailbox SET last_uid = last_uid + 1 WHERE id = ? RETURNING last_uid", (mailbox_id,)
            ).fetchone()
            uid = int(row[0])
            db.execute(
                "INSERT INTO mail VALUES (?, ?, ?, ?, ?)",
                (mailbox_id, uid, received_at.isoformat(), " ".join(sorted(flags)), raw),
            )
        return uid

    def mails(self, mailbox_id: int) -> list[MailRow]:
        """All mails of a folder in the order of their UIDs."""
        with self._lock:
            rows = self._db.execute(
                "SELECT uid, received_at, flags, raw FROM mail WHERE mailbox_id = ? ORDER BY uid", (mailbox_id,)
            ).fetchall()
        return [
            MailRow(uid, datetime.fromisoformat(received_at), frozenset(flags.split()), raw)
            for uid, received_at, flags, raw in rows
        ]

    def set_flags(self, mailbox_id: int, uid: int, flags: Iterable[str]) -> None:
        """Replace the flags of a mail; nothing happens when it is gone."""
        with self._transaction() as db:
            db.execute(
                "UPDATE mail SET flags = ? WHERE mailbox_id = ? AND uid = ?",
                (" ".join(sorted(flags)), mailbox_id, uid),
            )

    def remove_mails(self, mailbox_id: int, uids: Iterable[int]) -> None:
        """Remove mails for good; their UIDs are not given out again."""
        with self._transaction() as db:
            db.executemany("DELETE FROM mail WHERE mailbox_id = ? AND uid = ?", [(mailbox_id, uid) for uid in uids])

    # the outside world

    def add_letter(self, address: str, direction: Direction, raw: bytes, return_path: str, arrived_at: datetime) -> int:
        """Store a letter of the person at `address` and return its id."""
        with self._transaction() as db:
            cursor = db.execute(
                "INSERT INTO letter (address, direction, return_path, arrived_at, read, raw) VALUES (?, ?, ?, ?, ?, ?)",
                (address.lower(), direction, return_path, arrived_at.isoformat(), direction == "sent", raw),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def letters(self, address: str) -> list[Letter]:
        """All letters of one person, oldest first."""
        return self._letters("address = ?", address.lower())

    def letter(self, address: str, letter_id: int) -> Letter | None:
        """One letter of this person; None when there is none, or it is somebody else's."""
        found = self._letters("address = ? AND id = ?", address.lower(), letter_id)
        return found[0] if found else None

    def _letters(self, where: str, *values: object) -> list[Letter]:
        query = (
            f"SELECT id, address, direction, return_path, arrived_at, read, raw FROM letter WHERE {where} ORDER BY id"  # noqa: S608 - `where` is one of two literals above
        )
        with self._lock:
            rows = self._db.execute(query, values).fetchall()
        return [
            Letter(id_, address, direction, return_path, datetime.fromisoformat(arrived_at), bool(read), raw)
            for id_, address, direction, return_path, arrived_at, read, raw in rows
        ]

    def mark_read(self, address: str, letter_ids: Iterable[int]) -> None:
        """The person has seen these letters."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE letter SET read = 1 WHERE address = ? AND id = ?",
                [(address.lower(), letter_id) for letter_id in letter_ids],
            )

    def addresses(self) -> list[AddressCount]:
        """Everybody outside who has sent or received a letter, latest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT address, sum(direction = 'received'), sum(direction = 'received' AND NOT read)"
                " FROM letter GROUP BY address ORDER BY max(id) DESC"
            ).fetchall()
        return [AddressCount(*row) for row in rows]

    def version(self, address: str) -> str:
        """Changes whenever a letter of this person arrives or is read; what the page polls."""
        with self._lock:
            row = self._db.execute(
                "SELECT coalesce(max(id), 0), coalesce(sum(read), 0) FROM letter WHERE address = ?", (address.lower(),)
            ).fetchone()
        return f"{row[0]}.{row[1]}"
