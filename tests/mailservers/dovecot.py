"""A real Dovecot from a generated configuration, as whoever runs the tests, touching nothing of the system's own."""

from __future__ import annotations

import getpass
import grp
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from imapclient import IMAPClient

from tests.mailservers.certificate import make_certificate
from tests.mailservers.ports import free_port, wait_for_port
from tests.mailservers.tokens import TokenServer

_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/sbin"])
PROGRAM = shutil.which("dovecot", path=_PATH)
PASSWORD = "correct-horse"
_NOBODY = 65534
_COMMAND = re.compile(rb"(?:[\d.]+ )?[A-Za-z]{1,8}\d+ ((?:UID )?[A-Z]+.*)")
_CHROOTED = ("anvil", "imap-login", "managesieve-login", "pop3-login", "submission-login", "lmtp", "stats")


class Dovecot:
    """IMAP on `port` (plain and STARTTLS) and `tls_port`; `cert` is the certificate to trust.

    Every user exists, and his password is PASSWORD; XOAUTH2 asks the token server, when there is one.
    `encrypts=False` offers no TLS at all;
    `keeps_commands` writes down what clients say, so that `commands()` can count it.
    """

    def __init__(
        self, tokens: TokenServer | None = None, *, encrypts: bool = True, keeps_commands: bool = False
    ) -> None:
        if PROGRAM is None:
            raise RuntimeError("dovecot is not installed (Debian: dovecot-imapd)")
        self.root = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.root.chmod(0o755)
        self.port, self.tls_port = free_port(), free_port()
        self.cert, self._key = make_certificate(self.root)
        self._is_root = os.geteuid() == 0
        self._owner = (_NOBODY, _NOBODY) if self._is_root else (os.getuid(), os.getgid())
        self._names = itertools.count(1)
        self._files = itertools.count(1)
        (self.root / "mail").mkdir()
        os.chown(self.root / "mail", *self._owner)
        self._config = self.root / "dovecot.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._said = self.root / "said"
        self._said.mkdir(mode=0o777)
        self._said.chmod(0o777)
        self._heard: dict[str, int] = {}
        self._encrypts, self._keeps_commands = encrypts, keeps_commands
        self._config.write_text(self._configuration(tokens), encoding="utf-8")

    def _configuration(self, tokens: TokenServer | None) -> str:
        uid, gid = self._owner
        tls = f"ssl = yes\nssl_cert = <{self.cert}\nssl_key = <{self._key}" if self._encrypts else "ssl = no"
        lines = f"""
base_dir = {self.root}/run
state_dir = {self.root}/state
instance_name = {self.root.name}
log_path = {self.root}/log
protocols = imap
listen = 127.0.0.1
{tls}
disable_plaintext_auth = no
auth_mechanisms = plain login{" xoauth2" if tokens else ""}
auth_cache_size = 0
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_max_userip_connections = 200
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={self.root}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = {self.tls_port}
    ssl = {"yes" if self._encrypts else "no"}
  }}
}}
"""
        if self._keeps_commands:
            lines += f"protocol imap {{\n  rawlog_dir = {self._said}\n}}\n"
        if tokens is not None:
            (self.root / "oauth2").write_text(
                f"tokeninfo_url = {tokens.introspection_url}\nintrospection_mode =\nusername_attribute = username\n"
                "active_attribute = active\nactive_value = true\n",
                encoding="utf-8",
            )
            lines += f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {self.root}/oauth2\n}}\n"
        if not self._is_root:
            me, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
            lines += f"default_internal_user = {me}\ndefault_internal_group = {group}\ndefault_login_user = {me}\n"
            lines += "".join(f"service {name} {{\n  chroot =\n}}\n" for name in _CHROOTED[:2])
        return lines

    def __enter__(self) -> Dovecot:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def start(self) -> None:
        """Runs until `stop`."""
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-F", "-c", str(self._config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            wait_for_port(self.port)
        except TimeoutError:
            self._process.kill()
            _out, said = self._process.communicate()
            raise RuntimeError(f"dovecot did not start: {said.decode()} {self.log()}") from None

    def stop(self) -> None:
        """Ends it and all its children."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        self._process = None

    def log(self) -> str:
        """What it has written down."""
        file = self.root / "log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def commands(self) -> list[str]:
        """Every command line clients said since the last call (after sign-in), literals left out."""
        found: list[str] = []
        for file in sorted(self._said.iterdir()):
            if file.name.endswith(".in"):
                said = file.read_bytes()
                lines = said[self._heard.get(file.name, 0) :].split(b"\r\n")
                self._heard[file.name] = len(said)
                found += [m[1].decode() for line in lines if (m := _COMMAND.match(line))]
        return found

    def user(self, name: str = "") -> str:
        """A new user with an empty INBOX; returns his name."""
        name = name or f"box{next(self._names)}@halden.example"
        with self.client(name) as client:
            client.select_folder("INBOX")
        return name

    def client(self, user: str) -> IMAPClient:
        """A signed-in client of the test's own; use as a context manager."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30)
        client.login(user, PASSWORD)
        return client

    def deliver(self, user: str, *mails: bytes) -> None:
        """Puts mails into INBOX as a delivery agent does: written whole, then renamed into `new`, in order."""
        box = self.root / "mail" / user / "Maildir"
        for mail in mails:
            name = f"{1_700_000_000 + next(self._files)}.M{next(self._files):09d}P1.test,S={len(mail)}"
            part = box / "tmp" / name
            part.write_bytes(mail)
            os.chown(part, *self._owner)
            part.rename(box / "new" / name)

    def renumber(self, user: str) -> None:
        """As when a mailbox is rebuilt on the server: same mails, new UIDVALIDITY, new UIDs."""
        box = self.root / "mail" / user / "Maildir"
        lines = (box / "dovecot-uidlist").read_text(encoding="utf-8").splitlines()
        old = next(word for word in lines[0].split() if word.startswith("V"))
        for file in box.glob("dovecot*"):
            file.unlink()
        uidlist = box / "dovecot-uidlist"
        uidlist.write_text(f"3 V{int(old[1:]) + 1000} N{len(lines) * 3} G{os.urandom(16).hex()}\n", encoding="utf-8")
        os.chown(uidlist, *self._owner)

    def flags(self, user: str, folder: str = "INBOX") -> dict[int, tuple[bytes, ...]]:
        """UID -> flags of every mail in a folder, without looking at any."""
        with self.client(user) as client:
            client.select_folder(folder, readonly=True)
            uids = client.search()
            answer = client.fetch(uids, ["FLAGS"]) if uids else {}
            return {uid: tuple(f for f in data[b"FLAGS"] if f != b"\\Recent") for uid, data in answer.items()}

    def folders(self, user: str) -> list[str]:
        """Names of all folders."""
        with self.client(user) as client:
            return [str(name) for _flags, _delimiter, name in client.list_folders()]


def as_crlf(mails: Iterable[bytes]) -> list[bytes]:
    """Mails with the line ends IMAP carries."""
    return [mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for mail in mails]
