"""The IMAP side of the demo mail server: pymap's in-memory backend, made to keep its mails in `demo.mailbox_store`.

pymap's own Maildir backend keeps UIDs in a file beside the mails and gives a mail its UID only when a client looks, so
a delivery cannot say which UID it made. Here the store gives the UID and the UIDVALIDITY, in one transaction with the
mail, and memory is loaded from it at start; a client sees the same numbers after any restart. Used by
`demo.mailserver` (which starts it) and `demo.post_office` (which delivers through `folder`).
"""

import asyncio
import dataclasses
from argparse import Namespace
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend.dict import Config, Identity, Login, Session
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import LoadedMessage, MailboxData, MailboxSet, Message
from pymap.exceptions import InvalidAuth
from pymap.flags import FlagOp
from pymap.imap import IMAPServer
from pymap.interfaces.message import CachedMessage
from pymap.mime import MessageContent
from pymap.parsing.message import AppendMessage
from pymap.parsing.response.fetch import BodyStructure, EnvelopeStructure
from pymap.parsing.specials import FetchRequirement, ObjectId
from pymap.parsing.specials.flag import Flag
from pymap.user import UserMetadata
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext

from demo.mailbox_store import MailRow, MailStore


class _LoadedMail(LoadedMessage):
    """A mail whose structure never fails to be told: broken dates and addresses would cut the client's connection."""

    @classmethod
    def _get_envelope_structure(cls, msg: MessageContent) -> EnvelopeStructure:
        try:
            structure = super()._get_envelope_structure(msg)
            bytes(structure)
        except Exception:  # noqa: BLE001 - pymap raises many things on headers that cannot be parsed
            return EnvelopeStructure.empty()
        return structure

    def get_body_structure(self) -> BodyStructure:
        try:
            structure = super().get_body_structure()
            bytes(structure)
        except Exception:  # noqa: BLE001 - as above
            return BodyStructure.empty()
        return structure


class _StoredMail(Message):
    async def load_content(self, requirement: FetchRequirement) -> LoadedMessage:
        return _LoadedMail(self, requirement, self._content)


class StoredFolder(MailboxData):
    """One IMAP folder whose mails, flags, UIDs and UIDVALIDITY live in the store."""

    def __init__(self, set_: "StoredFolderSet", name: str) -> None:
        super().__init__(set_._content_cache, set_._thread_cache)
        self._store = set_.store
        row = self._store.open_mailbox(set_.owner, name)
        self._row_id = row.id
        self._uid_validity = row.uid_validity
        self._max_uid = row.last_uid
        for mail in self._store.mails(row.id):
            self._take(mail)

    def _take(self, mail: MailRow) -> Message:
        content = MessageContent.parse(mail.raw)
        message = _StoredMail(
            mail.uid,
            mail.received_at,
            frozenset(Flag(flag.encode()) for flag in mail.flags),
            email_id=self._content_cache.add(content),
            thread_id=self._thread_cache.add(content),
            content=content,
        )
        self._messages[mail.uid] = message
        self._max_uid = max(self._max_uid, mail.uid)
        self._mod_sequences.update([mail.uid])
        return message

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        """Store a mail, then show it to clients. Raises what the parser raises, before anything is stored."""
        raw = bytes(append_msg.literal)
        MessageContent.parse(raw)
        when = append_msg.when or datetime.now(UTC)
        flags = frozenset(bytes(flag).decode("ascii", "replace") for flag in append_msg.flag_set)
        async with self.messages_lock.write_lock():
            uid = self._store.add_mail(self._row_id, raw, when, flags)
            message = self._take(MailRow(uid, when, flags, raw))
            message.recent = recent
            self._updated.set()
        return message

    async def _take_copy(self, message: Message, *, recent: bool) -> int:
        content = message._content
        assert content is not None
        copied = await self.append(
            AppendMessage(bytes(content), message.internal_date, message.permanent_flags), recent=recent
        )
        return copied.uid

    async def copy(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        message = self._messages.get(uid)
        if message is None or not isinstance(destination, StoredFolder):
            return None
        return await destination._take_copy(message, recent=recent)

    async def move(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        moved = await self.copy(uid, destination, recent=recent)
        if moved is not None:
            await self.delete([uid])
        return moved

    async def update(self, uid: int, cached_msg: CachedMessage, flag_set: frozenset[Flag], mode: FlagOp) -> Message:
        message = await super().update(uid, cached_msg, flag_set, mode)
        flags = [bytes(flag).decode("ascii", "replace") for flag in message.permanent_flags]
        self._store.set_flags(self._row_id, uid, flags)
        return message

    async def delete(self, uids: Iterable[int]) -> None:
        gone = list(uids)
        self._store.remove_mails(self._row_id, gone)
        await super().delete(gone)


class StoredFolderSet(MailboxSet):
    """All folders of one user."""

    def __init__(self, store: MailStore, owner: str) -> None:
        super().__init__()
        self.store = store
        self.owner = owner
        self._inbox: StoredFolder = StoredFolder(self, "INBOX")
        for name in store.folders(owner):
            if name != "INBOX":
                self._set[name] = StoredFolder(self, name)

    @property
    def inbox(self) -> StoredFolder:
        return self._inbox

    async def add_mailbox(self, name: str) -> ObjectId:
        if name in self._set:
            raise ValueError(name)
        self._set[name] = folder = StoredFolder(self, name)
        return folder.mailbox_id

    async def delete_mailbox(self, name: str) -> None:
        await super().delete_mailbox(name)
        self.store.delete_mailbox(self.owner, name)

    async def rename_mailbox(self, before: str, after: str) -> None:
        """Rename a folder with those inside it. Renaming INBOX itself is refused: the demo needs it."""
        if before.upper() == "INBOX" or after in self._set:
            raise ValueError(after)
        if before not in self._set:
            raise KeyError(before)
        for name in [name for name in self._set if name == before or name.startswith(before + self.delimiter)]:
            new_name = after + name[len(before) :]
            self.store.rename_mailbox(self.owner, name, new_name)
            self._set[new_name] = self._set.pop(name)


class _StoredIdentity(Identity):
    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[Session]:
        user = await self.get()
        assert isinstance(self.login, StoredLogin)
        yield Session(user.name, self.config, self.login.folders[user.name], FilterSet())


class _User(UserMetadata):
    def compare_authcid(self, authcid: str) -> bool:
        return super().compare_authcid(authcid.lower())


class StoredLogin(Login):
    """Knows the users of the demo and holds their folders; addresses log in whatever their case."""

    def __init__(self, config: Config, store: MailStore, users: dict[str, str]) -> None:
        super().__init__(config)
        self.folders = {name.lower(): StoredFolderSet(store, name.lower()) for name in users}
        for name, password in users.items():
            user = _User(config, name.lower(), password=password)
            self.users_dict[name.lower()] = dataclasses.replace(user, entity_tag=UserMetadata.new_entity_tag())

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        identity = _StoredIdentity(credentials.authcid.lower(), self, None, frozenset())
        user = self.users_dict.get(identity.name)
        if user is None or not credentials.verify(user):
            await asyncio.sleep(self.config.invalid_user_sleep)
            raise InvalidAuth()
        return identity

    async def authorize(self, authenticated: Any, authzid: str) -> Identity:
        identity = await super().authorize(authenticated, authzid.lower())
        return _StoredIdentity(identity.name.lower(), self, None, identity.roles)


class _LoopbackConfig(Config):
    @property
    def greeting(self) -> bytes:
        return b"Halden demo mail server ready"  # not the host's full name: looking that up can take seconds


class DemoImap:
    """The IMAP server of the demo, without TLS, for loopback only. Make it inside the running event loop."""

    def __init__(self, store: MailStore, users: dict[str, str]) -> None:
        config = _LoopbackConfig(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=None,
            port=0,
            demo_data=False,
            demo_user="",
            demo_password="",
            tls_enabled=False,
            hash_context=Cleartext(),
        )
        config.apply_context()
        self._login = StoredLogin(config, store, users)
        reader = ProxyProtocolReader(ProxyProtocolVersion.get(None))
        self._on_connection = reader.get_callback(IMAPServer(self._login, config))

    def folder(self, owner: str) -> StoredFolder | None:
        """The INBOX of this user, or None when the demo has no such user."""
        folders = self._login.folders.get(owner.lower())
        return folders.inbox if folders else None

    async def start(self, host: str, port: int) -> asyncio.Server:
        """Listen. Raises OSError when the port is taken."""
        return await asyncio.start_server(self._on_connection, host=host, port=port)
