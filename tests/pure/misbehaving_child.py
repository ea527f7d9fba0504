"""A child of the mail sandbox that does what the mail says: hang, spin, eat memory, die, lie. For test_mail_sandbox.py.

Run as a module by the sandbox, with the real protocol and the real limits around a reader that obeys its input.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from helpdesk.mail import sandbox_child
from helpdesk.mail.message import ParsedMail, UnreadableMail
from helpdesk.mail.mime import Limits


def obey(raw: bytes, *, limits: Limits, our_addresses: frozenset[str]) -> ParsedMail:
    """Do what the mail says; a mail that says nothing is read as its own subject."""
    match raw:
        case b"hang":
            time.sleep(60)
        case b"spin":
            while True:
                pass
        case b"eat":
            return ParsedMail(text="x" * (2 << 30))
        case b"die":
            os._exit(3)
        case b"crash":
            os.abort()
        case b"raise":
            raise KeyError("secret of the mail")
        case b"print":
            print("noise on standard output")
            sys.stdout.flush()
        case b"lie":
            os.write(sandbox_child_output(), b"\x00" + b"\xff" * 64)
            time.sleep(60)
        case b"open":
            with open("/tmp/written-by-a-mail", "wb") as file:
                file.write(b"x" * 100)
        case b"environment":
            return ParsedMail(subject=" ".join(sorted(os.environ)))
        case b"files":
            return ParsedMail(subject=" ".join(link.name for link in Path("/proc/self/fd").iterdir()))
        case b"refuse":
            raise UnreadableMail("The mail is empty.")
        case _:
            pass
    return ParsedMail(subject=raw.decode())


def sandbox_child_output() -> int:
    """The descriptor the child answers on: the pipe that is none of the standard ones."""
    for link in Path("/proc/self/fd").iterdir():
        if int(link.name) > 2 and link.is_fifo():
            return int(link.name)
    raise AssertionError("no pipe")


if __name__ == "__main__":
    sandbox_child.main(obey)
